//! What earlier runs began and nobody wants any more.

use super::report::Report;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::plan::{Action, Direction};
use crate::remote::{Remote, UploadId};
use crate::repository::notes::{Note, Notes, Transfer, Way};
use crate::session::{Locked, Session};
use crate::tree::RepoPath;

/// Removes the notes of an action that took effect and is recorded. An upload that an earlier run
/// began, and for which this action had no use, would stay in the bucket for ever: it ends here.
pub(super) async fn forget_notes<D: Disk, C: Clock>(session: &Session<D, C>, action: &Action) {
    let here = action.local.map_or(0, |stat| stat.size);
    let there = action.remote.as_ref().map_or(0, |version| version.size);
    let takes_notes =
        here.max(there) > session.limits.tuning.whole_bytes || action.origin().is_some();
    for path in [Some(&action.path), action.copy()].into_iter().flatten() {
        let unused = session.files.notes.as_ref().and_then(|notes| notes.take(Way::Up, path));
        if let Some(note) = &unused {
            end_upload(&*session.store.remote, note).await;
        }
        if takes_notes || unused.is_some() {
            session.files.forget_note(Way::Up, path);
            session.files.forget_note(Way::Down, path);
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
    let Ok(notes) = Notes::open(&world.disk, &world.repository.control) else { return };
    let mut is_unswept = false;
    for note in notes.left_over() {
        match note.transfer.way() {
            Way::Up if direction.writes_remote() => end_upload(&*world.remote, &note).await,
            Way::Down if direction.writes_local() => is_unswept = true,
            Way::Up | Way::Down => continue,
        }
        notes.forget(note.transfer.way(), note.transfer.path());
    }
    if is_unswept && let Ok(notes) = Notes::open(&world.disk, &world.repository.control) {
        // What cannot be swept now is swept by the next command.
        world.swept_staging(&notes).map(drop).unwrap_or_default();
    }
}

/// Throws the upload of a note away; `lsync clean --uploads` ends what cannot be ended now.
async fn end_upload(remote: &dyn Remote, note: &Note) {
    if let Transfer::Up { path, upload, .. } = &note.transfer
        && let Ok(path) = RepoPath::parse(path)
    {
        remote.abort_upload(&path, &UploadId(upload.clone())).await.unwrap_or_default();
    }
}
