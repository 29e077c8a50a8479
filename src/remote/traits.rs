//! The seam to a bucket: what every kind of store does, in three traits.
//!
//! No call retries by itself, except for looking after an answer that got lost: retries, limits and
//! patience belong to those who ask. Errors say by their kind what can be done next.

use std::ops::Range;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use super::{
    Capabilities, Condition, CopiedPart, HeldPart, Object, Outgoing, Page, Part, PartSource,
    PendingUpload, Probed, RemoteError, RemoteErrorKind, Stored, UploadId,
};
use crate::tree::{Content, Properties, RepoPath, Token, Version};

/// An answer on its way.
pub type RemoteFuture<'a, T> = BoxFuture<'a, Result<T, RemoteError>>;

/// The bytes of an object on their way in.
///
/// What ends early is an error of kind [`RemoteErrorKind::Interrupted`], and nothing follows an error.
pub type Incoming = BoxStream<'static, Result<Bytes, RemoteError>>;

/// A bucket, seen through the prefix of the working copy.
pub trait Remote: Writes + Uploads {}

impl<T: Writes + Uploads> Remote for T {}

/// What a bucket shows.
pub trait Reads: Send + Sync + 'static {
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

    /// Tells whether requests do not leave this machine, so that many at once win nothing.
    fn is_near(&self) -> bool {
        false
    }

    /// Returns the region that is asked, where the store has such a thing.
    fn region(&self) -> Option<&str> {
        None
    }

    /// Returns the server that is asked, where it is not the usual one.
    fn endpoint(&self) -> Option<&str> {
        None
    }

    /// Says what somebody should look after in the bucket itself, with another tool.
    fn warning(&self) -> Option<String> {
        None
    }

    /// Asks in which region the bucket lies; `None` where the store does not say, or has no regions.
    fn find_region(&self) -> RemoteFuture<'_, Option<String>> {
        Box::pin(async { Ok(None) })
    }

    /// Looks at the object that is called as the prefix is; [`RemoteErrorKind::NotFound`] where there is
    /// none, or no prefix.
    fn prefix_as_object(&self) -> RemoteFuture<'_, Object> {
        let message = "there is no prefix".to_owned();
        let error = RemoteError::new(RemoteErrorKind::NotFound, "HEAD", "", message);
        Box::pin(async { Err(error) })
    }

    /// Lists keys that begin with `prefix` (below the remote's own), one page a call, in the order that
    /// [`Capabilities::listing_order`] names.
    ///
    /// `next` is what the page before or [`Reads::place_behind`] returned, `limit` at most 1,000. A
    /// listing that lies (out of order, cut without a token, the same token twice) is an error, never a
    /// short list.
    fn list<'a>(
        &'a self,
        prefix: &'a str,
        next: Option<&'a str>,
        limit: usize,
    ) -> RemoteFuture<'a, Page>;

    /// Returns what [`Reads::list`] takes as `next` to begin behind `key`, any text that begins with
    /// the prefix listed; `None` where a listing in pieces cannot be had, or brings nothing, as where
    /// the store lists folder by folder.
    ///
    /// A store that cannot begin there after all is found out by its answer, which is an error.
    fn place_behind(&self, _key: &str) -> Option<String> {
        None
    }

    /// Looks at one object; [`RemoteErrorKind::NotFound`] where there is none.
    fn head<'a>(&'a self, path: &'a RepoPath) -> RemoteFuture<'a, Object>;

    /// Fetches one version, or a range of it; another version there is
    /// [`RemoteErrorKind::Changed`], even on a store that ignores the condition.
    fn get<'a>(
        &'a self,
        path: &'a RepoPath,
        expected: &'a Token,
        range: Option<Range<u64>>,
    ) -> RemoteFuture<'a, (Object, Incoming)>;

    /// Fetches an old version by its id, on buckets that keep versions.
    fn get_version<'a>(
        &'a self,
        path: &'a RepoPath,
        version_id: &'a str,
    ) -> RemoteFuture<'a, (Object, Incoming)>;
}

/// How objects are stored and deleted. There is no call that overwrites blindly: each names what it
/// expects to find.
pub trait Writes: Reads {
    /// Finds out what the store can do, by trying; by default it knows for itself.
    fn probe(&self) -> RemoteFuture<'_, Probed> {
        let capabilities = self.capabilities().clone();
        Box::pin(async { Ok(Probed { capabilities, notes: Vec::new() }) })
    }

    /// Stores `body` if the condition holds, else [`RemoteErrorKind::Changed`].
    ///
    /// A body comes piece by piece where the file is large and the store takes no parts.
    fn put<'a>(
        &'a self,
        path: &'a RepoPath,
        body: Outgoing,
        properties: &'a Properties,
        condition: &'a Condition,
    ) -> RemoteFuture<'a, Stored>;

    /// Deletes the version named, else [`RemoteErrorKind::Changed`]; nothing there is
    /// [`RemoteErrorKind::NotFound`].
    fn delete<'a>(&'a self, path: &'a RepoPath, expected: &'a Token) -> RemoteFuture<'a, ()>;

    /// Returns how many versions [`Writes::delete_many`] deletes with one request; 1 where that saves
    /// none.
    fn deletions_at_once(&self) -> usize {
        1
    }

    /// Deletes up to [`Writes::deletions_at_once`] versions, and says of each, in their order, what
    /// [`Writes::delete`] would say; [`RemoteErrorKind::Unsupported`] of one that cannot be named
    /// beside others.
    ///
    /// # Errors
    /// Where the request as a whole failed; what became of each version, only a look tells.
    fn delete_many<'a>(
        &'a self,
        versions: &'a [(&'a RepoPath, &'a Token)],
    ) -> RemoteFuture<'a, Vec<Result<(), RemoteError>>> {
        Box::pin(one_by_one(self, versions))
    }

    /// Says which conditional write has replaced something else than it named, where that was looked at:
    /// what the config says of such conditions holds no more.
    fn broken_promise(&self) -> Option<String> {
        None
    }

    /// Removes what killed probes left, as far as the listings since have shown it; no request where
    /// they have not. What cannot be removed stays, and is told by the next `init`.
    fn remove_abandoned_probes(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    /// Makes what was stored and deleted so far durable; nothing to do where the store answers only then.
    fn flush(&self) -> RemoteFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// How large objects are stored: in parts, of which nothing is visible before they are put together.
pub trait Uploads: Send + Sync + 'static {
    /// Tells whether a part lies in memory as a whole while it is sent.
    fn holds_parts(&self) -> bool {
        false
    }

    /// Tells whether the store may take parts from objects that it has; only trying tells for sure.
    fn copies_parts(&self) -> bool {
        false
    }

    /// Begins an upload in parts; nothing is visible before [`Uploads::complete_upload`].
    fn start_upload<'a>(
        &'a self,
        path: &'a RepoPath,
        properties: &'a Properties,
    ) -> RemoteFuture<'a, UploadId>;

    /// Stores one part; parts may come in any order and again.
    fn upload_part<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
        number: u32,
        body: Outgoing,
    ) -> RemoteFuture<'a, Part>;

    /// Lets the store take one part from an object that it has. Another version there than named is
    /// [`RemoteErrorKind::Changed`] on a store that compares; what was taken on any other, only the answer
    /// tells.
    ///
    /// Where [`Uploads::copies_parts`] says that it cannot: [`RemoteErrorKind::Unsupported`].
    fn copy_part<'a>(
        &'a self,
        path: &'a RepoPath,
        _upload: &'a UploadId,
        _number: u32,
        _source: PartSource<'a>,
    ) -> RemoteFuture<'a, CopiedPart> {
        let message = "this store copies nothing by itself".to_owned();
        let kind = RemoteErrorKind::Unsupported;
        let error = RemoteError::new(kind, "COPY PART", path.as_str(), message);
        Box::pin(async { Err(error) })
    }

    /// Puts the parts together under the name if the condition holds, else
    /// [`RemoteErrorKind::Changed`]; `crc64` is the CRC-64/NVME of the whole.
    fn complete_upload<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
        parts: &'a [Part],
        crc64: u64,
        condition: &'a Condition,
    ) -> RemoteFuture<'a, Stored>;

    /// Lists the parts of an upload that the store holds, in their order;
    /// [`RemoteErrorKind::NotFound`] where it knows no such upload (any more).
    ///
    /// By default that is every one: uploads that end with the process cannot be asked for later.
    fn parts<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
    ) -> RemoteFuture<'a, Vec<HeldPart>> {
        let message = format!("there is no upload {}", upload.0);
        let kind = RemoteErrorKind::NotFound;
        let error = RemoteError::new(kind, "LIST PARTS", path.as_str(), message);
        Box::pin(async { Err(error) })
    }

    /// Lists the uploads in parts below the prefix that were begun and not ended, whoever began
    /// them; [`RemoteErrorKind::Unsupported`] where the store cannot. By default there are none.
    fn pending_uploads(&self) -> RemoteFuture<'_, Vec<PendingUpload>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Throws away what was uploaded in parts; nothing there is no error.
    fn abort_upload<'a>(&'a self, path: &'a RepoPath, upload: &'a UploadId)
    -> RemoteFuture<'a, ()>;
}

/// Deletes versions with a request for each, and says of each what became of it.
pub(super) async fn one_by_one<W: Writes + ?Sized>(
    remote: &W,
    versions: &[(&RepoPath, &Token)],
) -> Result<Vec<Result<(), RemoteError>>, RemoteError> {
    let mut answers = Vec::with_capacity(versions.len());
    for (path, expected) in versions {
        answers.push(remote.delete(path, expected).await);
    }
    Ok(answers)
}
