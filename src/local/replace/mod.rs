//! Gives files their names in the working copy, and takes names away, so that no edit is lost.
//!
//! Everything here assumes that a person may change the name between any two calls, and goes by the
//! contract of [`crate::disk::swap`]. Aside is a slot: a free name in a folder of the trash on the same
//! file system. Whoever gives it out has written down before what will be moved there, so that a
//! killed run can be settled.

mod apart;
mod draft;
mod emptying;
mod error;
mod fallback;
mod likeness;
mod staging;
mod target;
#[cfg(test)]
mod tests;

use std::io;

pub use draft::{Draft, Staged};
pub use error::{Lost, ReplaceError, Step};
pub use staging::{Parent, Staging, Workspace};
pub use target::{Outcome, Target, row_signature};

pub use crate::disk::swap::Change;

use self::emptying::remove_empty_tree;
use self::fallback::WithoutExchange;
use crate::disk::swap::{Left, NameIn, Swap, Swapped};
use crate::disk::{Disk, is_kind};
use crate::tree::{Kind, Signature, Stat};

/// Gives the staged file a name that nobody has; a folder without a file in it gives way.
pub fn create_new<D: Disk>(
    disk: &D,
    staged: &Staged<D>,
    target: &Target<'_, D>,
) -> Result<Outcome<Signature>, ReplaceError> {
    let (folder, name) = target.name();
    let mut given = disk.rename_new(staged.name(), (folder, name));
    if is_kind(&given, io::ErrorKind::AlreadyExists)
        && remove_empty_tree(disk, folder, name).is_ok()
    {
        given = disk.rename_new(staged.name(), (folder, name));
    }
    match given {
        Ok(()) => Ok(Outcome::Done(row_signature(disk, target, &staged.stat))),
        Err(error) => {
            staged.discard(disk);
            match error.kind() {
                io::ErrorKind::AlreadyExists => Ok(Outcome::Changed(Change::Present)),
                // The folder itself was removed after it was opened.
                io::ErrorKind::NotFound => Ok(Outcome::Changed(Change::Gone)),
                _ => Err(target.error(Step::Move)(error)),
            }
        }
    }
}

/// Gives the file that looks like `expected` a name that nobody has; a folder without a file in it
/// gives way. What a person wrote in the last moment has the old name again, or, where that is taken,
/// the new one.
pub fn rename<D: Disk>(
    disk: &D,
    old: &Target<'_, D>,
    new: &Target<'_, D>,
    expected: &Stat,
) -> Result<Outcome<Signature>, ReplaceError> {
    let swap = Swap { disk, at: old.name(), aside: new.name() };
    let take = || swap.take(|it| it.is_untouched(expected), |it| Ok(it.is_same_file(expected)));
    let mut taken = take();
    if is_kind(&taken, io::ErrorKind::AlreadyExists)
        && remove_empty_tree(disk, new.folder, new.name().1).is_ok()
    {
        taken = take();
    }
    match taken {
        Ok(Swapped::Done) => Ok(Outcome::Done(row_signature(disk, new, expected))),
        Ok(Swapped::Changed(change)) => Ok(Outcome::Changed(change)),
        Ok(Swapped::Undone(_)) => Ok(Outcome::Changed(Change::Touched)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Ok(Outcome::Changed(Change::Present))
        }
        Ok(Swapped::Refused(error)) | Err(error) => Err(new.error(Step::Move)(error)),
    }
}

/// Puts the staged file in the place of the file that looks like `expected`, which goes to `slot`.
///
/// The name is never empty in between. What a person wrote in the last moment is put back.
pub fn swap<D: Disk>(
    disk: &D,
    staged: &Staged<D>,
    target: &Target<'_, D>,
    expected: &Stat,
    slot: NameIn<'_, D>,
) -> Result<Outcome<Signature>, ReplaceError> {
    let swap = Swap { disk, at: target.name(), aside: slot };
    let is_right = |came_out: &Stat| Ok(came_out.is_same_file(expected));
    let put = swap.put(staged.name(), |it| staged.is(it), |it| it.is_untouched(expected), is_right);
    match outcome(disk, staged, (target, expected), put)? {
        Outcome::NoExchange => WithoutExchange { disk, staged, target, slot }.swap(expected),
        outcome => Ok(outcome),
    }
}

/// Puts the staged file in the place of the folder with the inode of `expected`, which goes to
/// `slot` as a whole.
///
/// The caller has looked at what is in the folder, and does so again (`still_as_checked`) once it
/// has lost its name: what a person put there in the last moment comes back with the folder.
/// [`Outcome::NoExchange`]: [`remove_folder`] and [`create_new`] instead, after the base row was dropped.
pub fn swap_folder<D: Disk>(
    disk: &D,
    staged: &Staged<D>,
    (target, expected): (&Target<'_, D>, &Stat),
    slot: NameIn<'_, D>,
    still_as_checked: impl Fn(&D::Folder) -> io::Result<bool>,
) -> Result<Outcome<Signature>, ReplaceError> {
    let swap = Swap { disk, at: target.name(), aside: slot };
    let is_it = |stat: &Stat| stat.kind == Kind::Folder && stat.is_same_inode(expected);
    let put = swap.put(
        staged.name(),
        |it| staged.is(it),
        is_it,
        |came_out| Ok(is_it(came_out) && still_as_checked(&disk.open_folder(slot.0, slot.1)?)?),
    );
    outcome(disk, staged, (target, expected), put)
}

/// Says what a swap means for the staged file, which is removed where it does not get the name.
fn outcome<D: Disk>(
    disk: &D,
    staged: &Staged<D>,
    (target, expected): (&Target<'_, D>, &Stat),
    put: io::Result<Swapped>,
) -> Result<Outcome<Signature>, ReplaceError> {
    let outcome = match put {
        Ok(Swapped::Done) => return Ok(Outcome::Done(row_signature(disk, target, &staged.stat))),
        Ok(Swapped::Undone(left)) => return Ok(undone(&left)),
        Ok(Swapped::Refused(error)) if cannot_exchange(expected.kind, &error) => {
            return Ok(Outcome::NoExchange);
        }
        Ok(Swapped::Changed(change)) => Ok(Outcome::Changed(change)),
        Ok(Swapped::Refused(error)) | Err(error) => Err(target.not_moved(error)),
    };
    staged.discard(disk);
    outcome
}

/// Moves the file or folder that looks like `expected` to `slot`.
///
/// A folder is the expected one by its inode; whoever removes a whole folder looks at what is in it
/// before.
pub fn remove<D: Disk>(
    disk: &D,
    target: &Target<'_, D>,
    expected: &Stat,
    slot: NameIn<'_, D>,
) -> Result<Outcome<()>, ReplaceError> {
    remove_folder(disk, (target, expected), slot, |_| Ok(true))
}

/// As [`remove`], for a whole folder: what is in it is looked at once more when it has lost its name,
/// and a folder in which a person put something in the last moment comes back. A folder that cannot be
/// moved as a whole goes to the slot file by file.
pub fn remove_folder<D: Disk>(
    disk: &D,
    (target, expected): (&Target<'_, D>, &Stat),
    slot: NameIn<'_, D>,
    still_as_checked: impl Fn(&D::Folder) -> io::Result<bool>,
) -> Result<Outcome<()>, ReplaceError> {
    let is_folder = expected.kind == Kind::Folder;
    let is_it = |stat: &Stat| match stat.kind {
        Kind::Folder => is_folder && stat.is_same_inode(expected),
        _ => stat.is_same_file(expected),
    };
    let taken = Swap { disk, at: target.name(), aside: slot }.take(
        |found| is_it(found) && (is_folder || found.is_untouched(expected)),
        |moved| {
            let holds_it = || still_as_checked(&disk.open_folder(slot.0, slot.1)?);
            Ok(is_it(moved) && (!is_folder || holds_it()?))
        },
    );
    match taken {
        Ok(Swapped::Done) => Ok(Outcome::Done(())),
        Ok(Swapped::Changed(change)) => Ok(Outcome::Changed(change)),
        Ok(Swapped::Undone(left)) => Ok(undone(&left)),
        Err(error) if is_folder && error.kind() == io::ErrorKind::CrossesDevices => {
            apart::take(disk, (target, expected), slot, still_as_checked)
        }
        Ok(Swapped::Refused(error)) | Err(error) => Err(target.not_moved(error)),
    }
}

/// Says what lies in the slot after a person was faster by a moment.
fn undone<T>(left: &Left) -> Outcome<T> {
    match left {
        Left::Nothing => Outcome::Changed(Change::Touched),
        Left::Ours => Outcome::Returned,
        Left::Edit | Left::Stuck(_) => Outcome::EditInSlot,
    }
}

/// Tells whether the file system does not have this call at all, or whether it is a folder that has to
/// stay where it is (overlayfs); what is in it need not.
fn cannot_exchange(kind: Kind, error: &io::Error) -> bool {
    match error.kind() {
        io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput => true,
        io::ErrorKind::CrossesDevices => kind == Kind::Folder,
        _ => false,
    }
}
