//! Where only a few races could be held, what init claims is probable: a run looks behind its writes.

use crate::support::{Fault, FaultRule, Profile};
use crate::team::{BUCKET, Gate, Team, end_of};

/// A locked bucket, in which nothing can be deleted for good, with `f` in it and in the copy `one`.
fn locked_with_file(bytes: &[u8]) -> Team {
    let team = Team::without_copies_on(Profile::ObjectLock.quirks());
    let output = team.ok("one", "init team .");
    assert!(output.stderr.contains("probable, and no more"), "{}", output.stderr);
    team.write("one/f", bytes);
    team.ok("one", "sync");
    team
}

/// Lets another tool store `f` in the moment before `operation` of a sync, on a store that does not look
/// at conditions any more; returns what the sync said.
fn overtaken(team: &Team, operation: &'static str) -> String {
    overtaken_beside(team, "sync", operation, || ())
}

/// As [`overtaken`], of the command `line`, with something else done in that moment.
fn overtaken_beside(
    team: &Team,
    line: &str,
    operation: &'static str,
    beside: impl FnOnce(),
) -> String {
    team.server.forget_conditions();
    let gate = Gate::at(&team.server, operation, "f");
    let run = team.start("one", line);
    gate.wait();
    // Lists of versions tell whole seconds, and of one nobody knows whether a mark came before a version.
    team.server.age(BUCKET, "f", 1);
    team.server.put(BUCKET, "f", "a teammate's edit");
    beside();
    drop(gate);
    let output = end_of(run);
    team.server.clear_hooks();
    output.assert_code(3);
    output.stderr
}

fn assert_told_and_kept(team: &Team, told: &str, wanted: &str) {
    assert!(told.contains(wanted), "{told}");
    assert!(told.contains("kept as version"), "{told}");
    assert!(told.contains("compares before and after each write"), "{told}");
    let versions = team.server.versions(BUCKET, "f");
    assert!(versions.iter().any(|(_, bytes)| bytes.as_deref() == Some(b"a teammate's edit")));
    let config = team.text("one/.lsync/config.yaml");
    assert!(config.contains("conditional_put: none"), "{config}");
    assert!(config.contains("conditional_complete: none"), "{config}");
    assert!(!config.contains("probable"), "{config}");
    // What is there is ours: recorded, and nothing more to do.
    team.ok("one", "sync");
    team.server.clear_log();
    team.ok("one", "sync");
    assert_eq!(team.requests(), ["ListObjectsV2 "]);
}

#[test]
fn a_write_that_replaced_what_it_did_not_name_is_told_and_the_claim_withdrawn() {
    let team = locked_with_file(b"first");
    team.write("one/f", "second");
    let told = overtaken(&team, "PutObject");
    assert_told_and_kept(&team, &told, "the store was told to replace");
}

#[test]
fn an_upload_in_parts_that_replaced_what_it_did_not_name_is_told() {
    let team = locked_with_file(b"first");
    team.write("one/f", vec![7; 9 << 20]);
    let told = overtaken(&team, "CompleteMultipartUpload");
    assert_told_and_kept(&team, &told, "the store was told to replace");
}

#[test]
fn a_creation_that_replaced_something_is_told() {
    let team = locked_with_file(b"first");
    team.remove("one/f");
    team.ok("one", "sync");
    team.write("one/f", "again");
    let told = overtaken(&team, "PutObject");
    assert_told_and_kept(&team, &told, "the store was told to replace nothing");
}

#[test]
fn each_file_whose_write_replaced_an_edit_is_named_with_the_version_of_that() {
    let team = locked_with_file(b"first");
    team.write("one/g", "first of g");
    team.ok("one", "sync");
    team.server.forget_conditions();
    let gates = ["f", "g"].map(|key| Gate::at(&team.server, "PutObject", key));
    team.write("one/f", "second");
    team.write("one/g", "second of g");
    let sync = team.start("one", "sync -q");
    for gate in &gates {
        gate.wait();
    }
    for key in ["f", "g"] {
        team.server.put(BUCKET, key, format!("a teammate's {key}"));
    }
    drop(gates);
    let output = end_of(sync);
    output.assert_code(3);
    team.server.clear_hooks();
    for key in ["f", "g"] {
        let versions = team.server.versions(BUCKET, key);
        let theirs = format!("a teammate's {key}");
        let is_it = |(_, bytes): &&(String, Option<_>)| bytes.as_deref() == Some(theirs.as_bytes());
        let (id, _) = versions.iter().find(is_it).unwrap();
        let told = format!("kept as version {id}");
        let line = output.stderr.lines().find(|line| line.contains(&told)).unwrap();
        assert!(line.contains(&format!("s3://{BUCKET}/{key}:")), "{line}");
    }
}

#[test]
fn an_unlisted_push_that_replaced_an_edit_is_told_too() {
    let team = locked_with_file(b"first");
    team.write("one/f", "second");
    let told = overtaken_beside(&team, "push --no-list", "PutObject", || ());
    assert!(told.contains("kept as version"), "{told}");
}

#[test]
fn what_a_person_writes_into_the_config_during_the_run_stays() {
    let team = locked_with_file(b"first");
    team.write("one/f", "second");
    let config = "one/.lsync/config.yaml";
    overtaken_beside(&team, "sync", "PutObject", || {
        team.write(config, team.text(config) + "trash_days: 7\n");
    });
    let config = team.text(config);
    assert!(config.contains("trash_days: 7"), "{config}");
    assert!(config.contains("conditional_put: none"), "{config}");
}

#[test]
fn a_look_that_the_store_has_no_time_for_is_taken_again() {
    let team = locked_with_file(b"first");
    team.server
        .fault(FaultRule::new("ListObjectVersions", "*", Fault::Status(503, "SlowDown")).nth(1));
    team.write("one/f", "second");
    let told = overtaken(&team, "PutObject");
    assert_told_and_kept(&team, &told, "the store was told to replace");
}

#[test]
fn what_replaces_just_what_it_named_costs_one_look_and_is_believed() {
    let team = locked_with_file(b"first");
    team.server.clear_log();
    team.write("one/f", "second");
    team.ok("one", "sync");
    assert_eq!(team.requests(), ["ListObjectsV2 ", "PutObject f", "ListObjectVersions f"]);
    // A deletion leaves a mark, and what is created over it replaces nothing.
    team.remove("one/f");
    team.ok("one", "sync");
    team.write("one/f", "third");
    team.ok("one", "sync");
    // Who may not look goes on: the store has claimed no more.
    team.server.fault(FaultRule::new(
        "ListObjectVersions",
        "*",
        Fault::Status(403, "AccessDenied"),
    ));
    team.write("one/f", "fourth");
    team.ok("one", "sync");
    assert!(team.text("one/.lsync/config.yaml").contains("probable: true"));
}

#[test]
fn where_all_races_were_held_nothing_is_looked_at_afterwards() {
    let team = Team::without_copies_on(Profile::Versioned.quirks());
    team.ok("one", "init team .");
    team.write("one/f", "first");
    team.ok("one", "sync");
    team.write("one/f", "second");
    team.server.clear_log();
    team.ok("one", "sync");
    assert_eq!(team.requests(), ["ListObjectsV2 ", "PutObject f"]);
}
