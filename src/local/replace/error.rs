//! Why a name could not be given or taken, in words.

use std::ffi::OsStr;
use std::fmt;
use std::io;

use crate::tree::RepoPath;

/// What an operation was doing when the disk refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Opening the folder.
    Open,
    /// Writing the new file beside its place.
    Stage,
    /// Looking at the name.
    Look,
    /// Moving a file to the trash, or ours to its place.
    Move,
}

impl Step {
    /// Returns what could not be done, as it stands in messages.
    fn words(self) -> &'static str {
        match self {
            Self::Open => "open the folder",
            Self::Stage => "write",
            Self::Look => "look at",
            Self::Move => "replace",
        }
    }
}

/// Why a name could not be given or taken; nothing was lost, and nothing is half done.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// A file or a link has the place of a folder.
    #[error("{path} is not a folder")]
    NotAFolder {
        /// The place.
        path: RepoPath,
    },
    /// A folder above the name does not exist.
    #[error("the folder {path} does not exist")]
    Missing {
        /// The folder.
        path: RepoPath,
    },
    /// The folder is `.lsync` under another name.
    #[error("{path} is lsync's own folder under another name")]
    Control {
        /// The folder.
        path: RepoPath,
    },
    /// The disk takes the name for another one, which is there: it folds case or Unicode forms.
    #[error("the disk does not tell {path} from {other}, which is here")]
    Folded {
        /// The path.
        path: RepoPath,
        /// What the disk lists, as text.
        other: String,
    },
    /// The disk lists what is made under the name under another one.
    #[error("the disk would list {path} as {other}")]
    Respelled {
        /// The path.
        path: RepoPath,
        /// What the disk makes of it, as text.
        other: String,
    },
    /// The disk cannot rename between the staging folder and the name.
    #[error("{path} lies on another file system than its folder's top")]
    OtherFileSystem {
        /// The name.
        path: RepoPath,
    },
    /// The slot in the trash has been taken.
    #[error("the place of {path} in the trash is taken")]
    SlotTaken {
        /// The name whose old file should have gone there.
        path: RepoPath,
    },
    /// Others could do more with the new file than with the one that it replaces.
    #[error("{path} is not replaced: {lost}")]
    Widens {
        /// The name.
        path: RepoPath,
        /// What cannot be carried over.
        lost: Lost,
    },
    /// The disk refused.
    #[error("cannot {} {path}", step.words())]
    Io {
        /// What was being done.
        step: Step,
        /// The name.
        path: RepoPath,
        /// Why.
        source: io::Error,
    },
}

impl ReplaceError {
    /// Says which name the disk takes the last component of `path` for.
    pub fn folded(path: &RepoPath, listed: &OsStr) -> Self {
        Self::Folded { path: path.clone(), other: beside(path, listed) }
    }

    /// Says which name the disk gives to the last component of `path`.
    pub fn respelled(path: &RepoPath, listed: &OsStr) -> Self {
        Self::Respelled { path: path.clone(), other: beside(path, listed) }
    }

    /// Says what was being done where.
    pub(super) fn io(step: Step, path: &RepoPath, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::CrossesDevices {
            return Self::OtherFileSystem { path: path.clone() };
        }
        Self::Io { step, path: path.clone(), source }
    }
}

/// Returns the path of a name in the folder of `path`, as text.
fn beside(path: &RepoPath, name: &OsStr) -> String {
    let name = name.to_string_lossy();
    path.parent().map_or_else(|| name.clone().into_owned(), |parent| format!("{parent}/{name}"))
}

/// What cannot be carried over from a file to the one that replaces it, so that others could do more
/// with the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Its group is none of ours.
    Group,
    /// The disk does not take the access list.
    AccessList,
    /// Nobody can tell: the file cannot be opened.
    Unreadable,
}

impl fmt::Display for Lost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Group => "its group is none of yours, and another one would get its rights",
            Self::AccessList => "its access list cannot be kept, and more people would get at it",
            Self::Unreadable => "it cannot be opened, so its access list would be lost",
        })
    }
}
