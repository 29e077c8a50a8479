//! Files that only got another name here: the store copies what it holds, and nothing is sent.
//!
//! That two files look alike is a guess of the plan, and not every store minds the version that it is
//! told to copy. So each part that was copied counts only if the store's answer proves that it holds
//! the bytes that the file has there; any other is sent.

use std::sync::atomic::Ordering;

use super::part::{self, Upload};
use super::source::Source;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::{Want, part_range};
use crate::remote::{CopiedPart, Part, PartSource, RemoteError, RemoteErrorKind};
use crate::session::Session;
use crate::session::trouble::Trouble;
use crate::tree::BaseRow;

/// Returns the row of the object that the parts of a file may be taken from.
pub(super) fn origin<'a, D: Disk, C: Clock>(
    session: &Session<D, C>,
    source: &Source<'a>,
) -> Option<&'a BaseRow> {
    let may_copy = session.store.copies_parts();
    source.origin.filter(|_| may_copy && source.stat.size > session.limits.tuning.copied_bytes)
}

/// Brings one part into the store: copied where the store has it, else sent.
pub(super) async fn copy_or_send_part<D: Disk, C: Clock>(
    session: &Session<D, C>,
    source: &Source<'_>,
    upload: &Upload<D>,
    number: u32,
) -> Result<Part, Trouble> {
    if let Some(row) = origin(session, source)
        && let Some(part) = copy_part(session, source, upload, number, row).await?
    {
        return Ok(part);
    }
    upload.sends.store(true, Ordering::Relaxed);
    part::send_part(session, source, upload, number).await
}

/// Lets the store take one part from the object of `row`; `None` where it does not, or takes
/// other bytes than the file's.
async fn copy_part<D: Disk, C: Clock>(
    session: &Session<D, C>,
    source: &Source<'_>,
    upload: &Upload<D>,
    number: u32,
    row: &BaseRow,
) -> Result<Option<Part>, Trouble> {
    let size = source.stat.size;
    let range = part_range(number, upload.part_bytes, size);
    // S3 takes no range of an object of up to 5 MiB (S3 API reference, `UploadPartCopy`).
    let piece = (range.end - range.start < size).then(|| range.clone());
    let Some(copied) = ask_for_copy(session, source, upload, number, row, piece).await? else {
        return Ok(None);
    };
    let want = Want { md5: copied.crc64.is_none() && copied.md5.is_some(), ..Want::default() };
    let digests = part::digest_part(session, source, &upload.file, range.clone(), &want).await?;
    let is_same = match (copied.crc64, copied.md5) {
        (Some(crc64), _) => crc64 == digests.crc64,
        (None, Some(md5)) => digests.md5 == Some(md5),
        // Nothing that this store says of a copy proves anything.
        (None, None) => return Ok(refused(session)),
    };
    if !is_same {
        return Ok(None);
    }
    let part = Part { number, token: copied.token, crc64: digests.crc64 };
    part::checkpoint(source, upload, &part)?;
    session.monitor.bytes(source.path, range.end - range.start);
    Ok(Some(part))
}

/// Asks, again while that makes sense; `None` where the store does not copy this.
async fn ask_for_copy<D: Disk, C: Clock>(
    session: &Session<D, C>,
    source: &Source<'_>,
    upload: &Upload<D>,
    number: u32,
    row: &BaseRow,
    piece: Option<std::ops::Range<u64>>,
) -> Result<Option<CopiedPart>, Trouble> {
    let copy = || async {
        session.expect_to_go_on()?;
        let from = PartSource { path: &row.path, token: &row.version.token, range: piece.clone() };
        Ok(session.store.remote.copy_part(source.path, &upload.id, number, from).await?)
    };
    match session.store.read(copy).await {
        Err(Trouble::Remote(error)) => not_copied(session, error),
        copied => Ok(Some(copied?)),
    }
}

/// Finds what the last error of a copy leads to: the bytes are sent, or the file fails.
fn not_copied<D: Disk, C: Clock>(
    session: &Session<D, C>,
    error: RemoteError,
) -> Result<Option<CopiedPart>, Trouble> {
    use RemoteErrorKind as Kind;
    match error.kind {
        // Of this object alone: it is another version, or gone.
        Kind::Changed => Ok(None),
        // 404 is about the upload.
        Kind::NotFound => Err(error.into()),
        // Behind an alias a bucket may not be known by the name that a copy has to give.
        Kind::NoBucket | Kind::WrongRegion | Kind::Failed | Kind::NoEtag => Ok(refused(session)),
        _ if error.is_transient() || error.ends_the_run() => Err(error.into()),
        _ => Ok(refused(session)),
    }
}

/// Nobody asks the store again in this run.
fn refused<D: Disk, C: Clock, T>(session: &Session<D, C>) -> Option<T> {
    session.store.give_up_copies();
    None
}
