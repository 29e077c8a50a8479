//! One part of a large file, sent and noted.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use super::sending::{self, Attempt};
use super::source::Source;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::{Digests, Want, part_range};
use crate::remote::{Part, UploadId};
use crate::repository::checkpoints::CheckpointWriter;
use crate::session::Session;
use crate::session::trouble::Trouble;
use crate::transfer::digest;

/// An upload on its way.
pub(super) struct Upload<D: Disk> {
    pub(super) id: UploadId,
    pub(super) part_bytes: u64,
    pub(super) file: Arc<D::File>,
    pub(super) writer: CheckpointWriter<D>,
    /// The parts that the store holds, by number from 1.
    pub(super) held: BTreeMap<u32, Part>,
    /// Bytes went over the line: not all parts were copied.
    pub(super) sends: AtomicBool,
}

impl<D: Disk> Upload<D> {
    /// Returns the bytes that the monitor was told of.
    pub(super) fn told_bytes(&self, size: u64) -> u64 {
        self.held.keys().map(|number| length(*number, self.part_bytes, size)).sum()
    }
}

/// Sends one part, again while that makes sense, and writes down that the store has it.
pub(super) async fn send_part<D: Disk, C: Clock>(
    session: &Session<D, C>,
    source: &Source<'_>,
    upload: &Upload<D>,
    number: u32,
) -> Result<Part, Trouble> {
    let (path, range) = (source.path, part_range(number, upload.part_bytes, source.stat.size));
    let length = range.end - range.start;
    let _held = if session.store.remote.holds_parts() {
        session.limits.reserve(length).await
    } else {
        None
    };
    let known = OnceLock::new();
    let send = || async {
        session.expect_to_go_on()?;
        let crc64 = if let Some(crc64) = known.get() {
            *crc64
        } else {
            let (want, range) = (Want::default(), range.clone());
            digest_part(session, source, &upload.file, range, &want).await?.crc64
        };
        known.get_or_init(|| crc64);
        let (body, attempt) = sending::outgoing(session, path, &upload.file, range.clone(), crc64);
        let sent = session.store.remote.upload_part(path, &upload.id, number, body).await;
        Attempt::ended(Some(attempt), sent)
    };
    let part = session.store.carry(length, send).await?;
    checkpoint(source, upload, &part)?;
    Ok(part)
}

/// Reads a part for its checksum, which has to be known before the first byte is sent.
pub(super) async fn digest_part<D: Disk, C: Clock>(
    session: &Session<D, C>,
    source: &Source<'_>,
    file: &D::File,
    range: Range<u64>,
    want: &Want,
) -> Result<Digests, Trouble> {
    let read = |buffer: &mut [u8], offset| {
        let read = session.files.disk.read_at(file, buffer, offset);
        read.map_err(|error| Trouble::io(source.path, &error))
    };
    let digests = digest::digest_range(read, range, (want, &session.stop)).await?;
    digests.ok_or_else(|| Trouble::changed("it became shorter while it was read"))
}

/// Writes down that the store has a part.
pub(super) fn checkpoint<D: Disk>(
    source: &Source<'_>,
    upload: &Upload<D>,
    part: &Part,
) -> Result<(), Trouble> {
    let noted = upload.writer.part(part.number, part.crc64, Some(&part.token.text()));
    noted.map_err(|error| Trouble::io(source.path, &error))
}

/// Returns how many bytes a part has.
pub(super) fn length(number: u32, part_bytes: u64, size: u64) -> u64 {
    let range = part_range(number, part_bytes, size);
    range.end - range.start
}
