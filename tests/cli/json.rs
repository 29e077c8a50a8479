//! `--json`: every line parses, and says what the manual says.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Fault, FaultRule, Output};
use crate::team::{BUCKET, Team, events, lines_of};

/// The fields of every line but the last.
const FIELDS: [&str; 8] = ["action", "bytes", "event", "from", "hint", "kind", "path", "reason"];

/// Checks the shape of each line; returns the last one, which is the summary.
#[track_caller]
fn assert_shape(output: &Output) -> Value {
    let mut lines = lines_of(output);
    let summary = lines.pop().expect("a last line");
    for line in &lines {
        let fields: BTreeSet<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, BTreeSet::from(FIELDS), "{line}");
        let known = ["plan", "done", "failed", "conflict", "skipped"];
        assert!(known.contains(&line["event"].as_str().unwrap()), "{line}");
        assert!(line["path"].is_string() && line["bytes"].is_u64(), "{line}");
        for field in ["hint", "kind"] {
            assert!(line[field].is_string() || line[field].is_null(), "{line}");
        }
    }
    assert_eq!(summary["event"], "summary");
    assert!(FIELDS.iter().all(|field| summary.get(field).is_some()), "{summary}");
    assert_eq!(summary["exit"], output.code.unwrap());
    summary
}

fn team() -> Team {
    let team = Team::sharing(&[("changed", "1"), ("fetched", "1"), ("gone", "1"), ("taken", "1")]);
    team.write("one/changed", "22");
    team.write("one/new", "333");
    team.remove("one/gone");
    team.server.put(BUCKET, "fetched", "4444");
    team.server.delete(BUCKET, "taken");
    team
}

#[test]
fn a_sync_tells_each_path_that_is_done_and_sums_up() {
    let team = team();
    let output = team.ok("one", "sync --json");
    let summary = assert_shape(&output);
    let done = [
        "delete-local taken",
        "delete-remote gone",
        "download fetched",
        "upload changed",
        "upload new",
    ];
    assert_eq!(events(&output, "done"), done);
    let of = |path: &str| lines_of(&output).into_iter().find(|line| line["path"] == path).unwrap();
    assert_eq!((&of("changed")["bytes"], &of("fetched")["bytes"]), (&2.into(), &4.into()));
    for (field, value) in [
        ("uploaded", 2),
        ("downloaded", 1),
        ("deleted_here", 1),
        ("deleted_in_bucket", 1),
        ("bytes", 9),
        ("failed", 0),
        ("conflicts", 0),
    ] {
        assert_eq!(summary[field], value, "{field}: {summary}");
    }
    assert_eq!((&summary["dry_run"], &summary["action"]), (&false.into(), &"sync".into()));
}

#[test]
fn status_and_dry_run_tell_the_plan() {
    for command in ["status", "sync -n"] {
        let team = team();
        let output = team.ok("one", &format!("{command} --json"));
        let summary = assert_shape(&output);
        let planned = [
            "delete-local taken",
            "delete-remote gone",
            "download fetched",
            "upload changed",
            "upload new",
        ];
        assert_eq!(events(&output, "plan"), planned, "{command}");
        assert_eq!(events(&output, "done"), Vec::<String>::new(), "{command}");
        assert_eq!(summary["dry_run"], true);
        assert_eq!(summary["uploaded"], 2);
    }
}

#[test]
fn a_conflict_is_a_line_with_its_kind_and_what_to_type_next() {
    let team = Team::sharing(&[("f", "base"), ("g", "g")]);
    team.server.put(BUCKET, "f", "theirs");
    team.write("one/f", "ours");
    for command in ["sync", "status", "sync -n", "resolve --list"] {
        let output = team.run("one", &format!("{command} --json"));
        output.assert_code(4);
        assert_eq!(events(&output, "conflict"), ["both-changed f"], "{command}");
        let conflict =
            lines_of(&output).into_iter().find(|line| line["event"] == "conflict").unwrap();
        assert_eq!(conflict["hint"], "lsync resolve", "{command}");
        if command != "resolve --list" {
            assert_eq!(assert_shape(&output)["conflicts"], 1, "{command}");
        }
    }
}

#[test]
fn a_failure_is_a_line_of_its_own_with_its_reason() {
    let team = Team::sharing(&[("f", "base"), ("g", "base")]);
    team.write("one/f", "edited");
    team.write("one/g", "edited");
    team.server.fault(FaultRule::new("PutObject", "f", Fault::Status(403, "AccessDenied")));
    let output = team.run("one", "sync --json");
    output.assert_code(3);
    assert_eq!(assert_shape(&output)["failed"], 1);
    assert_eq!(events(&output, "failed"), ["upload f"]);
    assert_eq!(events(&output, "done"), ["upload g"]);
    let failed = lines_of(&output).into_iter().find(|line| line["event"] == "failed").unwrap();
    assert!(failed["reason"].as_str().unwrap().contains("AccessDenied"), "{failed}");
}

#[test]
fn an_error_that_ends_the_command_is_a_line_and_the_summary_still_comes_last() {
    let team = Team::sharing(&[("f", "base"), ("g", "base")]);
    team.remove("one/f");
    team.remove("one/g");
    for (copy, line, code, hint) in [
        ("nowhere", "sync --json", 10, "lsync init"),
        ("one", "sync --json", 5, "--max-delete"),
        ("one", "sync --json nothing-of-that-name", 2, ""),
        ("one", "sync --json --no-such-option", 2, "--help"),
        ("one", "push --json --force", 2, "--force"),
        ("nowhere", "status --json", 10, "lsync init"),
    ] {
        let output = team.run(copy, line);
        output.assert_code(code);
        let lines = lines_of(&output);
        let (failed, summary) = (&lines[lines.len() - 2], &lines[lines.len() - 1]);
        assert_eq!((&failed["event"], &failed["path"]), (&"failed".into(), &Value::Null), "{line}");
        assert!(failed["hint"].as_str().unwrap_or_default().contains(hint), "{line}: {failed}");
        assert_eq!((&summary["event"], &summary["exit"]), (&"summary".into(), &code.into()));
        assert!(FIELDS.iter().all(|field| summary.get(field).is_some()), "{summary}");
        assert_eq!(lines.iter().filter(|it| it["event"] == "summary").count(), 1, "{line}");
    }
}

#[test]
fn the_list_of_conflicts_tells_size_and_time_of_both_sides() {
    let team = Team::sharing(&[("deleted", "1"), ("f", "1")]);
    team.remove("one/deleted");
    team.write("one/f", "22");
    team.server.put(BUCKET, "deleted", "333");
    team.server.put(BUCKET, "f", "4444");
    let output = team.run("one", "resolve --list --json");
    output.assert_code(4);
    let lines = lines_of(&output);
    let of = |path: &str| lines.iter().find(|line| line["path"] == path).unwrap();
    assert_eq!((&of("f")["ours"]["bytes"], &of("f")["theirs"]["bytes"]), (&2.into(), &4.into()));
    assert!(of("f")["ours"]["time"].as_str().unwrap().ends_with('Z'), "{output:?}");
    assert!(of("f")["theirs"]["time"].as_str().unwrap().ends_with('Z'), "{output:?}");
    assert_eq!(of("deleted")["ours"], Value::Null);
    assert_eq!(of("deleted")["theirs"]["bytes"], 3);
    assert_eq!(lines.last().unwrap()["event"], "summary");
}

#[test]
fn skipped_paths_say_of_what_kind_they_are() {
    let team = Team::sharing(&[("f", "base")]);
    std::os::unix::fs::symlink("f", team.path("one/link")).unwrap();
    team.server.put(BUCKET, "../evil", "evil");
    let output = team.run("one", "sync --json");
    output.assert_code(3);
    assert_eq!(events(&output, "skipped"), ["link link", "unmappable ../evil"]);
    assert_eq!(assert_shape(&output)["incomplete"], 1);
}
