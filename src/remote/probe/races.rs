//! Whether what a store claims holds among several at once. One race at a time, and nothing beside it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{join, join_all};

use super::calls::{ATTEMPTS_MAX, FIRST_WAIT, NO_ETAG, attributes, finding, is_refused, winners};
use super::parts::{Begun, end_uploads};
use super::{Claims, Prober};
use crate::remote::{
    Capabilities, Condition, Conditions, Remote as _, RemoteError, S3Remote, Stored,
};
use crate::tree::{Etag, RepoPath};

/// How many write the same key at once to see whether only one gets through.
const RACERS: usize = 8;

/// How often they do so: a store that checks without a lock gets away with it now and then.
const RACES: usize = 2;

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

impl With {
    fn key(self, round: usize) -> String {
        match self {
            Self::Delete => format!("race-delete-{round}"),
            Self::DeleteObjects => format!("race-delete-many-{round}"),
        }
    }
}

impl Prober<'_> {
    /// Lets each claim stand the races that are about it; what does not is none.
    pub(super) async fn let_race(&mut self, claims: &Claims) -> Result<(), RemoteError> {
        let checksum = self.found.checksum;
        let trying = |honoured| self.trying(honoured, checksum);
        let (mut put, mut delete, mut many) = (claims.put, claims.delete, claims.delete_many);
        let mut complete = claims.completion.conditions;
        if put != Conditions::None && !self.keeps_writers_apart(&trying(put)).await? {
            put = Conditions::None;
        }
        if delete != Conditions::None
            && !self.loses_no_replacement(&trying(delete), With::Delete).await?
        {
            (delete, many) = (Conditions::None, Conditions::None);
        }
        if many != Conditions::None
            && !self.loses_no_replacement(&trying(many), With::DeleteObjects).await?
        {
            many = Conditions::None;
        }
        if complete != Conditions::None
            && !self.has_one_completion(&trying(complete), "race-parts").await?
        {
            complete = Conditions::None;
        }
        self.found.conditional_put = put;
        self.found.conditional_delete = delete;
        self.found.conditional_delete_many = many;
        self.found.conditional_complete = complete;
        Ok(())
    }

    /// Lets several create a key at once, then several replace what one of them made.
    async fn keeps_writers_apart(&self, remote: &S3Remote) -> Result<bool, RemoteError> {
        for round in 0..RACES {
            let key = format!("race-put-{round}");
            if !self.has_one_winner(remote, &key, &Condition::Absent).await? {
                return Ok(false);
            }
            let (again, there) =
                join(self.put_if(remote, &key, &Condition::Absent), self.etag(&key)).await;
            if !is_refused(&finding(again)?) {
                return Ok(false);
            }
            if !self.has_one_winner(remote, &key, &Condition::Matches(there?)).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Lets several write one key at once; tells whether exactly one got through.
    async fn has_one_winner(
        &self,
        remote: &S3Remote,
        key: &str,
        condition: &Condition,
    ) -> Result<bool, RemoteError> {
        // Equal contents would have equal ETags, and more than one of them could rightly win.
        let bodies: Vec<Bytes> = (0..RACERS).map(|_| self.body()).collect();
        let path = self.path(key);
        for attempt in 0..ATTEMPTS_MAX {
            let writes = bodies.iter().map(|body| {
                let (attributes, path) = (attributes(body), &path);
                async move { remote.put(path, body.clone(), &attributes, condition).await }
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

    /// Lets deletions of a version race with its replacement: one that got through must still be
    /// there.
    async fn loses_no_replacement(
        &self,
        remote: &S3Remote,
        with: With,
    ) -> Result<bool, RemoteError> {
        let stored = (0..RACES).map(async |round| {
            let key = with.key(round);
            self.put_unseen(Capabilities::nothing(), &key).await.map(|stored| (key, stored))
        });
        let stored: Vec<_> = join_all(stored).await;
        for stored in stored {
            let (key, stored) = stored?;
            // Whatever a store makes of the condition of a replacement: one that it reports as stored
            // is there, unless a deletion of the version before took it.
            let replaced = self.race_deletions(remote, &self.path(&key), &stored.etag, with).await;
            if replaced.is_ok() && !self.is_there(&key).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Deletes a version several times while it is replaced; returns what became of the replacement.
    async fn race_deletions(
        &self,
        remote: &S3Remote,
        path: &RepoPath,
        there: &Etag,
        with: With,
    ) -> Result<Stored, RemoteError> {
        let deletions = DELETIONS_MILLISECONDS.map(async |pause| {
            if pause > 0 {
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            match with {
                With::Delete => drop(remote.delete(path, there).await),
                With::DeleteObjects => delete_behind_decoys(remote, path, there).await,
            }
        });
        let (body, right) = (self.body(), Condition::Matches(there.clone()));
        let attributes = attributes(&body);
        let replacement = async {
            tokio::time::sleep(Duration::from_millis(REPLACEMENT_MILLISECONDS)).await;
            remote.put(path, body, &attributes, &right).await
        };
        join(join_all(deletions), replacement).await.1
    }

    /// Lets several uploads over an object be completed at once; tells whether exactly one got through.
    async fn has_one_completion(&self, remote: &S3Remote, key: &str) -> Result<bool, RemoteError> {
        let path = self.path(key);
        let uploads = join_all((0..RACERS).map(|_| self.begin(remote, &path)));
        let (there, begun) = join(self.put_unseen(Capabilities::nothing(), key), uploads).await;
        let (begun, failed): (Vec<_>, Vec<_>) = begun.into_iter().partition(Result::is_ok);
        let begun: Vec<Begun> = begun.into_iter().flatten().collect();
        let failed = there.as_ref().err().cloned().or(failed.into_iter().find_map(Result::err));
        let (Ok(there), None) = (there, &failed) else {
            end_uploads(remote, &path, begun.iter()).await;
            return failed.map_or(Ok(false), Err);
        };
        let right = Condition::Matches(there.etag);
        let completions = begun.iter().map(|it| it.complete(remote, &path, &right));
        let completed = join_all(completions).await;
        let refused = completed.iter().zip(&begun).filter(|(answer, _)| answer.is_err());
        let refused: Vec<&Begun> = refused.map(|(_, it)| it).collect();
        let writers: Vec<_> = begun.iter().map(|it| &it.body).zip(completed).collect();
        let winners = winners(remote, &path, &writers).await;
        end_uploads(remote, &path, refused.into_iter()).await;
        Ok(winners? == Some(1))
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
