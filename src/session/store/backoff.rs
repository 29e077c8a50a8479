//! How often and how patiently a call to the store is repeated.

use std::time::Duration;

use crate::clock::Clock;
use crate::monitor::Stop;
use crate::remote::{ATTEMPTS_MAX, RemoteError, RemoteErrorKind, longest_pause};

/// How often a store is called that cannot be reached at all, or names no versions: a person waits for the
/// message.
const ATTEMPTS_HOPELESS_MAX: u32 = 3;

/// A store that asks for more patience than this is not waited for.
const RETRY_AFTER_SECONDS_MAX: u64 = 60;

/// Counts the attempts of one call and waits between them: exponential, with full jitter, so that
/// many clients that failed together do not come back together.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// Waits, and tells whether another attempt makes sense.
    pub(super) async fn wait(
        &mut self,
        clock: &impl Clock,
        stop: &Stop,
        error: &RemoteError,
    ) -> bool {
        self.attempts += 1;
        let attempts_max = match error.kind {
            RemoteErrorKind::Unreachable
            | RemoteErrorKind::ProxyUnreachable
            | RemoteErrorKind::NoEtag => ATTEMPTS_HOPELESS_MAX,
            _ => ATTEMPTS_MAX,
        };
        if !error.is_transient() || self.attempts >= attempts_max || stop.is_requested() {
            return false;
        }
        // A connection that had ended by itself says nothing of the store.
        if error.hung_up && self.attempts == 1 {
            return true;
        }
        let asked = error.retry_after_seconds.unwrap_or(0);
        if asked > RETRY_AFTER_SECONDS_MAX {
            return false;
        }
        clock.sleep(Duration::from_secs(asked) + self.pause()).await;
        !stop.is_requested()
    }

    fn pause(&self) -> Duration {
        longest_pause(self.attempts).mul_f64(fastrand::f64())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Counts how often somebody waits.
    #[derive(Clone, Default)]
    struct Waits(Arc<AtomicU32>);

    impl Clock for Waits {
        fn now(&self) -> i64 {
            0
        }

        async fn sleep(&self, _: Duration) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn behind_a_connection_that_had_ended_the_second_attempt_alone_does_not_wait() {
        let of = |hung_up| {
            let error = RemoteError::new(RemoteErrorKind::Interrupted, "GET", "k", "closed");
            RemoteError { hung_up, ..error }
        };
        for (errors, waits) in [
            (&[true][..], 0),
            (&[true, true, true], 2),
            (&[true, false], 1),
            (&[false], 1),
            (&[false, true], 2),
        ] {
            let (clock, mut backoff) = (Waits::default(), Backoff::default());
            for hung_up in errors {
                assert!(backoff.wait(&clock, &Stop::default(), &of(*hung_up)).await);
            }
            assert_eq!(clock.0.load(Ordering::Relaxed), waits, "{errors:?}");
        }
        let mut backoff = Backoff::default();
        for attempt in 1..=ATTEMPTS_MAX {
            let goes_on = backoff.wait(&Waits::default(), &Stop::default(), &of(true)).await;
            assert_eq!(goes_on, attempt < ATTEMPTS_MAX);
        }
    }
}
