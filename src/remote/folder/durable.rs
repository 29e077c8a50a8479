//! The names that changed, and how they become durable.
//!
//! People and teammates may rename a folder of the bucket between any two calls. So a folder is synced
//! only if it is the one in which names changed, and with all those above it: whoever made these may
//! not have synced them yet. Anything else is synced with the whole file system.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::sync::Mutex;

use super::bucket::{Bucket, Identity, Touched, hold};
use super::error::of_io;
use crate::disk::Disk;
use crate::remote::RemoteError;
use crate::tree::Stat;

/// More folders than this are made durable by one `syncfs`.
const FOLDERS_SYNCED_ONE_BY_ONE_MAX: usize = 32;

/// Remembers that the names in a folder changed.
fn touch(touched: &Mutex<Touched>, path: String, folder: Option<Identity>) {
    let mut touched = hold(touched);
    let known = touched.entry(path).or_insert(folder);
    if *known != folder {
        // Two folders had that path one after the other.
        *known = None;
    }
}

impl<D: Disk> Bucket<D> {
    /// Remembers that the names in `folder` changed.
    pub(super) fn touch(&self, path: &str, folder: &D::Folder) {
        touch(&self.touched, path.to_owned(), self.identity(folder));
    }

    /// Forgets a folder that was removed: that it is gone is a name of the one above it.
    pub(super) fn forget_touched(&self, path: &str, removed: &Stat) {
        let mut touched = hold(&self.touched);
        if touched.get(path) == Some(&Some((removed.device, removed.inode))) {
            touched.remove(path);
        }
    }

    fn identity(&self, folder: &D::Folder) -> Option<Identity> {
        self.disk.stat_folder(folder).ok().map(|stat| (stat.device, stat.inode))
    }

    /// Makes all names durable that changed since the last time.
    pub(super) fn flush(&self) -> Result<(), RemoteError> {
        let folders = std::mem::take(&mut *hold(&self.touched));
        self.sync_names(&folders).map_err(|cause| {
            // The next flush must not report as durable what this one could not.
            for (path, folder) in folders {
                touch(&self.touched, path, folder);
            }
            of_io("FLUSH", &self.name, &cause)
        })
    }

    /// Makes the names in all of `folders` durable.
    fn sync_names(&self, folders: &Touched) -> io::Result<()> {
        let is_little = folders.len() <= FOLDERS_SYNCED_ONE_BY_ONE_MAX;
        if folders.is_empty() || (is_little && self.sync_one_by_one(folders)?) {
            return Ok(());
        }
        match self.disk.sync_file_system(&self.root) {
            Err(cause) if cause.kind() == io::ErrorKind::Unsupported => {
                if !is_little && self.sync_one_by_one(folders)? {
                    return Ok(());
                }
                Err(io::Error::other("a folder of the bucket was moved or closed meanwhile"))
            }
            other => other,
        }
    }

    /// Syncs the folders and those above them; false where one of them is not what it was.
    fn sync_one_by_one(&self, folders: &Touched) -> io::Result<bool> {
        let mut open = BTreeMap::from([("", self.root.clone())]);
        for (path, touched) in folders {
            let mut folder = self.root.clone();
            let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
            let mut begin = 0;
            for end in ends.filter(|end| *end > 0) {
                let (above, name) = (&path[..end], &path[begin..end]);
                begin = end + 1;
                folder = match open.get(above) {
                    Some(open) => open.clone(),
                    None => match self.disk.open_folder(&folder, OsStr::new(name)) {
                        Ok(opened) => opened,
                        Err(_) => return Ok(false),
                    },
                };
                open.insert(above, folder.clone());
            }
            if touched.is_none() || self.identity(&folder) != *touched {
                return Ok(false);
            }
        }
        open.values().try_for_each(|folder| self.disk.sync_folder(folder)).map(|()| true)
    }
}
