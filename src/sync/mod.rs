//! The story of a run: scan → merge → examine → reconcile → guard → transfer → record.
//!
//! [`look`] or [`begin`] opens a run; [`plan`] reads three sides and returns a [`Plan`], which can be
//! printed, refused or cut; [`carry_out`] does it and returns a [`Report`]. None of them prints or asks.
//! Only what [`begin`] opened, under the lock of the working copy, can be carried out.

mod absences;
mod obstacles;
mod planning;
mod promises;
mod room;
mod rules;

use std::sync::Arc;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::{RuleFiles, ScanError};
use crate::look::{self, ClockUnreadable, look_at_parents};
use crate::monitor::Phase;
use crate::plan::{Direction, FileLimit, Guard, Plan, SafetyStop, Selection};
use crate::remote::{RemoteError, RemoteErrorKind};
use crate::repository::mounts::MountsError;
use crate::repository::trash::{TrashRun, Why};
use crate::repository::{DatabaseError, Lock};
use crate::session::Manner;
use crate::transfer::{Options, Run, drop_abandoned};
use crate::tree::{OutOfOrder, RepoPath};
use absences::Confirmed;
use planning::{Planned, Planning};
use rules::ArrivingRules;

pub use crate::session::limits::tuning::Tuning;
pub use crate::session::{Locked, OpenError, Opened, World};
pub use crate::transfer::Report;
pub use room::{NoRoom, lacking_room};

/// How often a plan is made of which a part came or went while it was made.
const PLANS_MAX: u32 = 3;

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
    fn manner(&self) -> Manner {
        Manner { tuning: self.tuning, unlisted: self.unlisted }
    }
}

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

/// Opens a run that changes nothing, and downloads nothing to compare it (`status`, `--dry-run`).
///
/// # Errors
/// [`SyncError::Open`].
pub fn look<'w, D: Disk, C: Clock>(
    world: &'w World<D, C>,
    request: &Request,
) -> Result<Opened<'w, D, C>, SyncError> {
    Ok(Opened::looking(world, request.manner())?)
}

/// Opens a run under the lock of the working copy: it may carry out what it plans.
///
/// # Errors
/// [`SyncError::Open`].
pub fn begin<'w, D: Disk, C: Clock>(
    world: &'w World<D, C>,
    lock: Lock<D>,
    request: &Request,
) -> Result<Locked<'w, D, C>, SyncError> {
    Ok(Locked::open(world, lock, request.manner())?)
}

/// Reads the three sides and decides what has to happen. Nothing is changed.
///
/// # Errors
/// Where one side cannot be known as a whole.
pub async fn plan<D: Disk, C: Clock>(
    opened: &Opened<'_, D, C>,
    request: &Request,
) -> Result<Plan, SyncError> {
    let session = &opened.session;
    session.monitor.phase(Phase::Planning);
    if let Some(warning) = session.store.remote.warning() {
        session.monitor.warning(&warning);
    }
    for _ in 0..PLANS_MAX {
        let mut plan = plan_once(opened, request).await?;
        if absences::confirm(opened, request, &mut plan).await? == Confirmed::Plan {
            look::let_ticks_pass(session, &plan, request.resolving).await?;
            return Ok(plan);
        }
    }
    let message = "what is listed comes and goes while it is looked at".to_owned();
    Err(RemoteError::new(RemoteErrorKind::Busy, "LIST", "", message).into())
}

/// Plans with the rules that are here and those that come with the plan.
async fn plan_once<D: Disk, C: Clock>(
    opened: &Opened<'_, D, C>,
    request: &Request,
) -> Result<Plan, SyncError> {
    let mut arriving = ArrivingRules::default();
    let mut planned = loop {
        let rule_files = arriving.files();
        let mut planned = plan_with_rules(opened, request, rule_files).await?;
        // What a plan changes of the rules holds for all of it.
        if !arriving.follow(&opened.session, (request, &planned.plan)).await? {
            break planned;
        }
        if planned.only_creates_here && request.limit.is_none() {
            planned.leave_out_ignored(opened.world, arriving.files());
            break planned;
        }
    };
    planned.note_disclosed(opened.world, &arriving);
    Ok(planned.conclude(opened))
}

/// Plans with the rules that are known so far.
async fn plan_with_rules<D: Disk, C: Clock>(
    opened: &Opened<'_, D, C>,
    request: &Request,
    rule_files: Arc<RuleFiles>,
) -> Result<Planned, SyncError> {
    let mut planning = Planning::new(opened, request, rule_files)?;
    let operands = request.selection.operands();
    if operands.is_empty() {
        planning.scope(None).await?;
    }
    for operand in operands {
        planning.scope(Some(operand)).await?;
    }
    planning.examine().await?;
    if !request.unlisted {
        look_at_parents(&opened.session, &mut planning.builder, operands).await?;
    }
    planning.finish()
}

/// Stops a plan that would delete or replace suspiciously much.
pub fn guard(plan: &Plan, request: &Request) -> Result<(), SafetyStop> {
    let has_operands = !request.selection.operands().is_empty();
    let Request { max_delete, max_change, .. } = *request;
    Guard { max_delete, max_change, has_operands }.check(plan)
}

/// Carries out a plan and records what happened. A plan without actions writes nothing.
///
/// # Errors
/// Where nothing more can be recorded; what happened to single paths is in the report and went to
/// the monitor.
pub async fn carry_out<D: Disk, C: Clock>(
    mut run: Locked<'_, D, C>,
    request: &Request,
    plan: Plan,
) -> Result<Report, SyncError> {
    run.remember_mounts(&plan.mounts, |top| {
        plan.actions.iter().any(|action| action.path.is_below(top))
    })?;
    let report = if plan.actions.is_empty() {
        Report::of(&plan)
    } else {
        execute(&mut run, request, plan).await?
    };
    if request.selection.is_everything() && request.limit.is_none() {
        drop_abandoned(&run, request.direction, &report).await;
        if request.direction.writes_remote() {
            run.world.remote.remove_abandoned_probes().await;
        }
    }
    Ok(report)
}

async fn execute<D: Disk, C: Clock>(
    run: &mut Locked<'_, D, C>,
    request: &Request,
    plan: Plan,
) -> Result<Report, SyncError> {
    let (world, session) = (run.world, Arc::clone(&run.session));
    // It has been read while the plan was made, and questions may have been answered since.
    session.files.forget_clock_reading();
    let now = world.clock.now();
    let trash = TrashRun::begin(&world.disk, &world.repository.control, now, fastrand::u16(..));
    let options = Options { backup: request.backup, why: why(request) };
    let work = Arc::new(Run::new(session, trash, options));
    let carried_out = work.carry_out(plan, run.database_mut()).await;
    promises::withdraw_broken(run);
    // Whatever became of the run: what it did is complete in the trash's list.
    let ended = work.finish_trash(&world.repository, now);
    let report = carried_out?;
    // The work is done and recorded; what only tidies up is done again by the next run.
    if let Err(error) = ended {
        world.monitor.warning(&format!("the trash is not tidied up: {error}"));
    }
    if let Err(error) = run.database_mut().finish() {
        world.monitor.warning(&format!("the journal is not merged yet: {error}"));
    }
    Ok(report)
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

/// Tells whether a folder is here under this very name: a disk that folds names opens others, too.
fn is_folder_here<D: Disk, C: Clock>(world: &World<D, C>, path: &RepoPath) -> bool {
    let (disk, root) = (&world.disk, &world.repository.root);
    let is_listed = |path: &RepoPath| {
        let names = disk.open_beneath(root, path.parent_str()).and_then(|it| disk.read_folder(&it));
        names.is_ok_and(|names| names.contains(path.name().as_ref()))
    };
    disk.open_beneath(root, path.as_str()).is_ok()
        && path.ancestors().all(|above| is_listed(&above))
        && is_listed(path)
}
