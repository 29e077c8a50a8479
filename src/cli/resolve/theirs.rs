//! Theirs, fetched to be looked at: out of the working copy, so that it never travels.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::session::{Context, RealWorld};
use crate::cli::text::escape;
use crate::disk::{Disk as _, RealDisk, RealFolder};
use crate::error::Error;
use crate::plan::Conflict;
use crate::transfer::fetch_into;
use crate::tree::Stat;

/// Theirs of one conflict, once it was asked for; taken away again when dropped.
pub(super) struct Theirs<'a> {
    world: &'a RealWorld,
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

impl<'a> Theirs<'a> {
    /// Begins with nothing.
    pub(super) fn new(world: &'a RealWorld) -> Self {
        Self { world, fetched: None }
    }

    /// Fetches theirs to the system's temporary folder, unless it is there, and names both files.
    pub(super) async fn fetch(
        &mut self,
        context: &Context,
        conflict: &Conflict,
    ) -> Result<(), Error> {
        if conflict.remote.is_none() {
            context.screen.beside("  theirs is deleted");
            return Ok(());
        }
        if self.fetched.is_none() {
            self.fetched = self.fetch_once(conflict).await?;
        }
        let show = |side: &str, path: &Path, until: &str| {
            let path = escape(&path.display().to_string());
            context.screen.beside(&format!("  {side}  {path}{until}"));
        };
        if conflict.local.is_some() {
            let root = &self.world.repository.root_path;
            show("ours  ", &root.join(conflict.path.as_str()), "");
        }
        if let Some(fetched) = &self.fetched {
            show("theirs", &fetched.path, "  (until you have answered)");
        }
        Ok(())
    }

    async fn fetch_once(&self, conflict: &Conflict) -> Result<Option<Fetched>, Error> {
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
        match fetch_into(self.world, &conflict.path, &entry.version, &folder).await {
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
}

impl Drop for Theirs<'_> {
    fn drop(&mut self) {
        let Some(fetched) = &self.fetched else { return };
        let name = OsStr::new(&fetched.name);
        let removed = RealDisk.lstat(&fetched.folder, name).and_then(|stat| {
            // One that somebody has edited stays, and so does its folder.
            if stat.is_untouched(&fetched.stat) {
                RealDisk.unlink(&fetched.folder, name)?;
            }
            RealDisk.remove_folder(&fetched.above, OsStr::new(&fetched.folder_name))
        });
        // It was named on the screen: what cannot be removed is in plain sight.
        removed.unwrap_or_default();
    }
}
