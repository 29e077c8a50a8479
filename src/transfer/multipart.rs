//! Large files into the bucket, part by part.
//!
//! Nothing is visible before the last step, and that step is taken only if the file still looks as
//! it did before the first part: no torn file is ever stored.

use std::ffi::OsStr;

use bytes::Bytes;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::{self, Digester, Digests, Want};
use crate::remote::{Attributes, Part, Remote, RemoteErrorKind, Stored, UploadId};
use crate::tree::Kind;

use super::context::{Context, Trouble};
use super::retry::retry;
use super::upload::{Attempts, Evidenced, Next, Source};

/// How often an upload is begun that the store forgets.
const UPLOADS_MAX: u32 = 3;

/// One large file on its way.
#[derive(Debug, Default)]
struct Progress {
    attempts: Attempts,
    uploads_begun: u32,
    bytes_reported: u64,
}

/// What came of an upload whose parts are all there.
enum Completed {
    Stored(Stored),
    /// The store wants a new upload: it was busy with the key, or has forgotten this one.
    Refused,
}

impl<D: Disk, R: Remote, C: Clock> Context<D, R, C> {
    /// Stores a file in parts, one after the other.
    pub(super) async fn upload_in_parts(
        &self,
        source: &Source<'_>,
    ) -> Result<(Stored, u64), Trouble> {
        let mut progress = Progress::default();
        loop {
            let start = || self.remote.start_upload(source.path, source.stat.mtime);
            let upload = retry(&self.clock, &self.stop, start).await?;
            progress.uploads_begun += 1;
            let outcome = self.send_and_complete(source, &upload, &mut progress).await;
            if let Ok((Completed::Stored(stored), crc64)) = outcome {
                return Ok((stored, crc64));
            }
            // A failure here leaves parts that nobody sees; the run has a better error to report.
            let aborted = self.remote.abort_upload(source.path, &upload).await;
            aborted.unwrap_or_default();
            outcome?;
        }
    }

    async fn send_and_complete(
        &self,
        source: &Source<'_>,
        upload: &UploadId,
        progress: &mut Progress,
    ) -> Result<(Completed, u64), Trouble> {
        let (parts, digests) = self.send_parts(source, upload, progress).await?;
        // The commit point: what is on the disk now must be what was read.
        match self.look(source.path).map_err(|error| Trouble::io(source.path, &error))? {
            Some(stat) if content::is_untouched(source.stat, &stat) => (),
            _ => return Err(Trouble::changed("it was changed here")),
        }
        let completed = self.complete(source, upload, (&parts, &digests), progress).await?;
        Ok((completed, digests.crc64))
    }

    async fn send_parts(
        &self,
        source: &Source<'_>,
        upload: &UploadId,
        progress: &mut Progress,
    ) -> Result<(Vec<Part>, Digests), Trouble> {
        let (path, size) = (source.path, source.stat.size);
        let folder = self.open_parent(path).map_err(|error| Trouble::io(path, &error))?;
        let file = self.disk.open(&folder, OsStr::new(path.name()));
        let file = file.map_err(|error| Trouble::io(path, &error))?;
        let is_expected = || -> Result<(), Trouble> {
            let stat = self.disk.fstat(&file).map_err(|error| Trouble::io(path, &error))?;
            if stat.kind == Kind::File && content::is_untouched(source.stat, &stat) {
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
            offset += length;
            self.monitor.bytes(offset.saturating_sub(progress.bytes_reported).min(length));
            progress.bytes_reported = progress.bytes_reported.max(offset);
        }
        is_expected()?;
        Ok((parts, digester.finish()))
    }

    async fn complete(
        &self,
        source: &Source<'_>,
        upload: &UploadId,
        (parts, digests): (&[Part], &Digests),
        progress: &mut Progress,
    ) -> Result<Completed, Trouble> {
        let Source { path, condition, .. } = source;
        let attributes = Attributes { mtime: source.stat.mtime, crc64: digests.crc64 };
        loop {
            let error = match self
                .remote
                .complete_upload(path, upload, parts, &attributes, condition)
                .await
            {
                Ok(stored) => return Ok(Completed::Stored(stored)),
                Err(error) => error,
            };
            let kind = error.kind;
            let sent = Evidenced::Digests(digests);
            match self.after_failure(&mut progress.attempts, path, &sent, error).await {
                Ok(Next::Ours(stored)) => return Ok(Completed::Stored(stored)),
                // S3 user guide, "Conditional writes": after 409 the upload has to be begun again.
                Ok(Next::Again) if kind == RemoteErrorKind::Busy => return Ok(Completed::Refused),
                Ok(Next::Again) => (),
                Err(_)
                    if kind == RemoteErrorKind::NotFound
                        && progress.uploads_begun < UPLOADS_MAX =>
                {
                    return Ok(Completed::Refused);
                }
                Err(trouble) => return Err(trouble),
            }
        }
    }
}
