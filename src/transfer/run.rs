//! One run of a plan, and what its parts hand to each other.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::monitor::{Item, Outcome};
use crate::plan::{Action, ActionKind};
use crate::repository::trash::{self, Limits, TrashError, TrashRun, Why};
use crate::repository::{Change, Repository};
use crate::session::Session;
use crate::tree::RepoPath;

use super::down::Fetched;
use super::up::Uploaded;

/// What shapes the carrying out, beside the plan.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Losers in the bucket that the base does not know are kept first.
    pub backup: bool,
    /// Why things go to the trash in this run.
    pub why: Why,
}

/// One run of a plan.
pub struct Run<D: Disk, C> {
    pub(super) session: Arc<Session<D, C>>,
    pub(super) trash: TrashRun<D>,
    pub(super) options: Options,
}

/// What failed, and later stages must not build upon.
#[derive(Default)]
pub(super) struct Failed {
    /// Clashes of which an action failed.
    pub(super) clashes: HashSet<u32>,
    /// Files with ignore rules that should have come or gone, and have not.
    pub(super) rules: Vec<RepoPath>,
    /// Objects that end, and how many files are not yet stored under their new names: without the
    /// object these would have to be sent, and until then nobody else had them.
    moving: HashMap<RepoPath, u64>,
}

impl Failed {
    /// Begins with nothing failed, and nothing moved yet.
    pub(super) fn none_of(actions: &[Action]) -> Self {
        let mut failed = Self::default();
        for row in actions.iter().filter_map(|action| action.origin()) {
            *failed.moving.entry(row.path.clone()).or_default() += 1;
        }
        failed
    }

    /// A file has its new name in the bucket, or is not to have it.
    pub(super) fn moved(&mut self, action: &Action) {
        if let Some(row) = action.origin()
            && let Some(count) = self.moving.get_mut(&row.path)
        {
            *count = count.saturating_sub(1);
        }
    }

    /// Tells whether an object has to stay because of what it became.
    pub(super) fn keeps(&self, action: &Action) -> bool {
        action.kind == ActionKind::DeleteRemote
            && self.moving.get(&action.path).is_some_and(|count| *count > 0)
    }
}

/// What is ready to take effect on the disk and in the database.
pub(super) enum Ready<D: Disk> {
    /// Only rows: the bucket has it already, or both sides agree.
    Recorded(Vec<Change>),
    /// The row of a file that the bucket has.
    Uploaded(Uploaded<D>),
    /// A fetched file waits for its name.
    Fetched(Box<Fetched<D>>),
    /// A local file is to go to the trash.
    Removal,
    /// A local file is to have another name.
    Rename,
}

impl<D: Disk, C: Clock> Run<D, C> {
    /// Prepares to carry out plans in `session`.
    pub fn new(session: Arc<Session<D, C>>, trash: TrashRun<D>, options: Options) -> Self {
        Self { session, trash, options }
    }

    /// Ends the trash of the run, and prunes it where something was added.
    pub fn finish_trash(&self, repository: &Repository<D>, now: i64) -> Result<(), TrashError> {
        if !self.trash.has_entries() {
            return Ok(());
        }
        self.trash.finish()?;
        let limits =
            Limits { days: repository.config.trash_days, size: repository.config.trash_size };
        let folders = (&repository.root, &repository.control);
        trash::prune(&self.session.files.disk, folders, now, limits).map(|_| ())
    }
}

/// Tells the monitor what came of an action.
pub(super) fn item(action: &Action, outcome: Outcome) -> Item {
    let (path, from) = (action.path.clone(), action.moved_from().cloned());
    Item { path, from, action: action.deed(), bytes: action.bytes(), outcome }
}
