//! One line of the database or the journal: read, checked, and written.

use std::fmt::Write as _;

use crc_fast::{CrcAlgorithm, checksum};
use memchr::memmem;

use crate::tree::{BaseRow, RepoPath};

use super::{RemoteId, scanner, yaml};
use crate::repository::codec::{push_mapping, unquote};

/// The format that this version writes. It reads format 1, too.
pub(super) const FORMAT_VERSION: u64 = 2;

/// Paths of a broken line that lose their rows: more than the lines that one wrong byte can join.
const BROKEN_PATHS_MAX: usize = 16;

/// What one line says.
pub(super) enum Line {
    /// Nothing: empty, a comment, the mark of a document.
    Blank,
    /// Whose rows follow.
    Header(Header),
    /// How both sides looked.
    Put(BaseRow),
    /// Neither side has it.
    Gone(RepoPath),
    /// What it says is not to be relied upon.
    Broken {
        /// Paths that it may be about, so that older lines about them do not count either.
        paths: Vec<RepoPath>,
        /// Why, in words.
        why: String,
    },
}

/// The first row of a file.
pub(super) struct Header {
    /// The format's number.
    pub(super) version: u64,
    /// Whose rows follow; of a newer format it may not be known.
    pub(super) remote: Option<RemoteId>,
}

/// Reads one line, without its newline.
pub(super) fn read_line(line: &[u8]) -> Line {
    if let Some(scanned) = sound_part(line).and_then(scanner::scan) {
        return scanned.into();
    }
    let line = line.trim_ascii_end();
    match line.trim_ascii_start() {
        [] | [b'#', ..] | b"---" | b"..." => return Line::Blank,
        _ => (),
    }
    match sound_part(line) {
        None => broken(line, None, "the checksum is wrong".into()),
        Some(row) => match scanner::scan(row) {
            Some(scanned) => scanned.into(),
            None => {
                yaml::parse(row).unwrap_or_else(|refused| broken(line, refused.path, refused.why))
            }
        },
    }
}

/// Returns the row without its checksum; `None` where that is wrong.
fn sound_part(line: &[u8]) -> Option<&[u8]> {
    match split_checksum(line) {
        None => Some(line),
        Some((row, expected)) => (crc32(row) == expected).then_some(row),
    }
}

/// Makes a broken line of one that is longer than any row; `beginning` is how it begins.
pub(super) fn too_long(beginning: &[u8]) -> Line {
    broken(beginning, None, "the line is too long".into())
}

impl From<scanner::Scanned> for Line {
    fn from(scanned: scanner::Scanned) -> Self {
        match scanned {
            scanner::Scanned::Put(row) => Self::Put(row),
            scanner::Scanned::Gone(path) => Self::Gone(path),
        }
    }
}

/// Returns the row and the checksum behind it, if there is one.
fn split_checksum(line: &[u8]) -> Option<(&[u8], u32)> {
    let (row, comment) = line.split_at_checked(line.len().checked_sub(11)?)?;
    let digits = std::str::from_utf8(comment.strip_prefix(b" # ")?).ok()?;
    let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(digits, 16).ok()).flatten().map(|crc| (row, crc))
}

/// Returns the CRC-32/ISO-HDLC of the bytes.
fn crc32(bytes: &[u8]) -> u32 {
    u32::try_from(checksum(CrcAlgorithm::Crc32IsoHdlc, bytes)).expect("a CRC-32 has 32 bits")
}

/// Finds the paths that a broken line may be about: better one too many than one too few, since
/// a path without a row is merely compared anew. `read` is the one that could be read.
fn broken(line: &[u8], read: Option<RepoPath>, why: String) -> Line {
    let found = memmem::find_iter(line, b"path").filter_map(|at| path_after(&line[at + 4..]));
    let mut paths: Vec<_> = read.into_iter().collect();
    for path in found.take(BROKEN_PATHS_MAX) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    Line::Broken { paths, why }
}

/// Reads the path behind the word `path`, however it is quoted.
fn path_after(rest: &[u8]) -> Option<RepoPath> {
    let rest = rest.trim_ascii_start();
    let rest = rest.strip_prefix(b":").or(rest.strip_prefix(b"\":"))?.trim_ascii_start();
    if let Some((text, _)) = rest.strip_prefix(b"\"").and_then(unquote) {
        return RepoPath::parse(&text).ok();
    }
    let text = match rest.strip_prefix(b"'") {
        Some(rest) => rest.split(|byte| *byte == b'\'').next()?,
        None => rest.split(|byte| b",}#".contains(byte)).next()?.trim_ascii_end(),
    };
    RepoPath::parse(std::str::from_utf8(text).ok()?).ok()
}

/// Appends a header without newline.
pub(super) fn push_header(line: &mut String, remote: &RemoteId) {
    push_mapping(line, |fields| {
        fields.plain("lsync", FORMAT_VERSION);
        fields.text("remote", &remote.url);
        fields.text("endpoint", &remote.endpoint);
    });
}

/// Appends a row without newline.
pub(super) fn push_row(line: &mut String, row: &BaseRow) {
    let BaseRow { path, signature, version, content, properties } = row;
    push_mapping(line, |fields| {
        fields.text("path", path.as_str());
        fields.plain("size", signature.size);
        fields.plain("mtime", signature.mtime);
        fields.plain("ctime", signature.ctime);
        fields.plain("inode", signature.inode);
        fields.text("version", &version.token.text());
        if version.size != signature.size {
            fields.plain("stored", version.size);
        }
        match content.md5() {
            None => (),
            // Nearly always, and half as long.
            md5 if md5 == version.token.hex() => fields.plain("md5", "version"),
            Some(md5) => fields.hex("md5", &md5),
        }
        if let Some(part_md5s) = content.part_md5s() {
            fields.text("part_md5s", &part_md5s.to_string());
        }
        if let Some(crc64) = content.crc64() {
            fields.hex("crc64", &crc64.to_be_bytes());
        }
        if let Some(crc32c) = content.crc32c() {
            fields.hex("crc32c", &crc32c.to_be_bytes());
        }
        if !properties.is_empty() {
            fields.texts("properties", properties.iter());
        }
    });
}

/// Appends the row of a path that neither side has, without newline.
pub(super) fn push_gone(line: &mut String, path: &RepoPath) {
    push_mapping(line, |fields| {
        fields.text("path", path.as_str());
        fields.flag("gone");
    });
}

/// Appends the checksum of what stands behind `start`, and a newline.
pub(super) fn end_with_checksum(text: &mut String, start: usize) {
    let crc = crc32(&text.as_bytes()[start..]);
    writeln!(text, " # {crc:08x}").expect("a string takes everything");
}
