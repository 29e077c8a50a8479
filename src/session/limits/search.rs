//! [`Search`]: how many requests at once bring the most.
//!
//! Where each answer takes its time, twice as many requests bring twice as much; where the line, the
//! store or this machine is the limit, they only take longer. So the bound is doubled as long as that
//! pays, and goes back by one step where it does not. Now and then half as many are tried, too: what
//! looked like a gain may have been luck. What is compared is what the requests brought that
//! began after the last change: their work over their time, times how many there were (Little's law).

/// What a request counts for, beside its contents, in bytes: so much more at once would not hurt it.
const REQUEST_BYTES: u64 = 64 * 1024;

/// A step pays if it brings five fourths of what there was. A doubling that brings less costs memory and
/// connections for next to nothing, and what is measured while a queue fills up shows up to a sixth too
/// much.
const GAIN_MIN: (u128, u128) = (5, 4);

/// What is measured for less says little, in nanoseconds.
const WINDOW_NANOSECONDS_MIN: i64 = 10_000_000;

/// A request with contents that gets less, in bytes a second, is soon taken for dead: the client gives up at
/// 16 KiB a second (`SLOWEST_UPLOAD_BYTES_PER_SECOND` in `remote/s3/request/waiting.rs`).
const LANE_BYTES_PER_SECOND_MIN: u64 = 64 * 1024;

/// How long it rests where the bound is good, at first and at last, in nanoseconds: what holds the run
/// up may change.
const REST_NANOSECONDS_MIN: i64 = 1_000_000_000;
const REST_NANOSECONDS_MAX: i64 = 64_000_000_000;

/// An answer, as the search sees it. Times are nanoseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    /// When the request began.
    pub(super) begun: i64,
    /// When it ended.
    pub(super) now: i64,
    /// Its bytes of contents.
    pub(super) bytes: u64,
    /// How many requests were under way then, with this one.
    pub(super) under_way: usize,
}

/// Compares what two bounds bring.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// What another bound brought, beside which the present one is tried.
    beside: Option<Step>,
    /// Half as many were tried, and brought less.
    was_halved: bool,
    window: Window,
    /// How long the next rest is, in nanoseconds.
    rest: i64,
}

/// A bound, and the bytes a second that it brought.
#[derive(Debug, Clone, Copy)]
struct Step {
    bound: usize,
    rate: u128,
}

/// What the search comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Next {
    /// The bound to go on with.
    pub(super) bound: usize,
    /// The one that brings more than half as many.
    pub(super) proven: usize,
}

/// What came of requests that began since a moment.
#[derive(Debug, Default)]
struct Window {
    /// Nanoseconds since 1970.
    since: i64,
    answers: usize,
    /// The most requests that were under way.
    under_way: usize,
    /// Bytes of contents, summed up.
    contents: u64,
    /// How long they took, summed up, in nanoseconds.
    time: i64,
}

impl Search {
    /// Takes in an answer; returns what to go on with where that changes. The bound lies between
    /// `range.0`, where a run begins, and `range.1`, or was cut.
    pub(super) fn next(
        &mut self,
        answer: Answer,
        bound: usize,
        (first, max): (usize, usize),
    ) -> Option<Next> {
        let now = answer.now;
        // Where somebody sets the clock back, the window goes back with it.
        self.window.since = self.window.since.min(now.saturating_add(REST_NANOSECONDS_MAX));
        self.window.take_in(answer);
        if !self.window.is_over(now, bound) {
            return None;
        }
        let next = Window::since(now.saturating_sub(self.window.slack()));
        let window = std::mem::replace(&mut self.window, next);
        // Where nobody waited for a lane, one more would not have been used.
        if window.under_way * 10 < bound * 9 {
            return None;
        }
        let here = Step { bound, rate: window.rate(bound) };
        let may_double = bound < max && !window.would_starve(bound * 2);
        Some(match self.beside.take() {
            // Half as many bring less: the present ones are worth it, and perhaps more are.
            Some(more) if more.bound > bound && more.pays_beside(here) => {
                self.was_halved = true;
                Next { bound: more.bound, proven: more.bound }
            }
            // Half as many bring about as much.
            Some(more) if more.bound > bound => self.stay(bound, now),
            Some(less) if !here.pays_beside(less) => self.stay(less.bound, now),
            Some(_) if may_double => {
                self.rest = 0;
                self.widen(here, max, now)
            }
            // Was it luck, or has something changed since?
            None if bound > first && !std::mem::take(&mut self.was_halved) => {
                self.beside = Some(here);
                // What began among so many more had to wait for them.
                self.window = Window::since(now);
                let half = (bound / 2).max(first);
                Next { bound: half, proven: half }
            }
            None if may_double => self.widen(here, max, now),
            Some(_) | None => self.stay(bound, now),
        })
    }

    /// Tries twice as many as `step` has.
    fn widen(&mut self, step: Step, max: usize, now: i64) -> Next {
        let bound = (step.bound * 2).min(max);
        if bound == step.bound {
            return self.stay(bound, now);
        }
        self.beside = Some(step);
        Next { bound, proven: step.bound }
    }

    /// Goes on with a bound for a while.
    fn stay(&mut self, bound: usize, now: i64) -> Next {
        self.rest(now);
        Next { bound, proven: bound }
    }

    /// The store asks for less, or contents stall: what was measured says nothing any more.
    pub(super) fn give_up(&mut self, now: i64) {
        self.beside = None;
        self.was_halved = false;
        self.rest(now);
    }

    /// Forgets what was measured: the bound has changed.
    pub(super) fn begin_anew(&mut self, now: i64) {
        self.window = Window::since(self.window.since.max(now));
    }

    /// Tries nothing for a while, each time for longer.
    fn rest(&mut self, now: i64) {
        self.rest = (self.rest * 2).clamp(REST_NANOSECONDS_MIN, REST_NANOSECONDS_MAX);
        self.window = Window::since(now.saturating_add(self.rest));
    }
}

impl Step {
    /// Tells whether this bound brings so much more than one of half as many that it pays.
    fn pays_beside(self, less: Self) -> bool {
        self.rate * GAIN_MIN.1 >= less.rate * GAIN_MIN.0
    }
}

impl Window {
    fn since(since: i64) -> Self {
        Self { since, ..Self::default() }
    }

    fn take_in(&mut self, answer: Answer) {
        let Answer { begun, now, bytes, under_way } = answer;
        // A clock that was set back on the way tells no time.
        if begun < self.since || now < begun {
            return;
        }
        self.answers += 1;
        self.under_way = self.under_way.max(under_way);
        self.contents = self.contents.saturating_add(bytes);
        self.time = self.time.saturating_add((now - begun).max(1));
    }

    /// Tells whether each lane has had its answer.
    fn is_over(&self, now: i64, bound: usize) -> bool {
        self.answers >= bound && now.saturating_sub(self.since) >= WINDOW_NANOSECONDS_MIN
    }

    /// Returns how much earlier the next window begins, in nanoseconds: requests that follow one another
    /// closely belong to one round, also those that began just before its end.
    fn slack(&self) -> i64 {
        i64::try_from(self.answers).map_or(0, |answers| self.time / answers / 8)
    }

    /// Returns how many bytes a second so many lanes bring.
    fn rate(&self, lanes: usize) -> u128 {
        let requests = self.answers as u128 * u128::from(REQUEST_BYTES);
        self.on_lanes(lanes, requests + u128::from(self.contents))
    }

    /// Tells whether so many lanes would get too little each of a line that is full.
    fn would_starve(&self, lanes: usize) -> bool {
        let contents = u128::from(self.contents);
        contents / self.answers as u128 > u128::from(LANE_BYTES_PER_SECOND_MIN)
            && self.on_lanes(lanes / 2, contents)
                < lanes as u128 * u128::from(LANE_BYTES_PER_SECOND_MIN)
    }

    /// Little's law: how many bytes a second come where requests with so many took so long.
    fn on_lanes(&self, lanes: usize, bytes: u128) -> u128 {
        lanes as u128 * bytes * 1_000_000_000 / u128::from(self.time.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    use super::super::lanes::{Feedback, Lane, Lanes};

    const MILLISECOND: i64 = 1_000_000;

    /// What is asked, and by whom it is answered.
    #[derive(Clone, Copy)]
    struct Line {
        /// From a request to its answer, in milliseconds, where nothing else is under way.
        latency: i64,
        /// Requests a second that this machine, the line and the store together bear.
        rate: i64,
        /// Bytes of contents of each.
        bytes: u64,
    }

    /// Plays `requests` over a line, with at most `max` at once, from the first one on if `fixed`; returns
    /// how many milliseconds they take, and how many may be under way in the end.
    async fn play(line: Line, requests: usize, (max, fixed): (usize, bool)) -> (i64, usize) {
        let lanes = Lanes::new(max, max);
        let (mut now, mut free_at, mut begun) = (0, 0, 0);
        let mut under_way: BinaryHeap<Reverse<(i64, usize)>> = BinaryHeap::new();
        let mut held: Vec<Option<Lane<'_>>> = Vec::new();
        loop {
            while begun < requests && (if fixed { under_way.len() < max } else { lanes.free() > 0 })
            {
                let entered = if fixed { None } else { Some(lanes.enter(false, || now).await) };
                free_at = (now + line.latency * MILLISECOND)
                    .max(free_at + 1_000 * MILLISECOND / line.rate);
                under_way.push(Reverse((free_at, begun)));
                held.push(entered);
                begun += 1;
            }
            let Some(Reverse((ends, number))) = under_way.pop() else { break };
            now = ends;
            if let Some(lane) = held[number].take() {
                lane.learn(Feedback::Answered(line.bytes), now);
            }
        }
        (now / MILLISECOND, lanes.free())
    }

    /// The fewest milliseconds that any fixed bound takes.
    async fn best(line: Line, requests: usize) -> i64 {
        let mut best = i64::MAX;
        for max in [8, 16, 32, 64, 128, 256] {
            best = best.min(play(line, requests, (max, true)).await.0);
        }
        best
    }

    #[tokio::test]
    async fn the_bound_finds_what_any_fixed_one_would_bring_up_to_a_third() {
        const KIB: u64 = 1 << 10;
        for latency in [10, 50, 200] {
            for (rate, requests, bytes) in [
                (100_000, 3_000, 4 * KIB),
                (6_000, 3_000, 4 * KIB),
                (2_000, 3_000, 4 * KIB),
                (500, 3_000, 4 * KIB),
                (100, 500, 8 * KIB * KIB),
                (10, 200, 8 * KIB * KIB),
            ] {
                let line = Line { latency, rate, bytes };
                let (found, lanes) = play(line, requests, (256, false)).await;
                let best = best(line, requests).await;
                assert!(
                    found * 10 <= best * 13,
                    "{latency} ms, {rate}/s: {found} ms with {lanes}, {best} ms at best"
                );
            }
        }
    }

    #[tokio::test]
    async fn where_more_requests_bring_no_more_there_are_few() {
        for (latency, rate) in [(1, 2_000), (10, 1_000), (50, 500), (200, 100)] {
            let line = Line { latency, rate, bytes: 4_096 };
            let (_, lanes) = play(line, 20_000, (256, false)).await;
            assert!(lanes <= 64, "{latency} ms, {rate}/s: {lanes} at once");
        }
    }

    #[tokio::test]
    async fn what_nobody_waits_for_changes_nothing() {
        let lanes = Lanes::new(256, 256);
        for second in 0..1_000 {
            let lane = lanes.enter(false, || second * 1_000 * MILLISECOND).await;
            lane.learn(Feedback::Answered(0), second * 1_000 * MILLISECOND + 50 * MILLISECOND);
        }
        assert_eq!(lanes.free(), 32);
    }

    /// Plays half an hour on a line of `rate` bytes a second that all requests share, with files of
    /// 4 KiB up to 4 KiB times 2 to the `doublings`; returns the mean of the requests under way.
    async fn play_shared_line(rate: u64, doublings: u32, seed: u64) -> usize {
        const STEPS_PER_SECOND: u64 = 50;
        const STEPS: u64 = 30 * 60 * STEPS_PER_SECOND;
        let lanes = Lanes::new(256, 256);
        let mut random = fastrand::Rng::with_seed(seed);
        let mut under_way: Vec<(Lane<'_>, u64, u64)> = Vec::new();
        let mut sum = 0;
        for step in 0..STEPS {
            let at = |step: u64| i64::try_from(step * 1_000 / STEPS_PER_SECOND).unwrap();
            let now = at(step) * MILLISECOND;
            while lanes.free() > 0 {
                let size = 4_096 << random.u32(0..=doublings);
                under_way.push((lanes.enter(false, || now).await, size, size));
            }
            sum += under_way.len() as u64;
            let share = rate / STEPS_PER_SECOND / under_way.len() as u64;
            for (.., left) in &mut under_way {
                *left = left.saturating_sub(share);
            }
            for (lane, size, _) in under_way.extract_if(.., |(.., left)| *left == 0) {
                lane.learn(Feedback::Answered(size), at(step + 1) * MILLISECOND);
            }
        }
        usize::try_from(sum / STEPS).unwrap()
    }

    #[tokio::test]
    async fn a_full_line_is_shared_by_few_whatever_the_files_are() {
        const MIB: u64 = 1 << 20;
        for (rate, doublings) in [(1, 8), (1, 11), (10, 8), (10, 11)] {
            for seed in 0..3 {
                let mean = play_shared_line(rate * MIB, doublings, seed).await;
                assert!(mean <= 64, "{rate} MiB/s, {doublings} doublings: {mean} at once");
            }
        }
    }
}
