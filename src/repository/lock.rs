//! The kernel lock of every command that changes something.

use std::ffi::OsStr;
use std::io;

use crate::disk::{Disk, Patience, read_whole};

/// Name in `.lsync`.
const LOCK: &str = "lock";

/// How often the lock is tried: `status` of somebody else takes it for an instant to look.
const TRIES: usize = 100;

/// The lock of a working copy, held until it is dropped or the process ends, however it ends.
pub struct Lock<D: Disk> {
    _file: D::File,
}

impl<D: Disk> std::fmt::Debug for Lock<D> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Lock")
    }
}

/// Takes the lock and writes this process's id into it; `Err` of the holder where it is held.
pub(super) fn take<D: Disk>(
    disk: &D,
    control: &D::Folder,
) -> io::Result<Result<Lock<D>, Option<u32>>> {
    let file = disk.open_append(control, OsStr::new(LOCK), 0o666)?;
    for _ in 0..TRIES {
        if disk.lock(&file, Patience::Try)? {
            disk.truncate(&file, 0)?;
            disk.write(&file, format!("{}\n", std::process::id()).as_bytes())?;
            return Ok(Ok(Lock { _file: file }));
        }
        std::thread::yield_now();
    }
    Ok(Err(holder_id(disk, control)?))
}

/// Tells who holds the lock at this moment, without writing anything; `Some(0)`: somebody whose id
/// cannot be read.
pub(super) fn holder<D: Disk>(disk: &D, control: &D::Folder) -> io::Result<Option<u32>> {
    let file = match disk.open(control, OsStr::new(LOCK)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    if disk.lock(&file, Patience::Try)? {
        return Ok(None);
    }
    Ok(Some(holder_id(disk, control)?.unwrap_or(0)))
}

/// Reads the process id in the lock.
fn holder_id<D: Disk>(disk: &D, control: &D::Folder) -> io::Result<Option<u32>> {
    let text = read_whole(disk, control, LOCK)?.unwrap_or_default();
    Ok(std::str::from_utf8(&text).ok().and_then(|text| text.trim().parse().ok()))
}
