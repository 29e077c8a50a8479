//! How fast contents travel.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::monitor::Stop;

/// Who waits for the line looks so often whether somebody has asked to end.
const SLICE: Duration = Duration::from_millis(100);

/// Spreads bytes over time, both ways together (`--bwlimit`).
pub struct Pace {
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
    pub(in crate::session) fn new(bytes_per_second: Option<u64>) -> Self {
        Self { bytes_per_second, line: Mutex::new(Line { free_at: i64::MIN, seen_at: i64::MIN }) }
    }

    /// Waits until `bytes` more may pass, or somebody asks to end.
    pub async fn wait(&self, clock: &impl Clock, stop: &Stop, bytes: u64) {
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

    const SECOND: i64 = 1_000_000_000;

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
