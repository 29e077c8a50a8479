//! What is in the trash, and back.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;

use super::shelf::{Run, if_exists, open_slot, read_runs};
use super::{Entry, Side, TrashError, Why};
use crate::disk::{Disk, ensure_folder};
use crate::tree::{Etag, Kind, RepoPath, Stat};

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
    /// The `ETag` of the bucket's copy.
    pub etag: Option<Etag>,
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
        /// The `ETag`, where it is known.
        etag: Option<Etag>,
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
                etag: entry.etag.clone(),
                version: entry.version.clone(),
            });
        }
    }
    Ok(listed)
}

/// Puts back what `operand` names: `RUN/local/PATH` or `RUN/bucket/PATH` that very copy, a path its
/// newest copy, a folder the newest copy of everything below it.
///
/// It always comes back to its path in the working copy, never over something that is there; an
/// ordinary push follows if the bucket shall have it, too. Only under the lock.
///
/// # Errors
/// [`TrashError::NotFound`] where nothing in the trash matches.
pub fn restore<D: Disk>(
    disk: &D,
    root: &D::Folder,
    control: &D::Folder,
    wanted: &str,
) -> Result<Vec<Restored>, TrashError> {
    let runs = read_runs(disk, control).map_err(TrashError::io("read", "the runs"))?;
    let mut restored = Vec::new();
    let mut seen = BTreeSet::new();
    let path = RepoPath::parse(wanted).ok();
    let newest_first = runs
        .iter()
        .rev()
        .flat_map(|run| run.list.entries.iter().rev().map(move |read| (run, &read.entry)));
    for (run, entry) in newest_first {
        let is_exact = entry.place.is_some() && operand(run, entry) == wanted;
        let is_below = path.as_ref().is_some_and(|path| entry.path.is_within(path));
        if !(is_exact || is_below) || seen.contains(&entry.path) {
            continue;
        }
        let result = restore_entry(disk, root, run, entry)
            .map_err(TrashError::io("restore", entry.path.as_str()))?;
        if let Some(result) = result {
            seen.insert(entry.path.clone());
            restored.push(result);
        }
    }
    if restored.is_empty() {
        return Err(TrashError::NotFound { operand: wanted.to_owned() });
    }
    Ok(restored)
}

/// Puts back one thing; `None` where it is not in the trash any more.
fn restore_entry<D: Disk>(
    disk: &D,
    root: &D::Folder,
    run: &Run<D>,
    entry: &Entry,
) -> io::Result<Option<Restored>> {
    let path = entry.path.clone();
    if let (None, Some(version)) = (&entry.place, &entry.version) {
        let (version, etag) = (version.clone(), entry.etag.clone());
        return Ok(Some(Restored::InStore { path, version, etag }));
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
fn operand<D: Disk>(run: &Run<D>, entry: &Entry) -> String {
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
    run: &Run<D>,
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
