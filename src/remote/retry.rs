//! How often a call is made again, and how long is waited between: the numbers of a run, and the retries
//! of whoever finds out what a store can do, before a run or beside it, and has no limits of a run yet.

use std::future::Future;
use std::time::Duration;

use super::{RemoteError, RemoteErrorKind as Kind};

/// How often a call is made before it counts as failed.
pub(crate) const ATTEMPTS_MAX: u32 = 8;

/// How often a call is made before a run that the store fails at.
pub(super) const ATTEMPTS_FAILED_MAX: u32 = 5;

/// The longest first pause; each further one may be twice as long.
const PAUSE_FIRST: Duration = Duration::from_millis(100);

/// The longest pause, unless the store itself asks for a longer one.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Returns how long to wait at most behind so many attempts.
pub(crate) fn longest_pause(attempts: u32) -> Duration {
    PAUSE_FIRST.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(PAUSE_MAX)
}

/// Makes a call again that the store had no time for.
pub(super) async fn retry<T, F>(call: impl Fn() -> F) -> Result<T, RemoteError>
where
    F: Future<Output = Result<T, RemoteError>>,
{
    let mut attempt = 0;
    loop {
        let result = call().await;
        attempt += 1;
        match &result {
            Err(error) if error.is_transient() && attempt < attempts_max(error.kind) => {
                // A connection that had ended by itself says nothing of the store.
                if error.hung_up && attempt == 1 {
                    continue;
                }
                tokio::time::sleep(longest_pause(attempt)).await;
            }
            _ => return result,
        }
    }
}

fn attempts_max(kind: Kind) -> u32 {
    match kind {
        Kind::Unreachable | Kind::ProxyUnreachable => 1,
        // Once more, since it may have been the page of a proxy.
        Kind::NoEtag => 2,
        Kind::Throttled | Kind::Busy | Kind::Interrupted => ATTEMPTS_MAX,
        _ => ATTEMPTS_FAILED_MAX,
    }
}
