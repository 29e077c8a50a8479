//! What answers and metadata say, read and written as text. Pure.

use aws_smithy_types::{DateTime, base64};
use md5::{Digest as _, Md5};

/// The metadata key of a file's mtime (`x-amz-meta-mtime`), as rclone writes it.
pub(in crate::remote::s3) const MTIME_KEY: &str = "mtime";

const NANOSECONDS_PER_SECOND: i64 = 1_000_000_000;

/// Writes nanoseconds since 1970 as decimal seconds with nine digits.
pub(in crate::remote::s3) fn mtime_text(mtime: i64) -> String {
    let sign = if mtime < 0 { "-" } else { "" };
    let (seconds, fraction) = (
        mtime.unsigned_abs() / NANOSECONDS_PER_SECOND.unsigned_abs(),
        mtime.unsigned_abs() % NANOSECONDS_PER_SECOND.unsigned_abs(),
    );
    format!("{sign}{seconds}.{fraction:09}")
}

/// Reads decimal seconds with any number of digits behind the point, negative ones, too; `None` for
/// nonsense and for what no file can have.
pub(in crate::remote::s3) fn parse_mtime(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (seconds, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(seconds) || !is_number(fraction) {
        return None;
    }
    let nanoseconds: i64 = fraction
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    let seconds: i64 = seconds.parse().ok()?;
    let total = seconds.checked_mul(NANOSECONDS_PER_SECOND)?.checked_add(nanoseconds)?;
    Some(if negative { -total } else { total })
}

/// Returns nanoseconds since 1970; a time that no `i64` holds is as good as none, which is 0.
pub(in crate::remote::s3) fn nanoseconds(time: Option<&DateTime>) -> i64 {
    time.and_then(|time| i64::try_from(time.as_nanos()).ok()).unwrap_or(0)
}

/// Writes a CRC-64/NVME as the checksum headers have it: base64 of eight bytes, the highest first.
pub(in crate::remote::s3) fn checksum_text(crc64: u64) -> String {
    base64::encode(crc64.to_be_bytes())
}

/// Writes the MD5 of a body as `Content-MD5` wants it.
pub(in crate::remote::s3) fn md5_text(body: &[u8]) -> String {
    base64::encode(Md5::digest(body))
}

/// Reads a checksum header; `None` for a checksum of checksums (`…-N`) and for nonsense.
pub(in crate::remote::s3) fn parse_checksum(text: &str) -> Option<u64> {
    base64::decode(text).ok()?.try_into().ok().map(u64::from_be_bytes)
}

/// Returns a version id unless it only says that the bucket keeps no versions.
pub(in crate::remote::s3) fn version_id(text: Option<&str>) -> Option<String> {
    text.filter(|id| !id.is_empty() && *id != "null").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mtimes_have_nine_digits_and_come_back() {
        for (mtime, text) in [
            (1_731_234_567_123_456_789, "1731234567.123456789"),
            (0, "0.000000000"),
            (1, "0.000000001"),
            (-1, "-0.000000001"),
            (-1_500_000_000, "-1.500000000"),
            (i64::MAX, "9223372036.854775807"),
        ] {
            assert_eq!(mtime_text(mtime), text);
            assert_eq!(parse_mtime(text), Some(mtime));
        }
        assert_eq!(mtime_text(i64::MIN), "-9223372036.854775808");
    }

    #[test]
    fn mtimes_of_other_tools_are_read_and_nonsense_is_not() {
        for (text, mtime) in [
            ("1731234567", Some(1_731_234_567_000_000_000)),
            ("1731234567.5", Some(1_731_234_567_500_000_000)),
            (" 1.0000000019 ", Some(1_000_000_001)),
            ("-5", Some(-5_000_000_000)),
            ("", None),
            ("-", None),
            (".5", None),
            ("1.", None),
            ("1.2.3", None),
            ("+1", None),
            ("1e9", None),
            ("yesterday", None),
            ("99999999999", None),
            ("99999999999999999999999", None),
        ] {
            assert_eq!(parse_mtime(text), mtime, "{text:?}");
        }
    }

    #[test]
    fn checksums_are_eight_bytes_in_base64() {
        // CRC-64/NVME of "123456789" (the catalogue's check value).
        assert_eq!(checksum_text(0xae8b_1486_0a79_9888), "rosUhgp5mIg=");
        assert_eq!(parse_checksum("rosUhgp5mIg="), Some(0xae8b_1486_0a79_9888));
        for text in ["rosUhgp5mIg=-3", "AAAAAA==", "", "?"] {
            assert_eq!(parse_checksum(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_null_version_is_none() {
        assert_eq!(version_id(Some("null")), None);
        assert_eq!(version_id(None), None);
        assert_eq!(version_id(Some("3f2a")).as_deref(), Some("3f2a"));
    }
}
