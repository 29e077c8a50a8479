//! Local files into the bucket: read whole or in parts, never torn, never blindly.

use std::ffi::OsStr;
use std::sync::Arc;

use bytes::Bytes;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::{self, Digests, Evidence, Want};
use crate::monitor::ItemKind;
use crate::plan::notices::TIME_TOO_FAR;
use crate::remote::{Condition, Object, RemoteError, Stored};
use crate::tree::{BaseRow, Comparison, Properties, RepoPath, Stat, Token, Version};

use super::context::Context;
use super::durable::Held;
use super::object::row_content;
use super::single::{Contents, Put};
use super::trouble::Trouble;
use crate::session::store::Attempts;

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

    /// Begins to count the attempts to store it.
    pub(super) fn attempts(&self) -> Attempts {
        Attempts::after(self.unlisted)
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
        let takes_parts = self.store.remote.capabilities().uploads_in_parts;
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
        let mut put = Put { context: self, source, contents: Contents::Whole(&body, crc64) };
        let stored = self.store.write(&mut source.attempts(), &mut put).await?;
        self.monitor.bytes(source.path, source.stat.size);
        Ok(Sent { stored, crc64, copied: false, held })
    }

    /// Tells whether the bucket shows what is expected there, where an answer says that it does not.
    pub(super) async fn is_unfounded(&self, source: &Source<'_>) -> bool {
        self.shows(source.path, source.expected()).await
    }

    /// Says what an answer is that the bucket does not bear out.
    pub(super) fn unfounded(&self, source: &Source<'_>, error: RemoteError) -> Trouble {
        let is_beside_folder = !self.store.remote.capabilities().file_beside_folder;
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
                Condition::Matches(_) => Err(Trouble::deleted_in_bucket()),
            };
        };
        let there = &object.entry.version.token;
        if matches!(&source.condition, Condition::Matches(expected) if expected == there) {
            return Ok(None);
        }
        let promised = self.promised(&object);
        let Some(want) = promised.want().filter(|_| promised.size() == source.stat.size) else {
            return Err(Trouble::changed_in_bucket());
        };
        let digests = self.hash(source.path, source.stat, &want).await?.digests;
        if promised.compare(&digests) != Comparison::Same {
            return Err(Trouble::changed_in_bucket());
        }
        Ok(Some(Sent { stored: stored(object), crc64: digests.crc64, copied: false, held: None }))
    }

    /// Looks whether a write whose answer got lost took place: the same content is ours.
    pub(super) async fn look_for_ours(
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
