//! The decision for one path: one match over everything that three sides can show.
//!
//! Invariants known here: a path with a base row was once equal on both sides, and each side is
//! compared with that row alone, never with the other side's clock. What is unknowable or left
//! alone by rule never gets here.

use super::{Change, ConflictKind, Direction, LocalChange, RemoteChange, Untracked};
use crate::tree::Comparison;

/// What to do about one path. `unknown_loser` tells that what is overwritten or deleted is not what
/// the base knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// All sides agree.
    Agree,
    /// Record that both sides hold the same.
    Adopt,
    /// Drop the row.
    Forget,
    /// PUT under the condition that the bucket still shows what was seen.
    Upload {
        /// See above.
        unknown_loser: bool,
    },
    /// GET and swap under the condition that the disk still shows what was seen.
    Download {
        /// See above.
        unknown_loser: bool,
    },
    /// DELETE under the condition that the bucket still shows what was seen.
    DeleteRemote {
        /// See above.
        unknown_loser: bool,
    },
    /// Into the trash under the condition that the disk still shows what was seen.
    DeleteLocal {
        /// See above.
        unknown_loser: bool,
    },
    /// Changed here; not the way of this run.
    Ahead,
    /// Changed in the bucket; not the way of this run.
    Behind,
    /// Touch nothing.
    Conflict(ConflictKind),
}

const UPLOAD: Decision = Decision::Upload { unknown_loser: false };
const UPLOAD_OVER_UNKNOWN: Decision = Decision::Upload { unknown_loser: true };
const DOWNLOAD: Decision = Decision::Download { unknown_loser: false };
const DOWNLOAD_OVER_UNKNOWN: Decision = Decision::Download { unknown_loser: true };
const DELETE_REMOTE: Decision = Decision::DeleteRemote { unknown_loser: false };
const DELETE_REMOTE_UNKNOWN: Decision = Decision::DeleteRemote { unknown_loser: true };
const DELETE_LOCAL: Decision = Decision::DeleteLocal { unknown_loser: false };
const DELETE_LOCAL_UNKNOWN: Decision = Decision::DeleteLocal { unknown_loser: true };

/// Decides about one path. Total: every combination has its arm, and there is no other.
pub fn reconcile(change: Change, content: Comparison, direction: Direction) -> Decision {
    match change {
        Change::Tracked(local, remote) => tracked(local, remote, content, direction),
        Change::Untracked(side) => untracked(side, content, direction),
    }
}

/// Rows 1 to 11 of the table.
fn tracked(
    local: LocalChange,
    remote: RemoteChange,
    content: Comparison,
    direction: Direction,
) -> Decision {
    use Direction as D;
    use LocalChange as L;
    use RemoteChange as R;
    match (local, remote) {
        (L::Same, R::Same) => Decision::Agree,
        (L::Touched, R::Same) => Decision::Adopt,
        (L::Modified, R::Same) => match direction {
            D::Sync | D::Push | D::ForcedPush | D::MirrorPush => UPLOAD,
            D::Pull => Decision::Ahead,
            D::ForcedPull | D::MirrorPull => DOWNLOAD_OVER_UNKNOWN,
        },
        (L::Deleted, R::Same) => match direction {
            D::Sync | D::Push | D::ForcedPush | D::MirrorPush => DELETE_REMOTE,
            D::Pull => Decision::Ahead,
            D::ForcedPull | D::MirrorPull => DOWNLOAD,
        },
        (L::Same | L::Touched, R::Modified) => match direction {
            D::Sync | D::Pull | D::ForcedPull | D::MirrorPull => DOWNLOAD,
            D::Push => Decision::Behind,
            D::ForcedPush | D::MirrorPush => UPLOAD_OVER_UNKNOWN,
        },
        (L::Same | L::Touched, R::Deleted) => match direction {
            D::Sync | D::Pull | D::ForcedPull | D::MirrorPull => DELETE_LOCAL,
            D::Push => Decision::Behind,
            D::ForcedPush | D::MirrorPush => UPLOAD,
        },
        (L::Modified, R::Modified) => both_sides(content, ConflictKind::BothChanged, direction),
        (L::Modified, R::Deleted) => match direction {
            D::Sync | D::Push | D::Pull => Decision::Conflict(ConflictKind::DeletedThere),
            D::ForcedPush | D::MirrorPush => UPLOAD,
            D::ForcedPull | D::MirrorPull => DELETE_LOCAL_UNKNOWN,
        },
        (L::Deleted, R::Modified) => match direction {
            D::Sync | D::Push | D::Pull => Decision::Conflict(ConflictKind::DeletedHere),
            D::ForcedPush | D::MirrorPush => DELETE_REMOTE_UNKNOWN,
            D::ForcedPull | D::MirrorPull => DOWNLOAD,
        },
        (L::Deleted, R::Deleted) => Decision::Forget,
    }
}

/// Rows 12 to 15 of the table.
fn untracked(side: Untracked, content: Comparison, direction: Direction) -> Decision {
    use Direction as D;
    match side {
        Untracked::Local => match direction {
            D::Sync | D::Push | D::ForcedPush | D::MirrorPush => UPLOAD,
            D::Pull | D::ForcedPull => Decision::Ahead,
            D::MirrorPull => DELETE_LOCAL_UNKNOWN,
        },
        Untracked::Remote => match direction {
            D::Sync | D::Pull | D::ForcedPull | D::MirrorPull => DOWNLOAD,
            D::Push | D::ForcedPush => Decision::Behind,
            D::MirrorPush => DELETE_REMOTE_UNKNOWN,
        },
        Untracked::Both => both_sides(content, ConflictKind::BothCreated, direction),
    }
}

/// Both sides have something that the base does not know.
fn both_sides(content: Comparison, kind: ConflictKind, direction: Direction) -> Decision {
    match (content, direction) {
        (Comparison::Same, _) => Decision::Adopt,
        (
            Comparison::Different | Comparison::Unknown,
            Direction::Sync | Direction::Push | Direction::Pull,
        ) => Decision::Conflict(kind),
        (
            Comparison::Different | Comparison::Unknown,
            Direction::ForcedPush | Direction::MirrorPush,
        ) => UPLOAD_OVER_UNKNOWN,
        (
            Comparison::Different | Comparison::Unknown,
            Direction::ForcedPull | Direction::MirrorPull,
        ) => DOWNLOAD_OVER_UNKNOWN,
    }
}
