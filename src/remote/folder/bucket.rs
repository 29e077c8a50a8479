//! The folder that is the bucket: where its things lie, and the lock.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::{Context as _, error, of_io};
use super::modes::{LOCK, folder_like, open_lock};
use crate::disk::{Disk, Patience, if_exists};
use crate::remote::{RemoteError, RemoteErrorKind};
use crate::tree::{CONTROL, Kind, RepoPath, Stat};

/// Where contents wait until they are complete.
const STAGING: &str = "tmp";

/// Where edits lie that could not be given back their name; never swept.
pub(super) const LOST: &str = "lost";

/// What errors of opening call it.
pub(super) const OPENING: &str = "cannot open the bucket";

/// How often a lock file may be replaced under our hands before that is an error.
const LOCK_ATTEMPTS_MAX: u32 = 16;

/// Folders by their paths below the root, each with what it was when names in it changed; `None` where
/// that cannot be said.
pub(super) type Touched = BTreeMap<String, Option<Identity>>;

/// Device and inode of a folder.
pub(super) type Identity = (u64, u64);

/// The folder, and what lsync has in it.
pub(super) struct Bucket<D: Disk> {
    pub(super) disk: D,
    /// The bucket's root, and what it looked like when it was opened.
    pub(super) root: D::Folder,
    pub(super) root_stat: Stat,
    /// `.lsync/` and `.lsync/tmp/`; `None` where the bucket cannot be written.
    pub(super) control: Option<Control<D>>,
    /// Empty, or the prefix with its closing `/`.
    pub(super) prefix: String,
    /// How messages name the bucket.
    pub(super) name: String,
    pub(super) network: bool,
    /// Whether it was found that two names cannot be exchanged.
    pub(super) lacks_exchange: AtomicBool,
    /// Staged names of this process: `<random>-<count>`.
    label: String,
    count: AtomicU64,
    pub(super) swept: AtomicBool,
    /// Folders whose names changed since the last flush.
    pub(super) touched: Mutex<Touched>,
}

/// The bucket's own folders.
pub(super) struct Control<D: Disk> {
    pub(super) folder: D::Folder,
    pub(super) staging: D::Folder,
}

impl<D: Disk> Bucket<D> {
    /// Opens the folder `root`, seen through `prefix`, and makes its `.lsync/`.
    pub(super) fn open(disk: D, root: &Path, prefix: &str) -> Result<Self, RemoteError> {
        let name = format!("file://{}", root.display());
        let prefix = prefix.trim_matches('/');
        if !prefix.is_empty() {
            RepoPath::parse(prefix)
                .map_err(|cause| error(RemoteErrorKind::Invalid, OPENING, &name, cause))?;
        }
        let folder = open_root(&disk, root, &name)?;
        let root_stat = disk.stat_folder(&folder).context(OPENING, &name)?;
        Ok(Self {
            network: disk.is_network(&folder).context(OPENING, &name)?,
            control: Control::open(&disk, &folder, root_stat.mode).context(OPENING, &name)?,
            root: folder,
            root_stat,
            prefix: if prefix.is_empty() { String::new() } else { format!("{prefix}/") },
            name,
            lacks_exchange: AtomicBool::new(false),
            label: format!("{:016x}", fastrand::u64(..)),
            count: AtomicU64::new(0),
            swept: AtomicBool::new(false),
            touched: Mutex::default(),
            disk,
        })
    }

    /// Returns the path of an object below the bucket's root.
    pub(super) fn place(&self, path: &RepoPath) -> String {
        format!("{}{path}", self.prefix)
    }

    /// Returns how messages name an object or a prefix.
    pub(super) fn key(&self, path: &str) -> String {
        format!("{}/{}{path}", self.name, self.prefix)
    }

    /// Opens an object for reading and looks at it.
    pub(super) fn open_object(
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
            Err(cause) if !is_absence(&cause) => Err(of_io(operation, &key, &cause)),
            _ => Err(error(RemoteErrorKind::NotFound, operation, &key, "there is no such object")),
        }
    }

    /// Looks at what has the name: opened anew, because a network file system answers a look by name
    /// from its cache. By name alone where it cannot be opened: links, and what we may not read.
    pub(super) fn look(&self, folder: &D::Folder, name: &OsStr) -> io::Result<Option<Stat>> {
        let opened = self.disk.open(folder, name).and_then(|file| self.disk.fstat(&file));
        if_exists(match opened {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => self.disk.lstat(folder, name),
            other => other,
        })
    }

    /// Returns the bucket's own folders, or says that it is read-only.
    pub(super) fn control(
        &self,
        operation: &'static str,
        key: &str,
    ) -> Result<&Control<D>, RemoteError> {
        self.control.as_ref().ok_or_else(|| {
            error(RemoteErrorKind::Denied, operation, key, "the bucket's folder cannot be written")
        })
    }

    /// Returns a name for tmp/ that nobody else has.
    pub(super) fn staged_name(&self) -> OsString {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        OsString::from(format!("{}-{count}", self.label))
    }

    /// Removes a staged file. What cannot be removed is swept after a day.
    pub(super) fn discard(&self, control: &Control<D>, name: &OsStr) {
        drop(self.disk.unlink(&control.staging, name));
    }

    /// Takes the bucket's lock; it is free again when the returned file is dropped.
    ///
    /// `None` on a network file system without locks, which never counted as atomic.
    pub(super) fn lock(&self, control: &Control<D>) -> io::Result<Option<D::File>> {
        for _ in 0..LOCK_ATTEMPTS_MAX {
            let file = open_lock(&self.disk, &control.folder, self.root_stat.mode)?;
            match self.disk.lock(&file, Patience::Wait) {
                Err(_) if self.network => return Ok(None),
                other => other?,
            };
            // Somebody may have removed the file while we waited; then its lock guards nothing.
            let held = self.disk.fstat(&file)?;
            let named = if_exists(self.disk.lstat(&control.folder, OsStr::new(LOCK)))?;
            if named.is_some_and(|named| named.inode == held.inode) {
                return Ok(Some(file));
            }
        }
        Err(io::Error::other("somebody keeps replacing the lock file of the bucket"))
    }
}

impl<D: Disk> Control<D> {
    /// Opens or makes the bucket's own folders; `None` where they cannot be written.
    fn open(disk: &D, root: &D::Folder, root_mode: u32) -> io::Result<Option<Self>> {
        let opened = folder_like(disk, root, CONTROL, root_mode).and_then(|folder| {
            let staging = folder_like(disk, &folder, STAGING, root_mode)?;
            open_lock(disk, &folder, root_mode)?;
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
pub(super) fn open_root<D: Disk>(
    disk: &D,
    root: &Path,
    name: &str,
) -> Result<D::Folder, RemoteError> {
    disk.open_path(root).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            error(RemoteErrorKind::NoBucket, OPENING, name, "there is no such folder")
        }
        _ => of_io(OPENING, name, &cause),
    })
}

/// Splits a path into the folder that it lies in and its name.
pub(super) fn split(place: &str) -> (&str, &OsStr) {
    let (folder, name) = place.rsplit_once('/').unwrap_or(("", place));
    (folder, OsStr::new(name))
}

/// Locks what no panic can leave half done: every change to these values is one call.
pub(super) fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells whether a look failed because there is nothing: no such name, no folder on the way to it, or
/// a name that this file system cannot hold.
pub(super) fn is_absence(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename
    )
}
