//! [`Turns`]: a semaphore that is made wider and narrower while it is in use.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// A number of turns that changes.
pub(super) struct Turns {
    free: Arc<Semaphore>,
    /// Those that are free and those that are taken; changed under the lock of the state.
    all: AtomicUsize,
}

impl Turns {
    /// Makes so many.
    pub(super) fn of(count: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(count)), all: AtomicUsize::new(count) }
    }

    /// Waits for one.
    pub(super) async fn take(&self) -> Option<SemaphorePermit<'_>> {
        self.free.acquire().await.ok()
    }

    /// As [`Turns::take`], for whoever takes it along to another thread.
    pub(super) async fn take_along(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).acquire_owned().await.ok()
    }

    /// Makes the turns that are missing.
    pub(super) fn widen(&self, count: usize) {
        let missing = count.saturating_sub(self.all.load(Ordering::Relaxed));
        self.all.fetch_add(missing, Ordering::Relaxed);
        self.free.add_permits(missing);
    }

    /// Takes those that are too many; the ones that are taken go when they come back.
    pub(super) fn narrow(&self, count: usize) {
        let surplus = self.all.load(Ordering::Relaxed).saturating_sub(count);
        self.all.fetch_sub(self.free.forget_permits(surplus), Ordering::Relaxed);
    }

    /// Takes one back that may be one too many.
    pub(super) fn give_back(&self, turn: SemaphorePermit<'_>, count: usize) {
        if self.all.load(Ordering::Relaxed) > count {
            self.all.fetch_sub(1, Ordering::Relaxed);
            turn.forget();
        }
    }

    /// Returns how many are taken.
    pub(super) fn taken(&self) -> usize {
        self.all.load(Ordering::Relaxed).saturating_sub(self.free.available_permits())
    }

    /// Returns how many can be taken at once.
    #[cfg(test)]
    pub(super) fn free(&self) -> usize {
        self.free.available_permits()
    }
}
