//! Memory grows with what changes, and not with what exists.

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::Duration;

use crate::support::Profile;
use crate::team::{BUCKET, Team};

fn team() -> Team {
    let team = Team::without_copies(Profile::Aws);
    team.join("one");
    team
}

/// More objects than wait in memory at most until they are merged: below, memory grows with them.
const MORE_THAN_WAIT: usize = 120_000;

/// How many files most tests have in a folder.
const IN_EACH: usize = 1_000;

fn path(in_each: usize, number: usize) -> String {
    format!("folder-{:03}/file-{:05}", number / in_each, number % in_each)
}

/// How many files are links of one; ext4 allows 65,000.
const LINKS: usize = 50_000;

/// Returns the file of which this one is a link.
fn first_link(team: &Team, in_each: usize, number: usize) -> PathBuf {
    team.path("one").join(path(in_each, number - number % LINKS))
}

/// Makes empty files here, from one number up to another.
///
/// Many are links of one file: to make a file takes much longer.
fn make_here(team: &Team, in_each: usize, from: usize, to: usize) {
    for number in from..to {
        if number % in_each == 0 {
            fs::create_dir(team.path(format!("one/folder-{:03}", number / in_each))).unwrap();
        }
        let file = team.path("one").join(path(in_each, number));
        match first_link(team, in_each, number) {
            first if first == file => team.write(file, ""),
            first => fs::hard_link(first, file).unwrap(),
        }
    }
}

/// Makes empty objects, from one number up to another.
fn make_there(team: &Team, from: usize, to: usize) {
    team.server.fill(BUCKET, (from..to).map(|number| path(IN_EACH, number)));
}

/// The MD5 of nothing.
const EMPTY: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// Writes a database that knows of so many empty files on both sides.
fn agree(team: &Team, in_each: usize, count: usize) {
    let values = |number| {
        let stat = first_link(team, in_each, number).metadata().unwrap();
        let [mtime, ctime] = [(stat.mtime(), stat.mtime_nsec()), (stat.ctime(), stat.ctime_nsec())]
            .map(|(seconds, rest)| seconds * 1_000_000_000 + rest);
        let inode = stat.ino();
        format!(
            "size: 0, mtime: {mtime}, ctime: {ctime}, inode: {inode}, version: \"{EMPTY}\", md5: version"
        )
    };
    let (endpoint, mut shared) = (team.server.endpoint(), String::new());
    let mut rows = format!("- {{lsync: 2, remote: \"s3://{BUCKET}\", endpoint: \"{endpoint}\"}}\n");
    for number in 0..count {
        if number % LINKS == 0 {
            shared = values(number);
        }
        writeln!(rows, "- {{path: \"{}\", {shared}}}", path(in_each, number)).unwrap();
    }
    team.write("one/.lsync/database.yaml", rows);
}

/// Returns the peak of a process's memory, in bytes.
fn peak_of(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = peak.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1_024)
}

/// Makes a command that takes memory from one place: each thread may have its own of glibc, and how they
/// share the work is chance.
fn command(team: &Team, line: &str) -> Command {
    let mut command = team.command("one", line.split_whitespace());
    command.env("MALLOC_ARENA_MAX", "1");
    command
}

/// Runs a command; each request of an operation sends the peak of its memory up to there, in bytes.
fn watch(team: &Team, line: &str, operation: &'static str) -> (Child, mpsc::Receiver<u64>) {
    let pid = Arc::new(AtomicU32::new(0));
    let (child, (send, peaks)) = (Arc::clone(&pid), mpsc::channel());
    team.server.on_request(operation, "*", move |_, _| {
        while child.load(Ordering::Acquire) == 0 {
            std::thread::yield_now();
        }
        // A process that was killed has none.
        let Some(peak) = peak_of(child.load(Ordering::Acquire)) else { return };
        // The test may have seen enough.
        send.send(peak).unwrap_or_default();
    });
    let running =
        command(team, line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    pid.store(running.id(), Ordering::Release);
    (running, peaks)
}

/// Lets the 20th page come only when as many others wait for it as may: how many wait otherwise depends
/// on how fast they are merged.
fn let_pages_wait(team: &Team) {
    let (asked, more) = (Mutex::new(0_u64), Condvar::new());
    team.server.on_request("ListObjectsV2", "*", move |_, _| {
        let mut asked = asked.lock().unwrap();
        *asked += 1;
        more.notify_all();
        if *asked == 20 {
            // 96 pages wait or are asked for (HELD_PAGES_MAX), and no more; the 20th request may be for
            // the 11th page. Should so many never come, the figures tell, and not a client that gave up.
            let few = |asked: &mut u64| *asked < 20 + 80;
            drop(more.wait_timeout_while(asked, Duration::from_secs(20), few).unwrap());
        }
    });
}

/// Runs `sync` with nothing to do; returns its peak of memory up to the last page, in bytes.
fn peak_of_no_op(team: &Team) -> u64 {
    let_pages_wait(team);
    let (running, peaks) = watch(team, "sync", "ListObjectsV2");
    let output = running.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("up to date"), "{output:?}");
    team.server.clear_hooks();
    peaks.try_iter().max().unwrap()
}

/// Runs a command up to its first transfer; returns the peak of memory that its plan took, in bytes.
fn peak_of_plan(team: &Team, line: &str, transfer: &'static str) -> u64 {
    let (mut running, peaks) = watch(team, line, transfer);
    let peak = peaks.recv().unwrap();
    running.kill().unwrap();
    running.wait().unwrap();
    team.server.clear_hooks();
    peak
}

#[test]
fn a_run_without_work_holds_no_more_for_more_files() {
    let team = team();
    let (less, more) = (MORE_THAN_WAIT, MORE_THAN_WAIT + 40_000);
    let peak = |from, to| {
        make_here(&team, IN_EACH, from, to);
        make_there(&team, from, to);
        agree(&team, IN_EACH, to);
        peak_of_no_op(&team)
    };
    let (before, after) = (peak(0, less), peak(less, more));
    let growth = after.saturating_sub(before) / (more - less) as u64;
    // Were all pages in memory, it would be 240.
    assert!(growth < 128, "{growth} bytes a file: {before} and {after}");
}

#[test]
fn a_large_folder_takes_its_names_and_little_more() {
    let team = team();
    let (less, more) = (20_000, 60_000);
    let peak = |from, to| {
        make_here(&team, more, from, to);
        agree(&team, more, to);
        // No page waits in memory where none is asked for.
        team.write("one/edit", to.to_string());
        peak_of_plan(&team, "push --no-list", "PutObject")
    };
    let (before, after) = (peak(0, less), peak(less, more));
    let growth = after.saturating_sub(before) / (more - less) as u64;
    // A name has ten bytes here, and its place eight.
    assert!(growth < 48, "{growth} bytes a file: {before} and {after}");
}

#[test]
fn a_plan_holds_each_action_once() {
    // How many pages wait at the peak of a pull differs from run to run: among so many it weighs little.
    for (command, transfer, less, more) in [
        ("push", "PutObject", 20_000, 60_000),
        ("pull", "GetObject", MORE_THAN_WAIT, 2 * MORE_THAN_WAIT),
    ] {
        let [before, after] = [less, more].map(|count| {
            let team = team();
            if command == "push" {
                make_here(&team, IN_EACH, 0, count);
            } else {
                make_there(&team, 0, count);
                let_pages_wait(&team);
            }
            peak_of_plan(&team, command, transfer)
        });
        // 128 for an action and 32 for a path of 21: held twice it would be 288.
        let growth = after.saturating_sub(before) / (more - less) as u64;
        assert!(growth < 230, "{command}: {growth} bytes an action: {before} and {after}");
    }
}

#[test]
fn a_first_sync_of_equal_files_holds_few_rows_until_they_are_compared() {
    let (less, more) = (1_000, 100_000);
    let [before, after] = [less, more].map(|count| {
        let team = team();
        make_here(&team, IN_EACH, 0, count);
        make_there(&team, 0, count);
        // What is sent after the plan was made shows what that took.
        team.write("one/edit", "x");
        peak_of_plan(&team, "sync", "PutObject")
    });
    // 160 for an action and its path, 240 for what the listing holds, and the rows of the 32,768 that
    // wait together; 1,460 where all of them wait.
    let growth = after.saturating_sub(before) / (more - less) as u64;
    assert!(growth < 900, "{growth} bytes a file: {before} and {after}");
}

/// Runs a command that writes at least so many lines; returns the peak of its memory until few of them
/// were left in the pipe, in bytes.
fn peak_of_lines(team: &Team, line: &str, count: usize) -> u64 {
    let mut running =
        command(team, line).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (mut output, mut peak, mut lines) = (running.stdout.take().unwrap(), 0, 0);
    let mut read = [0; 4_096];
    loop {
        let length = output.read(&mut read).unwrap();
        if length == 0 {
            break;
        }
        lines += String::from_utf8_lossy(&read[..length]).matches('\n').count();
        // What has ended has none.
        peak = peak_of(running.id()).unwrap_or(peak);
    }
    assert!(running.wait().unwrap().success() && lines >= count && peak > 0, "{line}: {lines}");
    peak
}

#[test]
fn what_a_plan_says_is_written_as_it_is_made() {
    let commands = ["status --offline", "status --offline --json", "push --no-list --dry-run"];
    let (less, more) = (20_000, 60_000);
    let [before, after] = [less, more].map(|count| {
        let team = team();
        make_here(&team, IN_EACH, 0, count);
        commands.map(|command| peak_of_lines(&team, command, count))
    });
    for (command, (before, after)) in commands.into_iter().zip(before.into_iter().zip(after)) {
        // An action and its path, as above; lines have taken 170 more, as JSON 280.
        let growth = after.saturating_sub(before) / (more - less) as u64;
        assert!(growth < 230, "{command}: {growth} bytes an action: {before} and {after}");
    }
}
