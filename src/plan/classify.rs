//! From three sides to a [`Change`]: which comparisons a row needs, and what they make of it.

use super::{Change, LocalChange, Member, RemoteChange, Untracked, Why};
use crate::tree::{BaseRow, Comparison, Content, Local, Row, Stat, Version};

/// Which contents have to be compared before a row can be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Need {
    /// The stat differs from the base's, the size does not: touched, or modified?
    pub to_base: bool,
    /// Both sides changed to the same size: to the same contents?
    pub to_remote: bool,
}

impl Need {
    /// Tells whether the contents have to be read at all.
    pub fn is_any(self) -> bool {
        self.to_base || self.to_remote
    }
}

/// What the comparisons found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Examined {
    /// No comparison was needed.
    NotNeeded,
    /// The contents were read, and nothing changed meanwhile.
    Compared {
        /// Against what the base row stands for.
        to_base: Comparison,
        /// Against what is in the bucket.
        to_remote: Comparison,
        /// The file as it was read.
        stat: Stat,
        /// What a row will say of its bytes.
        content: Content,
    },
    /// The file could not be read, or changed while it was read: the path is left alone.
    Failed(Why),
}

/// Tells whether the bucket holds the version that the base knows; asked of every object of a
/// listing, so that it copies nothing.
fn is_the_bases(version: &Version, base: &BaseRow) -> bool {
    *version == base.version
}

/// Tells which contents a row needs compared.
pub fn need(row: &Row) -> Need {
    let Local::File(stat) = &row.local else { return Need::default() };
    let to_base = row
        .base
        .as_ref()
        .is_some_and(|base| base.signature != stat.signature() && base.signature.size == stat.size);
    let local_changed = row.base.as_ref().is_none_or(|base| base.signature != stat.signature());
    let remote_changed = match (&row.base, &row.remote) {
        (_, None) => false,
        (Some(base), Some(remote)) => !is_the_bases(&remote.version, base),
        (None, Some(_)) => true,
    };
    let same_size = row.remote.as_ref().is_some_and(|remote| remote.version.size == stat.size);
    Need { to_base, to_remote: local_changed && remote_changed && same_size }
}

/// Tells whether the bucket's version may be the base's with another name: on a store whose names
/// change when a file is merely touched, its contents have to be read to know.
pub fn may_be_touched_there(row: &Row) -> bool {
    let (Some(base), Some(remote)) = (&row.base, &row.remote) else { return false };
    !matches!(row.local, Local::Marked { .. })
        && base.content.crc64().is_some()
        && base.version.token != remote.version.token
        && base.version.size == remote.version.size
}

/// Names what a row's three sides show; `None` where no side has anything.
pub fn classify(row: &Row, examined: &Examined) -> Option<Member> {
    let stat = match &row.local {
        Local::Marked { here, .. } => {
            return Some(Member::LeftAlone { here: *here, there: row.remote.is_some() });
        }
        Local::File(stat) => Some(stat),
        Local::Absent => None,
    };
    let (to_base, to_remote) = match examined {
        Examined::Compared { to_base, to_remote, .. } => (*to_base, *to_remote),
        Examined::NotNeeded => (Comparison::Different, Comparison::Different),
        Examined::Failed(_) => {
            return Some(Member::LeftAlone { here: true, there: row.remote.is_some() });
        }
    };
    let change = match (&row.base, stat, &row.remote) {
        (Some(base), stat, remote) => {
            let local = match stat {
                None => LocalChange::Deleted,
                // Whatever was read and found the same is recorded as it is now.
                Some(_) if to_base == Comparison::Same => LocalChange::Touched,
                Some(stat) if stat.signature() == base.signature => LocalChange::Same,
                Some(_) => LocalChange::Modified,
            };
            let remote = match remote {
                None => RemoteChange::Deleted,
                Some(remote) if is_the_bases(&remote.version, base) => RemoteChange::Same,
                Some(_) => RemoteChange::Modified,
            };
            Change::Tracked(local, remote)
        }
        (None, Some(_), Some(_)) => Change::Untracked(Untracked::Both),
        (None, Some(_), None) => Change::Untracked(Untracked::Local),
        (None, None, Some(_)) => Change::Untracked(Untracked::Remote),
        (None, None, None) => return None,
    };
    Some(Member::Known(change, to_remote))
}
