//! The story of a run: scan → merge → examine → reconcile → guard → transfer → record.
//!
//! [`plan`] reads three sides and returns a [`Plan`], which can be printed, refused or cut;
//! [`carry_out`] does it and returns a [`Report`]. Neither prints nor asks. Commands that change
//! something hold the lock of the working copy around both.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::{Found, IgnoreRules, Outliers, Scan, ScanError, ScanOptions};
use crate::monitor::Phase;
use crate::plan::{
    Direction, Examined, Guard, MaxDelete, Plan, PlanBuilder, PlanOptions, SafetyStop, Selection,
    may_be_touched_there, need, notices,
};
use crate::remote::{Listed, Page, Remote, RemoteError};
use crate::repository::mounts::{self, MountsError};
use crate::repository::trash::{self, TrashError, TrashRun, Why};
use crate::repository::{Database, DatabaseError};
use crate::transfer::{
    Context, Options, PAGES_AHEAD_MAX, Run, beside, drop_left_over, list_scope, look_above,
};
use crate::tree::{
    Local, LocalEntry, Marker, Merge, Merged, OutOfOrder, RemoteEntry, RepoPath, Row, Step,
};

pub use crate::transfer::{Report, Tuning, World};

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
    /// No request to the bucket: the base stands for it (`status --offline`).
    pub offline: bool,
    /// Nothing is changed and nothing downloaded (`status`, `--dry-run`).
    pub dry_run: bool,
    /// Deletions are left out of the plan.
    pub no_delete: bool,
    /// How many deletions a side may suffer; `None` is the default rule.
    pub max_delete: Option<MaxDelete>,
    /// How many transfers at once, how large their parts, and how fast.
    pub tuning: Tuning,
    /// At most so many actions.
    pub limit: Option<u64>,
    /// Losers in the bucket that the base does not know are kept first.
    pub backup: bool,
    /// The plan settles conflicts: what loses goes to the trash as such.
    pub resolving: bool,
}

/// Why a run came to no plan, or to no report.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The working copy cannot be scanned.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The database cannot be read or written.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The bucket cannot be listed.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// A side broke the order that everything rests upon.
    #[error(transparent)]
    OutOfOrder(#[from] OutOfOrder),
    /// The trash cannot be settled or pruned.
    #[error(transparent)]
    Trash(#[from] TrashError),
    /// Nobody knows which disks were mounted.
    #[error(transparent)]
    Mounts(#[from] MountsError),
    /// The staging folder cannot be used.
    #[error("cannot use .lsync/tmp")]
    Staging(#[source] std::io::Error),
    /// An operand that matches nothing on any side.
    #[error("{0} is neither here nor in the bucket, and never was")]
    NothingMatches(RepoPath),
    /// Somebody asked to end before the plan was complete.
    #[error("interrupted before anything was changed")]
    Interrupted,
}

/// Reads the three sides and decides what has to happen.
///
/// # Errors
/// Where one side cannot be known as a whole: nothing has been changed then.
pub async fn plan<D: Disk, R: Remote, C: Clock>(
    world: &World<D, R, C>,
    request: &Request,
) -> Result<Plan, SyncError> {
    world.monitor.phase(Phase::Planning);
    if !request.dry_run {
        settle_trash(world)?;
    }
    let database = Database::open(&world.disk, &world.repository.control, &world.remote_id)?;
    let context = Arc::new(context(world, request)?);
    let mut planning = Planning {
        world,
        request,
        database: &database,
        builder: PlanBuilder::new(PlanOptions {
            direction: request.direction,
            implicit_force: request.implicit_force,
            file_beside_folder: world.remote.capabilities().file_beside_folder,
            no_delete: request.no_delete,
            limit: request.limit,
        }),
        rules: IgnoreRules::new(&world.disk, &world.repository.root),
        undecided: Vec::new(),
        counted: (0, 0),
        heeded: 0,
        mounts: mounts::load(&world.disk, &world.repository.control)?,
        tops: Vec::new(),
    };
    if request.selection.operands().is_empty() {
        planning.scope(&context, None).await?;
    }
    for operand in request.selection.operands() {
        planning.scope(&context, Some(operand)).await?;
    }
    planning.examine(&context).await?;
    if !request.offline {
        look_above(&context, &mut planning.builder, request.selection.operands()).await?;
    }
    let plan = planning.finish()?;
    context.let_ticks_pass(&plan, request.resolving).await;
    Ok(plan)
}

/// Stops a plan that would delete suspiciously much.
pub fn guard(plan: &Plan, request: &Request) -> Result<(), SafetyStop> {
    let has_operands = !request.selection.operands().is_empty();
    Guard { max_delete: request.max_delete, has_operands }.check(plan)
}

/// Carries out a plan and records what happened. A plan without actions writes nothing.
///
/// # Errors
/// Where nothing more can be recorded; what happened to single paths is in the report and went to
/// the monitor.
pub async fn carry_out<D: Disk, R: Remote, C: Clock>(
    world: &World<D, R, C>,
    request: &Request,
    plan: Plan,
) -> Result<Report, SyncError> {
    let report = if plan.actions.is_empty() {
        Report::of(&plan)
    } else {
        execute(world, request, plan).await?
    };
    if request.selection.is_everything() && request.limit.is_none() {
        drop_left_over(world, request.direction, &report).await;
    }
    Ok(report)
}

async fn execute<D: Disk, R: Remote, C: Clock>(
    world: &World<D, R, C>,
    request: &Request,
    plan: Plan,
) -> Result<Report, SyncError> {
    let mut database = Database::open(&world.disk, &world.repository.control, &world.remote_id)?;
    let context = context(world, request)?;
    let now = world.clock.now();
    let trash = TrashRun::begin(&world.disk, &world.repository.control, now, fastrand::u16(..));
    let options = Options { backup: request.backup, why: why(request) };
    let run = Arc::new(Run::new(context, trash, options));
    let carried_out = run.carry_out(plan, &mut database).await;
    // Whatever became of the run: what it did is complete in the trash's list.
    let ended = run.finish_trash(&world.repository, now);
    let report = carried_out?;
    // The work is done and recorded; what only tidies up is done again by the next run.
    if let Err(error) = ended {
        world.monitor.warning(&format!("the trash is not tidied up: {error}"));
    }
    if let Err(error) = database.finish() {
        world.monitor.warning(&format!("the journal is not merged yet: {error}"));
    }
    Ok(report)
}

/// Finishes in the trash what a killed run left, before anything is looked at.
fn settle_trash<D: Disk, R, C: Clock>(world: &World<D, R, C>) -> Result<(), SyncError> {
    let repository = &world.repository;
    for settled in trash::settle(&world.disk, &repository.root, &repository.control)? {
        world.monitor.warning(&settled.to_string());
    }
    Ok(())
}

fn context<D: Disk, R: Remote, C: Clock>(
    world: &World<D, R, C>,
    request: &Request,
) -> Result<Context<D, R, C>, SyncError> {
    Context::open(world, request.dry_run, request.tuning).map_err(SyncError::Staging)
}

fn why(request: &Request) -> Why {
    if request.resolving {
        return Why::Resolved;
    }
    match request.direction {
        Direction::Sync | Direction::Push | Direction::Pull => Why::Replaced,
        Direction::ForcedPush | Direction::ForcedPull => Why::Forced,
        Direction::MirrorPull | Direction::MirrorPush => Why::Mirror,
    }
}

/// A plan in the making.
struct Planning<'a, D: Disk, R, C: Clock> {
    world: &'a World<D, R, C>,
    request: &'a Request,
    database: &'a Database<D>,
    builder: PlanBuilder,
    rules: IgnoreRules<D>,
    undecided: Vec<Merged>,
    /// Local files and objects seen so far.
    counted: (u64, u64),
    /// Rows of the present scope that are more than ignored.
    heeded: u64,
    /// Folders on which other disks were mounted, in key order.
    mounts: Vec<RepoPath>,
    /// Folders on which other disks are mounted.
    tops: Vec<RepoPath>,
}

impl<D: Disk, R: Remote, C: Clock> Planning<'_, D, R, C> {
    /// Reads one operand, or everything, on all three sides at once.
    async fn scope(
        &mut self,
        context: &Arc<Context<D, R, C>>,
        scope: Option<&RepoPath>,
    ) -> Result<(), SyncError> {
        let world = self.world;
        self.heeded = 0;
        let key_bytes_max = crate::tree::KEY_BYTES_MAX.saturating_sub(world.prefix_bytes);
        let mounts = self.mounts.clone();
        let options = ScanOptions { scope: scope.cloned(), key_bytes_max, mounts };
        let outliers = Outliers::default();
        let scan = Scan::new(&world.disk, &world.repository.root, options);
        let local = outliers.take_out(scan).map(|entry| entry.map_err(SyncError::from));
        let base = self.database.rows(scope)?.map(|row| row.map_err(SyncError::from));
        let seen = if self.request.offline {
            let mut merge = Merge::offline(local, base);
            self.merge(&mut merge, None).await?
        } else {
            let is_file = scope.is_some_and(|path| context.is_file(path));
            let (sender, mut pages) = mpsc::channel(PAGES_AHEAD_MAX);
            let listing = list_scope(Arc::clone(context), scope.cloned(), is_file, sender);
            let mut merge = Merge::new(local, base);
            let ((), merged) = tokio::join!(
                beside(world.parallel, listing),
                self.merge(&mut merge, Some(&mut pages)),
            );
            merged?
        };
        let Found { unnameable, tops } = outliers.into_found();
        self.tops.extend(tops);
        if let (Some(operand), false, true) = (scope, seen, unnameable.is_empty()) {
            return Err(SyncError::NothingMatches(operand.clone()));
        }
        if let Some(operand) = scope.filter(|_| self.heeded == 0) {
            self.note_ignored(operand);
        }
        for notice in unnameable {
            self.builder.notice(notice);
        }
        Ok(())
    }

    /// Says so where somebody named what a rule leaves alone.
    fn note_ignored(&mut self, operand: &RepoPath) {
        let mut check = |folder| self.rules.check(operand, folder).ok().flatten();
        let Some(rule) = check(false).or_else(|| check(true)) else { return };
        let direction = self.request.direction;
        let forced = matches!(direction, Direction::ForcedPush | Direction::ForcedPull);
        let rule = (rule.place.as_str(), rule.pattern.as_str());
        self.builder.notice(notices::ignored_operand(operand, rule, forced));
    }

    /// Drives the merge and takes its items; tells whether there were any.
    async fn merge<L, B>(
        &mut self,
        merge: &mut Merge<L, B>,
        mut pages: Option<&mut mpsc::Receiver<Result<Page, RemoteError>>>,
    ) -> Result<bool, SyncError>
    where
        L: Iterator<Item = Result<LocalEntry, SyncError>>,
        B: Iterator<Item = Result<crate::tree::BaseRow, SyncError>>,
    {
        let mut seen = false;
        loop {
            match merge.step()? {
                Step::Done => return Ok(seen),
                Step::Item(item) => {
                    seen = true;
                    self.take(item);
                }
                Step::NeedRemote => {
                    if self.world.stop.is_requested() {
                        return Err(SyncError::Interrupted);
                    }
                    let page = match &mut pages {
                        Some(pages) => pages.recv().await.transpose()?,
                        None => None,
                    };
                    let more = page.is_some();
                    merge.feed(page.map_or_else(Vec::new, |page| self.objects(page)), more);
                }
            }
        }
    }

    /// Returns the objects of a page; keys that cannot be paths are noted.
    fn objects(&mut self, page: Page) -> Vec<RemoteEntry> {
        self.counted.1 += page.items.len() as u64;
        self.world.monitor.counted(self.counted.0, self.counted.1);
        let mut objects = Vec::with_capacity(page.items.len());
        for item in page.items {
            match item {
                Listed::Object(entry) => objects.push(entry),
                Listed::Odd { key, reason, size } => {
                    self.builder.notice(notices::odd_key(key, reason, size));
                }
            }
        }
        objects
    }

    /// Decides an item at once, or puts it aside until its contents were compared.
    fn take(&mut self, item: Merged) {
        match item {
            Merged::Row(mut row) => {
                self.counted.0 += u64::from(matches!(row.local, Local::File(_)));
                if !self.request.selection.passes(&row.path) {
                    return;
                }
                self.apply_rules(&mut row);
                self.heeded += u64::from(row.base.is_some() || !is_ignored(&row));
                let reads = self.world.remote.reads_locally();
                if need(&row).is_any() || (reads && may_be_touched_there(&row)) {
                    self.undecided.push(Merged::Row(row));
                } else {
                    self.builder.row(&row, &Examined::NotNeeded);
                }
            }
            Merged::Knot(mut knot) => {
                self.heeded += 1;
                let selection = &self.request.selection;
                let rows = || std::iter::once(&knot.top).chain(&knot.below);
                if !rows().any(|row| selection.passes(&row.path)) {
                    return;
                }
                if !rows().all(|row| selection.passes(&row.path)) {
                    return self.builder.notice(notices::half_selected(&knot.top.path));
                }
                self.apply_rules(&mut knot.top);
                knot.below.iter_mut().for_each(|row| self.apply_rules(row));
                self.undecided.push(Merged::Knot(knot));
            }
        }
    }

    /// What is not on the disk has not been held against the rules yet.
    fn apply_rules(&mut self, row: &mut Row) {
        if row.local != Local::Absent {
            return;
        }
        // In a folder that cannot be searched nobody knows what is here: each path is reported.
        let (marker, here) = match self.rules.check(&row.path, false) {
            Ok(None) => return,
            Ok(Some(rule)) => (Marker::Ignored { place: rule.place, pattern: rule.pattern }, false),
            Err(error) => (Marker::Unreadable(format!("its ignore rules: {error}")), true),
        };
        row.local = Local::Marked { marker: Arc::new(marker), here };
    }

    /// Compares contents where nothing else decides, several files at once.
    async fn examine(&mut self, context: &Arc<Context<D, R, C>>) -> Result<(), SyncError> {
        let parallel = self.world.parallel;
        let examinations = std::mem::take(&mut self.undecided).into_iter().map(|mut item| {
            let context = Arc::clone(context);
            beside(parallel, async move {
                let mut examined = HashMap::new();
                for row in item.rows_mut() {
                    examined.insert(row.path.clone(), context.examine(row).await);
                }
                (item, examined)
            })
        });
        let mut examined = futures_util::stream::iter(examinations)
            .buffer_unordered(self.request.tuning.jobs.get());
        while let Some((item, examined)) = examined.next().await {
            if self.world.stop.is_requested() {
                return Err(SyncError::Interrupted);
            }
            let of = |path: &RepoPath| examined.get(path).cloned().unwrap_or(Examined::NotNeeded);
            match &item {
                Merged::Row(row) => self.builder.row(row, &of(&row.path)),
                Merged::Knot(knot) => self.builder.knot(knot, of),
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Plan, SyncError> {
        self.world.monitor.counted(self.counted.0, self.counted.1);
        // Only now has the database been read to its end.
        for warning in self.database.warnings() {
            self.world.monitor.warning(&warning);
        }
        for warning in self.rules.warnings() {
            self.world.monitor.warning(warning);
        }
        if self.builder.has_deletions() {
            self.builder.set_tracked(self.database.tracked()?);
        }
        let plan = self.builder.finish();
        if !self.request.dry_run {
            // A disk of which nothing is synced may go as it came.
            let matters = |top: &RepoPath| {
                plan.actions.iter().any(|action| action.path.is_below(top))
                    || self.database.rows(Some(top)).map_or(true, |mut rows| rows.next().is_some())
            };
            let control = &self.world.repository.control;
            mounts::remember(&self.world.disk, control, (self.mounts, self.tops), matters)?;
        }
        Ok(plan)
    }
}

fn is_ignored(row: &Row) -> bool {
    matches!(&row.local, Local::Marked { marker, .. } if matches!(**marker, Marker::Ignored { .. }))
}
