//! Single objects: looking at them, and asking for their contents with patience.

use std::future::Future;

use super::context::Context;
use super::lanes::Lane;
use super::retry::{Backoff, retry};
use super::trouble::Trouble;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::Evidence;
use crate::remote::{Object, Remote, RemoteError, RemoteErrorKind};
use crate::tree::{RepoPath, Version};

impl<D: Disk, R: Remote, C: Clock> Context<D, R, C> {
    /// Looks at one object; `None` where there is none.
    pub(super) async fn object(&self, path: &RepoPath) -> Result<Option<Object>, RemoteError> {
        match retry(&self.clock, &self.stop, || self.remote.head(path)).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.kind == RemoteErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Looks at an object that must still be the version that the plan saw.
    pub(super) async fn object_expected(
        &self,
        path: &RepoPath,
        version: &Version,
    ) -> Result<Object, Trouble> {
        let object = self.object(path).await?.ok_or_else(deleted_in_bucket)?;
        if object.entry.version == *version { Ok(object) } else { Err(changed_in_bucket()) }
    }

    /// Makes a request that carries contents, when a lane is free for it; the lane stays taken for
    /// as long as it is held.
    pub(super) async fn in_lane<T>(
        &self,
        request: impl Future<Output = Result<T, RemoteError>> + Send,
    ) -> (Lane<'_>, Result<T, RemoteError>) {
        let lane = self.lanes.enter().await;
        let answer = request.await;
        self.lanes.learn(&answer, self.clock.now());
        (lane, answer)
    }

    /// Fetches a version, or a range of it, again while that makes sense.
    pub(super) async fn fetch_patiently<T, F>(
        &self,
        fetch: impl Fn() -> F + Send,
    ) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, Trouble>> + Send,
        T: Send,
    {
        let mut backoff = Backoff::default();
        while !self.stop.is_requested() {
            let error = match fetch().await {
                Err(Trouble::Remote(error)) => error,
                other => return other,
            };
            match error.kind {
                RemoteErrorKind::Changed => return Err(changed_in_bucket()),
                RemoteErrorKind::NotFound => return Err(deleted_in_bucket()),
                _ => (),
            }
            if !backoff.wait(&self.clock, &self.stop, &error).await {
                return Err(Trouble::Remote(error));
            }
        }
        Err(Trouble::Stopped)
    }
}

/// Returns what a store promises of the contents of an object.
pub(super) fn promised(object: &Object) -> Evidence {
    Evidence {
        size: object.entry.version.size,
        etag: object.entry.version.etag.clone(),
        etag_is_md5: object.etag_is_md5,
        crc64: object.crc64,
    }
}

pub(super) fn changed_in_bucket() -> Trouble {
    Trouble::Changed { reason: "it was changed in the bucket".to_owned(), in_bucket: true }
}

pub(super) fn deleted_in_bucket() -> Trouble {
    Trouble::Changed { reason: "it was deleted in the bucket".to_owned(), in_bucket: true }
}
