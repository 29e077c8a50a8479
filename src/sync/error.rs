//! Why a run came to nothing.

use crate::local::ScanError;
use crate::look::ClockUnreadable;
use crate::remote::RemoteError;
use crate::repository::DatabaseError;
use crate::repository::mounts::MountsError;
use crate::session::OpenError;
use crate::tree::{OutOfOrder, RepoPath};

/// Why a run came to no plan, or to no report.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The working copy cannot be scanned.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The run cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database cannot be read or written.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The bucket cannot be listed.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// A side broke the order that everything rests upon.
    #[error(transparent)]
    OutOfOrder(#[from] OutOfOrder),
    /// Nobody knows which disks were mounted.
    #[error(transparent)]
    Mounts(#[from] MountsError),
    /// Nothing tells whether files are still what the plan saw.
    #[error(transparent)]
    Clock(#[from] ClockUnreadable),
    /// An operand that matches nothing on any side.
    #[error("{0} is neither here nor in the bucket")]
    NothingMatches(RepoPath),
    /// An operand that names a folder in which nothing is, on any side.
    #[error("{0} is an empty folder here, and no object lies below it in the bucket")]
    EmptyFolder(RepoPath),
    /// An object that no listing shows: nobody can say what else a listing leaves out.
    #[error(
        "the store has {0}, and does not list it: what is missing in its listings may be there"
    )]
    ListingLies(RepoPath),
    /// More than can be asked for by name would be deleted here because a listing does not show it.
    #[error(
        "{count} files would be deleted here whose names are unusual and not in the listing; each is \
         asked for by name, and a run asks for at most {most}"
    )]
    TooManyUnusual {
        /// Names with other characters than letters, digits, `.`, `_`, `-`.
        count: usize,
        /// How many may be.
        most: usize,
    },
    /// Somebody asked to end before the plan was complete.
    #[error("interrupted before anything was changed")]
    Interrupted,
}
