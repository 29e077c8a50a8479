//! What `lsync status` lists.

use super::{floods, moved};
use crate::cli::screen::style::{Paint, Style};
use crate::cli::screen::text::{count, escape, size};
use crate::cli::screen::words::notices as words;
use crate::plan::{Action, ActionKind, Plan};

/// Renders the groups of `lsync status`, an empty line behind each, without the summary line.
pub(in crate::cli) fn status_groups(
    style: Style,
    plan: &Plan,
    all: bool,
) -> impl Iterator<Item = String> {
    let side = |towards: fn(ActionKind) -> bool| {
        let actions = move || plan.actions.iter().filter(move |action| towards(action.kind));
        let alone = |action: &&Action| action.moved_from().is_none() && !action.has_moved_away();
        let word = move |rest: &str| format!("  {} {rest}", style.paint(Paint::Bold, "moved:   "));
        let others = actions().filter(alone).map(move |action| status_line(style, action));
        moved::lines(actions(), word).chain(others)
    };
    let conflicts = plan.conflicts.iter().map(move |conflict| {
        let path = style.paint(Paint::Yellow, &escape(conflict.path.as_str()));
        format!("  {path}  {}", escape(&words::conflict(conflict)))
    });
    group(style, "To the bucket:", side(goes_up))
        .chain(group(style, "To here:", side(goes_down)))
        .chain(group(style, "Conflicts:", conflicts))
        .chain(group(
            style,
            "Left alone:",
            floods::left_alone_lines(&plan.notices, all).into_iter(),
        ))
}

/// Puts a title above lines and an empty line below them, if there are any.
fn group(
    style: Style,
    title: &str,
    lines: impl Iterator<Item = String>,
) -> impl Iterator<Item = String> {
    let mut lines = lines.peekable();
    let [above, below] = match lines.peek() {
        Some(_) => [Some(style.paint(Paint::Bold, title)), Some(String::new())],
        None => [None, None],
    };
    above.into_iter().chain(lines).chain(below)
}

fn goes_up(kind: ActionKind) -> bool {
    matches!(kind, ActionKind::Upload | ActionKind::DeleteRemote)
}

fn goes_down(kind: ActionKind) -> bool {
    matches!(
        kind,
        ActionKind::Download
            | ActionKind::MoveLocal
            | ActionKind::DeleteLocal
            | ActionKind::ReplaceFolder
            | ActionKind::KeepBoth
    )
}

/// Renders one line of a group in the way of git: `  new:      docs/a.txt  48.2 KiB`.
fn status_line(style: Style, action: &Action) -> String {
    let (word, paint) = match action.kind {
        ActionKind::DeleteLocal | ActionKind::DeleteRemote => ("deleted:", Paint::Red),
        ActionKind::ReplaceFolder => ("a file for a folder:", Paint::Red),
        _ if action.is_new() => ("new:", Paint::Green),
        _ => ("changed:", Paint::Bold),
    };
    let path = escape(action.path.as_str());
    let line = format!("  {} {path}", style.paint(paint, &format!("{word:9}")));
    match action.kind {
        ActionKind::DeleteLocal | ActionKind::DeleteRemote => line,
        _ => {
            let mut more = action
                .origin()
                .map_or_else(String::new, |row| format!("  like {}", escape(row.path.as_str())));
            if action.kind == ActionKind::ReplaceFolder {
                let files = action.folder().len() as u64;
                more = format!("  in place of {}", count(files, "file", "files"));
            }
            format!("{line}  {}{more}", size(action.bytes()))
        }
    }
}
