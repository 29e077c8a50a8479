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
use crate::local::content::{Digests, Evidence, Proof};
use crate::remote::{Part, Remote, RemoteErrorKind, UploadId};
use crate::tree::BaseRow;

use super::context::{Context, Trouble};
use super::ranges::digest_range;
use super::retry::Backoff;
use super::upload::Source;

/// An object that holds the bytes of a file.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    /// Its row, which ends.
    row: &'a BaseRow,
    /// What the MD5s of the parts must come to, where the store names parts so: one that takes a
    /// checksum need not compare it (moto, measured).
    md5_of_parts: Option<[u8; 16]>,
}

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
    ) -> Result<Option<Origin<'a>>, Trouble> {
        let Some(row) = source.origin else { return Ok(None) };
        let evidence = Evidence::of_base(row);
        let want = evidence.want().filter(|_| !self.copies.refused.load(Ordering::Relaxed));
        let Some(mut want) = want else { return Ok(None) };
        let part_bytes = self.tuning.part_bytes(source.stat.size);
        if self.remote.capabilities().etag_is_md5 {
            want.part_sizes.push(part_bytes);
        }
        let failed = |error: std::io::Error| Trouble::io(source.path, &error);
        let folder = self.open_parent(source.path).map_err(failed)?;
        let name = OsStr::new(source.path.name());
        let file = self.disk.open(&folder, name).map_err(failed)?;
        self.expect_untouched(source, &file)?;
        let read =
            |buffer: &mut [u8], offset| self.disk.read_at(&file, buffer, offset).map_err(failed);
        let digests = digest_range(read, 0..source.stat.size, (&want, &self.stop)).await?;
        // What changes while it is read is found out before the upload is completed.
        let digests = digests.filter(|it| evidence.compare(it) == Proof::Same);
        Ok(digests.map(|digests| {
            let of_parts = digests.md5_of_parts.iter().find(|(bytes, _)| *bytes == part_bytes);
            Origin { row, md5_of_parts: of_parts.map(|(_, md5)| *md5) }
        }))
    }

    /// Lets the store take one part from the object of `row`; `None` where it does not.
    pub(super) async fn copy_part(
        &self,
        source: &Source<'_>,
        (upload, Origin { row, .. }): (&UploadId, Origin<'_>),
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

    /// Tells whether the parts that were taken from an object can only be those of the file: the
    /// bucket holds the same version still, and the store names the parts as the file's are named.
    pub(super) async fn is_sound_copy(
        &self,
        Origin { row, md5_of_parts }: Origin<'_>,
        copied: &Digests,
    ) -> Result<bool, Trouble> {
        // Not every store compares versions for each part, and Ceph RGW 16 takes `%25` in the name
        // of the object for another name (measured).
        let named = copied.md5_of_parts.first().map(|(_, md5)| *md5);
        if md5_of_parts.is_some() && md5_of_parts != named {
            return Ok(false);
        }
        let object = self.object(&row.path).await?;
        Ok(object.is_some_and(|object| object.entry.version == row.version()))
    }
}
