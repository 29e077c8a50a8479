//! Whether the disks here have room for what a plan fetches.

use std::collections::HashMap;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::plan::{Action, ActionKind, Plan};
use crate::repository::{checkpoints, mounts};
use crate::session::World;
use crate::tree::RepoPath;

/// A disk on which a plan cannot fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoRoom {
    /// The folder on which the disk is mounted; `None` is the disk of the root.
    pub top: Option<RepoPath>,
    /// Bytes that the plan fetches to it.
    pub need: u64,
    /// Bytes that it has left.
    pub free: u64,
}

/// A file system of the working copy.
struct Target<D: Disk> {
    folder: D::Folder,
    device: u64,
    top: Option<RepoPath>,
    need: u64,
}

/// Finds a disk on which a plan cannot fit.
///
/// What is needed is counted low: contents alone, without blocks and names, and not what a download
/// that was broken off has taken already. A file that is replaced needs its whole size, because the
/// old one goes to the trash on the same disk. A disk that does not tell what it has left may have
/// room: `None` is no promise.
pub fn lacking_room<D: Disk, C: Clock>(world: &World<D, C>, plan: &Plan) -> Option<NoRoom> {
    fetched(plan).next()?;
    let (disk, repository) = (&world.disk, &world.repository);
    let tops = mounts::load(disk, &repository.control).unwrap_or_default();
    let mut targets: Vec<Target<D>> = Vec::new();
    let mut target_of = |folder: D::Folder, top: Option<&RepoPath>| {
        let device = disk.stat_folder(&folder).ok()?.device;
        let known = targets.iter().position(|target| target.device == device);
        let place = known.unwrap_or(targets.len());
        if known.is_none() {
            targets.push(Target { folder, device, top: top.cloned(), need: 0 });
        }
        Some(place)
    };
    let root = target_of(repository.root.clone(), None)?;
    let mounted: Vec<_> = tops
        .iter()
        .map(|top| {
            let folder = disk.open_beneath(&repository.root, top.as_str()).ok();
            (top, folder.and_then(|folder| target_of(folder, Some(top))))
        })
        .collect();
    // Of two that are nested, the inner one comes later.
    let place_of = |path: &RepoPath| {
        let above = mounted.iter().rev().find(|(top, _)| path.is_below(top));
        above.map_or(Some(root), |(_, place)| *place)
    };
    for (action, bytes) in fetched(plan) {
        if let Some(place) = place_of(&action.path) {
            targets[place].need += bytes;
        }
    }
    let mut taken = None;
    for (place, Target { folder, top, need, .. }) in targets.into_iter().enumerate() {
        let Ok(free) = disk.free_bytes(&folder) else { continue };
        if need <= free {
            continue;
        }
        let taken: &HashMap<String, u64> = taken.get_or_insert_with(|| {
            checkpoints::broken_off_downloads(disk, &repository.control).unwrap_or_default()
        });
        let there = fetched(plan).filter(|(action, _)| place_of(&action.path) == Some(place));
        let spared: u64 = there
            .filter_map(|(action, bytes)| Some(bytes.min(*taken.get(action.path.as_str())?)))
            .sum();
        let need = need - spared;
        if need > free {
            return Some(NoRoom { top, need, free });
        }
    }
    None
}

/// Returns what a plan fetches, with its bytes.
fn fetched(plan: &Plan) -> impl Iterator<Item = (&Action, u64)> {
    let fetches = |action: &&Action| {
        matches!(
            action.kind,
            ActionKind::Download | ActionKind::ReplaceFolder | ActionKind::KeepBoth
        )
    };
    let bytes = |action: &Action| action.remote.as_ref().map_or(0, |version| version.size);
    plan.actions.iter().filter(fetches).map(move |action| (action, bytes(action)))
}
