//! Conditions: as headers where the store honours them, by looking before and after where not.

use super::S3Remote;
use super::errors::Call;
use crate::remote::{
    Condition, Conditions, Reads as _, RemoteError, RemoteErrorKind as Kind, Stored,
};
use crate::tree::{RepoPath, Token};

/// The conditional headers of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Headers {
    pub(super) if_none_match: Option<String>,
    pub(super) if_match: Option<String>,
}

impl Headers {
    /// Writes a condition as far as the store honours it.
    pub(super) fn of(condition: &Condition, honoured: Conditions) -> Self {
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
pub(super) fn spelt(etag: &Token, honoured: Conditions) -> String {
    match honoured {
        Conditions::AtomicUnquoted => etag.to_string(),
        Conditions::Atomic | Conditions::None => format!("\"{etag}\""),
    }
}

impl S3Remote {
    /// Compares before a write where the store does not.
    pub(super) async fn look_before(
        &self,
        call: &Call,
        path: &RepoPath,
        condition: &Condition,
        honoured: Conditions,
    ) -> Result<(), RemoteError> {
        if honoured != Conditions::None {
            return Ok(());
        }
        let there = match self.head(path).await {
            Ok(object) => Some(object.entry.version.token),
            Err(error) if error.kind == Kind::NotFound => None,
            Err(error) => return Err(error),
        };
        match (condition, there) {
            (Condition::Absent, None) => Ok(()),
            (Condition::Matches(expected), Some(there)) if there == *expected => Ok(()),
            (Condition::Matches(expected), None) => {
                Err(call.error(Kind::Changed, format!("nothing is there, not {expected}")))
            }
            (_, Some(there)) => Err(call.error(Kind::Changed, format!("{there} is there"))),
        }
    }

    /// Makes sure that what was written is what is there, where the store allows that it is not.
    ///
    /// An answer that does not name the version may come from something that is not the store: the
    /// write is ambiguous.
    pub(super) async fn look_after(
        &self,
        call: &Call,
        path: &RepoPath,
        stored: Option<Stored>,
        honoured: Conditions,
    ) -> Result<Stored, RemoteError> {
        let Some(stored) = stored else {
            return Err(call.error(Kind::NoEtag, "the answer does not name the version stored"));
        };
        if honoured != Conditions::None {
            return Ok(stored);
        }
        // The write has happened, whatever becomes of the look.
        let there = self.head(path).await.map_err(|error| match error.kind {
            Kind::NotFound => call.error(Kind::Changed, "deleted right after the write"),
            _ => RemoteError { ambiguous: true, ..error },
        })?;
        let etag = there.entry.version.token;
        if stored.token != etag {
            let message = format!("{} was overwritten by {etag} at once", stored.token);
            return Err(call.error(Kind::Changed, message));
        }
        Ok(stored)
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
