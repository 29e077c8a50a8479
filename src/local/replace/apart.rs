//! Taking away a folder that cannot be moved as a whole, file by file.
//!
//! overlayfs answers `EXDEV` to the rename of a folder that lies in a lower layer, as those of the
//! image of a container do; its files can be moved. Each is, into a folder of the same shape, and is
//! looked at once it is there; then the empty folders are removed from below. Whatever is not as it
//! was, everything goes back.

use std::ffi::OsString;
use std::io;

use super::error::{ReplaceError, Step};
use super::target::{Outcome, Target};
use crate::disk::swap::{Change, NameIn};
use crate::disk::{Disk, return_folder};
use crate::tree::{Kind, Stat};

/// A folder in the tree that is taken apart, and its counterpart in the slot.
struct Pair<D: Disk> {
    original: D::Folder,
    counterpart: D::Folder,
    stat: Stat,
}

/// A tree that is being taken apart.
struct Apart<'a, D: Disk> {
    disk: &'a D,
    slot: NameIn<'a, D>,
    /// The folders, those above before those in them; the first is the top.
    folders: Vec<Pair<D>>,
    /// Each folder but the top, by the place of the one it lies in, and its name there.
    names: Vec<(usize, OsString)>,
    /// The files, likewise, and what they looked like.
    files: Vec<(usize, OsString, Stat)>,
}

/// Moves the folder with the inode of `expected` to `slot`, file by file.
pub(super) fn take<D: Disk>(
    disk: &D,
    (target, expected): (&Target<'_, D>, &Stat),
    slot: NameIn<'_, D>,
    is_right: impl Fn(&D::Folder) -> io::Result<bool>,
) -> Result<Outcome<()>, ReplaceError> {
    let (folder, name) = target.name();
    let opened = disk.open_folder(folder, name).and_then(|top| Ok((disk.stat_folder(&top)?, top)));
    let (found, original) = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Outcome::Changed(Change::Gone));
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Ok(Outcome::Changed(Change::Touched));
        }
        other => other.map_err(target.error(Step::Look))?,
    };
    if !found.is_same_inode(expected) {
        return Ok(Outcome::Changed(Change::Touched));
    }
    disk.make_folder(slot.0, slot.1, 0o700).map_err(|error| target.not_moved(error))?;
    let counterpart = disk.open_folder(slot.0, slot.1).map_err(target.error(Step::Move))?;
    let top = Pair { original, counterpart, stat: found };
    let mut apart = Apart { disk, slot, folders: vec![top], names: Vec::new(), files: Vec::new() };
    let is_taken = match apart.carry_out(&found, target, is_right) {
        Ok(true) => return Ok(Outcome::Done(())),
        Err(error) if is_changed(&error) => Ok(false),
        other => other,
    };
    let is_back = apart.take_back().map_err(target.error(Step::Move))?;
    match is_taken {
        Err(error) => Err(target.error(Step::Move)(error)),
        Ok(_) if is_back => Ok(Outcome::Changed(Change::Touched)),
        Ok(_) => Ok(Outcome::EditInSlot),
    }
}

impl<D: Disk> Apart<'_, D> {
    /// Takes everything away; false where something is not as it was.
    fn carry_out(
        &mut self,
        top: &Stat,
        target: &Target<'_, D>,
        is_right: impl Fn(&D::Folder) -> io::Result<bool>,
    ) -> io::Result<bool> {
        // What cannot be looked at may be an edit.
        let is_as_checked =
            self.collect(top)? && is_right(&self.folders[0].original).unwrap_or(false);
        if !is_as_checked {
            return Ok(false);
        }
        // A file must not become durable in a folder that is not.
        self.make_durable()?;
        if !self.move_files()? {
            return Ok(false);
        }
        self.make_durable()?;
        self.remove_folders(target)
    }

    /// Finds all files, and makes the folders that they go to. False where something is neither file
    /// nor folder, or lies on another file system.
    fn collect(&mut self, top: &Stat) -> io::Result<bool> {
        let mut looked_into = 0;
        while let Some(Pair { original, counterpart, .. }) = self.folders.get(looked_into) {
            let (original, counterpart) = (original.clone(), counterpart.clone());
            for (name, _) in &self.disk.read_folder(&original)? {
                let stat = self.disk.lstat(&original, name)?;
                match stat.kind {
                    Kind::File => self.files.push((looked_into, name.to_owned(), stat)),
                    Kind::Folder if stat.device == top.device => {
                        self.disk.make_folder(&counterpart, name, 0o700)?;
                        let counterpart = self.disk.open_folder(&counterpart, name)?;
                        // It may come back as it is.
                        self.disk.set_folder_mode(&counterpart, stat.mode | 0o700)?;
                        let original = self.disk.open_folder(&original, name)?;
                        self.folders.push(Pair { original, counterpart, stat });
                        self.names.push((looked_into, name.to_owned()));
                    }
                    Kind::Folder | Kind::Link | Kind::Special => return Ok(false),
                }
            }
            looked_into += 1;
        }
        Ok(true)
    }

    /// Moves the files; false at the first that is not what it was.
    fn move_files(&self) -> io::Result<bool> {
        for (place, name, stat) in &self.files {
            let Pair { original, counterpart, .. } = &self.folders[*place];
            self.disk.rename_new((original, name), (counterpart, name))?;
            if !self.disk.lstat(counterpart, name)?.is_same_file(stat) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes what is in the slot durable, from above.
    fn make_durable(&self) -> io::Result<()> {
        self.disk.sync_folder(self.slot.0)?;
        self.folders.iter().try_for_each(|pair| self.disk.sync_folder(&pair.counterpart))
    }

    /// Removes the empty folders from below; false where a person has put something in one, or has
    /// given the name to another.
    fn remove_folders(&self, target: &Target<'_, D>) -> io::Result<bool> {
        let below = self.names.iter().map(|(place, name)| {
            let Pair { original, .. } = &self.folders[*place];
            (original, name.as_os_str())
        });
        let names: Vec<_> = std::iter::once(target.name()).chain(below).collect();
        for ((folder, name), Pair { stat, .. }) in names.iter().zip(&self.folders).rev() {
            let found = self.disk.lstat(folder, name)?;
            if !found.is_same_inode(stat) {
                return Ok(false);
            }
            self.disk.remove_folder(folder, name)?;
        }
        Ok(true)
    }

    /// Moves back what was moved, into the very folders that it came from; false where something
    /// stays in the slot.
    fn take_back(&self) -> io::Result<bool> {
        return_folder(self.disk, self.slot, &self.folders[0].original)
    }
}

/// Tells whether a call failed because of what a person has done meanwhile.
fn is_changed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
