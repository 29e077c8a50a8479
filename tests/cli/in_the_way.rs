//! Links, special files and other working copies that stand where the bucket has files: what should
//! have come and cannot is missing, and every run says so.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::support::{Output, Workspace};
use crate::team::{BUCKET, Team, events, files, lines_of, run};

/// What stands in the way.
#[derive(Debug, Clone, Copy)]
enum Thing {
    Link,
    Fifo,
    WorkingCopy,
}

const THINGS: [(Thing, &str); 3] =
    [(Thing::Link, "link"), (Thing::Fifo, "special"), (Thing::WorkingCopy, "nested")];

/// Puts a thing under a name of a copy.
fn put(workspace: &Workspace, thing: Thing, name: &str) {
    let place = workspace.path(name);
    match thing {
        Thing::Link => symlink("nowhere", place).unwrap(),
        Thing::Fifo => {
            assert!(Command::new("mkfifo").arg(place).status().unwrap().success());
        }
        Thing::WorkingCopy => {
            workspace.write(format!("{name}/.lsync/config.yaml"), "version: 1\n");
        }
    }
}

/// Checks that a run says what stands at `d`, whatever it was told to leave out, and ends with 3.
#[track_caller]
fn assert_told(output: &Output, count: &str) {
    output.assert_code(3);
    let told = format!("in the way of {count} in the bucket");
    assert!(output.stderr.contains(&told) && output.stderr.contains(" d  "), "{output:?}");
    assert!(output.stderr.contains("move it out of the way"), "{output:?}");
}

fn incomplete(output: &Output) -> serde_json::Value {
    lines_of(output).pop().unwrap()["incomplete"].clone()
}

#[test]
fn what_stands_on_a_file_of_the_bucket_or_on_a_folder_above_is_told_by_every_run_that_fetches() {
    for (thing, kind) in THINGS {
        for (keys, count) in [(&["d"][..], "1 file"), (&["d/e", "d/f/g"][..], "2 files")] {
            let team = Team::sharing(&[("a", "a")]);
            put(&team, thing, "one/d");
            for key in keys {
                team.server.put(BUCKET, key, "new");
            }
            for command in ["sync", "sync", "sync -q", "pull -q", "pull --force .", "sync -n -q"] {
                assert_told(&team.run("one", command), count);
            }
            assert_told(&team.run("one", "pull --mirror --yes -q"), count);
            team.run("one", "status -q").assert_code(3);
            let output = team.run("one", "sync --json");
            output.assert_code(3);
            assert_eq!(events(&output, "skipped"), [format!("{kind} d")], "{thing:?}");
            assert_eq!(incomplete(&output), 1, "{thing:?}");
            // Nothing was to go there, so that nothing is missing.
            team.ok("one", "push");
            assert_eq!(team.bucket().len(), 1 + keys.len());
            assert_eq!(team.texts("one")["a"], "a");
        }
    }
}

#[test]
fn what_stands_in_nobodys_way_is_no_failure() {
    for (thing, kind) in THINGS {
        let team = Team::sharing(&[("a", "a"), ("d-x", "d"), ("d.x/y", "d")]);
        put(&team, thing, "one/d");
        let output = team.ok("one", "sync --json");
        assert_eq!(events(&output, "skipped"), [format!("{kind} d")]);
        assert_eq!(incomplete(&output), 0);
        let quiet = team.ok("one", "sync -q");
        assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""), "{thing:?}");
    }
}

#[test]
fn a_rule_says_that_what_stands_there_is_meant() {
    for rule in ["d\n", "d/\n", "e\ng\n"] {
        let team = Team::sharing(&[("a", "a"), (".lsyncignore", rule)]);
        put(&team, Thing::Link, "one/d");
        for key in ["d/e", "d/f/g"] {
            team.server.put(BUCKET, key, "new");
        }
        let output = team.ok("one", "sync --json");
        assert_eq!(incomplete(&output), 0, "{rule:?}");
    }
}

#[test]
fn an_ignored_folder_in_the_place_of_a_file_of_the_bucket_is_told() {
    let team = Team::sharing(&[(".lsyncignore", "d/\n")]);
    team.write("one/d/mine", "mine");
    team.server.put(BUCKET, "d", "a file");
    for command in ["sync", "sync -q", "pull --force ."] {
        let output = team.run("one", command);
        output.assert_code(3);
        assert!(output.stderr.contains("stands in the way"), "{command}: {output:?}");
    }
    assert_eq!(team.text("one/d/mine"), "mine");
    team.ok("one", "push");
}

#[test]
fn an_operand_below_a_link_is_told_that_it_cannot_come() {
    let team = Team::sharing(&[("a", "a")]);
    put(&team, Thing::Link, "one/d");
    team.server.put(BUCKET, "d/e", "new");
    for command in ["sync d/e", "pull -q d/e", "pull --force d/e"] {
        assert_told(&team.run("one", command), "1 file");
    }
}

#[test]
fn a_folder_bucket_is_told_of_in_the_same_way() {
    for (thing, _) in THINGS {
        let workspace = Workspace::new();
        fs::create_dir(workspace.path("bucket")).unwrap();
        workspace.write("bucket/a", "a");
        run(&workspace, ".", "clone ./bucket one").assert_code(0);
        put(&workspace, thing, "one/d");
        workspace.write("bucket/d/e", "new");
        for command in ["sync", "sync -q", "pull --force .", "pull --mirror --yes"] {
            assert_told(&run(&workspace, "one", command), "1 file");
        }
        run(&workspace, "one", "push").assert_code(0);
        assert_eq!(workspace.texts("bucket"), files(&[("a", "a"), ("d/e", "new")]));
    }
}
