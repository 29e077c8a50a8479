//! How long a probe takes, in a time that only passes while requests are under way.

use std::time::Duration;

use lsync::remote::{Capabilities, Found, S3Remote, S3Settings, Writes as _, first_look};
use tokio::time::Instant;

use super::support::{InProcess, Profile};

/// How long each answer takes.
const LATENCY: Duration = Duration::from_millis(60);

/// How long all questions but the races may take together: 1.5 s, less the round that `init` asks before
/// (the region, what is there, and whether the prefix is an object).
const QUESTIONS_MAX: Duration = Duration::from_millis(1_500 - 60);

/// Where a store does everything. Races are held at many keys side by side.
const WHOLE_MAX: Duration = Duration::from_millis(2_300 + 1_500);

/// The most requests of a probe.
const REQUESTS_MAX: usize = 2_000;

/// Opens the bucket of a store.
async fn open(store: &InProcess, prefix: &str) -> S3Remote {
    let settings = S3Settings {
        bucket: "team".to_owned(),
        prefix: prefix.to_owned(),
        region: Some("us-east-1".to_owned()),
        endpoint: Some("http://127.0.0.1:9".to_owned()),
        profile: None,
        path_style: true,
    };
    let opened = S3Remote::open_with_transport(&settings, Capabilities::full(), store.transport());
    opened.await.expect("an address that can be")
}

/// Probes a store, and returns how long that took, how much of it races were under way, and how many
/// requests there were.
async fn timed(profile: Profile) -> (Duration, Duration, usize) {
    let store = InProcess::new(profile.quirks(), "team", LATENCY);
    let remote = open(&store, "").await;
    let begun = Instant::now();
    remote.probe().await.unwrap_or_else(|error| panic!("{profile:?}: {error}"));
    let whole = begun.elapsed();
    let spans = store.spans();
    let races = spans.iter().filter(|span| span.target.contains("race-"));
    let (mut covered, mut last) = (Duration::ZERO, Duration::ZERO);
    for span in races {
        covered += span.ended.saturating_sub(span.begun.max(last));
        last = last.max(span.ended);
    }
    (whole, covered, spans.len())
}

#[tokio::test(start_paused = true)]
async fn a_probe_asks_side_by_side_what_does_not_depend_on_another_answer() {
    for profile in [
        Profile::Aws,
        Profile::Versioned,
        Profile::ObjectLock,
        Profile::Ceph,
        Profile::Moto,
        Profile::NoConditionalDelete,
        Profile::Garage,
        Profile::B2,
        Profile::NoEtagInList,
        Profile::NoFileBesideFolder,
        Profile::FolderOrder,
        Profile::ReadOnly,
    ] {
        let (whole, races, requests) = timed(profile).await;
        let questions = whole.checked_sub(races).unwrap();
        assert!(questions <= QUESTIONS_MAX, "{profile:?}: {questions:?}");
        assert!(whole <= WHOLE_MAX, "{profile:?}: {whole:?}");
        assert!(requests <= REQUESTS_MAX, "{profile:?}: {requests} requests");
    }
}

#[tokio::test(start_paused = true)]
async fn what_init_asks_before_the_probe_takes_a_single_round() {
    for (prefix, requests) in [("", 2), ("docs/new", 3)] {
        let store = InProcess::new(Profile::Aws.quirks(), "team", LATENCY);
        let remote = open(&store, prefix).await;
        let begun = Instant::now();
        let look = first_look(&remote).await;
        assert_eq!(begun.elapsed(), LATENCY, "{prefix:?}");
        assert_eq!(store.spans().len(), requests, "{prefix:?}");
        assert!(look.region.is_ok() && !look.is_missing(), "{prefix:?}");
        assert_eq!(look.found.unwrap(), Found::Nothing, "{prefix:?}");
    }
}
