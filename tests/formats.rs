//! What earlier versions wrote is read by this one. The files in `fixtures/formats` are never edited
//! after a release.

use std::num::NonZeroUsize;
use std::path::Path;

use lsync::fakes::disk::MemoryDisk;
use lsync::remote::{Capabilities, Checksum, Conditions, ListingOrder};
use lsync::repository::checkpoints::{CheckpointPart, Checkpoints, Transfer, Way};
use lsync::repository::{Change, DeleteLimit, Repository, mounts};
use lsync::tree::{BaseRow, Content, PartMd5s, RepoPath, Signature, Token};

const CONFIG: &[u8] = include_bytes!("../fixtures/formats/version-1/config.yaml");

/// Checkpoints of two transfers, which are called by their paths.
const UPLOAD: &str = "transfers/up-32c4b98da5d17e60.yaml";
const DOWNLOAD: &str = "transfers/down-1c1cdf27418f2118.yaml";

/// Folders of `fixtures/formats`.
const VERSIONS: [u32; 2] = [1, 2];

/// Returns a file of a version.
fn fixture(version: u32, name: &str) -> Vec<u8> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/formats");
    std::fs::read(top.join(format!("version-{version}")).join(name)).expect("the file is there")
}

/// A working copy whose database is of a version. (The config has only one.)
fn working_copy(version: u32) -> (MemoryDisk, Repository<MemoryDisk>) {
    let disk = MemoryDisk::new();
    disk.person().make_folders("/work/.lsync/transfers");
    disk.person().write("/work/.lsync/config.yaml", CONFIG);
    for name in ["database.yaml", "journal.yaml", "mounts.yaml", UPLOAD, DOWNLOAD] {
        disk.person().write(format!("/work/.lsync/{name}"), fixture(version, name));
    }
    let repository = Repository::open(&disk, Path::new("/work")).expect("it opens");
    (disk, repository)
}

/// A working copy of version 1.
fn version_1() -> (MemoryDisk, Repository<MemoryDisk>) {
    working_copy(1)
}

fn row(path: &str, numbers: (u64, i64, i64, u64), etag: &str, crc64: Option<u64>) -> BaseRow {
    let (size, mtime, ctime, inode) = numbers;
    let (path, token) = (RepoPath::parse(path).expect("a path"), Token::new(etag));
    let content = Content::of_size(size).with_crc64(crc64);
    // A row of version 1 has no checksum exactly where the ETag is known to be the MD5.
    let content = content.with_md5(token.hex().filter(|_| crc64.is_none()));
    BaseRow::plain(path, Signature { size, mtime, ctime, inode }, token, content)
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
fn the_database_of_version_2_gives_its_rows() {
    let (disk, repository) = working_copy(2);
    let database = repository.database(&disk).unwrap();
    let read: Vec<BaseRow> = database.rows(None).unwrap().map(Result::unwrap).collect();
    let part_md5s = PartMd5s::parse("0cc175b9c0f1b6a831c399e269772661-2");
    let content = Content::of_size(100)
        .with_md5(Token::new("9e107d9d372bb6826bd81d3542a419d6").hex())
        .with_part_md5s(part_md5s)
        .with_crc64(Some(0x9b1e_4f0a_77c2_d312))
        .with_crc32c(Some(0xe306_9283));
    let signature = Signature { size: 100, mtime: 1, ctime: 2, inode: 3 };
    let token = Token::new("1731234567000042");
    let path = RepoPath::parse("zipped.txt").unwrap();
    let mut zipped = BaseRow::plain(path, signature, token, content);
    zipped.version.size = 40;
    zipped.properties.set("x", "\"\n".to_owned());
    zipped.properties.set("cache-control", "no-cache".to_owned());
    let mut expected = rows();
    expected.insert(7, zipped);
    assert_eq!(read, expected);
    assert_eq!(database.warnings(), Vec::<String>::new());
}

#[test]
fn a_run_that_records_nothing_leaves_the_database_of_version_1_as_it_is() {
    let (disk, repository) = version_1();
    let before = disk.operations();
    let mut database = repository.database(&disk).unwrap();
    assert_eq!(database.rows(None).unwrap().count(), 9);
    database.record(&[]).unwrap();
    database.finish().unwrap();
    assert_eq!(disk.operations(), before);
}

#[test]
fn the_first_record_writes_the_database_of_version_1_as_version_2() {
    let (disk, repository) = version_1();
    let mut database = repository.database(&disk).unwrap();
    let mut row = rows().remove(5);
    row.signature.mtime = 44;
    database.record(&[Change::Put(row.clone())]).unwrap();
    let mut expected = rows();
    expected[5] = row;
    for database in [&database, &repository.database(&disk).unwrap()] {
        let read: Vec<BaseRow> = database.rows(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(read, expected);
    }
    let text = |name| {
        let read = disk.person().read(format!("/work/.lsync/{name}"));
        String::from_utf8(read).unwrap()
    };
    let written = text("database.yaml");
    assert!(written.starts_with("- {lsync: 2, "), "{written}");
    let md5 = "version: \"d41d8cd98f00b204e9800998ecf8427e\", md5: version}\n";
    assert!(written.contains(md5) && !written.contains("etag"), "{written}");
    let journal = text("journal.yaml");
    let lines: Vec<_> = journal.lines().collect();
    assert_eq!(lines.len(), 2, "{journal}");
    assert!(lines[0].starts_with("- {lsync: 2, ") && lines[1].contains("mtime: 44"), "{journal}");
}

#[test]
fn transfers_that_earlier_versions_broke_off_are_gone_on_with() {
    for version in VERSIONS {
        let (disk, repository) = working_copy(version);
        let checkpoints = Checkpoints::open(&disk, &repository.control).unwrap();
        let path = RepoPath::parse("videos/a: \"b\" #1.mov").unwrap();
        let file = Signature {
            size: 20 << 20,
            mtime: -3,
            ctime: 1_731_234_567_000_000_000,
            inode: u64::MAX,
        };
        assert!(checkpoints.has_upload_of(&path, &file), "{version}");
        let checkpoint = checkpoints.take(Way::Up, &path).unwrap();
        assert_eq!(checkpoint.transfer, Transfer::up(&path, &file, 8 << 20, "an \"id\": #1"));
        let part = |crc64, etag: &str| CheckpointPart { crc64, etag: Some(etag.to_owned()) };
        let parts =
            [(1, part(u64::MAX, "x")), (2, part(0xabc, "9e107d9d372bb6826bd81d3542a419d6"))];
        assert_eq!((checkpoint.parts, checkpoint.complete), (parts.into(), false), "{version}");

        let checkpoint =
            checkpoints.take(Way::Down, &RepoPath::parse("docs/d.bin").unwrap()).unwrap();
        let transfer = Transfer::Down {
            path: "docs/d.bin".to_owned(),
            size: 20 << 20,
            etag: "e".to_owned(),
            part_bytes: 8 << 20,
            replaces: true,
        };
        let parts = [(3, CheckpointPart { crc64: 255, etag: None })];
        assert_eq!((checkpoint.transfer, checkpoint.parts), (transfer, parts.into()), "{version}");
        assert!(checkpoint.complete);
    }
}

#[test]
fn the_mounts_of_earlier_versions_are_read() {
    for version in VERSIONS {
        let (disk, repository) = working_copy(version);
        let mounts = mounts::load(&disk, &repository.control).unwrap();
        let expected = ["a b", "no", "x\n- y"].map(|text| RepoPath::parse(text).unwrap());
        assert_eq!(mounts, expected, "{version}");
    }
}
