//! The one seam to the bucket.
//!
//! [`S3Remote`] alone names the SDK, [`FolderRemote`] keeps objects as plain files below a folder,
//! [`MemoryRemote`] is the reference of the contract; one suite (`tests/remote_suite.rs`) holds all
//! three to what is written here.
//!
//! A remote speaks of paths below its prefix; the prefix itself is its own business (`key.rs`).
//! There is no call that overwrites blindly: every write and deletion names what it expects. Where
//! [`Capabilities`] say that the store cannot keep such a promise, the implementation looks before
//! and after each write instead, which narrows the window and does not close it.

mod capabilities;
mod connect;
mod error;
mod etag;
mod folder;
mod key;
pub mod memory;
mod odd_names;
mod order;
mod outgoing;
mod probe;
mod s3;

use std::future::Future;
use std::ops::Range;

use bytes::Bytes;

pub use capabilities::{Capabilities, Checksum, Conditions};
pub use connect::{AnyBody, AnyRemote, FirstLook, Found, RemoteSettings, connect};
pub(crate) use error::NO_ETAG_HINT;
pub use error::{RemoteCause, RemoteError, RemoteErrorKind};
pub use folder::{FolderBody, FolderRemote};
pub use key::{BucketUrl, BucketUrlError, KeySpace, ListedKey, PROBE_FOLDER};
pub use memory::MemoryRemote;
pub use odd_names::OddName;
pub use order::ListingOrder;
pub use outgoing::Outgoing;
pub use probe::{Probed, probe};
pub use s3::{S3Body, S3Remote, S3Settings};

use crate::tree::{Content, Md5, Properties, RemoteEntry, RepoPath, Token, Version};

/// What a write or a deletion expects to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Nothing there (`If-None-Match: *`).
    Absent,
    /// This version there (`If-Match`).
    Matches(Token),
}

/// What travels beside the bytes of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes {
    /// mtime of the file, nanoseconds since 1970 (`x-amz-meta-mtime`).
    pub mtime: i64,
    /// CRC-64/NVME of the whole body.
    pub crc64: u64,
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
    /// What [`Remote::list`] takes to go on; `None` at the end.
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

/// The bytes of an object on their way in.
pub trait Body: Send {
    /// Returns the next bytes; `None` at the end.
    ///
    /// A body that ends early is an error of kind [`RemoteErrorKind::Interrupted`].
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>, RemoteError>> + Send;
}

/// A store, seen through the prefix of the working copy.
///
/// No call retries by itself, except for looking after an answer that got lost: retries, limits and
/// patience belong to `transfer`. Errors say by their kind what the caller can do next.
pub trait Remote: Send + Sync + 'static {
    /// The bytes of an object on their way in.
    type Body: Body;

    /// Returns what the probe found.
    fn capabilities(&self) -> &Capabilities;

    /// Returns what the name of a version says of its bytes if it is what it looks like: bytes that it fits
    /// are the same, and a difference proves nothing.
    fn likely_content(&self, version: &Version) -> Content {
        Content::of_size(version.size)
    }

    /// Tells whether reading an object costs no more than reading a local file, so that contents are
    /// compared before anything else.
    fn reads_locally(&self) -> bool {
        false
    }

    /// Tells whether a part lies in memory as a whole while it is sent.
    fn holds_parts(&self) -> bool {
        false
    }

    /// Tells whether the store may take parts from objects that it has; only trying tells for sure.
    fn copies_parts(&self) -> bool {
        false
    }

    /// Tells whether requests do not leave this machine, so that many at once win nothing.
    fn is_near(&self) -> bool {
        false
    }

    /// Says what somebody should look after in the bucket itself, with another tool.
    fn warning(&self) -> Option<String> {
        None
    }

    /// Says which conditional write has replaced something else than it named, where that was looked at:
    /// what the config says of such conditions holds no more.
    fn broken_promise(&self) -> Option<String> {
        None
    }

    /// Lists keys that begin with `prefix` (below the remote's own), one page a call, in the order that
    /// [`Capabilities::listing_order`] names.
    ///
    /// `next` is what the page before or [`Remote::place_behind`] returned, `limit` at most 1,000. A
    /// listing that lies (out of order, cut without a token, the same token twice) is an error, never a
    /// short list.
    fn list(
        &self,
        prefix: &str,
        next: Option<&str>,
        limit: usize,
    ) -> impl Future<Output = Result<Page, RemoteError>> + Send;

    /// Returns what [`Remote::list`] takes as `next` to begin behind `key`, any text that begins with
    /// the prefix listed; `None` where a listing in pieces cannot be had, or brings nothing, as where
    /// the store lists folder by folder.
    ///
    /// A store that cannot begin there after all is found out by its answer, which is an error.
    fn place_behind(&self, _key: &str) -> Option<String> {
        None
    }

    /// Looks at one object; [`RemoteErrorKind::NotFound`] where there is none.
    fn head(&self, path: &RepoPath) -> impl Future<Output = Result<Object, RemoteError>> + Send;

    /// Fetches one version, or a range of it; another version there is
    /// [`RemoteErrorKind::Changed`], even on a store that ignores the condition.
    fn get(
        &self,
        path: &RepoPath,
        expected: &Token,
        range: Option<Range<u64>>,
    ) -> impl Future<Output = Result<(Object, Self::Body), RemoteError>> + Send;

    /// Fetches an old version by its id, on buckets that keep versions.
    fn get_version(
        &self,
        path: &RepoPath,
        version_id: &str,
    ) -> impl Future<Output = Result<(Object, Self::Body), RemoteError>> + Send;

    /// Stores `body` if the condition holds, else [`RemoteErrorKind::Changed`].
    fn put(
        &self,
        path: &RepoPath,
        body: Bytes,
        attributes: &Attributes,
        condition: &Condition,
    ) -> impl Future<Output = Result<Stored, RemoteError>> + Send;

    /// As [`Remote::put`], of a body that may come piece by piece: a store that takes no parts gets large
    /// files so.
    fn put_pieces(
        &self,
        path: &RepoPath,
        body: Outgoing,
        attributes: &Attributes,
        condition: &Condition,
    ) -> impl Future<Output = Result<Stored, RemoteError>> + Send {
        async move {
            let body = body.collect().await.map_err(|error| {
                let (kind, message) = (RemoteErrorKind::Interrupted, error.to_string());
                RemoteError::new(kind, "PUT", path.as_str(), message)
            })?;
            self.put(path, body, attributes, condition).await
        }
    }

    /// Deletes the version named, else [`RemoteErrorKind::Changed`]; nothing there is
    /// [`RemoteErrorKind::NotFound`].
    fn delete(
        &self,
        path: &RepoPath,
        expected: &Token,
    ) -> impl Future<Output = Result<(), RemoteError>> + Send;

    /// Returns how many versions [`Remote::delete_many`] deletes with one request; 1 where that saves
    /// none.
    fn deletions_at_once(&self) -> usize {
        1
    }

    /// Removes what killed probes left, as far as the listings since have shown it; no request where
    /// they have not. What cannot be removed stays, and is told by the next `init`.
    fn remove_abandoned_probes(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Deletes up to [`Remote::deletions_at_once`] versions, and says of each, in their order, what
    /// [`Remote::delete`] would say; [`RemoteErrorKind::Unsupported`] of one that cannot be named
    /// beside others.
    ///
    /// # Errors
    /// Where the request as a whole failed; what became of each version, only a look tells.
    fn delete_many(
        &self,
        versions: &[(&RepoPath, &Token)],
    ) -> impl Future<Output = Result<Vec<Result<(), RemoteError>>, RemoteError>> + Send {
        one_by_one(self, versions)
    }

    /// Begins an upload in parts; nothing is visible before [`Remote::complete_upload`].
    fn start_upload(
        &self,
        path: &RepoPath,
        mtime: i64,
    ) -> impl Future<Output = Result<UploadId, RemoteError>> + Send;

    /// Stores one part; parts may come in any order and again.
    fn upload_part(
        &self,
        path: &RepoPath,
        upload: &UploadId,
        number: u32,
        body: Outgoing,
    ) -> impl Future<Output = Result<Part, RemoteError>> + Send;

    /// Lets the store take one part from an object that it has: the bytes `range`, or all, of the
    /// version `from`. Another version there is [`RemoteErrorKind::Changed`] on a store that compares;
    /// what was taken on any other, only the answer tells.
    ///
    /// Where [`Remote::copies_parts`] says that it cannot: [`RemoteErrorKind::Unsupported`].
    fn copy_part(
        &self,
        path: &RepoPath,
        _upload: &UploadId,
        _number: u32,
        _from: (&RepoPath, &Token),
        _range: Option<Range<u64>>,
    ) -> impl Future<Output = Result<CopiedPart, RemoteError>> + Send {
        let message = "this store copies nothing by itself".to_owned();
        let kind = RemoteErrorKind::Unsupported;
        let error = RemoteError::new(kind, "COPY PART", path.as_str(), message);
        async move { Err(error) }
    }

    /// Puts the parts together under the name if the condition holds, else
    /// [`RemoteErrorKind::Changed`].
    fn complete_upload(
        &self,
        path: &RepoPath,
        upload: &UploadId,
        parts: &[Part],
        attributes: &Attributes,
        condition: &Condition,
    ) -> impl Future<Output = Result<Stored, RemoteError>> + Send;

    /// Lists the parts of an upload that the store holds, in their order;
    /// [`RemoteErrorKind::NotFound`] where it knows no such upload (any more).
    ///
    /// By default that is every one: uploads that end with the process cannot be asked for later.
    fn parts(
        &self,
        path: &RepoPath,
        upload: &UploadId,
    ) -> impl Future<Output = Result<Vec<HeldPart>, RemoteError>> + Send {
        let message = format!("there is no upload {}", upload.0);
        let kind = RemoteErrorKind::NotFound;
        let error = RemoteError::new(kind, "LIST PARTS", path.as_str(), message);
        async move { Err(error) }
    }

    /// Lists the uploads in parts below the prefix that were begun and not ended, whoever began
    /// them; [`RemoteErrorKind::Unsupported`] where the store cannot. By default there are none.
    fn pending_uploads(
        &self,
    ) -> impl Future<Output = Result<Vec<PendingUpload>, RemoteError>> + Send {
        async { Ok(Vec::new()) }
    }

    /// Throws away what was uploaded in parts; nothing there is no error.
    fn abort_upload(
        &self,
        path: &RepoPath,
        upload: &UploadId,
    ) -> impl Future<Output = Result<(), RemoteError>> + Send;

    /// Makes what was stored and deleted so far durable; nothing to do where the store answers only then.
    fn settle(&self) -> impl Future<Output = Result<(), RemoteError>> + Send;
}

/// Deletes versions with a request for each, and says of each what became of it.
async fn one_by_one<R: Remote + ?Sized>(
    remote: &R,
    versions: &[(&RepoPath, &Token)],
) -> Result<Vec<Result<(), RemoteError>>, RemoteError> {
    let mut answers = Vec::with_capacity(versions.len());
    for (path, expected) in versions {
        answers.push(remote.delete(path, expected).await);
    }
    Ok(answers)
}
