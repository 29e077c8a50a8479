//! Uploads in parts.
//!
//! Every part is appended to one staged file, in whatever order they come. If the parts then lie
//! there in their order, as they nearly always do, that file is the object; else they are copied.
//! Nothing of an upload survives the process, except for the file, which is swept after a day.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex};

use crc_fast::CrcAlgorithm;

use super::bucket::{Bucket, hold};
use super::error::{Context as _, error, verify};
use super::stage::{Staged, crc64_of};
use crate::disk::{Disk, copy};
use crate::remote::{Condition, Outgoing, Part, RemoteError, RemoteErrorKind, UploadId};
use crate::tree::{Properties, RepoPath, Token};

/// Parts are numbered from 1 to this, as on S3.
const PARTS_MAX: u32 = 10_000;

/// The uploads that were begun, by their ids.
pub(super) type Begun<D> = Mutex<HashMap<String, Arc<Mutex<Upload<D>>>>>;

/// An upload that was begun.
pub(super) struct Upload<D: Disk> {
    path: RepoPath,
    /// The mtime that the whole will have.
    mtime: Option<i64>,
    staged: Staged<D>,
    /// Parts by number.
    parts: BTreeMap<u32, Segment>,
}

/// Where a part lies in the staged file.
struct Segment {
    range: Range<u64>,
    token: Token,
    crc64: u64,
}

impl<D: Disk> Bucket<D> {
    /// Begins an upload; its id is the name of the staged file.
    pub(super) fn begin_upload(
        &self,
        begun: &Begun<D>,
        path: &RepoPath,
        properties: &Properties,
    ) -> Result<UploadId, RemoteError> {
        let staged = self.stage("UPLOAD", &self.key(path.as_str()))?;
        let id = staged.name.to_string_lossy().into_owned();
        let upload = Upload {
            path: path.clone(),
            mtime: properties.mtime(),
            staged,
            parts: BTreeMap::new(),
        };
        hold(begun).insert(id.clone(), Arc::new(Mutex::new(upload)));
        Ok(UploadId(id))
    }

    /// Stores one part; one that was stored already is replaced.
    pub(super) async fn store_part(
        &self,
        (begun, id): (&Begun<D>, &UploadId),
        path: &RepoPath,
        number: u32,
        body: Outgoing,
    ) -> Result<Part, RemoteError> {
        let key = self.key(path.as_str());
        let body = &body.collect().await.context("UPLOAD PART", &key)?;
        if !(1..=PARTS_MAX).contains(&number) {
            let message = format!("parts are numbered from 1 to {PARTS_MAX}");
            return Err(error(RemoteErrorKind::Invalid, "UPLOAD PART", &key, message));
        }
        let crc64 = crc64_of(body);
        let token = Token::new(&format!("{}-{crc64:016x}", body.len()));
        let upload = self.upload((begun, id), "UPLOAD PART", path)?;
        let mut upload = hold(&upload);
        let file = &upload.staged.file;
        // Not the sum of the parts: a write that failed may have left some bytes.
        let start = self.disk.fstat(file).context("UPLOAD PART", &key)?.size;
        self.disk.write(file, body).context("UPLOAD PART", &key)?;
        let range = start..start + body.len() as u64;
        upload.parts.insert(number, Segment { range, token: token.clone(), crc64 });
        Ok(Part { number, token, crc64 })
    }

    /// Puts the parts together and gives the whole its name if the condition holds.
    ///
    /// On an error the upload stays, to be completed again or thrown away.
    pub(super) fn join_parts(
        &self,
        (begun, id): (&Begun<D>, &UploadId),
        path: &RepoPath,
        parts: &[Part],
        (crc64, condition): (u64, &Condition),
    ) -> Result<Token, RemoteError> {
        let key = self.key(path.as_str());
        let control = self.control("COMPLETE", &key)?;
        let upload = self.upload((begun, id), "COMPLETE", path)?;
        let upload = hold(&upload);
        let segments = upload
            .segments(parts)
            .map_err(|message| error(RemoteErrorKind::Invalid, "COMPLETE", &key, message))?;
        verify("COMPLETE", &key, crc64_of_all(&segments), crc64)?;
        let size = self.disk.fstat(&upload.staged.file).context("COMPLETE", &key)?.size;
        let etag = if is_whole(&segments, size) {
            self.publish("COMPLETE", path, &upload.staged, (upload.mtime, condition))?
        } else {
            let joined = self.stage("COMPLETE", &key)?;
            let published = segments
                .into_iter()
                .try_for_each(|part| {
                    copy(&self.disk, &upload.staged.file, part.range.clone(), &joined.file)
                })
                .context("COMPLETE", &key)
                .and_then(|()| self.publish("COMPLETE", path, &joined, (upload.mtime, condition)));
            let spent = if published.is_ok() { &upload.staged } else { &joined };
            self.discard(control, &spent.name);
            published?
        };
        hold(begun).remove(&id.0);
        Ok(etag)
    }

    /// Throws an upload away; one that is not known is gone already.
    pub(super) fn forget_upload(
        &self,
        (begun, id): (&Begun<D>, &UploadId),
        path: &RepoPath,
    ) -> Result<(), RemoteError> {
        let control = self.control("ABORT", &self.key(path.as_str()))?;
        if let Some(upload) = hold(begun).remove(&id.0) {
            self.discard(control, &hold(&upload).staged.name);
        }
        Ok(())
    }

    /// Finds an upload to `path` that was begun here.
    fn upload(
        &self,
        (begun, id): (&Begun<D>, &UploadId),
        operation: &'static str,
        path: &RepoPath,
    ) -> Result<Arc<Mutex<Upload<D>>>, RemoteError> {
        let found = hold(begun).get(&id.0).cloned();
        found.filter(|upload| hold(upload).path == *path).ok_or_else(|| {
            let key = self.key(path.as_str());
            error(RemoteErrorKind::NotFound, operation, &key, "there is no such upload")
        })
    }
}

impl<D: Disk> Upload<D> {
    /// Returns where the parts named lie, or why they cannot be put together.
    fn segments(&self, parts: &[Part]) -> Result<Vec<&Segment>, String> {
        if !parts.is_sorted_by(|a, b| a.number < b.number) || parts.is_empty() {
            return Err("the parts are none or not in order".to_owned());
        }
        let find = |part: &Part| match self.parts.get(&part.number) {
            Some(segment) if segment.token == part.token => Ok(segment),
            _ => Err(format!("part {} is not the one that was uploaded", part.number)),
        };
        parts.iter().map(find).collect()
    }
}

/// Tells whether the parts, one after the other, are all of a file of `size` bytes.
fn is_whole(parts: &[&Segment], size: u64) -> bool {
    let mut end = 0;
    let in_order =
        parts.iter().all(|part| std::mem::replace(&mut end, part.range.end) == part.range.start);
    in_order && end == size
}

/// Returns the checksum of the parts put together.
fn crc64_of_all(parts: &[&Segment]) -> u64 {
    parts.iter().fold(crc64_of(&[]), |crc64, part| {
        let size = part.range.end - part.range.start;
        crc_fast::checksum_combine(CrcAlgorithm::Crc64Nvme, crc64, part.crc64, size)
    })
}
