//! Deletions in the bucket: many with one request, and each on the version that was seen.

use std::collections::BTreeMap;
use std::fs;

use crate::support::{Fault, FaultRule, Profile};
use crate::team::{BUCKET, Gate, Team, files};

const ALL: &[(&str, &str)] =
    &[("d/a", "a"), ("d/b", "b"), ("d/c/x", "x"), ("kept", "k"), ("more/1", "1"), ("more/2", "2")];

/// A team whose first copy has lost the folder `d`, of three files.
fn without_d(team: Team) -> Team {
    team.remove("one/d");
    team.server.clear_log();
    team
}

fn remaining() -> BTreeMap<String, String> {
    files(&[("kept", "k"), ("more/1", "1"), ("more/2", "2")])
}

#[test]
fn a_folder_is_deleted_with_one_request() {
    let team = without_d(Team::sharing(ALL));
    let summary = team.ok("one", "sync").stdout;
    assert!(summary.contains("3 deleted"), "{summary}");
    assert_eq!(team.requests(), ["ListObjectsV2 ", "DeleteObjects "]);
    assert_eq!(team.bucket(), remaining());
    team.assert_quiet("one");
    team.ok("two", "sync");
    team.assert_agreed();
}

#[test]
fn a_request_takes_a_thousand() {
    let team = Team::new();
    for number in 0..1_003 {
        let path = format!("d/{number:04}");
        team.write(format!("one/{path}"), "x");
        team.server.put(BUCKET, &path, "x");
    }
    for kept in 0..2_000 {
        team.server.put(BUCKET, &format!("kept/{kept}"), "k");
        team.write(format!("one/kept/{kept}"), "k");
    }
    team.ok("one", "sync");
    team.remove("one/d");
    team.server.clear_log();
    team.ok("one", "sync --max-delete 2000");
    assert_eq!(team.transfers(), ["DeleteObjects ", "DeleteObjects "]);
    assert_eq!(team.server.keys(BUCKET).len(), 2_000);
    team.assert_quiet("one");
}

#[test]
fn a_version_that_somebody_stored_meanwhile_stays() {
    let team = without_d(Team::sharing(ALL));
    team.server.once_on_request("DeleteObjects", "*", |tool, _| {
        tool.put(BUCKET, "d/b", "an edit of the last moment");
        tool.delete(BUCKET, "d/c/x");
    });
    let output = team.run("one", "sync");
    output.assert_code(3);
    assert!(output.stdout.contains("2 deleted"), "{output:?}");
    assert!(output.stderr.contains("d/b  changed meanwhile"), "{output:?}");
    assert_eq!(team.bucket()["d/b"], "an edit of the last moment");
    assert_eq!(team.bucket().len(), remaining().len() + 1);
    // A deletion here and an edit there: for a person to settle.
    team.run("one", "sync").assert_code(4);
}

#[test]
fn a_file_that_is_back_before_the_request_stays_in_the_bucket() {
    let team = without_d(Team::sharing(ALL));
    team.write("one/kept", "an edit");
    let path = team.path("one/d/b");
    // Uploads come before deletions.
    team.server.once_on_request("PutObject", "kept", move |_, _| {
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::OpenOptions::new().create_new(true).write(true).open(path).unwrap();
    });
    let output = team.run("one", "sync");
    output.assert_code(3);
    assert!(output.stderr.contains("d/b  changed meanwhile: it is here again"), "{output:?}");
    assert_eq!(team.bucket()["d/b"], "b");
    assert_eq!(team.server.count("DeleteObjects"), 1);
    team.run("one", "sync").assert_code(0);
    assert_eq!(team.bucket()["d/b"], "", "what is here now");
}

#[test]
fn an_answer_that_got_lost_is_asked_for_again() {
    let team = without_d(Team::sharing(ALL));
    let lost = FaultRule::new("DeleteObjects", "*", Fault::DropConnectionAfterEffect);
    team.server.fault(lost.first(1));
    team.ok("one", "sync");
    assert_eq!(team.server.count("DeleteObjects"), 2);
    assert_eq!(team.bucket(), remaining());
    team.assert_quiet("one");
}

#[test]
fn a_store_that_asks_for_patience_gets_it() {
    let team = without_d(Team::sharing(ALL));
    let busy = FaultRule::new("DeleteObjects", "*", Fault::Status(503, "SlowDown"));
    team.server.fault(busy.first(2));
    team.ok("one", "sync");
    assert_eq!(team.server.count("DeleteObjects"), 3);
    assert_eq!(team.bucket(), remaining());
}

#[test]
fn a_store_that_no_longer_takes_many_at_once_is_asked_for_each() {
    let team = without_d(Team::sharing(ALL));
    let gone = FaultRule::new("DeleteObjects", "*", Fault::Status(501, "NotImplemented"));
    team.server.fault(gone);
    team.ok("one", "sync");
    let each = ["DeleteObject d/a", "DeleteObject d/b", "DeleteObject d/c/x", "DeleteObjects "];
    assert_eq!(team.transfers(), each);
    assert_eq!(team.bucket(), remaining());
}

#[test]
fn a_store_that_fails_at_many_and_not_at_one_is_asked_for_each() {
    let team = without_d(Team::sharing(ALL));
    team.server.fault(FaultRule::new("DeleteObjects", "*", Fault::Nonsense));
    team.ok("one", "sync");
    assert_eq!(team.server.count("DeleteObject"), 3);
    assert_eq!(team.bucket(), remaining());
    team.assert_quiet("one");
}

#[test]
fn credentials_that_end_are_reported_once() {
    let team = without_d(Team::sharing(ALL));
    let ended = FaultRule::new("DeleteObjects", "*", Fault::Status(400, "ExpiredToken"));
    team.server.fault(ended);
    let output = team.run("one", "sync");
    output.assert_code(12);
    assert_eq!(output.stderr.matches("failed ").count(), 1, "{output:?}");
    assert_eq!(team.server.count("DeleteObject"), 0);
    team.server.clear_faults();
    team.ok("one", "sync");
    assert_eq!(team.bucket(), remaining());
}

#[test]
fn a_file_that_is_back_while_the_store_is_busy_stays_in_the_bucket() {
    let team = without_d(Team::sharing(ALL));
    let busy = FaultRule::new("DeleteObjects", "*", Fault::Status(503, "SlowDown"));
    team.server.fault(busy.first(1));
    let path = team.path("one/d/b");
    team.server.once_on_request("DeleteObjects", "*", move |_, _| {
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::OpenOptions::new().create_new(true).write(true).open(path).unwrap();
    });
    let output = team.run("one", "sync");
    output.assert_code(3);
    assert_eq!(team.bucket()["d/b"], "b", "{output:?}");
    assert_eq!(team.bucket().len(), remaining().len() + 1);
}

#[test]
fn names_that_a_reader_of_xml_may_trim_are_deleted_one_by_one() {
    let team = Team::sharing(&[("d/a", "a"), ("d/b", "b"), ("d/notes ", "n"), ("notes", "n")]);
    team.remove("one/d");
    team.server.clear_log();
    team.ok("one", "sync");
    let requests = ["DeleteObject d/notes ", "DeleteObjects "];
    assert_eq!(team.transfers(), requests);
    assert_eq!(team.bucket(), files(&[("notes", "n")]));
}

#[test]
fn a_store_that_does_not_compare_each_is_not_asked_for_many() {
    let team = without_d(Team::sharing_on(Profile::Moto, ALL));
    team.ok("one", "sync");
    assert_eq!((team.server.count("DeleteObjects"), team.server.count("DeleteObject")), (0, 3));
    assert_eq!(team.bucket(), remaining());
}

#[test]
fn a_config_of_before_deletes_one_by_one() {
    let team = Team::sharing(ALL);
    let config = team.text("one/.lsync/config.yaml");
    let line = config.lines().find(|line| line.contains("conditional_delete_many")).unwrap();
    team.write("one/.lsync/config.yaml", config.replace(&format!("{line}\n"), ""));
    let team = without_d(team);
    team.ok("one", "sync");
    assert_eq!((team.server.count("DeleteObjects"), team.server.count("DeleteObject")), (0, 3));
}

#[test]
fn names_that_xml_cannot_hold_are_deleted_one_by_one() {
    let odd = ["d/line\nbreak", "d/\u{1}", "d/tab\t"];
    let team = Team::sharing(&[("d/a", "a"), ("d/b", "b"), ("kept", "k"), (odd[0], "1")]);
    for name in &odd[1..] {
        team.write(format!("one/{name}"), "odd");
    }
    for kept in 0..20 {
        team.write(format!("one/kept {kept}"), "k");
    }
    team.ok("one", "sync");
    let team = without_d(team);
    team.ok("one", "sync");
    assert_eq!((team.server.count("DeleteObjects"), team.server.count("DeleteObject")), (1, 3));
    assert!(team.bucket().keys().all(|key| key.starts_with("kept")));
}

#[test]
fn what_the_base_does_not_know_is_kept_before_it_is_deleted() {
    let team = Team::sharing(ALL);
    for key in ["d/a", "d/b"] {
        team.server.put(BUCKET, key, "theirs");
    }
    let team = without_d(team);
    team.ok("one", "push --force d");
    let operations = team.transfers();
    assert_eq!(
        operations,
        [
            "DeleteObject d/a",
            "DeleteObject d/b",
            "DeleteObject d/c/x",
            "GetObject d/a",
            "GetObject d/b"
        ]
    );
    assert_eq!(team.bucket(), remaining());
    let kept = team.trashed("one");
    assert_eq!(kept.iter().filter(|(_, text)| text == "theirs").count(), 2, "{kept:?}");
}

#[test]
fn a_deletion_of_many_that_was_killed_is_no_conflict_later() {
    let team = without_d(Team::sharing(ALL));
    let gate = Gate::at_answer(&team.server, "DeleteObjects", "*");
    team.kill_at(gate, team.start("one", "sync"));
    assert_eq!(team.bucket(), remaining());
    team.ok("one", "sync");
    assert_eq!(team.bucket(), remaining());
    team.assert_quiet("one");
}

#[test]
fn a_push_counts_what_a_teammate_deleted_apart_from_what_is_newer() {
    let team = Team::sharing(&[("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")]);
    team.server.delete(BUCKET, "a");
    let output = team.ok("one", "push");
    assert!(output.stdout.contains("1 deleted in the bucket, not here"), "{}", output.stdout);
    assert!(!output.stdout.contains("newer"), "{}", output.stdout);
    assert!(output.stderr.contains("`lsync pull` does here what others did"), "{}", output.stderr);
    team.server.delete(BUCKET, "b");
    team.server.put(BUCKET, "c", "newer");
    let output = team.ok("one", "push --dry-run");
    let told = "1 newer in the bucket, not pulled, 2 deleted in the bucket, not here";
    assert!(output.stdout.contains(told), "{}", output.stdout);
    assert_eq!(team.texts("one").len(), 4);
}
