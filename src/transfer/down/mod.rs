//! Objects into the working copy: fetched beside their place, verified, and only then named.

mod ranges;
mod wanted;

use futures_util::TryStreamExt as _;

pub(super) use wanted::{Fetched, Received, ReportedBytes, Wanted, receive, verified};

use super::room;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::Digester;
use crate::look::object;
use crate::remote::{RemoteError, RemoteErrorKind};
use crate::session::Session;
use crate::session::trouble::Trouble;
use crate::tree::{RepoPath, Version};

/// Fetches one version into the staging folder of the file system that its name lies on.
pub(super) async fn fetch<D: Disk, C: Clock>(
    session: &Session<D, C>,
    wanted: &Wanted<'_>,
) -> Result<Fetched<D>, Trouble> {
    room::expect_room_here(session, wanted)?;
    if wanted.version.size > session.limits.tuning.whole_bytes {
        let fetched = ranges::fetch_in_ranges(session, wanted).await;
        return match fetched {
            // What came was not what was promised: once more, from the beginning.
            Err(Trouble::Remote(error)) if error.kind == RemoteErrorKind::Corrupt => {
                ranges::fetch_in_ranges(session, wanted).await
            }
            other => other,
        };
    }
    let Wanted { path, version, .. } = wanted;
    object::fetch_with_retry(session, path, version, version.size, || fetch_once(session, wanted))
        .await
}

/// Fetches a small version into memory, verified; `None` where it is not to be had, because it is
/// another one by now, is refused, or does not hold what was promised.
///
/// # Errors
/// Where every further request would fail, too.
pub async fn fetch_into_memory<D: Disk, C: Clock>(
    session: &Session<D, C>,
    path: &RepoPath,
    version: &Version,
) -> Result<Option<Vec<u8>>, RemoteError> {
    let read = || read_once(session, path, version);
    match object::fetch_with_retry(session, path, version, version.size, read).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(Trouble::Remote(error)) if error.ends_the_run() => Err(error),
        Err(_) => Ok(None),
    }
}

async fn read_once<D: Disk, C: Clock>(
    session: &Session<D, C>,
    path: &RepoPath,
    version: &Version,
) -> Result<Vec<u8>, Trouble> {
    let (object, mut body) = session.store.remote.get(path, &version.token, None).await?;
    let mut digester = Digester::new(&wanted::wanted_digests(&object));
    let mut contents = Vec::new();
    while let Some(bytes) = body.try_next().await? {
        contents.extend_from_slice(&bytes);
        digester.update(&bytes);
        if contents.len() as u64 > version.size {
            break;
        }
    }
    verified(path, version, &object, &digester.finish())?;
    Ok(contents)
}

async fn fetch_once<D: Disk, C: Clock>(
    session: &Session<D, C>,
    wanted: &Wanted<'_>,
) -> Result<Fetched<D>, Trouble> {
    let (path, version) = (wanted.path, wanted.version);
    let (object, body) = session.store.remote.get(path, &version.token, None).await?;
    let (parent, workspace) = wanted::place(session, wanted)?;
    let draft = session.files.staging()?.stage(&workspace, path, wanted.mode())?;
    let mut told = wanted::reported_bytes(session, wanted);
    let received = receive(session, body, &draft, &object, &mut told).await;
    let received = received.and_then(|digests| {
        let received = verified(path, version, &object, &digests)?;
        wanted.liken(&draft, &parent)?;
        Ok(received)
    });
    match received {
        Ok(received) => {
            let staged = draft.seal(object.mtime())?;
            told.succeeded();
            Ok(Fetched { staged, parent, workspace, received })
        }
        Err(trouble) => {
            draft.discard();
            Err(trouble)
        }
    }
}
