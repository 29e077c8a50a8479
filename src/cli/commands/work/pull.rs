//! `lsync pull`: what changed in the bucket, and nothing else.

use crate::cli::arguments::PullArguments;
use crate::cli::commands::work::flow::{self, Typed};
use crate::cli::commands::work::request::expect_operands;
use crate::cli::session::Context;
use crate::error::{Error, Exit};
use crate::plan::Direction;

/// Runs the command.
pub(in crate::cli) async fn run(
    context: &Context,
    arguments: &PullArguments,
) -> Result<Exit, Error> {
    let PullArguments { plan, speed, force, mirror, yes, .. } = arguments;
    if *force {
        expect_operands("pull", plan)?;
    }
    let direction = match (mirror, force) {
        (true, _) => Direction::MirrorPull,
        (false, true) => Direction::ForcedPull,
        (false, false) => Direction::Pull,
    };
    let typed = Typed { command: "pull", plan, speed: *speed, yes: *yes };
    flow::run(context, &typed, |_, request| request.direction = direction).await
}
