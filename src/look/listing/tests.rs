use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::guess::Guess;
use super::ranges::{HELD_PAGES_MAX, KeyRanges, LANES_MAX, Place, Request};
use crate::remote::{Listed, Page};
use crate::tree::PathError;

/// How many pages a million keys fill.
const PAGES: usize = 1_000;

/// Keys a page where a test needs many pages: only the number of pages counts.
const PAGE_KEYS: usize = 20;

/// 5 s of 50 ms each.
const ROUNDS_MAX: usize = 100;

/// CPU that a page takes, in microseconds: 3.7 s for 1,700 (measured with `benches/listing`).
const PAGE_MICROSECONDS: u64 = 2_200;

/// A store that answers each request with so many keys.
struct Store {
    keys: Vec<String>,
    page_keys: usize,
}

impl Store {
    fn new(keys: impl IntoIterator<Item = String>, page_keys: usize) -> Self {
        let keys: BTreeSet<String> = keys.into_iter().collect();
        Self { keys: keys.into_iter().collect(), page_keys }
    }

    fn page(&self, prefix: &str, request: &Request) -> Page {
        let from = match &request.place {
            Place::Beginning => self.keys.partition_point(|key| key.as_str() < prefix),
            Place::Behind(place) | Place::Next(place) => {
                assert!(place.starts_with(prefix), "{place:?} is not below {prefix:?}");
                self.keys.partition_point(|key| key <= place)
            }
        };
        let mut keys = self.keys[from..].iter().take_while(|key| key.starts_with(prefix));
        let reason = PathError::Folder;
        let listed = |key: &String| Listed::Odd { key: key.clone(), reason, size: 0 };
        let items: Vec<_> = keys.by_ref().take(self.page_keys).map(listed).collect();
        let next = keys.next().and(items.last()).map(|item| item.key().to_owned());
        Page { items, next }
    }

    /// What a database knows of the keys.
    fn landmarks(&self) -> Vec<String> {
        let every = self.keys.iter().skip(self.page_keys - 1).step_by(self.page_keys);
        every.filter(|key| Some(*key) != self.keys.last()).cloned().collect()
    }
}

/// What a listing took.
#[derive(Debug, Default, PartialEq, Eq)]
struct Cost {
    /// Requests, of which those that run together count once.
    rounds: usize,
    requests: usize,
}

/// Lists with answers that take equally long, and checks what comes.
fn list(store: &Store, landmarks: Vec<String>) -> Cost {
    let mut ranges = KeyRanges::new("", landmarks, true);
    let (mut cost, mut listed) = (Cost::default(), 0);
    loop {
        let asked: Vec<_> = std::iter::from_fn(|| ranges.next_request()).collect();
        if asked.is_empty() {
            assert_eq!(listed, store.keys.len(), "all keys came");
            return cost;
        }
        cost.rounds += 1;
        cost.requests += asked.len();
        for request in &asked {
            ranges.answer(request.range, store.page("", request));
        }
        while let Some(page) = ranges.take() {
            let expected = &store.keys[listed..listed + page.items.len()];
            assert!(page.items.iter().map(Listed::key).eq(expected), "in order, each once");
            listed += page.items.len();
        }
    }
}

/// How long a listing takes in microseconds, where each answer takes 50 ms and up to `spread` more, and
/// each page then keeps the one thread that there is busy: answers come one by one.
fn microseconds(store: &Store, landmarks: Vec<String>, spread: u64) -> u64 {
    let mut ranges = KeyRanges::new("", landmarks, true);
    let (mut coming, mut asked) = (BTreeMap::new(), 0);
    let mut now = 0;
    loop {
        while let Some(request) = ranges.next_request() {
            asked += 1;
            coming.insert((now + 50_000 + asked * 7_919 % (spread + 1), asked), request);
        }
        let Some(((at, _), request)) = coming.pop_first() else {
            assert!(ranges.is_over());
            return now;
        };
        now = now.max(at) + PAGE_MICROSECONDS;
        ranges.answer(request.range, store.page("", &request));
        while ranges.take().is_some() {}
    }
}

/// Returns the decimal digits of a number as text of so many places.
fn digits(number: usize, places: usize) -> String {
    format!("{number:0places$}")
}

/// The shapes that a bucket of a thousand pages may have.
fn shapes() -> Vec<(&'static str, Store)> {
    let count = PAGES * PAGE_KEYS;
    let store = |key: &dyn Fn(usize) -> String| Store::new((0..count).map(key), PAGE_KEYS);
    let deep = |number| {
        let digits = digits(number, 5).chars().map(String::from).collect::<Vec<_>>();
        format!("year/{}", digits.join("/part-"))
    };
    let full = Store::new(
        (0..10 * PAGES).map(|number| {
            let digits = digits(number, 4).chars().map(String::from).collect::<Vec<_>>();
            format!("year/{}", digits.join("/part-"))
        }),
        10,
    );
    let prefixes = ["audio", "backup", "docs", "export", "film", "images", "logs", "music", "z"];
    let unequal = |number: usize| {
        // The second has twice the keys of the first, the third four times as many, and so on.
        let prefix = (number / 200 + 1).ilog2() as usize;
        format!("{}/{}.dat", prefixes.get(prefix).unwrap_or(&"zip"), digits(number, 7))
    };
    let hash =
        |number: usize| format!("{:016x}.bin", (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    vec![
        ("one flat folder", store(&|number| format!("photos/img_{}.jpg", digits(number, 6)))),
        ("a flat folder of plain numbers", store(&|number| format!("photos/{number}"))),
        ("a flat folder of hashes", store(&hash)),
        ("ten unequal prefixes", store(&unequal)),
        (
            "folders in a folder",
            store(&|number| {
                format!("f-{}/{}", digits(number / 1_000, 3), digits(number % 1_000, 3))
            }),
        ),
        ("a deep tree", store(&deep)),
        ("a deep tree whose pages end with a folder", full),
    ]
}

#[test]
fn in_the_model_a_million_keys_take_six_seconds_at_fifty_milliseconds_a_page() {
    for (name, store) in shapes() {
        let known = list(&store, store.landmarks());
        assert_eq!(known.requests, PAGES, "{name}, with a database");
        assert!(known.rounds <= 50, "{name}, with a database: {known:?}");
        let unknown = list(&store, Vec::new());
        assert!(unknown.rounds <= ROUNDS_MAX, "{name}: {unknown:?}");
        assert!(unknown.requests <= 2 * PAGES, "{name}: {unknown:?}");
        for (spread, most) in [(0, 5_500_000), (5_000, 6_000_000)] {
            let known = microseconds(&store, store.landmarks(), spread);
            assert!(known < 3_000_000, "{name}, with a database: {known} µs");
            let unknown = microseconds(&store, Vec::new(), spread);
            assert!(unknown < most, "{name}: {unknown} µs");
        }
    }
}

#[test]
fn few_pages_cost_no_request_more_than_one_after_the_other() {
    for pages in 1..=8 {
        let store = Store::new((0..pages * PAGE_KEYS).map(|it| digits(it, 9)), PAGE_KEYS);
        let unknown = list(&store, Vec::new());
        assert_eq!(unknown, Cost { rounds: pages, requests: pages });
        assert_eq!(list(&store, store.landmarks()).requests, pages);
    }
}

#[test]
fn rows_of_a_bucket_that_has_become_empty_cost_few_requests() {
    let before = Store::new((0..PAGES * PAGE_KEYS).map(|it| digits(it, 9)), PAGE_KEYS);
    for pages in 0..=2 {
        let after = Store::new((0..pages * PAGE_KEYS).map(|it| digits(it, 9)), PAGE_KEYS);
        assert!(list(&after, before.landmarks()).requests <= pages + 2, "{pages}");
    }
}

#[test]
fn what_has_grown_by_one_key_a_page_costs_one_request_more_a_page() {
    let before = Store::new((0..PAGES * PAGE_KEYS).map(|it| digits(it, 9)), PAGE_KEYS);
    let more = (0..PAGES).map(|it| format!("{}-new", digits(it * PAGE_KEYS, 9)));
    let after = Store::new(before.keys.iter().cloned().chain(more), PAGE_KEYS);
    assert!(list(&after, before.landmarks()).requests <= 2 * PAGES);
}

#[test]
fn names_that_nobody_can_count_are_listed_one_page_after_the_other() {
    let keys = (0..400_u32).filter_map(|it| char::from_u32(0x4e00 + it)).map(String::from);
    let store = Store::new(keys, PAGE_KEYS);
    assert_eq!(list(&store, Vec::new()), Cost { rounds: 20, requests: 20 });
}

#[test]
fn cuts_go_up_by_what_a_page_spans_and_then_by_ones_further_to_the_left() {
    let cuts = |before: &str, last: &str| -> Vec<String> {
        let begun = Guess::after(before, last).and_then(|guess| guess.next());
        let cuts = std::iter::successors(begun, Guess::next).take(4);
        cuts.map(|guess| guess.text().unwrap().to_owned()).collect()
    };
    for (before, last, expected) in [
        ("img_000000", "img_000299", ["img_0004", "img_0006", "img_0008", "img_001"]),
        ("img_0004", "img_000699", ["img_0008", "img_001", "img_002", "img_003"]),
        ("a/b/v", "a/b/y", ["a/c", "a/d", "a/e", "a/f"]),
        ("2025/12/07", "2025/12/08", ["2025/12/09", "2025/12/1", "2025/12/2", "2025/12/3"]),
        ("f-28/x9", "f-29/x1", ["f-3", "f-4", "f-5", "f-6"]),
        ("e-8", "e-9/x", ["f", "g", "h", "i"]),
        ("07a8b9c0", "09f1a2b3", ["0b", "0d", "0f", "1"]),
        ("a/ö1", "a/ü1", ["b", "c", "d", "e"]),
    ] {
        assert_eq!(cuts(before, last), expected, "from {before} to {last}");
    }
    for (before, last) in [("ö", "ü"), ("a", "a"), ("9", "9-"), ("y/z", "z/z")] {
        assert_eq!(cuts(before, last), [] as [&str; 0], "from {before} to {last}");
    }
}

/// Lists a store that lies about the ranges; returns what comes, in the end one page after the other.
fn list_lying(
    store: &Store,
    landmarks: Vec<String>,
    lie: impl Fn(&Request, &mut Page),
) -> Vec<String> {
    let mut ranges = KeyRanges::new("", landmarks, true);
    let (mut listed, mut gave_up) = (Vec::new(), false);
    loop {
        let asked: Vec<_> = std::iter::from_fn(|| ranges.next_request()).collect();
        if asked.is_empty() {
            assert!(gave_up, "nobody noticed");
            return listed;
        }
        for request in &asked {
            let mut page = store.page("", request);
            lie(request, &mut page);
            ranges.answer(request.range, page);
        }
        if ranges.is_contradicted() {
            gave_up |= ranges.give_up_splitting();
        }
        while let Some(page) = ranges.take() {
            listed.extend(page.items.iter().map(|item| item.key().to_owned()));
        }
    }
}

#[test]
fn a_range_that_ends_too_early_is_contradicted_by_the_ones_behind_it() {
    let store = Store::new((0..1_000).map(|it| digits(it, 4)), PAGE_KEYS);
    let listed = list_lying(&store, store.landmarks(), |request, page| {
        if matches!(&request.place, Place::Behind(key) if key == "0299") {
            page.items.truncate(3);
            page.next = None;
        }
    });
    assert_eq!(listed, store.keys);
}

#[test]
fn a_range_that_skips_its_first_key_is_contradicted_by_the_one_before_it() {
    // Landmarks are gone since they were known, so that pages reach beyond their ranges: there stores
    // have skipped a key (MinIO issue 21463).
    let before = Store::new((0..1_000).map(|it| digits(it, 4)), PAGE_KEYS);
    let gone = before.landmarks();
    let keys = before.keys.iter().filter(|key| !gone.contains(key)).cloned();
    let store = Store { keys: keys.collect(), page_keys: PAGE_KEYS };
    let listed = list_lying(&store, gone.clone(), |request, page| {
        if matches!(&request.place, Place::Behind(key) if *key == gone[20]) {
            page.items.remove(0);
        }
    });
    assert_eq!(listed, store.keys);
}

#[test]
fn a_listing_goes_on_behind_keys_and_not_by_tokens() {
    let store = Store::new((0..100).map(|it| digits(it, 4)), PAGE_KEYS);
    let mut ranges = KeyRanges::new("", Vec::new(), true);
    let first = ranges.next_request().unwrap();
    ranges.answer(first.range, store.page("", &first));
    assert_eq!(ranges.next_request().unwrap().place, Place::Behind("0019".to_owned()));
}

#[test]
fn pages_of_long_keys_count_for_more() {
    let waiting = |key_bytes| {
        let key = |number| digits(number, 4) + &"x".repeat(key_bytes);
        let store = Store::new((0..200).map(key), 1);
        let mut ranges = KeyRanges::new("", store.landmarks(), true);
        let (mut asked, mut held) = (Vec::new(), 0);
        loop {
            asked.extend(std::iter::from_fn(|| ranges.next_request()));
            // What the first range is asked for after its first page never comes.
            asked.sort_by_key(|request: &Request| request.range);
            if asked.len() < 2 && held > 0 {
                return held;
            }
            let request = asked.pop().unwrap();
            ranges.answer(request.range, store.page("", &request));
            held += 1;
        }
    };
    assert_eq!(waiting(0), HELD_PAGES_MAX - 1, "and one that is asked for");
    let long = waiting(128 << 10);
    assert!((HELD_PAGES_MAX / 2..=HELD_PAGES_MAX / 2 + LANES_MAX).contains(&long), "{long}");
}

/// Texts of a few bytes, so that they meet and begin with each other.
fn text() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[a-c/0-3é]{0,4}").unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..<_>::default() })]

    #[test]
    fn every_key_comes_once_and_in_order_however_the_keys_are_cut(
        keys in prop::collection::vec(text(), 0..150),
        others in prop::collection::vec(text(), 0..20),
        prefix in prop_oneof![Just(""), Just("a"), Just("b/")],
        page_keys in 1..6_usize,
        (splits, gives_up_after) in (any::<bool>(), prop::option::of(1..30_usize)),
        choices in prop::collection::vec(any::<prop::sample::Index>(), 1..50),
    ) {
        let store = Store::new(keys.iter().filter(|key| !key.is_empty()).cloned(), page_keys);
        let landmarks: BTreeSet<_> = store.landmarks().into_iter().chain(others).collect();
        let mut ranges = KeyRanges::new(prefix, landmarks.into_iter().collect(), splits);
        let mut choices = choices.iter().cycle();
        let (mut asked, mut listed, mut answers) = (Vec::new(), Vec::new(), 0);
        loop {
            asked.extend(std::iter::from_fn(|| ranges.next_request()));
            let lanes = if splits { LANES_MAX } else { 1 };
            prop_assert!(asked.len() <= lanes);
            if asked.is_empty() && !ranges.has_page() {
                break;
            }
            // Answers come in any order, and whoever merges takes pages when it likes.
            let choice = choices.next().unwrap();
            if ranges.has_page() && (asked.is_empty() || choice.index(2) == 0) {
                let page = ranges.take().unwrap();
                prop_assert!(!page.items.is_empty() && page.items.len() <= page_keys);
                listed.extend(page.items.iter().map(|item| item.key().to_owned()));
                continue;
            }
            let request = asked.swap_remove(choice.index(asked.len()));
            answers += 1;
            if gives_up_after == Some(answers) && ranges.give_up_splitting() {
                continue;
            }
            ranges.answer(request.range, store.page(prefix, &request));
        }
        prop_assert!(!ranges.is_contradicted());
        let expected = store.keys.into_iter().filter(|key| key.starts_with(prefix));
        prop_assert_eq!(listed, expected.collect::<Vec<_>>());
    }

    #[test]
    fn what_waits_is_bounded_whatever_comes_first(
        page_keys in 1..4_usize,
        choices in prop::collection::vec(any::<prop::sample::Index>(), 1..50),
    ) {
        let store = Store::new((0..600).map(|it| digits(it, 4)), page_keys);
        let mut ranges = KeyRanges::new("", store.landmarks(), true);
        let (mut asked, mut held, mut listed) = (Vec::new(), 0, 0);
        let mut choices = choices.iter().cycle();
        loop {
            asked.extend(std::iter::from_fn(|| ranges.next_request()));
            let waiting = held + asked.len();
            prop_assert!(waiting <= HELD_PAGES_MAX + 1, "{held} of {waiting} pages are held");
            // The first range is always the last to be answered.
            asked.sort_by_key(|request: &Request| request.range);
            let (Some(last), Some(choice)) = (asked.len().checked_sub(1), choices.next()) else { break };
            let request = asked.remove(last.min(1 + choice.index(last + 1)));
            ranges.answer(request.range, store.page("", &request));
            held += 1;
            while let Some(page) = ranges.take() {
                (held, listed) = (held - 1, listed + page.items.len());
            }
        }
        prop_assert_eq!(listed, 600);
    }
}
