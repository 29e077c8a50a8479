//! Theirs, fetched to be looked at: out of the working copy, so that it never travels.
//!
//! It stays until the conflict is settled, by whatever command: whoever is at work with it needs it,
//! whatever became of the answer.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::screen::text::escape;
use crate::cli::session::{Context, RealWorld};
use crate::disk::{Disk as _, RealDisk, RealFolder};
use crate::error::Error;
use crate::plan::Conflict;
use crate::repository::fetched::{Fetched, forget, note, noted};
use crate::transfer::fetch_into;
use crate::tree::{RepoPath, Stat, Version};

/// Theirs of one conflict that was asked for.
pub(super) struct Theirs {
    path: RepoPath,
    version: Option<Version>,
    place: Option<PathBuf>,
}

impl Theirs {
    /// Begins with nothing.
    pub(super) fn new(conflict: &Conflict) -> Self {
        Self { path: conflict.path.clone(), version: version(conflict), place: None }
    }

    /// Tells whether it is that of a conflict, in the version that the bucket holds.
    pub(super) fn is_of(&self, conflict: &Conflict) -> bool {
        self.path == conflict.path && self.version == version(conflict)
    }

    /// Returns the path of the conflict.
    pub(super) fn path(&self) -> &RepoPath {
        &self.path
    }

    /// Fetches theirs to the system's temporary folder, unless it is there, and names both files.
    pub(super) async fn fetch(
        &mut self,
        context: &Context,
        world: &RealWorld,
        conflict: &Conflict,
    ) -> Result<(), Error> {
        if let Some(version) = &self.version
            && self.place.as_ref().is_none_or(|place| look(place).is_err())
        {
            let known = fetched_before(&world.repository.control, &self.path, version);
            self.place = Some(match known {
                Some(place) => place,
                None => fetch_once(world, &self.path, version).await?,
            });
        }
        let show = |side: &str, path: &Path, until: &str| {
            let path = escape(&path.display().to_string());
            context.screen.beside(&format!("  {side}  {path}{until}"));
        };
        if conflict.local.is_some() {
            let root = &world.repository.root_path;
            show("ours  ", &root.join(conflict.path.as_str()), "");
        }
        if let Some(place) = &self.place {
            show("theirs", place, "  (until the conflict is settled)");
        }
        Ok(())
    }

    /// Returns where it lies, as long as it waits for its conflict to be settled.
    pub(super) fn waits(&self, control: &RealFolder) -> Option<&Path> {
        let place = self.place.as_deref()?;
        noted(&RealDisk, control).iter().any(|(_, it)| it.place() == place).then_some(place)
    }
}

/// Takes away what was fetched of the conflicts that `is_settled`, by this or an earlier command. What
/// somebody has edited or put beside it stays, and is named once.
pub(in crate::cli) fn remove_settled(
    context: &Context,
    control: &RealFolder,
    is_settled: impl Fn(&RepoPath) -> bool,
) {
    for (name, fetched) in noted(&RealDisk, control) {
        let Some(path) = fetched.path().filter(|path| is_settled(path)) else { continue };
        if let Some((why, place)) = remove(&fetched) {
            let (path, place) = (escape(path.as_str()), escape(&place.display().to_string()));
            context.screen.beside(&format!("theirs of {path} {why}: {place}"));
        }
        // What stays is the person's now.
        forget(&RealDisk, control, &name).unwrap_or_default();
    }
}

/// Removes a copy and its folder; returns what stays, and where.
fn remove(fetched: &Fetched) -> Option<(&'static str, PathBuf)> {
    let place = fetched.place();
    let is_gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let (name, folder) = (place.file_name()?, place.parent()?);
    let removed = match look(place) {
        Ok(stat) if fetched.is_untouched(&stat) => {
            RealDisk.open_path(folder).and_then(|folder| RealDisk.unlink(&folder, name))
        }
        Ok(_) => return Some(("was edited and stays", place.to_owned())),
        Err(error) => Err(error),
    };
    let (above, folder_name) = (folder.parent()?, folder.file_name()?);
    match removed {
        Err(error) if !is_gone(&error) => {
            return Some(("cannot be removed and stays", place.to_owned()));
        }
        // Somebody took it away.
        Ok(()) | Err(_) => (),
    }
    let removed =
        RealDisk.open_path(above).and_then(|above| RealDisk.remove_folder(&above, folder_name));
    let stays = removed.is_err_and(|error| !is_gone(&error));
    stays.then(|| ("is gone, what lies beside it stays", folder.to_owned()))
}

fn look(place: &Path) -> io::Result<Stat> {
    let (Some(folder), Some(name)) = (place.parent(), place.file_name()) else {
        return Err(io::ErrorKind::NotFound.into());
    };
    RealDisk.lstat(&RealDisk.open_path(folder)?, name)
}

fn version(conflict: &Conflict) -> Option<Version> {
    conflict.remote.as_ref().map(|entry| entry.version.clone())
}

/// Returns where this version lies since an earlier command, as it was fetched.
fn fetched_before(control: &RealFolder, path: &RepoPath, version: &Version) -> Option<PathBuf> {
    let mut all = noted(&RealDisk, control).into_iter();
    let is_here = |fetched: &Fetched| {
        fetched.is_of(path, version)
            && look(fetched.place()).is_ok_and(|stat| fetched.is_untouched(&stat))
    };
    all.find(|(_, fetched)| is_here(fetched)).map(|(_, fetched)| fetched.place().to_owned())
}

async fn fetch_once(
    world: &RealWorld,
    path: &RepoPath,
    version: &Version,
) -> Result<PathBuf, Error> {
    let top = std::env::temp_dir();
    let folder_name = OsString::from(format!("lsync-theirs-{:016x}", fastrand::u64(..)));
    let place = top.join(&folder_name).join(path.name());
    let made = RealDisk.open_path(&top).and_then(|above| {
        // Nobody else looks into it.
        RealDisk.make_folder(&above, &folder_name, 0o700)?;
        let folder = RealDisk.open_folder(&above, &folder_name)?;
        Ok((above, folder))
    });
    let (above, folder) =
        made.with_context(|| format!("cannot make a folder in {}", top.display()))?;
    let fetched = async {
        let stat = fetch_into(world, path, version, &folder).await?;
        let control = &world.repository.control;
        note(&RealDisk, control, &folder_name, &Fetched::new(path, version, &place, &stat))
            .context("cannot note in .lsync/theirs what was fetched")?;
        Ok(())
    };
    let fetched: Result<(), Error> = fetched.await;
    if fetched.is_err() {
        RealDisk.unlink(&folder, OsStr::new(path.name())).unwrap_or_default();
        RealDisk.remove_folder(&above, &folder_name).unwrap_or_default();
    }
    fetched.map(|()| place)
}
