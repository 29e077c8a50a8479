//! Objects out of the bucket, and losers of the bucket into the trash.

use crate::clock::Clock;
use crate::disk::Disk;
use crate::look::object;
use crate::plan::Action;
use crate::remote::{RemoteError, RemoteErrorKind};
use crate::repository::trash::{NewEntry, Side, TrashRun, Why};
use crate::session::Session;
use crate::session::store::{Attempts, Write};
use crate::session::trouble::Trouble;
use crate::transfer::down::{self, Wanted};
use crate::transfer::spelling;
use crate::tree::{RepoPath, Version};

/// What became of one of many deletions.
pub(in crate::transfer) type Verdict = Option<Result<(), Trouble>>;

/// The deletion of the version that the plan saw.
struct Deletion<'c, D: Disk, C> {
    session: &'c Session<D, C>,
    version: &'c Version,
    action: &'c Action,
}

impl<D: Disk, C: Clock> Write for Deletion<'_, D, C> {
    type Answer = ();
    type Error = Trouble;

    async fn prepare(&mut self, lost: bool) -> Result<Option<()>, Trouble> {
        let done = if lost { came_back(self.session, self.action).await } else { None };
        done.transpose()
    }

    async fn attempt(&mut self, _: bool) -> Result<(), Trouble> {
        spelling::expect_absent(self.session, self.action)?;
        self.session.expect_to_go_on()?;
        Ok(self.session.store.remote.delete(&self.action.path, &self.version.token).await?)
    }

    async fn look(&mut self) -> Result<Option<()>, Trouble> {
        Ok(object::object(self.session, &self.action.path).await?.is_none().then_some(()))
    }

    /// Some stores answer a condition on a missing key as if another version were there.
    async fn judge(&mut self, refusal: RemoteError, doubted: bool) -> Result<Option<()>, Trouble> {
        let Self { session, version, action: Action { path, .. } } = self;
        let Some(object) = object::object(session, path).await? else { return Ok(Some(())) };
        let is_unfounded = object.entry.version == **version
            || object::shows(session, path, Some(&version.token)).await;
        match (is_unfounded, doubted) {
            // Once more, since it may have been changed and changed back.
            (true, false) => Ok(None),
            (true, true) => Err(Trouble::Unfounded(refusal)),
            (false, _) => Err(Trouble::changed_in_bucket()),
        }
    }
}

/// The deletion of many versions with one request.
struct Deletions<'c, D: Disk, C> {
    session: &'c Session<D, C>,
    actions: &'c [Action],
    /// What is known of each.
    verdicts: Vec<Verdict>,
    /// The places of those that are still to be deleted.
    open: Vec<usize>,
}

impl<D: Disk, C: Clock> Write for Deletions<'_, D, C> {
    type Answer = ();
    type Error = Trouble;

    async fn prepare(&mut self, lost: bool) -> Result<Option<()>, Trouble> {
        let Self { session, actions, verdicts, open, .. } = self;
        // What is here again is left out when the turn of the rest has come.
        for place in open.iter().filter(|_| lost) {
            verdicts[*place] = came_back(session, &actions[*place]).await;
        }
        open.retain(|place| verdicts[*place].is_none());
        Ok(open.is_empty().then_some(()))
    }

    async fn attempt(&mut self, lost: bool) -> Result<(), Trouble> {
        let Self { session, actions, verdicts, open } = self;
        open.retain(|place| {
            verdicts[*place] = spelling::expect_absent(session, &actions[*place]).err().map(Err);
            verdicts[*place].is_none()
        });
        session.expect_to_go_on()?;
        let versions: Vec<_> = (open.iter())
            .filter_map(|place| {
                let Action { path, remote, .. } = &actions[*place];
                Some((path, &remote.as_ref()?.token))
            })
            .collect();
        if versions.is_empty() {
            return Ok(());
        }
        let answers = session.store.remote.delete_many(&versions).await?;
        match settle(open, answers, lost, verdicts) {
            Some(busy) => Err(busy.into()),
            None => Ok(()),
        }
    }

    async fn judge(&mut self, refusal: RemoteError, _: bool) -> Result<Option<()>, Trouble> {
        Err(refusal.into())
    }
}

/// Deletes the version that the plan saw, if the path is still absent here: an editor may be
/// saving.
pub(in crate::transfer) async fn delete_remote<D: Disk, C: Clock>(
    session: &Session<D, C>,
    action: &Action,
) -> Result<(), Trouble> {
    let Some(version) = &action.remote else {
        return spelling::expect_absent(session, action);
    };
    let mut deletion = Deletion { session, version, action };
    session.store.write(&mut Attempts::default(), &mut deletion).await
}

/// Deletes the versions that the plan saw, many with a request, of those paths that are still
/// absent here. Says of each what became of it; `None` of one that is to be deleted by itself,
/// because the answers leave something open.
pub(in crate::transfer) async fn delete_many_remote<D: Disk, C: Clock>(
    session: &Session<D, C>,
    actions: &[Action],
) -> Vec<Verdict> {
    let verdicts = actions.iter().map(|_| None).collect();
    let open = (0..actions.len()).filter(|place| actions[*place].remote.is_some()).collect();
    let mut many = Deletions { session, actions, verdicts, open };
    let deleted = session.store.write(&mut Attempts::default(), &mut many).await;
    let Deletions { mut verdicts, open, .. } = many;
    if let Err(trouble) = deleted
        && trouble.ends_the_run()
    {
        // One of them says why, for all.
        let mut said = Some(trouble);
        for place in open {
            verdicts[place] = Some(Err(said.take().unwrap_or(Trouble::Stopped)));
        }
    }
    verdicts
}

/// Tells what became of a deletion whose path is here again, and that an attempt whose answer got lost
/// may have made.
async fn came_back<D: Disk, C: Clock>(session: &Session<D, C>, action: &Action) -> Verdict {
    let trouble = spelling::expect_absent(session, action).err()?;
    let is_done = matches!(object::object(session, &action.path).await, Ok(None));
    Some(if is_done { Ok(()) } else { Err(trouble) })
}

/// Keeps a version of the bucket that the base does not know, before it is overwritten or
/// deleted: by its version id where the store keeps versions, else by fetching it.
pub(in crate::transfer) async fn keep_remote_loser<D: Disk, C: Clock>(
    session: &Session<D, C>,
    path: &RepoPath,
    version: &Version,
    trash: &TrashRun<D>,
    why: Why,
) -> Result<(), Trouble> {
    let object = object::object_expected(session, path, version).await?;
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
        let staged = down::fetch(session, &wanted).await?.staged;
        let synced = staged.sync(&session.files.disk);
        synced.map_err(|error| Trouble::io(path, &error))?;
        trash.store_bucket(&entry, (&staged.folder, &staged.name)).map(|_| ())
    };
    kept.and_then(|()| trash.sync()).map_err(|error| Trouble::disk(&error))
}

/// Takes note of what a store said of the `open` ones of many deletions. Those that it had no time for
/// stay open, and the error of one of them is returned. `lost`: an earlier request may have deleted them.
fn settle(
    open: &mut Vec<usize>,
    answers: Vec<Result<(), RemoteError>>,
    lost: bool,
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
                Some(Err(error)) => lost && error.kind == RemoteErrorKind::NotFound,
                None => false,
            };
            verdicts[*place] = is_gone.then_some(Ok(()));
            false
        }
    });
    busy
}
