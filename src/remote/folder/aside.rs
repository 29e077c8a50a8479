//! Taking a version out of the bucket, so that no person's save is ever thrown away.
//!
//! People do not know our lock: a file may be replaced, edited or removed between any two calls.
//! What comes out of the bucket is looked at, and goes back if it is not what was compared.
//!
//! It comes out under a name that carries what alone may be thrown away there, `<label>-<count>.
//! <inode>.<size>.<mtime>`: whoever is killed before the look leaves a name that does not fit its
//! file, and the sweep spares that file.

use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::atomic::Ordering;

use super::stage::{Staged, folder_like, set_mode_if_possible};
use super::{Control, FolderRemote, LOST};
use crate::disk::Disk;
use crate::tree::{CONTROL, Kind, Stat};

impl<D: Disk> FolderRemote<D> {
    /// Gives a staged file the name of the version `expected`, which goes; false where a person was
    /// faster.
    ///
    /// If it fails, the staged file has its own name again, or a person has made it theirs.
    pub(super) fn exchange(
        &self,
        control: &Control<D>,
        staged: &Staged<D>,
        at: (&D::Folder, &OsStr),
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
        let aside_name = self.name_for(&ours);
        let aside = (&control.staging, aside_name.as_os_str());
        self.disk.rename_new(own, aside)?;
        if let Err(cause) = self.disk.exchange(aside, at) {
            self.disk.rename_new(aside, own)?;
            return match cause.kind() {
                io::ErrorKind::Unsupported => {
                    self.lacks_exchange.store(true, Ordering::Relaxed);
                    self.replace_compared(own, at, expected)
                }
                io::ErrorKind::NotFound => Ok(false),
                _ => Err(cause),
            };
        }
        // What cannot be looked at may be an edit: back with it.
        let out = self.disk.lstat(aside.0, aside.1);
        if out.is_ok_and(|out| out.is_same_file(expected)) {
            self.discard(control, aside.1);
            return Ok(true);
        }
        self.put_back(control, (aside, &ours), at)?;
        match self.disk.rename_new(aside, own) {
            // A person has made our file theirs.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(false),
            other => other.map(|()| false),
        }
    }

    /// Gives the name back to the edit that the exchange took out of it.
    ///
    /// A person may have saved once more, into our file or over it, or have removed it. The newest
    /// save gets the name and what came out before is kept. Only our own file stays aside.
    fn put_back(
        &self,
        control: &Control<D>,
        (aside, ours): ((&D::Folder, &OsStr), &Stat),
        at: (&D::Folder, &OsStr),
    ) -> io::Result<()> {
        match self.disk.exchange(aside, at) {
            Ok(()) => (),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                return self.return_to_free_name(control, aside, at);
            }
            Err(cause) => {
                self.keep(control, aside.1);
                return Err(cause);
            }
        }
        if self.disk.lstat(aside.0, aside.1)?.is_same_file(ours) {
            return Ok(());
        }
        match self.disk.exchange(aside, at) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                self.return_to_free_name(control, aside, at)
            }
            other => {
                self.keep(control, aside.1);
                other
            }
        }
    }

    /// Gives an edit its name again, which nobody has, or keeps it where somebody has it by now.
    fn return_to_free_name(
        &self,
        control: &Control<D>,
        aside: (&D::Folder, &OsStr),
        at: (&D::Folder, &OsStr),
    ) -> io::Result<()> {
        let returned = self.disk.rename_new(aside, at);
        if returned.is_err() {
            self.keep(control, aside.1);
        }
        match returned {
            // The name, or the whole folder, has been taken from under it: the edit is kept.
            Err(cause)
                if matches!(
                    cause.kind(),
                    io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound
                ) =>
            {
                Ok(())
            }
            other => other,
        }
    }

    /// Takes the version `expected` out of the bucket by one rename, looks at it, and puts it back
    /// if somebody replaced it since it was compared.
    pub(super) fn take_out(
        &self,
        control: &Control<D>,
        from: (&D::Folder, &OsStr),
        expected: &Stat,
    ) -> io::Result<bool> {
        let aside_name = self.name_for(expected);
        let aside = (&control.staging, aside_name.as_os_str());
        match self.disk.rename_new(from, aside) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other?,
        }
        let out = self.disk.lstat(aside.0, aside.1);
        if out.is_ok_and(|out| out.is_same_file(expected)) {
            self.discard(control, aside.1);
            return Ok(true);
        }
        self.return_to_free_name(control, aside, from).map(|()| false)
    }

    /// Replaces the version `expected` where names cannot be exchanged: compared directly before.
    ///
    /// What a person saves between the two calls is overwritten, so from the first time on the
    /// capabilities no longer promise conditions.
    fn replace_compared(
        &self,
        own: (&D::Folder, &OsStr),
        at: (&D::Folder, &OsStr),
        expected: &Stat,
    ) -> io::Result<bool> {
        match self.look(at.0, at.1)? {
            Some(found) if found.is_untouched(expected) => {
                self.disk.rename_over(own, at).map(|()| true)
            }
            _ => Ok(false),
        }
    }

    /// Returns a name for tmp/ under which the sweep removes the file that looks like `stat` alone.
    fn name_for(&self, stat: &Stat) -> OsString {
        let mut name = self.staged_name();
        name.push(identity(stat));
        name
    }

    /// Moves what may be a person's edit to lost/, which is never swept. Where that fails it stays
    /// in tmp/ under a name that the sweep spares, and is moved by a later one.
    pub(super) fn keep(&self, control: &Control<D>, name: &OsStr) {
        let kept =
            folder_like(&self.disk, &control.folder, LOST, self.root_stat.mode).and_then(|lost| {
                self.disk.rename_new((&control.staging, name), (&lost, name))?;
                self.disk.sync_folder(&lost)
            });
        drop(kept);
    }

    /// Says so where edits lie in lost/.
    pub(super) fn lost_edits(&self) -> Option<String> {
        // What cannot be looked at cannot be told of; the listing that follows fails then, too.
        let control = self.disk.open_folder(&self.root, OsStr::new(CONTROL)).ok()?;
        let lost = self.disk.open_folder(&control, OsStr::new(LOST)).ok()?;
        let edits = self.disk.read_folder(&lost).ok().filter(|edits| !edits.is_empty())?;
        Some(format!(
            "edits that could not be given back their names lie in {}/{CONTROL}/{LOST} ({}): look at \
             them, and move them out",
            self.name,
            edits.len()
        ))
    }
}

/// Returns the end of a name that only the file that looks like this may be thrown away under.
fn identity(stat: &Stat) -> String {
    format!(".{}.{}.{}", stat.inode, stat.size, stat.mtime)
}

/// Tells whether a file in tmp/ may be an edit that a killed process took out of the bucket.
pub(super) fn may_be_an_edit(name: &OsStr, stat: &Stat) -> bool {
    let name = name.to_string_lossy();
    name.contains('.') && !(stat.kind == Kind::File && name.ends_with(&identity(stat)))
}
