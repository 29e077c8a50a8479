//! What happens to many paths is told once: five of them by name, the others as a number.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::support::{Fault, FaultRule, Output};
use crate::team::{BUCKET, Team, events};

/// Makes a team whose two working copies share so many files.
fn sharing_many(count: usize) -> Team {
    let team = Team::sharing(&[("f", "base")]);
    for number in 0..count {
        team.write(format!("one/many/{number:03}"), "base");
    }
    team.ok("one", "sync");
    team.ok("two", "sync");
    team
}

/// Returns the lines that begin with `word`.
fn told<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    text.lines().filter(|line| line.starts_with(word)).collect()
}

/// Checks that five of `count` paths are named on stderr, and the others counted with `words`.
#[track_caller]
fn assert_told_once(output: &Output, word: &str, count: usize, words: &str) {
    let lines = told(&output.stderr, word);
    assert_eq!(lines.len(), 6, "{}", output.stderr);
    assert!(lines[..5].iter().all(|line| line.contains("many/")), "{lines:?}");
    let last = format!("{} more: {words}; --verbose names all", count - 5);
    assert_eq!(lines[5][word.len()..].trim(), last);
}

#[test]
fn files_that_become_ignored_are_told_once_and_verbose_names_all() {
    let team = sharing_many(30);
    team.write("one/.lsyncignore", "many/\n");
    let words = "no longer synced, by a rule; both copies stay";
    let output = team.run("one", "sync --dry-run");
    assert_told_once(output.assert_code(3), "skipped", 30, words);
    let status = team.run("one", "status");
    assert_eq!(told(&status.stdout, "  many/").len(), 5, "{}", status.stdout);
    let rest = format!("  25 more: {words}; --verbose names all");
    assert!(status.stdout.lines().any(|line| line == rest), "{}", status.stdout);
    let status = team.run("one", "status --verbose");
    assert_eq!(told(&status.stdout, "  many/").len(), 30, "{}", status.stdout);
    let output = team.run("one", "sync");
    assert_told_once(output.assert_code(3), "skipped", 30, words);
    assert!(output.stdout.contains("30 paths no longer synced"), "{}", output.stdout);
}

#[test]
fn json_and_verbose_leave_out_no_path_of_many() {
    for (line, named) in [("sync --verbose", 30), ("sync --json", 0), ("sync", 6)] {
        let team = sharing_many(30);
        team.write("one/.lsyncignore", "many/\n");
        let output = team.run("one", line);
        output.assert_code(3);
        assert_eq!(told(&output.stderr, "skipped").len(), named, "{line}: {}", output.stderr);
        if line.contains("json") {
            assert_eq!(events(&output, "skipped").len(), 30);
        }
    }
}

#[test]
fn a_bucket_that_refuses_many_files_says_so_once() {
    let team = Team::sharing(&[("f", "base")]);
    for number in 0..40 {
        team.write(format!("one/many/{number:03}"), "new");
    }
    let refused = Fault::Status(403, "AccessDenied");
    team.server.fault(FaultRule::new("PutObject", "*", refused));
    let output = team.run("one", "push");
    assert_told_once(&output, "failed  ", 40, "not allowed in the bucket");
    let output = team.run("one", "push --verbose");
    assert_eq!(told(&output.stderr, "failed").len(), 40, "{}", output.stderr);
    let output = team.run("one", "push --quiet");
    assert_eq!(told(&output.stderr, "failed").len(), 6, "{}", output.stderr);
    let output = team.run("one", "push --json");
    assert_eq!(events(&output, "failed").len(), 40);
    assert!(output.stdout.contains("\"kind\":\"denied\""), "{}", output.stdout);
}

#[test]
fn kinds_are_told_apart_and_each_has_its_hint_once() {
    let team = sharing_many(20);
    for number in 0..10 {
        let path = team.path(format!("one/many/{number:03}"));
        fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
        team.server.put(BUCKET, &format!("many//{number}"), "no path");
        team.write(format!("one/many/{number:03}-new"), "unreadable, too");
        let path = team.path(format!("one/many/{number:03}-new"));
        fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
        symlink("f", team.path(format!("one/many/link-{number}"))).unwrap();
    }
    let Some(output) = team.run_bound_by_permissions("one", "sync") else {
        return println!("skipped: no way to drop root's rights here");
    };
    output.assert_code(3);
    let text = &output.stderr;
    for words in ["5 more: keys that cannot be paths", "5 more: symbolic links;"] {
        assert_eq!(text.matches(words).count(), 1, "{words} in {text}");
    }
    let refused = "failed   5 more: no permission here; --verbose names all";
    assert!(text.lines().any(|line| line == refused), "{text}");
    let hints = ["rename it in the bucket", "give yourself permission to it", "permission to read"];
    for hint in hints {
        assert_eq!(text.matches(hint).count(), 1, "{hint} in {text}");
    }
}

#[test]
fn many_conflicts_are_told_once_and_resolve_lists_them_all() {
    let team = sharing_many(12);
    for number in 0..12 {
        team.write(format!("one/many/{number:03}"), "ours");
        team.server.put(BUCKET, &format!("many/{number:03}"), "theirs");
    }
    let output = team.run("one", "sync");
    output.assert_code(4);
    let lines = told(&output.stderr, "conflict");
    assert_eq!(lines.len(), 6, "{}", output.stderr);
    let last = "conflict 7 more: changed here and in the bucket; `lsync resolve --list` names all";
    assert_eq!(lines[5], last);
    let output = team.run("one", "resolve --list");
    assert!((0..12).all(|number| output.stdout.contains(&format!("many/{number:03}"))));
    let output = team.run("one", "sync --json");
    assert_eq!(events(&output, "conflict").len(), 12);
}

#[test]
fn many_versions_that_a_forced_push_replaces_are_told_once() {
    let team = sharing_many(12);
    for number in 0..12 {
        team.write(format!("one/many/{number:03}"), "ours");
        team.server.put(BUCKET, &format!("many/{number:03}"), "theirs");
    }
    let output = team.ok("one", "push --force .");
    let lines = told(&output.stdout, "forced: ");
    assert_eq!(lines.len(), 6, "{}", output.stdout);
    assert_eq!(lines[5], "forced: 7 more: replaced or deleted; --verbose names all");
    assert_eq!(team.trashed("one").len(), 12);
}

#[test]
fn conflicts_that_no_copy_can_settle_are_told_once() {
    let team = Team::sharing(&[("f", "f"), (".lsyncignore", "*.conflict-*\n")]);
    for number in 0..8 {
        team.write(format!("one/many/{number}"), "ours");
        team.server.put(BUCKET, &format!("many/{number}"), "theirs");
    }
    let words = "stay open: their copies are ignored by a rule";
    let output = team.run("one", "resolve --both .");
    assert_eq!(told(output.assert_code(4).stderr.as_str(), "warning:").len(), 6);
    let rest = format!("warning: 3 more {words}; --verbose names all\n");
    assert!(output.stderr.contains(&rest), "{}", output.stderr);
    assert_eq!(
        output.stderr.matches("hint: change the rule, or choose --ours or --theirs\n").count(),
        1
    );
    let output = team.run("one", "resolve --both --verbose .");
    assert_eq!(told(&output.stderr, "warning:").len(), 8, "{}", output.stderr);
}
