//! How many requests carry file contents at once, and how fast.
//!
//! A store that asks for less (503 `SlowDown`) gets less, and slowly more again: fast while the bound
//! is far from where the store refused, hardly at all there, and faster again beyond (CUBIC, RFC 9438,
//! with requests for segments). So most of the time is spent just below what the store gives.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::clock::Clock;
use crate::monitor::Stop;
use crate::remote::{RemoteError, RemoteErrorKind};

/// What a cut leaves of the bound (RFC 9438, section 4.6).
const CUT: f64 = 0.7;

/// How steeply the bound grows, in lanes a second cubed (RFC 9438, section 5).
const GROWTH: f64 = 0.4;

/// So long after a cut, in nanoseconds, every refusal is a new one.
const CUT_NANOSECONDS_MAX: i64 = 1_000_000_000;

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
    /// The last cut; absent as long as the store has taken everything.
    cut: Option<Cut>,
}

/// When and where the store asked for less.
struct Cut {
    /// Nanoseconds since 1970.
    at: i64,
    /// The bound that is approached again.
    peak: f64,
    /// Requests that were under way then: their answers say nothing new.
    under_way: usize,
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
        let state = State { bound: max as f64, permits: max, cut: None };
        Self { open: Semaphore::new(max), max, state: Mutex::new(state) }
    }

    /// Waits for a free lane.
    pub(super) async fn enter(&self) -> Lane<'_> {
        Lane { lanes: self, permit: self.open.acquire().await.ok() }
    }

    /// Learns from an answer, whose lane is still held.
    pub(super) fn learn<T>(&self, answer: &Result<T, RemoteError>, now: i64) {
        let mut state = self.state();
        let is_late = state.cut.as_mut().is_some_and(|cut| {
            // Where somebody sets the clock back, the cut goes back with it.
            cut.at = cut.at.min(now);
            let is_late = cut.under_way > 0 && now.saturating_sub(cut.at) < CUT_NANOSECONDS_MAX;
            cut.under_way = cut.under_way.saturating_sub(1);
            is_late
        });
        match answer {
            Ok(_) => self.grow(&mut state, now),
            Err(error) if error.kind == RemoteErrorKind::Throttled && !is_late => {
                self.cut(&mut state, now);
            }
            Err(_) => (),
        }
    }

    fn grow(&self, state: &mut State, now: i64) {
        let Some(cut) = &state.cut else { return };
        #[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 lanes")]
        let max = self.max as f64;
        state.bound = cut.bound(now).clamp(state.bound, max);
        let missing = whole(state.bound).saturating_sub(state.permits);
        state.permits += missing;
        self.open.add_permits(missing);
    }

    fn cut(&self, state: &mut State, now: i64) {
        // Below the last peak the store gives less than before, to others perhaps: room is made.
        let is_less = state.cut.as_ref().is_some_and(|cut| state.bound < cut.peak);
        let peak = if is_less { state.bound * f64::midpoint(1.0, CUT) } else { state.bound };
        let under_way = state.permits.saturating_sub(self.open.available_permits() + 1);
        state.cut = Some(Cut { at: now, peak, under_way });
        state.bound = (state.bound * CUT).max(1.0);
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

impl Cut {
    /// Returns the bound that has grown since: flat at the peak, steeper the farther away.
    fn bound(&self, now: i64) -> f64 {
        let since = u64::try_from(now.saturating_sub(self.at)).unwrap_or(0);
        let since = Duration::from_nanos(since).as_secs_f64();
        let to_peak = (self.peak * (1.0 - CUT) / GROWTH).cbrt();
        self.peak + GROWTH * (since - to_peak).powi(3)
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
    line: Mutex<Line>,
}

/// The line that the bytes share, in nanoseconds since 1970.
struct Line {
    /// When it is free again.
    free_at: i64,
    /// What the clock said the last time.
    seen_at: i64,
}

impl Pace {
    /// Lets so many bytes pass a second; `None` is no limit.
    pub(super) fn new(bytes_per_second: Option<u64>) -> Self {
        Self { bytes_per_second, line: Mutex::new(Line { free_at: i64::MIN, seen_at: i64::MIN }) }
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
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        // Where somebody sets the clock back, what is due goes back with it.
        let set_back = line.seen_at.saturating_sub(now).max(0);
        line.seen_at = now;
        let begin = line.free_at.saturating_sub(set_back).max(now);
        let needed = u128::from(bytes) * 1_000_000_000 / u128::from(rate);
        line.free_at = begin.saturating_add(i64::try_from(needed).unwrap_or(i64::MAX));
        let pause = u64::try_from(begin.saturating_sub(now)).unwrap_or(0);
        (pause > 0).then(|| Duration::from_nanos(pause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttled() -> Result<(), RemoteError> {
        Err(RemoteError::new(RemoteErrorKind::Throttled, "PUT", "k", "SlowDown"))
    }

    const SECOND: i64 = 1_000_000_000;

    /// Answers one request after the other, and returns the bound.
    fn after(lanes: &Lanes, answers: usize, answer: &Result<(), RemoteError>, now: i64) -> usize {
        (0..answers).for_each(|_| lanes.learn(answer, now));
        whole(lanes.state().bound)
    }

    #[tokio::test]
    async fn a_store_that_asks_for_less_gets_less_and_slowly_more_again() {
        let lanes = Lanes::new(20);
        assert_eq!(after(&lanes, 9, &Ok(()), 0), 20, "never more than at the beginning");
        assert_eq!(after(&lanes, 1, &throttled(), 0), 14);
        assert_eq!(lanes.open.available_permits(), 14);
        let grown = [1, 2, 3, 60].map(|second| after(&lanes, 1, &Ok(()), second * SECOND));
        assert_eq!(grown, [18, 19, 20, 20], "fast, then hardly at all, and never beyond");
        assert_eq!(lanes.open.available_permits(), 20);
    }

    #[tokio::test]
    async fn beyond_the_last_peak_more_is_tried_carefully() {
        let lanes = Lanes::new(100);
        lanes.state().bound = 20.0;
        assert_eq!(after(&lanes, 1, &throttled(), 0), 14);
        let grown = [2, 3, 4, 5, 6, 7].map(|second| after(&lanes, 1, &Ok(()), second * SECOND));
        assert_eq!(grown, [19, 20, 21, 26, 37, 57]);
    }

    #[tokio::test]
    async fn refusals_of_what_was_under_way_count_once() {
        let lanes = Lanes::new(20);
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(lanes.enter().await);
        }
        assert_eq!(after(&lanes, 4, &throttled(), 0), 14);
        assert_eq!(after(&lanes, 1, &throttled(), 1), 9, "it began after the cut");
        assert_eq!(after(&lanes, 1, &throttled(), 2), 9);
        assert_eq!(after(&lanes, 1, &throttled(), 1 + SECOND), 6, "whatever was under way");
    }

    #[tokio::test]
    async fn a_store_that_gives_less_than_before_is_given_room() {
        let lanes = Lanes::new(100);
        after(&lanes, 1, &throttled(), 0);
        after(&lanes, 1, &throttled(), SECOND);
        let peak = lanes.state().cut.as_ref().map(|cut| whole(cut.peak));
        assert_eq!(peak, Some(59), "it refused at 70, after it had refused at 100");
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_changes_nothing() {
        let lanes = Lanes::new(20);
        assert_eq!(after(&lanes, 1, &throttled(), 9 * SECOND), 14);
        assert_eq!(after(&lanes, 9, &Ok(()), SECOND), 14);
    }

    /// Plays a store that takes `limit` requests a second, and answers after so many milliseconds;
    /// returns from the eleventh second on the share of the limit that was used, and the share of
    /// the requests that were refused.
    async fn shares(limit: u32, milliseconds: u32) -> (f64, f64) {
        let lanes = Lanes::new(32);
        let (mut tokens, mut taken, mut refused) = (f64::from(limit), 0.0, 0.0);
        for begun in (0..60_000).step_by(milliseconds as usize) {
            tokens += f64::from(limit) * f64::from(milliseconds) / 1_000.0;
            tokens = tokens.min(f64::from(limit));
            let mut under_way = Vec::new();
            while lanes.open.available_permits() > 0 {
                under_way.push(lanes.enter().await);
            }
            for lane in under_way {
                let is_taken = tokens >= 1.0;
                tokens -= f64::from(u8::from(is_taken));
                let answer = if is_taken { Ok(()) } else { throttled() };
                lanes.learn(&answer, i64::from(begun) * SECOND / 1_000);
                drop(lane);
                if begun >= 10_000 {
                    *(if is_taken { &mut taken } else { &mut refused }) += 1.0;
                }
            }
        }
        (taken / 50.0 / f64::from(limit), refused / (taken + refused))
    }

    #[tokio::test]
    async fn what_a_store_gives_is_used_and_hardly_more_is_asked_for() {
        for (limit, milliseconds) in [(300, 50), (300, 10), (500, 50), (100, 50), (30, 200)] {
            let (used, refused) = shares(limit, milliseconds).await;
            let found =
                format!("{limit}/s, {milliseconds} ms: {used:.3} used, {refused:.4} refused");
            assert!(used >= 0.85 && refused < 0.05, "{found}");
        }
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

    #[test]
    fn a_clock_that_is_set_back_holds_nobody_up() {
        let pace = Pace::new(Some(1_000));
        assert_eq!(pace.pause(9 * SECOND, 500), None);
        assert_eq!(pace.pause(2 * SECOND, 500), Some(Duration::from_millis(500)));
    }
}
