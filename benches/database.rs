//! How long a million rows take to load: `cargo bench --bench database`.
//!
//! Prints wall times, and judges nothing: a busy machine is no error.

use std::path::Path;
use std::time::Instant;

use lsync::disk::{Disk as _, RealDisk};
use lsync::repository::{Change, Database, RemoteId};
use lsync::tree::{BaseRow, Etag, RepoPath, Signature};

/// Rows in the database.
const ROWS: u64 = 1_000_000;

/// Times each figure is taken.
const RUNS: usize = 5;

fn row(number: u64) -> Change {
    let path = format!("photos/2026/album-{:04}/{number:07}.jpeg", number / 1000);
    let time = 1_731_234_567_000_000_000 + i64::try_from(number).unwrap_or(0);
    Change::Put(BaseRow {
        path: RepoPath::parse(&path).expect("the path is sound"),
        signature: Signature { size: 48_213 + number, mtime: time, ctime: time, inode: number },
        etag: Etag::new(&format!("{:032x}", u128::from(number) * 0x9e37_79b9_7f4a_7c15)),
        crc64: None,
    })
}

#[expect(clippy::print_stdout, reason = "a benchmark says what it measured")]
fn timed(what: &str, mut run: impl FnMut()) {
    let mut milliseconds: Vec<_> = (0..RUNS)
        .map(|_| {
            let begun = Instant::now();
            run();
            begun.elapsed().as_millis()
        })
        .collect();
    milliseconds.sort_unstable();
    println!("{what}: median {} ms of {milliseconds:?}", milliseconds[RUNS / 2]);
}

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let control = RealDisk.open_path(Path::new(folder.path())).expect("it can be opened");
    let remote = RemoteId { url: "s3://team".to_owned(), endpoint: String::new() };
    let open = || Database::open(&RealDisk, &control, &remote).expect("the database opens");
    let mut database = open();
    let rows: Vec<_> = (0..ROWS).map(row).collect();
    for group in rows.chunks(1_024) {
        database.record(group).expect("the group is recorded");
    }
    database.finish().expect("the run ends");
    drop((database, rows));
    timed("open, with the check of the order", || drop(open()));
    timed("open and read every row", || {
        let rows = open().rows(None).expect("rows");
        assert_eq!(rows.flatten().count() as u64, ROWS);
    });
    timed("record 100 changes", || {
        let changes: Vec<_> = (0..100).map(|number| row(number * 9_973)).collect();
        open().record(&changes).expect("recorded");
    });
}
