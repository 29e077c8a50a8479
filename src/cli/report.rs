//! What a command says about a plan or a run, as text or as `--json` lines.

use std::time::Duration;

use super::screen::Screen;
use super::screen::json::{self, Counts};
use super::screen::render::{self, floods};
use super::session::Context;
use crate::error::{Error, Exit, safety_hint};
use crate::plan::{ActionKind, Conflict, Notice, Plan, SafetyStop};
use crate::transfer::Report;

/// What to do about a file against a folder of which not all could be looked at.
pub(super) const RENAME_HINT: &str =
    "where a file stands against a folder, rename one of the two, then `lsync sync`";

/// What to do where every write was refused.
const RIGHTS_HINT: &str =
    "ask whoever owns the bucket for permission to write; `lsync pull` works without";

/// Shows a plan that is not carried out (`--dry-run`).
pub(super) fn plan(context: &Context, word: &'static str, plan: &Plan, elapsed: Duration) {
    plan_lines(context, plan);
    let screen = &context.screen;
    if !screen.json() {
        notices(context, &plan.notices);
    }
    plan_summary(context, word, plan, elapsed);
}

/// Shows the lines of a plan.
pub(super) fn plan_lines(context: &Context, plan: &Plan) {
    let screen = &context.screen;
    if screen.json() {
        screen.results(json::plan(plan));
    } else if !screen.quiet() {
        screen.results(render::plan_lines(screen.style(), plan, screen.verbose()));
    }
}

/// Shows what a plan is about to do, where somebody reads along.
pub(super) fn actions(context: &Context, plan: &Plan) {
    let screen = &context.screen;
    if !screen.json() && !screen.quiet() {
        screen.results(render::actions(screen.style(), plan, false));
    }
}

/// What a plan moves, as it is told once that is done.
pub(super) struct Moved {
    pub(super) lines: Vec<String>,
    pub(super) files: u64,
}

/// Words what a plan moves; `--verbose` and `--json` tell of each file instead.
pub(super) fn moved(context: &Context, plan: &Plan) -> Moved {
    let screen = &context.screen;
    let is_told = !screen.json() && !screen.quiet() && !screen.verbose();
    let lines = if is_told { render::moved::told(screen.style(), plan) } else { Vec::new() };
    Moved { lines, files: plan.moved_here() + plan.count(ActionKind::MoveLocal) }
}

/// Shows the last line of a plan that is not carried out.
pub(super) fn plan_summary(context: &Context, word: &'static str, plan: &Plan, elapsed: Duration) {
    let (screen, text) = (&context.screen, render::plan_summary(plan));
    if screen.json() {
        let counts = Counts::of_plan(plan).ended(Exit::of_plan(plan), elapsed);
        screen.summary(&json::summary(word, plan.bytes(), &text, counts));
    } else {
        screen.result(&text);
    }
}

/// Shows what a run could not settle: conflicts and paths that are left alone.
pub(super) fn left_open(context: &Context, open: &[Conflict], left_alone: &[Notice]) {
    let screen = &context.screen;
    if screen.json() {
        screen.results(left_alone.iter().map(json::notice).chain(open.iter().map(json::conflict)));
        return;
    }
    notices(context, left_alone);
    for line in floods::conflicts(screen.error_style(), open, screen.verbose()) {
        screen.beside(&line);
    }
}

/// Says what is left alone; what makes a run incomplete is told under `--quiet`, too.
fn notices(context: &Context, notices: &[Notice]) {
    let screen = &context.screen;
    let is_told = |notice: &&Notice| notice.incomplete || !screen.quiet();
    let told = notices.iter().filter(is_told);
    for line in floods::notices(screen.error_style(), told, screen.verbose()) {
        screen.beside(&line);
    }
}

/// Shows the last line of a run, and what to type next.
///
/// `planned` are the conflicts that the run began with.
pub(super) fn summary(
    context: &Context,
    word: &'static str,
    report: &Report,
    planned: &[Conflict],
    elapsed: Duration,
) {
    let (screen, text) = (&context.screen, render::report_summary(report, elapsed));
    if let Some(fatal) = &report.fatal {
        let error = Error::from(fatal.clone());
        let hint = error.hint().map(|hint| hint_of_fatal(report, hint));
        screen.error(&error.to_string(), &causes(screen, &error), hint.as_deref());
    }
    if report.may_not_write() {
        screen.error("you may read this bucket and not write to it", &[], Some(RIGHTS_HINT));
    }
    if screen.json() {
        let counts = Counts::of_report(report).ended(Exit::of_report(report), elapsed);
        let bytes = report.bytes_uploaded + report.bytes_downloaded;
        screen.summary(&json::summary(word, bytes, &text, counts));
    } else if !screen.quiet() {
        screen.result(&text);
    } else if report.interrupted || report.beyond_limit > 0 {
        // No single path tells of these, and they make the exit code.
        screen.beside(&text);
    }
    for hint in hints(word, report, to_rename(planned)) {
        screen.hint(hint);
    }
}

/// Returns what lies behind an error, and what a library said of it where every detail is wanted.
pub(super) fn causes(screen: &Screen, error: &Error) -> Vec<String> {
    let detail = error.detail().filter(|_| screen.verbose()).map(str::to_owned);
    error.causes().into_iter().chain(detail).collect()
}

/// Adds to the hint of what ended a run that nothing has to be done twice, where something was done.
fn hint_of_fatal(report: &Report, hint: String) -> String {
    if report.is_untouched() { hint } else { format!("{hint}; what was done is recorded") }
}

/// Returns what to type next, the most urgent first.
fn hints(word: &str, report: &Report, to_rename: u64) -> Vec<&'static str> {
    let mut hints = conflict_hints(word, report.conflicts, to_rename);
    if report.changed_unseen > 0 {
        hints.push("`lsync sync` looks at what others did in the bucket");
    }
    let passing = report.failed + report.changed_meanwhile - report.failing_again;
    if passing + report.beyond_limit > 0 || report.interrupted {
        hints.push(match report.failing_again {
            0 => "the same command again does the rest",
            _ => "the same command again does the rest, except for what will fail in the same way",
        });
    }
    if report.behind_deleted > 0 {
        hints.push("`lsync pull` does here what others did in the bucket");
    } else if report.behind > 0 {
        hints.push("`lsync pull` fetches what is newer in the bucket");
    }
    if report.ahead > 0 {
        hints.push("`lsync push` sends what changed here");
    }
    hints
}

/// Counts the conflicts that nobody can settle but by renaming something.
pub(super) fn to_rename(conflicts: &[Conflict]) -> u64 {
    conflicts.iter().filter(|conflict| conflict.needs_renaming()).count() as u64
}

/// Returns what settles open conflicts, of which `to_rename` need a name of their own.
pub(super) fn conflict_hints(word: &str, conflicts: u64, to_rename: u64) -> Vec<&'static str> {
    let mut hints = Vec::new();
    if conflicts > to_rename {
        hints.push(match word {
            "resolve" => "what is left open: --ours, --theirs or --both decide it",
            _ => "`lsync resolve` settles conflicts",
        });
    }
    if to_rename > 0 {
        hints.push(RENAME_HINT);
    }
    hints
}

/// Says of a plan that is not carried out that the guard would stop it.
pub(super) fn warn_of_stop(context: &Context, what: &str, stop: &SafetyStop) {
    context.screen.warning(&format!("{what}: {stop}"));
    context.screen.hint(&safety_hint(stop, true));
}

/// Says of a plan that is not carried out that the bucket will refuse it.
pub(super) fn warn_of_read_only(context: &Context, read_only: bool, url: &str, plan: &Plan) {
    if let Err(error) = refuse_read_only(read_only, url, plan) {
        context.screen.warning(&error.to_string());
        context.screen.hint(&error.hint().unwrap_or_default());
    }
}

/// Stops before anything is written to a bucket that is known to refuse it.
pub(super) fn refuse_read_only(read_only: bool, url: &str, plan: &Plan) -> Result<(), Error> {
    let writes = [ActionKind::Upload, ActionKind::DeleteRemote, ActionKind::KeepBoth];
    let paths: u64 = writes.iter().map(|kind| plan.count(*kind)).sum();
    if paths == 0 || !read_only {
        return Ok(());
    }
    Err(Error::ReadOnly { paths, bucket: url.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflicts_that_need_a_new_name_have_a_hint_of_their_own() {
        assert!(conflict_hints("sync", 0, 0).is_empty());
        assert_eq!(conflict_hints("sync", 1, 0), ["`lsync resolve` settles conflicts"]);
        assert_eq!(conflict_hints("sync", 1, 1), [RENAME_HINT]);
        assert_eq!(conflict_hints("resolve", 1, 1), [RENAME_HINT]);
        assert_eq!(conflict_hints("resolve", 2, 1).len(), 2);
        assert!(conflict_hints("resolve", 1, 0)[0].contains("--ours, --theirs or --both"));
    }
}
