//! What the store does with the conditions of deletions.

use futures_util::future::join;

use crate::remote::probe::calls::{NO_ETAG, delete, finding, is_refused, read};
use crate::remote::probe::prober::Prober;
use crate::remote::retry::retry;
use crate::remote::{Capabilities, Checksum, Conditions, RemoteError, RemoteErrorKind as Kind};
use crate::tree::Token;

impl Prober<'_> {
    /// Finds what conditions mean on deletions, one by one, and of many in one request.
    pub(super) async fn ask_deletions(
        &self,
        checksum: Checksum,
    ) -> Result<(Conditions, Conditions), RemoteError> {
        let one = self.ask_delete(checksum).await?;
        if one == Conditions::None {
            return Ok((Conditions::None, Conditions::None));
        }
        Ok((one, self.ask_delete_many(checksum).await?))
    }

    /// Finds whether a deletion minds the version that it names.
    async fn ask_delete(&self, checksum: Checksum) -> Result<Conditions, RemoteError> {
        let key = "delete";
        let stored = self.put_unseen(Capabilities::nothing(), key).await?;
        let (path, nobodys) = (self.path(key), Token::new(NO_ETAG));
        for honoured in [Conditions::Atomic, Conditions::AtomicUnquoted] {
            let remote = self.trying(honoured, checksum);
            let wrong = finding(delete(&*remote, &path, &nobodys).await)?;
            if !is_refused(&wrong) || !self.is_there(key).await.unwrap_or(false) {
                return Ok(Conditions::None);
            }
            if finding(delete(&*remote, &path, &stored.token).await)?.is_ok() {
                return Ok(honoured);
            }
        }
        Ok(Conditions::None)
    }

    /// Finds whether each of many deletions in one request minds the version that it names.
    async fn ask_delete_many(&self, checksum: Checksum) -> Result<Conditions, RemoteError> {
        let (stays, goes) = (self.path("stays"), self.path("goes"));
        let (stays_etag, goes_etag) = join(
            self.put_unseen(Capabilities::nothing(), "stays"),
            self.put_unseen(Capabilities::nothing(), "goes"),
        )
        .await;
        let (stays_etag, goes_etag) = (stays_etag?.token, goes_etag?.token);
        let nobodys = Token::new(NO_ETAG);
        let versions = [(&stays, &nobodys), (&goes, &goes_etag)];
        for honoured in [Conditions::Atomic, Conditions::AtomicUnquoted] {
            let remote = self.trying(honoured, checksum);
            let answers = retry(|| remote.delete_many(&versions)).await;
            // A store that does not take the request is no worse than one that takes no conditions.
            let Ok(answers) = finding(answers)? else { return Ok(Conditions::None) };
            let [wrong, right] = answers.try_into().unwrap_or([Ok(()), Ok(())]);
            let (wrong, right) = (finding(wrong)?, finding(right)?);
            let (kept, gone) = join(retry(|| remote.head(&stays)), read(&*remote, &goes)).await;
            let is_kept = kept.is_ok_and(|object| object.entry.version.token == stays_etag);
            if !is_refused(&wrong) || !is_kept {
                return Ok(Conditions::None);
            }
            if is_gone(&right) && gone?.is_none() {
                return Ok(honoured);
            }
        }
        Ok(Conditions::None)
    }
}

/// Tells whether a deletion left nothing behind; the answer to its first attempt may have got lost.
fn is_gone(deleted: &Result<(), RemoteError>) -> bool {
    deleted.as_ref().err().is_none_or(|error| error.kind == Kind::NotFound)
}
