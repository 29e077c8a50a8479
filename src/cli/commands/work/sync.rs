//! `lsync sync`: both ways.

use crate::cli::arguments::SyncArguments;
use crate::cli::commands::work::flow::{self, Typed};
use crate::cli::session::Context;
use crate::error::{Error, Exit};

/// Runs the command.
pub(in crate::cli) async fn run(
    context: &Context,
    arguments: &SyncArguments,
) -> Result<Exit, Error> {
    let SyncArguments { plan, speed, .. } = arguments;
    let typed = Typed { command: "sync", plan, speed: *speed, yes: false };
    flow::run(context, &typed, |_, _| ()).await
}
