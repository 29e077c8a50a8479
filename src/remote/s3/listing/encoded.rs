//! Keys as `encoding-type=url` spells them, which no specification says exactly.
//!
//! AWS and `MinIO` write a blank as `+`, Ceph, moto and Swift as `%20`, `SeaweedFS` 4.48 as `%20` in folders and
//! as `+` in the last name; all of these write `+` as `%2B`. A store that leaves a `+` alone is not known,
//! and cannot be excluded.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::page::RawPage;

/// What stores written in Go put in the place of what XML cannot hold.
const REPLACEMENT: char = '\u{fffd}';

/// Decodes the keys of a page; a `+` is a blank, or itself.
pub(super) fn decode(page: &RawPage, plus_is_blank: bool) -> RawPage {
    let mut page = page.clone();
    for item in &mut page.items {
        item.key = decode_key(&item.key, plus_is_blank);
    }
    page
}

/// Decodes a key; a `+` is a blank, or itself. What is no UTF-8 keeps its spelling: no path can have it.
pub(super) fn decode_key(key: &str, plus_is_blank: bool) -> String {
    let spelt = if plus_is_blank { key.replace('+', " ") } else { key.to_owned() };
    percent_decode_str(&spelt).decode_utf8().map_or_else(|_| key.to_owned(), Cow::into_owned)
}

/// Returns the place of a key of which the page itself does not tell what its `+` means; `None` where there
/// is none, or a `%2B` shows that a `+` is not written so.
pub(super) fn undecided(page: &RawPage) -> Option<usize> {
    let spells_plus = |key: &str| key.contains("%2B") || key.contains("%2b");
    if page.items.iter().any(|item| spells_plus(&item.key)) {
        return None;
    }
    page.items.iter().position(|item| item.key.contains('+'))
}

/// Tells whether the plain form of a page names the same keys, as far as it can be read.
pub(super) fn agree(plain: &RawPage, decoded: &RawPage) -> bool {
    plain.items.len() == decoded.items.len()
        && plain.items.iter().zip(&decoded.items).all(|(plain, decoded)| {
            plain.key == decoded.key || is_garbled(&plain.key, &decoded.key)
        })
}

/// Tells whether a text is another one with characters that XML cannot hold replaced, each by one or more.
fn is_garbled(garbled: &str, key: &str) -> bool {
    let mut pieces = garbled.split(REPLACEMENT).filter(|piece| !piece.is_empty());
    if !garbled.contains(REPLACEMENT) {
        return false;
    }
    let mut rest = key;
    let mut is_first = !garbled.starts_with(REPLACEMENT);
    let found_all = pieces.all(|piece| {
        let at = if std::mem::take(&mut is_first) {
            rest.starts_with(piece).then_some(0)
        } else {
            rest.find(piece)
        };
        at.map(|at| rest = &rest[at + piece.len()..]).is_some()
    });
    found_all && (garbled.ends_with(REPLACEMENT) || rest.is_empty() || ends_with_last(garbled, key))
}

/// Tells whether a key ends as its garbled form does.
fn ends_with_last(garbled: &str, key: &str) -> bool {
    garbled.rsplit(REPLACEMENT).next().is_some_and(|last| key.ends_with(last))
}

#[cfg(test)]
mod tests {
    use super::super::page::RawItem;
    use super::*;

    fn page(keys: &[&str]) -> RawPage {
        let item = |key: &&str| RawItem { key: (*key).to_owned(), ..RawItem::default() };
        RawPage { items: keys.iter().map(item).collect(), encoded: true, ..RawPage::default() }
    }

    fn keys(page: RawPage) -> Vec<String> {
        page.items.into_iter().map(|item| item.key).collect()
    }

    #[test]
    fn encoded_keys_are_decoded_to_the_exact_bytes() {
        for (spelt, blank, plus) in [
            ("a+b", "a b", "a+b"),
            ("a%2Bb", "a+b", "a+b"),
            ("a%2Fb", "a/b", "a/b"),
            ("%C3%A9t%c3%a9", "été", "été"),
            ("a%0Ab%01", "a\nb\u{1}", "a\nb\u{1}"),
            ("100%25", "100%", "100%"),
            ("%FF", "%FF", "%FF"),
            ("a%20b/c+d%2Be", "a b/c d+e", "a b/c+d+e"),
        ] {
            assert_eq!(keys(decode(&page(&[spelt]), true)), [blank]);
            assert_eq!(keys(decode(&page(&[spelt]), false)), [plus]);
        }
    }

    #[test]
    fn what_a_plus_means_is_told_by_a_plus_that_is_spelt_out() {
        assert_eq!(undecided(&page(&["a%20b", "a%01"])), None);
        assert_eq!(undecided(&page(&["a+b", "a%2Bb"])), None);
        assert_eq!(undecided(&page(&["c", "a%20b/a+b"])), Some(1));
    }

    #[test]
    fn both_forms_of_a_page_must_name_the_same_keys() {
        let fits = |plain: &[&str], decoded: &[&str]| agree(&page(plain), &page(decoded));
        assert!(fits(&["a", "b\u{fffd}c", "\u{fffd}"], &["a", "b\u{1}c", "\u{1f}"]));
        assert!(fits(&["\u{fffd}b\u{fffd}b"], &["\u{1}b\u{2}b"]));
        assert!(fits(&["a\u{fffd}\u{fffd}"], &["a\u{fffe}"]));
        for (plain, decoded) in [
            (&["a"][..], &["a", "b"][..]),
            (&["a"], &["b"]),
            (&["a b"], &["a+b"]),
            (&["b\u{fffd}c"], &["b\u{1}d"]),
            (&["b\u{fffd}c"], &["xb\u{1}c"]),
            (&["b\u{fffd}c"], &["b\u{1}cx"]),
            (&["\u{fffd}a"], &["b"]),
        ] {
            assert!(!fits(plain, decoded), "{plain:?} {decoded:?}");
        }
    }
}
