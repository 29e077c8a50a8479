//! Local files into the bucket: read whole or in parts, never torn, never blindly.

use std::ffi::OsStr;
use std::sync::Arc;

use bytes::Bytes;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::{self, Digests, Evidence, Want};
use crate::monitor::ItemKind;
use crate::plan::notices::TIME_TOO_FAR;
use crate::remote::{Condition, Object, Outgoing, RemoteError, RemoteErrorKind, Stored};
use crate::tree::{BaseRow, Comparison, Properties, RepoPath, Stat, Token, Version};

use super::context::Context;
use super::durable::Held;
use super::object::{changed_in_bucket, deleted_in_bucket, row_content};
use super::retry::Backoff;
use super::trouble::Trouble;

/// A file on its way into the bucket.
pub(super) struct Source<'a> {
    /// Its path.
    pub(super) path: &'a RepoPath,
    /// What it must look like, before and after.
    pub(super) stat: &'a Stat,
    /// What must be in the bucket.
    pub(super) condition: Condition,
    /// The row of an object that seems to hold the same.
    pub(super) origin: Option<&'a BaseRow>,
    /// Nobody has listed the bucket: an earlier run may have stored the file and been killed.
    pub(super) unlisted: bool,
}

impl Source<'_> {
    /// Returns the version that must be in the bucket; `None` where nothing must be.
    fn expected(&self) -> Option<&Token> {
        match &self.condition {
            Condition::Absent => None,
            Condition::Matches(token) => Some(token),
        }
    }

    /// Returns what travels beside its bytes.
    pub(super) fn properties(&self) -> Properties {
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

/// The row of a file that is in the bucket now.
pub(super) struct Uploaded<D: Disk> {
    /// What to record.
    pub(super) row: BaseRow,
    /// As in [`Sent::copied`].
    pub(super) copied: bool,
    /// The file that was read: it may have lost its name since.
    pub(super) held: Option<Held<D>>,
}

/// Turns the version that a plan expects into the condition of a write.
pub(super) fn condition(remote: Option<&Version>) -> Condition {
    remote.map_or(Condition::Absent, |version| Condition::Matches(version.token.clone()))
}

impl<D: Disk, C: Clock> Context<D, C> {
    /// Stores a file and returns the row that records it.
    pub(super) async fn upload(&self, source: &Source<'_>) -> Result<Uploaded<D>, Trouble> {
        self.expect_room_there(source.stat.size)?;
        if !source.stat.has_mtime() {
            return Err(Trouble::Disk(ItemKind::TimeTooFar, TIME_TOO_FAR.to_owned()));
        }
        self.wait_for_tick(source.path, source.stat).await?;
        let is_large = source.stat.size > self.tuning.whole_bytes;
        let takes_parts = self.remote.capabilities().uploads_in_parts;
        let Sent { stored, crc64, copied, held } =
            if takes_parts && (is_large || self.origin(source).is_some()) {
                self.upload_in_parts(source).await?
            } else if is_large {
                self.upload_in_one(source).await?
            } else {
                self.upload_whole(source).await?
            };
        let (path, signature) = (source.path.clone(), source.stat.signature());
        let content = row_content(signature.size, stored.md5, crc64);
        let row = BaseRow::plain(path, signature, stored.token, content);
        Ok(Uploaded { row, copied, held })
    }

    /// Stores a file with one request.
    async fn upload_whole(&self, source: &Source<'_>) -> Result<Sent<D>, Trouble> {
        let _reserved = self.reserve(source.stat.size).await;
        let folder = self.open_parent(source.path).map_err(|e| Trouble::io(source.path, &e))?;
        let name = OsStr::new(source.path.name());
        let bytes_max = self.tuning.whole_bytes;
        let (body, file) =
            content::read_small_open(&self.disk, &folder, name, source.stat, bytes_max)?;
        let held = self.holding.hold(Arc::new(file));
        let crc64 = Digests::of(&body, &Want::default()).crc64;
        let send = || (Outgoing::with_crc64(body.clone(), crc64), None);
        let stored = self.put(source, &Evidenced::Whole(&body), send).await?;
        self.monitor.bytes(source.path, source.stat.size);
        Ok(Sent { stored, crc64, copied: false, held })
    }

    /// Finds what a failed write leads to: it took place after all, it is made again, or it is given
    /// up.
    pub(super) async fn after_failure(
        &self,
        attempts: &mut Attempts,
        source: &Source<'_>,
        sent: &Evidenced<'_>,
        error: RemoteError,
    ) -> Result<Next, Trouble> {
        if error.kind == RemoteErrorKind::Overwrote {
            // It took place, and what it replaced has to be told.
            return Err(Trouble::Remote(error));
        }
        let path = source.path;
        let in_our_way = attempts.ambiguous && may_be_ours(&error);
        attempts.ambiguous |= error.ambiguous;
        if in_our_way && let Some(stored) = self.look_for_ours(path, sent).await? {
            return Ok(Next::Ours(stored));
        }
        if attempts.backoff.wait(&self.clock, &self.stop, &error).await {
            return Ok(Next::Again);
        }
        // A look that fails says less than the write that failed.
        if attempts.ambiguous
            && !in_our_way
            && let Ok(Some(stored)) = self.look_for_ours(path, sent).await
        {
            return Ok(Next::Ours(stored));
        }
        if !matches!(error.kind, RemoteErrorKind::Changed | RemoteErrorKind::NotFound) {
            return Err(Trouble::Remote(error));
        }
        let is_unfounded = self.shows(path, source.expected()).await;
        let is_whole = matches!(sent, Evidenced::Whole(_));
        // Once more, since it may have been changed and changed back. Not every store keeps the parts
        // of an upload that it has refused.
        if is_unfounded && is_whole && !std::mem::replace(&mut attempts.doubted, true) {
            return Ok(Next::Again);
        }
        Err(match error.kind {
            // A whole file names nothing that would have to be there: no change of somebody else's.
            RemoteErrorKind::NotFound if is_whole || is_unfounded => Trouble::Nameless(error),
            _ if is_unfounded => self.unfounded(source, error),
            _ => changed_in_bucket(),
        })
    }

    /// Says what an answer is that the bucket does not bear out.
    fn unfounded(&self, source: &Source<'_>, error: RemoteError) -> Trouble {
        let is_beside_folder = !self.remote.capabilities().file_beside_folder;
        match source.condition {
            Condition::Absent if is_beside_folder => Trouble::FolderKept(error),
            _ => Trouble::Unfounded(error),
        }
    }

    /// Looks at the bucket before a large file is sent to a place that nobody has looked at: it may be
    /// there already, and what is in its way is known before hours on the line.
    pub(super) async fn look_before_sending(
        &self,
        source: &Source<'_>,
    ) -> Result<Option<Sent<D>>, Trouble> {
        let Some(object) = self.object(source.path).await? else {
            return match source.condition {
                Condition::Absent => Ok(None),
                Condition::Matches(_) => Err(deleted_in_bucket()),
            };
        };
        let there = &object.entry.version.token;
        if matches!(&source.condition, Condition::Matches(expected) if expected == there) {
            return Ok(None);
        }
        let promised = self.promised(&object);
        let Some(want) = promised.want().filter(|_| promised.size() == source.stat.size) else {
            return Err(changed_in_bucket());
        };
        let digests = self.hash(source.path, source.stat, &want).await?.digests;
        if promised.compare(&digests) != Comparison::Same {
            return Err(changed_in_bucket());
        }
        Ok(Some(Sent { stored: stored(object), crc64: digests.crc64, copied: false, held: None }))
    }

    /// Looks whether a write whose answer got lost took place: the same content is ours.
    async fn look_for_ours(
        &self,
        path: &RepoPath,
        sent: &Evidenced<'_>,
    ) -> Result<Option<Stored>, Trouble> {
        let object = self.object(path).await?;
        let object = object.filter(|object| sent.is_content_of(&self.promised(object)));
        Ok(object.map(stored))
    }
}

/// Turns an object that was found into what its writing would have answered.
fn stored(object: Object) -> Stored {
    let Object { entry, content, version_id, .. } = object;
    Stored { token: entry.version.token, md5: content.md5(), version_id }
}

/// The attempts of one write.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    backoff: Backoff,
    /// One of them, or one of an earlier run, may have taken effect although it failed.
    ambiguous: bool,
    /// One of them was refused as if the bucket had changed, and it had not.
    doubted: bool,
}

impl Attempts {
    /// Begins to count.
    pub(super) fn of(source: &Source<'_>) -> Self {
        Self { ambiguous: source.unlisted, ..Self::default() }
    }
}

/// What a failed write leads to.
pub(super) enum Next {
    /// It took place: only its answer got lost.
    Ours(Stored),
    /// Another attempt.
    Again,
}

/// What was sent, as far as it is at hand to be compared with what is there.
pub(super) enum Evidenced<'a> {
    /// All bytes.
    Whole(&'a Bytes),
    /// The digests, taken while the parts were sent.
    Digests(&'a Digests),
}

impl Evidenced<'_> {
    fn is_content_of(&self, evidence: &Evidence) -> bool {
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

/// Tells whether an error after an ambiguous attempt can mean that the attempt succeeded.
fn may_be_ours(error: &RemoteError) -> bool {
    matches!(
        error.kind,
        RemoteErrorKind::Changed | RemoteErrorKind::NotFound | RemoteErrorKind::Busy
    )
}
