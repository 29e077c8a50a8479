//! Reads canonical rows, and nothing else: the fast path of loading.

use crate::tree::{BaseRow, Etag, RepoPath, Signature};

use super::text::{is_printable, plain, unquote};

/// How every canonical row begins.
const BEGINNING: &[u8] = b"- {path: \"";

/// A row that the scanner knows.
pub(super) enum Scanned {
    /// The path and how both sides looked.
    Put(BaseRow),
    /// The path is on neither side.
    Gone(RepoPath),
}

/// Reads one canonical row without its comment; `None` where anything is not as lsync writes it.
pub(super) fn scan(line: &[u8]) -> Option<Scanned> {
    let (path, rest) = unquote(line.strip_prefix(BEGINNING)?)?;
    let path = RepoPath::parse(&path).ok()?;
    if rest == b", gone: true}" {
        return Some(Scanned::Gone(path));
    }
    let (size, rest) = unsigned(rest.strip_prefix(b", size: ")?)?;
    let (mtime, rest) = signed(rest.strip_prefix(b", mtime: ")?)?;
    let (ctime, rest) = signed(rest.strip_prefix(b", ctime: ")?)?;
    let (inode, rest) = unsigned(rest.strip_prefix(b", inode: ")?)?;
    let (etag, rest) = unquote(rest.strip_prefix(b", etag: \"")?)?;
    let crc64 = match rest {
        b"}" => None,
        _ => Some(hex16(rest.strip_prefix(b", crc64: \"")?.strip_suffix(b"\"}")?)?),
    };
    let signature = Signature { size, mtime, ctime, inode };
    Some(Scanned::Put(BaseRow { path, signature, etag: Etag::exact(&etag), crc64 }))
}

/// Returns the bytes of the path of a row, if they stand there as lsync writes them and without
/// escapes; looks at nothing else.
pub(super) fn raw_path(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(BEGINNING)?;
    let end = memchr::memchr2(b'"', b'\\', rest)?;
    // YAML makes a blank of a line break within quotes.
    let path = &rest[..end];
    (rest[end] == b'"' && (is_printable(path) || plain(path).is_some())).then_some(path)
}

/// Reads 16 lower-case hex digits.
pub(super) fn hex16(digits: &[u8]) -> Option<u64> {
    if digits.len() != 16 {
        return None;
    }
    digits.iter().try_fold(0, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u64::from(digit))
    })
}

/// Reads a number without sign, blanks or leading zeros.
fn unsigned(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (mut value, mut rest) = (0_u64, bytes);
    while let Some((chunk, after)) = rest.split_first_chunk()
        && let Some(number) = eight_digits(*chunk)
    {
        value = value.wrapping_mul(100_000_000).wrapping_add(number);
        rest = after;
    }
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        rest = after;
    }
    match &bytes[..bytes.len() - rest.len()] {
        [] | [b'0', _, ..] => None,
        // Nineteen digits always fit.
        digits if digits.len() <= 19 => Some((value, rest)),
        digits => Some((std::str::from_utf8(digits).ok()?.parse().ok()?, rest)),
    }
}

/// Reads eight digits in one word: most of a row are those of its times. `None` where one is no digit.
fn eight_digits(bytes: [u8; 8]) -> Option<u64> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let digits = u64::from_le_bytes(bytes) ^ (ONES * 0x30);
    // A byte above 9 carries into its highest bit, or has it.
    if (digits.wrapping_add(ONES * 0x76) | digits) & (ONES * 0x80) != 0 {
        return None;
    }
    // Neighbours become pairs, pairs fours, and fours all eight; the first is the lowest byte.
    let pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours * 10_000 + (fours >> 32)) & 0xffff_ffff)
}

/// Reads a number that may have a minus.
fn signed(bytes: &[u8]) -> Option<(i64, &[u8])> {
    match bytes.strip_prefix(b"-") {
        None => unsigned(bytes).and_then(|(value, rest)| Some((i64::try_from(value).ok()?, rest))),
        Some(bytes) => match unsigned(bytes)? {
            (0, _) => None,
            (value, rest) => Some((0_i64.checked_sub_unsigned(value)?, rest)),
        },
    }
}
