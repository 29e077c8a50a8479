//! Bytes and what travels beside them.

use std::io;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use lsync::remote::{Condition, Outgoing, Reads as _, RemoteErrorKind, Writes as _};
use lsync::tree::Properties;
use md5::Digest as _;

use super::benches::{
    Bench, MTIME, collect, crc64, create, keys, kind, path, properties, put, read,
};

pub async fn bytes_and_attributes_come_back(bench: impl Bench) {
    let remote = bench.remote();
    let body: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).take(300_001).collect();
    let stored = create(&*remote, "docs/a.bin", body.clone()).await;
    let (object, bytes) = remote.get(&path("docs/a.bin"), &stored.token, None).await.expect("ours");
    assert!(collect(bytes).await.expect("all of it") == body);
    let head = remote.head(&path("docs/a.bin")).await.expect("ours");
    for object in [&object, &head] {
        assert_eq!(object.entry.path, path("docs/a.bin"));
        assert_eq!(object.entry.version.token, stored.token);
        assert_eq!(object.entry.version.size, 300_001);
        assert_eq!(object.mtime(), MTIME);
        assert!(object.content.crc64().is_none_or(|found| found == crc64(&body)));
        assert_eq!(object.content.md5(), stored.md5);
    }
}

pub async fn an_empty_object_comes_back(bench: impl Bench) {
    let remote = bench.remote();
    let stored = create(&*remote, "empty", "").await;
    assert_eq!(read(&*remote, "empty", &stored.token).await.expect("ours"), b"");
    assert_eq!(remote.head(&path("empty")).await.expect("ours").entry.version.size, 0);
    assert_eq!(keys(&*remote, "", 1000).await, ["empty"]);
}

pub async fn ranges_of_a_version_can_be_fetched(bench: impl Bench) {
    let remote = bench.remote();
    let stored = create(&*remote, "a", "0123456789").await;
    for (range, expected) in [(0..10, "0123456789"), (0..1, "0"), (3..7, "3456"), (9..10, "9")] {
        let got = remote.get(&path("a"), &stored.token, Some(range.clone())).await;
        let (object, body) = got.expect("a range");
        assert_eq!(collect(body).await.expect("bytes"), expected.as_bytes(), "{range:?}");
        assert_eq!(object.entry.version.size, 10, "the size of the object, not of the range");
        assert_eq!(object.entry.version.token, stored.token);
    }
}

pub async fn an_object_that_changed_is_not_mistaken_for_the_old_one(bench: impl Bench) {
    let remote = bench.remote();
    let old = create(&*remote, "a", "0123456789").await;
    assert!(bench.somebody_puts("a", b"somebody else's"));
    for range in [None, Some(2..4)] {
        let got = remote.get(&path("a"), &old.token, range).await.map(|(object, _)| object);
        assert_eq!(kind(&got), Some(RemoteErrorKind::Changed), "{got:?}");
    }
    let theirs = remote.head(&path("a")).await.expect("theirs").entry.version;
    assert_ne!(theirs.token, old.token);
    assert_eq!(read(&*remote, "a", &theirs.token).await.expect("theirs"), b"somebody else's");
}

pub async fn times_keep_their_nanoseconds(bench: impl Bench) {
    let remote = bench.remote();
    for (number, mtime) in [
        1_731_234_567_123_456_789,
        1_731_234_567_000_000_001,
        1_731_234_567_000_000_000,
        0,
        -1,
        -1_500_000_000,
        4_102_444_800_999_999_999,
    ]
    .into_iter()
    .enumerate()
    {
        let key = path(&format!("a{number}"));
        let properties = Properties::default().with_mtime(mtime);
        let put = remote.put(&key, Bytes::from("x").into(), &properties, &Condition::Absent).await;
        put.expect("nothing in the way");
        assert_eq!(remote.head(&key).await.expect("ours").mtime(), mtime);
    }
}

pub async fn an_object_of_somebody_else_has_the_time_of_storing(bench: impl Bench) {
    let remote = bench.remote();
    assert!(bench.somebody_puts("a", b"x"));
    let object = remote.head(&path("a")).await.expect("theirs");
    assert_eq!(object.mtime(), object.entry.modified);
    let year_2020 = 1_577_836_800_000_000_000;
    assert!(object.mtime() > year_2020, "nanoseconds since 1970: {}", object.mtime());
}

pub async fn bytes_that_do_not_match_their_checksum_are_not_stored(bench: impl Bench) {
    let remote = bench.remote();
    create(&*remote, "sound", "x").await;
    if remote.head(&path("sound")).await.expect("ours").content.crc64().is_none() {
        // The store does not know checksums; it may still take the header (Ceph).
        return;
    }
    let wrong = Outgoing::with_crc64("wrong".into(), crc64(b"right"));
    let refused = remote.put(&path("a"), wrong, &properties(), &Condition::Absent).await;
    assert_eq!(kind(&refused), Some(RemoteErrorKind::Corrupt), "{refused:?}");
    assert_eq!(keys(&*remote, "", 1000).await, ["sound"]);
}

/// Returns a body of these pieces, with the digests of `whole`.
fn in_pieces(whole: &'static str, pieces: Vec<io::Result<Bytes>>) -> Outgoing {
    let (length, crc64) = (whole.len() as u64, crc64(whole.as_bytes()));
    let md5 = md5::Md5::digest(whole).into();
    Outgoing::pieces(length, crc64, stream::iter(pieces).boxed()).with_md5(Some(md5))
}

pub async fn a_body_that_comes_in_pieces_is_stored_as_one_that_is_at_hand(bench: impl Bench) {
    let remote = bench.remote();
    let pieces = ["one ", "", "two"].map(|piece| Ok(Bytes::from(piece)));
    let body = in_pieces("one two", pieces.into());
    let put = remote.put(&path("a"), body, &properties(), &Condition::Absent).await;
    let stored = put.expect("nothing in the way");
    assert_eq!(read(&*remote, "a", &stored.token).await.expect("ours"), b"one two");
    assert_eq!(remote.head(&path("a")).await.expect("ours").mtime(), MTIME);
    let body = in_pieces("three", vec![Ok(Bytes::from("three"))]);
    let refused = remote.put(&path("a"), body, &properties(), &Condition::Absent).await;
    assert_eq!(kind(&refused), Some(RemoteErrorKind::Changed), "{refused:?}");
}

pub async fn a_body_that_breaks_off_on_its_way_stores_nothing(bench: impl Bench) {
    let remote = bench.remote();
    let broken = || Err(io::Error::other("the disk failed"));
    for pieces in [vec![Ok(Bytes::from("one ")), broken()], vec![Ok(Bytes::from("one "))]] {
        let body = in_pieces("one two", pieces);
        let put = remote.put(&path("a"), body, &properties(), &Condition::Absent).await;
        put.expect_err("the rest never came");
        assert_eq!(keys(&*remote, "", 1000).await, [""; 0]);
    }
}

pub async fn only_an_etag_that_is_the_md5_is_called_so(bench: impl Bench) {
    let remote = bench.remote();
    let stored = create(&*remote, "a", "one").await;
    let matches = Condition::Matches(stored.token.clone());
    let again = put(&*remote, "a", "two", matches).await.expect("ours");
    for (stored, body) in [(stored, "one"), (again, "two")] {
        if let Some(md5) = stored.md5 {
            assert!(remote.capabilities().etag_is_md5);
            assert_eq!(md5, <[u8; 16]>::from(md5::Md5::digest(body)));
        }
    }
}
