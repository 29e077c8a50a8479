//! A store that asks for less, whatever it is asked: it gets less, nothing fails, and all of it is done.

use std::fs;
use std::time::Duration;

use crate::support::{Fault, FaultRule, Profile, S3Server, Throttle};
use crate::team::{BUCKET, Team, end_of, files};

/// More than are under way at first, so that what comes later meets the storm, too.
const REFUSED: u64 = 60;

/// So many files need a request of the kind: when the storm is over, there is still work for every lane.
const FILES: usize = 120;

/// How many requests are under way at first, as far as a slow machine gets, and at most after a storm:
/// it cuts 32 to 22, 15 and 10, which takes two seconds to come back.
const CALM_MIN: u64 = 26;
const AFTER_MAX: u64 = 24;

/// A team on a store far away, so that what is asked at once can be counted.
fn team(profile: Profile) -> Team {
    let latency = Duration::from_millis(100);
    let throttle = Throttle { latency, ..Throttle::default() };
    let team = Team::on(S3Server::throttled(profile.quirks(), throttle));
    for copy in ["one", "two"] {
        team.join_on(copy, profile);
    }
    team
}

fn names() -> impl Iterator<Item = String> {
    (0..FILES).map(|number| format!("d/{number:03}"))
}

/// Lets the first requests of a kind be refused while a command runs.
#[track_caller]
fn run_in_a_storm(team: &Team, operation: &'static str, (copy, command): (&str, &str)) {
    let busy = FaultRule::new(operation, "*", Fault::Status(503, "SlowDown"));
    team.server.fault(busy.first(REFUSED));
    team.server.clear_log();
    let child = team.start(copy, command);
    let refused = usize::try_from(REFUSED).unwrap();
    while team.server.count(operation) < refused {
        std::thread::yield_now();
    }
    assert!(team.server.running_peak() >= CALM_MIN, "{} at first", team.server.running_peak());
    team.server.clear_log();
    end_of(child).assert_code(0);
    let peak = team.server.running_peak();
    assert!(peak <= AFTER_MAX, "{peak} at once after the storm");
}

#[test]
fn a_storm_on_deletions_passes() {
    let team = team(Profile::Aws);
    team.write("one/keep", "k");
    names().for_each(|name| team.write(format!("one/{name}"), &name));
    team.ok("one", "sync");
    team.remove("one/d");
    // One by one, as on a store that does not take many at once.
    let refused = Fault::Status(501, "NotImplemented");
    team.server.fault(FaultRule::new("DeleteObjects", "*", refused));
    run_in_a_storm(&team, "DeleteObject", ("one", "push --max-delete 100%"));
    assert_eq!(team.bucket(), files(&[("keep", "k")]));
}

#[test]
fn a_storm_on_looks_passes() {
    // ETags that say nothing make each file that both have worth a look.
    let team = team(Profile::RandomEtags);
    for copy in ["one", "two"] {
        names().for_each(|name| team.write(format!("{copy}/{name}"), &name));
    }
    team.ok("one", "sync");
    run_in_a_storm(&team, "HeadObject", ("two", "sync"));
    team.assert_quiet("two");
}

#[test]
fn a_storm_on_what_puts_parts_together_passes() {
    let team = team(Profile::Aws);
    for (number, name) in names().enumerate() {
        team.write(format!("one/{name}"), vec![u8::try_from(number).unwrap(); (1 << 20) + 1]);
    }
    team.ok("one", "sync");
    fs::rename(team.path("one/d"), team.path("one/e")).unwrap();
    run_in_a_storm(&team, "CompleteMultipartUpload", ("one", "push --max-delete 100%"));
    assert_eq!(team.server.count("UploadPart"), 0, "copied, not sent");
    assert!(team.server.open_uploads(BUCKET).is_empty());
    assert!(team.server.keys(BUCKET).iter().all(|key| !key.starts_with("d/")));
}

#[test]
fn a_storm_on_listings_passes() {
    let team = Team::sharing(&[("keep", "k")]);
    let busy = FaultRule::new("ListObjectsV2", "*", Fault::Status(503, "SlowDown"));
    team.server.fault(busy.first(7));
    team.ok("one", "sync");
    assert_eq!(team.server.count("ListObjectsV2"), 8);
}
