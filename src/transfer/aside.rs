//! One object fetched to a name that nobody has: for `trash restore` of what the store keeps, and for
//! looking at theirs in `resolve`.

use std::num::NonZeroUsize;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::replace::{self, Outcome, Staging, Target};
use crate::remote::{Remote, RemoteError};
use crate::tree::{RepoPath, Stat, Version};

use super::context::{Context, Trouble, Tuning, World};
use super::download::verified;

/// One object at a time, as it comes.
const TUNING: Tuning = Tuning::of(NonZeroUsize::MIN);

/// Which version of an object is wanted.
#[derive(Debug, Clone, Copy)]
pub enum Aside<'a> {
    /// The present one, which must still be this.
    Present(&'a Version),
    /// An old one, by the id under which the store keeps it.
    Old(&'a str),
}

/// Why an object was not fetched aside. The working copy is as it was.
#[derive(Debug, thiserror::Error)]
pub enum AsideError {
    /// The name is taken.
    #[error("{0} exists, nothing was overwritten")]
    NameTaken(RepoPath),
    /// The store refused.
    #[error(transparent)]
    Remote(RemoteError),
    /// The disk refused, or something changed meanwhile.
    #[error("cannot fetch {path}: {reason}")]
    Failed {
        /// The object.
        path: RepoPath,
        /// Why.
        reason: String,
    },
}

/// Fetches a version of the object `path` to the new name `target`, verified and with its mtime, and
/// returns what it looks like there. Only under the lock of the working copy.
pub async fn fetch_aside<D, R, C>(
    world: &World<D, R, C>,
    path: &RepoPath,
    wanted: Aside<'_>,
    target: &RepoPath,
) -> Result<Stat, AsideError>
where
    D: Disk,
    R: Remote,
    C: Clock,
{
    let token = format!("{:016x}", fastrand::u64(..));
    let staging = Staging::open(&world.disk, &world.repository.root, &token);
    let opened =
        staging.and_then(|staging| Ok((staging, Context::new(world, (None, None), TUNING)?)));
    let fetched = match opened {
        Ok((staging, context)) => fetch(&context, &staging, (path, wanted), target).await,
        Err(error) => Err(Trouble::Disk(format!("cannot use .lsync/tmp: {error}"), None)),
    };
    match fetched {
        Ok(Some(stat)) => Ok(stat),
        Ok(None) => Err(AsideError::NameTaken(target.clone())),
        Err(Trouble::Remote(error)) => Err(AsideError::Remote(error)),
        Err(Trouble::Changed(reason) | Trouble::InTrash(reason) | Trouble::Disk(reason, _)) => {
            Err(AsideError::Failed { path: path.clone(), reason })
        }
        Err(Trouble::Stopped) => {
            Err(AsideError::Failed { path: path.clone(), reason: "interrupted".to_owned() })
        }
    }
}

/// Fetches, verifies and names; `None` where the name is taken.
async fn fetch<D: Disk, R: Remote, C: Clock>(
    context: &Context<D, R, C>,
    staging: &Staging<D>,
    (path, wanted): (&RepoPath, Aside<'_>),
    target: &RepoPath,
) -> Result<Option<Stat>, Trouble> {
    let (object, body) = match wanted {
        Aside::Present(version) => context.remote.get(path, &version.etag, None).await?,
        Aside::Old(id) => context.remote.get_version(path, id).await?,
    };
    let parent = staging.open_parent(target, true)?;
    let workspace = staging.for_parent(&parent).map_err(|error| Trouble::io(path, &error))?;
    let draft = staging.stage(&workspace, target, None)?;
    let received = context.receive(body, &draft, &object).await;
    let expected = object.entry.version.clone();
    if let Err(trouble) = received.and_then(|it| verified(path, &expected, &object, &it)) {
        draft.discard();
        return Err(trouble);
    }
    let staged = draft.seal(object.mtime)?;
    staged.sync(&context.disk).map_err(|error| Trouble::io(path, &error))?;
    let place = Target { folder: &parent.folder, path: target };
    match replace::create_new(&context.disk, &staged, &place)? {
        Outcome::Done(_) => {
            let (folder, name) = place.name();
            let stat = context.disk.lstat(folder, name);
            let synced = context.disk.sync_folder(folder);
            let error = |error: std::io::Error| Trouble::disk(&error);
            synced.and(stat).map(Some).map_err(error)
        }
        Outcome::Changed(_) | Outcome::EditInSlot | Outcome::NoExchange => Ok(None),
    }
}
