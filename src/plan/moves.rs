//! Which new file is most likely one that ends elsewhere: renamed here, or moved. Pure.
//!
//! And where a file has gone that somebody else goes on editing under its old name.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use super::pairs::{Look, Pairs};
use super::{Action, ActionKind, Conflict, ConflictKind, Detail, Stage};
use crate::tree::{BaseRow, Content, RepoPath, Signature, Version};

/// Gives each upload that looks like the file of a deletion in the bucket the row that ends.
///
/// Size and mtime must be equal, and inode or name: `mv` keeps all but the path, a move to another
/// disk all but the inode. That is a guess, as with git: contents are compared before anybody builds
/// upon it. Each row goes on under one new name ([`Detail::Moved`]); what else looks like it is a
/// copy ([`Detail::Origin`]).
pub(super) fn pair(actions: &mut [Action]) {
    let ended: Vec<(usize, Arc<BaseRow>)> = (actions.iter().enumerate())
        .filter_map(|(place, action)| Some((place, Arc::clone(ended_row(action)?))))
        .collect();
    if ended.is_empty() {
        return;
    }
    let look = |path: &RepoPath, it: &Signature| Look {
        strong: (it.size, it.mtime, it.inode),
        weak: (it.size, it.mtime, path.name().to_owned()),
    };
    let mut pairs = Pairs::of(ended.iter().map(|(_, row)| look(&row.path, &row.signature)));
    let uploads = || actions.iter().enumerate().filter(|(_, it)| it.kind == ActionKind::Upload);
    let began: Vec<(usize, Look<_, _>)> = uploads()
        .filter_map(|(place, it)| Some((place, look(&it.path, &it.local?.signature()))))
        .collect();
    // A clash may lose an action, and the object that goes with it must not go untold then.
    let is_new = |place: usize| actions[place].is_new() && actions[place].clash == 0;
    let moved = pairs.pair(began.iter().map(|(place, look)| is_new(*place).then_some(look)));
    for ((place, look), moved) in began.iter().zip(moved) {
        let detail = match moved {
            Some(from) if actions[ended[from].0].clash == 0 => {
                actions[ended[from].0].detail = Detail::MovedAway(Arc::clone(&ended[from].1));
                Detail::Moved(Arc::clone(&ended[from].1))
            }
            _ => match pairs.likest(look) {
                Some(from) if look.strong.0 > 0 => Detail::Origin(Arc::clone(&ended[from].1)),
                _ => continue,
            },
        };
        actions[*place].detail = detail;
    }
}

/// Returns the row of an object that lies there until everything new has been stored, and that holds
/// what the file held.
fn ended_row(action: &Action) -> Option<&Arc<BaseRow>> {
    let (ActionKind::DeleteRemote, Detail::Row(row)) = (action.kind, &action.detail) else {
        return None;
    };
    let is_there = action.stage == Stage::Last && action.remote.as_ref() == Some(&row.version);
    is_there.then_some(row)
}

/// Makes one [`ActionKind::MoveLocal`] of a file that is to go here and an object that is to come, where
/// both look the same: somebody seems to have renamed it in the bucket.
///
/// `ended` tells how the object of a row looked, `came` how a version looks that was last changed then;
/// `None` looks like nothing else. Of several the one with the same file name is taken, else the first.
pub fn pair_here<K: Hash + Eq + Clone>(
    actions: &mut Vec<Action>,
    ended: impl Fn(&BaseRow) -> Option<K>,
    came: impl Fn(&Version, i64) -> Option<K>,
) {
    let look =
        |path: &RepoPath, weak: K| Look { strong: (weak.clone(), path.name().to_owned()), weak };
    let old: Vec<(usize, Arc<BaseRow>, Look<_, _>)> = (actions.iter().enumerate())
        .filter_map(|(place, action)| {
            let row = untouched_row(action)?;
            Some((place, Arc::clone(row), look(&row.path, ended(row)?)))
        })
        .collect();
    if old.is_empty() {
        return;
    }
    let new: Vec<(usize, Look<_, _>)> = (actions.iter().enumerate())
        .filter(|(_, it)| it.kind == ActionKind::Download && it.is_new())
        .filter(|(_, it)| it.clash == 0 && it.stage == Stage::Main)
        .filter_map(|(place, it)| {
            let key = came(it.remote.as_ref()?, it.remote_modified)?;
            Some((place, look(&it.path, key)))
        })
        .collect();
    let (old, looks): (Vec<_>, Vec<_>) =
        old.into_iter().map(|(place, row, look)| ((place, row), look)).unzip();
    let moved = Pairs::of(looks.into_iter()).pair(new.iter().map(|(_, look)| Some(look)));
    let mut gone = HashSet::new();
    for ((place, _), from) in new.iter().zip(moved) {
        let Some((from, row)) = from.map(|from| &old[from]) else { continue };
        let local = actions[*from].local;
        let action = &mut actions[*place];
        action.kind = ActionKind::MoveLocal;
        action.local = local;
        action.detail = Detail::Moved(Arc::clone(row));
        gone.insert(*from);
    }
    let mut place = 0;
    actions.retain(|_| {
        place += 1;
        !gone.contains(&(place - 1))
    });
}

/// Returns the row of a file that ends here by itself, and that nobody has touched.
fn untouched_row(action: &Action) -> Option<&Arc<BaseRow>> {
    let (ActionKind::DeleteLocal, Detail::Row(row)) = (action.kind, &action.detail) else {
        return None;
    };
    let is_alone = action.clash == 0 && action.stage == Stage::Last && action.remote.is_none();
    let is_untouched = action.local.is_some_and(|stat| stat.signature() == row.signature);
    let is_known = row.content != Content::of_size(row.content.size);
    (is_alone && is_untouched && is_known && !action.unknown_loser).then_some(row)
}

/// Makes two of a move again: the object is fetched, then the file goes to the trash.
///
/// For where the disk cannot rename. The order of the plan is to be made anew.
pub fn take_apart(actions: &mut Vec<Action>, mut cannot: impl FnMut(&Action) -> bool) {
    let mut ended = Vec::new();
    for action in actions.iter_mut().filter(|it| it.kind == ActionKind::MoveLocal && cannot(it)) {
        let Detail::Moved(row) = std::mem::take(&mut action.detail) else { continue };
        action.kind = ActionKind::Download;
        ended.push(Action {
            local: action.local.take(),
            detail: Detail::Row(Arc::clone(&row)),
            ..Action::new(row.path.clone(), ActionKind::DeleteLocal, Stage::Last)
        });
    }
    actions.append(&mut ended);
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
