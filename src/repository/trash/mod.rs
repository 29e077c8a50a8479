//! `.lsync/trash`: what lsync overwrote or deleted, and how it comes back.
//!
//! ```text
//! trash/unfinished             there while a run is at work, or after it was killed
//! trash/RUN/list.yaml          what goes to the trash and why, one line each, written before
//! trash/RUN/local/PATH         copies of the working copy
//! trash/RUN/bucket/PATH        copies of the bucket
//! ```
//! RUN is the time of the run and four hex digits: `20261119T100211Z-ab12`. What lies on another
//! file system goes to the `.lsync/trash/RUN/` at the top of that; its line is in the root's list.
//! Nothing in the trash is ever overwritten: a name that is taken gets `.2`, `.3` …

mod list;
mod prune;
mod restore;
mod run;
mod run_folder;
mod settle;
#[cfg(test)]
mod tests;

use std::io;

pub use list::{Entry, Identity, Side, Why};
pub use prune::{Limits, prune};
pub use restore::{Listed, Restored, Wanted, list, restore};
pub use run::{Fate, NewEntry, Slot, TrashRun};
pub use settle::{Settled, What, settle};

use crate::tree::RepoPath;

/// The name of a run's list.
const LIST: &str = "list.yaml";

/// The name of the file that tells the next command to settle.
const UNFINISHED: &str = "unfinished";

/// What went wrong in the trash.
#[derive(Debug, thiserror::Error)]
pub enum TrashError {
    /// The disk refused.
    #[error("cannot {action} {place} in the trash")]
    Io {
        /// What was being done.
        action: &'static str,
        /// Where.
        place: String,
        /// Why.
        source: io::Error,
    },
    /// All the names for one path are taken.
    #[error("the trash has no free name for {path}")]
    Full {
        /// The path.
        path: RepoPath,
    },
    /// Nothing of that name is in the trash.
    #[error("nothing in the trash is called {operand}")]
    NotFound {
        /// What was asked for.
        operand: String,
    },
}

impl TrashError {
    /// Says what was being done where.
    fn io(action: &'static str, place: &str) -> impl FnOnce(io::Error) -> Self {
        let place = place.to_owned();
        move |source| Self::Io { action, place, source }
    }
}
