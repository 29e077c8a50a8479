//! Whether one of several writes at once gets through, and no more.

use bytes::Bytes;
use futures_util::future::{FutureExt as _, join_all};

use super::side_by_side::all_hold;
use crate::remote::probe::calls::{finding, is_refused, properties, winners};
use crate::remote::probe::prober::Prober;
use crate::remote::probe::questions::{Begun, end_uploads};
use crate::remote::probe::trials::Trials;
use crate::remote::retry::{ATTEMPTS_FAILED_MAX, longest_pause};
use crate::remote::{Condition, RemoteError, Stored};

/// How many write the same key at once: a pair, because `SeaweedFS` lets more of them wait for whole
/// seconds.
const WRITERS: usize = 2;

/// At how many keys one more creation is tried afterwards.
const CREATED_AGAIN: usize = 2;

/// How many put parts together under the same name at once: 10 pairs. Those that are refused are thrown
/// away one after the other, so that more of them would take longer.
const COMPLETIONS: usize = 5;

impl Prober<'_> {
    /// Lets several create a key at once, then several replace what one of them made.
    pub(super) async fn keeps_writers_apart(
        &self,
        remote: &dyn Trials,
        keys: usize,
    ) -> Result<bool, RemoteError> {
        let races = (0..keys).map(|number| self.race_writers(remote, number).boxed());
        all_hold(races.collect(), WRITERS).await
    }

    async fn race_writers(&self, remote: &dyn Trials, number: usize) -> Result<bool, RemoteError> {
        let key = format!("race-put-{number}");
        if !self.has_one_winner(remote, &key, &Condition::Absent).await? {
            return Ok(false);
        }
        // Once it is there, nobody creates it: a question without haste, which a few answer.
        if number < CREATED_AGAIN {
            let again = self.put_if(remote, &key, &Condition::Absent).await;
            if !is_refused(&finding(again)?) {
                return Ok(false);
            }
        }
        let there = Condition::Matches(self.etag(&key).await?);
        self.has_one_winner(remote, &key, &there).await
    }

    /// Lets several write one key at once; tells whether exactly one got through, and another one was
    /// refused for it.
    async fn has_one_winner(
        &self,
        remote: &dyn Trials,
        key: &str,
        condition: &Condition,
    ) -> Result<bool, RemoteError> {
        // Equal contents would have equal ETags, and more than one of them could rightly win.
        let bodies: Vec<Bytes> = (0..WRITERS).map(|_| self.body()).collect();
        let path = self.path(key);
        for attempt in 1..=ATTEMPTS_FAILED_MAX {
            let writes = bodies.iter().map(|body| {
                let (properties, path) = (properties(), &path);
                async move { remote.put(path, body.clone().into(), &properties, condition).await }
            });
            let answered: Vec<_> = bodies.iter().zip(join_all(writes).await).collect();
            if let Some(winners) = winners(remote, &path, &answered).await? {
                return Ok(winners == 1);
            }
            // All were told to come back: the store limits writes to one key (R2, GCS).
            tokio::time::sleep(longest_pause(attempt)).await;
        }
        Ok(false)
    }

    /// Lets several uploads to a name be completed at once, where nothing is and over what one of them
    /// made; tells whether exactly one got through, each time.
    pub(super) async fn has_one_completion(
        &self,
        remote: &dyn Trials,
        keys: usize,
    ) -> Result<bool, RemoteError> {
        let races = (0..keys).map(|number| self.race_completions(remote, number).boxed());
        all_hold(races.collect(), COMPLETIONS).await
    }

    async fn race_completions(
        &self,
        remote: &dyn Trials,
        number: usize,
    ) -> Result<bool, RemoteError> {
        let key = format!("race-parts-{number}");
        if !self.one_completes(remote, &key, &Condition::Absent).await? {
            return Ok(false);
        }
        let there = Condition::Matches(self.etag(&key).await?);
        self.one_completes(remote, &key, &there).await
    }

    async fn one_completes(
        &self,
        remote: &dyn Trials,
        key: &str,
        condition: &Condition,
    ) -> Result<bool, RemoteError> {
        let path = self.path(key);
        let begun = join_all((0..COMPLETIONS).map(|_| self.begin(remote, &path))).await;
        let (begun, failed): (Vec<_>, Vec<_>) = begun.into_iter().partition(Result::is_ok);
        let begun: Vec<Begun> = begun.into_iter().flatten().collect();
        if let Some(error) = failed.into_iter().find_map(Result::err) {
            end_uploads(remote, &path, begun.iter()).await;
            return Err(error);
        }
        let completions = begun.iter().map(|it| it.complete(remote, &path, condition));
        let completed = join_all(completions).await;
        let refused = completed.iter().zip(&begun).filter(|(answer, _)| answer.is_err());
        let refused: Vec<&Begun> = refused.map(|(_, it)| it).collect();
        let writers: Vec<(&Bytes, Result<Stored, RemoteError>)> =
            begun.iter().map(|it| &it.body).zip(completed).collect();
        let winners = winners(remote, &path, &writers).await;
        end_uploads(remote, &path, refused.into_iter()).await;
        Ok(winners? == Some(1))
    }
}
