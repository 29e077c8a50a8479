//! How much a run does at once, and how fast.

pub mod buffers;
pub mod held;
pub mod lanes;
pub mod pace;
pub mod range_window;
pub mod room;
mod search;
pub mod tuning;
mod turns;

use tokio::sync::{Semaphore, SemaphorePermit};

use buffers::Buffers;
use held::Holding;
use range_window::RangeWindow;
use room::Room;
use tuning::Tuning;

/// Bytes of whole files that all transfers together may hold in memory.
const BUDGET_BYTES: u64 = 64 * 1024 * 1024;

/// How far a run may go.
pub struct Limits {
    /// How hard to try.
    pub tuning: Tuning,
    /// How many ranges come at once.
    pub range_window: RangeWindow,
    /// What parts are read into on their way out.
    pub buffers: Buffers,
    /// Files that stay open until they are durable.
    pub holding: Holding,
    /// What did not fit.
    pub room: Room,
    budget: Semaphore,
}

impl Limits {
    /// Begins with everything free; `is_near`: requests to the store do not leave this machine.
    pub(super) fn new(tuning: Tuning, is_near: bool) -> Self {
        Self {
            tuning,
            range_window: RangeWindow::new(tuning.lanes(), is_near),
            buffers: Buffers::default(),
            holding: Holding::default(),
            room: Room::default(),
            budget: Semaphore::new(usize::try_from(BUDGET_BYTES).unwrap_or(usize::MAX)),
        }
    }

    /// Waits until `bytes` more file bytes may be held in memory; a single file may hold them all.
    pub async fn reserve(&self, bytes: u64) -> Option<SemaphorePermit<'_>> {
        let permits = u32::try_from(bytes.min(BUDGET_BYTES)).unwrap_or(u32::MAX);
        self.budget.acquire_many(permits).await.ok()
    }
}
