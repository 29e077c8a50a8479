//! Conditions as headers, where the store honours them.

use crate::remote::{Condition, Conditions};
use crate::tree::Token;

/// The conditional headers of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::remote::s3) struct Headers {
    pub(in crate::remote::s3) if_none_match: Option<String>,
    pub(in crate::remote::s3) if_match: Option<String>,
}

impl Headers {
    /// Writes a condition as far as the store honours it.
    pub(in crate::remote::s3) fn of(condition: &Condition, honoured: Conditions) -> Self {
        match (condition, honoured) {
            (_, Conditions::None) => Self::default(),
            (Condition::Absent, _) => {
                Self { if_none_match: Some("*".to_owned()), ..Self::default() }
            }
            (Condition::Matches(etag), _) => {
                Self { if_match: Some(spelt(etag, honoured)), ..Self::default() }
            }
        }
    }
}

/// Writes an `ETag` as the store understands it in a condition: quoted, unless it is known not to.
pub(in crate::remote::s3) fn spelt(etag: &Token, honoured: Conditions) -> String {
    match honoured {
        Conditions::AtomicUnquoted => etag.to_string(),
        Conditions::Atomic | Conditions::None => format!("\"{etag}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_written_as_the_store_understands_them() {
        let matches = Condition::Matches(Token::new("ab-2"));
        let if_match = |condition, honoured| Headers::of(condition, honoured).if_match;
        assert_eq!(if_match(&matches, Conditions::Atomic).as_deref(), Some("\"ab-2\""));
        assert_eq!(if_match(&matches, Conditions::AtomicUnquoted).as_deref(), Some("ab-2"));
        assert_eq!(Headers::of(&matches, Conditions::None), Headers::default());
        for honoured in [Conditions::Atomic, Conditions::AtomicUnquoted] {
            let headers = Headers::of(&Condition::Absent, honoured);
            assert_eq!(headers.if_none_match.as_deref(), Some("*"));
            assert_eq!(headers.if_match, None);
        }
        assert_eq!(Headers::of(&Condition::Absent, Conditions::None), Headers::default());
    }
}
