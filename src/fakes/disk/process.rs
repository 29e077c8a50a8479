//! What each process on a [`MemoryDisk`](super::MemoryDisk) has of its own: counter, switches and life.

use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::io::Errno;

/// Which call of the trait [`Disk`](crate::disk::Disk).
#[expect(missing_docs, reason = "each is the call of its name")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    OpenPath,
    OpenFolder,
    MakeFolder,
    RemoveFolder,
    ReadFolder,
    Lstat,
    StatFolder,
    Open,
    Create,
    OpenAppend,
    OpenWrite,
    Fstat,
    ReadAt,
    Write,
    WriteAt,
    Allocate,
    Truncate,
    SetMtime,
    SetMode,
    SetFolderMode,
    Attributes,
    Inherited,
    SetGroup,
    SetAcl,
    SetAttribute,
    RenameNew,
    RenameOver,
    Exchange,
    Link,
    Unlink,
    SyncFile,
    SyncFolder,
    SyncFileSystem,
    Lock,
    IsNetwork,
    FreeBytes,
}

impl Call {
    /// Tells whether the call changes something, if only what a crash leaves.
    pub fn changes(self) -> bool {
        !matches!(
            self,
            Self::OpenPath
                | Self::OpenFolder
                | Self::ReadFolder
                | Self::Lstat
                | Self::StatFolder
                | Self::Open
                | Self::OpenWrite
                | Self::Fstat
                | Self::Attributes
                | Self::Inherited
                | Self::ReadAt
                | Self::Lock
                | Self::IsNetwork
                | Self::FreeBytes
        )
    }
}

/// One call, as a hook or a fault sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Which call.
    pub call: Call,
    /// The folder it works in; of a file, the one that it was opened in.
    pub folder: PathBuf,
    /// The name in it; empty where the folder itself is meant.
    pub name: OsString,
    /// The second folder and name of a rename, exchange or link.
    pub other: Option<(PathBuf, OsString)>,
}

/// Called before each operation, while nothing is locked.
pub type Hook = Arc<dyn Fn(&Operation) + Send + Sync>;

/// Decides whether an operation fails.
pub type Fault = Arc<dyn Fn(&Operation) -> Option<Errno> + Send + Sync>;

/// The simulated end of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the simulated process was stopped")]
pub struct Stopped;

impl Stopped {
    /// Tells whether an error is one, or was caused by one.
    pub fn caused(error: &(dyn Error + 'static)) -> bool {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        error.is::<Self>()
            || inner.is_some_and(|inner| Self::caused(inner))
            || error.source().is_some_and(Self::caused)
    }
}

impl From<Stopped> for io::Error {
    fn from(stopped: Stopped) -> Self {
        Self::other(stopped)
    }
}

/// Counter, switches and life of one process.
#[derive(Default)]
pub(super) struct Process {
    pub(super) life: u64,
    pub(super) operations: u64,
    pub(super) failures: BTreeMap<u64, Errno>,
    pub(super) hook: Option<Hook>,
    pub(super) fault: Option<Fault>,
    stop_at: Option<u64>,
    tears: bool,
    stopped: bool,
}

impl Process {
    pub(super) fn new(life: u64) -> Self {
        Self { life, ..Self::default() }
    }

    pub(super) fn restart(&mut self, life: u64) {
        *self = Self {
            life,
            operations: self.operations,
            hook: self.hook.take(),
            fault: self.fault.take(),
            ..Self::default()
        };
    }

    pub(super) fn stop(&mut self, number: u64, tears: bool) {
        self.stop_at = Some(self.operations + number);
        self.tears = tears;
    }

    /// Counts a call. An error says that it has to fail; `Ok(true)`, that it is the write to tear.
    pub(super) fn enter(&mut self, call: Call) -> io::Result<bool> {
        if self.stopped {
            return Err(Stopped.into());
        }
        if !call.changes() {
            return Ok(false);
        }
        self.operations += 1;
        if self.stop_at.is_some_and(|stop_at| self.operations >= stop_at) {
            self.stopped = true;
            return if self.tears && matches!(call, Call::Write | Call::WriteAt) {
                Ok(true)
            } else {
                Err(Stopped.into())
            };
        }
        self.failures.remove(&self.operations).map_or(Ok(false), |error| Err(error.into()))
    }
}
