//! Tests of the checkpoints.

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
    let checkpoints = Checkpoints::open(&disk, &control).unwrap();
    let writer = checkpoints.begin(&transfer).unwrap();
    writer.part(2, 0xabc, Some("etag")).unwrap();
    writer.part(1, u64::MAX, None).unwrap();
    drop(checkpoints.begin(&download("d")).unwrap());

    let checkpoints = Checkpoints::open(&disk, &control).unwrap();
    let place = path("a: \"b\" #c\n");
    assert!(checkpoints.has_upload_of(&place, &file));
    assert!(!checkpoints.has_upload_of(&place, &Signature { ctime: 0, ..file }));
    assert_eq!(checkpoints.partial_names(), [download("d").partial_name().unwrap()]);
    let checkpoint = checkpoints.take(Way::Up, &place).unwrap();
    assert_eq!(checkpoint.transfer, transfer);
    assert_eq!(
        checkpoint.parts[&2],
        CheckpointPart { crc64: 0xabc, etag: Some("etag".to_owned()) }
    );
    assert_eq!(checkpoint.parts[&1], CheckpointPart { crc64: u64::MAX, etag: None });
    assert!(!checkpoint.complete);
    assert_eq!(checkpoints.take(Way::Up, &place), None, "only once");
    assert_eq!(checkpoints.abandoned().len(), 1);
}

#[test]
fn a_torn_line_costs_its_part_and_no_other() {
    let disk = MemoryDisk::new();
    let control = control(&disk);
    let (transfer, _) = upload("a");
    let checkpoints = Checkpoints::open(&disk, &control).unwrap();
    let writer = checkpoints.begin(&transfer).unwrap();
    writer.part(1, 1, None).unwrap();
    disk.write(&writer.file, b"- {\"part\": 2, \"crc\0\xff\xfe").unwrap();

    let checkpoints = Checkpoints::open(&disk, &control).unwrap();
    let checkpoint = checkpoints.take(Way::Up, &path("a")).unwrap();
    assert_eq!(checkpoint.parts.keys().collect::<Vec<_>>(), [&1]);
    let writer = checkpoints.resume(&checkpoint).unwrap();
    writer.part(3, 3, None).unwrap();
    writer.complete().unwrap();

    let checkpoint = Checkpoints::open(&disk, &control).unwrap().take(Way::Up, &path("a")).unwrap();
    assert_eq!(checkpoint.parts.keys().collect::<Vec<_>>(), [&1, &3]);
    assert!(checkpoint.complete);
}

#[test]
fn a_note_that_was_forgotten_is_gone_and_nonsense_is_swept() {
    let disk = MemoryDisk::new();
    let control = control(&disk);
    let checkpoints = Checkpoints::open(&disk, &control).unwrap();
    drop(checkpoints.begin(&download("d")).unwrap());
    checkpoints.forget(Way::Down, "d");
    checkpoints.forget(Way::Down, "d");
    let folder = disk.open_folder(&control, OsStr::new(TRANSFERS)).unwrap();
    disk.create(&folder, OsStr::new("nonsense"), 0o600).unwrap();
    assert!(Checkpoints::open(&disk, &control).unwrap().abandoned().is_empty());
    assert!(disk.read_folder(&folder).unwrap().is_empty());
}
