//! Whole teams on simulated machines: every run is decided by one number.
//!
//! Two to four clients, each on a disk of its own, share a bucket in memory. Persons edit, commands
//! run, disks and the bucket fail, processes are killed, machines lose power; a seed decides what
//! happens between any two I/O operations of a running command. The harness knows nothing of the
//! rules that decide about a path: it knows what persons wrote, and what must never happen
//! (`simulation/checks.rs`).
//!
//! `simulation/breaks` shows that it can fail: it breaks the program on purpose, one line at a time,
//! and lets the simulation find each break. It takes its time, and belongs to no other run.
//!
//! ```text
//! LSYNC_SIMULATION_SEED=123 cargo test --test simulation replay -- --nocapture    one seed, with its trace
//! LSYNC_SIMULATION_SEEDS=100000 cargo test --test simulation                       a longer run
//! LSYNC_SIMULATION_FIRST=5000 LSYNC_SIMULATION_FAILURES=1000                       begins elsewhere, goes on
//! tests/simulation/breaks                                                          shows what it finds
//! ```
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "simulation/baton.rs"]
mod baton;
#[path = "simulation/bucket.rs"]
mod bucket;
#[path = "simulation/checks.rs"]
mod checks;
#[path = "simulation/client.rs"]
mod client;
#[path = "simulation/crash.rs"]
mod crash;
#[path = "simulation/driver.rs"]
mod driver;
#[path = "simulation/exit.rs"]
mod exit;
#[path = "simulation/folder.rs"]
mod folder;
#[path = "simulation/obey.rs"]
mod obey;
#[path = "simulation/order.rs"]
mod order;
#[path = "simulation/person.rs"]
mod person;
#[path = "simulation/quiet.rs"]
mod quiet;
#[path = "simulation/second.rs"]
mod second;
#[path = "simulation/state.rs"]
mod state;
#[path = "simulation/step.rs"]
mod step;
#[path = "simulation/watch.rs"]
mod watch;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use driver::{Failure, run_seed};
use folder::run_folder_seed;

/// How many seeds a run tries unless told otherwise.
const SEEDS: u64 = 2_000;

/// A folder bucket takes more steps.
const FOLDER_SEEDS: u64 = 200;

/// So many failed seeds say enough, unless told otherwise.
const FAILURES_MAX: u64 = 8;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// Runs one seed; returns its trace, if it is to be recorded.
type Runner = fn(u64, bool) -> Result<String, Failure>;

/// Runs seeds on two threads; returns those that failed, in order.
fn failures(run: Runner, first: u64, count: u64) -> Vec<(u64, Failure)> {
    let (next, found) = (AtomicU64::new(first), AtomicU64::new(0));
    let enough = number("LSYNC_SIMULATION_FAILURES").unwrap_or(FAILURES_MAX);
    let mut failed: Vec<(u64, Failure)> = std::thread::scope(|scope| {
        let worker = || {
            let mut failed = Vec::new();
            loop {
                let seed = next.fetch_add(1, Relaxed);
                if seed >= first + count || found.load(Relaxed) >= enough {
                    return failed;
                }
                if let Err(failure) = run(seed, false) {
                    found.fetch_add(1, Relaxed);
                    failed.push((seed, failure));
                }
            }
        };
        let workers = [scope.spawn(worker), scope.spawn(worker)];
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    failed.sort_by_key(|(seed, _)| *seed);
    failed
}

/// Runs as many seeds as asked for, and panics with the trace of the first one that failed.
#[expect(clippy::print_stdout, reason = "what a failed test has to say")]
fn assert_all(run: Runner, seeds: u64, replay: &str) {
    let first = number("LSYNC_SIMULATION_FIRST").unwrap_or(1);
    let count = number("LSYNC_SIMULATION_SEEDS").unwrap_or(seeds);
    let failed = failures(run, first, count);
    if let Some((seed, _)) = failed.first() {
        for (seed, failure) in &failed {
            println!("seed {seed}: {}", failure.message);
        }
        let trace = run(*seed, true).map_or_else(|failure| failure.trace, |_| String::new());
        panic!(
            "{} of {count} seeds failed; the first:\n{trace}\n\
             LSYNC_SIMULATION_SEED={seed} cargo test --test simulation {replay} -- --nocapture",
            failed.len()
        );
    }
}

/// Tells one seed with its trace; without one it has nothing to do.
#[expect(clippy::print_stdout, reason = "what was asked for")]
fn tell(run: Runner) {
    let Some(seed) = number("LSYNC_SIMULATION_SEED") else { return };
    match run(seed, true) {
        Ok(trace) => println!("{trace}\nseed {seed}: nothing was lost"),
        Err(failure) => panic!("{}\nseed {seed}: {}", failure.trace, failure.message),
    }
}

#[test]
fn no_seed_loses_an_edit() {
    assert_all(run_seed, SEEDS, "replay");
}

#[test]
fn no_seed_loses_an_edit_in_a_folder_bucket() {
    assert_all(run_folder_seed, FOLDER_SEEDS, "folder_replay");
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 1..=20 {
        let [first, second] = [(); 2].map(|()| match run_seed(seed, true) {
            Ok(trace) => trace,
            Err(failure) => failure.trace,
        });
        if first != second {
            let lines = first.lines().zip(second.lines());
            let (line, (a, b)) = lines.enumerate().find(|(_, (a, b))| a != b).unwrap();
            panic!("seed {seed}, line {line}:\n{a}\n{b}");
        }
    }
}

#[test]
fn replay() {
    tell(run_seed);
}

#[test]
fn folder_replay() {
    tell(run_folder_seed);
}
