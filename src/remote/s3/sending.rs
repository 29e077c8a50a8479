//! Bodies on their way out, given up when nothing moves, however long the whole may take.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

use super::errors::Call;
use super::{ANSWER_TIMEOUT, patience};
use crate::remote::{Outgoing, RemoteError, RemoteErrorKind as Kind};

/// What a kernel may hold of a body that was handed to it: the largest send buffer on Linux by
/// default (`tcp_wmem`, tcp(7)), in bytes.
const SEND_BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// Who has to do something next, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// We: the next piece is read, or waits for its time.
    Ours,
    /// The store: it has not taken what it was given.
    Theirs(Instant),
    /// The store: it has everything and has not answered.
    Answer(Instant),
}

/// Sees whether a body gets on.
pub(super) struct Watch(Arc<Mutex<Turn>>);

/// The body as the HTTP client takes it.
struct Sending {
    /// Only ever used by whoever has the body; the lock makes it shareable.
    pieces: Mutex<BoxStream<'static, io::Result<Bytes>>>,
    remaining_bytes: u64,
    turn: Arc<Mutex<Turn>>,
}

/// Makes a body of the SDK, and what watches it.
pub(super) fn sending(body: Outgoing) -> (ByteStream, Watch) {
    let turn = Arc::new(Mutex::new(Turn::Theirs(Instant::now())));
    let remaining_bytes = body.length();
    let pieces = Mutex::new(body.into_pieces());
    let body = Sending { pieces, remaining_bytes, turn: Arc::clone(&turn) };
    (ByteStream::from_body_1_x(body), Watch(turn))
}

impl http_body::Body for Sending {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        let pieces = this.pieces.get_mut().unwrap_or_else(PoisonError::into_inner);
        let polled = pieces.poll_next_unpin(context);
        let mut turn = hold(&this.turn);
        match polled {
            Poll::Pending => {
                *turn = Turn::Ours;
                Poll::Pending
            }
            Poll::Ready(Some(Ok(piece))) => {
                this.remaining_bytes = this.remaining_bytes.saturating_sub(piece.len() as u64);
                let now = Instant::now();
                *turn =
                    if this.remaining_bytes == 0 { Turn::Answer(now) } else { Turn::Theirs(now) };
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error))),
            Poll::Ready(None) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.remaining_bytes == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining_bytes)
    }
}

impl Watch {
    /// Waits for an answer for as long as the body gets on, and translates errors.
    ///
    /// # Errors
    /// What the store says; of kind [`Kind::Interrupted`] where it takes nothing or says nothing.
    pub(super) async fn answer<T, E>(
        self,
        call: &Call,
        request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, RemoteError>
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let mut request = Box::pin(request);
        loop {
            let until = self.patient_until();
            match tokio::time::timeout_at(until, &mut request).await {
                Ok(answer) => return answer.map_err(|error| call.translate(&error)),
                // Something may have moved meanwhile.
                Err(_) if self.patient_until() > until => (),
                Err(_) => return Err(call.error(Kind::Interrupted, self.complaint())),
            }
        }
    }

    fn patient_until(&self) -> Instant {
        match *hold(&self.0) {
            Turn::Ours => Instant::now() + ANSWER_TIMEOUT,
            Turn::Theirs(since) => since + piece_patience(),
            Turn::Answer(since) => since + answer_patience(),
        }
    }

    fn complaint(&self) -> String {
        match *hold(&self.0) {
            Turn::Ours | Turn::Theirs(_) => {
                format!("no byte was taken within {} s", piece_patience().as_secs())
            }
            Turn::Answer(_) => format!("no answer within {} s", answer_patience().as_secs()),
        }
    }
}

/// Returns how long a piece may wait to be taken: a kernel that had to refuse bytes takes some again
/// when a third of its buffer is empty.
fn piece_patience() -> Duration {
    patience(SEND_BUFFER_BYTES / 3)
}

/// Returns how long the answer may take once the last piece was handed over.
fn answer_patience() -> Duration {
    patience(SEND_BUFFER_BYTES)
}

fn hold(turn: &Mutex<Turn>) -> MutexGuard<'_, Turn> {
    turn.lock().unwrap_or_else(PoisonError::into_inner)
}
