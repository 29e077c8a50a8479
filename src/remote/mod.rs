//! The one seam to the bucket.
//!
//! [`S3Remote`] alone names the SDK, [`FolderRemote`] keeps objects as plain files below a folder,
//! `fakes::bucket` is the reference of the contract; one suite (`tests/remote_suite.rs`) holds all
//! three to what is written here.
//!
//! A remote speaks of paths below its prefix; the prefix itself is its own business (`key.rs`).
//! There is no call that overwrites blindly: every write and deletion names what it expects. Where
//! [`Capabilities`] say that the store cannot keep such a promise, the implementation looks before
//! and after each write instead, which narrows the window and does not close it.

mod capabilities;
mod connect;
mod error;
pub(crate) mod etag;
mod folder;
pub(crate) mod key;
mod offline;
mod order;
mod outgoing;
mod probe;
mod retry;
mod s3;
mod traits;

pub use crate::tree::OddName;
pub use capabilities::{Capabilities, Checksum, Conditions, Probed};
pub use connect::{FirstLook, Found, RemoteSettings, connect, create_bucket, first_look, open_new};
pub(crate) use error::NO_ETAG_HINT;
pub use error::{RemoteCause, RemoteError, RemoteErrorKind};
pub use folder::FolderRemote;
pub use key::{BucketUrl, BucketUrlError, KeySpace, ListedKey, PROBE_FOLDER};
pub use offline::Offline;
pub use order::ListingOrder;
pub use outgoing::Outgoing;
pub(crate) use retry::{ATTEMPTS_MAX, longest_pause};
pub use s3::{S3Remote, S3Settings};
pub use traits::{Incoming, Reads, Remote, RemoteFuture, Uploads, Writes};

use crate::tree::{Content, Md5, Properties, RemoteEntry, RepoPath, Token};

/// What a write or a deletion expects to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Nothing there (`If-None-Match: *`).
    Absent,
    /// This version there (`If-Match`).
    Matches(Token),
}

/// What the store said of a version that it just stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// What the store calls it.
    pub token: Token,
    /// The MD5 of the bytes, where the answer says it.
    pub md5: Option<Md5>,
    /// The version id, where the bucket keeps versions.
    pub version_id: Option<String>,
}

/// What the store tells about an object, beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Which version, how large, and when it was stored.
    pub entry: RemoteEntry,
    /// What travels beside the bytes.
    pub properties: Properties,
    /// What the store says of the bytes.
    pub content: Content,
    /// The version id, where the bucket keeps versions and it is not `null`.
    pub version_id: Option<String>,
}

impl Object {
    /// Returns the mtime of the file, nanoseconds since 1970; the time of storing where the properties have
    /// none or nonsense.
    pub fn mtime(&self) -> i64 {
        self.properties.mtime().unwrap_or(self.entry.modified)
    }
}

/// One item of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// An object whose key is a path.
    Object(RemoteEntry),
    /// An object whose key cannot be one: left alone and reported.
    Odd {
        /// The key below the prefix, as the store spells it.
        key: String,
        /// Why it cannot be a path.
        reason: crate::tree::PathError,
        /// Bytes; an empty `dir/` is the folder marker of another tool.
        size: u64,
    },
    /// Neither file nor folder, as a link in a folder bucket: whether there was an object at or below
    /// this path nobody can tell.
    Obstacle(RepoPath),
}

impl Listed {
    /// Returns the key below the prefix.
    pub fn key(&self) -> &str {
        match self {
            Self::Object(entry) => entry.path.as_str(),
            Self::Odd { key, .. } => key,
            Self::Obstacle(path) => path.as_str(),
        }
    }
}

/// One page of a listing, in the order of the store ([`Capabilities::listing_order`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// At most 1,000 items (what lies below `.lsync/` is lsync's own, and left out).
    pub items: Vec<Listed>,
    /// What [`Reads::list`] takes to go on; `None` at the end.
    pub next: Option<String>,
}

/// The part of an upload that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub number: u32,
    /// What the store called it.
    pub token: Token,
    /// CRC-64/NVME of the part.
    pub crc64: u64,
}

/// What the store is to take a part from.
#[derive(Debug, Clone)]
pub struct PartSource<'a> {
    /// The object.
    pub path: &'a RepoPath,
    /// Its version.
    pub token: &'a Token,
    /// Which of its bytes; `None`: all.
    pub range: Option<std::ops::Range<u64>>,
}

/// A part that the store took from an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedPart {
    /// What the store called it.
    pub token: Token,
    /// CRC-64/NVME of the part, where the store says it.
    pub crc64: Option<u64>,
    /// MD5 of the part, where the store says it.
    pub md5: Option<Md5>,
}

/// An upload in parts that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadId(pub String);

/// A part that the store holds, as it lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldPart {
    /// From 1.
    pub number: u32,
    /// What the store called it.
    pub token: Token,
    /// Bytes.
    pub size: u64,
}

/// An upload in parts that nobody has completed or thrown away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingUpload {
    /// The key below the prefix, as the store spells it.
    pub key: String,
    /// Its name.
    pub upload: UploadId,
    /// When it was begun, nanoseconds since 1970 by the store's clock; 0 where the store does not
    /// say.
    pub begun: i64,
}
