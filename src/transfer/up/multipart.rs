//! Large files into the bucket, in parts, several at once.
//!
//! Nothing is visible before the last step, and that step is taken only if the file still looks as
//! it did before the first part: no torn file is ever stored. What was sent is written down, so that
//! a run that was broken off is gone on with and not begun anew.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt as _;

use super::copy;
use super::part::{self, Upload};
use super::source::{self, Evidenced, Sent, Source};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::{Digests, Want, part_count, part_range};
use crate::monitor::WarningKind;
use crate::remote::{Part, RemoteError, RemoteErrorKind, Stored, UploadId};
use crate::repository::checkpoints::{Checkpoint, Transfer, Way};
use crate::session::Session;
use crate::session::store::{Attempts, Write};
use crate::session::trouble::Trouble;
use crate::tree::{PartMd5s, RepoPath, Version};

/// How often an upload is begun anew: because the store has lost it, or because somebody else wrote
/// the key in the moment of its completion (409, S3 API reference, `CompleteMultipartUpload`).
const BEGINNINGS_MAX: usize = 3;

/// What became of an upload.
enum Ended<D: Disk> {
    Stored(Sent<D>),
    /// It has to begin anew.
    Lost(RemoteError),
}

/// Stores a file in parts: sent, or copied from an object that holds the same.
pub(super) async fn upload_in_parts<D: Disk, C: Clock>(
    session: &Session<D, C>,
    source: &Source<'_>,
) -> Result<Sent<D>, Trouble> {
    if source.unlisted
        && let Some(sent) = source::look_before_sending(session, source).await?
    {
        return Ok(sent);
    }
    let mut attempts = source.attempts();
    let mut beginnings = 0;
    loop {
        beginnings += 1;
        let mut upload = begin_or_resume_upload(session, source).await?;
        match send_and_complete(session, source, &mut upload, &mut attempts).await {
            Ok(Ended::Stored(sent)) => return Ok(sent),
            Ok(Ended::Lost(error)) => {
                abandon(session, source, &upload.id).await;
                session.monitor.bytes_lost(source.path, upload.told_bytes(source.stat.size));
                if beginnings == BEGINNINGS_MAX {
                    return Err(Trouble::Remote(given_up(error)));
                }
            }
            Err(trouble) => {
                if !trouble.may_go_on() {
                    abandon(session, source, &upload.id).await;
                }
                return Err(trouble);
            }
        }
    }
}

/// Throws an upload away. A failure here leaves parts that nobody sees; the run has a better
/// error to report.
async fn abandon<D: Disk, C: Clock>(session: &Session<D, C>, source: &Source<'_>, id: &UploadId) {
    session.store.remote.abort_upload(source.path, id).await.unwrap_or_default();
    session.files.forget_checkpoint(Way::Up, source.path);
}

/// Opens the file, and the upload that an earlier run has begun for it, else a new one.
async fn begin_or_resume_upload<D: Disk, C: Clock>(
    session: &Session<D, C>,
    source: &Source<'_>,
) -> Result<Upload<D>, Trouble> {
    let checkpoints = session.files.checkpoints()?;
    let (path, size) = (source.path, source.stat.size);
    let failed = |error: std::io::Error| Trouble::io(path, &error);
    let file = source::open(session, source)?;
    let part_bytes = session.limits.tuning.part_bytes(size);
    if let Some(checkpoint) = checkpoints.take(Way::Up, path)
        && let Some((id, mut held)) = held_parts(session, source, &checkpoint, part_bytes).await?
    {
        // After a power cut a file may hold other bytes than those that were read from memory.
        keep_what_still_is(session, &mut held, source, &file, part_bytes).await?;
        let writer = checkpoints.resume(&checkpoint).map_err(failed)?;
        // Nobody noted how these parts came there.
        let sends = AtomicBool::new(!held.is_empty());
        let upload = Upload { id, part_bytes, file, writer, held, sends };
        session.monitor.bytes(path, upload.told_bytes(size));
        return Ok(upload);
    }
    let properties = source.properties();
    let start = || async {
        session.expect_to_go_on()?;
        Ok(session.store.remote.start_upload(path, &properties).await?)
    };
    let id = session.store.read::<_, Trouble, _>(start).await?;
    let transfer = Transfer::up(path, &source.stat.signature(), part_bytes, &id.0);
    let writer = match checkpoints.begin(&transfer) {
        Ok(writer) => writer,
        Err(error) => {
            abandon(session, source, &id).await;
            return Err(failed(error));
        }
    };
    Ok(Upload { id, part_bytes, file, writer, held: BTreeMap::new(), sends: false.into() })
}

/// Asks the store which of the noted parts it holds; `None` where the upload is of another file
/// or is lost.
async fn held_parts<D: Disk, C: Clock>(
    session: &Session<D, C>,
    source: &Source<'_>,
    checkpoint: &Checkpoint,
    part_bytes: u64,
) -> Result<Option<(UploadId, BTreeMap<u32, Part>)>, Trouble> {
    let Transfer::Up { upload, .. } = &checkpoint.transfer else { return Ok(None) };
    let id = UploadId(upload.clone());
    let wanted = Transfer::up(source.path, &source.stat.signature(), part_bytes, upload);
    if checkpoint.transfer != wanted {
        session.store.remote.abort_upload(source.path, &id).await.unwrap_or_default();
        return Ok(None);
    }
    let list = || session.store.remote.parts(source.path, &id);
    let listed = match session.store.read(list).await {
        Ok(listed) => listed,
        // The parts are there still; the next run asks again.
        Err(error) if error.ends_the_run() || error.is_transient() => {
            return Err(error.into());
        }
        Err(error) => {
            if error.kind != RemoteErrorKind::NotFound {
                let path = source.path;
                let message = format!("{path}: its upload starts over: {error}");
                session.monitor.path_warning(WarningKind::UploadRestarted, &message);
                session.store.remote.abort_upload(path, &id).await.unwrap_or_default();
            }
            return Ok(None);
        }
    };
    let held = listed.into_iter().filter_map(|held| {
        let noted = checkpoint.parts.get(&held.number).filter(|_| held.number > 0)?;
        let is_ours = noted.etag.as_deref() == Some(&*held.token.text())
            && held.size == part::length(held.number, part_bytes, source.stat.size);
        let part = Part { number: held.number, token: held.token, crc64: noted.crc64 };
        is_ours.then_some((part.number, part))
    });
    Ok(Some((id, held.collect())))
}

/// Reads the file where parts of it were sent, and leaves out those whose bytes are others now.
async fn keep_what_still_is<D: Disk, C: Clock>(
    session: &Session<D, C>,
    held: &mut BTreeMap<u32, Part>,
    source: &Source<'_>,
    file: &D::File,
    part_bytes: u64,
) -> Result<(), Trouble> {
    for number in held.keys().copied().collect::<Vec<_>>() {
        let range = part_range(number, part_bytes, source.stat.size);
        let crc64 = match part::digest_part(session, source, file, range, &Want::default()).await {
            Ok(digests) => Some(digests.crc64),
            Err(Trouble::Changed { .. }) => None,
            Err(trouble) => return Err(trouble),
        };
        if held.get(&number).map(|part| part.crc64) != crc64 {
            held.remove(&number);
        }
    }
    Ok(())
}

async fn send_and_complete<D: Disk, C: Clock>(
    session: &Session<D, C>,
    source: &Source<'_>,
    upload: &mut Upload<D>,
    attempts: &mut Attempts,
) -> Result<Ended<D>, Trouble> {
    if let Some(error) = send_parts(session, source, upload).await? {
        return Ok(Ended::Lost(error));
    }
    complete(session, source, upload, attempts).await
}

/// Sends the parts that the store does not hold yet, several at once; returns the error by which
/// the store says that it has lost the upload.
async fn send_parts<D: Disk, C: Clock>(
    session: &Session<D, C>,
    source: &Source<'_>,
    upload: &mut Upload<D>,
) -> Result<Option<RemoteError>, Trouble> {
    let count = part_count(source.stat.size, upload.part_bytes);
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let missing: Vec<u32> =
        (1..=count).filter(|number| !upload.held.contains_key(number)).collect();
    let this = &*upload;
    let mut sending = futures_util::stream::iter(missing)
        .map(|number| copy::copy_or_send_part(session, source, this, number))
        .buffer_unordered(session.limits.tuning.jobs.get());
    let (mut sent, mut lost) = (Vec::new(), None);
    while let Some(part) = sending.next().await {
        match part {
            Ok(part) => sent.push(part),
            Err(Trouble::Remote(error)) if error.kind == RemoteErrorKind::NotFound => {
                lost = Some(error);
                break;
            }
            Err(trouble) => return Err(trouble),
        }
    }
    drop(sending);
    upload.held.extend(sent.into_iter().map(|part| (part.number, part)));
    Ok(lost)
}

/// Puts the parts together, and looks after an answer that got lost.
async fn complete<D: Disk, C: Clock>(
    session: &Session<D, C>,
    source: &Source<'_>,
    upload: &Upload<D>,
    attempts: &mut Attempts,
) -> Result<Ended<D>, Trouble> {
    let digests = digests(session, source, upload);
    let parts = upload.held.values().cloned().collect();
    let mut call = Completion { session, source, upload, parts, digests };
    Ok(match session.store.write(attempts, &mut call).await? {
        Ok(stored) => Ended::Stored(Sent {
            stored,
            crc64: call.digests.crc64,
            copied: !upload.sends.load(Ordering::Relaxed) && source.origin.is_some(),
            held: session.limits.holding.hold(Arc::clone(&upload.file)),
        }),
        Err(lost) => Ended::Lost(lost),
    })
}

/// Puts the digests of the whole together from those of the parts.
fn digests<D: Disk, C: Clock>(
    session: &Session<D, C>,
    source: &Source<'_>,
    upload: &Upload<D>,
) -> Digests {
    let parts = upload
        .held
        .values()
        .map(|part| (part, part::length(part.number, upload.part_bytes, source.stat.size)));
    let md5s = parts.clone().map(|(part, size)| {
        let version = Version { token: part.token.clone(), size };
        session.store.remote.likely_content(&version).md5()
    });
    let md5s: Option<Vec<_>> = md5s.collect();
    let md5_of_parts = md5s.map(|md5s| (upload.part_bytes, PartMd5s::of(md5s).md5));
    let pieces = parts.map(|(part, size)| (part.crc64, size));
    Digests { md5_of_parts: md5_of_parts.into_iter().collect(), ..Digests::of_pieces(pieces) }
}

/// Tells whether 404 is about the upload: it is also said of a key that was to be replaced.
async fn has_lost<D: Disk, C: Clock>(
    session: &Session<D, C>,
    path: &RepoPath,
    id: &UploadId,
    error: &RemoteError,
) -> bool {
    let is_not_found = |error: &RemoteError| error.kind == RemoteErrorKind::NotFound;
    is_not_found(error)
        && session
            .store
            .read(|| session.store.remote.parts(path, id))
            .await
            .is_err_and(|error| is_not_found(&error))
}

/// The last step of an upload: all of it becomes visible, or nothing.
struct Completion<'c, D: Disk, C> {
    session: &'c Session<D, C>,
    source: &'c Source<'c>,
    upload: &'c Upload<D>,
    parts: Vec<Part>,
    digests: Digests,
}

/// What was stored, or the error by which the upload has to begin anew.
type Completed = Result<Stored, RemoteError>;

impl<D: Disk, C: Clock> Write for Completion<'_, D, C> {
    type Answer = Completed;
    type Error = Trouble;

    async fn attempt(&mut self, _: bool) -> Result<Completed, Trouble> {
        let Self { session, source, upload, parts, digests } = self;
        let (path, condition) = (source.path, &source.condition);
        source::expect_untouched(session, source, &upload.file)?;
        // The commit point: what is on the disk now must be what was read.
        match session.files.look(path).map_err(|error| Trouble::io(path, &error))? {
            Some(stat) if source.stat.is_untouched(&stat) => (),
            _ => return Err(Trouble::changed("it was changed here")),
        }
        let completing =
            session.store.remote.complete_upload(path, &upload.id, parts, digests.crc64, condition);
        Ok(Ok(completing.await?))
    }

    fn ends_with(&mut self, error: &RemoteError) -> Option<Completed> {
        // S3 user guide, "Conditional writes": after 409 the upload has to be begun again.
        (error.kind == RemoteErrorKind::Busy).then(|| Err(error.clone()))
    }

    async fn look(&mut self) -> Result<Option<Completed>, Trouble> {
        let sent = Evidenced::Digests(&self.digests);
        Ok(source::look_for_ours(self.session, self.source.path, &sent).await?.map(Ok))
    }

    async fn judge(&mut self, refusal: RemoteError, _: bool) -> Result<Option<Completed>, Trouble> {
        let (session, source) = (self.session, self.source);
        if has_lost(session, source.path, &self.upload.id, &refusal).await {
            return Ok(Some(Err(refusal)));
        }
        // Not every store keeps the parts of an upload that it has refused: there is no second attempt.
        Err(match (source::is_unfounded(session, source).await, refusal.kind) {
            (true, RemoteErrorKind::NotFound) => Trouble::Nameless(refusal),
            (true, _) => source::unfounded(session, source, refusal),
            (false, _) => Trouble::changed_in_bucket(),
        })
    }
}

/// Words an upload that the store has lost as often as it was begun.
fn given_up(error: RemoteError) -> RemoteError {
    let message = format!("the upload was begun {BEGINNINGS_MAX} times ({})", error.message);
    RemoteError { message, ..error }
}
