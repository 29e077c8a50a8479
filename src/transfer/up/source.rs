//! [`Source`]: a file on its way into the bucket, and what is known of it there.

use std::ffi::OsStr;
use std::sync::Arc;

use bytes::Bytes;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::{Digests, Evidence};
use crate::look::object;
use crate::remote::{Condition, Object, RemoteError, Stored};
use crate::session::Session;
use crate::session::limits::held::Held;
use crate::session::store::Attempts;
use crate::session::trouble::Trouble;
use crate::tree::{BaseRow, Comparison, Kind, Properties, RepoPath, Stat, Token, Version};

/// A file on its way into the bucket.
pub(in crate::transfer) struct Source<'a> {
    /// Its path.
    pub(in crate::transfer) path: &'a RepoPath,
    /// What it must look like, before and after.
    pub(in crate::transfer) stat: &'a Stat,
    /// What must be in the bucket.
    pub(in crate::transfer) condition: Condition,
    /// The row of an object that seems to hold the same.
    pub(in crate::transfer) origin: Option<&'a BaseRow>,
    /// Nobody has listed the bucket: an earlier run may have stored the file and been killed.
    pub(in crate::transfer) unlisted: bool,
}

impl Source<'_> {
    /// Returns the version that must be in the bucket; `None` where nothing must be.
    fn expected(&self) -> Option<&Token> {
        match &self.condition {
            Condition::Absent => None,
            Condition::Matches(token) => Some(token),
        }
    }

    /// Begins to count the attempts to store it.
    pub(in crate::transfer) fn attempts(&self) -> Attempts {
        Attempts::after(self.unlisted)
    }

    /// Returns what travels beside its bytes.
    pub(in crate::transfer) fn properties(&self) -> Properties {
        Properties::default().with_mtime(self.stat.mtime)
    }
}

/// A file that is in the bucket now.
pub(super) struct Sent<D: Disk> {
    /// What the store said.
    pub(super) stored: Stored,
    /// CRC-64/NVME of the whole.
    pub(super) crc64: u64,
    /// The store took it from another object; nothing went over the line.
    pub(super) copied: bool,
    /// The file that was read.
    pub(super) held: Option<Held<D>>,
}

/// Turns the version that a plan expects into the condition of a write.
pub(in crate::transfer) fn condition(remote: Option<&Version>) -> Condition {
    remote.map_or(Condition::Absent, |version| Condition::Matches(version.token.clone()))
}

/// Tells whether the bucket shows what is expected there, where an answer says that it does not.
pub(super) async fn is_unfounded<D: Disk, C: Clock>(
    session: &Session<D, C>,
    source: &Source<'_>,
) -> bool {
    object::shows(session, source.path, source.expected()).await
}

/// Says what an answer is that the bucket does not bear out.
pub(super) fn unfounded<D: Disk, C: Clock>(
    session: &Session<D, C>,
    source: &Source<'_>,
    error: RemoteError,
) -> Trouble {
    let is_beside_folder = !session.store.remote.capabilities().file_beside_folder;
    match source.condition {
        Condition::Absent if is_beside_folder => Trouble::FolderKept(error),
        _ => Trouble::Unfounded(error),
    }
}

/// Looks at the bucket before a large file is sent to a place that nobody has looked at: it may be
/// there already, and what is in its way is known before hours on the line.
pub(super) async fn look_before_sending<D: Disk, C: Clock>(
    session: &Session<D, C>,
    source: &Source<'_>,
) -> Result<Option<Sent<D>>, Trouble> {
    let Some(object) = object::object(session, source.path).await? else {
        return match source.condition {
            Condition::Absent => Ok(None),
            Condition::Matches(_) => Err(Trouble::deleted_in_bucket()),
        };
    };
    let there = &object.entry.version.token;
    if matches!(&source.condition, Condition::Matches(expected) if expected == there) {
        return Ok(None);
    }
    let promised = object::promised(session, &object);
    let Some(want) = promised.want().filter(|_| promised.size() == source.stat.size) else {
        return Err(Trouble::changed_in_bucket());
    };
    let digests = session.files.hash(source.path, source.stat, &want).await?.digests;
    if promised.compare(&digests) != Comparison::Same {
        return Err(Trouble::changed_in_bucket());
    }
    Ok(Some(Sent { stored: stored(object), crc64: digests.crc64, copied: false, held: None }))
}

/// Looks whether a write whose answer got lost took place: the same content is ours.
pub(super) async fn look_for_ours<D: Disk, C: Clock>(
    session: &Session<D, C>,
    path: &RepoPath,
    sent: &Evidenced<'_>,
) -> Result<Option<Stored>, Trouble> {
    let object = object::object(session, path).await?;
    let object = object.filter(|object| sent.is_content_of(&object::promised(session, object)));
    Ok(object.map(stored))
}

/// Turns an object that was found into what its writing would have answered.
fn stored(object: Object) -> Stored {
    let Object { entry, content, version_id, .. } = object;
    Stored { token: entry.version.token, md5: content.md5(), version_id }
}

/// What was sent, as far as it is at hand to be compared with what is there.
pub(super) enum Evidenced<'a> {
    /// All bytes.
    Whole(&'a Bytes),
    /// The digests, taken while the parts were sent.
    Digests(&'a Digests),
}

impl Evidenced<'_> {
    pub(super) fn is_content_of(&self, evidence: &Evidence) -> bool {
        let proof = match self {
            Self::Whole(bytes) => {
                let compared = evidence.prove(bytes.len() as u64, |want| {
                    Ok::<_, std::convert::Infallible>(Digests::of(bytes, want))
                });
                compared.unwrap_or(Comparison::Unknown)
            }
            Self::Digests(digests) => evidence.compare(digests),
        };
        proof == Comparison::Same
    }
}

/// Opens the file, which must look as the plan expects.
pub(super) fn open<D: Disk, C: Clock>(
    session: &Session<D, C>,
    source: &Source<'_>,
) -> Result<Arc<D::File>, Trouble> {
    let failed = |error: std::io::Error| Trouble::io(source.path, &error);
    let folder = session.files.open_parent(source.path).map_err(failed)?;
    let name = OsStr::new(source.path.name());
    let file = session.files.disk.open(&folder, name).map_err(failed)?;
    expect_untouched(session, source, &file)?;
    Ok(Arc::new(file))
}

/// Refuses a file that does not look as the plan expects.
pub(super) fn expect_untouched<D: Disk, C: Clock>(
    session: &Session<D, C>,
    source: &Source<'_>,
    file: &D::File,
) -> Result<(), Trouble> {
    let stat = session.files.disk.fstat(file).map_err(|error| Trouble::io(source.path, &error))?;
    if stat.kind == Kind::File && source.stat.is_untouched(&stat) {
        Ok(())
    } else {
        Err(Trouble::changed("it was changed here"))
    }
}
