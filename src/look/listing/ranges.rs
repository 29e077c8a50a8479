//! The keys, cut into ranges that are listed at once and handed out in order.
//!
//! A range holds the keys behind one text up to and with another one. Ranges follow one another
//! without gap or overlap, so that wherever they are cut, every key belongs to exactly one. What is
//! asked for next is what will be needed first, and how much at once follows from what came so far,
//! never from the time that it took.
//!
//! A key that no listing shows is a file that is deleted here. So ranges bear witness for each other:
//! what one shows behind its end must be the first key of the next, and behind one that the store
//! calls the last nothing may come. Where that does not hold, all is listed again, in one piece.

use std::collections::VecDeque;

use super::guess::Guess;
use crate::remote::Page;

/// Listings at once: with 24 a million keys take 6 s at 50 ms a page, with 16 they took 8.
pub(super) const LANES_MAX: usize = 24;

/// Pages that may wait for those before them, together with those that are asked for. Cuts that were
/// guessed lie up to ten pages apart: with three pages a lane, lanes behind them stood still (deep trees
/// took 8.9 s with 16 lanes and 48 pages, and 7.9 s with 64 pages).
pub(super) const HELD_PAGES_MAX: usize = 4 * LANES_MAX;

/// A page that waits counts once more for so many bytes of keys: a bound on pages alone would let a
/// tree of very long paths have some 100 MB waiting.
const HELD_KEY_BYTES: usize = 128 << 10;

/// How much credit it takes to guess a cut, beside what pages on their way may cost: a bucket of
/// fewer pages costs no request more.
const GUESS_CREDIT_MIN: usize = 8;

/// How many pages in a row a range between two landmarks must have had for a guess: what has only
/// grown a little needs no more than the next page.
const GUESS_PAGES_MIN: usize = 2;

/// The most credit that there is.
const CREDIT_MAX: usize = 2 * LANES_MAX;

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// At the first key.
    Beginning,
    /// Behind this text.
    Behind(String),
    /// Where the page before said.
    Next(String),
}

/// A page to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// The range.
    pub(super) range: u64,
    /// Where the page begins.
    pub(super) place: Place,
}

/// The keys, cut into ranges.
///
/// Invariants:
/// * each range ends where the next one begins; the last one has no end
/// * at most [`HELD_PAGES_MAX`] pages are held or asked for, and one that is needed at once; what was
///   asked for may turn out to count more than once ([`HELD_KEY_BYTES`])
/// * the first range is asked for, holds a page, or is the next to be asked for
pub(super) struct KeyRanges {
    ranges: VecDeque<KeyRange>,
    /// What every key begins with.
    prefix: String,
    /// Known keys in order, about one to a page.
    landmarks: Vec<String>,
    /// There may be more than one range.
    splits: bool,
    /// How much is asked for at once: each page with keys adds to it, each range without takes away.
    credit: usize,
    /// The last key that was handed out.
    handed: String,
    ranges_made: u64,
    /// The store has contradicted itself: what it said of one range does not fit what it said of
    /// another one.
    contradicted: bool,
    /// The store said of a range that is over that no key is behind it.
    has_ended: bool,
}

/// A piece of the keys.
struct KeyRange {
    number: u64,
    /// Where its next page begins.
    place: Place,
    state: State,
    /// The last key seen, or the text that it begins behind.
    position: String,
    /// Its last key, or a text in its place; `None` is the end of all keys.
    until: Option<String>,
    /// The cut behind its last page, or the text that it begins behind, as a guess.
    guess: Option<Guess>,
    pages: VecDeque<Held>,
    /// Pages in a row that brought keys.
    pages_seen: usize,
    /// Pages in a row that brought none.
    empty_pages: usize,
    /// Its first key, as a page of the range before has shown it.
    expected: Option<String>,
    /// Its first key, as its own first page shows it.
    first: First,
    /// The store said that there is no key behind its last one, in this range or any other.
    is_said_to_be_last: bool,
}

/// A page that waits, and how many it counts for.
struct Held {
    page: Page,
    weight: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Asked,
    Ended,
}

/// The first key of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
enum First {
    Unknown,
    Key(String),
    /// There is none.
    Nothing,
}

impl KeyRanges {
    /// Begins with one range of all keys that begin with `prefix`; it stays one unless `splits`.
    ///
    /// `landmarks` are known keys in order, about one to a page; they need not exist.
    pub(super) fn new(prefix: &str, landmarks: Vec<String>, splits: bool) -> Self {
        let mut ranges = Self {
            ranges: VecDeque::new(),
            prefix: prefix.to_owned(),
            landmarks,
            splits,
            credit: 1,
            handed: String::new(),
            ranges_made: 0,
            contradicted: false,
            has_ended: false,
        };
        ranges.begin_whole();
        ranges
    }

    fn begin_whole(&mut self) {
        let whole = self.range(Place::Beginning, self.prefix.clone(), None);
        self.ranges = VecDeque::from([whole]);
    }

    fn range(&mut self, place: Place, position: String, until: Option<String>) -> KeyRange {
        self.ranges_made += 1;
        KeyRange {
            number: self.ranges_made,
            place,
            state: State::Waiting,
            position,
            until,
            guess: None,
            pages: VecDeque::new(),
            pages_seen: 0,
            empty_pages: 0,
            expected: None,
            first: First::Unknown,
            is_said_to_be_last: false,
        }
    }

    /// Returns the page that will be needed first of those that may be asked for now.
    pub(super) fn next_request(&mut self) -> Option<Request> {
        let asked = self.ranges.iter().filter(|range| range.state == State::Asked).count();
        let held = self
            .ranges
            .iter()
            .flat_map(|range| &range.pages)
            .map(|held| held.weight)
            .sum::<usize>();
        let (lanes, held_max) =
            if self.splits { (self.credit.min(LANES_MAX), HELD_PAGES_MAX) } else { (1, 1) };
        let is_needed = self.ranges.front().is_some_and(KeyRange::is_needed);
        if asked >= lanes || (held + asked >= held_max && !is_needed) {
            return None;
        }
        let at = (0..self.ranges.len()).find_map(|at| {
            let state = self.ranges[at].state;
            match state {
                State::Waiting => Some(at),
                State::Asked if self.splits && self.split(at, asked) => Some(at + 1),
                State::Asked | State::Ended => None,
            }
        })?;
        let range = &mut self.ranges[at];
        range.state = State::Asked;
        Some(Request { range: range.number, place: range.place.clone() })
    }

    /// Cuts a range in two, if there is a good place for it.
    fn split(&mut self, at: usize, asked: usize) -> bool {
        let Some((cut, guess)) = self.cut(&self.ranges[at], asked) else { return false };
        let first = &mut self.ranges[at];
        let until = first.until.replace(cut.clone());
        if guess.is_none() {
            first.pages_seen = 0;
        }
        let pages_seen = first.pages_seen;
        let second = self.range(Place::Behind(cut.clone()), cut, until);
        self.ranges.insert(at + 1, KeyRange { guess, pages_seen, ..second });
        true
    }

    /// Finds a place behind what the request on its way is likely to bring.
    fn cut(&self, range: &KeyRange, asked: usize) -> Option<(String, Option<Guess>)> {
        let position = range.position.as_str();
        let holds = |cut: &&str| {
            *cut > position
                && range.until.as_deref().is_none_or(|until| *cut < until)
                && cut.starts_with(&self.prefix)
        };
        let behind = self.landmarks.partition_point(|key| key.as_str() <= position);
        if let Some(key) = self.landmarks.get(behind).map(String::as_str).filter(holds) {
            return Some((key.to_owned(), None));
        }
        if self.credit < GUESS_CREDIT_MIN + asked || range.pages_seen < GUESS_PAGES_MIN {
            return None;
        }
        let guess = range.guess.as_ref()?.next()?;
        let cut = guess.text().filter(holds)?.to_owned();
        Some((cut, Some(guess)))
    }

    /// Takes the page of a range; returns how many pages in a row have brought nothing.
    pub(super) fn answer(&mut self, range: u64, mut page: Page) -> usize {
        // Of a range that was given up.
        let Some(at) = self.ranges.iter().position(|it| it.number == range) else { return 0 };
        let was_behind_key = matches!(self.ranges[at].place, Place::Behind(_));
        let follower = self.ranges[at].meet(&mut page, self.splits);
        if let (Some(follower), Some(behind)) = (follower, self.ranges.get_mut(at + 1)) {
            behind.expected = Some(follower);
        }
        if self.splits {
            self.contradicted |= self.contradicts_itself();
        } else {
            let again = page.items.partition_point(|item| item.key() <= self.handed.as_str());
            page.items.drain(..again);
        }
        // A page without keys behind full ones only says that their range ended with the last of them.
        let is_cut_in_vain = was_behind_key && self.ranges[at].first == First::Nothing;
        if !page.items.is_empty() {
            self.credit = (self.credit + 1).min(CREDIT_MAX);
        } else if is_cut_in_vain {
            self.credit = self.credit.saturating_sub(1).max(1);
        }
        let empty_pages = self.ranges[at].take_in(page);
        self.drop_what_is_over();
        empty_pages
    }

    /// Tells whether what the store said of one range does not fit another one: a key that one shows
    /// behind another's end is the first of the next, and behind the last key of all there is none.
    fn contradicts_itself(&self) -> bool {
        let mut is_over = self.has_ended;
        self.ranges.iter().any(|range| {
            let is_within = |key: &&String| range.until.as_ref().is_none_or(|until| *key <= until);
            let is_other = range.expected.as_ref().is_some_and(|key| match &range.first {
                First::Unknown => false,
                First::Nothing => is_within(&key),
                First::Key(first) => first != key,
            });
            let is_more = is_over && matches!(range.first, First::Key(_));
            is_over |= range.is_said_to_be_last;
            is_other || is_more
        })
    }

    /// Tells whether the store has contradicted itself since the ranges were made; nothing of what it
    /// contradicted has been handed out.
    pub(super) fn is_contradicted(&self) -> bool {
        self.contradicted
    }

    /// Tells whether everything was handed out.
    pub(super) fn is_over(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Tells whether there is a page to hand out.
    pub(super) fn has_page(&self) -> bool {
        !self.contradicted && self.ranges.front().is_some_and(|range| !range.pages.is_empty())
    }

    /// Returns the next page in the order of keys, if it is there.
    pub(super) fn take(&mut self) -> Option<Page> {
        let page = self.ranges.front_mut()?.pages.pop_front()?.page;
        if let Some(last) = page.items.last() {
            last.key().clone_into(&mut self.handed);
        }
        self.drop_what_is_over();
        Some(page)
    }

    /// Begins again with one range, for a store that cannot begin behind a key; what was handed out
    /// is not handed out again. Tells whether there may have been more.
    pub(super) fn give_up_splitting(&mut self) -> bool {
        let had_split = std::mem::take(&mut self.splits);
        (self.contradicted, self.has_ended) = (false, false);
        if had_split {
            self.begin_whole();
        }
        had_split
    }

    fn drop_what_is_over(&mut self) {
        while let Some(range) = self.ranges.pop_front_if(|range| range.is_over()) {
            self.has_ended |= range.is_said_to_be_last;
        }
    }
}

impl KeyRange {
    fn is_over(&self) -> bool {
        self.state == State::Ended && self.pages.is_empty()
    }

    fn is_needed(&self) -> bool {
        self.state == State::Waiting && self.pages.is_empty()
    }

    /// Learns from a page, and crops it; returns the first key that it shows of the next range.
    fn meet(&mut self, page: &mut Page, splits: bool) -> Option<String> {
        let next = page.next.take();
        let (reaches_end, follower) = self.crop(page);
        self.is_said_to_be_last = next.is_none() && !reaches_end && self.until.is_some();
        self.state = if next.is_none() || reaches_end { State::Ended } else { State::Waiting };
        let keys = (page.items.first()).zip(page.items.last());
        let keys = keys.map(|(first, last)| (first.key().to_owned(), last.key().to_owned()));
        if self.first == First::Unknown {
            self.first = match &keys {
                Some((first, _)) => First::Key(first.clone()),
                None if self.state == State::Ended => First::Nothing,
                None => First::Unknown,
            };
        }
        if let Some(next) = next {
            // A token may skip a key where the text behind which a listing began is none (MinIO
            // issue 21463); the last key is one.
            self.place = match keys {
                Some((_, last)) if splits => Place::Behind(last),
                _ => Place::Next(next),
            };
        }
        follower
    }

    /// Takes off the page what belongs to the ranges behind; tells whether it reaches this one's end,
    /// and the first key that belongs to the next.
    fn crop(&self, page: &mut Page) -> (bool, Option<String>) {
        let Some(until) = self.until.as_deref() else { return (false, None) };
        let within = page.items.partition_point(|item| item.key() <= until);
        let reaches_end = page.items.last().is_some_and(|item| item.key() >= until);
        let follower = page.items.get(within).map(|item| item.key().to_owned());
        page.items.truncate(within);
        (reaches_end, follower)
    }

    /// Puts a page to the others; returns how many in a row have brought nothing.
    fn take_in(&mut self, page: Page) -> usize {
        let Some(last) = page.items.last() else {
            self.empty_pages += 1;
            return self.empty_pages;
        };
        // As much as this page spans the one that is asked for next will span, too.
        self.guess = Guess::after(&self.position, last.key()).and_then(|guess| guess.next());
        last.key().clone_into(&mut self.position);
        let key_bytes: usize = page.items.iter().map(|item| item.key().len()).sum();
        self.pages.push_back(Held { page, weight: 1 + key_bytes / HELD_KEY_BYTES });
        self.pages_seen += 1;
        self.empty_pages = 0;
        0
    }
}
