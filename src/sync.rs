//! The story of a run: scan → merge → examine → reconcile → guard → transfer → record.
//!
//! [`plan`] reads three sides and returns a [`Plan`], which can be printed, refused or cut;
//! [`carry_out`] does it and returns a [`Report`]. Neither prints nor asks.

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::monitor::Monitor;
use crate::plan::{Direction, MaxDelete, Selection};
use crate::repository::Repository;

/// Everything that a run touches.
pub struct World<D: Disk, R, C: Clock> {
    /// The file system.
    pub disk: D,
    /// The working copy.
    pub repository: Repository<D>,
    /// The bucket.
    pub remote: Arc<R>,
    /// Time.
    pub clock: C,
    /// Who is told.
    pub monitor: Arc<dyn Monitor>,
}

/// What a person asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which way.
    pub direction: Direction,
    /// `push FILE`: the force was not typed, so it does not reach into folders.
    pub implicit_force: bool,
    /// Which paths.
    pub selection: Selection,
    /// No request to the bucket: the base stands for it (`status --offline`).
    pub offline: bool,
    /// Nothing is changed and nothing downloaded (`status`, `--dry-run`).
    pub dry_run: bool,
    /// Deletions stay in the plan's shadow.
    pub no_delete: bool,
    /// How many deletions a side may suffer; `None` is the default rule.
    pub max_delete: Option<MaxDelete>,
    /// Transfers at once.
    pub jobs: NonZeroUsize,
    /// At most so many actions.
    pub limit: Option<u64>,
    /// Losers in the bucket that the base does not know are kept first.
    pub backup: bool,
}

// The functions that the commands call (bodies follow):
//
// pub async fn plan<D, R, C>(world: &World<D, R, C>, request: &Request) -> Result<Plan, SyncError>
// pub fn guard(plan: &Plan, request: &Request) -> Result<(), SafetyStop>        (plan::Guard)
// pub async fn carry_out<D, R, C>(world: &World<D, R, C>, request: &Request, plan: Plan) -> Result<Report, SyncError>
// plan::settle(plan: Plan, choices: &[(Conflict, Resolution)], label: &str) -> Plan     (pure)
//
// pub struct Report {
//     pub uploaded: u64, pub downloaded: u64, pub deleted_local: u64, pub deleted_remote: u64,
//     pub kept_both: u64, pub adopted: u64, pub forgotten: u64, pub bytes_uploaded: u64, pub bytes_downloaded: u64,
//     pub failed: u64, pub changed_meanwhile: u64 (both exit 3), pub conflicts: u64 (exit 4),
//     pub incomplete: u64 (notices that make the run incomplete, exit 3), pub withheld_deletions: u64, pub beyond_limit: u64 (exit 3),
//     pub ahead: u64, pub behind: u64, pub interrupted: bool (exit 130),
//     pub fatal: Option<RemoteError> (ended the run: exit 12 or 13; what was done is recorded),
// }
