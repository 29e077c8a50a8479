//! What happens to one request between its socket and the store: hook, fault, store, log.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::HeaderValue;
use hyper::{Request, Response};

use super::faults::{Fault, error_document};
use super::log::{LoggedRequest, error_code};
use super::request::Seen;
use super::server::{Hook, Shared};

type Answer = Response<UnsyncBoxBody<Bytes, io::Error>>;

/// How long half a body gets to leave before its connection is dropped.
const HALF_BODY_PAUSE: Duration = Duration::from_millis(20);

/// An answer whose body has arrived, and what is to happen to it on its way.
struct Outcome {
    answer: Response<Bytes>,
    cut: bool,
}

/// Answers a request. An error drops the connection: hyper closes the socket without an answer.
pub async fn handle(shared: &Shared, request: Request<Incoming>) -> io::Result<Answer> {
    let running = shared.running.fetch_add(1, Ordering::SeqCst) + 1;
    shared.running_peak.fetch_max(running, Ordering::SeqCst);
    let _running = Running(shared);
    answer(shared, request).await
}

/// A request under way; one whose client has gone is dropped wherever it is.
struct Running<'a>(&'a Shared);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn answer(shared: &Shared, request: Request<Incoming>) -> io::Result<Answer> {
    let number = shared.arrived.fetch_add(1, Ordering::SeqCst) + 1;
    let (parts, body) = request.into_parts();
    let seen = Seen::new(number, &parts);
    let is_admitted = shared.tokens.take(Instant::now());
    shared.traffic.count(|tick| tick.arrived += u64::from(seen.is_of_contents()));
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let mut entry = LoggedRequest::new(&seen, body.len() as u64);
    call_hooks(shared, &seen, shared.hooks_for(&seen)).await;
    let request = Request::from_parts(parts, s3s::Body::from(body));
    if !shared.throttle.latency.is_zero() {
        tokio::time::sleep(shared.throttle.latency).await;
    }
    let too_many = (!is_admitted).then_some(Fault::Status(503, "SlowDown"));
    let fault = too_many.or_else(|| shared.fault_for(&seen));
    let mut outcome = carry_out(shared, request, fault).await;
    if let Some(Outcome { answer, .. }) = &mut outcome {
        answer.headers_mut().insert("date", date(shared.minutes_ahead.load(Ordering::SeqCst)));
        let number = shared.log.lock().unwrap().len();
        answer.headers_mut().insert("x-amz-request-id", number.into());
    }
    call_hooks(shared, &seen, shared.answer_hooks_for(&seen)).await;
    if let Some(Outcome { answer, .. }) = &outcome {
        entry.status = answer.status().as_u16();
        entry.code = error_code(answer.body());
        let is_head = seen.operation.starts_with("Head");
        entry.bytes_out = if is_head { 0 } else { answer.body().len() as u64 };
    }
    shared.traffic.count(|tick| {
        tick.answered += 1;
        tick.refused += u64::from(entry.status == 503);
    });
    shared.log.lock().unwrap().push(entry);
    match outcome {
        None => Err(io::Error::other("dropped, as the test ordered")),
        Some(Outcome { answer, cut: false }) => {
            Ok(answer.map(|bytes| Full::new(bytes).map_err(never).boxed_unsync()))
        }
        Some(Outcome { answer, cut: true }) => Ok(cut_in_half(answer)),
    }
}

/// Writes what time it is by the store's clock.
fn date(minutes_ahead: i64) -> HeaderValue {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seconds = i64::try_from(since.as_secs()).unwrap() + minutes_ahead * 60;
    let text = DateTime::from_secs(seconds).fmt(Format::HttpDate).unwrap();
    HeaderValue::from_str(&text).unwrap()
}

fn never(error: Infallible) -> io::Error {
    match error {}
}

/// Lets somebody else act; a hook may block, even on requests to this server.
async fn call_hooks(shared: &Shared, seen: &Seen, hooks: Vec<Arc<Hook>>) {
    for hook in hooks {
        let (tool, seen) = (shared.other_tool(), seen.clone());
        let called = tokio::task::spawn_blocking(move || hook(&tool, &seen)).await;
        if let Err(panicked) = called {
            shared.panics.lock().unwrap().push(panicked.to_string());
        }
    }
}

/// Passes a request to the store, or not, and spoils its answer, or not. `None`: no answer.
async fn carry_out(
    shared: &Shared,
    request: Request<s3s::Body>,
    fault: Option<Fault>,
) -> Option<Outcome> {
    let whole = |answer| Some(Outcome { answer, cut: false });
    match fault {
        None => whole(store(shared, request).await),
        Some(Fault::Delay(duration)) => {
            tokio::time::sleep(duration).await;
            whole(store(shared, request).await)
        }
        Some(Fault::Status(status, code)) => whole(error_answer(status, code)),
        Some(Fault::RetryAfter(seconds)) => {
            let mut answer = error_answer(503, "SlowDown");
            answer.headers_mut().insert("retry-after", seconds.into());
            whole(answer)
        }
        Some(Fault::ErrorInside200(code)) => whole(error_answer(200, code)),
        Some(Fault::Nonsense) => {
            let mut answer = error_answer(200, "");
            *answer.body_mut() = Bytes::from_static(b"<html>Please accept the terms</html>");
            whole(answer)
        }
        Some(Fault::DropConnectionBefore) => None,
        Some(Fault::DropConnectionAfterEffect) => {
            store(shared, request).await;
            None
        }
        Some(Fault::StatusAfterEffect(status, code)) => {
            store(shared, request).await;
            whole(error_answer(status, code))
        }
        Some(Fault::DropMidBody) => {
            Some(Outcome { answer: store(shared, request).await, cut: true })
        }
        Some(Fault::ShortBody) => {
            let mut answer = store(shared, request).await;
            answer.headers_mut().remove("content-length");
            whole(answer.map(|bytes| bytes.slice(..bytes.len() / 2)))
        }
        Some(Fault::FlippedByte) => whole(store(shared, request).await.map(|bytes| {
            let mut bytes = bytes.to_vec();
            let middle = bytes.len() / 2;
            if let Some(byte) = bytes.get_mut(middle) {
                *byte ^= 1;
            }
            bytes.into()
        })),
    }
}

/// Lets the store answer, unless the request is written in a way that it does not understand.
async fn store(shared: &Shared, request: Request<s3s::Body>) -> Response<Bytes> {
    let payload = request.headers().get("x-amz-content-sha256");
    let streams = payload.is_some_and(|kind| kind.as_bytes().starts_with(b"STREAMING-"));
    if streams && !shared.backend.quirks.trailers {
        return error_answer(400, "XAmzContentSHA256Mismatch");
    }
    let answer = match shared.service.call(request).await {
        Ok(answer) => answer,
        Err(error) => {
            shared.panics.lock().unwrap().push(format!("{error:?}"));
            return error_answer(500, "InternalError");
        }
    };
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let answer = Response::from_parts(parts, body);
    if shared.backend.quirks.other_root { with_other_root(answer) } else { answer }
}

/// Gives the answer to `CreateMultipartUpload` the root element of gofakes3.
fn with_other_root(answer: Response<Bytes>) -> Response<Bytes> {
    let root = "InitiateMultipartUpload";
    let usual = format!("{root}Result");
    let text = std::str::from_utf8(answer.body()).ok().filter(|text| text.contains(&usual));
    let Some(body) = text.map(|text| text.replace(&usual, root).into()) else { return answer };
    let mut answer = answer.map(|_| body);
    answer.headers_mut().remove("content-length");
    answer
}

fn error_answer(status: u16, code: &str) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .header("content-type", "application/xml")
        .body(error_document(code).into())
        .unwrap()
}

/// Sends half of the body under a length that promises all of it, then breaks off.
fn cut_in_half(answer: Response<Bytes>) -> Answer {
    let (mut parts, bytes) = answer.into_parts();
    parts.headers.insert("content-length", (bytes.len() as u64).into());
    let half = bytes.slice(..bytes.len() / 2);
    let body = stream::unfold(Some(half), |half| async move {
        if let Some(half) = half {
            return Some((Ok(Frame::data(half)), None));
        }
        tokio::time::sleep(HALF_BODY_PAUSE).await;
        Some((Err(io::Error::other("broken off, as the test ordered")), None))
    });
    Response::from_parts(parts, StreamBody::new(body).boxed_unsync())
}
