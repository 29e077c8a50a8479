//! Groups, access lists and extended attributes.

use std::ffi::OsStr;
use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::{self, Gid};

use super::system;
use crate::disk::Attributes;
#[cfg(target_os = "linux")]
use crate::disk::attributes::acl_of_new_file;

/// The bit of a folder that hands on its group.
#[cfg(target_os = "linux")]
const SET_GROUP_ID: u32 = 0o2000;

/// Returns those of a file.
pub(super) fn of(file: BorrowedFd<'_>) -> io::Result<Attributes> {
    let group = fs::fstat(file)?.st_gid;
    let (acl, user) = system::extended(file)?;
    Ok(Attributes { group, acl, user })
}

/// Returns those that a new file in a folder gets.
#[cfg(target_os = "linux")]
#[allow(clippy::unnecessary_cast, reason = "the width differs from system to system")]
pub(super) fn inherited(folder: BorrowedFd<'_>) -> io::Result<Attributes> {
    let stat = fs::fstat(folder)?;
    let hands_on = stat.st_mode as u32 & SET_GROUP_ID != 0;
    let group = if hands_on { stat.st_gid } else { rustix::process::getegid().as_raw() };
    let acl = system::default_acl(folder)?;
    let acl = acl.map(|acl| acl_of_new_file(&acl).ok_or(io::ErrorKind::InvalidData));
    Ok(Attributes { group, acl: acl.transpose()?, ..Attributes::default() })
}

/// Returns those that a new file in a folder gets: its group, on systems of the BSD family.
#[cfg(not(target_os = "linux"))]
pub(super) fn inherited(folder: BorrowedFd<'_>) -> io::Result<Attributes> {
    Ok(Attributes { group: fs::fstat(folder)?.st_gid, ..Attributes::default() })
}

pub(super) fn set_group(file: BorrowedFd<'_>, group: u32) -> io::Result<()> {
    Ok(fs::fchown(file, None, Some(Gid::from_raw(group)))?)
}

pub(super) fn set_acl(file: BorrowedFd<'_>, acl: Option<&[u8]>) -> io::Result<()> {
    system::set_acl(file, acl)
}

pub(super) fn set_attribute(file: BorrowedFd<'_>, name: &OsStr, value: &[u8]) -> io::Result<()> {
    system::set_attribute(file, name, value)
}
