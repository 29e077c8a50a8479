//! What three sides can show of one path, by name.

use crate::tree::Comparison;

/// The local file against the base row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LocalChange {
    /// The signature is the base's.
    Same,
    /// The signature differs, the contents are proven equal (`touch`, `chmod`, a restored copy).
    Touched,
    /// The contents differ, or cannot be proven equal.
    Modified,
    /// The file is gone, and its folder could be read.
    Deleted,
}

/// The object against the base row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RemoteChange {
    /// The version is the base's.
    Same,
    /// Another version.
    Modified,
    /// Not in a complete listing.
    Deleted,
}

/// Where a path without a base row exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Untracked {
    /// Only here.
    Local,
    /// Only in the bucket.
    Remote,
    /// On both sides.
    Both,
}

/// Everything that three sides can show of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// There is a base row.
    Tracked(LocalChange, RemoteChange),
    /// There is none.
    Untracked(Untracked),
}

/// One path of a clash: what three sides show, or that it is left alone on all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// Decided like any other path.
    Known(Change, Comparison),
    /// Marked by the scan, or outside the selection.
    LeftAlone {
        /// Something stands here on the disk, which no file and no folder can replace.
        here: bool,
        /// An object stands at the key.
        there: bool,
    },
}
