//! Pieces of lines exactly as [`super::Writer`] writes them: the fast path of loading.

/// Reads a number without sign, blanks or leading zeros.
pub(in crate::repository) fn unsigned(bytes: &[u8]) -> Option<(u64, &[u8])> {
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
pub(in crate::repository) fn signed(bytes: &[u8]) -> Option<(i64, &[u8])> {
    match bytes.strip_prefix(b"-") {
        None => unsigned(bytes).and_then(|(value, rest)| Some((i64::try_from(value).ok()?, rest))),
        Some(bytes) => match unsigned(bytes)? {
            (0, _) => None,
            (value, rest) => Some((0_i64.checked_sub_unsigned(value)?, rest)),
        },
    }
}
