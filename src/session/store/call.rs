//! [`Store`]: a bucket with the limits of a run, and the calls that may simply be made again.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::OwnedSemaphorePermit;

use super::backoff::Backoff;
use crate::clock::Clock;
use crate::monitor::Stop;
use crate::remote::{Remote, RemoteError, RemoteErrorKind};
use crate::session::limits::lanes::{self, Feedback, Lanes};
use crate::session::limits::pace::Pace;
use crate::session::limits::tuning::Tuning;

/// A bucket, and how much may be asked of it.
pub struct Store<C> {
    /// The bucket. Whoever cannot do without its answer asks in a call of [`Store::read`] or
    /// [`Store::write`]; what only tidies up is not asked for twice.
    pub remote: Arc<dyn Remote>,
    clock: C,
    stop: Stop,
    lanes: Lanes,
    pace: Arc<Pace>,
    /// The store has refused to copy.
    refuses_copies: AtomicBool,
}

/// What a call fails with: the store refused, or something else went wrong on the way.
pub trait Failure: From<RemoteError> + Send {
    /// Returns what the store said, if it was the store.
    ///
    /// # Errors
    /// What else it was.
    fn of_store(self) -> Result<RemoteError, Self>;
}

impl Failure for RemoteError {
    fn of_store(self) -> Result<RemoteError, Self> {
        Ok(self)
    }
}

impl<C: Clock> Store<C> {
    /// Asks `remote` as much at once as `tuning` allows.
    pub fn new(remote: Arc<dyn Remote>, clock: C, stop: Stop, tuning: &Tuning) -> Self {
        // How many transfers somebody wants says nothing of looks and listings.
        let lanes = Lanes::new(tuning.jobs.get().max(lanes::FIRST), tuning.lanes());
        let pace = Arc::new(Pace::new(tuning.bytes_per_second));
        Self { remote, clock, stop, lanes, pace, refuses_copies: AtomicBool::new(false) }
    }

    /// Waits until one more transfer may begin.
    pub async fn transfer(&self) -> Option<OwnedSemaphorePermit> {
        self.lanes.transfer().await
    }

    /// Tells whether the store may take parts from objects that it has: until it has refused to.
    pub fn copies_parts(&self) -> bool {
        self.remote.copies_parts() && !self.refuses_copies.load(Ordering::Relaxed)
    }

    /// Lets nobody ask for copies again in this run.
    pub fn give_up_copies(&self) {
        self.refuses_copies.store(true, Ordering::Relaxed);
    }

    /// Waits until so many more bytes of contents may pass.
    pub async fn keep_pace(&self, bytes: u64) {
        self.pace.wait(&self.clock, &self.stop, bytes).await;
    }

    /// Returns what spreads contents over time.
    pub fn pace(&self) -> &Arc<Pace> {
        &self.pace
    }

    /// Makes a call that may simply be made again, until it succeeds or fails for good.
    ///
    /// A lane is taken for each attempt, so that `call` must not ask the store through `self`.
    ///
    /// # Errors
    /// The last one.
    pub async fn read<T, E, F>(&self, call: impl Fn() -> F + Send) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>> + Send,
        T: Send,
        E: Failure,
    {
        self.carry(0, call).await
    }

    /// As [`Store::read`], for a call that carries so many bytes of contents.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn carry<T, E, F>(&self, bytes: u64, call: impl Fn() -> F + Send) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>> + Send,
        T: Send,
        E: Failure,
    {
        let mut backoff = Backoff::default();
        loop {
            match self.in_lane(bytes, call()).await? {
                Err(error) if self.waits(&mut backoff, &error).await => (),
                answer => return Ok(answer?),
            }
        }
    }

    /// Makes a request when a lane is free for it, and learns from what comes of it.
    pub(super) async fn in_lane<T, E: Failure>(
        &self,
        bytes: u64,
        request: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<Result<T, RemoteError>, E> {
        let lane = self.lanes.enter(bytes > 0, || self.clock.now()).await;
        let (feedback, answer) = match request.await.map_err(E::of_store) {
            Ok(answer) => (Feedback::Answered(bytes), Ok(Ok(answer))),
            Err(Ok(error)) => (feedback(&error, bytes), Ok(Err(error))),
            Err(Err(other)) => (Feedback::Silent, Err(other)),
        };
        lane.learn(feedback, self.clock.now());
        answer
    }

    /// Waits after an error, and tells whether another attempt makes sense.
    pub(super) async fn waits(&self, backoff: &mut Backoff, error: &RemoteError) -> bool {
        backoff.wait(&self.clock, &self.stop, error).await
    }
}

/// Returns what an error tells of how much the store bears.
fn feedback(error: &RemoteError, bytes: u64) -> Feedback {
    match error.kind {
        RemoteErrorKind::Throttled => Feedback::Refused,
        RemoteErrorKind::Interrupted if bytes > 0 && !error.hung_up => Feedback::Stalled,
        _ if error.is_transient() || error.ends_the_run() => Feedback::Silent,
        _ => Feedback::Answered(0),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::sync::atomic::{AtomicI64, AtomicUsize};
    use std::time::Duration;

    use super::*;
    use crate::fakes::bucket::MemoryRemote;
    use crate::session::store::{Attempts, Write};

    /// Waits for nothing, and shows another time whenever it is asked.
    #[derive(Clone, Default)]
    struct Quick(Arc<AtomicI64>);

    impl Clock for Quick {
        fn now(&self) -> i64 {
            self.0.fetch_add(1, Ordering::Relaxed)
        }

        async fn sleep(&self, _: Duration) {}
    }

    fn store() -> Store<Quick> {
        let tuning = Tuning::of(NonZeroUsize::new(20).unwrap());
        Store::new(Arc::new(MemoryRemote::default()), Quick::default(), Stop::default(), &tuning)
    }

    fn error(kind: RemoteErrorKind) -> RemoteError {
        RemoteError::new(kind, "PUT", "k", "no")
    }

    /// Answers with these errors, one after the other, and then with how many there were.
    struct Script {
        errors: Vec<RemoteError>,
        asked: AtomicUsize,
    }

    impl Script {
        fn of(errors: &[RemoteError]) -> Self {
            Self { errors: errors.to_vec(), asked: AtomicUsize::new(0) }
        }

        fn answer(&self) -> Result<usize, RemoteError> {
            let asked = self.asked.fetch_add(1, Ordering::Relaxed);
            self.errors.get(asked).cloned().map_or(Ok(asked), Err)
        }
    }

    /// A write that a look finds `done`, and of whose refusals it is told.
    struct Scripted {
        script: Script,
        done: bool,
        looks: usize,
        judged: Vec<bool>,
    }

    impl Scripted {
        fn of(errors: &[RemoteError], done: bool) -> Self {
            Self { script: Script::of(errors), done, looks: 0, judged: Vec::new() }
        }
    }

    impl Write for Scripted {
        type Answer = usize;
        type Error = RemoteError;

        async fn attempt(&mut self, _: bool) -> Result<usize, RemoteError> {
            self.script.answer()
        }

        async fn look(&mut self) -> Result<Option<usize>, RemoteError> {
            self.looks += 1;
            Ok(self.done.then_some(99))
        }

        async fn judge(
            &mut self,
            refusal: RemoteError,
            doubted: bool,
        ) -> Result<Option<usize>, RemoteError> {
            self.judged.push(doubted);
            if doubted { Err(refusal) } else { Ok(None) }
        }
    }

    use RemoteErrorKind::{Changed, Denied, Failed, Interrupted, Overwrote, Throttled};

    fn lost() -> RemoteError {
        RemoteError { ambiguous: true, ..error(Interrupted) }
    }

    #[tokio::test]
    async fn a_refusal_of_whatever_call_narrows_what_is_asked_at_once() {
        let refusals = [error(Throttled)];
        let store = store();
        let script = Script::of(&refusals);
        assert_eq!(store.read(|| async { script.answer() }).await.unwrap(), 1);
        assert_eq!(store.lanes.free(), 22);
        let script = Script::of(&refusals);
        assert_eq!(store.carry(1, || async { script.answer() }).await.unwrap(), 1);
        assert_eq!(store.lanes.free(), 15);
        let mut write = Scripted::of(&refusals, false);
        assert_eq!(store.write(&mut Attempts::default(), &mut write).await.unwrap(), 1);
        assert_eq!(store.lanes.free(), 10);
    }

    #[tokio::test]
    async fn a_read_is_made_again_while_that_makes_sense() {
        for (errors, asked) in [
            (&[][..], Ok(0)),
            (&[error(Failed), error(Throttled), lost()], Ok(3)),
            (&[error(Denied)], Err(Denied)),
            (&[error(Failed), error(Changed)], Err(Changed)),
            (&vec![error(Failed); 8], Err(Failed)),
        ] {
            let script = Script::of(errors);
            let answer = store().read(|| async { script.answer() }).await;
            assert_eq!(answer.map_err(|error| error.kind), asked, "{errors:?}");
        }
    }

    #[tokio::test]
    async fn a_write_whose_answer_got_lost_is_looked_for() {
        let (lost, changed) = (lost(), error(Changed));
        for (errors, done, answer, looks) in [
            (&[lost.clone(), changed.clone()][..], true, Ok(99), 1),
            (&[lost.clone(), error(RemoteErrorKind::Busy)], true, Ok(99), 1),
            (&[lost.clone(), error(RemoteErrorKind::NotFound)], true, Ok(99), 1),
            (&[lost.clone(), error(Failed)], true, Ok(2), 0),
            (&vec![lost.clone(); 8], true, Ok(99), 1),
            (&vec![lost.clone(); 8], false, Err(Interrupted), 1),
            (&[lost.clone(), error(Denied)], false, Err(Denied), 1),
            (&[error(Overwrote)], true, Err(Overwrote), 0),
        ] {
            let mut write = Scripted::of(errors, done);
            let found = store().write(&mut Attempts::default(), &mut write).await;
            assert_eq!(found.map_err(|error| error.kind), answer, "{errors:?}");
            assert_eq!(write.looks, looks, "{errors:?}");
        }
        let mut write = Scripted::of(&[changed], true);
        let after_a_kill = store().write(&mut Attempts::after(true), &mut write).await;
        assert_eq!(after_a_kill.unwrap(), 99, "an earlier run made it");
    }

    #[tokio::test]
    async fn a_refusal_is_doubted_once() {
        let mut write = Scripted::of(&vec![error(Changed); 3], false);
        let refused = store().write(&mut Attempts::default(), &mut write).await;
        assert_eq!(refused.unwrap_err().kind, Changed);
        assert_eq!((write.judged, write.looks), (vec![false, true], 0));
    }
}
