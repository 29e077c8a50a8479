//! `lsync status`: what sync would do.

use std::sync::Arc;
use std::time::Instant;

use crate::cli::abilities::race_warning;
use crate::cli::arguments::{SpeedOptions, StatusArguments};
use crate::cli::cautions;
use crate::cli::commands::work::carry;
use crate::cli::commands::work::request::request;
use crate::cli::report;
use crate::cli::screen::render;
use crate::cli::screen::text::escape;
use crate::cli::session::{self, Context, RealWorld, Working};
use crate::disk::RealDisk;
use crate::error::{Error, Exit};
use crate::plan::{FirstNames, Plan};
use crate::remote::Offline;
use crate::repository::Repository;
use crate::sync::{self, NoRoom, Request};

/// Runs the command.
pub(in crate::cli) async fn run(
    context: &Context,
    arguments: &StatusArguments,
) -> Result<Exit, Error> {
    let repository = context.discover()?;
    let paths = context.place(&arguments.plan.paths, &repository)?;
    let speed = SpeedOptions { jobs: arguments.jobs, ..SpeedOptions::default() };
    let request = Request {
        unlisted: arguments.offline,
        ..request(&repository, paths, &arguments.plan, speed)?
    };
    let beside_another = tell_of_another(context, &repository);
    let found = session::capabilities(&repository)?;
    if context.screen.verbose() {
        context.screen.remark(&format!("bucket: {}", escape(&repository.config.remote.url)));
        if let Some(warning) = race_warning(&found) {
            context.screen.warning(&warning);
        }
    }
    let (read_only, url) = (found.read_only, repository.config.remote.url.clone());
    let started = Instant::now();
    let working = Working::begin(context, "status");
    let plan = if request.unlisted {
        let offline = Arc::new(Offline::new(found));
        plan(context, context.world(repository, offline, &working), &request).await?
    } else {
        let remote = session::connect(&repository).await?;
        plan(context, context.world(repository, remote, &working), &request).await?
    };
    let Some((mut plan, lacking, first_names)) = plan else { return Ok(Exit::Interrupted) };
    drop(working);
    if beside_another {
        plan.mark_in_flight();
    }
    show(context, &plan);
    report::plan_summary(context, "status", &plan, started.elapsed());
    report::warn_of_read_only(context, read_only, &url, &plan);
    if let Some(lacking) = &lacking {
        cautions::warn_of_room(context, "status", lacking);
    }
    cautions::tell_of_disclosed(context, &plan);
    cautions::tell_of_first_push(context, &first_names);
    let stop = sync::guard(&plan, &request).err();
    if let Some(stop) = &stop {
        report::warn_of_stop(context, "`lsync sync` stops before it begins", stop);
    }
    // What will be stopped is not recommended.
    let is_refused = report::refuse_read_only(read_only, &url, &plan).is_err();
    for hint in hints(&plan, stop.is_none() && !is_refused && lacking.is_none()) {
        context.screen.hint(hint);
    }
    Ok(Exit::of_plan(&plan))
}

/// Makes the plan, and looks whether it fits and what it sends; `None` when interrupted.
async fn plan(
    context: &Context,
    world: RealWorld,
    request: &Request,
) -> Result<Option<(Plan, Option<NoRoom>, FirstNames)>, Error> {
    let looked = carry::look(context, &world, request).await?;
    let Some((opened, plan)) = looked else { return Ok(None) };
    let lacking = sync::lacking_room(&world, &plan);
    let first_names = cautions::first_push(&opened, &plan)?;
    Ok(Some((plan, lacking, first_names)))
}

/// Says so where another lsync is at work, and tells whether one is.
fn tell_of_another(context: &Context, repository: &Repository<RealDisk>) -> bool {
    match repository.lock_holder(&RealDisk) {
        Ok(Some(holder)) => {
            context.screen.remark(&format!("another lsync is at work here ({holder})"));
        }
        // Whoever changes something takes the lock, and reports what is wrong with it.
        Ok(None) | Err(_) => return false,
    }
    true
}

fn show(context: &Context, plan: &Plan) {
    let screen = &context.screen;
    if screen.json() {
        return report::plan_lines(context, plan);
    }
    if screen.quiet() {
        return report::left_open(context, &plan.conflicts, &plan.notices);
    }
    screen.results(render::status_groups(screen.style(), plan, screen.verbose()));
}

/// Returns what to type next; `goes_through`: nothing is known that will stop a sync.
fn hints(plan: &Plan, goes_through: bool) -> Vec<&'static str> {
    let conflicts = plan.conflicts.len() as u64;
    let to_rename = report::to_rename(&plan.conflicts);
    let settling = report::conflict_hints("status", conflicts, to_rename);
    if plan.actions.is_empty() || !goes_through {
        settling
    } else if conflicts > to_rename {
        let both = "`lsync sync` does this, `lsync resolve` settles conflicts";
        std::iter::once(both).chain(settling.into_iter().skip(1)).collect()
    } else {
        std::iter::once("`lsync sync` does this").chain(settling).collect()
    }
}
