//! A command of one client, on a thread of its own.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use lsync::disk::MemoryDisk;
use lsync::monitor::{Event, Monitor, Phase, Stop};
use lsync::plan::{ActionKind, Conflict, Direction, Plan, Resolution, Selection, settle};
use lsync::remote::MemoryRemote;
use lsync::repository::Repository;
use lsync::sync::{self, Report, Request, Tuning, World};
use lsync::tree::RepoPath;

use crate::order::{Order, Verb};
use crate::state::{ROOT, Simulation};
use crate::step::Killed;
use crate::watch::SimulatedClock;

type SimulatedWorld = World<MemoryDisk, MemoryRemote, SimulatedClock>;

/// Hands what a command says to the harness.
struct Ears {
    simulation: Arc<Simulation>,
    client: usize,
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
            Event::Planned(item) => ("planned", item),
            Event::Done(item) => ("done", item),
            Event::Failed(item) => ("failed", item),
            Event::Conflict(item) => ("conflict", item),
            Event::Skipped(item) => ("skipped", item),
        };
        let hint = item.hint.unwrap_or_default();
        self.hear(format!("{what} {} {}: {} ({hint})", item.action, item.path, item.reason));
    }
    fn bytes(&self, _: u64) {}
    fn counted(&self, _: u64, _: u64) {}
    fn warning(&self, message: &str) {
        self.hear(message.to_owned());
    }
}

/// What a command came to.
pub(crate) struct Ended {
    /// What its plan was; `None` where it came to none.
    pub(crate) actions: Option<usize>,
    /// What it did; `None` where it did nothing.
    pub(crate) report: Option<Report>,
    /// Conflicts that are still open.
    pub(crate) conflicts: Vec<Conflict>,
    /// Notices of what cannot be handled.
    pub(crate) notices: Vec<(String, &'static str)>,
}

impl Simulation {
    /// Starts a command on a thread of its own, which waits for the baton.
    pub(crate) fn start(self: &Arc<Self>, client: usize, order: Order) {
        let seed = {
            let mut state = self.state();
            let name = self.name(client);
            state.note(|| format!("{name} begins {order:?}"));
            let (has_faults, step) = (state.has_faults, state.step);
            let own = &mut state.clients[client];
            own.order = Some(order.clone());
            own.is_killed = false;
            own.operations = 0;
            own.begun_at = step;
            own.planned_at = None;
            own.removals.clear();
            own.conflicts.clear();
            own.is_disturbed = has_faults;
            own.stop = Stop::default();
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

    /// Carries out a command on this thread.
    pub(crate) fn execute(self: &Arc<Self>, client: usize, order: &Order) -> Result<Ended, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.obey(client, order))
    }

    fn finish(&self, client: usize, ended: std::thread::Result<Result<Ended, String>>) {
        let name = self.name(client);
        let mut state = self.state();
        let is_over = match ended {
            Ok(Ok(ended)) => {
                state.note(|| format!("{name} has ended: {:?}", ended.report));
                self.check_complete(&mut state, client, &ended);
                ended.report.is_some()
            }
            Ok(Err(reason)) => {
                state.note(|| format!("{name} gave up: {reason}"));
                false
            }
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
    }

    /// I16: whoever says that all is done has left nothing to do.
    fn check_complete(&self, state: &mut crate::state::State, client: usize, ended: &Ended) {
        let own = &state.clients[client];
        let Some(order) = &own.order else { return };
        let is_sync = order.verb == Verb::Run(Direction::Sync) && order.operand.is_none();
        if !is_sync || own.is_disturbed || state.is_calm {
            return;
        }
        let is_complete = ended.report.as_ref().is_some_and(Report::is_complete);
        if is_complete && ended.conflicts.is_empty() && ended.notices.is_empty() {
            self.check_agreement(state, client);
        }
    }

    /// The tree is the bucket, ignored files aside.
    fn check_agreement(&self, state: &mut crate::state::State, client: usize) {
        let tree = self.tree(client);
        if tree.contains_key(".lsyncignore") {
            return;
        }
        let is_path = |key: &&String| RepoPath::parse(key).is_ok();
        let bucket = state.bucket.iter().filter(|(key, _)| is_path(key));
        if !bucket.eq(tree.iter()) {
            let (name, bucket) = (self.name(client), &state.bucket);
            let message = format!("I16: {name} is said to be complete: {tree:?}, {bucket:?}");
            state.violate(message);
        }
    }

    async fn obey(self: &Arc<Self>, client: usize, order: &Order) -> Result<Ended, String> {
        let world = self.world(client)?;
        let request = request(order)?;
        if order.verb == Verb::Status {
            let plan = sync::plan(&world, &request).await.map_err(|e| chain(&e))?;
            return Ok(ended(&plan, None));
        }
        let choices = match order.verb {
            Verb::Resolve(resolution) => self.choose(&world, &request, resolution).await?,
            _ => Vec::new(),
        };
        let _lock = world.repository.lock(&world.disk).map_err(|error| chain(&error))?;
        let mut plan = sync::plan(&world, &request).await.map_err(|error| chain(&error))?;
        if matches!(order.verb, Verb::Resolve(_)) {
            plan = settle(plan, &choices, &format!("{}-{}", self.name(client), fastrand::u32(..)));
        }
        self.planned(client, &plan);
        if !order.is_unguarded {
            sync::guard(&plan, &request).map_err(|stop| stop.to_string())?;
        }
        let mut ended = ended(&plan, None);
        let report = sync::carry_out(&world, &request, plan).await;
        ended.report = Some(report.map_err(|error| chain(&error))?);
        Ok(ended)
    }

    /// Shows the conflicts to a person, who decides about all of them.
    async fn choose(
        &self,
        world: &SimulatedWorld,
        request: &Request,
        resolution: Resolution,
    ) -> Result<Vec<(Conflict, Resolution)>, String> {
        let look = Request { dry_run: true, ..request.clone() };
        let shown = sync::plan(world, &look).await.map_err(|error| chain(&error))?;
        Ok(shown.conflicts.into_iter().map(|conflict| (conflict, resolution)).collect())
    }

    fn world(self: &Arc<Self>, client: usize) -> Result<SimulatedWorld, String> {
        let machine = &self.machines[client];
        let disk = machine.disk.clone();
        let repository = Repository::open(&disk, Path::new(ROOT)).map_err(|error| chain(&error))?;
        let hooked = Arc::clone(self);
        let remote = self.remote.client(
            machine.name,
            Some(Arc::new(move |call: &_, moment| hooked.see_remote(client, call, moment))),
        );
        Ok(World {
            remote_id: repository.config.remote.id(),
            repository,
            remote: Arc::new(remote),
            prefix_bytes: 0,
            clock: SimulatedClock { simulation: Arc::clone(self), client, disk: disk.clone() },
            disk,
            monitor: Arc::new(Ears { simulation: Arc::clone(self), client }),
            stop: self.state().clients[client].stop.clone(),
            parallel: false,
        })
    }

    /// Notes what a plan intends, before it is carried out.
    fn planned(&self, client: usize, plan: &Plan) {
        let mut state = self.state();
        let name = self.name(client);
        for action in &plan.actions {
            state.note(|| format!("{name} plans: {} {}", action.word(), action.path));
        }
        for conflict in &plan.conflicts {
            state.note(|| format!("{name} sees a conflict: {:?} {}", conflict.kind, conflict.path));
        }
        for notice in &plan.notices {
            state.note(|| format!("{name} leaves alone: {} {}", notice.kind, notice.path));
        }
        let step = state.step;
        let own = &mut state.clients[client];
        own.planned_at = Some(step);
        own.conflicts = plan.conflicts.iter().map(|it| it.path.to_string()).collect();
        let takes = |kind| matches!(kind, ActionKind::DeleteLocal | ActionKind::ReplaceFolder);
        own.removals = (plan.actions.iter())
            .filter(|action| takes(action.kind))
            .map(|action| action.path.to_string())
            .collect();
    }
}

fn ended(plan: &Plan, report: Option<Report>) -> Ended {
    Ended {
        actions: Some(plan.actions.len()),
        report,
        conflicts: plan.conflicts.clone(),
        notices: plan.notices.iter().map(|it| (it.path.clone(), it.kind)).collect(),
    }
}

fn request(order: &Order) -> Result<Request, String> {
    let operand = order.operand.as_deref().map(RepoPath::parse).transpose();
    let operand = operand.map_err(|error| error.to_string())?;
    let direction = match order.verb {
        Verb::Run(direction) => direction,
        Verb::Status | Verb::Resolve(_) => Direction::Sync,
    };
    Ok(Request {
        direction,
        implicit_force: direction == Direction::ForcedPush && operand.is_some(),
        selection: Selection::new(operand, &[], &[]).map_err(|error| error.to_string())?,
        offline: false,
        dry_run: order.verb == Verb::Status,
        no_delete: false,
        max_delete: None,
        tuning: Tuning::of(NonZeroUsize::new(order.jobs).unwrap()),
        limit: None,
        resolving: false,
        backup: true,
    })
}

/// Says an error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
