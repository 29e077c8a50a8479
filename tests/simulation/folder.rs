//! Teams whose bucket is a folder on a disk that they share.
//!
//! No baton here: before any I/O operation of a command, on its own disk or on the bucket's, a person
//! may act, the process may be killed, or a teammate's whole command may run. What was written and
//! not knowingly replaced or removed must be somewhere; what a person wrote, on that person's disk.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fastrand::Rng;
use lsync::disk::{Disk as _, Patience};
use lsync::fakes::disk::{Call, MemoryClock, MemoryDisk, Operation};
use lsync::monitor::{Silent, Stop};
use lsync::plan::{ConflictKind, Direction, Plan, Resolution, Selection, settle};
use lsync::remote::FolderRemote;
use lsync::repository::{Config, RemoteConfig, Repository};
use lsync::sync::{self, Report, Request, World};
use lsync::tree::{Kind, RepoPath};

use crate::driver::{Failure, Played};
use crate::parts::{Counts, Cut, Moved, left_over};
use crate::state::{ROOT, Tree, Value, listed_trash, value_of, with_two_names};

const BUCKET: &str = "/bucket";
const NAMES: [&str; 3] = ["ann", "bob", "cid"];
const PATHS: &[&str] = &["a", "a/in", "b.txt", "d/x", "d/y", "d"];

/// After so many rounds everything has to be at rest.
const ROUNDS_MAX: usize = 8;

type FolderWorld = World<MemoryDisk, MemoryClock>;

/// One client: its process on its own disk, and on the bucket's.
struct Seat {
    disk: MemoryDisk,
    bucket: MemoryDisk,
    /// Looks without being seen.
    observer: MemoryDisk,
}

struct Facts {
    random: Rng,
    counter: u64,
    /// Every content that somebody wrote.
    values: BTreeMap<Value, String>,
    /// Contents that must be somewhere.
    owed: BTreeSet<Value>,
    /// Contents that must be on the disk of the client whose person wrote them.
    owned: Vec<BTreeSet<Value>>,
    /// Commands that are at work: I/O operations so far, and at which one they are killed.
    busy: Vec<Option<(u64, u64)>>,
    /// Folders in which a staged file is being renamed over a name right now. Without an exchange
    /// nothing guards that one call, as the fallback says: nobody saves there meanwhile.
    unguarded: BTreeSet<&'static str>,
    /// How everybody cuts files into parts; `None` leaves them whole.
    cut: Option<Cut>,
    /// What the command of each client has moved of files in parts.
    moved: Vec<Moved>,
    counts: Counts,
    is_calm: bool,
    violation: Option<String>,
    trace: Option<String>,
}

impl Facts {
    fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            writeln!(trace, "{}", line()).unwrap();
        }
    }

    fn violate(&mut self, message: String) {
        self.note(|| format!("!!! {message}"));
        self.violation.get_or_insert(message);
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.random.u64(0..n) == 0
    }

    fn fresh(&mut self, who: &str) -> Vec<u8> {
        self.counter += 1;
        let mut text = format!("{who}{:05}", self.counter);
        if self.random.bool() {
            text.extend(std::iter::repeat_n('.', self.random.usize(1..30)));
        }
        self.values.insert(value_of(text.as_bytes()), text.clone());
        text.into_bytes()
    }
}

struct Team {
    bucket: MemoryDisk,
    seats: Vec<Seat>,
    facts: Mutex<Facts>,
}

/// Runs one seed, and records its trace where that is wanted.
pub(crate) fn run_folder_seed(seed: u64, records: bool) -> Result<Played, Failure> {
    let team = team(seed, records);
    if catch_unwind(AssertUnwindSafe(|| team.play())).is_err() {
        team.facts().violate("the harness itself panicked".to_owned());
    }
    for seat in &team.seats {
        seat.disk.set_hook(None);
        seat.bucket.set_hook(None);
    }
    let mut facts = team.facts();
    let trace = facts.trace.take().unwrap_or_default();
    let counts = facts.counts;
    match facts.violation.take() {
        Some(message) => Err(Failure { message, trace }),
        None => Ok(Played { trace, counts }),
    }
}

fn team(seed: u64, records: bool) -> Arc<Team> {
    let mut random = Rng::with_seed(seed);
    let bucket = disk(&mut random);
    bucket.person().make_folders(BUCKET);
    let count = random.usize(2..=3);
    let seats: Vec<Seat> = (0..count).map(|_| seat(&bucket, &mut random)).collect();
    let cut = Cut::draw(&mut random);
    let facts = Facts {
        random,
        counter: 0,
        values: BTreeMap::new(),
        owed: BTreeSet::new(),
        owned: vec![BTreeSet::new(); count],
        busy: vec![None; count],
        unguarded: BTreeSet::new(),
        cut,
        moved: std::iter::repeat_with(Moved::default).take(count).collect(),
        counts: Counts { seeds: u64::from(cut.is_some()), ..Counts::default() },
        is_calm: false,
        violation: None,
        trace: records.then(String::new),
    };
    let team = Arc::new(Team { bucket, seats, facts: Mutex::new(facts) });
    for (client, seat) in team.seats.iter().enumerate() {
        for disk in [&seat.disk, &seat.bucket] {
            let hooked = Arc::clone(&team);
            disk.set_hook(Some(Arc::new(move |operation| hooked.see(client, operation))));
        }
    }
    team
}

fn disk(random: &mut Rng) -> MemoryDisk {
    let disk = MemoryDisk::new();
    disk.set_now(1_700_000_000_000_000_000 + random.i64(0..1_000_000_000_000));
    disk.set_tick([1, 4_000_000, 1_000_000_000][random.usize(0..3)]);
    disk.set_exchanges(random.u32(0..4) > 0);
    disk.set_links(random.u32(0..8) > 0);
    disk
}

fn seat(bucket: &MemoryDisk, random: &mut Rng) -> Seat {
    let disk = disk(random);
    let remote = RemoteConfig { url: format!("file://{BUCKET}"), ..RemoteConfig::default() };
    let config = Config { trash_days: 100_000, ..Config::new(remote) };
    disk.person().make_folders(ROOT);
    Repository::create(&disk, Path::new(ROOT), &config).unwrap();
    disk.advance(10_000_000_000);
    Seat { observer: disk.process(), bucket: bucket.process(), disk }
}

fn request(direction: Direction, cut: Option<Cut>) -> Request {
    Request {
        direction,
        implicit_force: false,
        selection: Selection::all(),
        unlisted: false,
        no_delete: false,
        max_delete: None,
        max_change: None,
        tuning: Cut::tuning(cut, 1),
        limit: None,
        backup: true,
        resolving: false,
    }
}

/// Returns the control folder of the working copy or bucket that a folder lies in.
fn to_control(folder: &Path) -> PathBuf {
    let top = if folder.starts_with(BUCKET) { BUCKET } else { ROOT };
    Path::new(top).join(".lsync")
}

/// Returns the files below a folder, `.lsync` aside.
fn files(disk: &MemoryDisk, top: &str) -> Tree {
    let files = disk.person().files_below(top).into_iter();
    files
        .filter(|(path, _)| !path.starts_with(".lsync"))
        .map(|(path, bytes)| (path.to_str().unwrap().to_owned(), value_of(&bytes)))
        .collect()
}

impl Team {
    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn play(self: &Arc<Self>) {
        let turns = self.facts().random.u32(10..50);
        for _ in 0..turns {
            if self.facts().violation.is_some() {
                return;
            }
            let client = self.draw_client();
            let drawn = self.facts().random.u32(0..10);
            match drawn {
                0..5 => self.command(client),
                5 => self.tool_acts(),
                _ => self.person_acts(client),
            }
        }
        self.come_to_rest();
    }

    fn draw_client(&self) -> usize {
        self.facts().random.usize(0..self.seats.len())
    }

    /// Lets something happen before an operation of a command.
    fn see(self: &Arc<Self>, client: usize, operation: &Operation) {
        let (what, teammate) = {
            let mut facts = self.facts();
            let Some((operations, kill_at)) = facts.busy[client].as_mut() else { return };
            *operations += 1;
            let dies = operations == kill_at;
            let Facts { cut, moved, counts, .. } = &mut *facts;
            moved[client].see(operation, (&self.seats[client].observer, *cut), counts);
            Moved::see_note(operation, counts);
            let Operation { call, folder, name, other } = operation;
            let is_over = |(to, _): &(PathBuf, OsString)| !to.starts_with(to_control(to));
            let top = if folder.starts_with(BUCKET) { BUCKET } else { NAMES[client] };
            if *call == Call::RenameOver && other.as_ref().is_some_and(is_over) {
                facts.unguarded.insert(top);
            } else {
                facts.unguarded.remove(top);
            }
            facts.note(|| format!("  {}: {call:?} {}", NAMES[client], folder.join(name).display()));
            if dies {
                facts.note(|| format!("  {} is killed", NAMES[client]));
                self.seats[client].disk.stop_after(1);
                self.seats[client].bucket.stop_after(1);
            }
            if facts.is_calm {
                return;
            }
            let pause = facts.random.i64(0..2_000_000);
            self.seats[client].disk.advance(pause);
            self.bucket.advance(pause);
            let is_alone = facts.busy.iter().flatten().count() == 1;
            let teammate = facts.random.usize(0..self.seats.len());
            (facts.random.u32(0..100), Some(teammate).filter(|it| is_alone && *it != client))
        };
        match (what, teammate) {
            (0, Some(teammate)) if self.is_unlocked() => {
                // Another thread, because a runtime cannot wait within another one.
                std::thread::scope(|scope| scope.spawn(|| self.command(teammate)).join().unwrap());
            }
            (1..4, _) => {
                let person = self.draw_client();
                self.person_acts(person);
            }
            (4, _) if self.is_unlocked() => self.tool_acts(),
            _ => (),
        }
    }

    /// Tells whether nobody holds the bucket's lock, for which a teammate would wait for ever.
    fn is_unlocked(&self) -> bool {
        let disk = self.bucket.process();
        let opened = disk
            .open_path(&Path::new(BUCKET).join(".lsync"))
            .and_then(|control| disk.open(&control, "lock".as_ref()));
        opened.is_ok_and(|file| disk.lock(&file, Patience::Try).is_ok_and(|it| it))
    }

    fn person_acts(&self, client: usize) {
        self.act(Some(client), &self.seats[client].observer, Path::new(ROOT));
    }

    /// Lets another tool replace or remove an object, as a person does who opens the folder.
    fn tool_acts(&self) {
        self.bucket.advance(2_000_000_000);
        self.act(None, &self.bucket, Path::new(BUCKET));
        self.bucket.advance(2_000_000_000);
    }

    /// Writes or removes a file, and keeps account of what is owed since then.
    fn act(&self, client: Option<usize>, disk: &MemoryDisk, top: &Path) {
        let mut facts = self.facts();
        if facts.unguarded.contains(client.map_or(BUCKET, |client| NAMES[client])) {
            return;
        }
        let path = PATHS[facts.random.usize(0..PATHS.len())];
        let (person, at) = (disk.person(), top.join(path));
        let before = files(disk, top.to_str().unwrap());
        let kind = |at: &Path| person.stat(at).map(|stat| stat.kind);
        let has_room = at.parent().is_some_and(|it| it == top || kind(it) != Some(Kind::File));
        let who = client.map_or("tool", |client| NAMES[client]);
        match (facts.random.u32(0..10), kind(&at)) {
            (0..3, Some(_)) => person.remove(&at),
            (3..6, None | Some(Kind::File)) if has_room => person.save(&at, facts.fresh(who)),
            // In a folder bucket the tool only saves: a version is told by its stat.
            (_, None | Some(Kind::File)) if has_room && client.is_some() => {
                person.make_folders(at.parent().unwrap());
                person.write(&at, facts.fresh(who));
            }
            _ => return,
        }
        let after = files(disk, top.to_str().unwrap());
        facts.note(|| format!("{who} acts: {path}"));
        for (path, value) in &before {
            if after.get(path) != Some(value) && !after.values().any(|it| it == value) {
                facts.owed.remove(value);
                client.map(|client| facts.owned[client].remove(value));
            }
        }
        for (path, value) in &after {
            if before.get(path) != Some(value) {
                facts.owed.insert(*value);
                client.map(|client| facts.owned[client].insert(*value));
            }
        }
    }

    /// Carries out a command that may be killed, and checks what must hold after it.
    fn command(self: &Arc<Self>, client: usize) {
        let (direction, resolution) = {
            let mut facts = self.facts();
            let directions = [
                Direction::Sync,
                Direction::Sync,
                Direction::Sync,
                Direction::Push,
                Direction::Pull,
                Direction::MirrorPull,
                Direction::MirrorPush,
            ];
            let resolutions = [Resolution::Ours, Resolution::Theirs, Resolution::Both];
            let direction = directions[facts.random.usize(0..directions.len())];
            let resolution = resolutions[facts.random.usize(0..resolutions.len())];
            let resolves = direction == Direction::Sync && facts.one_in(4);
            let dies_at = if facts.one_in(4) { facts.random.u64(1..300) } else { u64::MAX };
            facts.busy[client] = Some((0, dies_at));
            (direction, resolves.then_some(resolution))
        };
        self.run(client, direction, resolution).map_or_else(
            |reason| self.facts().note(|| format!("{} gave up: {reason}", NAMES[client])),
            |_| (),
        );
        self.facts().busy[client] = None;
        self.facts().unguarded.remove(NAMES[client]);
        self.facts().unguarded.remove(BUCKET);
        for disk in [&self.seats[client].disk, &self.seats[client].bucket] {
            disk.kill();
            disk.sync_all();
        }
        self.check();
    }

    fn run(
        self: &Arc<Self>,
        client: usize,
        direction: Direction,
        resolution: Option<Resolution>,
    ) -> Result<(Plan, Report), lsync::error::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (seed, cut) = {
            let mut facts = self.facts();
            facts.note(|| format!("{} begins {direction:?} {resolution:?}", NAMES[client]));
            facts.moved[client] = Moved::default();
            (facts.random.u64(..), facts.cut)
        };
        fastrand::seed(seed);
        runtime.block_on(async {
            let world = self.world(client)?;
            let request = Request { resolving: resolution.is_some(), ..request(direction, cut) };
            let lock = world.repository.lock(&world.disk, "sync")?;
            let locked = sync::begin(&world, lock, &request)?;
            let mut plan = sync::plan(&locked, &request).await?;
            if let Some(resolution) = resolution {
                let choices: Vec<_> =
                    plan.conflicts.iter().map(|it| (it.clone(), resolution)).collect();
                plan = settle(plan, &choices, &format!("{}-{seed}", NAMES[client]));
            }
            for action in &plan.actions {
                self.facts()
                    .note(|| format!("{} plans: {} {}", NAMES[client], action.word(), action.path));
            }
            let report = sync::carry_out(locked, &request, plan.clone()).await?;
            self.facts().note(|| format!("{} has ended: {report:?}", NAMES[client]));
            Ok((plan, report))
        })
    }

    fn world(&self, client: usize) -> Result<FolderWorld, lsync::error::Error> {
        let seat = &self.seats[client];
        let repository = Repository::open(&seat.disk, Path::new(ROOT))?;
        let remote = FolderRemote::open(seat.bucket.clone(), Path::new(BUCKET), "")?;
        Ok(World {
            remote_id: repository.config.remote.id(),
            repository,
            remote: Arc::new(remote),
            prefix_bytes: 0,
            clock: seat.disk.clock(),
            disk: seat.disk.clone(),
            monitor: Arc::new(Silent),
            stop: Stop::default(),
            parallel: false,
        })
    }

    /// I1 and I10: what was written is somewhere, and nothing else is anywhere.
    fn check(&self) {
        let bucket = files(&self.bucket, BUCKET);
        let aside: BTreeSet<Value> = self.aside();
        let mut facts = self.facts();
        let mut everywhere: BTreeSet<Value> = bucket.values().copied().collect();
        let mut seen: Vec<Tree> = vec![bucket];
        for (client, seat) in self.seats.iter().enumerate() {
            let tree = files(&seat.observer, ROOT);
            let mut here: BTreeSet<Value> = tree.values().copied().collect();
            here.extend(listed_trash(&seat.observer));
            everywhere.extend(&here);
            let lost: Vec<Value> = facts.owned[client].difference(&here).copied().collect();
            for value in lost {
                let text = facts.values.get(&value).cloned();
                facts.violate(format!("I1: {} wrote {text:?}, not on that disk", NAMES[client]));
            }
            seen.push(tree);
        }
        everywhere.extend(aside);
        let lost: Vec<Value> = facts.owed.difference(&everywhere).copied().collect();
        for value in lost {
            let text = facts.values.get(&value).cloned();
            facts.violate(format!("I1: {text:?} is nowhere any more"));
        }
        for (path, value) in seen.into_iter().flatten() {
            if !facts.values.contains_key(&value) {
                facts.violate(format!("I10: {path} has a content that nobody wrote"));
            }
        }
    }

    /// Returns the contents that lsync keeps aside in the bucket: a person's save of the last moment.
    fn aside(&self) -> BTreeSet<Value> {
        let control = PathBuf::from(BUCKET).join(".lsync");
        let person = self.bucket.person();
        if person.stat(&control).is_none() {
            return BTreeSet::new();
        }
        person.files_below(control).values().map(|bytes| value_of(bytes)).collect()
    }

    /// I5 and I6: all trees become the bucket, and then nothing happens.
    fn come_to_rest(self: &Arc<Self>) {
        self.facts().is_calm = true;
        for round in 0..ROUNDS_MAX {
            let mut is_quiet = true;
            for client in 0..self.seats.len() {
                self.bucket.advance(10_000_000_000);
                self.seats[client].disk.advance(10_000_000_000);
                is_quiet &= self.round(client, round);
                self.check();
                if self.facts().violation.is_some() {
                    return;
                }
            }
            if is_quiet {
                let bucket = files(&self.bucket, BUCKET);
                for (client, seat) in self.seats.iter().enumerate() {
                    let tree = files(&seat.observer, ROOT);
                    if tree != bucket {
                        let sides = format!("{tree:?}, {bucket:?}");
                        self.facts().violate(format!("I5: {} is at rest: {sides}", NAMES[client]));
                    }
                    if let Some(file) = left_over(&seat.observer) {
                        let message = format!("I18: {} leaves {}", NAMES[client], file.display());
                        self.facts().violate(message);
                    }
                }
                return;
            }
        }
        self.facts().violate(format!("I15: no rest after {ROUNDS_MAX} rounds"));
    }

    /// Lets one client sync and settle its conflicts; tells whether it had nothing to do.
    fn round(self: &Arc<Self>, client: usize, round: usize) -> bool {
        let choices = [Resolution::Theirs, Resolution::Ours, Resolution::Both];
        let choice = choices[round % choices.len()];
        let excused = with_two_names(&self.seats[client].observer);
        match self.run(client, Direction::Sync, Some(choice)) {
            Ok((plan, report)) => {
                let shapes = plan.conflicts.iter();
                let shapes = shapes.filter(|it| it.kind == ConflictKind::FileAgainstFolder);
                for conflict in shapes {
                    self.give_way(client, &conflict.path);
                }
                if report.failed > 0 || report.changed_meanwhile > excused {
                    let message = format!("I15: {} fails in peace: {report:?}", NAMES[client]);
                    self.facts().violate(message);
                }
                plan.actions.is_empty() && plan.conflicts.is_empty()
            }
            Err(error) => {
                let message = format!("I15: {} fails in peace: {error}", NAMES[client]);
                self.facts().violate(message);
                false
            }
        }
    }

    /// Lets the person settle a file against a folder: what is here goes.
    fn give_way(&self, client: usize, path: &RepoPath) {
        let seat = &self.seats[client];
        let (person, before) = (seat.observer.person(), files(&seat.observer, ROOT));
        let at = Path::new(ROOT).join(path.as_str());
        if person.stat(&at).is_some() {
            person.remove(&at);
        }
        let after = files(&seat.observer, ROOT);
        let mut facts = self.facts();
        for value in before.values().filter(|it| !after.values().any(|other| other == *it)) {
            facts.owed.remove(value);
            facts.owned[client].remove(value);
        }
    }
}
