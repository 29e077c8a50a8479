//! House rules that no compiler checks: layers, lengths, words, and what lies where.
//!
//! Every rule is a function from text to findings, and is shown a text that breaks it, so that a rule
//! that has stopped to see is found.

#[path = "tidy/circles/mod.rs"]
mod circles;
#[path = "tidy/folders.rs"]
mod folders;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The longest file in `src/`, in lines. Tests that make it longer go into a `tests.rs` of their own.
const FILE_LINES_MAX: usize = 450;

/// The modules of the crate, from the bottom: each may name those of the rows above it, and none beside it.
/// `error` sums up the errors of all.
const LAYERS: &[&[&str]] = &[
    &["clock"],
    &["tree"],
    &["plan", "disk"],
    &["monitor"],
    &["repository", "local", "remote"],
    &["fakes"],
    &["session"],
    &["look"],
    &["transfer"],
    &["sync"],
    &["error"],
];

/// Modules that may name every other: the top of the house.
const TOP_LAYERS: &[&str] = &["cli", "lib", "main"];

/// What may lie at the top of the repository, beside hidden files and what git ignores.
const TOP_NAMES: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "src",
    "tests",
    "fixtures",
    "benches",
    "docs",
    "README.md",
    "ROADMAP.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
];

/// A word, and the beginnings of the paths in which it may stand.
type Rule = (&'static str, &'static [&'static str]);

/// Words that must not stand in the code, comments and tests aside.
const WORDS_IN_CODE: &[Rule] = &[
    ("todo!", &[]),
    ("unimplemented!", &[]),
    ("dbg!", &[]),
    (".unwrap()", &[]),
    ("tokio::fs", &[]),
    ("std::fs", &["src/disk/"]),
    ("aws_", &["src/remote/s3"]),
    ("println!", &["src/cli", "src/main.rs"]),
    ("eprintln!", &["src/cli", "src/main.rs"]),
    ("print!", &["src/cli", "src/main.rs"]),
    ("eprint!", &["src/cli", "src/main.rs"]),
];

/// Notes to oneself, which must not stand anywhere in `src/`.
const WORDS_ANYWHERE: &[&str] = &["FIXME", "XXX"];

fn top() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Returns what git tracks or would track, relative to the top, with `/`.
fn tracked() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(top())
        .output()
        .expect("git can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names: BTreeSet<_> = String::from_utf8(output.stdout)
        .expect("tracked names are UTF-8")
        .split_terminator('\0')
        .filter(|name| top().join(name).is_file())
        .map(str::to_owned)
        .collect();
    names.into_iter().collect()
}

/// Returns the Rust files below `src/` with their text.
fn sources() -> Vec<(String, String)> {
    let files: Vec<_> = tracked()
        .into_iter()
        .filter(|name| name.starts_with("src/") && has_extension(name, "rs"))
        .map(|name| (read(&name).expect("sources are UTF-8"), name))
        .map(|(text, name)| (name, text))
        .collect();
    assert!(files.len() > 5, "the sources were not found: {files:?}");
    files
}

fn has_extension(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found == extension)
}

fn read(name: &str) -> Option<String> {
    fs::read(top().join(name)).ok().and_then(|bytes| String::from_utf8(bytes).ok())
}

/// Tells whether a file holds nothing but tests.
fn is_test_file(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    name.contains("/tests/") || file.ends_with("tests.rs") || file == "testing.rs"
}

/// Returns the lines of production code with their numbers: comments and test items are left out.
///
/// rustfmt sees to it that an item ends with a line of its own indentation.
fn code(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut inside_test: Option<String> = None;
    for (index, line) in text.lines().enumerate() {
        let indent: String = line.chars().take_while(|c| *c == ' ').collect();
        match &inside_test {
            Some(end) => {
                let of_item = indent == *end && !line.trim_start().starts_with("#[");
                if of_item && (line.ends_with('}') || line.ends_with(';')) {
                    inside_test = None;
                }
            }
            None if line.trim_start().starts_with("#[cfg(test)]") => inside_test = Some(indent),
            None => lines.push((index + 1, without_comment(line).to_owned())),
        }
    }
    lines
}

/// Cuts a line at `//`, unless that stands within a string.
fn without_comment(line: &str) -> &str {
    line.match_indices("//")
        .map(|(start, _)| &line[..start])
        .find(|before| before.replace("\\\"", "").matches('"').count() % 2 == 0)
        .unwrap_or(line)
}

/// Returns where `word` stands, not as the end of a longer word (`println!` holds `print` only).
fn stands_in(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        !word.starts_with(char::is_alphabetic)
            || !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

/// Returns the first components of every path that begins with `root::`, groups included.
fn names_below(text: &str, root: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (start, found) in text.match_indices(&format!("{root}::")) {
        if text[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &text[start + found.len()..];
        match rest.strip_prefix('{') {
            None => names.push(identifier(rest)),
            Some(group) => {
                let mut depth = 1;
                let mut begins = true;
                for (at, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 1 => begins = true,
                        _ if begins && !c.is_whitespace() => {
                            names.push(identifier(&group[at..]));
                            begins = false;
                        }
                        _ => (),
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
        }
    }
    names
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Returns the module of the crate that a file belongs to.
fn module(name: &str) -> &str {
    let below = name.strip_prefix("src/").unwrap_or(name);
    below.split('/').next().unwrap_or(below).trim_end_matches(".rs")
}

/// Finds what a file imports from above it.
fn breaks_layers(name: &str, text: &str) -> Vec<String> {
    let module = module(name);
    if TOP_LAYERS.contains(&module) || is_test_file(name) {
        return Vec::new();
    }
    let Some(place) = LAYERS.iter().position(|layer| layer.contains(&module)) else {
        return vec![format!("{name}: the module {module} has no place among the layers")];
    };
    let stands_in = |layers: &[&[&str]], other: &str| layers.iter().any(|it| it.contains(&other));
    let known = |other: &str| stands_in(LAYERS, other) || TOP_LAYERS.contains(&other);
    let code = code(text).into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
    let mut others = names_below(&code, "crate");
    if [format!("src/{module}.rs"), format!("src/{module}/mod.rs")].contains(&name.to_owned()) {
        others.extend(names_below(&code, "super"));
    }
    others
        .into_iter()
        .filter(|other| known(other) && other != module && !stands_in(&LAYERS[..place], other))
        .map(|other| format!("{name}: {module} must not know {other}"))
        .collect()
}

/// Finds words that must not stand where they do.
fn forbidden_words(name: &str, text: &str) -> Vec<String> {
    let mut found: Vec<_> = (1..)
        .zip(text.lines())
        .flat_map(|(number, line)| WORDS_ANYWHERE.iter().map(move |word| (number, line, word)))
        .filter(|(_, line, word)| stands_in(line, word))
        .map(|(number, _, word)| format!("{name}:{number}: {word}"))
        .collect();
    if is_test_file(name) {
        return found;
    }
    let lines = code(text);
    for (word, places) in WORDS_IN_CODE {
        if places.iter().any(|place| name.starts_with(place)) {
            continue;
        }
        let hits = lines.iter().filter(|(_, line)| stands_in(line, word));
        found.extend(hits.map(|(number, _)| format!("{name}:{number}: {word}")));
    }
    let all = lines.into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
    if !name.starts_with("src/disk/")
        && all.contains("std::{")
        && names_below(&all, "std").contains(&"fs".to_owned())
    {
        found.push(format!("{name}: std::fs in a group"));
    }
    found
}

/// Returns the targets of the links in a Markdown text that name files.
fn linked_files(text: &str) -> Vec<String> {
    text.match_indices("](")
        .filter_map(|(start, _)| text[start + 2..].split([')', ' ', '\n']).next())
        .filter(|target| !target.contains("://") && !target.starts_with(['#', '<']))
        .filter(|target| !target.starts_with("mailto:") && !target.is_empty())
        .map(|target| target.split('#').next().unwrap_or(target).to_owned())
        .collect()
}

#[track_caller]
fn assert_none(findings: &[String]) {
    assert!(findings.is_empty(), "\n  {}\n", findings.join("\n  "));
}

fn all(rule: impl Fn(&str, &str) -> Vec<String>) -> Vec<String> {
    sources().iter().flat_map(|(name, text)| rule(name, text)).collect()
}

#[test]
fn imports_point_one_way() {
    assert_none(&all(breaks_layers));
}

#[test]
fn no_forbidden_word_stands_in_the_sources() {
    assert_none(&all(forbidden_words));
}

#[test]
fn no_source_file_is_too_long() {
    assert_none(&all(|name, text| {
        let lines = text.lines().count();
        let long = lines > FILE_LINES_MAX && !is_test_file(name);
        long.then(|| format!("{name}: {lines} lines")).into_iter().collect()
    }));
}

#[test]
fn links_of_the_documents_lead_to_files() {
    let documents = tracked().into_iter().filter(|name| {
        has_extension(name, "md") && (!name.contains('/') || name.starts_with("docs/"))
    });
    let mut found = Vec::new();
    for name in documents {
        let text = read(&name).expect("documents are UTF-8");
        let folder = top().join(Path::new(&name).parent().unwrap_or(Path::new("")));
        let missing = linked_files(&text).into_iter().filter(|link| !folder.join(link).exists());
        found.extend(missing.map(|link| format!("{name}: {link}")));
    }
    assert_none(&found);
}

#[test]
fn the_top_holds_only_what_a_visitor_looks_for() {
    let found: BTreeSet<_> = tracked()
        .into_iter()
        .filter_map(|name| name.split('/').next().map(str::to_owned))
        .filter(|name| !name.starts_with('.') && !TOP_NAMES.contains(&name.as_str()))
        .collect();
    assert_none(&found.into_iter().collect::<Vec<_>>());
}

/// The most packages that the first command of the README builds, lsync included. Another one makes
/// every visitor's first minutes longer: it belongs behind a feature that is off, or the build is
/// measured again (README says how long it takes) and the number raised.
const DEMO_PACKAGES_MAX: usize = 244;

/// What of `[profile.dev]` is optimised, because a debug build of it would be waited for at run time.
const OPTIMISED_IN_DEV: &[&str] = &["crc-fast", "md-5", "memchr", "sha2"];

/// Returns the lines of a table of a TOML file, as far as one line says one thing.
fn table<'a>(toml: &'a str, name: &str) -> Vec<&'a str> {
    let heading = format!("[{name}]");
    let mut lines = toml.lines().skip_while(|line| *line != heading);
    lines.next();
    let says_something = |line: &&str| !line.is_empty() && !line.starts_with('#');
    lines.take_while(|line| !line.starts_with('[')).filter(says_something).collect()
}

/// Finds what makes the build of the demo longer than a plain development build.
fn slow_in_dev(toml: &str) -> Vec<String> {
    let name = |line: &str| line.split(['=', ' ']).next().unwrap_or("").to_owned();
    let profile = table(toml, "profile.dev");
    let cheap = |line: &&str| line.replace(' ', "") != "debug=\"line-tables-only\"";
    let mut found: Vec<String> = profile.into_iter().filter(cheap).map(str::to_owned).collect();
    let optimised = table(toml, "profile.dev.package").into_iter().map(name);
    found.extend(optimised.filter(|name| !OPTIMISED_IN_DEV.contains(&name.as_str())));
    let named = toml
        .lines()
        .filter(|line| line.starts_with("[profile.dev.") && *line != "[profile.dev.package]");
    found.extend(named.map(str::to_owned));
    found.extend(
        table(toml, "features").into_iter().filter(|it| name(it) == "default").map(str::to_owned),
    );
    found
}

#[test]
fn the_first_command_of_the_readme_builds_no_more_than_it_did() {
    let readme = read("README.md").expect("the README is UTF-8");
    let first = readme.lines().find(|line| line.starts_with("$ ")).unwrap();
    assert_eq!(first, "$ cargo run -- demo", "the development profile, without a feature");
    assert_none(&slow_in_dev(&read("Cargo.toml").unwrap()));
    let arguments = "tree --locked --offline -e normal,build --prefix none --format {p}";
    let output = Command::new(env!("CARGO"))
        .args(arguments.split(' '))
        .current_dir(top())
        .output()
        .expect("cargo can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let packages = String::from_utf8(output.stdout).unwrap();
    let packages: BTreeSet<String> = packages
        .lines()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    let count = packages.len();
    assert!(count > 50, "cargo lists them: {packages:?}");
    // Other systems build other packages.
    let is_counted = cfg!(target_os = "linux");
    assert!(!is_counted || count <= DEMO_PACKAGES_MAX, "{count}, not {DEMO_PACKAGES_MAX}");
}

#[test]
fn the_rule_sees_what_makes_a_development_build_slow() {
    let cheap =
        "[profile.dev]\ndebug = \"line-tables-only\"\n\n[profile.dev.package]\nmd-5 = { }\n";
    assert_none(&slow_in_dev(cheap));
    for slow in [
        "[profile.dev]\nopt-level = 1\n",
        "[profile.dev]\ndebug = \"full\"\n",
        "[profile.dev.package]\n\"*\" = { opt-level = 3 }\n",
        "[profile.dev.package.tokio]\nopt-level = 3\n",
        "[features]\ndefault = [\"watch\"]\n",
    ] {
        assert_eq!(slow_in_dev(slow).len(), 1, "{slow}");
    }
}

#[test]
fn the_rules_see_imports_that_point_upwards() {
    for (name, text) in [
        ("src/tree/entry.rs", "use crate::disk::Disk;"),
        ("src/local/scan.rs", "use crate::remote::Remote;"),
        ("src/disk/mod.rs", "use super::local::Scan;"),
        ("src/plan/mod.rs", "use crate::{\n    tree::RepoPath,\n    sync::Run,\n};"),
        ("src/remote/folder/mod.rs", "fn f() { crate::cli::ask() }"),
        ("src/manager.rs", ""),
    ] {
        assert_eq!(breaks_layers(name, text).len(), 1, "{name}: {text}");
    }
    for (name, text) in [
        ("src/sync/mod.rs", "use crate::transfer::{Pool, upload};\nuse crate::tree::RepoPath;"),
        ("src/tree/entry.rs", "// use crate::disk::Disk;"),
        ("src/tree/entry.rs", "#[cfg(test)]\nmod tests {\n    use crate::disk::Disk;\n}"),
        ("src/remote/folder/tests.rs", "use crate::local::scan;"),
    ] {
        assert_none(&breaks_layers(name, text));
    }
}

#[test]
fn the_rules_see_forbidden_words() {
    for (name, text) in [
        ("src/a.rs", "todo!()"),
        ("src/a.rs", "let x = y.unwrap();"),
        ("src/a.rs", "#[cfg(test)]\nmod tests;\nlet x = y.unwrap();"),
        ("src/a.rs", "#[cfg(test)]\nfn f() {\n}\nfn g() { y.unwrap() }"),
        ("src/a.rs", "// FIXME: later"),
        ("src/a.rs", "use std::fs::File;"),
        ("src/a.rs", "use std::{fs, io};"),
        ("src/remote/folder.rs", "use aws_sdk_s3::Client;"),
        ("src/sync/mod.rs", "    println!(\"https://x\"); // why"),
        ("src/sync/mod.rs", "print!(\"a\")"),
    ] {
        assert_eq!(forbidden_words(name, text).len(), 1, "{name}: {text}");
    }
    for (name, text) in [
        ("src/a.rs", "// never todo!() nor x.unwrap()"),
        ("src/a.rs", "#[cfg(test)]\nmod tests {\n    fn f() {\n        x.unwrap();\n    }\n}"),
        ("src/a/tests.rs", "x.unwrap()"),
        ("src/disk/real/mod.rs", "use std::fs::File;"),
        ("src/remote/s3/mod.rs", "use aws_sdk_s3::Client;"),
        ("src/cli/render.rs", "println!()"),
        ("src/a.rs", "use std::{ffi::OsStr, io};"),
        ("src/a.rs", "let claws_ = 1;"),
    ] {
        assert_none(&forbidden_words(name, text));
    }
}

#[test]
fn the_rule_sees_dead_links() {
    let text = "[a](docs/a.md#b) [b](https://x/y) [c](#d) ![d](e.png \"t\")";
    assert_eq!(linked_files(text), ["docs/a.md", "e.png"]);
}
