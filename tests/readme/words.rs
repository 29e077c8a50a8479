//! `docs/reference.md` has every word that `--json` may print, and no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::{REFERENCE, first_column, section};

/// Where words are that no command prints: what was typed, and what tests write down.
const ELSEWHERE: [&str; 3] = ["arguments", "memory", "fakes"];

/// Returns the words in the functions of a source that give a thing its word.
fn words(source: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for (start, _) in source.match_indices("    pub fn word(") {
        let body = &source[start..];
        let body = &body[..body.find("\n    }\n").unwrap_or(body.len())];
        words.extend(body.split('"').skip(1).step_by(2).map(str::to_owned));
    }
    words
}

/// Adds the words of all sources in a folder, and below it.
fn add_words(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if ELSEWHERE.contains(&&*name) {
            continue;
        }
        if path.is_dir() {
            add_words(&path, found);
        } else {
            found.extend(words(&fs::read_to_string(&path).unwrap_or_default()));
        }
    }
}

#[test]
fn the_words_of_json_are_those_of_the_sources() {
    let mut found = BTreeSet::new();
    add_words(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 50, "{found:?}");
    let json = section(REFERENCE, "## JSON");
    let missing: Vec<_> =
        found.iter().filter(|word| !json.contains(&format!("`{word}`"))).collect();
    assert_eq!(missing, Vec::<&String>::new());
    let described = first_column(section(REFERENCE, "#### Words of JSON"));
    assert_eq!(described.difference(&found).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn the_rule_sees_words() {
    let source = "impl A {\n    pub fn word(self) -> &'static str {\n        match self {\n            \
                  A::B => \"one\",\n            _ => \"two\",\n        }\n    }\n    \"three\"\n}";
    assert_eq!(words(source), BTreeSet::from(["one", "two"].map(str::to_owned)));
}
