//! Which new file is most likely one that ends elsewhere: renamed here, or moved. Pure.
//!
//! And where a file has gone that somebody else goes on editing under its old name.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Action, ActionKind, Conflict, ConflictKind, Detail, Stage};
use crate::tree::{BaseRow, RepoPath};

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
    let is_there = action.stage == Stage::Last && action.remote.as_ref() == Some(&row.version);
    (is_there && row.signature.size > 0).then_some(row)
}

/// Conflicts about files that one side has deleted and whose new name is not known.
#[derive(Debug)]
pub struct Missing<'a> {
    conflicts: &'a mut [Conflict],
    /// Their places, by the size that both sides knew.
    by_size: HashMap<u64, Vec<usize>>,
}

impl<'a> Missing<'a> {
    /// Finds those among the conflicts of a plan.
    pub fn among(conflicts: &'a mut [Conflict]) -> Self {
        let mut by_size: HashMap<u64, Vec<usize>> = HashMap::new();
        for (place, conflict) in conflicts.iter().enumerate() {
            let size = conflict.base.as_ref().map_or(0, |base| base.signature.size);
            let is_gone =
                matches!(conflict.kind, ConflictKind::DeletedHere | ConflictKind::DeletedThere);
            if is_gone && size > 0 && conflict.moved_to.is_none() {
                by_size.entry(size).or_default().push(place);
            }
        }
        Self { conflicts, by_size }
    }

    /// Tells whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.by_size.is_empty()
    }

    /// Holds a file that both sides have against them.
    pub fn hold_against(&mut self, row: &BaseRow) {
        let now = &row.signature;
        self.give(&row.path, now.size, |_, base| {
            let was = &base.signature;
            let is_it = was.inode == now.inode || base.version.token == row.version.token;
            was.mtime == now.mtime && (is_it || base.path.name() == row.path.name())
        });
    }

    /// Holds a file that is new on one side against them.
    pub(super) fn hold_against_new(&mut self, action: &Action) {
        let Action { path, local, remote, remote_modified, .. } = action;
        match (action.kind, local, remote) {
            (ActionKind::Upload, Some(stat), None) => self.give(path, stat.size, |kind, base| {
                let was = &base.signature;
                let is_it = was.inode == stat.inode || base.path.name() == path.name();
                kind == ConflictKind::DeletedHere && was.mtime == stat.mtime && is_it
            }),
            (ActionKind::Download, None, Some(version)) => {
                self.give(path, version.size, |kind, base| {
                    // A folder that serves as a bucket keeps the mtime, and names its versions anew.
                    let is_as_old = base.signature.mtime == *remote_modified;
                    let is_it = is_as_old && base.path.name() == path.name();
                    kind == ConflictKind::DeletedThere
                        && (base.version.token == version.token || is_it)
                });
            }
            _ => (),
        }
    }

    fn give(&mut self, path: &RepoPath, size: u64, is_it: impl Fn(ConflictKind, &BaseRow) -> bool) {
        for place in self.by_size.get(&size).into_iter().flatten() {
            let Some(conflict) = self.conflicts.get_mut(*place) else { continue };
            let base = conflict.base.as_ref().filter(|base| base.path != *path);
            let fits = base.is_some_and(|base| is_it(conflict.kind, base));
            if fits && conflict.moved_to.is_none() {
                conflict.moved_to = Some(path.clone());
            }
        }
    }
}
