//! [`World`]: what a run is given.

use std::sync::Arc;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::replace::Staging;
use crate::monitor::{Monitor, Stop};
use crate::remote::Remote;
use crate::repository::checkpoints::Checkpoints;
use crate::repository::{RemoteId, Repository};

/// Everything that a run touches.
pub struct World<D: Disk, C: Clock> {
    /// The file system.
    pub disk: D,
    /// The working copy.
    pub repository: Repository<D>,
    /// The bucket.
    pub remote: Arc<dyn Remote>,
    /// Which remote the database's rows are about.
    pub remote_id: RemoteId,
    /// Bytes that the remote's prefix takes from the longest key.
    pub prefix_bytes: usize,
    /// Time.
    pub clock: C,
    /// Who is told.
    pub monitor: Arc<dyn Monitor>,
    /// Whether somebody asked to end.
    pub stop: Stop,
    /// Work may run on several threads; off in a simulation.
    pub parallel: bool,
}

impl<D: Disk, C: Clock> World<D, C> {
    /// Opens the staging folder, swept of all that no transfer of these checkpoints can go on with.
    pub fn swept_staging(&self, checkpoints: &Checkpoints<D>) -> std::io::Result<Staging<D>> {
        let token = format!("{:016x}", fastrand::u64(..));
        let staging = Staging::open(&self.disk, &self.repository.root, &token)?;
        let staging = staging.keeping(checkpoints.partial_names());
        staging.sweep().map(|()| staging)
    }
}
