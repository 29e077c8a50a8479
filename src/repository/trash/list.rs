//! `list.yaml` of a run: one line for each thing that goes to the trash, written before it goes.
//!
//! Lines are flow mappings in a YAML sequence. An entry line is followed, later, by a line with its
//! number: `done` (the slot holds what was overwritten or deleted), `void` (the slot is empty),
//! `keep` (the slot holds what nobody else has). `finished: true` ends a run that needs no
//! settling.

use std::fmt::Write as _;

use serde::Deserialize;

use crate::tree::{Etag, Kind, RepoPath, Stat};

/// The number of the format that this version writes, and the newest that it reads.
const FORMAT: u32 = 1;

/// Which copy of a path went to the trash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The one in the working copy.
    Local,
    /// The one in the bucket.
    Bucket,
}

impl Side {
    /// Returns the word in list.yaml, which is the name of the folder in the run, too.
    pub fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Bucket => "bucket",
        }
    }
}

/// Why something went to the trash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// The other side's version took its place.
    Replaced,
    /// The other side deleted it.
    Deleted,
    /// `--force`, or a push of one file.
    Forced,
    /// `--mirror`.
    Mirror,
    /// `lsync resolve`.
    Resolved,
}

impl Why {
    /// Returns the word in list.yaml.
    pub fn word(self) -> &'static str {
        match self {
            Self::Replaced => "replaced",
            Self::Deleted => "deleted",
            Self::Forced => "forced",
            Self::Mirror => "mirror",
            Self::Resolved => "resolved",
        }
    }
}

/// What tells one local file from another, whatever its name: a rename changes none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// File, folder, link.
    pub kind: Kind,
    /// Number of the file on its file system.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since 1970.
    pub mtime: i64,
}

impl From<&Stat> for Identity {
    fn from(stat: &Stat) -> Self {
        Self { kind: stat.kind, inode: stat.inode, size: stat.size, mtime: stat.mtime }
    }
}

/// One thing that was to go to the trash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number in the run.
    pub number: u64,
    /// The path that it had.
    pub path: RepoPath,
    /// Which copy.
    pub side: Side,
    /// Why.
    pub why: Why,
    /// The topmost folder of the file system whose `.lsync` holds it; empty is the root.
    pub top: String,
    /// Where it is below the run's folder; `None` where the store keeps it (`version`).
    pub place: Option<String>,
    /// The `ETag` of the bucket's copy.
    pub etag: Option<Etag>,
    /// The version id under which the store keeps it.
    pub version: Option<String>,
    /// Whether the base knew the content, so that somebody replaced it knowingly.
    pub known: bool,
    /// The file of ours that was to take its place.
    pub staged: Option<Identity>,
    /// What the name was expected to hold.
    pub expected: Option<Identity>,
    /// Of a folder, what was expected in it: [`crate::disk::Contents::fingerprint`].
    pub contents: Option<u64>,
}

/// What a line after an entry says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// The slot holds what was expected.
    Done,
    /// The slot is empty.
    Void,
    /// The slot holds what nobody else has, and is kept as such.
    Keep,
}

impl Mark {
    /// Writes the line that gives the entry `number` this mark.
    pub(super) fn line(self, number: u64) -> String {
        let word = match self {
            Self::Done => "done",
            Self::Void => "void",
            Self::Keep => "keep",
        };
        format!("- {{{word}: {number}}}\n")
    }
}

/// The first line of a list.
pub(super) fn head() -> String {
    format!("- {{lsync: {FORMAT}}}\n")
}

/// The last line of a list.
pub(super) const FINISHED: &str = "- {finished: true}\n";

impl Entry {
    /// Writes the line of the entry.
    pub(super) fn line(&self) -> String {
        let mut line = format!(
            "- {{number: {}, path: {}, side: {}, why: {}",
            self.number,
            quoted(self.path.as_str()),
            self.side.word(),
            self.why.word()
        );
        let default = default_place(self.side, &self.path);
        let place = self.place.as_ref().filter(|place| **place != default);
        let top = Some(&self.top).filter(|top| !top.is_empty());
        let etag = self.etag.as_ref().map(Etag::text);
        for (field, text) in [
            ("top", top.map(String::as_str)),
            ("slot", place.map(String::as_str)),
            ("etag", etag.as_deref()),
            ("version", self.version.as_deref()),
        ] {
            if let Some(text) = text {
                push(&mut line, field, &quoted(text));
            }
        }
        if self.known {
            push(&mut line, "known", "true");
        }
        for (field, identity) in [("staged", &self.staged), ("expected", &self.expected)] {
            if let Some(identity) = identity {
                push(&mut line, field, &identity_text(identity));
            }
        }
        if let Some(contents) = self.contents {
            push(&mut line, "contents", &format!("\"{contents:016x}\""));
        }
        line.push_str("}\n");
        line
    }
}

/// Appends a field to a flow mapping.
fn push(line: &mut String, field: &str, value: &str) {
    line.push_str(", ");
    line.push_str(field);
    line.push_str(": ");
    line.push_str(value);
}

/// Writes an identity as a flow mapping.
fn identity_text(identity: &Identity) -> String {
    let kind = match identity.kind {
        Kind::File => "file",
        Kind::Folder => "folder",
        Kind::Link => "link",
        Kind::Special => "special",
    };
    let Identity { inode, size, mtime, .. } = identity;
    format!("{{kind: {kind}, inode: {inode}, size: {size}, mtime: {mtime}}}")
}

/// Returns where something lies in its run, unless that name was taken.
fn default_place(side: Side, path: &RepoPath) -> String {
    format!("{}/{path}", side.word())
}

/// Writes a YAML string in double quotes, on one line, with everything escaped that does not print.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                write!(quoted, "\\u{:04x}", u32::from(c)).expect("a String takes everything");
            }
            '\u{fffe}' | '\u{ffff}' => {
                write!(quoted, "\\u{:04x}", u32::from(character)).expect("as above");
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// An entry as it is read back, with what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) entry: Entry,
    /// Whether a later line says what became of it.
    pub(super) is_settled: bool,
    /// Whether it is kept as something that nobody else has.
    pub(super) is_kept: bool,
}

/// A list as it is read back.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct List {
    pub(super) entries: Vec<Read>,
    pub(super) is_finished: bool,
    /// Written by a newer lsync, in a format that this one does not know.
    pub(super) is_newer: bool,
    /// The last line lacks its newline.
    pub(super) is_torn: bool,
}

/// Reads a list. Lines that cannot be read are left out: what they name stays in the trash.
pub(super) fn read(bytes: &[u8]) -> List {
    let mut list =
        List { is_torn: !bytes.ends_with(b"\n") && !bytes.is_empty(), ..List::default() };
    let complete = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let lines = bytes[..complete].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    for line in lines {
        let Some(record) = record(line) else { continue };
        list.is_newer |= record.lsync.is_some_and(|format| format > FORMAT);
        list.is_finished |= record.finished;
        for (mark, is_kept) in [(record.done, false), (record.void, false), (record.keep, true)] {
            // Marks follow their entries closely.
            let of = |read: &&mut Read| Some(read.entry.number) == mark;
            if let Some(read) = list.entries.iter_mut().rev().find(of) {
                read.is_settled = true;
                read.is_kept |= is_kept;
            }
        }
        if let Some(entry) = record.entry() {
            list.entries.push(Read { entry, is_settled: false, is_kept: false });
        }
    }
    list
}

/// Reads one line.
fn record(line: &[u8]) -> Option<Record> {
    let line = std::str::from_utf8(line).ok()?;
    let records: Vec<Record> = serde_yaml::from_str(line).ok()?;
    records.into_iter().next()
}

/// Any line of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Record {
    lsync: Option<u32>,
    number: Option<u64>,
    path: Option<String>,
    side: Option<Side>,
    why: Option<Why>,
    top: String,
    slot: Option<String>,
    etag: Option<String>,
    version: Option<String>,
    known: bool,
    staged: Option<IdentityRecord>,
    expected: Option<IdentityRecord>,
    contents: Option<String>,
    done: Option<u64>,
    void: Option<u64>,
    keep: Option<u64>,
    finished: bool,
}

/// An [`Identity`] in a line.
#[derive(Debug, Deserialize)]
struct IdentityRecord {
    kind: KindRecord,
    inode: u64,
    size: u64,
    mtime: i64,
}

/// A [`Kind`] in a line.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindRecord {
    File,
    Folder,
    Link,
    Special,
}

impl From<IdentityRecord> for Identity {
    fn from(record: IdentityRecord) -> Self {
        let kind = match record.kind {
            KindRecord::File => Kind::File,
            KindRecord::Folder => Kind::Folder,
            KindRecord::Link => Kind::Link,
            KindRecord::Special => Kind::Special,
        };
        Self { kind, inode: record.inode, size: record.size, mtime: record.mtime }
    }
}

impl Record {
    /// Returns the entry that the line is, if it is one. Paths are checked: a list is only a file.
    fn entry(self) -> Option<Entry> {
        let path = RepoPath::parse(&self.path?).ok()?;
        let side = self.side?;
        let place = match (self.slot, &self.version) {
            (Some(slot), _) => Some(slot),
            (None, Some(_)) => None,
            (None, None) => Some(default_place(side, &path)),
        };
        if place.as_deref().is_some_and(|place| RepoPath::parse(place).is_err_and(is_unsafe))
            || (!self.top.is_empty() && RepoPath::parse(&self.top).is_err())
        {
            return None;
        }
        Some(Entry {
            number: self.number?,
            path,
            side,
            why: self.why?,
            top: self.top,
            place,
            etag: self.etag.as_deref().map(Etag::exact),
            version: self.version,
            known: self.known,
            staged: self.staged.map(Identity::from),
            expected: self.expected.map(Identity::from),
            contents: self.contents.and_then(|hex| u64::from_str_radix(&hex, 16).ok()),
        })
    }
}

/// Tells whether a place must not be followed; it may well be longer than a key.
fn is_unsafe(error: crate::tree::PathError) -> bool {
    error != crate::tree::PathError::LongKey
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
