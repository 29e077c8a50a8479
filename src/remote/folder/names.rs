//! Names in tmp/ for what comes out of the bucket, so that no person's save is ever thrown away.
//!
//! People do not know our lock, so versions go by the contract of [`crate::disk::swap`]. What comes out
//! lies in tmp/ under a name that carries what alone may be thrown away there, `<label>-<count>.
//! <inode>.<size>.<mtime>`: whoever is killed before the look leaves a name that does not fit its
//! file, and the sweep spares that file.

use std::ffi::{OsStr, OsString};

use super::bucket::{Bucket, Control, LOST};
use super::modes::folder_like;
use crate::disk::Disk;
use crate::tree::{CONTROL, Kind, Stat};

impl<D: Disk> Bucket<D> {
    /// Returns a name for tmp/ under which the sweep removes the file that looks like `stat` alone.
    pub(super) fn name_for(&self, stat: &Stat) -> OsString {
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
