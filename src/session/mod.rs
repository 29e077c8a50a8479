//! One run: what is open, and how far it may go.

mod files;
pub mod limits;
mod opened;
pub mod store;
pub mod trouble;
mod world;

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use files::Files;
pub use opened::{Locked, OpenError, Opened};
pub use world::World;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::replace::Staging;
use crate::monitor::{Monitor, Stop};
use crate::repository::checkpoints::Checkpoints;

use limits::Limits;
use limits::tuning::Tuning;
use store::Store;
use trouble::Trouble;

/// How a run goes about its work, beside what it is to do.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// How many transfers at once, how large their parts, and how fast.
    pub tuning: Tuning,
    /// The bucket is not listed: the base stands for it.
    pub unlisted: bool,
}

/// What a run has at hand: the files, the bucket, how far it may go, and who is told.
pub struct Session<D: Disk, C> {
    /// The working copy.
    pub files: Files<D, C>,
    /// The bucket, asked with patience and within the limits of the run.
    pub store: Store<C>,
    /// How far the run may go.
    pub limits: Limits,
    /// Time.
    pub clock: C,
    /// Who is told.
    pub monitor: Arc<dyn Monitor>,
    /// Whether somebody asked to end.
    pub stop: Stop,
    /// Transfers may run on several threads; off in a simulation.
    pub parallel: bool,
    /// Listings are not fetched in several ranges at once (any more).
    pub lists_whole: AtomicBool,
    /// The run was asked not to list the bucket.
    pub unlisted: bool,
}

impl<D: Disk, C: Clock> Session<D, C> {
    /// Opens a session that changes nothing in the working copy.
    ///
    /// # Errors
    /// Where the root cannot be looked at.
    pub fn looking(world: &World<D, C>, tuning: Tuning) -> io::Result<Self> {
        Self::new(world, (None, None), Manner { tuning, unlisted: false })
    }

    /// Refuses to begin anything more once somebody has asked to end.
    ///
    /// # Errors
    /// [`Trouble::Stopped`].
    pub fn expect_to_go_on(&self) -> Result<(), Trouble> {
        if self.stop.is_requested() { Err(Trouble::Stopped) } else { Ok(()) }
    }

    fn new(
        world: &World<D, C>,
        kept: (Option<Staging<D>>, Option<Checkpoints<D>>),
        Manner { tuning, unlisted }: Manner,
    ) -> io::Result<Self> {
        let remote = Arc::clone(&world.remote);
        Ok(Self {
            files: Files::open(world, kept)?,
            limits: Limits::new(tuning, remote.is_near()),
            store: Store::new(remote, world.clock.clone(), world.stop.clone(), &tuning),
            clock: world.clock.clone(),
            monitor: Arc::clone(&world.monitor),
            stop: world.stop.clone(),
            parallel: world.parallel,
            lists_whole: AtomicBool::new(false),
            unlisted,
        })
    }
}
