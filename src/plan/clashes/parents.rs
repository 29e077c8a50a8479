//! What the merge does not show: above an operand nobody has listed, so a folder that is to be made
//! there may be a file on the other side; and a folder here may hold a name that no key can hold.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::{Action, ActionKind, Conflict, ConflictKind, Direction, PlanBuilder, notices};
use crate::tree::{RemoteEntry, RepoPath, Stat};

/// A folder above an operand in which something new is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentFolder {
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
    pub fn parent_folders(&self, operands: &[RepoPath]) -> Vec<ParentFolder> {
        let mut folders: BTreeMap<RepoPath, ParentFolder> = BTreeMap::new();
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
            let operand = within.find(|folder| operands.binary_search(folder).is_ok());
            for path in operand.iter().flat_map(RepoPath::ancestors) {
                let new = ParentFolder { path: path.clone(), here: false, there: false };
                let folder = folders.entry(path).or_insert(new);
                folder.here |= here;
                folder.there |= there;
            }
        }
        folders.into_values().collect()
    }

    /// Makes a folder above an operand a conflict, because it is a file on one side: nothing below it
    /// is done.
    pub fn clash_at(&mut self, path: &RepoPath, here: Option<Stat>, there: Option<RemoteEntry>) {
        self.plan.actions.retain(|it| it.is_bookkeeping() || !it.path.is_below(path));
        self.plan.conflicts.retain(|conflict| !conflict.path.is_below(path));
        let conflict = Conflict::new(path.clone(), ConflictKind::FileAgainstFolder);
        self.plan.conflicts.push(Conflict { local: here, remote: there, ..conflict });
    }

    /// Takes out what would put a file in the place of one of these folders, which are here and hold a
    /// name that no key can hold: a file against a folder that cannot give way.
    pub fn keep_folders(&mut self, holders: &BTreeSet<RepoPath>) {
        let takes_place = |it: &Action| is_new_here(it) && holders.contains(&it.path);
        let refused = self.plan.actions.iter().filter(|it| takes_place(it)).cloned();
        let refused: Vec<_> = refused.collect();
        self.plan.take_out(takes_place);
        for Action { path, remote, remote_modified: modified, .. } in refused {
            match self.options.direction {
                Direction::Sync | Direction::Push | Direction::Pull => {
                    let entry = |version| RemoteEntry { path: path.clone(), version, modified };
                    self.clash_at(&path, None, remote.map(entry));
                }
                Direction::ForcedPush
                | Direction::ForcedPull
                | Direction::MirrorPull
                | Direction::MirrorPush => self.notice(notices::blocked(&path)),
            }
        }
    }
}

fn is_new_here(action: &Action) -> bool {
    action.kind == ActionKind::ReplaceFolder
        || (action.kind == ActionKind::Download && action.is_new())
}

fn is_new_there(action: &Action) -> bool {
    action.kind == ActionKind::Upload && action.is_new()
}
