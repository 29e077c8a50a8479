//! The names that a group gave and took.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;

use super::group::{Lies, SYNCED_ONE_BY_ONE_MAX, Unsynced, keep_places};
use crate::clock::Clock;
use crate::disk::{Disk, is_stale};
use crate::plan::ActionKind;
use crate::session::Session;
use crate::transfer::commit::effect::Effect;
use crate::transfer::run::Run;
use crate::tree::RepoPath;

impl<D: Disk, C: Clock> Run<D, C> {
    /// Makes the names durable that a group gave and took; returns the places of those that have to
    /// do without a row.
    pub(in crate::transfer) fn sync_names(&self, effects: &[Effect<D>]) -> io::Result<Unsynced> {
        let is_on_disk = |effect: &Effect<D>| {
            effect.rows().next().is_some() || effect.action.kind == ActionKind::DeleteLocal
        };
        let all: Vec<usize> = (0..effects.len()).collect();
        let places = keep_places(&all, |place| Ok(is_on_disk(&effects[place])))?;
        if places.is_empty() {
            return Ok(places);
        }
        self.trash.sync().map_err(io::Error::other)?;
        let one_by_one = || {
            let mut folders = Folders { session: &self.session, open: BTreeMap::new() };
            let left = keep_places(&places, |place| {
                if folders.open.len() > SYNCED_ONE_BY_ONE_MAX {
                    folders.sync()?;
                }
                Ok(!folders.add(&effects[place])?)
            })?;
            folders.sync().map(|()| left)
        };
        let lies = |place: usize| {
            let Effect { action, folder, device, .. } = &effects[place];
            Lies { path: &action.path, folder: folder.as_ref(), device: *device }
        };
        self.sync_group(&places, one_by_one, lies)
    }
}

/// Folders whose names are to be synced, each opened once.
struct Folders<'a, D: Disk, C> {
    session: &'a Session<D, C>,
    open: BTreeMap<String, D::Folder>,
}

impl<D: Disk, C: Clock> Folders<'_, D, C> {
    /// Adds the folders of the names of an effect; false where they do not lead to its files.
    fn add(&mut self, effect: &Effect<D>) -> io::Result<bool> {
        if effect.action.kind == ActionKind::DeleteLocal {
            return self.add_removal(&effect.action.path, effect.folder.as_ref());
        }
        if let (ActionKind::MoveLocal, Some(from)) =
            (effect.action.kind, effect.action.moved_from())
            && !self.add_removal(from, effect.folder.as_ref())?
        {
            return Ok(false);
        }
        let disk = &self.session.files.disk;
        for row in effect.rows() {
            let Ok(folder) = self.open_above(&row.path) else { return Ok(false) };
            let found = disk.lstat(&folder, OsStr::new(row.path.name()));
            if !found.is_ok_and(|found| found.inode == row.signature.inode) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Adds the folder that a name was taken from, which may itself be gone by now: then that it is
    /// gone is all that there is to sync.
    fn add_removal(&mut self, path: &RepoPath, held: Option<&D::Folder>) -> io::Result<bool> {
        let opened = self.open_above(path);
        let Some(held) = held else { return Ok(true) };
        let disk = &self.session.files.disk;
        let identity =
            |folder: &D::Folder| disk.stat_folder(folder).map(|stat| (stat.device, stat.inode));
        let held_identity = match identity(held) {
            // Removed with its last file, or moved away: its file system is synced.
            Err(error) if is_stale(&error) => return Ok(false),
            found => found?,
        };
        if !opened.is_ok_and(|folder| identity(&folder).is_ok_and(|it| it == held_identity)) {
            disk.sync_folder(held)?;
        }
        Ok(true)
    }

    /// Opens the folders above `path`; returns the one that it lies in.
    fn open_above(&mut self, path: &RepoPath) -> io::Result<D::Folder> {
        let mut folder = self.session.files.root.clone();
        self.open.insert(String::new(), folder.clone());
        for above in path.ancestors() {
            if let Some(open) = self.open.get(above.as_str()) {
                folder = open.clone();
                continue;
            }
            folder = self.session.files.disk.open_folder(&folder, OsStr::new(above.name()))?;
            self.open.insert(above.as_str().to_owned(), folder.clone());
        }
        Ok(folder)
    }

    /// Syncs the names in all of them, and closes them.
    fn sync(&mut self) -> io::Result<()> {
        let open = std::mem::take(&mut self.open);
        open.values().try_for_each(|folder| self.session.files.disk.sync_folder(folder))
    }
}
