//! Few descriptors: a run over many folders, or deep ones, ends as with many descriptors.
//!
//! `ulimit -n` sets the soft and the hard limit, so that lsync cannot raise it again.

use std::process::{Command, Stdio};

use crate::support::{Output, Workspace};
use crate::team::{Team, end_of, trashed};

/// Runs the words of `line` in a copy after `ulimit {limit}`.
fn after_ulimit(workspace: &Workspace, copy: &str, limit: &str, line: &str) -> Output {
    let lsync = workspace.command(copy, line.split_whitespace());
    let mut shell = Command::new("sh");
    let script = format!("ulimit {limit} || exit 99; exec \"$@\"");
    shell.args(["-c", &script, "sh"]).arg(lsync.get_program()).args(lsync.get_args());
    shell.current_dir(lsync.get_current_dir().unwrap()).env_clear();
    shell.envs(lsync.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("PATH", std::env::var_os("PATH").unwrap());
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    end_of(shell.spawn().unwrap())
}

#[track_caller]
fn ok_with(descriptors: usize, workspace: &Workspace, copy: &str, line: &str) -> Output {
    let output = after_ulimit(workspace, copy, &format!("-n {descriptors}"), line);
    output.assert_code(0);
    assert!(!output.stderr.contains("open files"), "{line}: {}", output.stderr);
    output
}

/// Writes a file in each of `count` folders.
fn fill(workspace: &Workspace, copy: &str, count: usize, text: &str) {
    for n in 0..count {
        workspace.write(format!("{copy}/{}/{n}/file", n % 7), format!("{text} {n}"));
    }
}

/// A push, a pull, replacements and deletions of as many folders on both sides.
fn comes_and_goes(workspace: &Workspace, descriptors: usize, folders: usize) {
    let ok = |copy: &str, line: &str| ok_with(descriptors, workspace, copy, line);
    fill(workspace, "one", folders, "first");
    ok("one", "push");
    ok("two", "pull");
    assert_eq!(workspace.texts("two").len(), folders);
    assert_eq!(workspace.texts("two"), workspace.texts("one"));
    fill(workspace, "two", folders, "second, longer");
    ok("two", "sync --max-change 100%");
    ok("one", "sync --max-change 100%");
    assert_eq!(workspace.texts("one"), workspace.texts("two"));
    for n in 0..7 {
        workspace.remove(format!("one/{n}"));
    }
    ok("one", "status --max-delete 100%");
    ok("one", "sync --max-delete 100%");
    ok("two", "sync --max-delete 100%");
    assert!(workspace.texts("two").is_empty());
    // The versions that were replaced, and those that were deleted.
    assert!(trashed(workspace, "two").len() >= folders);
    assert!(trashed(workspace, "one").len() >= folders);
}

#[test]
fn a_team_goes_on_with_64_descriptors_however_many_folders_there_are() {
    comes_and_goes(&Team::new(), 64, 300);
}

#[test]
fn a_pull_over_1500_folders_finishes_in_one_run_with_256_descriptors() {
    let team = Team::new();
    fill(&team, "one", 1_500, "text");
    ok_with(256, &team, "one", "push");
    ok_with(256, &team, "two", "pull");
    assert_eq!(team.texts("two"), team.texts("one"));
}

/// A folder bucket with two copies, all made with so many descriptors.
fn with_folder_bucket(descriptors: usize) -> Workspace {
    let workspace = Workspace::new();
    std::fs::create_dir(workspace.path("bucket")).unwrap();
    for copy in ["one", "two"] {
        let line = format!("init {} {copy}", workspace.path("bucket").display());
        ok_with(descriptors, &workspace, ".", &line);
    }
    workspace
}

#[test]
fn a_folder_as_bucket_does_with_64_descriptors_too() {
    comes_and_goes(&with_folder_bucket(64), 64, 300);
}

#[test]
fn more_folders_than_descriptors_come_and_go_at_the_usual_limit_of_1024() {
    comes_and_goes(&with_folder_bucket(1_024), 1_024, 1_500);
}

#[test]
fn a_deep_tree_is_cloned_changed_and_deleted_with_64_descriptors() {
    let workspace = with_folder_bucket(64);
    let deep = "d/".repeat(150);
    for (at, _) in deep.match_indices('/') {
        workspace.write(format!("one/{}/file", &deep[..at]), "text");
    }
    ok_with(64, &workspace, "one", "sync");
    ok_with(64, &workspace, ".", "clone ./bucket three");
    assert_eq!(workspace.texts("three"), workspace.texts("one"));
    workspace.remove("three/d/d");
    ok_with(64, &workspace, "three", "sync --max-delete 100%");
    ok_with(64, &workspace, "one", "sync --max-delete 100%");
    assert_eq!(workspace.texts("one").len(), 1);
    assert_eq!(trashed(&workspace, "one").len(), 149);
}

#[test]
fn init_clone_resolve_and_the_trash_do_with_64_descriptors() {
    let team = Team::new();
    let ok = |copy: &str, line: &str| ok_with(64, &team, copy, line);
    fill(&team, "one", 100, "base");
    ok("one", "sync");
    ok(".", "clone team three");
    ok("two", "sync");
    fill(&team, "one", 100, "ours, longer");
    fill(&team, "two", 100, "theirs, even longer");
    ok("one", "sync --max-change 100%");
    after_ulimit(&team, "two", "-n 64", "sync").assert_code(4);
    ok("two", "resolve --theirs .");
    assert_eq!(team.texts("two"), team.texts("one"));
    team.remove("two/3");
    ok("two", "sync --max-delete 100%");
    ok("two", "trash list");
    ok("two", "trash restore 3/3/file");
    assert!(team.exists("two/3/3/file"));
    ok("two", "clean --uploads --yes");
}

#[test]
fn a_low_soft_limit_is_raised_to_the_hard_one() {
    let team = Team::sharing(&[("f", "f")]);
    team.write("one/f", "edited");
    let output = after_ulimit(&team, "one", "-Sn 64", "push -v");
    output.assert_code(0);
    assert!(!output.stderr.contains("transfers at once"), "{}", output.stderr);
}

#[test]
fn verbose_says_that_few_descriptors_mean_few_transfers() {
    let team = Team::sharing(&[("f", "f")]);
    let output = ok_with(64, &team, "one", "sync -v");
    let said = "at most 6 transfers at once: a process may open 64 files here (`ulimit -Hn`)";
    assert!(output.stderr.contains(said), "{}", output.stderr);
}
