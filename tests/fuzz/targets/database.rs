//! `database.yaml` and `journal.yaml`: a row appears only if the last line that says something of
//! its path says just that, and what was read is the same once it was written again.

use std::collections::BTreeMap;

use lsync::fakes::disk::{MemoryDisk, MemoryFolder};
use lsync::repository::{Change, Database, RemoteId};
use lsync::tree::{BaseRow, Content, PartMd5s, RepoPath, Signature, Token};
use serde_yaml::{Mapping, Value};

use super::{parts, working_copy};

/// Lines that are longer count for nothing (`lines.rs`).
const LINE_BYTES_MAX: usize = 64 << 10;

/// What the last line that says something of a path says: a row, or that there is none.
type Said = BTreeMap<RepoPath, Option<BaseRow>>;

pub(crate) fn remote() -> RemoteId {
    RemoteId {
        url: "s3://team-files/docs".to_owned(),
        endpoint: "https://s3.example.org".to_owned(),
    }
}

/// The first part is `database.yaml`, the second, if there is one, `journal.yaml`.
pub(crate) fn target(data: &[u8]) {
    let parts = parts(data);
    let mut files = vec![("database.yaml", parts[0])];
    files.extend(parts.get(1).map(|journal| ("journal.yaml", *journal)));
    let (disk, control) = working_copy(&files);
    let Ok(database) = Database::open(&disk, &control, &remote()) else { return };
    let rows = rows(&database);
    assert!(rows.windows(2).all(|pair| pair[0].path < pair[1].path), "rows are in order");
    assert_eq!(database.tracked().unwrap(), rows.len() as u64);
    check_said(&parts, &rows, &database.warnings());
    check_scopes(&database, &rows);
    check_written_again(&rows);
    check_gone_on_with((&disk, &control), database, &rows);
}

fn rows(database: &Database<MemoryDisk>) -> Vec<BaseRow> {
    database.rows(None).unwrap().map(|row| row.expect("memory does not fail")).collect()
}

fn reopened(disk: &MemoryDisk, control: &MemoryFolder) -> Vec<BaseRow> {
    rows(&Database::open(disk, control, &remote()).expect("it was opened before"))
}

/// No row is made up, none is out of date; without a warning none is missing.
fn check_said(parts: &[&[u8]], rows: &[BaseRow], warnings: &[String]) {
    let mut said = Said::new();
    read_into(parts[0], false, &mut said);
    // Files of another remote count for nothing, and say so.
    let is_foreign = |file: &str| {
        let words = format!(".lsync/{file} does not belong to this remote");
        warnings.iter().any(|warning| warning.starts_with(&words))
    };
    let journal = parts.get(1).filter(|_| !is_foreign("journal.yaml"));
    if let Some(journal) = journal {
        read_into(journal, true, &mut said);
    }
    for row in rows {
        let last = said.get(&row.path).and_then(Option::as_ref);
        assert_eq!(last, Some(row), "the last line about it: {warnings:#?}");
    }
    if warnings.is_empty() && !rows.is_empty() {
        assert_eq!(said.values().flatten().count(), rows.len(), "a row is missing");
    }
}

/// Reads a file with the YAML library alone, line by line.
fn read_into(bytes: &[u8], is_journal: bool, said: &mut Said) {
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    if is_journal {
        // What no newline ends is torn.
        lines.pop();
    }
    for (index, line) in lines.into_iter().enumerate() {
        let bom = "\u{feff}".as_bytes();
        let line = if index == 0 { line.strip_prefix(bom).unwrap_or(line) } else { line };
        if line.len() <= LINE_BYTES_MAX
            && !is_wrong(line)
            && let Some((path, row)) = parse(line)
        {
            said.insert(path, row);
        }
    }
}

/// Tells whether a line ends with a checksum that is not its own.
fn is_wrong(line: &[u8]) -> bool {
    [line, line.trim_ascii_end()].iter().all(|line| {
        let Some(start) = line.len().checked_sub(11) else { return false };
        let (row, comment) = line.split_at(start);
        let Some(digits) = comment.strip_prefix(b" # ") else { return false };
        let Ok(digits) = std::str::from_utf8(digits) else { return false };
        !digits.starts_with('+')
            && u32::from_str_radix(digits, 16).is_ok_and(|sum| sum != crc32(row))
    })
}

/// CRC-32 as in ISO 3309, bit by bit.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}

fn parse(line: &[u8]) -> Option<(RepoPath, Option<BaseRow>)> {
    let items: Vec<Mapping> = serde_yaml::from_slice(line).ok()?;
    let [fields] = items.as_slice() else { return None };
    let number = |name: &str| fields.get(name).and_then(Value::as_u64);
    let time = |name: &str| fields.get(name).and_then(Value::as_i64);
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let path = RepoPath::parse(text("path")?).ok()?;
    if fields.contains_key("gone") || fields.contains_key("lsync") {
        return Some((path, None));
    }
    let row = || {
        let signature = Signature {
            size: number("size")?,
            mtime: time("mtime")?,
            ctime: time("ctime")?,
            inode: number("inode")?,
        };
        let hex = |name: &str| match fields.get(name) {
            Some(value) => u128::from_str_radix(value.as_str()?, 16).ok().map(Some),
            None => Some(None),
        };
        let content = Content::of_size(signature.size)
            .with_crc64(hex("crc64")?.map(u64::try_from).transpose().ok()?);
        if let Some(etag) = text("etag") {
            let token = Token::new(etag);
            let is_md5 = content.crc64().is_none();
            let content = content
                .with_md5(token.hex().filter(|_| is_md5))
                .with_part_md5s(PartMd5s::parse(etag).filter(|_| is_md5));
            return Some(BaseRow::plain(path.clone(), signature, token, content));
        }
        let token = Token::new(text("version")?);
        let md5 = match text("md5") {
            Some("version") => Some(token.hex()?),
            _ => hex("md5")?.map(u128::to_be_bytes),
        };
        let part_md5s = match fields.get("part_md5s") {
            Some(value) => Some(PartMd5s::parse(value.as_str()?)?),
            None => None,
        };
        let content = content
            .with_md5(md5)
            .with_part_md5s(part_md5s)
            .with_crc32c(hex("crc32c")?.map(u32::try_from).transpose().ok()?);
        let mut row = BaseRow::plain(path.clone(), signature, token, content);
        if fields.contains_key("stored") {
            row.version.size = number("stored")?;
        }
        for (name, value) in
            fields.get("properties").into_iter().filter_map(Value::as_mapping).flatten()
        {
            row.properties.set(name.as_str()?, value.as_str()?.to_owned());
        }
        Some(row)
    };
    // A line that is about a path and cannot be understood takes back what older ones said.
    Some((path.clone(), row()))
}

/// A part of the rows is what the whole shows of it.
fn check_scopes(database: &Database<MemoryDisk>, rows: &[BaseRow]) {
    for row in rows.iter().take(4) {
        assert_eq!(database.get(&row.path).unwrap().as_ref(), Some(row));
        let Some(folder) = row.path.parent() else { continue };
        let shown: Vec<_> = database.rows(Some(&folder)).unwrap().map(Result::unwrap).collect();
        let within: Vec<_> = rows.iter().filter(|it| it.path.is_within(&folder)).cloned().collect();
        assert_eq!(shown, within, "below {folder}");
    }
}

/// Written into new files, they are read as they were.
fn check_written_again(rows: &[BaseRow]) {
    let (disk, control) = working_copy(&[]);
    let mut database = Database::open(&disk, &control, &remote()).unwrap();
    let changes: Vec<_> = rows.iter().cloned().map(Change::Put).collect();
    database.record(&changes).unwrap();
    database.finish().unwrap();
    assert_eq!(reopened(&disk, &control), rows);
    assert_eq!(Database::open(&disk, &control, &remote()).unwrap().warnings(), [""; 0]);
}

/// A record on top of whatever the files are counts, and changes nothing else.
fn check_gone_on_with(
    (disk, control): (&MemoryDisk, &MemoryFolder),
    mut database: Database<MemoryDisk>,
    rows: &[BaseRow],
) {
    let path = RepoPath::parse("zz/by the fuzzer").unwrap();
    let signature = Signature { size: 1, mtime: -2, ctime: 3, inode: 4 };
    let content = Content::of_size(1).with_crc64(Some(5));
    let row = BaseRow::plain(path, signature, Token::new("1e3"), content);
    database.record(&[Change::Put(row.clone())]).unwrap();
    let expected: BTreeMap<_, _> =
        rows.iter().chain([&row]).map(|row| (row.path.clone(), row.clone())).collect();
    let expected: Vec<_> = expected.into_values().collect();
    assert_eq!(self::rows(&database), expected, "in this run");
    assert_eq!(reopened(disk, control), expected, "in the next run");
    let mut database = Database::open(disk, control, &remote()).unwrap();
    database.record(&[Change::Gone(row.path.clone())]).unwrap();
    let left: Vec<_> = expected.into_iter().filter(|it| it.path != row.path).collect();
    assert_eq!(reopened(disk, control), left);
}
