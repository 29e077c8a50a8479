//! Everything that reads bytes of somebody else, fed with bytes of everybody else.
//!
//! Each target (`fuzz/targets/`) holds what lsync makes of an input against an oracle of its own.
//! Here it gets the inputs of `fixtures/fuzz/` and a fixed number of others that are made of them;
//! the same targets run under libFuzzer, which learns what leads where, for as long as one likes:
//!
//! ```text
//! LSYNC_FUZZ_CASES=1000000 cargo test --test fuzz                 a longer run of all
//! LSYNC_FUZZ_FIRST=5000 LSYNC_FUZZ_CASES=1 cargo test --test fuzz database     one case again
//!
//! cargo install cargo-fuzz
//! mkdir -p tests/fuzz/corpus/database
//! cargo +nightly fuzz run --fuzz-dir tests/fuzz -s none database \
//!     tests/fuzz/corpus/database fixtures/fuzz/database
//! ```
//!
//! Without a nightly toolchain `RUSTC_BOOTSTRAP=1 cargo fuzz …` does the same. What libFuzzer finds
//! is made small (`cargo fuzz tmin`) and joins `fixtures/fuzz/` under the name of what it shows.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "fuzz/git.rs"]
mod git;
#[path = "fuzz/mutate.rs"]
mod mutate;
#[path = "fuzz/targets/mod.rs"]
mod targets;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use mutate::Source;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// Reads the checked-in inputs of a target.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fuzz").join(name);
    let mut files: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Feeds a target with its corpus and with `cases` inputs that are made of it.
fn fuzz(name: &str, target: fn(&[u8]), words: &[&str], cases: u64) {
    let samples = corpus(name);
    let feed = |input: &[u8], what: &str| {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(input))) {
            let why = panic.downcast_ref::<String>().map_or("see above", String::as_str);
            panic!("{name}, {what}: {why}\n{}", input.escape_ascii());
        }
    };
    for sample in &samples {
        feed(sample, "an input of fixtures/fuzz");
    }
    let source = Source { samples: &samples, words };
    let first = number("LSYNC_FUZZ_FIRST").unwrap_or(0);
    for seed in first..first + number("LSYNC_FUZZ_CASES").unwrap_or(cases) {
        feed(&source.input(seed), &format!("LSYNC_FUZZ_FIRST={seed}"));
    }
}

const ROW_WORDS: &[&str] = &[
    "- {path: \"",
    "\", size: ",
    ", mtime: ",
    ", ctime: ",
    ", inode: ",
    ", etag: \"",
    ", version: \"",
    "9e107d9d372bb6826bd81d3542a419d6\"",
    ", stored: 3",
    ", md5: version",
    ", part_md5s: \"0cc175b9c0f1b6a831c399e269772661-3\"",
    ", crc64: \"00000000000000ff\"",
    ", crc32c: \"000000ff\"",
    ", properties: {\"a\": \"b\"}",
    "\"}",
    ", gone: true}",
    "- {lsync: 1, remote: \"s3://team-files/docs\", endpoint: \"https://s3.example.org\"}",
    "- {lsync: 2, remote: \"s3://team-files/docs\", endpoint: \"https://s3.example.org\"}",
    " # 5c1d09e2",
    "\n",
    "\n%%\n",
    "\\n",
    "\\x00",
    "\\u2028",
    "'",
    "\"path\":",
    "path: ",
    "&a ",
    "*a",
    "!!str ",
    "? ",
    "<<: ",
    "---",
    "\u{feff}",
    "\r",
    "\"W/",
    "\\\"",
];

#[test]
fn the_database_shows_what_its_lines_say() {
    fuzz("database", targets::database::target, ROW_WORDS, 1_500);
}

#[test]
fn a_damaged_journal_loses_rows_and_changes_none() {
    fuzz("damage", targets::damage::target, &[], 4_000);
}

#[test]
fn the_config_says_the_same_when_it_was_written_again() {
    let words = [
        "version: 1\n",
        "remote:\n",
        "  url: ",
        "s3://",
        "file:///",
        "path_style: true\n",
        "trash_size: ",
        "max_delete: ",
        "10GiB",
        "25%",
        "!!str ",
        "&a ",
        "*a",
        "null",
        "~",
        "\"",
        "'",
        "|\n",
        "store: ",
        "? ",
    ];
    fuzz("config", targets::config::target, &words, 6_000);
}

#[test]
fn keys_become_paths_that_lead_nowhere_else() {
    let words = [
        "/",
        "//",
        "..",
        ".",
        "/../",
        "./",
        "\0",
        ".lsync",
        "LSYNC~1",
        ".lsync/probe/",
        "\u{200c}",
        "\u{ad}",
        "ſ",
        "K",
        ":",
        " ",
        "\\",
        "\n",
        "é",
        "e\u{301}",
    ];
    fuzz("keys", targets::keys::target, &words, 60_000);
}

#[test]
fn a_listing_without_an_error_is_whole() {
    let words = [
        "<Contents>",
        "</Contents>",
        "<Key>",
        "</Key>",
        "<Key>p/a</Key>",
        "<Size>1</Size>",
        "<ETag>&quot;x&quot;</ETag>",
        "<IsTruncated>true</IsTruncated>",
        "<IsTruncated>false</IsTruncated>",
        "<NextContinuationToken>t</NextContinuationToken>",
        "<EncodingType>url</EncodingType>",
        "<KeyCount>1</KeyCount>",
        "</ListBucketResult>",
        "<!-- -->",
        "<![CDATA[",
        "]]>",
        "&#10;",
        "&amp;",
        "%2F",
        "+",
        "\u{fffd}",
        "\n%%\n",
    ];
    fuzz("listing", targets::listing::target, &words, 1_200);
}

#[test]
fn rules_ignore_what_git_ignores() {
    let words = [
        "*",
        "**",
        "?",
        "[",
        "]",
        "[!",
        "[^",
        "-",
        "\\",
        "/",
        "**/",
        "/**",
        "!",
        "#",
        " ",
        "\n",
        "a",
        "b",
        "é",
        "{",
        "}",
        ",",
        "[:alpha:]",
        "[[:space:]",
        "\r",
        "\n%%\n",
        "a/b",
        ".",
    ];
    fuzz("ignore", targets::ignore::target, &words, 1_200);
}

#[test]
fn whatever_a_list_of_the_trash_says_nothing_is_lost() {
    let words = [
        "- {number: ",
        ", path: \"",
        "\"docs/b.txt\"",
        ", side: local",
        ", side: bucket",
        ", why: replaced",
        ", slot: \"local/a\"",
        ", slot: \"../../config.yaml\"",
        ", top: \"disk\"",
        ", version: \"v\"",
        ", etag: \"e\"",
        ", known: true",
        ", staged: {kind: file, inode: 1, size: 2, mtime: 3}",
        ", expected: {kind: folder, inode: 1, size: 2, mtime: 3}",
        "}\n",
        "- {done: 1}\n",
        "- {void: 1}\n",
        "- {keep: 1}\n",
        "- {finished: true}\n",
        "- {lsync: 2}\n",
        "..",
        "/",
        ".lsync",
    ];
    fuzz("trash", targets::trash::target, &words, 1_500);
}
