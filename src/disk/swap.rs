//! The one safe swap: gives a name to a file of ours, or takes it away, so that no save is lost.
//!
//! Persons know no lock of ours: they may write into what has the name, replace it or remove it
//! between any two calls. So nothing is overwritten and nothing removed here. What had the name goes
//! aside, to a free name in a folder of ours on the same file system, in the same step in which ours
//! gets the name. There it is looked at, and where it is not what was expected, it goes back.
//!
//! - The name is never empty in a swap, unless a person empties it.
//! - Whatever was saved has the name or lies aside, and the newest save has the name, unless the disk
//!   refuses on the way back ([`Left::Stuck`]). Only what is
//!   certainly ours, or certainly what was expected, may be thrown away by whoever calls.
//! - Killed after any call, a swap leaves ours under its own name, or aside, or under the name; and
//!   then what was expected, or an edit, lies aside. Whoever calls has written down before what may lie
//!   there (a line in the trash, or the very name), so that the next run can tell: ours and what was
//!   expected it may remove, anything else gets its name back by [`Swap::give_back`].
//! - Nothing is made durable. The contents of ours must be before, and both folders are synced after,
//!   before anybody is told that it is done.

use std::ffi::OsStr;
use std::io;

use super::{Disk, if_exists};
use crate::tree::Stat;

/// A name in an open folder.
pub type NameIn<'a, D> = (&'a <D as Disk>::Folder, &'a OsStr);

/// How a name differs from what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is gone.
    Gone,
    /// It is there, although it should not be.
    Present,
    /// It holds something else, or was touched.
    Touched,
}

/// What lies aside once an edit was given its name back.
#[derive(Debug)]
pub enum Left {
    /// Nothing: the edit has its name.
    Nothing,
    /// Our file, which had the name for a moment. The edit has its name.
    Ours,
    /// What may be an edit: the name was taken, or a newer save has it.
    Edit,
    /// What may be an edit, because the disk refused to go on.
    Stuck(io::Error),
}

/// What became of a swap.
#[derive(Debug)]
pub enum Swapped {
    /// Ours has the name (or nothing, where it was taken away), and what was expected lies aside.
    Done,
    /// A person was faster: nothing was changed.
    Changed(Change),
    /// The file system refused to exchange the two names: nothing was changed.
    Refused(io::Error),
    /// A person was faster by a moment: the name is as they left it, or their edit lies aside.
    Undone(Left),
}

/// A name, and where what has it goes.
pub struct Swap<'a, D: Disk> {
    /// The disk.
    pub disk: &'a D,
    /// The name.
    pub at: NameIn<'a, D>,
    /// The free name where what comes out of it lies afterwards.
    pub aside: NameIn<'a, D>,
}

impl<D: Disk> Swap<'_, D> {
    /// Gives the name to the complete file `ours` if it shows what `is_expected`; that goes aside.
    ///
    /// What came out is put back unless it `is_right`. Where nothing was changed, and on an error, ours
    /// has its own name again.
    ///
    /// # Errors
    /// Those of the disk; `AlreadyExists`: the name aside is taken.
    pub fn put(
        &self,
        ours: NameIn<'_, D>,
        is_ours: impl FnOnce(&Stat) -> bool,
        is_expected: impl FnOnce(&Stat) -> bool,
        is_right: impl FnOnce(&Stat) -> io::Result<bool>,
    ) -> io::Result<Swapped> {
        self.disk.rename_new(ours, self.aside)?;
        let nothing_done = match self.look(is_expected) {
            Ok(None) => match self.disk.exchange(self.aside, self.at) {
                Ok(()) => return Ok(self.check(is_right, || self.give_back(is_ours))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    Ok(Swapped::Changed(Change::Gone))
                }
                Err(error) => Ok(Swapped::Refused(error)),
            },
            Ok(Some(change)) => Ok(Swapped::Changed(change)),
            Err(error) => Err(error),
        };
        self.disk.rename_new(self.aside, ours)?;
        nothing_done
    }

    /// Takes away what has the name if it `is_expected`, and puts it back unless it `is_right`.
    ///
    /// # Errors
    /// Those of the disk, with nothing changed; `AlreadyExists`: the name aside is taken.
    pub fn take(
        &self,
        is_expected: impl FnOnce(&Stat) -> bool,
        is_right: impl FnOnce(&Stat) -> io::Result<bool>,
    ) -> io::Result<Swapped> {
        if let Some(change) = self.look(is_expected)? {
            return Ok(Swapped::Changed(change));
        }
        match self.disk.rename_new(self.at, self.aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Swapped::Changed(Change::Gone))
            }
            other => other.map(|()| self.check(is_right, || self.return_to_free_name())),
        }
    }

    /// Gives the name back to the edit that lies aside, while ours has it.
    ///
    /// A person may have saved once more, into our file or over it, or have removed it. Then the newest
    /// save gets the name, and the other one stays aside.
    pub fn give_back(&self, is_ours: impl FnOnce(&Stat) -> bool) -> Left {
        if let Err(error) = self.disk.exchange(self.aside, self.at) {
            return self.return_after(error);
        }
        match self.disk.lstat(self.aside.0, self.aside.1) {
            Ok(found) if is_ours(&found) => return Left::Ours,
            // What came out cannot be compared: the edit keeps its name.
            Err(error) => return Left::Stuck(error),
            Ok(_) => (),
        }
        // Not our file: somebody saved once more while ours had the name.
        match self.disk.exchange(self.aside, self.at) {
            Ok(()) => Left::Edit,
            Err(error) => self.return_after(error),
        }
    }

    /// Tells how the name differs from what `is_expected`.
    fn look(&self, is_expected: impl FnOnce(&Stat) -> bool) -> io::Result<Option<Change>> {
        Ok(match if_exists(self.disk.lstat(self.at.0, self.at.1))? {
            Some(found) if is_expected(&found) => None,
            Some(_) => Some(Change::Touched),
            None => Some(Change::Gone),
        })
    }

    /// Looks at what came out of the name.
    fn check(
        &self,
        is_right: impl FnOnce(&Stat) -> io::Result<bool>,
        undo: impl FnOnce() -> Left,
    ) -> Swapped {
        let came_out = self.disk.lstat(self.aside.0, self.aside.1);
        // What cannot be looked at may be an edit: back with it.
        if came_out.and_then(|stat| is_right(&stat)).unwrap_or(false) {
            Swapped::Done
        } else {
            Swapped::Undone(undo())
        }
    }

    /// Moves the edit back where an exchange failed because nobody has the name.
    fn return_after(&self, error: io::Error) -> Left {
        if error.kind() == io::ErrorKind::NotFound {
            self.return_to_free_name()
        } else {
            Left::Stuck(error)
        }
    }

    fn return_to_free_name(&self) -> Left {
        match self.disk.rename_new(self.aside, self.at) {
            Ok(()) => Left::Nothing,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Left::Edit,
            Err(error) => Left::Stuck(error),
        }
    }
}
