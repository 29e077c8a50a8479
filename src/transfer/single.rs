//! Files into the bucket with one request each: small ones, and large ones where the store takes no parts.

use std::ffi::OsStr;
use std::sync::Arc;

use crate::clock::Clock;
use crate::disk::Disk;
use bytes::Bytes;

use crate::local::content::{Digests, Want};
use crate::remote::{Outgoing, RemoteError, RemoteErrorKind, Stored};

use super::context::Context;
use super::sending::Attempt;
use super::trouble::Trouble;
use super::upload::{Evidenced, Sent, Source};
use crate::session::store::Write;

/// The most bytes of one `PUT` (S3 user guide, "Uploading objects").
const BYTES_MAX: u64 = 5 << 30;

impl<D: Disk, C: Clock> Context<D, C> {
    /// Stores a large file with one request: read twice, so that its last bytes go out only if all are
    /// those of one moment, and begun anew where it breaks off.
    pub(super) async fn upload_in_one(&self, source: &Source<'_>) -> Result<Sent<D>, Trouble> {
        let (path, size) = (source.path, source.stat.size);
        if size > BYTES_MAX {
            return Err(Trouble::TooLarge);
        }
        if source.unlisted
            && let Some(sent) = self.look_before_sending(source).await?
        {
            return Ok(sent);
        }
        let failed = |error: std::io::Error| Trouble::io(path, &error);
        let folder = self.open_parent(path).map_err(failed)?;
        let file = Arc::new(self.disk.open(&folder, OsStr::new(path.name())).map_err(failed)?);
        self.expect_untouched(source, &file)?;
        let want = Want { md5: true, ..Want::default() };
        let digests = self.digest_part(source, &file, 0..size, &want).await?;
        self.expect_untouched(source, &file)?;
        let contents = Contents::Read(&file, &digests);
        let mut put = Put { context: self, source, contents };
        let stored = self.store.write(&mut source.attempts(), &mut put).await?;
        let crc64 = digests.crc64;
        let held = self.holding.hold(Arc::clone(&file));
        Ok(Sent { stored, crc64, copied: false, held })
    }
}

/// What is stored with one request.
pub(super) enum Contents<'c, D: Disk> {
    /// All bytes, and their CRC-64/NVME.
    Whole(&'c Bytes, u64),
    /// An open file that is read while it is sent, and its digests.
    Read(&'c Arc<D::File>, &'c Digests),
}

impl<D: Disk> Contents<'_, D> {
    fn evidence(&self) -> Evidenced<'_> {
        match self {
            Self::Whole(bytes, _) => Evidenced::Whole(bytes),
            Self::Read(_, digests) => Evidenced::Digests(digests),
        }
    }
}

/// A file on its way into the bucket with one request.
pub(super) struct Put<'c, D: Disk, C> {
    pub(super) context: &'c Context<D, C>,
    pub(super) source: &'c Source<'c>,
    pub(super) contents: Contents<'c, D>,
}

impl<D: Disk, C: Clock> Write for Put<'_, D, C> {
    type Answer = Stored;
    type Error = Trouble;

    fn bytes(&self) -> u64 {
        self.source.stat.size
    }

    async fn attempt(&mut self, _: bool) -> Result<Stored, Trouble> {
        let (context, source) = (self.context, self.source);
        let (body, attempt) = match self.contents {
            Contents::Whole(bytes, crc64) => {
                // What is read while it is sent keeps the pace by itself.
                context.store.keep_pace(source.stat.size).await;
                (Outgoing::with_crc64(bytes.clone(), crc64), None)
            }
            Contents::Read(file, digests) => {
                let whole = (0..source.stat.size, digests.crc64);
                let (body, attempt) = context.outgoing(source.path, file, whole);
                (body.with_md5(digests.md5), Some(attempt))
            }
        };
        if context.stop.is_requested() {
            return Err(Trouble::Stopped);
        }
        let properties = source.properties();
        let answer = context.store.remote.put(source.path, body, &properties, &source.condition);
        Attempt::ended(attempt, answer.await)
    }

    async fn look(&mut self) -> Result<Option<Stored>, Trouble> {
        self.context.look_for_ours(self.source.path, &self.contents.evidence()).await
    }

    async fn judge(
        &mut self,
        refusal: RemoteError,
        doubted: bool,
    ) -> Result<Option<Stored>, Trouble> {
        let is_unfounded = self.context.is_unfounded(self.source).await;
        let is_whole = matches!(self.contents, Contents::Whole(..));
        // Once more, since it may have been changed and changed back.
        if is_unfounded && is_whole && !doubted {
            return Ok(None);
        }
        Err(match refusal.kind {
            // A whole file names nothing that would have to be there: no change of somebody else's.
            RemoteErrorKind::NotFound if is_whole || is_unfounded => Trouble::Nameless(refusal),
            _ if is_unfounded => self.context.unfounded(self.source, refusal),
            _ => Trouble::changed_in_bucket(),
        })
    }
}
