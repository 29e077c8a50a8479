//! Which new file is most likely one that ends elsewhere: renamed here, or moved. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Action, ActionKind, Stage};
use crate::tree::{BaseRow, Stat};

/// Gives each upload that looks like the file of a deletion in the bucket the row that ends.
///
/// Size and mtime must be equal, and inode or name: `mv` keeps all but the path, a move to another
/// disk all but the inode. That is a guess, as with git: contents are compared before anybody builds
/// upon it. Of several the one with the same inode is taken, else the first.
pub(super) fn pair(actions: &mut [Action]) {
    let ended: Vec<_> = actions.iter().filter_map(ended_row).map(Arc::clone).collect();
    if ended.is_empty() {
        return;
    }
    let mut by_look: HashMap<(u64, i64), Vec<Arc<BaseRow>>> = HashMap::new();
    for row in ended {
        by_look.entry((row.signature.size, row.signature.mtime)).or_default().push(row);
    }
    for action in actions.iter_mut().filter(|action| action.kind == ActionKind::Upload) {
        let Some(stat) = &action.local else { continue };
        let Some(alike) = by_look.get(&(stat.size, stat.mtime)) else { continue };
        let name = action.path.name();
        let origin = (alike.iter().find(|row| has_inode(row, stat)))
            .or_else(|| alike.iter().find(|row| row.path.name() == name));
        action.origin = origin.map(Arc::clone);
    }
}

/// Returns the row of an object that lies there until everything new has been stored, and that holds
/// what the file held.
fn ended_row(action: &Action) -> Option<&Arc<BaseRow>> {
    let row = action.row.as_ref().filter(|_| action.kind == ActionKind::DeleteRemote)?;
    let is_there = action.stage == Stage::Last && action.remote.as_ref() == Some(&row.version());
    (is_there && row.signature.size > 0).then_some(row)
}

fn has_inode(row: &BaseRow, stat: &Stat) -> bool {
    row.signature.inode == stat.inode
}
