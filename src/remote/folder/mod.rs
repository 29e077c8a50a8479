//! [`FolderRemote`]: a folder as bucket, for which nobody needs an account.
//!
//! Objects are plain files at `root/prefix/path`, so that people and other tools can read, edit and
//! copy them at any time. What a store promises by its server, this module promises by the kernel:
//! the bucket's own `.lsync/lock` is held while a version is compared and swapped, never longer and
//! never across an await; contents are staged in `.lsync/tmp/` before that, and durable.
//!
//! The ETag is `<size>-<mtime ns>-<ctime ns>-<inode>` of the file opened anew: nobody can edit a file
//! without changing its ctime, and no ETag has the shape of an MD5.

mod body;
mod bucket;
mod durable;
mod error;
mod modes;
mod names;
mod stage;
mod swap;
#[cfg(test)]
mod tests;
mod upload;
mod version;
mod walk;

use std::ffi::OsStr;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::Ordering;

use self::body::FolderBody;
use self::bucket::{Bucket, OPENING, open_root};
use self::error::{Context as _, error};
use self::upload::Begun;
use self::version::{etag, object, stored};
use self::walk::Walks;
use super::{
    Capabilities, Condition, Conditions, Incoming, Object, Outgoing, Page, Part, Reads,
    RemoteError, RemoteErrorKind, RemoteFuture, Stored, UploadId, Uploads, Writes,
};
use crate::disk::Disk;
use crate::tree::{CONTROL, Properties, RepoPath, Token};

/// A folder as bucket. Every method looks at the disk anew: nothing that people could change behind
/// its back is remembered, except for the names of a listing that is under way.
pub struct FolderRemote<D: Disk> {
    bucket: Bucket<D>,
    capabilities: Capabilities,
    /// What is left of them where two names cannot be exchanged.
    capabilities_without_exchange: Capabilities,
    begun: Begun<D>,
    walks: Walks<D>,
}

impl<D: Disk> FolderRemote<D> {
    /// Opens the folder `root` as bucket, seen through `prefix` (empty, or a path).
    ///
    /// Makes the bucket's `.lsync/` where it is missing; where that is refused, the bucket is
    /// read-only. [`RemoteErrorKind::NoBucket`] where `root` does not exist or is no folder.
    pub fn open(disk: D, root: &Path, prefix: &str) -> Result<Self, RemoteError> {
        let bucket = Bucket::open(disk, root, prefix)?;
        let read_only = bucket.control.is_none();
        Ok(Self {
            capabilities: capabilities(bucket.network, read_only),
            capabilities_without_exchange: capabilities(true, read_only),
            bucket,
            begun: Begun::default(),
            walks: Walks::default(),
        })
    }

    /// Opens a folder that has been a bucket before.
    ///
    /// [`RemoteErrorKind::BucketGone`] where it, or its `.lsync/`, is missing: an empty folder in
    /// whose place the disk of the bucket is not mounted must not look like a bucket without
    /// objects. A bucket that was `read_only` may never have had an `.lsync/`; then it must not be
    /// empty.
    pub fn reopen(
        disk: D,
        root: &Path,
        prefix: &str,
        read_only: bool,
    ) -> Result<Self, RemoteError> {
        let name = format!("file://{}", root.display());
        let gone = |error: RemoteError| match error.kind {
            RemoteErrorKind::NoBucket => RemoteError { kind: RemoteErrorKind::BucketGone, ..error },
            _ => error,
        };
        let folder = open_root(&disk, root, &name).map_err(gone)?;
        match disk.lstat(&folder, OsStr::new(CONTROL)) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                if read_only && !disk.read_folder(&folder).context(OPENING, &name)?.is_empty() {
                    return Self::open(disk, root, prefix);
                }
                let message = "the folder is no bucket any more; is its disk mounted?";
                Err(error(RemoteErrorKind::BucketGone, OPENING, &name, message))
            }
            Err(cause) => Err(error::of_io(OPENING, &name, &cause)),
            Ok(_) => Self::open(disk, root, prefix),
        }
    }

    /// Makes the folder `root` and those above it that are missing, and opens it as bucket.
    pub fn create(disk: D, root: &Path, prefix: &str) -> Result<Self, RemoteError> {
        let name = format!("file://{}", root.display());
        disk.make_path(root).context("cannot make the bucket", &name)?;
        Self::open(disk, root, prefix)
    }
}

/// What a folder can do as a store. Locks and renames of network file systems cannot be relied upon.
fn capabilities(network: bool, read_only: bool) -> Capabilities {
    let conditions = if network { Conditions::None } else { Conditions::Atomic };
    Capabilities {
        conditional_put: conditions,
        conditional_complete: conditions,
        conditional_delete: conditions,
        etag_in_listing: true,
        file_beside_folder: false,
        read_only,
        ..Capabilities::nothing()
    }
}

impl<D: Disk> Reads for FolderRemote<D> {
    fn capabilities(&self) -> &Capabilities {
        if self.bucket.lacks_exchange.load(Ordering::Relaxed) {
            &self.capabilities_without_exchange
        } else {
            &self.capabilities
        }
    }

    fn reads_locally(&self) -> bool {
        true
    }

    fn warning(&self) -> Option<String> {
        self.bucket.lost_edits()
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        next: Option<&'a str>,
        limit: usize,
    ) -> RemoteFuture<'a, Page> {
        Box::pin(async move { self.bucket.page(&self.walks, prefix, next, limit) })
    }

    fn head<'a>(&'a self, path: &'a RepoPath) -> RemoteFuture<'a, Object> {
        Box::pin(async move {
            self.bucket.open_object("HEAD", path).map(|(_, stat)| object(path, &stat))
        })
    }

    fn get<'a>(
        &'a self,
        path: &'a RepoPath,
        expected: &'a Token,
        range: Option<Range<u64>>,
    ) -> RemoteFuture<'a, (Object, Incoming)> {
        Box::pin(async move {
            let (file, stat) = self.bucket.open_object("GET", path)?;
            let key = self.bucket.key(path.as_str());
            if etag(&stat) != *expected {
                return Err(error(
                    RemoteErrorKind::Changed,
                    "GET",
                    &key,
                    "another version is there",
                ));
            }
            let range = match range {
                None => 0..stat.size,
                Some(range) if range.start < range.end.min(stat.size) => {
                    range.start..range.end.min(stat.size)
                }
                Some(_) => {
                    let message = "the range holds no byte of the object";
                    return Err(error(RemoteErrorKind::Invalid, "GET", &key, message));
                }
            };
            let body = FolderBody::new(self.bucket.disk.clone(), file, range, (etag(&stat), key));
            Ok((object(path, &stat), body.into_stream()))
        })
    }

    fn get_version<'a>(
        &'a self,
        path: &'a RepoPath,
        _version_id: &'a str,
    ) -> RemoteFuture<'a, (Object, Incoming)> {
        Box::pin(async move {
            let key = self.bucket.key(path.as_str());
            Err(error(RemoteErrorKind::Unsupported, "GET", &key, "a folder keeps no old versions"))
        })
    }
}

impl<D: Disk> Writes for FolderRemote<D> {
    fn put<'a>(
        &'a self,
        path: &'a RepoPath,
        body: Outgoing,
        properties: &'a Properties,
        condition: &'a Condition,
    ) -> RemoteFuture<'a, Stored> {
        Box::pin(async move {
            self.bucket.put_whole(path, body, (properties, condition)).await.map(stored)
        })
    }

    fn delete<'a>(&'a self, path: &'a RepoPath, expected: &'a Token) -> RemoteFuture<'a, ()> {
        Box::pin(async move { self.bucket.remove(path, expected) })
    }

    fn flush(&self) -> RemoteFuture<'_, ()> {
        Box::pin(async move { self.bucket.flush() })
    }
}

impl<D: Disk> Uploads for FolderRemote<D> {
    fn holds_parts(&self) -> bool {
        true
    }

    fn start_upload<'a>(
        &'a self,
        path: &'a RepoPath,
        properties: &'a Properties,
    ) -> RemoteFuture<'a, UploadId> {
        Box::pin(async move { self.bucket.begin_upload(&self.begun, path, properties) })
    }

    fn upload_part<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
        number: u32,
        body: Outgoing,
    ) -> RemoteFuture<'a, Part> {
        Box::pin(
            async move { self.bucket.store_part((&self.begun, upload), path, number, body).await },
        )
    }

    fn complete_upload<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
        parts: &'a [Part],
        crc64: u64,
        condition: &'a Condition,
    ) -> RemoteFuture<'a, Stored> {
        Box::pin(async move {
            self.bucket
                .join_parts((&self.begun, upload), path, parts, (crc64, condition))
                .map(stored)
        })
    }

    fn abort_upload<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
    ) -> RemoteFuture<'a, ()> {
        Box::pin(async move { self.bucket.forget_upload((&self.begun, upload), path) })
    }
}
