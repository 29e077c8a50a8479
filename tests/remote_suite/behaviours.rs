//! Conditions, deletions, uploads in parts, versions.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use lsync::remote::{
    Condition, Conditions, PartSource, Reads as _, Remote, RemoteError, RemoteErrorKind, Stored,
    Uploads as _, Writes as _,
};

use super::benches::{Bench, MTIME, crc64, create, keys, kind, path, properties, put, read};

/// Bytes that every part but the last must have (AWS).
const PART_BYTES_MIN: usize = 5 << 20;

/// Lets eight writers put different bytes under one condition; returns what they got.
async fn race<R: Remote>(
    remote: &Arc<R>,
    condition: &Condition,
) -> Vec<(u8, Result<Stored, RemoteError>)> {
    let writers = (0..8_u8).map(|number| {
        let (remote, condition) = (Arc::clone(remote), condition.clone());
        tokio::spawn(async move { (number, put(&*remote, "a", vec![number; 9], condition).await) })
    });
    join_all(writers).await.into_iter().map(|joined| joined.expect("no panic")).collect()
}

/// Checks that one writer won, that its bytes are there, and that the others know that they lost.
async fn check_race<R: Remote>(remote: &R, results: &[(u8, Result<Stored, RemoteError>)]) {
    let winners: Vec<_> =
        results.iter().filter_map(|(number, r)| Some((*number, r.as_ref().ok()?))).collect();
    assert_eq!(winners.len(), 1, "{results:?}");
    let (number, stored) = winners[0];
    assert_eq!(read(remote, "a", &stored.token).await.expect("the winner's"), [number; 9]);
    for (_, result) in results {
        // Busy means "somebody writes at this moment", which a store may say instead.
        let lost = [None, Some(RemoteErrorKind::Changed), Some(RemoteErrorKind::Busy)];
        assert!(lost.contains(&kind(result)), "{result:?}");
    }
}

pub async fn eight_creations_at_once_have_one_winner(bench: impl Bench) {
    let remote = bench.remote();
    if remote.capabilities().conditional_put == Conditions::None {
        return;
    }
    let results = race(&remote, &Condition::Absent).await;
    check_race(&*remote, &results).await;
}

pub async fn eight_replacements_at_once_have_one_winner(bench: impl Bench) {
    let remote = bench.remote();
    if remote.capabilities().conditional_put == Conditions::None {
        return;
    }
    let old = create(&*remote, "a", "old").await;
    let results = race(&remote, &Condition::Matches(old.token)).await;
    check_race(&*remote, &results).await;
}

pub async fn writes_on_a_wrong_expectation_are_refused(bench: impl Bench) {
    let remote = bench.remote();
    let first = create(&*remote, "a", "first").await;
    let again = put(&*remote, "a", "second", Condition::Absent).await;
    assert_eq!(kind(&again), Some(RemoteErrorKind::Changed), "{again:?}");
    let matches = Condition::Matches(first.token.clone());
    let second = put(&*remote, "a", "second", matches.clone()).await.expect("the condition holds");
    let stale = put(&*remote, "a", "third", matches.clone()).await;
    assert_eq!(kind(&stale), Some(RemoteErrorKind::Changed), "{stale:?}");
    assert_eq!(read(&*remote, "a", &second.token).await.expect("untouched"), b"second");
    let missing = put(&*remote, "b", "x", matches).await;
    assert_eq!(kind(&missing), Some(RemoteErrorKind::Changed), "{missing:?}");
    assert_eq!(keys(&*remote, "", 1000).await, ["a"]);
}

pub async fn a_changed_version_is_not_deleted(bench: impl Bench) {
    let remote = bench.remote();
    let first = create(&*remote, "a/b", "first").await;
    assert!(bench.somebody_puts("a/b", b"theirs, longer"));
    let refused = remote.delete(&path("a/b"), &first.token).await;
    assert_eq!(kind(&refused), Some(RemoteErrorKind::Changed), "{refused:?}");
    let theirs = remote.head(&path("a/b")).await.expect("still there");
    remote.delete(&path("a/b"), &theirs.entry.version.token).await.expect("that version");
    assert_eq!(keys(&*remote, "", 1000).await, Vec::<String>::new());
}

pub async fn of_many_deletions_each_minds_its_version(bench: impl Bench) {
    let remote = bench.remote();
    let mut etags = Vec::new();
    for key in ["a", "a b/<&>\"'", "b", "\u{e9}"] {
        etags.push(create(&*remote, key, key).await.token);
    }
    assert!(bench.somebody_puts("b", b"theirs, longer"));
    let names = ["\u{e9}", "b", "missing", "a b/<&>\"'"].map(path);
    let expected = [&etags[3], &etags[2], &etags[0], &etags[1]];
    let versions: Vec<_> = names.iter().zip(expected).collect();
    let answers = remote.delete_many(&versions).await.expect("an answer");
    let kinds: Vec<_> = answers.iter().map(kind).collect();
    let (changed, missing) = (Some(RemoteErrorKind::Changed), Some(RemoteErrorKind::NotFound));
    assert_eq!(kinds, [None, changed, missing, None], "{answers:?}");
    assert_eq!(keys(&*remote, "", 1000).await, ["a", "b"]);
}

pub async fn what_is_missing_is_not_found(bench: impl Bench) {
    let remote = bench.remote();
    let stored = create(&*remote, "a", "x").await;
    for missing in ["b", "a0", "folder/b"] {
        let head = remote.head(&path(missing)).await;
        assert_eq!(kind(&head), Some(RemoteErrorKind::NotFound), "{head:?}");
        let get = read(&*remote, missing, &stored.token).await;
        assert_eq!(kind(&get), Some(RemoteErrorKind::NotFound), "{get:?}");
        let delete = remote.delete(&path(missing), &stored.token).await;
        assert_eq!(kind(&delete), Some(RemoteErrorKind::NotFound), "{delete:?}");
    }
}

pub async fn parts_become_visible_at_once_and_under_a_condition(bench: impl Bench) {
    let remote = bench.remote();
    let pieces = [vec![1; PART_BYTES_MIN], vec![2; PART_BYTES_MIN], vec![3; 7]];
    let whole = pieces.concat();
    let crc64 = crc64(&whole);
    let big = path("big");
    let upload = remote.start_upload(&big, &properties()).await.expect("an upload");
    let mut parts = Vec::new();
    for number in [3, 1, 2, 1] {
        let piece = Bytes::from(pieces[number - 1].clone()).into();
        let number = u32::try_from(number).expect("small");
        let part = remote.upload_part(&big, &upload, number, piece).await.expect("a part");
        parts.retain(|other: &lsync::remote::Part| other.number != number);
        parts.push(part);
    }
    parts.sort_by_key(|part| part.number);
    assert_eq!(keys(&*remote, "", 1000).await, Vec::<String>::new(), "not before it is complete");

    assert!(bench.somebody_puts("big", b"theirs"));
    let condition = Condition::Absent;
    let refused = remote.complete_upload(&big, &upload, &parts, crc64, &condition).await;
    assert_eq!(kind(&refused), Some(RemoteErrorKind::Changed), "{refused:?}");
    let theirs = remote.head(&big).await.expect("theirs");
    assert_eq!(theirs.entry.version.size, 6);

    let condition = Condition::Matches(theirs.entry.version.token);
    let stored = remote.complete_upload(&big, &upload, &parts, crc64, &condition).await;
    let stored = stored.expect("the condition holds");
    let head = remote.head(&big).await.expect("ours");
    assert_eq!(head.entry.version.token, stored.token);
    assert_eq!(head.mtime(), MTIME);
    assert!(head.content.crc64().is_none_or(|found| found == crc64));
    let bytes = read(&*remote, "big", &stored.token).await.expect("ours");
    assert!(bytes == whole, "{} bytes came back", bytes.len());
    remote.abort_upload(&big, &upload).await.expect("nothing to abort is no error");
}

pub async fn parts_can_be_taken_from_another_object(bench: impl Bench) {
    let remote = bench.remote();
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(PART_BYTES_MIN + 9).collect();
    // Blanks, `+` and what is not ASCII have to travel in a header here.
    let (old, new) = (path("old/è +%2F.bin"), path("new/è +%2F.bin"));
    let whole_crc64 = crc64(&bytes);
    let put = remote
        .put(&old, Bytes::from(bytes.clone()).into(), &properties(), &Condition::Absent)
        .await;
    let etag = put.expect("the source").token;
    let upload = remote.start_upload(&new, &properties()).await.expect("an upload");
    let half = PART_BYTES_MIN as u64;
    let mut parts = Vec::new();
    for (number, range) in [(1, 0..half), (2, half..half + 9)] {
        let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).expect("small"));
        let crc64 = crc64(&bytes[start..end]);
        let source = PartSource { path: &old, token: &etag, range: Some(range) };
        match remote.copy_part(&new, &upload, number, source).await {
            Ok(copied) => {
                assert!(copied.crc64.is_none_or(|said| said == crc64), "{copied:?}");
                parts.push(lsync::remote::Part { number, token: copied.token, crc64 });
            }
            Err(error) => {
                assert_eq!(error.kind, RemoteErrorKind::Unsupported, "{error}");
                assert!(!bench.copies_parts(), "{error}");
                return;
            }
        }
    }
    assert!(bench.copies_parts());
    let complete =
        remote.complete_upload(&new, &upload, &parts, whole_crc64, &Condition::Absent).await;
    let stored = complete.expect("all parts are there");
    assert!(read(&*remote, new.as_str(), &stored.token).await.expect("the copy") == bytes);
    assert!(read(&*remote, old.as_str(), &etag).await.expect("the source") == bytes);

    if bench.compares_copies() {
        let upload = remote.start_upload(&new, &properties()).await.expect("an upload");
        let other = lsync::tree::Token::new("0cc175b9c0f1b6a831c399e269772661");
        let source = PartSource { path: &old, token: &other, range: None };
        let refused = remote.copy_part(&new, &upload, 1, source).await;
        assert_eq!(kind(&refused), Some(RemoteErrorKind::Changed), "{refused:?}");
    }
}

pub async fn an_aborted_upload_leaves_nothing(bench: impl Bench) {
    let remote = bench.remote();
    let a = path("a");
    let upload = remote.start_upload(&a, &properties()).await.expect("an upload");
    let part = remote.upload_part(&a, &upload, 1, Bytes::from("x").into()).await.expect("a part");
    remote.abort_upload(&a, &upload).await.expect("an end");
    let late = remote.complete_upload(&a, &upload, &[part], crc64(b"x"), &Condition::Absent).await;
    assert!(late.is_err(), "{late:?}");
    assert_eq!(keys(&*remote, "", 1000).await, Vec::<String>::new());
}

pub async fn old_versions_can_be_fetched_by_their_id(bench: impl Bench) {
    let remote = bench.remote();
    let first = create(&*remote, "a", "first").await;
    if !remote.capabilities().versioning {
        assert_eq!(first.version_id, None);
        return;
    }
    let id = first.version_id.expect("an id");
    let head = remote.head(&path("a")).await.expect("the first");
    assert_eq!(head.version_id.as_ref(), Some(&id));
    let second = put(&*remote, "a", "second", Condition::Matches(first.token)).await.expect("ours");
    remote.delete(&path("a"), &second.token).await.expect("ours");
    let (object, body) = remote.get_version(&path("a"), &id).await.expect("the first");
    assert_eq!(object.entry.version.size, 5);
    assert_eq!(super::benches::collect(body).await.expect("bytes"), b"first");
}
