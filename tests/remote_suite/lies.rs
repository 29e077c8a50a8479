//! [`S3Remote`] against servers that lie, refuse and break off.

use futures_util::future::join_all;
use lsync::remote::{
    Capabilities, Condition, Conditions, Reads as _, RemoteErrorKind as Kind, S3Remote,
    Uploads as _, Writes as _,
};
use lsync::tree::Token;

use super::benches::{
    Bench as _, S3Bench, capabilities_of, collect, connect, crc64, create, kind, path, properties,
    put, read,
};
use super::support::{Conditional, Fault, FaultRule, Profile, Quirks, S3Server};

/// Lists until an error or the end.
async fn list(remote: &S3Remote) -> Option<Kind> {
    let mut next: Option<String> = None;
    for _ in 0..10 {
        match remote.list("", next.as_deref(), 1000).await {
            Err(error) => return Some(error.kind),
            Ok(page) if page.next.is_none() => return None,
            Ok(page) => next = page.next,
        }
    }
    panic!("the listing does not end");
}

#[tokio::test]
async fn a_listing_that_contradicts_itself_is_an_error() {
    for (profile, kind) in [
        (Profile::UnsortedList, Kind::OutOfOrder),
        (Profile::FolderOrder, Kind::OutOfOrder),
        (Profile::EndlessTruncation, Kind::OutOfOrder),
        (Profile::TruncatedWithoutToken, Kind::Lying),
    ] {
        let bench = S3Bench::open(profile).await;
        for key in ["a.b", "a/b", "c"] {
            bench.somebody_puts(key, b"x");
        }
        assert_eq!(list(&bench.remote()).await, Some(kind), "{profile:?}");
    }
}

#[tokio::test]
async fn a_listing_that_does_not_begin_where_it_should_is_an_error() {
    let bench = S3Bench::open(Profile::NoStartAfter).await;
    bench.somebody_puts("a", b"x");
    let remote = bench.remote();
    let behind = |text: &str| remote.place_behind(text).expect("a place");
    for text in ["a", "b"] {
        let error = remote.list("", Some(&behind(text)), 1000).await.expect_err("a lie");
        assert_eq!(error.kind, Kind::OutOfOrder, "behind {text}");
    }
    assert_eq!(list(&remote).await, None, "from its beginning it is sound");
}

#[tokio::test]
async fn a_listing_that_is_no_listing_is_an_error() {
    let bench = S3Bench::open(Profile::Aws).await;
    bench.somebody_puts("a", b"x");
    bench.server.fault(FaultRule::new("ListObjectsV2", "*", Fault::Nonsense));
    let kind = list(&bench.remote()).await;
    assert!(matches!(kind, Some(Kind::Failed | Kind::Lying)), "{kind:?}");
}

#[tokio::test]
async fn a_listing_whose_answer_was_cut_is_an_error_and_asked_for_again() {
    let bench = S3Bench::open(Profile::Aws).await;
    bench.server.fault(FaultRule::new("ListObjectsV2", "*", Fault::ShortBody));
    // Wherever the cut comes: within a word, within an object, between two of them.
    let mut between = 0;
    for number in 10..60 {
        bench.somebody_puts(&format!("{number}"), b"x");
        let error = bench.remote().list("", None, 1000).await.expect_err("half of the objects");
        assert_eq!(error.kind, Kind::Failed, "{error}");
        assert!(error.is_transient());
        between += u32::from(error.message.contains("breaks off"));
    }
    assert!(between > 0, "what the SDK does not see was cut, too");
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let server = S3Server::start();
    let remote = connect(&server, "", Capabilities::full(), "testtest").await;
    assert_eq!(list(&remote).await, Some(Kind::NoBucket));
    server.create_bucket("team");
    let stranger = connect(&server, "", Capabilities::full(), "wrong").await;
    assert_eq!(list(&stranger).await, Some(Kind::WrongKey));
    for (status, code, expected) in [
        (503, "SlowDown", Kind::Throttled),
        (429, "TooManyRequests", Kind::Throttled),
        (500, "InternalError", Kind::Failed),
        (409, "ConditionalRequestConflict", Kind::Busy),
        (403, "AccessDenied", Kind::Denied),
        (501, "NotImplemented", Kind::Unsupported),
        (400, "InvalidArgument", Kind::Invalid),
        (412, "PreconditionFailed", Kind::Changed),
    ] {
        server.clear_faults();
        server.fault(FaultRule::new("PutObject", "*", Fault::Status(status, code)));
        let result = put(&remote, "a", "x", Condition::Absent).await;
        assert_eq!(kind(&result), Some(expected), "{status} {code}: {result:?}");
    }
    server.clear_faults();
    server.fault(FaultRule::new("HeadObject", "*", Fault::RetryAfter(7)));
    let error = remote.head(&path("a")).await.expect_err("a fault");
    assert_eq!((error.kind, error.retry_after_seconds), (Kind::Throttled, Some(7)));
}

#[tokio::test]
async fn a_write_whose_answer_got_lost_is_ours_or_ambiguous() {
    let bench = S3Bench::open(Profile::Aws).await;
    let lost = Fault::DropConnectionAfterEffect;
    bench.server.fault(FaultRule::new("PutObject", "a", lost));
    match put(&*bench.remote(), "a", "x", Condition::Absent).await {
        Ok(stored) => assert_eq!(Some(stored.token.to_string()), bench.server.etag("team", "a")),
        Err(error) => assert!(error.ambiguous && error.is_transient(), "{error:?}"),
    }
    bench.server.fault(FaultRule::new("PutObject", "b", Fault::DropConnectionBefore));
    let error = put(&*bench.remote(), "b", "x", Condition::Absent).await.expect_err("a fault");
    assert!(error.is_transient() && error.hung_up, "{error:?}");
    assert_eq!(bench.server.keys("team"), ["a"]);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error() {
    let bench = S3Bench::open(Profile::Aws).await;
    let remote = bench.remote();
    let stored = create(&*remote, "a", vec![7; 100_000]).await;
    bench.server.fault(FaultRule::new("GetObject", "a", Fault::DropMidBody));
    let result = read(&*remote, "a", &stored.token).await.map(|bytes| bytes.len());
    assert_eq!(kind(&result), Some(Kind::Interrupted), "{result:?}");
}

#[tokio::test]
async fn a_body_that_is_another_one_can_be_told_by_the_checksum() {
    let bench = S3Bench::open(Profile::Aws).await;
    let remote = bench.remote();
    let stored = create(&*remote, "a", vec![7; 100_000]).await;
    for fault in [Fault::ShortBody, Fault::FlippedByte] {
        bench.server.clear_faults();
        bench.server.fault(FaultRule::new("GetObject", "a", fault.clone()));
        let got = remote.get(&path("a"), &stored.token, None).await;
        let (object, body) = got.expect("the answer itself is sound");
        match collect(body).await {
            Ok(bytes) => {
                assert!(
                    object.content.crc64().is_some_and(|sum| sum != crc64(&bytes)),
                    "{fault:?}"
                );
            }
            Err(error) => assert_eq!(error.kind, Kind::Corrupt, "{fault:?}"),
        }
    }
}

#[tokio::test]
async fn an_error_inside_200_is_no_success() {
    let bench = S3Bench::open(Profile::Aws).await;
    let remote = bench.remote();
    let a = path("a");
    let upload = remote.start_upload(&a, &properties()).await.expect("an upload");
    let part =
        remote.upload_part(&a, &upload, 1, bytes::Bytes::from("x").into()).await.expect("a part");
    let inside = Fault::ErrorInside200("InternalError");
    bench.server.fault(FaultRule::new("CompleteMultipartUpload", "*", inside));
    let result =
        remote.complete_upload(&a, &upload, &[part], crc64(b"x"), &Condition::Absent).await;
    assert_eq!(kind(&result), Some(Kind::Failed), "{result:?}");
}

#[tokio::test]
async fn a_write_whose_answer_names_no_version_is_ambiguous() {
    for profile in [Profile::Aws, Profile::Ceph, Profile::Garage] {
        let bench = S3Bench::open(profile).await;
        let remote = bench.remote();
        let stored = create(&*remote, "a", "base").await;
        bench.server.fault(FaultRule::new("PutObject", "*", Fault::Nonsense));
        for (key, condition) in
            [("a", Condition::Matches(stored.token.clone())), ("b", Condition::Absent)]
        {
            let error = put(&*remote, key, "edited", condition).await.expect_err("no answer");
            assert!(error.ambiguous && error.is_transient(), "{profile:?} {key}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_get_that_ignores_its_condition_is_noticed() {
    let bench = S3Bench::open(Profile::UnconditionalGet).await;
    bench.somebody_puts("a", b"x");
    let result = read(&*bench.remote(), "a", &Token::new("00")).await;
    assert_eq!(kind(&result), Some(Kind::Changed), "{result:?}");
}

#[tokio::test]
async fn an_edit_between_looking_and_writing_is_not_lost_where_the_store_has_conditions() {
    let bench = S3Bench::open(Profile::Aws).await;
    let remote = bench.remote();
    let stored = create(&*remote, "a", "ours").await;
    bench.server.once_on_request("PutObject", "a", |teammate, _| {
        teammate.put("team", "a", "theirs");
    });
    let result = put(&*remote, "a", "ours again", Condition::Matches(stored.token)).await;
    assert_eq!(kind(&result), Some(Kind::Changed));
    assert_eq!(bench.server.get("team", "a").expect("theirs"), "theirs");
}

#[tokio::test]
async fn the_probe_finds_what_each_store_does_not_promise() {
    for profile in [
        Profile::Aws,
        Profile::Versioned,
        Profile::Moto,
        Profile::Ceph,
        Profile::UnconditionalGet,
        Profile::Garage,
        Profile::B2,
        Profile::Racy,
        Profile::NoConditionalDelete,
        Profile::RandomEtags,
        Profile::NoEtagInList,
        Profile::NoFileBesideFolder,
    ] {
        let bench = S3Bench::open(profile).await;
        let probed = bench.remote().probe().await.expect("a finding");
        let etag_is_md5 = profile != Profile::RandomEtags;
        let expected = Capabilities { etag_is_md5, ..capabilities_of(profile) };
        assert_eq!(probed.capabilities, expected, "{profile:?}");
        assert_eq!(bench.server.keys("team"), Vec::<String>::new(), "{profile:?}");
        assert_eq!(bench.server.open_uploads("team"), Vec::<String>::new(), "{profile:?}");
    }
    let bench = S3Bench::open(Profile::ReadOnly).await;
    assert!(bench.remote().probe().await.expect("a finding").capabilities.read_only);
}

#[tokio::test]
async fn the_probe_is_not_misled_by_answers_that_get_lost() {
    let lost = [Fault::DropConnectionAfterEffect, Fault::StatusAfterEffect(500, "InternalError")];
    let profiles = [Profile::Aws, Profile::Ceph, Profile::Garage, Profile::Moto];
    let probes = profiles.into_iter().zip(lost.iter().cycle()).map(async |(profile, fault)| {
        let bench = S3Bench::open(profile).await;
        for operation in ["PutObject", "CompleteMultipartUpload", "DeleteObject", "DeleteObjects"] {
            bench.server.fault(FaultRule::new(operation, "*", fault.clone()).every(3));
        }
        let probed = bench.remote().probe().await.expect("a finding");
        assert_eq!(probed.capabilities, capabilities_of(profile), "{profile:?} {fault:?}");
        assert_eq!(bench.server.open_uploads("team"), Vec::<String>::new(), "{profile:?}");
    });
    join_all(probes).await;
}

#[tokio::test]
async fn a_store_that_checks_deletions_without_a_lock_is_found_out() {
    let quirks = Quirks { delete: Conditional::Racy, ..Profile::Aws.quirks() };
    let server = S3Server::with_quirks(quirks);
    server.create_bucket("team");
    let remote = connect(&server, "", Capabilities::full(), "testtest").await;
    let probed = remote.probe().await.expect("a finding");
    let (conditional_delete, conditional_delete_many) = (Conditions::None, Conditions::None);
    let expected =
        Capabilities { conditional_delete, conditional_delete_many, ..Capabilities::full() };
    assert_eq!(probed.capabilities, expected);
}

#[tokio::test]
async fn a_store_that_checks_many_deletions_without_a_lock_or_not_at_all_is_found_out() {
    for delete_many in [Conditional::Racy, Conditional::Ignored, Conditional::Refused] {
        let server = S3Server::with_quirks(Quirks { delete_many, ..Profile::Aws.quirks() });
        server.create_bucket("team");
        let remote = connect(&server, "", Capabilities::full(), "testtest").await;
        let probed = remote.probe().await.expect("a finding");
        let conditional_delete_many = Conditions::None;
        let expected = Capabilities { conditional_delete_many, ..Capabilities::full() };
        assert_eq!(probed.capabilities, expected, "{delete_many:?}");
    }
}

#[tokio::test]
async fn ceph_with_versions_keeps_creators_apart_no_more_and_is_found_out() {
    let server = S3Server::with_quirks(Quirks { versioned: true, ..Profile::Ceph.quirks() });
    server.create_bucket("team");
    let remote = connect(&server, "", Capabilities::full(), "testtest").await;
    let probed = remote.probe().await.expect("a finding");
    let expected = Capabilities {
        conditional_put: Conditions::None,
        versioning: true,
        ..capabilities_of(Profile::Ceph)
    };
    assert_eq!(probed.capabilities, expected);
}
