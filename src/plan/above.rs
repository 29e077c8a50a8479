//! What stands above an operand: nobody has listed it, so a folder that is to be made there may be a
//! file on the other side.

use std::collections::BTreeMap;

use super::{Action, ActionKind, Conflict, ConflictKind, PlanBuilder};
use crate::tree::{RemoteEntry, RepoPath, Stat};

/// A folder above an operand in which something new is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderAbove {
    /// The folder.
    pub path: RepoPath,
    /// Something is to be made in it here.
    pub here: bool,
    /// Something is to be made in it in the bucket.
    pub there: bool,
}

impl PlanBuilder {
    /// Returns the folders above the operands in which something new may be made, each once, in
    /// key order.
    pub fn folders_above(&self, operands: &[RepoPath]) -> Vec<FolderAbove> {
        let mut folders: BTreeMap<RepoPath, (bool, bool)> = BTreeMap::new();
        let actions = self.plan.actions.iter();
        let actions = actions.map(|it| (&it.path, is_new_here(it), is_new_there(it)));
        // Whoever settles a conflict may choose the side that has the file.
        let conflicts = self.plan.conflicts.iter();
        let conflicts = conflicts.map(|it| (&it.path, it.local.is_none(), it.remote.is_none()));
        for (path, here, there) in actions.chain(conflicts) {
            if !(here || there) {
                continue;
            }
            let mut within = path.ancestors().chain([path.clone()]);
            // The operands are in key order, and none lies within another.
            let operand = within.find(|above| operands.binary_search(above).is_ok());
            for path in operand.iter().flat_map(RepoPath::ancestors) {
                let known = folders.entry(path).or_default();
                *known = (known.0 || here, known.1 || there);
            }
        }
        let folders = folders.into_iter();
        folders.map(|(path, (here, there))| FolderAbove { path, here, there }).collect()
    }

    /// Makes a folder above an operand a conflict, because it is a file on one side: nothing below it
    /// is done.
    pub fn file_above(&mut self, path: &RepoPath, here: Option<Stat>, there: Option<RemoteEntry>) {
        self.plan.actions.retain(|it| it.is_bookkeeping() || !it.path.is_below(path));
        self.plan.conflicts.retain(|conflict| !conflict.path.is_below(path));
        self.plan.conflicts.push(Conflict {
            path: path.clone(),
            kind: ConflictKind::FileAgainstFolder,
            local: here,
            base: None,
            remote: there,
            proven: true,
        });
    }
}

fn is_new_here(action: &Action) -> bool {
    action.kind == ActionKind::ReplaceFolder
        || (action.kind == ActionKind::Download && action.is_new())
}

fn is_new_there(action: &Action) -> bool {
    action.kind == ActionKind::Upload && action.is_new()
}
