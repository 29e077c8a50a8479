//! `lsync push`: what changed here, and nothing else.

use crate::cli::arguments::PushArguments;
use crate::cli::commands::work::flow::{self, Typed};
use crate::cli::commands::work::request::expect_operands;
use crate::cli::session::Context;
use crate::disk::{Disk as _, RealDisk};
use crate::error::{Error, Exit};
use crate::local::IgnoreRules;
use crate::plan::Direction;
use crate::repository::Repository;
use crate::sync::Request;
use crate::tree::{Kind, RepoPath};

/// Runs the command.
pub(in crate::cli) async fn run(
    context: &Context,
    arguments: &PushArguments,
) -> Result<Exit, Error> {
    check(arguments)?;
    let PushArguments { plan, speed, yes, .. } = arguments;
    let typed = Typed { command: "push", plan, speed: *speed, yes: *yes };
    let shape = |repository: &Repository<RealDisk>, request: &mut Request| {
        let operands = request.selection.operands();
        let is_one_file = plan.paths.len() == 1
            && operands.first().is_some_and(|path| is_plain_file(repository, path));
        // What the bucket holds nobody has looked at without a listing: nothing is forced over it.
        request.implicit_force =
            is_one_file && !(arguments.mirror || arguments.force || arguments.no_list);
        request.direction = match () {
            () if arguments.mirror => Direction::MirrorPush,
            () if arguments.force || request.implicit_force => Direction::ForcedPush,
            () => Direction::Push,
        };
        request.backup &= !arguments.no_backup;
        request.unlisted = arguments.no_list;
    };
    flow::run(context, &typed, shape).await
}

/// Refuses what makes no sense, before anything is looked at.
fn check(arguments: &PushArguments) -> Result<(), Error> {
    if arguments.force {
        expect_operands("push", &arguments.plan)?;
    }
    if arguments.no_list && (arguments.force || arguments.mirror) {
        return Err(Error::usage(
            "--no-list (LSYNC_NO_LIST) looks at nothing in the bucket that could be forced over",
            "leave out --no-list, and take LSYNC_NO_LIST out of the environment",
        ));
    }
    Ok(())
}

/// Tells whether a path is a regular file here that no rule ignores.
fn is_plain_file(repository: &Repository<RealDisk>, path: &RepoPath) -> bool {
    let (disk, root) = (RealDisk, &repository.root);
    let stat = disk
        .open_beneath(root, path.parent_str())
        .and_then(|folder| disk.lstat(&folder, path.name().as_ref()));
    stat.is_ok_and(|stat| stat.kind == Kind::File)
        && IgnoreRules::new(&disk, root).check(path, false).is_ok_and(|rule| rule.is_none())
}
