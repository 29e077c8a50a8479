//! What the store does with uploads in parts.

use futures_util::future::join_all;

use super::calls::{attributes, finding, is_refused, path, someone_elses, start, winners, write};
use super::{Prober, RACERS};
use crate::remote::{
    Capabilities, Checksum, Condition, Conditions, Remote as _, RemoteError, Stored,
};

impl Prober<'_> {
    /// Finds how far conditions hold when parts are put together, and whether that works at all.
    pub(super) async fn examine_complete(&mut self) -> Result<Conditions, RemoteError> {
        let Some(key) = self.can_complete().await? else { return Ok(Conditions::None) };
        for honoured in [Conditions::Atomic, Conditions::AtomicUnquoted] {
            let trial = self.trial(honoured);
            let again = self.complete(&trial, key, &Condition::Absent).await;
            if !is_refused(&finding(again)?) {
                return Ok(Conditions::None);
            }
            let wrong = self.complete(&trial, key, &someone_elses()).await;
            if !is_refused(&finding(wrong)?) {
                return Ok(Conditions::None);
            }
            let right = Condition::Matches(self.etag(key).await?);
            if finding(self.complete(&trial, key, &right).await)?.is_err() {
                continue;
            }
            let right = Condition::Matches(self.etag(key).await?);
            let won = self.has_one_completion(&trial, key, &right).await?;
            return Ok(if won { honoured } else { Conditions::None });
        }
        Ok(Conditions::None)
    }

    /// Uploads in parts, without a checksum where the store refuses it there; returns the key.
    async fn can_complete(&mut self) -> Result<Option<&'static str>, RemoteError> {
        // Two keys, because a store may store and fail nevertheless.
        for (key, checksum) in [("parts", self.found.checksum), ("plain-parts", Checksum::None)] {
            let trial = Capabilities { checksum, ..Capabilities::nothing() };
            let result = finding(self.complete(&trial, key, &Condition::Absent).await)?;
            if result.is_ok() {
                self.found.checksum = checksum;
                return Ok(Some(key));
            }
            if let (Err(error), Checksum::None) = (result, checksum) {
                self.notes.push(format!("uploads in parts fail, so large files will: {error}"));
                break;
            }
        }
        Ok(None)
    }

    /// Lets several uploads be completed at once; tells whether exactly one got through.
    async fn has_one_completion(
        &mut self,
        trial: &Capabilities,
        key: &str,
        condition: &Condition,
    ) -> Result<bool, RemoteError> {
        let (remote, path) = (self.below(trial.clone()), path(key));
        let mut uploads = Vec::new();
        for _ in 0..RACERS {
            let body = self.body();
            uploads.push((start(&remote, &path, &body).await?, attributes(&body), body));
        }
        let completions = uploads.iter().map(|((upload, part), attributes, _)| {
            remote.complete_upload(&path, upload, std::slice::from_ref(part), attributes, condition)
        });
        let completed = join_all(completions).await;
        let writers: Vec<_> = uploads.iter().map(|(_, _, body)| body).zip(completed).collect();
        let winners = winners(&remote, &path, &writers).await?;
        // A store that forgets a refused upload, or keeps it: both are fine.
        let aborted = uploads.iter().map(|((upload, _), ..)| remote.abort_upload(&path, upload));
        join_all(aborted).await;
        Ok(winners == Some(1))
    }

    /// Uploads a body of one part.
    async fn complete(
        &mut self,
        trial: &Capabilities,
        key: &str,
        condition: &Condition,
    ) -> Result<Stored, RemoteError> {
        let (remote, path, body) = (self.below(trial.clone()), path(key), self.body());
        let (upload, part) = start(&remote, &path, &body).await?;
        let parts = std::slice::from_ref(&part);
        let attributes = attributes(&body);
        let complete = || remote.complete_upload(&path, &upload, parts, &attributes, condition);
        let result = write(&remote, (&path, &body), complete).await;
        if result.is_err() {
            drop(remote.abort_upload(&path, &upload).await);
        }
        result
    }
}
