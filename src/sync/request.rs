//! What a run is asked for.

use crate::plan::{Direction, FileLimit, Selection};
use crate::repository::trash::Why;
use crate::session::Manner;
use crate::session::limits::tuning::Tuning;

/// What a person asked for.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub struct Request {
    /// Which way.
    pub direction: Direction,
    /// `push FILE`: the force was not typed, so it does not reach into folders.
    pub implicit_force: bool,
    /// Which paths.
    pub selection: Selection,
    /// The bucket is not listed: the base stands for it (`status --offline`, `push --no-list`).
    pub unlisted: bool,
    /// Deletions are left out of the plan.
    pub no_delete: bool,
    /// How many deletions a side may suffer; `None` is the default rule.
    pub max_delete: Option<FileLimit>,
    /// How many replacements of what both sides agreed on it may; `None` is the default rule.
    pub max_change: Option<FileLimit>,
    /// How many transfers at once, how large their parts, and how fast.
    pub tuning: Tuning,
    /// At most so many actions.
    pub limit: Option<u64>,
    /// Losers in the bucket that the base does not know are kept first.
    pub backup: bool,
    /// The plan settles conflicts: what loses goes to the trash as such.
    pub resolving: bool,
}

impl Request {
    /// Returns how the run goes about it.
    pub(super) fn manner(&self) -> Manner {
        Manner { tuning: self.tuning, unlisted: self.unlisted }
    }

    /// Returns why things go to the trash in this run.
    pub(super) fn why(&self) -> Why {
        if self.resolving {
            return Why::Resolved;
        }
        match self.direction {
            Direction::Sync | Direction::Push | Direction::Pull => Why::Replaced,
            Direction::ForcedPush | Direction::ForcedPull => Why::Forced,
            Direction::MirrorPull | Direction::MirrorPush => Why::Mirror,
        }
    }
}
