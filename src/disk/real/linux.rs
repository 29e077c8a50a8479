//! What only Linux has.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{
    self, FileType, Mode, OFlags, RawDir, RenameFlags, ResolveFlags, SeekFrom, XattrFlags,
};
use rustix::io::{Errno, retry_on_intr};

use super::kind::kind_of;
use crate::disk::Names;

/// Room for some two thousand names a call; the C library takes half as much.
const NAMES_BUFFER_BYTES: usize = 64 << 10;

/// The numbers of network, cluster and FUSE file systems (linux/magic.h and the file systems'
/// sources). virtiofs answers as FUSE.
const NETWORK_FILE_SYSTEMS: [u32; 21] = [
    0x0000_6969, // NFS
    0x0000_517b, // SMB
    0xff53_4d42, // CIFS
    0xfe53_4d42, // SMB 2 and 3
    0x6573_5546, // FUSE
    0x0102_1997, // 9P
    0x5346_414f, // OpenAFS
    0x6b41_4653, // kAFS
    0x00c3_6400, // Ceph
    0x7375_7245, // Coda
    0x0000_564c, // NCP
    0x0116_1970, // GFS2
    0x7461_636f, // OCFS2
    0x0bd0_0bd0, // Lustre
    0x4750_4653, // GPFS
    0x2003_0528, // OrangeFS
    0x1983_0326, // BeeGFS
    0xaad7_aaea, // PanFS
    0x786f_4256, // shared folders of VirtualBox
    0xbacb_acbc, // shared folders of VMware
    0x7c7c_6673, // shared folders of Parallels
];

/// Opens a folder below another in one call; a link is `ELOOP`.
pub(super) fn open_beneath(
    folder: BorrowedFd<'_>,
    path: &str,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    retry_on_intr(|| fs::openat2(folder, path, flags, Mode::empty(), resolve))
}

/// Reads all names; `again` where the descriptor was read before.
pub(super) fn read_folder(folder: BorrowedFd<'_>, again: bool) -> io::Result<Names> {
    if again {
        fs::seek(folder, SeekFrom::Start(0))?;
    }
    let mut buffer: Vec<u8> = Vec::with_capacity(NAMES_BUFFER_BYTES);
    let mut entries = RawDir::new(folder, buffer.spare_capacity_mut());
    let mut names = Names::default();
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Err(Errno::INTR) => continue,
            entry => entry?,
        };
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

/// Renames unless the target exists.
pub(super) fn rename_new(
    from: (BorrowedFd<'_>, &OsStr),
    to: (BorrowedFd<'_>, &OsStr),
) -> Result<(), Errno> {
    fs::renameat_with(from.0, from.1, to.0, to.1, RenameFlags::NOREPLACE)
}

/// Swaps two names.
pub(super) fn exchange(
    a: (BorrowedFd<'_>, &OsStr),
    b: (BorrowedFd<'_>, &OsStr),
) -> Result<(), Errno> {
    fs::renameat_with(a.0, a.1, b.0, b.1, RenameFlags::EXCHANGE)
}

/// Grows a file and takes the room for it.
pub(super) fn allocate(file: BorrowedFd<'_>, size: u64) -> Result<(), Errno> {
    retry_on_intr(|| fs::fallocate(file, fs::FallocateFlags::empty(), 0, size))
}

/// Makes a whole file system durable.
pub(super) fn sync_file_system(folder: BorrowedFd<'_>) -> io::Result<()> {
    match retry_on_intr(|| fs::syncfs(folder)) {
        Err(Errno::NOSYS | Errno::OPNOTSUPP) => Err(io::ErrorKind::Unsupported.into()),
        result => Ok(result?),
    }
}

/// The attributes in which access lists lie (`acl(5)`).
const ACL: &str = "system.posix_acl_access";
const DEFAULT_ACL: &str = "system.posix_acl_default";

/// An access list, and attributes of the `user.` space.
type Extended = (Option<Vec<u8>>, BTreeMap<OsString, Vec<u8>>);

/// Returns the access list of a file, and its attributes of the `user.` space.
pub(super) fn extended(file: BorrowedFd<'_>) -> io::Result<Extended> {
    let names = whole(|| fs::flistxattr_query(file), |buffer| fs::flistxattr(file, buffer))?;
    let names = names.unwrap_or_default();
    let (mut acl, mut user) = (None, BTreeMap::new());
    for name in names.split(|byte| *byte == 0) {
        if name == ACL.as_bytes() {
            acl = attribute(file, name)?;
        } else if name.starts_with(b"user.") {
            let value = attribute(file, name)?;
            user.extend(value.map(|value| (OsStr::from_bytes(name).to_owned(), value)));
        }
    }
    Ok((acl, user))
}

/// Returns the access list that a folder hands on.
pub(super) fn default_acl(folder: BorrowedFd<'_>) -> io::Result<Option<Vec<u8>>> {
    attribute(folder, DEFAULT_ACL.as_bytes())
}

fn attribute(file: BorrowedFd<'_>, name: &[u8]) -> io::Result<Option<Vec<u8>>> {
    whole(|| fs::fgetxattr_query(file, name), |buffer| fs::fgetxattr(file, name, buffer))
}

/// Asks how long an answer is, and for the answer, until they fit; `None` where there is none.
fn whole(
    query: impl Fn() -> Result<usize, Errno>,
    read: impl Fn(&mut [u8]) -> Result<usize, Errno>,
) -> io::Result<Option<Vec<u8>>> {
    loop {
        let read = query().and_then(|length| {
            let mut buffer = vec![0; length];
            // Of no bytes at all a read would be another query.
            let length = if length == 0 { 0 } else { read(&mut buffer)? };
            buffer.truncate(length);
            Ok(buffer)
        });
        match read {
            Ok(buffer) => return Ok(Some(buffer)),
            // It has grown meanwhile.
            Err(Errno::RANGE) => (),
            Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Sets or removes the access list of a file.
pub(super) fn set_acl(file: BorrowedFd<'_>, acl: Option<&[u8]>) -> io::Result<()> {
    match acl {
        Some(acl) => Ok(fs::fsetxattr(file, ACL, acl, XattrFlags::empty())?),
        None => match fs::fremovexattr(file, ACL) {
            Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            result => Ok(result?),
        },
    }
}

/// Sets one extended attribute.
pub(super) fn set_attribute(file: BorrowedFd<'_>, name: &OsStr, value: &[u8]) -> io::Result<()> {
    Ok(fs::fsetxattr(file, name, value, XattrFlags::empty())?)
}

/// Tells whether the folder lies on a network or FUSE file system.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "all numbers have 32 bits; the width of the field differs between machines"
)]
pub(super) fn is_network(folder: BorrowedFd<'_>) -> io::Result<bool> {
    let number = fs::fstatfs(folder)?.f_type as u32;
    Ok(NETWORK_FILE_SYSTEMS.contains(&number))
}
