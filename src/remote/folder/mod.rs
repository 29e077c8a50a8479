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
mod durable;
mod error;
mod names;
mod stage;
mod swap;
mod upload;
mod walk;

#[cfg(test)]
mod durable_tests;
#[cfg(test)]
mod races_tests;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use body::FolderBody;

use self::body::etag;
use self::durable::{Touched, touch};
use self::error::{Context as _, error};
use self::stage::crc64_of;
use self::swap::is_absence;
use self::upload::Upload;
use self::walk::Walk;
use super::{
    Capabilities, Condition, Conditions, Incoming, Object, Outgoing, Page, Part, Reads,
    RemoteError, RemoteErrorKind, RemoteFuture, Stored, UploadId, Uploads, Writes,
};
use crate::disk::Disk;
use crate::tree::{
    CONTROL, Content, Kind, Properties, RemoteEntry, RepoPath, Stat, Token, Version,
};

/// The file whose kernel lock guards every compare-and-swap.
const LOCK: &str = "lock";

/// Where contents wait until they are complete.
const STAGING: &str = "tmp";

/// Where edits lie that could not be given back their name; never swept.
const LOST: &str = "lost";

/// How many unfinished listings are remembered; an older one is walked to again.
const WALKS_MAX: usize = 4;

/// A folder as bucket. Every method looks at the disk anew: nothing that people could change behind
/// its back is remembered, except for the names of a listing that is under way.
pub struct FolderRemote<D: Disk> {
    disk: D,
    /// The bucket's root, and what it looked like when it was opened.
    root: D::Folder,
    root_stat: Stat,
    /// `.lsync/` and `.lsync/tmp/`; `None` where the bucket cannot be written.
    control: Option<Control<D>>,
    /// Empty, or the prefix with its closing `/`.
    prefix: String,
    /// How messages name the bucket.
    name: String,
    network: bool,
    capabilities: Capabilities,
    /// What is left of them where two names cannot be exchanged, and whether that was found.
    capabilities_without_exchange: Capabilities,
    lacks_exchange: AtomicBool,
    /// Staged names of this process: `<random>-<count>`.
    label: String,
    count: AtomicU64,
    swept: AtomicBool,
    /// Folders whose names changed since the last flush.
    touched: Mutex<Touched>,
    uploads: Mutex<HashMap<String, Arc<Mutex<Upload<D>>>>>,
    walks: Mutex<Vec<Walk<D>>>,
}

/// What errors of opening call it.
const OPENING: &str = "cannot open the bucket";

/// The bucket's own folders.
struct Control<D: Disk> {
    folder: D::Folder,
    staging: D::Folder,
}

impl<D: Disk> FolderRemote<D> {
    /// Opens the folder `root` as bucket, seen through `prefix` (empty, or a path).
    ///
    /// Makes the bucket's `.lsync/` where it is missing; where that is refused, the bucket is
    /// read-only. [`RemoteErrorKind::NoBucket`] where `root` does not exist or is no folder.
    pub fn open(disk: D, root: &Path, prefix: &str) -> Result<Self, RemoteError> {
        let name = format!("file://{}", root.display());
        let prefix = prefix.trim_matches('/');
        if !prefix.is_empty() {
            RepoPath::parse(prefix)
                .map_err(|cause| error(RemoteErrorKind::Invalid, OPENING, &name, cause))?;
        }
        let folder = open_root(&disk, root, &name)?;
        let root_stat = disk.stat_folder(&folder).context(OPENING, &name)?;
        let network = disk.is_network(&folder).context(OPENING, &name)?;
        let control = Control::open(&disk, &folder, root_stat.mode).context(OPENING, &name)?;
        Ok(Self {
            capabilities: capabilities(network, control.is_none()),
            capabilities_without_exchange: capabilities(true, control.is_none()),
            lacks_exchange: AtomicBool::new(false),
            root: folder,
            root_stat,
            control,
            prefix: if prefix.is_empty() { String::new() } else { format!("{prefix}/") },
            name,
            network,
            label: format!("{:016x}", fastrand::u64(..)),
            count: AtomicU64::new(0),
            swept: AtomicBool::new(false),
            touched: Mutex::default(),
            uploads: Mutex::default(),
            walks: Mutex::default(),
            disk,
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

    /// Returns the path of an object below the bucket's root.
    fn place(&self, path: &RepoPath) -> String {
        format!("{}{path}", self.prefix)
    }

    /// Returns how messages name an object or a prefix.
    fn key(&self, path: &str) -> String {
        format!("{}/{}{path}", self.name, self.prefix)
    }

    /// Opens an object for reading and looks at it.
    fn open_object(
        &self,
        operation: &'static str,
        path: &RepoPath,
    ) -> Result<(D::File, Stat), RemoteError> {
        let key = self.key(path.as_str());
        let place = self.place(path);
        let (folder, name) = split(&place);
        let opened = self
            .disk
            .open_beneath(&self.root, folder)
            .and_then(|folder| {
                self.disk.open(&folder, name).or_else(|cause| {
                    // Opening a link fails; a link is no object.
                    match self.disk.lstat(&folder, name)?.kind {
                        Kind::File => Err(cause),
                        _ => Err(io::ErrorKind::NotFound.into()),
                    }
                })
            })
            .and_then(|file| self.disk.fstat(&file).map(|stat| (file, stat)));
        match opened {
            Ok((file, stat)) if stat.kind == Kind::File => Ok((file, stat)),
            Err(cause) if !is_absence(&cause) => Err(error::of_io(operation, &key, &cause)),
            _ => Err(error(RemoteErrorKind::NotFound, operation, &key, "there is no such object")),
        }
    }
}

impl<D: Disk> Control<D> {
    /// Opens or makes the bucket's own folders; `None` where they cannot be written.
    fn open(disk: &D, root: &D::Folder, root_mode: u32) -> io::Result<Option<Self>> {
        let opened = stage::folder_like(disk, root, CONTROL, root_mode).and_then(|folder| {
            let staging = stage::folder_like(disk, &folder, STAGING, root_mode)?;
            stage::open_lock(disk, &folder, root_mode)?;
            Ok(Self { folder, staging })
        });
        match opened {
            Err(cause)
                if matches!(
                    cause.kind(),
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
                ) =>
            {
                Ok(None)
            }
            other => other.map(Some),
        }
    }
}

/// Opens the folder that is the bucket.
fn open_root<D: Disk>(disk: &D, root: &Path, name: &str) -> Result<D::Folder, RemoteError> {
    disk.open_path(root).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            error(RemoteErrorKind::NoBucket, OPENING, name, "there is no such folder")
        }
        _ => error::of_io(OPENING, name, &cause),
    })
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

/// Returns what a listing shows of a file. People see and compare its own mtime.
fn entry(path: RepoPath, stat: &Stat) -> RemoteEntry {
    let version = Version { token: etag(stat), size: stat.size };
    RemoteEntry { path, version, modified: mtime(stat) }
}

/// Returns the mtime; where that is too far off, when the file was put there.
fn mtime(stat: &Stat) -> i64 {
    if stat.has_mtime() { stat.mtime } else { stat.ctime }
}

/// Returns what a `HEAD` tells of a file.
fn object(path: &RepoPath, stat: &Stat) -> Object {
    Object {
        entry: entry(path.clone(), stat),
        properties: Properties::default().with_mtime(mtime(stat)),
        content: Content::of_size(stat.size),
        version_id: None,
    }
}

/// Returns what a write tells of the version that it stored.
fn stored(token: Token) -> Stored {
    Stored { token, md5: None, version_id: None }
}

/// Splits a path into the folder that it lies in and its name.
fn split(place: &str) -> (&str, &OsStr) {
    let (folder, name) = place.rsplit_once('/').unwrap_or(("", place));
    (folder, OsStr::new(name))
}

/// Locks what no panic can leave half done: every change to these values is one call.
fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<D: Disk> Reads for FolderRemote<D> {
    fn capabilities(&self) -> &Capabilities {
        if self.lacks_exchange.load(Ordering::Relaxed) {
            &self.capabilities_without_exchange
        } else {
            &self.capabilities
        }
    }

    fn reads_locally(&self) -> bool {
        true
    }

    fn warning(&self) -> Option<String> {
        self.lost_edits()
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        next: Option<&'a str>,
        limit: usize,
    ) -> RemoteFuture<'a, Page> {
        Box::pin(async move { self.page(prefix, next, limit) })
    }

    fn head<'a>(&'a self, path: &'a RepoPath) -> RemoteFuture<'a, Object> {
        Box::pin(async move { self.open_object("HEAD", path).map(|(_, stat)| object(path, &stat)) })
    }

    fn get<'a>(
        &'a self,
        path: &'a RepoPath,
        expected: &'a Token,
        range: Option<Range<u64>>,
    ) -> RemoteFuture<'a, (Object, Incoming)> {
        Box::pin(async move {
            let (file, stat) = self.open_object("GET", path)?;
            let key = self.key(path.as_str());
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
            let body = FolderBody::new(self.disk.clone(), file, range, (etag(&stat), key));
            Ok((object(path, &stat), body.into_stream()))
        })
    }

    fn get_version<'a>(
        &'a self,
        path: &'a RepoPath,
        _version_id: &'a str,
    ) -> RemoteFuture<'a, (Object, Incoming)> {
        Box::pin(async move {
            let key = self.key(path.as_str());
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
        Box::pin(
            async move { self.put_whole(path, body, (properties, condition)).await.map(stored) },
        )
    }

    fn delete<'a>(&'a self, path: &'a RepoPath, expected: &'a Token) -> RemoteFuture<'a, ()> {
        Box::pin(async move { self.remove(path, expected) })
    }

    fn flush(&self) -> RemoteFuture<'_, ()> {
        Box::pin(async move {
            let folders = std::mem::take(&mut *hold(&self.touched));
            self.sync_names(&folders).map_err(|cause| {
                // The next flush must not report as durable what this one could not.
                for (path, folder) in folders {
                    touch(&self.touched, path, folder);
                }
                error::of_io("SETTLE", &self.name, &cause)
            })
        })
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
        Box::pin(async move { self.begin_upload(path, properties) })
    }

    fn upload_part<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
        number: u32,
        body: Outgoing,
    ) -> RemoteFuture<'a, Part> {
        Box::pin(async move { self.store_part(path, upload, number, body).await })
    }

    fn complete_upload<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
        parts: &'a [Part],
        crc64: u64,
        condition: &'a Condition,
    ) -> RemoteFuture<'a, Stored> {
        Box::pin(
            async move { self.join_parts(path, upload, parts, (crc64, condition)).map(stored) },
        )
    }

    fn abort_upload<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
    ) -> RemoteFuture<'a, ()> {
        Box::pin(async move { self.forget_upload(path, upload) })
    }
}
