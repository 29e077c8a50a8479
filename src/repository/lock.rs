//! The kernel lock of every command that changes something.

use std::ffi::OsStr;
use std::{fmt, io};

use crate::clock::rfc3339;
use crate::disk::{Disk, Patience, if_exists, read_whole};

/// Name in `.lsync`.
const LOCK: &str = "lock";

/// How often the lock is tried: `status` of somebody else takes it for an instant to look.
const TRIES: usize = 100;

/// The lock of a working copy, held until it is dropped or the process ends, however it ends.
pub struct Lock<D: Disk> {
    _file: D::File,
}

impl<D: Disk> fmt::Debug for Lock<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Lock")
    }
}

/// Who holds the lock: what the file says, for people alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The process.
    pub process: Option<u32>,
    /// The command that it runs, `sync`.
    pub command: Option<String>,
    /// When it took the lock, nanoseconds since 1970.
    pub since: i64,
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(command) = &self.command {
            write!(formatter, "`lsync {command}`, ")?;
        }
        if let Some(process) = self.process {
            write!(formatter, "process {process}, ")?;
        }
        write!(formatter, "since {}", rfc3339(self.since))
    }
}

/// Takes the lock and writes this process's id and its command into it; `Err` of the holder where it
/// is held.
pub(super) fn take<D: Disk>(
    disk: &D,
    control: &D::Folder,
    command: &str,
) -> io::Result<Result<Lock<D>, Holder>> {
    let file = disk.open_append(control, OsStr::new(LOCK), 0o666)?;
    for _ in 0..TRIES {
        if disk.lock(&file, Patience::Try)? {
            disk.truncate(&file, 0)?;
            disk.write(&file, format!("{}\n{command}\n", std::process::id()).as_bytes())?;
            return Ok(Ok(Lock { _file: file }));
        }
        std::thread::yield_now();
    }
    Ok(Err(read_holder(disk, control, &file)?))
}

/// Tells who holds the lock at this moment, without writing anything.
pub(super) fn holder<D: Disk>(disk: &D, control: &D::Folder) -> io::Result<Option<Holder>> {
    let Some(file) = if_exists(disk.open(control, OsStr::new(LOCK)))? else { return Ok(None) };
    if disk.lock(&file, Patience::Try)? {
        return Ok(None);
    }
    read_holder(disk, control, &file).map(Some)
}

/// Reads what the holder wrote into the lock; earlier versions of lsync wrote no command.
fn read_holder<D: Disk>(disk: &D, control: &D::Folder, file: &D::File) -> io::Result<Holder> {
    let text = read_whole(disk, control, LOCK)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let mut lines = text.lines();
    let process = lines.next().and_then(|line| line.trim().parse().ok());
    let is_command =
        |line: &&str| !line.is_empty() && line.chars().all(|c| c.is_ascii_lowercase() || c == ' ');
    let command = lines.next().filter(is_command).map(str::to_owned);
    Ok(Holder { process, command, since: disk.fstat(file)?.mtime })
}
