//! `push --no-list`: a request for each change and none to look around.

use crate::support::Profile;
use crate::team::{BUCKET, Gate, Team, assert_error, end_of, files};

const PUSH: &str = "push --no-list";

fn team() -> Team {
    Team::sharing(&[("a", "a"), ("d/b", "b"), ("d/c", "c"), ("e", "e")])
}

#[test]
fn one_edit_costs_one_request() {
    let team = team();
    team.write("one/d/b", "an edit");
    let summary = team.ok("one", PUSH).stdout;
    assert!(summary.contains("1 uploaded"), "{summary}");
    assert_eq!(team.requests(), ["PutObject d/b"]);
    assert_eq!(team.bucket()["d/b"], "an edit");
    team.assert_quiet("one");
}

#[test]
fn no_change_costs_no_request_and_writes_nothing() {
    let team = team();
    let (tree, control) = (team.snapshot("one"), team.control("one"));
    let summary = team.ok("one", PUSH).stdout;
    assert!(summary.contains("up to date"), "{summary}");
    assert_eq!(team.requests(), Vec::<String>::new());
    assert_eq!((team.snapshot("one"), team.control("one")), (tree, control));
}

#[test]
fn what_is_new_or_gone_here_costs_a_request_each() {
    let team = team();
    team.write("one/new", "new");
    team.remove("one/d/c");
    team.ok("one", PUSH);
    assert_eq!(team.transfers(), ["DeleteObject d/c", "PutObject new"]);
    assert_eq!(team.requests().len(), 2);
    assert_eq!(team.bucket(), files(&[("a", "a"), ("d/b", "b"), ("e", "e"), ("new", "new")]));
    team.assert_quiet("one");
}

#[test]
fn what_others_did_meanwhile_is_found_by_the_write_and_stays() {
    let team = team();
    for (key, text) in [("a", "theirs"), ("d/b", "theirs"), ("new", "theirs")] {
        team.server.put(BUCKET, key, text);
    }
    team.write("one/a", "ours");
    team.remove("one/d/b");
    team.write("one/new", "ours");
    team.write("one/e", "ours alone");
    let output = team.run("one", PUSH);
    output.assert_code(3);
    assert!(output.stdout.contains("1 uploaded"), "{output:?}");
    assert!(output.stdout.contains("3 changed meanwhile"), "{output:?}");
    assert!(output.stderr.contains("hint: `lsync sync`"), "{output:?}");
    assert!(!output.stderr.contains("the same command again"), "{output:?}");
    let bucket = team.bucket();
    assert_eq!([&bucket["a"], &bucket["d/b"], &bucket["new"]], ["theirs"; 3]);
    assert_eq!(bucket["e"], "ours alone");
    assert_eq!(team.server.count("ListObjectsV2"), 0);
    // What they are, only a look tells: conflicts.
    team.run("one", "sync").assert_code(4);
    assert_eq!(team.text("one/a"), "ours");
}

#[test]
fn what_a_teammate_stored_with_the_same_contents_is_recorded() {
    let team = team();
    team.server.put(BUCKET, "new", "the same");
    team.write("one/new", "the same");
    team.ok("one", PUSH);
    team.assert_quiet("one");
}

#[test]
fn a_push_that_was_killed_before_it_was_recorded_is_no_stranger_to_the_next() {
    let team = team();
    team.write("one/a", "an edit");
    let gate = Gate::at_answer(&team.server, "PutObject", "a");
    team.kill_at(gate, team.start("one", PUSH));
    assert_eq!(team.bucket()["a"], "an edit");
    team.ok("one", PUSH);
    assert_eq!(team.requests(), ["PutObject a", "HeadObject a"]);
    team.assert_quiet("one");
}

#[test]
fn a_store_that_does_not_compare_is_refused() {
    let team = Team::sharing_on(Profile::Garage, &[("a", "a"), ("b", "b")]);
    team.write("one/a", "an edit");
    let output = team.run("one", PUSH);
    assert_error(&output, 2, &["--no-list needs a store that compares", "lsync push"]);
    assert_eq!(team.requests(), Vec::<String>::new());
    assert_eq!(team.bucket()["a"], "a");
}

#[test]
fn nothing_is_forced_without_a_look() {
    let team = team();
    for option in ["--force a", "--mirror"] {
        team.run("one", &format!("{PUSH} {option}")).assert_code(2);
    }
    team.server.put(BUCKET, "a", "theirs");
    team.write("one/a", "ours");
    team.run("one", &format!("{PUSH} a")).assert_code(3);
    assert_eq!(team.bucket()["a"], "theirs");
}

#[test]
fn many_deletions_stop_it_as_ever() {
    let team = team();
    for path in ["a", "d", "e"] {
        team.remove(format!("one/{path}"));
    }
    team.run("one", PUSH).assert_code(5);
    assert_eq!(team.requests(), Vec::<String>::new());
    assert_eq!(team.bucket().len(), 4);
}

#[test]
fn a_dry_run_shows_the_same_and_asks_nobody() {
    let team = team();
    team.write("one/a", "an edit");
    let plan = team.ok("one", "push --no-list -n").stdout;
    assert!(plan.contains("upload   a"), "{plan}");
    assert_eq!(team.requests(), Vec::<String>::new());
}

#[test]
fn a_renamed_large_file_is_copied_without_a_listing_too() {
    let team = team();
    team.write("one/film", vec![7; 9 << 20]);
    team.ok("one", PUSH);
    std::fs::rename(team.path("one/film"), team.path("one/movie")).unwrap();
    team.server.clear_log();
    team.ok("one", PUSH);
    assert_eq!(team.server.count("UploadPartCopy"), 2);
    assert_eq!(team.server.count("ListObjectsV2") + team.server.count("UploadPart"), 0);
    assert!(team.server.get(BUCKET, "film").is_none());
}

/// A file that travels in two parts.
fn film(first: u8) -> Vec<u8> {
    [vec![first; 8 << 20], vec![1; 7]].concat()
}

#[test]
fn a_large_file_that_a_teammate_changed_is_not_sent_in_vain() {
    let team = team();
    team.write("one/film", film(1));
    team.ok("one", PUSH);
    team.server.put(BUCKET, "film", "theirs");
    team.write("one/film", film(2));
    team.server.clear_log();
    team.run("one", PUSH).assert_code(3);
    assert_eq!(team.requests(), ["HeadObject film"]);
    assert_eq!(team.bucket()["film"], "theirs");
}

#[test]
fn a_large_file_that_was_stored_and_not_recorded_is_not_sent_again() {
    let team = team();
    team.write("one/film", film(1));
    let gate = Gate::at_answer(&team.server, "CompleteMultipartUpload", "film");
    team.kill_at(gate, team.start("one", PUSH));
    team.ok("one", PUSH);
    assert_eq!(team.requests(), ["HeadObject film", "AbortMultipartUpload film"]);
    team.assert_quiet("one");
}

#[test]
fn an_edit_of_ones_own_is_told_from_one_in_the_bucket() {
    let team = team();
    team.write("one/a", "an edit");
    let gate = Gate::at_answer(&team.server, "PutObject", "a");
    let child = team.start("one", "push --no-list -j 1 a e");
    gate.wait();
    team.write("one/e", "while it runs");
    drop(gate);
    end_of(child).assert_code(0);
    team.write("one/film", film(1));
    let gate = Gate::at(&team.server, "UploadPart", "film");
    let child = team.start("one", PUSH);
    gate.wait();
    team.write("one/film", film(2));
    drop(gate);
    let output = end_of(child);
    output.assert_code(3);
    assert!(output.stderr.contains("hint: run the same command again"), "{output:?}");
    assert!(!output.stderr.contains("lsync sync"), "{output:?}");
}

#[test]
fn the_variable_forbids_force_only_where_it_is_set() {
    let mut team = team();
    team.write("one/a", "ours");
    team.set_variable("LSYNC_NO_LIST", "0");
    team.ok("one", "push --force a");
    team.set_variable("LSYNC_NO_LIST", "1");
    let output = team.run("one", "push --force a");
    assert_error(&output, 2, &["LSYNC_NO_LIST"]);
}

#[test]
fn a_database_that_was_lost_means_a_look_at_each_file() {
    let team = team();
    team.server.put(BUCKET, "a", "theirs");
    std::fs::remove_file(team.path("one/.lsync/database.yaml")).ok();
    std::fs::remove_file(team.path("one/.lsync/journal.yaml")).ok();
    let output = team.run("one", PUSH);
    output.assert_code(3);
    assert!(output.stdout.contains("1 changed meanwhile"), "{output:?}");
    assert_eq!(team.bucket()["a"], "theirs");
    assert_eq!(team.server.count("ListObjectsV2"), 0);
    team.run("one", "sync").assert_code(4);
}

#[test]
fn only_what_is_selected_and_asked_for_is_pushed() {
    let team = team();
    for path in ["a", "d/b", "e"] {
        team.write(format!("one/{path}"), "an edit");
    }
    team.remove("one/d/c");
    team.ok("one", "push --no-list --no-delete d");
    assert_eq!(team.requests(), ["PutObject d/b"]);
    team.ok("one", "push --no-list --exclude a --no-delete");
    assert_eq!(team.requests(), ["PutObject d/b", "PutObject e"]);
    team.run("one", "push --no-list --limit 1").assert_code(3);
    assert_eq!(team.requests().last().unwrap(), "PutObject a");
}

#[test]
fn stores_that_compare_plain_writes_alone_are_looked_at_before_the_rest() {
    for profile in [Profile::Ceph, Profile::NoConditionalDelete] {
        let team = Team::sharing_on(profile, &[("a", "a"), ("b", "b"), ("c", "c")]);
        team.server.put(BUCKET, "b", "theirs");
        team.write("one/a", "an edit");
        team.remove("one/b");
        team.run("one", PUSH).assert_code(3);
        assert_eq!(team.bucket(), files(&[("a", "an edit"), ("b", "theirs"), ("c", "c")]));
        assert_eq!(team.server.count("ListObjectsV2"), 0, "{profile:?}");
    }
}
