//! The name that an operation is about, and what became of it.

use std::ffi::OsStr;
use std::io;

use super::error::{ReplaceError, Step};
use crate::disk::Disk;
use crate::disk::swap::{Change, NameIn};
use crate::tree::{RepoPath, Signature, Stat};

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
    pub fn name(&self) -> NameIn<'_, D> {
        (self.folder, OsStr::new(self.path.name()))
    }

    /// Says where an error of the disk happened.
    pub(super) fn error(&self, step: Step) -> impl FnOnce(io::Error) -> ReplaceError {
        let path = self.path.clone();
        move |error| ReplaceError::io(step, &path, error)
    }
    /// Says why what has the name could not be moved to a slot.
    pub(super) fn not_moved(&self, error: io::Error) -> ReplaceError {
        if error.kind() == io::ErrorKind::AlreadyExists {
            return ReplaceError::SlotTaken { path: self.path.clone() };
        }
        self.error(Step::Move)(error)
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
