//! The lines of `--json`: one object a line, always with the eight fields of [`Line`].

use std::time::Duration;

use serde::Serialize;

use super::words::{self, Told, notices};
use crate::cli::commands::work::resolve::Sides;
use crate::clock::rfc3339;
use crate::error::Exit;
use crate::monitor::Event;
use crate::plan::{Conflict, Notice, Plan};
use crate::transfer::Report;

/// One line: what happened to one path, or to the run.
#[derive(Debug, Serialize)]
struct Line<'a> {
    /// `plan`, `done`, `failed`, `conflict`, `skipped` or `summary`.
    event: &'static str,
    /// The path, or the key or name that cannot be one; null for the run as a whole.
    path: Option<&'a str>,
    /// The path that a file had before which moved; null for others.
    from: Option<&'a str>,
    /// The word of the action, or the kind of the conflict or skip; of the run: the command.
    action: &'a str,
    /// Of which kind a failure, skip or conflict is, or a deed that is more than its action says.
    kind: Option<&'static str>,
    /// Bytes to transfer or transferred.
    bytes: u64,
    /// Why, in words.
    reason: &'a str,
    /// What to type next.
    hint: Option<&'a str>,
}

/// One side of a conflict, as `resolve --list` shows it.
#[derive(Debug, Serialize)]
struct Side {
    /// Its size.
    bytes: u64,
    /// When it was last changed, RFC 3339.
    time: String,
}

/// A conflict with both sides; a deleted one is null.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    line: Line<'a>,
    ours: Option<Side>,
    theirs: Option<Side>,
}

/// The last line: the eight fields, and the counts.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    #[serde(flatten)]
    line: Line<'a>,
    #[serde(flatten)]
    counts: Counts,
}

/// The counts of the last line. Of a plan they say what would be done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(in crate::cli) struct Counts {
    /// Nothing was done: these are intentions (`status`, `--dry-run`).
    pub(in crate::cli) dry_run: bool,
    /// Files sent.
    pub(in crate::cli) uploaded: u64,
    /// Files that the store copied from another object of the bucket.
    pub(in crate::cli) copied: u64,
    /// Files fetched.
    pub(in crate::cli) downloaded: u64,
    /// Files renamed here that have the new name in the bucket; each counts as sent or copied, too.
    pub(in crate::cli) moved_here: u64,
    /// Files renamed in the bucket that have the new name here.
    pub(in crate::cli) moved_in_bucket: u64,
    /// Files that went to the trash here.
    pub(in crate::cli) deleted_here: u64,
    /// Objects deleted.
    pub(in crate::cli) deleted_in_bucket: u64,
    /// Conflicts of which both sides stay.
    pub(in crate::cli) kept_both: u64,
    /// Equal on both sides, and recorded as such.
    pub(in crate::cli) adopted: u64,
    /// Rows dropped.
    pub(in crate::cli) forgotten: u64,
    /// Paths that failed.
    pub(in crate::cli) failed: u64,
    /// Paths that changed while they were looked at.
    pub(in crate::cli) changed_meanwhile: u64,
    /// Open conflicts.
    pub(in crate::cli) conflicts: u64,
    /// Paths that cannot be handled.
    pub(in crate::cli) incomplete: u64,
    /// Changed here and left for a push.
    pub(in crate::cli) ahead: u64,
    /// Changed in the bucket and left for a pull.
    pub(in crate::cli) behind: u64,
    /// Deletions that `--no-delete` left out.
    pub(in crate::cli) withheld_deletions: u64,
    /// Actions that `--limit` left out.
    pub(in crate::cli) beyond_limit: u64,
    /// Milliseconds from start to end.
    pub(in crate::cli) elapsed_ms: u64,
    /// The exit code.
    pub(in crate::cli) exit: u8,
}

impl Counts {
    /// Counts what a plan would do.
    pub(in crate::cli) fn of_plan(plan: &Plan) -> Self {
        use crate::plan::ActionKind as Kind;
        Self {
            dry_run: true,
            uploaded: plan.count(Kind::Upload),
            downloaded: plan.count(Kind::Download) + plan.count(Kind::ReplaceFolder),
            deleted_here: plan.deleted_here(),
            moved_here: plan.moved_here(),
            moved_in_bucket: plan.count(Kind::MoveLocal),
            deleted_in_bucket: plan.deleted_in_bucket(),
            kept_both: plan.count(Kind::KeepBoth),
            adopted: plan.count(Kind::Adopt),
            forgotten: plan.forgotten(),
            conflicts: plan.conflicts.len() as u64,
            incomplete: plan.notices.iter().filter(|notice| notice.incomplete).count() as u64,
            ahead: plan.ahead,
            behind: plan.behind,
            withheld_deletions: plan.withheld_deletions,
            beyond_limit: plan.beyond_limit,
            ..Self::default()
        }
    }

    /// Adds how a command ended, and when.
    pub(in crate::cli) fn ended(self, exit: Exit, elapsed: Duration) -> Self {
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        Self { exit: exit.code(), elapsed_ms, ..self }
    }

    /// Takes over what a run did.
    pub(in crate::cli) fn of_report(report: &Report) -> Self {
        Self {
            uploaded: report.uploaded,
            copied: report.copied,
            downloaded: report.downloaded,
            deleted_here: report.deleted_local,
            moved_here: report.moved_here(),
            moved_in_bucket: report.moved_in_bucket,
            deleted_in_bucket: report.deleted_remote,
            kept_both: report.kept_both,
            adopted: report.adopted,
            forgotten: report.forgotten,
            failed: report.failed,
            changed_meanwhile: report.changed_meanwhile,
            conflicts: report.conflicts,
            incomplete: report.incomplete,
            ahead: report.ahead,
            behind: report.behind,
            withheld_deletions: report.withheld_deletions,
            beyond_limit: report.beyond_limit,
            ..Self::default()
        }
    }
}

/// Renders what the library reported.
pub(in crate::cli) fn event(event: &Event) -> String {
    let (name, item) = match event {
        Event::Done(item) => ("done", item),
        Event::Failed(item) => ("failed", item),
        Event::Skipped(item) => ("skipped", item),
    };
    told(name, &words::told_whole(item))
}

fn told(event: &'static str, told: &Told<'_>) -> String {
    write(&Line {
        event,
        path: Some(told.path),
        from: told.from,
        action: told.action.word(),
        kind: told.kind.word(),
        bytes: told.bytes,
        reason: &told.reason,
        hint: told.hint.as_deref(),
    })
}

/// Renders a conflict of a plan.
pub(in crate::cli) fn conflict(conflict: &Conflict) -> String {
    write(&line_of(conflict, &notices::conflict(conflict)))
}

/// Renders a conflict with what both sides show.
pub(in crate::cli) fn conflict_with_sides(conflict: &Conflict, sides: &Sides) -> String {
    let side = |(bytes, time)| Side { bytes, time: rfc3339(time) };
    let (ours, theirs) = (sides.ours().map(side), sides.theirs().map(side));
    write(&Shown { line: line_of(conflict, &notices::conflict(conflict)), ours, theirs })
}

fn line_of<'a>(conflict: &'a Conflict, reason: &'a str) -> Line<'a> {
    Line {
        event: "conflict",
        path: Some(conflict.path.as_str()),
        from: None,
        action: conflict.kind.word(),
        kind: Some(conflict.kind.word()),
        bytes: 0,
        reason,
        hint: Some(if conflict.needs_renaming() {
            "rename one of the two, then lsync sync"
        } else {
            "lsync resolve"
        }),
    }
}

/// Renders a path that is left alone.
pub(in crate::cli) fn notice(notice: &Notice) -> String {
    write(&Line {
        event: "skipped",
        path: Some(&notice.path),
        from: None,
        action: notice.kind().word(),
        kind: Some(notice.kind().word()),
        bytes: 0,
        reason: &notices::reason(notice),
        hint: notices::hint(notice).as_deref(),
    })
}

/// Renders all of a plan, a line each: actions, conflicts, what is left alone.
///
/// Also what only the database learns: a run tells it as `done`, and a plan tells what a run does.
pub(in crate::cli) fn plan(plan: &Plan) -> impl Iterator<Item = String> {
    let told_of = plan.actions.iter().filter(|action| !action.has_moved_away());
    let actions = told_of.map(|action| told("plan", &words::planned(action)));
    actions.chain(plan.conflicts.iter().map(conflict)).chain(plan.notices.iter().map(notice))
}

/// Renders the last line of a run.
pub(in crate::cli) fn summary(command: &str, bytes: u64, reason: &str, counts: Counts) -> String {
    let (event, from, hint) = ("summary", None, None);
    let line = Line { event, path: None, from, action: command, kind: None, bytes, reason, hint };
    write(&Summary { line, counts })
}

/// Renders the error that ended a command.
pub(in crate::cli) fn failure(command: &str, reason: &str, hint: Option<&str>) -> String {
    let (event, from) = ("failed", None);
    write(&Line { event, path: None, from, action: command, kind: None, bytes: 0, reason, hint })
}

/// Renders the last line of a command that ended before it could count.
pub(in crate::cli) fn summary_of_end(command: &str, exit: Exit, elapsed: Duration) -> String {
    let counts = Counts::default().ended(exit, elapsed);
    let reason = if exit == Exit::Interrupted { "interrupted" } else { "ended by an error" };
    summary(command, 0, reason, counts)
}

fn write(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings and numbers alone always serialize")
}
