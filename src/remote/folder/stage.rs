//! What lsync makes in a folder bucket before anybody sees it: staged files, locks, folders.
//!
//! All of it gets the read, write and setgid bits of the bucket's root, as `git init --shared` does;
//! the group comes with the setgid bit.

use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::atomic::Ordering;

use crc_fast::CrcAlgorithm;

use super::error::{Context as _, error};
use super::names::may_be_an_edit;
use super::{Control, FolderRemote, LOCK};
use crate::disk::{Disk, Patience};
use crate::remote::{RemoteError, RemoteErrorKind};

/// Age after which a staged file belongs to nobody any more: a day.
const STAGED_NANOSECONDS_MAX: i64 = 24 * 60 * 60 * 1_000_000_000;

/// How often a lock file may be replaced under our hands before that is an error.
const LOCK_ATTEMPTS_MAX: u32 = 16;

/// A file in the bucket's tmp/ that has no name in the bucket yet.
pub(super) struct Staged<D: Disk> {
    /// Open for reading and writing.
    pub(super) file: D::File,
    /// Its name in tmp/.
    pub(super) name: OsString,
}

impl<D: Disk> FolderRemote<D> {
    /// Returns the bucket's own folders, or says that it is read-only.
    pub(super) fn control(
        &self,
        operation: &'static str,
        key: &str,
    ) -> Result<&Control<D>, RemoteError> {
        self.control.as_ref().ok_or_else(|| {
            error(RemoteErrorKind::Denied, operation, key, "the bucket's folder cannot be written")
        })
    }

    /// Makes an empty file in tmp/; the first one of a process sweeps what others left there.
    pub(super) fn stage(
        &self,
        operation: &'static str,
        key: &str,
    ) -> Result<Staged<D>, RemoteError> {
        let control = self.control(operation, key)?;
        if !self.swept.swap(true, Ordering::Relaxed) {
            self.sweep(control).context(operation, key)?;
        }
        self.stage_in(control).context(operation, key)
    }

    /// Makes an empty file in tmp/.
    fn stage_in(&self, control: &Control<D>) -> io::Result<Staged<D>> {
        let name = self.staged_name();
        let mode = file_mode(self.root_stat.mode);
        let file = self.disk.create(&control.staging, &name, mode)?;
        if self.disk.fstat(&file)?.mode & 0o777 != mode {
            set_mode_if_possible(&self.disk, &file, mode)?;
        }
        Ok(Staged { file, name })
    }

    /// Returns a name for tmp/ that nobody else has.
    pub(super) fn staged_name(&self) -> OsString {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        OsString::from(format!("{}-{count}", self.label))
    }

    /// Removes what lies in tmp/ untouched for a day, and moves what may be an edit to lost/.
    ///
    /// The age is that of the ctime (a staged file carries the mtime of its user's file), measured
    /// against a file written just now: both come from the clock of the file system.
    fn sweep(&self, control: &Control<D>) -> io::Result<()> {
        let disk = &self.disk;
        let probe = self.stage_in(control)?;
        let now = disk.fstat(&probe.file)?.ctime;
        for (name, _) in &disk.read_folder(&control.staging)? {
            let Ok(stat) = disk.lstat(&control.staging, name) else { continue };
            let is_old = now.saturating_sub(stat.ctime) > STAGED_NANOSECONDS_MAX;
            if is_old && may_be_an_edit(name, &stat) {
                self.keep(control, name);
            } else if is_old || name == probe.name {
                self.discard(control, name);
            }
        }
        Ok(())
    }

    /// Removes a staged file. What cannot be removed is swept after a day.
    pub(super) fn discard(&self, control: &Control<D>, name: &OsStr) {
        drop(self.disk.unlink(&control.staging, name));
    }

    /// Takes the bucket's lock; it is free again when the returned file is dropped.
    ///
    /// `None` on a network file system without locks, which never counted as atomic.
    pub(super) fn lock(&self, control: &Control<D>) -> io::Result<Option<D::File>> {
        for _ in 0..LOCK_ATTEMPTS_MAX {
            let file = open_lock(&self.disk, &control.folder, self.root_stat.mode)?;
            match self.disk.lock(&file, Patience::Wait) {
                Err(_) if self.network => return Ok(None),
                other => other?,
            };
            // Somebody may have removed the file while we waited; then its lock guards nothing.
            let held = self.disk.fstat(&file)?;
            match self.disk.lstat(&control.folder, OsStr::new(LOCK)) {
                Ok(named) if named.inode == held.inode => return Ok(Some(file)),
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
                _ => (),
            }
        }
        Err(io::Error::other("somebody keeps replacing the lock file of the bucket"))
    }
}

/// Opens or makes the lock file.
pub(super) fn open_lock<D: Disk>(
    disk: &D,
    folder: &D::Folder,
    root_mode: u32,
) -> io::Result<D::File> {
    let mode = file_mode(root_mode);
    let file = disk.open_append(folder, OsStr::new(LOCK), mode)?;
    let stat = disk.fstat(&file)?;
    if stat.mode & mode != mode {
        // Only its maker may do this, and only the first time: for all others it is right already.
        set_mode_if_possible(disk, &file, mode)?;
    }
    Ok(file)
}

/// Opens the folder `name`, and makes it with the bits of the bucket's root if it is missing.
pub(super) fn folder_like<D: Disk>(
    disk: &D,
    parent: &D::Folder,
    name: &str,
    root_mode: u32,
) -> io::Result<D::Folder> {
    let name = OsStr::new(name);
    match disk.open_folder(parent, name) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => (),
        other => return other,
    }
    match disk.make_folder(parent, name, root_mode & 0o777) {
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
            return disk.open_folder(parent, name);
        }
        other => other?,
    }
    let folder = disk.open_folder(parent, name)?;
    if disk.stat_folder(&folder)?.mode != root_mode {
        match disk.set_folder_mode(&folder, root_mode) {
            Err(cause) if !is_refused(&cause) => return Err(cause),
            _ => (),
        }
    }
    Ok(folder)
}

/// Returns the bits of a file in a bucket whose root has `root_mode`.
pub(super) fn file_mode(root_mode: u32) -> u32 {
    (root_mode & 0o666) | 0o600
}

/// Sets permission bits where the file system has any.
pub(super) fn set_mode_if_possible<D: Disk>(disk: &D, file: &D::File, mode: u32) -> io::Result<()> {
    match disk.set_mode(file, mode) {
        Err(cause) if !is_refused(&cause) => Err(cause),
        _ => Ok(()),
    }
}

/// Tells whether a file system has no permission bits to set, or not for us.
fn is_refused(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported)
}

/// Returns the checksum that travels beside bodies.
pub(super) fn crc64_of(body: &[u8]) -> u64 {
    crc_fast::checksum(CrcAlgorithm::Crc64Nvme, body)
}
