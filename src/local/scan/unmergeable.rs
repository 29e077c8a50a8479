//! What a scan finds that has no place in the order of keys.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{LocalItem, ScanError};
use crate::plan::{Notice, notices};
use crate::tree::{LocalEntry, RepoPath};

/// Takes out of a scan what the merge cannot use, while it passes by.
#[derive(Debug, Default)]
pub struct Unmergeable(Mutex<Found>);

/// What was taken out.
#[derive(Debug, Default)]
pub struct Found {
    /// Names that no key can hold and that nothing leaves alone.
    pub unnameable: Vec<Notice>,
    /// The folders that such names lie in, and all above: also of names that are left alone.
    pub holders: BTreeSet<RepoPath>,
    /// The tops of other file systems.
    pub tops: Vec<RepoPath>,
}

impl Unmergeable {
    /// Passes the entries on.
    pub fn take_out(
        &self,
        scan: impl Iterator<Item = Result<LocalItem, ScanError>>,
    ) -> impl Iterator<Item = Result<LocalEntry, ScanError>> {
        scan.filter_map(|item| {
            match item {
                Ok(LocalItem::Entry(entry)) => return Some(Ok(entry)),
                Ok(LocalItem::Unnameable { folder, name, fault, left_alone }) => {
                    let mut found = self.found();
                    if !left_alone {
                        let name = name.as_encoded_bytes();
                        let notice = notices::unnameable(folder.as_ref(), name, fault);
                        found.unnameable.push(notice);
                    }
                    if let Some(folder) = folder {
                        found.holders.extend(folder.ancestors());
                        found.holders.insert(folder);
                    }
                }
                Ok(LocalItem::Top(path)) => self.found().tops.push(path),
                Err(error) => return Some(Err(error)),
            }
            None
        })
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what was taken out.
    pub fn into_found(self) -> Found {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
