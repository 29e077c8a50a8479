//! What the harness knows: who wrote what where, and what each client is busy with.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crc_fast::CrcAlgorithm;
use fastrand::Rng;
use lsync::disk::Disk as _;
use lsync::fakes::bucket::MemoryRemote;
use lsync::fakes::disk::MemoryDisk;
use lsync::monitor::Stop;
use lsync::plan::Selection;
use lsync::repository::trash;
use lsync::tree::{Kind, RepoPath};

use crate::baton::Baton;
use crate::order::Order;
use crate::parts::{Counts, Cut, Moved};

/// Where every working copy lies on its disk.
pub(crate) const ROOT: &str = "/w";

/// A content, by its CRC-64/NVME: every content that somebody writes is another.
pub(crate) type Value = u64;

/// Files by path, each with its content.
pub(crate) type Tree = BTreeMap<String, Value>;

pub(crate) fn value_of(bytes: &[u8]) -> Value {
    crc_fast::checksum(CrcAlgorithm::Crc64Nvme, bytes)
}

/// One seed.
pub(crate) struct Simulation {
    pub(crate) baton: Baton,
    pub(crate) remote: MemoryRemote,
    pub(crate) machines: Vec<Machine>,
    state: Mutex<State>,
}

/// The computer of one client.
pub(crate) struct Machine {
    pub(crate) name: &'static str,
    /// The process of its commands.
    pub(crate) disk: MemoryDisk,
    /// Looks without being seen.
    pub(crate) observer: MemoryDisk,
}

/// A file whose person expects it under its name.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    pub(crate) value: Value,
    /// The step in which the person put it there.
    pub(crate) since: u64,
    /// The name by which the person wrote it, where that is another one of the same file: it may
    /// stay there alone.
    pub(crate) by: Option<String>,
}

impl Expected {
    /// A file whose person knows no other name of it.
    pub(crate) fn new(value: Value, since: u64) -> Self {
        Self { value, since, by: None }
    }
}

/// Which way a file goes that a plan renames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    There,
    Back,
}

/// A file that `--both` parts from its name, because a folder is to have that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Aside {
    pub(crate) path: String,
    /// The name that it gets.
    pub(crate) copy: String,
    /// What the object holds, where the file is only in the bucket: then it is fetched to that name.
    pub(crate) theirs: Option<Value>,
    /// The step in which it was planned.
    pub(crate) step: u64,
}

/// What a person does for the time of one call alone.
#[derive(Debug, Clone)]
pub(crate) enum Undoing {
    /// What lies at the first path had the second one.
    Rename(String, String),
    /// It had these permission bits.
    Mode(String, u32),
}

/// What is known of one client.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Client {
    /// The command that runs, if one does.
    pub(crate) order: Option<Order>,
    /// Which paths it may touch.
    pub(crate) selection: Selection,
    /// The files when it began.
    pub(crate) tree_at_first: Tree,
    /// The command is dead, and its thread has to end.
    pub(crate) is_killed: bool,
    /// I/O operations of the command so far.
    pub(crate) operations: u64,
    /// Names in the tree that it has moved so far.
    pub(crate) moves: u64,
    /// At which operation it moved the last one.
    pub(crate) moved_at: u64,
    /// It holds the lock of the working copy.
    pub(crate) is_locked: bool,
    /// Another command was tried beside it.
    pub(crate) is_beset: bool,
    /// In which step it last looked at a key, where the store does not look for it.
    pub(crate) looked_at: BTreeMap<String, u64>,
    /// The step in which the command began.
    pub(crate) begun_at: u64,
    /// The step in which the plan was complete.
    pub(crate) planned_at: Option<u64>,
    /// Files that the plan takes away.
    pub(crate) removals: BTreeSet<String>,
    /// Files that the plan takes away or replaces.
    pub(crate) targets: Vec<String>,
    /// Files against folders that get another name, of all commands since the last one that came to
    /// its end.
    pub(crate) asides: Vec<Aside>,
    /// Old and new names of files that the plan renames here.
    pub(crate) renames: Vec<(String, String)>,
    /// Conflicts of the plan that nobody settled.
    pub(crate) conflicts: BTreeSet<String>,
    /// The name that is being moved by the call at hand.
    pub(crate) moving: Option<String>,
    /// What was just transferred, and is about to be opened by its name once more.
    pub(crate) opening: Option<String>,
    /// What a person undoes before the next call.
    pub(crate) undoing: Option<Undoing>,
    /// A staged file is being renamed over a name. Without an exchange nothing guards that one call,
    /// as the fallback says: nobody saves there meanwhile.
    pub(crate) is_in_gap: bool,
    /// Something happened that the plan could not know.
    pub(crate) is_disturbed: bool,
    /// It met a call of the disk or the bucket that failed, or could have.
    pub(crate) has_met_faults: bool,
    /// Its machine went down.
    pub(crate) has_lost_power: bool,
    /// What it moved of files in parts.
    pub(crate) moved: Moved,
    pub(crate) stop: Stop,
    /// What a person here wrote and did not take back: it must be on this disk.
    pub(crate) owned: BTreeSet<Value>,
    /// In which step a person here first wrote what.
    pub(crate) written: BTreeMap<Value, u64>,
    /// What a person here wrote since the disk was last synced as a whole.
    pub(crate) fragile: BTreeSet<Value>,
    /// The names that a person here gave or took since then.
    pub(crate) fragile_names: BTreeSet<String>,
    /// What each path held when a person last looked.
    pub(crate) expected: BTreeMap<String, Expected>,
    /// Every content that a person here replaced or removed, by path.
    pub(crate) replaced: BTreeSet<(String, Value)>,
    /// Every content that each path here ever had.
    pub(crate) had: BTreeSet<(String, Value)>,
    /// What the database says of each path, as its last command left it.
    pub(crate) rows: Tree,
    /// What commands were allowed to take that were killed since then: what was there before this
    /// step.
    pub(crate) forced_until: u64,
    /// What commands said since the last one that came to its end.
    pub(crate) told: Vec<String>,
    /// How much of it was said before the present command.
    pub(crate) told_before: usize,
    /// What the last command said.
    pub(crate) said: Vec<String>,
}

impl Client {
    /// Tells whether `--both` gives the name to a folder, and the file the other one; a person may have
    /// renamed the folder that holds both.
    pub(crate) fn sets_aside(&self, path: &str, copy: &str) -> bool {
        let split = |path: &str| {
            let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
            (above.to_owned(), name.to_owned())
        };
        let ((above, name), (beside, other)) = (split(path), split(copy));
        let is_it = |it: &Aside| split(&it.path).1 == name && split(&it.copy).1 == other;
        above == beside && self.asides.iter().any(is_it)
    }

    /// Tells whether the plan renames a file so, or the reverse: a person was faster, and it goes back.
    /// Persons may have renamed the folders above meanwhile.
    pub(crate) fn renames(&self, from: &str, to: &str) -> Option<Way> {
        let name = |path: &str| path.rsplit('/').next().map(str::to_owned);
        let is_it = |(old, new): &(String, String), from, to| {
            name(old) == name(from) && name(new) == name(to)
        };
        match self.renames.iter().find(|it| is_it(it, from, to) || is_it(it, to, from)) {
            Some(it) if is_it(it, from, to) => Some(Way::There),
            Some(_) => Some(Way::Back),
            None => None,
        }
    }

    /// Tells whether the command may touch a path; a copy that it makes lies beside one.
    pub(crate) fn selects(&self, path: &str) -> bool {
        let Ok(path) = RepoPath::parse(path) else { return false };
        let operands = self.selection.operands();
        let is_within = |operand: &RepoPath| path.is_within(operand) || operand.is_within(&path);
        (operands.is_empty() || operands.iter().any(is_within)) && self.selection.passes(&path)
    }
}

/// Everything that changes. Whoever holds the baton may lock it.
pub(crate) struct State {
    pub(crate) random: Rng,
    pub(crate) clients: Vec<Client>,
    /// Every content that may be seen anywhere, with its first bytes.
    pub(crate) values: BTreeMap<Value, String>,
    /// What the bucket holds, as far as its history was read.
    pub(crate) bucket: Tree,
    /// Every content that each key ever had, with its `ETag`.
    pub(crate) published: BTreeSet<(String, Value)>,
    pub(crate) etags: BTreeMap<(String, String), Value>,
    /// In which step each key was changed last.
    pub(crate) changed_at: BTreeMap<String, u64>,
    /// Mutations of the bucket read so far.
    pub(crate) mutations: usize,
    /// The path that a transfer touched last.
    pub(crate) hot: Option<String>,
    pub(crate) step: u64,
    pub(crate) counter: u64,
    /// How files are cut into parts; `None` leaves them whole.
    pub(crate) cut: Option<Cut>,
    pub(crate) counts: Counts,
    /// Who began which upload in parts.
    pub(crate) uploads: BTreeMap<String, usize>,
    /// Uploads that nobody knows of any more: only an administrator ends them.
    pub(crate) orphans: BTreeSet<String>,
    /// Calls of the bucket may fail.
    pub(crate) has_faults: bool,
    /// Nothing interferes any more.
    pub(crate) is_calm: bool,
    pub(crate) violation: Option<String>,
    pub(crate) trace: Option<String>,
}

impl State {
    /// Writes a line of the trace; `line` is only made if somebody reads it.
    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        let step = self.step;
        if let Some(trace) = &mut self.trace {
            writeln!(trace, "{step:>6} {}", line()).unwrap();
        }
    }

    /// Keeps the first thing that must not have happened.
    pub(crate) fn violate(&mut self, message: String) {
        if self.violation.is_none() {
            self.note(|| format!("!!! {message}"));
            self.violation = Some(message);
        }
    }

    /// Returns a content for messages.
    pub(crate) fn say(&self, value: Value) -> String {
        self.values.get(&value).map_or_else(|| format!("{value:x}"), |text| format!("{text:?}"))
    }

    /// Draws: true once in `n`.
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.random.u64(0..n) == 0
    }

    /// Draws one of them.
    pub(crate) fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.random.usize(0..choices.len())].clone()
    }

    /// Makes a content that never was, half of the time as long as most others.
    pub(crate) fn fresh(&mut self, who: &str) -> Vec<u8> {
        self.counter += 1;
        let mut text = format!("{who}{:06}", self.counter);
        if self.random.bool() {
            let more = self.random.usize(1..40);
            text.extend(std::iter::repeat_n('.', more));
        }
        self.values.insert(value_of(text.as_bytes()), text.clone());
        text.into_bytes()
    }
}

impl Simulation {
    pub(crate) fn new(remote: MemoryRemote, machines: Vec<Machine>, state: State) -> Self {
        Self { baton: Baton::new(machines.len() + 1), remote, machines, state: Mutex::new(state) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the regular files of a working copy.
    pub(crate) fn tree(&self, client: usize) -> Tree {
        let items = self.machines[client].observer.person().snapshot_below(ROOT);
        let files = items.into_iter().filter(|(_, item)| item.kind == Kind::File);
        files
            .filter(|(path, _)| !path.starts_with(".lsync"))
            .map(|(path, item)| (path.to_str().unwrap().to_owned(), value_of(&item.contents)))
            .collect()
    }

    /// Returns every content in the trash of a working copy that `trash restore` would find.
    pub(crate) fn trash(&self, client: usize) -> BTreeSet<Value> {
        listed_trash(&self.machines[client].observer)
    }

    pub(crate) fn name(&self, client: usize) -> &'static str {
        self.machines[client].name
    }
}

/// Returns every content in the trash of the working copy on a disk that `trash restore` would find.
pub(crate) fn listed_trash(disk: &MemoryDisk) -> BTreeSet<Value> {
    let person = disk.person();
    let folder = Path::new(ROOT).join(".lsync/trash");
    if person.stat(&folder).is_none() {
        return BTreeSet::new();
    }
    let root = disk.open_path(Path::new(ROOT)).unwrap();
    let control = disk.open_folder(&root, OsStr::new(".lsync")).unwrap();
    let listed = trash::list(disk, &root, &control).unwrap();
    let mut values = BTreeSet::new();
    for listed in listed.iter().filter(|listed| listed.size.is_some()) {
        let place = folder.join(&listed.operand);
        match person.try_read(&place) {
            Some(bytes) => values.extend([value_of(&bytes)]),
            None => values.extend(person.files_below(&place).values().map(|it| value_of(it))),
        }
    }
    values
}

/// Counts the files of a working copy that have a second name there, as a killed `--both` leaves
/// them: whoever moves one name changes the ctime of both, so that what is done with the other in the
/// same run may have to be done again.
pub(crate) fn with_two_names(disk: &MemoryDisk) -> u64 {
    let person = disk.person();
    let mut names: BTreeMap<u64, u64> = BTreeMap::new();
    for path in person.files_below(ROOT).into_keys().filter(|path| !path.starts_with(".lsync")) {
        if let Some(stat) = person.stat(Path::new(ROOT).join(path)) {
            *names.entry(stat.inode).or_default() += 1;
        }
    }
    names.into_values().filter(|names| *names > 1).sum()
}
