//! Whether what a store claims holds among several at once. One kind of race at a time, over many keys
//! side by side, and nothing beside it.
//!
//! A store that compares without a lock gets away with it most of the time. Of two at once `SeaweedFS`
//! 4.48 let both through once in some twenty times where parts are put together, and lost a write to
//! a deletion of many once in fifty. So there are as many races as leave a chance of one in a thousand
//! that it gets through unseen where one pair in twenty is enough: 135 pairs, since 0.95^135 is 0.001.
//! A race in which not everybody had their answer shows nothing, and what nothing shows is none.

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _, join_all};
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use super::Prober;
use super::Trials;
use super::calls::{finding, is_refused, properties, winners};
use super::parts::{Begun, end_uploads};
use super::questions::Claims;
use crate::disk::DescriptorBudget;
use crate::remote::retry::{ATTEMPTS_MAX, FIRST_WAIT};
use crate::remote::{Capabilities, Condition, Conditions, RemoteError, Stored};

/// How many write the same key at once: a pair, because `SeaweedFS` lets more of them wait for whole
/// seconds.
const WRITERS: usize = 2;

/// How many keys they do so at, twice: to create it, and to replace it.
const WRITTEN_KEYS: usize = 68;

/// And where old versions cannot be deleted, so that each race leaves two behind for good.
const WRITTEN_KEYS_LOCKED: usize = 8;
const COMPLETED_KEYS_LOCKED: usize = 2;

/// At how many of them one more creation is tried afterwards.
const CREATED_AGAIN: usize = 2;

/// How many put parts together under the same name at once: 10 pairs. Those that are refused are thrown
/// away one after the other, so that more of them would take longer.
const COMPLETIONS: usize = 5;

/// How many keys they do so at, twice: 140 pairs in all.
const COMPLETED_KEYS: usize = 7;

/// One kind of race, about one claim.
struct Trial {
    /// What the store claims, as far as the races before leave anything of it.
    claimed: fn(&Claims, &Capabilities) -> Conditions,
    hold: for<'a> fn(&'a Prober<'a>, &'a dyn Trials, Claims) -> Race<'a>,
    entry: fn(&mut Capabilities) -> &mut Conditions,
}

/// In this order, one kind at a time.
const TRIALS: [Trial; 4] = [
    Trial {
        claimed: |claims, _| claims.put,
        hold: |it, remote, claims| {
            let keys = if claims.versions_can_go { WRITTEN_KEYS } else { WRITTEN_KEYS_LOCKED };
            it.keeps_writers_apart(remote, keys).boxed()
        },
        entry: |found| &mut found.conditional_put,
    },
    Trial {
        // Where old versions stay for good, hundreds of them would.
        claimed: |claims, _| {
            let is_tried = claims.versions_can_go && claims.deletes_parts;
            if is_tried { claims.delete } else { Conditions::None }
        },
        hold: |it, remote, _| it.deletions_keep_apart(remote).boxed(),
        entry: |found| &mut found.conditional_delete,
    },
    Trial {
        claimed: |claims, found| {
            let has_one = found.conditional_delete != Conditions::None;
            if has_one { claims.delete_many } else { Conditions::None }
        },
        hold: |it, remote, _| it.batches_keep_apart(remote).boxed(),
        entry: |found| &mut found.conditional_delete_many,
    },
    Trial {
        claimed: |claims, _| claims.complete,
        hold: |it, remote, claims| {
            let keys = if claims.versions_can_go { COMPLETED_KEYS } else { COMPLETED_KEYS_LOCKED };
            it.has_one_completion(remote, keys).boxed()
        },
        entry: |found| &mut found.conditional_complete,
    },
];

impl Prober<'_> {
    /// Lets each claim stand the races that are about it; what does not is none.
    pub(super) async fn let_race(&mut self, claims: Claims) -> Result<(), RemoteError> {
        for Trial { claimed, hold, entry } in TRIALS {
            let claimed = claimed(&claims, &self.found);
            if claimed != Conditions::None {
                let remote = self.trying(claimed, self.found.checksum);
                if hold(self, &*remote, claims).await? {
                    *entry(&mut self.found) = claimed;
                }
            }
        }
        let is_trusted = [self.found.conditional_put, self.found.conditional_complete]
            .iter()
            .any(|it| *it != Conditions::None);
        if is_trusted && !claims.versions_can_go {
            self.found.probable = true;
            self.note(
                "that the store keeps to conditions of writes is probable, and no more: only a few \
                 races were held, because old versions stay for good here",
            );
        }
        if claims.delete != Conditions::None && !claims.deletes_parts {
            self.note(
                "the store refuses to delete a file that was sent in parts on the condition that it is \
                 still the same, although it is: deletions go without one",
            );
        }
        Ok(())
    }

    /// Lets several create a key at once, then several replace what one of them made.
    async fn keeps_writers_apart(
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
        for attempt in 0..ATTEMPTS_MAX {
            let writes = bodies.iter().map(|body| {
                let (properties, path) = (properties(), &path);
                async move { remote.put(path, body.clone().into(), &properties, condition).await }
            });
            let answered: Vec<_> = bodies.iter().zip(join_all(writes).await).collect();
            if let Some(winners) = winners(remote, &path, &answered).await? {
                return Ok(winners == 1);
            }
            // All were told to come back: the store limits writes to one key (R2, GCS).
            tokio::time::sleep(FIRST_WAIT * 2_u32.pow(attempt)).await;
        }
        Ok(false)
    }

    /// Lets several uploads to a name be completed at once, where nothing is and over what one of them
    /// made; tells whether exactly one got through, each time.
    async fn has_one_completion(
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

/// One race: whether it held.
pub(super) type Race<'a> = BoxFuture<'a, Result<bool, RemoteError>>;

/// Lets races take place side by side, as many as there are descriptors for; tells whether all of them
/// held. Behind one that did not, no further one begins; those that are under way are waited for,
/// because what they send could take effect behind the tidying.
pub(super) async fn all_hold(
    races: Vec<Race<'_>>,
    requests_each: usize,
) -> Result<bool, RemoteError> {
    let at_once = (DescriptorBudget::get().requests / requests_each).max(1);
    let (mut waiting, mut under_way) = (races.into_iter(), FuturesUnordered::new());
    let mut all = Ok(true);
    loop {
        while under_way.len() < at_once
            && matches!(all, Ok(true))
            && let Some(race) = waiting.next()
        {
            under_way.push(race);
        }
        match under_way.next().await {
            None => return all,
            Some(Ok(true)) => (),
            Some(Ok(false)) => all = all.and(Ok(false)),
            Some(Err(error)) => all = Err(error),
        }
    }
}
