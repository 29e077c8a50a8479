//! The pool: at most so many actions are being prepared at once.

use std::sync::Arc;

use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use super::beside::beside;
use super::delete;
use super::queue::Queue;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::plan::{Action, ActionKind};
use crate::repository::Change;
use crate::session::trouble::Trouble;
use crate::transfer::room;
use crate::transfer::run::{Ready, Run};

/// Requests at once that delete many: a store counts keys, not requests, and AWS 3,500 of them a second
/// below a prefix.
const BATCHES_AT_ONCE: usize = 3;

/// An action with what its preparation brought.
pub(in crate::transfer) struct Prepared<D: Disk> {
    pub(in crate::transfer) action: Action,
    pub(in crate::transfer) ready: Result<Ready<D>, Trouble>,
}

impl<D: Disk, C: Clock> Run<D, C> {
    /// Prepares `actions` in their order, a bounded number at once, and sends what becomes of them.
    /// Deletions in the bucket go first, many with one request where the store takes that.
    pub(in crate::transfer) async fn pool(
        self: Arc<Self>,
        actions: Vec<Action>,
        out: mpsc::Sender<Prepared<D>>,
    ) {
        let actions = self.delete_in_batches(actions, &out).await;
        let jobs = self.session.limits.tuning.jobs.get();
        let store = &self.session.store;
        futures_util::stream::iter(Queue::of(actions))
            // Whoever has no turn yet takes no memory.
            .then(|action| async move { (store.transfer().await, action) })
            .for_each_concurrent(jobs, |(turn, action)| {
                let (run, out) = (Arc::clone(&self), out.clone());
                beside(self.session.parallel, async move {
                    let _turn = turn;
                    run.begins(&action);
                    let ready = run.prepare(&action).await;
                    run.ends(&action, &ready);
                    // A committer that has gone away has said why.
                    out.send(Prepared { action, ready }).await.unwrap_or_default();
                })
            })
            .await;
    }

    fn begins(&self, action: &Action) {
        if action.is_visible() {
            self.session.monitor.begins(&action.path, action.bytes());
        }
    }

    fn ends(&self, action: &Action, ready: &Result<Ready<D>, Trouble>) {
        if matches!(ready, Err(trouble) if trouble.ends_the_run()) {
            // The committer may collect for a second before it sees why.
            self.session.stop.request();
        }
        if let Err(trouble) = ready {
            room::learn_of_room(&self.session, action, trouble);
        }
        if action.is_visible() && !matches!(ready, Err(Trouble::Stopped)) {
            self.session.monitor.ends(&action.path);
        }
    }

    /// Deletes what can be deleted many at once, and sends what became of it; returns the actions that
    /// are left to be done one by one.
    async fn delete_in_batches(
        self: &Arc<Self>,
        actions: Vec<Action>,
        out: &mpsc::Sender<Prepared<D>>,
    ) -> Vec<Action> {
        let most = self.session.store.remote.deletions_at_once();
        if most < 2 || !actions.iter().any(|action| self.can_be_batched(action)) {
            return actions;
        }
        let mut rest = Vec::new();
        let mut actions = Queue::of(actions);
        let batches = std::iter::from_fn(|| {
            let taken = actions.by_ref().filter_map(|action| {
                if self.can_be_batched(&action) {
                    return Some(action);
                }
                rest.push(action);
                None
            });
            let batch: Vec<_> = taken.take(most).collect();
            (!batch.is_empty()).then_some(batch)
        });
        let left: Vec<Vec<Action>> = futures_util::stream::iter(batches)
            .map(|batch| {
                let deleting = Arc::clone(self).delete_batch(batch, out.clone());
                beside(self.session.parallel, deleting)
            })
            .buffer_unordered(BATCHES_AT_ONCE)
            .collect()
            .await;
        rest.extend(left.into_iter().flatten());
        rest
    }

    /// Tells whether an action is a deletion that needs nothing but the request.
    fn can_be_batched(&self, action: &Action) -> bool {
        let keeps_loser = action.unknown_loser && self.options.backup;
        action.kind == ActionKind::DeleteRemote && action.remote.is_some() && !keeps_loser
    }

    /// Deletes with one request; returns what is to be deleted one by one.
    async fn delete_batch(
        self: Arc<Self>,
        batch: Vec<Action>,
        out: mpsc::Sender<Prepared<D>>,
    ) -> Vec<Action> {
        if batch.len() < 2 || self.session.stop.is_requested() {
            return batch;
        }
        for action in &batch {
            self.begins(action);
        }
        let verdicts = delete::delete_many_remote(&self.session, &batch).await;
        let mut left = Vec::new();
        for (action, verdict) in batch.into_iter().zip(verdicts) {
            let Some(deleted) = verdict else {
                // It ends when it has been deleted by itself.
                left.push(action);
                continue;
            };
            let ready = deleted.map(|()| Ready::Recorded(vec![Change::Gone(action.path.clone())]));
            self.ends(&action, &ready);
            out.send(Prepared { action, ready }).await.unwrap_or_default();
        }
        left
    }
}
