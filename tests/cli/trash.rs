//! `lsync trash list` and `lsync trash restore`.

use std::fs;

use serde_json::Value;

use crate::support::Profile;
use crate::team::{BUCKET, Team, assert_error, files, lines_of};

fn listed(team: &Team) -> Vec<Value> {
    lines_of(&team.ok("one", "trash list --json"))
}

#[test]
fn an_empty_trash_says_so() {
    let team = Team::sharing(&[("f", "f")]);
    assert!(team.ok("one", "trash list").stdout.contains("empty"));
    for line in ["-C one trash list", "trash list -C one", "trash list --repo one"] {
        assert!(team.ok(".", line).stdout.contains("empty"), "{line}");
    }
    assert_eq!(listed(&team), Vec::<Value>::new());
    assert_error(&team.run("one", "trash restore f"), 2, &["f", "lsync trash list"]);
}

#[test]
fn a_file_that_a_teammate_deleted_comes_back_and_can_be_shared_again() {
    let team = Team::sharing(&[("docs/f", "precious"), ("g", "g")]);
    let mtime = team.mtime("one/docs/f");
    team.remove("two/docs/f");
    team.ok("two", "sync");
    team.ok("one", "sync");
    assert!(!team.exists("one/docs"));
    let output = team.ok("one", "trash list");
    for part in ["docs/f", "deleted", "8 B"] {
        assert!(output.stdout.contains(part), "no {part} in\n{}", output.stdout);
    }
    let lines = listed(&team);
    assert_eq!(lines.len(), 1);
    assert_eq!((&lines[0]["path"], &lines[0]["side"]), (&"docs/f".into(), &"local".into()));
    team.ok("one", "trash restore docs/f");
    assert_eq!((team.text("one/docs/f"), team.mtime("one/docs/f")), ("precious".into(), mtime));
    assert_eq!(listed(&team), Vec::<Value>::new());
    team.ok("one", "sync");
    assert_eq!(team.bucket()["docs/f"], "precious");
}

#[test]
fn a_file_that_was_replaced_comes_back_and_what_took_its_place_is_not_lost() {
    let team = Team::sharing(&[("f", "first"), ("g", "g")]);
    team.write("two/f", "second");
    team.ok("two", "sync");
    team.ok("one", "sync");
    let operand = listed(&team)[0]["operand"].as_str().unwrap().to_owned();
    let output = team.run("one", "trash restore f");
    if output.code == Some(3) {
        // The name is taken, and nothing is overwritten.
        assert!(output.stderr.contains("hint:"), "{}", output.stderr);
        assert_eq!(team.text("one/f"), "second");
        fs::rename(team.path("one/f"), team.path("one/f.second")).unwrap();
        team.ok("one", &format!("trash restore {operand}"));
    } else {
        output.assert_code(0);
        assert!(team.trashed("one").iter().any(|(_, text)| text == "second"));
    }
    assert_eq!(team.text("one/f"), "first");
    team.ok("one", "sync");
    assert_eq!(team.bucket()["f"], "first");
}

#[test]
fn a_version_of_the_bucket_that_was_forced_over_comes_back() {
    let team = Team::sharing(&[("f", "base"), ("g", "g")]);
    team.server.put(BUCKET, "f", "a teammate's edit");
    team.write("one/f", "ours");
    team.ok("one", "push f");
    assert_eq!(team.bucket()["f"], "ours");
    let lines = listed(&team);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((&lines[0]["side"], &lines[0]["why"]), (&"bucket".into(), &"forced".into()));
    let operand = lines[0]["operand"].as_str().unwrap().to_owned();
    fs::rename(team.path("one/f"), team.path("one/f.ours")).unwrap();
    team.ok("one", &format!("trash restore {operand}"));
    assert_eq!(team.text("one/f"), "a teammate's edit");
    team.ok("one", "push");
    assert_eq!(team.bucket()["f"], "a teammate's edit");
    assert_eq!(team.bucket()["f.ours"], "ours");
}

#[test]
fn in_a_bucket_that_keeps_versions_the_list_names_the_version() {
    let team = Team::sharing_on(Profile::Versioned, &[("f", "base"), ("g", "g")]);
    team.server.put(BUCKET, "f", "a teammate's edit");
    let (version, _) = team.server.versions(BUCKET, "f").pop().unwrap();
    team.write("one/f", "ours");
    team.server.clear_log();
    team.ok("one", "push f");
    assert_eq!(team.server.count("GetObject"), 0, "the store keeps it");
    let lines = listed(&team);
    assert_eq!(lines[0]["version"], version.as_str());
    fs::rename(team.path("one/f"), team.path("one/f.ours")).unwrap();
    let output = team.run("one", "trash restore f");
    if output.code == Some(0) {
        assert_eq!(team.text("one/f"), "a teammate's edit");
    } else {
        // Not fetched, but the way to it is named.
        assert_error(&output, 3, &[&version]);
    }
}

#[test]
fn a_folder_comes_back_as_a_whole_and_twice_is_too_often() {
    let team = Team::sharing(&[("d/a", "a"), ("d/e/b", "b"), ("g", "g")]);
    team.remove("two/d");
    team.ok("two", "sync");
    team.ok("one", "sync");
    team.ok("one", "trash restore d");
    assert_eq!(team.texts("one").len(), 3);
    assert_error(&team.run("one", "trash restore d"), 2, &["d"]);
}

#[test]
fn a_folder_as_tab_types_it_and_the_dot_bring_back_what_lies_below() {
    let shared = [("d/a", "a"), ("d/e/b", "b"), ("g", "g"), ("h", "h"), ("keep", "keep")];
    let team = Team::sharing(&shared);
    for path in ["two/d", "two/g", "two/h"] {
        team.remove(path);
    }
    team.ok("two", "sync --max-delete 4");
    let gone = |team: &Team| {
        team.ok("one", "sync --max-delete 4");
        assert_eq!(team.texts("one").len(), 1);
    };
    gone(&team);
    team.ok("one", "trash restore d/e/");
    assert_eq!(team.text("one/d/e/b"), "b");
    let run = listed(&team)[0]["operand"].as_str().unwrap().split_once('/').unwrap().0.to_owned();
    let output = team.ok("one", &format!("trash restore .lsync/trash/{run}/local/d/"));
    assert_eq!(output.stdout, "restored d/a\n1 file restored\n");
    let output = team.ok("one", "trash restore . g/");
    assert!(output.stdout.ends_with("2 files restored\n"), "{}", output.stdout);
    assert_eq!(team.texts("one"), files(&shared));
    assert_error(&team.run("one", "trash restore ."), 2, &["nothing in the trash", "trash list"]);
}

#[test]
fn the_dot_means_the_folder_one_stands_in() {
    let team = Team::sharing(&[("d/a", "a"), ("g", "g"), ("keep", "keep"), ("d/keep", "keep")]);
    for path in ["two/d/a", "two/g"] {
        team.remove(path);
    }
    team.ok("two", "sync");
    team.ok("one", "sync");
    team.ok("one/d", "trash restore .");
    assert!(team.exists("one/d/a") && !team.exists("one/g"));
}

#[test]
fn names_that_are_taken_are_told_five_times_and_counted() {
    let paths: Vec<_> = (0..8).map(|number| format!("d/{number}")).collect();
    let shared: Vec<_> = paths.iter().map(|path| (path.as_str(), "first")).collect();
    let team = Team::sharing(&shared);
    for path in &paths {
        team.server.put(BUCKET, path, "second");
    }
    team.ok("one", "sync");
    let output = team.run("one", "trash restore d");
    output.assert_code(3);
    assert_eq!(output.stderr.matches("exists, nothing was overwritten").count(), 5);
    assert!(output.stderr.contains("error: 3 more exist likewise"), "{}", output.stderr);
    assert!(team.texts("one").values().all(|text| text == "second"));
}

#[test]
fn an_operand_that_is_not_found_keeps_the_others_in_the_trash() {
    let team = Team::sharing(&[("f", "f"), ("g", "g")]);
    team.remove("two/f");
    team.ok("two", "sync");
    team.ok("one", "sync");
    assert_error(&team.run("one", "trash restore f nosuch"), 2, &["nosuch"]);
    assert!(!team.exists("one/f"));
    let output = team.ok("one", "trash restore f f");
    assert!(output.stdout.ends_with("1 file restored\n"), "{}", output.stdout);
}

#[test]
fn two_losers_of_one_path_are_both_kept() {
    let team = Team::sharing(&[("f", "first"), ("g", "g")]);
    for text in ["second", "third"] {
        team.server.put(BUCKET, "f", text);
        team.ok("one", "sync");
    }
    let texts: Vec<_> = team.trashed("one").into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts.len(), 2);
    assert!(texts.contains(&"first".to_owned()) && texts.contains(&"second".to_owned()));
}

#[test]
fn what_one_run_put_into_the_trash_comes_back_as_a_whole_and_is_no_longer_there() {
    let team = Team::sharing(&[("a/x", "x"), ("b", "b"), ("c", "c"), ("d", "d")]);
    for names in [["a/x", "b"].as_slice(), &["c"]] {
        for name in names {
            team.server.delete(BUCKET, name);
        }
        team.ok("one", "sync --max-delete 2");
    }
    let operands: Vec<String> =
        listed(&team).iter().map(|line| line["operand"].as_str().unwrap().to_owned()).collect();
    let run = |path: &str| {
        let operand = operands.iter().find(|it| it.ends_with(path)).unwrap();
        operand.split_once('/').unwrap().0
    };
    team.ok("one", &format!("trash restore {}", run("/b")));
    assert_eq!(team.texts("one"), files(&[("a/x", "x"), ("b", "b"), ("d", "d")]));
    let left = listed(&team);
    assert_eq!((left.len(), &left[0]["path"]), (1, &"c".into()));
    assert!(run("/b") != run("/c"));
}
