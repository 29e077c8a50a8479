//! What has to happen, as a value: printable, countable, testable. Pure.

#![cfg_attr(not(test), warn(clippy::wildcard_enum_match_arm))]

mod action;
mod builder;
mod change;
mod clashes;
mod classify;
mod conflict;
mod direction;
mod guard;
mod moves;
pub mod notices;
mod pairs;
mod reconcile;
mod selection;
#[cfg(test)]
mod tests;
mod unstorable;

pub use action::{Action, ActionKind, Detail, Stage};
pub use builder::{IGNORE_FILE, PlanBuilder, PlanOptions};
pub use change::{Change, LocalChange, Member, RemoteChange, Untracked};
pub use clashes::{ClashVerdict, Members, ParentFolder, reconcile_clash};
pub use classify::{Examined, Need, classify, may_be_touched_there, need};
pub use conflict::{
    Conflict, ConflictKind, Contested, Moved, Resolution, copy_path, moved, settle,
};
pub use direction::Direction;
pub use guard::{
    Cause, Disclosed, Excess, FileLimit, FileLimitError, FirstNames, Guard, Loss, SafetyStop,
};
pub use moves::{Missing, pair_here, take_apart};
pub use notices::{Notice, NoticeKind, Rule, Why};
pub use reconcile::{Decision, reconcile};
pub use selection::{GlobError, Selection};

use std::collections::HashSet;

use crate::tree::RepoPath;

/// What a run will do, complete before the first transfer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// In the order in which they are carried out: by stage, then by path.
    pub actions: Vec<Action>,
    /// What both sides changed.
    pub conflicts: Vec<Conflict>,
    /// What is left alone.
    pub notices: Vec<Notice>,
    /// Paths that changed here and that a pull leaves for a push.
    pub ahead: u64,
    /// Paths that changed in the bucket and that a push leaves for a pull.
    pub behind: u64,
    /// Of these, the paths that were deleted there.
    pub behind_deleted: u64,
    /// Paths on which all three sides agree.
    pub agreed: u64,
    /// Rows of the database, selected or not; counted only where the guard has something to weigh.
    pub tracked: u64,
    /// What goes to the bucket because rules that come with the run no longer ignore it.
    pub disclosed: Disclosed,
    /// Actions that `--no-delete` took out: deletions, and all of a clash that needs one.
    pub withheld_deletions: u64,
    /// Actions that `--limit` took out of the plan.
    pub beyond_limit: u64,
    /// Folders here on which other disks are mounted.
    pub mounts: Vec<RepoPath>,
}

impl Plan {
    /// Sorts the actions as their turns come, where they lie: no path has two in a stage, and a stable
    /// sort would hold half of them twice.
    pub(crate) fn sort_actions(&mut self) {
        self.actions.sort_unstable_by(|a, b| (a.stage, &a.path).cmp(&(b.stage, &b.path)));
    }

    /// Takes actions out, and with each all of its clash; returns how many went.
    pub(crate) fn take_out(&mut self, is_out: impl Fn(&Action) -> bool) -> u64 {
        let clashes =
            self.actions.iter().filter(|it| it.clash != 0 && is_out(it)).map(|it| it.clash);
        let clashes: HashSet<u32> = clashes.collect();
        let before = self.actions.len();
        self.actions.retain(|it| !is_out(it) && !clashes.contains(&it.clash));
        (before - self.actions.len()) as u64
    }

    /// Counts the actions of a kind.
    pub fn count(&self, kind: ActionKind) -> u64 {
        self.actions.iter().filter(|action| action.kind == kind).count() as u64
    }

    /// Counts the objects that end in the bucket and have no other name there.
    pub fn deleted_in_bucket(&self) -> u64 {
        let ends =
            |action: &&Action| action.kind == ActionKind::DeleteRemote && !action.has_moved_away();
        self.actions.iter().filter(ends).count() as u64
    }

    /// Counts the files that got another name here, and that get it in the bucket by this plan.
    pub fn moved_here(&self) -> u64 {
        self.actions.iter().filter(|action| action.has_moved_away()).count() as u64
    }

    /// Counts the files that go to the trash here, by themselves or with their folder.
    pub fn deleted_here(&self) -> u64 {
        self.count(ActionKind::DeleteLocal) + self.replaced_files()
    }

    /// Counts the files that go to the trash here as part of a folder ([`ActionKind::ReplaceFolder`]).
    pub fn replaced_files(&self) -> u64 {
        self.actions.iter().map(|action| action.folder().len() as u64).sum()
    }

    /// Counts the rows that end although nothing is deleted in this run.
    pub fn forgotten(&self) -> u64 {
        let is_forgotten =
            |action: &&Action| action.kind == ActionKind::Forget && !action.goes_with_folder();
        self.actions.iter().filter(is_forgotten).count() as u64
    }

    /// Counts the versions that both sides agreed on and that others take the place of, on one side.
    pub fn replacements(&self, in_bucket: bool) -> u64 {
        let replaces = |action: &&Action| action.replaces(in_bucket);
        self.actions.iter().filter(replaces).count() as u64
    }

    /// Sums up the bytes that go over the line.
    pub fn bytes(&self) -> u64 {
        self.actions.iter().map(Action::bytes).sum()
    }

    /// Turns conflicts that nothing proves into notices: beside another lsync at work they are most
    /// likely what it has under way.
    pub fn mark_in_flight(&mut self) {
        let (proven, in_flight) = (self.conflicts.drain(..)).partition(|conflict| conflict.proven);
        self.conflicts = proven;
        self.notices.extend(in_flight.iter().map(|conflict| notices::in_flight(&conflict.path)));
    }

    /// Counts what lsync follows no more, by a new rule or because it is another working copy's now.
    pub fn dropped(&self) -> u64 {
        self.notices.iter().filter(|notice| notice.kind().is_forgotten()).count() as u64
    }

    /// Counts the actions that do more than teach the database.
    pub fn visible(&self) -> u64 {
        self.actions.iter().filter(|action| action.is_visible()).count() as u64
    }
}
