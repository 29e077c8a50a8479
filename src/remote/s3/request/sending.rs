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
use super::waiting::{ANSWER_TIMEOUT, patience};
use crate::remote::{Outgoing, RemoteError, RemoteErrorKind as Kind};

/// What a kernel may hold of a body that was handed to it: the largest send buffer on Linux by
/// default (`tcp_wmem`, tcp(7)), in bytes.
const SEND_BUFFER_BYTES: u64 = 4 * 1024 * 1024;

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
pub(in crate::remote::s3) struct Watch(Arc<Mutex<Turn>>);

/// The body as the HTTP client takes it.
struct Sending {
    /// Only ever used by whoever has the body; the lock makes it shareable.
    pieces: Mutex<BoxStream<'static, io::Result<Bytes>>>,
    remaining_bytes: u64,
    turn: Arc<Mutex<Turn>>,
}

/// Makes a body of the SDK, and what watches it.
pub(in crate::remote::s3) fn sending(body: Outgoing) -> (ByteStream, Watch) {
    let (body, watch) = watched(body);
    (ByteStream::from_body_1_x(body), watch)
}

fn watched(body: Outgoing) -> (Sending, Watch) {
    let turn = Arc::new(Mutex::new(Turn::Theirs(Instant::now())));
    let remaining_bytes = body.length();
    let pieces = Mutex::new(body.into_pieces());
    (Sending { pieces, remaining_bytes, turn: Arc::clone(&turn) }, Watch(turn))
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
    pub(in crate::remote::s3) async fn answer<T, E>(
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
                Err(_) => {
                    let complaint = call.by_way_of_proxy(self.complaint());
                    return Err(call.error(Kind::Interrupted, complaint));
                }
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

#[cfg(test)]
mod tests {
    use aws_sdk_s3::operation::upload_part::UploadPartError;
    use futures_util::stream;
    use http_body_util::BodyExt as _;

    use super::*;

    /// Pieces of a body in a test.
    const PIECES: u64 = 5;

    /// A body of [`PIECES`] bytes, one a piece, each of which comes after a pause of ours.
    fn body(pause: Duration) -> Outgoing {
        let pieces = stream::iter(0..PIECES).then(move |_| async move {
            tokio::time::sleep(pause).await;
            Ok(Bytes::from_static(b"x"))
        });
        Outgoing::pieces(PIECES, 0, pieces.boxed())
    }

    /// Plays a store that takes so many pieces, each after a pause, and then says nothing for a
    /// while; returns what the watch makes of it, and after how many seconds.
    async fn outcome(
        body: Outgoing,
        taken: u64,
        pause: Duration,
        silence: Duration,
    ) -> (Result<(), String>, u64) {
        let begun = Instant::now();
        let (mut body, watch) = watched(body);
        let store = async move {
            for _ in 0..taken {
                tokio::time::sleep(pause).await;
                body.frame().await.unwrap().unwrap();
            }
            tokio::time::sleep(silence).await;
            drop(body);
            Ok::<_, SdkError<UploadPartError, HttpResponse>>(())
        };
        let call = Call { writes: true, ..Call::new("UPLOAD PART", "s3://team/f".to_owned()) };
        let answer = watch.answer(&call, store).await;
        let answer = answer.map_err(|error| {
            assert_eq!(error.kind, Kind::Interrupted);
            error.message
        });
        (answer, begun.elapsed().as_secs())
    }

    const AT_ONCE: Duration = Duration::ZERO;
    const FOR_EVER: Duration = Duration::from_hours(9);

    #[tokio::test(start_paused = true)]
    async fn a_store_that_takes_nothing_is_given_up() {
        for taken in [0, 2] {
            let (answer, seconds) = outcome(body(AT_ONCE), taken, AT_ONCE, FOR_EVER).await;
            assert_eq!(answer, Err(format!("no byte was taken within {seconds} s")));
            assert_eq!(seconds, piece_patience().as_secs());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_takes_a_little_now_and_then_is_waited_for() {
        let slowly = piece_patience().mul_f64(0.9);
        let (answer, seconds) = outcome(body(AT_ONCE), PIECES, slowly, AT_ONCE).await;
        assert_eq!((answer, seconds), (Ok(()), slowly.mul_f64(5.0).as_secs()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_waits_for_its_time_is_no_fault_of_the_store() {
        let paced = Duration::from_mins(10);
        let (answer, seconds) = outcome(body(paced), PIECES, AT_ONCE, AT_ONCE).await;
        assert_eq!((answer, seconds), (Ok(()), paced.as_secs() * PIECES));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_come_is_waited_for_as_long_as_a_send_buffer_may_take() {
        let (answer, seconds) = outcome(body(AT_ONCE), PIECES, AT_ONCE, FOR_EVER).await;
        assert_eq!(answer, Err(format!("no answer within {seconds} s")));
        assert_eq!(seconds, answer_patience().as_secs());
    }
}
