//! No plan rests on a stat behind which a later edit could hide.

use crate::clock::Clock;
use crate::disk::Disk;
use crate::plan::{ActionKind, Conflict, Plan};
use crate::session::Session;
use crate::tree::{RepoPath, Stat};

/// Waits until the ticks have passed in which the files were last changed that a plan takes away
/// or replaces; `resolving` says that its conflicts may become such actions.
///
/// An edit after the plan then has another ctime, and is not taken for what the plan saw.
///
/// # Errors
/// Where the clock of the disk cannot be read, and the plan takes away what nobody has agreed on:
/// nothing tells then whether that is still what the plan saw. What rows stand for needs no clock:
/// their ticks had passed when they were recorded.
pub async fn let_ticks_pass<D: Disk, C: Clock>(
    session: &Session<D, C>,
    plan: &Plan,
    resolving: bool,
) -> Result<(), ClockUnreadable> {
    let takes = |kind| match kind {
        ActionKind::Download
        | ActionKind::MoveLocal
        | ActionKind::DeleteLocal
        | ActionKind::ReplaceFolder
        | ActionKind::KeepBoth => true,
        ActionKind::Adopt | ActionKind::Forget | ActionKind::Upload | ActionKind::DeleteRemote => {
            false
        }
    };
    for action in plan.actions.iter().filter(|action| takes(action.kind)) {
        let inside = action.folder().iter().map(|(path, stat)| (path, stat));
        let own = action.local.iter().map(|stat| (&action.path, stat));
        let passed = let_tick_pass(session, own.chain(inside)).await;
        if action.unknown_loser {
            passed?;
        }
    }
    if resolving {
        let local = plan.conflicts.iter().flat_map(Conflict::local_files);
        let_tick_pass(session, local).await?;
    }
    Ok(())
}

async fn let_tick_pass<D: Disk, C: Clock>(
    session: &Session<D, C>,
    files: impl Iterator<Item = (&RepoPath, &Stat)>,
) -> Result<(), ClockUnreadable> {
    for (path, stat) in files {
        // What moved away on another disk, or cannot be staged there, is found so when its turn comes.
        let Ok(Some(folder)) = session.files.clock_folder(path, stat) else { continue };
        // A ctime that lies ahead of the clock is given to no edit of this run.
        session.files.watch_clock(&folder, stat).await.map_err(ClockUnreadable)?;
    }
    Ok(())
}

/// The clock of the disk cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the clock of the disk, by a file in .lsync/tmp")]
pub struct ClockUnreadable(#[source] std::io::Error);
