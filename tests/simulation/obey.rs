//! What a command does: the calls that the command line makes, in its order.

use std::path::Path;
use std::sync::Arc;

use lsync::error::{Error, Exit};
use lsync::fakes::disk::MemoryDisk;
use lsync::plan::{Conflict, Direction, Notice, Resolution, Selection, Why, settle};
use lsync::remote::Conditions;
use lsync::repository::Repository;
use lsync::repository::trash::{self, Restored, Wanted};
use lsync::sync::{self, Request, World};
use lsync::tree::RepoPath;

use crate::client::{Ears, Ended};
use crate::order::{Order, Verb};
use crate::parts::Cut;
use crate::state::{Expected, ROOT, Simulation};
use crate::watch::SimulatedClock;

type SimulatedWorld = World<MemoryDisk, SimulatedClock>;

impl Simulation {
    pub(crate) async fn obey(
        self: &Arc<Self>,
        client: usize,
        order: &Order,
    ) -> Result<Ended, Error> {
        let world = self.world(client)?;
        let mut request = order.request();
        request.unlisted &= world.remote.capabilities().conditional_put != Conditions::None;
        match order.verb {
            Verb::Status => {
                let opened = sync::look(&world, &request)?;
                Ok(Ended::of(&sync::plan(&opened, &request).await?))
            }
            Verb::Restore => self.restore(client, &world),
            Verb::Run(_) => self.run(client, order, (&world, &request), &[]).await,
            Verb::Resolve(resolution) => {
                let choices = self.choose(&world, &request, resolution).await?;
                self.run(client, order, (&world, &request), &choices).await
            }
        }
    }

    /// Plans under the lock, and carries the plan out.
    async fn run(
        &self,
        client: usize,
        order: &Order,
        (world, request): (&SimulatedWorld, &Request),
        choices: &[(Conflict, Resolution)],
    ) -> Result<Ended, Error> {
        let lock = world.repository.lock(&world.disk, "sync")?;
        self.state().clients[client].is_locked = true;
        let locked = sync::begin(world, lock, request)?;
        let mut plan = sync::plan(&locked, request).await?;
        if request.resolving {
            plan = settle(plan, choices, &format!("{}-{}", self.name(client), fastrand::u32(..)));
        }
        self.planned(client, &plan);
        if !order.is_unguarded {
            sync::guard(&plan, request)?;
        }
        let ended = Ended::of(&plan);
        let report = sync::carry_out(locked, request, plan).await?;
        self.state().clients[client].is_locked = false;
        Ok(Ended { exit: Exit::of_report(&report), report: Some(report), ..ended })
    }

    /// Shows the conflicts to a person, who decides about all of them; what is newer is theirs here
    /// and ours there.
    async fn choose(
        &self,
        world: &SimulatedWorld,
        request: &Request,
        resolution: Resolution,
    ) -> Result<Vec<(Conflict, Resolution)>, Error> {
        let opened = sync::look(world, request)?;
        let shown = sync::plan(&opened, request).await?;
        let newest = [Resolution::Ours, Resolution::Theirs, Resolution::Skip];
        let choice = || match resolution {
            Resolution::Newest => newest[fastrand::usize(0..newest.len())],
            other => other,
        };
        Ok(shown.conflicts.into_iter().map(|it| (it, choice())).collect())
    }

    /// Puts one thing back out of the trash, whatever comes first.
    fn restore(&self, client: usize, world: &SimulatedWorld) -> Result<Ended, Error> {
        let (disk, repository) = (&world.disk, &world.repository);
        let _lock = repository.lock(disk, "sync")?;
        self.state().clients[client].is_locked = true;
        for settled in trash::settle(disk, &repository.root, &repository.control)? {
            world.monitor.warning(&settled.to_string());
        }
        let listed = trash::list(disk, &repository.root, &repository.control)?;
        let here: Vec<_> = listed.iter().filter(|listed| listed.size.is_some()).collect();
        let (mut exit, mut notices) = (Exit::Done, Vec::new());
        if !here.is_empty() {
            let wanted = &here[fastrand::usize(0..here.len())].operand;
            let restored = trash::restore(
                disk,
                &repository.root,
                &repository.control,
                &[Wanted::Named(wanted.clone())],
            )?;
            for restored in restored {
                match restored {
                    Restored::PutBack { path } => self.put_back(client, path.as_str()),
                    // A person has taken the name in the last instant.
                    taken => {
                        exit = Exit::Incomplete;
                        let why = Why::Changed(format!("{taken:?}"));
                        let (path, keeps_out) = (wanted.clone(), 0);
                        notices.push(Notice { path, why, keeps_out, incomplete: true });
                    }
                }
            }
        }
        self.state().clients[client].is_locked = false;
        Ok(Ended { actions: Vec::new(), report: None, conflicts: Vec::new(), notices, exit })
    }

    /// What came back is as if a person had put it there.
    fn put_back(&self, client: usize, path: &str) {
        let (mut state, tree, name) = (self.state(), self.tree(client), self.name(client));
        state.note(|| format!("{name} has restored {path}"));
        let step = state.step;
        let own = &mut state.clients[client];
        own.is_disturbed = true;
        for (below, value) in tree.iter().filter(|(it, _)| crate::bucket::is_within(it, path)) {
            own.had.insert((below.clone(), *value));
            own.fragile_names.insert(below.clone());
            own.owned.insert(*value);
            own.expected.insert(below.clone(), Expected::new(*value, step));
        }
    }

    fn world(self: &Arc<Self>, client: usize) -> Result<SimulatedWorld, Error> {
        let machine = &self.machines[client];
        let disk = machine.disk.clone();
        let repository = Repository::open(&disk, Path::new(ROOT))?;
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
}

impl Order {
    /// Which paths the command may touch.
    pub(crate) fn selection(&self) -> Selection {
        let options = &self.options;
        let operand = options.operand.as_deref().map(|path| RepoPath::parse(path).unwrap());
        Selection::new(operand, &options.include, &options.exclude).unwrap()
    }

    fn request(&self) -> Request {
        let direction = match self.verb {
            Verb::Run(direction) => direction,
            Verb::Status | Verb::Resolve(_) | Verb::Restore => Direction::Sync,
        };
        let has_operand = self.options.operand.is_some();
        Request {
            direction,
            implicit_force: direction == Direction::ForcedPush && has_operand,
            selection: self.selection(),
            unlisted: self.options.unlisted,
            no_delete: self.options.no_delete,
            max_delete: None,
            max_change: None,
            tuning: Cut::tuning(self.cut, self.jobs),
            limit: self.options.limit,
            resolving: matches!(self.verb, Verb::Resolve(_)),
            backup: true,
        }
    }
}
