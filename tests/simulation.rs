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
//! LSYNC_SEEDS_FOR=10m cargo test --test simulation seeds_of_the_day -- --ignored --nocapture
//!                                                                                  seeds that nobody has tried
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
#[path = "simulation/parts.rs"]
mod parts;
#[path = "simulation/person.rs"]
mod person;
#[path = "simulation/quiet.rs"]
mod quiet;
#[path = "simulation/rules.rs"]
mod rules;
#[path = "simulation/second.rs"]
mod second;
#[path = "simulation/state.rs"]
mod state;
#[path = "simulation/step.rs"]
mod step;
#[path = "simulation/watch.rs"]
mod watch;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use chrono::{Timelike as _, Utc};
use driver::{Failure, Played, run_seed};
use folder::run_folder_seed;
use parts::Counts;

/// How many seeds a run tries unless told otherwise.
const SEEDS: u64 = 2_000;

/// A folder bucket takes more steps.
const FOLDER_SEEDS: u64 = 200;

/// A piece of the seeds of a day; so many others have a folder bucket.
const PIECE: u64 = 500;
const FOLDER_PIECE: u64 = 50;

/// How long the seeds of a day go on, unless told otherwise.
const OF_THE_DAY: Duration = Duration::from_mins(10);

/// So many failed seeds say enough, unless told otherwise.
const FAILURES_MAX: u64 = 8;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// Runs one seed, and records its trace where that is wanted.
type Runner = fn(u64, bool) -> Result<Played, Failure>;

/// Runs seeds on two threads; returns those that failed, in order, and what the others exercised.
fn failures(run: Runner, first: u64, count: u64) -> (Vec<(u64, Failure)>, Counts) {
    let (next, found) = (AtomicU64::new(first), AtomicU64::new(0));
    let enough = number("LSYNC_SIMULATION_FAILURES").unwrap_or(FAILURES_MAX);
    let worker = || {
        let (mut failed, mut counts) = (Vec::new(), Counts::default());
        loop {
            let seed = next.fetch_add(1, Relaxed);
            if seed >= first + count || found.load(Relaxed) >= enough {
                return (failed, counts);
            }
            match run(seed, false) {
                Ok(played) => counts.merge(&played.counts),
                Err(failure) => {
                    found.fetch_add(1, Relaxed);
                    failed.push((seed, failure));
                }
            }
        }
    };
    let (mut failed, counts) = std::thread::scope(|scope| {
        let other = scope.spawn(worker);
        let (mut failed, mut counts) = worker();
        let (more, others) = other.join().unwrap();
        failed.extend(more);
        counts.merge(&others);
        (failed, counts)
    });
    failed.sort_by_key(|(seed, _)| *seed);
    (failed, counts)
}

/// Runs as many seeds as asked for. Returns what they exercised, if they were the default ones.
fn assert_all(run: Runner, seeds: u64, replay: &str) -> Option<Counts> {
    let first = number("LSYNC_SIMULATION_FIRST").unwrap_or(1);
    let count = number("LSYNC_SIMULATION_SEEDS").unwrap_or(seeds);
    let counts = assert_seeds(run, first, count, replay);
    (first == 1 && count >= seeds).then_some(counts)
}

/// Runs seeds, and panics with the trace of the first one that failed; returns what they exercised.
#[expect(clippy::print_stdout, reason = "what a failed test has to say")]
fn assert_seeds(run: Runner, first: u64, count: u64, replay: &str) -> Counts {
    let (failed, counts) = failures(run, first, count);
    println!("{counts}");
    if let Some((seed, _)) = failed.first() {
        for (seed, failure) in &failed {
            println!("seed {seed}: {}", failure.message);
        }
        let trace = run(*seed, true).map_or_else(|failure| failure.trace, |it| it.trace);
        panic!(
            "{} of {count} seeds failed; the first:\n{trace}\n\
             LSYNC_SIMULATION_SEED={seed} cargo test --test simulation {replay} -- --nocapture",
            failed.len()
        );
    }
    counts
}

/// Returns how long something is to go on, as `90s`, `10m` or `8h`.
fn duration(variable: &str) -> Option<Duration> {
    let text = std::env::var(variable).ok()?;
    let number = |unit| text.strip_suffix(unit).and_then(|number| number.parse::<u64>().ok());
    let seconds =
        number('s').or(number('m').map(|it| it * 60)).or(number('h').map(|it| it * 3_600));
    Some(Duration::from_secs(seconds.expect("a duration, as 90s, 10m or 8h")))
}

/// Returns a seed that nobody has begun with: the day, and ten thousand for each second of it.
#[expect(
    clippy::disallowed_methods,
    reason = "the day of whoever runs it, outside of any simulation"
)]
fn seed_of_the_day() -> u64 {
    let now = Utc::now();
    let day: u64 = now.format("%Y%m%d").to_string().parse().unwrap();
    day * 1_000_000_000 + u64::from(now.num_seconds_from_midnight()) * 10_000
}

/// Tells one seed with its trace; without one it has nothing to do.
#[expect(clippy::print_stdout, reason = "what was asked for")]
fn tell(run: Runner) {
    let Some(seed) = number("LSYNC_SIMULATION_SEED") else { return };
    match run(seed, true) {
        Ok(played) => println!("{}\nseed {seed}: nothing was lost", played.trace),
        Err(failure) => panic!("{}\nseed {seed}: {}", failure.trace, failure.message),
    }
}

#[test]
fn no_seed_loses_an_edit() {
    let Some(counts) = assert_all(run_seed, SEEDS, "replay") else { return };
    for way in [counts.uploads, counts.downloads] {
        assert!(way.files > SEEDS && way.resumed > SEEDS / 40, "{counts}");
    }
    assert!(counts.copied > 0 && counts.thrown_away > 0 && counts.seeds > SEEDS / 4, "{counts}");
}

#[test]
fn no_seed_loses_an_edit_in_a_folder_bucket() {
    let Some(counts) = assert_all(run_folder_seed, FOLDER_SEEDS, "folder_replay") else { return };
    assert!(
        counts.downloads.files > FOLDER_SEEDS && counts.uploads.files > FOLDER_SEEDS,
        "{counts}"
    );
    assert!(counts.downloads.resumed > 0, "{counts}");
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 1..=20 {
        let [first, second] = [(); 2].map(|()| match run_seed(seed, true) {
            Ok(played) => played.trace,
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
#[ignore = "for as long as LSYNC_SEEDS_FOR says; no landing depends on luck"]
fn seeds_of_the_day() {
    let until = Instant::now() + duration("LSYNC_SEEDS_FOR").unwrap_or(OF_THE_DAY);
    let first = number("LSYNC_SIMULATION_FIRST").unwrap_or_else(seed_of_the_day);
    let mut next = first;
    while Instant::now() < until {
        assert_seeds(run_seed, next, PIECE, "replay");
        assert_seeds(run_folder_seed, next, FOLDER_PIECE, "folder_replay");
        next += PIECE;
        println!("seeds {first} to {}: nothing was lost", next - 1);
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
