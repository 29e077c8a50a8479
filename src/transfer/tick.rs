//! No plan rests on a stat behind which a later edit could hide.

use super::context::Context;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::plan::{ActionKind, Conflict, Plan};
use crate::remote::Remote;
use crate::tree::{RepoPath, Stat};

impl<D: Disk, R: Remote, C: Clock> Context<D, R, C> {
    /// Waits until the ticks have passed in which the files were last changed that a plan takes away
    /// or replaces; `resolving` says that its conflicts may become such actions.
    ///
    /// An edit after the plan then has another ctime, and is not taken for what the plan saw.
    pub async fn let_ticks_pass(&self, plan: &Plan, resolving: bool) {
        let takes = |kind| match kind {
            ActionKind::Download
            | ActionKind::DeleteLocal
            | ActionKind::ReplaceFolder
            | ActionKind::KeepBoth => true,
            ActionKind::Adopt
            | ActionKind::Forget
            | ActionKind::Upload
            | ActionKind::DeleteRemote => false,
        };
        for action in plan.actions.iter().filter(|action| takes(action.kind)) {
            let inside = action.folder().iter().map(|(path, stat)| (path, stat));
            let own = action.local.iter().map(|stat| (&action.path, stat));
            self.let_tick_pass(own.chain(inside)).await;
        }
        if resolving {
            let local = plan.conflicts.iter().flat_map(Conflict::local_files);
            self.let_tick_pass(local).await;
        }
    }

    async fn let_tick_pass(&self, files: impl Iterator<Item = (&RepoPath, &Stat)>) {
        for (path, stat) in files {
            // What moved away meanwhile, or cannot be looked at, is found so when its turn comes.
            self.wait_for_tick(path, stat).await.unwrap_or_default();
        }
    }
}
