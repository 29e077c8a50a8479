use std::collections::BTreeSet;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::sync::{Arc, Once};

use proptest::prelude::*;

use super::*;
use crate::disk::RealDisk;
use crate::fakes::disk::{Call, Errno, MemoryDisk, Operation, Person};
use crate::local::testing::{folder, path, root, scan, shown, write};

fn working_copy(files: &[&str]) -> (MemoryDisk, <MemoryDisk as Disk>::Folder) {
    let disk = MemoryDisk::new();
    let root = root(&disk);
    for file in files {
        write(&disk, &root, file, b"x");
    }
    (disk, root)
}

fn all<D: Disk>(disk: &D, root: &D::Folder) -> Vec<String> {
    scan(disk, root, ScanOptions::default())
}

fn only<D: Disk>(disk: &D, root: &D::Folder, scope: &str) -> Vec<String> {
    scan(disk, root, ScanOptions { scope: Some(path(scope)), ..ScanOptions::default() })
}

/// Does something just before `call` of `name`.
fn before(
    disk: &MemoryDisk,
    call: Call,
    name: &str,
    act: impl Fn(&Person) + Send + Sync + 'static,
) {
    let (name, person, once) = (OsString::from(name), disk.person(), Once::new());
    disk.set_hook(Some(Arc::new(move |operation: &Operation| {
        if operation.call == call && operation.name == name {
            once.call_once(|| act(&person));
        }
    })));
}

/// Makes `call` of `name` fail.
fn failing(disk: &MemoryDisk, call: Call, name: &str, error: Errno) {
    let name = OsString::from(name);
    disk.set_fault(Some(Arc::new(move |operation: &Operation| {
        (operation.call == call && operation.name == name).then_some(error)
    })));
}

/// Names that stand before, at and after a `/` in the order of bytes, and beyond ASCII.
const NAMES: [&str; 13] =
    ["a", "a.", "a-", "a0", "A", "aa", "b", "é", "e\u{301}", "~", " ", "\u{1f600}", "\u{ffff}"];

/// Paths of which none is a folder of another.
fn trees() -> impl Strategy<Value = BTreeSet<String>> {
    let file = prop::collection::vec(prop::sample::select(&NAMES[..]), 1..5);
    prop::collection::vec(file, 0..40).prop_map(|files| {
        let mut kept = BTreeSet::<String>::new();
        for file in files.iter().map(|names| names.join("/")) {
            let clashes = |other: &String| {
                other.starts_with(&format!("{file}/")) || file.starts_with(&format!("{other}/"))
            };
            if !kept.iter().any(clashes) {
                kept.insert(file);
            }
        }
        kept
    })
}

proptest! {
    #[test]
    fn files_come_in_the_byte_order_of_their_keys(files in trees(), tells_kinds: bool) {
        let names: Vec<&str> = files.iter().map(String::as_str).collect();
        let (disk, root) = working_copy(&names);
        disk.set_tells_kinds(tells_kinds);
        // A set of strings is sorted by their bytes.
        prop_assert_eq!(all(&disk, &root), names);
    }
}

#[test]
fn markers_of_folders_stand_where_their_files_would() {
    let (disk, root) = working_copy(&[
        ".lsyncignore",
        "a-",
        "a.txt",
        "a/x",
        "a0",
        "b/.lsync/config.yaml",
        "b/y",
        "b-",
        "c.o",
        "d/.lsyncignore",
        "d/z.o",
        "e.o/x",
    ]);
    write(&disk, &root, ".lsyncignore", b"*.o\n/a/\n");
    write(&disk, &root, "d/.lsyncignore", b"!*.o\n");
    let person = disk.person();
    person.symlink("/elsewhere", "/copy/f");
    person.pipe("/copy/g");
    assert_eq!(
        all(&disk, &root),
        [
            ".lsyncignore",
            "a-",
            "a.txt",
            "a/ ignored by .lsyncignore:2 /a/",
            "a0",
            "b-",
            "b/ nested",
            "c.o ignored by .lsyncignore:1 *.o",
            "d/.lsyncignore",
            "d/z.o",
            "e.o/ ignored by .lsyncignore:1 *.o",
            "f link",
            "g special",
        ]
    );
}

#[test]
fn a_rule_goes_before_every_other_reason_not_to_enter() {
    let (disk, root) = working_copy(&["nested/.lsync/config.yaml", "shut/x"]);
    write(&disk, &root, ".lsyncignore", b"*\n!.lsyncignore\n");
    let person = disk.person();
    person.symlink("/elsewhere", "/copy/link");
    person.pipe("/copy/special");
    person.set_mode("/copy/shut", 0);
    let items = all(&disk, &root);
    assert_eq!(items.len(), 5);
    for item in &items[1..] {
        assert!(item.ends_with(" ignored by .lsyncignore:1 *"), "{item}");
    }
}

#[test]
fn the_stat_of_a_file_is_that_of_one_lstat() {
    let (disk, root) = working_copy(&["d/a"]);
    let calls = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    disk.set_hook(Some(Arc::new(move |operation: &Operation| {
        if operation.name == "a" {
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    })));
    let items: Vec<_> =
        Scan::new(&disk, &root, ScanOptions::default()).map(Result::unwrap).collect();
    assert_eq!(calls.load(std::sync::atomic::Ordering::Relaxed), 1);
    let stat = disk.lstat(&folder(&disk, &root, "d"), OsStr::new("a")).unwrap();
    let entry = LocalEntry { path: path("d/a"), state: LocalState::File(stat) };
    assert_eq!(items, [LocalItem::Entry(entry)]);
}

#[test]
fn control_folders_of_our_own_are_passed_over_in_silence() {
    let (disk, root) = working_copy(&[".lsync/config.yaml", ".lsync/tmp/x"]);
    disk.person().mount("/copy/mount");
    disk.person().write("/copy/mount/.lsync/trash/x", b"");
    disk.person().write("/copy/mount/a", b"");
    assert_eq!(all(&disk, &root), ["mount/ top", "mount/a"]);
}

#[test]
fn other_spellings_and_places_of_the_control_folder_are_reported() {
    let (disk, root) = working_copy(&[".LSYNC/x", "d/.lsync/x", "d/e"]);
    assert_eq!(all(&disk, &root), ["? .LSYNC Path(Control)", "? d/.lsync Path(Control)", "d/e"]);
}

#[test]
fn a_repository_on_another_file_system_is_nested() {
    let (disk, root) = working_copy(&[]);
    disk.person().mount("/copy/mount");
    disk.person().write("/copy/mount/.lsync/config.yaml", b"");
    disk.person().write("/copy/mount/a", b"");
    assert_eq!(all(&disk, &root), ["mount/ nested"]);
}

#[test]
fn a_control_folder_that_is_a_link_makes_no_repository() {
    let (disk, root) = working_copy(&["d/a", "other/.lsync/config.yaml"]);
    disk.person().symlink("../other/.lsync", "/copy/d/.lsync");
    let link = "- d/.lsync Path(Control)";
    assert_eq!(all(&disk, &root), [link, "d/a", "other/ nested"]);
}

#[test]
fn folders_that_cannot_be_read_are_marked_and_their_siblings_are_read() {
    for (mode, error) in [(0, "EACCES"), (0o100, "EACCES")] {
        let (disk, root) = working_copy(&["a/x", "shut/x", "z/x"]);
        disk.person().set_mode("/copy/shut", mode);
        let items = all(&disk, &root);
        assert_eq!([&*items[0], &*items[2]], ["a/x", "z/x"], "{mode:o}");
        assert!(items[1].starts_with("shut/ unreadable: Permission denied"), "{error} {items:?}");
    }
}

#[test]
fn names_that_cannot_be_looked_at_are_marked_one_by_one() {
    let (disk, root) = working_copy(&["d/a", "d/b", "d/e/x"]);
    disk.person().set_mode("/copy/d", 0o400);
    for item in all(&disk, &root) {
        assert!(item.contains(" unreadable: Permission denied"), "{item}");
    }
    assert_eq!(all(&disk, &root).len(), 3);
    disk.set_tells_kinds(false);
    assert_eq!(all(&disk, &root).len(), 3);
}

#[test]
fn files_that_forbid_reading_are_files() {
    let (disk, root) = working_copy(&["a"]);
    disk.person().set_mode("/copy/a", 0);
    assert_eq!(all(&disk, &root), ["a"]);
}

#[test]
fn an_error_of_the_disk_marks_the_one_name() {
    for (call, name, expected) in [
        (Call::Lstat, "b", "b unreadable: "),
        (Call::OpenFolder, "d", "d/ unreadable: "),
        (Call::OpenFolder, ".lsync", "n/ unreadable: "),
        (Call::Lstat, "config.yaml", "n/ unreadable: "),
        (Call::Open, ".lsyncignore", "d/ unreadable: cannot read d/.lsyncignore: "),
    ] {
        let (disk, root) =
            working_copy(&["a", "b", "d/.lsyncignore", "d/x", "n/.lsync/config.yaml", "n/x"]);
        failing(&disk, call, name, Errno::IO);
        let items = all(&disk, &root);
        assert!(items.iter().any(|item| item.starts_with(expected)), "{call:?} {name}: {items:?}");
        assert_eq!(items.iter().filter(|item| item.contains("unreadable")).count(), 1);
        assert_eq!(items[0], "a");
    }
}

#[test]
fn below_rules_that_cannot_be_read_nothing_is_entered() {
    let (disk, root) = working_copy(&["a", "d/.lsyncignore", "d/e/x", "d/x", "z"]);
    disk.person().set_mode("/copy/d/.lsyncignore", 0);
    let items = all(&disk, &root);
    assert_eq!(items.len(), 3);
    assert!(items[1].starts_with("d/ unreadable: cannot read d/.lsyncignore: "), "{items:?}");
}

#[test]
fn a_root_that_cannot_be_read_ends_the_scan() {
    for (call, name) in [(Call::ReadFolder, ""), (Call::Open, ".lsyncignore")] {
        let (disk, root) = working_copy(&[".lsyncignore", "a"]);
        failing(&disk, call, name, Errno::IO);
        let mut scan = Scan::new(&disk, &root, ScanOptions::default());
        assert!(matches!(scan.next(), Some(Err(ScanError::Root(_)))), "{name}");
        assert!(scan.next().is_none(), "{name}");
    }
}

#[test]
fn names_that_vanish_meanwhile_are_absent() {
    for (call, name, left) in
        [(Call::Lstat, "b", ["a", "d/x"]), (Call::OpenFolder, "d", ["a", "b"])]
    {
        let (disk, root) = working_copy(&["a", "b", "d/x"]);
        before(&disk, call, name, move |person| person.remove(format!("/copy/{name}")));
        assert_eq!(all(&disk, &root), left);
    }
}

#[test]
fn a_folder_that_vanishes_once_it_is_open_is_absent() {
    let (disk, root) = working_copy(&["a", "d/x"]);
    let person = disk.person();
    disk.set_hook(Some(Arc::new(move |operation: &Operation| {
        if operation.call == Call::ReadFolder && operation.folder == Path::new("/copy/d") {
            person.remove("/copy/d");
        }
    })));
    assert_eq!(all(&disk, &root), ["a"]);
}

#[test]
fn a_folder_replaced_by_a_link_is_a_link_and_is_not_followed() {
    let (disk, root) = working_copy(&["d-", "d/x", "e/x"]);
    before(&disk, Call::OpenFolder, "d", |person| {
        person.remove("/copy/d");
        person.symlink("e", "/copy/d");
    });
    assert_eq!(all(&disk, &root), ["d-", "d/ link", "e/x"]);
}

#[test]
fn names_that_turn_into_something_else_are_marked_where_they_were() {
    let (disk, root) = working_copy(&["a", "d/x", "z"]);
    before(&disk, Call::OpenFolder, "d", |person| {
        person.remove("/copy/d");
        person.write("/copy/d", b"x");
    });
    let reason = "became something else";
    assert_eq!(all(&disk, &root), ["a", &format!("d/ {reason}"), "z"]);
    let (disk, root) = working_copy(&["a", "b", "z"]);
    before(&disk, Call::Lstat, "b", |person| {
        person.remove("/copy/b");
        person.write("/copy/b/x", b"x");
    });
    assert_eq!(all(&disk, &root), ["a", &format!("b {reason}"), "z"]);
}

#[test]
fn names_that_are_no_utf8_are_reported_with_whether_a_rule_leaves_them_alone() {
    let (disk, root) = working_copy(&["d/a"]);
    let d = folder(&disk, &root, "d");
    for name in [&b"x\xff"[..], b"y\xff.o"] {
        drop(disk.create(&d, &OsString::from_vec(name.to_vec()), 0o666).unwrap());
    }
    write(&disk, &root, ".lsyncignore", b"*.o\n");
    let items: Vec<_> =
        Scan::new(&disk, &root, ScanOptions::default()).map(Result::unwrap).collect();
    let [_, _, LocalItem::Unnameable { folder, name, fault, left_alone: false }, by_rule] =
        &items[..]
    else {
        panic!("{items:?}")
    };
    assert!(matches!(by_rule, LocalItem::Unnameable { left_alone: true, .. }));
    assert_eq!(folder.as_ref(), Some(&path("d")));
    assert_eq!(name.as_encoded_bytes(), b"x\xff");
    assert_eq!(*fault, NameFault::NotUnicode);
}

#[test]
fn paths_longer_than_the_keys_below_the_prefix_are_unmappable() {
    let (disk, root) = working_copy(&["abcd", "abcde", "ab/c", "ab/cd", "ab/cde", "abcdef/x"]);
    let options = ScanOptions { key_bytes_max: 5, ..ScanOptions::default() };
    assert_eq!(
        scan(&disk, &root, options),
        [
            "ab/c",
            "ab/cd",
            "ab/cde unmappable: Long { bytes: 6, fit: 5 }",
            "abcd",
            "abcde",
            "abcdef/ unmappable: Long { bytes: 6, fit: 5 }",
        ]
    );
}

#[test]
fn folders_are_entered_as_deep_as_keys_reach_and_no_deeper() {
    let (disk, root) = working_copy(&[]);
    let deepest = (0..1_000).fold(root, |above, _| folder(&disk, &above, "d"));
    write(&disk, &deepest, "x", b"");
    let items: Vec<_> =
        Scan::new(&disk, &root, ScanOptions::default()).map(Result::unwrap).collect();
    let [LocalItem::Unnameable { folder: Some(folder), name, .. }] = &items[..] else {
        panic!("{items:?}")
    };
    assert_eq!(folder.components().count(), KEY_BYTES_MAX / 2);
    assert_eq!(name, "d");
}

#[test]
fn a_scope_gives_what_a_whole_scan_gives_within_it() {
    let (disk, root) = working_copy(&[
        ".lsyncignore",
        "a-/x",
        "a.txt",
        "a/.lsyncignore",
        "a/b-",
        "a/b/c",
        "a/b/d.o",
        "a/b/e/f",
        "a/bb",
        "b",
    ]);
    write(&disk, &root, "a/.lsyncignore", b"*.o\n");
    let whole: Vec<LocalItem> =
        Scan::new(&disk, &root, ScanOptions::default()).map(Result::unwrap).collect();
    for scope in
        ["a", "a/b", "a/b/c", "a/b/d.o", "a/b/e", "a/b/e/f", "b", "a/b-", "gone", "a/gone/x"]
    {
        let scope = path(scope);
        let expected: Vec<String> = whole
            .iter()
            .filter(|item| matches!(item, LocalItem::Entry(e) if e.path.is_within(&scope)))
            .map(shown)
            .collect();
        assert_eq!(only(&disk, &root, scope.as_str()), expected, "{scope}");
    }
}

#[test]
fn above_a_scope_a_marked_folder_is_all_there_is() {
    let (disk, root) = working_copy(&[
        "a/b/c",
        "file",
        "n/.lsync/config.yaml",
        "n/b/c",
        "s/b/c",
        "u/.lsyncignore",
        "u/b/c",
    ]);
    write(&disk, &root, ".lsyncignore", b"/a/\n");
    let person = disk.person();
    person.symlink("a", "/copy/l");
    person.pipe("/copy/p");
    person.set_mode("/copy/s", 0);
    person.set_mode("/copy/u/.lsyncignore", 0);
    for (scope, marker) in [
        ("a/b/c", "a/ ignored by .lsyncignore:1 /a/"),
        ("a/b", "a/ ignored by .lsyncignore:1 /a/"),
        ("n/b/c", "n/ nested"),
        ("l/b", "l/ link"),
        ("p/b", "p/ special"),
        ("s/b/c", "s/ unreadable: Permission denied (os error 13)"),
        ("u/b/c", "u/ unreadable: cannot read u/.lsyncignore: Permission denied (os error 13)"),
    ] {
        assert_eq!(only(&disk, &root, scope), [marker], "{scope}");
    }
    assert_eq!(only(&disk, &root, "file/b"), [""; 0]);
    assert_eq!(only(&disk, &root, "l"), ["l link"]);
    assert_eq!(only(&disk, &root, "a"), ["a/ ignored by .lsyncignore:1 /a/"]);
}

#[test]
fn the_rules_are_those_of_the_beginning() {
    let (disk, root) = working_copy(&[".lsyncignore", "a.o", "z.o"]);
    write(&disk, &root, ".lsyncignore", b"*.o\n[a-z\n");
    let files = std::sync::Arc::new(RuleFiles::default());
    let mut scan = Scan::new(&disk, &root, ScanOptions::default()).with_rules(files.clone());
    assert_eq!(shown(&scan.next().unwrap().unwrap()), ".lsyncignore");
    write(&disk, &root, ".lsyncignore", b"");
    for name in ["a.o", "z.o"] {
        let item = shown(&scan.next().unwrap().unwrap());
        assert_eq!(item, format!("{name} ignored by .lsyncignore:1 *.o"));
    }
    assert_eq!(files.ineffective().0.len(), 1);
}

#[test]
fn a_scan_runs_on_a_thread_of_its_own() {
    let (disk, root) = working_copy(&["a"]);
    let scan = Scan::new(&disk, &root, ScanOptions::default());
    assert_eq!(std::thread::spawn(move || scan.count()).join().unwrap(), 1);
}

#[test]
fn the_real_disk_is_scanned_the_same_way() {
    let home = tempfile::tempdir().unwrap();
    let disk = RealDisk;
    let root = disk.open_path(home.path()).unwrap();
    for file in [
        "a-",
        "a.",
        "a/b",
        "a/é",
        "a/e\u{301}",
        "a0",
        "A",
        "n/.lsync/config.yaml",
        ".lsync/x",
        "d/x.o",
    ] {
        write(&disk, &root, file, b"x");
    }
    write(&disk, &root, ".lsyncignore", b"*.o\n");
    std::os::unix::fs::symlink("a", home.path().join("l")).unwrap();
    let fifo = home.path().join("p");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR).unwrap();
    drop(disk.create(&root, &OsString::from_vec(b"x\xff".to_vec()), 0o666).unwrap());
    assert_eq!(
        all(&disk, &root),
        [
            ".lsyncignore",
            "A",
            "a-",
            "a.",
            "a/b",
            "a/e\u{301}",
            "a/é",
            "a0",
            "d/x.o ignored by .lsyncignore:1 *.o",
            "l link",
            "n/ nested",
            "p special",
            "? x\u{fffd} NotUnicode",
        ]
    );
    assert_eq!(only(&disk, &root, "a/b"), ["a/b"]);
    assert_eq!(only(&disk, &root, "l/b"), ["l/ link"]);
}
