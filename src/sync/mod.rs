//! The story of a run: scan → merge → examine → reconcile → guard → transfer → record.
//!
//! [`look`] or [`begin`] opens a run; [`plan`] reads three sides and returns a [`Plan`], which can be
//! printed, refused or cut; [`carry_out`] does it and returns a [`Report`]. None of them prints or asks.
//! Only what [`begin`] opened, under the lock of the working copy, can be carried out.

mod absences;
mod error;
mod obstacles;
mod planning;
mod promises;
mod request;
mod room;
mod rules;

use std::sync::Arc;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::RuleFiles;
use crate::look::{self, look_at_parents};
use crate::monitor::Phase;
use crate::plan::{Guard, Plan, SafetyStop};
use crate::remote::{RemoteError, RemoteErrorKind};
use crate::repository::Lock;
use crate::repository::trash::TrashRun;
use crate::transfer::{Options, Run, drop_abandoned};
use crate::tree::RepoPath;
use absences::Confirmed;
use planning::{Planned, Planning};
use rules::ArrivingRules;

pub use crate::session::limits::tuning::Tuning;
pub use crate::session::{Locked, OpenError, Opened, World};
pub use crate::transfer::Report;
pub use error::SyncError;
pub use request::Request;
pub use room::{NoRoom, lacking_room};

/// How often a plan is made of which a part came or went while it was made.
const PLANS_MAX: u32 = 3;

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
        look::pair_moves(session, &mut plan).await;
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
        if !arriving.follow(&opened.session, request, &planned.plan).await? {
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

/// Remembers the disks that are mounted now, whatever becomes of the plan: once one of them is missing, its
/// files are not taken for deleted. Called as soon as there is a plan; [`carry_out`] sees to it, too.
///
/// # Errors
/// [`SyncError::Mounts`].
pub fn remember_mounts<D: Disk, C: Clock>(
    run: &Locked<'_, D, C>,
    plan: &Plan,
) -> Result<(), SyncError> {
    let comes = |top: &RepoPath| plan.actions.iter().any(|action| action.path.is_below(top));
    Ok(run.remember_mounts(&plan.mounts, comes)?)
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
    remember_mounts(&run, &plan)?;
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
    session.files.look_anew();
    let now = world.clock.now();
    let trash = TrashRun::begin(&world.disk, &world.repository.control, now, fastrand::u16(..));
    let options = Options { backup: request.backup, why: request.why() };
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
