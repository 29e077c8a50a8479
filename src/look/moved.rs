//! What was renamed in the bucket, and can be renamed here.

use std::collections::HashMap;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::plan::{self, Action, Plan};
use crate::session::Session;
use crate::tree::{RepoPath, Version};

/// Makes moves of the files that somebody has renamed in the bucket, as far as the disk can rename them.
///
/// Where tokens say nothing of the bytes, as those of a folder bucket, nothing proves a move.
pub fn pair_moves<D: Disk, C: Clock>(session: &Session<D, C>, plan: &mut Plan) {
    let names_content = |version: &Version| {
        let likely = session.store.remote.likely_content(version);
        likely.md5().is_some() || likely.part_md5s().is_some()
    };
    plan::pair_here(&mut plan.actions, names_content);
    let mut devices = HashMap::new();
    plan::take_apart(&mut plan.actions, |action| !can_rename(session, action, &mut devices));
    plan.sort_actions();
}

/// Tells whether the name is free, also on a disk that folds names, and on the file system of the file.
fn can_rename<D: Disk, C: Clock>(
    session: &Session<D, C>,
    action: &Action,
    devices: &mut HashMap<String, Option<u64>>,
) -> bool {
    let path = &action.path;
    let is_free = matches!(session.files.look(path), Ok(None));
    let device = *(devices.entry(path.parent_str().to_owned()))
        .or_insert_with(|| device_above(session, path));
    is_free && device.is_some() && device == action.local.map(|stat| stat.device)
}

/// Returns the number of the file system on which the folder of a path lies, or would be made.
fn device_above<D: Disk, C: Clock>(session: &Session<D, C>, path: &RepoPath) -> Option<u64> {
    let (disk, root) = (&session.files.disk, &session.files.root);
    let mut folder = root.clone();
    for above in path.ancestors() {
        match disk.open_folder(&folder, above.name().as_ref()) {
            Ok(next) => folder = next,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => break,
            Err(_) => return None,
        }
    }
    disk.stat_folder(&folder).ok().map(|stat| stat.device)
}
