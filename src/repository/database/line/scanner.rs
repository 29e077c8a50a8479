//! Reads canonical rows, and nothing else: the fast path of loading.

use crate::repository::codec::scan::{signed, unsigned};
use crate::repository::codec::{is_printable, plain, unquote};
use crate::tree::{
    BaseRow, Content, PartMd5s, Properties, RepoPath, Signature, Token, Version, read_hex,
};

use super::writing::DatabaseLine;

/// How every canonical row begins.
const BEGINNING: &[u8] = b"- {path: \"";

/// Reads one canonical row without its comment; `None` where anything is not as lsync writes it, and
/// where there are properties.
pub(in crate::repository::database) fn scan(line: &[u8]) -> Option<DatabaseLine> {
    let (path, rest) = unquote(line.strip_prefix(BEGINNING)?)?;
    let path = RepoPath::parse(&path).ok()?;
    if rest == b", gone: true}" {
        return Some(DatabaseLine::Gone(path));
    }
    let (size, rest) = unsigned(rest.strip_prefix(b", size: ")?)?;
    let (mtime, rest) = signed(rest.strip_prefix(b", mtime: ")?)?;
    let (ctime, rest) = signed(rest.strip_prefix(b", ctime: ")?)?;
    let (inode, rest) = unsigned(rest.strip_prefix(b", inode: ")?)?;
    let signature = Signature { size, mtime, ctime, inode };
    let ((token, stored), content) = match rest.strip_prefix(b", version: \"") {
        Some(rest) => second_format(size, rest)?,
        None => first_format(size, rest.strip_prefix(b", etag: \"")?)?,
    };
    let version = Version { token, size: stored };
    let properties = Properties::default();
    Some(DatabaseLine::Put(BaseRow { path, signature, version, content, properties }))
}

/// What the second half of a row says: the version and its bytes, and the content.
type Half = ((Token, u64), Content);

/// Reads what follows `etag: "` in a row of format 1.
fn first_format(size: u64, rest: &[u8]) -> Option<Half> {
    let (token, rest) = unquote(rest)?;
    let crc64 = match rest {
        b"}" => None,
        _ => Some(read_hex(rest.strip_prefix(b", crc64: \"")?.strip_suffix(b"\"}")?)?),
    };
    let token = Token::new(&token);
    let content = first_content(size, &token, crc64.map(u64::from_be_bytes));
    Some(((token, size), content))
}

/// Returns what a row of format 1 says of the bytes: that has no checksum exactly where the `ETag` is known
/// to be their MD5.
pub(in crate::repository::database) fn first_content(
    size: u64,
    etag: &Token,
    crc64: Option<u64>,
) -> Content {
    let content = Content::of_size(size).with_crc64(crc64);
    if crc64.is_some() {
        return content;
    }
    match etag.hex() {
        Some(md5) => content.with_md5(Some(md5)),
        None => content.with_part_md5s(PartMd5s::parse(&etag.text())),
    }
}

/// Reads what follows `version: "` in a row of format 2.
fn second_format(size: u64, rest: &[u8]) -> Option<Half> {
    let (token, mut rest) = unquote(rest)?;
    let (token, mut stored) = (Token::new(&token), size);
    if let Some(after) = rest.strip_prefix(b", stored: ") {
        (stored, rest) = unsigned(after)?;
        // It is written only where it differs.
        (stored != size).then_some(())?;
    }
    let mut content = Content::of_size(size);
    if let Some(after) = rest.strip_prefix(b", md5: version") {
        content = content.with_md5(Some(token.hex()?));
        rest = after;
    } else if let Some((digits, after)) = digits_of(rest, b", md5: \"") {
        let md5 = read_hex(digits)?;
        (token.hex() != Some(md5)).then_some(())?;
        content = content.with_md5(Some(md5));
        rest = after;
    }
    if let Some((text, after)) = digits_of(rest, b", part_md5s: \"") {
        let part_md5s = PartMd5s::parse(std::str::from_utf8(text).ok()?)?;
        // What other spellings there are, the YAML library reads.
        (part_md5s.to_string().as_bytes() == text).then_some(())?;
        content = content.with_part_md5s(Some(part_md5s));
        rest = after;
    }
    if let Some((digits, after)) = digits_of(rest, b", crc64: \"") {
        content = content.with_crc64(Some(u64::from_be_bytes(read_hex(digits)?)));
        rest = after;
    }
    if let Some((digits, after)) = digits_of(rest, b", crc32c: \"") {
        content = content.with_crc32c(Some(u32::from_be_bytes(read_hex(digits)?)));
        rest = after;
    }
    (rest == b"}").then_some(((token, stored), content))
}

/// Returns what stands between `beginning`, which ends with a quote, and the next quote, and what follows.
fn digits_of<'a>(rest: &'a [u8], beginning: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let rest = rest.strip_prefix(beginning)?;
    let end = memchr::memchr(b'"', rest)?;
    Some((&rest[..end], &rest[end + 1..]))
}

/// Returns the bytes of the path of a row, if they stand there as lsync writes them and without
/// escapes; looks at nothing else.
pub(in crate::repository::database) fn raw_path(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(BEGINNING)?;
    let end = memchr::memchr2(b'"', b'\\', rest)?;
    // YAML makes a blank of a line break within quotes.
    let path = &rest[..end];
    (rest[end] == b'"' && (is_printable(path) || plain(path).is_some())).then_some(path)
}
