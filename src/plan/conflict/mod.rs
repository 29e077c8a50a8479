//! [`Conflict`]: a path that both sides changed, and how a person can settle it.

mod copy_name;
mod moved;
mod settle;

pub use copy_name::copy_path;
pub use moved::{Moved, moved};
pub use settle::settle;

use std::collections::HashMap;
use std::sync::Arc;

use super::Examined;
use crate::tree::{BaseRow, Clash, RemoteEntry, RepoPath, Stat};

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
    /// All of a file against a folder, as it was looked at; absent where not all of it could be.
    pub contested: Option<Arc<Contested>>,
    /// Where the file seems to have gone on the side that has it no more; a guess, for the screen.
    pub moved_to: Option<RepoPath>,
}

impl Conflict {
    /// Makes a proven one of which no side is known yet.
    pub fn new(path: RepoPath, kind: ConflictKind) -> Self {
        let (local, base, remote, contested, moved_to) = (None, None, None, None, None);
        Self { path, kind, local, base, remote, proven: true, contested, moved_to }
    }

    /// Tells whether `now` is this conflict, with the very versions. What comparing found does not count: what
    /// only a download could compare is compared by a run that carries something out, and not for the screen.
    fn is_still(&self, now: &Self) -> bool {
        (&self.path, self.kind) == (&now.path, now.kind)
            && self.is_same_here(now)
            && self.is_same_in_bucket(now)
            && self.clash() == now.clash()
    }

    /// Returns what stands on all sides of a file against a folder.
    fn clash(&self) -> Option<&Clash> {
        self.contested.as_ref().map(|contested| &contested.clash)
    }

    fn is_same_here(&self, now: &Self) -> bool {
        let signature = |it: &Self| it.local.map(|stat| stat.signature());
        signature(self) == signature(now)
    }

    fn is_same_in_bucket(&self, now: &Self) -> bool {
        let version = |it: &Self| it.remote.as_ref().map(|entry| entry.version.clone());
        version(self) == version(now)
    }

    /// Tells whether none of the resolutions applies: a person has to rename one of the two.
    pub fn needs_renaming(&self) -> bool {
        self.kind == ConflictKind::FileAgainstFolder && self.contested.is_none()
    }

    /// Returns the files here that settling it may take away or replace.
    pub fn local_files(&self) -> impl Iterator<Item = (&RepoPath, &Stat)> {
        let below = self.clash().into_iter().flat_map(|clash| &clash.below);
        let below = below.filter_map(|row| Some((&row.path, row.local.file()?)));
        self.local.iter().map(|stat| (&self.path, stat)).chain(below)
    }
}

/// A file against a folder that nothing but a person can decide about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contested {
    /// What stands there on all sides.
    pub clash: Clash,
    /// What comparing found, where something was compared.
    pub examined: HashMap<RepoPath, Examined>,
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
