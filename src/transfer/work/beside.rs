//! Work on several threads, or on one.

use std::future::Future;

/// Runs a future on a thread of its own choosing if `parallel`, else within its caller.
///
/// # Panics
/// Where the future panics.
pub async fn beside<F>(parallel: bool, future: F) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    if !parallel {
        return future.await;
    }
    match tokio::spawn(future).await {
        Ok(output) => output,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
