//! Single objects: looking at them, and asking for their contents with patience.

use std::future::Future;

use super::context::Context;
use super::lanes::Lane;
use super::retry::{Backoff, retry};
use super::trouble::Trouble;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::Evidence;
use crate::remote::{Listed, Object, RemoteError, RemoteErrorKind};
use crate::tree::{Content, Md5, RepoPath, Token, Version};

impl<D: Disk, C: Clock> Context<D, C> {
    /// Looks at one object; `None` where there is none.
    pub(super) async fn object(&self, path: &RepoPath) -> Result<Option<Object>, RemoteError> {
        match self.head(path).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.kind == RemoteErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn head(&self, path: &RepoPath) -> Result<Object, RemoteError> {
        retry(&self.clock, &self.stop, || self.remote.head(path)).await
    }

    /// Tells whether the bucket shows at `path` what the plan expects there, where an answer says that
    /// it has changed: then the same plan would be made again, and would fail in the same way.
    ///
    /// It is listed, as it was for the plan; an object is looked at where listing is not allowed, and
    /// where all looks are one. A run that was asked not to list leaves this to the one that does.
    pub(super) async fn shows(&self, path: &RepoPath, expected: Option<&Token>) -> bool {
        if self.unlisted {
            return false;
        }
        let listed =
            if self.remote.reads_locally() { None } else { self.list_name(path).await.ok() };
        let shown = match listed {
            Some(Some(Listed::Object(entry))) => Some(entry.version.token),
            Some(_) => None,
            None => match self.object(path).await {
                Ok(object) => object.map(|object| object.entry.version.token),
                Err(_) => return false,
            },
        };
        shown.as_ref() == expected
    }

    /// Returns what a listing shows at `path`.
    pub(super) async fn list_name(&self, path: &RepoPath) -> Result<Option<Listed>, RemoteError> {
        // In whichever order, a key stands before all that begin with it.
        let list = || self.remote.list(path.as_str(), None, 1);
        let page = retry(&self.clock, &self.stop, list).await?;
        Ok(page.items.into_iter().next().filter(|item| item.key() == path.as_str()))
    }

    /// Returns what a store promises of the contents of an object, and what it only seems to say.
    pub(super) fn promised(&self, object: &Object) -> Evidence {
        let likely = self.remote.likely_content(&object.entry.version);
        Evidence::known(object.content.clone()).or_likely(likely)
    }

    /// Looks at an object that must still be the version that the plan saw.
    pub(super) async fn object_expected(
        &self,
        path: &RepoPath,
        version: &Version,
    ) -> Result<Object, Trouble> {
        let (error, changed) = match self.head(path).await {
            Ok(object) if object.entry.version == *version => return Ok(object),
            Ok(object) => (other_version(&object, version), changed_in_bucket()),
            Err(error) if error.kind == RemoteErrorKind::NotFound => (error, deleted_in_bucket()),
            Err(error) => return Err(error.into()),
        };
        let is_unfounded = self.shows(path, Some(&version.token)).await;
        Err(if is_unfounded { Trouble::Unfounded(error) } else { changed })
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
        (path, version): (&RepoPath, &Version),
        fetch: impl Fn() -> F + Send,
    ) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, Trouble>> + Send,
        T: Send,
    {
        let (mut backoff, mut doubted) = (Backoff::default(), false);
        while !self.stop.is_requested() {
            let error = match fetch().await {
                Err(Trouble::Remote(error)) => error,
                other => return other,
            };
            let changed = match error.kind {
                RemoteErrorKind::Changed => Some(changed_in_bucket()),
                RemoteErrorKind::NotFound => Some(deleted_in_bucket()),
                _ => None,
            };
            if let Some(changed) = changed {
                if !self.shows(path, Some(&version.token)).await {
                    return Err(changed);
                }
                // Once more, since it may have been changed and changed back.
                if std::mem::replace(&mut doubted, true) {
                    return Err(Trouble::Unfounded(error));
                }
                continue;
            }
            if !backoff.wait(&self.clock, &self.stop, &error).await {
                return Err(Trouble::Remote(error));
            }
        }
        Err(Trouble::Stopped)
    }
}

/// Returns what a row says of bytes: the MD5 where the store vouches for it, else their CRC-64/NVME.
pub(super) fn row_content(size: u64, md5: Option<Md5>, crc64: u64) -> Content {
    let content = Content::of_size(size).with_md5(md5);
    if md5.is_none() { content.with_crc64(Some(crc64)) } else { content }
}

/// The error of a look that finds another version than the bucket lists.
fn other_version(object: &Object, listed: &Version) -> RemoteError {
    let Version { token, size } = &object.entry.version;
    let message = format!(
        "the object is said to be {token} of {size} bytes, and is listed as {} of {}",
        listed.token, listed.size
    );
    RemoteError::new(RemoteErrorKind::Lying, "HEAD", object.entry.path.as_str(), message)
}

pub(super) fn changed_in_bucket() -> Trouble {
    Trouble::Changed { reason: "it was changed in the bucket".to_owned(), in_bucket: true }
}

pub(super) fn deleted_in_bucket() -> Trouble {
    Trouble::Changed { reason: "it was deleted in the bucket".to_owned(), in_bucket: true }
}
