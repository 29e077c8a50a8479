//! Time, as an argument: the only place that asks the machine what time it is.

use std::future::Future;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// Tells the time and waits; a simulation brings its own.
pub trait Clock: Clone + Send + Sync + 'static {
    /// Returns nanoseconds since 1970-01-01 UTC.
    fn now(&self) -> i64;

    /// Waits for at least `duration`.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}

/// The last time that the clock of the machine showed and that can be stored.
static LAST: AtomicI64 = AtomicI64::new(0);

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl SystemClock {
    /// Returns what the clock shows where that cannot be stored: before 1677-09-22 or after 2262-04-11.
    pub fn unusable() -> Option<String> {
        let shown = shown();
        shown.timestamp_nanos_opt().is_none().then(|| shown.format("%Y-%m-%d").to_string())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        nanoseconds(shown(), &LAST)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where the time comes in")]
fn shown() -> DateTime<Utc> {
    Utc::now()
}

/// Counts nanoseconds since 1970. No command begins under a clock that shows what cannot be stored; one
/// that is set so on the way stands still, so that no time is ever made up.
fn nanoseconds(shown: DateTime<Utc>, last: &AtomicI64) -> i64 {
    match shown.timestamp_nanos_opt() {
        Some(now) => {
            last.store(now, Ordering::Relaxed);
            now
        }
        None => last.load(Ordering::Relaxed),
    }
}

/// Formats nanoseconds since 1970 as RFC 3339 in UTC with whole seconds, for people to read.
pub fn rfc3339(nanoseconds: i64) -> String {
    DateTime::from_timestamp_nanos(nanoseconds).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_shows_what_cannot_be_stored_stands_still() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let last = AtomicI64::new(0);
        let usable = at("2262-04-11T23:47:16Z");
        let stored = nanoseconds(usable, &last);
        assert_eq!(rfc3339(stored), "2262-04-11T23:47:16Z");
        for far in ["2262-04-11T23:47:17Z", "2300-01-01T00:00:00Z", "1677-09-21T00:00:00Z"] {
            assert_eq!(nanoseconds(at(far), &last), stored, "{far}");
        }
        assert_eq!(nanoseconds(at("1970-01-01T00:00:01Z"), &last), 1_000_000_000);
        assert_eq!(SystemClock::unusable(), None);
    }
}
