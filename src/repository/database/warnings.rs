//! What a person should know about lines that do not count.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Warnings kept in words.
const WARNINGS_MAX: usize = 20;

/// Dropped lines counted; more only make the count say "more than".
const LINES_COUNTED_MAX: usize = 10_000;

/// Collects warnings; clones share them. A line that is read twice is warned of once.
#[derive(Clone, Default)]
pub(super) struct Warnings(Arc<Mutex<Collected>>);

#[derive(Default)]
struct Collected {
    messages: Vec<String>,
    lines: BTreeSet<(&'static str, u64)>,
    omitted: usize,
}

impl Warnings {
    /// Adds what is wrong with line `number` of `file`.
    pub(super) fn line(&self, file: &'static str, number: u64, why: &str) {
        let mut collected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if collected.lines.len() >= LINES_COUNTED_MAX || !collected.lines.insert((file, number)) {
            return;
        }
        if collected.messages.len() < WARNINGS_MAX {
            collected.messages.push(format!(
                ".lsync/{file}, line {number} is left out, and its path compared anew: {why}"
            ));
        } else {
            collected.omitted += 1;
        }
    }

    /// Adds something that concerns no single line.
    pub(super) fn general(&self, message: String) {
        let mut collected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if collected.messages.len() < WARNINGS_MAX && !collected.messages.contains(&message) {
            collected.messages.push(message);
        }
    }

    /// Returns them all, and how many more there are.
    pub(super) fn list(&self) -> Vec<String> {
        let collected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut messages = collected.messages.clone();
        if collected.omitted > 0 {
            let more = if collected.lines.len() < LINES_COUNTED_MAX { "" } else { "more than " };
            messages
                .push(format!("{more}{} further lines of .lsync are left out", collected.omitted));
        }
        messages
    }
}
