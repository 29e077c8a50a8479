//! Compare-and-swap: the only code that changes what a folder bucket shows.

use std::ffi::OsStr;
use std::io;

use super::error::{Context as _, error, of_io, verify};
use super::stage::{Staged, folder_like};
use super::{Control, FolderRemote, crc64_of, etag, split};
use crate::disk::Disk;
use crate::remote::{Condition, Outgoing, RemoteError, RemoteErrorKind};
use crate::tree::{Kind, Properties, RepoPath, Stat, Token};

impl<D: Disk> FolderRemote<D> {
    /// Stages `body` and gives it its name if the condition holds.
    pub(super) async fn put_whole(
        &self,
        path: &RepoPath,
        body: Outgoing,
        (properties, condition): (&Properties, &Condition),
    ) -> Result<Token, RemoteError> {
        let key = self.key(path.as_str());
        let crc64 = body.crc64();
        let body = &body.collect().await.context("PUT", &key)?;
        let control = self.control("PUT", &key)?;
        verify("PUT", &key, crc64_of(body), crc64)?;
        let staged = self.stage("PUT", &key)?;
        let written = self.disk.write(&staged.file, body).context("PUT", &key);
        let put = written
            .and_then(|()| self.publish("PUT", path, &staged, (properties.mtime(), condition)));
        if put.is_err() {
            self.discard(control, &staged.name);
        }
        put
    }

    /// Makes a complete staged file durable and gives it its name if the condition holds.
    pub(super) fn publish(
        &self,
        operation: &'static str,
        path: &RepoPath,
        staged: &Staged<D>,
        (mtime, condition): (Option<i64>, &Condition),
    ) -> Result<Token, RemoteError> {
        let key = self.key(path.as_str());
        let control = self.control(operation, &key)?;
        mtime
            .map_or(Ok(()), |mtime| self.disk.set_mtime(&staged.file, mtime))
            .and_then(|()| self.disk.sync_file(&staged.file))
            .context(operation, &key)?;
        let before = self.disk.fstat(&staged.file).context(operation, &key)?;

        let lock = self.lock(control).context(operation, &key)?;
        self.swap_in(operation, path, staged, condition)?;
        // A rename changes the ctime, and the ETag must be the one that the next listing shows.
        let after = self
            .disk
            .fstat(&staged.file)
            .map_err(|cause| RemoteError { ambiguous: true, ..of_io(operation, &key, &cause) })?;
        drop(lock);

        if before.is_same_file(&after) {
            return Ok(etag(&after));
        }
        // Somebody edited the file the moment it had its name. What we stored has no ETag of its
        // own any more; one with ctime 0 never equals a real one, so the edit shows as one.
        Ok(etag(&Stat { ctime: 0, ..before }))
    }

    /// Compares what has the name with the condition, and swaps. Needs the lock.
    fn swap_in(
        &self,
        operation: &'static str,
        path: &RepoPath,
        staged: &Staged<D>,
        condition: &Condition,
    ) -> Result<(), RemoteError> {
        let key = self.key(path.as_str());
        let control = self.control(operation, &key)?;
        let place = self.place(path);
        let (folder_path, name) = split(&place);
        let changed = || {
            let message = match condition {
                Condition::Absent => "something is there already",
                Condition::Matches(_) => "another version is there, or none",
            };
            error(RemoteErrorKind::Changed, operation, &key, message)
        };
        let folder = self.folder_of(operation, path, condition)?.ok_or_else(changed)?;
        let there = self.look(&folder, name).context(operation, &key)?;
        let done = match (condition, there) {
            (Condition::Absent, Some(stat)) if stat.kind == Kind::Folder => {
                self.clear_folder(operation, path, &folder)?;
                self.add(control, staged, (&folder, name)).context(operation, &key)?
            }
            (Condition::Absent, Some(stat)) if stat.kind != Kind::File => {
                let message = "a link or special file of that name is in the way";
                return Err(error(RemoteErrorKind::Invalid, operation, &key, message));
            }
            (Condition::Absent, None) => {
                self.add(control, staged, (&folder, name)).context(operation, &key)?
            }
            (Condition::Matches(expected), Some(stat))
                if stat.kind == Kind::File && etag(&stat) == *expected =>
            {
                self.exchange(control, staged, (&folder, name), &stat).context(operation, &key)?
            }
            (Condition::Absent, Some(_)) | (Condition::Matches(_), _) => false,
        };
        if done {
            self.touch(folder_path, &folder);
            Ok(())
        } else {
            Err(changed())
        }
    }

    /// Gives a staged file a name that nothing has.
    fn add(
        &self,
        control: &Control<D>,
        staged: &Staged<D>,
        to: (&D::Folder, &OsStr),
    ) -> io::Result<bool> {
        match self.disk.rename_new((&control.staging, &staged.name), to) {
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            other => other.map(|()| true),
        }
    }

    /// Deletes the version `expected`, and the folders that it leaves empty.
    pub(super) fn remove(&self, path: &RepoPath, expected: &Token) -> Result<(), RemoteError> {
        let key = self.key(path.as_str());
        let control = self.control("DELETE", &key)?;
        let place = self.place(path);
        let (folder_path, name) = split(&place);
        let lock = self.lock(control).context("DELETE", &key)?;

        let folder = self.disk.open_beneath(&self.root, folder_path);
        let there = folder.and_then(|folder| Ok((self.look(&folder, name)?, folder)));
        let (stat, folder) = match there {
            Ok((Some(stat), folder)) if stat.kind == Kind::File => (stat, folder),
            Err(cause) if !is_absence(&cause) => return Err(of_io("DELETE", &key, &cause)),
            _ => {
                let message = "there is no such object";
                return Err(error(RemoteErrorKind::NotFound, "DELETE", &key, message));
            }
        };
        let gone = etag(&stat) == *expected
            && self.take_out(control, (&folder, name), &stat).context("DELETE", &key)?;
        if !gone {
            let message = "another version is there";
            return Err(error(RemoteErrorKind::Changed, "DELETE", &key, message));
        }
        self.touch(folder_path, &folder);
        self.remove_emptied(path);
        drop(lock);
        Ok(())
    }

    /// Removes the folders above `path` that are empty now, up to the prefix.
    fn remove_emptied(&self, path: &RepoPath) {
        let folders: Vec<_> = path.ancestors().collect();
        for folder in folders.iter().rev() {
            let place = self.place(folder);
            let (parent, name) = split(&place);
            let removed = self.disk.open_beneath(&self.root, parent).and_then(|above| {
                let found = self.disk.lstat(&above, name)?;
                self.disk.remove_folder(&above, name)?;
                Ok((above, found))
            });
            // Not empty, or not ours to remove: an empty folder that stays harms nobody.
            let Ok((above, found)) = removed else { return };
            self.touch(parent, &above);
            self.forget_touched(&place, &found);
        }
    }

    /// Opens the folder that `path` lies in. For a new object it is made; `None` if it is missing.
    fn folder_of(
        &self,
        operation: &'static str,
        path: &RepoPath,
        condition: &Condition,
    ) -> Result<Option<D::Folder>, RemoteError> {
        let place = self.place(path);
        let (wanted, _) = split(&place);
        let mut folder = self.root.clone();
        let mut end = 0;
        for name in wanted.split('/').filter(|name| !name.is_empty()) {
            let above = &wanted[..end];
            end += name.len() + usize::from(end > 0);
            let opened = match self.disk.open_folder(&folder, OsStr::new(name)) {
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                    if *condition != Condition::Absent {
                        return Ok(None);
                    }
                    self.touch(above, &folder);
                    folder_like(&self.disk, &folder, name, self.root_stat.mode)
                }
                other => other,
            };
            folder = opened.map_err(|cause| {
                let key = self.key(path.as_str());
                if cause.kind() == io::ErrorKind::NotADirectory {
                    let message = format!("{} is a file or link, and no folder", &wanted[..end]);
                    return error(RemoteErrorKind::Invalid, operation, &key, message);
                }
                of_io(operation, &key, &cause)
            })?;
        }
        Ok(Some(folder))
    }

    /// Removes the folder that has the name of an object, if it is empty and so no object at all.
    fn clear_folder(
        &self,
        operation: &'static str,
        path: &RepoPath,
        parent: &D::Folder,
    ) -> Result<(), RemoteError> {
        let key = self.key(path.as_str());
        match self.disk.remove_folder(parent, OsStr::new(path.name())) {
            Err(cause) if cause.kind() == io::ErrorKind::DirectoryNotEmpty => {
                let message =
                    "a folder of that name is there, and a folder bucket cannot hold both";
                Err(error(RemoteErrorKind::Invalid, operation, &key, message))
            }
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                Err(of_io(operation, &key, &cause))
            }
            _ => Ok(()),
        }
    }

    /// Looks at what has the name: opened anew, because a network file system answers a look by name
    /// from its cache. By name alone where it cannot be opened: links, and what we may not read.
    pub(super) fn look(&self, folder: &D::Folder, name: &OsStr) -> io::Result<Option<Stat>> {
        let opened = self.disk.open(folder, name).and_then(|file| self.disk.fstat(&file));
        let looked = match opened {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => self.disk.lstat(folder, name),
            other => other,
        };
        match looked {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        }
    }
}

/// Tells whether a look failed because there is nothing: no such name, no folder on the way to it, or
/// a name that this file system cannot hold.
pub(super) fn is_absence(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename
    )
}
