//! The switches; the contract itself is tested by `tests/disk_suite.rs`.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::clock::Clock as _;
use crate::disk::{Disk as _, Patience, read_whole, write_whole};
use crate::tree::Kind;

fn name(text: &str) -> &OsStr {
    OsStr::new(text)
}

fn root(disk: &MemoryDisk) -> MemoryFolder {
    disk.open_path("/".as_ref()).unwrap()
}

fn folder(disk: &MemoryDisk, path: &str) -> MemoryFolder {
    disk.person().make_folders(path);
    disk.open_path(path.as_ref()).unwrap()
}

fn put(disk: &MemoryDisk, folder: &MemoryFolder, file: &str, text: &str) -> MemoryFile {
    let file = disk.create(folder, name(file), 0o644).unwrap();
    disk.write(&file, text.as_bytes()).unwrap();
    file
}

fn text(disk: &MemoryDisk, path: &str) -> Option<String> {
    disk.person().try_read(path).map(|bytes| String::from_utf8(bytes).unwrap())
}

#[track_caller]
fn is_stopped<T>(result: io::Result<T>) {
    let Err(error) = result else { panic!("succeeded after the stop") };
    assert!(Stopped::caused(&error), "{error}");
}

#[test]
fn a_killed_machine_keeps_everything_and_ends_handles_and_locks() {
    let disk = MemoryDisk::new();
    let top = root(&disk);
    let file = put(&disk, &top, "a", "text");
    assert!(disk.lock(&file, Patience::Try).unwrap());
    disk.crash(Crash::Kill);
    assert_eq!(text(&disk, "/a").unwrap(), "text");
    is_stopped(disk.lstat(&top, name("a")));
    is_stopped(disk.read_at(&file, &mut [0; 4], 0));
    is_stopped(disk.create(&top, name("b"), 0o644));
    let again = disk.open(&root(&disk), name("a")).unwrap();
    assert!(disk.lock(&again, Patience::Try).unwrap());
    drop(file);
    let third = disk.open(&root(&disk), name("a")).unwrap();
    assert!(!disk.lock(&third, Patience::Try).unwrap(), "an old handle holds no lock any more");
}

#[test]
fn a_power_loss_leaves_what_was_synced() {
    let disk = MemoryDisk::new();
    let folder = folder(&disk, "/d");
    disk.sync_all();
    let both = put(&disk, &folder, "both", "contents and name");
    disk.sync_file(&both).unwrap();
    drop(put(&disk, &folder, "name alone", "lost"));
    disk.sync_folder(&folder).unwrap();
    let late = put(&disk, &folder, "contents alone", "lost");
    disk.sync_file(&late).unwrap();
    disk.write(&both, b", and more that is lost").unwrap();
    disk.crash(Crash::PowerLoss);
    assert_eq!(text(&disk, "/d/both").unwrap(), "contents and name");
    assert_eq!(text(&disk, "/d/name alone").unwrap(), "");
    assert_eq!(text(&disk, "/d/contents alone"), None);
}

#[test]
fn a_whole_file_system_is_synced_at_once_and_no_other_one() {
    let disk = MemoryDisk::new();
    disk.person().mount("/other");
    drop(put(&disk, &root(&disk), "here", "here"));
    drop(put(&disk, &folder(&disk, "/other"), "there", "there"));
    disk.sync_file_system(&root(&disk)).unwrap();
    disk.crash(Crash::PowerLoss);
    assert_eq!(text(&disk, "/here").unwrap(), "here");
    assert_eq!(text(&disk, "/other/there"), None);
}

#[test]
fn an_mtime_alone_is_not_made_durable_by_fdatasync() {
    let disk = MemoryDisk::new();
    let file = put(&disk, &root(&disk), "a", "text");
    disk.set_mtime(&file, 5).unwrap();
    disk.sync_file(&file).unwrap();
    disk.sync_folder(&root(&disk)).unwrap();
    disk.set_mtime(&file, 7).unwrap();
    disk.sync_file(&file).unwrap();
    disk.crash(Crash::PowerLoss);
    assert_eq!(disk.person().stat("/a").unwrap().mtime, 5);
}

#[test]
fn a_rename_is_durable_in_both_folders_or_in_neither() {
    for synced in ["/from", "/to", ""] {
        let disk = MemoryDisk::new();
        let (from, to) = (folder(&disk, "/from"), folder(&disk, "/to"));
        disk.person().write("/from/a", "a");
        disk.sync_all();
        disk.rename_new((&from, name("a")), (&to, name("b"))).unwrap();
        if !synced.is_empty() {
            disk.sync_folder(&folder(&disk, synced)).unwrap();
        }
        disk.crash(Crash::PowerLoss);
        let moved = !synced.is_empty();
        assert_eq!(text(&disk, "/from/a").is_none(), moved, "{synced}");
        assert_eq!(text(&disk, "/to/b").is_some(), moved, "{synced}");
    }
}

#[test]
fn the_second_change_of_a_name_takes_its_first_along() {
    let disk = MemoryDisk::new();
    let [a, b, c] = ["/a", "/b", "/c"].map(|path| folder(&disk, path));
    disk.person().write("/a/x", "x");
    disk.sync_all();
    disk.rename_new((&a, name("x")), (&b, name("x"))).unwrap();
    disk.rename_new((&b, name("x")), (&c, name("x"))).unwrap();
    disk.sync_folder(&c).unwrap();
    disk.crash(Crash::PowerLoss);
    let files = disk.person().files_below("/");
    assert_eq!(files.into_keys().collect::<Vec<_>>(), [PathBuf::from("c/x")]);
}

#[test]
fn a_seeded_crash_keeps_what_was_synced_and_is_the_same_each_time() {
    let run = |crash| {
        let disk = MemoryDisk::new();
        let top = folder(&disk, "/d");
        for number in 0..20 {
            let file = put(&disk, &top, &format!("synced {number}"), "durable");
            disk.sync_file(&file).unwrap();
        }
        disk.sync_folder(&top).unwrap();
        disk.sync_folder(&root(&disk)).unwrap();
        for number in 0..20 {
            let file = put(&disk, &top, &format!("late {number}"), "first half, ");
            disk.write(&file, b"second half").unwrap();
            let from = format!("synced {number}");
            disk.rename_new((&top, name(&from)), (&top, name(&format!("moved {number}")))).unwrap();
        }
        disk.crash(crash);
        disk.person().files_below("/d")
    };
    let mut outcomes = std::collections::BTreeSet::new();
    for crash in (0..20).flat_map(|seed| [Crash::Ordered(seed), Crash::Random(seed)]) {
        let files = run(crash);
        assert_eq!(files, run(crash));
        assert_eq!(files.values().filter(|bytes| *bytes == b"durable").count(), 20, "{crash:?}");
        outcomes.insert(files);
    }
    assert!(outcomes.len() > 30, "the seeds differ: {}", outcomes.len());
}

#[test]
fn an_ordered_crash_keeps_a_beginning_of_the_changes_of_names() {
    for seed in 0..20 {
        let disk = MemoryDisk::new();
        for number in 0..10 {
            drop(put(&disk, &root(&disk), &number.to_string(), ""));
        }
        disk.crash(Crash::Ordered(seed));
        let count = disk.person().files_below("/").len();
        for number in 0..10 {
            assert_eq!(text(&disk, &format!("/{number}")).is_some(), number < count);
        }
    }
}

#[test]
fn no_crash_leaves_a_folder_in_two_places() {
    for seed in 0..100 {
        let disk = MemoryDisk::new();
        let [top, a, b, c] = ["/", "/a", "/b", "/c"].map(|path| folder(&disk, path));
        disk.person().write("/a/moving/file", "");
        disk.sync_all();
        disk.rename_new((&a, name("moving")), (&b, name("moving"))).unwrap();
        disk.rename_new((&b, name("moving")), (&c, name("moving"))).unwrap();
        disk.rename_new((&c, name("moving")), (&top, name("moving"))).unwrap();
        disk.crash(Crash::Random(seed));
        assert_eq!(disk.person().files_below("/").len(), 1, "{seed}");
    }
}

#[test]
fn write_whole_survives_every_crash_at_every_operation() {
    let operations = {
        let disk = MemoryDisk::new();
        write_whole(&disk, &root(&disk), "f", b"new").unwrap();
        disk.operations()
    };
    assert_eq!(operations, 6, "unlink, create, write, sync, rename, sync");
    for stop in 1..=operations + 1 {
        for seed in 0..20 {
            for crash in [Crash::Kill, Crash::PowerLoss, Crash::Ordered(seed), Crash::Random(seed)]
            {
                let disk = MemoryDisk::new();
                disk.person().write("/f", "old");
                disk.sync_all();
                let top = root(&disk);
                disk.stop_within(stop);
                let done = write_whole(&disk, &top, "f", b"new").is_ok();
                assert_eq!(done, stop > operations);
                disk.crash(crash);
                let found = text(&disk, "/f").unwrap();
                assert!(found == "new" || found == "old" && !done, "{stop} {crash:?}: {found}");
                write_whole(&disk, &root(&disk), "f", b"again").unwrap();
                assert_eq!(text(&disk, "/f").unwrap(), "again");
            }
        }
    }
}

#[test]
fn after_the_stop_every_operation_fails_until_the_process_is_killed() {
    let disk = MemoryDisk::new();
    let top = root(&disk);
    disk.stop_after(2);
    disk.make_folder(&top, name("one"), 0o755).unwrap();
    is_stopped(disk.make_folder(&top, name("two"), 0o755));
    is_stopped(disk.lstat(&top, name("one")));
    is_stopped(disk.open_path("/".as_ref()));
    assert!(disk.person().stat("/two").is_none());
    disk.kill();
    is_stopped(disk.lstat(&top, name("one")));
    root(&disk);
    disk.make_folder(&root(&disk), name("two"), 0o755).unwrap();
}

#[test]
fn a_stop_is_recognised_below_other_errors() {
    #[derive(Debug, thiserror::Error)]
    #[error("cannot write the database")]
    struct Wrapped(#[source] io::Error);
    assert!(Stopped::caused(&Wrapped(Stopped.into())));
    assert!(Stopped::caused(&io::Error::other(Wrapped(Stopped.into()))));
    assert!(!Stopped::caused(&Wrapped(ErrorKind::NotFound.into())));
}

#[test]
fn a_stop_within_a_write_leaves_half_of_it() {
    let disk = MemoryDisk::new();
    let file = put(&disk, &root(&disk), "a", "whole,");
    disk.stop_within(1);
    is_stopped(disk.write(&file, b"halfgone"));
    assert_eq!(text(&disk, "/a").unwrap(), "whole,half");
}

#[test]
fn processes_have_switches_of_their_own_on_one_file_system() {
    let disk = MemoryDisk::new();
    let other = disk.process();
    let file = put(&disk, &root(&disk), "a", "text");
    let same = other.open(&root(&other), name("a")).unwrap();
    assert!(disk.lock(&file, Patience::Try).unwrap());
    disk.stop_after(1);
    is_stopped(disk.unlink(&root(&other), name("a")));
    assert!(!other.lock(&same, Patience::Try).unwrap(), "a stopped process still holds its lock");
    disk.kill();
    assert!(other.lock(&same, Patience::Try).unwrap());
    assert_eq!(read_whole(&other, &root(&other), "a").unwrap().unwrap(), b"text");
    assert_eq!((disk.operations(), other.operations()), (3, 0));
}

#[test]
fn a_chosen_operation_fails_without_effect_and_the_next_works() {
    let disk = MemoryDisk::new();
    let top = root(&disk);
    disk.fail_operation(2, Errno::IO);
    let file = disk.create(&top, name("a"), 0o644).unwrap();
    let error = disk.write(&file, b"lost").unwrap_err();
    assert_eq!(error.raw_os_error(), Some(Errno::IO.raw_os_error()));
    disk.write(&file, b"kept").unwrap();
    assert_eq!(text(&disk, "/a").unwrap(), "kept");

    disk.set_fault(Some(Arc::new(|operation| {
        (operation.call == Call::Open && operation.name == "a").then_some(Errno::ACCESS)
    })));
    assert_eq!(disk.open(&top, name("a")).err().unwrap().kind(), ErrorKind::PermissionDenied);
    disk.set_fault(None);
    disk.open(&top, name("a")).unwrap();
}

#[test]
fn a_full_disk_takes_what_fits() {
    let disk = MemoryDisk::new();
    disk.set_capacity(Some(6));
    let file = put(&disk, &root(&disk), "a", "four");
    assert_eq!(disk.free_bytes(&root(&disk)).unwrap(), 2);
    assert_eq!(disk.write(&file, b"more").unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(text(&disk, "/a").unwrap(), "fourmo");
    disk.unlink(&root(&disk), name("a")).unwrap();
    drop(put(&disk, &root(&disk), "b", "fits!"));
}

#[test]
fn exchange_links_kinds_and_the_network_can_be_switched() {
    let disk = MemoryDisk::new();
    let top = root(&disk);
    drop((put(&disk, &top, "a", "a"), put(&disk, &top, "b", "b")));
    let (a, b, c) = ((&top, name("a")), (&top, name("b")), (&top, name("c")));
    disk.set_exchanges(false);
    disk.set_links(false);
    disk.set_network(true);
    disk.set_tells_kinds(false);
    assert_eq!(disk.exchange(a, b).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(disk.link(a, c).unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(disk.is_network(&top).unwrap());
    assert!(disk.read_folder(&top).unwrap().iter().all(|(_, kind)| kind.is_none()));
}

#[test]
fn a_disk_that_folds_names_finds_a_name_in_every_spelling() {
    let disk = MemoryDisk::new();
    disk.set_folds_names(true);
    let top = root(&disk);
    drop(put(&disk, &top, "Été", "text"));
    assert_eq!(disk.lstat(&top, name("éTÉ")).unwrap().size, 4);
    let error = disk.create(&top, name("été"), 0o644).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    let listed = |disk: &MemoryDisk| disk.read_folder(&top).unwrap().pop().unwrap().0.to_owned();
    assert_eq!(listed(&disk), "Été");
    drop(put(&disk, &top, "other", "new"));
    disk.rename_over((&top, name("other")), (&top, name("ÉTÉ"))).unwrap();
    assert_eq!(listed(&disk), "Été", "replacing keeps the spelling");
    disk.rename_over((&top, name("été")), (&top, name("été"))).unwrap();
    assert_eq!(listed(&disk), "été", "renaming to another spelling changes it");
    assert_eq!(text(&disk, "/ÉtÉ").unwrap(), "new");
}

#[test]
fn times_stand_still_within_a_tick() {
    let disk = MemoryDisk::new();
    disk.set_now(1_000_000_123);
    disk.set_tick(1_000);
    let file = put(&disk, &root(&disk), "a", "one");
    let first = disk.fstat(&file).unwrap();
    assert_eq!((first.mtime, first.ctime), (1_000_000_000, 1_000_000_000));
    disk.advance(800);
    disk.person().write("/a", "two");
    assert_eq!(disk.fstat(&file).unwrap(), first, "a racy edit");
    disk.advance(800);
    disk.set_mtime(&file, 7).unwrap();
    let second = disk.fstat(&file).unwrap();
    assert_eq!((second.mtime, second.ctime), (7, 1_000_001_000));
    disk.rename_new((&root(&disk), name("a")), (&root(&disk), name("b"))).unwrap();
    assert_eq!(disk.clock().now(), 1_000_001_723);
}

#[tokio::test]
async fn sleeping_moves_the_clock_on() {
    let disk = MemoryDisk::new();
    let before = disk.now();
    disk.clock().sleep(Duration::from_millis(5)).await;
    assert_eq!(disk.now(), before + 5_000_000);
}

#[test]
fn the_hook_lets_a_person_edit_between_two_calls() {
    let disk = MemoryDisk::new();
    let folder = folder(&disk, "/d/e");
    disk.person().write("/d/e/a", "old");
    let (seen, person) = (Arc::new(Mutex::new(Vec::new())), disk.person());
    let hook_seen = Arc::clone(&seen);
    disk.set_hook(Some(Arc::new(move |operation| {
        if operation.call == Call::Exchange {
            person.save("/d/e/a", "a person's edit");
        }
        hook_seen.lock().unwrap().push(operation.clone());
    })));
    let before = disk.lstat(&folder, name("a")).unwrap();
    let staged = put(&disk, &folder, "b", "staged");
    disk.exchange((&folder, name("a")), (&folder, name("b"))).unwrap();
    disk.fstat(&staged).unwrap();
    disk.set_hook(None);
    assert_ne!(disk.lstat(&folder, name("b")).unwrap().inode, before.inode);
    assert_eq!(text(&disk, "/d/e/b").unwrap(), "a person's edit");
    let seen = seen.lock().unwrap();
    let calls: Vec<Call> = seen.iter().map(|operation| operation.call).collect();
    assert_eq!(calls, [Call::Lstat, Call::Create, Call::Write, Call::Exchange, Call::Fstat]);
    assert!(seen.iter().all(|operation| operation.folder == std::path::Path::new("/d/e")));
    assert_eq!(seen[3].other, Some(("/d/e".into(), "b".into())));
    assert_eq!(seen[4].name, "b");
}

#[test]
fn a_waiting_lock_goes_on_calling_the_hook() {
    let disk = MemoryDisk::new();
    let holder = disk.process();
    let held = put(&holder, &root(&holder), "lock", "");
    assert!(holder.lock(&held, Patience::Try).unwrap());
    let file = disk.open(&root(&disk), name("lock")).unwrap();
    let (held, calls) = (Mutex::new(Some(held)), AtomicUsize::new(0));
    disk.set_hook(Some(Arc::new(move |_| {
        if calls.fetch_add(1, Ordering::Relaxed) == 2 {
            drop(held.lock().unwrap().take());
        }
    })));
    assert!(disk.lock(&file, Patience::Wait).unwrap());
}

#[test]
fn what_is_not_permitted_is_denied() {
    let disk = MemoryDisk::new();
    let (top, person) = (root(&disk), disk.person());
    person.write("/secret", "text");
    person.write("/closed/file", "text");
    person.write("/listed/file", "text");
    let listed = folder(&disk, "/listed");
    person.set_mode("/secret", 0o000);
    person.set_mode("/closed", 0o000);
    person.set_mode("/listed", 0o500);
    let denied = |error: Option<io::Error>| {
        assert_eq!(error.unwrap().kind(), ErrorKind::PermissionDenied);
    };
    denied(disk.open(&top, name("secret")).err());
    denied(disk.open_append(&top, name("secret"), 0o644).err());
    assert_eq!(disk.lstat(&top, name("secret")).unwrap().size, 4);
    denied(disk.open_folder(&top, name("closed")).err());
    denied(disk.open_path("/closed/file".as_ref()).err());
    disk.open(&listed, name("file")).unwrap();
    denied(disk.unlink(&listed, name("file")).err());
    denied(disk.create(&listed, name("new"), 0o644).err());
    denied(disk.rename_new((&listed, name("file")), (&top, name("file"))).err());
    denied(disk.rename_new((&top, name("secret")), (&listed, name("secret"))).err());
}

#[test]
fn the_top_of_a_file_system_stays_where_it_is() {
    let disk = MemoryDisk::new();
    disk.person().make_folders("/work/mounted");
    let device = disk.person().mount("/work/mounted");
    let work = folder(&disk, "/work");
    disk.person().write("/work/mounted/below/file", "");
    assert_eq!(disk.person().stat("/work/mounted/below/file").unwrap().device, device);
    assert_ne!(disk.stat_folder(&work).unwrap().device, device);
    let busy = |result: io::Result<()>| {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::ResourceBusy);
    };
    busy(disk.rename_new((&work, name("mounted")), (&work, name("moved"))));
    disk.person().remove("/work/mounted/below");
    busy(disk.remove_folder(&work, name("mounted")));
    disk.crash(Crash::PowerLoss);
    assert_eq!(disk.person().stat("/work/mounted").unwrap().device, device);
}

#[test]
fn a_person_does_what_people_do() {
    let disk = MemoryDisk::new();
    let person = disk.person();
    person.write("/d/a", "one");
    let inode = person.stat("/d/a").unwrap().inode;
    person.append("/d/a", " two");
    assert_eq!(person.stat("/d/a").unwrap().inode, inode);
    person.save("/d/a", "saved");
    assert_ne!(person.stat("/d/a").unwrap().inode, inode);
    person.set_mtime("/d/a", -5);
    person.hard_link("/d/a", "/d/b");
    person.symlink("../a", "/d/l");
    person.pipe("/d/p");
    person.rename("/d/b", "/e/c");
    let snapshot = person.snapshot();
    let shown: Vec<_> = snapshot.iter().map(|(p, i)| (p.to_str().unwrap(), i.kind)).collect();
    let expected = [
        ("/d", Kind::Folder),
        ("/d/a", Kind::File),
        ("/d/l", Kind::Link),
        ("/d/p", Kind::Special),
        ("/e", Kind::Folder),
        ("/e/c", Kind::File),
    ];
    assert_eq!(shown, expected);
    assert_eq!(snapshot[&PathBuf::from("/e/c")].contents, b"saved");
    assert_eq!(snapshot[&PathBuf::from("/e/c")].mtime, -5);
    assert_eq!(snapshot[&PathBuf::from("/d/l")].contents, b"../a");
    assert_eq!(disk.operations(), 0);
    person.remove("/d");
    assert_eq!(person.snapshot().len(), 2);
}
