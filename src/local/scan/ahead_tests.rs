use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc;
use std::thread::ThreadId;
use std::time::Duration;

use super::*;
use crate::fakes::disk::{Call, MemoryDisk, Operation};
use crate::local::testing::{root, write};
use crate::local::{Scan, ScanOptions};

/// Names of which the last comes far behind the first, in folders and beside them.
fn many() -> (MemoryDisk, <MemoryDisk as Disk>::Folder) {
    let disk = MemoryDisk::new();
    let root = root(&disk);
    for number in 0..200 {
        write(&disk, &root, &format!("file-{number:03}"), b"x");
        write(&disk, &root, &format!("folder-{number:03}/inner-{number:03}"), b"x");
    }
    (disk, root)
}

/// A clock on which everything takes so many nanoseconds.
fn everything_takes(nanoseconds: i64) -> Now {
    let now = AtomicI64::new(0);
    Arc::new(move || now.fetch_add(nanoseconds, Ordering::Relaxed))
}

/// Scans, and returns how many files there are, and which threads looked at any.
fn scan_by(
    (disk, root): &(MemoryDisk, <MemoryDisk as Disk>::Folder),
    now: Now,
) -> (usize, HashSet<ThreadId>) {
    let (told, looks) = mpsc::channel();
    disk.set_hook(Some(Arc::new(move |operation: &Operation| {
        if operation.call == Call::Lstat {
            // The test may have seen enough.
            told.send(thread::current().id()).unwrap_or_default();
        }
    })));
    let scan = Scan::new(disk, root, ScanOptions::default()).looking_ahead(now);
    let count = scan.flatten().count();
    disk.set_hook(None);
    (count, looks.try_iter().collect())
}

#[test]
fn a_disk_that_answers_from_memory_is_asked_once() {
    let world = many();
    let (count, threads) = scan_by(&world, everything_takes(SLOW_NANOSECONDS - 1));
    assert_eq!(count, 400);
    assert_eq!(threads, HashSet::from([thread::current().id()]));
}

#[test]
fn one_slow_look_starts_nothing() {
    let disk = MemoryDisk::new();
    let clock = Arc::new(AtomicI64::new(0));
    let shared = Arc::clone(&clock);
    let mut ahead = Ahead::new(&disk, Arc::new(move || shared.load(Ordering::Relaxed)));
    for look in 0..10 * TIMED_ONE_IN {
        let took = if look % (5 * TIMED_ONE_IN) < TIMED_ONE_IN { 2 * SLOW_NANOSECONDS } else { 0 };
        ahead.timed(|| clock.fetch_add(took, Ordering::Relaxed));
    }
    assert_eq!(ahead.left, 0);
}

/// Lets the scan wait at its own look at the last file until another thread has looked at `name`.
fn others_look_at(name: &'static str) {
    let (disk, root) = many();
    let (scanning, (told, come)) = (thread::current().id(), mpsc::channel());
    let come = Mutex::new(come);
    disk.set_hook(Some(Arc::new(move |operation: &Operation| {
        let is_scan = thread::current().id() == scanning;
        if operation.call == Call::Lstat && operation.name == name && !is_scan {
            told.send(()).unwrap_or_default();
        }
        if operation.call == Call::Lstat && operation.name == "file-199" && is_scan {
            let come = come.lock().expect("nobody failed");
            come.recv_timeout(Duration::from_mins(1)).expect("nobody has looked ahead");
        }
    })));
    let now = everything_takes(SLOW_NANOSECONDS);
    let scan = Scan::new(&disk, &root, ScanOptions::default()).looking_ahead(now);
    assert_eq!(scan.flatten().count(), 400);
}

#[test]
fn on_a_slow_disk_others_look_at_the_files_to_come() {
    others_look_at("file-199");
}

#[test]
fn on_a_slow_disk_others_look_up_what_a_folder_does_not_tell() {
    let disk = MemoryDisk::new();
    let root = root(&disk);
    disk.set_tells_kinds(false);
    let mut ahead = Ahead::new(&disk, everything_takes(SLOW_NANOSECONDS));
    (0..3 * TIMED_ONE_IN).for_each(|_| ahead.timed(|| ()));
    let (told, looks) = mpsc::channel();
    disk.set_hook(Some(Arc::new(move |operation: &Operation| {
        told.send(operation.name.clone()).unwrap_or_default();
    })));
    let mut names = Names::default();
    names.push(OsStr::new("told"), Some(Kind::File)).expect("room");
    names.push(OsStr::new("untold"), None).expect("room");
    ahead.look_up(&root, &names);
    assert_eq!(looks.recv_timeout(Duration::from_mins(1)), Ok("untold".into()));
}

#[test]
fn on_a_slow_disk_others_look_into_the_folders_to_come() {
    others_look_at("inner-010");
}

#[test]
fn what_still_waits_when_the_scan_ends_is_left() {
    let (disk, folder) = many();
    let (told, looks) = mpsc::channel();
    disk.set_hook(Some(Arc::new(move |operation: &Operation| {
        told.send(operation.name.clone()).unwrap_or_default();
    })));
    let (sender, jobs) = sync_channel(2);
    for name in ["file-000", "folder-000"] {
        let kind = if name == "file-000" { Kind::File } else { Kind::Folder };
        sender.send(Job { folder, names: vec![(name.into(), Some(kind))] }).expect("room");
    }
    drop(sender);
    look_at_all(&disk, &Mutex::new(jobs), &AtomicBool::new(true));
    assert_eq!(looks.try_iter().count(), 0);
}

#[test]
fn a_job_is_some_files_or_one_folder_that_the_scan_enters() {
    let mut names = Names::default();
    // The next one last, as the scan takes them.
    let kinds = [Kind::File, Kind::Folder, Kind::Folder, Kind::Link, Kind::File];
    for (name, kind) in ["e", "d", "ignored", "b", "a"].into_iter().zip(kinds) {
        names.push(OsStr::new(name), Some(kind)).expect("room");
    }
    let enters = |name: &OsStr| name != "ignored";
    let taken = |given| {
        let (count, names) = next(&names, given, enters);
        (count, names.into_iter().map(|(name, _)| name).collect::<Vec<_>>())
    };
    assert_eq!(taken(0), (2, vec!["a".into(), "b".into()]));
    assert_eq!(taken(2), (1, vec![]));
    assert_eq!(taken(3), (1, vec!["d".into()]));
    assert_eq!(taken(4), (1, vec!["e".into()]));
    assert_eq!(taken(5), (0, vec![]));
}
