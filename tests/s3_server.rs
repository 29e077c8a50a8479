//! The test bench itself: the server behaves as AWS does, asked by the SDK that lsync uses.

mod support;

use std::time::{Duration, Instant};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketVersioningStatus, ChecksumAlgorithm, ChecksumMode, ChecksumType,
    CompletedMultipartUpload, CompletedPart, Delete, EncodingType, ObjectIdentifier,
    VersioningConfiguration,
};
use support::{Fault, FaultRule, Profile, S3Server, Throttle, Tick, Tokens, Workspace};

fn client_with(server: &S3Server, secret: &str) -> Client {
    let configuration = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(server.endpoint())
        .credentials_provider(Credentials::new("test", secret, None, None, "test"))
        .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
        .build();
    Client::from_conf(configuration)
}

fn client(server: &S3Server) -> Client {
    client_with(server, "testtest")
}

/// Returns status and code of a refusal.
fn refusal<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(
    result: Result<T, SdkError<E>>,
) -> (u16, String) {
    let error = result.expect_err("a refusal");
    let status = error.raw_response().map_or(0, |raw| raw.status().as_u16());
    (status, error.code().unwrap_or_default().to_owned())
}

async fn put(client: &Client, key: &str, body: &'static [u8]) -> String {
    let put = client.put_object().bucket("b").key(key).body(ByteStream::from_static(body));
    put.send().await.expect("a success").e_tag.expect("an ETag")
}

#[tokio::test]
async fn conditions_are_answered_with_the_codes_of_aws() {
    let server = S3Server::start();
    server.create_bucket("b");
    let client = client(&server);
    let writes = || client.put_object().bucket("b").key("a").body(ByteStream::from_static(b"x"));
    let absent = writes().if_match("\"00\"").send().await;
    assert_eq!(refusal(absent), (404, "NoSuchKey".into()));
    let etag = writes().if_none_match("*").send().await.unwrap().e_tag.unwrap();
    assert_eq!(etag, "\"9dd4e461268c8034f5c8564e155c67a6\"");
    let again = writes().if_none_match("*").send().await;
    assert_eq!(refusal(again), (412, "PreconditionFailed".into()));
    writes().if_match(&etag).send().await.unwrap();
    let other = writes().if_match("\"00\"").send().await;
    assert_eq!(refusal(other), (412, "PreconditionFailed".into()));

    let deletes = |key| client.delete_object().bucket("b").key(key);
    let other = deletes("a").if_match("\"00\"").send().await;
    assert_eq!(refusal(other), (412, "PreconditionFailed".into()));
    let absent = deletes("none").if_match(&etag).send().await;
    assert_eq!(refusal(absent), (404, "NoSuchKey".into()));
    deletes("none").send().await.unwrap();
    deletes("a").if_match(&etag).send().await.unwrap();
    let gone = client.get_object().bucket("b").key("a").send().await;
    assert_eq!(refusal(gone), (404, "NoSuchKey".into()));
    let no_bucket = client.get_object().bucket("none").key("a").send().await;
    assert_eq!(refusal(no_bucket), (404, "NoSuchBucket".into()));
}

#[tokio::test]
async fn wrong_keys_and_wrong_checksums_are_refused() {
    let server = S3Server::start();
    server.create_bucket("b");
    let stranger = client_with(&server, "wrong").list_buckets().send().await;
    assert_eq!(refusal(stranger), (403, "SignatureDoesNotMatch".into()));
    let client = client(&server);
    let put = || client.put_object().bucket("b").key("a").body(ByteStream::from_static(b"x"));
    let wrong = put().checksum_crc64_nvme("AAAAAAAAAAA=").send().await;
    assert_eq!(refusal(wrong), (400, "BadDigest".into()));
    let wrong = put().content_md5("AAAAAAAAAAAAAAAAAAAAAA==").send().await;
    assert_eq!(refusal(wrong), (400, "BadDigest".into()));
    put().content_md5("ndTkYSaMgDT1yFZOFVxnpg==").send().await.unwrap();
    assert_eq!(server.keys("b"), ["a"]);
}

#[tokio::test]
async fn objects_come_back_with_range_metadata_and_checksum() {
    let server = S3Server::start();
    server.create_bucket("b");
    let client = client(&server);
    let put = client.put_object().bucket("b").key("a").body(ByteStream::from_static(b"0123456789"));
    put.metadata("mtime", "1.5")
        .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
        .send()
        .await
        .unwrap();
    assert_eq!(server.metadata("b", "a").unwrap()["mtime"], "1.5");
    let get = || client.get_object().bucket("b").key("a").checksum_mode(ChecksumMode::Enabled);
    let whole = get().send().await.unwrap();
    assert_eq!(whole.metadata().unwrap()["mtime"], "1.5");
    assert!(whole.checksum_crc64_nvme().is_some());
    assert_eq!(&whole.body.collect().await.unwrap().into_bytes()[..], b"0123456789");
    let range = get().range("bytes=2-4").send().await.unwrap();
    assert_eq!(range.content_range(), Some("bytes 2-4/10"));
    assert_eq!(&range.body.collect().await.unwrap().into_bytes()[..], b"234");
    let beyond = get().range("bytes=10-11").send().await;
    assert_eq!(refusal(beyond), (416, "InvalidRange".into()));
    let other = get().if_match("\"00\"").send().await;
    assert_eq!(refusal(other), (412, "PreconditionFailed".into()));
    let head = client.head_object().bucket("b").key("a").send().await.unwrap();
    assert_eq!(head.content_length(), Some(10));
    assert!(head.checksum_crc64_nvme().is_none(), "only asked for by the checksum mode");
    server.create_bucket("team");
    server.put("team", "a", "0123456789");
    client.copy_object().bucket("b").key("c d").copy_source("team/a").send().await.unwrap();
    assert_eq!(server.get("b", "c d").unwrap(), "0123456789");
}

#[tokio::test]
async fn every_key_can_be_stored_and_is_listed_in_byte_order() {
    let server = S3Server::start();
    server.create_bucket("b");
    let client = client(&server);
    let mut keys = vec![
        "a",
        "a-b",
        "a.b",
        "a/b",
        "dir/",
        "a//b",
        "/a",
        "../x",
        "x/../y",
        "./z",
        "new\nline",
        "re\rturn",
        "#?%+&<>\"'",
        "%41",
        "+",
        "*~_",
        " blank ",
        "été",
        "e\u{301}",
        "-rf",
        "\u{1}",
        "\u{1F600}",
        "\u{FFFD}",
    ];
    for key in &keys {
        put(&client, key, b"x").await;
        assert_eq!(server.log().last().unwrap().key, *key);
        let got = client.get_object().bucket("b").key(*key).send().await.unwrap();
        assert_eq!(got.content_length(), Some(1), "{key:?}");
    }
    keys.sort_unstable();
    assert_eq!(server.keys("b"), keys);
    let list = client.list_objects_v2().bucket("b").encoding_type(EncodingType::Url).send().await;
    let listed: Vec<_> =
        list.unwrap().contents().iter().map(|o| o.key().unwrap().to_owned()).collect();
    assert!(listed.contains(&"%23%3F%25%2B%26%3C%3E%22%27".to_owned()), "{listed:?}");
    assert!(listed.contains(&"+blank+".to_owned()), "{listed:?}");
    assert!(listed.contains(&"new%0Aline".to_owned()), "{listed:?}");
    assert!(listed.contains(&"*%7E_".to_owned()), "{listed:?}");
    let list = || {
        let list = client.list_objects_v2().bucket("b").delimiter("/");
        list.encoding_type(EncodingType::Url)
    };
    let first = list().max_keys(6).send().await.unwrap();
    let next = first.next_continuation_token().unwrap();
    let second = list().continuation_token(next).send().await.unwrap();
    assert_eq!(second.is_truncated(), Some(false));
    let objects = first.contents().len() + second.contents().len();
    let prefixes: Vec<_> = [&first, &second]
        .iter()
        .flat_map(|page| page.common_prefixes())
        .map(|common| common.prefix().unwrap())
        .collect();
    assert_eq!(prefixes, ["../", "./", "/", "a/", "dir/", "x/"]);
    assert_eq!(objects, keys.iter().filter(|key| !key.contains('/')).count());
}

#[tokio::test]
async fn uploads_in_parts_are_put_together_under_conditions() {
    let server = S3Server::start();
    server.create_bucket("b");
    let client = client(&server);
    let begin = client.create_multipart_upload().bucket("b").key("a").metadata("mtime", "2");
    let begin = begin.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme);
    let answer = begin.checksum_type(ChecksumType::FullObject).send().await.unwrap();
    let upload = answer.upload_id().unwrap();
    let mut parts = Vec::new();
    for (number, bytes) in [(1, vec![1; 5 << 20]), (2, vec![2; 9])] {
        let part = client.upload_part().bucket("b").key("a").upload_id(upload).part_number(number);
        let part = part.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme).body(bytes.into());
        let stored = part.send().await.unwrap();
        parts.push(
            CompletedPart::builder()
                .part_number(number)
                .e_tag(stored.e_tag().unwrap())
                .checksum_crc64_nvme(stored.checksum_crc64_nvme().unwrap())
                .build(),
        );
    }
    let listed = client.list_parts().bucket("b").key("a").upload_id(upload).send().await.unwrap();
    assert_eq!(listed.parts().len(), 2);
    let complete = || {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.clone())).build();
        let complete = client.complete_multipart_upload().bucket("b").key("a").upload_id(upload);
        complete.multipart_upload(parts)
    };
    server.put("b", "a", "theirs");
    let lost = complete().if_none_match("*").send().await;
    assert_eq!(refusal(lost), (412, "PreconditionFailed".into()));
    server.delete("b", "a");
    let wrong = complete().checksum_crc64_nvme("AAAAAAAAAAA=").send().await;
    assert_eq!(refusal(wrong), (400, "BadDigest".into()));
    let done = complete().if_none_match("*").send().await.unwrap();
    assert!(done.e_tag().unwrap().ends_with("-2\""));
    assert_eq!(server.get("b", "a").unwrap().len(), (5 << 20) + 9);
    assert_eq!(refusal(complete().send().await), (404, "NoSuchUpload".into()));
    assert_eq!(server.open_uploads("b"), Vec::<String>::new());
}

#[tokio::test]
async fn versions_and_delete_markers_are_kept_where_asked() {
    let server = S3Server::start();
    server.create_bucket("b");
    let client = client(&server);
    let status = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    client
        .put_bucket_versioning()
        .bucket("b")
        .versioning_configuration(status)
        .send()
        .await
        .unwrap();
    let put = client.put_object().bucket("b").key("a").body(ByteStream::from_static(b"old"));
    let old = put.send().await.unwrap().version_id.unwrap();
    server.put("b", "a", "new");
    let deleted = client.delete_object().bucket("b").key("a").send().await.unwrap();
    assert_eq!(deleted.delete_marker(), Some(true));
    assert_eq!(server.keys("b"), Vec::<String>::new());
    let get = client.get_object().bucket("b").key("a").version_id(old).send().await.unwrap();
    assert_eq!(&get.body.collect().await.unwrap().into_bytes()[..], b"old");
    let marker = deleted.version_id().unwrap();
    let get = client.get_object().bucket("b").key("a").version_id(marker).send().await;
    assert_eq!(refusal(get), (405, "MethodNotAllowed".into()));
    client.delete_object().bucket("b").key("a").version_id(marker).send().await.unwrap();
    assert_eq!(server.get("b", "a").unwrap(), "new");
}

#[tokio::test]
async fn deletions_of_many_keys_report_each() {
    let server = S3Server::start();
    server.create_bucket("b");
    server.put("b", "a", "1");
    server.put("b", "new\nline", "2");
    let client = client(&server);
    let key =
        |key: &str, etag| ObjectIdentifier::builder().key(key).set_e_tag(etag).build().unwrap();
    let delete = Delete::builder()
        .objects(key("a", Some("\"00\"".to_owned())))
        .objects(key("new\nline", None))
        .build()
        .unwrap();
    let done = client.delete_objects().bucket("b").delete(delete).send().await.unwrap();
    assert_eq!(done.errors()[0].code(), Some("PreconditionFailed"));
    assert_eq!(server.keys("b"), ["a"]);
}

#[tokio::test]
async fn faults_break_the_requests_they_name() {
    let server = S3Server::start();
    server.create_bucket("b");
    let client = client(&server);
    server.put("b", "big", vec![7; 100_000]);
    server.fault(FaultRule::new("PutObject", "slow*", Fault::Status(503, "SlowDown")).first(1));
    let put = |key: &'static str| {
        client.put_object().bucket("b").key(key).body(ByteStream::from_static(b"x")).send()
    };
    assert_eq!(refusal(put("slow").await), (503, "SlowDown".into()));
    put("slow").await.unwrap();
    server.fault(FaultRule::new("PutObject", "lost", Fault::DropConnectionAfterEffect));
    server.fault(FaultRule::new("PutObject", "never", Fault::DropConnectionBefore));
    for (key, stored) in [("lost", true), ("never", false)] {
        let error = put(key).await.expect_err("no answer");
        assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
        assert_eq!(server.get("b", key).is_some(), stored);
        assert_eq!(server.log().last().unwrap().status, 0);
    }
    server.fault(FaultRule::new("GetObject", "*", Fault::DropMidBody).nth(1));
    server.fault(FaultRule::new("GetObject", "*", Fault::ShortBody).nth(2));
    server.fault(FaultRule::new("GetObject", "*", Fault::Delay(Duration::from_millis(1))).nth(3));
    let get = || client.get_object().bucket("b").key("big").send();
    get().await.unwrap().body.collect().await.expect_err("half a body");
    // The SDK compares the checksum.
    get().await.unwrap().body.collect().await.expect_err("a short body");
    let whole = get().await.unwrap().body.collect().await.unwrap().into_bytes();
    assert_eq!(whole.len(), 100_000);
}

#[tokio::test]
async fn hooks_act_between_two_requests() {
    let server = S3Server::start();
    server.create_bucket("b");
    let client = client(&server);
    let etag = put(&client, "a", b"mine").await;
    server.once_on_request("GetObject", "a", |teammate, _| {
        teammate.put("b", "a", "theirs");
    });
    let get = || client.get_object().bucket("b").key("a").if_match(&etag).send();
    let refused: Result<_, SdkError<GetObjectError>> = get().await;
    assert_eq!(refusal(refused), (412, "PreconditionFailed".into()));
    assert_eq!(server.count("GetObject"), 1);
}

/// Runs eight creations at once; returns how many the server let win.
async fn winners(profile: Profile) -> usize {
    let server = S3Server::with_profile(profile);
    server.create_bucket("b");
    let client = client(&server);
    let put = || client.put_object().bucket("b").key("a").body(ByteStream::from_static(b"x"));
    let race = (0..8).map(|_| put().if_none_match("*").send());
    let results = futures_util::future::join_all(race).await;
    results.iter().filter(|result| result.is_ok()).count()
}

#[tokio::test]
async fn a_race_has_one_winner_where_the_store_promises_it() {
    assert_eq!(winners(Profile::Aws).await, 1);
    assert!(winners(Profile::Racy).await > 1);
    assert_eq!(winners(Profile::Garage).await, 8);
    assert_eq!(winners(Profile::B2).await, 0);
}

#[tokio::test]
async fn profiles_take_single_promises_away() {
    let server = S3Server::with_profile(Profile::Ceph);
    server.create_bucket("b");
    let etag = server.put("b", "a", "x");
    let store = client(&server);
    let put = || store.put_object().bucket("b").key("a").body(ByteStream::from_static(b"y"));
    let quoted = put().if_match(format!("\"{etag}\"")).send().await;
    assert_eq!(refusal(quoted), (412, "PreconditionFailed".into()));
    put().if_match(&etag).send().await.unwrap();

    let server = S3Server::with_profile(Profile::UnconditionalGet);
    server.create_bucket("b");
    server.put("b", "a", "x");
    client(&server).get_object().bucket("b").key("a").if_match("no").send().await.unwrap();

    let server = S3Server::with_profile(Profile::ReadOnly);
    server.create_bucket("b");
    server.put("b", "a", "x");
    let store = client(&server);
    let put = store.put_object().bucket("b").key("a").send().await;
    assert_eq!(refusal(put), (403, "AccessDenied".into()));
    store.get_object().bucket("b").key("a").send().await.unwrap();

    let server = S3Server::with_profile(Profile::NoFileBesideFolder);
    server.create_bucket("b");
    server.put("b", "a", "x");
    let store = client(&server);
    let put = store.put_object().bucket("b").key("a/b").send().await;
    assert_eq!(refusal(put), (400, "XMinioParentIsObject".into()));
}

#[test]
fn a_workspace_runs_the_real_binary_and_sees_what_is_in_its_folders() {
    let server = S3Server::start();
    let workspace = Workspace::with_server(&server);
    workspace.lsync("alice", ["--version"]).assert_code(0);
    workspace.write("alice/docs/a.txt", "x");
    workspace.write("alice/.lsync/config.yaml", "not of interest");
    workspace.set_mtime("alice/docs/a.txt", 1_731_234_567_123_456_789);
    let snapshot = workspace.snapshot("alice");
    let expected = (b"x".to_vec(), 1_731_234_567_123_456_789);
    assert_eq!(snapshot.into_iter().collect::<Vec<_>>(), [("docs/a.txt".to_owned(), expected)]);
    workspace.remove("alice/docs");
    assert!(!workspace.exists("alice/docs"));
}

#[test]
fn objects_that_many_keys_share_are_replaced_and_deleted_one_by_one() {
    let server = S3Server::start();
    server.create_bucket("b");
    fill(&server, "b", "a-*/f-*:15+b-*:5");
    let etag = server.etag("b", "a-0/f-5").unwrap();
    assert_eq!((etag.as_str(), server.keys("b").len()), ("d41d8cd98f00b204e9800998ecf8427e", 20));
    server.put("b", "a-0/f-5", "x");
    server.delete("b", "b-4");
    assert_eq!(server.get("b", "a-0/f-5").unwrap(), "x");
    assert_eq!(server.get("b", "a-0/f-6").unwrap(), "");
    assert_eq!(server.keys("b").last().unwrap(), "b-3");
}

#[test]
#[ignore = "a server for tests/stores and benches, which end it"]
fn serves_until_its_stdin_ends() {
    let name = std::env::var("LSYNC_PROFILE").unwrap();
    let profile = Profile::named(&name).expect("a profile of that name");
    let server = S3Server::throttled(profile.quirks(), Throttle::of_environment());
    for (name, value) in server.environment() {
        println!("{name}={value}");
    }
    let bucket = std::env::var("SERVER_BUCKET").ok();
    if let Some(bucket) = &bucket {
        server.create_bucket(bucket);
        fill(&server, bucket, &std::env::var("SERVER_KEYS").unwrap_or_default());
    }
    for line in std::io::stdin().lines() {
        line.unwrap();
        print!("{}", server.report(bucket.as_deref()));
    }
}

/// Puts an empty object at each of so many numbers in a pattern: `folder-*/file-***:1000000` has six
/// digits in the places of the stars, split from left to right. A plus sign separates several patterns.
fn fill(server: &S3Server, bucket: &str, what: &str) {
    for (pattern, count) in what.split('+').filter_map(|some| some.rsplit_once(':')) {
        let width = pattern.matches('*').count();
        let key = |number| {
            let number = format!("{number:0width$}");
            let mut digits = number.chars();
            let mut digit = || digits.next().expect("as many digits as stars");
            pattern.chars().map(|c| if c == '*' { digit() } else { c }).collect()
        };
        server.fill(bucket, (0..count.parse::<usize>().expect("a number")).map(key));
    }
}

#[test]
fn a_bucket_of_tokens_lets_as_many_pass_as_a_second_brings() {
    let begun = Instant::now();
    let tokens = Tokens::new(Some(300), begun);
    let passed = |at| (0..1_000).filter(|_| tokens.take(at)).count();
    assert_eq!(passed(begun), 300, "it was full");
    assert_eq!(passed(begun + Duration::from_millis(500)), 150);
    assert_eq!(passed(begun + Duration::from_secs(9)), 300, "it holds no more");
    let unlimited = Tokens::new(None, begun);
    assert!((0..1_000).all(|_| unlimited.take(begun)));
}

/// Starts a server that keeps the promises of AWS, slowly, with a bucket.
fn throttled(throttle: Throttle) -> S3Server {
    let server = S3Server::throttled(Profile::Aws.quirks(), throttle);
    server.create_bucket("b");
    server
}

#[tokio::test]
async fn more_requests_than_a_second_may_have_are_refused() {
    let throttle = Throttle { requests_per_second: Some(10), ..Throttle::default() };
    let begun = Instant::now();
    let server = throttled(throttle);
    let client = client(&server);
    let put = |number: usize| {
        let put = client.put_object().bucket("b").key(number.to_string());
        put.body(ByteStream::from_static(b"x")).send()
    };
    let answers = futures_util::future::join_all((0..100).map(put)).await;
    let stored = server.keys("b").len();
    let allowed = 10 + begun.elapsed().as_millis() * 10 / 1_000 + 1;
    assert!((10..=allowed).contains(&(stored as u128)), "{stored} of {allowed}");
    let refused: Vec<_> = answers.into_iter().filter(Result::is_err).map(refusal).collect();
    assert_eq!(refused.len(), 100 - stored);
    assert!(refused.iter().all(|refused| *refused == (503, "SlowDown".into())), "{refused:?}");
    let ticks = server.take_traffic();
    let sum = |count: fn(&Tick) -> u64| ticks.iter().map(count).sum::<u64>();
    assert_eq!((sum(|tick| tick.arrived), sum(|tick| tick.answered)), (100, 100));
    assert_eq!(sum(|tick| tick.refused), refused.len() as u64);
}

#[tokio::test]
async fn requests_wait_for_the_latency_before_they_take_effect() {
    let server = throttled(Throttle { latency: Duration::from_hours(24), ..Throttle::default() });
    let client = client(&server);
    let puts = (0..50).map(|number| {
        let put = client.put_object().bucket("b").key(number.to_string());
        put.body(ByteStream::from_static(b"x")).send()
    });
    let all = futures_util::future::join_all(puts);
    let arrived = async {
        let mut arrived = 0;
        while arrived < 50 {
            arrived += server.take_traffic().iter().map(|tick| tick.arrived).sum::<u64>();
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = all => panic!("answered within a day"),
        () = arrived => (),
    }
    assert_eq!((server.log(), server.keys("b")), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn a_connection_carries_no_more_than_its_limit_either_way() {
    const LIMIT: u32 = 4 << 20;
    const BYTES: u32 = 1 << 20;
    let throttle =
        Throttle { connection_bytes_per_second: Some(LIMIT.into()), ..Throttle::default() };
    let server = throttled(throttle);
    let client = client(&server);
    let begun = Instant::now();
    let body = ByteStream::from(vec![7; BYTES as usize]);
    client.put_object().bucket("b").key("a").body(body).send().await.unwrap();
    let got = client.get_object().bucket("b").key("a").send().await.unwrap();
    assert_eq!(got.body.collect().await.unwrap().into_bytes().len(), BYTES as usize);
    let ticks = server.take_traffic();
    let bytes: u64 = ticks.iter().map(|tick| tick.bytes_in + tick.bytes_out).sum();
    // Either way, what passed last has not been waited for, and a line may catch up a little:
    // together less than one of the bodies.
    let waited = u128::from(bytes.saturating_sub(BYTES.into())) * 1_000_000_000;
    assert!(bytes > u64::from(2 * BYTES), "{bytes} bytes");
    assert!(waited <= begun.elapsed().as_nanos() * u128::from(LIMIT), "{bytes} bytes too soon");
}
