//! Makes the contents and the names of a group durable, file by file or file system by file system.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;

use super::commit::Effect;
use super::{Ready, Run};
use crate::clock::Clock;
use crate::disk::{Disk, is_link_error};
use crate::plan::Action;
use crate::remote::Remote;
use crate::repository::Change;
use crate::tree::RepoPath;

/// Up to so many files are synced one by one; more by `syncfs`, which also waits for what everybody
/// else wrote.
const SYNCED_ONE_BY_ONE_MAX: usize = 32;

impl<D: Disk, R: Remote, C: Clock> Run<D, R, C> {
    /// Makes the contents durable that the rows of a group will stand for.
    ///
    /// Uploaded and adopted files count, too: what a person just wrote may exist only in memory.
    pub(super) fn sync_contents(&self, ready: &[(Action, Ready<D>)]) -> io::Result<()> {
        let disk = &self.context.disk;
        if ready.len() > SYNCED_ONE_BY_ONE_MAX {
            let synced = self.sync_file_systems(ready.iter().map(|(action, _)| &action.path));
            match synced {
                Err(error) if error.kind() == io::ErrorKind::Unsupported => (),
                other => return other,
            }
        }
        for (_, ready) in ready {
            match ready {
                Ready::Fetched(fetched) => fetched.staged.sync(disk)?,
                Ready::Recorded(changes) => {
                    for change in changes {
                        if let Change::Put(row) = change {
                            self.sync_file(&row.path)?;
                        }
                    }
                }
                Ready::Uploaded(uploaded) => self.sync_file(&uploaded.row.path)?,
                Ready::Removal => (),
            }
        }
        Ok(())
    }

    /// Makes the names durable that a group gave and took.
    pub(super) fn sync_names(&self, effects: &[Effect]) -> io::Result<()> {
        let is_on_disk = |effect: &&Effect| {
            effect.changes.iter().any(|it| matches!(it, Change::Put(_)))
                || effect.action.kind == crate::plan::ActionKind::DeleteLocal
        };
        let paths = || effects.iter().filter(is_on_disk).map(|effect| &effect.action.path);
        if paths().next().is_none() {
            return Ok(());
        }
        self.trash.sync().map_err(io::Error::other)?;
        if effects.len() > SYNCED_ONE_BY_ONE_MAX {
            match self.sync_file_systems(paths()) {
                Err(error) if error.kind() == io::ErrorKind::Unsupported => (),
                other => return other,
            }
        }
        let mut folders = BTreeMap::new();
        for path in paths() {
            folders.extend(self.context.folders_above(path)?);
        }
        folders.values().try_for_each(|folder| self.context.disk.sync_folder(folder))
    }

    /// Syncs a file of the working copy; one that is gone needs none: its row will show it.
    fn sync_file(&self, path: &RepoPath) -> io::Result<()> {
        let disk = &self.context.disk;
        let synced = self
            .context
            .open_parent(path)
            .and_then(|folder| disk.open(&folder, OsStr::new(path.name())))
            .and_then(|file| disk.sync_file(&file));
        match synced {
            Err(error) if was_moved(&error) => Ok(()),
            other => other,
        }
    }

    /// Syncs each file system that `paths` lie on.
    fn sync_file_systems<'p>(&self, paths: impl Iterator<Item = &'p RepoPath>) -> io::Result<()> {
        let disk = &self.context.disk;
        let mut synced = vec![disk.stat_folder(&self.context.root)?.device];
        disk.sync_file_system(&self.context.root)?;
        let mut last = String::new();
        for path in paths {
            // Neighbours mostly share their folder, and so their file system.
            if path.parent_str() == last {
                continue;
            }
            path.parent_str().clone_into(&mut last);
            let Some((_, folder)) = self.context.folders_above(path)?.pop() else { continue };
            let device = disk.stat_folder(&folder)?.device;
            if !synced.contains(&device) {
                synced.push(device);
                disk.sync_file_system(&folder)?;
            }
        }
        Ok(())
    }
}

/// Tells whether a person has moved, closed or replaced what was to be synced: it is theirs now, and
/// no reason to give up what was done for the others.
pub(super) fn was_moved(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied
    ) || is_link_error(error)
}
