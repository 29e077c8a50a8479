//! What stands here and keeps objects of the bucket from coming. Pure.

use std::collections::BTreeMap;

use crate::plan::Notice;
use crate::tree::{Marker, RepoPath};

/// Links, special files and other working copies here, and the objects that cannot come because of
/// them.
#[derive(Debug, Default)]
pub(in crate::plan) struct Standing {
    /// The place of the notice, and how many objects are kept out, by path.
    found: BTreeMap<RepoPath, (usize, u64)>,
    /// Objects of which nothing was found to stand in their way yet.
    early: Vec<RepoPath>,
}

impl Standing {
    /// Tells whether what a marker stands for keeps out what it stands in the way of, and no rule
    /// and no error has told of it.
    pub(in crate::plan) fn is_in_the_way(marker: &Marker) -> bool {
        matches!(marker, Marker::Link | Marker::Special | Marker::Nested)
    }

    /// Takes note of what stands at `path`, of which the notice at `place` tells.
    pub(in crate::plan) fn stands(&mut self, path: &RepoPath, place: usize) {
        self.found.insert(path.clone(), (place, 0));
    }

    /// Takes note of an object at or below what stands here.
    pub(in crate::plan) fn keeps_out(&mut self, path: &RepoPath) {
        if !self.count(path) {
            self.early.push(path.clone());
        }
    }

    /// Makes a notice of what keeps objects out one of an incomplete run.
    pub(in crate::plan) fn tell(mut self, notices: &mut [Notice]) {
        for path in std::mem::take(&mut self.early) {
            self.count(&path);
        }
        for (place, kept_out) in self.found.into_values().filter(|(_, kept_out)| *kept_out > 0) {
            let Some(notice) = notices.get_mut(place) else { continue };
            notice.keeps_out = kept_out;
            notice.incomplete = true;
        }
    }

    fn count(&mut self, path: &RepoPath) -> bool {
        let mut within = path.ancestors().chain([path.clone()]);
        let Some(at) = within.find(|folder| self.found.contains_key(folder)) else { return false };
        if let Some((_, kept_out)) = self.found.get_mut(&at) {
            *kept_out += 1;
        }
        true
    }
}
