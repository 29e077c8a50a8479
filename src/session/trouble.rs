//! [`Trouble`]: why one path could not be dealt with.

use std::error::Error;
use std::fmt::Display;
use std::io;

use crate::disk::is_stale;
use crate::local::content::ContentError;
use crate::local::replace::{Lost, ReplaceError};
use crate::monitor::ItemKind;
use crate::remote::{RemoteError, RemoteErrorKind};
use crate::session::store::Failure;
use crate::tree::RepoPath;

/// Why one path could not be dealt with; the others go on.
#[derive(Debug, Clone)]
pub enum Trouble {
    /// A side does not show any more what the plan expected; nothing was touched.
    Changed {
        /// What it shows now, in words.
        reason: String,
        /// It is the bucket.
        in_bucket: bool,
    },
    /// A person's edit of the last moment could not keep its name; what `trash restore` calls it.
    InTrash(String),
    /// The disk refused: of which kind that is, and why.
    Disk(ItemKind, String),
    /// The store refused.
    Remote(RemoteError),
    /// The store refused as if the bucket had changed, and the bucket shows what the plan expects.
    Unfounded(RemoteError),
    /// The store refused a new file as if it were there, and cannot hold one beside a folder of its name:
    /// it keeps that for a while after the last file in it is gone (`SeaweedFS` 4.48: some two minutes).
    FolderKept(RemoteError),
    /// The store answers a write as if something were missing: it has no place for the name.
    Nameless(RemoteError),
    /// The store takes no parts, and no request holds so much.
    TooLarge,
    /// The run ends before this path's turn.
    Stopped,
    /// The plan, or whoever carries it out, contradicts itself: a bug in lsync.
    Bug(&'static str),
}

impl Trouble {
    /// Tells whether a transfer that ended so may be gone on with by a later run.
    pub fn may_go_on(&self) -> bool {
        match self {
            Self::Stopped => true,
            Self::Remote(error) => {
                error.ends_the_run()
                    || (error.is_transient() && error.kind != RemoteErrorKind::Corrupt)
                    || error.kind == RemoteErrorKind::Denied
            }
            Self::Unfounded(_)
            | Self::FolderKept(_)
            | Self::Nameless(_)
            | Self::TooLarge
            | Self::Changed { .. }
            | Self::InTrash(_)
            | Self::Disk(..)
            | Self::Bug(_) => false,
        }
    }

    /// Tells whether every further request would fail, too.
    pub fn ends_the_run(&self) -> bool {
        matches!(self, Self::Remote(error) if error.ends_the_run())
    }

    /// Something is not any more as it was, here.
    pub fn changed(reason: &str) -> Self {
        Self::Changed { reason: reason.to_owned(), in_bucket: false }
    }

    /// Another version is in the bucket.
    pub fn changed_in_bucket() -> Self {
        Self::Changed { reason: "it was changed in the bucket".to_owned(), in_bucket: true }
    }

    /// Nothing is in the bucket any more.
    pub fn deleted_in_bucket() -> Self {
        Self::Changed { reason: "it was deleted in the bucket".to_owned(), in_bucket: true }
    }

    /// The action lacks something that every action of its kind has.
    pub fn lacks(what: &'static str) -> impl FnOnce() -> Self {
        move || Self::Bug(what)
    }

    /// The disk refused what was tried with `path`, or it is not there any more.
    pub fn io(path: &RepoPath, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::StaleNetworkFileHandle => {
                Self::changed("it was moved or deleted here")
            }
            _ => Self::disk_at(path, error),
        }
    }

    /// The disk refused what was tried with `what`.
    pub fn disk_at(what: impl Display, error: &io::Error) -> Self {
        Self::Disk(disk_kind(error), format!("{what}: {error}"))
    }

    /// The disk refused, and this is what it said.
    pub fn disk(error: &(dyn Error + 'static)) -> Self {
        Self::Disk(disk_kind(error), with_cause(error))
    }

    /// Returns why, for the path that met it.
    pub fn reason(&self) -> String {
        match self {
            Self::Changed { reason, .. } => format!("changed meanwhile: {reason}"),
            Self::InTrash(_) => {
                "changed meanwhile: an edit of the last moment is in the trash".to_owned()
            }
            Self::Disk(_, reason) => reason.clone(),
            Self::Remote(error) => error.to_string(),
            Self::Unfounded(error) => format!("{error}; but the bucket has not changed"),
            Self::FolderKept(error) => {
                format!("the store still keeps the folder of this name ({})", error.message)
            }
            Self::Nameless(error) => {
                format!("the store does not take this name ({})", error.message)
            }
            Self::TooLarge => {
                "it has more than 5 GiB, and the store takes no uploads in parts".to_owned()
            }
            Self::Stopped => "interrupted".to_owned(),
            Self::Bug(what) => format!("this is a bug in lsync: the plan lacks {what}"),
        }
    }

    /// Returns of which kind it is, as people are told of it; `unlisted`: nobody has listed the bucket.
    pub fn kind(&self, unlisted: bool) -> ItemKind {
        match self {
            Self::Changed { in_bucket: false, .. } | Self::Stopped => ItemKind::ChangedHere,
            Self::Changed { .. } if unlisted => ItemKind::ChangedUnseen,
            Self::Changed { .. } => ItemKind::ChangedThere,
            Self::InTrash(_) => ItemKind::EditInTrash,
            Self::Disk(kind, _) => *kind,
            Self::Remote(error) => store_kind(error),
            Self::Unfounded(_) => ItemKind::StoreContradicts,
            Self::FolderKept(_) => ItemKind::FolderKept,
            Self::Nameless(_) => ItemKind::NameRefused,
            Self::TooLarge => ItemKind::StoreTooLarge,
            Self::Bug(_) => ItemKind::Bug,
        }
    }

    /// Returns what only who asks for every detail wants to know.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Remote(error)
            | Self::Unfounded(error)
            | Self::FolderKept(error)
            | Self::Nameless(error) => error.detail.as_deref(),
            _ => None,
        }
    }
}

impl Failure for Trouble {
    fn of_store(self) -> Result<RemoteError, Self> {
        match self {
            Self::Remote(error) => Ok(error),
            other => Err(other),
        }
    }
}

impl From<RemoteError> for Trouble {
    fn from(error: RemoteError) -> Self {
        Self::Remote(error)
    }
}

impl From<ContentError> for Trouble {
    fn from(error: ContentError) -> Self {
        if error.is_changed_meanwhile() {
            Self::changed("it was changed here")
        } else {
            Self::disk(&error)
        }
    }
}

impl From<ReplaceError> for Trouble {
    fn from(error: ReplaceError) -> Self {
        match error {
            ReplaceError::Missing { .. } => Self::changed("its folder was deleted here"),
            ReplaceError::Respelled { .. } => Self::Disk(ItemKind::Respelled, error.to_string()),
            ReplaceError::Folded { .. } => Self::Disk(ItemKind::Folded, error.to_string()),
            ReplaceError::Widens { lost, .. } => Self::Disk(lost_kind(lost), error.to_string()),
            ReplaceError::Io { source, .. } if is_stale(&source) => {
                Self::changed("its folder was moved or deleted here")
            }
            other => Self::disk(&other),
        }
    }
}

/// Returns of which kind it is that a file cannot be replaced by one for the same people.
fn lost_kind(lost: Lost) -> ItemKind {
    match lost {
        Lost::Group => ItemKind::GroupLost,
        Lost::AccessList => ItemKind::AccessListLost,
        Lost::Unreadable => ItemKind::Disk(io::ErrorKind::PermissionDenied),
    }
}

/// Returns of which kind an error of the disk is: that of its first cause.
fn disk_kind(error: &(dyn Error + 'static)) -> ItemKind {
    let mut kind = io::ErrorKind::Other;
    let mut cause = Some(error);
    while let Some(error) = cause {
        kind = error.downcast_ref().map_or(kind, io::Error::kind);
        cause = error.source();
    }
    ItemKind::Disk(match kind {
        // Nobody has room left, whoever has counted.
        io::ErrorKind::QuotaExceeded => io::ErrorKind::StorageFull,
        other => other,
    })
}

/// Returns of which kind an error of the store is for the path that met it.
fn store_kind(error: &RemoteError) -> ItemKind {
    use RemoteErrorKind as Kind;
    if error.ends_the_run() {
        return ItemKind::StoreLost;
    }
    match error.kind {
        Kind::Denied => ItemKind::StoreDenied,
        Kind::Full => ItemKind::StoreFull,
        Kind::Archived => ItemKind::StoreArchived,
        Kind::Corrupt => ItemKind::StoreCorrupt,
        Kind::Overwrote => ItemKind::Overwrote,
        Kind::NoEtag => ItemKind::StoreNoEtag,
        _ if error.is_transient() => ItemKind::StoreFailed,
        _ => ItemKind::StoreRefused,
    }
}

/// Writes an error with its causes on one line.
pub fn with_cause(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
