//! Carries out a plan: a bounded pool prepares actions, a committer gives them effect on the disk
//! and records them, group by group.
//!
//! ```text
//! actions ──pool──▶ prepared ──channel──▶ committer: contents, sync, renames, sync, rows, fdatasync
//! ```
//! A file that fails is an outcome; the others go on. Stages follow one another: new ignore rules,
//! room for what changes its shape, new and changed things, deletions.

mod abandoned;
mod commit;
mod digest;
mod down;
mod report;
mod room;
mod run;
mod single_version;
mod spelling;
mod up;
mod work;

use std::sync::Arc;

use tokio::sync::mpsc;

pub use abandoned::drop_abandoned;
pub use down::fetch_into_memory;
pub use report::{Moves, Report};
pub use run::{Options, Run};
pub use single_version::{FetchError, fetch_into, fetch_version};
pub use work::beside;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::IgnoreRules;
use crate::monitor::{Event, Outcome, Phase};
use crate::plan::{Action, ActionKind, Plan, Stage};
use crate::repository::Database;
use crate::tree::RepoPath;

use run::{Failed, item};

impl<D: Disk, C: Clock> Run<D, C> {
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
        let renames = actions.iter().filter(|action| action.kind == ActionKind::MoveLocal);
        let left: Vec<RepoPath> = renames.filter_map(|it| it.moved_from().cloned()).collect();
        for stage in [Stage::Rules, Stage::Aside, Stage::Room, Stage::Main, Stage::Last] {
            let mut due = take_due(&mut actions, stage);
            if due.is_empty() {
                continue;
            }
            due.retain(|action| {
                let is_cut_off = action.clash != 0 && failed.clashes.contains(&action.clash);
                !is_cut_off && !self.stays(action, &failed)
            });
            self.stage(due, database, &mut report, &mut failed).await?;
            if stage == Stage::Rules {
                self.hold_back_ungoverned(&mut actions, &mut report, &mut failed);
                self.leave_out_ignored(&mut actions, &mut failed);
            }
        }
        // Only now: what came, or moved the other way, may have needed the folder.
        if let Some(staging) = &self.session.files.staging {
            for path in &left {
                staging.remove_empty_parents(path);
            }
        }
        report.interrupted = self.session.stop.is_requested() && report.fatal.is_none();
        self.session.monitor.phase(Phase::Finishing);
        Ok(report)
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
            self.session.monitor.event(Event::Skipped(item(action, Outcome::AwaitsMove)));
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
        let Failed { clashes, rules, .. } = failed;
        actions.retain(|action| {
            let missing = rules.iter().find(|rules| {
                let ends = action.moved_from().is_some_and(|from| governs(rules, from));
                let is_concerned = action.is_new() || ends_alone(action);
                ends || (is_concerned && governs(rules, &action.path))
            });
            // A row that stays for the next run is nothing to be told of.
            if let Some(rules) = missing.filter(|_| !action.is_bookkeeping()) {
                report.failed += 1;
                clashes.extend((action.clash != 0).then_some(action.clash));
                let item = item(action, Outcome::RulesMissing(rules.clone()));
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
                let (place, pattern) = (rule.place.clone(), rule.pattern.clone());
                let item = item(action, Outcome::Ignored { place, pattern });
                self.session.monitor.event(Event::Skipped(item));
                failed.moved(action);
            }
            ignored.is_none()
        });
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
    ends && action.clash == 0
}

/// Tells whether `path` lies in the folder whose rules stand in the file `rules`.
fn governs(rules: &RepoPath, path: &RepoPath) -> bool {
    let folder = rules.parent_str();
    let below = path.as_str().strip_prefix(folder);
    folder.is_empty() || below.is_some_and(|below| below.starts_with('/'))
}
