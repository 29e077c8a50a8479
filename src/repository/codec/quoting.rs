//! Strings as the database writes them: always in double quotes, with escapes that YAML knows.

use std::borrow::Cow;
use std::fmt::Write as _;

use memchr::memchr2;

/// Tells whether a character has to be escaped: what YAML 1.2 calls non-printable (section 5.1),
/// line breaks of YAML 1.1, the byte order mark, and the two that end or begin something.
fn needs_escape(c: char) -> bool {
    matches!(
        c,
        '"' | '\\'
            | '\0'..='\x1f'
            | '\x7f'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}'
    )
}

/// Appends `text` in double quotes.
pub(in crate::repository) fn push_quoted(line: &mut String, text: &str) {
    line.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(needs_escape) {
        line.push_str(&rest[..at]);
        let mut characters = rest[at..].chars();
        if let Some(c) = characters.next() {
            push_escape(line, c);
        }
        rest = characters.as_str();
    }
    line.push_str(rest);
    line.push('"');
}

/// Appends one escape sequence (YAML 1.2, section 5.7).
fn push_escape(line: &mut String, c: char) {
    match c {
        '"' => line.push_str("\\\""),
        '\\' => line.push_str("\\\\"),
        '\n' => line.push_str("\\n"),
        '\t' => line.push_str("\\t"),
        '\r' => line.push_str("\\r"),
        '\0' => line.push_str("\\0"),
        _ => {
            let code = u32::from(c);
            match code {
                ..=0xff => write!(line, "\\x{code:02x}"),
                0x100..=0xffff => write!(line, "\\u{code:04x}"),
                _ => write!(line, "\\U{code:08x}"),
            }
            .expect("a string takes everything");
        }
    }
}

/// Reads a string whose opening quote is gone; returns it and what follows its closing quote.
///
/// `None` where it is not written as [`push_quoted`] may write it (other escapes, characters that
/// should have been escaped, bytes that are not UTF-8): then the YAML library has to look.
pub(in crate::repository) fn unquote(bytes: &[u8]) -> Option<(Cow<'_, str>, &[u8])> {
    let end = memchr2(b'"', b'\\', bytes)?;
    if bytes[end] == b'"' {
        return Some((Cow::Borrowed(plain(&bytes[..end])?), &bytes[end + 1..]));
    }
    let mut text = String::with_capacity(bytes.len().min(256));
    let mut rest = bytes;
    loop {
        let end = memchr2(b'"', b'\\', rest)?;
        text.push_str(plain(&rest[..end])?);
        if rest[end] == b'"' {
            return Some((Cow::Owned(text), &rest[end + 1..]));
        }
        let (c, after) = unescape(&rest[end + 1..])?;
        text.push(c);
        rest = after;
    }
}

/// Returns the bytes as text if nothing in it should have been escaped.
pub(in crate::repository) fn plain(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    (is_printable(bytes) || !text.contains(needs_escape)).then_some(text)
}

/// Tells whether the bytes are characters of ASCII that need no escape, as most are. (The two that end
/// or begin something are not looked for.)
pub(in crate::repository) fn is_printable(bytes: &[u8]) -> bool {
    let is_odd = |odd, byte: &u8| odd | !matches!(byte, b' '..=b'~');
    // Sixteen bytes without an early exit are two vector instructions.
    let (chunks, rest) = bytes.as_chunks::<16>();
    !chunks.iter().any(|chunk| chunk.iter().fold(false, is_odd)) && !rest.iter().fold(false, is_odd)
}

/// Reads what follows a backslash.
fn unescape(bytes: &[u8]) -> Option<(char, &[u8])> {
    let (letter, rest) = bytes.split_first()?;
    let digits = match letter {
        b'"' => return Some(('"', rest)),
        b'\\' => return Some(('\\', rest)),
        b'n' => return Some(('\n', rest)),
        b't' => return Some(('\t', rest)),
        b'r' => return Some(('\r', rest)),
        b'0' => return Some(('\0', rest)),
        b'x' => 2,
        b'u' => 4,
        b'U' => 8,
        _ => return None,
    };
    let (hex, rest) = rest.split_at_checked(digits)?;
    let code = hex.iter().try_fold(0_u32, |code, digit| {
        Some(code.checked_mul(16)? + char::from(*digit).to_digit(16)?)
    })?;
    Some((char::from_u32(code)?, rest))
}
