//! Gives files their names in the working copy, and takes names away, so that no edit is lost.
//!
//! Everything here assumes that a person may change the name between any two calls. Nothing is
//! overwritten: the old file goes to a slot in the trash in the same step in which the new one gets
//! the name, and is looked at once it is there. Where it is not what the plan expected, it goes
//! back.
//!
//! A slot is a free name in a folder of the trash on the same file system; whoever gives it out has
//! written down before what will be moved there, so that a killed run can be settled.

mod apart;
mod error;
mod fallback;
mod likeness;
mod staging;
#[cfg(test)]
mod tests;
mod vacate;

use std::ffi::OsStr;
use std::io;

pub use error::{Lost, ReplaceError, Step};
pub use staging::{Draft, Parent, Staged, Staging, Workspace};

use crate::disk::{Disk, is_kind};
use crate::tree::{Kind, RepoPath, Signature, Stat};

/// A name in an open folder.
pub type Name<'a, D> = (&'a <D as Disk>::Folder, &'a OsStr);

/// How the name differs from what the plan expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is gone.
    Gone,
    /// It is there, although it should not be.
    Present,
    /// It holds something else, or was touched.
    Touched,
}

/// What became of an operation. The caller tells the trash what its slot holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<T> {
    /// Done as planned; the slot, if there was one, holds the old file.
    Done(T),
    /// A person was faster: the name is as they left it, and the slot is empty.
    Changed(Change),
    /// A person was faster: the name is as they left it. The slot holds our file, which had the name
    /// for a moment; nothing tells whether somebody wrote into it then with the same size and mtime.
    Returned,
    /// A person was faster, and the name was taken again before their edit could be put back: the
    /// slot holds the edit, to be reported with its place.
    EditInSlot,
    /// The file system cannot exchange the two names; nothing was changed, and the slot is empty.
    NoExchange,
}

/// The name that an operation is about.
pub struct Target<'a, D: Disk> {
    /// The folder, open.
    pub folder: &'a D::Folder,
    /// The path, whose last component is the name.
    pub path: &'a RepoPath,
}

impl<D: Disk> Target<'_, D> {
    /// Returns folder and name.
    pub fn name(&self) -> Name<'_, D> {
        (self.folder, OsStr::new(self.path.name()))
    }

    /// Says where an error of the disk happened.
    fn error(&self, step: Step) -> impl FnOnce(io::Error) -> ReplaceError {
        let path = self.path.clone();
        move |error| ReplaceError::io(step, &path, error)
    }
}

/// Looks at the target: `None` where it does not exist.
fn look<D: Disk>(disk: &D, target: &Target<'_, D>) -> Result<Option<Stat>, ReplaceError> {
    let (folder, name) = target.name();
    match disk.lstat(folder, name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some).map_err(target.error(Step::Look)),
    }
}

/// Returns what the database remembers of a file that has just got its name.
///
/// The ctime is 0 where the name no longer shows the staged file, so that the next run looks.
pub fn row_signature<D: Disk>(disk: &D, target: &Target<'_, D>, staged: &Stat) -> Signature {
    let (folder, name) = target.name();
    match disk.lstat(folder, name) {
        Ok(stat) if stat.is_same_file(staged) => stat.signature(),
        _ => Signature { ctime: 0, ..staged.signature() },
    }
}

/// Gives the staged file a name that nobody has; a folder without a file in it gives way.
pub fn create_new<D: Disk>(
    disk: &D,
    staged: &Staged<D>,
    target: &Target<'_, D>,
) -> Result<Outcome<Signature>, ReplaceError> {
    let (folder, name) = target.name();
    let mut given = disk.rename_new((&staged.folder, &staged.name), (folder, name));
    if is_kind(&given, io::ErrorKind::AlreadyExists) && vacate::vacate(disk, folder, name).is_ok() {
        given = disk.rename_new((&staged.folder, &staged.name), (folder, name));
    }
    match given {
        Ok(()) => Ok(Outcome::Done(row_signature(disk, target, &staged.stat))),
        Err(error) => {
            staged.discard(disk);
            match error.kind() {
                io::ErrorKind::AlreadyExists => Ok(Outcome::Changed(Change::Present)),
                // The folder itself was removed after it was opened.
                io::ErrorKind::NotFound => Ok(Outcome::Changed(Change::Gone)),
                _ => Err(target.error(Step::Move)(error)),
            }
        }
    }
}

/// Puts the staged file in the place of the file that looks like `expected`, which goes to `slot`.
///
/// The name is never empty in between. What a person wrote in the last moment is put back.
pub fn swap<D: Disk>(
    disk: &D,
    staged: &Staged<D>,
    target: &Target<'_, D>,
    expected: &Stat,
    slot: Name<'_, D>,
) -> Result<Outcome<Signature>, ReplaceError> {
    let swap = Swap { disk, staged, target, slot };
    let outcome = swap.run(
        |found| found.is_untouched(expected),
        |came_out| Ok(came_out.is_same_file(expected)),
    )?;
    if outcome == Outcome::NoExchange { fallback::swap(&swap, expected) } else { Ok(outcome) }
}

/// Puts the staged file in the place of the folder with the inode of `expected`, which goes to
/// `slot` as a whole.
///
/// The caller has looked at what is in the folder, and does so again (`still_as_checked`) once it
/// has lost its name: what a person put there in the last moment comes back with the folder.
/// [`Outcome::NoExchange`]: [`remove`] the folder and [`create_new`] the file instead, after the
/// base row was dropped.
pub fn swap_folder<D: Disk>(
    disk: &D,
    staged: &Staged<D>,
    (target, expected): (&Target<'_, D>, &Stat),
    slot: Name<'_, D>,
    still_as_checked: impl Fn(&D::Folder) -> io::Result<bool>,
) -> Result<Outcome<Signature>, ReplaceError> {
    let swap = Swap { disk, staged, target, slot };
    let is_it = |stat: &Stat| stat.kind == Kind::Folder && stat.is_same_inode(expected);
    swap.run(is_it, |came_out| {
        Ok(is_it(came_out) && still_as_checked(&disk.open_folder(slot.0, slot.1)?)?)
    })
}

/// Moves the file or folder that looks like `expected` to `slot`.
///
/// A folder is the expected one by its inode; whoever removes a whole folder looks at what is in it
/// before.
pub fn remove<D: Disk>(
    disk: &D,
    target: &Target<'_, D>,
    expected: &Stat,
    slot: Name<'_, D>,
) -> Result<Outcome<()>, ReplaceError> {
    take(disk, (target, expected), slot, |_| Ok(true))
}

/// As [`remove`], for a whole folder: what is in it is looked at once more when it has lost its name,
/// and a folder in which a person put something in the last moment comes back. A folder that cannot be
/// moved as a whole goes to the slot file by file.
pub fn remove_folder<D: Disk>(
    disk: &D,
    (target, expected): (&Target<'_, D>, &Stat),
    slot: Name<'_, D>,
    still_as_checked: impl Fn(&D::Folder) -> io::Result<bool>,
) -> Result<Outcome<()>, ReplaceError> {
    take(disk, (target, expected), slot, still_as_checked)
}

/// Moves what looks like `expected` to `slot`, and back if it is not that.
fn take<D: Disk>(
    disk: &D,
    (target, expected): (&Target<'_, D>, &Stat),
    slot: Name<'_, D>,
    is_right: impl Fn(&D::Folder) -> io::Result<bool>,
) -> Result<Outcome<()>, ReplaceError> {
    let Some(found) = look(disk, target)? else { return Ok(Outcome::Changed(Change::Gone)) };
    let is_folder = expected.kind == Kind::Folder;
    let is_it = |stat: &Stat| {
        if is_folder {
            (stat.kind, stat.inode) == (Kind::Folder, expected.inode)
        } else {
            stat.is_same_file(expected)
        }
    };
    if !is_it(&found) || (!is_folder && found.ctime != expected.ctime) {
        return Ok(Outcome::Changed(Change::Touched));
    }
    match disk.rename_new(target.name(), slot) {
        Ok(()) => (),
        Err(error) => {
            return match error.kind() {
                io::ErrorKind::NotFound => Ok(Outcome::Changed(Change::Gone)),
                io::ErrorKind::AlreadyExists => {
                    Err(ReplaceError::SlotTaken { path: target.path.clone() })
                }
                io::ErrorKind::CrossesDevices if is_folder => {
                    apart::take(disk, (target, expected), slot, is_right)
                }
                _ => Err(target.error(Step::Move)(error)),
            };
        }
    }
    let moved = disk.lstat(slot.0, slot.1).map_err(target.error(Step::Look))?;
    // What cannot be looked at may be an edit: back with it.
    let holds_it = || {
        !is_folder || disk.open_folder(slot.0, slot.1).and_then(|it| is_right(&it)).unwrap_or(false)
    };
    if is_it(&moved) && holds_it() {
        return Ok(Outcome::Done(()));
    }
    Ok(match disk.rename_new(slot, target.name()) {
        Ok(()) => Outcome::Changed(Change::Touched),
        Err(_) => Outcome::EditInSlot,
    })
}

/// One exchange of a staged file with a name.
struct Swap<'a, D: Disk> {
    disk: &'a D,
    staged: &'a Staged<D>,
    target: &'a Target<'a, D>,
    slot: Name<'a, D>,
}

impl<D: Disk> Swap<'_, D> {
    /// Exchanges the two names if `is_expected`, and back again unless `is_right` of what came out.
    ///
    /// On [`Outcome::NoExchange`] the staged file is where it was at first.
    fn run(
        &self,
        is_expected: impl FnOnce(&Stat) -> bool,
        is_right: impl FnOnce(&Stat) -> io::Result<bool>,
    ) -> Result<Outcome<Signature>, ReplaceError> {
        let Staged { folder, name, .. } = self.staged;
        match self.disk.rename_new((folder, name), self.slot) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(ReplaceError::SlotTaken { path: self.target.path.clone() });
            }
            other => other.map_err(self.target.error(Step::Move))?,
        }
        let kind = match look(self.disk, self.target) {
            Ok(Some(found)) if is_expected(&found) => found.kind,
            Ok(Some(_)) => return self.withdraw(Change::Touched),
            Ok(None) => return self.withdraw(Change::Gone),
            Err(error) => {
                self.withdraw(Change::Touched)?;
                return Err(error);
            }
        };
        match self.disk.exchange(self.slot, self.target.name()) {
            Ok(()) => (),
            Err(error) if is_unsupported(&error) || is_fixed(kind, &error) => {
                return match self.disk.rename_new(self.slot, (folder, name)) {
                    Ok(()) => Ok(Outcome::NoExchange),
                    Err(error) => Err(self.target.error(Step::Move)(error)),
                };
            }
            Err(error) => {
                let withdrawn = self.withdraw(Change::Gone)?;
                return match error.kind() {
                    io::ErrorKind::NotFound => Ok(withdrawn),
                    _ => Err(self.target.error(Step::Move)(error)),
                };
            }
        }
        let (folder, name) = self.slot;
        let came_out = self.disk.lstat(folder, name).map_err(self.target.error(Step::Look))?;
        // What cannot be looked at may be an edit: back with it.
        if is_right(&came_out).unwrap_or(false) {
            return Ok(Outcome::Done(row_signature(self.disk, self.target, &self.staged.stat)));
        }
        self.put_back()
    }

    /// Removes the staged file from the slot: it never had the name.
    fn withdraw(&self, change: Change) -> Result<Outcome<Signature>, ReplaceError> {
        let (folder, name) = self.slot;
        self.disk.unlink(folder, name).map_err(self.target.error(Step::Move))?;
        Ok(Outcome::Changed(change))
    }

    /// Gives the name back to the edit that came out of it into the slot.
    ///
    /// A person may have replaced, changed or removed our file in the meantime. The newest save
    /// gets the name, and whatever a person wrote is under the name or in the slot.
    fn put_back(&self) -> Result<Outcome<Signature>, ReplaceError> {
        let (folder, name) = self.slot;
        if let Err(error) = self.disk.exchange(self.slot, self.target.name()) {
            return Ok(self.return_if_free(&error));
        }
        let came_out = self.disk.lstat(folder, name).map_err(self.target.error(Step::Look))?;
        if self.staged.is(&came_out) {
            return Ok(Outcome::Returned);
        }
        // Not our file: somebody saved once more while ours had the name.
        Ok(match self.disk.exchange(self.slot, self.target.name()) {
            Ok(()) => Outcome::EditInSlot,
            Err(error) => self.return_if_free(&error),
        })
    }

    /// Moves the edit in the slot back if the name is free, as `error` says.
    fn return_if_free(&self, error: &io::Error) -> Outcome<Signature> {
        let is_free = error.kind() == io::ErrorKind::NotFound;
        if is_free && self.disk.rename_new(self.slot, self.target.name()).is_ok() {
            Outcome::Changed(Change::Touched)
        } else {
            Outcome::EditInSlot
        }
    }
}

/// Tells whether the file system does not have this call at all.
fn is_unsupported(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput)
}

/// Tells whether it is a folder that has to stay where it is (overlayfs); what is in it need not.
fn is_fixed(kind: Kind, error: &io::Error) -> bool {
    kind == Kind::Folder && error.kind() == io::ErrorKind::CrossesDevices
}
