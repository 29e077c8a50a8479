//! Large objects into the working copy: range by range, several at once, into one file that a later
//! run can go on with.

use std::collections::BTreeMap;
use std::ops::Range;

use futures_util::StreamExt as _;
use futures_util::TryStreamExt as _;

use super::wanted::{self, Fetched, Received, ReportedBytes, Wanted};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::{Digester, Digests, Evidence, Want, part_count, part_range};
use crate::local::replace::{Draft, Workspace};
use crate::look::examine::short_body;
use crate::look::object;
use crate::monitor::Stop;
use crate::remote::{Incoming, Object};
use crate::repository::checkpoints::{Checkpoint, CheckpointPart, CheckpointWriter, Transfer, Way};
use crate::session::Session;
use crate::session::trouble::Trouble;
use crate::transfer::digest;

/// A download on its way.
struct Download<'a, D: Disk> {
    wanted: &'a Wanted<'a>,
    object: Object,
    part_bytes: u64,
    draft: Draft<D>,
    writer: CheckpointWriter<D>,
    /// CRC-64/NVME of the ranges that have arrived, by number from 1.
    arrived: BTreeMap<u32, u64>,
}

impl<D: Disk> Download<'_, D> {
    /// Returns the bytes of a range.
    fn range(&self, number: u32) -> Range<u64> {
        part_range(number, self.part_bytes, self.wanted.version.size)
    }

    fn arrived_bytes(&self) -> u64 {
        let ranges = self.arrived.keys().map(|number| self.range(*number));
        ranges.map(|range| range.end - range.start).sum()
    }
}

/// Fetches one version in ranges.
pub(super) async fn fetch_in_ranges<D: Disk, C: Clock>(
    session: &Session<D, C>,
    wanted: &Wanted<'_>,
) -> Result<Fetched<D>, Trouble> {
    let object = object::object_expected(session, wanted.path, wanted.version).await?;
    let (parent, workspace) = wanted::place(session, wanted)?;
    let mut download = begin_or_resume(session, wanted, object, &workspace).await?;
    let fetched = match fetch_ranges(session, &mut download).await {
        Ok(()) => verify(session, &download).await.and_then(|received| {
            if let Some(mode) = wanted.mode() {
                download.draft.set_mode(mode)?;
            }
            wanted.liken(&download.draft, &parent)?;
            Ok(received)
        }),
        Err(trouble) => Err(trouble),
    };
    match fetched {
        Ok(received) => {
            let noted = download.writer.complete();
            noted.map_err(|error| Trouble::io(wanted.path, &error))?;
            let staged = download.draft.seal(download.object.mtime())?;
            Ok(Fetched { staged, parent, workspace, received })
        }
        Err(trouble) => {
            if !trouble.may_go_on() {
                if !wanted.for_trash {
                    session.monitor.bytes_lost(wanted.path, download.arrived_bytes());
                }
                download.draft.discard();
                session.files.forget_checkpoint(Way::Down, wanted.path);
            }
            Err(trouble)
        }
    }
}

/// Opens the file of the version: the one that an earlier run has begun, else a new one.
async fn begin_or_resume<'a, D: Disk, C: Clock>(
    session: &Session<D, C>,
    wanted: &'a Wanted<'a>,
    object: Object,
    workspace: &Workspace<D>,
) -> Result<Download<'a, D>, Trouble> {
    let (staging, checkpoints) = (session.files.staging()?, session.files.checkpoints()?);
    let (path, size) = (wanted.path, wanted.version.size);
    let failed = |error: std::io::Error| Trouble::io(path, &error);
    let part_bytes = session.limits.tuning.part_bytes(size);
    let transfer = Transfer::Down {
        path: path.to_string(),
        size,
        etag: wanted.version.token.to_string(),
        part_bytes,
        replaces: wanted.replaced.is_some(),
    };
    let name = transfer.partial_name().unwrap_or_default();
    let checkpoint = checkpoints.take(Way::Down, path).filter(|checkpoint| {
        let is_this = checkpoint.transfer == transfer;
        if !is_this && let Some(other) = checkpoint.transfer.partial_name() {
            staging.discard(workspace, &other);
        }
        is_this
    });
    // A file that was complete may have a name in the working copy by now: it is a person's.
    if let Some(checkpoint) = checkpoint.filter(|checkpoint| !checkpoint.complete)
        && let Some(draft) = staging.reopen(workspace, path, &name)
    {
        let arrived = still_there(&draft, &checkpoint, part_bytes, size, &session.stop).await;
        let writer = checkpoints.resume(&checkpoint).map_err(failed)?;
        return Ok(Download { wanted, object, part_bytes, draft, writer, arrived });
    }
    let draft = staging.stage_as(workspace, path, wanted.mode(), &name)?;
    let begun = draft.allocate(size).map_err(Trouble::from);
    match begun.and_then(|()| checkpoints.begin(&transfer).map_err(failed)) {
        Ok(writer) => {
            Ok(Download { wanted, object, part_bytes, draft, writer, arrived: BTreeMap::new() })
        }
        Err(trouble) => {
            // What was taken of a disk that is too small is given back to the others.
            draft.discard();
            Err(trouble)
        }
    }
}

/// Fetches what has not arrived yet, several ranges at once.
async fn fetch_ranges<D: Disk, C: Clock>(
    session: &Session<D, C>,
    download: &mut Download<'_, D>,
) -> Result<(), Trouble> {
    let size = download.wanted.version.size;
    let count = u32::try_from(part_count(size, download.part_bytes)).unwrap_or(u32::MAX);
    let mut told = wanted::reported_bytes(session, download.wanted);
    told.tell(download.arrived_bytes());
    told.succeeded();
    let missing: Vec<u32> =
        (1..=count).filter(|number| !download.arrived.contains_key(number)).collect();
    let this = &*download;
    let mut fetching = futures_util::stream::iter(missing)
        .map(|number| async move {
            let Wanted { path, version, .. } = this.wanted;
            let range = this.range(number);
            let length = range.end - range.start;
            let _turn = session.limits.range_window.enter(&session.clock).await;
            let fetch = || fetch_range(session, this, range.clone());
            (number, object::fetch_with_retry(session, path, version, length, fetch).await)
        })
        .buffer_unordered(session.limits.tuning.jobs.get());
    let (mut new, mut outcome) = (Vec::new(), Ok(()));
    while let Some((number, fetched)) = fetching.next().await {
        outcome = fetched.and_then(|crc64| {
            new.push((number, crc64));
            let noted = this.writer.part(number, crc64, None);
            noted.map_err(|error| Trouble::io(this.wanted.path, &error))
        });
        if outcome.is_err() {
            break;
        }
    }
    drop(fetching);
    download.arrived.extend(new);
    outcome
}

/// Fetches one range; returns its checksum.
async fn fetch_range<D: Disk, C: Clock>(
    session: &Session<D, C>,
    download: &Download<'_, D>,
    range: Range<u64>,
) -> Result<u64, Trouble> {
    let Wanted { path, version, .. } = download.wanted;
    let (_, mut body) = session.store.remote.get(path, &version.token, Some(range.clone())).await?;
    let mut told = wanted::reported_bytes(session, download.wanted);
    let received = receive_range(session, &mut body, download, range, &mut told).await;
    if received.is_ok() {
        told.succeeded();
    }
    received
}

/// Writes the body of a range to its place; returns its checksum.
async fn receive_range<D: Disk, C: Clock>(
    session: &Session<D, C>,
    body: &mut Incoming,
    download: &Download<'_, D>,
    range: Range<u64>,
    told: &mut ReportedBytes<'_>,
) -> Result<u64, Trouble> {
    let (path, length) = (download.wanted.path, range.end - range.start);
    let mut digester = Digester::new(&Want::default());
    let mut offset = range.start;
    while let Some(bytes) = body.try_next().await? {
        session.expect_to_go_on()?;
        let count = bytes.len() as u64;
        if offset + count > range.end {
            return Err(short_body(path, offset + count - range.start, length).into());
        }
        download.draft.write_at(&bytes, offset)?;
        digester.update(&bytes);
        offset += count;
        session.limits.range_window.came(count);
        told.tell(count);
        session.store.keep_pace(count).await;
    }
    match digester.finish() {
        digests if digests.size == length => Ok(digests.crc64),
        digests => Err(short_body(path, digests.size, length).into()),
    }
}

/// Holds the whole file against everything that was promised of it.
async fn verify<D: Disk, C: Clock>(
    session: &Session<D, C>,
    download: &Download<'_, D>,
) -> Result<Received, Trouble> {
    let Wanted { path, version, .. } = download.wanted;
    let pieces = download.arrived.iter().map(|(number, crc64)| {
        let range = download.range(*number);
        (*crc64, range.end - range.start)
    });
    let want = Evidence::known(download.object.content.clone())
        .want()
        .filter(|want| *want != Want::default());
    let digests = match want {
        // Only a store without checksums makes a second read of the file necessary.
        Some(want) => {
            let read = |buffer: &mut [u8], offset| download.draft.read_at(buffer, offset);
            let read = digest::digest_range(read, 0..version.size, (&want, &session.stop)).await?;
            read.ok_or_else(|| short_body(path, 0, version.size))?
        }
        None => Digests::of_pieces(pieces),
    };
    wanted::verified(path, version, &download.object, &digests)
}

/// Reads the ranges that a checkpoint claims; returns those whose bytes are what it says.
async fn still_there<D: Disk>(
    draft: &Draft<D>,
    checkpoint: &Checkpoint,
    part_bytes: u64,
    size: u64,
    stop: &Stop,
) -> BTreeMap<u32, u64> {
    let ranges = part_count(size, part_bytes);
    let mut arrived = BTreeMap::new();
    for (number, CheckpointPart { crc64, .. }) in &checkpoint.parts {
        if *number == 0 || u64::from(*number) > ranges {
            continue;
        }
        let range = part_range(*number, part_bytes, size);
        // What cannot be read has not arrived.
        let read = |buffer: &mut [u8], offset| draft.read_at(buffer, offset);
        let read = digest::digest_range(read, range, (&Want::default(), stop)).await.ok().flatten();
        if read.is_some_and(|digests| digests.crc64 == *crc64) {
            arrived.insert(*number, *crc64);
        }
    }
    arrived
}
