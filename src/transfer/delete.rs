//! Objects out of the bucket, and losers of the bucket into the trash.

use crate::clock::Clock;
use crate::disk::Disk;
use crate::plan::Action;
use crate::remote::{RemoteError, RemoteErrorKind};
use crate::repository::trash::{NewEntry, Side, TrashRun, Why};
use crate::tree::{RepoPath, Version};

use super::context::Context;
use super::download::Wanted;
use super::object::changed_in_bucket;
use super::retry::Backoff;
use super::trouble::Trouble;

/// What became of one of many deletions.
pub(super) type Verdict = Option<Result<(), Trouble>>;

impl<D: Disk, C: Clock> Context<D, C> {
    /// Deletes the version that the plan saw, if the path is still absent here: an editor may be
    /// saving.
    pub(super) async fn delete_remote(&self, action: &Action) -> Result<(), Trouble> {
        let path = &action.path;
        let mut backoff = Backoff::default();
        let (mut ambiguous, mut doubted) = (false, false);
        loop {
            if let Some(settled) = self.came_back(action, ambiguous).await {
                return settled;
            }
            let Some(version) = &action.remote else { return Ok(()) };
            let error = match self.remote.delete(path, &version.token).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if matches!(error.kind, RemoteErrorKind::Changed | RemoteErrorKind::NotFound) {
                match self.after_refusal(path, version, error).await {
                    // Once more, since it may have been changed and changed back.
                    Err(Trouble::Unfounded(_)) if !std::mem::replace(&mut doubted, true) => {
                        continue;
                    }
                    settled => return settled,
                }
            }
            ambiguous |= error.ambiguous;
            if !backoff.wait(&self.clock, &self.stop, &error).await {
                // A look that fails says less than the deletion that failed.
                let is_done = ambiguous && self.is_gone(path).await.is_ok();
                return if is_done { Ok(()) } else { Err(Trouble::Remote(error)) };
            }
        }
    }

    /// Deletes the versions that the plan saw, many with a request, of those paths that are still
    /// absent here. Says of each what became of it; `None` of one that is to be deleted by itself,
    /// because the answers leave something open.
    pub(super) async fn delete_many_remote(&self, actions: &[Action]) -> Vec<Verdict> {
        let mut verdicts: Vec<Verdict> = actions.iter().map(|_| None).collect();
        let mut open: Vec<usize> = (0..actions.len()).collect();
        let (mut backoff, mut ambiguous) = (Backoff::default(), false);
        loop {
            for place in &open {
                verdicts[*place] = self.came_back(&actions[*place], ambiguous).await;
            }
            open.retain(|place| verdicts[*place].is_none() && actions[*place].remote.is_some());
            let versions: Vec<_> = (open.iter())
                .filter_map(|place| {
                    let Action { path, remote, .. } = &actions[*place];
                    Some((path, &remote.as_ref()?.token))
                })
                .collect();
            if versions.is_empty() {
                return verdicts;
            }
            let error = match self.remote.delete_many(&versions).await {
                Ok(answers) => {
                    let Some(error) = settle(&mut open, answers, ambiguous, &mut verdicts) else {
                        return verdicts;
                    };
                    error
                }
                Err(error) => error,
            };
            ambiguous |= error.ambiguous;
            if !backoff.wait(&self.clock, &self.stop, &error).await {
                if error.ends_the_run() {
                    // One of them says why, for all.
                    let mut said = Some(Trouble::Remote(error));
                    for place in open {
                        verdicts[place] = Some(Err(said.take().unwrap_or(Trouble::Stopped)));
                    }
                }
                return verdicts;
            }
        }
    }

    /// Tells what becomes of a deletion whose path is here again: it is not made, unless an attempt
    /// before this one was.
    async fn came_back(&self, action: &Action, ambiguous: bool) -> Verdict {
        let trouble = self.expect_absent(action).err()?;
        let is_done = ambiguous && self.is_gone(&action.path).await.is_ok();
        Some(if is_done { Ok(()) } else { Err(trouble) })
    }

    /// Finds what became of a version that the store did not delete, as if another one were there, or
    /// none. Some stores answer a condition on a missing key as if another version were there.
    async fn after_refusal(
        &self,
        path: &RepoPath,
        version: &Version,
        error: RemoteError,
    ) -> Result<(), Trouble> {
        let Some(object) = self.object(path).await? else { return Ok(()) };
        let is_unfounded =
            object.entry.version == *version || self.shows(path, Some(&version.token)).await;
        Err(if is_unfounded { Trouble::Unfounded(error) } else { changed_in_bucket() })
    }

    /// Tells whether nothing is there any more.
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
            token: Some(&version.token),
            staged: None,
            expected: None,
            contents: None,
        };
        let kept = if let Some(id) = &object.version_id {
            trash.note_version(&entry, id)
        } else {
            let wanted = Wanted { path, version, replaced: None, for_trash: true };
            let staged = self.fetch(&wanted).await?.staged;
            let synced = staged.sync(&self.disk);
            synced.map_err(|error| Trouble::io(path, &error))?;
            trash.store_bucket(&entry, (&staged.folder, &staged.name)).map(|_| ())
        };
        kept.and_then(|()| trash.sync()).map_err(|error| Trouble::disk(&error))
    }
}

/// Takes note of what a store said of the `open` ones of many deletions. Those that it had no time for
/// stay open, and the error of one of them is returned. `ambiguous`: an earlier request may have deleted
/// them.
fn settle(
    open: &mut Vec<usize>,
    answers: Vec<Result<(), RemoteError>>,
    ambiguous: bool,
    verdicts: &mut [Verdict],
) -> Option<RemoteError> {
    let mut answers = answers.into_iter();
    let mut busy = None;
    open.retain(|place| match answers.next() {
        Some(Err(error)) if error.is_transient() => {
            busy = Some(error);
            true
        }
        answer => {
            let is_gone = match answer {
                Some(Ok(())) => true,
                // Else nobody knows who did it, and whether: a look by name will tell.
                Some(Err(error)) => ambiguous && error.kind == RemoteErrorKind::NotFound,
                None => false,
            };
            verdicts[*place] = is_gone.then_some(Ok(()));
            false
        }
    });
    busy
}
