//! The contract of `Disk`: one suite that the real file system and the one in memory both pass.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use lsync::disk::{Disk, Patience, RealDisk, RealFolder, is_link_error, read_whole, write_whole};
use lsync::fakes::disk::{MemoryDisk, MemoryFolder};
use lsync::tree::Kind;

/// A disk with an empty folder, and what the trait itself cannot make.
trait Bench {
    type Disk: Disk;
    fn new() -> Self;
    fn disk(&self) -> Self::Disk;
    fn root(&self) -> <Self::Disk as Disk>::Folder;
    fn path(&self) -> PathBuf;
    fn symlink(&self, target: &str, path: &str);
    fn pipe(&self, path: &str);
    /// An empty folder on another file system, if this machine has one.
    fn elsewhere(&self) -> Option<<Self::Disk as Disk>::Folder>;
}

struct Real {
    scratch: tempfile::TempDir,
    elsewhere: Option<tempfile::TempDir>,
}

impl Bench for Real {
    type Disk = RealDisk;

    fn new() -> Self {
        let elsewhere = tempfile::tempdir_in("/dev/shm").ok();
        Self { scratch: tempfile::tempdir().unwrap(), elsewhere }
    }

    fn disk(&self) -> RealDisk {
        RealDisk
    }

    fn root(&self) -> RealFolder {
        RealDisk.open_path(self.scratch.path()).unwrap()
    }

    fn path(&self) -> PathBuf {
        self.scratch.path().to_owned()
    }

    fn symlink(&self, target: &str, path: &str) {
        std::os::unix::fs::symlink(target, self.scratch.path().join(path)).unwrap();
    }

    fn pipe(&self, path: &str) {
        let path = self.scratch.path().join(path);
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    fn elsewhere(&self) -> Option<RealFolder> {
        let folder = RealDisk.open_path(self.elsewhere.as_ref()?.path()).unwrap();
        let device = |folder| RealDisk.stat_folder(folder).unwrap().device;
        (device(&folder) != device(&self.root())).then_some(folder)
    }
}

struct Memory(MemoryDisk);

impl Bench for Memory {
    type Disk = MemoryDisk;

    fn new() -> Self {
        let disk = MemoryDisk::new();
        disk.person().make_folders("/home/work");
        Self(disk)
    }

    fn disk(&self) -> MemoryDisk {
        self.0.clone()
    }

    fn root(&self) -> MemoryFolder {
        self.0.open_path("/home/work".as_ref()).unwrap()
    }

    fn path(&self) -> PathBuf {
        "/home/work".into()
    }

    fn symlink(&self, target: &str, path: &str) {
        self.0.person().symlink(target, self.path().join(path));
    }

    fn pipe(&self, path: &str) {
        self.0.person().pipe(self.path().join(path));
    }

    fn elsewhere(&self) -> Option<MemoryFolder> {
        self.0.person().mount("/elsewhere");
        Some(self.0.open_path("/elsewhere".as_ref()).unwrap())
    }
}

fn name(text: &str) -> &OsStr {
    OsStr::new(text)
}

fn put<D: Disk>(disk: &D, folder: &D::Folder, file: &str, text: &str) {
    let file = disk.create(folder, name(file), 0o644).unwrap();
    disk.write(&file, text.as_bytes()).unwrap();
}

fn get<D: Disk>(disk: &D, folder: &D::Folder, file: &str) -> Option<String> {
    read_whole(disk, folder, file).unwrap().map(|bytes| String::from_utf8(bytes).unwrap())
}

fn names<D: Disk>(disk: &D, folder: &D::Folder) -> BTreeSet<OsString> {
    disk.read_folder(folder).unwrap().iter().map(|(name, _)| name.to_owned()).collect()
}

#[track_caller]
fn fails<T>(result: io::Result<T>, kind: ErrorKind) {
    match result {
        Ok(_) => panic!("succeeded instead of {kind:?}"),
        Err(error) => assert_eq!(error.kind(), kind, "{error}"),
    }
}

/// Makes each function a test of both disks.
macro_rules! suite {
    ($($(#[$meta:meta])* fn $test:ident($bench:ident) $body:block)*) => {
        mod contract {
            use super::*;
            $($(#[$meta])* pub(super) fn $test<B: Bench>($bench: &B) $body)*
        }
        mod real_disk {
            $(#[test] fn $test() {
                super::contract::$test(&<super::Real as super::Bench>::new());
            })*
        }
        mod memory_disk {
            $(#[test] fn $test() {
                super::contract::$test(&<super::Memory as super::Bench>::new());
            })*
        }
    };
}

suite! {
    fn a_file_is_made_written_and_read_back(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        let file = disk.create(&root, name("a"), 0o640).unwrap();
        disk.write(&file, b"hello ").unwrap();
        disk.write(&file, b"world").unwrap();
        let mut buffer = [0; 32];
        assert_eq!(disk.read_at(&file, &mut buffer, 6).unwrap(), 5);
        assert_eq!(&buffer[..5], b"world");

        let again = disk.open(&root, name("a")).unwrap();
        assert_eq!(disk.fstat(&again).unwrap(), disk.lstat(&root, name("a")).unwrap());
        let stat = disk.fstat(&again).unwrap();
        assert_eq!((stat.kind, stat.size, stat.mode), (Kind::File, 11, 0o640));
        assert_eq!(stat.device, disk.stat_folder(&root).unwrap().device);
        assert_ne!(stat.inode, disk.stat_folder(&root).unwrap().inode);
        assert_eq!(get(&disk, &root, "a").unwrap(), "hello world");
        fails(disk.create(&root, name("a"), 0o644), ErrorKind::AlreadyExists);
        assert!(disk.write(&again, b"x").is_err(), "opened for reading alone");
    }

    fn reading_past_the_end_returns_nothing(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        put(&disk, &root, "a", "abc");
        let file = disk.open(&root, name("a")).unwrap();
        let mut buffer = [0; 8];
        assert_eq!(disk.read_at(&file, &mut buffer, 2).unwrap(), 1);
        assert_eq!(disk.read_at(&file, &mut buffer, 3).unwrap(), 0);
        assert_eq!(disk.read_at(&file, &mut buffer, 1 << 40).unwrap(), 0);
    }

    fn names_that_do_not_exist_are_not_found(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        let absent = name("absent");
        fails(disk.open(&root, absent), ErrorKind::NotFound);
        fails(disk.lstat(&root, absent), ErrorKind::NotFound);
        fails(disk.open_folder(&root, absent), ErrorKind::NotFound);
        fails(disk.open_beneath(&root, "absent/b"), ErrorKind::NotFound);
        fails(disk.unlink(&root, absent), ErrorKind::NotFound);
        fails(disk.remove_folder(&root, absent), ErrorKind::NotFound);
        fails(disk.rename_new((&root, absent), (&root, name("b"))), ErrorKind::NotFound);
        fails(disk.rename_over((&root, absent), (&root, name("b"))), ErrorKind::NotFound);
        fails(disk.link((&root, absent), (&root, name("b"))), ErrorKind::NotFound);
        put(&disk, &root, "b", "");
        fails(disk.exchange((&root, absent), (&root, name("b"))), ErrorKind::NotFound);
        fails(disk.exchange((&root, name("b")), (&root, absent)), ErrorKind::NotFound);
        fails(disk.open_path(&bench.path().join("absent")), ErrorKind::NotFound);
        assert_eq!(read_whole(&disk, &root, "absent").unwrap(), None);
    }

    fn what_is_no_single_component_is_refused(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        disk.make_folder(&root, name("d"), 0o755).unwrap();
        put(&disk, &root, "a", "");
        for text in ["", ".", "..", "d/x", "/d", "d/", "../d", "x\0y"] {
            let (bad, good) = (name(text), name("a"));
            fails(disk.lstat(&root, bad), ErrorKind::InvalidInput);
            fails(disk.open(&root, bad), ErrorKind::InvalidInput);
            fails(disk.open_folder(&root, bad), ErrorKind::InvalidInput);
            fails(disk.create(&root, bad, 0o644), ErrorKind::InvalidInput);
            fails(disk.open_append(&root, bad, 0o644), ErrorKind::InvalidInput);
            fails(disk.make_folder(&root, bad, 0o755), ErrorKind::InvalidInput);
            fails(disk.remove_folder(&root, bad), ErrorKind::InvalidInput);
            fails(disk.unlink(&root, bad), ErrorKind::InvalidInput);
            for (from, to) in [((&root, bad), (&root, good)), ((&root, good), (&root, bad))] {
                fails(disk.rename_new(from, to), ErrorKind::InvalidInput);
                fails(disk.rename_over(from, to), ErrorKind::InvalidInput);
                fails(disk.exchange(from, to), ErrorKind::InvalidInput);
                fails(disk.link(from, to), ErrorKind::InvalidInput);
            }
        }
        for path in ["..", "d/..", "./d", "d/../d"] {
            fails(disk.open_beneath(&root, path), ErrorKind::InvalidInput);
        }
        let long = "x".repeat(256);
        assert!(disk.create(&root, name(&long), 0o644).is_err());
        put(&disk, &root, &long[1..], "the longest name");
    }

    fn folders_are_made_opened_listed_and_removed(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        disk.make_folder(&root, name("d"), 0o700).unwrap();
        fails(disk.make_folder(&root, name("d"), 0o755), ErrorKind::AlreadyExists);
        let folder = disk.open_folder(&root, name("d")).unwrap();
        let stat = disk.stat_folder(&folder).unwrap();
        assert_eq!((stat.kind, stat.mode), (Kind::Folder, 0o700));
        assert_eq!(stat.inode, disk.lstat(&root, name("d")).unwrap().inode);
        put(&disk, &folder, "a", "");
        bench.symlink("nowhere", "d/l");
        bench.pipe("d/p");
        disk.make_folder(&folder, name("e"), 0o755).unwrap();

        for _ in 0..2 {
            let mut listed = disk.read_folder(&folder).unwrap();
            listed.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
            let kinds = [Kind::File, Kind::Folder, Kind::Link, Kind::Special];
            for ((listed, kind), (expected, expected_kind)) in
                listed.iter().zip(["a", "e", "l", "p"].into_iter().zip(kinds))
            {
                assert_eq!(listed, expected);
                assert!(kind.is_none_or(|kind| kind == expected_kind));
                assert_eq!(disk.lstat(&folder, listed).unwrap().kind, expected_kind);
            }
            assert_eq!(listed.len(), 4, "a second reading sees as much as the first");
        }

        fails(disk.remove_folder(&root, name("d")), ErrorKind::DirectoryNotEmpty);
        fails(disk.remove_folder(&folder, name("a")), ErrorKind::NotADirectory);
        assert!(disk.unlink(&folder, name("e")).is_err());
        for file in ["a", "l", "p"] {
            disk.unlink(&folder, name(file)).unwrap();
        }
        disk.remove_folder(&folder, name("e")).unwrap();
        disk.remove_folder(&root, name("d")).unwrap();
        fails(disk.create(&folder, name("late"), 0o644), ErrorKind::NotFound);
        assert!(names(&disk, &root).is_empty());
    }

    fn a_folder_that_was_read_shows_what_came_later(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        assert!(names(&disk, &root).is_empty());
        put(&disk, &root, "later", "");
        assert!(names(&disk, &root).contains(name("later")));
        assert!(names(&disk, &root.clone()).contains(name("later")));
    }

    fn paths_from_outside_follow_links_and_are_made(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        let made = disk.make_path(&bench.path().join("x/y/z")).unwrap();
        let again = disk.make_path(&bench.path().join("x/y/z")).unwrap();
        let inode = |folder: &_| disk.stat_folder(folder).unwrap().inode;
        assert_eq!(inode(&made), inode(&again));
        bench.symlink("x/y", "link");
        assert_eq!(inode(&disk.open_path(&bench.path().join("link/z")).unwrap()), inode(&made));
        assert_eq!(inode(&disk.open_beneath(&root, "x/y/z").unwrap()), inode(&made));
        assert_eq!(inode(&disk.open_beneath(&root, "").unwrap()), inode(&root));
        put(&disk, &root, "file", "");
        fails(disk.open_path(&bench.path().join("file")), ErrorKind::NotADirectory);
        fails(disk.make_path(&bench.path().join("file/below")), ErrorKind::NotADirectory);
    }

    fn links_are_never_followed(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        let folder = disk.make_path(&bench.path().join("a/b/c")).unwrap();
        put(&disk, &folder, "file", "behind the link");
        bench.symlink("a/b/c/file", "to_file");
        bench.symlink("a", "to_folder");
        bench.symlink("nowhere", "dangling");

        for link in ["to_file", "to_folder", "dangling"] {
            assert!(is_link_error(&disk.open(&root, name(link)).err().unwrap()), "{link}");
            let error = disk.open_append(&root, name(link), 0o644).err().unwrap();
            assert!(is_link_error(&error), "{link}");
            fails(disk.create(&root, name(link), 0o644), ErrorKind::AlreadyExists);
            fails(disk.open_folder(&root, name(link)), ErrorKind::NotADirectory);
            fails(disk.open_beneath(&root, link), ErrorKind::NotADirectory);
            assert_eq!(disk.lstat(&root, name(link)).unwrap().kind, Kind::Link);
            fails(disk.remove_folder(&root, name(link)), ErrorKind::NotADirectory);
        }
        fails(disk.open(&root, name("absent")), ErrorKind::NotFound);

        disk.rename_new((&root, name("to_file")), (&root, name("renamed"))).unwrap();
        assert_eq!(disk.lstat(&root, name("renamed")).unwrap().kind, Kind::Link);
        disk.link((&root, name("renamed")), (&root, name("second"))).unwrap();
        assert_eq!(disk.lstat(&root, name("second")).unwrap().kind, Kind::Link);
        disk.unlink(&root, name("renamed")).unwrap();
        assert_eq!(get(&disk, &folder, "file").unwrap(), "behind the link");
    }

    fn a_link_or_a_file_at_any_position_of_a_path_is_no_folder(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        let folder = disk.make_path(&bench.path().join("a/b/c")).unwrap();
        put(&disk, &folder, "file", "");
        bench.symlink("a", "first");
        bench.symlink("b", "a/second");
        bench.symlink("c", "a/b/third");
        bench.symlink("..", "a/b/up");
        bench.symlink("/", "a/b/top");
        disk.open_beneath(&root, "a/b/c").unwrap();
        for path in [
            "first", "first/b/c", "a/second", "a/second/c", "a/b/third", "a/b/up", "a/b/up/b",
            "a/b/top", "a/b/c/file", "a/b/c/file/x",
        ] {
            fails(disk.open_beneath(&root, path), ErrorKind::NotADirectory);
        }
    }

    fn a_pipe_does_not_block_and_a_folder_is_not_read_as_a_file(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        bench.pipe("pipe");
        let pipe = disk.open(&root, name("pipe")).unwrap();
        assert_eq!(disk.fstat(&pipe).unwrap().kind, Kind::Special);
        assert!(disk.read_at(&pipe, &mut [0; 8], 0).is_err());
        disk.make_folder(&root, name("d"), 0o755).unwrap();
        let folder = disk.open(&root, name("d")).unwrap();
        assert_eq!(disk.fstat(&folder).unwrap().kind, Kind::Folder);
        fails(disk.read_at(&folder, &mut [0; 8], 0), ErrorKind::IsADirectory);
        fails(disk.open_append(&root, name("d"), 0o644), ErrorKind::IsADirectory);
        put(&disk, &root, "file", "");
        fails(disk.open_folder(&root, name("file")), ErrorKind::NotADirectory);
        fails(disk.open_folder(&root, name("pipe")), ErrorKind::NotADirectory);
    }

    fn appending_goes_on_after_reopening(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        let file = disk.open_append(&root, name("log"), 0o600).unwrap();
        disk.write(&file, b"one ").unwrap();
        drop(file);
        let file = disk.open_append(&root, name("log"), 0o644).unwrap();
        disk.write(&file, b"two ").unwrap();
        disk.truncate(&file, 4).unwrap();
        disk.write(&file, b"three").unwrap();
        let mut buffer = [0; 16];
        assert_eq!(disk.read_at(&file, &mut buffer, 0).unwrap(), 9);
        assert_eq!(get(&disk, &root, "log").unwrap(), "one three");
        assert_eq!(disk.fstat(&file).unwrap().mode, 0o600);
    }

    fn truncating_cuts_and_grows_with_zeros(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        let file = disk.create(&root, name("a"), 0o644).unwrap();
        disk.write(&file, b"abcdef").unwrap();
        disk.truncate(&file, 2).unwrap();
        disk.truncate(&file, 4).unwrap();
        assert_eq!(get(&disk, &root, "a").unwrap(), "ab\0\0");
        let reader = disk.open(&root, name("a")).unwrap();
        assert!(disk.truncate(&reader, 0).is_err());
    }

    fn mtimes_keep_their_nanoseconds_also_before_1970(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        let file = disk.create(&root, name("a"), 0o644).unwrap();
        for mtime in [1_731_234_567_123_456_789, 0, 1, -1, -1_500_000_000, -86_400_000_000_000] {
            disk.set_mtime(&file, mtime).unwrap();
            assert_eq!(disk.fstat(&file).unwrap().mtime, mtime);
            assert_eq!(disk.lstat(&root, name("a")).unwrap().mtime, mtime);
        }
        assert!(disk.fstat(&file).unwrap().ctime > 1_600_000_000_000_000_000);
    }

    fn mode_bits_are_set_whatever_the_umask(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        let file = disk.create(&root, name("a"), 0o666).unwrap();
        assert_eq!(disk.fstat(&file).unwrap().mode & !0o666, 0);
        for mode in [0o777, 0o640, 0o666] {
            disk.set_mode(&file, mode).unwrap();
            assert_eq!(disk.lstat(&root, name("a")).unwrap().mode, mode);
        }
        disk.make_folder(&root, name("d"), 0o755).unwrap();
        let folder = disk.open_folder(&root, name("d")).unwrap();
        disk.set_folder_mode(&folder, 0o2775).unwrap();
        assert_eq!(disk.stat_folder(&folder).unwrap().mode, 0o2775);
        disk.make_folder(&folder, name("inherits"), 0o755).unwrap();
        assert_eq!(disk.lstat(&folder, name("inherits")).unwrap().mode & 0o2000, 0o2000);
    }

    fn a_file_keeps_its_group_and_its_attributes_and_a_folder_hands_on_its_group(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        let file = disk.create(&root, name("a"), 0o644).unwrap();
        let before = disk.attributes(&file).unwrap();
        assert!(before.user.is_empty() && before.acl.is_none(), "{before:?}");
        disk.set_group(&file, before.group).unwrap();
        disk.set_acl(&file, None).unwrap();
        let author = name("user.author");
        if let Err(error) = disk.set_attribute(&file, author, b"Ada") {
            // Not every file system has them.
            assert_eq!(error.kind(), ErrorKind::Unsupported);
        } else {
            disk.set_attribute(&file, author, b"").unwrap();
            disk.set_attribute(&file, author, b"Ada Lovelace").unwrap();
            let read = disk.attributes(&disk.open(&root, name("a")).unwrap()).unwrap();
            assert_eq!(read.user[author], b"Ada Lovelace");
            assert_eq!(read.group, before.group);
        }
        disk.make_folder(&root, name("d"), 0o755).unwrap();
        let folder = disk.open_folder(&root, name("d")).unwrap();
        for mode in [0o755, 0o2755] {
            disk.set_folder_mode(&folder, mode).unwrap();
            let inherited = disk.inherited(&folder).unwrap();
            let new = disk.create(&folder, name(&format!("{mode:o}")), 0o644).unwrap();
            assert_eq!(disk.attributes(&new).unwrap(), inherited);
        }
    }

    fn rename_new_never_replaces(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        put(&disk, &root, "a", "a");
        put(&disk, &root, "b", "b");
        disk.make_folder(&root, name("empty"), 0o755).unwrap();
        disk.make_folder(&root, name("d"), 0o755).unwrap();
        bench.symlink("nowhere", "dangling");
        for from in ["a", "d", "dangling"] {
            for to in ["b", "empty", "dangling", from] {
                let result = disk.rename_new((&root, name(from)), (&root, name(to)));
                fails(result, ErrorKind::AlreadyExists);
            }
        }
        assert_eq!(get(&disk, &root, "b").unwrap(), "b");
        let folder = disk.open_folder(&root, name("d")).unwrap();
        let before = disk.lstat(&root, name("a")).unwrap();
        disk.rename_new((&root, name("a")), (&folder, name("moved"))).unwrap();
        let after = disk.lstat(&folder, name("moved")).unwrap();
        let kept = |stat: lsync::tree::Stat| (stat.inode, stat.size, stat.mtime, stat.mode);
        assert_eq!(kept(before), kept(after));
        fails(disk.lstat(&root, name("a")), ErrorKind::NotFound);
        disk.rename_new((&root, name("d")), (&root, name("e"))).unwrap();
        assert_eq!(get(&disk, &folder, "moved").unwrap(), "a", "the handle moves along");
        let inside = disk.rename_new((&root, name("e")), (&folder, name("self")));
        fails(inside, ErrorKind::InvalidInput);
    }

    fn rename_over_replaces_a_file_and_keeps_open_ones(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        put(&disk, &root, "a", "new");
        put(&disk, &root, "b", "old");
        let old = disk.open(&root, name("b")).unwrap();
        disk.rename_over((&root, name("a")), (&root, name("b"))).unwrap();
        assert_eq!(get(&disk, &root, "b").unwrap(), "new");
        assert_eq!(get(&disk, &root, "a"), None);
        let mut buffer = [0; 3];
        disk.read_at(&old, &mut buffer, 0).unwrap();
        assert_eq!(&buffer, b"old", "an open file outlives its name");
        disk.make_folder(&root, name("d"), 0o755).unwrap();
        let over = disk.rename_over((&root, name("b")), (&root, name("d")));
        fails(over, ErrorKind::IsADirectory);
        disk.link((&root, name("b")), (&root, name("c"))).unwrap();
        disk.rename_over((&root, name("b")), (&root, name("c"))).unwrap();
        assert_eq!(get(&disk, &root, "b"), get(&disk, &root, "c"), "two names of one file stay");
    }

    fn exchange_swaps_whatever_the_kinds(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        put(&disk, &root, "file", "text");
        let folder = disk.make_path(&bench.path().join("folder")).unwrap();
        put(&disk, &folder, "inner", "inner");
        let (file, inner) = ((&root, name("file")), (&folder, name("inner")));
        disk.exchange(file, (&root, name("folder"))).unwrap();
        assert_eq!(disk.lstat(&root, name("file")).unwrap().kind, Kind::Folder);
        assert_eq!(get(&disk, &root, "folder").unwrap(), "text");
        assert_eq!(get(&disk, &folder, "inner").unwrap(), "inner");
        disk.exchange(inner, (&root, name("folder"))).unwrap();
        assert_eq!(get(&disk, &folder, "inner").unwrap(), "text");
        assert_eq!(get(&disk, &root, "folder").unwrap(), "inner");
        bench.symlink("nowhere", "link");
        disk.exchange((&root, name("link")), (&root, name("folder"))).unwrap();
        assert_eq!(disk.lstat(&root, name("folder")).unwrap().kind, Kind::Link);
        fails(disk.exchange(file, inner), ErrorKind::Unsupported);
    }

    fn a_file_has_two_names_after_link(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        put(&disk, &root, "a", "text");
        put(&disk, &root, "taken", "");
        fails(disk.link((&root, name("a")), (&root, name("taken"))), ErrorKind::AlreadyExists);
        disk.link((&root, name("a")), (&root, name("b"))).unwrap();
        let inode = |of| disk.lstat(&root, name(of)).unwrap().inode;
        assert_eq!(inode("a"), inode("b"));
        disk.unlink(&root, name("a")).unwrap();
        assert_eq!(get(&disk, &root, "b").unwrap(), "text");
        disk.make_folder(&root, name("d"), 0o755).unwrap();
        fails(disk.link((&root, name("d")), (&root, name("e"))), ErrorKind::Unsupported);
    }

    fn nothing_moves_to_another_file_system(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        let Some(elsewhere) = bench.elsewhere() else { return };
        put(&disk, &root, "a", "a");
        put(&disk, &elsewhere, "b", "b");
        let (a, b, c) = ((&root, name("a")), (&elsewhere, name("b")), (&elsewhere, name("c")));
        fails(disk.rename_new(a, c), ErrorKind::CrossesDevices);
        fails(disk.rename_over(a, b), ErrorKind::CrossesDevices);
        fails(disk.exchange(a, b), ErrorKind::CrossesDevices);
        fails(disk.link(a, c), ErrorKind::CrossesDevices);
        assert_eq!(get(&disk, &root, "a").unwrap(), "a");
        assert_eq!(get(&disk, &elsewhere, "b").unwrap(), "b");
        let device = |folder| disk.stat_folder(folder).unwrap().device;
        assert_ne!(device(&root), device(&elsewhere));
    }

    fn names_are_bytes(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        let odd: BTreeSet<OsString> =
            [b"caf\xe9".as_slice(), b"line\nbreak", b"\xff\xfe", b"-rf", b"a\\b:c", b"...", b" "]
                .into_iter()
                .map(|bytes| OsStr::from_bytes(bytes).to_owned())
                .collect();
        for odd in &odd {
            let file = disk.create(&root, odd, 0o644).unwrap();
            disk.write(&file, odd.as_bytes()).unwrap();
        }
        assert_eq!(names(&disk, &root), odd);
        for odd in &odd {
            assert_eq!(disk.lstat(&root, odd).unwrap().size, odd.len() as u64);
            disk.unlink(&root, odd).unwrap();
        }
        assert!(names(&disk, &root).is_empty());
    }

    fn a_folder_of_ten_thousand_names_is_read_whole(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        let expected: BTreeSet<OsString> =
            (0..10_000).map(|number| format!("the name of number {number}").into()).collect();
        for name in &expected {
            disk.create(&root, name, 0o644).unwrap();
        }
        for _ in 0..2 {
            let mut listed = disk.read_folder(&root).unwrap();
            assert_eq!(listed.len(), 10_000);
            listed.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
            assert!(listed.iter().map(|(name, _)| name).eq(expected.iter().map(OsString::as_os_str)));
        }
    }

    fn a_lock_keeps_others_out_until_its_file_is_dropped(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        let open = || disk.open_append(&root, name("lock"), 0o600).unwrap();
        let (first, second) = (open(), open());
        assert!(disk.lock(&first, Patience::Try).unwrap());
        assert!(disk.lock(&first, Patience::Wait).unwrap(), "it is ours already");
        assert!(!disk.lock(&second, Patience::Try).unwrap());
        drop(open());
        assert!(!disk.lock(&second, Patience::Try).unwrap(), "only the holder ends it");
        drop(first);
        assert!(disk.lock(&second, Patience::Try).unwrap());

        let waiting = open();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| disk.lock(&waiting, Patience::Wait).unwrap());
            drop(second);
            assert!(waiter.join().unwrap());
        });
    }

    fn everything_can_be_synced(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        let file = disk.create(&root, name("a"), 0o644).unwrap();
        disk.write(&file, b"a").unwrap();
        disk.sync_file(&file).unwrap();
        disk.sync_file(&disk.open(&root, name("a")).unwrap()).unwrap();
        disk.sync_folder(&root).unwrap();
        if let Err(error) = disk.sync_file_system(&root) {
            assert_eq!(error.kind(), ErrorKind::Unsupported);
        }
        assert!(!disk.is_network(&root).unwrap());
        assert!(disk.free_bytes(&root).unwrap() > 0);
    }

    fn whole_files_are_replaced_and_read(bench) {
        let (disk, root) = (bench.disk(), bench.root());
        put(&disk, &root, "config.new", "left by a crash");
        for text in ["one", "", "three"] {
            write_whole(&disk, &root, "config", text.as_bytes()).unwrap();
            assert_eq!(get(&disk, &root, "config").unwrap(), text);
        }
        assert_eq!(names(&disk, &root), BTreeSet::from(["config".into()]));
    }
}
