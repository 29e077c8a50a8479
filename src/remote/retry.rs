//! How often a call is made again before a run begins, or beside it: whoever finds out what a store can do
//! has no limits of a run yet.

use std::future::Future;
use std::time::Duration;

use super::{RemoteError, RemoteErrorKind as Kind};

/// How often a call is made that the store fails at.
pub(super) const ATTEMPTS_MAX: u32 = 5;

/// How often a call is made that the store has no time for, or that does not come through.
const ATTEMPTS_BUSY_MAX: u32 = 8;

/// What the first repetition waits; each further one twice as long.
pub(super) const FIRST_WAIT: Duration = Duration::from_millis(100);

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
                tokio::time::sleep(FIRST_WAIT * 2_u32.pow(attempt - 1)).await;
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
        Kind::Throttled | Kind::Busy | Kind::Interrupted => ATTEMPTS_BUSY_MAX,
        _ => ATTEMPTS_MAX,
    }
}
