use std::sync::{Arc, Once};

use super::*;
use crate::disk::RealDisk;
use crate::fakes::disk::{Call, Errno, MemoryDisk, Operation, Person};
use crate::local::testing::{root, write};

type Folder = <MemoryDisk as Disk>::Folder;

fn disk_with(bytes: &[u8]) -> (MemoryDisk, Folder, Stat) {
    let disk = MemoryDisk::new();
    let root = root(&disk);
    write(&disk, &root, "a", bytes);
    let stat = disk.lstat(&root, OsStr::new("a")).unwrap();
    disk.advance(1_000_000_000);
    (disk, root, stat)
}

fn read(disk: &MemoryDisk, root: &Folder, expected: &Stat) -> Result<Bytes, ContentError> {
    read_small(disk, root, OsStr::new("a"), expected, PART_SIZE_BYTES_MIN)
}

fn hash(disk: &MemoryDisk, root: &Folder) -> Result<Hashed, ContentError> {
    hash_file(disk, root, OsStr::new("a"), &Want::default())
}

/// What somebody else does to the file `/copy/a`, each of which must not go unnoticed.
type Meddling = (&'static str, fn(&Person));

const MEDDLINGS: [Meddling; 7] = [
    ("same size", |person| person.write("/copy/a", b"abd")),
    ("grown", |person| person.write("/copy/a", b"abcd")),
    ("shrunk", |person| person.write("/copy/a", b"ab")),
    ("touched", |person| person.set_mtime("/copy/a", 1)),
    ("mode", |person| person.set_mode("/copy/a", 0o600)),
    ("emptied", |person| person.write("/copy/a", b"")),
    ("linked", |person| {
        person.remove("/copy/a");
        person.symlink("b", "/copy/a");
    }),
];

/// Does something once, just before the first `call` of the file.
fn before(disk: &MemoryDisk, call: Call, act: fn(&Person)) {
    let (once, person) = (Once::new(), disk.person());
    disk.set_hook(Some(Arc::new(move |operation: &Operation| {
        if operation.call == call && operation.name == "a" {
            once.call_once(|| act(&person));
        }
    })));
}

#[test]
fn small_files_are_read_whole() {
    for size in [0, 1, 3 * READ_BYTES + 1] {
        let bytes: Vec<u8> = (0..=252).cycle().take(size).collect();
        let (disk, root, stat) = disk_with(&bytes);
        assert_eq!(read(&disk, &root, &stat).unwrap(), bytes);
    }
}

#[test]
fn files_above_the_limit_are_refused_unread() {
    let (disk, root, stat) = disk_with(b"abc");
    let read = |limit| read_small(&disk, &root, OsStr::new("a"), &stat, limit);
    assert!(read(3).is_ok());
    assert!(matches!(read(2), Err(ContentError::TooLarge { size: 3, limit: 2, .. })));
}

#[test]
fn a_file_that_is_not_as_expected_is_not_read() {
    for (what, meddle) in MEDDLINGS {
        let (disk, root, stat) = disk_with(b"abc");
        meddle(&disk.person());
        let error = read(&disk, &root, &stat).unwrap_err();
        assert!(error.is_changed_meanwhile(), "{what}: {error}");
    }
}

#[test]
fn a_file_that_changes_before_or_during_the_read_is_not_taken() {
    for (what, meddle) in MEDDLINGS {
        for call in [Call::Open, Call::Fstat, Call::ReadAt] {
            // A name that changes after the file was opened is no change of the file: the row is
            // compared with the name again later.
            if what == "linked" && call != Call::Open {
                continue;
            }
            let (disk, root, stat) = disk_with(b"abc");
            before(&disk, call, meddle);
            let error = read(&disk, &root, &stat).unwrap_err();
            assert!(error.is_changed_meanwhile(), "{what} before {call:?}: {error}");
        }
        let (disk, root, _) = disk_with(b"abc");
        before(&disk, Call::ReadAt, meddle);
        if what != "linked" {
            let error = hash(&disk, &root).unwrap_err();
            assert!(error.is_changed_meanwhile(), "{what} while hashing: {error}");
        }
    }
}

#[test]
fn names_that_are_gone_or_no_files_have_changed() {
    let (disk, root, stat) = disk_with(b"abc");
    disk.person().remove("/copy/a");
    assert!(read(&disk, &root, &stat).unwrap_err().is_changed_meanwhile());
    assert!(hash(&disk, &root).unwrap_err().is_changed_meanwhile());
    disk.person().write("/copy/a/x", b"");
    assert!(read(&disk, &root, &stat).unwrap_err().is_changed_meanwhile());
    assert!(hash(&disk, &root).unwrap_err().is_changed_meanwhile());
}

#[test]
fn errors_of_the_disk_are_told_apart_from_changes() {
    for call in [Call::Open, Call::Fstat, Call::ReadAt] {
        let (disk, root, stat) = disk_with(b"abc");
        disk.set_fault(Some(Arc::new(move |operation: &Operation| {
            (operation.call == call).then_some(Errno::IO)
        })));
        for error in [read(&disk, &root, &stat).unwrap_err(), hash(&disk, &root).unwrap_err()] {
            assert!(matches!(error, ContentError::Io { .. }), "{call:?}: {error}");
        }
    }
}

#[test]
fn a_file_is_hashed_in_one_pass_as_if_in_one_piece() {
    let want = Want { md5: true, part_sizes: vec![1 << 20, (1 << 20) + 7] };
    for size in [0, 1, READ_BYTES - 1, READ_BYTES, READ_BYTES + 1, 3 * READ_BYTES + 5] {
        let bytes: Vec<u8> = (0..=252).cycle().take(size).collect();
        let (disk, root, stat) = disk_with(&bytes);
        let hashed = hash_file(&disk, &root, OsStr::new("a"), &want).unwrap();
        assert_eq!(hashed, Hashed { digests: Digests::of(&bytes, &want), stat }, "{size}");
    }
}

#[test]
fn the_clock_of_a_file_system_shows_its_present_tick() {
    let (disk, root, stat) = disk_with(b"abc");
    let before = now(&disk, &root).unwrap();
    assert!(before > stat.ctime && !is_racy(&stat, before));
    write(&disk, &root, "a", b"abd");
    let stat = disk.lstat(&root, OsStr::new("a")).unwrap();
    assert!(is_racy(&stat, now(&disk, &root).unwrap()));
    disk.advance(1_000_000_000);
    assert!(!is_racy(&stat, now(&disk, &root).unwrap()));
}

#[test]
fn the_real_disk_is_read_the_same_way() {
    let home = tempfile::tempdir().unwrap();
    let disk = RealDisk;
    let root = disk.open_path(home.path()).unwrap();
    let bytes = vec![7; READ_BYTES + 1];
    write(&disk, &root, "a", &bytes);
    let name = OsStr::new("a");
    let stat = disk.lstat(&root, name).unwrap();
    assert_eq!(read_small(&disk, &root, name, &stat, PART_SIZE_BYTES_MIN).unwrap(), bytes);
    let hashed = hash_file(&disk, &root, name, &Want::default()).unwrap();
    assert_eq!(hashed, Hashed { digests: Digests::of(&bytes, &Want::default()), stat });
    assert!(now(&disk, &root).unwrap() >= stat.ctime);
    std::os::unix::fs::symlink("a", home.path().join("l")).unwrap();
    let error = hash_file(&disk, &root, OsStr::new("l"), &Want::default()).unwrap_err();
    assert!(error.is_changed_meanwhile(), "{error}");
}
