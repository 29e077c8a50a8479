//! Single objects: looking at them, and asking for their contents with patience.

use std::future::Future;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::Evidence;
use crate::remote::{Listed, Object, RemoteError, RemoteErrorKind};
use crate::session::Session;
use crate::session::trouble::Trouble;
use crate::tree::{Content, Md5, RepoPath, Token, Version};

/// Looks at one object; `None` where there is none.
pub(crate) async fn object<D: Disk, C: Clock>(
    session: &Session<D, C>,
    path: &RepoPath,
) -> Result<Option<Object>, RemoteError> {
    match head(session, path).await {
        Ok(object) => Ok(Some(object)),
        Err(error) if error.kind == RemoteErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn head<D: Disk, C: Clock>(
    session: &Session<D, C>,
    path: &RepoPath,
) -> Result<Object, RemoteError> {
    session.store.read(|| session.store.remote.head(path)).await
}

/// Tells whether the bucket shows at `path` what the plan expects there, where an answer says that
/// it has changed: then the same plan would be made again, and would fail in the same way.
///
/// It is listed, as it was for the plan; an object is looked at where listing is not allowed, and
/// where all looks are one. A run that was asked not to list leaves this to the one that does.
pub(crate) async fn shows<D: Disk, C: Clock>(
    session: &Session<D, C>,
    path: &RepoPath,
    expected: Option<&Token>,
) -> bool {
    if session.unlisted {
        return false;
    }
    let listed = if session.store.remote.reads_locally() {
        None
    } else {
        list_name(session, path).await.ok()
    };
    let shown = match listed {
        Some(Some(Listed::Object(entry))) => Some(entry.version.token),
        Some(_) => None,
        None => match object(session, path).await {
            Ok(object) => object.map(|object| object.entry.version.token),
            Err(_) => return false,
        },
    };
    shown.as_ref() == expected
}

/// Returns what a listing shows at `path`.
pub(crate) async fn list_name<D: Disk, C: Clock>(
    session: &Session<D, C>,
    path: &RepoPath,
) -> Result<Option<Listed>, RemoteError> {
    // In whichever order, a key stands before all that begin with it.
    let list = || session.store.remote.list(path.as_str(), None, 1);
    let page = session.store.read(list).await?;
    Ok(page.items.into_iter().next().filter(|item| item.key() == path.as_str()))
}

/// Returns what a store promises of the contents of an object, and what it only seems to say.
pub(crate) fn promised<D: Disk, C: Clock>(session: &Session<D, C>, object: &Object) -> Evidence {
    let likely = session.store.remote.likely_content(&object.entry.version);
    Evidence::known(object.content.clone()).or_likely(likely)
}

/// Looks at an object that must still be the version that the plan saw.
pub(crate) async fn object_expected<D: Disk, C: Clock>(
    session: &Session<D, C>,
    path: &RepoPath,
    version: &Version,
) -> Result<Object, Trouble> {
    let (error, changed) = match head(session, path).await {
        Ok(object) if object.entry.version == *version => return Ok(object),
        Ok(object) => (other_version(&object, version), Trouble::changed_in_bucket()),
        Err(error) if error.kind == RemoteErrorKind::NotFound => {
            (error, Trouble::deleted_in_bucket())
        }
        Err(error) => return Err(error.into()),
    };
    let is_unfounded = shows(session, path, Some(&version.token)).await;
    Err(if is_unfounded { Trouble::Unfounded(error) } else { changed })
}

/// Fetches a version, or so many bytes of it, again while that makes sense.
pub(crate) async fn fetch_with_retry<D: Disk, C: Clock, T, F>(
    session: &Session<D, C>,
    path: &RepoPath,
    version: &Version,
    bytes: u64,
    fetch: impl Fn() -> F + Send + Sync,
) -> Result<T, Trouble>
where
    F: Future<Output = Result<T, Trouble>> + Send,
    T: Send,
{
    let fetch = || async {
        session.expect_to_go_on()?;
        fetch().await
    };
    let mut doubted = false;
    loop {
        let error = match session.store.carry(bytes, fetch).await {
            Err(Trouble::Remote(error)) => error,
            other => return other,
        };
        let changed = match error.kind {
            RemoteErrorKind::Changed => Trouble::changed_in_bucket(),
            RemoteErrorKind::NotFound => Trouble::deleted_in_bucket(),
            _ => return Err(Trouble::Remote(error)),
        };
        if !shows(session, path, Some(&version.token)).await {
            return Err(changed);
        }
        // Once more, since it may have been changed and changed back.
        if std::mem::replace(&mut doubted, true) {
            return Err(Trouble::Unfounded(error));
        }
    }
}

/// Returns what a row says of bytes: the MD5 where the store vouches for it, else their CRC-64/NVME.
pub(crate) fn row_content(size: u64, md5: Option<Md5>, crc64: u64) -> Content {
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
