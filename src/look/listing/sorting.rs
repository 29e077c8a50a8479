//! Puts keys that a store lists folder by folder into the byte order of keys.
//!
//! Names that go on behind that of a folder (`a.b` beside `a/`) come behind all of its keys and belong
//! before them. So the keys of a folder wait until no such name can come any more: memory holds the
//! largest folder beside which only smaller names were listed, at worst everything.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::remote::Listed;

/// Keys that wait for smaller ones.
#[derive(Default)]
pub(super) struct KeySorter {
    waiting: BinaryHeap<Reverse<ByKey>>,
    /// The key that came last.
    latest: String,
    /// No further key comes.
    is_complete: bool,
}

impl KeySorter {
    /// Takes the next keys, in the order of folders.
    pub(super) fn take_in(&mut self, items: Vec<Listed>) {
        if let Some(last) = items.last() {
            last.key().clone_into(&mut self.latest);
        }
        self.waiting.extend(items.into_iter().map(|item| Reverse(ByKey(item))));
    }

    /// Says that no further key comes.
    pub(super) fn complete(&mut self) {
        self.is_complete = true;
    }

    /// Returns up to `most` keys, in byte order, before which none can come any more.
    pub(super) fn settled(&mut self, most: usize) -> Vec<Listed> {
        let mut settled = Vec::new();
        while settled.len() < most
            && let Some(Reverse(first)) = self.waiting.peek()
            && (self.is_complete || is_settled(first.0.key(), &self.latest))
        {
            settled.extend(self.waiting.pop().map(|Reverse(first)| first.0));
        }
        settled
    }
}

/// Tells whether no key that comes behind `latest` in the order of folders is smaller than `key`, which
/// came before it.
///
/// One that is has, where `key` goes on with `/`, a smaller character, and the same before it. These
/// come while `latest` goes on there with `/` or such a character.
fn is_settled(key: &str, latest: &str) -> bool {
    key.match_indices('/').all(|(at, _)| {
        let rest = latest.strip_prefix(&key[..at]);
        rest.is_none_or(|rest| rest.bytes().next().is_some_and(|next| next > b'/'))
    })
}

/// An item, compared by its key.
struct ByKey(Listed);

impl Ord for ByKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.key().cmp(other.0.key())
    }
}

impl PartialOrd for ByKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for ByKey {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::remote::ListingOrder;
    use crate::tree::PathError;

    fn items(keys: &[String]) -> Vec<Listed> {
        let odd =
            |key: &String| Listed::Odd { key: key.clone(), reason: PathError::Folder, size: 0 };
        keys.iter().map(odd).collect()
    }

    /// Sorts keys that come `at_once`; returns them, and how many waited at most.
    fn sorted(mut keys: Vec<String>, at_once: usize) -> (Vec<String>, usize) {
        keys.sort_by(|one, other| ListingOrder::Folders.compare(one, other));
        let (mut sorter, mut came_out, mut most) = (KeySorter::default(), Vec::new(), 0);
        let mut take = |sorter: &mut KeySorter| {
            loop {
                let settled = sorter.settled(2);
                if settled.is_empty() {
                    break;
                }
                came_out.extend(settled.iter().map(|item| item.key().to_owned()));
            }
        };
        for page in keys.chunks(at_once) {
            sorter.take_in(items(page));
            take(&mut sorter);
            most = most.max(sorter.waiting.len());
        }
        sorter.complete();
        take(&mut sorter);
        (came_out, most)
    }

    proptest! {
        #[test]
        fn keys_come_out_in_byte_order_however_they_came(
            keys in prop::collection::btree_set("[-.0a/é]{1,6}", 0..60),
            at_once in 1_usize..9,
        ) {
            let keys: Vec<String> = keys.into_iter().collect();
            prop_assert_eq!(sorted(keys.clone(), at_once).0, keys);
        }
    }

    #[test]
    fn a_folder_waits_for_the_names_beside_it_and_no_longer() {
        let mut keys: Vec<String> = (0..100).map(|number| format!("a/{number:03}")).collect();
        keys.extend((0..100).map(|number| format!("b/{number:03}")));
        let (_, most) = sorted(keys, 1);
        assert_eq!(most, 100);
        let flat: Vec<String> = (0..100).map(|number| format!("{number:03}.txt")).collect();
        assert_eq!(sorted(flat, 1).1, 0);
    }
}
