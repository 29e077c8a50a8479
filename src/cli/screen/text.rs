//! Numbers, sizes, times and names as words for people.

use std::fmt::{Display, Write as _};
use std::time::Duration;

use dialoguer::console::measure_text_width;

/// Replaces what a terminal would act upon: control characters, and those that turn the direction of
/// the text around. Names and messages of stores come from strangers.
pub(in crate::cli) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            c if c.is_control() || turns_or_breaks(c) => {
                write!(escaped, "\\u{{{:x}}}", u32::from(c)).expect("a String takes every text");
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// Marks, embeddings, overrides and isolates of Unicode's bidirectional algorithm (UAX #9), line and
/// paragraph separators, and the byte order mark.
fn turns_or_breaks(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Names the first of so many, and says how many more there are.
pub(in crate::cli) fn first_of<T: Display>(named: &[T], total: u64) -> String {
    let list = named.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match total.saturating_sub(named.len() as u64) {
        0 => list,
        more => format!("{list} and {more} more"),
    }
}

/// Escapes a name and takes its beginning off where it has more than so many columns.
pub(in crate::cli) fn shortened(name: &str, columns: usize) -> String {
    let escaped = escape(name);
    if measure_text_width(&escaped) <= columns {
        return escaped;
    }
    let mut left = columns.saturating_sub(1);
    let mut start = escaped.len();
    for (index, c) in escaped.char_indices().rev() {
        let Some(rest) = left.checked_sub(measure_text_width(c.encode_utf8(&mut [0; 4]))) else {
            break;
        };
        (left, start) = (rest, index);
    }
    format!("…{}", &escaped[start..])
}

/// Returns the first of the texts that has at most so many columns, else the last one.
pub(in crate::cli) fn fitting(texts: impl IntoIterator<Item = String>, columns: usize) -> String {
    let mut last = String::new();
    for text in texts {
        if measure_text_width(&text) <= columns {
            return text;
        }
        last = text;
    }
    last
}

/// Formats bytes in binary units: `4 B`, `48.2 KiB`.
pub(in crate::cli) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // Tenths of the unit, rounded half up, without floating point.
    let mut divisor: u128 = 1024;
    for unit in UNITS {
        let tenths = (u128::from(bytes) * 10 + divisor / 2) / divisor;
        if tenths < 10_240 || unit == "EiB" {
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
        divisor *= 1024;
    }
    format!("{bytes} B")
}

/// Formats a number with commas between thousands.
pub(in crate::cli) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a count of things: `1 file`, `2 files`.
pub(in crate::cli) fn count(number_of: u64, singular: &str, plural: &str) -> String {
    format!("{} {}", number(number_of), if number_of == 1 { singular } else { plural })
}

/// Formats a duration: `0.4 s`, `3 min 20 s`, `2 h 5 min`.
pub(in crate::cli) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds}.{} s", duration.subsec_millis() / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Returns bytes a second; `None` for what was too short, or too slow, to tell.
pub(in crate::cli) fn rate(bytes: u64, duration: Duration) -> Option<u64> {
    let milliseconds = duration.as_millis();
    (milliseconds >= 100)
        .then(|| u64::try_from(u128::from(bytes) * 1000 / milliseconds).unwrap_or(u64::MAX))
        .filter(|rate| *rate > 0)
}

/// Says how long bytes that are still to travel will take, in whole seconds and never none.
pub(in crate::cli) fn left(bytes: u64, rate: u64) -> String {
    let seconds = bytes.div_ceil(rate.max(1)).max(1);
    match seconds {
        0..60 => format!("{seconds} s left"),
        _ => format!("{} left", duration(Duration::from_secs(seconds))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_move_the_cursor_or_start_a_line() {
        assert_eq!(escape("a\nb\tc\r"), "a\\nb\\tc\\r");
        assert_eq!(escape("\u{1b}[31m\u{7f}\u{9b}"), "\\u{1b}[31m\\u{7f}\\u{9b}");
        assert_eq!(escape("\u{202e}txt.exe\u{2066}"), "\\u{202e}txt.exe\\u{2066}");
        assert_eq!(escape("été \\ 日本 👍"), "été \\ 日本 👍");
    }

    #[test]
    fn sizes_have_one_digit_behind_the_point_and_never_1024_of_a_unit() {
        for (bytes, text) in [
            (0, "0 B"),
            (4, "4 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (49_357, "48.2 KiB"),
            (1_048_575, "1.0 MiB"),
            (1_258_291, "1.2 MiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn numbers_are_grouped_and_things_counted() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(count(1, "conflict", "conflicts"), "1 conflict");
        assert_eq!(count(1000, "conflict", "conflicts"), "1,000 conflicts");
    }

    #[test]
    fn durations_grow_coarser() {
        assert_eq!(duration(Duration::from_millis(420)), "0.4 s");
        assert_eq!(duration(Duration::from_secs(200)), "3 min 20 s");
        assert_eq!(duration(Duration::from_mins(125)), "2 h 5 min");
    }

    #[test]
    fn a_rate_needs_time() {
        assert_eq!(rate(1000, Duration::from_millis(50)), None);
        assert_eq!(rate(1000, Duration::from_secs(2)), Some(500));
    }

    #[test]
    fn nobody_is_told_that_nothing_a_second_arrives() {
        assert_eq!(rate(0, Duration::from_secs(2)), None);
        assert_eq!(rate(5, Duration::from_secs(10)), None);
    }

    #[test]
    fn what_is_left_is_never_no_time() {
        assert_eq!(left(1, 1_000), "1 s left");
        assert_eq!(left(10_001, 1_000), "11 s left");
        assert_eq!(left(200, 1), "3 min 20 s left");
    }

    #[test]
    fn long_names_lose_their_beginning() {
        assert_eq!(shortened("a/b", 40), "a/b");
        assert_eq!(shortened("folder/file", 6), "…/file");
        // Each of these has two columns.
        assert_eq!(shortened("日本語", 5), "…本語");
        assert_eq!(shortened("日本語", 4), "…語");
        assert_eq!(shortened("abc", 1), "…");
    }

    #[test]
    fn the_first_text_that_fits_is_taken_else_the_last() {
        let texts = || ["a long text", "a text", "text"].map(str::to_owned);
        assert_eq!(fitting(texts(), 80), "a long text");
        assert_eq!(fitting(texts(), 6), "a text");
        assert_eq!(fitting(texts(), 1), "text");
    }
}
