//! What the four older tools got wrong, one test a finding (B1 to B9, B13 to B15, B17 to B21,
//! B25). B10 to B12 are in `names.rs`.

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::interrupted::shared;
use crate::support::{Fault, FaultRule, Profile};
use crate::team::{BUCKET, Gate, Team, assert_error, end_of, events, files, lines_of, signal};

/// An hour before or after now does not matter to lsync; tests set mtimes to this.
const LONG_AGO: u64 = 1_000_000_000_000_000_000;
/// In the year 2100.
const FAR_AHEAD: u64 = 4_102_444_800_000_000_000;

#[test]
fn b1_every_second_version_arrives_whatever_its_size_and_mtime() {
    let paths = ["larger-newer", "larger-older", "same-newer", "same-older"];
    let first: Vec<_> = paths.iter().map(|path| (*path, "first")).collect();
    let team = Team::sharing(&first);
    for path in paths {
        let text = if path.starts_with("same") { "other" } else { "other, and longer" };
        team.write(format!("one/{path}"), text);
        let mtime = if path.ends_with("newer") { FAR_AHEAD } else { LONG_AGO };
        team.set_mtime(format!("one/{path}"), mtime);
    }
    team.ok("one", "push");
    team.ok("two", "pull");
    assert_eq!(team.texts("two"), team.texts("one"));
    assert!(team.texts("two").values().all(|text| text.starts_with("other")));
}

#[test]
fn b2_a_deletion_does_not_reach_an_object_that_a_teammate_has_changed() {
    let team = Team::sharing(&[("x", "v1"), ("y", "y")]);
    team.write("two/x", "v2");
    team.ok("two", "push");
    team.remove("one/x");
    for command in ["push", "sync"] {
        let output = team.run("one", &format!("{command} --json"));
        output.assert_code(4);
        assert_eq!(events(&output, "conflict"), ["deleted-here x"]);
        assert_eq!(team.bucket()["x"], "v2");
        assert!(!team.exists("one/x"));
    }
    team.ok("one", "resolve --theirs");
    assert_eq!(team.text("one/x"), "v2");
    team.assert_agreed();
}

#[test]
fn b3_push_does_not_bring_back_what_a_teammate_has_deleted() {
    let team = Team::sharing(&[("x", "x"), ("y", "y")]);
    team.remove("two/x");
    team.ok("two", "push");
    let output = team.ok("one", "push");
    assert_eq!(team.bucket(), files(&[("y", "y")]));
    assert!(output.stderr.contains("lsync pull"), "says that it is behind: {}", output.stderr);
    team.ok("one", "pull");
    assert_eq!(team.texts("one"), files(&[("y", "y")]));
}

#[test]
fn b4_an_edit_of_what_was_deleted_in_the_bucket_is_kept_and_the_others_go() {
    let team = Team::sharing(&[("x", "v1"), ("y", "v1"), ("z", "v1")]);
    team.server.delete(BUCKET, "x");
    team.server.put(BUCKET, "y", "theirs");
    team.write("one/x", "edited");
    team.write("one/z", "edited");
    team.run("one", "sync").assert_code(4);
    assert_eq!(team.texts("one"), files(&[("x", "edited"), ("y", "theirs"), ("z", "edited")]));
    assert_eq!(team.bucket(), files(&[("y", "theirs"), ("z", "edited")]));
}

#[test]
fn b5_what_both_sides_have_unregistered_is_adopted_or_a_conflict_of_its_own() {
    let team = Team::new();
    for (key, text) in [("same", "same"), ("x", "theirs"), ("other", "other")] {
        team.server.put(BUCKET, key, text);
    }
    team.write("one/same", "same");
    team.write("one/x", "ours!!");
    for command in ["push", "pull", "sync"] {
        let output = team.run("one", command);
        output.assert_code(4);
        assert_eq!(team.bucket()["x"], "theirs", "{command}");
        assert_eq!(team.text("one/x"), "ours!!", "{command}");
    }
    assert_eq!(team.text("one/other"), "other");
}

#[test]
fn b6_whoever_has_the_later_clock_loses_nothing() {
    for (ours, theirs) in [(LONG_AGO, FAR_AHEAD), (FAR_AHEAD, LONG_AGO)] {
        let team = Team::sharing(&[("x", "base"), ("y", "base")]);
        for (copy, mtime) in [("one", theirs), ("two", ours)] {
            for path in ["x", "y"] {
                team.write(format!("{copy}/{path}"), format!("{copy} has changed {path}"));
                team.set_mtime(format!("{copy}/{path}"), mtime);
            }
        }
        team.ok("one", "push");
        for command in ["push", "pull", "sync"] {
            team.run("two", command).assert_code(4);
        }
        assert_eq!(team.bucket(), team.texts("one"));
        assert!(team.texts("two").values().all(|text| text.starts_with("two")));
        team.ok("two", "resolve --ours x");
        team.ok("two", "resolve --theirs y");
        team.ok("two", "sync");
        team.ok("one", "sync");
        let both = files(&[("x", "two has changed x"), ("y", "one has changed y")]);
        assert_eq!(team.bucket(), both);
        team.assert_agreed();
    }
}

#[test]
fn b7_a_file_replaced_by_an_older_one_of_the_same_size_is_pushed() {
    let team = Team::sharing(&[("x", "first"), ("y", "first")]);
    let mtime = u64::try_from(team.mtime("one/x")).unwrap();
    team.write("one/x", "older");
    team.set_mtime("one/x", LONG_AGO);
    // Nothing but the ctime betrays this one.
    team.write("one/y", "equal");
    team.set_mtime("one/y", mtime);
    team.ok("one", "push");
    assert_eq!(team.bucket(), files(&[("x", "older"), ("y", "equal")]));
}

#[test]
fn b8_what_both_sides_deleted_is_forgotten_and_can_be_made_anew() {
    let team = Team::sharing(&[("x", "x"), ("y", "y")]);
    for copy in ["one", "two"] {
        team.remove(format!("{copy}/x"));
        team.ok(copy, "sync");
    }
    team.assert_agreed();
    let journal = team.text("two/.lsync/journal.yaml");
    assert!(journal.contains(r#"{path: "x", gone: true}"#), "{journal}");
    team.write("one/x", "made anew");
    team.ok("one", "sync");
    team.ok("two", "sync");
    assert_eq!(team.text("two/x"), "made anew");
}

#[test]
fn b9_push_leaves_mtimes_alone_and_a_file_rewritten_while_it_is_sent_goes_next_time() {
    let team = Team::sharing(&[("x", "base"), ("y", "base")]);
    team.write("one/x", "first");
    team.set_mtime("one/x", 1_234_567_890_123_456_789);
    team.ok("one", "push");
    assert_eq!(team.mtime("one/x"), 1_234_567_890_123_456_789);
    team.write("one/y", "first edit");
    let edited = team.path("one/y");
    team.server.once_on_request("PutObject", "y", move |_, _| {
        // As `cat >` does: in place, the inode stays.
        use std::io::Write as _;
        let mut file = std::fs::File::options().write(true).open(&edited).unwrap();
        file.write_all(b"2nd").unwrap();
    });
    let output = team.run("one", "push");
    assert!(matches!(output.code, Some(0 | 3)), "{output:?}");
    team.ok("one", "push");
    assert_eq!(team.text("one/y"), "2ndst edit");
    assert_eq!(team.bucket()["y"], "2ndst edit");
}

#[test]
fn b13_a_prefix_neither_sees_nor_deletes_its_neighbours() {
    let team = Team::without_copies(Profile::Aws);
    team.server.put(BUCKET, "xyz/other", "other");
    team.server.put(BUCKET, "x", "a file of the prefix's name");
    team.write("one/a", "a");
    team.ok("one", "init team/x .");
    team.ok("one", "sync");
    assert_eq!(team.texts("one"), files(&[("a", "a")]));
    team.remove("one/a");
    team.ok("one", "push --mirror --yes --max-delete 100%");
    let rest = files(&[("x", "a file of the prefix's name"), ("xyz/other", "other")]);
    assert_eq!(team.bucket(), rest);
}

#[test]
fn b13_a_database_counts_for_its_own_bucket_and_prefix_alone() {
    let team = Team::sharing(&[("a", "a"), ("b", "b")]);
    team.server.create_bucket("elsewhere");
    let config = team.text("one/.lsync/config.yaml");
    for other in ["s3://team/below", "s3://elsewhere"] {
        let changed = config.replace("s3://team\n", &format!("{other}\n"));
        assert_ne!(changed, config);
        team.write("one/.lsync/config.yaml", changed);
        team.ok("one", "sync");
        assert_eq!(team.texts("one"), files(&[("a", "a"), ("b", "b")]), "{other}");
    }
    let both = files(&[("a", "a"), ("b", "b"), ("below/a", "a"), ("below/b", "b")]);
    assert_eq!(team.bucket(), both);
    assert_eq!(team.server.keys("elsewhere"), ["a", "b"]);
}

#[test]
fn b14_a_deletion_that_was_withheld_is_carried_out_by_the_next_run() {
    let team = Team::sharing(&[("here", "1"), ("there", "2"), ("z", "3")]);
    team.remove("one/here");
    team.server.delete(BUCKET, "there");
    let output = team.ok("one", "sync --no-delete");
    assert!(output.stdout.contains("2 deletions withheld"), "{}", output.stdout);
    assert_eq!(team.bucket(), files(&[("here", "1"), ("z", "3")]));
    assert_eq!(team.texts("one"), files(&[("there", "2"), ("z", "3")]));
    team.ok("one", "sync");
    assert_eq!(team.bucket(), files(&[("z", "3")]));
    assert_eq!(team.texts("one"), files(&[("z", "3")]));
}

/// Pulls 200 files, sends a signal when dozens of them have arrived, and checks what is left and that
/// the next run does exactly the rest.
fn interrupt_a_pull(name: &str, code: Option<i32>) {
    let team = Team::new();
    let files = shared(&team, 200);
    team.ok("one", "sync");
    // Keys go in order, four at once: when this one is stopped, dozens have arrived.
    let gate = Gate::at(&team.server, "GetObject", "d2/f097");
    let child = team.start("two", "pull -j 4");
    gate.wait();
    signal(&child, name);
    if code.is_none() {
        assert_eq!(end_of(child).code, None);
        drop(gate);
    } else {
        drop(gate);
        assert_eq!(end_of(child).code, code);
    }
    team.server.clear_hooks();
    team.server.wait_until_idle();
    let partial = team.texts("two");
    assert!(partial.len() < files.len());
    for (path, text) in &partial {
        assert_eq!(text, &files[path], "{path} is cut");
    }
    team.server.clear_log();
    team.ok("two", "sync");
    assert_eq!(team.texts("two"), files);
    assert_eq!(team.server.count("PutObject"), 0);
    let missing = files.len() - partial.len();
    assert_eq!(team.server.count("GetObject"), missing, "what has arrived is not fetched again");
    team.assert_quiet("two");
}

#[test]
fn b15_a_pull_that_was_killed_leaves_no_cut_file_no_lock_and_no_conflict() {
    interrupt_a_pull("KILL", None);
}

#[test]
fn b15_a_pull_that_was_asked_to_end_leaves_no_cut_file_no_lock_and_no_conflict() {
    for name in ["TERM", "INT"] {
        interrupt_a_pull(name, Some(130));
    }
}

#[test]
fn b18_one_object_that_always_fails_is_named_and_the_others_are_done() {
    let team = Team::new();
    for name in ["a", "b", "c"] {
        team.write(format!("one/{name}"), name);
    }
    team.server.fault(FaultRule::new("PutObject", "b", Fault::Status(503, "SlowDown")));
    let output = team.run("one", "sync --json");
    output.assert_code(3);
    assert_eq!(team.server.keys(BUCKET), ["a", "c"]);
    assert_eq!(events(&output, "failed"), ["upload b"]);
    let tries = team.requests().iter().filter(|request| *request == "PutObject b").count();
    assert_eq!(tries, 8, "bounded");
    team.server.clear_faults();
    team.server.fault(FaultRule::new("PutObject", "b", Fault::Status(503, "SlowDown")).first(1));
    team.ok("one", "sync");
    assert_eq!(team.server.keys(BUCKET), ["a", "b", "c"]);
}

#[test]
fn b19_restoring_twice_transfers_nothing_and_neither_does_a_backup_after_it() {
    let team = Team::sharing(&[("a", "first"), ("d/b", "b")]);
    team.join("restored");
    team.ok("restored", "pull");
    assert_eq!(team.texts("restored"), team.bucket());
    for command in ["pull", "push", "sync"] {
        team.server.clear_log();
        team.ok("restored", command);
        assert_eq!(team.transfers(), Vec::<String>::new(), "{command}");
    }
    team.server.put(BUCKET, "a", "other");
    team.ok("restored", "pull");
    assert_eq!(team.text("restored/a"), "other");
}

#[test]
fn b20_links_and_special_files_are_named_and_left_alone() {
    let team = Team::sharing(&[("f", "f"), ("dir/g", "g")]);
    team.write("outside/secret", "secret");
    let link = |target: &str, name: &str| symlink(target, team.path("one").join(name)).unwrap();
    link("nowhere", "broken");
    link("loop", "loop");
    link("../outside", "away");
    link("f", "file");
    let fifo = Command::new("mkfifo").arg(team.path("one/fifo")).status().unwrap();
    assert!(fifo.success());
    let output = team.ok("one", "sync --json");
    let skipped = ["link away", "link broken", "link file", "link loop", "special fifo"];
    assert_eq!(events(&output, "skipped"), skipped);
    assert_eq!(team.bucket().len(), 2);
}

#[test]
fn b20_pull_never_writes_through_a_link_that_leaves_the_root() {
    let team = Team::sharing(&[("f", "f"), ("dir/g", "g")]);
    team.write("outside/g", "a stranger's");
    team.remove("one/dir");
    symlink("../outside", team.path("one/dir")).unwrap();
    team.server.put(BUCKET, "dir/g", "changed");
    team.server.put(BUCKET, "dir/h", "new");
    for command in ["pull", "sync", "pull --force dir/g", "push"] {
        let output = team.run("one", command);
        assert_ne!(output.code, Some(0), "{command}: {output:?}");
        assert_eq!(team.texts("outside"), files(&[("g", "a stranger's")]), "{command}");
        assert_eq!(team.bucket()["dir/g"], "changed", "{command}");
    }
    assert!(team.path("one/dir").is_symlink());
}

#[test]
fn b21_every_odd_way_to_type_a_command_has_a_message_and_a_code() {
    let team = Team::sharing(&[("sub/a", "a"), ("f1", "1"), ("f2", "2")]);
    team.ok("one", "init team .");
    team.ok("one", "init team");
    assert_error(&team.run("one", "init other ."), 2, &["working copy of s3://team"]);
    assert_error(&team.run("one/sub", "init team ."), 2, &["one"]);
    assert_error(&team.run("elsewhere", "sync"), 10, &["lsync init"]);
    for line in ["init -w team .", "snyc", "", "sync --nonsense", "resolve --ours --theirs"] {
        let output = team.run("one", line);
        output.assert_code(2);
        let helps = ["Usage:", "hint:"].iter().any(|part| output.stderr.contains(part));
        assert!(helps, "{line}: {}", output.stderr);
    }
    let typo = team.run("one", "snyc");
    assert!(typo.stderr.contains("sync"), "{}", typo.stderr);
    assert_error(&team.run("one", "push nosuch"), 2, &["nosuch"]);
    assert_error(&team.run("one", "push --force"), 2, &["--force ."]);
    assert_error(&team.run("one", "push ../two/f1"), 2, &["outside"]);
    team.write("one/sub/a", "edited");
    team.write("one/f1", "edited");
    team.ok("one", "sync sub/");
    assert_eq!(team.bucket(), files(&[("f1", "1"), ("f2", "2"), ("sub/a", "edited")]));
    team.server.put(BUCKET, "f2", "theirs");
    team.write("one/f2", "ours");
    team.run("one", "push f1 f2").assert_code(4);
    assert_eq!(team.bucket(), files(&[("f1", "edited"), ("f2", "theirs"), ("sub/a", "edited")]));
}

#[test]
fn b25_keys_begin_with_the_prefix_and_one_slash_and_without_a_prefix_with_none() {
    for (bucket, key) in [("team", "a/b"), ("team/p", "p/a/b"), ("team/p/", "p/a/b")] {
        let team = Team::without_copies(Profile::Aws);
        team.write("one/a/b", "b");
        team.ok("one", &format!("init {bucket} ."));
        team.ok("one", "sync");
        assert_eq!(team.server.keys(BUCKET), [key], "{bucket}");
        team.ok("two", &format!("clone s3://{bucket} copy"));
        assert_eq!(team.texts("two/copy"), files(&[("a/b", "b")]), "{bucket}");
    }
}

#[test]
fn b25_a_limit_counts_what_is_done_and_not_what_is_looked_at() {
    let team = Team::sharing(&[("a", "1"), ("b", "1"), ("c", "1"), ("d", "1"), ("e", "1")]);
    for path in ["d", "e"] {
        team.write(format!("one/{path}"), "changed");
    }
    team.ok("one", "sync --limit 2");
    assert_eq!(team.transfers(), ["PutObject d", "PutObject e"]);
    for path in ["a", "b", "c"] {
        team.write(format!("one/{path}"), "changed");
    }
    let output = team.run("one", "sync --limit 2 --json");
    output.assert_code(3);
    assert_eq!(events(&output, "done").len(), 2);
    assert_eq!(lines_of(&output).last().unwrap()["beyond_limit"], 1);
    team.ok("one", "sync");
    assert_eq!(team.bucket(), team.texts("one"));
}
