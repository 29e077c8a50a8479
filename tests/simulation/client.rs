//! A command of one client, on a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use lsync::error::{Error, Exit};
use lsync::monitor::{Event, Monitor, Outcome, Phase, Stop};
use lsync::plan::{Action, ActionKind, Conflict, Notice, Plan};
use lsync::sync::Report;
use lsync::tree::Version;

use crate::order::Order;
use crate::parts::Moved;
use crate::state::{Aside, Simulation, State};
use crate::step::Killed;

/// Hands what a command says to the harness.
pub(crate) struct Ears {
    pub(crate) simulation: Arc<Simulation>,
    pub(crate) client: usize,
}

impl Ears {
    fn hear(&self, text: String) {
        let mut state = self.simulation.state();
        let name = self.simulation.name(self.client);
        state.note(|| format!("{name} says: {text}"));
        state.clients[self.client].told.push(text);
    }
}

impl Monitor for Ears {
    fn phase(&self, _: Phase) {}
    fn event(&self, event: Event) {
        let (what, item) = match event {
            Event::Done(item) => ("done", item),
            Event::Failed(item) => ("failed", item),
            Event::Skipped(item) => ("skipped", item),
        };
        let came = match item.outcome {
            Outcome::Failed { error, in_trash, .. } => match in_trash {
                Some(operand) => format!("{error} (trash restore {operand})"),
                None => error,
            },
            Outcome::Replaced { token, kept: true, .. } => format!("{token} is in the trash"),
            other => format!("{other:?}"),
        };
        self.hear(format!("{what} {} {}: {came}", item.action.word(), item.path));
    }
    fn bytes(&self, _: &lsync::tree::RepoPath, _: u64) {}
    fn counted(&self, _: u64, _: u64) {}
    fn warning(&self, message: &str) {
        self.hear(message.to_owned());
    }
}

/// What a command came to.
pub(crate) struct Ended {
    /// Path and word of each action of its plan.
    pub(crate) actions: Vec<(String, &'static str)>,
    /// What it did; `None` where it only looked, or needed no plan.
    pub(crate) report: Option<Report>,
    /// Conflicts that are still open.
    pub(crate) conflicts: Vec<Conflict>,
    /// Notices of what cannot be handled.
    pub(crate) notices: Vec<Notice>,
    /// What the shell is told.
    pub(crate) exit: Exit,
}

impl Ended {
    /// A plan that is only looked at.
    pub(crate) fn of(plan: &Plan) -> Self {
        let actions = plan.actions.iter().map(|it| (it.path.to_string(), it.word()));
        Self {
            actions: actions.collect(),
            report: None,
            conflicts: plan.conflicts.clone(),
            notices: plan.notices.clone(),
            exit: Exit::of_plan(plan),
        }
    }
}

impl State {
    /// Returns what an action sets aside, if it does: of a file against a folder, only one side has
    /// the file.
    fn aside(&self, action: &Action) -> Option<Aside> {
        let (path, copy) = (action.path.to_string(), action.copy()?.to_string());
        let theirs =
            |version: &Version| self.etags.get(&(path.clone(), version.token.to_string())).copied();
        match (&action.local, &action.remote) {
            (Some(_), None) => Some(Aside { path, copy, theirs: None, step: self.step }),
            (None, Some(version)) => {
                Some(Aside { theirs: theirs(version), path, copy, step: self.step })
            }
            _ => None,
        }
    }
}

impl Simulation {
    /// Starts a command on a thread of its own, which waits for the baton.
    pub(crate) fn start(self: &Arc<Self>, client: usize, order: Order) {
        let seed = {
            let mut state = self.state();
            let name = self.name(client);
            state.note(|| format!("{name} begins {order:?}"));
            self.begin(&mut state, client, &order);
            state.random.u64(..)
        };
        let simulation = Arc::clone(self);
        std::thread::spawn(move || {
            simulation.baton.wait(client + 1);
            fastrand::seed(seed);
            let ended = catch_unwind(AssertUnwindSafe(|| simulation.execute(client, &order)));
            simulation.finish(client, ended);
            simulation.baton.pass(0);
        });
    }

    /// Forgets what was known of the last command.
    pub(crate) fn begin(&self, state: &mut State, client: usize, order: &Order) {
        let (has_faults, step, tree) = (state.has_faults, state.step, self.tree(client));
        let own = &mut state.clients[client];
        own.order = Some(order.clone());
        own.selection = order.selection();
        own.tree_at_first = tree;
        own.told_before = own.told.len();
        own.is_killed = false;
        own.is_locked = false;
        own.operations = 0;
        own.moves = 0;
        own.is_in_gap = false;
        own.moved_at = 0;
        own.is_beset = false;
        own.begun_at = step;
        own.planned_at = None;
        own.removals.clear();
        own.targets.clear();
        own.conflicts.clear();
        own.looked_at.clear();
        own.has_met_faults = has_faults;
        own.has_lost_power = false;
        own.moved = Moved::default();
        own.is_disturbed = has_faults;
        own.stop = Stop::default();
    }

    /// Carries out a command on this thread.
    pub(crate) fn execute(self: &Arc<Self>, client: usize, order: &Order) -> Result<Ended, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.obey(client, order))
    }

    fn finish(&self, client: usize, ended: std::thread::Result<Result<Ended, Error>>) {
        let name = self.name(client);
        let mut state = self.state();
        let is_over = match ended {
            Ok(ended) => self.judge_end(&mut state, client, &ended),
            Err(payload) => {
                if payload.is::<Killed>() {
                    state.note(|| format!("{name} is dead"));
                } else {
                    let text = payload.downcast_ref::<String>().cloned().unwrap_or_default();
                    state.violate(format!("{name}'s command panicked: {text}"));
                }
                self.machines[client].disk.kill();
                false
            }
        };
        self.check_after(&mut state, client, is_over);
        state.clients[client].order = None;
        state.clients[client].is_in_gap = false;
    }

    /// Judges what a command came to; tells whether it came to its end, so that it has settled and
    /// reported whatever was left of others.
    pub(crate) fn judge_end(
        &self,
        state: &mut State,
        client: usize,
        ended: &Result<Ended, Error>,
    ) -> bool {
        let name = self.name(client);
        self.check_exit(state, client, ended);
        match ended {
            Ok(ended) => {
                state.note(|| format!("{name} has ended: {:?} {:?}", ended.exit, ended.report));
                self.check_complete(state, client, ended);
                ended.report.is_some()
            }
            Err(error) => {
                state.note(|| format!("{name} gave up: {error} {:?}", error.causes()));
                false
            }
        }
    }

    /// Notes what a plan intends, before it is carried out.
    pub(crate) fn planned(&self, client: usize, plan: &Plan) {
        let mut state = self.state();
        let name = self.name(client);
        for action in &plan.actions {
            state.note(|| format!("{name} plans: {} {}", action.word(), action.path));
        }
        for conflict in &plan.conflicts {
            state.note(|| format!("{name} sees a conflict: {:?} {}", conflict.kind, conflict.path));
        }
        for notice in &plan.notices {
            state.note(|| format!("{name} leaves alone: {} {}", notice.kind().word(), notice.path));
        }
        let asides =
            (plan.actions.iter()).filter_map(|action| state.aside(action)).collect::<Vec<_>>();
        let step = state.step;
        let own = &mut state.clients[client];
        own.asides.extend(asides);
        own.planned_at = Some(step);
        own.conflicts = plan.conflicts.iter().map(|it| it.path.to_string()).collect();
        let takes = |kind| matches!(kind, ActionKind::DeleteLocal | ActionKind::ReplaceFolder);
        let here =
            |kind| takes(kind) || matches!(kind, ActionKind::Download | ActionKind::KeepBoth);
        let moved = |action: &Action| {
            let is_here = action.kind == ActionKind::MoveLocal;
            let from = action.moved_from().filter(|_| is_here)?;
            Some((from.to_string(), action.path.to_string()))
        };
        own.renames = plan.actions.iter().filter_map(moved).collect();
        own.targets = (plan.actions.iter())
            .filter(|action| here(action.kind) && action.local.is_some())
            .map(|action| action.path.to_string())
            .chain(own.renames.iter().map(|(from, _)| from.clone()))
            .collect();
        own.removals = (plan.actions.iter())
            .filter(|action| takes(action.kind))
            .map(|action| action.path.to_string())
            .collect();
    }
}
