//! Large objects into the working copy: range by range, several at once, into one file that a later
//! run can go on with.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use futures_util::StreamExt as _;

use super::context::{Context, Trouble};
use super::download::{Fetched, Received, Told, Wanted, verified};
use super::examine::short_body;
use super::retry::{Backoff, retry};
use super::upload::{WHOLE_BYTES_MAX, changed_in_bucket};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::{Digester, Digests, Evidence, Want, part_count};
use crate::local::replace::{Draft, Parent, Workspace};
use crate::plan::Action;
use crate::remote::{Body as _, Object, Remote, RemoteErrorKind};
use crate::repository::notes::{Note, NotedPart, Pen, Transfer, Way};
use crate::tree::RepoPath;

/// How many bytes of a staged file are read at once.
const READ_BYTES: u64 = 1024 * 1024;

/// A download on its way.
struct Download<'a, D: Disk> {
    wanted: &'a Wanted<'a>,
    object: Object,
    part_bytes: u64,
    draft: Draft<D>,
    pen: Pen<D>,
    /// CRC-64/NVME of the ranges that have arrived, by number from 1.
    arrived: BTreeMap<u32, u64>,
}

impl<D: Disk> Download<'_, D> {
    /// Returns the bytes of a range.
    fn range(&self, number: u32) -> Range<u64> {
        range(number, self.part_bytes, self.wanted.version.size)
    }
}

fn range(number: u32, part_bytes: u64, size: u64) -> Range<u64> {
    let start = u64::from(number - 1) * part_bytes;
    start..size.min(start + part_bytes)
}

impl<D: Disk, R: Remote, C: Clock> Context<D, R, C> {
    /// Fetches one version in ranges.
    pub(super) async fn fetch_in_ranges(&self, wanted: &Wanted<'_>) -> Result<Fetched<D>, Trouble> {
        let object = self.head_wanted(wanted).await?;
        let (parent, workspace) = self.place(wanted)?;
        let mut download = self.begin_or_resume(wanted, object, &workspace).await?;
        let fetched = match self.fetch_ranges(&mut download).await {
            Ok(()) => {
                let verified = self.verify(&download).await;
                if verified.is_err() && !wanted.for_trash {
                    self.monitor.bytes_lost(wanted.version.size);
                }
                verified
            }
            Err(trouble) => Err(trouble),
        };
        match fetched {
            Ok(received) => {
                if let Some(mode) = wanted.mode {
                    download.draft.set_mode(mode)?;
                }
                let noted = download.pen.complete();
                noted.map_err(|error| Trouble::io(wanted.path, &error))?;
                let staged = download.draft.seal(download.object.mtime)?;
                Ok(Fetched { staged, parent, workspace, received })
            }
            Err(trouble) => {
                if !trouble.may_go_on() {
                    download.draft.discard();
                    self.forget_note(Way::Down, wanted.path);
                }
                Err(trouble)
            }
        }
    }

    /// Looks at the object, which must still be the version wanted.
    async fn head_wanted(&self, wanted: &Wanted<'_>) -> Result<Object, Trouble> {
        match retry(&self.clock, &self.stop, || self.remote.head(wanted.path)).await {
            Err(error) if error.kind == RemoteErrorKind::NotFound => {
                Err(Trouble::changed("it was deleted in the bucket"))
            }
            Ok(object) if object.entry.version != *wanted.version => Err(changed_in_bucket()),
            other => Ok(other?),
        }
    }

    /// Opens the file of the version: the one that an earlier run has begun, else a new one.
    async fn begin_or_resume<'a>(
        &self,
        wanted: &'a Wanted<'a>,
        object: Object,
        workspace: &Workspace<D>,
    ) -> Result<Download<'a, D>, Trouble> {
        let (staging, notes) = (self.staging()?, self.notes()?);
        let (path, size) = (wanted.path, wanted.version.size);
        let failed = |error: std::io::Error| Trouble::io(path, &error);
        let part_bytes = self.tuning.part_bytes(size);
        let transfer = Transfer::Down {
            path: path.to_string(),
            size,
            etag: wanted.version.etag.to_string(),
            part_bytes,
            replaces: wanted.mode.is_some(),
        };
        let name = transfer.partial_name().unwrap_or_default();
        let note = notes.take(Way::Down, path).filter(|note| {
            let is_this = note.transfer == transfer;
            if !is_this && let Some(other) = note.transfer.partial_name() {
                staging.discard(workspace, &other);
            }
            is_this
        });
        // A file that was complete may have a name in the working copy by now: it is a person's.
        if let Some(note) = note.filter(|note| !note.complete)
            && let Some(draft) = staging.reopen(workspace, path, &name)
        {
            let arrived = still_there(&draft, &note, (part_bytes, size)).await;
            let pen = notes.resume(&note).map_err(failed)?;
            return Ok(Download { wanted, object, part_bytes, draft, pen, arrived });
        }
        let draft = staging.stage_as(workspace, path, wanted.mode, &name)?;
        let begun = draft.allocate(size).map_err(Trouble::from);
        match begun.and_then(|()| notes.begin(&transfer).map_err(failed)) {
            Ok(pen) => {
                Ok(Download { wanted, object, part_bytes, draft, pen, arrived: BTreeMap::new() })
            }
            Err(trouble) => {
                // What was taken of a disk that is too small is given back to the others.
                draft.discard();
                Err(trouble)
            }
        }
    }

    /// Fetches what has not arrived yet, several ranges at once.
    async fn fetch_ranges(&self, download: &mut Download<'_, D>) -> Result<(), Trouble> {
        let size = download.wanted.version.size;
        let count = u32::try_from(part_count(size, download.part_bytes)).unwrap_or(u32::MAX);
        let mut told = self.told(download.wanted);
        for number in download.arrived.keys() {
            let range = download.range(*number);
            told.tell(range.end - range.start);
        }
        let arrived: BTreeSet<u32> = download.arrived.keys().copied().collect();
        let missing: Vec<u32> = (1..=count).filter(|number| !arrived.contains(number)).collect();
        let this = &*download;
        let mut fetching = futures_util::stream::iter(missing)
            .map(|number| async move { (number, self.fetch_range(this, number).await) })
            .buffer_unordered(self.tuning.jobs.get());
        let mut new = Vec::new();
        while let Some((number, fetched)) = fetching.next().await {
            let crc64 = fetched?;
            let noted = this.pen.part(number, crc64, None);
            noted.map_err(|error| Trouble::io(this.wanted.path, &error))?;
            new.push((number, crc64));
        }
        drop(fetching);
        download.arrived.extend(new);
        Ok(())
    }

    /// Fetches one range, again while that makes sense; returns its checksum.
    async fn fetch_range(&self, download: &Download<'_, D>, number: u32) -> Result<u64, Trouble> {
        let mut backoff = Backoff::default();
        loop {
            if self.stop.is_requested() {
                return Err(Trouble::Stopped);
            }
            let error = match self.fetch_range_once(download, number).await {
                Err(Trouble::Remote(error)) => error,
                other => return other,
            };
            match error.kind {
                RemoteErrorKind::Changed => return Err(changed_in_bucket()),
                RemoteErrorKind::NotFound => {
                    return Err(Trouble::changed("it was deleted in the bucket"));
                }
                _ => (),
            }
            if !backoff.wait(&self.clock, &self.stop, &error).await {
                return Err(Trouble::Remote(error));
            }
        }
    }

    async fn fetch_range_once(
        &self,
        download: &Download<'_, D>,
        number: u32,
    ) -> Result<u64, Trouble> {
        let (path, range) = (download.wanted.path, download.range(number));
        let lane = self.lanes.enter().await;
        let got = self.remote.get(path, &download.wanted.version.etag, Some(range.clone())).await;
        self.lanes.learn(&got, self.clock.now());
        let (_, mut body) = got?;
        let mut told = self.told(download.wanted);
        let received = self.receive_range(&mut body, download, range, &mut told).await;
        drop(lane);
        if received.is_err() {
            told.take_back();
        }
        received
    }

    /// Writes the body of a range to its place; returns its checksum.
    async fn receive_range(
        &self,
        body: &mut R::Body,
        download: &Download<'_, D>,
        range: Range<u64>,
        told: &mut Told<'_>,
    ) -> Result<u64, Trouble> {
        let (path, length) = (download.wanted.path, range.end - range.start);
        let mut digester = Digester::new(&Want::default());
        let mut offset = range.start;
        while let Some(bytes) = body.next().await? {
            if self.stop.is_requested() {
                return Err(Trouble::Stopped);
            }
            let count = bytes.len() as u64;
            if offset + count > range.end {
                return Err(short_body(path, offset + count - range.start, length).into());
            }
            download.draft.write_at(&bytes, offset)?;
            digester.update(&bytes);
            offset += count;
            told.tell(count);
            self.pace.wait((&self.clock, &self.stop), count).await;
        }
        match digester.finish() {
            digests if digests.size == length => Ok(digests.crc64),
            digests => Err(short_body(path, digests.size, length).into()),
        }
    }

    /// Holds the whole file against everything that was promised of it.
    async fn verify(&self, download: &Download<'_, D>) -> Result<Received, Trouble> {
        let Wanted { path, version, .. } = download.wanted;
        let pieces = download.arrived.iter().map(|(number, crc64)| {
            let range = download.range(*number);
            (*crc64, range.end - range.start)
        });
        let mut digests = Digests::of_pieces(pieces);
        let promised = Evidence {
            size: version.size,
            etag: version.etag.clone(),
            etag_is_md5: download.object.etag_is_md5,
            crc64: download.object.crc64,
        };
        // Only a store without checksums makes a second read of the file necessary.
        if let Some(want) = promised.want().filter(|want| *want != Want::default()) {
            let read = digest_range(&download.draft, 0..version.size, &want).await?;
            digests = read.ok_or_else(|| short_body(path, 0, version.size))?;
        }
        verified(path, version, &download.object, &digests)
    }

    /// Removes the note of a transfer that has come to its end.
    pub(super) fn forget_note(&self, way: Way, path: &RepoPath) {
        if let Some(notes) = &self.notes {
            notes.forget(way, path.as_str());
        }
    }

    /// Removes the notes of an action that took effect and is recorded.
    pub(super) fn forget_notes(&self, action: &Action) {
        let here = action.local.map_or(0, |stat| stat.size);
        let there = action.remote.as_ref().map_or(0, |version| version.size);
        if here.max(there) > WHOLE_BYTES_MAX {
            for path in [Some(&action.path), action.copy.as_ref()].into_iter().flatten() {
                self.forget_note(Way::Up, path);
                self.forget_note(Way::Down, path);
            }
        }
    }

    /// Opens the folder that a fetched object will lie in, and the workspace of its file system.
    pub(super) fn place(&self, wanted: &Wanted<'_>) -> Result<(Parent<D>, Workspace<D>), Trouble> {
        let staging = self.staging()?;
        let parent = if wanted.for_trash {
            Parent { folder: self.root.clone(), top: String::new() }
        } else {
            // Folders are made only for an object that is really there.
            staging.open_parent(wanted.path, true)?
        };
        let workspace =
            staging.for_parent(&parent).map_err(|error| Trouble::io(wanted.path, &error))?;
        Ok((parent, workspace))
    }
}

/// Reads the ranges that a note claims; returns those whose bytes are what it says.
async fn still_there<D: Disk>(
    draft: &Draft<D>,
    note: &Note,
    (part_bytes, size): (u64, u64),
) -> BTreeMap<u32, u64> {
    let ranges = part_count(size, part_bytes);
    let mut arrived = BTreeMap::new();
    for (number, NotedPart { crc64, .. }) in &note.parts {
        if *number == 0 || u64::from(*number) > ranges {
            continue;
        }
        let range = range(*number, part_bytes, size);
        // What cannot be read has not arrived.
        let read = digest_range(draft, range, &Want::default()).await.ok().flatten();
        if read.is_some_and(|digests| digests.crc64 == *crc64) {
            arrived.insert(*number, *crc64);
        }
    }
    arrived
}

/// Reads a range of a staged file; `None` where the file is shorter.
async fn digest_range<D: Disk>(
    draft: &Draft<D>,
    range: Range<u64>,
    want: &Want,
) -> Result<Option<Digests>, Trouble> {
    let mut digester = Digester::new(want);
    let step = READ_BYTES.min(range.end - range.start);
    let mut buffer = vec![0; usize::try_from(step).unwrap_or(0)];
    let mut offset = range.start;
    while offset < range.end {
        let length = usize::try_from(step.min(range.end - offset)).unwrap_or(0);
        let count = draft.read_at(&mut buffer[..length], offset)?;
        if count == 0 {
            return Ok(None);
        }
        digester.update(&buffer[..count]);
        offset += count as u64;
        // It may be many gigabytes, and others have work to do.
        tokio::task::yield_now().await;
    }
    Ok(Some(digester.finish()))
}
