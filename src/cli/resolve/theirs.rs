//! Theirs, fetched to be looked at: out of the working copy, so that it never travels.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::session::{Context, RealWorld};
use crate::cli::text::escape;
use crate::disk::{Disk as _, RealDisk, RealFolder};
use crate::error::Error;
use crate::plan::Conflict;
use crate::transfer::fetch_into;
use crate::tree::{RepoPath, Stat, Version};

/// Theirs of one conflict, once it was asked for. It stays until the conflict is settled: whoever is
/// at work with it needs it, whatever became of the answer.
pub(super) struct Theirs {
    path: RepoPath,
    version: Option<Version>,
    fetched: Option<Fetched>,
}

/// A file in a folder of its own.
struct Fetched {
    above: RealFolder,
    folder_name: String,
    folder: RealFolder,
    name: String,
    stat: Stat,
    path: PathBuf,
}

impl Theirs {
    /// Begins with nothing.
    pub(super) fn new(conflict: &Conflict) -> Self {
        Self { path: conflict.path.clone(), version: version(conflict), fetched: None }
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
        if self.fetched.is_none() {
            self.fetched = fetch_once(world, conflict).await?;
        }
        let show = |side: &str, path: &Path, until: &str| {
            let path = escape(&path.display().to_string());
            context.screen.beside(&format!("  {side}  {path}{until}"));
        };
        if conflict.local.is_some() {
            let root = &world.repository.root_path;
            show("ours  ", &root.join(conflict.path.as_str()), "");
        }
        if let Some(fetched) = &self.fetched {
            show("theirs", &fetched.path, "  (until the conflict is settled)");
        }
        Ok(())
    }

    /// Takes it away again, now that the conflict is settled; one that somebody has edited stays, and
    /// so does what cannot be removed. Returns where it stays.
    pub(super) fn remove(self) -> Option<PathBuf> {
        let fetched = self.fetched?;
        let name = OsStr::new(&fetched.name);
        let removed = match RealDisk.lstat(&fetched.folder, name) {
            Ok(stat) if stat.is_untouched(&fetched.stat) => RealDisk.unlink(&fetched.folder, name),
            // Somebody took it away.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Ok(_) => return Some(fetched.path),
            Err(error) => Err(error),
        };
        let folder_name = OsStr::new(&fetched.folder_name);
        let removed = removed.and_then(|()| RealDisk.remove_folder(&fetched.above, folder_name));
        removed.is_err().then_some(fetched.path)
    }

    /// Returns where it lies, if it was fetched.
    pub(super) fn place(&self) -> Option<&Path> {
        self.fetched.as_ref().map(|fetched| fetched.path.as_path())
    }
}

fn version(conflict: &Conflict) -> Option<Version> {
    conflict.remote.as_ref().map(|entry| entry.version.clone())
}

async fn fetch_once(world: &RealWorld, conflict: &Conflict) -> Result<Option<Fetched>, Error> {
    let Some(entry) = &conflict.remote else { return Ok(None) };
    let place = std::env::temp_dir();
    let folder_name = format!("lsync-theirs-{:016x}", fastrand::u64(..));
    let path = place.join(&folder_name).join(conflict.path.name());
    let made = RealDisk.open_path(&place).and_then(|above| {
        // Nobody else looks into it.
        RealDisk.make_folder(&above, OsStr::new(&folder_name), 0o700)?;
        let folder = RealDisk.open_folder(&above, OsStr::new(&folder_name))?;
        Ok((above, folder))
    });
    let (above, folder) =
        made.with_context(|| format!("cannot make a folder in {}", place.display()))?;
    match fetch_into(world, &conflict.path, &entry.version, &folder).await {
        Ok(stat) => {
            let name = conflict.path.name().to_owned();
            Ok(Some(Fetched { above, folder_name, folder, name, stat, path }))
        }
        Err(error) => {
            RealDisk.remove_folder(&above, OsStr::new(&folder_name)).unwrap_or_default();
            Err(error.into())
        }
    }
}
