//! The trash of a run that is at work: gives out slots, and writes down what they are for.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::list::{self, Mark};
use super::run_folder::{numbered, run_name};
use super::{Entry, Identity, LIST, Side, TrashError, UNFINISHED, Why};
use crate::disk::{Contents, Disk, ensure_folder, is_kind};
use crate::tree::{Kind, RepoPath, Stat, Token};

/// Names tried for one slot before the trash gives up.
const NAMES_TRIED_MAX: u32 = 10_000;

/// Up to so many folders are synced one by one, more by their file system.
const FOLDERS_SYNCED_MAX: usize = 32;

/// What is about to go to the trash.
#[derive(Debug, Clone, Copy)]
pub struct NewEntry<'a> {
    /// Its path.
    pub path: &'a RepoPath,
    /// Which copy.
    pub side: Side,
    /// Why.
    pub why: Why,
    /// Whether the base knew the content.
    pub known: bool,
    /// What the store called the bucket's copy.
    pub token: Option<&'a Token>,
    /// The file of ours that takes its place, as staged.
    pub staged: Option<&'a Stat>,
    /// What the name is expected to hold.
    pub expected: Option<&'a Stat>,
    /// Of a folder, what is expected in it; without, it is taken for changed.
    pub contents: Option<&'a Contents>,
}

/// A free name in the trash for one thing.
pub struct Slot<D: Disk> {
    /// The folder, open.
    pub folder: D::Folder,
    /// The name.
    pub name: OsString,
    /// What `lsync trash restore` calls it: `RUN/local/docs/a.txt`.
    pub operand: String,
    number: u64,
    key: (String, String),
}

/// What a slot holds once the operation is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// What was overwritten or deleted, as expected.
    Kept,
    /// Nothing: the operation did not happen.
    Empty,
    /// An edit by a person that could not be put back.
    Edit,
}

/// The trash of one run. Nothing is written before the first slot.
pub struct TrashRun<D: Disk> {
    disk: D,
    control: D::Folder,
    name: String,
    state: Mutex<State<D>>,
}

/// What changes during the run.
struct State<D: Disk> {
    list: Option<D::File>,
    next_number: u64,
    /// Top and place of slots that may still be empty, and of folders kept as a whole.
    taken: HashSet<(String, String)>,
    open: HashSet<u64>,
    /// The run's folder on each file system, by its top.
    runs: HashMap<String, D::Folder>,
    /// Folders with names that are not durable yet.
    unsynced: BTreeMap<(String, String), D::Folder>,
    /// This run made the file [`UNFINISHED`], so it may remove it.
    made_unfinished: bool,
}

impl<D: Disk> TrashRun<D> {
    /// Prepares the trash of a run in the root's `.lsync`, and writes nothing.
    ///
    /// `now` is in nanoseconds since 1970; `salt` tells runs of the same second apart, and where another
    /// one drew the same, the next free one does. Settle the earlier runs first.
    pub fn begin(disk: &D, control: &D::Folder, now: i64, salt: u16) -> Self {
        let trash = disk.open_folder(control, OsStr::new("trash")).ok();
        let is_taken = |name: &String| {
            trash.as_ref().is_some_and(|trash| disk.lstat(trash, OsStr::new(name)).is_ok())
        };
        let mut names = (0..=u16::MAX).map(|more| run_name(now, salt.wrapping_add(more)));
        Self {
            disk: disk.clone(),
            control: control.clone(),
            name: names.find(|name| !is_taken(name)).unwrap_or_else(|| run_name(now, salt)),
            state: Mutex::new(State {
                list: None,
                next_number: 1,
                taken: HashSet::new(),
                open: HashSet::new(),
                runs: HashMap::new(),
                unsynced: BTreeMap::new(),
                made_unfinished: false,
            }),
        }
    }

    /// Returns the name of the run.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tells whether something was written: then the trash is to be pruned after the run.
    pub fn has_entries(&self) -> bool {
        self.state().list.is_some()
    }

    /// Writes down what is about to happen and returns a free name for it.
    ///
    /// `control` is the `.lsync` of the file system that the path lies on, `top` the path of the
    /// folder that holds it (empty: the root). Before the swaps of a group: [`TrashRun::sync`].
    pub fn slot(
        &self,
        new: &NewEntry<'_>,
        top: &str,
        control: &D::Folder,
    ) -> Result<Slot<D>, TrashError> {
        let mut state = self.state();
        self.start(&mut state).map_err(TrashError::io("make", &self.name))?;
        let run = self
            .run_folder(&mut state, top, control)
            .map_err(TrashError::io("make", &self.name))?;
        let (folder, name, place) = self.choose(&mut state, &run, top, new)?;
        let key = (top.to_owned(), place.clone());
        let number = state.next_number;
        state.next_number += 1;
        let entry = entry(number, new, top, Some(place));
        self.append(&state, &entry.line())?;
        state.taken.insert(key.clone());
        state.open.insert(number);
        state.unsynced.insert((top.to_owned(), parent_of(&key.1)), folder.clone());
        let operand = format!("{}/{}", self.name, key.1);
        Ok(Slot { folder, name, operand, number, key })
    }

    /// Writes down what became of a slot. Before the row of the path is recorded: an entry that is
    /// left open is settled by the next command, which may undo what was done.
    pub fn close(&self, slot: &Slot<D>, fate: Fate) -> Result<(), TrashError> {
        let mark = match fate {
            Fate::Kept => Mark::Done,
            Fate::Empty => Mark::Void,
            Fate::Edit => Mark::Keep,
        };
        let mut state = self.state();
        self.append(&state, &mark.line(slot.number))?;
        state.open.remove(&slot.number);
        if fate != Fate::Empty {
            // The name that was just given there waits for the sync after the moves.
            let place = (slot.key.0.clone(), parent_of(&slot.key.1));
            state.unsynced.insert(place, slot.folder.clone());
        }
        // What is in the slot now is found on the disk, except that a folder must not be entered.
        let stat = self.disk.lstat(&slot.folder, &slot.name);
        if stat.map_or(true, |stat| stat.kind != Kind::Folder) {
            state.taken.remove(&slot.key);
        }
        Ok(())
    }

    /// Keeps a fetched copy of the bucket: the complete file `from`, which must lie on the root's
    /// file system, is moved to the trash. Durable after the next [`TrashRun::sync`].
    pub fn store_bucket(
        &self,
        new: &NewEntry<'_>,
        from: (&D::Folder, &OsStr),
    ) -> Result<Slot<D>, TrashError> {
        let slot = self.slot(new, "", &self.control)?;
        self.disk
            .rename_new(from, (&slot.folder, &slot.name))
            .map_err(TrashError::io("keep", &slot.operand))?;
        self.close(&slot, Fate::Kept)?;
        Ok(slot)
    }

    /// Writes down that the store itself keeps the bucket's copy as a version.
    pub fn note_version(&self, new: &NewEntry<'_>, version: &str) -> Result<(), TrashError> {
        let mut state = self.state();
        self.start(&mut state).map_err(TrashError::io("make", &self.name))?;
        let number = state.next_number;
        state.next_number += 1;
        let noted = Entry { version: Some(version.to_owned()), ..entry(number, new, "", None) };
        self.append(&state, &format!("{}{}", noted.line(), Mark::Done.line(number)))
    }

    /// Makes the lines and the names in the trash durable: before the swaps of a group, and after
    /// them, before its rows are recorded.
    pub fn sync(&self) -> Result<(), TrashError> {
        let mut state = self.state();
        let synced = self.sync_all(&state);
        synced.map_err(TrashError::io("sync", &self.name))?;
        state.unsynced.clear();
        Ok(())
    }

    /// Ends the run. Where a slot was left open, the next command settles it.
    pub fn finish(&self) -> Result<(), TrashError> {
        let mut state = self.state();
        if state.list.is_none() || !state.open.is_empty() {
            return Ok(());
        }
        self.append(&state, list::FINISHED)?;
        if state.made_unfinished {
            self.disk
                .open_folder(&self.control, OsStr::new("trash"))
                .and_then(|trash| self.disk.unlink(&trash, OsStr::new(UNFINISHED)))
                .map_err(TrashError::io("end", &self.name))?;
            state.made_unfinished = false;
        }
        Ok(())
    }

    /// Returns the state; what a panicking thread left is a slot that stays open.
    fn state(&self) -> MutexGuard<'_, State<D>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the run's folder and list before the first entry.
    fn start(&self, state: &mut State<D>) -> io::Result<()> {
        if state.list.is_some() {
            return Ok(());
        }
        let trash = ensure_folder(&self.disk, &self.control, OsStr::new("trash"), 0o700)?;
        match self.disk.create(&trash, OsStr::new(UNFINISHED), 0o600) {
            Ok(_) => state.made_unfinished = true,
            // A run that could not be settled: its mark stays.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (),
            Err(error) => return Err(error),
        }
        let run = self.run_folder(state, "", &self.control)?;
        let file = self.disk.create(&run, OsStr::new(LIST), 0o600)?;
        self.disk.write(&file, list::head().as_bytes())?;
        state.list = Some(file);
        Ok(())
    }

    /// Opens the folder of the run on the file system with this `.lsync`.
    fn run_folder(
        &self,
        state: &mut State<D>,
        top: &str,
        control: &D::Folder,
    ) -> io::Result<D::Folder> {
        if let Some(run) = state.runs.get(top) {
            return Ok(run.clone());
        }
        let trash = ensure_folder(&self.disk, control, OsStr::new("trash"), 0o700)?;
        let run = ensure_folder(&self.disk, &trash, OsStr::new(&self.name), 0o700)?;
        let key = |place: &str| (top.to_owned(), place.to_owned());
        state.unsynced.insert(key("../.."), control.clone());
        state.unsynced.insert(key(".."), trash);
        state.unsynced.insert(key(""), run.clone());
        state.runs.insert(top.to_owned(), run.clone());
        Ok(run)
    }

    /// Finds a free name for the entry, and makes the folders above it.
    fn choose(
        &self,
        state: &mut State<D>,
        run: &D::Folder,
        top: &str,
        new: &NewEntry<'_>,
    ) -> Result<(D::Folder, OsString, String), TrashError> {
        let mut folder = run.clone();
        let mut place = String::new();
        let above: Vec<_> = new.path.components().collect();
        let (name, above) = above.split_last().expect("a path has a component");
        for component in std::iter::once(&new.side.word()).chain(above) {
            let entered = self.enter(state, top, &folder, &place, component);
            let entered =
                entered.map_err(TrashError::io("make a folder for", new.path.as_str()))?;
            (folder, place) = entered.ok_or_else(|| TrashError::Full { path: new.path.clone() })?;
        }
        for number in 1..=NAMES_TRIED_MAX {
            let name = numbered(name, number);
            let candidate = format!("{place}/{name}");
            let is_taken = state.taken.contains(&(top.to_owned(), candidate.clone()));
            let name = OsString::from(name);
            if is_taken {
                continue;
            }
            match self.disk.lstat(&folder, &name) {
                Ok(_) => (),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok((folder, name, candidate));
                }
                Err(error) => return Err(TrashError::io("look at", &candidate)(error)),
            }
        }
        Err(TrashError::Full { path: new.path.clone() })
    }

    /// Enters the folder `name`, or `name.2` … where a file has that name, or a folder that is
    /// kept as a whole.
    fn enter(
        &self,
        state: &mut State<D>,
        top: &str,
        folder: &D::Folder,
        place: &str,
        name: &str,
    ) -> io::Result<Option<(D::Folder, String)>> {
        for number in 1..=NAMES_TRIED_MAX {
            let name = numbered(name, number);
            let candidate = if place.is_empty() { name.clone() } else { format!("{place}/{name}") };
            if state.taken.contains(&(top.to_owned(), candidate.clone())) {
                continue;
            }
            let opened = ensure_folder(&self.disk, folder, OsStr::new(&name), 0o700);
            if is_kind(&opened, io::ErrorKind::NotADirectory) {
                continue;
            }
            state.unsynced.insert((top.to_owned(), place.to_owned()), folder.clone());
            return Ok(Some((opened?, candidate)));
        }
        Ok(None)
    }

    /// Appends a line to the list.
    fn append(&self, state: &State<D>, line: &str) -> Result<(), TrashError> {
        let Some(file) = &state.list else { return Ok(()) };
        let written = self.disk.write(file, line.as_bytes());
        written.map_err(TrashError::io("write the list of", &self.name))
    }

    /// Syncs the list and the folders with new names.
    fn sync_all(&self, state: &State<D>) -> io::Result<()> {
        let Some(file) = &state.list else { return Ok(()) };
        if state.unsynced.len() > FOLDERS_SYNCED_MAX {
            let synced = state.runs.values().try_for_each(|run| self.disk.sync_file_system(run));
            if !is_kind(&synced, io::ErrorKind::Unsupported) {
                return synced;
            }
        }
        self.disk.sync_file(file)?;
        state.unsynced.values().try_for_each(|folder| self.disk.sync_folder(folder))
    }
}

impl<D: Disk> Slot<D> {
    /// Returns folder and name, as the operations of the working directory take it.
    pub fn name(&self) -> (&D::Folder, &OsStr) {
        (&self.folder, &self.name)
    }
}

/// Makes the entry with this number and place.
fn entry(number: u64, new: &NewEntry<'_>, top: &str, place: Option<String>) -> Entry {
    Entry {
        number,
        path: new.path.clone(),
        side: new.side,
        why: new.why,
        top: top.to_owned(),
        place,
        token: new.token.cloned(),
        version: None,
        known: new.known,
        staged: new.staged.map(Identity::from),
        expected: new.expected.map(Identity::from),
        contents: new.contents.map(Contents::fingerprint),
    }
}

/// Returns the place of the folder that a place lies in.
fn parent_of(place: &str) -> String {
    place.rsplit_once('/').map_or_else(String::new, |(parent, _)| parent.to_owned())
}
