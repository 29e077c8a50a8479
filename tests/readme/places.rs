//! What a document names exists: files, headings, rows.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// How the paths begin that documents name in backticks.
const FOLDERS: [&str; 6] = ["src/", "tests/", "benches/", "docs/", "fixtures/", ".ci/"];

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A document, by its path below the top.
struct Document {
    name: PathBuf,
    text: String,
}

/// Returns the documents at the top, in `docs/` and of the benchmarks.
fn documents() -> Vec<Document> {
    let mut names = vec![PathBuf::from("README.md"), PathBuf::from("ROADMAP.md")];
    names.push(PathBuf::from("benches/README.md"));
    for folder in ["docs", "docs/benchmarks"] {
        let entries = fs::read_dir(top().join(folder)).expect("the folder is there");
        let files = entries.map(|entry| Path::new(folder).join(entry.unwrap().file_name()));
        names.extend(files.filter(|name| name.extension().is_some_and(|it| it == "md")));
    }
    assert!(names.len() > 10, "{names:?}");
    let read =
        |name: PathBuf| Document { text: fs::read_to_string(top().join(&name)).unwrap(), name };
    names.into_iter().map(read).collect()
}

/// Returns the text without what stands between fences.
fn without_fences(text: &str) -> String {
    let mut is_inside = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.starts_with("```");
        is_inside ^= is_fence;
        !is_fence && !is_inside
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the paths of this repository that a text names in backticks, without what follows a blank.
fn named_paths(text: &str) -> Vec<String> {
    let text = without_fences(text);
    let words = text.split("\n\n").flat_map(|paragraph| paragraph.split('`').skip(1).step_by(2));
    let paths = words.filter_map(|word| word.split_whitespace().next());
    let is_path = |path: &&str| FOLDERS.iter().any(|folder| path.starts_with(folder));
    paths.filter(is_path).map(str::to_owned).collect()
}

/// Returns the anchors of a text's headings, as code hosts make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let text = without_fences(text);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// Returns the links of a text to headings: the file, which is empty for the text itself, and the anchor.
fn linked_headings(text: &str) -> Vec<(&str, &str)> {
    let links =
        text.match_indices("](").filter_map(|(start, _)| text[start + 2..].split(')').next());
    links.filter(|link| !link.contains("://")).filter_map(|link| link.split_once('#')).collect()
}

#[test]
fn every_path_that_a_document_names_exists() {
    let (mut count, mut missing) = (0, Vec::new());
    for document in documents() {
        for path in named_paths(&document.text) {
            count += 1;
            if !top().join(&path).exists() {
                missing.push(format!("{}: {path}", document.name.display()));
            }
        }
    }
    assert!(count > 30, "only {count} paths were found");
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_link_to_a_heading_leads_to_one() {
    let (mut count, mut missing) = (0, Vec::new());
    for Document { name, text } in documents() {
        for (file, target) in linked_headings(&text) {
            count += 1;
            let other = name.parent().unwrap_or(Path::new("")).join(file);
            let found = if file.is_empty() {
                anchors(&text)
            } else {
                anchors(&fs::read_to_string(top().join(&other)).unwrap_or_default())
            };
            if !found.contains(target) {
                missing.push(format!("{}: {file}#{target}", name.display()));
            }
        }
    }
    assert!(count > 10, "only {count} links were found");
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn the_rules_see_what_does_not_exist() {
    let text = "see `src/nothing.rs`, `tests/stores/run moto`, `lsync` and `a/src/b`\n\n\
                one `odd paragraph\n\n`docs/none.md`\n\n```\n`src/in a fence`\n```\n";
    assert_eq!(named_paths(text), ["src/nothing.rs", "tests/stores/run", "docs/none.md"]);
    let text =
        "# A `b` c\n```\n# no heading\n```\n[x](#a-b-c) [y](z.md#q) [w](https://a/#b) [v](z.md)";
    assert_eq!(anchors(text), BTreeSet::from(["a-b-c".to_owned()]));
    assert_eq!(linked_headings(text), [("", "a-b-c"), ("z.md", "q")]);
}
