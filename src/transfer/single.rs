//! Files into the bucket with one request each: small ones, and large ones where the store takes no parts.

use std::ffi::OsStr;
use std::sync::Arc;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::Want;
use crate::remote::{Outgoing, Stored};

use super::context::Context;
use super::sending::Attempt;
use super::trouble::Trouble;
use super::upload::{Attempts, Evidenced, Next, Sent, Source};

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
        let crc64 = digests.crc64;
        let send = || {
            let (body, attempt) = self.outgoing(path, &file, (0..size, crc64));
            (body.with_md5(digests.md5), Some(attempt))
        };
        let stored = self.put(source, &Evidenced::Digests(&digests), send).await?;
        let held = self.holding.hold(Arc::clone(&file));
        Ok(Sent { stored, crc64, copied: false, held })
    }

    /// Stores a body with one request, again while that makes sense; `body` makes it each time, and
    /// what is to be told how it went, where it is read while it is sent.
    pub(super) async fn put<'s>(
        &self,
        source: &Source<'_>,
        sent: &Evidenced<'_>,
        body: impl Fn() -> (Outgoing, Option<Attempt<'s>>) + Send,
    ) -> Result<Stored, Trouble> {
        let (mut attempts, properties) = (Attempts::of(source), source.properties());
        loop {
            let lane = self.lanes.enter().await;
            let (body, attempt) = body();
            if attempt.is_none() {
                // What is read while it is sent keeps the pace by itself.
                self.pace.wait((&self.clock, &self.stop), source.stat.size).await;
            }
            if self.stop.is_requested() {
                return Err(Trouble::Stopped);
            }
            let answer = self.remote.put(source.path, body, &properties, &source.condition).await;
            self.lanes.learn(&answer, self.clock.now());
            drop(lane);
            let error = match answer {
                Ok(stored) => {
                    attempt.into_iter().for_each(Attempt::succeeded);
                    return Ok(stored);
                }
                Err(error) => error,
            };
            if let Some(trouble) = attempt.and_then(Attempt::failed) {
                return Err(trouble);
            }
            match self.after_failure(&mut attempts, source, sent, error).await? {
                Next::Ours(stored) => return Ok(stored),
                Next::Again => (),
            }
        }
    }
}
