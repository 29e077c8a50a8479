//! What became of a conflict while a person thought about it.

use super::Conflict;

/// On which side a conflict is another one than the one that was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// Somebody changed what is here.
    Here,
    /// Somebody changed what the bucket holds.
    InBucket,
    /// Both sides changed, or what lies below.
    Both,
}

/// Returns where a conflict of the same path changed since it was shown; `None` where it did not.
pub fn moved(shown: &Conflict, now: &Conflict) -> Option<Moved> {
    if shown.is_still(now) {
        return None;
    }
    Some(match (shown.is_same_here(now), shown.is_same_in_bucket(now)) {
        (false, true) => Moved::Here,
        (true, false) => Moved::InBucket,
        (true, true) | (false, false) => Moved::Both,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ConflictKind;
    use crate::tree::{Kind, RemoteEntry, RepoPath, Stat, Token, Version};

    fn conflict(mtime: i64, etag: &str) -> Conflict {
        let path = RepoPath::parse("f").unwrap();
        let (kind, mode) = (Kind::File, 0o644);
        let version = Version { token: Token::new(etag), size: 1 };
        Conflict {
            local: Some(Stat { kind, size: 1, mtime, ctime: 1, inode: 1, device: 1, mode }),
            remote: Some(RemoteEntry { path: path.clone(), version, modified: 0 }),
            ..Conflict::new(path, ConflictKind::BothChanged)
        }
    }

    #[test]
    fn a_conflict_that_moved_says_on_which_side() {
        let shown = conflict(1, "a");
        for (now, expected) in [
            (conflict(1, "a"), None),
            (conflict(2, "a"), Some(Moved::Here)),
            (conflict(1, "b"), Some(Moved::InBucket)),
            (conflict(2, "b"), Some(Moved::Both)),
        ] {
            assert_eq!(moved(&shown, &now), expected);
        }
        let deleted = Conflict { kind: ConflictKind::DeletedThere, remote: None, ..shown.clone() };
        assert_eq!(moved(&shown, &deleted), Some(Moved::InBucket));
    }
}
