//! Time, as an argument: the only place that asks the machine what time it is.

use std::future::Future;
use std::time::Duration;

/// Tells the time and waits; a simulation brings its own.
pub trait Clock: Clone + Send + Sync + 'static {
    /// Returns nanoseconds since 1970-01-01 UTC.
    fn now(&self) -> i64;

    /// Waits for at least `duration`.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the time comes in")]
    fn now(&self) -> i64 {
        chrono::Utc::now().timestamp_nanos_opt().unwrap_or(i64::MAX)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Formats nanoseconds since 1970 as RFC 3339 in UTC with whole seconds, for people to read.
pub fn rfc3339(nanoseconds: i64) -> String {
    chrono::DateTime::from_timestamp_nanos(nanoseconds)
        .to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
