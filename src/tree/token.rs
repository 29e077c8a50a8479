//! [`Token`]: the name of one version of an object.

use std::borrow::Cow;
use std::fmt;

use super::hex::{push_hex, read_hex};

/// The name that a store gives to one version of an object (an `ETag` without quotes, a generation, the
/// identity of a file in a folder bucket). It is compared, and sent back in conditions; only the store
/// that gave it can tell more of it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Token(Spelling);

/// How the text is kept. Each text has one spelling, so that equal ones are equal.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Spelling {
    /// 32 hex digits in lower case, as nearly all are: half as long, and with no memory of their own.
    Hex([u8; 16]),
    /// Every other text.
    Text(Box<str>),
}

impl Token {
    /// Takes the text as it is.
    pub fn new(text: &str) -> Self {
        let is_lower_case = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        match read_hex(text.as_bytes()).filter(|_| is_lower_case) {
            Some(bytes) => Self(Spelling::Hex(bytes)),
            None => Self(Spelling::Text(text.into())),
        }
    }

    /// Takes the hex digits of these bytes, as of an MD5.
    pub fn of_bytes(bytes: [u8; 16]) -> Self {
        Self(Spelling::Hex(bytes))
    }

    /// Returns the text.
    pub fn text(&self) -> Cow<'_, str> {
        match &self.0 {
            Spelling::Hex(bytes) => {
                let mut text = String::with_capacity(2 * bytes.len());
                push_hex(&mut text, bytes);
                text.into()
            }
            Spelling::Text(text) => (&**text).into(),
        }
    }

    /// Returns the bytes of 32 hex digits, where the text is nothing else.
    pub fn hex(&self) -> Option<[u8; 16]> {
        match &self.0 {
            Spelling::Hex(bytes) => Some(*bytes),
            Spelling::Text(text) => read_hex(text.as_bytes()),
        }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text())
    }
}

impl fmt::Debug for Token {
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
            "W/\"ab\"",
            "",
        ];
        for text in texts {
            let token = Token::new(text);
            let spelt = [token.text().into_owned(), token.to_string(), format!("{token:?}")];
            assert_eq!(spelt, [text.to_owned(), text.to_owned(), format!("{text:?}")]);
            let equal = texts.iter().filter(|other| Token::new(other) == token).count();
            assert_eq!(equal, 1, "{text}");
        }
        assert_eq!(Token::new(texts[0]).hex(), Token::new(texts[1]).hex());
        assert_eq!(Token::new(texts[2]).hex(), None);
    }

    #[test]
    fn a_token_is_escaped_for_debugging_alone() {
        let token = Token::new("a\nb");
        assert_eq!((token.to_string(), format!("{token:?}")), ("a\nb".into(), r#""a\nb""#.into()));
    }
}
