//! The decision for a clash: a file on one side, a folder of the same name on another.
//!
//! Each path is decided by itself first. The clash then asks what each side would look like
//! afterwards: a name cannot be a file and a folder at once, so a result of that shape, or a
//! conflict anywhere in the clash, leaves all of it alone.

mod parents;

pub use parents::ParentFolder;

use super::{Change, Decision, Direction, LocalChange, Member, RemoteChange, Untracked, reconcile};

/// What to do about a clash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClashVerdict {
    /// One decision for each path.
    Decided {
        /// In the order of the paths.
        decisions: Vec<Decision>,
        /// The object at the top takes the place of the whole local folder in one exchange.
        replace_folder: bool,
    },
    /// The two sides disagree: a conflict at the top for all of it.
    Conflict,
    /// The bucket holds a file and a folder of one name, which no disk can: the index of the path.
    BothInBucket(usize),
    /// Something that is left alone by rule stands in the way.
    Blocked,
}

/// Where a path exists, now or after its decision was carried out.
struct Side {
    here: bool,
    there: bool,
}

/// A clash: what stands at its paths.
#[derive(Debug, Clone, Copy)]
pub struct Members<'a> {
    /// At the top, as a file, and then below it.
    pub all: &'a [Member],
    /// The pairs of indices of which the second lies below the first, without the top: clashes within
    /// the clash.
    pub inner: &'a [(usize, usize)],
}

/// Decides about a clash. `implicit_force` is `push FILE`, whose force does not reach into folders.
pub fn reconcile_clash(
    members: Members,
    direction: Direction,
    implicit_force: bool,
) -> ClashVerdict {
    // The merge makes a clash only where something stands below the file.
    if implicit_force {
        return ClashVerdict::Conflict;
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
    /// Decides each path by itself, in the direction that its index gets; `None` where the results do not
    /// fit together.
    fn attempt(&self, direction: impl Fn(usize) -> Direction) -> Option<ClashVerdict> {
        let decide = |(index, member): (_, &Member)| decide(*member, direction(index));
        let decisions: Vec<_> = self.all.iter().enumerate().map(decide).collect();
        if decisions.iter().any(|decision| matches!(decision, Decision::Conflict(_))) {
            return Some(ClashVerdict::Conflict);
        }
        let after = self.all.iter().zip(&decisions).map(|(member, it)| after(*member, *it));
        let after: Vec<_> = after.collect();
        let is_both = |side| self.find_both(&after, side).is_some();
        if is_both(|after| after.here) || is_both(|after| after.there) {
            return None;
        }
        let folder_is_here = self.all.iter().skip(1).any(|member| exists(*member).here);
        let replace_folder =
            folder_is_here && matches!(decisions.first(), Some(Decision::Download { .. }));
        Some(ClashVerdict::Decided { decisions, replace_folder })
    }

    /// Returns the pairs of indices of which the second lies below the first, the top's first.
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        (1..self.all.len()).map(|lower| (0, lower)).chain(self.inner.iter().copied())
    }

    /// Finds where a side holds a file and a folder of one name.
    fn find_both(&self, sides: &[Side], side: fn(&Side) -> bool) -> Option<usize> {
        let is_both =
            |(upper, lower): &(usize, usize)| side(&sides[*upper]) && side(&sides[*lower]);
        self.pairs().find(is_both).map(|(upper, _)| upper)
    }

    /// Tells for each path whether what `wins` lies above or below it.
    fn in_the_way(&self, wins: fn(&Side) -> bool) -> Vec<bool> {
        let wins: Vec<_> = self.all.iter().map(|member| wins(&exists(*member))).collect();
        let mut in_the_way = vec![false; wins.len()];
        for (upper, lower) in self.pairs() {
            in_the_way[upper] |= wins[lower];
            in_the_way[lower] |= wins[upper];
        }
        in_the_way
    }

    /// Names the reason why the decisions do not fit together.
    fn unsound(&self, is_forced: bool) -> ClashVerdict {
        let now: Vec<_> = self.all.iter().map(|member| exists(*member)).collect();
        if let Some(both) = self.find_both(&now, |now| now.there) {
            return ClashVerdict::BothInBucket(both);
        }
        let weighed = if is_forced { self.all } else { &self.all[..1] };
        if weighed.iter().any(|member| matches!(member, Member::LeftAlone { .. })) {
            ClashVerdict::Blocked
        } else {
            ClashVerdict::Conflict
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
