//! How the errors of a file system read as those of a store.

use std::fmt::Display;
use std::io;

use crate::remote::{RemoteError, RemoteErrorKind};

/// Makes an error of the bucket itself.
pub(super) fn error(
    kind: RemoteErrorKind,
    operation: &'static str,
    key: &str,
    message: impl Display,
) -> RemoteError {
    RemoteError::new(kind, operation, key, message.to_string())
}

/// Refuses bytes that are not those that were promised.
pub(super) fn verify(
    operation: &'static str,
    key: &str,
    found: u64,
    promised: u64,
) -> Result<(), RemoteError> {
    if found == promised {
        return Ok(());
    }
    let message = "the bytes do not match their checksum";
    Err(error(RemoteErrorKind::Corrupt, operation, key, message))
}

/// Makes an error of what a system call returned.
pub(super) fn of_io(operation: &'static str, key: &str, cause: &io::Error) -> RemoteError {
    use RemoteErrorKind as Remote;
    use io::ErrorKind as Disk;
    let kind = match cause.kind() {
        Disk::NotFound => match operation {
            "HEAD" | "GET" | "DELETE" => Remote::NotFound,
            // A missing folder of the bucket is an empty listing; only its root can be missing here.
            "LIST" => Remote::NoBucket,
            // A folder went while something was put into it: made again by the next attempt.
            _ => Remote::Failed,
        },
        Disk::PermissionDenied | Disk::ReadOnlyFilesystem => Remote::Denied,
        Disk::StorageFull | Disk::QuotaExceeded => Remote::Full,
        Disk::AlreadyExists => Remote::Changed,
        Disk::HostUnreachable | Disk::NetworkUnreachable | Disk::NetworkDown => Remote::Unreachable,
        Disk::TimedOut | Disk::StaleNetworkFileHandle => Remote::Interrupted,
        Disk::NotADirectory
        | Disk::IsADirectory
        | Disk::DirectoryNotEmpty
        | Disk::InvalidFilename
        | Disk::InvalidInput
        | Disk::FileTooLarge
        | Disk::CrossesDevices => Remote::Invalid,
        Disk::Unsupported => Remote::Unsupported,
        _ => Remote::Failed,
    };
    error(kind, operation, key, cause)
}

/// Says where a system call failed.
pub(super) trait Context<T> {
    /// Turns the error of a system call into one of the bucket.
    fn context(self, operation: &'static str, key: &str) -> Result<T, RemoteError>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, operation: &'static str, key: &str) -> Result<T, RemoteError> {
        self.map_err(|cause| of_io(operation, key, &cause))
    }
}
