//! [`RealDisk`]: the file system of the machine.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use rustix::fs::{
    self, AtFlags, CWD, FileType, FlockOperation, Mode, OFlags, Timespec, Timestamps,
};
use rustix::io::{Errno, retry_on_intr};

use super::{Attributes, Disk, Names, Patience, check_name};
use crate::tree::{Kind, Stat, TOO_EARLY, TOO_LATE};

mod attributes;
mod folder;
mod kind;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod portable;
#[cfg(test)]
mod tests;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use portable as system;

pub use folder::RealFolder;
use folder::{FOLDER, with_room};
use kind::kind_of;

const NANOSECONDS_PER_SECOND: i64 = 1_000_000_000;

/// Without `O_NONBLOCK` the opening of a pipe would wait for a writer, and reading it for ever.
const FILE: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// The file system of the machine, by system calls relative to folder handles.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

/// An open file; dropping it closes it and ends its lock.
#[derive(Debug)]
pub struct RealFile(File);

impl AsFd for RealFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A name in a folder.
type At<'a> = (&'a RealFolder, &'a OsStr);

impl Disk for RealDisk {
    type Folder = RealFolder;
    type File = RealFile;

    fn open_path(&self, path: &Path) -> io::Result<RealFolder> {
        let flags = FOLDER.difference(OFlags::NOFOLLOW);
        Ok(RealFolder::outside(with_room(|| fs::openat(CWD, path, flags, Mode::empty()))?))
    }

    fn make_path(&self, path: &Path) -> io::Result<RealFolder> {
        std::fs::create_dir_all(path)?;
        self.open_path(path)
    }

    fn open_folder(&self, folder: &RealFolder, name: &OsStr) -> io::Result<RealFolder> {
        check_name(name)?;
        RealFolder::below(folder, name).map_err(not_a_directory)
    }

    fn open_beneath(&self, folder: &RealFolder, path: &str) -> io::Result<RealFolder> {
        let path = path.trim_matches('/');
        if path.is_empty() {
            return Ok(folder.clone());
        }
        path.split('/')
            .filter(|name| !name.is_empty())
            .try_for_each(|name| check_name(OsStr::new(name)))?;
        RealFolder::below(folder, OsStr::new(path)).map_err(not_a_directory)
    }

    fn make_folder(&self, folder: &RealFolder, name: &OsStr, mode: u32) -> io::Result<()> {
        check_name(name)?;
        Ok(fs::mkdirat(folder.descriptor()?, name, mode_of(mode))?)
    }

    fn remove_folder(&self, folder: &RealFolder, name: &OsStr) -> io::Result<()> {
        check_name(name)?;
        Ok(fs::unlinkat(folder.descriptor()?, name, AtFlags::REMOVEDIR)?)
    }

    fn read_folder(&self, folder: &RealFolder) -> io::Result<Names> {
        folder.descriptor()?.reading(system::read_folder)
    }

    fn lstat(&self, folder: &RealFolder, name: &OsStr) -> io::Result<Stat> {
        check_name(name)?;
        Ok(stat_of(&fs::statat(folder.descriptor()?, name, AtFlags::SYMLINK_NOFOLLOW)?))
    }

    fn stat_folder(&self, folder: &RealFolder) -> io::Result<Stat> {
        Ok(stat_of(&fs::fstat(folder.descriptor()?)?))
    }

    fn open(&self, folder: &RealFolder, name: &OsStr) -> io::Result<RealFile> {
        open_file((folder, name), OFlags::RDONLY, 0)
    }

    fn create(&self, folder: &RealFolder, name: &OsStr, mode: u32) -> io::Result<RealFile> {
        open_file((folder, name), OFlags::RDWR | OFlags::CREATE | OFlags::EXCL, mode)
    }

    fn open_append(&self, folder: &RealFolder, name: &OsStr, mode: u32) -> io::Result<RealFile> {
        open_file((folder, name), OFlags::RDWR | OFlags::CREATE | OFlags::APPEND, mode)
    }

    fn open_write(&self, folder: &RealFolder, name: &OsStr) -> io::Result<RealFile> {
        open_file((folder, name), OFlags::RDWR, 0)
    }

    fn fstat(&self, file: &RealFile) -> io::Result<Stat> {
        Ok(stat_of(&fs::fstat(file)?))
    }

    fn read_at(&self, file: &RealFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match file.0.read_at(buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                result => return result,
            }
        }
    }

    fn write(&self, file: &RealFile, bytes: &[u8]) -> io::Result<()> {
        (&file.0).write_all(bytes)
    }

    fn write_at(&self, file: &RealFile, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.0.write_all_at(bytes, offset)
    }

    fn allocate(&self, file: &RealFile, size: u64) -> io::Result<()> {
        match system::allocate(file.as_fd(), size) {
            Err(error) if is_unsupported(error) => self.truncate(file, size),
            result => Ok(result?),
        }
    }

    fn truncate(&self, file: &RealFile, size: u64) -> io::Result<()> {
        Ok(retry_on_intr(|| fs::ftruncate(file, size))?)
    }

    fn set_mtime(&self, file: &RealFile, mtime: i64) -> io::Result<()> {
        let last_modification = Timespec {
            tv_sec: mtime.div_euclid(NANOSECONDS_PER_SECOND),
            tv_nsec: mtime.rem_euclid(NANOSECONDS_PER_SECOND),
        };
        let last_access = Timespec { tv_sec: 0, tv_nsec: fs::UTIME_OMIT };
        Ok(fs::futimens(file, &Timestamps { last_access, last_modification })?)
    }

    fn set_mode(&self, file: &RealFile, mode: u32) -> io::Result<()> {
        Ok(fs::fchmod(file, mode_of(mode))?)
    }

    fn set_folder_mode(&self, folder: &RealFolder, mode: u32) -> io::Result<()> {
        Ok(fs::fchmod(folder.descriptor()?, mode_of(mode))?)
    }

    fn attributes(&self, file: &RealFile) -> io::Result<Attributes> {
        attributes::of(file.as_fd())
    }

    fn inherited(&self, folder: &RealFolder) -> io::Result<Attributes> {
        attributes::inherited(folder.descriptor()?.as_fd())
    }

    fn set_group(&self, file: &RealFile, group: u32) -> io::Result<()> {
        attributes::set_group(file.as_fd(), group)
    }

    fn set_acl(&self, file: &RealFile, acl: Option<&[u8]>) -> io::Result<()> {
        attributes::set_acl(file.as_fd(), acl)
    }

    fn set_attribute(&self, file: &RealFile, name: &OsStr, value: &[u8]) -> io::Result<()> {
        attributes::set_attribute(file.as_fd(), name, value)
    }

    fn rename_new(&self, from: At<'_>, to: At<'_>) -> io::Result<()> {
        check_name(from.1)?;
        check_name(to.1)?;
        let (source, target) = (from.0.descriptor()?, to.0.descriptor()?);
        match system::rename_new((source.as_fd(), from.1), (target.as_fd(), to.1)) {
            Err(error) if is_unsupported(error) => rename_in_steps(from, to),
            result => Ok(result?),
        }
    }

    fn rename_over(&self, from: At<'_>, to: At<'_>) -> io::Result<()> {
        check_name(from.1)?;
        check_name(to.1)?;
        Ok(fs::renameat(from.0.descriptor()?, from.1, to.0.descriptor()?, to.1)?)
    }

    fn exchange(&self, a: At<'_>, b: At<'_>) -> io::Result<()> {
        check_name(a.1)?;
        check_name(b.1)?;
        let (first, second) = (a.0.descriptor()?, b.0.descriptor()?);
        system::exchange((first.as_fd(), a.1), (second.as_fd(), b.1)).map_err(|error| match error {
            error if is_unsupported(error) => io::ErrorKind::Unsupported.into(),
            error => error.into(),
        })
    }

    fn link(&self, from: At<'_>, to: At<'_>) -> io::Result<()> {
        check_name(from.1)?;
        check_name(to.1)?;
        link(from, to)
    }

    fn unlink(&self, folder: &RealFolder, name: &OsStr) -> io::Result<()> {
        check_name(name)?;
        Ok(fs::unlinkat(folder.descriptor()?, name, AtFlags::empty())?)
    }

    // The standard library's calls, because they alone reach the medium on macOS (`F_FULLFSYNC`).
    fn sync_file(&self, file: &RealFile) -> io::Result<()> {
        file.0.sync_data()
    }

    fn sync_folder(&self, folder: &RealFolder) -> io::Result<()> {
        folder.descriptor()?.file().sync_all()
    }

    fn sync_file_system(&self, folder: &RealFolder) -> io::Result<()> {
        system::sync_file_system(folder.descriptor()?.as_fd())
    }

    fn lock(&self, file: &RealFile, patience: Patience) -> io::Result<bool> {
        let operation = match patience {
            Patience::Try => FlockOperation::NonBlockingLockExclusive,
            Patience::Wait => FlockOperation::LockExclusive,
        };
        match retry_on_intr(|| fs::flock(file, operation)) {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn is_network(&self, folder: &RealFolder) -> io::Result<bool> {
        system::is_network(folder.descriptor()?.as_fd())
    }

    fn free_bytes(&self, folder: &RealFolder) -> io::Result<u64> {
        let answer = fs::fstatvfs(folder.descriptor()?)?;
        if answer.f_blocks == 0 {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok(answer.f_bavail.saturating_mul(answer.f_frsize))
    }
}

/// Opens a file, never through a link.
fn open_file(at: At<'_>, flags: OFlags, mode: u32) -> io::Result<RealFile> {
    check_name(at.1)?;
    let folder = at.0.descriptor()?;
    let descriptor = with_room(|| fs::openat(&*folder, at.1, FILE | flags, mode_of(mode)))?;
    Ok(RealFile(descriptor.into()))
}

/// Renames without overwriting on a file system that cannot do it in one step.
fn rename_in_steps(from: At<'_>, to: At<'_>) -> io::Result<()> {
    let stat = |at: At<'_>| {
        fs::statat(at.0.descriptor()?, at.1, AtFlags::SYMLINK_NOFOLLOW).map(|stat| stat_of(&stat))
    };
    let before = stat(from)?;
    if before.kind == Kind::Folder {
        return match stat(to) {
            // A rename replaces nothing but an empty folder that appears in this very moment.
            Err(Errno::NOENT) => {
                match fs::renameat(from.0.descriptor()?, from.1, to.0.descriptor()?, to.1) {
                    Err(Errno::NOTEMPTY | Errno::NOTDIR) => Err(Errno::EXIST.into()),
                    result => Ok(result?),
                }
            }
            Err(error) => Err(error.into()),
            Ok(_) => Err(Errno::EXIST.into()),
        };
    }
    link(from, to)?;
    // An editor may have put a new file under the old name: that one is not ours to remove.
    let (old, new) = (stat(from)?, stat(to)?);
    if !old.is_same_inode(&new) {
        return Err(Errno::BUSY.into());
    }
    Ok(fs::unlinkat(from.0.descriptor()?, from.1, AtFlags::empty())?)
}

/// Tells whether a file system does not have this kind of rename (`renameat2`, `renameatx_np`).
fn is_unsupported(error: Errno) -> bool {
    [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP, Errno::NOTSUP].contains(&error)
}

/// Gives a file a second name. File systems without links say `EPERM` (link(2)).
fn link(from: At<'_>, to: At<'_>) -> io::Result<()> {
    match fs::linkat(from.0.descriptor()?, from.1, to.0.descriptor()?, to.1, AtFlags::empty()) {
        Err(error) if matches!(error, Errno::PERM | Errno::MLINK) || is_unsupported(error) => {
            Err(io::ErrorKind::Unsupported.into())
        }
        result => Ok(result?),
    }
}

/// `O_NOFOLLOW` and `RESOLVE_NO_SYMLINKS` call a link `ELOOP`; for a folder that is one answer.
fn not_a_directory(error: Errno) -> io::Error {
    if error == Errno::LOOP { Errno::NOTDIR.into() } else { error.into() }
}

#[allow(clippy::unnecessary_cast, clippy::cast_possible_truncation, reason = "u16 on macOS")]
fn mode_of(mode: u32) -> Mode {
    Mode::from_raw_mode((mode & 0o7777) as fs::RawMode)
}

#[allow(
    clippy::unnecessary_cast,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::cast_lossless,
    reason = "the widths of these fields differ from system to system; no value leaves its range"
)]
fn stat_of(stat: &fs::Stat) -> Stat {
    let time = |seconds: i64, nanoseconds: i64| {
        let exact =
            i128::from(seconds) * i128::from(NANOSECONDS_PER_SECOND) + i128::from(nanoseconds);
        i64::try_from(exact).unwrap_or(if seconds < 0 { TOO_EARLY } else { TOO_LATE })
    };
    Stat {
        kind: kind_of(FileType::from_raw_mode(stat.st_mode)),
        size: stat.st_size as u64,
        mtime: time(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
        ctime: time(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
        inode: stat.st_ino as u64,
        device: stat.st_dev as u64,
        mode: (stat.st_mode as u32) & 0o7777,
    }
}
