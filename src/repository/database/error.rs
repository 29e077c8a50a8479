//! [`DatabaseError`], and the two files that it names.

use std::io;

/// The sorted rows.
pub(super) const DATABASE: &str = "database.yaml";

/// What has changed since.
pub(super) const JOURNAL: &str = "journal.yaml";

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// A file cannot be read or written.
    #[error("cannot {verb} .lsync/{file}")]
    Io {
        /// `read` or `write`.
        verb: &'static str,
        /// Name in `.lsync`.
        file: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A later version of lsync wrote a file.
    #[error("cannot read .lsync/{file}: its format is {found}, and this lsync knows 2")]
    Newer {
        /// Name in `.lsync`.
        file: &'static str,
        /// Its format.
        found: u64,
    },
    /// Somebody wrote between opening and the first record, so the caller did not hold the lock.
    #[error(".lsync/{file} has changed since it was read")]
    Changed {
        /// Name in `.lsync`.
        file: &'static str,
    },
}

impl DatabaseError {
    /// Returns what to do next.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "free some space and run the same command again"
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "give yourself permission to read and write what is in .lsync, then run the same \
                 command again"
            }
            Self::Io { .. } => return None,
            Self::Newer { .. } => "update lsync",
            Self::Changed { .. } => "run the same command again",
        };
        Some(hint.into())
    }

    /// Makes an error of one that reading `file` met.
    pub(super) fn reading(file: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { verb: "read", file, source }
    }

    /// Makes an error of one that writing `file` met.
    pub(super) fn writing(file: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { verb: "write", file, source }
    }
}
