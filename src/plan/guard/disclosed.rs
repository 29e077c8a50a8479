//! [`Disclosed`]: files that rules have kept from the bucket until now.

use std::collections::BTreeSet;

use crate::tree::RepoPath;

/// How many paths and rules are named.
const NAMED_MAX: usize = 5;

/// Files here that a plan sends because the rules which come with it no longer ignore them. Nobody who
/// works here has decided that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disclosed {
    files: u64,
    named: Vec<RepoPath>,
    rules: BTreeSet<String>,
}

impl Disclosed {
    /// Adds a file, and where the rule stands that has kept it back: `FILE:LINE`.
    pub fn add(&mut self, path: &RepoPath, rule: &str) {
        self.files += 1;
        if self.named.len() < NAMED_MAX {
            self.named.push(path.clone());
        }
        if self.rules.len() < NAMED_MAX {
            self.rules.insert(rule.to_owned());
        }
    }

    /// Returns how many there are.
    pub fn files(&self) -> u64 {
        self.files
    }

    /// Returns the first of them.
    pub fn named(&self) -> &[RepoPath] {
        &self.named
    }

    /// Returns where the rules stand that have kept them back: the first few.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(String::as_str)
    }
}
