//! The permission bits of what lsync makes in a folder bucket: the read, write and setgid bits of the
//! bucket's root, as `git init --shared` does; the group comes with the setgid bit.

use std::ffi::OsStr;
use std::io;

use crate::disk::Disk;

/// The file whose kernel lock guards every compare-and-swap.
pub(super) const LOCK: &str = "lock";

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
