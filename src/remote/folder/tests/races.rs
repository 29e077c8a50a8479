//! Saves of a person between any two disk calls; `tests/replace.rs` enumerates those around a swap.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt as _;

use bytes::Bytes;

use super::*;
use crate::fakes::disk::{Call, MemoryDisk};
use crate::remote::Listed;

const DAY_NANOSECONDS: i64 = 24 * 60 * 60 * 1_000_000_000;

pub(super) fn bucket() -> MemoryDisk {
    let disk = MemoryDisk::new();
    disk.person().make_folders("/bucket");
    disk.sync_all();
    disk
}

pub(super) fn open(disk: &MemoryDisk) -> FolderRemote<MemoryDisk> {
    FolderRemote::open(disk.clone(), Path::new("/bucket"), "").unwrap()
}

pub(super) fn put(
    remote: &FolderRemote<MemoryDisk>,
    key: &str,
    text: &'static str,
    condition: &Condition,
) -> Result<Token, RemoteError> {
    let properties = Properties::default().with_mtime(5);
    let path = RepoPath::parse(key).unwrap();
    let put = remote.put(&path, Bytes::from(text).into(), &properties, condition);
    put.now_or_never().unwrap().map(|stored| stored.token)
}

/// Everything that a file below the bucket holds, sorted.
fn all_contents(disk: &MemoryDisk) -> Vec<String> {
    let files = disk.person().files_below("/bucket").into_values();
    let mut all: Vec<_> = files.map(|bytes| String::from_utf8(bytes).unwrap()).collect();
    all.retain(|text| !text.is_empty());
    all.sort();
    all
}

/// Opens the bucket anew after two days, and writes, so that it is swept.
fn sweep(disk: &MemoryDisk) {
    disk.set_hook(None);
    disk.advance(2 * DAY_NANOSECONDS);
    put(&open(disk), "sweeper", "s", &Condition::Absent).unwrap();
}

/// Lets a person act before each exchange; they are told which one, counted from 1.
fn before_exchange(disk: &MemoryDisk, act: impl Fn(u64, &MemoryDisk) + Send + Sync + 'static) {
    let (hands, count) = (disk.clone(), AtomicU64::new(0));
    disk.set_hook(Some(Arc::new(move |operation| {
        if operation.call == Call::Exchange {
            hands.advance(1_000_000_000);
            act(count.fetch_add(1, Ordering::Relaxed) + 1, &hands);
        }
    })));
}

#[test]
fn of_two_saves_during_a_swap_the_newest_has_the_name_and_the_other_is_kept() {
    let disk = bucket();
    let remote = open(&disk);
    let etag = put(&remote, "f", "base", &Condition::Absent).unwrap();
    before_exchange(&disk, |number, disk| match number {
        1 => disk.person().save("/bucket/f", "E1"),
        2 => disk.person().save("/bucket/f", "E2"),
        _ => (),
    });
    let error = put(&remote, "f", "ours", &Condition::Matches(etag)).unwrap_err();
    assert_eq!(error.kind, RemoteErrorKind::Changed);
    assert_eq!(disk.person().read("/bucket/f"), b"E2");
    sweep(&disk);
    assert_eq!(all_contents(&disk), ["E1", "E2", "s"]);
}

#[test]
fn a_save_into_our_file_during_a_swap_is_kept() {
    let disk = bucket();
    let remote = open(&disk);
    let etag = put(&remote, "f", "base", &Condition::Absent).unwrap();
    before_exchange(&disk, |number, disk| match number {
        1 => disk.person().save("/bucket/f", "E1"),
        2 => disk.person().write("/bucket/f", "E2"),
        _ => (),
    });
    put(&remote, "f", "ours", &Condition::Matches(etag)).unwrap_err();
    assert_eq!(disk.person().read("/bucket/f"), b"E2");
    sweep(&disk);
    assert_eq!(all_contents(&disk), ["E1", "E2", "s"]);
}

#[test]
fn a_save_whose_name_is_removed_during_a_swap_gets_it_back() {
    let disk = bucket();
    let remote = open(&disk);
    let etag = put(&remote, "f", "base", &Condition::Absent).unwrap();
    before_exchange(&disk, |number, disk| match number {
        1 => disk.person().save("/bucket/f", "E1"),
        2 => disk.person().remove("/bucket/f"),
        _ => (),
    });
    put(&remote, "f", "ours", &Condition::Matches(etag)).unwrap_err();
    assert_eq!(disk.person().read("/bucket/f"), b"E1");
}

#[test]
fn an_edit_that_a_killed_swap_or_deletion_took_out_is_never_swept() {
    for deletes in [false, true] {
        for number in 1..12 {
            let disk = bucket();
            let remote = open(&disk);
            let etag = put(&remote, "f", "base", &Condition::Absent).unwrap();
            let (hands, call) =
                (disk.clone(), if deletes { Call::RenameNew } else { Call::Exchange });
            disk.set_hook(Some(Arc::new(move |operation| {
                if operation.call == call && operation.name != "E1" {
                    hands.advance(1_000_000_000);
                    if hands.person().try_read("/bucket/f").as_deref() == Some(b"base") {
                        hands.person().save("/bucket/f", "E1");
                    }
                }
            })));
            disk.stop_after(number);
            let path = RepoPath::parse("f").unwrap();
            let failed = if deletes {
                remote.delete(&path, &etag).now_or_never().unwrap().is_err()
            } else {
                put(&remote, "f", "ours", &Condition::Matches(etag)).is_err()
            };
            assert!(failed);
            let was_saved = all_contents(&disk).contains(&"E1".to_owned());
            disk.kill();
            sweep(&disk);
            let is_there = all_contents(&disk).contains(&"E1".to_owned());
            assert_eq!(is_there, was_saved, "deletes: {deletes}, stopped at {number}");
        }
    }
}

#[test]
fn without_exchange_no_conditions_are_promised_any_more() {
    let disk = bucket();
    disk.set_exchanges(false);
    let remote = open(&disk);
    let etag = put(&remote, "f", "base", &Condition::Absent).unwrap();
    assert_eq!(remote.capabilities().conditional_put, Conditions::Atomic);
    put(&remote, "f", "ours", &Condition::Matches(etag)).unwrap();
    assert_eq!(remote.capabilities().conditional_put, Conditions::None);
}

/// Uploads `text` in parts of one byte, stored in the order `stored`, and puts them together.
fn upload(
    remote: &FolderRemote<MemoryDisk>,
    text: &'static str,
    stored: &[u32],
    condition: &Condition,
) -> Result<Token, RemoteError> {
    let path = RepoPath::parse("f").unwrap();
    let properties = Properties::default().with_mtime(5);
    let id = remote.start_upload(&path, &properties).now_or_never().unwrap()?;
    let mut parts = Vec::new();
    for number in stored {
        let at = usize::try_from(*number).unwrap() - 1;
        let body = Bytes::from(&text[at..=at]);
        parts.push(remote.upload_part(&path, &id, *number, body.into()).now_or_never().unwrap()?);
    }
    parts.sort_by_key(|part| part.number);
    let completed =
        remote.complete_upload(&path, &id, &parts, crc64_of(text.as_bytes()), condition);
    let completed = completed.now_or_never().unwrap().map(|stored| stored.token);
    remote.abort_upload(&path, &id).now_or_never().unwrap()?;
    completed
}

#[test]
fn a_save_at_any_moment_while_parts_are_put_together_is_not_lost() {
    // Parts in their order are the object as they lie; others are copied first.
    for stored in [&[1, 2, 3][..], &[2, 3, 1]] {
        for moment in 1.. {
            let disk = bucket();
            let remote = open(&disk);
            let etag = put(&remote, "f", "base", &Condition::Absent).unwrap();
            let (hands, calls) = (disk.clone(), Arc::new(AtomicU64::new(0)));
            let count = Arc::clone(&calls);
            disk.set_hook(Some(Arc::new(move |_| {
                if count.fetch_add(1, Ordering::Relaxed) + 1 == moment {
                    hands.advance(1_000_000_000);
                    hands.person().save("/bucket/f", "E1");
                }
            })));
            let outcome = upload(&remote, "new", stored, &Condition::Matches(etag));
            disk.set_hook(None);
            let shown = disk.person().read("/bucket/f");
            let is_over = calls.load(Ordering::Relaxed) < moment;
            sweep(&disk);
            if is_over {
                assert!(outcome.is_ok() && shown == b"new" && moment > 12, "{stored:?} {moment}");
                break;
            }
            // Before the swap the save wins; after it, it is the next version.
            assert_eq!(shown, b"E1", "{stored:?} {moment} {outcome:?}");
            if let Ok(etag) = outcome {
                let path = RepoPath::parse("f").unwrap();
                let now = remote.head(&path).now_or_never().unwrap().unwrap();
                assert_ne!(now.entry.version.token, etag, "{stored:?} {moment}");
            }
            assert!(all_contents(&disk).contains(&"E1".to_owned()), "{stored:?} {moment}");
        }
    }
}

#[test]
fn a_folder_that_becomes_a_link_while_it_is_listed_is_an_obstacle() {
    let disk = bucket();
    let remote = open(&disk);
    put(&remote, "a/below", "x", &Condition::Absent).unwrap();
    put(&remote, "b", "x", &Condition::Absent).unwrap();
    let hands = disk.clone();
    disk.set_hook(Some(Arc::new(move |operation| {
        if operation.call == Call::OpenFolder && operation.name == "a" {
            hands.set_hook(None);
            hands.person().rename("/bucket/a", "/bucket/moved");
            hands.person().symlink("moved", "/bucket/a");
        }
    })));
    let page = remote.list("", None, 9).now_or_never().unwrap().unwrap();
    disk.set_hook(None);
    assert_eq!(page.items[0], Listed::Obstacle(RepoPath::parse("a").unwrap()));
    assert_eq!(page.items[1].key(), "b");
}
