//! What goes to the trash without anybody having made it durable.

use std::io;

use super::group::{SYNCED_ONE_BY_ONE_MAX, keep_places, lies_by_plan};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::plan::{Action, ActionKind};
use crate::transfer::run::{Ready, Run};
use crate::tree::{RepoPath, Stat};

impl<D: Disk, C: Clock> Run<D, C> {
    /// Makes durable what a small group takes from its name and what no row stands for: it may exist
    /// only in memory, and the trash promises to keep it.
    ///
    /// Where it can be reached in no way it is moved as it is, as it would lie there without lsync.
    /// (Larger groups sync all of the file system before the moves.)
    pub(super) fn sync_losers(&self, ready: &[(Action, Ready<D>)]) -> io::Result<()> {
        let places: Vec<usize> = (0..ready.len()).collect();
        let left = keep_places(&places, |place| Ok(!self.sync_loser(&ready[place].0)?))?;
        if left.is_empty() {
            return Ok(());
        }
        match self.sync_file_systems(&left, |place| lies_by_plan(&ready[place].0, None)) {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
            _ => Ok(()),
        }
    }

    /// Syncs what an action takes from its name; false where it is not at hand, or much.
    fn sync_loser(&self, action: &Action) -> io::Result<bool> {
        match (action.kind, &action.local) {
            _ if !action.unknown_loser => Ok(true),
            (ActionKind::Download | ActionKind::DeleteLocal, Some(stat)) => {
                self.sync_file(&action.path, &stat.signature())
            }
            (ActionKind::ReplaceFolder, _) => self.sync_folder(&action.path, action.folder()),
            _ => Ok(true),
        }
    }

    /// Syncs a folder with the files in it.
    fn sync_folder(&self, top: &RepoPath, files: &[(RepoPath, Stat)]) -> io::Result<bool> {
        if files.len() > SYNCED_ONE_BY_ONE_MAX {
            return Ok(false);
        }
        let (root, disk) = (&self.session.files.root, &self.session.files.disk);
        for (path, stat) in files {
            if !self.sync_file(path, &stat.signature())? {
                return Ok(false);
            }
            for folder in path.ancestors().filter(|folder| folder.is_within(top)) {
                match disk.open_beneath(root, folder.as_str()) {
                    Ok(folder) => disk.sync_folder(&folder)?,
                    Err(_) => return Ok(false),
                }
            }
        }
        Ok(true)
    }
}
