//! The row of a file that has just got its name: believed only once nothing can hide behind it.

use std::ffi::OsStr;

use super::commit::Effect;
use super::down::{Fetched, Received};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::Want;
use crate::repository::Change;
use crate::session::Session;
use crate::tree::{BaseRow, RepoPath, Signature, Stat};

/// Larger files are not read a second time: that would cost more than the rest of the download. An
/// edit in the very tick of the rename (1 to 10 ms), of the same size and with the mtime put back, is
/// not seen then (docs/safety.md).
const READ_AGAIN_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Permission bits with which somebody can write.
const WRITE_BITS: u32 = 0o222;

/// A fetched file, as it was when it got its name.
#[derive(Clone)]
pub(super) struct Placed {
    /// What came.
    pub(super) received: Received,
    /// Its permission bits.
    mode: u32,
}

impl Placed {
    /// Remembers what is about to get its name.
    pub(super) fn of<D: Disk>(fetched: &Fetched<D>) -> Self {
        Self { received: fetched.received.clone(), mode: fetched.staged.stat.mode }
    }

    /// Tells whether nobody can write the file, so that it need not be readable either.
    ///
    /// One that is closed now and was not then has been changed by somebody, who may have written
    /// before.
    fn is_closed(&self, stat: &Stat) -> bool {
        stat.mode == self.mode && stat.mode & WRITE_BITS == 0
    }
}

/// Confirms the rows of a group's fetched files.
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

/// Reads a fetched file under its name once the tick of the rename has passed.
///
/// The rename itself moved the ctime, so that an edit in the same tick, of the same size and with
/// the mtime put back, shows in nothing but the bytes. Where they are not what came, the row
/// gets ctime 0, and the next run looks.
pub(super) async fn confirm<D: Disk, C: Clock>(
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
    match passed.and_then(|()| session.files.hash_in(&folder, path, &stat, &Want::default())) {
        Ok(hashed) => hashed.digests.crc64 == placed.received.crc64,
        Err(_) => placed.is_closed(&stat),
    }
}
