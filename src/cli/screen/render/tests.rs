//! Plans and reports become the lines that people read.

use super::*;
use crate::monitor::{ItemKind, Outcome};
use crate::plan::{ConflictKind, Stage, Why};
use crate::tree::{Kind, RepoPath, Stat, Token, Version};

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

fn stat(size: u64) -> Stat {
    Stat { kind: Kind::File, size, mtime: 0, ctime: 0, inode: 1, device: 1, mode: 0o644 }
}

fn action(kind: ActionKind, text: &str, local: Option<u64>, remote: Option<u64>) -> Action {
    Action {
        local: local.map(stat),
        remote: remote.map(|size| Version { token: Token::new("e"), size }),
        ..Action::new(path(text), kind, Stage::Main)
    }
}

fn conflict(text: &str) -> Conflict {
    let kind = ConflictKind::BothChanged;
    let (local, base, remote, contested, moved_to) = (None, None, None, None, None);
    let (path, proven) = (path(text), true);
    Conflict { path, kind, local, base, remote, proven, contested, moved_to }
}

fn notice(text: &str, incomplete: bool) -> Notice {
    Notice { path: text.to_owned(), why: Why::Link, keeps_out: 0, incomplete }
}

fn item(action: ActionKind, outcome: Outcome) -> Item {
    Item { path: path("a"), from: None, action, bytes: 1, outcome }
}

fn mixed() -> Plan {
    Plan {
        actions: vec![
            action(ActionKind::Upload, "docs/a.txt", Some(49_357), None),
            action(ActionKind::Upload, "docs/b.txt", Some(12), Some(9)),
            action(ActionKind::Download, "c\u{1b}[2J", None, Some(4)),
            action(ActionKind::Adopt, "same", Some(1), Some(1)),
            action(ActionKind::DeleteLocal, "d", Some(1), None),
        ],
        conflicts: vec![conflict("e")],
        notices: vec![notice("f", true), notice("g", false)],
        ..Plan::default()
    }
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_plan_has_a_line_for_every_action_that_does_something() {
    assert_eq!(
        lines(plan_lines(Style::PLAIN, &mixed(), false)),
        "upload       docs/a.txt  48.2 KiB  new\n\
         upload       docs/b.txt  12 B  changed\n\
         download     c\\u{1b}[2J  4 B  new\n\
         delete-local d  not in the bucket\n\
         conflict e  changed here and in the bucket"
    );
}

#[test]
fn the_words_of_short_plans_stand_close() {
    let actions = vec![action(ActionKind::Upload, "docs/a.txt", Some(49_357), None)];
    let plan = Plan { actions, ..Plan::default() };
    assert_eq!(lines(plan_lines(Style::PLAIN, &plan, false)), "upload   docs/a.txt  48.2 KiB  new");
}

#[test]
fn status_groups_by_direction_as_git_does() {
    assert_eq!(
        lines(status_groups(Style::PLAIN, &mixed(), false)),
        "To the bucket:\n  new:      docs/a.txt  48.2 KiB\n  changed:  docs/b.txt  12 B\n\n\
         To here:\n  new:      c\\u{1b}[2J  4 B\n  deleted:  d\n\n\
         Conflicts:\n  e  changed here and in the bucket\n\n\
         Left alone:\n  f  a symbolic link (cannot be handled)\n  g  a symbolic link\n"
    );
    assert_eq!(lines(status_groups(Style::PLAIN, &Plan::default(), false)), "");
}

#[test]
fn a_plan_is_summed_up_in_one_line() {
    assert_eq!(
        plan_summary(&mixed()),
        "2 to upload (48.2 KiB), 1 to download (4 B), 1 to delete here, \
         1 equal on both sides to record; 1 conflict, 1 path cannot be handled"
    );
    assert_eq!(plan_summary(&Plan::default()), "up to date");
    let only = Plan { conflicts: vec![conflict("a"), conflict("b")], ..Plan::default() };
    assert_eq!(plan_summary(&only), "2 conflicts");
}

#[test]
fn a_run_is_summed_up_in_one_line() {
    let report = Report {
        uploaded: 3,
        bytes_uploaded: 1_258_291,
        copied: 1,
        bytes_copied: 3 << 30,
        downloaded: 1,
        bytes_downloaded: 4,
        deleted_local: 2,
        conflicts: 1,
        ..Report::default()
    };
    assert_eq!(
        report_summary(&report, Duration::from_millis(3200)),
        "3 uploaded (1.2 MiB), 1 copied in the bucket (3.0 GiB), 1 downloaded (4 B), \
         2 deleted here in 3.2 s, 384.0 KiB/s; 1 conflict"
    );
    assert_eq!(report_summary(&Report::default(), Duration::ZERO), "up to date");
}

#[test]
fn what_a_rule_took_out_is_counted_once_and_by_its_name() {
    let (forgotten, dropped) = (3, 2);
    let report = Report { forgotten, dropped, incomplete: 3, ..Report::default() };
    assert_eq!(
        report_summary(&report, Duration::ZERO),
        "1 forgotten; 2 paths no longer synced, 1 path cannot be handled"
    );
    let plan = Plan {
        actions: vec![action(ActionKind::Forget, "f", Some(1), Some(1))],
        notices: vec![Notice { why: Why::NewlyNested, ..notice("f", true) }],
        ..Plan::default()
    };
    assert_eq!(plan_summary(&plan), "1 path no longer synced");
    assert_eq!(
        lines(status_groups(Style::PLAIN, &plan, false)),
        "Left alone:\n  f  no longer synced: it belongs to another working copy now; both copies stay\n"
    );
}

#[test]
fn an_etag_is_shortened_only_where_it_is_long() {
    for (etag, shown) in [("12345678", "12345678"), ("123456789", "12345678…"), ("é", "é")] {
        let (token, modified) = (Token::new(etag), 0);
        let outcome = Outcome::Replaced { token, modified, kept: false };
        let item = item(ActionKind::DeleteRemote, outcome);
        assert_eq!(
            replaced_line("forced", &item),
            format!("forced: deleted {shown} of 1970-01-01T00:00:00Z, not kept (a)")
        );
    }
}

#[test]
fn what_a_run_leaves_is_said() {
    let report = Report {
        interrupted: true,
        failed: 2,
        changed_meanwhile: 1,
        incomplete: 1,
        withheld_deletions: 1,
        beyond_limit: 5,
        behind: 1000,
        ..Report::default()
    };
    assert_eq!(
        report_summary(&report, Duration::ZERO),
        "interrupted, 2 failed, 1 changed meanwhile, 1 path cannot be handled, \
         1 deletion withheld, 5 left for the next run, 1,000 newer in the bucket, not pulled"
    );
}

#[test]
fn colours_repeat_what_the_words_say() {
    let item = item(ActionKind::DeleteRemote, Outcome::AsPlanned);
    let plain = done_line(Style::PLAIN, &item);
    let style = Style::choose(crate::cli::arguments::ColorChoice::Always, false);
    let coloured = done_line(style, &item);
    assert_ne!(coloured, plain);
    assert_eq!(coloured.replace("\u{1b}[1;31m", "").replace("\u{1b}[0m", ""), plain);
}

#[test]
fn a_failure_brings_its_hint() {
    let (error, detail) = ("permission denied\nreally".to_owned(), Some("HTTP 403\nx".to_owned()));
    let in_trash = Some("2026/a".to_owned());
    let kind = ItemKind::EditInTrash;
    let outcome = Outcome::Failed { kind, error, detail, in_trash };
    let item = item(ActionKind::Upload, outcome);
    assert_eq!(
        failure_line(Style::PLAIN, &item, true, false),
        "failed   a  permission denied\\nreally\nhint: lsync trash restore 2026/a"
    );
    assert_eq!(
        failure_line(Style::PLAIN, &item, true, true),
        "failed   a  permission denied\\nreally\nhint: lsync trash restore 2026/a\ncaused by: HTTP 403\\nx"
    );
}
