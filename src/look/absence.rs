//! Asks by name for what a listing does not show.

use std::sync::atomic::Ordering;

use super::object;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::remote::RemoteError;
use crate::session::Session;
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

/// Looks at an object, and lists its name where it is there after all.
///
/// # Errors
/// Where the store does not answer: what nobody can tell is no absence.
pub async fn confirm_absence<D: Disk, C: Clock>(
    session: &Session<D, C>,
    path: &RepoPath,
) -> Result<Absence, RemoteError> {
    let Some(object) = object::object(session, path).await? else { return Ok(Absence::Confirmed) };
    Ok(if object::list_name(session, path).await?.is_some() {
        Absence::Listed(object.entry.version)
    } else {
        Absence::Unlisted
    })
}

/// Lets listings no longer be fetched in several ranges at once, because one has lacked `path`;
/// `false` where that is so already.
pub fn list_in_one_piece<D: Disk, C: Clock>(session: &Session<D, C>, path: &RepoPath) -> bool {
    let was_whole = session.lists_whole.swap(true, Ordering::Relaxed);
    if !was_whole {
        session.monitor.warning(&format!(
            "{path} was missing in a listing and is in the bucket as it was, so everything is \
             listed again, one page after the other; if this stays, run `lsync init` on the same \
             bucket again"
        ));
    }
    !was_whole
}
