//! The real binary, crashed at every change of the disk and at every request.
//!
//! For each scenario (`crash/scenarios.rs`) and each n the run is killed instead of its n-th change
//! of the disk, or after half of its n-th write (`crash/tracer.rs`, by ptrace); killed at its n-th
//! request, before or after the store has carried it out; interrupted there by SIGINT or SIGTERM;
//! or its disk is full from the n-th change on, or fails once with an I/O error. Then, at once, no
//! name is empty or holds what nobody has written under it; the same command, given again, comes to
//! the same end as without a crash, with every loser in the trash; and one more sync only lists.
//!
//! ```text
//! LSYNC_CRASH_POINT=sync/kill/17 cargo test --test crash replay -- --nocapture    one crash, with its calls
//! LSYNC_CRASH_SCENARIO=both cargo test --test crash -- --nocapture                one scenario
//! LSYNC_CRASH_STRIDE=1 cargo test --test crash                                    every point of every kind
//! ```
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]
#![allow(unreachable_pub, reason = "nothing outside of a test binary can reach anything")]

#[path = "crash/points.rs"]
mod points;
#[path = "crash/scenarios.rs"]
mod scenarios;
#[path = "crash/stage.rs"]
mod stage;
#[path = "crash/state.rs"]
mod state;
mod support;
#[path = "crash/syscalls.rs"]
mod syscalls;
#[path = "crash/tracer.rs"]
mod tracer;

use std::sync::atomic::{AtomicU64, Ordering};

use points::{KINDS, Kind, Point, Prepared, Verdict};
use scenarios::{SCENARIOS, SINGLES, Scenario};
use stage::Place;

/// Of the calls from which on the disk is full every so many are tried, unless told otherwise.
const FULL_STRIDE: u64 = 2;

/// Of the single I/O errors.
const FAIL_STRIDE: u64 = 5;

/// Of the requests at which somebody asks to end: SIGINT takes the odd ones, SIGTERM the even ones.
const SIGNAL_STRIDE: u64 = 2;

/// How many points are tried at a time: more than two cores, because each waits now and then.
const WORKERS: usize = 3;

/// After so many broken points a series has said enough.
const BROKEN_MAX: usize = 4;

/// What came of all points of one kind in one scenario.
struct Series {
    name: String,
    tried: u64,
    broken: Vec<(Point, String)>,
}

/// Returns the first point of a kind that is tried, and how many it is to the next.
fn sampling(scenario: &Scenario, kind: Kind) -> (u64, u64) {
    let wanted = std::env::var("LSYNC_CRASH_STRIDE").ok();
    if let Some(stride) = wanted.map(|text| text.parse().expect("a number")) {
        return (1, stride);
    }
    let requests = scenario.request_stride;
    match kind {
        Kind::Kill | Kind::Tear => (1, 1),
        Kind::Full => (1, FULL_STRIDE),
        Kind::Fail => (1, FAIL_STRIDE),
        Kind::Before | Kind::After => (1, requests),
        Kind::Interrupt => (1, requests * SIGNAL_STRIDE),
        Kind::Terminate => (2, requests * SIGNAL_STRIDE),
    }
}

/// Tries the points of one kind in a scenario, a thread a place.
fn series(prepared: &Prepared, kind: Kind, word: &str, places: &[Place; WORKERS]) -> Series {
    let (first, stride) = sampling(prepared.scenario, kind);
    let (count, next, tried) = (prepared.count(kind), AtomicU64::new(first), AtomicU64::new(0));
    let try_points = |place: &Place| {
        let mut broken = Vec::new();
        while broken.len() < BROKEN_MAX {
            let number = next.fetch_add(stride, Ordering::Relaxed);
            let point = Point { scenario: prepared.scenario, kind, number };
            match prepared.try_point(place, point).0 {
                Verdict::Held => (),
                Verdict::Beyond if number > count => break,
                Verdict::Beyond => continue,
                Verdict::Broken(message) => broken.push((point, message)),
            }
            tried.fetch_add(1, Ordering::Relaxed);
        }
        broken
    };
    let mut broken = std::thread::scope(|scope| {
        let workers = places.each_ref().map(|place| scope.spawn(move || try_points(place)));
        workers.map(|worker| worker.join().unwrap()).concat()
    });
    broken.sort_by_key(|(point, _)| point.number);
    let name = format!("{}/{word}", prepared.scenario.name);
    Series { name, tried: tried.into_inner(), broken }
}

#[test]
fn no_crash_loses_or_invents_anything() {
    let wanted = std::env::var("LSYNC_CRASH_SCENARIO").ok();
    let mut all = Vec::new();
    for scenario in SCENARIOS {
        if wanted.as_ref().is_some_and(|wanted| wanted != scenario.name) {
            continue;
        }
        let prepared = Prepared::new(scenario);
        let places = [scenario.profile; WORKERS].map(Place::new);
        for (kind, word) in KINDS {
            let begun = std::time::Instant::now();
            all.push(series(&prepared, kind, word, &places));
            let last = &all[all.len() - 1];
            println!("{:20} {:4} points {:?}", last.name, last.tried, begun.elapsed());
        }
    }
    let tried: u64 = all.iter().map(|series| series.tried).sum();
    println!("{tried} crashes tried");
    let broken: Vec<_> = all.iter().flat_map(|series| &series.broken).collect();
    for (point, message) in &broken {
        println!("{point}: {message}\n");
    }
    if let Some((point, _)) = broken.first() {
        panic!(
            "{} points are broken; the first:\n\
             LSYNC_CRASH_POINT={point} cargo test --test crash replay -- --nocapture",
            broken.len()
        );
    }
    assert!(tried > 0, "no scenario has the name {wanted:?}");
}

/// Tells one crash with the calls before it; without one it has nothing to do.
#[test]
fn replay() {
    let Ok(point) = std::env::var("LSYNC_CRASH_POINT") else { return };
    let point: Point = point.parse().unwrap();
    let (verdict, log) =
        Prepared::new(point.scenario).try_point(&Place::new(point.scenario.profile), point);
    for (index, line) in log.iter().enumerate() {
        println!("{:4}  {line}", index + 1);
    }
    match verdict {
        Verdict::Held => println!("{point}: nothing was lost"),
        Verdict::Beyond => println!("{point}: the run ended before"),
        Verdict::Broken(message) => panic!("{point}: {message}"),
    }
}

#[test]
fn what_could_not_be_made_durable_is_not_recorded() {
    let place = Place::new(support::Profile::Aws);
    for scenario in SINGLES {
        let tried = Prepared::new(scenario).try_failing_syncs(&place);
        println!("{:20} {tried:4} failing syncs", scenario.name);
        assert!(tried >= 3, "a file or a folder, the trash or the database, and the journal");
    }
}
