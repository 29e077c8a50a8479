//! What is in the trash, and back.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;

use super::run_folder::{RunFolder, open_slot, read_runs};
use super::{Entry, Side, TrashError, Why};
use crate::disk::{Disk, ensure_folder, if_exists};
use crate::tree::{Kind, RepoPath, Stat, Token};

/// One thing in the trash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// When its run began, nanoseconds since 1970.
    pub time: i64,
    /// The path that it had.
    pub path: RepoPath,
    /// Which copy.
    pub side: Side,
    /// Why it is here.
    pub why: Why,
    /// Bytes, of all files where it is a folder; `None` where the store keeps it.
    pub size: Option<u64>,
    /// What `lsync trash restore` takes: `RUN/local/docs/a.txt`, or the path if the store has it.
    pub operand: String,
    /// What the store called the bucket's copy.
    pub token: Option<Token>,
    /// The version id under which the store keeps it.
    pub version: Option<String>,
}

/// What [`restore`] did with one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restored {
    /// It has its name in the working copy again.
    PutBack {
        /// The path.
        path: RepoPath,
    },
    /// The name is taken: nothing was done. Move what is there away first.
    NameTaken {
        /// The path.
        path: RepoPath,
        /// What is still in the trash.
        operand: String,
    },
    /// The path lies on another file system than the copy: nothing was done. Copy it by hand.
    OtherFileSystem {
        /// The path.
        path: RepoPath,
        /// What is still in the trash.
        operand: String,
    },
    /// The store keeps it: the caller fetches this version to the path, if that is free.
    InStore {
        /// The path.
        path: RepoPath,
        /// The version id.
        version: String,
        /// What the store called it, where that is known.
        token: Option<Token>,
    },
}

/// Lists what is in the trash, newest first.
pub fn list<D: Disk>(
    disk: &D,
    root: &D::Folder,
    control: &D::Folder,
) -> Result<Vec<Listed>, TrashError> {
    let mut listed = Vec::new();
    for run in read_runs(disk, control).map_err(TrashError::io("read", "the runs"))?.iter().rev() {
        for read in run.list.entries.iter().rev() {
            let entry = &read.entry;
            let found = find(disk, root, run, entry).map_err(TrashError::io("list", &run.name))?;
            let size = match &found {
                Some((folder, stat)) => {
                    let name = slot_name(entry);
                    let size = size_of(disk, folder, OsStr::new(name), stat);
                    Some(size.map_err(TrashError::io("list", name))?)
                }
                None if entry.version.is_some() => None,
                None => continue,
            };
            listed.push(Listed {
                time: run.time,
                path: entry.path.clone(),
                side: entry.side,
                why: entry.why,
                size,
                operand: operand(run, entry),
                token: entry.token.clone(),
                version: entry.version.clone(),
            });
        }
    }
    Ok(listed)
}

/// What [`restore`] shall bring back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The newest copy of every path.
    All,
    /// `RUN/local/PATH` or `RUN/bucket/PATH`: that very copy, and every one below it in that run. A
    /// path: its newest copy. A folder: the newest copy of everything below it.
    Named(String),
}

impl Wanted {
    /// Returns what a person calls it.
    fn text(&self) -> &str {
        match self {
            Self::All => ".",
            Self::Named(text) => text,
        }
    }

    fn matches<D: Disk>(&self, run: &RunFolder<D>, entry: &Entry) -> bool {
        let Self::Named(wanted) = self else { return true };
        let is_copy = entry.place.is_some() && {
            let copy = operand(run, entry);
            copy.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        is_copy || RepoPath::parse(wanted).is_ok_and(|path| entry.path.is_within(&path))
    }
}

/// Puts back what is wanted.
///
/// It always comes back to its path in the working copy, never over something that is there; an
/// ordinary push follows if the bucket shall have it, too. Only under the lock.
///
/// # Errors
/// [`TrashError::NotFound`] where nothing in the trash matches one of `wanted`; then nothing was
/// done for the others either.
pub fn restore<D: Disk>(
    disk: &D,
    root: &D::Folder,
    control: &D::Folder,
    wanted: &[Wanted],
) -> Result<Vec<Restored>, TrashError> {
    let runs = read_runs(disk, control).map_err(TrashError::io("read", "the runs"))?;
    let newest_first: Vec<_> = runs
        .iter()
        .rev()
        .flat_map(|run| run.list.entries.iter().rev().map(move |read| (run, &read.entry)))
        .collect();
    for wanted in wanted {
        let mut matching = newest_first.iter().filter(|(run, entry)| wanted.matches(run, entry));
        let is_there = |(run, entry): &(&RunFolder<D>, &Entry)| match &entry.version {
            Some(_) if entry.place.is_none() => Ok(true),
            _ => Ok(find(disk, root, run, entry)?.is_some()),
        };
        let found = matching.find_map(|it| is_there(it).map(|is| is.then_some(())).transpose());
        if found.transpose().map_err(TrashError::io("look for", wanted.text()))?.is_none() {
            return Err(TrashError::NotFound { operand: wanted.text().to_owned() });
        }
    }
    let (mut restored, mut tried) = (Vec::new(), BTreeSet::new());
    for wanted in wanted {
        let mut seen = BTreeSet::new();
        for (run, entry) in &newest_first {
            if !wanted.matches(run, entry) || seen.contains(&entry.path) {
                continue;
            }
            // Another operand names it, too.
            if tried.contains(&(&run.name, entry.number)) {
                seen.insert(entry.path.clone());
                continue;
            }
            let result = restore_entry(disk, root, run, entry)
                .map_err(TrashError::io("restore", entry.path.as_str()))?;
            if let Some(result) = result {
                seen.insert(entry.path.clone());
                tried.insert((&run.name, entry.number));
                restored.push(result);
            }
        }
    }
    Ok(restored)
}

/// Puts back one thing; `None` where it is not in the trash any more.
fn restore_entry<D: Disk>(
    disk: &D,
    root: &D::Folder,
    run: &RunFolder<D>,
    entry: &Entry,
) -> io::Result<Option<Restored>> {
    let path = entry.path.clone();
    if let (None, Some(version)) = (&entry.place, &entry.version) {
        let (version, token) = (version.clone(), entry.token.clone());
        return Ok(Some(Restored::InStore { path, version, token }));
    }
    let Some((folder, _)) = find(disk, root, run, entry)? else { return Ok(None) };
    let operand = operand(run, entry);
    let mut parent = root.clone();
    for ancestor in entry.path.ancestors() {
        match ensure_folder(disk, &parent, OsStr::new(ancestor.name()), 0o777) {
            Ok(folder) => parent = folder,
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Ok(Some(Restored::NameTaken { path, operand }));
            }
            Err(error) => return Err(error),
        }
    }
    let from = (&folder, OsStr::new(slot_name(entry)));
    match disk.rename_new(from, (&parent, OsStr::new(path.name()))) {
        Ok(()) => Ok(Some(Restored::PutBack { path })),
        Err(error) => match error.kind() {
            io::ErrorKind::AlreadyExists => Ok(Some(Restored::NameTaken { path, operand })),
            io::ErrorKind::CrossesDevices => Ok(Some(Restored::OtherFileSystem { path, operand })),
            _ => Err(error),
        },
    }
}

/// Returns what the command line calls an entry.
fn operand<D: Disk>(run: &RunFolder<D>, entry: &Entry) -> String {
    match &entry.place {
        Some(place) => format!("{}/{place}", run.name),
        None => entry.path.as_str().to_owned(),
    }
}

/// Returns the name of an entry's slot in its folder.
pub(super) fn slot_name(entry: &Entry) -> &str {
    entry.place.as_deref().and_then(|place| place.rsplit('/').next()).unwrap_or_default()
}

/// Finds an entry's slot: its folder, and what is there.
pub(super) fn find<D: Disk>(
    disk: &D,
    root: &D::Folder,
    run: &RunFolder<D>,
    entry: &Entry,
) -> io::Result<Option<(D::Folder, Stat)>> {
    let Some((folder, name)) = open_slot(disk, root, run, entry)? else { return Ok(None) };
    let stat = if_exists(disk.lstat(&folder, &name))?;
    Ok(stat.map(|stat| (folder, stat)))
}

/// Returns the bytes of a file, or of all files below a folder.
pub(super) fn size_of<D: Disk>(
    disk: &D,
    folder: &D::Folder,
    name: &OsStr,
    stat: &Stat,
) -> io::Result<u64> {
    if stat.kind != Kind::Folder {
        return Ok(stat.size);
    }
    let inner = disk.open_folder(folder, name)?;
    disk.read_folder(&inner)?.iter().try_fold(0, |sum, (name, _)| {
        let stat = disk.lstat(&inner, name)?;
        Ok(sum + size_of(disk, &inner, name, &stat)?)
    })
}
