//! Plans, states and reports as lines for people. Every name is escaped here.

pub(in crate::cli) mod floods;
pub(in crate::cli) mod moved;
mod status;

use std::time::Duration;

use super::style::{Paint, Style};
use super::text::{count, duration, escape, number, rate, size};
use super::words::{self, Told};
use crate::monitor::Item;
use crate::plan::{Action, ActionKind, Conflict, Notice, Plan};
use crate::transfer::{Moves, Report};

pub(in crate::cli) use super::words::notices::conflict as conflict_reason;
pub(in crate::cli) use status::status_groups;

/// How wide the word of an action is in lines that come one by one: the longest is `replace-folder`.
const WORD_COLUMNS_MAX: usize = 14;

/// The word of a file that has another name.
const MOVED: &str = "moved";

/// How wide the word of an action is at least.
const WORD_COLUMNS_MIN: usize = 8;

/// What was done in less time needs no time on the screen.
const ELAPSED_MIN: Duration = Duration::from_millis(100);

/// A rate over less time says nothing.
const RATE_ELAPSED_MIN: Duration = Duration::from_secs(1);

/// Returns how wide the words of a plan's actions are.
pub(in crate::cli) fn word_columns(plan: &Plan) -> usize {
    let is_told = |action: &&Action| action.is_visible() && action.moved_from().is_none();
    let told = plan.actions.iter().filter(is_told);
    told.map(|action| action.word().len()).max().unwrap_or(0).max(WORD_COLUMNS_MIN)
}

/// Renders one action, planned or done: `upload   docs/a.txt  48.2 KiB  new`.
fn action_line(style: Style, told: &Told<'_>, columns: usize) -> String {
    let word = if told.from.is_some() { MOVED } else { told.action.word() };
    let word = format!("{word:columns$}");
    let path = match told.from {
        Some(from) => moved::one(from, told.path),
        None => escape(told.path),
    };
    let mut line = format!("{} {path}", style.paint(paint(told), &word));
    if let ActionKind::Upload
    | ActionKind::Download
    | ActionKind::ReplaceFolder
    | ActionKind::KeepBoth = told.action
    {
        line.push_str("  ");
        line.push_str(&size(told.bytes));
    }
    if !told.reason.is_empty() {
        line.push_str("  ");
        line.push_str(&escape(&told.reason));
    }
    line
}

fn paint(told: &Told<'_>) -> Paint {
    match told.action {
        ActionKind::DeleteLocal | ActionKind::DeleteRemote | ActionKind::ReplaceFolder => {
            Paint::Red
        }
        _ if told.is_new => Paint::Green,
        _ => Paint::Bold,
    }
}

/// Renders a conflict: `conflict docs/a.txt  changed here and in the bucket`.
pub(in crate::cli) fn conflict_line(style: Style, conflict: &Conflict) -> String {
    let word = style.paint(Paint::Yellow, "conflict");
    format!(
        "{word} {}  {}",
        escape(conflict.path.as_str()),
        escape(&words::notices::conflict(conflict))
    )
}

/// Renders an action that was carried out, for `--verbose`.
pub(in crate::cli) fn done_line(style: Style, item: &Item) -> String {
    action_line(style, &words::told(item), WORD_COLUMNS_MAX)
}

/// Renders which version an action replaced: `forced: replaced 3f2a… of …, kept in the trash (a)`.
pub(in crate::cli) fn replaced_line(label: &str, item: &Item) -> String {
    let told = words::told(item);
    format!("{label}: {} ({})", escape(&told.reason), escape(told.path))
}

/// Renders a failure: `failed   docs/a.txt  permission denied`, with its hint where it was not told before,
/// and what the store answered where every detail is wanted.
pub(in crate::cli) fn failure_line(
    style: Style,
    item: &Item,
    with_hint: bool,
    verbose: bool,
) -> String {
    let told = words::told(item);
    let line = told_line(&style.paint(Paint::Red, "failed  "), &told, with_hint);
    match told.detail.filter(|_| verbose) {
        Some(detail) => format!("{line}\ncaused by: {}", escape(detail)),
        None => line,
    }
}

/// Renders a path that was left alone while the plan was carried out.
pub(in crate::cli) fn skipped_line(style: Style, item: &Item, with_hint: bool) -> String {
    told_line(&style.paint(Paint::Dim, "skipped "), &words::told(item), with_hint)
}

fn told_line(word: &str, told: &Told<'_>, with_hint: bool) -> String {
    line(word, (told.path, &told.reason), told.hint.as_deref().filter(|_| with_hint))
}

/// Renders what happened to a path, and below it what to do.
fn line(word: &str, (path, reason): (&str, &str), hint: Option<&str>) -> String {
    let mut line = format!("{word} {}", escape(path));
    if !reason.is_empty() {
        line.push_str("  ");
        line.push_str(&escape(reason));
    }
    if let Some(hint) = hint {
        line.push_str("\nhint: ");
        line.push_str(&escape(hint));
    }
    line
}

/// Renders a path that is left alone: `skipped  dir/link  a symbolic link`.
fn notice_line(style: Style, notice: &Notice, with_hint: bool) -> String {
    let paint = if notice.incomplete { Paint::Yellow } else { Paint::Dim };
    let reason = words::notices::reason(notice);
    let hint = words::notices::hint(notice).filter(|_| with_hint);
    line(&style.paint(paint, "skipped "), (&notice.path, &reason), hint.as_deref())
}

/// Renders the lines of a plan: what it does, then what it cannot.
pub(in crate::cli) fn plan_lines(
    style: Style,
    plan: &Plan,
    with_bookkeeping: bool,
) -> impl Iterator<Item = String> {
    let conflicts = plan.conflicts.iter().map(move |conflict| conflict_line(style, conflict));
    actions(style, plan, with_bookkeeping).chain(conflicts)
}

/// Renders what a plan does, a line each; what moved is a line a folder, where not all is wanted.
pub(in crate::cli) fn actions(
    style: Style,
    plan: &Plan,
    with_bookkeeping: bool,
) -> impl Iterator<Item = String> {
    let columns = word_columns(plan);
    let word = move |rest: &str| {
        format!("{} {rest}", style.paint(Paint::Bold, &format!("{MOVED:columns$}")))
    };
    let grouped = plan.actions.iter().filter(move |_| !with_bookkeeping);
    let others = plan.actions.iter().filter(move |action| {
        let is_alone = action.is_visible() && action.moved_from().is_none();
        is_alone || (with_bookkeeping && !action.has_moved_away())
    });
    let line = move |action| action_line(style, &words::planned(action), columns);
    moved::lines(grouped, word).chain(others.map(line))
}

/// Sums up a plan that is not carried out: `3 to upload (1.2 MiB), 1 to delete here; 1 conflict`.
pub(in crate::cli) fn plan_summary(plan: &Plan) -> String {
    let of = |kind| plan.actions.iter().filter(move |action| action.kind == kind);
    let bytes = |kind| {
        let alone = of(kind).filter(|action| action.moved_from().is_none());
        size(alone.map(Action::bytes).sum::<u64>())
    };
    let moved = |kind| of(kind).filter(|action| action.moved_from().is_some());
    let bytes_moved = |kind| {
        let sizes = moved(kind).filter_map(|action| action.local).map(|stat| stat.size);
        size(sizes.sum::<u64>())
    };
    let count_of = |kind| plan.count(kind);
    let mut work = Vec::new();
    let mut add = |count: u64, words: String| {
        if count > 0 {
            work.push(format!("{} {words}", number(count)));
        }
    };
    let (up, down) = (ActionKind::Upload, ActionKind::Download);
    add(count_of(up) - moved(up).count() as u64, format!("to upload ({})", bytes(up)));
    let there = format!("to move in the bucket ({})", bytes_moved(up));
    add(moved(up).count() as u64, there);
    let replacing = count_of(ActionKind::ReplaceFolder);
    add(count_of(down), format!("to download ({})", bytes(down)));
    let renames = ActionKind::MoveLocal;
    add(count_of(renames), format!("to move here ({})", bytes_moved(renames)));
    add(replacing, format!("to put in place of folders ({})", bytes(ActionKind::ReplaceFolder)));
    add(plan.deleted_here(), "to delete here".to_owned());
    add(plan.deleted_in_bucket(), "to delete in the bucket".to_owned());
    add(count_of(ActionKind::KeepBoth), "to keep twice".to_owned());
    add(count_of(ActionKind::Adopt), "equal on both sides to record".to_owned());
    let forgotten = plan.forgotten().saturating_sub(plan.dropped());
    add(forgotten, "to forget".to_owned());
    let incomplete = plan.notices.iter().filter(|notice| notice.incomplete).count() as u64;
    let mut rest = Vec::new();
    add_rest(&mut rest, plan.conflicts.len() as u64, "conflict", "conflicts");
    add_incomplete(&mut rest, incomplete, plan.dropped());
    add_common_rest(&mut rest, &Leftovers::of_plan(plan));
    join(&work, &rest)
}

/// Sums up what was done: `3 uploaded (1.2 MiB), 1 downloaded (4 B), 2 deleted here; 1 conflict`,
/// and how long it took where something was transferred.
pub(in crate::cli) fn report_summary(report: &Report, elapsed: Duration) -> String {
    let mut work = Vec::new();
    let mut add = |count: u64, words: String| {
        if count > 0 {
            work.push(format!("{} {words}", number(count)));
        }
    };
    let Moves { sent, copied, bytes_sent, bytes_copied } = report.moves;
    let bytes_uploaded = report.bytes_uploaded - bytes_sent;
    add(report.uploaded - sent, format!("uploaded ({})", size(bytes_uploaded)));
    let bytes = size(report.bytes_copied - bytes_copied);
    add(report.copied - copied, format!("copied in the bucket ({bytes})"));
    let of_it = match bytes_sent {
        0 => String::new(),
        _ if bytes_copied == 0 => ", all of it sent".to_owned(),
        sent => format!(", {} of it sent", size(sent)),
    };
    let bytes = size(bytes_sent + bytes_copied);
    add(report.moved_here(), format!("moved in the bucket ({bytes}{of_it})"));
    let bytes = size(report.bytes_moved_in_bucket);
    add(report.moved_in_bucket, format!("moved here ({bytes})"));
    add(report.downloaded, format!("downloaded ({})", size(report.bytes_downloaded)));
    add(report.deleted_local, "deleted here".to_owned());
    add(report.deleted_remote, "deleted in the bucket".to_owned());
    add(report.kept_both, "kept twice".to_owned());
    add(report.adopted, "equal on both sides recorded".to_owned());
    // What a rule took out is named below, where it says why the run is incomplete.
    add(report.forgotten.saturating_sub(report.dropped), "forgotten".to_owned());
    let bytes = report.bytes_uploaded + report.bytes_downloaded;
    if bytes > 0
        && elapsed >= ELAPSED_MIN
        && let Some(last) = work.last_mut()
    {
        last.push_str(" in ");
        last.push_str(&duration(elapsed));
        if elapsed >= RATE_ELAPSED_MIN
            && let Some(rate) = rate(bytes, elapsed)
        {
            last.extend([", ", &size(rate), "/s"]);
        }
    }
    let mut rest = Vec::new();
    if report.interrupted {
        rest.push("interrupted".to_owned());
    }
    add_rest(&mut rest, report.failed, "failed", "failed");
    add_rest(&mut rest, report.changed_meanwhile, "changed meanwhile", "changed meanwhile");
    add_rest(&mut rest, report.conflicts, "conflict", "conflicts");
    add_incomplete(&mut rest, report.incomplete, report.dropped);
    add_common_rest(&mut rest, &Leftovers::of_report(report));
    join(&work, &rest)
}

/// What a run leaves although nothing is wrong with it.
struct Leftovers {
    withheld_deletions: u64,
    beyond_limit: u64,
    ahead: u64,
    behind: u64,
    behind_deleted: u64,
}

impl Leftovers {
    fn of_plan(plan: &Plan) -> Self {
        let Plan { withheld_deletions, beyond_limit, ahead, behind, behind_deleted, .. } = *plan;
        Self { withheld_deletions, beyond_limit, ahead, behind, behind_deleted }
    }

    fn of_report(report: &Report) -> Self {
        let Report { withheld_deletions, beyond_limit, ahead, behind, behind_deleted, .. } =
            *report;
        Self { withheld_deletions, beyond_limit, ahead, behind, behind_deleted }
    }
}

fn add_incomplete(rest: &mut Vec<String>, incomplete: u64, dropped: u64) {
    add_rest(rest, dropped, "path no longer synced", "paths no longer synced");
    let unable = incomplete.saturating_sub(dropped);
    add_rest(rest, unable, "path cannot be handled", "paths cannot be handled");
}

fn add_common_rest(rest: &mut Vec<String>, left: &Leftovers) {
    add_rest(rest, left.withheld_deletions, "deletion withheld", "deletions withheld");
    add_rest(rest, left.beyond_limit, "left for the next run", "left for the next run");
    add_rest(rest, left.ahead, "changed here, not pushed", "changed here, not pushed");
    let newer = left.behind - left.behind_deleted;
    add_rest(rest, newer, "newer in the bucket, not pulled", "newer in the bucket, not pulled");
    let deleted = "deleted in the bucket, not here";
    add_rest(rest, left.behind_deleted, deleted, deleted);
}

fn add_rest(rest: &mut Vec<String>, count_of: u64, singular: &str, plural: &str) {
    if count_of > 0 {
        rest.push(count(count_of, singular, plural));
    }
}

fn join(work: &[String], rest: &[String]) -> String {
    match (work.is_empty(), rest.is_empty()) {
        (true, true) => "up to date".to_owned(),
        (true, false) => rest.join(", "),
        (false, true) => work.join(", "),
        (false, false) => format!("{}; {}", work.join(", "), rest.join(", ")),
    }
}

#[cfg(test)]
mod tests;
