//! The one seam to the file system.
//!
//! Folders are held by handles, and a name is only ever looked up in the folder whose handle is at
//! hand: no path is followed twice, and no link is followed at all. [`RealDisk`] does it with
//! system calls, [`MemoryDisk`] in memory with switches for crashes and faults; one suite
//! (`tests/disk_suite.rs`) holds both to the contract written here.
//!
//! Every call blocks for as long as the file system takes; none waits for anything else, except
//! [`Disk::lock`].

mod attributes;
mod contents;
mod descriptors;
mod names;
mod process;
mod real;
mod returning;
mod spelling;
pub mod swap;

use std::ffi::{OsStr, OsString};
use std::io;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

pub use attributes::Attributes;
pub use contents::Contents;
pub use descriptors::{DescriptorBudget, raise_descriptor_limit};
pub use names::{Iter, Name, Names};
pub use process::{ignores_signal, login_name};
pub use real::{RealDisk, RealFile, RealFolder};
pub use returning::return_folder;
pub use spelling::{may_be_folded, other_spelling};

use crate::tree::Stat;

/// Bytes that are copied at a time.
const COPY_PIECE_BYTES: usize = 1 << 20;

/// Whether to wait for a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Answer at once.
    Try,
    /// Wait until it is free.
    Wait,
}

/// A file system. Handles are cheap to clone and close themselves when the last clone is dropped.
///
/// Names are single components: one that is empty, `.`, `..` or holds a `/` is `InvalidInput`.
/// Errors are those of the system call ([`io::ErrorKind`], `raw_os_error`); callers add what and
/// where.
///
/// A folder is held whether or not a descriptor is open for it: where those are few, an idle folder
/// is opened again, and one that is not found where it was (`StaleNetworkFileHandle`) is never
/// taken for another, nor for one without the name in question.
pub trait Disk: Clone + Send + Sync + 'static {
    /// An open folder.
    type Folder: Clone + Send + Sync + 'static;
    /// An open file.
    type File: Send + Sync + 'static;

    /// Opens the folder at `path`, following links: the one place where a path from outside comes
    /// in.
    fn open_path(&self, path: &Path) -> io::Result<Self::Folder>;

    /// Makes the folder at `path` and those above it that are missing, and opens it.
    fn make_path(&self, path: &Path) -> io::Result<Self::Folder>;

    /// Opens the folder `name`; a link or a file there is `NotADirectory`.
    fn open_folder(&self, folder: &Self::Folder, name: &OsStr) -> io::Result<Self::Folder>;

    /// Opens the folder at `path`, components separated by `/`, below `folder`; empty is itself.
    ///
    /// No component may be a link: `NotADirectory`; nor `.` or `..`: `InvalidInput`.
    fn open_beneath(&self, folder: &Self::Folder, path: &str) -> io::Result<Self::Folder> {
        path.split('/')
            .filter(|name| !name.is_empty())
            .try_fold(folder.clone(), |folder, name| self.open_folder(&folder, OsStr::new(name)))
    }

    /// Makes the folder `name`, with the permissions that the umask leaves of `mode`.
    fn make_folder(&self, folder: &Self::Folder, name: &OsStr, mode: u32) -> io::Result<()>;

    /// Removes the folder `name` if it is empty, else `DirectoryNotEmpty`.
    fn remove_folder(&self, folder: &Self::Folder, name: &OsStr) -> io::Result<()>;

    /// Returns the names in a folder, in no order, without `.` and `..`, with their kind where the
    /// folder itself tells it.
    fn read_folder(&self, folder: &Self::Folder) -> io::Result<Names>;

    /// Looks at `name` without following a link.
    fn lstat(&self, folder: &Self::Folder, name: &OsStr) -> io::Result<Stat>;

    /// Looks at an open folder.
    fn stat_folder(&self, folder: &Self::Folder) -> io::Result<Stat>;

    /// Opens `name` for reading; a pipe does not block.
    ///
    /// A link is the error of [`is_link_error`]. A folder opens, and only reading it fails
    /// (`IsADirectory`): whoever needs a file looks at [`Disk::fstat`], which ends all races, too.
    fn open(&self, folder: &Self::Folder, name: &OsStr) -> io::Result<Self::File>;

    /// Makes the file `name` for reading and writing, else `AlreadyExists`; `mode` less the umask.
    fn create(&self, folder: &Self::Folder, name: &OsStr, mode: u32) -> io::Result<Self::File>;

    /// Opens `name` for reading and appending, and makes it if absent; a link is the error of
    /// [`is_link_error`].
    fn open_append(&self, folder: &Self::Folder, name: &OsStr, mode: u32)
    -> io::Result<Self::File>;

    /// Opens `name` for reading and for [`Disk::write_at`]; a link is the error of
    /// [`is_link_error`].
    fn open_write(&self, folder: &Self::Folder, name: &OsStr) -> io::Result<Self::File>;

    /// Looks at an open file.
    fn fstat(&self, file: &Self::File) -> io::Result<Stat>;

    /// Reads into `buffer` from `offset` bytes; returns how many, 0 only at the end.
    fn read_at(&self, file: &Self::File, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at the end of what was written so far (or of the file, if opened so).
    fn write(&self, file: &Self::File, bytes: &[u8]) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`, in a file not opened for appending.
    fn write_at(&self, file: &Self::File, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Grows the file to `size` bytes and takes the room for them now, so that a disk too small says
    /// so before the first byte is fetched (`StorageFull`); only grows it where no room can be
    /// taken in advance.
    fn allocate(&self, file: &Self::File, size: u64) -> io::Result<()>;

    /// Cuts or grows the file to `size` bytes.
    fn truncate(&self, file: &Self::File, size: u64) -> io::Result<()>;

    /// Sets the mtime, nanoseconds since 1970; the atime stays.
    fn set_mtime(&self, file: &Self::File, mtime: i64) -> io::Result<()>;

    /// Sets the permission bits, whatever the umask.
    fn set_mode(&self, file: &Self::File, mode: u32) -> io::Result<()>;

    /// Sets the permission bits of a folder, whatever the umask.
    fn set_folder_mode(&self, folder: &Self::Folder, mode: u32) -> io::Result<()>;

    /// Returns group, access list and `user.` attributes of a file.
    fn attributes(&self, file: &Self::File) -> io::Result<Attributes>;

    /// Returns the attributes that the system gives to a new file in the folder.
    fn inherited(&self, folder: &Self::Folder) -> io::Result<Attributes>;

    /// Gives a file to another group; `PermissionDenied` where that is not one of ours.
    fn set_group(&self, file: &Self::File, group: u32) -> io::Result<()>;

    /// Sets the access list of a file, and by it the permission bits; `None` removes it.
    fn set_acl(&self, file: &Self::File, acl: Option<&[u8]>) -> io::Result<()>;

    /// Sets one extended attribute of the `user.` space.
    fn set_attribute(&self, file: &Self::File, name: &OsStr, value: &[u8]) -> io::Result<()>;

    /// Renames `from` to `to` unless `to` exists: `AlreadyExists`. Files and folders.
    ///
    /// On file systems that cannot do this in one step (`Unsupported`, `InvalidInput` of the system
    /// call) a file is linked and unlinked instead; the target is never overwritten. An error on
    /// that way may leave both names, and `ResourceBusy` says that `from` became another file
    /// meanwhile.
    fn rename_new(
        &self,
        from: (&Self::Folder, &OsStr),
        to: (&Self::Folder, &OsStr),
    ) -> io::Result<()>;

    /// Renames `from` to `to` and replaces a file there: for files of our own alone.
    fn rename_over(
        &self,
        from: (&Self::Folder, &OsStr),
        to: (&Self::Folder, &OsStr),
    ) -> io::Result<()>;

    /// Swaps two names in one step, whatever their kinds; `Unsupported` where that is not to be
    /// had.
    ///
    /// (The system call says `InvalidInput` for that, and for a folder and what lies below it.)
    fn exchange(&self, a: (&Self::Folder, &OsStr), b: (&Self::Folder, &OsStr)) -> io::Result<()>;

    /// Gives the file `from` a second name `to`, else `AlreadyExists`.
    ///
    /// `Unsupported` where the file system, or a rule of the system, has no second name for it.
    fn link(&self, from: (&Self::Folder, &OsStr), to: (&Self::Folder, &OsStr)) -> io::Result<()>;

    /// Removes the name of a file or link.
    fn unlink(&self, folder: &Self::Folder, name: &OsStr) -> io::Result<()>;

    /// Makes the contents and size of a file durable (`fdatasync`).
    fn sync_file(&self, file: &Self::File) -> io::Result<()>;

    /// Makes the names in a folder durable (`fsync`).
    fn sync_folder(&self, folder: &Self::Folder) -> io::Result<()>;

    /// Makes all of the file system that the folder lies on durable (`syncfs`); `Unsupported` where
    /// that is not to be had.
    fn sync_file_system(&self, folder: &Self::Folder) -> io::Result<()>;

    /// Takes the kernel's exclusive lock on the file; it lasts until the file is dropped.
    ///
    /// Returns false where somebody else holds it and the patience is [`Patience::Try`].
    fn lock(&self, file: &Self::File, patience: Patience) -> io::Result<bool>;

    /// Tells whether the folder lies on a network or FUSE file system, whose locks and renames
    /// cannot be relied upon.
    fn is_network(&self, folder: &Self::Folder) -> io::Result<bool>;

    /// Returns the bytes that an unprivileged user can still write to the file system; `Unsupported`
    /// where it does not tell how many blocks it has.
    fn free_bytes(&self, folder: &Self::Folder) -> io::Result<u64>;
}

/// Tells whether [`Disk::open`] or [`Disk::open_append`] failed because the name is a link
/// (`ELOOP`, open(2) on `O_NOFOLLOW`; the standard library has no stable kind for it).
pub fn is_link_error(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// Tells whether a folder that is held could not be found again: it was moved or removed.
pub fn is_stale(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::StaleNetworkFileHandle
}

/// Refuses what is no single component, so that no caller's mistake leads out of a folder.
pub(crate) fn check_name(name: &OsStr) -> io::Result<()> {
    let bytes = name.as_bytes();
    if matches!(bytes, b"" | b"." | b"..") || memchr::memchr2(b'/', 0, bytes).is_some() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(())
}

/// Opens the folder `name`, and makes it if absent.
pub fn ensure_folder<D: Disk>(
    disk: &D,
    folder: &D::Folder,
    name: &OsStr,
    mode: u32,
) -> io::Result<D::Folder> {
    match disk.make_folder(folder, name, mode) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => disk.open_folder(folder, name),
    }
}

/// Tells whether the result is an error of this kind.
pub fn is_kind<T>(result: &io::Result<T>, kind: io::ErrorKind) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == kind)
}

/// Makes "does not exist" an answer instead of an error.
pub fn if_exists<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    if is_kind(&result, io::ErrorKind::NotFound) { Ok(None) } else { result.map(Some) }
}

/// Appends a range of one file to another.
///
/// # Errors
/// `UnexpectedEof`: the file ends before the range does.
pub fn copy<D: Disk>(disk: &D, from: &D::File, range: Range<u64>, to: &D::File) -> io::Result<()> {
    let mut buffer = vec![0; COPY_PIECE_BYTES];
    let mut offset = range.start;
    while offset < range.end {
        let wanted = usize::try_from(range.end - offset).unwrap_or(usize::MAX);
        let piece = &mut buffer[..wanted.min(COPY_PIECE_BYTES)];
        match disk.read_at(from, piece, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                disk.write(to, &piece[..count])?;
                offset += count as u64;
            }
        }
    }
    Ok(())
}

/// Reads the whole file `name`; `None` where it does not exist.
pub fn read_whole<D: Disk>(
    disk: &D,
    folder: &D::Folder,
    name: &str,
) -> io::Result<Option<Vec<u8>>> {
    let Some(file) = if_exists(disk.open(folder, OsStr::new(name)))? else { return Ok(None) };
    let size = usize::try_from(disk.fstat(&file)?.size).unwrap_or(0);
    let mut bytes = vec![0; size + 1];
    let mut filled = 0;
    loop {
        match disk.read_at(&file, &mut bytes[filled..], filled as u64)? {
            0 => break,
            count => filled += count,
        }
        if filled == bytes.len() {
            bytes.resize(filled * 2, 0);
        }
    }
    bytes.truncate(filled);
    Ok(Some(bytes))
}

/// Replaces the file `name` of our own in one durable step: temporary, fsync, rename, fsync of the
/// folder.
pub fn write_whole<D: Disk>(
    disk: &D,
    folder: &D::Folder,
    name: &str,
    bytes: &[u8],
) -> io::Result<()> {
    let temporary = OsString::from(format!("{name}.new"));
    if_exists(disk.unlink(folder, &temporary))?;
    let file = disk.create(folder, &temporary, 0o666)?;
    disk.write(&file, bytes)?;
    disk.sync_file(&file)?;
    disk.rename_over((folder, &temporary), (folder, OsStr::new(name)))?;
    disk.sync_folder(folder)
}
