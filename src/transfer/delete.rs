//! Objects out of the bucket, and losers of the bucket into the trash.

use crate::clock::Clock;
use crate::disk::Disk;
use crate::plan::Action;
use crate::remote::{Remote, RemoteErrorKind};
use crate::repository::trash::{NewEntry, Side, TrashRun, Why};
use crate::tree::{RepoPath, Version};

use super::context::{Context, Trouble};
use super::download::Wanted;
use super::object::changed_in_bucket;
use super::retry::Backoff;
use super::upload::refused;

/// What became of one of many deletions.
pub(super) type Verdict = Option<Result<(), Trouble>>;

impl<D: Disk, R: Remote, C: Clock> Context<D, R, C> {
    /// Deletes the version that the plan saw, if the path is still absent here: an editor may be
    /// saving.
    pub(super) async fn delete_remote(&self, action: &Action) -> Result<(), Trouble> {
        let path = &action.path;
        self.expect_absent(action)?;
        let Some(version) = &action.remote else { return Ok(()) };
        let mut backoff = Backoff::default();
        let mut ambiguous = false;
        loop {
            let error = match self.remote.delete(path, &version.etag).await {
                Ok(()) => return Ok(()),
                // Whoever deleted it: it is gone, as it should be.
                Err(error) if error.kind == RemoteErrorKind::NotFound => return Ok(()),
                Err(error) if error.kind == RemoteErrorKind::Changed => {
                    return self.is_gone(path).await;
                }
                Err(error) => error,
            };
            ambiguous |= error.ambiguous;
            if !backoff.wait(&self.clock, &self.stop, &error).await {
                // A look that fails says less than the deletion that failed.
                let is_done = ambiguous && self.is_gone(path).await.is_ok();
                return if is_done { Ok(()) } else { Err(refused(error)) };
            }
        }
    }

    /// Deletes with one request the versions that the plan saw, of those paths that are still absent
    /// here. Says of each what became of it; `None` of one that is to be deleted by itself, because
    /// the answer leaves something open.
    pub(super) async fn delete_many_remote(&self, actions: &[Action]) -> Vec<Verdict> {
        let mut verdicts: Vec<Verdict> =
            actions.iter().map(|action| self.expect_absent(action).err().map(Err)).collect();
        let (places, versions): (Vec<usize>, Vec<_>) = (actions.iter().zip(&verdicts).enumerate())
            .filter(|(_, (_, verdict))| verdict.is_none())
            .filter_map(|(place, (action, _))| {
                Some((place, (&action.path, &action.remote.as_ref()?.etag)))
            })
            .unzip();
        let mut backoff = Backoff::default();
        let answers = loop {
            match self.remote.delete_many(&versions).await {
                Ok(answers) => break answers,
                Err(error) if backoff.wait(&self.clock, &self.stop, &error).await => (),
                // Where the store does not take many at once, it may take one.
                Err(error) if !error.is_transient() && !error.ends_the_run() => return verdicts,
                Err(error) => {
                    for place in places {
                        verdicts[place] = Some(Err(refused(error.clone())));
                    }
                    return verdicts;
                }
            }
        };
        for (place, answer) in places.into_iter().zip(answers) {
            verdicts[place] = match answer {
                Ok(()) => Some(Ok(())),
                Err(error) if error.kind == RemoteErrorKind::NotFound => Some(Ok(())),
                Err(_) => None,
            };
        }
        verdicts
    }

    /// Some stores answer a condition on a missing key as if another version were there.
    async fn is_gone(&self, path: &RepoPath) -> Result<(), Trouble> {
        self.object(path).await?.map_or(Ok(()), |_| Err(changed_in_bucket()))
    }

    /// Keeps a version of the bucket that the base does not know, before it is overwritten or
    /// deleted: by its version id where the store keeps versions, else by fetching it.
    pub(super) async fn keep_remote_loser(
        &self,
        path: &RepoPath,
        version: &Version,
        trash: &TrashRun<D>,
        why: Why,
    ) -> Result<(), Trouble> {
        let object = self.object_expected(path, version).await?;
        let entry = NewEntry {
            path,
            side: Side::Bucket,
            why,
            known: false,
            etag: Some(&version.etag),
            staged: None,
            expected: None,
        };
        let kept = if let Some(id) = &object.version_id {
            trash.note_version(&entry, id)
        } else {
            let wanted = Wanted { path, version, mode: None, for_trash: true };
            let staged = self.fetch(&wanted).await?.staged;
            let synced = staged.sync(&self.disk);
            synced.map_err(|error| Trouble::io(path, &error))?;
            trash.store_bucket(&entry, (&staged.folder, &staged.name)).map(|_| ())
        };
        kept.and_then(|()| trash.sync()).map_err(|error| Trouble::disk(&error))
    }
}
