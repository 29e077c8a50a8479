//! A second run does nothing: it lists, compares, and neither asks, reads nor writes anything else.

use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use crate::support::{Output, Profile};
use crate::team::{BUCKET, Team};

fn team() -> Team {
    let team =
        Team::sharing(&[(".lsyncignore", "*.o\n"), ("a", "a"), ("d/b", "b"), ("e/f/c", "c")]);
    team.write("one/x.o", "ignored");
    team.ok("one", "sync");
    team.server.clear_log();
    team
}

#[test]
fn it_asks_for_one_listing_and_writes_no_byte_but_the_pid() {
    let team = team();
    let (tree, control) = (team.snapshot("one"), team.control("one"));
    let inodes = || {
        ["database.yaml", "config.yaml"]
            .map(|name| team.path("one/.lsync").join(name).symlink_metadata().unwrap().ino())
    };
    let before = inodes();
    for command in ["sync", "push", "pull", "status", "sync -n"] {
        team.server.clear_log();
        let output = team.ok("one", command);
        assert_eq!(team.requests(), ["ListObjectsV2 "], "{command}");
        assert_eq!(team.snapshot("one"), tree, "{command}");
        assert_eq!(team.control("one"), control, "{command}");
        assert_eq!(inodes(), before, "{command}");
        assert!(output.stdout.contains("up to date"), "{command}: {}", output.stdout);
    }
}

/// A team whose working copy has the files of three pages, and knows of them.
fn three_pages(profile: Profile) -> Team {
    let team = Team::without_copies(profile);
    team.join("one");
    for number in 0..2_001 {
        let path = format!("{}/{number:04}", number / 100);
        team.write(format!("one/{path}"), "x");
        team.server.put(BUCKET, &path, "x");
    }
    team.ok("one", "sync");
    team.server.clear_log();
    team
}

/// Runs what finds nothing to do, and returns the queries of its listings.
fn listings(team: &Team, line: &str) -> (Output, Vec<String>) {
    team.server.clear_log();
    let (tree, control) = (team.snapshot("one"), team.control("one"));
    let output = team.ok("one", line);
    assert!(output.stdout.contains("up to date"), "{line}: {}", output.stdout);
    assert_eq!((team.snapshot("one"), team.control("one")), (tree, control), "{line}");
    let log = team.server.log();
    assert_eq!(log.len(), team.server.count("ListObjectsV2"), "{line}");
    (output, log.into_iter().map(|request| request.query).collect())
}

#[test]
fn many_files_cost_a_listing_a_thousand_of_which_some_run_together() {
    let team = three_pages(Profile::Aws);
    for line in ["sync", "status", "push"] {
        let (_, queries) = listings(&team, line);
        assert_eq!(queries.len(), 3, "{line}: {queries:?}");
        let begun = queries.iter().filter(|query| query.contains("start-after")).count();
        assert_eq!(begun, 2, "{line}: the token of a store may skip a key: {queries:?}");
    }
    for number in 0..2_001 {
        team.server.delete(BUCKET, &format!("{}/{number:04}", number / 100));
    }
    team.server.clear_log();
    team.run("one", "status");
    assert_eq!(team.server.count("ListObjectsV2"), 1, "an empty bucket has one page");
}

#[test]
fn a_store_that_cannot_list_from_the_middle_is_listed_from_its_beginning() {
    let team = three_pages(Profile::NoStartAfter);
    let (output, queries) = listings(&team, "sync");
    let from_the_beginning = |query: &&String| !query.contains("continuation-token");
    let begun = queries.iter().filter(from_the_beginning).count();
    // Up to three ranges, as many as have begun before the first answer shows that it is no use; then the
    // first page once more, and the two behind it.
    assert!((2..=4).contains(&begun), "{queries:?}");
    assert_eq!(queries.len() - begun, 2, "{queries:?}");
    let warnings = output.stderr.matches("cannot begin a listing behind a key").count();
    assert_eq!(warnings, 1, "{}", output.stderr);
}

#[test]
fn a_token_that_skips_a_key_takes_no_file_away() {
    let team = three_pages(Profile::SkippingToken);
    // The database knows of the key, so that a range begins behind it; many others follow it now.
    team.server.delete(BUCKET, "9/0998");
    for number in 0..1_500 {
        team.server.put(BUCKET, &format!("9/0998-{number:04}"), "new");
    }
    let status = team.ok("one", "status").stdout;
    assert!(status.contains("1,500 to download"), "{status}");
    assert!(status.contains("1 to delete here"), "{status}");
}

#[test]
fn it_lists_only_what_is_selected() {
    let team = team();
    team.ok("one", "sync d");
    assert_eq!(team.server.count("PutObject") + team.server.count("GetObject"), 0);
    let listed: Vec<_> = team.server.log().iter().map(|request| request.key.clone()).collect();
    assert!(listed.iter().all(|key| key == "d" || key == "d/"), "{listed:?}");
    team.server.clear_log();
    team.ok("one", "sync d/b");
    let mut requests = team.requests();
    requests.sort();
    assert_eq!(requests, ["HeadObject d/b", "ListObjectsV2 d/b/"]);
}

#[test]
fn it_opens_no_file_but_rules_config_and_database() {
    let team = team();
    let plain = team.command("one", ["sync"]);
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-e", "trace=open,openat,openat2", "-o"]).arg(team.path("trace"));
    traced.arg(plain.get_program()).args(plain.get_args());
    traced.current_dir(team.path("one")).env_clear();
    traced.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let Ok(output) = traced.output() else { return println!("skipped: no strace here") };
    if !team.exists("trace") || team.text("trace").is_empty() {
        return println!("skipped: strace cannot trace here");
    }
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let trace = team.text("trace");
    let opened = |name: &str| trace.lines().any(|line| line.contains(&format!("\"{name}\"")));
    assert!(opened("database.yaml") && opened(".lsyncignore"), "the trace sees what is read");
    for name in ["a", "b", "c", "x.o", "d/b", "e/f/c"] {
        let lines: Vec<_> =
            trace.lines().filter(|line| line.contains(&format!("{name}\","))).collect();
        assert!(
            lines.iter().all(|line| line.contains("O_PATH")
                || line.contains("O_DIRECTORY")
                || line.contains("/usr/")
                || line.contains("/lib")),
            "{name}: {lines:?}"
        );
    }
}
