//! What earlier runs began and nobody wants any more.

use super::context::World;
use super::report::Report;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::plan::Direction;
use crate::remote::{Remote, UploadId};
use crate::repository::notes::{Notes, Transfer};
use crate::tree::RepoPath;

/// Ends the transfers that were broken off and that a run over everything in `direction` found no
/// reason to go on with: uploads are thrown away in the bucket, downloads are swept by the next
/// command. A run that did not come to its end may not have got to them.
pub async fn drop_left_over<D: Disk, R: Remote, C: Clock>(
    world: &World<D, R, C>,
    direction: Direction,
    report: &Report,
) {
    if report.failed > 0 || report.interrupted || report.fatal.is_some() {
        return;
    }
    // What cannot be read now is worthless, and read again by the next run.
    let Ok(notes) = Notes::open(&world.disk, &world.repository.control) else { return };
    for note in notes.left_over() {
        let transfer = &note.transfer;
        match transfer {
            Transfer::Up { path, upload, .. } if direction.writes_remote() => {
                let id = UploadId(upload.clone());
                if let Ok(path) = RepoPath::parse(path) {
                    // `lsync clean --uploads` ends what cannot be ended now.
                    world.remote.abort_upload(&path, &id).await.unwrap_or_default();
                }
            }
            Transfer::Down { .. } if direction.writes_local() => (),
            Transfer::Up { .. } | Transfer::Down { .. } => continue,
        }
        notes.forget(transfer.way(), transfer.path());
    }
}
