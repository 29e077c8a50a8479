//! What is known of one path on one side.

use std::sync::Arc;

use super::{Content, OddName, PathError, Properties, RepoPath, Token};

/// What a name on the disk stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, to whatever.
    Link,
    /// A socket, pipe or device.
    Special,
}

/// Stand for times that are too far off for nanoseconds in an `i64`: before 1677-09-21 and after
/// 2262-04-11. They never travel.
pub const TOO_EARLY: i64 = i64::MIN;
/// See [`TOO_EARLY`].
pub const TOO_LATE: i64 = i64::MAX;

/// The answer to one `lstat`. Times are nanoseconds since 1970; [`TOO_EARLY`] and [`TOO_LATE`] are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// What the name stands for.
    pub kind: Kind,
    /// Bytes.
    pub size: u64,
    /// Time of the last change of the contents; people and tools can set it.
    pub mtime: i64,
    /// Time of the last change of anything; only the file system sets it.
    pub ctime: i64,
    /// Number of the file on its file system.
    pub inode: u64,
    /// Number of its file system.
    pub device: u64,
    /// Permission bits (`0o7777`).
    pub mode: u32,
}

impl Stat {
    /// Tells whether the mtime is known, and can travel.
    pub fn has_mtime(&self) -> bool {
        !matches!(self.mtime, TOO_EARLY | TOO_LATE)
    }

    /// Returns what the database remembers of the stat.
    pub fn signature(&self) -> Signature {
        Signature { size: self.size, mtime: self.mtime, ctime: self.ctime, inode: self.inode }
    }

    /// Tells whether both are of one inode, whatever became of its contents.
    pub fn is_same_inode(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    /// Tells whether both are the same file with the same contents. The ctime may differ: every
    /// rename changes it.
    pub fn is_same_file(&self, other: &Self) -> bool {
        (self.kind, self.device, self.inode, self.size, self.mtime)
            == (other.kind, other.device, other.inode, other.size, other.mtime)
    }

    /// Tells whether nothing at all happened to the file between two looks.
    ///
    /// The mode is no part of it: a change of it moves the ctime.
    pub fn is_untouched(&self, other: &Self) -> bool {
        self.is_same_file(other) && self.ctime == other.ctime
    }
}

/// What the database remembers of a local file: equal signatures mean an untouched file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since 1970.
    pub mtime: i64,
    /// Nanoseconds since 1970; 0 never equals a real one, so the next run looks at the contents.
    pub ctime: i64,
    /// Number of the file on its file system.
    pub inode: u64,
}

/// What a store holds now, as a listing shows it and a condition names it. It is opaque: what is known of
/// the bytes is a [`Content`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version {
    /// What the store calls it.
    pub token: Token,
    /// Bytes that the store holds.
    pub size: u64,
}

/// An object as a listing or a HEAD shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteEntry {
    /// Its key below the prefix.
    pub path: RepoPath,
    /// Which version is there.
    pub version: Version,
    /// The store's `LastModified`, nanoseconds since 1970. For the screen and `--newest` alone.
    pub modified: i64,
}

/// A row of the database: a path on which both sides last agreed, and how each looked then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseRow {
    /// The path.
    pub path: RepoPath,
    /// How the local file looked.
    pub signature: Signature,
    /// Which version the bucket held.
    pub version: Version,
    /// What is known of the bytes of the file.
    pub content: Content,
    /// What both sides agreed on beside the bytes. (The mtime is the signature's.)
    pub properties: Properties,
}

impl BaseRow {
    /// Makes the row of a file whose bytes the bucket holds as they are, with nothing beside them.
    pub fn plain(path: RepoPath, signature: Signature, token: Token, content: Content) -> Self {
        let version = Version { token, size: signature.size };
        Self { path, signature, version, content, properties: Properties::default() }
    }
}

/// Why the scan did not enter a name. What lies at and below it is left alone on all sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marker {
    /// A rule of an ignore file: `where` is `FILE:LINE`, `pattern` as written there.
    Ignored {
        /// `FILE:LINE` of the rule.
        place: String,
        /// The pattern as written.
        pattern: String,
    },
    /// The name exists, but cannot be looked at or read.
    Unreadable(Unread),
    /// The disk that was mounted there, or at a folder below, is missing.
    Unmounted(RepoPath),
    /// A folder with an `.lsync/config.yaml` of its own.
    Nested,
    /// A symbolic link.
    Link,
    /// A socket, pipe or device.
    Special,
    /// A name or path that no key can hold.
    Unmappable(NameFault),
    /// In the bucket, there or above, stands what is neither file nor folder.
    Obstacle,
}

/// Why a name cannot be looked at or read. Texts are the system's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// The disk refused.
    Disk(String),
    /// The ignore rules that hold for it cannot be read.
    Rules(String),
    /// It was one thing in the list of its folder and was another when it was looked at.
    BecameOther,
}

/// Why no key can hold a name or path that is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameFault {
    /// Its bytes are no UTF-8.
    NotUnicode,
    /// No path has such a name.
    Path(PathError),
    /// The path has `bytes` bytes, and a key below the prefix holds `fit`.
    Long {
        /// Bytes that the path has.
        bytes: usize,
        /// Bytes that fit.
        fit: usize,
    },
    /// The store keeps such names under others.
    Changed(OddName),
}

/// One item of the scan, in key order: files at `name`, folders' markers at `name/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalEntry {
    /// The path.
    pub path: RepoPath,
    /// What is there.
    pub state: LocalState,
}

/// What the scan found at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalState {
    /// A regular file.
    File(Stat),
    /// A name that was not entered.
    Marked {
        /// A folder: the item stands where `path/` sorts, and all below it is left alone.
        folder: bool,
        /// Why.
        marker: Arc<Marker>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_same_after_a_rename_and_untouched_only_if_nothing_happened() {
        let stat =
            Stat { kind: Kind::File, size: 1, mtime: 2, ctime: 3, inode: 4, device: 5, mode: 6 };
        let of = |it: Stat| (stat.is_same_file(&it), stat.is_untouched(&it));
        assert_eq!(of(stat), (true, true));
        assert_eq!(of(Stat { mode: 7, ..stat }), (true, true));
        assert_eq!(of(Stat { ctime: 7, ..stat }), (true, false));
        for other in [
            Stat { kind: Kind::Special, ..stat },
            Stat { size: 7, ..stat },
            Stat { mtime: 7, ..stat },
            Stat { inode: 7, ..stat },
            Stat { device: 7, ..stat },
        ] {
            assert_eq!(of(other), (false, false), "{other:?}");
        }
    }
}
