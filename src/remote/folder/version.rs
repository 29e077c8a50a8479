//! What a listing, a `HEAD` and a write tell of a file.

use crate::remote::{Object, Stored};
use crate::tree::{Content, Properties, RemoteEntry, RepoPath, Stat, Token, Version};

/// Returns the ETag of a file that was just looked at.
pub(super) fn etag(stat: &Stat) -> Token {
    Token::new(&format!("{}-{}-{}-{}", stat.size, stat.mtime, stat.ctime, stat.inode))
}

/// Returns what a listing shows of a file. People see and compare its own mtime.
pub(super) fn entry(path: RepoPath, stat: &Stat) -> RemoteEntry {
    let version = Version { token: etag(stat), size: stat.size };
    RemoteEntry { path, version, modified: mtime(stat) }
}

/// Returns the mtime; where that is too far off, when the file was put there.
fn mtime(stat: &Stat) -> i64 {
    if stat.has_mtime() { stat.mtime } else { stat.ctime }
}

/// Returns what a `HEAD` tells of a file.
pub(super) fn object(path: &RepoPath, stat: &Stat) -> Object {
    Object {
        entry: entry(path.clone(), stat),
        properties: Properties::default().with_mtime(mtime(stat)),
        content: Content::of_size(stat.size),
        version_id: None,
    }
}

/// Returns what a write tells of the version that it stored.
pub(super) fn stored(token: Token) -> Stored {
    Stored { token, md5: None, version_id: None }
}
