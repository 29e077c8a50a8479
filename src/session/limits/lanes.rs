//! How many requests are under way at once.
//!
//! A run begins with a few, and doubles them as long as that brings more ([`Search`]). A store that asks
//! for less (503 `SlowDown`) gets less, and slowly more again: fast while the bound is far from where the
//! store refused, hardly at all there, and faster again beyond (CUBIC, RFC 9438, with requests for
//! segments). So most of the time is spent just below what the store gives.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::search::{Answer, Search};
use super::turns::Turns;

/// So many requests are under way at first.
pub const FIRST: usize = 32;

/// What a cut leaves of the bound (RFC 9438, section 4.6).
const CUT: f64 = 0.7;

/// How steeply the bound grows, in lanes a second cubed (RFC 9438, section 5).
const GROWTH: f64 = 0.4;

/// So long after a cut, in nanoseconds, every refusal is a new one.
const CUT_NANOSECONDS_MAX: i64 = 1_000_000_000;

/// The bound on requests that are under way, and on the transfers that make them.
pub struct Lanes {
    /// Requests of every kind.
    requests: Turns,
    /// Requests that carry contents. There are as many turns, and each takes one before its lane: thousands
    /// of parts that wait do not stand before the one small request that completes a file.
    carriers: Turns,
    /// Files that are worked on. As many as requests ever could be under way: more would find no lane.
    transfers: Turns,
    max: usize,
    carriers_max: usize,
    state: Mutex<State>,
}

struct State {
    /// How many may be under way; at least 1.
    bound: f64,
    /// So many have brought more than fewer; what a cut took comes back up to here by itself.
    proven: f64,
    /// The last cut; absent as long as the store has taken everything.
    cut: Option<Cut>,
    search: Search,
}

/// When and where the store asked for less.
struct Cut {
    /// Nanoseconds since 1970.
    at: i64,
    /// The bound that is approached again.
    peak: f64,
}

/// What an answer tells of how much the store, or the line to it, bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::session) enum Feedback {
    /// It did what was asked, which took so many bytes of contents, or said why not.
    Answered(u64),
    /// It asked for less.
    Refused,
    /// Contents did not get through in time.
    Stalled,
    /// Nothing.
    Silent,
}

/// The right to make one request.
pub(in crate::session) struct Lane<'a> {
    lanes: &'a Lanes,
    /// Of a request that carries contents.
    carrier: Option<SemaphorePermit<'a>>,
    request: Option<SemaphorePermit<'a>>,
    /// When it was entered, in nanoseconds since 1970.
    begun: i64,
}

impl Lanes {
    /// Lets up to `max` requests be under way, at least one, few at first, and not more than `carriers_max`
    /// of them with contents.
    pub(in crate::session) fn new(max: usize, carriers_max: usize) -> Self {
        let max = max.clamp(1, Semaphore::MAX_PERMITS);
        let carriers_max = carriers_max.clamp(1, max);
        let first = max.min(FIRST);
        let (bound, proven) = (number(first), number(first));
        let state = State { bound, proven, cut: None, search: Search::default() };
        Self {
            requests: Turns::of(first),
            carriers: Turns::of(first.min(carriers_max)),
            transfers: Turns::of(first.min(carriers_max)),
            max,
            carriers_max,
            state: Mutex::new(state),
        }
    }

    /// Waits for a free lane; `now` tells the time. Those that carry contents wait for one another first.
    pub(in crate::session) async fn enter(
        &self,
        has_contents: bool,
        now: impl Fn() -> i64 + Send,
    ) -> Lane<'_> {
        let carrier = if has_contents { self.carriers.take().await } else { None };
        let request = self.requests.take().await;
        Lane { lanes: self, carrier, request, begun: now() }
    }

    /// Waits until one more transfer may begin: it would find no lane before.
    pub async fn transfer(&self) -> Option<OwnedSemaphorePermit> {
        self.transfers.take_along().await
    }

    fn learn(&self, feedback: Feedback, begun: i64, now: i64) {
        let mut state = self.state();
        match feedback {
            Feedback::Answered(bytes) => {
                self.come_back(&mut state, now);
                let under_way = self.requests.taken();
                self.follow_search(&mut state, Answer { begun, now, bytes, under_way });
            }
            Feedback::Refused => {
                let says_nothing_new = state.cut.as_mut().is_some_and(|cut| {
                    // Where somebody sets the clock back, the cut goes back with it.
                    cut.at = cut.at.min(now);
                    begun <= cut.at && now.saturating_sub(cut.at) < CUT_NANOSECONDS_MAX
                });
                if !says_nothing_new {
                    self.cut(&mut state, now);
                }
            }
            Feedback::Stalled => self.step_back(&mut state, now),
            Feedback::Silent => (),
        }
    }

    /// Lets the bound grow as far as it was before the last cut.
    fn come_back(&self, state: &mut State, now: i64) {
        let Some(cut) = &state.cut else { return };
        state.bound = cut.bound(now).clamp(state.bound, state.proven.max(state.bound));
        self.widen(state);
    }

    /// Tries another bound, when what the last one has brought is known.
    fn follow_search(&self, state: &mut State, answer: Answer) {
        // What a cut took is not back yet.
        if state.bound < state.proven {
            return state.search.begin_anew(answer.now);
        }
        let bound = whole(state.bound);
        let range = (FIRST.min(self.max), self.max);
        let Some(next) = state.search.next(answer, bound, range) else { return };
        state.proven = number(next.proven);
        state.bound = number(next.bound);
        self.widen(state);
        self.narrow(state);
    }

    fn cut(&self, state: &mut State, now: i64) {
        // What was only tried is given up at once.
        let bound = state.bound.min(state.proven);
        // Below the last peak the store gives less than before, to others perhaps: room is made.
        let is_less = state.cut.as_ref().is_some_and(|cut| bound < cut.peak);
        let peak = if is_less { bound * f64::midpoint(1.0, CUT) } else { bound };
        state.cut = Some(Cut { at: now, peak });
        state.bound = (bound * CUT).max(1.0);
        state.search.give_up(now);
        self.narrow(state);
    }

    /// Halves what is more than at first: where so many share a line, each may be too slow for the store.
    fn step_back(&self, state: &mut State, now: i64) {
        let first = number(FIRST.min(self.max));
        state.proven = (state.proven.min(state.bound) / 2.0).max(first.min(state.proven));
        state.bound = state.bound.min(state.proven);
        state.search.give_up(now);
        self.narrow(state);
    }

    fn widen(&self, state: &State) {
        let bound = whole(state.bound);
        self.requests.widen(bound);
        self.carriers.widen(bound.min(self.carriers_max));
        self.transfers.widen(bound.min(self.carriers_max));
    }

    fn narrow(&self, state: &State) {
        let bound = whole(state.bound);
        self.requests.narrow(bound);
        self.carriers.narrow(bound.min(self.carriers_max));
    }

    /// Returns how many requests may begin at once now.
    #[cfg(test)]
    pub(in crate::session) fn free(&self) -> usize {
        self.requests.free()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cut {
    /// Returns the bound that has grown since: flat at the peak, steeper the farther away.
    fn bound(&self, now: i64) -> f64 {
        let since = u64::try_from(now.saturating_sub(self.at)).unwrap_or(0);
        let since = Duration::from_nanos(since).as_secs_f64();
        let to_peak = (self.peak * (1.0 - CUT) / GROWTH).cbrt();
        self.peak + GROWTH * (since - to_peak).powi(3)
    }
}

impl Lane<'_> {
    /// Learns from the answer to the request in this lane.
    pub(in crate::session) fn learn(&self, feedback: Feedback, now: i64) {
        self.lanes.learn(feedback, self.begun, now);
    }
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        let state = self.lanes.state();
        let bound = whole(state.bound);
        let turns = [
            (self.request.take(), &self.lanes.requests, bound),
            (self.carrier.take(), &self.lanes.carriers, bound.min(self.lanes.carriers_max)),
        ];
        for (turn, of, count) in turns {
            if let Some(turn) = turn {
                of.give_back(turn, count);
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 lanes")]
fn number(lanes: usize) -> f64 {
    lanes as f64
}

/// Cuts the fraction off.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 1 and a number that was a usize"
)]
fn whole(bound: f64) -> usize {
    bound as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    /// Answers one request after the other, and returns the bound.
    fn after(lanes: &Lanes, answers: usize, feedback: Feedback, now: i64) -> usize {
        (0..answers).for_each(|_| lanes.learn(feedback, now, now));
        whole(lanes.state().bound)
    }

    const DONE: Feedback = Feedback::Answered(0);

    /// Takes all lanes that are free at a moment.
    async fn all(lanes: &Lanes, now: i64) -> Vec<Lane<'_>> {
        let mut taken = Vec::new();
        while lanes.free() > 0 {
            taken.push(lanes.enter(false, || now).await);
        }
        taken
    }

    #[tokio::test]
    async fn a_store_that_asks_for_less_gets_less_and_slowly_more_again() {
        let lanes = Lanes::new(20, 20);
        assert_eq!(after(&lanes, 9, DONE, 0), 20, "never more than at the beginning");
        assert_eq!(after(&lanes, 1, Feedback::Refused, 0), 14);
        assert_eq!(lanes.free(), 14);
        let grown = [1, 2, 3, 60].map(|second| after(&lanes, 1, DONE, second * SECOND));
        assert_eq!(grown, [18, 19, 20, 20], "fast, then hardly at all, and never beyond");
        assert_eq!(lanes.free(), 20);
    }

    #[tokio::test]
    async fn beyond_the_last_peak_more_is_tried_carefully() {
        let lanes = Lanes::new(100, 100);
        (lanes.state().bound, lanes.state().proven) = (20.0, 100.0);
        assert_eq!(after(&lanes, 1, Feedback::Refused, 0), 14);
        let grown = [2, 3, 4, 5, 6, 7].map(|second| after(&lanes, 1, DONE, second * SECOND));
        assert_eq!(grown, [19, 20, 21, 26, 37, 57]);
    }

    #[tokio::test]
    async fn refusals_of_what_was_under_way_count_once() {
        let lanes = Lanes::new(20, 20);
        let refused = |begun, now| {
            lanes.learn(Feedback::Refused, begun, now);
            whole(lanes.state().bound)
        };
        assert_eq!([refused(0, 5), refused(1, 6), refused(4, 9)], [14, 14, 14]);
        assert_eq!(refused(6, 10), 9, "it began after the cut");
        assert_eq!(refused(7, 11), 9);
        assert_eq!(refused(7, 10 + SECOND), 6, "whatever was under way");
    }

    #[tokio::test]
    async fn a_store_that_gives_less_than_before_is_given_room() {
        let lanes = Lanes::new(32, 32);
        after(&lanes, 1, Feedback::Refused, 0);
        after(&lanes, 1, Feedback::Refused, SECOND);
        let peak = lanes.state().cut.as_ref().map(|cut| whole(cut.peak));
        assert_eq!(peak, Some(19), "it refused at 22, after it had refused at 32");
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_changes_nothing() {
        let lanes = Lanes::new(20, 20);
        assert_eq!(after(&lanes, 1, Feedback::Refused, 9 * SECOND), 14);
        assert_eq!(after(&lanes, 9, DONE, SECOND), 14);
    }

    /// Plays a store that takes `limit` requests a second, and answers after so many milliseconds;
    /// returns from the eleventh second on the share of the limit that was used, and the share of
    /// the requests that were refused.
    async fn shares(limit: u32, milliseconds: u32) -> (f64, f64) {
        let lanes = Lanes::new(256, 256);
        let (mut tokens, mut taken, mut refused) = (f64::from(limit), 0.0, 0.0);
        for begun in (0..60_000).step_by(milliseconds as usize) {
            tokens += f64::from(limit) * f64::from(milliseconds) / 1_000.0;
            tokens = tokens.min(f64::from(limit));
            let now = i64::from(begun) * SECOND / 1_000;
            for lane in all(&lanes, now - i64::from(milliseconds) * SECOND / 1_000).await {
                let is_taken = tokens >= 1.0;
                tokens -= f64::from(u8::from(is_taken));
                lane.learn(if is_taken { DONE } else { Feedback::Refused }, now);
                drop(lane);
                if begun >= 10_000 {
                    *(if is_taken { &mut taken } else { &mut refused }) += 1.0;
                }
            }
        }
        (taken / 50.0 / f64::from(limit), refused / (taken + refused))
    }

    #[tokio::test]
    async fn what_a_store_gives_is_used_and_hardly_more_is_asked_for() {
        for (limit, milliseconds) in
            [(300, 50), (300, 10), (500, 50), (100, 50), (30, 200), (2_000, 50), (900, 200)]
        {
            let (used, refused) = shares(limit, milliseconds).await;
            let found =
                format!("{limit}/s, {milliseconds} ms: {used:.3} used, {refused:.4} refused");
            assert!(used >= 0.85 && refused < 0.05, "{found}");
        }
    }

    #[tokio::test]
    async fn lanes_that_are_taken_close_when_they_are_left() {
        let lanes = Lanes::new(4, 4);
        let taken = [
            lanes.enter(false, || 0).await,
            lanes.enter(false, || 0).await,
            lanes.enter(false, || 0).await,
        ];
        lanes.learn(Feedback::Refused, 0, 0);
        assert_eq!(lanes.free(), 0);
        drop(taken);
        assert_eq!(lanes.free(), 2);
    }

    #[tokio::test]
    async fn one_lane_is_always_open() {
        let lanes = Lanes::new(0, 0);
        for second in 0..5 {
            lanes.learn(Feedback::Refused, second * SECOND, second * SECOND);
        }
        drop(lanes.enter(false, || 0).await);
        assert_eq!(lanes.free(), 1);
    }

    #[tokio::test]
    async fn a_bound_that_was_only_tried_is_given_up_when_the_store_refuses() {
        let lanes = Lanes::new(256, 256);
        for lane in all(&lanes, 0).await {
            lane.learn(DONE, SECOND / 20);
        }
        assert_eq!(whole(lanes.state().bound), 64, "twice as many are tried");
        assert_eq!(after(&lanes, 1, Feedback::Refused, SECOND / 10), 22, "32 were proven");
        assert_eq!(after(&lanes, 1, DONE, 60 * SECOND), 32, "and are come back to");
        assert_eq!(lanes.transfers.free(), 64);
    }

    #[tokio::test]
    async fn a_small_request_does_not_wait_for_parts_that_wait() {
        let lanes = Lanes::new(1, 1);
        let first = lanes.enter(true, || 0).await;
        let mut parts = Vec::new();
        for _ in 0..3 {
            let mut part = Box::pin(lanes.enter(true, || 0));
            assert!(futures_util::poll!(&mut part).is_pending());
            parts.push(part);
        }
        let mut small = Box::pin(lanes.enter(false, || 0));
        assert!(futures_util::poll!(&mut small).is_pending());
        drop(first);
        assert!(futures_util::poll!(&mut parts[0]).is_pending(), "it has its turn, and no lane");
        assert!(futures_util::poll!(&mut small).is_ready());
    }

    #[tokio::test]
    async fn where_contents_stall_there_are_half_as_many_and_never_fewer_than_at_first() {
        let lanes = Lanes::new(256, 256);
        (lanes.state().bound, lanes.state().proven) = (200.0, 100.0);
        lanes.widen(&lanes.state());
        let bounds = [0, 1, 2].map(|second| after(&lanes, 1, Feedback::Stalled, second * SECOND));
        assert_eq!(bounds, [50, 32, 32]);
        let lanes = Lanes::new(8, 8);
        assert_eq!(after(&lanes, 1, Feedback::Stalled, 0), 8);
    }
}
