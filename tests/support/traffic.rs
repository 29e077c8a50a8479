//! What went through the server, tenth by tenth of a second, for measurements.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long a tick is.
pub const TICK: Duration = Duration::from_millis(100);

/// What happened within one tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tick {
    /// Requests with contents, or for contents, that arrived.
    pub arrived: u64,
    /// Requests that were answered, whatever they were and whatever the answer.
    pub answered: u64,
    /// Those of them that were answered 503.
    pub refused: u64,
    /// Bytes read from all connections.
    pub bytes_in: u64,
    /// Bytes written to all connections.
    pub bytes_out: u64,
}

/// The ticks since the server was started, or since they were taken.
#[derive(Debug)]
pub struct Traffic {
    state: Mutex<(Instant, Vec<Tick>)>,
}

impl Traffic {
    /// Begins to count.
    pub fn new() -> Self {
        Self { state: Mutex::new((Instant::now(), Vec::new())) }
    }

    /// Counts something now.
    pub fn count(&self, add: impl FnOnce(&mut Tick)) {
        let mut state = self.state.lock().unwrap();
        let (begun, ticks) = &mut *state;
        let now = usize::try_from(begun.elapsed().as_millis() / TICK.as_millis()).unwrap();
        if ticks.len() <= now {
            ticks.resize(now + 1, Tick::default());
        }
        add(&mut ticks[now]);
    }

    /// Returns what was counted, one entry a tick, and begins anew.
    pub fn take(&self) -> Vec<Tick> {
        std::mem::replace(&mut *self.state.lock().unwrap(), (Instant::now(), Vec::new())).1
    }
}
