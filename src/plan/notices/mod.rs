//! The notices of a plan, in words.

mod standing;

pub(super) use standing::Standing;

use crate::tree::{Marker, PathError, RepoPath};

/// Says why a file is not uploaded whose time no row and no object can hold.
pub const TIME_TOO_FAR: &str = "the time of its last change is too far off to be stored";

/// What to do about it.
pub const TIMES_HINT: &str =
    "times from 1677-09-22 to 2262-04-11 can be stored: `touch` gives it today's";

/// Why a path is left alone although something could be done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The path, or a key or name that cannot be one.
    pub path: String,
    /// Of which kind it is: many of one kind are told once.
    pub kind: NoticeKind,
    /// Why, in a sentence without full stop.
    pub reason: String,
    /// What to type or do next.
    pub hint: Option<String>,
    /// The run is incomplete because of it (exit code 3).
    pub incomplete: bool,
}

/// Of which kind a notice is: what people are told is grouped by it, and never by a text.
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
    let (kind, reason, hint) = match marker {
        Marker::Ignored { place, pattern } if tracked => (
            NoticeKind::NewlyIgnored,
            format!("no longer synced, by the rule {pattern:?} in {place}; both copies stay"),
            None,
        ),
        Marker::Nested if tracked => (
            NoticeKind::NewlyNested,
            "no longer synced: it belongs to another working copy now; both copies stay".to_owned(),
            None,
        ),
        Marker::Ignored { .. } => return None,
        Marker::Nested => (NoticeKind::Nested, "another working copy".to_owned(), None),
        // It may have been a file there, so what lies here does not tell what became of it.
        Marker::Obstacle => return (here || tracked).then(|| obstacle(path, true)),
        Marker::Link => (NoticeKind::Link, "a symbolic link".to_owned(), None),
        Marker::Special => (NoticeKind::Special, "no regular file".to_owned(), None),
        Marker::Unreadable(reason) => (
            NoticeKind::Unreadable,
            format!("cannot be read: {reason}"),
            Some("give yourself permission to read it, or name it in .lsyncignore".to_owned()),
        ),
        Marker::Unmounted(top) => (
            NoticeKind::Unmounted,
            format!("the disk that was mounted at {top} is missing"),
            Some(
                "mount it; if it is gone for good, take its line out of .lsync/mounts.yaml"
                    .to_owned(),
            ),
        ),
        Marker::Unmappable(reason) => (
            NoticeKind::NameHere,
            reason.clone(),
            Some("rename it, or name it in .lsyncignore".to_owned()),
        ),
    };
    // Below a marker only what was tracked is worth a line of its own; a missing disk needs but one.
    if !here && (!tracked || matches!(marker, Marker::Unmounted(_))) {
        return None;
    }
    let cannot =
        matches!(marker, Marker::Unreadable(_) | Marker::Unmounted(_) | Marker::Unmappable(_));
    Some(Notice { path: path.to_string(), kind, reason, hint, incomplete: tracked || cannot })
}

/// The notice of an operand that a rule leaves alone; whoever forces it asked for more than that.
pub fn ignored_operand(path: &RepoPath, place: &str, pattern: &str, forced: bool) -> Notice {
    Notice {
        path: path.to_string(),
        kind: NoticeKind::IgnoredOperand,
        reason: format!("ignored by the rule {pattern:?} in {place}"),
        hint: forced.then(|| format!("take the rule out of {}", file_of(place))),
        incomplete: forced,
    }
}

/// Returns the file of `FILE:LINE`.
fn file_of(place: &str) -> &str {
    place.rsplit_once(':').map_or(place, |(file, _)| file)
}

/// The notice of a file that could not be compared, or whose object is not gone after all.
pub fn failed(path: &RepoPath, kind: NoticeKind, reason: &str) -> Notice {
    let hint = if matches!(kind, NoticeKind::Changed | NoticeKind::Reappeared) {
        "run the command again"
    } else {
        "give yourself permission to read it, or name it in .lsyncignore"
    };
    Notice {
        path: path.to_string(),
        kind,
        reason: reason.to_owned(),
        hint: Some(hint.to_owned()),
        incomplete: true,
    }
}

/// The notice of a path that cannot be compared while another lsync is at work.
pub(super) fn in_flight(path: &RepoPath) -> Notice {
    Notice {
        path: path.to_string(),
        kind: NoticeKind::InFlight,
        reason: "in flight: the other lsync has it under way".to_owned(),
        hint: None,
        incomplete: false,
    }
}

/// The notice of a bucket that holds a file and a folder of one name; all of `path` waits, which it is or
/// lies below.
pub(super) fn both_in_bucket(path: &RepoPath, name: &RepoPath) -> Notice {
    let name = if name == path { "of this name".to_owned() } else { format!("named {name}") };
    Notice {
        path: path.to_string(),
        kind: NoticeKind::BothInBucket,
        reason: format!("the bucket holds a file {name} and files below it, which no disk can"),
        hint: Some("rename or delete one of the two in the bucket".to_owned()),
        incomplete: true,
    }
}

/// The notice of a name that is taken by something that is left alone.
pub fn blocked(path: &RepoPath) -> Notice {
    Notice {
        path: path.to_string(),
        kind: NoticeKind::Blocked,
        reason: "something that is left alone stands in the way".to_owned(),
        hint: Some(
            "move what is ignored, linked, special or no valid name out of the way".to_owned(),
        ),
        incomplete: true,
    }
}

/// The notice of a key that cannot be a path. An empty `dir/` holds nothing that could be missed.
pub fn odd_key(key: String, reason: PathError, size: u64) -> Notice {
    let is_marker = reason == PathError::Folder && size == 0;
    Notice {
        path: key,
        kind: if is_marker { NoticeKind::FolderMarker } else { NoticeKind::NameThere },
        reason: if is_marker {
            "an empty folder marker of another tool".to_owned()
        } else {
            format!("{reason}; left in the bucket")
        },
        hint: (!is_marker).then(|| "rename it in the bucket with another tool".to_owned()),
        incomplete: !is_marker,
    }
}

/// The notice of what stands in the bucket, or below what stands there, and is neither file nor
/// folder.
pub fn obstacle(path: &RepoPath, incomplete: bool) -> Notice {
    Notice {
        path: path.to_string(),
        kind: NoticeKind::Obstacle,
        reason: "a symbolic link or special file stands there in the bucket; left alone".to_owned(),
        hint: incomplete.then(|| "put a file or folder in its place in the bucket".to_owned()),
        incomplete,
    }
}

/// The notice of a local name that no key can hold; bytes that are no text are escaped.
pub fn unnameable(folder: Option<&RepoPath>, name: &[u8], reason: String) -> Notice {
    let name = name.escape_ascii();
    Notice {
        path: folder.map_or_else(|| name.to_string(), |folder| format!("{folder}/{name}")),
        kind: NoticeKind::NameHere,
        reason,
        hint: Some("rename it, or name it in .lsyncignore".to_owned()),
        incomplete: true,
    }
}

/// The notice of a clash of which `--include` and `--exclude` take only a part.
pub fn half_selected(path: &RepoPath) -> Notice {
    Notice {
        path: path.to_string(),
        kind: NoticeKind::HalfSelected,
        reason: "a file on one side and a folder on the other, of which only a part is selected"
            .to_owned(),
        hint: Some("run the command without --include and --exclude".to_owned()),
        incomplete: true,
    }
}

/// The notice of a file whose time cannot be stored.
pub fn time_too_far(path: &RepoPath) -> Notice {
    Notice {
        path: path.to_string(),
        kind: NoticeKind::TimeTooFar,
        reason: TIME_TOO_FAR.to_owned(),
        hint: Some(TIMES_HINT.to_owned()),
        incomplete: true,
    }
}
