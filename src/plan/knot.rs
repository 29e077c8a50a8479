//! The decision for a knot: a file on one side, a folder of the same name on another.
//!
//! Each path is decided by itself first. The knot then asks what each side would look like
//! afterwards: a name cannot be a file and a folder at once, so a result of that shape, or a
//! conflict anywhere in the knot, leaves all of it alone.

use super::{
    Change, Content, Decision, Direction, LocalChange, RemoteChange, Untracked, reconcile,
};

/// One path of a knot: what three sides show, or that it is left alone on all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// Decided like any other path.
    Known(Change, Content),
    /// Marked by the scan, or outside the selection.
    LeftAlone {
        /// Something stands here on the disk, which no file and no folder can replace.
        here: bool,
        /// An object stands at the key.
        there: bool,
    },
}

/// What to do about a knot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnotVerdict {
    /// One decision for the top, and one for each path below, in their order.
    Decided {
        /// For the file at the top.
        top: Decision,
        /// For each path below.
        below: Vec<Decision>,
        /// The object at the top takes the place of the whole local folder in one exchange.
        replace_folder: bool,
    },
    /// The two sides disagree: a conflict at the top for all of it.
    Conflict,
    /// The bucket holds a file and a folder of one name, which no disk can.
    Clash,
    /// Something that is left alone by rule stands in the way.
    Blocked,
}

/// What a decision leaves of a path on each side.
struct After {
    here: bool,
    there: bool,
}

/// Decides about a knot. `implicit_force` is `push FILE`, whose force does not reach into folders.
pub fn reconcile_knot(
    top: Member,
    below: &[Member],
    direction: Direction,
    implicit_force: bool,
) -> KnotVerdict {
    if implicit_force && below.iter().any(|member| is_anywhere(*member)) {
        return KnotVerdict::Conflict;
    }
    let wins = match direction {
        Direction::Sync | Direction::Push | Direction::Pull => false,
        Direction::ForcedPush
        | Direction::ForcedPull
        | Direction::MirrorPush
        | Direction::MirrorPull => true,
    };
    // A forced run leaves alone what only one side has, as long as that fits; where it does not,
    // the shape that wins takes along what stands in its way.
    match attempt(top, below, direction) {
        Some(verdict) => verdict,
        None if wins => {
            attempt(top, below, mirrored(direction)).unwrap_or_else(|| unsound(top, below, true))
        }
        None => unsound(top, below, false),
    }
}

/// Decides each path by itself; `None` where the results do not fit together.
fn attempt(top: Member, below: &[Member], direction: Direction) -> Option<KnotVerdict> {
    let top_decision = decide(top, direction);
    let decisions: Vec<_> = below.iter().map(|member| decide(*member, direction)).collect();
    let is_conflict = |decision: &Decision| matches!(decision, Decision::Conflict(_));
    if is_conflict(&top_decision) || decisions.iter().any(is_conflict) {
        return Some(KnotVerdict::Conflict);
    }
    let top_after = after(top, top_decision);
    let below_after =
        || below.iter().zip(&decisions).map(|(member, decision)| after(*member, *decision));
    if (top_after.here && below_after().any(|after| after.here))
        || (top_after.there && below_after().any(|after| after.there))
    {
        return None;
    }
    let folder_is_here = below.iter().any(|member| exists(*member).here);
    Some(KnotVerdict::Decided {
        replace_folder: matches!(top_decision, Decision::Download { .. }) && folder_is_here,
        top: top_decision,
        below: decisions,
    })
}

/// Returns the direction that also takes away what only the losing side has.
fn mirrored(direction: Direction) -> Direction {
    match direction {
        Direction::ForcedPull => Direction::MirrorPull,
        Direction::ForcedPush => Direction::MirrorPush,
        Direction::Sync
        | Direction::Push
        | Direction::Pull
        | Direction::MirrorPull
        | Direction::MirrorPush => direction,
    }
}

/// Names the reason why the decisions of a knot do not fit together.
fn unsound(top: Member, below: &[Member], wins: bool) -> KnotVerdict {
    let there = |member: &Member| exists(*member).there;
    if there(&top) && below.iter().any(there) {
        return KnotVerdict::Clash;
    }
    let is_left_alone = |member: &Member| matches!(member, Member::LeftAlone { .. });
    if is_left_alone(&top) || (wins && below.iter().any(is_left_alone)) {
        KnotVerdict::Blocked
    } else {
        KnotVerdict::Conflict
    }
}

fn decide(member: Member, direction: Direction) -> Decision {
    match member {
        Member::LeftAlone { .. } => Decision::Agree,
        Member::Known(change, content) => reconcile(change, content, direction),
    }
}

fn is_anywhere(member: Member) -> bool {
    let now = exists(member);
    now.here || now.there
}

/// Returns where a path exists now.
fn exists(member: Member) -> After {
    match member {
        Member::LeftAlone { here, there } => After { here, there },
        Member::Known(Change::Tracked(local, remote), _) => {
            After { here: local != LocalChange::Deleted, there: remote != RemoteChange::Deleted }
        }
        Member::Known(Change::Untracked(side), _) => After {
            here: matches!(side, Untracked::Local | Untracked::Both),
            there: matches!(side, Untracked::Remote | Untracked::Both),
        },
    }
}

/// Returns where a path exists after its decision was carried out.
fn after(member: Member, decision: Decision) -> After {
    let now = exists(member);
    match decision {
        Decision::Agree
        | Decision::Adopt
        | Decision::Forget
        | Decision::Ahead
        | Decision::Behind
        | Decision::Conflict(_) => now,
        Decision::Upload { .. } => After { there: true, ..now },
        Decision::Download { .. } => After { here: true, ..now },
        Decision::DeleteRemote { .. } => After { there: false, ..now },
        Decision::DeleteLocal { .. } => After { here: false, ..now },
    }
}
