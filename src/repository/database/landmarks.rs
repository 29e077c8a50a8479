//! Every so-many-th path of the database: where a listing can be split without asking the store.

use std::iter::Peekable;

use crate::tree::RepoPath;

use super::changes::{Changes, Values};

/// Rows from one landmark to the next: as many keys as a page of a listing holds.
const ROWS_BETWEEN: u64 = 1_000;

/// Counts the rows of the database and the journal together, in one pass over the paths of the former.
///
/// Rows that it is not told of, and rows out of order, only put the landmarks elsewhere.
pub(super) struct Landmarks<'a> {
    changes: Peekable<std::collections::btree_map::Iter<'a, RepoPath, Option<Values>>>,
    rows: u64,
    /// The path of the last row, where it would be a landmark if another one followed.
    candidate: Option<RepoPath>,
    found: Vec<RepoPath>,
}

impl<'a> Landmarks<'a> {
    /// Begins before the first row.
    pub(super) fn new(changes: &'a Changes) -> Self {
        let changes = changes.iter().peekable();
        Self { changes, rows: 0, candidate: None, found: Vec::new() }
    }

    /// Meets the path of the database's next row.
    pub(super) fn meet(&mut self, path: &[u8]) {
        let is_due = |(changed, _): &(&RepoPath, _)| changed.as_str().as_bytes() <= path;
        let mut is_overridden = false;
        while let Some((changed, values)) = self.changes.next_if(is_due) {
            is_overridden = changed.as_str().as_bytes() == path;
            if values.is_some() {
                self.count(changed.as_str().as_bytes());
            }
        }
        if !is_overridden {
            self.count(path);
        }
    }

    fn count(&mut self, path: &[u8]) {
        self.found.extend(self.candidate.take());
        self.rows += 1;
        if self.rows.is_multiple_of(ROWS_BETWEEN) {
            let path = std::str::from_utf8(path).ok();
            self.candidate = path.and_then(|path| RepoPath::parse(path).ok());
        }
    }

    /// Counts what the journal has behind the database's last row, and returns the landmarks.
    pub(super) fn finish(mut self) -> Vec<RepoPath> {
        while let Some((path, values)) = self.changes.next() {
            if values.is_some() {
                self.count(path.as_str().as_bytes());
            }
        }
        self.found
    }
}
