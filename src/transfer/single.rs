//! Large files into the bucket with one request each, for stores that take no parts.

use std::ffi::OsStr;
use std::sync::Arc;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::Want;

use super::context::Context;
use super::trouble::Trouble;
use super::upload::{Evidenced, Sent, Source};

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
}
