use super::*;
use crate::clock::rfc3339;
use crate::disk::RealDisk;
use crate::fakes::disk::{Errno, MemoryDisk};
use crate::tree::{BaseRow, Content, Signature, Token};

fn config() -> Config {
    Config::new(RemoteConfig { url: "s3://team-files".into(), ..RemoteConfig::default() })
}

fn create(disk: &MemoryDisk, root: &str) -> Result<Repository<MemoryDisk>, RepositoryError> {
    Repository::create(disk, Path::new(root), &config())
}

#[test]
fn a_new_repository_is_found_from_its_root_and_from_below() {
    let disk = MemoryDisk::new();
    let made = create(&disk, "/home/me/work").unwrap();
    assert_eq!(disk.lstat(&made.root, OsStr::new(CONTROL)).unwrap().mode & 0o777, 0o700);
    for name in [STAGING, TRASH] {
        disk.open_folder(&made.control, OsStr::new(name)).unwrap();
    }
    disk.person().make_folders("/home/me/work/docs/été");
    for (start, inside) in [
        ("/home/me/work", None),
        ("/home/me/work/", None),
        ("/home/me/work/docs/été", Some("docs/été")),
        ("/home/me/work/docs/../other/./x", Some("other/x")),
    ] {
        let (found, path) = Repository::discover(&disk, Path::new(start)).unwrap();
        assert_eq!(found.root_path, Path::new("/home/me/work"));
        assert_eq!(found.config, config());
        assert_eq!(path.as_ref().map(RepoPath::as_str), inside, "{start}");
    }
}

#[test]
fn outside_of_any_repository_the_error_names_where_the_search_began() {
    let disk = MemoryDisk::new();
    create(&disk, "/home/me/work").unwrap();
    // A folder of its own on another file system has no config.
    disk.person().make_folders("/home/me/other/.lsync/tmp");
    for start in ["/", "/home/me", "/home/me/other", "/nowhere"] {
        let error = Repository::discover(&disk, Path::new(start)).err().expect(start);
        assert_eq!(error.to_string(), format!("not a repository: {start}"));
        assert!(error.hint().unwrap().contains("lsync init"));
        assert!(matches!(
            Repository::open(&disk, Path::new(start)),
            Err(RepositoryError::NotARepository { .. })
        ));
    }
}

#[test]
fn inside_the_control_folder_there_is_no_path() {
    let disk = MemoryDisk::new();
    create(&disk, "/w").unwrap();
    let error = Repository::discover(&disk, Path::new("/w/.lsync/trash")).err().unwrap();
    assert_eq!(error.to_string(), "cannot work in /w/.lsync/trash: the path leads into .lsync");
}

#[test]
fn a_repository_is_not_made_inside_or_over_another_one() {
    let disk = MemoryDisk::new();
    create(&disk, "/w").unwrap();
    let before = disk.person().snapshot();
    let error = create(&disk, "/w/a/b").err().unwrap();
    assert!(matches!(&error, RepositoryError::Inside { outer, .. } if outer == Path::new("/w")));
    assert!(matches!(create(&disk, "/w").err(), Some(RepositoryError::Exists { .. })));
    assert_eq!(disk.person().snapshot(), before);
    // A name that merely begins like it is outside.
    create(&disk, "/ww").unwrap();
}

#[test]
fn a_repository_is_made_whole_or_not_at_all() {
    for number in 1.. {
        let disk = MemoryDisk::new();
        disk.fail_operation(number, Errno::NOSPC);
        if create(&disk, "/w").is_ok() {
            assert!(number > 5);
            return;
        }
        // Only the last sync can fail of one that is whole.
        if let Ok(made) = Repository::open(&disk, Path::new("/w")) {
            assert_eq!(made.config, config());
        } else {
            create(&disk, "/w").unwrap();
        }
        for name in [STAGING, TRASH] {
            disk.open_path(&Path::new("/w/.lsync").join(name)).unwrap();
        }
    }
}

#[test]
fn a_saved_config_replaces_the_old_one() {
    let disk = MemoryDisk::new();
    let mut repository = create(&disk, "/w").unwrap();
    repository.config.trash_days = 5;
    repository.save_config(&disk).unwrap();
    assert_eq!(Repository::open(&disk, Path::new("/w")).unwrap().config.trash_days, 5);
}

#[test]
fn a_broken_config_is_an_error_with_file_field_and_hint() {
    let disk = MemoryDisk::new();
    create(&disk, "/w").unwrap();
    disk.person().write("/w/.lsync/config.yaml", "version: 1\nremote: {url: a, regoin: b}\n");
    let error = Repository::open(&disk, Path::new("/w")).err().unwrap();
    assert_eq!(error.to_string(), "cannot read /w/.lsync/config.yaml");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "unknown field \"regoin\"");
    assert_eq!(error.hint().as_deref(), Some("did you mean \"region\"?"));
}

#[test]
fn the_lock_is_held_once_and_names_its_holder() {
    let disk = MemoryDisk::new();
    let repository = create(&disk, "/w").unwrap();
    let before = disk.operations();
    assert_eq!(repository.lock_holder(&disk).unwrap(), None);
    assert_eq!(disk.operations(), before);
    let lock = repository.lock(&disk, "sync").unwrap();
    let own = std::process::id();
    assert_eq!(disk.person().read("/w/.lsync/lock"), format!("{own}\nsync\n").as_bytes());
    let other = disk.process();
    let theirs = Repository::open(&other, Path::new("/w")).unwrap();
    let holder = theirs.lock_holder(&other).unwrap().unwrap();
    assert_eq!((holder.process, holder.command.as_deref()), (Some(own), Some("sync")));
    let error = theirs.lock(&other, "push").unwrap_err();
    let since = rfc3339(holder.since);
    assert_eq!(
        error.to_string(),
        format!("locked by another lsync (`lsync sync`, process {own}, since {since})")
    );
    assert_eq!(disk.person().read("/w/.lsync/lock"), format!("{own}\nsync\n").as_bytes());
    drop(lock);
    assert_eq!(theirs.lock_holder(&other).unwrap(), None);
    theirs.lock(&other, "sync").unwrap();
}

#[test]
fn a_holder_that_cannot_be_read_is_somebody_all_the_same() {
    let disk = MemoryDisk::new();
    let repository = create(&disk, "/w").unwrap();
    let lock = repository.lock(&disk, "sync").unwrap();
    disk.person().write("/w/.lsync/lock", "nonsense");
    let holder = repository.lock_holder(&disk).unwrap().unwrap();
    assert_eq!((holder.process, holder.command), (None, None));
    let error = repository.lock(&disk, "sync").unwrap_err();
    assert!(error.to_string().starts_with("locked by another lsync (since "), "{error}");
    // As versions wrote it that named no command.
    disk.person().write("/w/.lsync/lock", "17\n");
    let holder = repository.lock_holder(&disk).unwrap().unwrap();
    assert_eq!((holder.process, holder.command), (Some(17), None));
    drop(lock);
}

#[test]
fn the_database_is_that_of_the_configs_remote() {
    let disk = MemoryDisk::new();
    let repository = create(&disk, "/w").unwrap();
    let change = Change::Gone(RepoPath::parse("a").unwrap());
    repository.database(&disk).unwrap().record(&[change]).unwrap();
    let text = String::from_utf8(disk.person().read("/w/.lsync/database.yaml")).unwrap();
    assert_eq!(text, "- {lsync: 2, remote: \"s3://team-files\", endpoint: \"\"}\n");
}

#[test]
fn all_of_it_works_on_the_disk_of_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, root) = (RealDisk, folder.path().join("a/b"));
    let repository = Repository::create(&disk, &root, &config()).unwrap();
    assert_eq!(repository.lock_holder(&disk).unwrap(), None);
    let lock = repository.lock(&disk, "sync").unwrap();
    let holder = repository.lock_holder(&disk).unwrap().unwrap();
    assert_eq!(holder.process, Some(std::process::id()));
    assert!(matches!(
        repository.lock(&disk, "sync"),
        Err(RepositoryError::Locked { holder: told }) if told == holder
    ));
    drop(lock);
    assert_eq!(repository.lock_holder(&disk).unwrap(), None);
    let (found, inside) = Repository::discover(&disk, &root.join("c")).unwrap();
    assert_eq!((found.config, inside), (config(), Some(RepoPath::parse("c").unwrap())));

    // Enough for a rewrite at the end of the run, and for some more blocks of reading.
    let rows: Vec<BaseRow> = (0..40_000)
        .map(|number| {
            let path = format!("folder/{number:05}/{}", "x".repeat(100));
            let signature = Signature { size: number, mtime: 1, ctime: 2, inode: 3 };
            let token = Token::new("9e107d9d372bb6826bd81d3542a419d6");
            let content = Content::of_size(number).with_crc64(Some(number));
            BaseRow::plain(RepoPath::parse(&path).unwrap(), signature, token, content)
        })
        .collect();
    let mut database = repository.database(&disk).unwrap();
    for group in rows.chunks(1_024) {
        let changes: Vec<_> = group.iter().cloned().map(Change::Put).collect();
        database.record(&changes).unwrap();
    }
    database.finish().unwrap();
    let journal = disk.lstat(&repository.control, OsStr::new("journal.yaml")).unwrap();
    assert!(journal.size < 8 << 20);
    let database = repository.database(&disk).unwrap();
    assert!(database.rows(None).unwrap().map(Result::unwrap).eq(rows.iter().cloned()));
    let scope = rows[20_000].path.parent().unwrap();
    let below: Vec<_> = database.rows(Some(&scope)).unwrap().map(Result::unwrap).collect();
    assert_eq!(below, rows[20_000..=20_000]);
}
