//! What is shown of what the library reports.

use super::*;
use crate::cli::arguments::OutputOptions;
use crate::cli::screen::output::tests::in_memory;
use crate::monitor::Outcome;
use crate::plan::ActionKind;
use crate::tree::{RepoPath, Token};

fn item(path: &str) -> Item {
    let (path, outcome) = (RepoPath::parse(path).unwrap(), Outcome::AsPlanned);
    Item { path, from: None, action: ActionKind::Upload, bytes: 4, outcome }
}

fn failed(path: &str) -> Item {
    let (kind, error) = (ItemKind::StoreFailed, "it is gone".to_owned());
    let outcome = Outcome::Failed { kind, error, detail: None, in_trash: None };
    Item { outcome, ..item(path) }
}

fn shown(options: OutputOptions, event: Event) -> (String, String) {
    let (screen, out, err) = in_memory(options);
    Progress::new(Arc::new(screen), ProgressChoice::Auto, "forced").event(event);
    (out.text(), err.text())
}

#[test]
fn what_is_done_is_printed_only_when_asked_for() {
    let plain = OutputOptions::default();
    assert_eq!(shown(plain, Event::Done(item("a"))), (String::new(), String::new()));
    let verbose = OutputOptions { verbose: true, ..plain };
    assert_eq!(shown(verbose, Event::Done(item("a"))).0, "upload         a  4 B\n");
}

#[test]
fn a_version_that_was_replaced_is_named_without_being_asked() {
    let etag = "48213-1731234567123456789-1731234567123456789-1234567";
    let (token, modified) = (Token::new(etag), 1_763_546_531_000_000_000);
    let outcome = Outcome::Replaced { token, modified, kept: true };
    let forced = Event::Done(Item { outcome, ..item("a") });
    assert_eq!(
        shown(OutputOptions::default(), forced.clone()).0,
        "forced: replaced 48213-17… of 2025-11-19T10:02:11Z, kept in the trash (a)\n"
    );
    let json = OutputOptions { json: true, ..OutputOptions::default() };
    let (out, _) = shown(json, forced);
    assert!(out.contains(etag), "whole, for programs: {out}");
}

#[test]
fn failures_are_printed_also_when_quiet() {
    let quiet = OutputOptions { quiet: true, ..OutputOptions::default() };
    assert_eq!(shown(quiet, Event::Failed(failed("a"))).1, "failed   a  it is gone\n");
    let outcome = Outcome::AwaitsMove;
    assert_eq!(shown(quiet, Event::Skipped(Item { outcome, ..item("a") })).1, "");
}

#[test]
fn json_is_one_object_a_line_on_stdout() {
    let json = OutputOptions { json: true, ..OutputOptions::default() };
    let (out, err) = shown(json, Event::Done(item("a\nb")));
    assert_eq!(
        out,
        "{\"event\":\"done\",\"path\":\"a\\nb\",\"from\":null,\"action\":\"upload\",\"kind\":null,\
         \"bytes\":4,\"reason\":\"\",\"hint\":null}\n"
    );
    assert_eq!(err, "");
}

#[test]
fn a_warning_of_many_paths_is_told_once_but_where_each_has_a_command_of_its_own() {
    for (kind, named) in [(WarningKind::Restored, 5), (WarningKind::KeptInTrash, 8)] {
        let (screen, _, err) = in_memory(OutputOptions::default());
        let progress = Progress::new(Arc::new(screen), ProgressChoice::Auto, "forced");
        for number in 0..8 {
            progress.path_warning(kind, &format!("f{number}: x"));
        }
        progress.finish();
        let told = err.text();
        assert_eq!(told.matches(": x\n").count(), named, "{told}");
        let rest =
            "warning: 3 more: what a killed run had moved away was restored; --verbose names all";
        assert_eq!(told.contains(rest), named == 5, "{told}");
    }
}

#[test]
fn whoever_waits_for_the_store_is_told_so() {
    let line = |columns| fitting(planning((0, 0), Duration::from_secs(2), true), columns);
    assert_eq!(line(80), "comparing: 0 files here, 0 in the bucket; waiting for the store");
    assert_eq!(line(60), "waiting for the store");
    let (screen, ..) = in_memory(OutputOptions::default());
    let progress = Progress::new(Arc::new(screen), ProgressChoice::Plain, "forced");
    progress.phase(Phase::Planning);
    let now = Instant::now();
    for (since, waits) in
        [(None, false), (Some(now), false), (now.checked_sub(WAIT_UNTOLD_MAX), true)]
    {
        *progress.waiting.lock().unwrap() = since;
        assert_eq!(progress.line(80).unwrap().contains("waiting"), waits, "{since:?}");
    }
    progress.waits_for_store(false);
    assert!(!progress.line(80).unwrap().contains("waiting"));
}

#[test]
fn a_file_that_did_not_have_to_travel_brings_the_total_to_its_end() {
    let (screen, ..) = in_memory(OutputOptions::default());
    let progress = Progress::new(Arc::new(screen), ProgressChoice::Plain, "forced");
    progress.phase(Phase::Working { files: 2, bytes: 8 });
    let [copied, sent] = ["copied", "sent"].map(|path| RepoPath::parse(path).unwrap());
    progress.begins(&copied, 4);
    progress.ends(&copied);
    progress.begins(&sent, 4);
    progress.bytes(&sent, 4);
    progress.ends(&sent);
    assert_eq!(progress.line(80).as_deref(), Some("2 of 2 files, 8 B of 8 B"));
}

#[test]
fn progress_appears_only_where_a_phase_has_begun() {
    let (screen, ..) = in_memory(OutputOptions::default());
    let progress = Progress::new(Arc::new(screen), ProgressChoice::Plain, "forced");
    assert_eq!(progress.line(80), None);
    progress.phase(Phase::Planning);
    progress.counted(1, 2000);
    let line = progress.line(80).unwrap();
    assert!(line.starts_with("comparing: 1 file here") && line.contains(", 2,000 in"), "{line}");
}

#[test]
fn a_file_counts_when_it_was_transferred_and_not_again_when_it_is_recorded() {
    let (screen, ..) = in_memory(OutputOptions::default());
    let progress = Progress::new(Arc::new(screen), ProgressChoice::Plain, "forced");
    progress.phase(Phase::Working { files: 3, bytes: 0 });
    let path = RepoPath::parse("a").unwrap();
    progress.begins(&path, 0);
    assert_eq!(progress.line(80).as_deref(), Some("0 of 3 files"));
    progress.ends(&path);
    progress.event(Event::Done(item("a")));
    assert_eq!(progress.line(80).as_deref(), Some("1 of 3 files"));
}

#[test]
fn bytes_of_a_body_that_broke_off_are_taken_back() {
    let (screen, ..) = in_memory(OutputOptions::default());
    let progress = Progress::new(Arc::new(screen), ProgressChoice::Plain, "forced");
    progress.phase(Phase::Working { files: 1, bytes: 4 });
    let path = RepoPath::parse("a").unwrap();
    progress.bytes(&path, 3);
    progress.bytes_lost(&path, 3);
    let line = progress.line(80).unwrap();
    assert!(line.starts_with("0 of 1 file, 0 B of 4 B"), "{line}");
}
