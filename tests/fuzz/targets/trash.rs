//! `list.yaml` of a run in the trash: whatever it says, nothing is shown that no line holds, nothing
//! is moved out of the root or out of `.lsync`, and no byte of a person is lost.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lsync::disk::Disk as _;
use lsync::fakes::disk::{MemoryDisk, MemoryFolder};
use lsync::repository::trash::{
    self, Fate, Listed, NewEntry, Restored, Side, TrashError, TrashRun, Wanted, Why,
};
use lsync::tree::{RepoPath, Token};
use serde_yaml::{Mapping, Value};

use super::keys::check_path;
use super::working_copy;

const RUN: &str = "20261119T100211Z-ab12";

/// What lies about: in the trash, in the working copy, in `.lsync`, and outside.
const FILES: &[&str] = &[
    "/work/.lsync/trash/RUN/local/a",
    "/work/.lsync/trash/RUN/local/docs/b.txt",
    "/work/.lsync/trash/RUN/local/docs/b.txt.2",
    "/work/.lsync/trash/RUN/bucket/a",
    "/work/a",
    "/work/docs/c",
    "/work/disk/.lsync/trash/RUN/local/x",
    "/work/.lsync/config.yaml",
    "/outside/x",
];

/// Files that no list may reach.
const UNTOUCHED: &[&str] = &["/work/.lsync/config.yaml", "/outside/x", "/work/docs/c"];

pub(crate) fn target(data: &[u8]) {
    let (disk, control) = working_copy(&[]);
    for file in FILES {
        disk.person().write(file.replace("RUN", RUN), file);
    }
    disk.person().write(format!("/work/.lsync/trash/{RUN}/list.yaml"), data);
    let root = disk.open_path("/work".as_ref()).unwrap();
    let listed = trash::list(&disk, &root, &control).expect("memory does not fail");
    check_said(data, &listed);
    check_written_again(&listed);

    disk.person().write("/work/.lsync/trash/unfinished", b"");
    let before = contents(&disk);
    trash::settle(&disk, &root, &control).expect("a list stops no command");
    check_nothing_lost(&disk, &before);
    let after = contents(&disk);
    let again = trash::settle(&disk, &root, &control).unwrap();
    assert_eq!(contents(&disk), after, "settled is settled: {again:?}");
    check_restored(&disk, (&root, &control));
}

/// Returns how often which contents are on the disk, lists aside.
fn contents(disk: &MemoryDisk) -> BTreeMap<Vec<u8>, usize> {
    let mut found = BTreeMap::new();
    for (path, bytes) in disk.person().files_below("/") {
        let name = path.file_name().unwrap_or_default();
        if name != "list.yaml" && name != "unfinished" {
            *found.entry(bytes).or_insert(0) += 1;
        }
    }
    found
}

/// Everything is still somewhere, and what no list may reach is where it was.
///
/// A line that calls a file by its inode, size and mtime "ours, staged" has it removed: the lists
/// of this target do not know what those are here.
fn check_nothing_lost(disk: &MemoryDisk, before: &BTreeMap<Vec<u8>, usize>) {
    assert_eq!(contents(disk), *before);
    for file in UNTOUCHED {
        assert_eq!(disk.person().read(file), file.as_bytes(), "{file}");
    }
}

/// What is listed stands in a line, with path, side and reason.
fn check_said(data: &[u8], listed: &[Listed]) {
    let lines = data.split(|byte| *byte == b'\n');
    let said: Vec<(&[u8], Option<Mapping>)> = lines
        .map(|line| {
            let items = serde_yaml::from_slice::<Vec<Mapping>>(line).ok();
            (line, items.and_then(|items| items.into_iter().next()))
        })
        .collect();
    for it in listed {
        check_path(&it.path);
        let is_it = |(line, fields): &&(&[u8], Option<Mapping>)| {
            let is = |name, expected: &str| match fields.as_ref().map(|fields| fields.get(name)) {
                Some(Some(Value::String(text))) => text == expected,
                Some(None) => false,
                // `path: 1e3` without quotes; a field that nobody reads and that is there twice.
                Some(Some(_)) | None => String::from_utf8_lossy(line).contains(expected),
            };
            is("path", it.path.as_str()) && is("side", it.side.word()) && is("why", it.why.word())
        };
        assert!(said.iter().any(|line| is_it(&line)), "nobody wrote {it:?}");
    }
}

/// Every path and `ETag` is read as it was written.
fn check_written_again(listed: &[Listed]) {
    let (disk, control) = working_copy(&[]);
    let root = disk.open_path("/work".as_ref()).unwrap();
    let run = TrashRun::begin(&disk, &control, 0, 7);
    let mut written = Vec::new();
    for it in listed {
        let token = it.token.as_ref();
        let new = NewEntry {
            path: &it.path,
            side: it.side,
            why: it.why,
            known: false,
            token,
            staged: None,
            expected: None,
            contents: None,
        };
        let slot = match run.slot(&new, "", &control) {
            Ok(slot) => slot,
            // A name with a number behind it is too long for its folder's path.
            Err(TrashError::Io { .. } | TrashError::Full { .. }) => continue,
            Err(error) => panic!("{error}"),
        };
        let file = disk.create(&slot.folder, &slot.name, 0o600).expect("a free name");
        disk.write(&file, b"kept").unwrap();
        run.close(&slot, Fate::Kept).unwrap();
        written.push((it.path.clone(), it.side, it.why, it.token.clone(), slot.operand.clone()));
    }
    let read = trash::list(&disk, &root, &control).unwrap().into_iter().rev();
    let read: Vec<(RepoPath, Side, Why, Option<Token>, String)> =
        read.map(|it| (it.path, it.side, it.why, it.token, it.operand)).collect();
    assert_eq!(read, written);
}

/// What comes back comes to its path, which was free, and stays below the root.
fn check_restored(disk: &MemoryDisk, (root, control): (&MemoryFolder, &MemoryFolder)) {
    for it in trash::list(disk, root, control).unwrap() {
        let place = PathBuf::from("/work").join(it.path.as_str());
        let taken = disk.person().stat(&place);
        let before = contents(disk);
        // The disk may refuse; then nothing has happened.
        let wanted = [Wanted::Named(it.operand.clone())];
        let restored = trash::restore(disk, root, control, &wanted).unwrap_or_default();
        for restored in restored {
            if let Restored::PutBack { path } = restored {
                check_path(&path);
            }
        }
        if let Some(taken) = taken {
            assert_eq!(disk.person().stat(&place).map(|it| it.inode), Some(taken.inode));
        }
        check_nothing_lost(disk, &before);
    }
}
