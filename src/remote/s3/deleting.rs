//! Deletions: of one object, and of many with one request.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::operation::delete_objects::DeleteObjectsOutput;
use aws_sdk_s3::types::{Delete, Error as KeyError, ObjectIdentifier};

use super::request::{ANSWER_TIMEOUT, Call, answer, kind_of_code, spelt};
use super::store::S3Remote;
use crate::remote::traits::one_by_one;
use crate::remote::{Conditions, RemoteError, RemoteErrorKind as Kind};
use crate::tree::{RepoPath, Token};

/// The most keys of one request (S3 API reference, `DeleteObjects`).
pub(super) const KEYS_MAX: usize = 1_000;

/// How much longer an answer may take for each key.
const KEY_PATIENCE: Duration = Duration::from_millis(50);

/// What a store said of each key of a request; `None` of one that it deleted.
type Verdicts<'a> = HashMap<&'a str, Option<&'a KeyError>>;

impl S3Remote {
    /// Deletes the version expected, and tells whether the store keeps a mark of that.
    pub(super) async fn delete_marking(
        &self,
        path: &RepoPath,
        expected: &Token,
    ) -> Result<bool, RemoteError> {
        let honoured = self.capabilities.conditional_delete;
        // A missing key is `NotFound` here, not `Changed`.
        let call = self.write_call("DELETE", path, false);
        if honoured == Conditions::None {
            let there = self.head_object(path).await?.entry.version.token;
            if there != *expected {
                return Err(call.error(Kind::Changed, format!("{there} is there, not {expected}")));
            }
        }
        let request = self
            .connection
            .client
            .delete_object()
            .bucket(&self.bucket)
            .key(self.keys.key(path.as_str()))
            .set_if_match((honoured != Conditions::None).then(|| spelt(expected, honoured)))
            .send();
        let output = answer(&call, ANSWER_TIMEOUT, request).await?;
        Ok(output.delete_marker() == Some(true))
    }

    /// Deletes the versions expected, each on its own condition; one by one where the store does not
    /// compare each of many.
    pub(super) async fn delete_objects(
        &self,
        versions: &[(&RepoPath, &Token)],
    ) -> Result<Vec<Result<(), RemoteError>>, RemoteError> {
        let honoured = self.capabilities.conditional_delete_many;
        if honoured == Conditions::None {
            return one_by_one(self, versions).await;
        }
        let call = Call { writes: true, ..self.call("DELETE", "") };
        let keys: Vec<_> = versions.iter().map(|(path, _)| self.keys.key(path.as_str())).collect();
        let named = keys.iter().zip(versions).filter(|(key, _)| can_be_named(key));
        let objects = named.map(|(key, (_, etag))| {
            ObjectIdentifier::builder().key(key).e_tag(spelt(etag, honoured)).build()
        });
        let output = self.send_deletions(&call, objects).await?;
        let verdicts = verdicts(&output);
        let of = |((path, _), key): (&(&RepoPath, &Token), &String)| {
            verdict(&self.write_call("DELETE", path, false), key, &verdicts)
        };
        Ok(versions.iter().zip(&keys).map(of).collect())
    }

    /// Deletes many with one request; none where none are named.
    pub(super) async fn send_deletions(
        &self,
        call: &Call,
        objects: impl Iterator<Item = Result<ObjectIdentifier, BuildError>>,
    ) -> Result<DeleteObjectsOutput, RemoteError> {
        let invalid = |error: BuildError| call.error(Kind::Invalid, error.to_string());
        let objects: Vec<_> = objects.collect::<Result<_, _>>().map_err(invalid)?;
        if objects.is_empty() {
            return Ok(DeleteObjectsOutput::builder().build());
        }
        let patience =
            ANSWER_TIMEOUT + KEY_PATIENCE * u32::try_from(objects.len()).unwrap_or(u32::MAX);
        let delete = Delete::builder().set_objects(Some(objects)).build().map_err(invalid)?;
        let request =
            self.connection.client.delete_objects().bucket(&self.bucket).delete(delete).send();
        answer(call, patience, request).await
    }
}

/// Says what became of one of many.
fn verdict(call: &Call, key: &str, verdicts: &Verdicts<'_>) -> Result<(), RemoteError> {
    match verdicts.get(key) {
        Some(None) => Ok(()),
        Some(Some(error)) => Err(refusal(call, error)),
        None if can_be_named(key) => Err(unsaid(call)),
        None => Err(call.error(Kind::Unsupported, "XML has no way to write this key")),
    }
}

/// Reads why one of many was not deleted.
pub(super) fn refusal(call: &Call, error: &KeyError) -> RemoteError {
    let code = error.code().unwrap_or("an error without a code");
    let kind = kind_of_code(code).unwrap_or(Kind::Failed);
    call.error(kind, format!("{code}: {}", error.message().unwrap_or_default()))
}

/// Says that an answer leaves one of many out.
pub(super) fn unsaid(call: &Call) -> RemoteError {
    call.error(Kind::Failed, "the answer does not say what became of it")
}

/// Sorts an answer by keys. Where it contradicts itself, the error counts.
fn verdicts(output: &DeleteObjectsOutput) -> Verdicts<'_> {
    let deleted = output.deleted().iter().filter_map(|deleted| Some((deleted.key()?, None)));
    let failed = output.errors().iter().filter_map(|error| Some((error.key()?, Some(error))));
    deleted.chain(failed).collect()
}

/// Tells whether a key says the same to every reader of XML 1.0. It holds no control characters but tab
/// and the ends of lines, of which readers make one of another (Extensible Markup Language 1.0,
/// sections 2.2 and 2.11); and some readers trim blanks, or make one of several: the name of another
/// object, which a condition does not save where both hold the same.
pub(super) fn can_be_named(key: &str) -> bool {
    let is_lost = |char: char| char.is_control() || matches!(char, '\u{fffe}' | '\u{ffff}');
    let mut was_blank = true;
    let is_kept = |char: char| {
        let is_blank = char.is_whitespace();
        let is_one_too_many = is_blank && was_blank;
        was_blank = is_blank;
        !is_lost(char) && !is_one_too_many
    };
    key.chars().all(is_kept) && !key.ends_with(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::types::DeletedObject;

    use super::*;

    #[test]
    fn what_an_answer_leaves_open_is_no_deletion() {
        let call = Call { writes: true, ..Call::new("DELETE", "s3://b/k".to_owned()) };
        let deleted = |key| DeletedObject::builder().key(key).build();
        let failed = |key, code| KeyError::builder().key(key).code(code).build();
        let output = DeleteObjectsOutput::builder()
            .deleted(deleted("gone"))
            .deleted(deleted("both"))
            .errors(failed("both", "AccessDenied"))
            .errors(failed("other", "PreconditionFailed"))
            .errors(failed("express", "412 Precondition Failed"))
            .errors(failed("missing", "NoSuchKey"))
            .errors(failed("new", "SomethingNew"))
            .errors(KeyError::builder().key("bare").build())
            .build();
        let verdicts = verdicts(&output);
        let kind = |key| verdict(&call, key, &verdicts).err().map(|error| error.kind);
        assert_eq!(kind("gone"), None);
        assert_eq!(kind("both"), Some(Kind::Denied));
        assert_eq!(kind("other"), Some(Kind::Changed));
        assert_eq!(kind("express"), Some(Kind::Changed));
        assert_eq!(kind("missing"), Some(Kind::NotFound));
        for key in ["new", "bare", "never named"] {
            assert_eq!(kind(key), Some(Kind::Failed), "{key}");
        }
        assert_eq!(kind("a\nb"), Some(Kind::Unsupported));
    }

    #[test]
    fn keys_that_xml_cannot_hold_are_told_apart() {
        for key in ["a", "a b c", "<&>\"'", "été", "a\u{2028}b", "a\\b"] {
            assert!(can_be_named(key), "{key:?}");
        }
        let blanks = [" a", "a ", "a  b", "a\u{a0} b", "\u{3000}a", " "];
        let lost = ["a\nb", "a\rb", "\t", "\u{1}", "\u{7f}", "\u{85}", "\u{ffff}"];
        for key in blanks.into_iter().chain(lost) {
            assert!(!can_be_named(key), "{key:?}");
        }
    }
}
