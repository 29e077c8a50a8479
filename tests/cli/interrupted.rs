//! Signals and crashes in the middle of a run. Requests are stopped by the server, never by sleeping.
//! Pulls are in `predecessors.rs` (B15), every single point is in `tests/crash.rs`.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};

use crate::support::{Fault, FaultRule};
use crate::team::{BUCKET, Gate, Team, end_of, files, signal};

/// Fills the copy `one` with so many files of some KiB and pushes them; returns what was written.
pub fn shared(team: &Team, count: usize) -> BTreeMap<String, String> {
    let files: BTreeMap<_, _> = (0..count)
        .map(|number| (format!("d{}/f{number:03}", number % 5), format!("{number} ").repeat(1000)))
        .collect();
    for (path, text) in &files {
        team.write(format!("one/{path}"), text);
    }
    files
}

#[test]
fn sigint_ends_a_slow_push_with_130_and_the_next_run_does_the_rest() {
    for name in ["INT", "TERM"] {
        let team = Team::new();
        let files = shared(&team, 40);
        let gate = Gate::at(&team.server, "PutObject", "*");
        let child = team.start("one", "push -j 1");
        gate.wait();
        signal(&child, name);
        drop(gate);
        let output = end_of(child);
        output.assert_code(130);
        assert!(output.stderr.contains("the same command again"), "{}", output.stderr);
        assert!(team.bucket().len() < files.len(), "{name} stopped nothing");
        team.ok("one", "push");
        assert_eq!(team.bucket(), files);
        team.assert_quiet("one");
    }
}

#[test]
fn sigint_before_the_plan_is_complete_changes_nothing() {
    let team = Team::sharing(&[("f", "f")]);
    team.write("one/f", "edited");
    let control = team.control("one");
    let gate = Gate::at(&team.server, "ListObjectsV2", "*");
    let child = team.start("one", "sync");
    gate.wait();
    signal(&child, "INT");
    // The listing is still stopped: lsync does not wait for it.
    let output = end_of(child);
    drop(gate);
    output.assert_code(130);
    assert_eq!(team.bucket()["f"], "f");
    assert_eq!(team.control("one"), control);
}

#[test]
fn a_second_sigint_does_not_wait_for_what_is_under_way() {
    let team = Team::sharing(&[("f", "f")]);
    team.write("one/f", "edited");
    let gate = Gate::at(&team.server, "PutObject", "f");
    let child = team.start("one", "sync");
    gate.wait();
    // Signals of one kind merge while they are pending, so the two are different ones.
    signal(&child, "INT");
    signal(&child, "TERM");
    end_of(child).assert_code(130);
    drop(gate);
    team.server.clear_hooks();
    team.run("one", "sync").assert_code(0);
    assert_eq!(team.bucket()["f"], "edited");
}

#[test]
fn a_push_that_was_killed_is_finished_by_the_next_one() {
    let team = Team::new();
    let files = shared(&team, 100);
    let gate = Gate::at(&team.server, "PutObject", "*/f050");
    let child = team.start("one", "sync -j 4");
    gate.wait();
    signal(&child, "KILL");
    assert_eq!(end_of(child).code, None);
    drop(gate);
    team.server.clear_hooks();
    team.ok("one", "sync");
    assert_eq!(team.bucket(), files);
    team.assert_quiet("one");
}

#[test]
fn an_upload_in_parts_that_was_killed_is_no_conflict_with_itself() {
    let team = Team::sharing(&[("small", "small")]);
    let large: Vec<u8> = (0..9_u32 << 18).flat_map(u32::to_le_bytes).collect();
    team.write("one/large", &large);
    // The upload is complete in the bucket, and lsync never learns of it.
    let gate = Gate::at(&team.server, "CompleteMultipartUpload", "large");
    let child = team.start("one", "sync");
    gate.wait();
    let replied = Gate::at(&team.server, "HeadObject", "large");
    team.server.fault(FaultRule::new(
        "CompleteMultipartUpload",
        "large",
        Fault::DropConnectionAfterEffect,
    ));
    drop(gate);
    team.kill_at(replied, child);
    team.server.clear_faults();
    assert_eq!(team.server.get(BUCKET, "large").unwrap(), large);
    team.ok("one", "sync");
    team.assert_quiet("one");
}

/// Starts the words of `line` in copy `one` from a shell that has run `before`.
fn start_after(team: &Team, before: &str, line: &str) -> Child {
    let lsync = team.command("one", line.split_whitespace());
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{before}; exec \"$@\""), "sh"]).arg(lsync.get_program());
    shell.args(lsync.get_args()).current_dir(lsync.get_current_dir().unwrap()).env_clear();
    for (name, value) in lsync.get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    shell.env("PATH", std::env::var_os("PATH").unwrap());
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    shell.spawn().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_that_was_started_with_a_signal_ignored_goes_on_after_it() {
    for name in ["HUP", "INT"] {
        let team = Team::sharing(&[("f", "f")]);
        team.write("one/f", "edited");
        let gate = Gate::at(&team.server, "PutObject", "f");
        let child = start_after(&team, &format!("trap '' {name}"), "push");
        gate.wait();
        signal(&child, name);
        signal(&child, name);
        drop(gate);
        end_of(child).assert_code(0);
        assert_eq!(team.bucket()["f"], "edited", "{name}");
    }
}

#[test]
fn a_limit_of_the_size_of_files_is_an_error_like_a_full_disk() {
    let team = Team::sharing(&[("f", "f")]);
    let large = "0123456789".repeat(1 << 20);
    team.server.put(BUCKET, "large", large.clone());
    team.server.put(BUCKET, "larger", large.clone() + "!");
    team.server.put(BUCKET, "small", "small");
    // In blocks of 512 bytes or of 1 KiB, as the shell likes.
    let output = end_of(start_after(&team, "ulimit -f 2048", "pull"));
    output.assert_code(3);
    assert!(output.stderr.contains("File too large"), "{}", output.stderr);
    assert!(output.stderr.contains("ulimit -f"), "{}", output.stderr);
    assert!(!output.stderr.contains("same command again"), "{}", output.stderr);
    let mut told = output.stderr.lines().filter(|line| line.starts_with("failed"));
    assert!(
        told.next_back().unwrap().contains("1 more: larger than a file may be here"),
        "{output:?}"
    );
    assert_eq!(team.texts("one"), files(&[("f", "f"), ("small", "small")]));
    team.ok("one", "pull");
    assert_eq!(team.text("one/large"), large);
}
