//! How many requests carry file contents at once, and how fast.
//!
//! A store that asks for less (503 `SlowDown`) gets less: the bound is halved, and grows again by one
//! for each round of answers (additive increase, multiplicative decrease: Chiu and Jain 1989).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::clock::Clock;
use crate::monitor::Stop;
use crate::remote::{RemoteError, RemoteErrorKind};

/// After a cut the bound stays for so long, in nanoseconds: the answers to what was under way say
/// nothing new.
const CUT_NANOSECONDS_MIN: i64 = 1_000_000_000;

/// Who waits for the line looks so often whether somebody has asked to end.
const SLICE: Duration = Duration::from_millis(100);

/// The bound on requests that carry contents.
pub(super) struct Lanes {
    open: Semaphore,
    max: usize,
    state: Mutex<State>,
}

struct State {
    /// How many may be under way; at least 1.
    bound: f64,
    /// Permits that exist: those to be had and those that are held.
    permits: usize,
    /// Since when nobody was asked for less, nanoseconds since 1970.
    cut_at: i64,
}

/// The right to make one request.
pub(super) struct Lane<'a> {
    lanes: &'a Lanes,
    permit: Option<SemaphorePermit<'a>>,
}

impl Lanes {
    /// Lets `max` requests be under way, at least one.
    pub(super) fn new(max: usize) -> Self {
        let max = max.clamp(1, Semaphore::MAX_PERMITS);
        #[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 lanes")]
        let state = State { bound: max as f64, permits: max, cut_at: i64::MIN };
        Self { open: Semaphore::new(max), max, state: Mutex::new(state) }
    }

    /// Waits for a free lane.
    pub(super) async fn enter(&self) -> Lane<'_> {
        Lane { lanes: self, permit: self.open.acquire().await.ok() }
    }

    /// Learns from an answer.
    pub(super) fn learn<T>(&self, answer: &Result<T, RemoteError>, now: i64) {
        match answer {
            Ok(_) => self.succeeded(),
            Err(error) if error.kind == RemoteErrorKind::Throttled => self.throttled(now),
            Err(_) => (),
        }
    }

    fn succeeded(&self) {
        let mut state = self.state();
        #[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 lanes")]
        let max = self.max as f64;
        state.bound = (state.bound + 1.0 / state.bound).min(max);
        let missing = whole(state.bound).saturating_sub(state.permits);
        state.permits += missing;
        self.open.add_permits(missing);
    }

    fn throttled(&self, now: i64) {
        let mut state = self.state();
        if now.saturating_sub(state.cut_at) < CUT_NANOSECONDS_MIN {
            return;
        }
        state.cut_at = now;
        state.bound = (state.bound / 2.0).max(1.0);
        // Permits that are held are taken when they come back.
        let surplus = state.permits.saturating_sub(whole(state.bound));
        state.permits -= self.open.forget_permits(surplus);
    }

    /// Tells whether a permit that comes back is one too many.
    fn takes_back(&self) -> bool {
        let mut state = self.state();
        let surplus = state.permits > whole(state.bound);
        state.permits -= usize::from(surplus);
        surplus
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take()
            && self.lanes.takes_back()
        {
            permit.forget();
        }
    }
}

/// Cuts the fraction off.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 1 and a number that was a usize"
)]
fn whole(bound: f64) -> usize {
    bound as usize
}

/// Spreads bytes over time, both ways together (`--bwlimit`).
pub(super) struct Pace {
    bytes_per_second: Option<u64>,
    /// When the line is free again, nanoseconds since 1970.
    free_at: Mutex<i64>,
}

impl Pace {
    /// Lets so many bytes pass a second; `None` is no limit.
    pub(super) fn new(bytes_per_second: Option<u64>) -> Self {
        Self { bytes_per_second, free_at: Mutex::new(i64::MIN) }
    }

    /// Waits until `bytes` more may pass, or somebody asks to end.
    pub(super) async fn wait(&self, (clock, stop): (&impl Clock, &Stop), bytes: u64) {
        let mut rest = self.pause(clock.now(), bytes).unwrap_or_default();
        while !rest.is_zero() && !stop.is_requested() {
            let slice = rest.min(SLICE);
            clock.sleep(slice).await;
            rest -= slice;
        }
    }

    /// Takes the line for as long as `bytes` need it; returns how long it is taken by others.
    fn pause(&self, now: i64, bytes: u64) -> Option<Duration> {
        let rate = self.bytes_per_second?.max(1);
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = (*free_at).max(now);
        let needed = u128::from(bytes) * 1_000_000_000 / u128::from(rate);
        *free_at = begin.saturating_add(i64::try_from(needed).unwrap_or(i64::MAX));
        let pause = u64::try_from(begin.saturating_sub(now)).unwrap_or(0);
        (pause > 0).then(|| Duration::from_nanos(pause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttled() -> Result<(), RemoteError> {
        Err(RemoteError {
            kind: RemoteErrorKind::Throttled,
            operation: "PUT",
            key: "k".to_owned(),
            message: "SlowDown".to_owned(),
            cause: None,
            ambiguous: false,
            retry_after_seconds: None,
        })
    }

    const SECOND: i64 = 1_000_000_000;

    #[tokio::test]
    async fn a_store_that_asks_for_less_gets_half_and_slowly_more_again() {
        let lanes = Lanes::new(8);
        lanes.learn(&throttled(), 0);
        assert_eq!(lanes.open.available_permits(), 4);
        lanes.learn(&throttled(), SECOND - 1);
        assert_eq!(lanes.open.available_permits(), 4, "one cut for what was under way");
        lanes.learn(&throttled(), SECOND);
        assert_eq!(lanes.open.available_permits(), 2);
        for _ in 0..3 {
            lanes.learn(&Ok(()), 2 * SECOND);
        }
        assert_eq!(lanes.open.available_permits(), 3, "about one more for a round of answers");
        for _ in 0..100 {
            lanes.learn(&Ok(()), 2 * SECOND);
        }
        assert_eq!(lanes.open.available_permits(), 8, "never more than at the beginning");
    }

    #[tokio::test]
    async fn lanes_that_are_taken_close_when_they_are_left() {
        let lanes = Lanes::new(4);
        let taken = [lanes.enter().await, lanes.enter().await, lanes.enter().await];
        lanes.learn(&throttled(), 0);
        assert_eq!(lanes.open.available_permits(), 0);
        drop(taken);
        assert_eq!(lanes.open.available_permits(), 2);
    }

    #[tokio::test]
    async fn one_lane_is_always_open() {
        let lanes = Lanes::new(0);
        for second in 0..5 {
            lanes.learn(&throttled(), second * SECOND);
        }
        drop(lanes.enter().await);
        assert_eq!(lanes.open.available_permits(), 1);
    }

    #[test]
    fn bytes_are_spread_over_time() {
        let pace = Pace::new(Some(1_000));
        assert_eq!(pace.pause(0, 500), None, "the line is free");
        assert_eq!(pace.pause(0, 500), Some(Duration::from_millis(500)));
        assert_eq!(pace.pause(SECOND / 2, 1), Some(Duration::from_millis(500)));
        assert_eq!(pace.pause(9 * SECOND, 1), None, "what nobody used is not saved up");
        assert_eq!(Pace::new(None).pause(0, u64::MAX), None);
    }
}
