//! Reads one line, and finds out what a broken one may be about.

use memchr::memmem;

use crate::repository::codec::unquote;
use crate::tree::{RepoPath, read_hex};

use super::writing::{DatabaseLine, crc32};
use super::{scanner, yaml};
use crate::repository::database::lines::RawLine;

/// Paths of a broken line that lose their rows: more than the lines that one wrong byte can join.
const BROKEN_PATHS_MAX: usize = 16;

/// Reads one line of either file.
pub(in crate::repository::database) fn read(raw: &RawLine<'_>) -> DatabaseLine {
    if raw.too_long {
        // The longest row ever is shorter; how the line begins may still say what it is about.
        return broken(raw.bytes, None, "the line is too long".into());
    }
    read_line(raw.bytes)
}

/// Reads one line, without its newline.
pub(in crate::repository::database) fn read_line(line: &[u8]) -> DatabaseLine {
    let line = line.trim_ascii_end();
    let sound = sound_part(line);
    if let Some(row) = sound.and_then(scanner::scan) {
        return row;
    }
    match line.trim_ascii_start() {
        [] | [b'#', ..] | b"---" | b"..." => return DatabaseLine::Blank,
        _ => (),
    }
    match sound.map(yaml::parse) {
        None => broken(line, None, "the checksum is wrong".into()),
        Some(Err(refused)) => broken(line, refused.path, refused.why),
        Some(Ok(read)) => read,
    }
}

/// Returns the row without its checksum; `None` where that is wrong.
fn sound_part(line: &[u8]) -> Option<&[u8]> {
    match split_checksum(line) {
        None => Some(line),
        Some((row, expected)) => (crc32(row) == expected).then_some(row),
    }
}

/// Returns the row and the checksum behind it, if there is one.
fn split_checksum(line: &[u8]) -> Option<(&[u8], u32)> {
    let (row, comment) = line.split_at_checked(line.len().checked_sub(11)?)?;
    Some((row, u32::from_be_bytes(read_hex(comment.strip_prefix(b" # ")?)?)))
}

/// Finds the paths that a broken line may be about: better one too many than one too few, since
/// a path without a row is merely compared anew. `read` is the one that could be read.
fn broken(line: &[u8], read: Option<RepoPath>, why: String) -> DatabaseLine {
    let found = memmem::find_iter(line, b"path").filter_map(|at| path_after(&line[at + 4..]));
    let mut paths: Vec<_> = read.into_iter().collect();
    for path in found.take(BROKEN_PATHS_MAX) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    DatabaseLine::Broken { paths, why }
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
