//! Files into the bucket with one request each: small ones, and large ones where the store takes no parts.

use std::sync::Arc;

use bytes::Bytes;

use super::part;
use super::sending::{self, Attempt};
use super::source::{self, Evidenced, Sent, Source};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::{Digests, Want};
use crate::remote::{Outgoing, RemoteError, RemoteErrorKind, Stored};
use crate::session::Session;
use crate::session::store::Write;
use crate::session::trouble::Trouble;

/// The most bytes of one `PUT` (S3 user guide, "Uploading objects").
const BYTES_MAX: u64 = 5 << 30;

/// Stores a large file with one request: read twice, so that its last bytes go out only if all are
/// those of one moment, and begun anew where it breaks off.
pub(super) async fn upload_in_one<D: Disk, C: Clock>(
    session: &Session<D, C>,
    source: &Source<'_>,
) -> Result<Sent<D>, Trouble> {
    let size = source.stat.size;
    if size > BYTES_MAX {
        return Err(Trouble::TooLarge);
    }
    if source.unlisted
        && let Some(sent) = source::look_before_sending(session, source).await?
    {
        return Ok(sent);
    }
    let file = source::open(session, source)?;
    let want = Want { md5: true, ..Want::default() };
    let digests = part::digest_part(session, source, &file, 0..size, &want).await?;
    source::expect_untouched(session, source, &file)?;
    let contents = Contents::Read(&file, &digests);
    let mut put = Put { session, source, contents };
    let stored = session.store.write(&mut source.attempts(), &mut put).await?;
    let crc64 = digests.crc64;
    let held = session.limits.holding.hold(Arc::clone(&file));
    Ok(Sent { stored, crc64, copied: false, held })
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
    pub(super) session: &'c Session<D, C>,
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
        let (session, source) = (self.session, self.source);
        let (body, attempt) = match self.contents {
            Contents::Whole(bytes, crc64) => {
                // What is read while it is sent keeps the pace by itself.
                session.store.keep_pace(source.stat.size).await;
                (Outgoing::with_crc64(bytes.clone(), crc64), None)
            }
            Contents::Read(file, digests) => {
                let (all, crc64) = (0..source.stat.size, digests.crc64);
                let (body, attempt) = sending::outgoing(session, source.path, file, all, crc64);
                (body.with_md5(digests.md5), Some(attempt))
            }
        };
        session.expect_to_go_on()?;
        let properties = source.properties();
        let answer = session.store.remote.put(source.path, body, &properties, &source.condition);
        Attempt::ended(attempt, answer.await)
    }

    async fn look(&mut self) -> Result<Option<Stored>, Trouble> {
        source::look_for_ours(self.session, self.source.path, &self.contents.evidence()).await
    }

    async fn judge(
        &mut self,
        refusal: RemoteError,
        doubted: bool,
    ) -> Result<Option<Stored>, Trouble> {
        let is_unfounded = source::is_unfounded(self.session, self.source).await;
        let is_whole = matches!(self.contents, Contents::Whole(..));
        // Once more, since it may have been changed and changed back.
        if is_unfounded && is_whole && !doubted {
            return Ok(None);
        }
        Err(match refusal.kind {
            // A whole file names nothing that would have to be there: no change of somebody else's.
            RemoteErrorKind::NotFound if is_whole || is_unfounded => Trouble::Nameless(refusal),
            _ if is_unfounded => source::unfounded(self.session, self.source, refusal),
            _ => Trouble::changed_in_bucket(),
        })
    }
}
