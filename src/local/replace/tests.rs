//! Staging, folders and single operations; `tests/replace.rs` enumerates edits and crashes.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{
    Change, Lost, Outcome, Parent, ReplaceError, Staged, Staging, Target, create_new, remove, swap,
};
use crate::disk::{Attributes, Disk, RealDisk};
use crate::fakes::disk::{Call, Errno, MemoryDisk, Person};
use crate::tree::{RepoPath, Stat};

const MTIME: i64 = 1_700_000_000_123_456_789;

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

fn memory() -> (MemoryDisk, Person, Staging<MemoryDisk>) {
    let disk = MemoryDisk::new();
    let root = disk.make_path(Path::new("/repo")).unwrap();
    disk.make_path(Path::new("/repo/.lsync")).unwrap();
    let staging = Staging::open(&disk, &root, "token").unwrap();
    (disk.clone(), disk.person(), staging)
}

fn attributes(group: u32, user: &[(&str, &[u8])]) -> Attributes {
    let user = user.iter().map(|(name, value)| (OsString::from(name), value.to_vec()));
    Attributes { group, acl: Some(b"a list".to_vec()), user: user.collect() }
}

/// Stages a file for a path, in folders that are made where they are missing.
fn stage<D: Disk>(
    staging: &Staging<D>,
    at: &RepoPath,
    (bytes, mode): (&[u8], Option<u32>),
) -> (Parent<D>, Staged<D>) {
    let parent = staging.open_parent(at, true).unwrap();
    let draft = staging.stage(&staging.for_parent(&parent).unwrap(), at, mode).unwrap();
    draft.write(bytes).unwrap();
    (parent, draft.seal(MTIME).unwrap())
}

#[test]
fn a_new_file_gets_its_folders_its_mtime_and_a_row_that_is_its_stat() {
    let (disk, person, staging) = memory();
    let at = path("docs/deep/a.txt");
    let (parent, staged) = stage(&staging, &at, (b"new", None));
    let target = Target { folder: &parent.folder, path: &at };
    let outcome = create_new(&disk, &staged, &target).unwrap();
    let stat = person.stat("/repo/docs/deep/a.txt").unwrap();
    assert_eq!((outcome, stat.mtime), (Outcome::Done(stat.signature()), MTIME));
    assert!(person.files_below("/repo/.lsync/tmp").is_empty());
}

#[test]
fn an_empty_folder_gives_way_to_a_new_file_and_a_full_one_does_not() {
    let (disk, person, staging) = memory();
    let at = path("a");
    for is_empty in [true, false] {
        let (parent, staged) = stage(&staging, &at, (b"new", None));
        person.make_folders("/repo/a");
        if !is_empty {
            person.write("/repo/a/inner", "1");
        }
        let target = Target { folder: &parent.folder, path: &at };
        let outcome = create_new(&disk, &staged, &target).unwrap();
        assert_eq!(matches!(outcome, Outcome::Done(_)), is_empty, "{outcome:?}");
        assert_eq!(outcome == Outcome::Changed(Change::Present), !is_empty);
        assert_eq!(person.try_read("/repo/a").is_some(), is_empty);
        person.remove("/repo/a");
    }
    assert!(person.files_below("/repo/.lsync/tmp").is_empty());
}

#[test]
fn folders_are_never_entered_through_links_or_files() {
    let (_, person, staging) = memory();
    person.make_folders("/outside");
    person.symlink("/outside", "/repo/link");
    person.write("/repo/file", "1");
    for name in ["link", "file"] {
        let error = staging.open_parent(&path(&format!("{name}/a")), true).err().unwrap();
        assert!(matches!(error, ReplaceError::NotAFolder { path: at } if at == path(name)));
    }
    let error = staging.open_parent(&path("absent/a"), false).err().unwrap();
    assert!(matches!(error, ReplaceError::Missing { path: at } if at == path("absent")));
}

#[test]
fn the_control_folder_is_recognised_under_any_name() {
    let (disk, person, _) = memory();
    let root = disk.open_path(Path::new("/repo")).unwrap();
    let staging = Staging::open(&disk, &root, "token").unwrap();
    // As a file system would show it that folds names in a way that nobody thought of.
    person.rename("/repo/.lsync", "/repo/folded");
    let error = staging.open_parent(&path("folded/config.yaml"), true).err().unwrap();
    assert!(matches!(error, ReplaceError::Control { .. }), "{error}");
}

#[test]
fn another_file_system_has_a_workspace_of_its_own_at_its_top() {
    let (disk, person, staging) = memory();
    person.mount("/repo/media");
    let at = path("media/films/a");
    let (parent, staged) = stage(&staging, &at, (b"new", None));
    assert_eq!(parent.top, "media");
    assert_eq!(person.files_below("/repo/media/.lsync/tmp").len(), 1);
    let target = Target { folder: &parent.folder, path: &at };
    assert!(matches!(create_new(&disk, &staged, &target).unwrap(), Outcome::Done(_)));
    assert_eq!(person.stat("/repo/media/.lsync").unwrap().mode, 0o700);
    assert_eq!(person.read("/repo/media/films/a"), b"new");
    staging.remove_empty_parents(&path("media/films/a"));
    assert!(person.stat("/repo/media/films").is_some());
    person.write("/repo/media/.lsync/tmp/left", "1");
    let root = disk.open_path(Path::new("/repo")).unwrap();
    let next = Staging::open(&disk, &root, "next").unwrap();
    next.for_parent(&next.open_parent(&at, false).unwrap()).unwrap();
    assert!(person.files_below("/repo/media/.lsync/tmp").is_empty(), "swept at the first use");
}

#[test]
fn emptied_folders_go_up_to_the_first_that_is_not_and_never_the_root() {
    let (_, person, staging) = memory();
    person.make_folders("/repo/a/b/c");
    person.write("/repo/a/kept", "1");
    staging.remove_empty_parents(&path("a/b/c/gone"));
    assert_eq!(person.stat("/repo/a/b"), None);
    person.remove("/repo/a/kept");
    staging.remove_empty_parents(&path("a/kept"));
    assert_eq!(person.stat("/repo/a"), None);
    assert!(person.stat("/repo").is_some());
}

#[test]
fn leftovers_in_the_staging_folder_are_swept() {
    let (_, person, staging) = memory();
    person.write("/repo/.lsync/tmp/left", "1");
    person.make_folders("/repo/.lsync/tmp/empty");
    staging.sweep().unwrap();
    assert!(person.snapshot_below("/repo/.lsync/tmp").is_empty());
}

#[test]
fn a_row_of_a_file_that_was_touched_since_never_equals_a_stat() {
    let (disk, person, staging) = memory();
    let at = path("a");
    let (parent, staged) = stage(&staging, &at, (b"new", None));
    let target = Target { folder: &parent.folder, path: &at };
    person.write("/repo/a", "other");
    let row = super::row_signature(&disk, &target, &staged.stat);
    assert_eq!((row.ctime, row.size, row.inode), (0, 3, staged.stat.inode));
}

/// A working copy on the real file system with the file `a` of these bytes.
struct Real {
    folder: tempfile::TempDir,
    staging: Staging<RealDisk>,
    root: <RealDisk as Disk>::Folder,
}

impl Real {
    fn new(bytes: &[u8], mode: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = RealDisk.open_path(folder.path()).unwrap();
        RealDisk.make_folder(&root, OsStr::new(".lsync"), 0o700).unwrap();
        let staging = Staging::open(&RealDisk, &root, "token").unwrap();
        let file = RealDisk.create(&root, OsStr::new("a"), 0o666).unwrap();
        RealDisk.write(&file, bytes).unwrap();
        RealDisk.set_mode(&file, mode).unwrap();
        RealDisk.set_mtime(&file, MTIME - 1).unwrap();
        Self { folder, staging, root }
    }

    fn stat(&self, name: &str) -> Stat {
        RealDisk.lstat(&self.root, OsStr::new(name)).unwrap()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        let path: PathBuf = self.folder.path().join(name);
        std::fs::read(path).unwrap()
    }
}

#[test]
fn a_real_swap_keeps_the_mode_and_puts_the_old_file_into_the_slot() {
    let real = Real::new(b"old", 0o640);
    let (at, expected) = (path("a"), real.stat("a"));
    let (parent, staged) = stage(&real.staging, &at, (b"new", Some(expected.mode)));
    let target = Target { folder: &parent.folder, path: &at };
    let slot = (&real.root, OsStr::new("slot"));
    let outcome = swap(&RealDisk, &staged, &target, &expected, slot).unwrap();
    assert_eq!(outcome, Outcome::Done(real.stat("a").signature()));
    assert_eq!((real.read("a"), real.read("slot")), (b"new".to_vec(), b"old".to_vec()));
    assert_eq!((real.stat("a").mode, real.stat("a").mtime), (0o640, MTIME));
    assert_eq!(real.stat("slot").inode, expected.inode);
}

#[test]
fn a_real_file_that_was_edited_is_neither_swapped_nor_removed() {
    let real = Real::new(b"old", 0o644);
    let (at, expected) = (path("a"), real.stat("a"));
    let file = RealDisk.open_append(&real.root, OsStr::new("a"), 0o666).unwrap();
    RealDisk.truncate(&file, 0).unwrap();
    RealDisk.write(&file, b"mine").unwrap();
    let (parent, staged) = stage(&real.staging, &at, (b"new", None));
    let target = Target { folder: &parent.folder, path: &at };
    let slot = (&real.root, OsStr::new("slot"));
    let swapped = swap(&RealDisk, &staged, &target, &expected, slot).unwrap();
    assert_eq!(swapped, Outcome::Changed(Change::Touched));
    let removed = remove(&RealDisk, &target, &expected, slot).unwrap();
    assert_eq!(removed, Outcome::Changed(Change::Touched));
    assert_eq!(real.read("a"), b"mine");
    assert!(!real.folder.path().join("slot").exists());
}

#[test]
fn a_real_removal_moves_the_file_to_the_slot_and_a_taken_slot_stops_it() {
    let real = Real::new(b"old", 0o644);
    let (at, expected) = (path("a"), real.stat("a"));
    let target = Target { folder: &real.root, path: &at };
    let slot = (&real.root, OsStr::new("slot"));
    RealDisk.create(&real.root, slot.1, 0o666).unwrap();
    let error = remove(&RealDisk, &target, &expected, slot).unwrap_err();
    assert!(matches!(error, ReplaceError::SlotTaken { .. }), "{error}");
    RealDisk.unlink(&real.root, slot.1).unwrap();
    assert_eq!(remove(&RealDisk, &target, &expected, slot).unwrap(), Outcome::Done(()));
    assert_eq!(real.read("slot"), b"old");
    assert_eq!(
        remove(&RealDisk, &target, &expected, slot).unwrap(),
        Outcome::Changed(Change::Gone)
    );
}

#[test]
fn a_file_that_replaces_another_has_its_group_its_access_list_and_its_attributes() {
    let (disk, person, staging) = memory();
    person.write("/repo/a", "old");
    person.set_mode("/repo/a", 0o440);
    let kept = attributes(4242, &[("user.author", b"Ada")]);
    person.set_attributes("/repo/a", &kept);
    let (at, expected) = (path("a"), person.stat("/repo/a").unwrap());
    let parent = staging.open_parent(&at, false).unwrap();
    let draft = staging.stage(staging.main(), &at, Some(expected.mode)).unwrap();
    draft.take_after(&parent.folder, Some(&expected)).unwrap();
    let staged = draft.seal(MTIME).unwrap();
    let place = Path::new("/repo/.lsync/tmp").join(&staged.name);
    assert_eq!((person.attributes(&place), staged.stat.mode), (kept, 0o440));
    drop(disk);
}

#[test]
fn a_new_file_gets_what_its_folder_hands_on_and_not_what_the_staging_folder_does() {
    let (_disk, person, staging) = memory();
    person.make_folders("/repo/web");
    person.set_mode("/repo/web", 0o2775);
    person.set_attributes("/repo/web", &attributes(4242, &[]));
    person.set_attributes("/repo/.lsync/tmp", &attributes(1, &[]));
    let found = |at: &str| {
        let at = path(at);
        let parent = staging.open_parent(&at, false).unwrap();
        let draft = staging.stage(staging.main(), &at, None).unwrap();
        draft.take_after(&parent.folder, None).unwrap();
        let staged = draft.seal(MTIME).unwrap();
        person.attributes(Path::new("/repo/.lsync/tmp").join(&staged.name))
    };
    assert_eq!(found("web/new"), attributes(4242, &[]));
    assert_eq!(found("new"), Attributes::default());
}

#[test]
fn a_file_whose_group_or_access_list_cannot_be_kept_is_not_replaced_if_others_would_get_at_it() {
    let lost = |mode: u32, kept: &Attributes, refused: Call| {
        let (disk, person, staging) = memory();
        person.write("/repo/a", "old");
        person.set_mode("/repo/a", mode);
        person.set_attributes("/repo/a", kept);
        let (at, expected) = (path("a"), person.stat("/repo/a").unwrap());
        let parent = staging.open_parent(&at, false).unwrap();
        let draft = staging.stage(staging.main(), &at, Some(mode)).unwrap();
        disk.set_fault(Some(Arc::new(move |operation| {
            (operation.call == refused).then_some(Errno::PERM)
        })));
        match draft.take_after(&parent.folder, Some(&expected)) {
            Ok(()) => None,
            Err(ReplaceError::Widens { lost, .. }) => Some(lost),
            Err(other) => panic!("{other}"),
        }
    };
    let of_another_group = Attributes { group: 4242, ..Attributes::default() };
    assert_eq!(lost(0o640, &of_another_group, Call::SetGroup), Some(Lost::Group));
    assert_eq!(lost(0o604, &of_another_group, Call::SetGroup), Some(Lost::Group));
    assert_eq!(lost(0o644, &of_another_group, Call::SetGroup), None);
    assert_eq!(lost(0o644, &attributes(0, &[]), Call::SetAcl), Some(Lost::AccessList));
    assert_eq!(lost(0o640, &Attributes::default(), Call::Open), Some(Lost::Unreadable));
    assert_eq!(lost(0o600, &Attributes::default(), Call::Open), None);
    let with_attribute = attributes(0, &[("user.author", b"Ada")]);
    assert_eq!(lost(0o640, &with_attribute, Call::SetAttribute), None);
}
