//! [`Action`]: one step of a plan.

use std::sync::Arc;

use crate::tree::{BaseRow, Content, Properties, RemoteEntry, RepoPath, Stat, Version};

/// What one action does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActionKind {
    /// Both sides hold the same: only the database learns of it.
    Adopt,
    /// Neither side has it any more, or a rule took it out: only the database forgets it.
    Forget,
    /// Local file into the bucket.
    Upload,
    /// Object into the working copy; what it replaces goes to the trash.
    Download,
    /// A local file that is untouched gets another name, as its object did in the bucket: nothing is
    /// fetched. The path is the new name; the file and its row ([`Detail::Moved`]) have the old one.
    MoveLocal,
    /// Local file into the trash.
    DeleteLocal,
    /// Object out of the bucket.
    DeleteRemote,
    /// An object takes the place of a local folder, which goes to the trash as a whole.
    ReplaceFolder,
    /// The object takes the name, the local file stays beside it under another one
    /// ([`Detail::Copy`]) and is uploaded. Where one side has no file, because a folder is to have the
    /// name, the file of the other side gets the other name on both.
    KeepBoth,
}

impl ActionKind {
    /// Returns the word for `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Adopt => "adopt",
            Self::Forget => "forget",
            Self::Upload => "upload",
            Self::Download => "download",
            Self::MoveLocal => "move-local",
            Self::DeleteLocal => "delete-local",
            Self::DeleteRemote => "delete-remote",
            Self::ReplaceFolder => "replace-folder",
            Self::KeepBoth => "keep-both",
        }
    }
}

/// When an action's turn comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Ignore rules that come or go, before everything else.
    Rules,
    /// Keeps the file of a file against a folder under another name, before its own one is taken.
    Aside,
    /// Makes room for a folder where a file was, or the reverse.
    Room,
    /// New and changed things.
    Main,
    /// Deletions: a crash leaves more, never less.
    Last,
}

/// One step of a plan, with everything that it expects to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The path.
    pub path: RepoPath,
    /// What to do.
    pub kind: ActionKind,
    /// When.
    pub stage: Stage,
    /// The local file that must be there when the action takes effect; `None`: no file there. Of
    /// [`ActionKind::MoveLocal`] it is the file under its old name, and nothing has the new one.
    pub local: Option<Stat>,
    /// The version that must be in the bucket then; `None`: no such key.
    pub remote: Option<Version>,
    /// When the store got that version, nanoseconds since 1970; 0 without one. For the screen.
    pub remote_modified: i64,
    /// What is overwritten or deleted is not what the base knows: the bucket's copy is kept first,
    /// the trash keeps the local one longer.
    pub unknown_loser: bool,
    /// Actions of one clash (a file against a folder) share a number; 0 is none. What follows in a
    /// clash is left out when something before it failed.
    pub clash: u32,
    /// What only actions of its kind need.
    pub detail: Detail,
}

/// What actions of one kind need beside what all of them have.
///
/// A plan may hold a million actions without any: behind pointers it costs them next to nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Detail {
    /// Nothing.
    #[default]
    None,
    /// What the row will say of the bytes, for [`ActionKind::Adopt`].
    Content(Box<Content>),
    /// The row that ends, for [`ActionKind::DeleteRemote`] and [`ActionKind::DeleteLocal`].
    Row(Arc<BaseRow>),
    /// For [`ActionKind::DeleteRemote`]: the row that ends because its file has another name here.
    MovedAway(Arc<BaseRow>),
    /// For [`ActionKind::Upload`]: the row that ends in the same plan and that this file seems to be a
    /// copy of. Its object may be copied where the contents prove equal.
    Origin(Arc<BaseRow>),
    /// For [`ActionKind::Upload`] and [`ActionKind::MoveLocal`]: the row that ends because its file has
    /// this name now. No other action has the same.
    Moved(Arc<BaseRow>),
    /// The name that the local file gets, for [`ActionKind::KeepBoth`].
    Copy(Arc<RepoPath>),
    /// The files that the folder must hold, and no others, for [`ActionKind::ReplaceFolder`].
    Folder(Arc<Vec<(RepoPath, Stat)>>),
    /// For [`ActionKind::Forget`]: the file goes to the trash with its folder
    /// ([`ActionKind::ReplaceFolder`]), which removes and counts it.
    WithFolder,
}

impl Action {
    /// Makes an action that expects `path` on neither side.
    pub fn new(path: RepoPath, kind: ActionKind, stage: Stage) -> Self {
        Self {
            path,
            kind,
            stage,
            local: None,
            remote: None,
            remote_modified: 0,
            unknown_loser: false,
            clash: 0,
            detail: Detail::None,
        }
    }

    /// Expects what stands on the two sides.
    #[must_use]
    pub(super) fn expecting(self, local: Option<Stat>, remote: Option<&RemoteEntry>) -> Self {
        let (version, modified) =
            remote.map(|entry| (entry.version.clone(), entry.modified)).unzip();
        Self { local, remote: version, remote_modified: modified.unwrap_or(0), ..self }
    }

    /// Returns the row that ends with the file or object of this path.
    pub fn row(&self) -> Option<&BaseRow> {
        if let Detail::Row(row) | Detail::MovedAway(row) = &self.detail { Some(row) } else { None }
    }

    /// Tells whether the object ends because its file has another name ([`Detail::MovedAway`]).
    pub fn has_moved_away(&self) -> bool {
        matches!(self.detail, Detail::MovedAway(_))
    }

    /// Returns the name that the file had before ([`Detail::Moved`]).
    pub fn moved_from(&self) -> Option<&RepoPath> {
        if let Detail::Moved(row) = &self.detail { Some(&row.path) } else { None }
    }

    /// Returns the row that records what both sides hold, where both are expected.
    pub fn adopted(&self) -> Option<BaseRow> {
        let (stat, version) = (self.local?, self.remote.as_ref()?);
        let content = if let Detail::Content(content) = &self.detail {
            (**content).clone()
        } else {
            Content::of_size(stat.size)
        };
        let (path, signature, version) = (self.path.clone(), stat.signature(), version.clone());
        Some(BaseRow { path, signature, version, content, properties: Properties::default() })
    }

    /// Returns the row whose file this seems to be, or to be a copy of.
    pub fn origin(&self) -> Option<&BaseRow> {
        if let Detail::Origin(row) | Detail::Moved(row) = &self.detail { Some(row) } else { None }
    }

    /// Returns the name that the local file gets ([`Detail::Copy`]).
    pub fn copy(&self) -> Option<&RepoPath> {
        if let Detail::Copy(path) = &self.detail { Some(path) } else { None }
    }

    /// Returns the files that the folder must hold ([`Detail::Folder`]).
    pub fn folder(&self) -> &[(RepoPath, Stat)] {
        if let Detail::Folder(files) = &self.detail { files } else { &[] }
    }

    /// Tells whether its file is removed with the folder that it lies in ([`Detail::WithFolder`]).
    pub fn goes_with_folder(&self) -> bool {
        self.detail == Detail::WithFolder
    }

    /// Tells whether it replaces a version that both sides agreed on, on one side.
    pub fn replaces(&self, in_bucket: bool) -> bool {
        let has_loser = if in_bucket {
            self.kind == ActionKind::Upload && self.remote.is_some()
        } else {
            self.kind == ActionKind::Download && self.local.is_some()
        };
        has_loser && !self.unknown_loser
    }

    /// Returns what it does to the path: a row that is forgotten because its file goes with its folder is a
    /// deletion here.
    pub fn deed(&self) -> ActionKind {
        if self.goes_with_folder() { ActionKind::DeleteLocal } else { self.kind }
    }

    /// Returns the word for `--json`.
    pub fn word(&self) -> &'static str {
        self.deed().word()
    }

    /// Returns the bytes that go over the line.
    pub fn bytes(&self) -> u64 {
        match self.kind {
            ActionKind::Upload => self.local.map_or(0, |stat| stat.size),
            ActionKind::Download | ActionKind::ReplaceFolder => {
                self.remote.as_ref().map_or(0, |version| version.size)
            }
            ActionKind::KeepBoth => {
                self.local.map_or(0, |stat| stat.size)
                    + self.remote.as_ref().map_or(0, |version| version.size)
            }
            ActionKind::Adopt
            | ActionKind::Forget
            | ActionKind::MoveLocal
            | ActionKind::DeleteLocal
            | ActionKind::DeleteRemote => 0,
        }
    }

    /// Tells whether the action puts a path on a side that does not have it.
    pub fn is_new(&self) -> bool {
        match self.kind {
            ActionKind::Upload => self.remote.is_none(),
            ActionKind::Download => self.local.is_none(),
            ActionKind::MoveLocal => true,
            ActionKind::Adopt
            | ActionKind::Forget
            | ActionKind::DeleteLocal
            | ActionKind::DeleteRemote
            | ActionKind::ReplaceFolder
            | ActionKind::KeepBoth => false,
        }
    }

    /// Tells whether people are told of it: not of what only the database learns, nor of the old name of
    /// what moved, which goes with the new one.
    pub fn is_visible(&self) -> bool {
        !self.is_bookkeeping() && !self.has_moved_away()
    }

    /// Tells whether only the database changes.
    pub fn is_bookkeeping(&self) -> bool {
        matches!(self.kind, ActionKind::Adopt | ActionKind::Forget)
    }
}
