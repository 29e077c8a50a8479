//! Which new file is most likely one that ends elsewhere: renamed here, or moved. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Action, ActionKind, Detail, Stage};
use crate::tree::BaseRow;

/// Gives each upload that looks like the file of a deletion in the bucket the row that ends.
///
/// Size and mtime must be equal, and inode or name: `mv` keeps all but the path, a move to another
/// disk all but the inode. That is a guess, as with git: contents are compared before anybody builds
/// upon it. Of several the one with the same inode is taken, else the first.
pub(super) fn pair(actions: &mut [Action]) {
    let (mut by_inode, mut by_name) = (HashMap::new(), HashMap::new());
    for row in actions.iter().filter_map(ended_row) {
        let BaseRow { path, signature, .. } = &**row;
        let look = (signature.size, signature.mtime);
        by_inode.entry((look, signature.inode)).or_insert_with(|| Arc::clone(row));
        by_name.entry((look, path.name().to_owned())).or_insert_with(|| Arc::clone(row));
    }
    if by_inode.is_empty() {
        return;
    }
    for action in actions.iter_mut().filter(|action| action.kind == ActionKind::Upload) {
        let Some(stat) = &action.local else { continue };
        let look = (stat.size, stat.mtime);
        let origin = by_inode
            .get(&(look, stat.inode))
            .or_else(|| by_name.get(&(look, action.path.name().to_owned())));
        if let Some(row) = origin {
            action.detail = Detail::Origin(Arc::clone(row));
        }
    }
}

/// Returns the row of an object that lies there until everything new has been stored, and that holds
/// what the file held.
fn ended_row(action: &Action) -> Option<&Arc<BaseRow>> {
    let (ActionKind::DeleteRemote, Detail::Row(row)) = (action.kind, &action.detail) else {
        return None;
    };
    let is_there = action.stage == Stage::Last && action.remote.as_ref() == Some(&row.version());
    (is_there && row.signature.size > 0).then_some(row)
}
