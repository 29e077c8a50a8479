//! A plan is carried out, and what came of it told.

use std::collections::HashSet;
use std::time::Instant;

use crate::cli::cautions;
use crate::cli::commands::work::resolve::remove_settled;
use crate::cli::report;
use crate::cli::session::{Context, RealLocked, RealOpened, RealWorld, Working};
use crate::disk::RealDisk;
use crate::error::Error;
use crate::plan::Plan;
use crate::sync::{self, Request};
use crate::transfer::Report;

/// Plans in a run that changes nothing; `None` when interrupted.
pub(super) async fn look<'a>(
    context: &Context,
    world: &'a RealWorld,
    request: &Request,
) -> Result<Option<(RealOpened<'a>, Plan)>, Error> {
    let opened = sync::look(world, request)?;
    let plan = context.unless_interrupted(sync::plan(&opened, request)).await.transpose()?;
    Ok(plan.map(|plan| (opened, plan)))
}

/// Everything that it takes to plan, and to carry a plan out.
#[derive(Clone, Copy)]
pub(in crate::cli) struct Carry<'a> {
    /// The command as typed.
    pub(in crate::cli) command: &'static str,
    pub(in crate::cli) world: &'a RealWorld,
    pub(in crate::cli) request: &'a Request,
    pub(in crate::cli) working: &'a Working,
}

impl<'a> Carry<'a> {
    /// Opens a run under the lock, which waits for nobody.
    pub(in crate::cli) fn begin(self) -> Result<RealLocked<'a>, Error> {
        let lock = self.world.repository.lock(&RealDisk, self.command)?;
        Ok(sync::begin(self.world, lock, self.request)?)
    }

    /// Plans, and remembers which disks are mounted, whatever becomes of the plan; `None` when interrupted.
    pub(in crate::cli) async fn plan(
        self,
        context: &Context,
        locked: &RealLocked<'_>,
    ) -> Result<Option<Plan>, Error> {
        let planning = sync::plan(locked, self.request);
        let Some(plan) = context.unless_interrupted(planning).await else { return Ok(None) };
        let plan = plan?;
        sync::remember_mounts(locked, &plan)?;
        self.working.pause();
        Ok(Some(plan))
    }

    /// Returns whether the bucket takes no writes, as far as is known, and its URL.
    pub(super) fn store(self) -> (bool, &'a str) {
        (self.world.remote.capabilities().read_only, &self.world.remote_id.url)
    }

    /// Carries a plan out, and tells what came of it.
    pub(in crate::cli) async fn report(
        self,
        context: &Context,
        (locked, plan): (RealLocked<'a>, Plan),
        started: Instant,
    ) -> Result<Report, Error> {
        let (read_only, url) = self.store();
        report::refuse_read_only(read_only, url, &plan)?;
        // What has waited for an answer is looked at again.
        cautions::expect_room(self.command, self.world, &plan)?;
        let (conflicts, notices) = (plan.conflicts.clone(), plan.notices.clone());
        let moved = report::moved(context, &plan);
        let carrying = sync::carry_out(locked, self.request, plan);
        let report = context.to_the_end(carrying).await;
        self.working.pause();
        report::left_open(context, &conflicts, &notices);
        let report = report?;
        if report.moved_here() + report.moved_in_bucket == moved.files {
            context.screen.results(moved.lines);
        }
        report::summary(context, self.command, &report, &conflicts, started.elapsed());
        let all_done = report.is_complete() && report.conflicts == conflicts.len() as u64;
        if all_done && !self.request.unlisted {
            let open: HashSet<_> = conflicts.iter().map(|conflict| &conflict.path).collect();
            let control = &self.world.repository.control;
            remove_settled(context, control, |path| {
                self.request.selection.selects(path) && !open.contains(path)
            });
        }
        Ok(report)
    }
}
