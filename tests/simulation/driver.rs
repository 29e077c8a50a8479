//! One seed from its beginning to its end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use fastrand::Rng;
use lsync::fakes::bucket::MemoryRemote;
use lsync::fakes::disk::MemoryDisk;
use lsync::remote::{Capabilities, Checksum, Conditions};
use lsync::repository::{Config, RemoteConfig, Repository};

use crate::parts::{Counts, Cut};
use crate::state::{Client, Machine, ROOT, Simulation, State};

const NAMES: [&str; 4] = ["ann", "bob", "cid", "dan"];

/// Ticks of file systems, in nanoseconds: from the finest to that of FAT.
const TICKS: [i64; 5] = [1, 1_000_000, 4_000_000, 1_000_000_000, 2_000_000_000];

/// What must not have happened, and how it came to it.
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) trace: String,
}

/// What a seed came to in which nothing of that happened.
pub(crate) struct Played {
    /// Empty unless it was to be recorded.
    pub(crate) trace: String,
    pub(crate) counts: Counts,
}

/// Runs one seed, and records its trace where that is wanted.
pub(crate) fn run_seed(seed: u64, records: bool) -> Result<Played, Failure> {
    let simulation = set_up(seed, records);
    let run = AssertUnwindSafe(|| play(&simulation));
    if catch_unwind(run).is_err() {
        simulation.state().violate("the harness itself panicked".to_owned());
    }
    for machine in &simulation.machines {
        // The hook holds the simulation, which holds the disk.
        machine.disk.set_hook(None);
    }
    let mut state = simulation.state();
    let trace = state.trace.take().unwrap_or_default();
    let counts = state.counts;
    match state.violation.take() {
        Some(message) => Err(Failure { message, trace }),
        None => Ok(Played { trace, counts }),
    }
}

fn play(simulation: &Arc<Simulation>) {
    let turns = simulation.state().random.u32(10..60);
    for _ in 0..turns {
        if simulation.state().violation.is_some() {
            break;
        }
        simulation.turn();
    }
    simulation.wait_for_all();
    simulation.go_on_with_parts();
    if simulation.state().violation.is_none() {
        simulation.come_to_rest();
    }
}

fn set_up(seed: u64, records: bool) -> Arc<Simulation> {
    let mut random = Rng::with_seed(seed);
    fastrand::seed(random.u64(..));
    let mut draw = |one_in: u64| random.u64(0..one_in) == 0;
    let conditions = if draw(8) { Conditions::None } else { Conditions::Atomic };
    let conditional_complete = if draw(8) { Conditions::None } else { conditions };
    let capabilities = Capabilities {
        conditional_put: conditions,
        conditional_complete,
        conditional_delete: conditions,
        conditional_delete_many: if draw(2) { Conditions::None } else { conditions },
        versioning: draw(6),
        etag_is_md5: !draw(4),
        file_beside_folder: !draw(4),
        checksum: if draw(6) { Checksum::None } else { Checksum::Crc64nvme },
        ..Capabilities::full()
    };
    let remote = MemoryRemote::with_capabilities(capabilities);
    let clients = random.usize(2..=3) + usize::from(random.u32(0..4) == 0);
    let machines: Vec<Machine> =
        NAMES[..clients].iter().map(|name| machine(name, &mut random)).collect();
    let cut = Cut::draw(&mut random);
    let state = State {
        random,
        clients: machines.iter().map(|_| Client::default()).collect(),
        values: [(0, String::new())].into(),
        bucket: [].into(),
        published: [].into(),
        etags: [].into(),
        changed_at: [].into(),
        mutations: 0,
        hot: None,
        step: 0,
        counter: 0,
        cut,
        counts: Counts { seeds: u64::from(cut.is_some()), ..Counts::default() },
        uploads: [].into(),
        orphans: [].into(),
        has_faults: false,
        is_calm: false,
        violation: None,
        trace: records.then(String::new),
    };
    let simulation = Arc::new(Simulation::new(remote, machines, state));
    for (client, machine) in simulation.machines.iter().enumerate() {
        let hooked = Arc::clone(&simulation);
        machine.disk.set_hook(Some(Arc::new(move |operation| {
            hooked.see_disk(client, operation);
        })));
    }
    simulation
}

fn machine(name: &'static str, random: &mut Rng) -> Machine {
    let disk = MemoryDisk::new();
    disk.set_now(1_700_000_000_000_000_000 + random.i64(-1_000_000_000_000..1_000_000_000_000));
    disk.set_tick(TICKS[random.usize(0..TICKS.len())]);
    disk.set_exchanges(random.u32(0..4) > 0);
    disk.set_links(random.u32(0..4) > 0);
    disk.set_tells_kinds(random.bool());
    if random.u32(0..4) == 0 {
        disk.set_read_bytes_max(20);
    }
    let mut config =
        Config::new(RemoteConfig { url: "s3://team".to_owned(), ..RemoteConfig::default() });
    config.trash_days = 100_000;
    disk.person().make_folders(ROOT);
    disk.person().write("/outside/secret", "secret");
    Repository::create(&disk, Path::new(ROOT), &config).unwrap();
    disk.sync_all();
    Machine { name, observer: disk.process(), disk }
}

impl Simulation {
    /// Whoever is not a running command does one thing.
    fn turn(self: &Arc<Self>) {
        let mut state = self.state();
        state.step += 1;
        let client = state.random.usize(0..self.machines.len());
        let is_idle = state.clients[client].order.is_none();
        match state.random.u32(0..20) {
            0..9 if is_idle => {
                if state.random.bool() {
                    self.sync_disk(&mut state, client);
                }
                let order = state.order();
                drop(state);
                self.start(client, order);
                self.pass(client);
            }
            0..14 => self.person_acts(&mut state),
            14 => self.somebody_acts(&mut state),
            15 => self.break_bucket(&mut state),
            18 if !is_idle => self.try_another(&mut state, client),
            16 => {
                self.remote.clear_faults();
                state.has_faults = false;
            }
            17 => self.machines[client].disk.advance(2_000_000_000),
            18 => self.jump_clock(&mut state, client),
            _ => {
                let running: Vec<usize> = (0..self.machines.len())
                    .filter(|client| state.clients[*client].order.is_some())
                    .collect();
                if running.is_empty() {
                    return;
                }
                let client = state.pick(&running);
                drop(state);
                self.pass(client);
            }
        }
    }

    /// Lets a command run until it hands the baton back.
    fn pass(&self, client: usize) {
        self.baton.pass(client + 1);
        self.baton.wait(0);
    }

    pub(crate) fn wait_for_all(&self) {
        loop {
            let running = {
                let state = self.state();
                state.clients.iter().position(|client| client.order.is_some())
            };
            match running {
                Some(client) => self.pass(client),
                None => return,
            }
        }
    }
}
