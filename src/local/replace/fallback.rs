//! Replacing where two names cannot be exchanged in one step (network file systems, FAT).
//!
//! The name is never empty here either: the old file gets a second name in the trash (or, where
//! there are no links, a copy there), and the staged file is renamed over the first. What is
//! written into the old file up to the rename is in the trash with it; only a file that a person
//! renames there between the last look and the rename, one system call later, is not seen.

use std::ffi::OsString;
use std::io;

use super::draft::Staged;
use super::error::{ReplaceError, Step};
use super::target::{Outcome, Target, row_signature};
use crate::disk::swap::{Change, NameIn};
use crate::disk::{Disk, copy, if_exists, is_link_error};
use crate::tree::{Signature, Stat};

/// A staged file, the name that it is to get, and where the old file gets its second one.
pub(super) struct WithoutExchange<'a, D: Disk> {
    pub(super) disk: &'a D,
    pub(super) staged: &'a Staged<D>,
    pub(super) target: &'a Target<'a, D>,
    pub(super) slot: NameIn<'a, D>,
}

impl<D: Disk> WithoutExchange<'_, D> {
    /// Puts the staged file in the place of the expected one.
    pub(super) fn swap(&self, expected: &Stat) -> Result<Outcome<Signature>, ReplaceError> {
        let placed = self.place(expected);
        if !matches!(placed, Ok(Outcome::Done(_) | Outcome::EditInSlot)) {
            self.staged.discard(self.disk);
        }
        placed
    }

    fn place(&self, expected: &Stat) -> Result<Outcome<Signature>, ReplaceError> {
        let kept = match self.disk.link(self.target.name(), self.slot) {
            Ok(()) => self.keep_link(expected)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Change::Gone),
            Err(_) => self.keep_copy(expected)?,
        };
        if let Some(change) = kept {
            return Ok(Outcome::Changed(change));
        }
        if let Err(error) = self.disk.rename_over(self.staged.name(), self.target.name()) {
            self.withdraw()?;
            return match error.kind() {
                io::ErrorKind::IsADirectory => Ok(Outcome::Changed(Change::Touched)),
                _ => Err(self.target.error(Step::Move)(error)),
            };
        }
        let kept =
            self.disk.lstat(self.slot.0, self.slot.1).map_err(self.target.error(Step::Look))?;
        if (kept.size, kept.mtime) != (expected.size, expected.mtime) {
            return Ok(Outcome::EditInSlot);
        }
        Ok(Outcome::Done(row_signature(self.disk, self.target, &self.staged.stat)))
    }

    /// Checks that the link in the slot is the expected file and that the name still shows it.
    ///
    /// Returns how the name changed; the link is removed again then.
    fn keep_link(&self, expected: &Stat) -> Result<Option<Change>, ReplaceError> {
        let linked = self.look(self.slot)?.filter(|linked| linked.is_same_file(expected));
        self.expect(|found| linked.is_some_and(|linked| found.is_untouched(&linked)))
    }

    /// Copies the expected file to the slot: complete, durable and with its mtime before it gets there.
    fn keep_copy(&self, expected: &Stat) -> Result<Option<Change>, ReplaceError> {
        let mut copy = self.staged.name.clone();
        copy.push("-old");
        let copied = self.copy_to(expected, &copy).map_err(self.target.error(Step::Stage));
        if !matches!(copied, Ok(None)) {
            self.disk.unlink(&self.staged.folder, &copy).unwrap_or_default();
            return copied;
        }
        self.disk
            .rename_new((&self.staged.folder, &copy), self.slot)
            .map_err(self.target.error(Step::Move))?;
        self.expect(|found| found.is_untouched(expected))
    }

    /// Returns how the name differs from what is expected; the slot is empty again then.
    fn expect(
        &self,
        is_expected: impl FnOnce(&Stat) -> bool,
    ) -> Result<Option<Change>, ReplaceError> {
        let change = match self.look(self.target.name())? {
            None => Change::Gone,
            Some(found) if is_expected(&found) => return Ok(None),
            Some(_) => Change::Touched,
        };
        self.withdraw()?;
        Ok(Some(change))
    }

    /// Looks at a name: `None` where there is nothing.
    fn look(&self, (folder, name): NameIn<'_, D>) -> Result<Option<Stat>, ReplaceError> {
        if_exists(self.disk.lstat(folder, name)).map_err(self.target.error(Step::Look))
    }

    /// Takes the second name away again.
    fn withdraw(&self) -> Result<(), ReplaceError> {
        self.disk.unlink(self.slot.0, self.slot.1).map_err(self.target.error(Step::Move))
    }

    /// Copies the target to `second` in the staging folder; returns how it differs from the expected.
    fn copy_to(&self, expected: &Stat, second: &OsString) -> io::Result<Option<Change>> {
        let (folder, name) = self.target.name();
        let old = match self.disk.open(folder, name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(Change::Gone)),
            Err(error) if is_link_error(&error) || error.kind() == io::ErrorKind::IsADirectory => {
                return Ok(Some(Change::Touched));
            }
            other => other?,
        };
        if !self.disk.fstat(&old)?.is_untouched(expected) {
            return Ok(Some(Change::Touched));
        }
        let new = self.disk.create(&self.staged.folder, second, 0o600)?;
        match copy(self.disk, &old, 0..expected.size, &new) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Ok(Some(Change::Touched));
            }
            other => other?,
        }
        if !self.disk.fstat(&old)?.is_untouched(expected) {
            return Ok(Some(Change::Touched));
        }
        self.disk.set_mode(&new, expected.mode & 0o777)?;
        self.disk.set_mtime(&new, expected.mtime)?;
        self.disk.sync_file(&new)?;
        Ok(None)
    }
}
