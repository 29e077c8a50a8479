//! The probe's single calls: patient with a busy store, exact about what an answer means.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use crc_fast::CrcAlgorithm;

use crate::remote::{
    Attributes, Condition, Part, Remote as _, RemoteError, RemoteErrorKind as Kind, S3Remote,
    UploadId,
};
use crate::tree::{Etag, RepoPath};

/// How often a call is made again that the store had no time for.
pub(super) const ATTEMPTS_MAX: u32 = 5;

/// What the first repetition waits; each further one twice as long.
pub(super) const FIRST_WAIT: Duration = Duration::from_millis(250);

/// An ETag that no object has.
pub(super) const NO_ETAG: &str = "00000000000000000000000000000000";

/// Names a version that is not there.
pub(super) fn someone_elses() -> Condition {
    Condition::Matches(Etag::new(NO_ETAG))
}

/// Tells whether a condition that did not hold was noticed.
pub(super) fn is_refused<T>(result: &Result<T, RemoteError>) -> bool {
    result.as_ref().is_err_and(|error| error.kind == Kind::Changed)
}

/// Passes on errors that say nothing about the store's abilities; what is within is a finding.
pub(super) fn finding<T>(
    result: Result<T, RemoteError>,
) -> Result<Result<T, RemoteError>, RemoteError> {
    match result {
        Err(error)
            if matches!(
                error.kind,
                Kind::Unreachable | Kind::NoCredentials | Kind::NoBucket | Kind::BucketGone
            ) =>
        {
            Err(error)
        }
        result => Ok(result),
    }
}

/// Makes a call again that the store had no time for.
pub(super) async fn patiently<T, F>(call: impl Fn() -> F) -> Result<T, RemoteError>
where
    F: Future<Output = Result<T, RemoteError>>,
{
    let mut attempt = 0;
    loop {
        let result = call().await;
        attempt += 1;
        match &result {
            Err(error)
                if error.is_transient()
                    && error.kind != Kind::Unreachable
                    && attempt < ATTEMPTS_MAX =>
            {
                tokio::time::sleep(FIRST_WAIT * 2_u32.pow(attempt - 1)).await;
            }
            _ => return result,
        }
    }
}

/// Begins an upload and stores its one part.
pub(super) async fn start(
    remote: &S3Remote,
    path: &RepoPath,
    body: &Bytes,
) -> Result<(UploadId, Part), RemoteError> {
    let upload = patiently(|| remote.start_upload(path, 0)).await?;
    match patiently(|| remote.upload_part(path, &upload, 1, body.clone())).await {
        Ok(part) => Ok((upload, part)),
        Err(error) => {
            drop(remote.abort_upload(path, &upload).await);
            Err(error)
        }
    }
}

pub(super) fn path(key: &str) -> RepoPath {
    RepoPath::parse(key).expect("the probe's own keys are paths")
}

pub(super) fn attributes(body: &Bytes) -> Attributes {
    Attributes { mtime: 0, crc64: crc_fast::checksum(CrcAlgorithm::Crc64Nvme, body) }
}
