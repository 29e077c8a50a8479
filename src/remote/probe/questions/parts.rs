//! What the store does with uploads in parts.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join3;

use crate::remote::probe::calls::{delete, finding, is_refused, properties, someone_elses, write};
use crate::remote::probe::prober::{Prober, trial};
use crate::remote::probe::trials::Trials;
use crate::remote::retry::retry;
use crate::remote::{
    Capabilities, Checksum, Condition, Conditions, Outgoing, Part, RemoteError, Stored, UploadId,
};
use crate::tree::RepoPath;

/// What the store does when parts are put together.
pub(super) struct Completion {
    pub(super) conditions: Conditions,
    /// It takes parts at all.
    pub(super) is_possible: bool,
    /// Which checksum the store takes there, too.
    pub(super) checksum: Checksum,
    /// A deletion knows the version of what was made so.
    pub(super) is_deleted_on_condition: bool,
    pub(super) note: Option<String>,
}

/// An upload with its one part, which is to be put together.
pub(in crate::remote::probe) struct Begun {
    pub(super) upload: UploadId,
    part: Part,
    pub(in crate::remote::probe) body: Bytes,
}

impl Begun {
    /// Puts the part together under a condition.
    pub(in crate::remote::probe) async fn complete(
        &self,
        remote: &dyn Trials,
        path: &RepoPath,
        condition: &Condition,
    ) -> Result<Stored, RemoteError> {
        let parts = std::slice::from_ref(&self.part);
        let crc64 = Outgoing::whole(self.body.clone()).crc64();
        remote.complete_upload(path, &self.upload, parts, crc64, condition).await
    }

    /// As [`Begun::complete`], and again while that makes sense.
    async fn complete_with_retry(
        &self,
        remote: &dyn Trials,
        path: &RepoPath,
        condition: &Condition,
    ) -> Result<Stored, RemoteError> {
        write(remote, path, &self.body, || self.complete(remote, path, condition)).await
    }
}

impl Prober<'_> {
    /// Finds whether uploads in parts work at all, and what conditions mean when they are completed.
    pub(super) async fn ask_completion(
        &self,
        checksum: Checksum,
    ) -> Result<Completion, RemoteError> {
        let mut found = Completion {
            conditions: Conditions::None,
            is_possible: true,
            checksum,
            is_deleted_on_condition: true,
            note: None,
        };
        // Two keys, because a store may store and fail nevertheless.
        for (key, checksum) in [("parts", checksum), ("plain-parts", Checksum::None)] {
            match finding(self.complete_first(key, checksum).await)? {
                Ok(stored) => {
                    found.checksum = checksum;
                    found.conditions = self.ask_complete(key, stored, checksum).await?;
                    found.is_deleted_on_condition =
                        self.is_deleted_on_condition(key, checksum).await?;
                    break;
                }
                Err(error) if checksum == Checksum::None => {
                    let note = "the store takes no uploads in parts: a large file goes with one request, up to \
                                5 GiB, and begins anew where it was broken off";
                    found.note = Some(format!("{note}: {error}"));
                    found.is_possible = false;
                    break;
                }
                Err(_) => (),
            }
        }
        Ok(found)
    }

    /// Uploads in parts, without a condition.
    async fn complete_first(&self, key: &str, checksum: Checksum) -> Result<Stored, RemoteError> {
        let (remote, path) = (self.completing(Conditions::None, checksum), self.path(key));
        let begun = self.begin(&*remote, &path).await?;
        let completed = begun.complete_with_retry(&*remote, &path, &Condition::Absent).await;
        if completed.is_err() {
            drop(remote.abort_upload(&path, &begun.upload).await);
        }
        completed
    }

    /// Finds what conditions mean when the parts of an object that is there are put together anew.
    async fn ask_complete(
        &self,
        key: &str,
        stored: Stored,
        checksum: Checksum,
    ) -> Result<Conditions, RemoteError> {
        let (path, mut there) = (self.path(key), stored.token);
        for honoured in [Conditions::Atomic, Conditions::AtomicUnquoted] {
            let remote = self.completing(honoured, checksum);
            let upload = || self.begin(&*remote, &path);
            let begun = join3(upload(), upload(), upload()).await;
            let begun = [begun.0, begun.1, begun.2];
            let [Ok(again), Ok(wrong), Ok(right)] = &begun else {
                end_uploads(&*remote, &path, begun.iter().filter_map(|it| it.as_ref().ok())).await;
                let failed = begun.into_iter().find_map(Result::err);
                return failed.map_or(Ok(Conditions::None), Err);
            };
            // One after the other: where answers do not name what was stored, only a look tells, and it
            // must not see what another one did.
            let mut are_refused = Ok(true);
            for (begun, condition) in [(again, Condition::Absent), (wrong, someone_elses())] {
                if let Ok(true) = are_refused {
                    let answer = begun.complete_with_retry(&*remote, &path, &condition).await;
                    are_refused = finding(answer).map(|answer| is_refused(&answer));
                }
            }
            let mut replaced = None;
            if let Ok(true) = are_refused {
                let expected = Condition::Matches(there.clone());
                replaced = Some(right.complete_with_retry(&*remote, &path, &expected).await);
            }
            let is_used = replaced.as_ref().is_some_and(Result::is_ok);
            let unused = [again, wrong].into_iter().chain((!is_used).then_some(right));
            end_uploads(&*remote, &path, unused).await;
            are_refused?;
            match replaced.map(finding).transpose()? {
                None => return Ok(Conditions::None),
                Some(Ok(_)) => return Ok(honoured),
                Some(Err(_)) => there = self.etag(key).await?,
            }
        }
        Ok(Conditions::None)
    }

    /// Tells whether a deletion of what was made in parts knows its version: `OpenStack` Swift 2.30.1
    /// answers 412 although the version is right.
    async fn is_deleted_on_condition(
        &self,
        key: &str,
        checksum: Checksum,
    ) -> Result<bool, RemoteError> {
        let (path, there) = (self.path(key), self.etag(key).await?);
        for honoured in [Conditions::Atomic, Conditions::AtomicUnquoted] {
            let remote = self.trying(honoured, checksum);
            let deleted = finding(delete(&*remote, &path, &there).await)?;
            if !is_refused(&deleted) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the remote for uploads, which knows by the MD5 what an answer stored that names nothing
    /// (Ceph). In a race that would be a guess.
    fn completing(&self, honoured: Conditions, checksum: Checksum) -> Arc<dyn Trials> {
        let etag_is_md5 = self.found.etag_is_md5;
        self.below(Capabilities { etag_is_md5, ..trial(honoured, checksum) })
    }

    /// Begins an upload and stores its one part.
    pub(in crate::remote::probe) async fn begin(
        &self,
        remote: &dyn Trials,
        path: &RepoPath,
    ) -> Result<Begun, RemoteError> {
        let (body, properties) = (self.body(), properties());
        let upload = retry(|| remote.start_upload(path, &properties)).await?;
        match retry(|| remote.upload_part(path, &upload, 1, body.clone().into())).await {
            Ok(part) => Ok(Begun { upload, part, body }),
            Err(error) => {
                drop(remote.abort_upload(path, &upload).await);
                Err(error)
            }
        }
    }
}

/// Throws uploads away. A store that forgets a refused upload, or keeps it: both are fine.
///
/// One after the other: `SeaweedFS` 4.48 lets the second of two that end uploads to one key wait for a
/// second, the fifth for four.
pub(in crate::remote::probe) async fn end_uploads<'a>(
    remote: &dyn Trials,
    path: &RepoPath,
    begun: impl Iterator<Item = &'a Begun>,
) {
    for begun in begun {
        drop(remote.abort_upload(path, &begun.upload).await);
    }
}
