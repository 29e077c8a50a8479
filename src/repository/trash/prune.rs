//! Takes from the trash what it need not keep.

use std::ffi::OsStr;
use std::io;

use super::restore::{find, size_of, slot_name};
use super::run_folder::{RunFolder, open_run, read_runs};
use super::{Entry, LIST, Side, TrashError};
use crate::disk::{Disk, if_exists, is_kind};
use crate::tree::Kind;

/// Nanoseconds in a day.
const DAY_NANOSECONDS: i64 = 86_400_000_000_000;

/// How much the trash keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Days for which nothing is removed that only one side had (`trash_days`).
    pub days: u32,
    /// Bytes above which the rest goes, oldest first (`trash_size`).
    pub size: u64,
}

/// Something in the trash that may go.
struct Candidate<'a, D: Disk> {
    run: &'a RunFolder<D>,
    entry: &'a Entry,
    size: u64,
    /// The base knew it: it goes before what only one side had.
    is_known: bool,
}

/// Removes the oldest known contents while the trash is larger than its limit, then what only one
/// side had and is older than the days, then runs in which nothing is left. Returns the
/// bytes removed.
///
/// `now` is in nanoseconds since 1970. Only under the lock, by a run that added something, after it
/// has finished; runs that are not settled are left alone.
pub fn prune<D: Disk>(
    disk: &D,
    (root, control): (&D::Folder, &D::Folder),
    now: i64,
    limits: Limits,
) -> Result<u64, TrashError> {
    let runs = read_runs(disk, control).map_err(TrashError::io("read", "the runs"))?;
    let oldest_kept = now.saturating_sub(i64::from(limits.days).saturating_mul(DAY_NANOSECONDS));
    let mut total: u64 = 0;
    let mut candidates = Vec::new();
    for run in &runs {
        for read in &run.list.entries {
            let size = measure(disk, root, run, &read.entry);
            let Some(size) = size.map_err(TrashError::io("measure", &run.name))? else { continue };
            total = total.saturating_add(size);
            let is_known = read.entry.known && !read.is_kept;
            if run.list.is_finished && (is_known || run.time < oldest_kept) {
                candidates.push(Candidate { run, entry: &read.entry, size, is_known });
            }
        }
    }
    // Stable: within each of the two, the order is that of the runs.
    candidates.sort_by_key(|candidate| !candidate.is_known);
    let mut removed = 0;
    for candidate in &candidates {
        if total <= limits.size {
            break;
        }
        let Candidate { run, entry, size, .. } = candidate;
        remove_entry(disk, root, run, entry).map_err(TrashError::io("prune", &run.name))?;
        total -= size;
        removed += size;
    }
    // A run without entries was killed before its first, or while it was removed.
    for run in runs.iter().filter(|run| run.list.is_finished || run.list.entries.is_empty()) {
        let notes_version = run.list.entries.iter().any(|read| read.entry.version.is_some());
        let is_recent = run.time >= oldest_kept;
        if !(notes_version && is_recent) {
            remove_run(disk, (root, control), run, is_recent)
                .map_err(TrashError::io("prune", &run.name))?;
        }
    }
    Ok(removed)
}

/// Returns the bytes of an entry; `None` where it is not in the trash any more.
fn measure<D: Disk>(
    disk: &D,
    root: &D::Folder,
    run: &RunFolder<D>,
    entry: &Entry,
) -> io::Result<Option<u64>> {
    match find(disk, root, run, entry)? {
        Some((folder, stat)) => {
            size_of(disk, &folder, OsStr::new(slot_name(entry)), &stat).map(Some)
        }
        None => Ok(None),
    }
}

/// Removes an entry's slot.
fn remove_entry<D: Disk>(
    disk: &D,
    root: &D::Folder,
    run: &RunFolder<D>,
    entry: &Entry,
) -> io::Result<()> {
    match find(disk, root, run, entry)? {
        Some((folder, stat)) => remove_all(disk, &folder, OsStr::new(slot_name(entry)), stat.kind),
        None => Ok(()),
    }
}

/// Removes a file, or a folder with everything below it.
fn remove_all<D: Disk>(disk: &D, folder: &D::Folder, name: &OsStr, kind: Kind) -> io::Result<()> {
    if kind != Kind::Folder {
        return disk.unlink(folder, name);
    }
    let inner = disk.open_folder(folder, name)?;
    for (name, _) in &disk.read_folder(&inner)? {
        let kind = disk.lstat(&inner, name)?.kind;
        remove_all(disk, &inner, name, kind)?;
    }
    disk.remove_folder(folder, name)
}

/// Removes the empty folders of a run, and the run if nothing is left in it.
///
/// A recent one stays, too, as long as one of its file systems is not there.
fn remove_run<D: Disk>(
    disk: &D,
    (root, control): (&D::Folder, &D::Folder),
    run: &RunFolder<D>,
    is_recent: bool,
) -> io::Result<()> {
    let mut is_empty = true;
    let mut tops: Vec<_> = run.list.entries.iter().map(|read| read.entry.top.as_str()).collect();
    tops.push("");
    tops.sort_unstable();
    tops.dedup();
    for top in tops.iter().rev() {
        let Some(folder) = open_run(disk, root, run, top)? else {
            is_empty &= !is_recent;
            continue;
        };
        for side in [Side::Local, Side::Bucket] {
            is_empty &= remove_empty(disk, &folder, OsStr::new(side.word()))?;
        }
        if !is_empty {
            continue;
        }
        let trash = if top.is_empty() {
            if_exists(disk.unlink(&folder, OsStr::new(LIST)))?;
            disk.open_folder(control, OsStr::new("trash"))?
        } else {
            disk.open_beneath(root, &format!("{top}/.lsync/trash"))?
        };
        let removed = disk.remove_folder(&trash, OsStr::new(&run.name));
        if !is_kind(&removed, io::ErrorKind::DirectoryNotEmpty) {
            removed?;
        }
    }
    Ok(())
}

/// Removes the folder `name` if it holds nothing but empty folders; returns whether it is gone.
fn remove_empty<D: Disk>(disk: &D, folder: &D::Folder, name: &OsStr) -> io::Result<bool> {
    let Some(inner) = if_exists(disk.open_folder(folder, name))? else { return Ok(true) };
    let mut is_empty = true;
    for (name, kind) in &disk.read_folder(&inner)? {
        let kind = match kind {
            Some(kind) => kind,
            None => disk.lstat(&inner, name)?.kind,
        };
        is_empty &= kind == Kind::Folder && remove_empty(disk, &inner, name)?;
    }
    if is_empty {
        disk.remove_folder(folder, name)?;
    }
    Ok(is_empty)
}
