//! The flow that sync, push, pull and the pull of a clone have in common.

use std::time::Instant;

use crate::cli::arguments::{PlanOptions, SpeedOptions};
use crate::cli::cautions;
use crate::cli::commands::work::carry::{self, Carry};
use crate::cli::commands::work::consent::Asking;
use crate::cli::commands::work::request::{request, tell_of_jobs, warn_of_speed};
use crate::cli::report;
use crate::cli::session::{self, Context, RealLocked, Working};
use crate::disk::RealDisk;
use crate::error::{Error, Exit};
use crate::plan::{FirstNames, Plan};
use crate::remote::{Capabilities, Conditions};
use crate::repository::Repository;
use crate::sync::{self, Request};

/// A command as it was typed.
pub(in crate::cli) struct Typed<'a> {
    /// Its name.
    pub(in crate::cli) command: &'static str,
    pub(in crate::cli) plan: &'a PlanOptions,
    pub(in crate::cli) speed: SpeedOptions,
    /// Questions are answered with yes.
    pub(in crate::cli) yes: bool,
}

/// Runs the command; `shape` says which way, and what else is its own.
pub(in crate::cli) async fn run(
    context: &Context,
    typed: &Typed<'_>,
    shape: impl FnOnce(&Repository<RealDisk>, &mut Request),
) -> Result<Exit, Error> {
    warn_of_speed(context, typed.speed);
    let repository = context.discover()?;
    let paths = context.place(&typed.plan.paths, &repository)?;
    tell_of_jobs(context, &repository.config, typed.speed);
    let mut request = request(&repository, paths, typed.plan, typed.speed)?;
    shape(&repository, &mut request);
    let is_dry = typed.plan.dry_run;
    let lock = (!is_dry).then(|| repository.lock(&RealDisk, typed.command)).transpose()?;
    let remote = session::connect(&repository).await?;
    if request.unlisted {
        refuse_unlisted(remote.capabilities())?;
    }
    let label = if request.direction.is_mirror() { "mirror" } else { "forced" };
    let working = Working::begin(context, label);
    let world = context.world(repository, remote, &working);
    let run = Carry { command: typed.command, world: &world, request: &request, working: &working };
    match lock {
        None => show(context, run).await,
        Some(lock) => {
            let locked = sync::begin(&world, lock, &request)?;
            carry_out(context, typed, run, locked).await
        }
    }
}

/// Shows what would be done.
async fn show(context: &Context, run: Carry<'_>) -> Result<Exit, Error> {
    let started = Instant::now();
    let Some((opened, plan)) = carry::look(context, run.world, run.request).await? else {
        return Ok(Exit::Interrupted);
    };
    run.working.pause();
    let first_names = cautions::first_push(&opened, &plan)?;
    report::plan(context, run.command, &plan, started.elapsed());
    let (read_only, url) = run.store();
    report::warn_of_read_only(context, read_only, url, &plan);
    if let Err(stop) = sync::guard(&plan, run.request) {
        report::warn_of_stop(context, "without --dry-run this stops", &stop);
    }
    if let Some(lacking) = sync::lacking_room(run.world, &plan) {
        cautions::warn_of_room(context, run.command, &lacking);
    }
    cautions::tell_of_disclosed(context, &plan);
    cautions::tell_of_first_push(context, &first_names);
    Ok(Exit::of_plan(&plan))
}

/// Plans, asks what has to be asked, and does it.
async fn carry_out(
    context: &Context,
    typed: &Typed<'_>,
    run: Carry<'_>,
    locked: RealLocked<'_>,
) -> Result<Exit, Error> {
    let started = Instant::now();
    let Some(plan) = run.plan(context, &locked).await? else { return Ok(Exit::Interrupted) };
    let first_names = cautions::first_push(&locked, &plan)?;
    cautions::expect_room(run.command, run.world, &plan)?;
    cautions::tell_of_disclosed(context, &plan);
    let consent = Asking { context, run, plan: typed.plan, yes: typed.yes };
    let (locked, plan) = match Box::pin(consent.ask(locked, plan)).await? {
        Ok(agreed) => agreed,
        Err(exit) => return Ok(exit),
    };
    if let Some(exit) = may_send(context, typed, run, (&plan, &first_names)).await? {
        return Ok(exit);
    }
    Ok(Exit::of_report(&run.report(context, (locked, plan), started).await?))
}

/// Asks on a terminal about files that are seldom meant for a team; returns how it ends where they are not
/// to be sent.
async fn may_send(
    context: &Context,
    typed: &Typed<'_>,
    run: Carry<'_>,
    (plan, first_names): (&Plan, &FirstNames),
) -> Result<Option<Exit>, Error> {
    // What the guard stops at has been asked about.
    let is_asked = typed.yes || sync::guard(plan, run.request).is_err();
    let ask = async {
        let may = is_asked || cautions::may_disclose(context, &plan.disclosed).await?;
        Ok::<_, Error>(may && cautions::may_push(context, first_names, !typed.yes).await?)
    };
    match context.unless_interrupted(ask).await.transpose()? {
        None => Ok(Some(Exit::Interrupted)),
        Some(false) => Ok(Some(Exit::SafetyStop)),
        Some(true) => Ok(None),
    }
}

/// Refuses to push unseen where the store would overwrite what others wrote.
fn refuse_unlisted(found: &Capabilities) -> Result<(), Error> {
    if found.conditional_put != Conditions::None {
        return Ok(());
    }
    Err(Error::usage(
        "--no-list needs a store that compares before it writes, and this one does not",
        "`lsync push` without it lists the bucket first",
    ))
}
