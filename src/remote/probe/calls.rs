//! The probe's single calls: patient with a busy store, exact about what an answer means.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;

use super::trials::Trials;
use crate::remote::retry::retry;
use crate::remote::{Condition, Object, RemoteError, RemoteErrorKind as Kind, Stored};
use crate::tree::{Properties, RepoPath, Token};

/// An ETag that no object has.
pub(super) const NO_ETAG: &str = "00000000000000000000000000000000";

/// Names a version that is not there.
pub(super) fn someone_elses() -> Condition {
    Condition::Matches(Token::new(NO_ETAG))
}

/// Tells whether a condition that did not hold was noticed.
pub(super) fn is_refused<T>(result: &Result<T, RemoteError>) -> bool {
    result.as_ref().is_err_and(|error| error.kind == Kind::Changed)
}

/// Passes on errors that say nothing about the store's abilities, a busy store's among them; what is
/// within is a finding.
pub(super) fn finding<T>(
    result: Result<T, RemoteError>,
) -> Result<Result<T, RemoteError>, RemoteError> {
    let is_about_us = |error: &RemoteError| match error.kind {
        Kind::WrongKey | Kind::Throttled => true,
        // One name may be redirected although the bucket is here.
        Kind::WrongRegion => false,
        _ => error.ends_the_run(),
    };
    match result {
        Err(error) if is_about_us(&error) => Err(error),
        result => Ok(result),
    }
}

/// Makes a write, patiently; where an answer may have got lost, what is there tells what happened.
pub(super) async fn write<F>(
    remote: &dyn Trials,
    path: &RepoPath,
    body: &Bytes,
    call: impl Fn() -> F,
) -> Result<Stored, RemoteError>
where
    F: Future<Output = Result<Stored, RemoteError>>,
{
    let is_lost = AtomicBool::new(false);
    let written = retry(|| noting(&is_lost, call())).await;
    match written {
        Err(error) if is_lost.load(Ordering::Relaxed) => match read(remote, path).await? {
            Some((stored, there)) if there == *body => Ok(stored),
            _ => Err(error),
        },
        written => written,
    }
}

/// Deletes a version, patiently, and tells whether the store keeps a mark of that; nothing there after
/// a lost answer is a deletion.
pub(super) async fn delete(
    remote: &dyn Trials,
    path: &RepoPath,
    expected: &Token,
) -> Result<bool, RemoteError> {
    let is_lost = AtomicBool::new(false);
    let deleted = retry(|| noting(&is_lost, remote.marks_deletion(path, expected))).await;
    match deleted {
        Err(error) if is_lost.load(Ordering::Relaxed) && error.kind == Kind::NotFound => Ok(false),
        deleted => deleted,
    }
}

/// Waits for a call, and remembers whether it may have taken effect although it failed.
async fn noting<T>(
    is_lost: &AtomicBool,
    call: impl Future<Output = Result<T, RemoteError>>,
) -> Result<T, RemoteError> {
    let result = call.await;
    is_lost.fetch_or(result.as_ref().is_err_and(|error| error.ambiguous), Ordering::Relaxed);
    result
}

/// Returns what is there, with its bytes; `None` where nothing is.
pub(super) async fn read(
    remote: &dyn Trials,
    path: &RepoPath,
) -> Result<Option<(Stored, Bytes)>, RemoteError> {
    let object = match retry(|| remote.head(path)).await {
        Err(error) if error.kind == Kind::NotFound => return Ok(None),
        object => object?,
    };
    let etag = object.entry.version.token;
    let bytes = retry(|| async {
        let (_, mut body) = remote.get(path, &etag, None).await?;
        let mut bytes = BytesMut::new();
        while let Some(piece) = body.try_next().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.freeze())
    });
    let bytes = bytes.await?;
    let Object { content, version_id, .. } = object;
    Ok(Some((Stored { token: etag.clone(), md5: content.md5(), version_id }, bytes)))
}

/// Counts who got through of several that wrote one key at once, by their answers and by what is
/// there; `None` where the store had time for none of them.
pub(super) async fn winners(
    remote: &dyn Trials,
    path: &RepoPath,
    writers: &[(&Bytes, Result<Stored, RemoteError>)],
) -> Result<Option<usize>, RemoteError> {
    let errors = || writers.iter().filter_map(|(_, result)| result.as_ref().err());
    let there = if errors().any(|error| error.ambiguous) {
        read(remote, path).await?.map(|(_, bytes)| bytes)
    } else {
        None
    };
    let has_won = |(body, result): &&(&Bytes, Result<Stored, RemoteError>)| {
        result.is_ok() || there.as_ref() == Some(*body)
    };
    let count = writers.iter().filter(has_won).count();
    Ok((count > 0 || !errors().any(RemoteError::is_transient)).then_some(count))
}

/// Returns what the probe sends beside its bytes.
pub(super) fn properties() -> Properties {
    Properties::default().with_mtime(0)
}
