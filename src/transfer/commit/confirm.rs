//! The row of a file that has just got its name: believed only once nothing can hide behind it.

use std::ffi::OsStr;

use super::effect::{Effect, Placed};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::repository::Change;
use crate::session::Session;
use crate::tree::{BaseRow, Comparison, RepoPath, Signature};

/// Larger files are not read a second time: that would cost more than the rest of the download. An
/// edit in the very tick of the rename (1 to 10 ms), of the same size and with the mtime put back, is
/// not seen then (docs/safety.md).
const READ_AGAIN_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Confirms the rows of a group's fetched and renamed files.
///
/// The syncs of the group have mostly taken longer than a tick, and no second file waits.
pub(super) async fn confirm_all<D: Disk, C: Clock>(
    session: &Session<D, C>,
    effects: &mut [Effect<D>],
) {
    session.files.forget_clock_reading();
    for effect in effects {
        let Some(placed) = &effect.placed else { continue };
        for change in &mut effect.changes {
            if let Change::Put(row) = change {
                confirm(session, row, placed).await;
            }
        }
    }
}

/// Reads such a file under its name once the tick of the rename has passed.
///
/// The rename itself moved the ctime, so that an edit in the same tick, of the same size and with
/// the mtime put back, shows in nothing but the bytes. Where they are not the ones, the row
/// gets ctime 0, and the next run looks.
pub(in crate::transfer) async fn confirm<D: Disk, C: Clock>(
    session: &Session<D, C>,
    row: &mut BaseRow,
    placed: &Placed,
) {
    if !holds(session, &row.path, &row.signature, placed).await {
        row.signature.ctime = 0;
    }
}

async fn holds<D: Disk, C: Clock>(
    session: &Session<D, C>,
    path: &RepoPath,
    signature: &Signature,
    placed: &Placed,
) -> bool {
    let Ok(folder) = session.files.open_parent(path) else { return false };
    let Ok(stat) = session.files.disk.lstat(&folder, OsStr::new(path.name())) else { return false };
    if stat.signature() != *signature {
        return false;
    }
    if stat.size > READ_AGAIN_BYTES_MAX {
        return true;
    }
    let passed = session.files.wait_for_tick(path, &stat).await;
    let Some(want) = placed.proof.want() else { return false };
    match passed.and_then(|()| session.files.hash_in(&folder, path, &stat, &want)) {
        Ok(hashed) => placed.proof.compare(&hashed.digests) == Comparison::Same,
        Err(_) => placed.is_closed(&stat),
    }
}
