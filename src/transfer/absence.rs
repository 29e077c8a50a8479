//! Asks by name for what a listing does not show.

use std::sync::atomic::Ordering;

use super::context::Context;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::remote::RemoteError;
use crate::tree::{RepoPath, Version};

/// What there is of an object that a listing did not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// Nothing: the listing was right.
    Confirmed,
    /// This version is there, and a listing of its very name shows it.
    Listed(Version),
    /// It is there, and a listing of its very name does not show it either.
    Unlisted,
}

impl<D: Disk, C: Clock> Context<D, C> {
    /// Looks at an object, and lists its name where it is there after all.
    ///
    /// # Errors
    /// Where the store does not answer: what nobody can tell is no absence.
    pub async fn confirm_absence(&self, path: &RepoPath) -> Result<Absence, RemoteError> {
        let Some(object) = self.object(path).await? else { return Ok(Absence::Confirmed) };
        Ok(if self.list_name(path).await?.is_some() {
            Absence::Listed(object.entry.version)
        } else {
            Absence::Unlisted
        })
    }

    /// Lets listings no longer be fetched in several ranges at once, because one has lacked `path`;
    /// `false` where that is so already.
    pub fn list_in_one_piece(&self, path: &RepoPath) -> bool {
        let was_whole = self.lists_whole.swap(true, Ordering::Relaxed);
        if !was_whole {
            self.monitor.warning(&format!(
                "{path} was missing in a listing and is in the bucket as it was, so everything is \
                 listed again, one page after the other; if this stays, run `lsync init` on the same \
                 bucket again"
            ));
        }
        !was_whole
    }
}
