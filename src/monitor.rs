//! What the library reports while it works: drawn by the CLI, collected by tests.

use std::io;

use crate::plan::ActionKind;
use crate::tree::{RepoPath, Token};

/// What a run is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Scanning, listing and comparing.
    Planning,
    /// Transferring and deleting; the total of files and bytes.
    Working {
        /// Actions in the plan.
        files: u64,
        /// Bytes to transfer.
        bytes: u64,
    },
    /// Recording and tidying up.
    Finishing,
}

/// What happened to one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An action that was carried out and recorded.
    Done(Item),
    /// An action that failed; the others go on.
    Failed(Item),
    /// Left alone, by what the run met on its way.
    Skipped(Item),
}

/// One path of an [`Event`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The path.
    pub path: RepoPath,
    /// The path that the file had before, where it moved.
    pub from: Option<RepoPath>,
    /// What was done to it, or should have been.
    pub action: ActionKind,
    /// Bytes to transfer or transferred.
    pub bytes: u64,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Done as planned.
    AsPlanned,
    /// Done by the store, from the object of this path.
    Copied(RepoPath),
    /// Done, over a version that the base did not know.
    Replaced {
        /// That version.
        token: Token,
        /// When it was stored, nanoseconds since 1970.
        modified: i64,
        /// The trash has it.
        kept: bool,
    },
    /// The object stays until its file is stored under the new name.
    AwaitsMove,
    /// A rule that arrived with this run ignores the path.
    Ignored {
        /// `FILE:LINE`.
        place: String,
        /// The rule.
        pattern: String,
    },
    /// The rules of this file may apply, and are not in place.
    RulesMissing(RepoPath),
    /// It failed.
    Failed {
        /// Of which kind.
        kind: ItemKind,
        /// What the error says, in a sentence without full stop.
        error: String,
        /// What the store answered, for who asks for every detail.
        detail: Option<String>,
        /// What `trash restore` calls an edit of the last moment that is in the trash.
        in_trash: Option<String>,
    },
}

impl Outcome {
    /// Returns of which kind it is.
    pub fn kind(&self) -> ItemKind {
        match self {
            Self::AsPlanned => ItemKind::AsPlanned,
            Self::Copied(_) => ItemKind::Copied,
            Self::Replaced { .. } => ItemKind::Replaced,
            Self::AwaitsMove => ItemKind::AwaitsMove,
            Self::Ignored { .. } => ItemKind::Ignored,
            Self::RulesMissing(_) => ItemKind::RulesMissing,
            Self::Failed { kind, .. } => *kind,
        }
    }
}

/// Of which kind a thing is that happens to one path.
///
/// What people are told is grouped by it, and never by a text. Things of one kind have one hint, but
/// for those whose hint names the path ([`ItemKind::names_its_path`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// Planned, or done as planned.
    AsPlanned,
    /// Done, over a version that the base did not know: it is named.
    Replaced,
    /// Done by the store, from another object.
    Copied,
    /// Somebody changed it here between plan and action.
    ChangedHere,
    /// Somebody changed it in the bucket between plan and action.
    ChangedThere,
    /// What the bucket holds was met only by writing: nobody had listed it.
    ChangedUnseen,
    /// A person's edit of the last moment is in the trash.
    EditInTrash,
    /// The disk takes the name for another one that is there.
    Folded,
    /// The disk would list the name as another one.
    Respelled,
    /// Its mtime is before 1677-09-22 or after 2262-04-11.
    TimeTooFar,
    /// It would belong to another group, which could do more with it.
    GroupLost,
    /// It would lose its access list, and more people could get at it.
    AccessListLost,
    /// The disk refused.
    Disk(io::ErrorKind),
    /// The credentials do not allow it.
    StoreDenied,
    /// The disk under a folder bucket is full, or a quota is used up.
    StoreFull,
    /// The object is archived.
    StoreArchived,
    /// The bytes are not those that were promised.
    StoreCorrupt,
    /// Stored over another version than the one named, which the bucket keeps as an old one.
    Overwrote,
    /// It has more bytes than the store takes at once, and it takes no parts.
    StoreTooLarge,
    /// The store names no version of it.
    StoreNoEtag,
    /// The store is overloaded or gone, as often as it was asked.
    StoreFailed,
    /// The store refused the request for what it says.
    StoreRefused,
    /// The store does not take the name.
    NameRefused,
    /// The store says that something has changed, and shows that nothing has.
    StoreContradicts,
    /// The store keeps the folder that had the name of a new file, although it is empty.
    FolderKept,
    /// The store will refuse everything: the run ends.
    StoreLost,
    /// The ignore rules that may apply to it could not be fetched.
    RulesMissing,
    /// A rule that arrived with this run ignores it.
    Ignored,
    /// The object stays until its file is stored under the new name.
    AwaitsMove,
    /// The plan, or whoever carries it out, contradicts itself: a bug in lsync.
    Bug,
}

impl ItemKind {
    /// Returns the word for `--json`; `None` where the action says everything.
    pub fn word(self) -> Option<&'static str> {
        Some(match self {
            Self::AsPlanned => return None,
            Self::Replaced => "replaced",
            Self::Copied => "copied",
            Self::ChangedHere => "changed-here",
            Self::ChangedThere => "changed-in-bucket",
            Self::ChangedUnseen => "changed-unseen",
            Self::EditInTrash => "edit-in-trash",
            Self::Folded | Self::Respelled => "name",
            Self::TimeTooFar => "time",
            Self::GroupLost => "group",
            Self::AccessListLost => "access-list",
            Self::Disk(io::ErrorKind::StorageFull) => "disk-full",
            Self::Disk(io::ErrorKind::FileTooLarge) => "file-too-large",
            Self::Disk(io::ErrorKind::PermissionDenied) => "permission",
            Self::Disk(_) => "disk",
            Self::StoreDenied => "denied",
            Self::StoreFull => "store-full",
            Self::StoreArchived => "archived",
            Self::StoreCorrupt => "corrupt",
            Self::Overwrote => "overwrote",
            Self::StoreTooLarge => "too-large-for-store",
            Self::StoreNoEtag => "no-etag",
            Self::StoreFailed => "store-failed",
            Self::StoreRefused => "store-refused",
            Self::NameRefused => "name-refused",
            Self::StoreContradicts => "store-contradicts",
            Self::FolderKept => "folder-kept",
            Self::StoreLost => "store-lost",
            Self::RulesMissing => "rules-missing",
            Self::Ignored => "ignored",
            Self::AwaitsMove => "awaits-move",
            Self::Bug => "bug",
        })
    }

    /// Tells whether another run will fail in the same way, until somebody does something about it.
    pub fn fails_again(self) -> bool {
        match self {
            Self::Disk(kind) => matches!(
                kind,
                io::ErrorKind::StorageFull
                    | io::ErrorKind::FileTooLarge
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::ReadOnlyFilesystem
                    | io::ErrorKind::InvalidFilename
                    | io::ErrorKind::InvalidInput
                    | io::ErrorKind::Unsupported
            ),
            Self::ChangedUnseen
            | Self::Folded
            | Self::Respelled
            | Self::TimeTooFar
            | Self::GroupLost
            | Self::AccessListLost
            | Self::StoreDenied
            | Self::StoreFull
            | Self::StoreArchived
            | Self::StoreTooLarge
            | Self::StoreNoEtag
            | Self::StoreRefused
            | Self::NameRefused
            | Self::StoreContradicts
            | Self::Bug => true,
            Self::AsPlanned
            | Self::Replaced
            | Self::Copied
            | Self::ChangedHere
            | Self::ChangedThere
            | Self::EditInTrash
            | Self::Overwrote
            | Self::StoreCorrupt
            | Self::StoreFailed
            | Self::FolderKept
            | Self::StoreLost
            | Self::RulesMissing
            | Self::Ignored
            | Self::AwaitsMove => false,
        }
    }

    /// Tells whether its text says where an edit of this very path is, so that each one has to be told.
    pub fn names_its_path(self) -> bool {
        matches!(self, Self::EditInTrash | Self::Overwrote)
    }
}

/// Of which kind a warning about a path is: what happens to many paths is told once a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WarningKind {
    /// An upload that was broken off cannot be gone on with, and starts over.
    UploadRestarted,
    /// What a killed run had moved away was restored.
    Restored,
    /// What a killed run had moved away is in the trash.
    KeptInTrash,
    /// What a killed run had moved away cannot be settled yet.
    Unsettled,
}

impl WarningKind {
    /// Tells whether it names a command for its very path, so that each one has to be told.
    pub fn names_its_path(self) -> bool {
        self == Self::KeptInTrash
    }
}

/// A line of a rules file that has no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IneffectiveRule {
    /// The rules file, relative to the root of the working copy.
    pub file: String,
    /// The line in it, from 1.
    pub line: usize,
    /// The pattern as written there; what is no UTF-8 is replaced.
    pub pattern: String,
    /// What is wrong with it.
    pub fault: RuleFault,
}

/// Why a rule can match nothing, or change nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleFault {
    /// The line is no UTF-8.
    NotUtf8,
    /// It holds a NUL byte, which no name has.
    Nul,
    /// Nothing is left beside `!` and `/`.
    NamesNothing,
    /// Two slashes follow each other.
    EmptyComponent,
    /// A component is `.` or `..`.
    DotComponent,
    /// It ends with a backslash that quotes nothing.
    LoneBackslash,
    /// A `[` has no `]`.
    UnclosedClass,
    /// `[[:what:]]`.
    UnknownClass,
    /// A class that holds no character, or only the slash, which no wildcard matches.
    EmptyClass,
    /// The matcher refuses it, in its words.
    Refused(String),
    /// It takes back what lies in a folder that is itself ignored, by the rule at `FILE:LINE`.
    FolderIgnored {
        /// The folder.
        folder: String,
        /// Where the rule stands.
        place: String,
    },
}

/// Receives what the library reports. Calls come from several threads and must return at once.
pub trait Monitor: Send + Sync {
    /// A phase begins.
    fn phase(&self, phase: Phase);

    /// Something happened to one path.
    fn event(&self, event: Event);

    /// Bytes of a body of `path` that the plan counts went over the line.
    fn bytes(&self, path: &RepoPath, count: u64);

    /// Bytes that were reported do not count: their body broke off, or was another one.
    fn bytes_lost(&self, _path: &RepoPath, _count: u64) {}

    /// Local files scanned and objects listed so far.
    fn counted(&self, local: u64, remote: u64);

    /// Nothing goes on but that the store owes an answer; or no longer.
    fn waits_for_store(&self, _waits: bool) {}

    /// Something a person should know that concerns no single path.
    fn warning(&self, message: &str);

    /// Something a person should know that concerns one path, which the message names.
    fn path_warning(&self, _kind: WarningKind, message: &str) {
        self.warning(message);
    }

    /// Rules of the working copy have no effect, in the order of their files; with `more` beyond those.
    fn ineffective_rules(&self, _rules: &[IneffectiveRule], _more: u64) {}

    /// An action on `path` begins that moves `bytes` bytes, for the bar.
    ///
    /// Not called for what only the database learns.
    fn begins(&self, _path: &RepoPath, _bytes: u64) {}

    /// The action on `path` has been prepared or has failed; what a stop left undone never ends.
    fn ends(&self, _path: &RepoPath) {}
}

/// Reports to nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Monitor for Silent {
    fn phase(&self, _: Phase) {}
    fn event(&self, _: Event) {}
    fn bytes(&self, _: &RepoPath, _: u64) {}
    fn counted(&self, _: u64, _: u64) {}
    fn warning(&self, _: &str) {}
}

/// Asks a run to end: what is in flight is finished or taken back, recorded, and reported.
#[derive(Debug, Clone, Default)]
pub struct Stop(std::sync::Arc<std::sync::atomic::AtomicBool>);

impl Stop {
    /// Asks; once asked, for ever.
    pub fn request(&self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    /// Tells whether somebody asked.
    pub fn is_requested(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}
