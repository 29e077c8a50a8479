//! Carries out a plan: a bounded pool prepares actions, a committer gives them effect on the disk
//! and records them, group by group.
//!
//! ```text
//! actions ──pool──▶ prepared ──channel──▶ committer: contents, sync, renames, sync, rows, fdatasync
//! ```
//! A file that fails is an outcome; the others go on. Stages follow one another: new ignore rules,
//! room for what changes its shape, new and changed things, deletions.

mod abandoned;
mod aside;
mod commit;
mod confirm;
mod digest;
mod down;
mod durable;
mod keep_both;
mod names;
mod report;
mod room;
mod spelling;
mod up;
mod work;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::sync::mpsc;

pub use abandoned::drop_abandoned;
pub use aside::{AsideError, fetch_into, fetch_version};
pub use down::fetch_into_memory;
pub use report::Report;
pub use work::beside;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::IgnoreRules;
use crate::monitor::{Event, Item, ItemKind, Phase};
use crate::plan::{Action, ActionKind, Plan, Stage};
use crate::repository::trash::{self, Limits, TrashError, TrashRun, Why};
use crate::repository::{Database, Repository};
use crate::session::Session;
use crate::session::trouble::{self, Trouble};
use crate::tree::{Kind, RepoPath};

use down::Fetched;
use up::Uploaded;

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
    session: Arc<Session<D, C>>,
    trash: TrashRun<D>,
    options: Options,
}

/// What failed, and later stages must not build upon.
#[derive(Default)]
struct Failed {
    /// Knots of which an action failed.
    knots: HashSet<u32>,
    /// Files with ignore rules that should have come or gone, and have not.
    rules: Vec<RepoPath>,
    /// Objects that end, and how many files are not yet stored under their new names: without the
    /// object these would have to be sent, and until then nobody else had them.
    moving: HashMap<RepoPath, u64>,
}

impl Failed {
    /// Begins with nothing failed, and nothing moved yet.
    fn none_of(actions: &[Action]) -> Self {
        let mut failed = Self::default();
        for row in actions.iter().filter_map(|action| action.origin()) {
            *failed.moving.entry(row.path.clone()).or_default() += 1;
        }
        failed
    }

    /// A file has its new name in the bucket, or is not to have it.
    fn moved(&mut self, action: &Action) {
        if let Some(row) = action.origin()
            && let Some(count) = self.moving.get_mut(&row.path)
        {
            *count = count.saturating_sub(1);
        }
    }

    /// Tells whether an object has to stay because of what it became.
    fn keeps(&self, action: &Action) -> bool {
        action.kind == ActionKind::DeleteRemote
            && self.moving.get(&action.path).is_some_and(|count| *count > 0)
    }
}

/// What is ready to take effect on the disk and in the database.
enum Ready<D: Disk> {
    /// Only rows: the bucket has it already, or both sides agree.
    Recorded(Vec<crate::repository::Change>),
    /// The row of a file that the bucket has.
    Uploaded(Uploaded<D>),
    /// A fetched file waits for its name.
    Fetched(Box<Fetched<D>>),
    /// A local file is to go to the trash.
    Removal,
}

impl<D: Disk, C: Clock> Run<D, C> {
    /// Prepares to carry out plans in `session`.
    pub fn new(session: Arc<Session<D, C>>, trash: TrashRun<D>, options: Options) -> Self {
        Self { session, trash, options }
    }

    /// Carries out `plan` and records what happened.
    ///
    /// # Errors
    /// Only where nothing more can be recorded; what happened to single paths is in the report.
    pub async fn carry_out(
        self: &Arc<Self>,
        plan: Plan,
        database: &mut Database<D>,
    ) -> Result<Report, crate::repository::DatabaseError> {
        let mut report = Report::of(&plan);
        let (files, bytes) = (plan.visible(), plan.bytes());
        self.session.monitor.phase(Phase::Working { files, bytes });
        let mut actions = plan.actions;
        let mut failed = Failed::none_of(&actions);
        for stage in [Stage::Rules, Stage::Aside, Stage::Room, Stage::Main, Stage::Last] {
            let mut due = take_due(&mut actions, stage);
            if due.is_empty() {
                continue;
            }
            due.retain(|action| {
                let is_cut_off = action.knot != 0 && failed.knots.contains(&action.knot);
                !is_cut_off && !self.stays(action, &failed)
            });
            self.stage(due, database, &mut report, &mut failed).await?;
            if stage == Stage::Rules {
                self.hold_back_ungoverned(&mut actions, &mut report, &mut failed);
                self.leave_out_ignored(&mut actions, &mut failed);
            }
        }
        report.interrupted = self.session.stop.is_requested() && report.fatal.is_none();
        self.session.monitor.phase(Phase::Finishing);
        Ok(report)
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

    /// Runs the pool and the committer side by side over the actions of one stage.
    async fn stage(
        self: &Arc<Self>,
        actions: Vec<Action>,
        database: &mut Database<D>,
        report: &mut Report,
        failed: &mut Failed,
    ) -> Result<(), crate::repository::DatabaseError> {
        let (sender, receiver) = mpsc::channel(self.session.limits.tuning.jobs.get());
        let pool = beside(self.session.parallel, Arc::clone(self).pool(actions, sender));
        let mut committer = commit::Committer { run: self, database, report, failed };
        let ((), outcome) = tokio::join!(pool, committer.commit_all(receiver));
        outcome
    }

    /// Tells whether an object stays because its file is not stored under its new name, and says so.
    fn stays(&self, action: &Action, failed: &Failed) -> bool {
        let stays = failed.keeps(action);
        if stays && !self.session.stop.is_requested() {
            let reason = "stays until the file is stored under its new name";
            self.session.monitor.event(Event::Skipped(item(action, ItemKind::AwaitsMove, reason)));
        }
        stays
    }

    /// Takes out what the plan decided by rules that are not in place after all: creations, which they
    /// may ignore, and whatever ends.
    fn hold_back_ungoverned(
        &self,
        actions: &mut Vec<Action>,
        report: &mut Report,
        failed: &mut Failed,
    ) {
        let Failed { knots, rules, .. } = failed;
        actions.retain(|action| {
            let missing = rules.iter().find(|rules| {
                (action.is_new() || ends_alone(action)) && governs(rules, &action.path)
            });
            // A row that stays for the next run is nothing to be told of.
            if let Some(rules) = missing.filter(|_| !action.is_bookkeeping()) {
                report.failed += 1;
                knots.extend((action.knot != 0).then_some(action.knot));
                let reason =
                    format!("the new rules of {rules} are not in place, and may ignore it");
                let item = item(action, ItemKind::RulesMissing, &reason);
                self.session.monitor.event(Event::Failed(item));
            }
            missing.is_none()
        });
    }

    /// Takes out creations that rules ignore which this very run has fetched.
    fn leave_out_ignored(&self, actions: &mut Vec<Action>, failed: &mut Failed) {
        let mut rules = IgnoreRules::new(&self.session.files.disk, &self.session.files.root);
        actions.retain(|action| {
            // Rules that cannot be read leave the plan as the old rules made it.
            let ignored =
                rules.check(&action.path, false).ok().flatten().filter(|_| action.is_new());
            if let Some(rule) = &ignored {
                let reason = format!("ignored by the rule {:?} in {}", rule.pattern, rule.place);
                self.session.monitor.event(Event::Skipped(item(
                    action,
                    ItemKind::Ignored,
                    &reason,
                )));
                failed.moved(action);
            }
            ignored.is_none()
        });
    }

    /// Does everything for an action that needs no name in the working copy.
    async fn prepare(&self, action: &Action) -> Result<Ready<D>, Trouble> {
        use crate::repository::Change;
        self.session.expect_to_go_on()?;
        let session = &self.session;
        let path = &action.path;
        match action.kind {
            ActionKind::Adopt => {
                let row = action.adopted();
                Ok(Ready::Recorded(row.map(Change::Put).into_iter().collect()))
            }
            ActionKind::Forget => Ok(Ready::Recorded(vec![Change::Gone(path.clone())])),
            ActionKind::DeleteLocal => Ok(Ready::Removal),
            ActionKind::Upload => {
                let stat = action.local.as_ref().ok_or_else(Trouble::lacks("a file to upload"))?;
                self.keep_loser(action).await?;
                let condition = up::condition(action.remote.as_ref());
                let origin = action.origin();
                let unlisted = session.unlisted;
                let source = up::Source { path, stat, condition, origin, unlisted };
                Ok(Ready::Uploaded(up::upload(session, &source).await?))
            }
            ActionKind::DeleteRemote => {
                self.keep_loser(action).await?;
                work::delete::delete_remote(session, action).await?;
                Ok(Ready::Recorded(vec![Change::Gone(path.clone())]))
            }
            ActionKind::Download | ActionKind::ReplaceFolder => {
                Ok(Ready::Fetched(Box::new(self.fetch(action).await?)))
            }
            ActionKind::KeepBoth => self.keep_both(action).await.map(Ready::Recorded),
        }
    }

    async fn fetch(&self, action: &Action) -> Result<Fetched<D>, Trouble> {
        let version = action.remote.as_ref().ok_or_else(Trouble::lacks("a version to fetch"))?;
        if action.kind == ActionKind::Download && action.local.is_none() {
            spelling::expect_free(&self.session, &action.path)?;
        }
        let replaced = action.local.filter(|stat| stat.kind == Kind::File);
        let wanted = down::Wanted { path: &action.path, version, replaced, for_trash: false };
        down::fetch(&self.session, &wanted).await
    }

    async fn keep_loser(&self, action: &Action) -> Result<(), Trouble> {
        match &action.remote {
            Some(version) if action.unknown_loser && self.options.backup => {
                let why = self.options.why;
                work::delete::keep_remote_loser(
                    &self.session,
                    &action.path,
                    version,
                    &self.trash,
                    why,
                )
                .await
            }
            _ => Ok(()),
        }
    }
}

/// Takes the actions of a stage out of the front. The longer part stays where it lies, so that a large
/// plan is not held twice.
fn take_due(actions: &mut Vec<Action>, stage: Stage) -> Vec<Action> {
    let count = actions.partition_point(|action| action.stage <= stage);
    if count <= actions.len() / 2 {
        return actions.drain(..count).collect();
    }
    let rest = actions.split_off(count);
    std::mem::replace(actions, rest)
}

/// Tells whether an action ends a file, an object or a row, in no clash of file and folder.
fn ends_alone(action: &Action) -> bool {
    let ends = matches!(
        action.kind,
        ActionKind::Forget | ActionKind::DeleteLocal | ActionKind::DeleteRemote
    );
    ends && action.knot == 0
}

/// Tells whether `path` lies in the folder whose rules stand in the file `rules`.
fn governs(rules: &RepoPath, path: &RepoPath) -> bool {
    let folder = rules.parent_str();
    let below = path.as_str().strip_prefix(folder);
    folder.is_empty() || below.is_some_and(|below| below.starts_with('/'))
}

/// Describes an action to the monitor.
fn item(action: &Action, kind: ItemKind, reason: &str) -> Item {
    Item {
        path: action.path.to_string(),
        action: action.word(),
        kind,
        bytes: action.bytes(),
        reason: reason.to_owned(),
        lost: None,
        detail: None,
        hint: trouble::hint(kind).map(str::to_owned),
    }
}
