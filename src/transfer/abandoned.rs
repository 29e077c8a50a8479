//! What earlier runs began and nobody wants any more.

use super::report::Report;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::plan::{Action, Direction};
use crate::remote::{Remote, UploadId};
use crate::repository::checkpoints::{Checkpoint, Checkpoints, Transfer, Way};
use crate::session::{Locked, Session};
use crate::tree::RepoPath;

/// Removes the checkpoints of an action that took effect and is recorded. An upload that an earlier run
/// began, and for which this action had no use, would stay in the bucket for ever: it ends here.
pub(super) async fn forget_checkpoints<D: Disk, C: Clock>(
    session: &Session<D, C>,
    action: &Action,
) {
    let here = action.local.map_or(0, |stat| stat.size);
    let there = action.remote.as_ref().map_or(0, |version| version.size);
    let has_checkpoints =
        here.max(there) > session.limits.tuning.whole_bytes || action.origin().is_some();
    for path in [Some(&action.path), action.copy()].into_iter().flatten() {
        let unused = session
            .files
            .checkpoints
            .as_ref()
            .and_then(|checkpoints| checkpoints.take(Way::Up, path));
        if let Some(checkpoint) = &unused {
            end_upload(&*session.store.remote, checkpoint).await;
        }
        if has_checkpoints || unused.is_some() {
            session.files.forget_checkpoint(Way::Up, path);
            session.files.forget_checkpoint(Way::Down, path);
        }
    }
}

/// Ends the transfers that were broken off and that a run over everything in `direction` found no
/// reason to go on with: uploads are thrown away in the bucket, downloads here. A run that did not come
/// to its end may not have got to them.
pub async fn drop_abandoned<D: Disk, C: Clock>(
    run: &Locked<'_, D, C>,
    direction: Direction,
    report: &Report,
) {
    if report.failed > 0 || report.interrupted || report.fatal.is_some() {
        return;
    }
    let world = run.world;
    // What cannot be read now is worthless, and read again by the next run.
    let Ok(checkpoints) = Checkpoints::open(&world.disk, &world.repository.control) else { return };
    let mut is_unswept = false;
    for checkpoint in checkpoints.abandoned() {
        match checkpoint.transfer.way() {
            Way::Up if direction.writes_remote() => end_upload(&*world.remote, &checkpoint).await,
            Way::Down if direction.writes_local() => is_unswept = true,
            Way::Up | Way::Down => continue,
        }
        checkpoints.forget(checkpoint.transfer.way(), checkpoint.transfer.path());
    }
    if is_unswept && let Ok(checkpoints) = Checkpoints::open(&world.disk, &world.repository.control)
    {
        // What cannot be swept now is swept by the next command.
        world.swept_staging(&checkpoints).map(drop).unwrap_or_default();
    }
}

/// Throws the upload of a checkpoint away; `lsync clean --uploads` ends what cannot be ended now.
async fn end_upload(remote: &dyn Remote, checkpoint: &Checkpoint) {
    if let Transfer::Up { path, upload, .. } = &checkpoint.transfer
        && let Ok(path) = RepoPath::parse(path)
    {
        remote.abort_upload(&path, &UploadId(upload.clone())).await.unwrap_or_default();
    }
}
