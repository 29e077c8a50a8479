//! What is left alone, and why: kinds and values, of which the screen makes words.

mod standing;

pub(super) use standing::Standing;

use std::fmt::Display;

use crate::tree::{Marker, NameFault, PathError, RepoPath, Unread};

/// A path that is left alone although something could be done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The path, or a key or name that cannot be one.
    pub path: String,
    /// Why.
    pub why: Why,
    /// How many objects cannot come because of it.
    pub keeps_out: u64,
    /// The run is incomplete because of it (exit code 3).
    pub incomplete: bool,
}

/// Why a path is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Tracked so far, and ignored by a rule now.
    NewlyIgnored(Rule),
    /// Tracked so far, and another working copy's now.
    NewlyNested,
    /// An operand that a rule ignores; whoever forces it asked for more than that.
    IgnoredOperand {
        /// The rule.
        rule: Rule,
        /// It was to be forced.
        forced: bool,
    },
    /// Another working copy.
    Nested,
    /// A symbolic link.
    Link,
    /// No regular file.
    Special,
    /// A link or special file in the bucket.
    Obstacle,
    /// It cannot be looked at or read.
    Unreadable(Unread),
    /// It could not be compared: what the disk or the store says of it.
    Uncompared(String),
    /// The disk that was mounted at this folder is missing.
    Unmounted(RepoPath),
    /// A local name that no key can hold.
    NameHere(NameFault),
    /// A key that cannot be a path.
    NameThere(PathError),
    /// An empty object in the place of a folder, as other tools make them.
    FolderMarker,
    /// It changed while its contents were compared: what was found.
    Changed(String),
    /// The run ended before its contents were compared.
    Interrupted,
    /// The listing did not show it, and it is in the bucket by now.
    Reappeared,
    /// The other lsync has it under way.
    InFlight,
    /// The bucket holds a file and a folder of one name: this one, or that of the path.
    BothInBucket(Option<RepoPath>),
    /// Something that is left alone has its name.
    Blocked,
    /// A file against a folder, of which only a part is selected.
    HalfSelected,
    /// Its mtime is before 1677-09-22 or after 2262-04-11.
    TimeTooFar,
}

/// A rule of an ignore file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// `FILE:LINE`.
    pub place: String,
    /// The pattern as written.
    pub pattern: String,
}

/// Of which kind a notice is: what people are told is grouped by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeKind {
    /// Tracked so far, and ignored by a rule now.
    NewlyIgnored,
    /// Tracked so far, and another working copy's now.
    NewlyNested,
    /// An operand that a rule ignores.
    IgnoredOperand,
    /// Another working copy.
    Nested,
    /// A symbolic link.
    Link,
    /// No regular file.
    Special,
    /// A link or special file in the bucket.
    Obstacle,
    /// It cannot be read.
    Unreadable,
    /// The disk on which it lies is missing.
    Unmounted,
    /// A local name that no key can hold.
    NameHere,
    /// A key that cannot be a path.
    NameThere,
    /// An empty object in the place of a folder, as other tools make them.
    FolderMarker,
    /// It changed while its contents were compared.
    Changed,
    /// The listing did not show it, and it is in the bucket by now.
    Reappeared,
    /// The other lsync has it under way.
    InFlight,
    /// The bucket holds a file and a folder of one name.
    BothInBucket,
    /// Something that is left alone has its name.
    Blocked,
    /// A file against a folder, of which only a part is selected.
    HalfSelected,
    /// Its mtime is before 1677-09-22 or after 2262-04-11.
    TimeTooFar,
}

impl Notice {
    /// Makes one that does not make the run incomplete.
    fn of(path: impl Display, why: Why) -> Self {
        Self { path: path.to_string(), why, keeps_out: 0, incomplete: false }
    }

    /// Makes one of which the run is incomplete.
    fn incomplete(path: impl Display, why: Why) -> Self {
        Self { incomplete: true, ..Self::of(path, why) }
    }

    /// Returns of which kind it is.
    pub fn kind(&self) -> NoticeKind {
        match &self.why {
            Why::NewlyIgnored(_) => NoticeKind::NewlyIgnored,
            Why::NewlyNested => NoticeKind::NewlyNested,
            Why::IgnoredOperand { .. } => NoticeKind::IgnoredOperand,
            Why::Nested => NoticeKind::Nested,
            Why::Link => NoticeKind::Link,
            Why::Special => NoticeKind::Special,
            Why::Obstacle => NoticeKind::Obstacle,
            Why::Unreadable(_) | Why::Uncompared(_) => NoticeKind::Unreadable,
            Why::Unmounted(_) => NoticeKind::Unmounted,
            Why::NameHere(_) => NoticeKind::NameHere,
            Why::NameThere(_) => NoticeKind::NameThere,
            Why::FolderMarker => NoticeKind::FolderMarker,
            Why::Changed(_) | Why::Interrupted => NoticeKind::Changed,
            Why::Reappeared => NoticeKind::Reappeared,
            Why::InFlight => NoticeKind::InFlight,
            Why::BothInBucket(_) => NoticeKind::BothInBucket,
            Why::Blocked => NoticeKind::Blocked,
            Why::HalfSelected => NoticeKind::HalfSelected,
            Why::TimeTooFar => NoticeKind::TimeTooFar,
        }
    }
}

impl NoticeKind {
    /// Returns the word for `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::NewlyIgnored | Self::NewlyNested => "forgotten",
            Self::IgnoredOperand => "ignored",
            Self::Nested => "nested",
            Self::Link | Self::Obstacle => "link",
            Self::Special => "special",
            Self::Unreadable | Self::Unmounted => "unreadable",
            Self::NameHere | Self::NameThere => "unmappable",
            Self::FolderMarker => "folder-marker",
            Self::Changed | Self::Reappeared => "changed",
            Self::InFlight => "in-flight",
            Self::BothInBucket | Self::Blocked | Self::HalfSelected => "clash",
            Self::TimeTooFar => "time",
        }
    }

    /// Tells whether the path was tracked and is followed no more.
    pub fn is_forgotten(self) -> bool {
        matches!(self, Self::NewlyIgnored | Self::NewlyNested)
    }

    /// Tells whether its hint is about this very path, so that each one has to be told.
    pub fn names_its_path(self) -> bool {
        matches!(self, Self::IgnoredOperand | Self::Unmounted)
    }
}

/// Tells whether a marker makes lsync forget what it tracked at and below it: both copies stay.
pub(super) fn is_forgotten(marker: &Marker) -> bool {
    matches!(marker, Marker::Ignored { .. } | Marker::Nested)
}

/// The notice of a path that the scan did not enter; `None` where there is nothing to say.
pub(super) fn marked(
    path: &RepoPath,
    marker: &Marker,
    here: bool,
    tracked: bool,
) -> Option<Notice> {
    let why = match marker {
        Marker::Ignored { place, pattern } if tracked => {
            Why::NewlyIgnored(Rule { place: place.clone(), pattern: pattern.clone() })
        }
        Marker::Nested if tracked => Why::NewlyNested,
        Marker::Ignored { .. } => return None,
        Marker::Nested => Why::Nested,
        // It may have been a file there, so what lies here does not tell what became of it.
        Marker::Obstacle => return (here || tracked).then(|| obstacle(path, true)),
        Marker::Link => Why::Link,
        Marker::Special => Why::Special,
        Marker::Unreadable(unread) => Why::Unreadable(unread.clone()),
        Marker::Unmounted(top) => Why::Unmounted(top.clone()),
        Marker::Unmappable(fault) => Why::NameHere(*fault),
    };
    // Below a marker only what was tracked is worth a line of its own; a missing disk needs but one.
    if !here && (!tracked || matches!(marker, Marker::Unmounted(_))) {
        return None;
    }
    let cannot =
        matches!(marker, Marker::Unreadable(_) | Marker::Unmounted(_) | Marker::Unmappable(_));
    Some(Notice { incomplete: tracked || cannot, ..Notice::of(path, why) })
}

/// The notice of an operand that a rule leaves alone; whoever forces it asked for more than that.
pub fn ignored_operand(path: &RepoPath, rule: Rule, forced: bool) -> Notice {
    Notice { incomplete: forced, ..Notice::of(path, Why::IgnoredOperand { rule, forced }) }
}

/// The notice of a file that could not be compared, or whose object is not gone after all.
pub fn failed(path: &RepoPath, why: Why) -> Notice {
    Notice::incomplete(path, why)
}

/// The notice of a path that cannot be compared while another lsync is at work.
pub(super) fn in_flight(path: &RepoPath) -> Notice {
    Notice::of(path, Why::InFlight)
}

/// The notice of a bucket that holds a file and a folder of one name; all of `path` waits, which it is or
/// lies below.
pub(super) fn both_in_bucket(path: &RepoPath, name: &RepoPath) -> Notice {
    Notice::incomplete(path, Why::BothInBucket((name != path).then(|| name.clone())))
}

/// The notice of a name that is taken by something that is left alone.
pub fn blocked(path: &RepoPath) -> Notice {
    Notice::incomplete(path, Why::Blocked)
}

/// The notice of a key that cannot be a path. An empty `dir/` holds nothing that could be missed.
pub fn odd_key(key: &str, fault: PathError, size: u64) -> Notice {
    if fault == PathError::Folder && size == 0 {
        return Notice::of(key, Why::FolderMarker);
    }
    Notice::incomplete(key, Why::NameThere(fault))
}

/// The notice of what stands in the bucket, or below what stands there, and is neither file nor
/// folder.
pub fn obstacle(path: &RepoPath, incomplete: bool) -> Notice {
    Notice { incomplete, ..Notice::of(path, Why::Obstacle) }
}

/// The notice of a local name that no key can hold; bytes that are no text are escaped.
pub fn unnameable(folder: Option<&RepoPath>, name: &[u8], fault: NameFault) -> Notice {
    let name = name.escape_ascii();
    let path = folder.map_or_else(|| name.to_string(), |folder| format!("{folder}/{name}"));
    Notice::incomplete(path, Why::NameHere(fault))
}

/// The notice of a clash of which `--include` and `--exclude` take only a part.
pub fn half_selected(path: &RepoPath) -> Notice {
    Notice::incomplete(path, Why::HalfSelected)
}

/// The notice of a file whose time cannot be stored.
pub fn time_too_far(path: &RepoPath) -> Notice {
    Notice::incomplete(path, Why::TimeTooFar)
}
