//! What the reference adds to the contract; the contract itself is tested by `tests/remote_suite.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::TryStreamExt as _;

use super::*;
use crate::remote::{
    Capabilities, Condition, Conditions, Reads as _, RemoteError, RemoteErrorKind, Stored,
    Writes as _,
};
use crate::tree::{Properties, RepoPath};

fn properties() -> Properties {
    Properties::default().with_mtime(5)
}

async fn create(remote: &MemoryRemote, key: &str) -> Result<Stored, RemoteError> {
    let path = RepoPath::parse(key).unwrap();
    remote.put(&path, Bytes::from_static(b"x").into(), &properties(), &Condition::Absent).await
}

#[tokio::test]
async fn a_fault_before_the_effect_leaves_nothing_and_one_after_it_leaves_the_object() {
    let remote = MemoryRemote::new();
    remote.fail(Fault::new(RemoteErrorKind::Throttled).on(Operation::Put).key("a").nth(1));
    let lost = Fault::new(RemoteErrorKind::Interrupted).on(Operation::Put).key("b");
    remote.fail(lost.after_it_took_effect());
    let error = create(&remote, "a").await.unwrap_err();
    assert_eq!((error.kind, error.ambiguous), (RemoteErrorKind::Throttled, false));
    create(&remote, "a").await.unwrap();
    let error = create(&remote, "b").await.unwrap_err();
    assert_eq!((error.kind, error.ambiguous), (RemoteErrorKind::Interrupted, true));
    assert_eq!(remote.contents().into_keys().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(remote.count(Operation::Put), 3);
    assert_eq!(remote.calls()[2], (Operation::Put, "b".to_owned()));
}

#[tokio::test]
async fn a_body_breaks_off_where_the_script_says_so() {
    let remote = MemoryRemote::new();
    let etag = remote.put_as_somebody("a", vec![7; 200_000]);
    remote.fail(Fault::new(RemoteErrorKind::Interrupted).mid_body().first(1));
    let path = RepoPath::parse("a").unwrap();
    for expected in [Err(RemoteErrorKind::Interrupted), Ok(200_000)] {
        let (_, mut body) = remote.get(&path, &etag, None).await.unwrap();
        let mut count = 0;
        let end = loop {
            match body.try_next().await {
                Ok(Some(bytes)) => count += bytes.len(),
                Ok(None) => break Ok(count),
                Err(error) => break Err(error.kind),
            }
        };
        assert_eq!(end, expected);
    }
}

#[tokio::test]
async fn the_history_tells_who_replaced_what_on_which_condition() {
    let remote = MemoryRemote::opaque();
    let theirs = remote.put_as_somebody("a", "x");
    let ours = remote.client("ours", None);
    let path = RepoPath::parse("a").unwrap();
    ours.delete(&path, &theirs).await.unwrap();
    let stored = create(&ours, "a").await.unwrap();
    assert_ne!(stored.token, theirs, "opaque ETags say nothing about the bytes");
    let history = remote.history();
    assert_eq!(history[1].client, "ours");
    assert_eq!(history[1].condition, Some(Condition::Matches(theirs.clone())));
    assert_eq!((&history[1].old, &history[1].new), (&Some(theirs), &None));
    assert_eq!((&history[2].old, &history[2].new), (&None, &Some(stored.token)));
    assert_eq!(history[2].crc64, history[0].crc64);
}

#[tokio::test]
async fn a_hook_is_awaited_around_every_call() {
    let remote = MemoryRemote::with_capabilities(Capabilities {
        conditional_put: Conditions::None,
        ..Capabilities::full()
    });
    let other = remote.clone();
    let count = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&count);
    let hook: Arc<Hook> = Arc::new(move |call, moment| {
        seen.fetch_add(1, Ordering::SeqCst);
        assert_eq!(call.client, "ours");
        if moment == Moment::Between {
            other.put_as_somebody(&call.key, "theirs");
        }
        Box::pin(tokio::task::yield_now())
    });
    let ours = remote.client("ours", Some(hook));
    create(&ours, "a").await.unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 3);
    let lost = &remote.history()[1];
    assert!(lost.old.is_some(), "without atomic conditions an edit can be overwritten");
}
