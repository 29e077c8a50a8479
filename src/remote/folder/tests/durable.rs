//! What a flush leaves to a power cut, whatever people do to folders of the bucket meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt as _;

use super::races::{bucket, open, put};
use super::*;
use crate::fakes::disk::{Call, Crash, Errno, MemoryDisk};
use crate::remote::Writes as _;

fn flush(remote: &FolderRemote<MemoryDisk>) -> Result<(), RemoteError> {
    remote.flush().now_or_never().unwrap()
}

/// Tells whether the object is there, under whatever name a person's rename left it.
fn holds_one(bucket: &MemoryDisk) -> bool {
    let files = bucket.person().files_below("/bucket").into_iter();
    let mut objects = files.filter(|(path, _)| !path.starts_with(".lsync"));
    objects.any(|(_, bytes)| bytes == b"one")
}
/// Lets a person take a folder of the bucket away before the `at`th call of a flush, and bring it back
/// before the next one; returns whether there were so many calls.
fn flush_disturbed(
    bucket: &MemoryDisk,
    remote: &FolderRemote<MemoryDisk>,
    at: usize,
) -> Option<bool> {
    let (person, calls) = (bucket.process().person(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&calls);
    bucket.set_hook(Some(Arc::new(move |_| match counted.fetch_add(1, Ordering::Relaxed) + 1 {
        call if call == at => person.rename("/bucket/d", "/bucket/elsewhere"),
        call if call == at + 1 => person.rename("/bucket/elsewhere", "/bucket/d"),
        _ => (),
    })));
    let flushed = flush(remote);
    bucket.set_hook(None);
    (calls.load(Ordering::Relaxed) >= at).then_some(flushed.is_ok())
}

#[test]
fn what_is_flushed_survives_a_power_cut_though_its_folder_was_away_for_one_call() {
    for has_syncfs in [true, false] {
        for at in 1.. {
            let bucket = bucket();
            let remote = open(&bucket);
            put(&remote, "d/e/x", "one", &Condition::Absent).unwrap();
            if !has_syncfs {
                bucket.set_fault(Some(Arc::new(|operation| {
                    (operation.call == Call::SyncFileSystem).then_some(Errno::NOSYS)
                })));
            }
            let Some(is_flushed) = flush_disturbed(&bucket, &remote, at) else { break };
            assert!(is_flushed || !has_syncfs, "{at}");
            bucket.crash(Crash::PowerLoss);
            let is_there = holds_one(&bucket);
            assert!(is_there || !is_flushed, "{has_syncfs} {at}");
        }
    }
}

#[test]
fn an_object_survives_a_power_cut_in_a_folder_that_nobody_had_synced() {
    let bucket = bucket();
    let remote = open(&bucket);
    bucket.person().make_folders("/bucket/d/e");
    put(&remote, "d/e/x", "one", &Condition::Absent).unwrap();
    flush(&remote).unwrap();
    bucket.crash(Crash::PowerLoss);
    assert!(holds_one(&bucket));
}

#[test]
fn a_deletion_that_empties_its_folder_is_flushed_without_the_whole_file_system() {
    let bucket = bucket();
    let remote = open(&bucket);
    let path = RepoPath::parse("d/e/x").unwrap();
    let etag = put(&remote, "d/e/x", "one", &Condition::Absent).unwrap();
    flush(&remote).unwrap();
    let synced = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&synced);
    bucket.set_hook(Some(Arc::new(move |operation| {
        let is_syncfs = operation.call == Call::SyncFileSystem;
        counted.fetch_add(usize::from(is_syncfs), Ordering::Relaxed);
    })));
    remote.delete(&path, &etag).now_or_never().unwrap().unwrap();
    flush(&remote).unwrap();
    bucket.set_hook(None);
    assert_eq!(synced.load(Ordering::Relaxed), 0);
    bucket.crash(Crash::PowerLoss);
    assert!(!holds_one(&bucket));
}
