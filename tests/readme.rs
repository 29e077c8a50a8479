//! The documents are true: transcripts are run through the real binary, tables name what the binary has,
//! and what is named exists.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "readme/decisions.rs"]
mod decisions;
#[path = "readme/formats.rs"]
mod formats;
#[path = "readme/places.rs"]
mod places;
#[path = "readme/words.rs"]
mod words;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const README: &str = include_str!("../README.md");
const REFERENCE: &str = include_str!("../docs/reference.md");
const FORMATS: &str = include_str!("../docs/formats.md");

/// The README is what one reads in five minutes.
const README_LINES_MAX: usize = 250;

/// Stands for anything within a line.
const ANYTHING: &str = "[..]";

const COMMANDS: [&str; 10] =
    ["init", "clone", "status", "sync", "push", "pull", "resolve", "trash", "clean", "demo"];

/// A command of a transcript, and what its document says it prints.
struct Step<'a> {
    document: &'a str,
    /// From 1.
    line: usize,
    command: &'a str,
    expected: Vec<&'a str>,
}

/// Returns the steps of all ```` ```console ```` blocks; those marked `no-run` are left out.
fn steps<'a>(document: &'a str, text: &'a str) -> Vec<Step<'a>> {
    let mut steps: Vec<Step<'a>> = Vec::new();
    let mut is_inside = false;
    for (line, content) in (1..).zip(text.lines()) {
        if content.starts_with("```") {
            is_inside = !is_inside && content == "```console";
        } else if let Some(command) = content.strip_prefix("$ ").filter(|_| is_inside) {
            steps.push(Step { document, line, command, expected: Vec::new() });
        } else if is_inside {
            let step =
                steps.last_mut().unwrap_or_else(|| panic!("{document}:{line}: no command before"));
            step.expected.push(content);
        }
    }
    steps
}

/// A temporary folder with a shell in it that has nothing of our environment.
struct Shell {
    top: TempDir,
    folder: PathBuf,
}

impl Shell {
    fn new() -> Self {
        let top = TempDir::new().expect("a temporary folder");
        for name in ["home", "temporary", "here"] {
            fs::create_dir(top.path().join(name)).expect("a folder in it");
        }
        let folder = top.path().join("here");
        Self { top, folder }
    }

    /// Runs a line; returns both channels in the order in which they were written.
    fn run(&mut self, line: &str) -> String {
        if let Some(target) = line.strip_prefix("cd ").filter(|it| !it.contains([' ', ';', '&'])) {
            self.folder = self.folder.join(target).canonicalize().expect("the folder exists");
            return String::new();
        }
        let bin = Path::new(env!("CARGO_BIN_EXE_lsync")).parent().expect("a folder of the binary");
        let path = std::env::var("PATH").expect("a PATH");
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1\n{line}")])
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("HOME", self.top.path().join("home"))
            .env("TMPDIR", self.top.path().join("temporary"))
            .env("USER", "ana")
            .env("LC_ALL", "C")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null())
            .output()
            .expect("sh starts");
        String::from_utf8(output.stdout).expect("text")
    }
}

/// Tells whether a line looks as its document says.
fn fits(expected: &str, actual: &str) -> bool {
    let mut parts = expected.split(ANYTHING);
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = actual.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(start) = rest.find(part) else { return false };
        rest = &rest[start + part.len()..];
    }
    rest.ends_with(last)
}

/// Takes ` in 0.2 s, 3.1 MiB/s` out of a summary: how long it took depends on the machine.
fn without_duration(line: &str) -> String {
    let is_duration = |(start, _): &(usize, &str)| {
        line[start + 4..].starts_with(|next: char| next.is_ascii_digit())
    };
    let Some((start, _)) = line.match_indices(" in ").find(is_duration) else {
        return line.to_owned();
    };
    let end = line[start..].find(';').map_or(line.len(), |length| start + length);
    format!("{}{}", &line[..start], &line[end..])
}

/// Compares; returns what a person reads where the two differ.
fn difference(step: &Step<'_>, actual: &str) -> Option<String> {
    let mut expected = step.expected.clone();
    while expected.last().is_some_and(|line| line.is_empty()) {
        expected.pop();
    }
    let actual: Vec<String> = actual.trim_end().lines().map(without_duration).collect();
    let same = expected.len() == actual.len()
        && expected.iter().zip(&actual).all(|(expected, actual)| fits(expected, actual));
    if same {
        return None;
    }
    let mut text = format!("{}:{}: $ {}\n", step.document, step.line, step.command);
    let rows = expected.len().max(actual.len());
    for row in 0..rows {
        match (expected.get(row), actual.get(row)) {
            (Some(expected), Some(actual)) if fits(expected, actual) => {
                writeln!(text, "   {actual}").expect("a String takes all");
            }
            (expected, actual) => {
                for (sign, line) in [('-', expected.copied()), ('+', actual.map(String::as_str))] {
                    if let Some(line) = line {
                        writeln!(text, " {sign} {line}").expect("a String takes all");
                    }
                }
            }
        }
    }
    Some(text)
}

fn lsync(arguments: &[&str]) -> String {
    Shell::new().run(&format!("lsync {}", arguments.join(" ")))
}

/// Returns what begins with `prefix` and goes on with the characters of a name.
fn names(text: &str, prefix: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.match_indices(prefix)
        .filter(|(start, _)| !text[..*start].ends_with(is_part))
        .map(|(start, _)| {
            let rest = &text[start + prefix.len()..];
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            format!("{prefix}{}", &rest[..end])
        })
        .filter(|name| name[prefix.len()..].starts_with(|c: char| c.is_ascii_alphabetic()))
        .collect()
}

/// Returns the text below a heading, up to the next one of the same or a higher rank.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let start = text.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("{heading}"));
    let rest = &text[start + heading.len() + 2..];
    let rank = heading.split(' ').next().unwrap_or_default().len();
    let is_end = |(start, _): &(usize, &str)| {
        (1..=rank).any(|rank| rest[start + 1..].starts_with(&format!("{} ", "#".repeat(rank))))
    };
    let end = rest.match_indices("\n#").find(is_end);
    &rest[..end.map_or(rest.len(), |(start, _)| start)]
}

/// Returns the words in backticks in the first column of a section's tables.
fn first_column(section: &str) -> BTreeSet<String> {
    let cells = section.lines().filter(|line| line.starts_with('|'));
    let cells = cells.filter_map(|line| line.split('|').nth(1));
    let words = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned));
    words.collect()
}

#[track_caller]
fn assert_no_differences(differences: &[String]) {
    assert!(differences.is_empty(), "\n\n{}", differences.join("\n"));
}

#[test]
fn the_transcripts_are_what_the_binary_prints() {
    for (document, text) in [("README.md", README), ("docs/reference.md", REFERENCE)] {
        let mut shell = Shell::new();
        let steps = steps(document, text);
        assert!(steps.len() > 20, "{document}: only {} commands were found", steps.len());
        let differences =
            steps.iter().filter_map(|step| difference(step, &shell.run(step.command)));
        assert_no_differences(&differences.collect::<Vec<_>>());
    }
}

#[test]
fn the_readme_is_short_and_begins_with_two_commands() {
    let lines = README.lines().count();
    assert!(lines <= README_LINES_MAX, "{lines} lines: docs/reference.md is for what one looks up");
    let commands: Vec<_> = README.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
    assert_eq!(commands[..2], ["cargo run -- demo", "cargo test"]);
}

#[test]
fn every_command_and_every_option_is_described() {
    let named = names(REFERENCE, "--");
    let variables = names(REFERENCE, "LSYNC_");
    let mut missing = BTreeSet::new();
    for line in lsync(&["--help"]).lines().skip_while(|line| *line != "Commands:").skip(1) {
        let Some(command) = line.split_whitespace().next() else { break };
        for text in [README, REFERENCE] {
            let table = section(text, "## Commands");
            if command != "help" && !table.contains(&format!("| `lsync {command} ")) {
                missing.insert(format!("lsync {command}"));
            }
        }
        assert!(command == "help" || COMMANDS.contains(&command), "{command} is not in COMMANDS");
    }
    for command in COMMANDS {
        let help = lsync(&[command, "--help"]);
        assert!(help.contains("Usage: lsync"), "{help}");
        let lines = help.lines().map(str::trim_start);
        for line in lines.filter(|line| line.starts_with('-') || line.starts_with("[env")) {
            missing.extend(names(line, "--").difference(&named).cloned());
            missing.extend(names(line, "LSYNC_").difference(&variables).cloned());
        }
    }
    assert_eq!(missing, BTreeSet::new());
}

#[test]
fn no_option_is_described_that_does_not_exist() {
    let mut known = BTreeSet::from(["--help".to_owned()]);
    for command in COMMANDS {
        known.extend(names(&lsync(&[command, "--help"]), "--"));
    }
    let described = names(section(REFERENCE, "## Options"), "--");
    assert!(described.len() > 20, "{described:?}");
    let named = names(section(README, "## Commands"), "--");
    let unknown: Vec<_> = described.union(&named).filter(|name| !known.contains(*name)).collect();
    assert_eq!(unknown, Vec::<&String>::new());
}

#[test]
fn the_exit_codes_are_those_of_the_help() {
    let table = section(REFERENCE, "## Exit codes");
    let codes: BTreeSet<String> = first_column(table);
    let help = lsync(&["--help"]);
    let help = help.split("Exit status:").nth(1).expect("a table of exit codes");
    let numbers: BTreeSet<String> = help
        .split_whitespace()
        .filter(|word| word.parse::<u8>().is_ok())
        .map(str::to_owned)
        .collect();
    assert_eq!(codes, numbers);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a person edits the config in place")]
fn the_settings_are_those_that_the_config_may_have() {
    let formats = section(FORMATS, "## `config.yaml`: the settings");
    let described = [section(REFERENCE, "## Settings"), formats];
    for above in ["version: 1", "remote:"] {
        let mut shell = Shell::new();
        shell.run("lsync init --create-bucket ./bucket work");
        let indent = if above == "remote:" { "  " } else { "" };
        let unknown = format!("{indent}nobody_knows_this_setting: 1");
        let file = shell.folder.join("work/.lsync/config.yaml");
        let config = fs::read_to_string(&file).expect("init wrote it");
        let edited = config.replacen(above, &format!("{above}\n{unknown}"), 1);
        fs::write(&file, edited).expect("it can be written");
        let error = shell.run("lsync -C work status");
        let known = error.split("known are: ").nth(1).unwrap_or_else(|| panic!("{error}"));
        for name in known.trim().split(", ") {
            for text in described {
                assert!(text.contains(&format!("`{name}`")), "{name} is not described");
            }
        }
    }
}

/// The lines of `--json` in which each event occurs, and a summary of each kind.
fn json_lines() -> Vec<Value> {
    let mut shell = Shell::new();
    for line in [
        "lsync init --create-bucket ./bucket one",
        "echo base > one/f; lsync -C one sync; lsync clone ./bucket two",
        "echo theirs > two/f; lsync -C two sync; echo ours > one/f; ln -s f one/link",
    ] {
        shell.run(line);
    }
    let commands = [
        "echo new > one/new; lsync -C one status --json 2>/dev/null",
        "lsync -C one sync --json 2>/dev/null",
        "mkdir empty; lsync -C empty sync --json 2>/dev/null",
    ];
    let output: String = commands.map(|line| shell.run(line)).concat();
    output.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn the_fields_of_json_are_the_ones_that_are_printed() {
    let fields = first_column(section(REFERENCE, "#### Fields of every line"));
    let counts = first_column(section(REFERENCE, "#### Fields of the summary alone"));
    let events = first_column(section(REFERENCE, "#### Events"));
    let lines = json_lines();
    let seen = lines.iter().map(|line| line["event"].as_str().expect("a word").to_owned());
    assert_eq!(seen.collect::<BTreeSet<_>>(), events);
    for line in lines {
        let printed: BTreeSet<String> =
            line.as_object().expect("an object").keys().cloned().collect();
        if line["event"] == "summary" {
            assert_eq!(printed, fields.union(&counts).cloned().collect(), "{line}");
        } else {
            assert_eq!(printed, fields, "{line}");
        }
    }
}

#[test]
fn the_fields_of_the_trash_list_are_the_ones_that_are_printed() {
    let mut shell = Shell::new();
    shell.run("lsync init --create-bucket ./bucket one; echo base > one/f; lsync -C one sync");
    shell.run("rm bucket/f; echo g > one/g; lsync -C one sync --max-delete 9");
    let output = shell.run("lsync -C one trash list --json 2>/dev/null");
    let line: Value = serde_json::from_str(&output).expect(&output);
    let printed: BTreeSet<String> = line.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(printed, first_column(section(REFERENCE, "#### Fields of `trash list --json`")));
}

#[test]
fn a_transcript_is_compared_line_by_line() {
    assert!(fits("a [..] c", "a b c"));
    assert!(fits("[..]", ""));
    assert!(fits("x[..]y[..]z", "x1y2z"));
    assert!(!fits("a [..] c", "a b d"));
    assert!(!fits("a", "a b"));
    assert!(!fits("ab[..]ba", "aba"));
    assert_eq!(without_duration("3 uploaded (18 B) in 0.1 s"), "3 uploaded (18 B)");
    assert_eq!(
        without_duration("1 uploaded (1 B) in 2 s; 1 conflict"),
        "1 uploaded (1 B); 1 conflict"
    );
    assert_eq!(without_duration("1 deleted in the bucket"), "1 deleted in the bucket");
    let (document, command) = ("README.md", "c");
    let step = Step { document, line: 1, command, expected: vec!["one", "two", ""] };
    assert_eq!(difference(&step, "one\ntwo\n"), None);
    let text = difference(&step, "one\n2\n3\n").expect("they differ");
    assert_eq!(text, "README.md:1: $ c\n   one\n - two\n + 2\n + 3\n");
}
