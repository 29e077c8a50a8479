//! A new file on its way: being written, then complete, but without its name.

use std::ffi::OsString;
use std::io;

use super::error::{ReplaceError, Step};
use crate::disk::Disk;
use crate::disk::swap::NameIn;
use crate::tree::{RepoPath, Stat};

/// Permission bits that a replaced file hands on. The others (setuid, setgid, sticky) would give
/// rights to bytes that came from somebody else.
const MODE_KEPT: u32 = 0o777;

/// A file that is being written.
pub struct Draft<D: Disk> {
    pub(super) disk: D,
    pub(super) folder: D::Folder,
    pub(super) name: OsString,
    pub(super) file: D::File,
    pub(super) path: RepoPath,
}

/// A complete file that has no name in the working copy yet.
pub struct Staged<D: Disk> {
    /// The folder it lies in.
    pub folder: D::Folder,
    /// Its name there.
    pub name: OsString,
    /// What it looked like after its mtime was set.
    pub stat: Stat,
}

impl<D: Disk> Draft<D> {
    /// Begins a file under the name of `path` in a folder out of the working copy, which nobody else
    /// can read.
    pub fn create(disk: &D, folder: &D::Folder, path: &RepoPath) -> Result<Self, ReplaceError> {
        let name = OsString::from(path.name());
        let file = disk.create(folder, &name, 0o600);
        let file = file.map_err(|error| ReplaceError::io(Step::Stage, path, error))?;
        Ok(Self { disk: disk.clone(), folder: folder.clone(), name, file, path: path.clone() })
    }

    /// Appends `bytes`.
    pub fn write(&self, bytes: &[u8]) -> Result<(), ReplaceError> {
        self.checked(self.disk.write(&self.file, bytes))
    }

    /// Grows the file to `size` bytes and takes the room for them.
    pub fn allocate(&self, size: u64) -> Result<(), ReplaceError> {
        self.checked(self.disk.allocate(&self.file, size))
    }

    /// Writes `bytes` at `offset`.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), ReplaceError> {
        self.checked(self.disk.write_at(&self.file, bytes, offset))
    }

    /// Reads from `offset`; returns how many bytes, 0 only at the end.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, ReplaceError> {
        self.checked(self.disk.read_at(&self.file, buffer, offset))
    }

    /// Gives the file the permission bits of the one that it replaces.
    pub fn set_mode(&self, mode: u32) -> Result<(), ReplaceError> {
        self.checked(self.disk.set_mode(&self.file, mode & MODE_KEPT))
    }

    /// Sets the mtime (nanoseconds since 1970) and looks at the complete file.
    pub fn seal(self, mtime: i64) -> Result<Staged<D>, ReplaceError> {
        self.checked(self.disk.set_mtime(&self.file, mtime))?;
        let stat = self.checked(self.disk.fstat(&self.file))?;
        Ok(Staged { folder: self.folder, name: self.name, stat })
    }

    /// Removes the file; what cannot be removed now is swept by the next command.
    pub fn discard(self) {
        self.disk.unlink(&self.folder, &self.name).unwrap_or_default();
    }

    /// Says where an error of the disk happened.
    pub(super) fn checked<T>(&self, result: io::Result<T>) -> Result<T, ReplaceError> {
        result.map_err(|error| ReplaceError::io(Step::Stage, &self.path, error))
    }
}

impl<D: Disk> Staged<D> {
    /// Returns folder and name.
    pub fn name(&self) -> NameIn<'_, D> {
        (&self.folder, &self.name)
    }

    /// Removes the file; what cannot be removed now is swept by the next command.
    pub fn discard(&self, disk: &D) {
        disk.unlink(&self.folder, &self.name).unwrap_or_default();
    }

    /// Makes the contents durable. The file is opened anew: a group holds a thousand of them.
    pub fn sync(&self, disk: &D) -> io::Result<()> {
        disk.sync_file(&disk.open(&self.folder, &self.name)?)
    }

    /// Tells whether `stat` shows this very file, untouched.
    pub fn is(&self, stat: &Stat) -> bool {
        stat.is_same_file(&self.stat)
    }
}
