//! Calls that change the bucket, made again where that makes sense, and never twice to their effect.

use std::future::Future;

use super::backoff::Backoff;
use super::call::{Failure, Store};
use crate::clock::Clock;
use crate::remote::{RemoteError, RemoteErrorKind};

/// A call that changes the bucket.
///
/// Only [`Write::attempt`] holds a lane: it must not ask the store for anything else, and the others may.
pub trait Write: Send {
    /// What a call that took place brings.
    type Answer: Send;
    /// What it fails with.
    type Error: Failure;

    /// Looks before each attempt whether there is something to be done still; an answer ends the call.
    /// `lost`: an attempt before may have taken effect.
    fn prepare(
        &mut self,
        _lost: bool,
    ) -> impl Future<Output = Result<Option<Self::Answer>, Self::Error>> + Send {
        std::future::ready(Ok(None))
    }

    /// Returns how many bytes of contents an attempt carries.
    fn bytes(&self) -> u64 {
        0
    }

    /// Makes one attempt, of what still is as it was when it was prepared: the turn for it may have come
    /// late. `lost` as in [`Write::prepare`].
    fn attempt(
        &mut self,
        lost: bool,
    ) -> impl Future<Output = Result<Self::Answer, Self::Error>> + Send;

    /// Looks whether an attempt whose answer got lost took place.
    fn look(&mut self) -> impl Future<Output = Result<Option<Self::Answer>, Self::Error>> + Send {
        std::future::ready(Ok(None))
    }

    /// Tells before another attempt whether there is none to be made after such an error.
    fn ends_with(&mut self, _error: &RemoteError) -> Option<Self::Answer> {
        None
    }

    /// Finds what it means that the store refuses as if the bucket had changed; `None` where another
    /// attempt makes sense. `doubted`: that was so once already.
    fn judge(
        &mut self,
        refusal: RemoteError,
        doubted: bool,
    ) -> impl Future<Output = Result<Option<Self::Answer>, Self::Error>> + Send;
}

/// The attempts of one write, which may be several calls: an upload that the store has lost begins anew.
#[derive(Debug, Default)]
pub struct Attempts {
    backoff: Backoff,
    /// One of them, or one of an earlier run, may have taken effect although it failed.
    lost: bool,
    /// One of them was refused as if the bucket had changed, and it had not.
    doubted: bool,
}

impl Attempts {
    /// Begins to count; `lost`: an earlier run may have made one whose answer got lost.
    pub fn after(lost: bool) -> Self {
        Self { lost, ..Self::default() }
    }
}

impl<C: Clock> Store<C> {
    /// Changes the bucket, again while that makes sense. Where an answer got lost, a look tells whether the
    /// call took place.
    ///
    /// # Errors
    /// Why it did not.
    pub async fn write<W: Write>(
        &self,
        attempts: &mut Attempts,
        call: &mut W,
    ) -> Result<W::Answer, W::Error> {
        loop {
            if let Some(done) = call.prepare(attempts.lost).await? {
                return Ok(done);
            }
            let error = match self.in_lane(call.bytes(), call.attempt(attempts.lost)).await? {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if error.kind == RemoteErrorKind::Overwrote {
                // It took place, and what it replaced has to be told.
                return Err(error.into());
            }
            let in_our_way = attempts.lost && may_be_ours(&error);
            attempts.lost |= error.ambiguous;
            if in_our_way && let Some(done) = call.look().await? {
                return Ok(done);
            }
            if self.waits(&mut attempts.backoff, &error).await {
                match call.ends_with(&error) {
                    Some(end) => return Ok(end),
                    None => continue,
                }
            }
            // A look that fails says less than the call that failed.
            if attempts.lost
                && !in_our_way
                && let Ok(Some(done)) = call.look().await
            {
                return Ok(done);
            }
            if !matches!(error.kind, RemoteErrorKind::Changed | RemoteErrorKind::NotFound) {
                return Err(error.into());
            }
            let doubted = std::mem::replace(&mut attempts.doubted, true);
            if let Some(done) = call.judge(error, doubted).await? {
                return Ok(done);
            }
        }
    }
}

/// Tells whether an error after a lost answer can mean that the attempt before took place.
fn may_be_ours(error: &RemoteError) -> bool {
    matches!(
        error.kind,
        RemoteErrorKind::Changed | RemoteErrorKind::NotFound | RemoteErrorKind::Busy
    )
}
