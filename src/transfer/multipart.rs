//! Large files into the bucket, part by part.
//!
//! Nothing is visible before the last step, and that step is taken only if the file still looks as
//! it did before the first part: no torn file is ever stored.

use std::ffi::OsStr;

use bytes::Bytes;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::{self, Digester, Digests, Want};
use crate::remote::{Attributes, Part, Remote, Stored, UploadId};
use crate::tree::Kind;

use super::context::{Context, Trouble};
use super::retry::{Backoff, retry};
use super::upload::{Evidenced, Source, may_be_ours, refused};

impl<D: Disk, R: Remote, C: Clock> Context<D, R, C> {
    /// Stores a file in parts, one after the other.
    pub(super) async fn upload_in_parts(
        &self,
        source: &Source<'_>,
    ) -> Result<(Stored, u64), Trouble> {
        let start = || self.remote.start_upload(source.path, source.stat.mtime);
        let upload = retry(&self.clock, &self.stop, start).await?;
        let outcome = self.send_and_complete(source, &upload).await;
        if outcome.is_err() {
            // A failure here leaves parts that nobody sees; the run has a better error to report.
            let aborted = self.remote.abort_upload(source.path, &upload).await;
            aborted.unwrap_or_default();
        }
        outcome
    }

    async fn send_and_complete(
        &self,
        source: &Source<'_>,
        upload: &UploadId,
    ) -> Result<(Stored, u64), Trouble> {
        let (parts, digests) = self.send_parts(source, upload).await?;
        // The commit point: what is on the disk now must be what was read.
        match self.look(source.path).map_err(|error| Trouble::io(source.path, &error))? {
            Some(stat) if source.stat.is_untouched(&stat) => (),
            _ => return Err(Trouble::changed("it was changed here")),
        }
        let stored = self.complete(source, upload, &parts, &digests).await?;
        Ok((stored, digests.crc64))
    }

    async fn send_parts(
        &self,
        source: &Source<'_>,
        upload: &UploadId,
    ) -> Result<(Vec<Part>, Digests), Trouble> {
        let (path, size) = (source.path, source.stat.size);
        let folder = self.open_parent(path).map_err(|error| Trouble::io(path, &error))?;
        let file = self.disk.open(&folder, OsStr::new(path.name()));
        let file = file.map_err(|error| Trouble::io(path, &error))?;
        let is_expected = || -> Result<(), Trouble> {
            let stat = self.disk.fstat(&file).map_err(|error| Trouble::io(path, &error))?;
            if stat.kind == Kind::File && source.stat.is_untouched(&stat) {
                Ok(())
            } else {
                Err(Trouble::changed("it was changed here"))
            }
        };
        is_expected()?;
        let part_bytes = content::part_size(size);
        let want = Want { md5: false, part_sizes: vec![part_bytes] };
        let mut digester = Digester::new(&want);
        let mut parts = Vec::new();
        let mut offset = 0;
        while offset < size {
            if self.stop.is_requested() {
                return Err(Trouble::Stopped);
            }
            let length = part_bytes.min(size - offset);
            let _held = self.reserve(length).await;
            let mut buffer = vec![0; usize::try_from(length).unwrap_or(0)];
            let read = content::read_fully(&self.disk, &file, &mut buffer, offset);
            if read.map_err(|error| Trouble::io(path, &error))? as u64 != length {
                return Err(Trouble::changed("it became shorter while it was read"));
            }
            digester.update(&buffer);
            let number = u32::try_from(parts.len() + 1).unwrap_or(u32::MAX);
            let body = Bytes::from(buffer);
            let send = || self.remote.upload_part(path, upload, number, body.clone());
            parts.push(retry(&self.clock, &self.stop, send).await?);
            self.monitor.bytes(length);
            offset += length;
        }
        is_expected()?;
        Ok((parts, digester.finish()))
    }

    async fn complete(
        &self,
        source: &Source<'_>,
        upload: &UploadId,
        parts: &[Part],
        digests: &Digests,
    ) -> Result<Stored, Trouble> {
        let attributes = Attributes { mtime: source.stat.mtime, crc64: digests.crc64 };
        let mut backoff = Backoff::default();
        let mut ambiguous = false;
        loop {
            let completed = self
                .remote
                .complete_upload(source.path, upload, parts, &attributes, &source.condition)
                .await;
            let error = match completed {
                Ok(stored) => return Ok(stored),
                Err(error) => error,
            };
            let may_be_done = ambiguous && may_be_ours(&error);
            ambiguous |= error.ambiguous;
            if may_be_done || !backoff.wait(&self.clock, &self.stop, &error).await {
                if !ambiguous {
                    return Err(refused(error));
                }
                let sent = Evidenced::Digests(digests);
                let ours = self.look_for_ours(source.path, &sent, digests.crc64).await;
                return ours.map_err(|_| refused(error));
            }
        }
    }
}
