//! What the store does with the conditions of deletions.

use std::time::Duration;

use futures_util::future::{join, join_all};

use super::calls::{NO_ETAG, attributes, delete, finding, is_refused, path, patiently, read};
use super::{Prober, RACERS, RACES};
use crate::remote::{
    Capabilities, Condition, Conditions, Remote as _, RemoteError, RemoteErrorKind as Kind,
    S3Remote,
};
use crate::tree::{Etag, RepoPath};

/// When deletions begin that race with a replacement, in milliseconds: some are under way before it,
/// some come while a slow store still carries it out.
const DELETIONS_MILLISECONDS: [u64; RACERS] = [0, 0, 0, 0, 4, 8, 12, 16];

/// When the replacement begins.
const REPLACEMENT_MILLISECONDS: u64 = 2;

/// How many keys are named before the one that a race is about: a store that compares all of them
/// before it deletes any is easier to catch.
const DECOYS: usize = 32;

/// Which request a deletion is made with.
#[derive(Clone, Copy)]
enum With {
    Delete,
    DeleteObjects,
}

impl Prober<'_> {
    /// Finds whether a deletion minds the version that it names.
    pub(super) async fn examine_delete(&mut self) -> Result<Conditions, RemoteError> {
        let body = self.body();
        let stored =
            self.put(&Capabilities::nothing(), "delete", &body, &Condition::Absent).await?;
        let (path, nobodys) = (path("delete"), Etag::new(NO_ETAG));
        for honoured in [Conditions::Atomic, Conditions::AtomicUnquoted] {
            let remote = self.below(self.trial(honoured));
            let wrong = delete(&remote, &path, &nobodys).await;
            let is_there = patiently(|| remote.head(&path)).await.is_ok();
            if !is_refused(&finding(wrong)?) || !is_there {
                return Ok(Conditions::None);
            }
            if finding(delete(&remote, &path, &stored.etag).await)?.is_ok() {
                return self.unless_it_loses_a_replacement(honoured, With::Delete).await;
            }
        }
        Ok(Conditions::None)
    }

    /// Finds whether each of many deletions in one request minds the version that it names.
    pub(super) async fn examine_delete_many(&mut self) -> Result<Conditions, RemoteError> {
        if self.found.conditional_delete == Conditions::None {
            return Ok(Conditions::None);
        }
        let (stays, goes) = (path("stays"), path("goes"));
        let mut etags = Vec::with_capacity(2);
        for key in ["stays", "goes"] {
            let body = self.body();
            etags.push(
                self.put(&Capabilities::nothing(), key, &body, &Condition::Absent).await?.etag,
            );
        }
        let nobodys = Etag::new(NO_ETAG);
        let versions = [(&stays, &nobodys), (&goes, &etags[1])];
        for honoured in [Conditions::Atomic, Conditions::AtomicUnquoted] {
            let remote = self.below(self.trial(honoured));
            let answers = patiently(|| remote.delete_many(&versions)).await;
            // A store that does not take the request is no worse than one that takes no conditions.
            let Ok(answers) = finding(answers)? else { return Ok(Conditions::None) };
            let [wrong, right] = answers.try_into().unwrap_or([Ok(()), Ok(())]);
            let there = patiently(|| remote.head(&stays)).await;
            let is_there = there.is_ok_and(|object| object.entry.version.etag == etags[0]);
            if !is_refused(&finding(wrong)?) || !is_there {
                return Ok(Conditions::None);
            }
            if is_gone(&finding(right)?) && read(&remote, &goes).await?.is_none() {
                return self.unless_it_loses_a_replacement(honoured, With::DeleteObjects).await;
            }
        }
        Ok(Conditions::None)
    }

    /// Lets deletions of a version race with its replacement: one that got through must still be
    /// there.
    async fn unless_it_loses_a_replacement(
        &mut self,
        honoured: Conditions,
        with: With,
    ) -> Result<Conditions, RemoteError> {
        // Whatever a store makes of the condition of a replacement: one that it reports as stored is
        // there, unless a deletion of the version before took it.
        let remote = self.below(self.trial(honoured));
        for round in 0..RACES {
            let (first, second) = (self.body(), self.body());
            let key = match with {
                With::Delete => format!("delete-{round}"),
                With::DeleteObjects => format!("delete-many-{round}"),
            };
            let stored =
                self.put(&Capabilities::nothing(), &key, &first, &Condition::Absent).await?;
            let (path, right) = (path(&key), Condition::Matches(stored.etag.clone()));
            let (remote, path) = (&remote, &path);
            let deletions = DELETIONS_MILLISECONDS.map(async |pause| {
                if pause > 0 {
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
                match with {
                    With::Delete => drop(remote.delete(path, &stored.etag).await),
                    With::DeleteObjects => delete_behind_decoys(remote, path, &stored.etag).await,
                }
            });
            let attributes = attributes(&second);
            let replacement = async {
                tokio::time::sleep(Duration::from_millis(REPLACEMENT_MILLISECONDS)).await;
                remote.put(path, second, &attributes, &right).await
            };
            let (_, replaced) = join(join_all(deletions), replacement).await;
            if replaced.is_ok() && read(remote, path).await?.is_none() {
                return Ok(Conditions::None);
            }
        }
        Ok(honoured)
    }
}

/// Deletes a version as the last of many keys, of which the others hold nothing.
async fn delete_behind_decoys(remote: &S3Remote, path: &RepoPath, expected: &Etag) {
    let decoys: Vec<_> =
        (0..DECOYS).map(|number| super::calls::path(&format!("{number}"))).collect();
    let nobodys = Etag::new(NO_ETAG);
    let mut versions: Vec<_> = decoys.iter().map(|decoy| (decoy, &nobodys)).collect();
    versions.push((path, expected));
    drop(remote.delete_many(&versions).await);
}

/// Tells whether a deletion left nothing behind; the answer to its first attempt may have got lost.
fn is_gone(deleted: &Result<(), RemoteError>) -> bool {
    deleted.as_ref().err().is_none_or(|error| error.kind == Kind::NotFound)
}
