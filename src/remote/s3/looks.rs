//! What is looked at beside a conditional write: where the store does not compare, before it and after it,
//! and where its claim rests on a few races alone, what it replaced.
//!
//! The answer to a write names the version that it made, not the one that it replaced. A bucket that keeps
//! old versions shows both: the newest first (S3 API reference, `ListObjectVersions`).

use aws_smithy_types::DateTime;

use super::listing::exact;
use super::request::{ANSWER_TIMEOUT, Call, Headers, answer};
use super::store::S3Remote;
use crate::remote::etag;
use crate::remote::retry::retry;
use crate::remote::{Condition, Conditions, RemoteError, RemoteErrorKind as Kind, Stored};
use crate::tree::{RepoPath, Token};

/// How many versions of a key are looked at: others may have written since.
const VERSIONS_MAX: i32 = 16;

/// What a bucket holds below a version of ours.
#[derive(Debug, PartialEq, Eq)]
struct Below {
    /// The version before, with its id.
    version: Option<(Token, String)>,
    /// The mark of a deletion may hide it. Marks and versions stand in two lists, in whose order alone
    /// their times say what was first, and some stores tell whole seconds.
    is_deleted: bool,
}

/// A write under a condition.
pub(super) struct ConditionalWrite<'a> {
    /// The request, for errors.
    pub(super) call: Call,
    path: &'a RepoPath,
    condition: &'a Condition,
    /// How far the store is trusted to keep to it.
    honoured: Conditions,
}

impl S3Remote {
    /// Begins a write under a condition that the store claims to keep to in this way; returns it with its
    /// headers. Compares before it where the store does not.
    pub(super) async fn begin_write<'a>(
        &self,
        operation: &'static str,
        path: &'a RepoPath,
        condition: &'a Condition,
        claimed: Conditions,
    ) -> Result<(ConditionalWrite<'a>, Headers), RemoteError> {
        let honoured = self.evidence.trusted(claimed);
        let headers = Headers::of(condition, honoured);
        let call = self.write_call(operation, path, headers.if_match.is_some());
        let write = ConditionalWrite { call, path, condition, honoured };
        if honoured == Conditions::None {
            self.look_before(&write).await?;
        }
        Ok((write, headers))
    }

    async fn look_before(&self, write: &ConditionalWrite<'_>) -> Result<(), RemoteError> {
        let changed = |message| Err(write.call.error(Kind::Changed, message));
        let there = match self.head_object(write.path).await {
            Ok(object) => Some(object.entry.version.token),
            Err(error) if error.kind == Kind::NotFound => None,
            Err(error) => return Err(error),
        };
        match (write.condition, there) {
            (Condition::Absent, None) => Ok(()),
            (Condition::Matches(expected), Some(there)) if there == *expected => Ok(()),
            (Condition::Matches(expected), None) => {
                changed(format!("nothing is there, not {expected}"))
            }
            (_, Some(there)) => changed(format!("{there} is there")),
        }
    }

    /// Makes sure that what was written is what is there, where the store allows that it is not, as where
    /// the answer did not say (`is_named`) what was stored.
    ///
    /// An answer that does not name the version may come from something that is not the store: the
    /// write is ambiguous.
    pub(super) async fn look_after(
        &self,
        write: &ConditionalWrite<'_>,
        stored: Option<Stored>,
        is_named: bool,
    ) -> Result<Stored, RemoteError> {
        let call = &write.call;
        let stored = stored.ok_or_else(|| unnamed(call))?;
        if write.honoured == Conditions::None || !is_named {
            // The write has happened, whatever becomes of the look.
            let there = self.head_object(write.path).await.map_err(|error| match error.kind {
                Kind::NotFound => call.error(Kind::Changed, "deleted right after the write"),
                _ => RemoteError { ambiguous: true, ..error },
            })?;
            let etag = there.entry.version.token;
            if stored.token != etag {
                let message = format!("{} was overwritten by {etag} at once", stored.token);
                return Err(call.error(Kind::Changed, message));
            }
        }
        self.look_behind(write, &stored).await?;
        Ok(stored)
    }

    /// Looks which version a conditional write has replaced, where it is only probable that the store keeps
    /// to conditions.
    ///
    /// # Errors
    /// Of kind [`Kind::Overwrote`] where it was another one than named: that one is an old version now. Who
    /// cannot look goes on: the look is more than the claim promises.
    async fn look_behind(
        &self,
        write: &ConditionalWrite<'_>,
        stored: &Stored,
    ) -> Result<(), RemoteError> {
        let ConditionalWrite { call, path, condition, honoured } = write;
        if !self.capabilities.probable || *honoured == Conditions::None {
            return Ok(());
        }
        let Some(ours) = &stored.version_id else { return Ok(()) };
        let Some(below) = self.below_version(path, ours).await else { return Ok(()) };
        let replaced = match (condition, below) {
            (Condition::Matches(named), Below { version: Some((etag, _)), .. })
                if etag == *named =>
            {
                return Ok(());
            }
            (Condition::Absent, Below { version: None, .. } | Below { is_deleted: true, .. }) => {
                return Ok(());
            }
            (_, Below { version: Some((etag, id)), .. }) => format!("{etag}, kept as version {id}"),
            (Condition::Matches(_), Below { version: None, .. }) => "nothing".to_owned(),
        };
        let wanted = match condition {
            Condition::Absent => "nothing".to_owned(),
            Condition::Matches(named) => named.to_string(),
        };
        let message = format!("the store was told to replace {wanted}, and replaced {replaced}");
        self.evidence.note(format!("{}: {message}", call.key));
        Err(call.error(Kind::Overwrote, message))
    }

    /// Returns what lies directly below a version; `None` where that cannot be seen.
    async fn below_version(&self, path: &RepoPath, ours: &str) -> Option<Below> {
        let call = self.call("LIST VERSIONS", path.as_str());
        let key = self.keys.key(path.as_str());
        let ask = || {
            let request = self.versions_request(&key).max_keys(VERSIONS_MAX).send();
            answer(&call, ANSWER_TIMEOUT, request)
        };
        let page = retry(ask).await.ok()?;
        let is_it = |it: Option<&str>| it.is_some_and(|it| exact(&page, it) == key);
        let versions: Vec<_> = page.versions().iter().filter(|it| is_it(it.key())).collect();
        let place = versions.iter().position(|it| it.version_id() == Some(ours))?;
        let own = versions[place];
        let is_newest = own.is_latest() == Some(true);
        let is_newest_first = place == 0 || !is_newest;
        let below = versions.get(place + 1);
        if !is_newest_first || (below.is_none() && page.is_truncated() == Some(true)) {
            return None;
        }
        let since = below.map(|it| it.last_modified());
        // Ours may be dated by when its upload began, and the newest lies above every mark.
        let until = own.last_modified()?;
        let hides = |time: &DateTime| {
            (is_newest || time <= until) && since.flatten().is_none_or(|it| it <= time)
        };
        let marks = page.delete_markers().iter().filter(|it| is_it(it.key()));
        let is_deleted = marks.filter_map(|it| it.last_modified()).any(hides);
        let version = match below {
            Some(it) => Some((etag::token(it.e_tag()?), it.version_id()?.to_owned())),
            None => None,
        };
        Some(Below { version, is_deleted })
    }
}

/// Says that an answer does not name what was stored.
pub(super) fn unnamed(call: &Call) -> RemoteError {
    call.error(Kind::NoEtag, "the answer does not name the version stored")
}
