//! What files hold: read whole, hashed in a stream, and compared with what is known of a version.
//!
//! Every read is framed by two looks at the open file, so that contents which changed meanwhile are
//! an error and never half old, half new.

mod clock;
mod digest;
mod proof;
#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::io;

use bytes::Bytes;

pub use clock::{AHEAD_NANOSECONDS_MAX, is_racy, now};
pub use digest::{
    Digester, Digests, PART_SIZE_BYTES_MIN, PARTS_MAX, Want, combine_crc64, part_count, part_range,
    part_size, part_size_candidates, part_size_from,
};
pub use proof::Evidence;

use crate::disk::Disk;
use crate::tree::{Kind, Stat};

/// How many bytes one read asks for.
const READ_BYTES: usize = 1024 * 1024;

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The name is not, or no longer, the file that was expected, or it changed during the read.
    #[error("{0:?} changed meanwhile")]
    ChangedMeanwhile(OsString),
    /// The file is too large to be read whole.
    #[error("{name:?} has {size} bytes, more than the {limit} that are read at once")]
    TooLarge {
        /// The name in its folder.
        name: OsString,
        /// Its bytes.
        size: u64,
        /// The most bytes accepted.
        limit: u64,
    },
    /// The disk refused.
    #[error("cannot read {name:?}")]
    Io {
        /// The name in its folder.
        name: OsString,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl ContentError {
    /// Tells whether trying again later may help, because somebody else was writing.
    pub fn is_changed_meanwhile(&self) -> bool {
        matches!(self, Self::ChangedMeanwhile(_))
    }
}

/// The digests of a file, and the stat that it had before, during and after the read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashed {
    /// What was computed.
    pub digests: Digests,
    /// How the open file looked.
    pub stat: Stat,
}

/// Fills as much of `buffer` as the file has from `offset` bytes on; returns how many bytes.
pub fn read_fully<D: Disk>(
    disk: &D,
    file: &D::File,
    buffer: &mut [u8],
    offset: u64,
) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match disk.read_at(file, &mut buffer[filled..], offset + filled as u64)? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

/// Reads the file `name` once, in steps of 1 MiB, and computes its digests.
///
/// [`ContentError::ChangedMeanwhile`] if it is gone or no regular file, or if size, mtime, ctime or
/// inode moved during the read. Whether it is the file that the scan saw, the caller tells by
/// comparing the stat ([`Stat::is_untouched`]).
pub fn hash_file<D: Disk>(
    disk: &D,
    folder: &D::Folder,
    name: &OsStr,
    want: &Want,
) -> Result<Hashed, ContentError> {
    let failed = |source| ContentError::Io { name: name.to_owned(), source };
    let changed = || ContentError::ChangedMeanwhile(name.to_owned());
    let file = open_file(disk, folder, name)?;
    let before = disk.fstat(&file).map_err(failed)?;
    if before.kind != Kind::File {
        return Err(changed());
    }
    let step = usize::try_from(before.size).map_or(READ_BYTES, |size| size.clamp(1, READ_BYTES));
    let mut buffer = vec![0; step];
    let mut digester = Digester::new(want);
    let mut offset = 0;
    // A file that somebody appends to must not keep this going for ever.
    while offset < before.size {
        let count = read_fully(disk, &file, &mut buffer, offset).map_err(failed)?;
        if count == 0 {
            return Err(changed());
        }
        digester.update(&buffer[..count]);
        offset += count as u64;
    }
    let after = disk.fstat(&file).map_err(failed)?;
    if offset != before.size || !before.is_untouched(&after) {
        return Err(changed());
    }
    Ok(Hashed { digests: digester.finish(), stat: after })
}

/// Reads the whole of the file `name`, which must look as `expected` before and after, and have no
/// more than `limit` bytes.
pub fn read_small<D: Disk>(
    disk: &D,
    folder: &D::Folder,
    name: &OsStr,
    expected: &Stat,
    limit: u64,
) -> Result<Bytes, ContentError> {
    read_small_open(disk, folder, name, expected, limit).map(|(bytes, _)| bytes)
}

/// As [`read_small`], with the file that was read.
pub fn read_small_open<D: Disk>(
    disk: &D,
    folder: &D::Folder,
    name: &OsStr,
    expected: &Stat,
    limit: u64,
) -> Result<(Bytes, D::File), ContentError> {
    let failed = |source| ContentError::Io { name: name.to_owned(), source };
    let changed = || ContentError::ChangedMeanwhile(name.to_owned());
    let size = usize::try_from(expected.size).ok().filter(|_| expected.size <= limit);
    let Some(size) = size else {
        return Err(ContentError::TooLarge { name: name.to_owned(), size: expected.size, limit });
    };
    let file = open_file(disk, folder, name)?;
    let before = disk.fstat(&file).map_err(failed)?;
    if before.kind != Kind::File || !expected.is_untouched(&before) {
        return Err(changed());
    }
    let mut bytes = vec![0; size];
    let count = read_fully(disk, &file, &mut bytes, 0).map_err(failed)?;
    if count < size || !expected.is_untouched(&disk.fstat(&file).map_err(failed)?) {
        return Err(changed());
    }
    Ok((Bytes::from(bytes), file))
}

/// Opens a file that was seen before; one that is gone or became something else has changed.
fn open_file<D: Disk>(disk: &D, folder: &D::Folder, name: &OsStr) -> Result<D::File, ContentError> {
    disk.open(folder, name).map_err(|source| {
        let gone = source.kind() == io::ErrorKind::NotFound
            || disk.lstat(folder, name).is_ok_and(|stat| stat.kind != Kind::File);
        if gone {
            ContentError::ChangedMeanwhile(name.to_owned())
        } else {
            ContentError::Io { name: name.to_owned(), source }
        }
    })
}
