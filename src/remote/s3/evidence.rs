//! What a run looks for where a claim of the store rests on a few races alone: that a conditional write
//! replaced just what it named.
//!
//! The answer to a write names the version that it made, not the one that it replaced. A bucket that keeps
//! old versions shows both: the newest first (S3 API reference, `ListObjectVersions`).

use std::sync::{Arc, OnceLock};

use aws_smithy_types::DateTime;

use super::errors::Call;
use super::versions::exact;
use super::{ANSWER_TIMEOUT, S3Remote, answer};
use crate::remote::etag;
use crate::remote::retry::retry;
use crate::remote::{Condition, Conditions, RemoteError, RemoteErrorKind as Kind, Stored};
use crate::tree::{RepoPath, Token};

/// How many versions of a key are looked at: others may have written since.
const VERSIONS_MAX: i32 = 16;

/// The first write of a run that replaced what it should not have.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence(Arc<OnceLock<String>>);

/// What a bucket holds below a version of ours.
#[derive(Debug, PartialEq, Eq)]
struct Below {
    /// The version before, with its id.
    version: Option<(Token, String)>,
    /// The mark of a deletion may hide it. Marks and versions stand in two lists, in whose order alone
    /// their times say what was first, and some stores tell whole seconds.
    is_deleted: bool,
}

impl S3Remote {
    /// Returns what a store is trusted with that claims `claimed`: nothing, once it broke a promise.
    pub(super) fn trusted(&self, claimed: Conditions) -> Conditions {
        if self.evidence.0.get().is_some() { Conditions::None } else { claimed }
    }

    /// Says which conditional write replaced something else than it named.
    pub(super) fn evidence(&self) -> Option<&str> {
        self.evidence.0.get().map(String::as_str)
    }

    /// Looks which version a conditional write has replaced, where it is only probable that the store keeps
    /// to conditions.
    ///
    /// # Errors
    /// Of kind [`Kind::Overwrote`] where it was another one than named: that one is an old version now. Who
    /// cannot look goes on: the look is more than the claim promises.
    pub(super) async fn look_behind(
        &self,
        call: &Call,
        path: &RepoPath,
        (condition, honoured): (&Condition, Conditions),
        stored: Stored,
    ) -> Result<Stored, RemoteError> {
        if !self.capabilities.probable || honoured == Conditions::None {
            return Ok(stored);
        }
        let Some(ours) = &stored.version_id else { return Ok(stored) };
        let Some(below) = self.below_version(path, ours).await else { return Ok(stored) };
        let replaced = match (condition, below) {
            (Condition::Matches(named), Below { version: Some((etag, _)), .. })
                if etag == *named =>
            {
                None
            }
            (Condition::Absent, Below { version: None, .. } | Below { is_deleted: true, .. }) => {
                None
            }
            (_, Below { version: Some((etag, id)), .. }) => {
                Some(format!("{etag}, kept as version {id}"))
            }
            (Condition::Matches(_), Below { version: None, .. }) => Some("nothing".to_owned()),
        };
        let Some(replaced) = replaced else { return Ok(stored) };
        let wanted = match condition {
            Condition::Absent => "nothing".to_owned(),
            Condition::Matches(named) => named.to_string(),
        };
        let message = format!("the store was told to replace {wanted}, and replaced {replaced}");
        self.evidence.0.get_or_init(|| format!("{}: {message}", call.key));
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
