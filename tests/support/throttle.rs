//! How slow the server is: a latency, a limit a connection, and a limit on requests.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::traffic::Traffic;

/// Bytes that a limited connection writes at once.
const WRITE_BYTES_MAX: usize = 64 * 1024;

/// What a line may catch up: timers wake late, and the core may be busy.
const LATE_MAX: Duration = Duration::from_millis(100);

/// The limits of a server; by default it has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Throttle {
    /// Every request waits so long before it takes effect.
    pub latency: Duration,
    /// Bytes a second that a connection carries in each direction.
    pub connection_bytes_per_second: Option<u64>,
    /// Requests a second; what is above is answered 503 `SlowDown`.
    pub requests_per_second: Option<u32>,
}

impl Throttle {
    /// Reads `SERVER_LATENCY_MS`, `SERVER_CONNECTION_BYTES_PER_SECOND` and
    /// `SERVER_REQUESTS_PER_SECOND`; what is absent is no limit.
    pub fn of_environment() -> Self {
        let variable = |name| std::env::var(name).ok();
        let number = |name| variable(name).map(|text| text.parse().expect("a number"));
        Self {
            latency: Duration::from_millis(number("SERVER_LATENCY_MS").unwrap_or(0)),
            connection_bytes_per_second: number("SERVER_CONNECTION_BYTES_PER_SECOND"),
            requests_per_second: variable("SERVER_REQUESTS_PER_SECOND")
                .map(|text| text.parse().expect("a number")),
        }
    }
}

/// A token bucket that holds the requests of one second.
#[derive(Debug)]
pub struct Tokens {
    per_second: Option<u32>,
    state: Mutex<(f64, Instant)>,
}

impl Tokens {
    /// Makes a full bucket.
    pub fn new(per_second: Option<u32>, now: Instant) -> Self {
        Self { per_second, state: Mutex::new((per_second.map_or(0.0, f64::from), now)) }
    }

    /// Takes a token, or tells that there is none.
    pub fn take(&self, now: Instant) -> bool {
        let Some(per_second) = self.per_second.map(f64::from) else { return true };
        let mut state = self.state.lock().unwrap();
        let (tokens, then) = *state;
        let gained = now.saturating_duration_since(then).as_secs_f64() * per_second;
        let tokens = (tokens + gained).min(per_second);
        let has_one = tokens >= 1.0;
        *state = (if has_one { tokens - 1.0 } else { tokens }, now.max(then));
        has_one
    }
}

/// One direction of a connection.
#[derive(Debug)]
struct Direction {
    bytes_per_second: Option<u64>,
    /// When what has passed is through.
    free_at: Instant,
    /// Waits for that.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Direction {
    fn new(bytes_per_second: Option<u64>) -> Self {
        Self { bytes_per_second, free_at: Instant::now(), sleep: None }
    }

    /// Takes the line for as long as `bytes` need it; returns when it is free again.
    fn pass(&mut self, bytes: usize, now: Instant) -> Option<Instant> {
        let rate = self.bytes_per_second?;
        let needed = bytes as u64 * 1_000_000_000 / rate;
        let earliest = now.checked_sub(LATE_MAX).unwrap_or(now);
        self.free_at = self.free_at.max(earliest) + Duration::from_nanos(needed);
        Some(self.free_at)
    }

    fn poll_free(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(sleep) = &mut self.sleep {
            ready!(sleep.as_mut().poll(context));
            self.sleep = None;
        }
        Poll::Ready(())
    }

    fn passed(&mut self, bytes: usize) {
        let free_at = self.pass(bytes, Instant::now());
        self.sleep = free_at.map(|at| Box::pin(tokio::time::sleep_until(at.into())));
    }
}

/// A connection whose bytes are counted, and carried as fast as its limit allows.
#[derive(Debug)]
pub struct Line<S> {
    stream: S,
    traffic: Arc<Traffic>,
    inwards: Direction,
    outwards: Direction,
}

impl<S> Line<S> {
    /// Limits both directions of `stream`.
    pub fn new(stream: S, traffic: Arc<Traffic>, bytes_per_second: Option<u64>) -> Self {
        let direction = || Direction::new(bytes_per_second);
        Self { stream, traffic, inwards: direction(), outwards: direction() }
    }

    fn written(&mut self, written: io::Result<usize>) -> Poll<io::Result<usize>> {
        if let Ok(bytes) = written {
            self.outwards.passed(bytes);
            self.traffic.count(|tick| tick.bytes_out += bytes as u64);
        }
        Poll::Ready(written)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Line<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.inwards.poll_free(context));
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let bytes = buffer.filled().len() - before;
        self.inwards.passed(bytes);
        self.traffic.count(|tick| tick.bytes_in += bytes as u64);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Line<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.outwards.poll_free(context));
        let is_limited = self.outwards.bytes_per_second.is_some();
        let most = if is_limited { bytes.len().min(WRITE_BYTES_MAX) } else { bytes.len() };
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, &bytes[..most]));
        self.written(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, slices));
        self.written(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.outwards.bytes_per_second.is_none() && self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
