//! Settles the runs that were killed: every entry that is still open is looked at on the disk.
//!
//! Each step is one call that can be repeated, so that settling may itself be killed anywhere.

use std::ffi::OsStr;
use std::fmt;
use std::io;

use super::list::{self, Mark};
use super::run_folder::{RunFolder, open_run, open_slot, read_runs};
use super::{Entry, Identity, LIST, Side, TrashError, UNFINISHED};
use crate::disk::swap::{Left, NameIn, Swap};
use crate::disk::{Contents, Disk, if_exists, is_kind, return_folder};
use crate::monitor::WarningKind;
use crate::tree::{Kind, RepoPath, Stat};

/// What settling did with something in the trash that the killed run had not expected there: an edit
/// by a person, or a file that nobody had synced and that a power cut has torn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The path.
    pub path: RepoPath,
    /// What.
    pub what: What,
}

/// See [`Settled`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It was restored to its name.
    PutBack,
    /// The name was taken, or its folder is gone: it is kept in the trash, where
    /// `lsync trash restore` finds it under `operand`.
    Kept {
        /// `RUN/local/docs/a.txt`
        operand: String,
    },
    /// The disk refused: the next command looks again.
    Open {
        /// `RUN/local/docs/a.txt`
        operand: String,
        /// Why.
        reason: String,
    },
}

impl Settled {
    /// Returns of which kind a warning of it is.
    pub fn kind(&self) -> WarningKind {
        match self.what {
            What::PutBack => WarningKind::Restored,
            What::Kept { .. } => WarningKind::KeptInTrash,
            What::Open { .. } => WarningKind::Unsettled,
        }
    }
}

impl fmt::Display for Settled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.what {
            What::PutBack => {
                write!(formatter, "{path}: what a killed run had moved away was restored")
            }
            What::Kept { operand } => write!(
                formatter,
                "{path}: what a killed run had moved is in the trash: lsync trash restore {operand}"
            ),
            What::Open { operand, reason } => {
                write!(formatter, "{path}: {operand} in the trash cannot be settled yet: {reason}")
            }
        }
    }
}

/// Settles the open entries of all runs that did not finish. Only under the lock, and before
/// anything else is done; one look where every run finished.
///
/// Our own staged files in the trash are removed, losers that the run expected are kept, and
/// anything else is a person's edit: it gets its name back if that is free or still holds our file.
/// So does a folder in which something changed in the last moment.
pub fn settle<D: Disk>(
    disk: &D,
    root: &D::Folder,
    control: &D::Folder,
) -> Result<Vec<Settled>, TrashError> {
    let unfinished = OsStr::new(UNFINISHED);
    let opened = if_exists(disk.open_folder(control, OsStr::new("trash")));
    let Some(trash) = opened.map_err(TrashError::io("open", "the runs"))? else {
        return Ok(Vec::new());
    };
    let mark = if_exists(disk.lstat(&trash, unfinished));
    if mark.map_err(TrashError::io("look at", UNFINISHED))?.is_none() {
        return Ok(Vec::new());
    }
    let mut settled = Vec::new();
    let mut is_complete = true;
    for run in read_runs(disk, control).map_err(TrashError::io("read", "the runs"))? {
        if !run.list.is_finished {
            let work = Work { disk, root, run: &run };
            is_complete &=
                work.settle_run(&mut settled).map_err(TrashError::io("settle", &run.name))?;
        }
    }
    if is_complete {
        disk.unlink(&trash, unfinished).map_err(TrashError::io("remove", UNFINISHED))?;
    }
    Ok(settled)
}

/// One unfinished run.
struct Work<'a, D: Disk> {
    disk: &'a D,
    root: &'a D::Folder,
    run: &'a RunFolder<D>,
}

impl<D: Disk> Work<'_, D> {
    /// Settles the run; returns whether all of it could be reached.
    fn settle_run(&self, settled: &mut Vec<Settled>) -> io::Result<bool> {
        let disk = self.disk;
        let file = disk.open_append(&self.run.folder, OsStr::new(LIST), 0o600)?;
        if self.run.list.is_torn {
            disk.write(&file, b"\n")?;
        }
        let mut is_complete = true;
        self.report_kept(settled)?;
        for read in self.run.list.entries.iter().filter(|read| !read.is_settled) {
            let entry = &read.entry;
            if open_run(disk, self.root, self.run, &entry.top)?.is_none() {
                // Its file system is not there now; it is asked for again by the next command.
                is_complete = false;
                continue;
            }
            match self.settle_entry(entry, settled) {
                Ok(mark) => disk.write(&file, mark.line(entry.number).as_bytes())?,
                Err(error) => {
                    // One path that cannot be settled must not stop all commands.
                    is_complete = false;
                    let what =
                        What::Open { operand: self.operand(entry), reason: error.to_string() };
                    settled.push(Settled { path: entry.path.clone(), what });
                }
            }
        }
        if is_complete {
            disk.write(&file, list::FINISHED.as_bytes())?;
        }
        Ok(is_complete)
    }

    /// Reports the edits that were kept before the run was killed: nobody may have heard of them.
    fn report_kept(&self, settled: &mut Vec<Settled>) -> io::Result<()> {
        for read in self.run.list.entries.iter().filter(|read| read.is_kept) {
            let Some((folder, name)) = open_slot(self.disk, self.root, self.run, &read.entry)?
            else {
                continue;
            };
            if if_exists(self.disk.lstat(&folder, &name))?.is_some() {
                let what = What::Kept { operand: self.operand(&read.entry) };
                settled.push(Settled { path: read.entry.path.clone(), what });
            }
        }
        Ok(())
    }

    /// Returns what the command line calls an entry.
    fn operand(&self, entry: &Entry) -> String {
        format!("{}/{}", self.run.name, entry.place.as_deref().unwrap_or_default())
    }

    /// Looks at one slot and brings it and its name in order.
    fn settle_entry(&self, entry: &Entry, settled: &mut Vec<Settled>) -> io::Result<Mark> {
        let disk = self.disk;
        let Some((folder, name)) = open_slot(disk, self.root, self.run, entry)? else {
            return Ok(Mark::Void);
        };
        let slot = (&folder, name.as_os_str());
        let Some(found) = if_exists(disk.lstat(slot.0, slot.1))? else { return Ok(Mark::Void) };
        if entry.side == Side::Bucket {
            return Ok(Mark::Done);
        }
        if entry.staged.is_some_and(|staged| staged == Identity::from(&found)) {
            // The swap did not happen, or was taken back.
            disk.unlink(slot.0, slot.1)?;
            return Ok(Mark::Void);
        }
        let parent = self.open_parent(&entry.path)?;
        let name = OsStr::new(entry.path.name());
        let target = match &parent {
            Some(parent) => if_exists(disk.lstat(parent, name))?,
            None => None,
        };
        if target.is_some_and(|target| is_second_name(&target, &found)) {
            // The link that comes before a rename over, which did not happen.
            disk.unlink(slot.0, slot.1)?;
            return Ok(Mark::Void);
        }
        let is_expected = entry.expected.is_some_and(|expected| is_loser(&expected, &found));
        if is_expected && (found.kind != Kind::Folder || self.holds_as_noted(entry, slot)) {
            return Ok(Mark::Done);
        }
        let is_back = match &parent {
            Some(parent) => self.put_back(entry, slot, (parent, name), target.as_ref())?,
            None => false,
        };
        let (what, mark) = if is_back {
            (What::PutBack, Mark::Void)
        } else {
            (What::Kept { operand: self.operand(entry) }, Mark::Keep)
        };
        settled.push(Settled { path: entry.path.clone(), what });
        Ok(mark)
    }

    /// Tells whether the folder in the slot holds what the run saw in it. What cannot be looked at may
    /// be an edit.
    fn holds_as_noted(&self, entry: &Entry, slot: NameIn<'_, D>) -> bool {
        let opened = self.disk.open_folder(slot.0, slot.1);
        let contents = opened.and_then(|folder| Contents::of(self.disk, &folder));
        contents.is_ok_and(|it| it.is_some_and(|it| entry.contents == Some(it.fingerprint())))
    }

    /// Opens the folder of a path; `None` where it is gone or something else.
    fn open_parent(&self, path: &RepoPath) -> io::Result<Option<D::Folder>> {
        let opened = self.disk.open_beneath(self.root, path.parent_str());
        if is_kind(&opened, io::ErrorKind::NotADirectory) { Ok(None) } else { if_exists(opened) }
    }

    /// Gives the edit in the slot its name back, if that is free or holds our staged file.
    fn put_back(
        &self,
        entry: &Entry,
        slot: NameIn<'_, D>,
        name: NameIn<'_, D>,
        target: Option<&Stat>,
    ) -> io::Result<bool> {
        let disk = self.disk;
        let Some(target) = target else {
            let moved = disk.rename_new(slot, name);
            return if is_kind(&moved, io::ErrorKind::AlreadyExists) {
                Ok(false)
            } else {
                moved.map(|()| true)
            };
        };
        let is_expected = entry.expected.is_some_and(|expected| is_loser(&expected, target));
        if target.kind == Kind::Folder && is_expected {
            // It was being taken apart: one that is moved as a whole never has two places.
            if is_kind(&disk.open_folder(slot.0, slot.1), io::ErrorKind::NotADirectory) {
                return Ok(false);
            }
            return return_folder(disk, slot, &disk.open_folder(name.0, name.1)?);
        }
        let is_ours = |stat: &Stat| entry.staged == Some(Identity::from(stat));
        if !is_ours(target) {
            return Ok(false);
        }
        match (Swap { disk, at: name, aside: slot }).give_back(is_ours) {
            Left::Ours => disk.unlink(slot.0, slot.1).map(|()| true),
            Left::Nothing => Ok(true),
            Left::Edit => Ok(false),
            // A disk that exchanges no names never will; any other refusal is tried again.
            Left::Stuck(error) => match error.kind() {
                io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput => Ok(false),
                _ => Err(error),
            },
        }
    }
}

/// Tells whether both names stand for one file.
fn is_second_name(target: &Stat, slot: &Stat) -> bool {
    target.kind == Kind::File && (target.device, target.inode) == (slot.device, slot.inode)
}

/// Tells whether the slot holds what the run expected to move there, or (where the file system has
/// no links) a copy of it.
fn is_loser(expected: &Identity, found: &Stat) -> bool {
    match found.kind {
        Kind::Folder => (expected.kind, expected.inode) == (Kind::Folder, found.inode),
        kind => (kind, found.size, found.mtime) == (expected.kind, expected.size, expected.mtime),
    }
}
