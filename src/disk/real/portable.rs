//! The same where the system is not Linux: macOS has renames that do not overwrite or swap, others
//! have neither.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{Dir, FileType, OFlags};
use rustix::io::Errno;

use super::kind::kind_of;
use crate::disk::Names;

/// Not to be had here: the caller goes component by component.
pub(super) fn open_beneath(_: BorrowedFd<'_>, _: &str, _: OFlags) -> Result<OwnedFd, Errno> {
    Err(Errno::NOSYS)
}

/// Reads all names through a descriptor of its own.
pub(super) fn read_folder(folder: BorrowedFd<'_>, _again: bool) -> io::Result<Names> {
    let mut names = Names::default();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            let kind = match entry.file_type() {
                FileType::Unknown => None,
                known => Some(kind_of(known)),
            };
            names.push(OsStr::from_bytes(name), kind)?;
        }
    }
    Ok(names)
}

/// Not to be had here: the caller only grows the file.
pub(super) fn allocate(_: BorrowedFd<'_>, _: u64) -> Result<(), Errno> {
    Err(Errno::NOSYS)
}

/// Renames unless the target exists.
#[cfg(target_vendor = "apple")]
pub(super) fn rename_new(
    from: (BorrowedFd<'_>, &OsStr),
    to: (BorrowedFd<'_>, &OsStr),
) -> Result<(), Errno> {
    use rustix::fs::{RenameFlags, renameat_with};
    renameat_with(from.0, from.1, to.0, to.1, RenameFlags::NOREPLACE)
}

/// Swaps two names.
#[cfg(target_vendor = "apple")]
pub(super) fn exchange(
    a: (BorrowedFd<'_>, &OsStr),
    b: (BorrowedFd<'_>, &OsStr),
) -> Result<(), Errno> {
    use rustix::fs::{RenameFlags, renameat_with};
    renameat_with(a.0, a.1, b.0, b.1, RenameFlags::EXCHANGE)
}

/// Not to be had here: the caller links and unlinks.
#[cfg(not(target_vendor = "apple"))]
pub(super) fn rename_new(
    _: (BorrowedFd<'_>, &OsStr),
    _: (BorrowedFd<'_>, &OsStr),
) -> Result<(), Errno> {
    Err(Errno::NOSYS)
}

/// Not to be had here.
#[cfg(not(target_vendor = "apple"))]
pub(super) fn exchange(
    _: (BorrowedFd<'_>, &OsStr),
    _: (BorrowedFd<'_>, &OsStr),
) -> Result<(), Errno> {
    Err(Errno::NOSYS)
}

/// Not to be had here: the caller syncs each file and folder.
pub(super) fn sync_file_system(_: BorrowedFd<'_>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Not read here: access lists and attributes are kept on Linux alone.
pub(super) fn extended(
    _: BorrowedFd<'_>,
) -> io::Result<(Option<Vec<u8>>, BTreeMap<OsString, Vec<u8>>)> {
    Ok((None, BTreeMap::new()))
}

/// Not to be had here.
pub(super) fn set_acl(_: BorrowedFd<'_>, acl: Option<&[u8]>) -> io::Result<()> {
    acl.map_or(Ok(()), |_| Err(io::ErrorKind::Unsupported.into()))
}

/// Not to be had here.
pub(super) fn set_attribute(_: BorrowedFd<'_>, _: &OsStr, _: &[u8]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Nothing here tells; the probe of a folder bucket finds what does not work.
pub(super) fn is_network(_: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(false)
}
