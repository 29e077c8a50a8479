//! A group is synced one by one, or by the file system.

use std::ffi::OsStr;
use std::io;

use crate::clock::Clock;
use crate::disk::{Disk, is_stale};
use crate::plan::Action;
use crate::session::Session;
use crate::transfer::run::Run;
use crate::tree::{RepoPath, Signature};

/// Up to so many files are synced one by one; more by `syncfs`, which also waits for what everybody
/// else wrote.
pub(in crate::transfer) const SYNCED_ONE_BY_ONE_MAX: usize = 32;

/// Places in a group of what could not be made durable.
pub(in crate::transfer) type Unsynced = Vec<usize>;

/// Where to find the file system that something lies on.
pub(super) struct Lies<'a, D: Disk> {
    pub(super) path: &'a RepoPath,
    /// A folder of that file system, where one is open.
    pub(super) folder: Option<&'a D::Folder>,
    /// Its number, as the file itself shows it.
    pub(super) device: Option<u64>,
}

impl<D: Disk, C: Clock> Run<D, C> {
    /// Syncs one by one what is little, and the rest by the file system.
    pub(super) fn sync_group<'a>(
        &self,
        places: &[usize],
        one_by_one: impl Fn() -> io::Result<Unsynced>,
        lies: impl Fn(usize) -> Lies<'a, D>,
    ) -> io::Result<Unsynced> {
        let is_small = places.len() <= SYNCED_ONE_BY_ONE_MAX;
        let left = if is_small { one_by_one()? } else { places.to_vec() };
        if left.is_empty() {
            return Ok(left);
        }
        match self.sync_file_systems(&left, lies) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                if is_small {
                    Ok(left)
                } else {
                    one_by_one()
                }
            }
            other => other,
        }
    }

    /// Syncs a file of the working copy; false where the file that a row stands for is not found.
    pub(super) fn sync_file(&self, path: &RepoPath, known: &Signature) -> io::Result<bool> {
        let disk = &self.session.files.disk;
        let opened = self
            .session
            .files
            .open_parent(path)
            .and_then(|folder| disk.open(&folder, OsStr::new(path.name())))
            .and_then(|file| Ok((disk.fstat(&file)?.signature(), file)));
        match opened {
            Ok((found, file)) if found == *known => disk.sync_file(&file).map(|()| true),
            Ok(_) | Err(_) => Ok(false),
        }
    }

    /// Syncs each file system that something in `places` lies on; returns the places of what lies on
    /// one that cannot be reached.
    pub(super) fn sync_file_systems<'a>(
        &self,
        places: &[usize],
        lies: impl Fn(usize) -> Lies<'a, D>,
    ) -> io::Result<Unsynced> {
        let session = &self.session;
        let mut synced = Vec::new();
        let mut sync = |folder: &D::Folder| {
            let device = session.files.disk.stat_folder(folder)?.device;
            if !synced.contains(&device) {
                synced.push(device);
                session.files.disk.sync_file_system(folder)?;
            }
            Ok::<_, io::Error>(())
        };
        sync(&session.files.root)?;
        let mut last = "";
        keep_places(places, |place| {
            let Lies { path, folder, device } = lies(place);
            match folder.map(&mut sync) {
                // It is held and no longer found, removed with its last file perhaps.
                Some(Err(error)) if is_stale(&error) => (),
                Some(synced) => return synced.map(|()| false),
                None => (),
            }
            // Neighbours mostly share their folder, and so their file system.
            if path.parent_str() == last {
                return Ok(false);
            }
            if let Ok(folder) = session.files.open_parent(path) {
                sync(&folder)?;
                last = path.parent_str();
                return Ok(false);
            }
            match device.and_then(|device| folder_on(session, device)) {
                Some(folder) => sync(&folder).map(|()| false),
                None => Ok(true),
            }
        })
    }
}

/// Returns an open folder on a file system of the working copy, by the number that its files
/// show; `None` where this run has none open there.
fn folder_on<D: Disk, C: Clock>(session: &Session<D, C>, device: u64) -> Option<D::Folder> {
    let is_root =
        session.files.disk.stat_folder(&session.files.root).is_ok_and(|stat| stat.device == device);
    if is_root {
        return Some(session.files.root.clone());
    }
    session.files.staging.as_ref().and_then(|staging| staging.folder_on(device))
}

/// Says where the file of an action lies: on the file system where the plan has seen it.
pub(super) fn lies_by_plan<'a, D: Disk>(
    action: &'a Action,
    folder: Option<&'a D::Folder>,
) -> Lies<'a, D> {
    Lies { path: &action.path, folder, device: action.local.map(|stat| stat.device) }
}

/// Returns the places for which `keeps` says so.
pub(super) fn keep_places(
    places: &[usize],
    mut keeps: impl FnMut(usize) -> io::Result<bool>,
) -> io::Result<Vec<usize>> {
    let mut kept = Vec::new();
    for place in places {
        if keeps(*place)? {
            kept.push(*place);
        }
    }
    Ok(kept)
}
