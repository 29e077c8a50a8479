//! The decision for a knot: a file on one side, a folder of the same name on another.
//!
//! Each path is decided by itself first. The knot then asks what each side would look like
//! afterwards: a name cannot be a file and a folder at once, so a result of that shape, or a
//! conflict anywhere in the knot, leaves all of it alone.

mod parents;

pub use parents::ParentFolder;

use super::{Change, Decision, Direction, LocalChange, Member, RemoteChange, Untracked, reconcile};

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
    /// The bucket holds a file and a folder of one name, which no disk can: that of the top is 0, that of a
    /// path below one more than its index.
    Clash(usize),
    /// Something that is left alone by rule stands in the way.
    Blocked,
}

/// Where a path exists, now or after its decision was carried out.
struct Side {
    here: bool,
    there: bool,
}

/// A knot: what stands at its paths.
#[derive(Debug, Clone, Copy)]
pub struct Members<'a> {
    /// At the top, as a file.
    pub top: Member,
    /// Below it.
    pub below: &'a [Member],
    /// The pairs of indices into `below` of which the second lies below the first: knots within
    /// the knot.
    pub inner: &'a [(usize, usize)],
}

/// Decides about a knot. `implicit_force` is `push FILE`, whose force does not reach into folders.
pub fn reconcile_knot(members: Members, direction: Direction, implicit_force: bool) -> KnotVerdict {
    // The merge makes a knot only where something stands below the file.
    if implicit_force {
        return KnotVerdict::Conflict;
    }
    // A forced run leaves alone what only the losing side has, as long as that fits; where it does
    // not, the shape that wins takes along what stands in its way, as a mirror does.
    let forced = match direction {
        Direction::Sync | Direction::Push | Direction::Pull => None,
        Direction::ForcedPush | Direction::MirrorPush => {
            Some((Direction::MirrorPush, members.in_the_way(|now| now.here)))
        }
        Direction::ForcedPull | Direction::MirrorPull => {
            Some((Direction::MirrorPull, members.in_the_way(|now| now.there)))
        }
    };
    let gently = members.attempt(|_| direction);
    match (gently, forced) {
        (Some(verdict), _) => verdict,
        (None, Some((mirror, in_the_way))) => members
            .attempt(|index| if in_the_way[index] { mirror } else { direction })
            .unwrap_or_else(|| members.unsound(true)),
        (None, None) => members.unsound(false),
    }
}

impl Members<'_> {
    /// Decides each path by itself; `None` where the results do not fit together.
    ///
    /// `direction` is asked with 0 for the top, and with one more than the index for what is below.
    fn attempt(&self, direction: impl Fn(usize) -> Direction) -> Option<KnotVerdict> {
        let top = decide(self.top, direction(0));
        let below: Vec<_> = (self.below.iter().enumerate())
            .map(|(index, member)| decide(*member, direction(index + 1)))
            .collect();
        let is_conflict = |decision: &Decision| matches!(decision, Decision::Conflict(_));
        if is_conflict(&top) || below.iter().any(is_conflict) {
            return Some(KnotVerdict::Conflict);
        }
        let top_after = after(self.top, top);
        let below_after: Vec<_> =
            self.below.iter().zip(&below).map(|(member, it)| after(*member, *it)).collect();
        let is_both =
            |side: fn(&Side) -> bool| self.find_both(&top_after, &below_after, side).is_some();
        if is_both(|after| after.here) || is_both(|after| after.there) {
            return None;
        }
        let folder_is_here = self.below.iter().any(|member| exists(*member).here);
        Some(KnotVerdict::Decided {
            replace_folder: matches!(top, Decision::Download { .. }) && folder_is_here,
            top,
            below,
        })
    }

    /// Finds where a side holds a file and a folder of one name: 0 for the top, one more than the index for
    /// what is below.
    fn find_both(&self, top: &Side, below: &[Side], side: fn(&Side) -> bool) -> Option<usize> {
        if side(top) && below.iter().any(side) {
            return Some(0);
        }
        let is_both =
            |(upper, lower): &&(usize, usize)| side(&below[*upper]) && side(&below[*lower]);
        self.inner.iter().find(is_both).map(|(upper, _)| upper + 1)
    }

    /// Tells for the top, and for each path below, whether what `wins` lies above or below it.
    fn in_the_way(&self, wins: fn(&Side) -> bool) -> Vec<bool> {
        let wins = |member: &Member| wins(&exists(*member));
        let mut in_the_way = vec![wins(&self.top); self.below.len() + 1];
        in_the_way[0] = self.below.iter().any(wins);
        for (upper, lower) in self.inner {
            in_the_way[upper + 1] |= wins(&self.below[*lower]);
            in_the_way[lower + 1] |= wins(&self.below[*upper]);
        }
        in_the_way
    }

    /// Names the reason why the decisions do not fit together.
    fn unsound(&self, is_forced: bool) -> KnotVerdict {
        let below_now: Vec<_> = self.below.iter().map(|member| exists(*member)).collect();
        if let Some(both) = self.find_both(&exists(self.top), &below_now, |now| now.there) {
            return KnotVerdict::Clash(both);
        }
        let is_left_alone = |member: &Member| matches!(member, Member::LeftAlone { .. });
        if is_left_alone(&self.top) || (is_forced && self.below.iter().any(is_left_alone)) {
            KnotVerdict::Blocked
        } else {
            KnotVerdict::Conflict
        }
    }
}

fn decide(member: Member, direction: Direction) -> Decision {
    match member {
        Member::LeftAlone { .. } => Decision::Agree,
        Member::Known(change, content) => reconcile(change, content, direction),
    }
}

/// Returns where a path exists now.
fn exists(member: Member) -> Side {
    match member {
        Member::LeftAlone { here, there } => Side { here, there },
        Member::Known(Change::Tracked(local, remote), _) => {
            Side { here: local != LocalChange::Deleted, there: remote != RemoteChange::Deleted }
        }
        Member::Known(Change::Untracked(side), _) => Side {
            here: matches!(side, Untracked::Local | Untracked::Both),
            there: matches!(side, Untracked::Remote | Untracked::Both),
        },
    }
}

/// Returns where a path exists after its decision was carried out.
fn after(member: Member, decision: Decision) -> Side {
    let now = exists(member);
    match decision {
        Decision::Agree
        | Decision::Adopt
        | Decision::Forget
        | Decision::Ahead
        | Decision::Behind
        | Decision::Conflict(_) => now,
        Decision::Upload { .. } => Side { there: true, ..now },
        Decision::Download { .. } => Side { here: true, ..now },
        Decision::DeleteRemote { .. } => Side { there: false, ..now },
        Decision::DeleteLocal { .. } => Side { here: false, ..now },
    }
}
