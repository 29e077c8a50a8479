//! Sizes and limits, as people write them.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How many deletions, or replacements, a run may carry out without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteLimit {
    /// So many files.
    Count(u64),
    /// So many of a hundred tracked files, 0 to 100.
    Percent(u8),
}

/// Reads a number or a text, as people write sizes and limits.
///
/// A visitor, so that the YAML library adds the field and its place to what is wrong.
struct NumberOrText<T>(fn(&str) -> Result<T, String>);

impl<T> NumberOrText<T> {
    fn read<'de, D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        from.deserialize_any(self)
    }
}

impl<T> Visitor<'_> for NumberOrText<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number or a text")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }
}

impl FromStr for DeleteLimit {
    type Err = String;

    /// Reads `N` or `P%`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is neither a number of files nor 0% to 100%");
        match text.strip_suffix('%') {
            Some(percent) => match percent.parse() {
                Ok(percent @ 0..=100) => Ok(Self::Percent(percent)),
                _ => Err(wrong()),
            },
            None => text.parse().map(Self::Count).map_err(|_| wrong()),
        }
    }
}

impl fmt::Display for DeleteLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(formatter, "{count}"),
            Self::Percent(percent) => write!(formatter, "{percent}%"),
        }
    }
}

impl Serialize for DeleteLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Percent(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for DeleteLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        NumberOrText(str::parse).read(deserializer)
    }
}

/// The units of sizes, largest first; those in which sizes are written come first.
const UNITS: &[(&str, u64)] = &[
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    // As rclone and the AWS CLI read a letter alone.
    ("T", 1 << 40),
    ("G", 1 << 30),
    ("M", 1 << 20),
    ("K", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// Reads how many transfers may run at once: a whole number greater than 0.
pub fn parse_jobs(text: &str) -> Result<NonZeroUsize, String> {
    let number: usize =
        text.trim().parse().map_err(|_| format!("{text:?} is not a whole number"))?;
    NonZeroUsize::new(number).ok_or_else(|| "must be greater than 0".to_owned())
}

/// Reads a size: bytes, or a whole number with a unit, `10GiB`, `500 MB`, `10M` (10 MiB).
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no size such as 500MB, 10GiB or a number of bytes");
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = (&text[..split], text[split..].trim());
    let factor = match unit {
        "" => 1,
        _ => UNITS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit))
            .map(|(_, factor)| *factor)
            .ok_or_else(wrong)?,
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(factor).ok_or_else(wrong)
}

/// Reads the number of jobs of a config, with the words of the option.
pub(super) fn jobs<'de, D: Deserializer<'de>>(from: D) -> Result<Option<NonZeroUsize>, D::Error> {
    NumberOrText(parse_jobs).read(from).map(Some)
}

/// Sizes as people write them.
pub(super) mod byte_size {
    use serde::{Deserializer, Serializer};

    use super::{NumberOrText, UNITS, parse_bytes};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(in crate::repository::config) fn serialize<S: Serializer>(
        bytes: &u64,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let exact =
            UNITS.iter().take(4).find(|(_, unit)| *bytes > 0 && bytes.is_multiple_of(*unit));
        match exact {
            Some((name, unit)) => to.collect_str(&format_args!("{}{name}", bytes / unit)),
            None => to.serialize_u64(*bytes),
        }
    }

    pub(in crate::repository::config) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<u64, D::Error> {
        NumberOrText(parse_bytes).read(from)
    }
}
