//! One object fetched to a name that nobody has: for `trash restore` of what the store keeps, and for
//! looking at theirs in `resolve`.

use std::num::NonZeroUsize;

use super::down::{self, ReportedBytes, verified};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::replace::{self, Draft, Outcome, ReplaceError, Staged, Staging, Target};
use crate::remote::{Incoming, Object, RemoteError};
use crate::session::limits::tuning::Tuning;
use crate::session::trouble::Trouble;
use crate::session::{Session, World};
use crate::tree::{RepoPath, Stat, Version};

/// One object at a time, as it comes.
const TUNING: Tuning = Tuning::of(NonZeroUsize::MIN);

/// Why an object was not fetched aside. The working copy is as it was.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
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

/// Fetches an old version of the object `path`, by the id under which the store keeps it, to its path
/// in the working copy, if nobody has that name; verified and with its mtime.
///
/// Only under the lock of the working copy.
pub async fn fetch_version<D, C>(
    world: &World<D, C>,
    path: &RepoPath,
    version_id: &str,
) -> Result<(), FetchError>
where
    D: Disk,
    C: Clock,
{
    let token = format!("{:016x}", fastrand::u64(..));
    let staging = Staging::open(&world.disk, &world.repository.root, &token)
        .map_err(|error| Trouble::disk_at("cannot use .lsync/tmp", &error));
    let fetched = async {
        let (session, staging) = (session(world)?, staging?);
        let (object, body) = session.store.remote.get_version(path, version_id).await?;
        let parent = staging.open_parent(path, true)?;
        let workspace = staging.for_parent(&parent).map_err(|error| Trouble::io(path, &error))?;
        let draft = staging.stage(&workspace, path, None)?;
        let liken = |draft: &Draft<D>| draft.take_after(&parent.folder, None);
        let version = &object.entry.version;
        let staged = fill(&session, path, draft, (&object, body), (version, liken)).await?;
        staged.sync(&session.files.disk).map_err(|error| Trouble::io(path, &error))?;
        let place = Target { folder: &parent.folder, path };
        match replace::create_new(&session.files.disk, &staged, &place)? {
            Outcome::Done(_) => {
                let synced = session.files.disk.sync_folder(&parent.folder);
                synced.map(|()| true).map_err(|error| Trouble::disk(&error))
            }
            Outcome::Changed(_) | Outcome::Returned | Outcome::EditInSlot | Outcome::NoExchange => {
                Ok(false)
            }
        }
    };
    match fetched.await {
        Ok(true) => Ok(()),
        Ok(false) => Err(FetchError::NameTaken(path.clone())),
        Err(trouble) => Err(FetchError::of(path, trouble)),
    }
}

/// Fetches the version of the object `path` into a folder where nobody has its name, verified and
/// with its mtime, and returns what it looks like there. Needs no lock: nothing in the working copy
/// is touched.
pub async fn fetch_into<D, C>(
    world: &World<D, C>,
    path: &RepoPath,
    version: &Version,
    folder: &D::Folder,
) -> Result<Stat, FetchError>
where
    D: Disk,
    C: Clock,
{
    let fetched = async {
        let session = session(world)?;
        let (object, body) = session.store.remote.get(path, &version.token, None).await?;
        let draft = Draft::create(&session.files.disk, folder, path)?;
        let staged = fill(&session, path, draft, (&object, body), (version, |_| Ok(()))).await?;
        Ok(staged.stat)
    };
    fetched.await.map_err(|trouble| FetchError::of(path, trouble))
}

fn session<D: Disk, C: Clock>(world: &World<D, C>) -> Result<Session<D, C>, Trouble> {
    Session::looking(world, TUNING).map_err(|error| Trouble::disk(&error))
}

impl FetchError {
    fn of(path: &RepoPath, trouble: Trouble) -> Self {
        let reason = match trouble {
            trouble @ Trouble::TooLarge => trouble.reason(),
            Trouble::Remote(error)
            | Trouble::Unfounded(error)
            | Trouble::FolderKept(error)
            | Trouble::Nameless(error) => return Self::Remote(error),
            Trouble::Changed { reason, .. }
            | Trouble::InTrash(reason)
            | Trouble::Disk(_, reason) => reason,
            Trouble::Stopped => "interrupted".to_owned(),
            Trouble::Bug(what) => format!("this is a bug in lsync: there is no {what}"),
        };
        Self::Failed { path: path.clone(), reason }
    }
}

/// Writes a body, verifies it and seals the file; one that is not sound is removed.
async fn fill<D: Disk, C: Clock>(
    session: &Session<D, C>,
    path: &RepoPath,
    draft: Draft<D>,
    (object, body): (&Object, Incoming),
    (expected, liken): (&Version, impl FnOnce(&Draft<D>) -> Result<(), ReplaceError>),
) -> Result<Staged<D>, Trouble> {
    let received =
        down::receive(session, body, &draft, object, &mut ReportedBytes::default()).await;
    let received = received.and_then(|digests| {
        verified(path, expected, object, &digests)?;
        Ok(liken(&draft)?)
    });
    match received {
        Ok(()) => Ok(draft.seal(object.mtime())?),
        Err(trouble) => {
            draft.discard();
            Err(trouble)
        }
    }
}
