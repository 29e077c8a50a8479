//! The pool: at most so many actions are being prepared at once.

use std::future::Future;
use std::sync::Arc;

use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use super::context::Trouble;
use super::{Ready, Run};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::plan::Action;
use crate::remote::Remote;

/// An action with what its preparation brought.
pub(super) struct Prepared<D: Disk> {
    pub(super) action: Action,
    pub(super) ready: Result<Ready<D>, Trouble>,
}

impl<D: Disk, R: Remote, C: Clock> Run<D, R, C> {
    /// Prepares `actions` in their order, a bounded number at once, and sends what becomes of them.
    pub(super) async fn pool(
        self: Arc<Self>,
        actions: Vec<Action>,
        out: mpsc::Sender<Prepared<D>>,
    ) {
        let jobs = self.context.tuning.jobs.get();
        futures_util::stream::iter(actions)
            .for_each_concurrent(jobs, |action| {
                let (run, out) = (Arc::clone(&self), out.clone());
                beside(self.context.parallel, async move {
                    let monitor = &run.context.monitor;
                    if !action.is_bookkeeping() {
                        monitor.begins(&action.path, action.bytes());
                    }
                    let ready = run.prepare(&action).await;
                    if matches!(&ready, Err(Trouble::Remote(error)) if error.ends_the_run()) {
                        // The committer may collect for a second before it sees why.
                        run.context.stop.request();
                    }
                    if !action.is_bookkeeping() && !matches!(ready, Err(Trouble::Stopped)) {
                        monitor.ends(&action.path);
                    }
                    // A committer that has gone away has said why.
                    out.send(Prepared { action, ready }).await.unwrap_or_default();
                })
            })
            .await;
    }
}

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
