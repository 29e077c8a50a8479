//! One baton for all threads of a seed: who holds it runs, everybody else waits.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Passes the right to run from thread to thread.
pub(crate) struct Baton {
    holder: Mutex<usize>,
    passed: Vec<Condvar>,
}

impl Baton {
    /// Makes a baton for so many threads; the first one holds it.
    pub(crate) fn new(threads: usize) -> Self {
        Self { holder: Mutex::new(0), passed: (0..threads).map(|_| Condvar::new()).collect() }
    }

    /// Hands the baton over, and goes on beside its holder: for threads that end.
    pub(crate) fn pass(&self, to: usize) {
        *self.lock() = to;
        self.passed[to].notify_all();
    }

    /// Waits until `me` holds the baton.
    pub(crate) fn wait(&self, me: usize) {
        let mut holder = self.lock();
        while *holder != me {
            holder = self.passed[me].wait(holder).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        self.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
