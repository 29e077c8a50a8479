//! What a command says about a plan or a run, as text or as `--json` lines.

use std::time::Duration;

use super::json::{self, Counts};
use super::render;
use super::session::Context;
use crate::error::{Error, Exit};
use crate::plan::{Conflict, Notice, Plan};
use crate::transfer::Report;

/// Shows a plan that is not carried out (`--dry-run`).
pub(super) fn plan(context: &Context, word: &'static str, plan: &Plan, elapsed: Duration) {
    plan_lines(context, plan);
    let screen = &context.screen;
    if !screen.json() {
        for notice in &plan.notices {
            screen.remark(&render::notice_line(screen.error_style(), notice));
        }
    }
    plan_summary(context, word, plan, elapsed);
}

/// Shows the lines of a plan.
pub(super) fn plan_lines(context: &Context, plan: &Plan) {
    let screen = &context.screen;
    let lines = if screen.json() {
        json::plan(plan)
    } else if screen.quiet() {
        String::new()
    } else {
        render::plan_lines(screen.style(), plan, screen.verbose())
    };
    if !lines.is_empty() {
        screen.result(&lines);
    }
}

/// Shows what a plan is about to do, where somebody reads along.
pub(super) fn actions(context: &Context, plan: &Plan) {
    let screen = &context.screen;
    let lines = render::actions(screen.style(), plan, false);
    if !screen.json() && !screen.quiet() && !lines.is_empty() {
        screen.result(&lines.join("\n"));
    }
}

/// Shows the last line of a plan that is not carried out.
pub(super) fn plan_summary(context: &Context, word: &'static str, plan: &Plan, elapsed: Duration) {
    let (screen, text) = (&context.screen, render::plan_summary(plan));
    if screen.json() {
        let counts = Counts {
            elapsed_ms: milliseconds(elapsed),
            exit: Exit::of_plan(plan).code(),
            ..Counts::of_plan(plan)
        };
        screen.result(&json::summary(word, plan.bytes(), &text, counts));
    } else {
        screen.result(&text);
    }
}

/// Shows what a run could not settle: conflicts and paths that are left alone.
pub(super) fn left_open(context: &Context, conflicts: &[Conflict], notices: &[Notice]) {
    let screen = &context.screen;
    for notice in notices {
        if screen.json() {
            screen.result(&json::notice(notice));
        } else {
            screen.remark(&render::notice_line(screen.error_style(), notice));
        }
    }
    for conflict in conflicts {
        if screen.json() {
            screen.result(&json::conflict(conflict));
        } else {
            screen.beside(&render::conflict_line(screen.error_style(), conflict));
        }
    }
}

/// Shows the last line of a run, and what to type next.
pub(super) fn summary(context: &Context, word: &'static str, report: &Report, elapsed: Duration) {
    let (screen, text) = (&context.screen, render::report_summary(report, elapsed));
    if let Some(fatal) = &report.fatal {
        let error = Error::from(fatal.clone());
        screen.error(&error.to_string(), &error.causes(), error.hint().as_deref());
    }
    if screen.json() {
        let counts = Counts {
            elapsed_ms: milliseconds(elapsed),
            exit: Exit::of_report(report).code(),
            ..Counts::of_report(report)
        };
        let bytes = report.bytes_uploaded + report.bytes_downloaded;
        screen.result(&json::summary(word, bytes, &text, counts));
    } else if !screen.quiet() {
        screen.result(&text);
    }
    for hint in hints(report) {
        screen.hint(hint);
    }
}

/// Returns what to type next, the most urgent first.
fn hints(report: &Report) -> Vec<&'static str> {
    let mut hints = Vec::new();
    if report.conflicts > 0 {
        hints.push("`lsync resolve` settles conflicts");
    }
    if report.failed + report.changed_meanwhile + report.beyond_limit > 0 || report.interrupted {
        hints.push("the same command again does the rest");
    }
    if report.behind > 0 {
        hints.push("`lsync pull` fetches what is newer in the bucket");
    }
    if report.ahead > 0 {
        hints.push("`lsync push` sends what changed here");
    }
    hints
}

fn milliseconds(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}
