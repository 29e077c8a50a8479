//! The database as a whole, on a disk in memory.

mod crashes;
mod landmarks;
mod lines;
mod streams;

use super::error::JOURNAL;
use super::*;
use crate::fakes::disk::MemoryDisk;
use crate::tree::{Content, Signature, Token};

/// A database on a disk in memory.
pub(super) struct Bench {
    pub(super) disk: MemoryDisk,
    pub(super) control: <MemoryDisk as Disk>::Folder,
}

impl Bench {
    pub(super) fn new() -> Self {
        let disk = MemoryDisk::new();
        let control = disk.make_path(std::path::Path::new("/w/.lsync")).unwrap();
        disk.sync_all();
        Self { disk, control }
    }

    /// Begins with these two files.
    pub(super) fn with(database: &[u8], journal: &[u8]) -> Self {
        let bench = Self::new();
        bench.write(DATABASE, database);
        bench.write(JOURNAL, journal);
        bench.disk.sync_all();
        bench
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) {
        self.disk.person().write(format!("/w/.lsync/{name}"), bytes);
    }

    pub(super) fn read(&self, name: &str) -> Vec<u8> {
        self.disk.person().try_read(format!("/w/.lsync/{name}")).unwrap_or_default()
    }

    pub(super) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// Opens handles anew, after a crash.
    pub(super) fn reopen(&mut self) {
        self.control = self.disk.open_path(std::path::Path::new("/w/.lsync")).unwrap();
    }

    pub(super) fn open(&self) -> Database<MemoryDisk> {
        self.try_open().unwrap()
    }

    pub(super) fn try_open(&self) -> Result<Database<MemoryDisk>, DatabaseError> {
        Database::open(&self.disk, &self.control, &remote("docs"))
    }

    pub(super) fn open_of(&self, bucket: &str) -> Database<MemoryDisk> {
        Database::open(&self.disk, &self.control, &remote(bucket)).unwrap()
    }
}

pub(super) fn remote(bucket: &str) -> RemoteId {
    RemoteId { url: format!("s3://{bucket}"), endpoint: String::new() }
}

pub(super) fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

/// A row of a path, with a size to tell rows apart.
pub(super) fn row(text: &str, size: u64) -> BaseRow {
    let signature = Signature { size, mtime: -3, ctime: 1_731_234_567_123_456_789, inode: 17 };
    let token = Token::new("9e107d9d372bb6826bd81d3542a419d6");
    let content = Content::of_size(size).with_md5(token.hex());
    BaseRow::plain(path(text), signature, token, content)
}

pub(super) fn put(text: &str, size: u64) -> Change {
    Change::Put(row(text, size))
}

pub(super) fn gone(text: &str) -> Change {
    Change::Gone(path(text))
}

/// The line of a row, with a newline.
pub(super) fn line_of(text: &str, size: u64) -> String {
    let mut line = String::new();
    line::push_row(&mut line, &row(text, size));
    line + "\n"
}

/// The journal's line of a change.
pub(super) fn journal_line(change: &Change) -> String {
    let mut line = String::new();
    match change {
        Change::Put(row) => line::push_row(&mut line, row),
        Change::Gone(path) => line::push_gone(&mut line, path),
    }
    line::end_with_checksum(&mut line, 0);
    line
}

pub(super) fn header() -> String {
    "- {lsync: 2, remote: \"s3://docs\", endpoint: \"\"}\n".into()
}

/// All rows, as path and size.
pub(super) fn rows(database: &Database<MemoryDisk>) -> Vec<(String, u64)> {
    scoped(database, None)
}

/// The rows of a scope, as path and size.
pub(super) fn scoped(database: &Database<MemoryDisk>, scope: Option<&str>) -> Vec<(String, u64)> {
    let scope = scope.map(path);
    let rows = database.rows(scope.as_ref()).unwrap();
    rows.map(|row| row.unwrap()).map(|row| (row.path.to_string(), row.signature.size)).collect()
}

/// What [`rows`] should give.
pub(super) fn expected(rows: &[(&str, u64)]) -> Vec<(String, u64)> {
    rows.iter().map(|(path, size)| ((*path).to_owned(), *size)).collect()
}
