//! Whether a deletion of a version takes what somebody stores over it at the same moment.
//!
//! The replacement has no condition: what a store makes of its own conditions elsewhere must not keep a
//! loss from being seen (Swift refuses every conditional `PUT`, and loses 90 of 96 plain ones).

use bytes::Bytes;
use futures_util::future::{FutureExt as _, join, join_all, join3};

use super::side_by_side::all_hold;
use crate::remote::probe::calls::{properties, read};
use crate::remote::probe::prober::Prober;
use crate::remote::probe::trials::Trials;
use crate::remote::retry::retry;
use crate::remote::{Capabilities, Listed, RemoteError, RemoteErrorKind as Kind, Stored};
use crate::tree::{RepoPath, Token};

/// How many deletions race with a replacement: eight pairs. Some are sent before it, some behind it.
const DELETIONS_BEFORE: usize = 3;
const DELETIONS: usize = 8;

/// At how many keys they do so: 136 pairs.
const DELETED_KEYS: usize = 17;

/// How often a race is held that shows nothing, because an answer got lost.
const ATTEMPTS: usize = 12;

/// How many keys one deletion of many names. Each of them is replaced: one replaced key behind many
/// others is through long before its turn comes.
const KEYS_AT_ONCE: usize = 20;

/// How many such deletions take place side by side, and how often: `SeaweedFS` 4.48 lost a replacement in
/// 25 to 40 of a hundred, of which twenty leave a chance of 0.3 % at worst to see none.
const BATCHES: usize = 4;
const ROUNDS: usize = 5;

/// How many of a batch's replacements must have been stored beside a deletion that was answered.
const SHOWN_MIN: usize = ROUNDS * KEYS_AT_ONCE / 2;

/// How often a batch is deleted until then.
const ROUNDS_MAX: usize = 4 * ROUNDS;

impl Prober<'_> {
    /// Lets deletions of a version race with its replacement, which must still be there.
    pub(super) async fn deletions_keep_apart(
        &self,
        remote: &dyn Trials,
    ) -> Result<bool, RemoteError> {
        let races = (0..DELETED_KEYS).map(|number| self.race_key(remote, number).boxed());
        all_hold(races.collect(), DELETIONS + 1).await
    }

    async fn race_key(&self, remote: &dyn Trials, number: usize) -> Result<bool, RemoteError> {
        let key = format!("race-delete-{number}");
        for _ in 0..ATTEMPTS {
            let stored = self.put_unseen(Capabilities::nothing(), &key).await?;
            let path = self.path(&key);
            let (answered, replaced) = self.race_deletions(remote, &path, &stored.token).await;
            match replaced {
                Ok(_) if answered > 0 => return self.is_there(&key).await,
                // Stored, as it turns out, and not taken by any deletion.
                Err((error, body)) if error.ambiguous && answered > 0 => {
                    let there = read(remote, &path).await?;
                    if there.is_some_and(|(_, bytes)| bytes == body) {
                        return Ok(true);
                    }
                }
                _ => (),
            }
        }
        Ok(false)
    }

    /// Deletes a version several times while it is replaced; returns how many deletions were answered
    /// and what became of the replacement.
    async fn race_deletions(
        &self,
        remote: &dyn Trials,
        path: &RepoPath,
        there: &Token,
    ) -> (usize, Result<Stored, (RemoteError, Bytes)>) {
        let deletions = |count| {
            let deletion = || async { is_answer(&remote.delete(path, there).await) };
            join_all(std::iter::repeat_with(deletion).take(count))
        };
        // Sent in this order, at once: a pause would let the requests of other races come between.
        let (before, replaced, behind) = join3(
            deletions(DELETIONS_BEFORE),
            self.replace(remote, path),
            deletions(DELETIONS - DELETIONS_BEFORE),
        )
        .await;
        let answered = before.into_iter().chain(behind).filter(|answered| *answered).count();
        (answered, replaced)
    }

    /// Replaces what is there, without a condition.
    async fn replace(
        &self,
        remote: &dyn Trials,
        path: &RepoPath,
    ) -> Result<Stored, (RemoteError, Bytes)> {
        let body = self.body();
        let properties = properties();
        let stored = remote.put_unseen(path, &body, &properties).await;
        stored.map_err(|error| (error, body))
    }

    /// Lets deletions of many versions with one request race with the replacement of each.
    pub(super) async fn batches_keep_apart(
        &self,
        remote: &dyn Trials,
    ) -> Result<bool, RemoteError> {
        let races = (0..BATCHES).map(|batch| self.race_batches(remote, batch).boxed());
        all_hold(races.collect(), KEYS_AT_ONCE + 1).await
    }

    async fn race_batches(&self, remote: &dyn Trials, batch: usize) -> Result<bool, RemoteError> {
        let keys = (0..KEYS_AT_ONCE).map(|key| format!("race-delete-many/{batch}/{key}"));
        let keys: Vec<String> = keys.collect();
        let (mut there, mut shown) = (vec![None; KEYS_AT_ONCE], 0);
        for round in 1..=ROUNDS_MAX {
            let Some(pairs) = self.race_batch(remote, &keys, &mut there).await? else {
                return Ok(false);
            };
            shown += pairs;
            if round >= ROUNDS && shown >= SHOWN_MIN {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Deletes keys with one request while each is replaced, and looks what is there; returns how many of
    /// them show something, and `None` where one is lost.
    ///
    /// `there` is what they hold, as far as it is known: the others are stored first.
    async fn race_batch(
        &self,
        remote: &dyn Trials,
        keys: &[String],
        there: &mut [Option<Token>],
    ) -> Result<Option<usize>, RemoteError> {
        let stored = keys.iter().zip(there.iter()).map(async |(key, there)| match there {
            Some(etag) => Ok(etag.clone()),
            None => self.put_unseen(Capabilities::nothing(), key).await.map(|it| it.token),
        });
        let stored: Vec<Token> =
            join_all(stored).await.into_iter().collect::<Result<_, RemoteError>>()?;
        let paths: Vec<RepoPath> = keys.iter().map(|key| self.path(key)).collect();
        let versions: Vec<_> = paths.iter().zip(&stored).collect();
        let replacements = paths.iter().map(|path| self.replace(remote, path));
        let (deleted, replaced) = join(remote.delete_many(&versions), join_all(replacements)).await;
        // A request that failed as a whole deleted nothing, or nobody knows what.
        let answers = deleted.unwrap_or_default();
        let answered = answers.iter().map(is_answer).zip(&replaced);
        let shown = answered.filter(|(answered, replaced)| *answered && replaced.is_ok()).count();
        let listed = self.list_folder_of(&keys[0]).await?;
        for (key, _) in keys.iter().zip(&replaced).filter(|(_, replaced)| replaced.is_ok()) {
            if !listed.contains(key) && !self.is_there(key).await? {
                return Ok(None);
            }
        }
        for (there, replaced) in there.iter_mut().zip(replaced) {
            *there = replaced.ok().map(|stored| stored.token);
        }
        Ok(Some(shown))
    }

    /// Lists the keys beside one.
    async fn list_folder_of(&self, key: &str) -> Result<Vec<String>, RemoteError> {
        let remote = self.below(Capabilities::nothing());
        let folder = &key[..=key.rfind('/').unwrap_or(0)];
        let (page, _) = retry(|| remote.dated_listing(folder, None, None, 1_000)).await?;
        Ok(page.items.iter().map(|item: &Listed| item.key().to_owned()).collect())
    }
}

/// Tells whether a deletion was carried out, or refused because of what is there.
fn is_answer(deletion: &Result<(), RemoteError>) -> bool {
    match deletion {
        Ok(()) => true,
        Err(error) => matches!(error.kind, Kind::Changed | Kind::NotFound),
    }
}
