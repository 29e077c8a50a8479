//! Replacing where two names cannot be exchanged in one step (network file systems, FAT).
//!
//! The name is never empty here either: the old file gets a second name in the trash (or, where
//! there are no links, a copy there), and the staged file is renamed over the first. What is
//! written into the old file up to the rename is in the trash with it; only a file that a person
//! renames there between the last look and the rename, one system call later, is not seen.

use std::ffi::OsString;
use std::io;

use super::{Change, Outcome, ReplaceError, Step, Swap, look, row_signature};
use crate::disk::{Disk, is_link_error};
use crate::tree::{Signature, Stat};

/// Bytes that are copied at a time.
const COPY_PIECE_BYTES: usize = 1 << 20;

/// Puts the staged file, which lies in its staging folder, in the place of the expected one.
pub(super) fn swap<D: Disk>(
    swap: &Swap<'_, D>,
    expected: &Stat,
) -> Result<Outcome<Signature>, ReplaceError> {
    let kept = match swap.disk.link(swap.target.name(), swap.slot) {
        Ok(()) => keep_link(swap, expected),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(Change::Gone)),
        Err(_) => keep_copy(swap, expected),
    };
    match kept {
        Ok(None) => (),
        Ok(Some(change)) => {
            discard(swap);
            return Ok(Outcome::Changed(change));
        }
        Err(error) => {
            discard(swap);
            return Err(error);
        }
    }
    let staged = (&swap.staged.folder, swap.staged.name.as_os_str());
    if let Err(error) = swap.disk.rename_over(staged, swap.target.name()) {
        let withdrawn = swap.withdraw(Change::Touched)?;
        discard(swap);
        return match error.kind() {
            io::ErrorKind::IsADirectory => Ok(withdrawn),
            _ => Err(swap.target.error(Step::Move)(error)),
        };
    }
    let (folder, name) = swap.slot;
    let stat = swap.disk.lstat(folder, name).map_err(swap.target.error(Step::Look))?;
    if (stat.size, stat.mtime) != (expected.size, expected.mtime) {
        return Ok(Outcome::EditInSlot);
    }
    Ok(Outcome::Done(row_signature(swap.disk, swap.target, &swap.staged.stat)))
}

/// Checks that the link in the slot is the expected file and that the name still shows it.
///
/// Returns how the name changed; the link is removed again then.
fn keep_link<D: Disk>(swap: &Swap<'_, D>, expected: &Stat) -> Result<Option<Change>, ReplaceError> {
    let (folder, name) = swap.slot;
    let linked = swap.disk.lstat(folder, name).map_err(swap.target.error(Step::Look))?;
    let change = match look(swap.disk, swap.target)? {
        None => Some(Change::Gone),
        Some(found) if linked.is_same_file(expected) && found.is_untouched(&linked) => None,
        Some(_) => Some(Change::Touched),
    };
    if change.is_some() {
        swap.withdraw(Change::Touched)?;
    }
    Ok(change)
}

/// Copies the expected file to the slot: complete, durable and with its mtime before it gets there.
fn keep_copy<D: Disk>(swap: &Swap<'_, D>, expected: &Stat) -> Result<Option<Change>, ReplaceError> {
    let mut copy = swap.staged.name.clone();
    copy.push("-old");
    let change = match copy_to(swap, expected, &copy) {
        Ok(change) => change,
        Err(error) => {
            swap.disk.unlink(&swap.staged.folder, &copy).unwrap_or_default();
            return Err(swap.target.error(Step::Stage)(error));
        }
    };
    if change.is_some() {
        swap.disk.unlink(&swap.staged.folder, &copy).unwrap_or_default();
        return Ok(change);
    }
    swap.disk
        .rename_new((&swap.staged.folder, &copy), swap.slot)
        .map_err(swap.target.error(Step::Move))?;
    let change = match look(swap.disk, swap.target)? {
        None => Change::Gone,
        Some(found) if found.is_untouched(expected) => return Ok(None),
        Some(_) => Change::Touched,
    };
    swap.withdraw(change)?;
    Ok(Some(change))
}

/// Copies the target to `copy` in the staging folder; returns how it differs from the expected.
fn copy_to<D: Disk>(
    swap: &Swap<'_, D>,
    expected: &Stat,
    copy: &OsString,
) -> io::Result<Option<Change>> {
    let (folder, name) = swap.target.name();
    let old = match swap.disk.open(folder, name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(Change::Gone)),
        Err(error) if is_link_error(&error) || error.kind() == io::ErrorKind::IsADirectory => {
            return Ok(Some(Change::Touched));
        }
        other => other?,
    };
    if !swap.disk.fstat(&old)?.is_untouched(expected) {
        return Ok(Some(Change::Touched));
    }
    let new = swap.disk.create(&swap.staged.folder, copy, 0o600)?;
    let mut buffer = vec![0; COPY_PIECE_BYTES];
    let mut offset = 0;
    loop {
        let count = swap.disk.read_at(&old, &mut buffer, offset)?;
        if count == 0 {
            break;
        }
        swap.disk.write(&new, &buffer[..count])?;
        offset += count as u64;
    }
    if !swap.disk.fstat(&old)?.is_untouched(expected) || offset != expected.size {
        return Ok(Some(Change::Touched));
    }
    swap.disk.set_mode(&new, expected.mode & 0o777)?;
    swap.disk.set_mtime(&new, expected.mtime)?;
    swap.disk.sync_file(&new)?;
    Ok(None)
}

/// Removes the staged file from its staging folder, or leaves it to the next sweep.
fn discard<D: Disk>(swap: &Swap<'_, D>) {
    swap.disk.unlink(&swap.staged.folder, &swap.staged.name).unwrap_or_default();
}
