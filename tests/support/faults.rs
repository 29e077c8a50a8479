//! Which requests break, and how.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use super::request::{Seen, glob_matches};

/// How a request breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An answer with this status and error code; nothing takes effect.
    Status(u16, &'static str),
    /// As [`Fault::Status`] with 503 `SlowDown` and a `Retry-After` of this many seconds.
    RetryAfter(u64),
    /// The connection is dropped before anything takes effect.
    DropConnectionBefore,
    /// The request takes effect, and the connection is dropped instead of an answer.
    DropConnectionAfterEffect,
    /// The request takes effect, and the answer is this one instead of the true one.
    StatusAfterEffect(u16, &'static str),
    /// The connection is dropped after half of the answer's body.
    DropMidBody,
    /// The body of the answer has half its length, and `Content-Length` agrees.
    ShortBody,
    /// One byte of the answer's body is another one.
    FlippedByte,
    /// The request waits before it takes effect.
    Delay(Duration),
    /// 200 with an error document of this code; nothing takes effect (Complete and Copy of AWS).
    ErrorInside200(&'static str),
    /// 200 with a body that is no XML; nothing takes effect (captive portals).
    Nonsense,
}

/// Which of the matching requests break.
#[derive(Debug, Clone, PartialEq)]
enum When {
    Always,
    Nth(u64),
    First(u64),
    After(u64),
    Every(u64),
    Chance(f64),
}

/// A fault and the requests that it hits: by default each that matches.
#[derive(Debug)]
pub struct FaultRule {
    operation: &'static str,
    key: String,
    fault: Fault,
    when: When,
    state: Mutex<State>,
}

/// What a rule has seen.
#[derive(Debug)]
struct State {
    requests: u64,
    requests_of: HashMap<String, u64>,
    random: fastrand::Rng,
}

impl State {
    fn new(seed: u64) -> Mutex<Self> {
        let random = fastrand::Rng::with_seed(seed);
        Mutex::new(Self { requests: 0, requests_of: HashMap::new(), random })
    }
}

impl FaultRule {
    /// Hits requests of `operation` (a glob; `*` is all) whose key matches the glob.
    pub fn new(operation: &'static str, key: &str, fault: Fault) -> Self {
        let state = State::new(0);
        Self { operation, key: key.to_owned(), fault, when: When::Always, state }
    }

    /// Hits the `n`-th matching request alone, from 1.
    pub fn nth(self, n: u64) -> Self {
        Self { when: When::Nth(n), ..self }
    }

    /// Hits the first `n` matching requests.
    pub fn first(self, n: u64) -> Self {
        Self { when: When::First(n), ..self }
    }

    /// Hits every matching request but the first `n`.
    pub fn after(self, n: u64) -> Self {
        Self { when: When::After(n), ..self }
    }

    /// Hits each `n`-th matching request for the same key, however those for others come between.
    pub fn every(self, n: u64) -> Self {
        Self { when: When::Every(n), ..self }
    }

    /// Hits each matching request with this probability, the same ones for the same seed.
    pub fn chance(self, probability: f64, seed: u64) -> Self {
        Self { when: When::Chance(probability), state: State::new(seed), ..self }
    }

    /// Counts a request; returns the fault if it is hit.
    pub fn hit(&self, seen: &Seen) -> Option<Fault> {
        if !glob_matches(self.operation, seen.operation) || !glob_matches(&self.key, &seen.key) {
            return None;
        }
        let mut state = self.state.lock().unwrap();
        state.requests += 1;
        let count = state.requests;
        let of_key = state.requests_of.entry(seen.key.clone()).or_default();
        *of_key += 1;
        let of_key = *of_key;
        let hit = match self.when {
            When::Always => true,
            When::Nth(n) => count == n,
            When::First(n) => count <= n,
            When::After(n) => count > n,
            When::Every(n) => of_key.is_multiple_of(n),
            When::Chance(probability) => state.random.f64() < probability,
        };
        hit.then(|| self.fault.clone())
    }
}

/// Returns the error document that S3 answers with.
pub fn error_document(code: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
         <Message>{code}, as the test ordered</Message><RequestId>0</RequestId></Error>"
    )
}
