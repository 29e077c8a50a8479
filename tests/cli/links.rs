//! Folders that become links between the scan and the swap: no link is ever followed, so that what
//! lies outside of the working copy stays as it is.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::support::Snapshot;
use crate::team::{BUCKET, Team, assert_error, files};

/// What a person does with the folder `dir` of copy `one`, while a request waits.
#[derive(Debug, Clone, Copy)]
enum Trick {
    /// It goes, and a link to a folder outside has its name.
    Replaced,
    /// It is moved outside, and a link leads to it.
    MovedAway,
}

/// The folder that takes no part, with names as in the working copy.
const OUTSIDE: [(&str, &str); 3] =
    [("a", "a stranger's a"), ("b", "a stranger's b"), ("sub/c", "c")];

fn team() -> Team {
    let team = Team::sharing(&[("dir/a", "1"), ("dir/b", "1"), ("dir/sub/c", "1"), ("z", "1")]);
    for (path, text) in OUTSIDE {
        team.write(format!("outside/{path}"), text);
    }
    team
}

/// Plays the trick before the first request that matches takes effect.
fn play(team: &Team, trick: Trick, (operation, key): (&'static str, &str)) {
    let (folder, aside): (PathBuf, PathBuf) = (team.path("one/dir"), team.path("aside"));
    team.server.once_on_request(operation, key, move |_, _| {
        fs::rename(&folder, &aside).unwrap();
        let target = match trick {
            Trick::Replaced => "../outside",
            Trick::MovedAway => "../aside",
        };
        symlink(target, &folder).unwrap();
    });
}

/// Checks what must be so whatever the trick and the moment.
#[track_caller]
fn assert_nothing_reached_outside(team: &Team, outside: &Snapshot) {
    assert_eq!(team.snapshot("outside"), *outside);
    assert!(!team.exists("outside/.lsync"));
    assert!(team.path("one/dir").is_symlink());
}

#[test]
fn a_download_does_not_follow_a_folder_that_became_a_link() {
    for trick in [Trick::Replaced, Trick::MovedAway] {
        for moment in ["dir/a", "dir/new", "z"] {
            let team = team();
            let outside = team.snapshot("outside");
            for key in ["dir/a", "dir/new", "dir/deep/new", "dir/sub/c", "z"] {
                team.server.put(BUCKET, key, "2");
            }
            play(&team, trick, ("GetObject", moment));
            // One at a time, so that others come before and after the trick.
            let output = team.run("one", "sync -j 1");
            assert_nothing_reached_outside(&team, &outside);
            output.assert_code(3);
            assert!(output.stderr.contains("dir"), "{}", output.stderr);
            assert_eq!(team.text("one/z"), "2", "the others are done: {trick:?} {moment}");
            let bucket = team.bucket();
            assert!(bucket.values().all(|text| text == "2" || text == "1"), "{bucket:?}");
            assert_eq!(bucket.len(), 6, "{trick:?} {moment}");
            // The next run finds the link, and deletes nothing in the bucket because of it.
            team.run("one", "sync").assert_code(3);
            assert_nothing_reached_outside(&team, &outside);
            assert_eq!(team.bucket(), bucket);
        }
    }
}

#[test]
fn a_deletion_does_not_follow_a_folder_that_became_a_link() {
    for trick in [Trick::Replaced, Trick::MovedAway] {
        let team = team();
        let outside = team.snapshot("outside");
        for key in ["dir/a", "dir/b", "dir/sub/c"] {
            team.server.delete(BUCKET, key);
        }
        // The deletions come after the transfer during which the folder is replaced.
        team.server.put(BUCKET, "z", "2");
        play(&team, trick, ("GetObject", "z"));
        let output = team.run("one", "sync --max-delete 100%");
        assert_nothing_reached_outside(&team, &outside);
        output.assert_code(3);
        let aside = files(&[("a", "1"), ("b", "1"), ("sub/c", "1")]);
        assert_eq!(team.texts("aside"), aside, "{trick:?}");
        assert_eq!(team.bucket(), files(&[("z", "2")]));
    }
}

#[test]
fn an_upload_does_not_read_through_a_folder_that_became_a_link() {
    for trick in [Trick::Replaced, Trick::MovedAway] {
        let team = team();
        let outside = team.snapshot("outside");
        for path in ["dir/a", "dir/b", "dir/new", "a"] {
            team.write(format!("one/{path}"), "2");
        }
        play(&team, trick, ("PutObject", "a"));
        team.run("one", "sync -j 1").assert_code(3);
        assert_nothing_reached_outside(&team, &outside);
        let strange = |text: &String| text.contains("stranger");
        assert!(!team.bucket().values().any(strange), "{:?}", team.bucket());
        assert_eq!(team.bucket()["dir/a"], "1", "{trick:?}");
        assert!(!team.bucket().contains_key("dir/new"));
    }
}

#[test]
fn a_deletion_in_the_bucket_does_not_rest_on_what_a_link_hides() {
    let team = team();
    team.remove("one/dir/a");
    team.write("one/z", "2");
    play(&team, Trick::Replaced, ("PutObject", "z"));
    let output = team.run("one", "sync");
    // The file was deleted before the scan, and the link's target says nothing about it.
    assert!(matches!(output.code, Some(0 | 3)), "{output:?}");
    assert_eq!(team.text("outside/a"), "a stranger's a");
    let bucket = team.bucket();
    assert_eq!(bucket["dir/b"], "1");
    assert_eq!(bucket["dir/sub/c"], "1");
}

#[test]
fn a_control_folder_that_is_a_link_makes_no_working_copy() {
    let team = team();
    fs::rename(team.path("one/.lsync"), team.path("control")).unwrap();
    symlink("../control", team.path("one/.lsync")).unwrap();
    let control = team.snapshot("control");
    team.server.put(BUCKET, "dir/a", "2");
    for command in ["sync", "pull", "status", "push --force ."] {
        assert_error(&team.run("one", command), 10, &["not a repository"]);
    }
    let output = team.run("one", "init team .");
    assert!(matches!(output.code, Some(1 | 2)), "{output:?}");
    assert_eq!(team.snapshot("control"), control);
    assert_eq!(team.text("one/dir/a"), "1");
    assert!(team.path("one/.lsync").is_symlink());
}

#[test]
fn a_control_folder_that_becomes_a_link_during_a_run_is_not_followed() {
    let team = team();
    let (control, aside) = (team.path("one/.lsync"), team.path("control"));
    fs::create_dir_all(team.path("outside/tmp")).unwrap();
    let outside = team.snapshot("outside");
    team.server.put(BUCKET, "dir/a", "2");
    team.server.put(BUCKET, "new", "2");
    team.server.delete(BUCKET, "dir/b");
    team.server.once_on_request("GetObject", "*", move |_, _| {
        fs::rename(&control, &aside).unwrap();
        symlink("../outside", &control).unwrap();
    });
    let output = team.run("one", "sync -j 1");
    assert_eq!(team.snapshot("outside"), outside);
    assert_eq!(fs::read_dir(team.path("outside/tmp")).unwrap().count(), 0);
    // Everything went on in the folder that was open; no edit is lost wherever it ended.
    assert!(matches!(output.code, Some(0 | 1 | 3)), "{output:?}");
    assert_eq!(
        team.bucket(),
        files(&[("dir/a", "2"), ("dir/sub/c", "1"), ("new", "2"), ("z", "1")])
    );
}
