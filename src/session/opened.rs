//! A run as it is opened: once, and under the lock where it may change something.

use std::io;
use std::ops::Deref;
use std::sync::Arc;

use super::world::World;
use super::{Manner, Session};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::repository::checkpoints::Checkpoints;
use crate::repository::mounts::{self, MountsError};
use crate::repository::trash::{self, TrashError};
use crate::repository::{Database, DatabaseError, Lock};
use crate::tree::RepoPath;

/// Why a run cannot be opened. Nothing has been changed then, but for what an earlier run left half done.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database cannot be read.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// What a killed run left in the trash cannot be finished.
    #[error(transparent)]
    Trash(#[from] TrashError),
    /// The staging folder cannot be used.
    #[error("cannot use .lsync/tmp")]
    Staging(#[source] io::Error),
}

/// A run that looks, and changes nothing: what its tasks share, and what both sides agreed upon last.
pub struct Opened<'w, D: Disk, C: Clock> {
    /// What the run was given.
    pub world: &'w World<D, C>,
    /// What its tasks share.
    pub session: Arc<Session<D, C>>,
    /// The base.
    pub database: Database<D>,
}

impl<'w, D: Disk, C: Clock> Opened<'w, D, C> {
    /// Opens a run that changes nothing.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn looking(world: &'w World<D, C>, manner: Manner) -> Result<Self, OpenError> {
        let database = open_database(world)?;
        let session = Session::new(world, (None, None), manner).map_err(OpenError::Staging)?;
        Ok(Self { world, session: Arc::new(session), database })
    }
}

/// A run that may change something: no other one is at work in this working copy until it is dropped.
///
/// What may happen only under the lock takes one of these.
pub struct Locked<'w, D: Disk, C: Clock> {
    opened: Opened<'w, D, C>,
    _lock: Lock<D>,
}

impl<'w, D: Disk, C: Clock> Locked<'w, D, C> {
    /// Opens a run under the lock: finishes in the trash what a killed run left, before anything is looked
    /// at, and sweeps the staging folder of all that no transfer can go on with.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(world: &'w World<D, C>, lock: Lock<D>, manner: Manner) -> Result<Self, OpenError> {
        let repository = &world.repository;
        for settled in trash::settle(&world.disk, &repository.root, &repository.control)? {
            world.monitor.path_warning(settled.kind(), &settled.to_string());
        }
        let database = open_database(world)?;
        let session = Checkpoints::open(&world.disk, &repository.control)
            .and_then(|checkpoints| {
                let staging = world.swept_staging(&checkpoints)?;
                Session::new(world, (Some(staging), Some(checkpoints)), manner)
            })
            .map_err(OpenError::Staging)?;
        let opened = Opened { world, session: Arc::new(session), database };
        Ok(Self { opened, _lock: lock })
    }

    /// Lets the run record what it does.
    pub fn database_mut(&mut self) -> &mut Database<D> {
        &mut self.opened.database
    }

    /// Remembers folders on which other disks are mounted, where anything below them is in the base or
    /// `comes`: a disk of which nothing is synced may go as it came.
    ///
    /// # Errors
    /// [`MountsError`].
    pub fn remember_mounts(
        &self,
        tops: &[RepoPath],
        comes: impl Fn(&RepoPath) -> bool,
    ) -> Result<(), MountsError> {
        let is_known = |top: &RepoPath| {
            self.database.rows(Some(top)).map_or(true, |mut rows| rows.next().is_some())
        };
        let world = self.world;
        mounts::remember(&world.disk, &world.repository.control, tops, |top| {
            comes(top) || is_known(top)
        })
    }
}

impl<'w, D: Disk, C: Clock> Deref for Locked<'w, D, C> {
    type Target = Opened<'w, D, C>;

    fn deref(&self) -> &Self::Target {
        &self.opened
    }
}

fn open_database<D: Disk, C: Clock>(world: &World<D, C>) -> Result<Database<D>, DatabaseError> {
    Database::open(&world.disk, &world.repository.control, &world.remote_id)
}
