//! What stands in the bucket and is neither file nor folder: a link in a folder bucket.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::tree::{Local, Marker, RepoPath, Row};

/// The obstacles of a listing: what is tracked or lies here at and below them is left alone, for
/// nobody can tell whether it was deleted.
#[derive(Default)]
pub(super) struct Obstacles {
    /// Whether a row of its own has told of it, by path.
    found: BTreeMap<RepoPath, bool>,
}

impl Obstacles {
    /// Adds one, before the rows at and below it are decided.
    pub(super) fn add(&mut self, path: RepoPath) {
        self.found.insert(path, false);
    }

    /// Marks a row that lies at or below one of them.
    pub(super) fn cover(&mut self, row: &mut Row) {
        if self.found.is_empty() || matches!(row.local, Local::Marked { .. }) {
            return;
        }
        let mut within = row.path.ancestors().chain([row.path.clone()]);
        let Some(at) = within.find(|path| self.found.contains_key(path)) else { return };
        let is_at = at == row.path;
        if is_at {
            self.found.insert(at, true);
        }
        let here = is_at || row.local != Local::Absent;
        row.local = Local::Marked { marker: Arc::new(Marker::Obstacle), here };
    }

    /// Returns those that no row has told of.
    pub(super) fn untold(self) -> impl Iterator<Item = RepoPath> {
        self.found.into_iter().filter(|(_, told)| !told).map(|(path, _)| path)
    }
}
