//! A plan that cannot fit on the disk is not begun.

use crate::cli::screen::text::size;
use crate::cli::session::{Context, RealWorld};
use crate::error::Error;
use crate::plan::Plan;
use crate::sync::{self, NoRoom};

/// Refuses a plan that cannot fit, before anything is transferred.
pub(in crate::cli) fn expect_room(
    command: &'static str,
    world: &RealWorld,
    plan: &Plan,
) -> Result<(), Error> {
    sync::lacking_room(world, plan).map_or(Ok(()), |lacking| Err(error(command, &lacking)))
}

/// Says of a plan that is not carried out that it cannot fit.
pub(in crate::cli) fn warn_of_room(context: &Context, command: &'static str, lacking: &NoRoom) {
    let error = error(command, lacking);
    context.screen.warning(&error.to_string());
    context.screen.hint(&error.hint().unwrap_or_default());
}

fn error(command: &'static str, NoRoom { top, need, free }: &NoRoom) -> Error {
    let mounted = |top| format!(" that is mounted at {top}");
    let place = top.as_ref().map_or_else(String::new, mounted);
    let hint = match command {
        // What a push records lies on the disk of the root.
        "sync" | "status" if top.is_none() => {
            "make room, or go on in part: `lsync push` needs very little, `lsync pull PATH` fetches \
             some"
        }
        "sync" | "status" => {
            "make room, or go on in part: `lsync push` needs none there, `lsync pull PATH` fetches \
             some"
        }
        "pull" | "clone" => "make room, or fetch a part: `lsync pull PATH`",
        _ => "make room and run the same command again",
    };
    Error::NoRoom {
        message: format!(
            "the disk{place} has no room for what is to be downloaded: {} needed, {} free",
            size(*need),
            size(*free)
        ),
        hint: hint.to_owned(),
    }
}
