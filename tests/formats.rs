//! What earlier versions wrote is read by this one. The files in `fixtures/formats` are never edited
//! after a release.

use std::num::NonZeroUsize;
use std::path::Path;

use lsync::disk::MemoryDisk;
use lsync::remote::{Capabilities, Checksum, Conditions, ListingOrder};
use lsync::repository::{Change, DeleteLimit, Repository};
use lsync::tree::{BaseRow, Etag, RepoPath, Signature};

const CONFIG: &[u8] = include_bytes!("../fixtures/formats/version-1/config.yaml");
const DATABASE: &[u8] = include_bytes!("../fixtures/formats/version-1/database.yaml");
const JOURNAL: &[u8] = include_bytes!("../fixtures/formats/version-1/journal.yaml");

/// A working copy of version 1.
fn version_1() -> (MemoryDisk, Repository<MemoryDisk>) {
    let disk = MemoryDisk::new();
    disk.person().make_folders("/work/.lsync");
    for (name, bytes) in
        [("config.yaml", CONFIG), ("database.yaml", DATABASE), ("journal.yaml", JOURNAL)]
    {
        disk.person().write(format!("/work/.lsync/{name}"), bytes);
    }
    let repository = Repository::open(&disk, Path::new("/work")).expect("it opens");
    (disk, repository)
}

fn row(path: &str, numbers: (u64, i64, i64, u64), etag: &str, crc64: Option<u64>) -> BaseRow {
    let (size, mtime, ctime, inode) = numbers;
    BaseRow {
        path: RepoPath::parse(path).expect("a path"),
        signature: Signature { size, mtime, ctime, inode },
        etag: Etag::new(etag),
        crc64,
    }
}

/// What the fixtures say.
fn rows() -> Vec<BaseRow> {
    let second = 1_731_234_567_000_000_000;
    let text = "d41d8cd98f00b204e9800998ecf8427e";
    let folder = "5-1731234567000000000-1731234567000000000-17";
    let parts = "0cc175b9c0f1b6a831c399e269772661-3";
    let later = (48214, second + 1_000_000_000, second + 1_000_000_000, 1_234_567);
    vec![
        row(".lsyncignore", (5, second, second + 1, 41), text, None),
        row("1e3", (0, 0, 0, 0), "12345678901234567890123456789012", None),
        row("a\nb\\c\"d", (1, -1, i64::MIN, u64::MAX), folder, Some(255)),
        row("docs-1/x.txt", (7, 1, 2, 3), "aa", None),
        row("docs/a.txt", later, &parts[..32], Some(0x9b1e_4f0a_77c2_d311)),
        row("docs/c.txt", (3, 4, 5, 6), "ee", None),
        row("no", (u64::MAX, i64::MAX, 1, 2), "cc", None),
        row("été.txt", (12, second, second, 1_234_568), parts, Some(0x9b1e_4f0a_77c2_d310)),
        row("\u{2028}\u{7f}", (9, 9, 9, 9), "dd", None),
    ]
}

#[test]
fn the_config_of_version_1_is_read() {
    let (_, repository) = version_1();
    let config = &repository.config;
    assert_eq!(config.remote.url, "s3://team-files/docs");
    assert_eq!(config.remote.region.as_deref(), Some("eu-central-1"));
    assert_eq!(config.remote.endpoint.as_deref(), Some("https://s3.example.org"));
    assert_eq!(config.remote.profile.as_deref(), Some("team"));
    assert!(config.remote.path_style);
    assert_eq!((config.trash_days, config.trash_size), (14, 3 << 30));
    assert_eq!(config.max_delete, Some(DeleteLimit::Percent(25)));
    assert_eq!(config.jobs, NonZeroUsize::new(16));
    assert!(!config.backup);
    let found: Capabilities = config.store_as().unwrap().unwrap();
    assert_eq!(
        found,
        Capabilities {
            conditional_put: Conditions::Atomic,
            conditional_complete: Conditions::AtomicUnquoted,
            conditional_delete: Conditions::None,
            conditional_delete_many: Conditions::None,
            checksum: Checksum::Crc64nvme,
            etag_is_md5: true,
            etag_in_listing: true,
            listing_order: ListingOrder::Keys,
            start_after: true,
            changed_names: Vec::new(),
            versioning: false,
            file_beside_folder: true,
            read_only: false,
            probable: false,
            uploads_in_parts: true,
            undeletable: false,
        }
    );
}

#[test]
fn the_config_of_version_1_is_written_as_it_was() {
    let (disk, repository) = version_1();
    repository.save_config(&disk).unwrap();
    let written = disk.person().read("/work/.lsync/config.yaml");
    // The comment on top is for people and names what later versions can be told.
    let below_the_comment = |config: &[u8]| {
        assert!(config.starts_with(b"# Settings of lsync; "));
        let end = config.iter().position(|byte| *byte == b'\n').unwrap();
        String::from_utf8(config[end..].to_vec()).unwrap()
    };
    assert_eq!(below_the_comment(&written), below_the_comment(CONFIG));
}

#[test]
fn the_database_of_version_1_gives_its_rows() {
    let (disk, repository) = version_1();
    let database = repository.database(&disk).unwrap();
    let read: Vec<BaseRow> = database.rows(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(read, rows());
    assert_eq!(database.tracked().unwrap(), 9);
    assert_eq!(database.warnings(), Vec::<String>::new());
}

#[test]
fn the_journal_of_version_1_is_gone_on_with() {
    let (disk, repository) = version_1();
    let mut database = repository.database(&disk).unwrap();
    let change = Change::Put(rows().remove(5));
    database.record(&[change]).unwrap();
    let mut journal = JOURNAL.to_vec();
    journal.truncate(journal.iter().rposition(|byte| *byte == b'\n').unwrap() + 1);
    journal.extend_from_slice(
        b"- {path: \"docs/c.txt\", size: 3, mtime: 4, ctime: 5, inode: 6, etag: \"ee\"} # ",
    );
    let written = disk.person().read("/work/.lsync/journal.yaml");
    assert!(written.starts_with(&journal), "{}", String::from_utf8_lossy(&written));
    assert_eq!(written.len(), journal.len() + 9);
}
