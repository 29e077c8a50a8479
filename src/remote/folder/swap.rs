//! Compare-and-swap: the only code that changes what a folder bucket shows.

use std::ffi::OsStr;
use std::io;
use std::sync::atomic::Ordering;

use super::bucket::{Bucket, Control, is_absence, split};
use super::error::{Context as _, error, of_io, verify};
use super::modes::{folder_like, set_mode_if_possible};
use super::stage::{Staged, crc64_of};
use super::version::etag;
use crate::disk::Disk;
use crate::disk::swap::{Left, NameIn, Swap, Swapped};
use crate::remote::{Condition, Outgoing, RemoteError, RemoteErrorKind};
use crate::tree::{Kind, Properties, RepoPath, Stat, Token};

impl<D: Disk> Bucket<D> {
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

    /// Gives a staged file the name of the version `expected`, which goes; false where a person was
    /// faster. Then the staged file has its own name again, or a person has made it theirs.
    fn exchange(
        &self,
        control: &Control<D>,
        staged: &Staged<D>,
        at: NameIn<'_, D>,
        expected: &Stat,
    ) -> io::Result<bool> {
        let own = (&control.staging, staged.name.as_os_str());
        let mut ours = self.disk.fstat(&staged.file)?;
        if ours.mode != expected.mode {
            set_mode_if_possible(&self.disk, &staged.file, expected.mode)?;
            ours.mode = expected.mode;
        }
        if self.lacks_exchange.load(Ordering::Relaxed) {
            return self.replace_compared(own, at, expected);
        }
        let name = self.name_for(&ours);
        let swap = Swap { disk: &self.disk, at, aside: (&control.staging, &name) };
        let swapped = swap.put(
            own,
            |found| found.is_same_file(&ours),
            |found| found.is_untouched(expected),
            |out| Ok(out.is_same_file(expected)),
        )?;
        match swapped {
            Swapped::Refused(cause) if cause.kind() == io::ErrorKind::Unsupported => {
                self.lacks_exchange.store(true, Ordering::Relaxed);
                return self.replace_compared(own, at, expected);
            }
            Swapped::Refused(cause) => return Err(cause),
            Swapped::Undone(Left::Ours) => match self.disk.rename_new(swap.aside, own) {
                // A person has made our file theirs.
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
                _ => (),
            },
            _ => (),
        }
        self.clear_aside(control, &name, swapped)
    }

    /// Takes the version `expected` out of the bucket; false where a person was faster.
    fn take_out(
        &self,
        control: &Control<D>,
        at: NameIn<'_, D>,
        expected: &Stat,
    ) -> io::Result<bool> {
        let name = self.name_for(expected);
        let swap = Swap { disk: &self.disk, at, aside: (&control.staging, &name) };
        let taken =
            swap.take(|found| found.is_untouched(expected), |out| Ok(out.is_same_file(expected)))?;
        self.clear_aside(control, &name, taken)
    }

    /// Throws away what is spent and keeps what may be an edit; tells whether the swap was done.
    fn clear_aside(
        &self,
        control: &Control<D>,
        name: &OsStr,
        swapped: Swapped,
    ) -> io::Result<bool> {
        match swapped {
            Swapped::Done => {
                self.discard(control, name);
                return Ok(true);
            }
            Swapped::Undone(Left::Edit) => self.keep(control, name),
            Swapped::Undone(Left::Stuck(cause)) => {
                self.keep(control, name);
                return Err(cause);
            }
            _ => (),
        }
        Ok(false)
    }

    /// Replaces the version `expected` where names cannot be exchanged: compared directly before.
    ///
    /// What a person saves between the two calls is overwritten, so from the first time on the
    /// capabilities no longer promise conditions.
    fn replace_compared(
        &self,
        own: NameIn<'_, D>,
        at: NameIn<'_, D>,
        expected: &Stat,
    ) -> io::Result<bool> {
        match self.look(at.0, at.1)? {
            Some(found) if found.is_untouched(expected) => {
                self.disk.rename_over(own, at).map(|()| true)
            }
            _ => Ok(false),
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
}
