//! `list.yaml` of a run: one line for each thing that goes to the trash, written before it goes.
//!
//! Lines are flow mappings in a YAML sequence. An entry line is followed, later, by a line with its
//! number: `done` (the slot holds what was overwritten or deleted), `void` (the slot is empty),
//! `keep` (the slot holds what nobody else has). `finished: true` ends a run that needs no
//! settling.

use crate::repository::codec::{Fields, push_mapping};
use crate::tree::{Kind, RepoPath, Stat, Token};

/// The number of the format that this version writes, and the newest that it reads.
const FORMAT: u32 = 1;

/// Which copy of a path went to the trash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

    fn parse(word: &str) -> Option<Self> {
        [Self::Local, Self::Bucket].into_iter().find(|side| side.word() == word)
    }
}

/// Why something went to the trash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

    fn parse(word: &str) -> Option<Self> {
        let all = [Self::Replaced, Self::Deleted, Self::Forced, Self::Mirror, Self::Resolved];
        all.into_iter().find(|why| why.word() == word)
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
    /// What the store called the bucket's copy.
    pub token: Option<Token>,
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
    fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Void => "void",
            Self::Keep => "keep",
        }
    }

    /// Writes the line that gives the entry `number` this mark.
    pub(super) fn line(self, number: u64) -> String {
        format!("- {{{}: {number}}}\n", self.word())
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
        let mut line = String::new();
        push_mapping(&mut line, |fields| {
            fields.plain("number", self.number);
            fields.text("path", self.path.as_str());
            fields.plain("side", self.side.word());
            fields.plain("why", self.why.word());
            if !self.top.is_empty() {
                fields.text("top", &self.top);
            }
            if let Some(place) = &self.place
                && *place != default_place(self.side, &self.path)
            {
                fields.text("slot", place);
            }
            if let Some(token) = &self.token {
                fields.text("etag", &token.text());
            }
            if let Some(version) = &self.version {
                fields.text("version", version);
            }
            if self.known {
                fields.flag("known");
            }
            for (name, identity) in [("staged", &self.staged), ("expected", &self.expected)] {
                if let Some(Identity { kind, inode, size, mtime }) = identity {
                    fields.mapping(name, |fields| {
                        fields.plain("kind", word(*kind));
                        fields.plain("inode", inode);
                        fields.plain("size", size);
                        fields.plain("mtime", mtime);
                    });
                }
            }
            if let Some(contents) = self.contents {
                fields.hex("contents", &contents.to_be_bytes());
            }
        });
        line.push('\n');
        line
    }

    /// Reads the entry that a line is, if it is one. Paths are checked: a list is only a file.
    fn read(fields: &Fields) -> Option<Self> {
        let text = |name| fields.if_any(name, Fields::text).ok();
        let path = RepoPath::parse(&fields.text("path").ok()?).ok()?;
        let side = Side::parse(&fields.text("side").ok()?)?;
        let (version, top) = (text("version")?, text("top")?.unwrap_or_default());
        let place = match (text("slot")?, &version) {
            (Some(slot), _) => Some(slot),
            (None, Some(_)) => None,
            (None, None) => Some(default_place(side, &path)),
        };
        if place.as_deref().is_some_and(|place| RepoPath::parse(place).is_err_and(is_unsafe))
            || (!top.is_empty() && RepoPath::parse(&top).is_err())
        {
            return None;
        }
        Some(Self {
            number: fields.whole("number").ok()?,
            path,
            side,
            why: Why::parse(&fields.text("why").ok()?)?,
            top,
            place,
            token: text("etag")?.as_deref().map(Token::new),
            version,
            known: fields.is_true("known").ok()?,
            staged: fields.if_any("staged", Identity::read).ok()?,
            expected: fields.if_any("expected", Identity::read).ok()?,
            contents: fields.if_any("contents", Fields::hex).ok().flatten().map(u64::from_be_bytes),
        })
    }
}

impl Identity {
    fn read(fields: &Fields, name: &str) -> Result<Self, String> {
        let fields = fields.mapping(name)?;
        let named = fields.text("kind")?;
        let kind = [Kind::File, Kind::Folder, Kind::Link, Kind::Special];
        let kind = kind.into_iter().find(|kind| word(*kind) == named);
        Ok(Self {
            kind: kind.ok_or("there is no such kind of file")?,
            inode: fields.whole("inode")?,
            size: fields.whole("size")?,
            mtime: fields.number("mtime")?,
        })
    }
}

/// Returns the word for a kind in list.yaml.
fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "file",
        Kind::Folder => "folder",
        Kind::Link => "link",
        Kind::Special => "special",
    }
}

/// Returns where something lies in its run, unless that name was taken.
fn default_place(side: Side, path: &RepoPath) -> String {
    format!("{}/{path}", side.word())
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
        let Ok(fields) = Fields::read(line) else { continue };
        let number = |name| fields.if_any(name, Fields::whole).ok().flatten();
        list.is_newer |= number("lsync").is_some_and(|format| format > u64::from(FORMAT));
        list.is_finished |= fields.is_true("finished") == Ok(true);
        for mark in [Mark::Done, Mark::Void, Mark::Keep] {
            let Some(of) = number(mark.word()) else { continue };
            // Marks follow their entries closely.
            let is_of = |read: &&mut Read| read.entry.number == of;
            if let Some(read) = list.entries.iter_mut().rev().find(is_of) {
                read.is_settled = true;
                read.is_kept |= mark == Mark::Keep;
            }
        }
        if let Some(entry) = Entry::read(&fields) {
            list.entries.push(Read { entry, is_settled: false, is_kept: false });
        }
    }
    list
}

/// Tells whether a place must not be followed; it may well be longer than a key.
fn is_unsafe(error: crate::tree::PathError) -> bool {
    error != crate::tree::PathError::LongKey
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
