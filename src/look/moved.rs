//! What was renamed in the bucket, and can be renamed here.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::StreamExt as _;

use super::examine::fetch_crc64;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::plan::{self, Action, ActionKind, Plan};
use crate::session::Session;
use crate::tree::{BaseRow, RemoteEntry, RepoPath, Version};

/// Makes moves of the files that somebody has renamed in the bucket, as far as the disk can rename them.
///
/// Equal versions prove a move where tokens are made of the contents. In a bucket that is read as cheaply
/// as a disk, objects of the same size and mtime are read. Elsewhere nothing proves one.
pub async fn pair_moves<D: Disk, C: Clock>(session: &Arc<Session<D, C>>, plan: &mut Plan) {
    let names_content = |version: &Version| {
        let likely = session.store.remote.likely_content(version);
        (likely.md5().is_some() || likely.part_md5s().is_some()).then(|| version.clone())
    };
    let of_row = |row: &BaseRow| names_content(&row.version);
    plan::pair_here(&mut plan.actions, of_row, |version, _| names_content(version));
    if session.store.remote.reads_locally() {
        let look =
            |row: &BaseRow| row.content.crc64().map(|_| (row.version.size, row.signature.mtime));
        let came = |version: &Version, modified| Some((version.size, modified));
        plan::pair_here(&mut plan.actions, look, came);
        let proven = proven(session, &plan.actions).await;
        plan::take_apart(&mut plan.actions, |action| !proven.contains(&action.path));
    }
    let mut devices = HashMap::new();
    plan::take_apart(&mut plan.actions, |action| !can_rename(session, action, &mut devices));
    plan.sort_actions();
}

/// Reads the objects that seem to have moved; returns the paths of those that hold what the base knows.
async fn proven<D: Disk, C: Clock>(
    session: &Arc<Session<D, C>>,
    actions: &[Action],
) -> HashSet<RepoPath> {
    let moved = actions.iter().filter(|action| action.kind == ActionKind::MoveLocal);
    let expected: Vec<(RemoteEntry, u64)> = moved
        .filter_map(|action| {
            let (version, crc64) = (action.remote.clone()?, action.origin()?.content.crc64()?);
            let (path, modified) = (action.path.clone(), action.remote_modified);
            Some((RemoteEntry { path, version, modified }, crc64))
        })
        .collect();
    let looks = expected.into_iter().map(|(entry, crc64)| {
        let session = Arc::clone(session);
        async move {
            let read = || fetch_crc64(&session, &entry);
            let found = session.store.carry(entry.version.size, read).await;
            // What cannot be read now is fetched when its turn comes, and says why not.
            found.is_ok_and(|found| found == crc64).then_some(entry.path)
        }
    });
    let mut looked =
        futures_util::stream::iter(looks).buffer_unordered(session.limits.tuning.jobs.get());
    let mut proven = HashSet::new();
    while let Some(path) = looked.next().await {
        if session.stop.is_requested() {
            break;
        }
        proven.extend(path);
    }
    proven
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
