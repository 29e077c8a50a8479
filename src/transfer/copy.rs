//! Files that only got another name here: the store copies what it holds, and nothing is sent.
//!
//! That two files look alike is a guess of the plan. It is proven by reading the file, the store is
//! told which version the bytes are to come from, and before anything becomes visible that version
//! must still be there. Whatever does not fit ends in an ordinary upload.

use std::ffi::OsStr;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::{Evidence, Proof};
use crate::remote::{Part, Remote, RemoteErrorKind, UploadId};
use crate::tree::BaseRow;

use super::context::{Context, Trouble};
use super::ranges::digest_range;
use super::retry::Backoff;
use super::upload::Source;

/// Whether the store copies: until it has refused to.
#[derive(Debug, Default)]
pub(super) struct Copies {
    refused: AtomicBool,
}

impl<D: Disk, R: Remote, C: Clock> Context<D, R, C> {
    /// Returns the object that holds the very bytes of the file; `None` where it does not, or where
    /// the store does not copy.
    pub(super) async fn proven_origin<'a>(
        &self,
        source: &Source<'a>,
    ) -> Result<Option<&'a BaseRow>, Trouble> {
        let Some(row) = source.origin else { return Ok(None) };
        let evidence = Evidence::of_base(row);
        let want = evidence.want().filter(|_| !self.copies.refused.load(Ordering::Relaxed));
        let Some(want) = want else { return Ok(None) };
        let failed = |error: std::io::Error| Trouble::io(source.path, &error);
        let folder = self.open_parent(source.path).map_err(failed)?;
        let name = OsStr::new(source.path.name());
        let file = self.disk.open(&folder, name).map_err(failed)?;
        self.expect_untouched(source, &file)?;
        let read =
            |buffer: &mut [u8], offset| self.disk.read_at(&file, buffer, offset).map_err(failed);
        let digests = digest_range(read, 0..source.stat.size, (&want, &self.stop)).await?;
        // What changes while it is read is found out before the upload is completed.
        let is_same = digests.is_some_and(|it| evidence.compare(&it) == Proof::Same);
        Ok(is_same.then_some(row))
    }

    /// Lets the store take one part from the object of `row`; `None` where it does not.
    pub(super) async fn copy_part(
        &self,
        source: &Source<'_>,
        (upload, row): (&UploadId, &BaseRow),
        (number, crc64): (u32, u64),
        range: Range<u64>,
    ) -> Result<Option<Part>, Trouble> {
        let from = (&row.path, &row.etag);
        let mut backoff = Backoff::default();
        loop {
            if self.stop.is_requested() {
                return Err(Trouble::Stopped);
            }
            let copy = self.remote.copy_part(source.path, upload, number, from, range.clone());
            let (lane, answer) = self.in_lane(copy).await;
            drop(lane);
            let error = match answer {
                Ok(etag) => {
                    self.monitor.bytes(source.path, range.end - range.start);
                    return Ok(Some(Part { number, etag, crc64 }));
                }
                Err(error) => error,
            };
            if backoff.wait(&self.clock, &self.stop, &error).await || self.stop.is_requested() {
                continue;
            }
            if error.ends_the_run() {
                return Err(error.into());
            }
            let is_of_this_object =
                matches!(error.kind, RemoteErrorKind::Changed | RemoteErrorKind::NotFound);
            if !is_of_this_object {
                self.copies.refused.store(true, Ordering::Relaxed);
            }
            return Ok(None);
        }
    }

    /// Tells whether the bucket still holds the version that the parts were taken from.
    pub(super) async fn is_still_there(&self, row: &BaseRow) -> Result<bool, Trouble> {
        let object = self.object(&row.path).await?;
        Ok(object.is_some_and(|object| object.entry.version == row.version()))
    }
}
