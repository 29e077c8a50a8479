//! Tests of the notes.

use super::*;
use crate::fakes::disk::MemoryDisk;

fn control(disk: &MemoryDisk) -> <MemoryDisk as Disk>::Folder {
    disk.make_path("/copy/.lsync".as_ref()).unwrap()
}

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

fn upload(of: &str) -> (Transfer, Signature) {
    let file = Signature { size: 9, mtime: 8, ctime: 7, inode: 6 };
    (Transfer::up(&path(of), &file, 4, "an \"id\": #1"), file)
}

fn download(of: &str) -> Transfer {
    Transfer::Down {
        path: of.to_owned(),
        size: 9,
        etag: "e".to_owned(),
        part_bytes: 4,
        replaces: true,
    }
}

#[test]
fn what_was_written_down_is_found_by_the_next_run() {
    let disk = MemoryDisk::new();
    let control = control(&disk);
    let (transfer, file) = upload("a: \"b\" #c\n");
    let notes = Notes::open(&disk, &control).unwrap();
    let pen = notes.begin(&transfer).unwrap();
    pen.part(2, 0xabc, Some("etag")).unwrap();
    pen.part(1, u64::MAX, None).unwrap();
    drop(notes.begin(&download("d")).unwrap());

    let notes = Notes::open(&disk, &control).unwrap();
    let place = path("a: \"b\" #c\n");
    assert!(notes.has_upload_of(&place, &file));
    assert!(!notes.has_upload_of(&place, &Signature { ctime: 0, ..file }));
    assert_eq!(notes.partial_names(), [download("d").partial_name().unwrap()]);
    let note = notes.take(Way::Up, &place).unwrap();
    assert_eq!(note.transfer, transfer);
    assert_eq!(note.parts[&2], NotedPart { crc64: 0xabc, etag: Some("etag".to_owned()) });
    assert_eq!(note.parts[&1], NotedPart { crc64: u64::MAX, etag: None });
    assert!(!note.complete);
    assert_eq!(notes.take(Way::Up, &place), None, "only once");
    assert_eq!(notes.left_over().len(), 1);
}

#[test]
fn a_torn_line_costs_its_part_and_no_other() {
    let disk = MemoryDisk::new();
    let control = control(&disk);
    let (transfer, _) = upload("a");
    let notes = Notes::open(&disk, &control).unwrap();
    let pen = notes.begin(&transfer).unwrap();
    pen.part(1, 1, None).unwrap();
    disk.write(&pen.file, b"- {\"part\": 2, \"crc\0\xff\xfe").unwrap();

    let notes = Notes::open(&disk, &control).unwrap();
    let note = notes.take(Way::Up, &path("a")).unwrap();
    assert_eq!(note.parts.keys().collect::<Vec<_>>(), [&1]);
    let pen = notes.resume(&note).unwrap();
    pen.part(3, 3, None).unwrap();
    pen.complete().unwrap();

    let note = Notes::open(&disk, &control).unwrap().take(Way::Up, &path("a")).unwrap();
    assert_eq!(note.parts.keys().collect::<Vec<_>>(), [&1, &3]);
    assert!(note.complete);
}

#[test]
fn a_note_that_was_forgotten_is_gone_and_nonsense_is_swept() {
    let disk = MemoryDisk::new();
    let control = control(&disk);
    let notes = Notes::open(&disk, &control).unwrap();
    drop(notes.begin(&download("d")).unwrap());
    notes.forget(Way::Down, "d");
    notes.forget(Way::Down, "d");
    let folder = disk.open_folder(&control, OsStr::new(TRANSFERS)).unwrap();
    disk.create(&folder, OsStr::new("nonsense"), 0o600).unwrap();
    assert!(Notes::open(&disk, &control).unwrap().left_over().is_empty());
    assert!(disk.read_folder(&folder).unwrap().is_empty());
}
