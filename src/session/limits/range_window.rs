//! How many ranges of large files come at once.
//!
//! From far away, as many as there are lanes: each waits for the line. A store on this machine fills the
//! receive buffers of every connection at once, and what lies there for long has left the caches when
//! it is read (measured: 0.86 s of CPU a GiB over 32 connections, 0.73 over 4).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::clock::Clock;

/// So many ranges at once come from a store on this machine.
const FEW: usize = 4;

/// A store on this machine that gives less, in bytes a second, is asked for more at once: what holds
/// it up is not this process.
const SLOW_BYTES_PER_SECOND: u64 = 128 * 1024 * 1024;

/// How long what comes is counted before it is judged.
const WINDOW: Duration = Duration::from_millis(200);

/// The bound on ranges that are on their way in.
pub struct RangeWindow {
    open: Semaphore,
    max: usize,
    /// Bytes that came since the window began.
    bytes: AtomicU64,
    state: Mutex<State>,
}

struct State {
    width: usize,
    /// When the window began, in nanoseconds since 1970.
    since: Option<i64>,
}

impl RangeWindow {
    /// Lets at most `max` ranges come at once, at least one, and few at first from a store on this
    /// machine.
    pub fn new(max: usize, is_near: bool) -> Self {
        let max = max.clamp(1, Semaphore::MAX_PERMITS);
        let width = if is_near { FEW.min(max) } else { max };
        let state = Mutex::new(State { width, since: None });
        Self { open: Semaphore::new(width), max, bytes: AtomicU64::new(0), state }
    }

    /// Waits for the turn of one more range.
    pub async fn enter(&self, clock: &impl Clock) -> Option<SemaphorePermit<'_>> {
        let mut turn = std::pin::pin!(self.open.acquire());
        while self.may_grow() {
            tokio::select! {
                biased;
                permit = &mut turn => return permit.ok(),
                () = clock.sleep(WINDOW) => self.judge(clock.now()),
            }
        }
        turn.await.ok()
    }

    /// Counts what came.
    pub fn came(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn may_grow(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).width < self.max
    }

    /// Ends the window if it is over; twice as many may come at once if it brought little.
    fn judge(&self, now: i64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let since = state.since.map_or(0, |since| now.saturating_sub(since));
        let since = Duration::from_nanos(u64::try_from(since).unwrap_or(0));
        if state.since.is_some_and(|begun| begun <= now) && since < WINDOW {
            return;
        }
        state.since = Some(now);
        let bytes = u128::from(self.bytes.swap(0, Ordering::Relaxed));
        let enough = u128::from(SLOW_BYTES_PER_SECOND) * since.as_nanos() / 1_000_000_000;
        if bytes < enough {
            let more = state.width.min(self.max - state.width);
            state.width += more;
            self.open.add_permits(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;
    const STEP: i64 = 200_000_000;

    fn width(ranges: &RangeWindow) -> usize {
        ranges.open.available_permits()
    }

    #[test]
    fn a_far_store_is_asked_for_everything_at_once() {
        assert_eq!(width(&RangeWindow::new(32, false)), 32);
        assert_eq!(width(&RangeWindow::new(0, false)), 1);
        assert_eq!(width(&RangeWindow::new(2, true)), 2);
    }

    #[test]
    fn a_near_store_is_asked_for_more_only_while_it_is_slow() {
        let ranges = RangeWindow::new(20, true);
        let widths = [100, 30, 30, 10, 30, 25, 0, 0].iter().enumerate().map(|(step, mib)| {
            ranges.came(mib * MIB);
            ranges.judge(i64::try_from(step).unwrap() * STEP);
            width(&ranges)
        });
        assert_eq!(widths.collect::<Vec<_>>(), [4, 4, 4, 8, 8, 16, 20, 20]);
    }

    #[test]
    fn a_window_is_judged_once_and_survives_a_clock_that_is_set_back() {
        let ranges = RangeWindow::new(32, true);
        ranges.judge(9 * STEP);
        ranges.judge(10 * STEP);
        ranges.judge(10 * STEP + 1);
        assert_eq!(width(&ranges), 8);
        ranges.judge(STEP);
        assert_eq!(width(&ranges), 8, "nobody knows how long it was");
        ranges.judge(2 * STEP);
        assert_eq!(width(&ranges), 16);
    }

    /// A clock on which every sleep takes its time at once.
    #[derive(Clone, Default)]
    struct Quick(std::sync::Arc<std::sync::atomic::AtomicI64>);

    impl Clock for Quick {
        fn now(&self) -> i64 {
            self.0.load(Ordering::Relaxed)
        }

        async fn sleep(&self, duration: Duration) {
            self.0.fetch_add(i64::try_from(duration.as_nanos()).unwrap(), Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn ranges_that_give_nothing_do_not_keep_the_others_waiting_for_ever() {
        let (window, clock) = (RangeWindow::new(10, true), Quick::default());
        let mut held = Vec::new();
        for _ in 0..10 {
            held.push(window.enter(&clock).await);
        }
        assert_eq!((held.len(), width(&window)), (10, 0));
    }
}
