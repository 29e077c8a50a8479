//! Listings.

use lsync::remote::{Condition, Listed, Reads as _, Writes as _};
use lsync::tree::PathError;

use super::benches::{Bench, create, keys, pages, path, put};

pub async fn an_empty_bucket_lists_nothing(bench: impl Bench) {
    let remote = bench.remote();
    let page = remote.list("", None, 1000).await.expect("a listing");
    assert!(page.items.is_empty() && page.next.is_none(), "{page:?}");
    let page = remote.list("none/", None, 1000).await.expect("a listing");
    assert!(page.items.is_empty() && page.next.is_none(), "{page:?}");
}

pub async fn a_thousand_and_one_keys_come_in_pages(bench: impl Bench) {
    let remote = bench.remote();
    let mut expected: Vec<String> = (0..1001).map(|n| format!("d{}/f{n}", n % 7)).collect();
    for key in &expected {
        assert!(bench.somebody_puts(key, b"x"));
    }
    expected.sort_unstable();
    let pages = pages(&*remote, "", 1000).await;
    assert!(pages.len() > 1);
    let items = pages.iter().flat_map(|page| &page.items);
    assert_eq!(items.map(Listed::key).collect::<Vec<_>>(), expected);
}

pub async fn keys_come_in_byte_order_whatever_the_page(bench: impl Bench) {
    let remote = bench.remote();
    let mut expected = vec![
        "A",
        "a-b",
        "a.b",
        "a/b",
        "a/b-c",
        "a/c/d",
        "a0",
        "aé",
        "b",
        "é",
        "\u{fffd}",
        "\u{1f600}",
    ];
    if remote.capabilities().file_beside_folder {
        expected.push("a");
        expected.push("a/c");
    }
    expected.sort_unstable();
    for key in expected.iter().rev() {
        create(&*remote, key, "x").await;
    }
    for limit in [1000, 5, 2, 1] {
        assert_eq!(keys(&*remote, "", limit).await, expected, "in pages of {limit}");
    }
}

pub async fn odd_names_come_back_byte_by_byte(bench: impl Bench) {
    let remote = bench.remote();
    let mut names = vec![
        "#?%+&<>\"'",
        "new\nline",
        "re\rturn",
        "tab\t",
        "\u{1}",
        "\u{7f}",
        "nfc/\u{e9}",
        "nfd/e\u{301}",
        " blank ",
        "-rf",
        "--",
        "%41",
        "%2F",
        "a+b",
        "back\\slash",
        "semi;colon",
        "x=y",
        "*~_!$()@,",
        "[{}]|^`",
        "...",
        "a/ /b",
        "日本語",
        "x:y",
        ".hidden",
        "~",
    ];
    names.sort_unstable();
    for name in &names {
        let stored = create(&*remote, name, name.as_bytes().to_vec()).await;
        let head = remote.head(&path(name)).await.expect("what was just stored");
        assert_eq!(head.entry.version.token, stored.token, "{name:?}");
    }
    let mut listed = Vec::new();
    for page in pages(&*remote, "", 1000).await {
        for item in page.items {
            let Listed::Object(entry) = item else { panic!("{item:?}") };
            listed.push(entry.path.as_str().to_owned());
        }
    }
    assert_eq!(listed, names);
    for name in &names {
        assert_eq!(keys(&*remote, name, 1000).await[0], *name, "as a prefix");
        let version = remote.head(&path(name)).await.expect("ours").entry.version;
        remote.delete(&path(name), &version.token).await.expect("ours");
    }
    assert_eq!(keys(&*remote, "", 1000).await, Vec::<String>::new());
}

pub async fn a_prefix_is_a_beginning_of_keys(bench: impl Bench) {
    let remote = bench.remote();
    for key in ["x/1", "x/2/3", "xyz/1", "w", "y"] {
        create(&*remote, key, "x").await;
    }
    assert_eq!(keys(&*remote, "x/", 1000).await, ["x/1", "x/2/3"]);
    assert_eq!(keys(&*remote, "x", 1).await, ["x/1", "x/2/3", "xyz/1"]);
    assert_eq!(keys(&*remote, "x/2/3", 1000).await, ["x/2/3"]);
    assert_eq!(keys(&*remote, "x/2/", 1).await, ["x/2/3"]);
    assert_eq!(keys(&*remote, "none", 1000).await, Vec::<String>::new());
}

pub async fn a_listing_begins_behind_any_text(bench: impl Bench) {
    let remote = bench.remote();
    let keys = ["a/1", "a/2+ä", "b b", "b/1", "b/2", "c"];
    for key in keys {
        create(&*remote, key, "x").await;
    }
    for (prefix, text, expected) in [
        ("", "a/1", &keys[1..]),
        ("", "a/15", &keys[1..]),
        ("", "a/2+ä", &keys[2..]),
        ("", "a/2+ä\u{1}&", &keys[2..]),
        ("", "A", &keys[..]),
        ("", "c", &[]),
        ("b/", "b/1", &keys[4..5]),
        ("b/", "b/", &keys[3..5]),
        ("b/", "b/z", &[]),
    ] {
        for limit in [1, 1000] {
            let mut next = remote.place_behind(text);
            let mut listed = Vec::new();
            while let Some(place) = next {
                let page = remote.list(prefix, Some(&place), limit).await.expect("a listing");
                listed.extend(page.items.iter().map(|item| item.key().to_owned()));
                next = page.next;
            }
            if remote.place_behind(text).is_some() {
                assert_eq!(listed, expected, "behind {text:?}");
            }
        }
    }
}

pub async fn a_remote_does_not_see_beyond_its_prefix(bench: impl Bench) {
    for key in ["x/1", "x/2/3", "xyz/1", "y"] {
        assert!(bench.somebody_puts(key, b"x"));
    }
    let Some(below) = bench.below("x").await else { return };
    assert_eq!(keys(&below, "", 1).await, ["1", "2/3"]);
    create(&below, "4", "x").await;
    let etag = below.head(&path("1")).await.expect("theirs").entry.version.token;
    below.delete(&path("1"), &etag).await.expect("theirs");
    let all = keys(&*bench.remote(), "", 1000).await;
    assert_eq!(all, ["x/2/3", "x/4", "xyz/1", "y"]);
}

pub async fn keys_that_are_no_paths_are_listed_as_odd(bench: impl Bench) {
    let remote = bench.remote();
    create(&*remote, "sound", "x").await;
    let odd = [
        ("dir/", PathError::Folder),
        ("a//b", PathError::EmptyComponent),
        ("../x", PathError::Dots),
        ("/abs", PathError::Absolute),
        ("b/./c", PathError::Dots),
        (".LSYNC/config.yaml", PathError::Control),
    ];
    let stored = odd.iter().filter(|(key, _)| bench.somebody_puts(key, b"")).collect::<Vec<_>>();
    let mut found = Vec::new();
    for page in pages(&*remote, "", 2).await {
        for item in page.items {
            match item {
                Listed::Object(entry) => assert_eq!(entry.path, path("sound")),
                Listed::Odd { key, reason, size } => {
                    assert_eq!(size, 0);
                    found.push((key, reason));
                }
                Listed::Obstacle(path) => panic!("{path} is no obstacle"),
            }
        }
    }
    let mut expected: Vec<_> = stored.iter().map(|(key, why)| ((*key).to_owned(), *why)).collect();
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(found, expected);
}

pub async fn objects_of_the_probe_are_left_out(bench: impl Bench) {
    let remote = bench.remote();
    create(&*remote, "a", "x").await;
    assert!(bench.somebody_puts(".lsync/probe/race", b"x"));
    assert_eq!(keys(&*remote, "", 1000).await, ["a"]);
    assert_eq!(keys(&*remote, "", 1).await, ["a"]);
}

pub async fn a_listing_shows_what_was_just_written(bench: impl Bench) {
    let remote = bench.remote();
    let first = create(&*remote, "a/b", "first").await;
    assert_eq!(keys(&*remote, "", 1000).await, ["a/b"]);
    let matches = Condition::Matches(first.token);
    let second = put(&*remote, "a/b", "the second", matches).await.expect("ours");
    let page = remote.list("", None, 1000).await.expect("a listing");
    let [Listed::Object(entry)] = &page.items[..] else { panic!("{page:?}") };
    assert_eq!(entry.version.token, second.token);
    assert_eq!(entry.version.size, 10);
    let head = remote.head(&path("a/b")).await.expect("ours");
    assert_eq!(head.entry.modified / 1_000_000_000, entry.modified / 1_000_000_000);
    remote.delete(&path("a/b"), &second.token).await.expect("ours");
    remote.flush().await.expect("durable");
    assert_eq!(keys(&*remote, "", 1000).await, Vec::<String>::new());
}
