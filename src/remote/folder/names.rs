//! Names in tmp/ for what comes out of the bucket, so that no person's save is ever thrown away.
//!
//! People do not know our lock, so versions go by the contract of [`crate::disk::swap`]. What comes out
//! lies in tmp/ under a name that carries what alone may be thrown away there, `<label>-<count>.
//! <inode>.<size>.<mtime>`: whoever is killed before the look leaves a name that does not fit its
//! file, and the sweep spares that file.

use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::atomic::Ordering;

use super::stage::{Staged, folder_like, set_mode_if_possible};
use super::{Control, FolderRemote, LOST};
use crate::disk::Disk;
use crate::disk::swap::{Left, NameIn, Swap, Swapped};
use crate::tree::{CONTROL, Kind, Stat};

impl<D: Disk> FolderRemote<D> {
    /// Gives a staged file the name of the version `expected`, which goes; false where a person was
    /// faster. Then the staged file has its own name again, or a person has made it theirs.
    pub(super) fn exchange(
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
        Ok(self.clear_aside(control, &name, &swapped))
    }

    /// Takes the version `expected` out of the bucket; false where a person was faster.
    pub(super) fn take_out(
        &self,
        control: &Control<D>,
        at: NameIn<'_, D>,
        expected: &Stat,
    ) -> io::Result<bool> {
        let name = self.name_for(expected);
        let swap = Swap { disk: &self.disk, at, aside: (&control.staging, &name) };
        let taken =
            swap.take(|found| found.is_untouched(expected), |out| Ok(out.is_same_file(expected)))?;
        Ok(self.clear_aside(control, &name, &taken))
    }

    /// Throws away what is spent and keeps what may be an edit; tells whether the swap was done.
    fn clear_aside(&self, control: &Control<D>, name: &OsStr, swapped: &Swapped) -> bool {
        match swapped {
            Swapped::Done => self.discard(control, name),
            Swapped::Undone(Left::Edit) => self.keep(control, name),
            _ => (),
        }
        matches!(swapped, Swapped::Done)
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
