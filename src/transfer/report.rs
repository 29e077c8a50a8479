//! [`Report`]: what a run did, in numbers.

use crate::plan::{Action, ActionKind, Plan};
use crate::remote::RemoteError;

/// Files that were renamed here and are in the bucket under their new names. They are among those that
/// were stored or copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moves {
    /// Files whose bytes went over the line.
    pub sent: u64,
    /// Bytes of these.
    pub bytes_sent: u64,
    /// Files that the store copied.
    pub copied: u64,
    /// Bytes of these.
    pub bytes_copied: u64,
}

/// What a run did, in numbers; the single paths went to the monitor.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Files stored in the bucket.
    pub uploaded: u64,
    /// Files fetched from it.
    pub downloaded: u64,
    /// Files that got another name here, as they had it in the bucket.
    pub moved_in_bucket: u64,
    /// Bytes of these.
    pub bytes_moved_in_bucket: u64,
    /// Files that have another name in the bucket now, as they had it here.
    pub moves: Moves,
    /// Files that went to the trash here.
    pub deleted_local: u64,
    /// Objects deleted in the bucket, but for those that have another name there.
    pub deleted_remote: u64,
    /// Conflicts settled by keeping both.
    pub kept_both: u64,
    /// Paths found equal and recorded.
    pub adopted: u64,
    /// Paths that the database forgot.
    pub forgotten: u64,
    /// Bytes of the files stored.
    pub bytes_uploaded: u64,
    /// Files that the store copied from another object of the bucket; not counted as stored.
    pub copied: u64,
    /// Bytes of these.
    pub bytes_copied: u64,
    /// Bytes of the files fetched.
    pub bytes_downloaded: u64,
    /// Paths that failed.
    pub failed: u64,
    /// Paths that somebody changed between plan and action; left as they are.
    pub changed_meanwhile: u64,
    /// Of these, the paths that a run met in the bucket because it had not listed it: the same command
    /// again would meet them again.
    pub changed_unseen: u64,
    /// Of the paths that failed, those whose write the store refused for lack of rights.
    pub denied_writes: u64,
    /// Of the paths that failed or changed, those that fail again ([`ItemKind::fails_again`]).
    ///
    /// [`ItemKind::fails_again`]: crate::monitor::ItemKind::fails_again
    pub failing_again: u64,
    /// Conflicts that stay open.
    pub conflicts: u64,
    /// Paths that cannot be handled, and those that are followed no more.
    pub incomplete: u64,
    /// Of these, the paths that are followed no more.
    pub dropped: u64,
    /// Deletions that `--no-delete` left out.
    pub withheld_deletions: u64,
    /// Actions that `--limit` left out.
    pub beyond_limit: u64,
    /// Paths that changed here and wait for a push.
    pub ahead: u64,
    /// Paths that changed in the bucket and wait for a pull.
    pub behind: u64,
    /// Of these, the paths that were deleted there.
    pub behind_deleted: u64,
    /// Somebody asked to end before everything was done.
    pub interrupted: bool,
    /// What ended the run before everything was done; what was done is recorded.
    pub fatal: Option<RemoteError>,
}

impl Report {
    /// Begins the report of a plan: what it leaves open.
    pub fn of(plan: &Plan) -> Self {
        Self {
            conflicts: plan.conflicts.len() as u64,
            incomplete: plan.notices.iter().filter(|notice| notice.incomplete).count() as u64,
            dropped: plan.dropped(),
            withheld_deletions: plan.withheld_deletions,
            beyond_limit: plan.beyond_limit,
            ahead: plan.ahead,
            behind: plan.behind,
            behind_deleted: plan.behind_deleted,
            ..Self::default()
        }
    }

    /// Counts an action that was carried out and recorded.
    pub(super) fn count(&mut self, action: &Action) {
        let bytes = action.bytes();
        match action.kind {
            ActionKind::Upload => {
                self.uploaded += 1;
                self.bytes_uploaded += bytes;
            }
            ActionKind::Download | ActionKind::ReplaceFolder => {
                self.downloaded += 1;
                self.bytes_downloaded += bytes;
                self.deleted_local += action.folder().len() as u64;
            }
            ActionKind::KeepBoth => self.kept_both += 1,
            ActionKind::DeleteLocal => self.deleted_local += 1,
            ActionKind::MoveLocal => self.moved_in_bucket += 1,
            // The file was counted with its new name.
            ActionKind::DeleteRemote if action.has_moved_away() => (),
            ActionKind::DeleteRemote => self.deleted_remote += 1,
            ActionKind::Adopt => self.adopted += 1,
            // Counted with the folder.
            ActionKind::Forget if action.goes_with_folder() => (),
            ActionKind::Forget => self.forgotten += 1,
        }
    }

    /// Counts a file that has another name than before, on both sides.
    pub(super) fn count_moved(&mut self, action: &Action, is_copied: bool) {
        let bytes = action.local.map_or(0, |stat| stat.size);
        match (action.moved_from(), action.kind, is_copied) {
            (None, ..) => (),
            (Some(_), ActionKind::MoveLocal, _) => self.bytes_moved_in_bucket += bytes,
            (Some(_), _, true) => {
                self.moves.copied += 1;
                self.moves.bytes_copied += bytes;
            }
            (Some(_), _, false) => {
                self.moves.sent += 1;
                self.moves.bytes_sent += bytes;
            }
        }
    }

    /// Returns how many files have another name in the bucket now, as they had it here.
    pub fn moved_here(&self) -> u64 {
        self.moves.sent + self.moves.copied
    }

    /// Counts a file that the store made out of another object.
    pub(super) fn count_copied(&mut self, bytes: u64) {
        self.copied += 1;
        self.bytes_copied += bytes;
    }

    /// Tells whether the store refused every write: more than one, since a single one may be about that
    /// path alone, and not one got through.
    pub fn may_not_write(&self) -> bool {
        let written = self.uploaded + self.copied + self.deleted_remote + self.kept_both;
        self.denied_writes > 1 && written == 0
    }

    /// Tells whether nothing was done that the database knows of.
    pub fn is_untouched(&self) -> bool {
        let done = [
            self.uploaded,
            self.copied,
            self.downloaded,
            self.moved_in_bucket,
            self.deleted_local,
            self.deleted_remote,
            self.kept_both,
            self.adopted,
            self.forgotten,
        ];
        done.iter().all(|count| *count == 0)
    }

    /// Tells whether everything that was planned was done, and nothing is left open.
    pub fn is_complete(&self) -> bool {
        !self.interrupted
            && self.fatal.is_none()
            && self.failed + self.changed_meanwhile + self.incomplete + self.beyond_limit == 0
    }
}
