//! [`Etag`]: the name of one version of an object.

use std::borrow::Cow;
use std::fmt;

use md5::{Digest as _, Md5};

/// The name a store gives to one version of an object, without quotes; compared, never interpreted
/// except where the probe saw that it is an MD5.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Etag(Spelling);

/// How the text is kept. Each text has one spelling, so that equal ones are equal.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Spelling {
    /// 32 hex digits in lower case, as nearly all are: half as long, and with no memory of their own.
    Hex([u8; 16]),
    /// Every other text.
    Text(Box<str>),
}

impl Etag {
    /// Takes an ETag as a store or a listing writes it: surrounding quotes and `W/` are taken off.
    pub fn new(text: &str) -> Self {
        let text = text.strip_prefix("W/").unwrap_or(text);
        Self::exact(text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text))
    }

    /// Takes an ETag as [`Etag::text`] gave it: nothing is taken off once more.
    pub fn exact(text: &str) -> Self {
        let is_lower_case = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        match hex16(text).filter(|_| is_lower_case) {
            Some(bytes) => Self(Spelling::Hex(bytes)),
            None => Self(Spelling::Text(text.into())),
        }
    }

    /// Returns the text without quotes.
    pub fn text(&self) -> Cow<'_, str> {
        match &self.0 {
            Spelling::Hex(bytes) => format!("{:032x}", u128::from_be_bytes(*bytes)).into(),
            Spelling::Text(text) => (&**text).into(),
        }
    }

    /// Returns the bytes of an MD5 where the ETag has the shape of one (32 hex digits).
    pub fn md5(&self) -> Option<[u8; 16]> {
        match &self.0 {
            Spelling::Hex(bytes) => Some(*bytes),
            Spelling::Text(text) => hex16(text),
        }
    }

    /// Returns MD5 of the part MD5s and the number of parts, where the ETag has that shape (`hex-N`).
    pub fn md5_of_parts(&self) -> Option<([u8; 16], u32)> {
        let Spelling::Text(text) = &self.0 else { return None };
        let (hex, parts) = text.split_once('-')?;
        let parts = parts.parse().ok().filter(|parts| *parts > 0)?;
        hex16(hex).map(|md5| (md5, parts))
    }

    /// Returns the `ETag` of an upload whose parts have these, in their order: the MD5 of their MD5s
    /// and their number; `None` where one is no MD5.
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let (mut hash, mut count) = (Md5::new(), 0_u32);
        for part in parts {
            hash.update(part.md5()?);
            count += 1;
        }
        let md5 = u128::from_be_bytes(hash.finalize().into());
        Some(Self::exact(&format!("{md5:032x}-{count}")))
    }
}

/// Decodes 32 hex digits of either case.
fn hex16(hex: &str) -> Option<[u8; 16]> {
    let digits: &[u8; 32] = hex.as_bytes().try_into().ok()?;
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// Decodes one hex digit.
fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Spelling::Hex(bytes) => write!(formatter, "{:032x}", u128::from_be_bytes(*bytes)),
            Spelling::Text(text) => formatter.write_str(text),
        }
    }
}

impl fmt::Debug for Etag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.text(), formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_comes_back_as_it_was_and_no_two_texts_are_the_same() {
        let texts = [
            "9e107d9d372bb6826bd81d3542a419d6",
            "9E107D9D372BB6826BD81D3542A419D6",
            "9e107d9d372bb6826bd81d3542a419dG",
            "00000000000000000000000000000000",
            "0000000000000000000000000000000",
            "+e107d9d372bb6826bd81d3542a419d6",
            "9e107d9d372bb6826bd81d3542a419d6-1",
            "",
        ];
        for text in texts {
            let etag = Etag::exact(text);
            let spelt = [etag.text().into_owned(), etag.to_string(), format!("{etag:?}")];
            assert_eq!(spelt, [text.to_owned(), text.to_owned(), format!("{text:?}")]);
            let equal = texts.iter().filter(|other| Etag::exact(other) == etag).count();
            assert_eq!(equal, 1, "{text}");
        }
        assert_eq!(Etag::exact(texts[0]).md5(), Etag::exact(texts[1]).md5());
    }

    #[test]
    fn the_etag_of_parts_is_the_md5_of_their_md5s_in_order() {
        let part = |body: &str| {
            let md5 = u128::from_be_bytes(Md5::digest(body).into());
            Etag::new(&format!("{md5:032x}"))
        };
        let both = [Md5::digest("a"), Md5::digest("b")].concat();
        let expected = format!("{:032x}-2", u128::from_be_bytes(Md5::digest(both).into()));
        assert_eq!(Etag::of_parts(&[part("a"), part("b")]), Some(Etag::new(&expected)));
        assert_eq!(Etag::of_parts(&[Etag::new("opaque")]), None);
    }

    #[test]
    fn etags_lose_quotes_and_weakness_only() {
        for (written, kept) in [("\"ab\"", "ab"), ("ab", "ab"), ("W/\"ab\"", "ab"), ("\"", "\"")] {
            assert_eq!(Etag::new(written).text(), kept);
        }
        assert_eq!(Etag::exact("W/\"ab\"").text(), "W/\"ab\"");
    }

    #[test]
    fn an_etag_is_shown_without_quotes_and_escaped_for_debugging() {
        let etag = Etag::new("\"a\nb\"");
        assert_eq!((etag.to_string(), format!("{etag:?}")), ("a\nb".into(), r#""a\nb""#.into()));
    }

    #[test]
    fn only_the_shape_of_an_md5_is_read_as_one() {
        let md5 = 0x9e10_7d9d_372b_b682_6bd8_1d35_42a4_19d6_u128.to_be_bytes();
        assert_eq!(Etag::new("9e107d9d372bb6826bd81d3542a419d6").md5(), Some(md5));
        assert_eq!(Etag::new("9e107d9d372bb6826bd81d3542a419d6-1").md5_of_parts(), Some((md5, 1)));
        assert!(Etag::new("9e107d9d372bb6826bd81d3542a419d").md5().is_none());
        assert!(Etag::new("9e107d9d372bb6826bd81d3542a419dg").md5().is_none());
        assert!(Etag::new("+e107d9d372bb6826bd81d3542a419d6").md5().is_none());
        assert!(Etag::new("0cc175b9c0f1b6a831c399e269772661-0").md5_of_parts().is_none());
        assert!(Etag::new("5-1731234567000000000-1731234567000000000-17").md5_of_parts().is_none());
    }
}
