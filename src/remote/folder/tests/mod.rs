mod durable;
mod races;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};

use futures_util::FutureExt as _;

use bytes::Bytes;

use super::stage::crc64_of;
use super::*;
use crate::disk::RealDisk;
use crate::fakes::disk::{Call, Crash, Errno, MemoryDisk};
use crate::remote::Listed;
use crate::tree::{Content, Kind, PathError};
use futures_util::TryStreamExt as _;

const MTIME: i64 = 1_700_000_000_123_456_789;

/// A folder bucket, and the hands of a person in its folder.
trait Bucket {
    type Disk: Disk;
    fn new() -> Self;
    fn open(&self, prefix: &str) -> FolderRemote<Self::Disk>;
    /// Writes a file in place, as `cat >` does.
    fn write(&self, path: &str, bytes: &str);
    fn link(&self, target: &str, path: &str);
    fn make_folder(&self, path: &str);
    fn remove_folder(&self, path: &str);
    /// Every file below the root, `.lsync/lock` aside, and every folder as `name/`.
    fn tree(&self) -> BTreeMap<String, Vec<u8>>;
}

struct Memory(MemoryDisk);

impl Bucket for Memory {
    type Disk = MemoryDisk;

    fn new() -> Self {
        let disk = MemoryDisk::new();
        disk.person().make_folders("/bucket");
        disk.sync_all();
        Self(disk)
    }

    fn open(&self, prefix: &str) -> FolderRemote<MemoryDisk> {
        FolderRemote::open(self.0.clone(), Path::new("/bucket"), prefix).unwrap()
    }

    fn write(&self, path: &str, bytes: &str) {
        self.0.advance(1_000_000_000);
        self.0.person().write(format!("/bucket/{path}"), bytes);
    }

    fn link(&self, target: &str, path: &str) {
        self.0.person().symlink(target, format!("/bucket/{path}"));
    }

    fn make_folder(&self, path: &str) {
        self.0.person().make_folders(format!("/bucket/{path}"));
    }

    fn remove_folder(&self, path: &str) {
        self.0.person().remove(format!("/bucket/{path}"));
    }

    fn tree(&self) -> BTreeMap<String, Vec<u8>> {
        let items = self.0.person().snapshot_below("/bucket").into_iter();
        let named = items.filter(|(path, _)| path != Path::new(".lsync/lock"));
        named
            .map(|(path, item)| {
                let closing = if item.kind == Kind::Folder { "/" } else { "" };
                (format!("{}{closing}", path.display()), item.contents)
            })
            .collect()
    }
}

struct Real(tempfile::TempDir);

impl Real {
    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn mode(&self, path: &str) -> u32 {
        fs::metadata(self.path(path)).unwrap().permissions().mode() & 0o7777
    }
}

impl Bucket for Real {
    type Disk = RealDisk;

    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self, prefix: &str) -> FolderRemote<RealDisk> {
        FolderRemote::open(RealDisk, self.0.path(), prefix).unwrap()
    }

    fn write(&self, path: &str, bytes: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).open(self.path(path)).unwrap();
        file.write_all(bytes.as_bytes()).unwrap();
    }

    fn link(&self, target: &str, path: &str) {
        symlink(target, self.path(path)).unwrap();
    }

    fn make_folder(&self, path: &str) {
        fs::create_dir_all(self.path(path)).unwrap();
    }

    fn remove_folder(&self, path: &str) {
        fs::remove_dir(self.path(path)).unwrap();
    }

    fn tree(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            for item in fs::read_dir(self.0.path().join(&folder)).unwrap() {
                let item = item.unwrap();
                let path = folder.join(item.file_name());
                if item.file_type().unwrap().is_dir() {
                    found.insert(format!("{}/", path.display()), Vec::new());
                    folders.push(path);
                } else if path != Path::new(".lsync/lock") {
                    let bytes = fs::read(item.path()).unwrap_or_default();
                    found.insert(path.display().to_string(), bytes);
                }
            }
        }
        found
    }
}

/// Runs every test on the file system of the machine and on the one in memory.
macro_rules! on_both_disks {
    ($($(#[$attribute:meta])* fn $name:ident<$bucket:ident: Bucket>() $body:block)*) => {
        $(
            #[test]
            fn $name() {
                $(#[$attribute])*
                fn both<$bucket: Bucket>() $body
                both::<Memory>();
                both::<Real>();
            }
        )*
    };
}

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("a folder never waits")
}

fn properties() -> Properties {
    Properties::default().with_mtime(MTIME)
}

fn put<D: Disk>(
    remote: &FolderRemote<D>,
    key: &str,
    text: &str,
    condition: &Condition,
) -> Result<Token, RemoteErrorKind> {
    let body = Bytes::copy_from_slice(text.as_bytes());
    now(remote.put(&path(key), body.into(), &properties(), condition))
        .map(|stored| stored.token)
        .map_err(|error| error.kind)
}

fn create<D: Disk>(remote: &FolderRemote<D>, key: &str, text: &str) -> Token {
    put(remote, key, text, &Condition::Absent).unwrap()
}

fn read<D: Disk>(
    remote: &FolderRemote<D>,
    key: &str,
    range: Option<Range<u64>>,
) -> Result<Vec<u8>, RemoteErrorKind> {
    let etag = now(remote.head(&path(key))).map_err(|error| error.kind)?.entry.version.token;
    let (_, mut body) = now(remote.get(&path(key), &etag, range)).map_err(|error| error.kind)?;
    let mut bytes = Vec::new();
    while let Some(piece) = now(body.try_next()).map_err(|error| error.kind)? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// Lists page by page; `fresh` opens the remote anew for each page.
fn pages<B: Bucket>(bucket: &B, prefix: &str, limit: usize, fresh: bool) -> Vec<Listed> {
    let mut remote = bucket.open("");
    let (mut items, mut next) = (Vec::new(), None::<String>);
    loop {
        if fresh {
            remote = bucket.open("");
        }
        let page = now(remote.list(prefix, next.as_deref(), limit)).unwrap();
        assert!(page.items.len() == limit || page.next.is_none(), "a short page that is not last");
        assert!(page.items.first().is_none_or(|item| Some(item.key()) > next.as_deref()));
        items.extend(page.items);
        next = page.next;
        if next.is_none() {
            return items;
        }
    }
}

fn keys<B: Bucket>(bucket: &B, prefix: &str) -> Vec<String> {
    pages(bucket, prefix, 1000, false).iter().map(|item| item.key().to_owned()).collect()
}

fn listed_etag<B: Bucket>(bucket: &B, key: &str) -> Token {
    let items = pages(bucket, key, 1000, false);
    let found = items.into_iter().find_map(|item| match item {
        Listed::Object(entry) if entry.path.as_str() == key => Some(entry.version.token),
        _ => None,
    });
    found.unwrap()
}

/// The bucket's root without the folders of its own.
fn contents<B: Bucket>(bucket: &B) -> Vec<String> {
    let tree = bucket.tree().into_keys();
    tree.filter(|name| name != ".lsync/" && name != ".lsync/tmp/").collect()
}

on_both_disks! {
    fn a_stored_object_shows_the_same_etag_and_mtime_everywhere<B: Bucket>() {
        let bucket = B::new();
        let remote = bucket.open("");
        let etag = create(&remote, "docs/a.txt", "one");
        let head = now(remote.head(&path("docs/a.txt"))).unwrap();
        assert_eq!((&head.entry.version.token, head.mtime()), (&etag, MTIME));
        assert_eq!(head.entry.version.size, 3);
        assert_eq!(listed_etag(&bucket, "docs/a.txt"), etag);
        assert_eq!(remote.likely_content(&head.entry.version), Content::of_size(3));

        let etag = put(&remote, "docs/a.txt", "two", &Condition::Matches(etag)).unwrap();
        assert_eq!(listed_etag(&bucket, "docs/a.txt"), etag);
        assert_eq!(now(remote.head(&path("docs/a.txt"))).unwrap().mtime(), MTIME);
        assert_eq!(read(&remote, "docs/a.txt", None).unwrap(), b"two");
        now(remote.flush()).unwrap();
        assert_eq!(contents(&bucket), ["docs/", "docs/a.txt"]);
    }

    fn a_condition_that_does_not_hold_changes_nothing<B: Bucket>() {
        let bucket = B::new();
        let remote = bucket.open("");
        let old = create(&remote, "a", "one");
        let new = put(&remote, "a", "two", &Condition::Matches(old.clone())).unwrap();
        let before = bucket.tree();
        let changed = Err(RemoteErrorKind::Changed);
        assert_eq!(put(&remote, "a", "new", &Condition::Absent), changed);
        assert_eq!(put(&remote, "a", "new", &Condition::Matches(old.clone())), changed);
        assert_eq!(put(&remote, "b/c", "new", &Condition::Matches(new)), changed);
        assert_eq!(now(remote.delete(&path("a"), &old)).unwrap_err().kind, RemoteErrorKind::Changed);
        let missing = now(remote.delete(&path("b/c"), &old)).unwrap_err().kind;
        assert_eq!(missing, RemoteErrorKind::NotFound);
        let stale = now(remote.get(&path("a"), &old, None)).err().unwrap().kind;
        assert_eq!(stale, RemoteErrorKind::Changed);
        assert_eq!(bucket.tree(), before);
    }

    fn an_edit_in_place_of_the_same_size_is_another_version<B: Bucket>() {
        let bucket = B::new();
        let remote = bucket.open("");
        let etag = create(&remote, "a", "one");
        bucket.write("a", "two");
        assert_ne!(listed_etag(&bucket, "a"), etag);
        let over = put(&remote, "a", "new", &Condition::Matches(etag.clone()));
        assert_eq!(over, Err(RemoteErrorKind::Changed));
        let gone = now(remote.delete(&path("a"), &etag)).unwrap_err().kind;
        assert_eq!(gone, RemoteErrorKind::Changed);
        assert_eq!(read(&remote, "a", None).unwrap(), b"two");
    }

    fn a_wrong_checksum_is_refused<B: Bucket>() {
        let bucket = B::new();
        let wrong = Outgoing::with_crc64(Bytes::from("x"), 1);
        let remote = bucket.open("");
        let put = now(remote.put(&path("a"), wrong, &properties(), &Condition::Absent));
        assert_eq!(put.unwrap_err().kind, RemoteErrorKind::Corrupt);
        assert_eq!(contents(&bucket), [""; 0]);
    }

    fn keys_come_in_the_byte_order_of_keys<B: Bucket>() {
        let bucket = B::new();
        let mut expected: Vec<_> =
            ["a-b", "a.b", "a/b", "a0", "a/b-/c", "a/b.c", "A", "é", "é/x", "e\u{301}", "~", "a b"]
                .into_iter()
                .filter(|key| *key != "é")
                .collect();
        for key in &expected {
            bucket.write(key, key);
        }
        expected.sort_unstable();
        assert_eq!(keys(&bucket, ""), expected);
        for limit in [1, 2, 5] {
            for fresh in [false, true] {
                let items = pages(&bucket, "", limit, fresh);
                let found: Vec<_> = items.iter().map(Listed::key).collect();
                assert_eq!(found, expected, "pages of {limit}");
            }
        }
    }

    fn a_page_holds_a_thousand_keys<B: Bucket>() {
        let bucket = B::new();
        for number in 0..1_001 {
            bucket.write(&format!("{}/{number}", number % 7), "");
        }
        let remote = bucket.open("");
        let first = now(remote.list("", None, 5_000)).unwrap();
        assert_eq!(first.items.len(), 1_000);
        let last = now(remote.list("", first.next.as_deref(), 5_000)).unwrap();
        assert_eq!((last.items.len(), last.next), (1, None));
        bucket.write("9", "");
        assert_eq!(pages(&bucket, "", 501, true).len(), 1_002);
        assert_eq!(now(remote.list("0/", None, 143)).unwrap().next, None);
    }

    fn a_listing_holds_what_begins_with_its_prefix<B: Bucket>() {
        let bucket = B::new();
        for key in ["dir/a", "dir/b/c", "dir-x", "dirt", "file", "other/dir/a"] {
            bucket.write(key, "");
        }
        assert_eq!(keys(&bucket, "dir/"), ["dir/a", "dir/b/c"]);
        assert_eq!(keys(&bucket, "dir"), ["dir-x", "dir/a", "dir/b/c", "dirt"]);
        assert_eq!(keys(&bucket, "dir/b"), ["dir/b/c"]);
        for prefix in ["file/", "none/", "dir/a/", "dir/c", "../", "dir//", ".lsync/", "/dir/"] {
            assert_eq!(keys(&bucket, prefix), [""; 0], "{prefix}");
        }
    }

    fn a_remote_with_a_prefix_sees_and_touches_nothing_else<B: Bucket>() {
        let bucket = B::new();
        bucket.write("a", "outside");
        bucket.write("teams", "outside");
        let remote = bucket.open("team/one/");
        assert!(now(remote.list("", None, 9)).unwrap().items.is_empty());
        let etag = create(&remote, "a", "inside");
        let page = now(remote.list("", None, 9)).unwrap();
        assert_eq!(page.items.iter().map(Listed::key).collect::<Vec<_>>(), ["a"]);
        assert_eq!(keys(&bucket, ""), ["a", "team/one/a", "teams"]);
        now(remote.delete(&path("a"), &etag)).unwrap();
        assert_eq!(contents(&bucket), ["a", "team/", "team/one/", "teams"]);
        assert_eq!(FolderRemote::open(remote.bucket.disk, Path::new("/"), "a//b").err().unwrap().kind,
            RemoteErrorKind::Invalid);
    }

    fn folders_that_a_deletion_empties_go<B: Bucket>() {
        let bucket = B::new();
        let remote = bucket.open("");
        let deep = create(&remote, "a/b/c/d", "1");
        let beside = create(&remote, "a/x", "2");
        now(remote.delete(&path("a/b/c/d"), &deep)).unwrap();
        assert_eq!(contents(&bucket), ["a/", "a/x"]);
        now(remote.delete(&path("a/x"), &beside)).unwrap();
        now(remote.flush()).unwrap();
        assert_eq!(contents(&bucket), [""; 0]);
    }

    fn links_are_listed_as_obstacles_and_are_not_followed<B: Bucket>() {
        let bucket = B::new();
        bucket.write("outside/secret", "kept");
        bucket.make_folder("in");
        bucket.link("../outside/secret", "in/file");
        bucket.link("../outside", "in/folder");
        let remote = bucket.open("in");
        let obstacles = |prefix: &str| {
            let page = now(remote.list(prefix, None, 9)).unwrap();
            assert_eq!(page.next, None);
            page.items
        };
        let [file, folder] = ["file", "folder"].map(|it| Listed::Obstacle(path(it)));
        assert_eq!(obstacles(""), [file.clone(), folder.clone()]);
        for (prefix, obstacle) in
            [("folder/", &folder), ("folder/sub/", &folder), ("file/", &file)]
        {
            assert_eq!(obstacles(prefix), std::slice::from_ref(obstacle), "{prefix}");
        }
        assert_eq!(obstacles("nothing/"), []);
        for key in ["file", "folder/secret"] {
            let head = now(remote.head(&path(key))).unwrap_err().kind;
            assert_eq!(head, RemoteErrorKind::NotFound, "{key}");
            let over = put(&remote, key, "new", &Condition::Absent);
            assert_eq!(over, Err(RemoteErrorKind::Invalid), "{key}");
        }
        assert_eq!(put(&remote, "folder/new", "x", &Condition::Absent), Err(RemoteErrorKind::Invalid));
        assert_eq!(bucket.tree()["outside/secret"], b"kept");
        assert_eq!(contents(&bucket).len(), 5);
        let linked = bucket.open("in/folder");
        assert_eq!(now(linked.list("", None, 9)).unwrap_err().kind, RemoteErrorKind::Invalid);
    }

    fn a_file_cannot_stand_beside_a_folder_of_its_name<B: Bucket>() {
        let bucket = B::new();
        let remote = bucket.open("");
        assert!(!remote.capabilities().file_beside_folder);
        create(&remote, "a/b", "below");
        create(&remote, "c", "file");
        let before = bucket.tree();
        let invalid = Err(RemoteErrorKind::Invalid);
        assert_eq!(put(&remote, "a", "file", &Condition::Absent), invalid);
        assert_eq!(put(&remote, "c/d/e", "below", &Condition::Absent), invalid);
        assert_eq!(now(remote.head(&path("a"))).unwrap_err().kind, RemoteErrorKind::NotFound);
        assert_eq!(now(remote.head(&path("c/d"))).unwrap_err().kind, RemoteErrorKind::NotFound);
        assert_eq!(bucket.tree(), before);
    }

    fn an_empty_folder_is_nothing_and_gives_way<B: Bucket>() {
        let bucket = B::new();
        bucket.make_folder("a");
        let remote = bucket.open("");
        let etag = create(&remote, "a", "file");
        assert_eq!(listed_etag(&bucket, "a"), etag);
    }

    fn a_folder_that_vanishes_under_a_listing_is_passed_over<B: Bucket>() {
        let bucket = B::new();
        bucket.write("a", "");
        bucket.make_folder("b");
        bucket.write("c", "");
        let remote = bucket.open("");
        let page = remote.walk_of_one_name();
        bucket.remove_folder("b");
        let rest = now(remote.list("", page.as_deref(), 9)).unwrap();
        assert_eq!(rest.items.iter().map(Listed::key).collect::<Vec<_>>(), ["c"]);
    }

    fn large_objects_are_read_in_pieces_and_in_ranges<B: Bucket>() {
        let bucket = B::new();
        let remote = bucket.open("");
        let text = (0..300_000).fold(String::new(), |text, number| text + &format!("{number:08}"));
        create(&remote, "large", &text);
        assert_eq!(read(&remote, "large", None).unwrap(), text.as_bytes());
        let range = 1_000_000..2_200_000;
        let cut = &text.as_bytes()[1_000_000..2_200_000];
        assert_eq!(read(&remote, "large", Some(range)).unwrap(), cut);
        let end = read(&remote, "large", Some(2_399_999..9_999_999)).unwrap();
        assert_eq!(end, &text.as_bytes()[2_399_999..]);
        let behind = read(&remote, "large", Some(2_400_000..2_400_001));
        assert_eq!(behind, Err(RemoteErrorKind::Invalid));
        create(&remote, "empty", "");
        assert_eq!(read(&remote, "empty", None).unwrap(), b"");
    }

    fn a_file_that_changes_while_it_is_read_is_never_handed_out_whole<B: Bucket>() {
        let bucket = B::new();
        let remote = bucket.open("");
        let etag = create(&remote, "a", &"x".repeat(1_500_000));
        let (_, mut body) = now(remote.get(&path("a"), &etag, None)).unwrap();
        assert!(now(body.try_next()).unwrap().is_some());
        bucket.write("a", &"y".repeat(1_500_000));
        assert_eq!(now(body.try_next()).unwrap_err().kind, RemoteErrorKind::Changed);
        let etag = listed_etag(&bucket, "a");
        let (_, mut body) = now(remote.get(&path("a"), &etag, None)).unwrap();
        bucket.write("a", "short");
        assert_eq!(now(body.try_next()).unwrap_err().kind, RemoteErrorKind::Changed);
    }

    fn of_eight_who_write_one_key_at_once_one_wins<B: Bucket>() {
        let bucket = B::new();
        let first = bucket.open("");
        let mut condition = Condition::Absent;
        for round in 0..8 {
            let remotes: Vec<_> = (0..8).map(|_| bucket.open("")).collect();
            let barrier = Barrier::new(8);
            let wins: Vec<_> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..)
                    .zip(&remotes)
                    .map(|(number, remote)| {
                        let (barrier, condition) = (&barrier, &condition);
                        scope.spawn(move || {
                            barrier.wait();
                            put(remote, "deep/key", &format!("{round}-{number}"), condition)
                        })
                    })
                    .collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            let winners: Vec<_> = (0..8).filter(|number| wins[*number].is_ok()).collect();
            assert_eq!(winners.len(), 1, "round {round}: {wins:?}");
            assert!(wins.iter().all(|win| matches!(win, Ok(_) | Err(RemoteErrorKind::Changed))));
            let text = read(&first, "deep/key", None).unwrap();
            assert_eq!(text, format!("{round}-{}", winners[0]).as_bytes());
            condition = Condition::Matches(wins[winners[0]].clone().unwrap());
        }
        assert_eq!(contents(&bucket), ["deep/", "deep/key"]);
    }

    fn parts_make_an_object_in_whatever_order_they_come<B: Bucket>() {
        let bucket = B::new();
        for (name, numbers) in [("in order", &[1, 2, 3][..]), ("odd", &[3, 1, 2]), ("again", &[1, 2, 1, 3, 2])] {
            let remote = bucket.open("");
            let key = path(&format!("big/{name}"));
            let upload = now(remote.start_upload(&key, &properties())).unwrap();
            let mut parts = BTreeMap::new();
            for (time, number) in numbers.iter().enumerate() {
                let body = Bytes::from(format!("<{number}:{}>", if *number == 3 { 0 } else { time }));
                let part = now(remote.upload_part(&key, &upload, *number, body.clone().into())).unwrap();
                parts.insert(*number, (part, body));
            }
            let expected: Vec<u8> = parts.values().flat_map(|(_, body)| body.to_vec()).collect();
            let parts: Vec<_> = parts.into_values().map(|(part, _)| part).collect();
            assert!(keys(&bucket, "big/").iter().all(|listed| listed != key.as_str()));
            let crc64 = crc64_of(&expected);
            let complete = |parts: &[Part], crc64: u64, condition: &Condition| {
                now(remote.complete_upload(&key, &upload, parts, crc64, condition))
                    .map_err(|error| error.kind)
            };
            let changed = complete(&parts, crc64, &Condition::Matches(Token::new("x")));
            assert_eq!(changed, Err(RemoteErrorKind::Changed));
            let corrupt = complete(&parts, 1, &Condition::Absent);
            assert_eq!(corrupt, Err(RemoteErrorKind::Corrupt));
            let unordered: Vec<_> = parts.iter().rev().cloned().collect();
            let invalid = complete(&unordered, crc64, &Condition::Absent);
            assert_eq!(invalid, Err(RemoteErrorKind::Invalid));
            let stored = complete(&parts, crc64, &Condition::Absent).unwrap();
            assert_eq!(listed_etag(&bucket, key.as_str()), stored.token);
            assert_eq!(read(&remote, key.as_str(), None).unwrap(), expected);
            let spent = complete(&parts, crc64, &Condition::Absent);
            assert_eq!(spent, Err(RemoteErrorKind::NotFound));
        }
        assert_eq!(contents(&bucket).len(), 4, "{:?}", contents(&bucket));
    }

    fn an_upload_that_is_thrown_away_leaves_nothing<B: Bucket>() {
        let bucket = B::new();
        let remote = bucket.open("");
        let key = path("big");
        let upload = now(remote.start_upload(&key, &properties())).unwrap();
        now(remote.upload_part(&key, &upload, 2, Bytes::from("x").into())).unwrap();
        let other = now(remote.upload_part(&path("other"), &upload, 1, Bytes::new().into()));
        assert_eq!(other.unwrap_err().kind, RemoteErrorKind::NotFound);
        let zero = now(remote.upload_part(&key, &upload, 0, Bytes::new().into())).unwrap_err();
        assert_eq!(zero.kind, RemoteErrorKind::Invalid);
        now(remote.abort_upload(&key, &upload)).unwrap();
        now(remote.abort_upload(&key, &upload)).unwrap();
        assert_eq!(contents(&bucket), [""; 0]);
    }
}

impl<D: Disk> FolderRemote<D> {
    /// Lists one key, so that the names of the root are remembered.
    fn walk_of_one_name(&self) -> Option<String> {
        let page = now(self.list("", None, 1)).unwrap();
        assert_eq!(page.items.len(), 1);
        page.next
    }
}

#[test]
fn what_lsync_makes_has_the_bits_of_the_root_and_a_replacement_those_of_the_old() {
    let bucket = Real::new();
    fs::set_permissions(bucket.0.path(), fs::Permissions::from_mode(0o2770)).unwrap();
    let remote = bucket.open("");
    let etag = create(&remote, "a/b/c", "1");
    for folder in ["a", "a/b", ".lsync", ".lsync/tmp"] {
        assert_eq!(bucket.mode(folder), 0o2770, "{folder}");
    }
    assert_eq!((bucket.mode("a/b/c"), bucket.mode(".lsync/lock")), (0o660, 0o660));
    fs::set_permissions(bucket.path("a/b/c"), fs::Permissions::from_mode(0o640)).unwrap();
    let stale = put(&remote, "a/b/c", "2", &Condition::Matches(etag));
    assert_eq!(stale, Err(RemoteErrorKind::Changed), "a chmod changes the ctime");
    let etag = listed_etag(&bucket, "a/b/c");
    put(&remote, "a/b/c", "2", &Condition::Matches(etag)).unwrap();
    assert_eq!(bucket.mode("a/b/c"), 0o640);
}

#[test]
fn an_edit_through_an_open_file_is_another_version() {
    let bucket = Real::new();
    let remote = bucket.open("");
    let etag = create(&remote, "a", "one");
    let file = OpenOptions::new().write(true).open(bucket.path("a")).unwrap();
    file.write_all_at(b"two", 0).unwrap();
    // Even one that puts the mtime back.
    let mtime = now(remote.head(&path("a"))).unwrap().mtime();
    assert_ne!(mtime, MTIME);
    file.set_modified(
        std::time::UNIX_EPOCH + std::time::Duration::from_nanos(1_700_000_000_123_456_789),
    )
    .unwrap();
    assert_eq!(now(remote.head(&path("a"))).unwrap().mtime(), MTIME);
    assert_ne!(listed_etag(&bucket, "a"), etag);
}

#[test]
fn a_missing_root_is_no_bucket_until_it_is_created() {
    let bucket = Real::new();
    let root = bucket.path("new/bucket");
    let missing = FolderRemote::open(RealDisk, &root, "").err().unwrap();
    assert_eq!(missing.kind, RemoteErrorKind::NoBucket);
    bucket.write("file", "");
    let file = FolderRemote::open(RealDisk, &bucket.path("file"), "").err().unwrap();
    assert_eq!(file.kind, RemoteErrorKind::NoBucket);
    create(&FolderRemote::create(RealDisk, &root, "").unwrap(), "a", "");
    assert!(root.join("a").is_file());
}

#[test]
fn a_root_that_is_removed_is_no_empty_listing() {
    for prefix in ["", "team"] {
        let bucket = Real::new();
        let remote = bucket.open(prefix);
        fs::remove_dir_all(bucket.0.path()).unwrap();
        let error = now(remote.list("", None, 9)).unwrap_err();
        assert_eq!(error.kind, RemoteErrorKind::NoBucket, "{prefix:?}");
    }
}

#[test]
fn names_that_no_key_can_hold_are_listed_as_odd() {
    let bucket = Memory::new();
    let name = OsStr::from_bytes(b"/bucket/caf\xe9/x");
    bucket.0.person().write(Path::new(name), "");
    bucket.write("b/.LSYNC/x", "");
    bucket.write("b/.lsync/x", "");
    bucket.write("b/c", "");
    for (limit, fresh) in [(9, false), (1, true)] {
        let items = pages(&bucket, "", limit, fresh);
        let found: Vec<_> = items
            .iter()
            .map(|item| match item {
                Listed::Object(entry) => (entry.path.as_str(), None),
                Listed::Odd { key, reason, .. } => (key.as_str(), Some(*reason)),
                Listed::Obstacle(path) => panic!("{path} is no obstacle"),
            })
            .collect();
        let odd = ("b/.LSYNC/", Some(PathError::Control));
        assert_eq!(found, [odd, ("b/c", None), ("caf\\xe9/", Some(PathError::NotUnicode))]);
    }
}

#[test]
fn a_folder_that_cannot_be_read_fails_the_listing() {
    let bucket = Memory::new();
    bucket.write("a", "");
    bucket.write("b/c", "");
    for call in [Call::ReadFolder, Call::OpenFolder] {
        let remote = bucket.open("");
        bucket.0.set_fault(Some(Arc::new(move |operation| {
            let hit = operation.call == call
                && (operation.folder.ends_with("b") || operation.name == "b");
            hit.then_some(Errno::ACCESS)
        })));
        let error = now(remote.list("", None, 9)).unwrap_err();
        assert_eq!(error.kind, RemoteErrorKind::Denied, "{call:?}");
        assert!(error.key.contains("/b"), "{error}");
        bucket.0.set_fault(None);
    }
}

#[test]
fn an_object_that_cannot_be_read_is_listed_all_the_same() {
    let bucket = Memory::new();
    bucket.write("a", "x");
    let etag = listed_etag(&bucket, "a");
    bucket.0.set_fault(Some(Arc::new(|operation| {
        (operation.call == Call::Open && operation.name == "a").then_some(Errno::ACCESS)
    })));
    assert_eq!(listed_etag(&bucket, "a"), etag);
    let denied = now(bucket.open("").get(&path("a"), &etag, None)).err().unwrap();
    assert_eq!(denied.kind, RemoteErrorKind::Denied);
}

#[test]
fn a_bucket_that_cannot_be_written_is_read_only() {
    let bucket = Memory::new();
    bucket.write("a", "x");
    bucket.0.set_fault(Some(Arc::new(|operation| operation.call.changes().then_some(Errno::ROFS))));
    let remote = bucket.open("");
    assert!(remote.capabilities().read_only);
    assert_eq!(put(&remote, "b", "x", &Condition::Absent), Err(RemoteErrorKind::Denied));
    assert_eq!(read(&remote, "a", None).unwrap(), b"x");
    assert_eq!(contents(&bucket), ["a"]);
}

#[test]
fn a_network_file_system_promises_nothing() {
    let bucket = Memory::new();
    bucket.0.set_network(true);
    bucket.0.set_fault(Some(Arc::new(|operation| {
        (operation.call == Call::Lock).then_some(Errno::NOLCK)
    })));
    let remote = bucket.open("");
    assert_eq!(remote.capabilities().conditional_put, Conditions::None);
    assert!(remote.capabilities().can_lose_races());
    create(&remote, "a", "x");
    assert_eq!(put(&remote, "a", "y", &Condition::Absent), Err(RemoteErrorKind::Changed));
}

#[test]
fn a_full_disk_leaves_the_old_version_and_no_remains() {
    let bucket = Memory::new();
    let remote = bucket.open("");
    let etag = create(&remote, "a", "one");
    bucket.0.set_capacity(Some(100));
    let full = put(&remote, "a", &"x".repeat(1_000), &Condition::Matches(etag));
    assert_eq!(full, Err(RemoteErrorKind::Full));
    assert_eq!(contents(&bucket), ["a"]);
    assert_eq!(read(&remote, "a", None).unwrap(), b"one");
}

#[test]
fn without_exchange_a_version_is_renamed_over() {
    let bucket = Memory::new();
    bucket.0.set_exchanges(false);
    let remote = bucket.open("");
    let etag = create(&remote, "a", "one");
    put(&remote, "a", "two", &Condition::Matches(etag)).unwrap();
    assert_eq!(read(&remote, "a", None).unwrap(), b"two");
    assert_eq!(contents(&bucket), ["a"]);
}

/// Lets a person save another version of `a` directly before the first call of this kind.
fn save_before(bucket: &Memory, call: Call) {
    let (disk, done) = (bucket.0.clone(), AtomicBool::new(false));
    bucket.0.set_hook(Some(Arc::new(move |operation| {
        if operation.call == call && !done.swap(true, Ordering::Relaxed) {
            disk.advance(1_000_000_000);
            disk.person().save("/bucket/a", "a person's");
        }
    })));
}

#[test]
fn a_version_saved_between_compare_and_swap_is_put_back() {
    let bucket = Memory::new();
    let remote = bucket.open("");
    let etag = create(&remote, "a", "one");
    save_before(&bucket, Call::Exchange);
    let over = put(&remote, "a", "two", &Condition::Matches(etag));
    assert_eq!(over, Err(RemoteErrorKind::Changed));
    assert_eq!(contents(&bucket), ["a"]);
    assert_eq!(bucket.tree()["a"], b"a person's");

    let etag = listed_etag(&bucket, "a");
    save_before(&bucket, Call::RenameNew);
    let gone = now(remote.delete(&path("a"), &etag)).unwrap_err().kind;
    assert_eq!(gone, RemoteErrorKind::Changed);
    assert_eq!(bucket.tree()["a"], b"a person's");
}

#[test]
fn an_edit_directly_after_the_swap_shows_as_another_version() {
    let bucket = Memory::new();
    let remote = bucket.open("");
    let swapped = AtomicBool::new(false);
    let disk = bucket.0.clone();
    bucket.0.set_hook(Some(Arc::new(move |operation| match operation.call {
        Call::RenameNew => swapped.store(true, Ordering::Relaxed),
        Call::Fstat if swapped.swap(false, Ordering::Relaxed) => {
            disk.advance(1_000_000_000);
            disk.person().write("/bucket/a", "two");
        }
        _ => (),
    })));
    let etag = create(&remote, "a", "one");
    assert_eq!(bucket.tree()["a"], b"two");
    assert_ne!(listed_etag(&bucket, "a"), etag);
}

#[test]
fn what_is_flushed_survives_a_power_loss_and_nothing_is_ever_torn() {
    let bucket = Memory::new();
    let remote = bucket.open("");
    let etag = create(&remote, "a/kept", "one");
    let gone = create(&remote, "b/gone", "two");
    now(remote.flush()).unwrap();
    put(&remote, "a/kept", "three", &Condition::Matches(etag)).unwrap();
    now(remote.delete(&path("b/gone"), &gone)).unwrap();
    now(remote.flush()).unwrap();
    for number in 0..100 {
        create(&remote, &format!("many/{number}/x"), "many");
    }
    now(remote.flush()).unwrap();
    create(&remote, "c/unflushed", "four");
    bucket.0.crash(Crash::PowerLoss);
    let tree = bucket.tree();
    assert_eq!(tree["a/kept"], b"three");
    assert!(!tree.contains_key("b/gone"));
    assert_eq!(tree.iter().filter(|(_, bytes)| *bytes == b"many").count(), 100);
    assert!(tree.get("c/unflushed").is_none_or(|bytes| bytes == b"four"));
}

#[test]
fn a_flush_that_fails_is_owed_to_the_next_one() {
    let bucket = Memory::new();
    let remote = bucket.open("");
    create(&remote, "a/b", "x");
    bucket.0.set_fault(Some(Arc::new(|operation| {
        (operation.call == Call::SyncFolder).then_some(Errno::IO)
    })));
    assert_eq!(now(remote.flush()).unwrap_err().kind, RemoteErrorKind::Failed);
    bucket.0.set_fault(None);
    now(remote.flush()).unwrap();
    bucket.0.crash(Crash::PowerLoss);
    assert_eq!(bucket.tree()["a/b"], b"x");
}

#[test]
fn what_lay_staged_for_a_day_is_swept_by_the_first_write() {
    let bucket = Memory::new();
    bucket.0.set_now(MTIME);
    bucket.write(".lsync/tmp/old", "x");
    bucket.0.advance(24 * 60 * 60 * 1_000_000_000);
    bucket.write(".lsync/tmp/fresh", "x");
    // A staged file carries the mtime of its user's file: that says nothing about its age.
    bucket.0.person().set_mtime("/bucket/.lsync/tmp/fresh", 0);
    let remote = bucket.open("");
    assert_eq!(contents(&bucket), [".lsync/tmp/fresh", ".lsync/tmp/old"]);
    create(&remote, "a", "");
    assert_eq!(contents(&bucket), [".lsync/tmp/fresh", "a"]);
}

#[test]
fn a_lock_file_that_is_removed_while_somebody_waits_guards_nothing() {
    let bucket = Memory::new();
    let remote = bucket.open("");
    let disk = bucket.0.clone();
    let done = AtomicBool::new(false);
    bucket.0.set_hook(Some(Arc::new(move |operation| {
        if operation.call == Call::Lock && !done.swap(true, Ordering::Relaxed) {
            disk.person().remove("/bucket/.lsync/lock");
        }
    })));
    let control = remote.bucket.control.as_ref().unwrap();
    let held = remote.bucket.lock(control).unwrap().unwrap();
    let named = bucket.0.person().stat("/bucket/.lsync/lock").unwrap();
    assert_eq!(remote.bucket.disk.fstat(&held).unwrap().inode, named.inode);
}
