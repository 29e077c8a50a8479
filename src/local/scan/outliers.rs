//! What a scan finds that has no place in the order of keys.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{LocalItem, ScanError};
use crate::plan::{Notice, notices};
use crate::tree::{LocalEntry, RepoPath};

/// Takes out of a scan what the merge cannot use, while it passes by.
#[derive(Debug, Default)]
pub struct Outliers(Mutex<Found>);

/// What was taken out.
#[derive(Debug, Default)]
pub struct Found {
    /// Names that no key can hold.
    pub unnameable: Vec<Notice>,
    /// The tops of other file systems.
    pub tops: Vec<RepoPath>,
}

impl Outliers {
    /// Passes the entries on.
    pub fn take_out(
        &self,
        scan: impl Iterator<Item = Result<LocalItem, ScanError>>,
    ) -> impl Iterator<Item = Result<LocalEntry, ScanError>> {
        scan.filter_map(|item| {
            match item {
                Ok(LocalItem::Entry(entry)) => return Some(Ok(entry)),
                Ok(LocalItem::Unnameable { folder, name, reason }) => {
                    let name = name.as_encoded_bytes();
                    let notice = notices::unnameable(folder.as_ref(), name, reason);
                    self.found().unnameable.push(notice);
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
