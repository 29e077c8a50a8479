//! [`Conflict`]: a path that both sides changed, and how a person can settle it.

use crate::tree::{BaseRow, RemoteEntry, RepoPath, Stat};

/// How the two sides differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConflictKind {
    /// Changed here and in the bucket, to different contents.
    BothChanged,
    /// New here and in the bucket, with different contents.
    BothCreated,
    /// Deleted here, changed in the bucket.
    DeletedHere,
    /// Changed here, deleted in the bucket.
    DeletedThere,
    /// A file on one side, a folder with changes of its own on the other.
    FileAgainstFolder,
}

impl ConflictKind {
    /// Returns the words for the screen.
    pub fn words(self) -> &'static str {
        match self {
            Self::BothChanged => "changed here and in the bucket",
            Self::BothCreated => "new here and in the bucket, with different contents",
            Self::DeletedHere => "deleted here, changed in the bucket",
            Self::DeletedThere => "changed here, deleted in the bucket",
            Self::FileAgainstFolder => "a file on one side, a folder on the other",
        }
    }

    /// Tells whether none of the resolutions applies: a person has to rename one of the two.
    pub fn needs_renaming(self) -> bool {
        match self {
            Self::FileAgainstFolder => true,
            Self::BothChanged | Self::BothCreated | Self::DeletedHere | Self::DeletedThere => false,
        }
    }

    /// Returns the one word for `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::BothChanged => "both-changed",
            Self::BothCreated => "both-created",
            Self::DeletedHere => "deleted-here",
            Self::DeletedThere => "deleted-there",
            Self::FileAgainstFolder => "file-against-folder",
        }
    }
}

/// A path that both sides changed. It is never stored: three sides show it again at every run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The path.
    pub path: RepoPath,
    /// How the sides differ.
    pub kind: ConflictKind,
    /// What is here.
    pub local: Option<Stat>,
    /// What both sides last agreed on.
    pub base: Option<BaseRow>,
    /// What is in the bucket.
    pub remote: Option<RemoteEntry>,
    /// The sides are known to differ; otherwise nothing proved them equal, which counts the same.
    pub proven: bool,
}

/// How a person settles a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// The bucket gets what is here.
    Ours,
    /// The working copy gets what is in the bucket.
    Theirs,
    /// Both stay: theirs under the name, ours beside it.
    Both,
    /// The later mtime wins; equal or deleted is left open.
    Newest,
    /// Left open.
    Skip,
}
