//! Names that are seldom meant for a team, before they go to the bucket for the first time.

use crate::cli::screen::prompt;
use crate::cli::screen::text::count;
use crate::cli::session::{Context, RealOpened};
use crate::error::Error;
use crate::plan::{FirstNames, Plan};
use crate::sync::SyncError;

/// Finds such names among what a plan uploads.
pub(in crate::cli) fn first_push(
    opened: &RealOpened<'_>,
    plan: &Plan,
) -> Result<FirstNames, Error> {
    let mut names = FirstNames::of(plan);
    if names.is_empty() {
        return Ok(names);
    }
    for row in opened.database.rows(None).map_err(SyncError::Database)? {
        names.leave_out(&row.map_err(SyncError::Database)?.path);
    }
    Ok(names)
}

/// Says which they are and what leaves them out; `--quiet` does not leave this out.
pub(in crate::cli) fn tell_of_first_push(context: &Context, names: &FirstNames) {
    if names.is_empty() {
        return;
    }
    let files: u64 = names.iter().map(|(_, files)| files).sum();
    let list: Vec<_> = names.iter().map(|(name, _)| name).collect();
    let message = format!(
        "{} would go to the bucket for the first time: {}",
        count(files, "file that is seldom shared", "files that are seldom shared"),
        list.join(", ")
    );
    let lines: Vec<_> = list.iter().map(|name| format!("`{name}`")).collect();
    let (line, leave) =
        if lines.len() == 1 { ("this line", "leaves") } else { ("these lines", "leave") };
    let lines = lines.join(", ");
    let hint = format!("{line} in .lsyncignore: {lines} {leave} out what is not for the team");
    context.screen.caution(&message, &hint);
}

/// Says which they are; on a terminal, asks whether to send them.
pub(in crate::cli) async fn may_push(
    context: &Context,
    names: &FirstNames,
    ask: bool,
) -> Result<bool, Error> {
    tell_of_first_push(context, names);
    if names.is_empty() || !ask || !context.screen.can_ask() {
        return Ok(true);
    }
    Ok(prompt::confirm("Send them?").await?)
}
