//! [`OddName`]: what is odd about a name that some stores keep under another one.

use serde::{Deserialize, Serialize};

/// What is odd about a name that some stores keep under another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OddName {
    /// `\`, of which `SeaweedFS` makes a `/`.
    Backslash,
    /// A control character.
    Control,
    /// U+FFFE or U+FFFF, which XML cannot hold.
    Noncharacter,
    /// A folder or file whose name ends with a dot.
    DotAtEnd,
    /// A folder or file whose name begins or ends with a blank.
    BlankAtEnd,
    /// A letter and its accent, each a character (the decomposed form of Unicode).
    Decomposed,
}

impl OddName {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Backslash,
        Self::Control,
        Self::Noncharacter,
        Self::DotAtEnd,
        Self::BlankAtEnd,
        Self::Decomposed,
    ];

    /// Returns a name of this kind and of no other.
    pub fn example(self) -> &'static str {
        match self {
            Self::Backslash => "back\\slash",
            Self::Control => "control\u{1}character",
            Self::Noncharacter => "non\u{fffe}character",
            Self::DotAtEnd => "dot.",
            Self::BlankAtEnd => "blank ",
            Self::Decomposed => "e\u{301}",
        }
    }

    /// Tells whether a path has such a name, or lies in a folder that has.
    pub fn is_in(self, path: &str) -> bool {
        let any_name = |is_odd: fn(&str) -> bool| path.split('/').any(is_odd);
        match self {
            Self::Backslash => path.contains('\\'),
            Self::Control => path.contains(char::is_control),
            Self::Noncharacter => path.contains(['\u{fffe}', '\u{ffff}']),
            Self::DotAtEnd => any_name(|name| name.ends_with('.')),
            Self::BlankAtEnd => any_name(|name| name.starts_with(' ') || name.ends_with(' ')),
            // The combining diacritical marks, which all letters of Europe are decomposed to.
            Self::Decomposed => path.contains(|c| ('\u{300}'..='\u{36f}').contains(&c)),
        }
    }

    /// Tells whether XML, which listings are written in, cannot hold the name.
    pub fn is_unwritable(self) -> bool {
        matches!(self, Self::Control | Self::Noncharacter)
    }

    /// Says what is odd about the name.
    pub fn words(self) -> &'static str {
        match self {
            Self::Backslash => "a backslash",
            Self::Control => "control characters",
            Self::Noncharacter => "U+FFFE or U+FFFF",
            Self::DotAtEnd => "a dot at the end of a name",
            Self::BlankAtEnd => "a blank at an end of a name",
            Self::Decomposed => "letters whose accents are characters of their own",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_example_is_odd_in_one_way() {
        for odd in OddName::ALL {
            let ways: Vec<_> =
                OddName::ALL.into_iter().filter(|it| it.is_in(odd.example())).collect();
            assert_eq!(ways, [odd]);
            let within = format!("{}/x", odd.example());
            assert!(odd.is_in(&within), "{within:?}");
        }
        for plain in ["a b.c/d-e", "été", ".hidden", "a..b"] {
            assert!(OddName::ALL.iter().all(|odd| !odd.is_in(plain)), "{plain}");
        }
    }
}
