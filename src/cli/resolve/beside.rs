//! Theirs, fetched beside ours to be looked at, and taken away again.

use std::ffi::OsStr;

use crate::cli::session::{Context, RealWorld};
use crate::disk::{Disk as _, RealDisk};
use crate::error::Error;
use crate::local::replace::is_untouched;
use crate::plan::Conflict;
use crate::transfer::{Aside, fetch_aside};
use crate::tree::{RepoPath, Stat};

/// The files that were fetched to be looked at; taken away again when dropped.
pub(super) struct Beside<'a> {
    world: &'a RealWorld,
    fetched: Vec<(RepoPath, Stat)>,
}

impl<'a> Beside<'a> {
    /// Begins with none.
    pub(super) fn new(world: &'a RealWorld) -> Self {
        Self { world, fetched: Vec::new() }
    }

    /// Fetches theirs of a conflict to a name beside ours, and names both.
    pub(super) async fn fetch(
        &mut self,
        context: &Context,
        conflict: &Conflict,
    ) -> Result<(), Error> {
        let Some(entry) = &conflict.remote else {
            context.screen.beside("  theirs is deleted");
            return Ok(());
        };
        let Some(name) = name(&conflict.path, fastrand::u16(..)) else {
            context.screen.beside("  the name is too long to put another beside it");
            return Ok(());
        };
        let world = self.world;
        // Only for the moment: while somebody thinks, the working copy is free.
        let lock = world.repository.lock(&RealDisk)?;
        let wanted = Aside::Present(&entry.version);
        let stat = fetch_aside(world, &conflict.path, wanted, &name).await?;
        drop(lock);
        let place = |path: &RepoPath| world.repository.root_path.join(path.as_str());
        if conflict.local.is_some() {
            let ours = place(&conflict.path).display().to_string();
            context.screen.beside(&format!("  ours    {}", crate::cli::text::escape(&ours)));
        }
        let theirs = place(&name).display().to_string();
        let theirs = crate::cli::text::escape(&theirs);
        context.screen.beside(&format!("  theirs  {theirs}  (until you have answered)"));
        self.fetched.push((name, stat));
        Ok(())
    }
}

impl Drop for Beside<'_> {
    fn drop(&mut self) {
        for (path, stat) in &self.fetched {
            let name = OsStr::new(path.name());
            let removed = RealDisk
                .open_beneath(&self.world.repository.root, path.parent_str())
                .and_then(|folder| {
                    // One that somebody has edited stays.
                    if is_untouched(&RealDisk.lstat(&folder, name)?, stat) {
                        RealDisk.unlink(&folder, name)?;
                    }
                    Ok(())
                });
            // It is an ordinary file: what cannot be removed is in plain sight.
            removed.unwrap_or_default();
        }
    }
}

/// Makes `stem.theirs-xxxx.ext`; `None` where that would be no path.
fn name(path: &RepoPath, random: u16) -> Option<RepoPath> {
    let name = path.name();
    // A leading dot begins a hidden name, not an extension.
    let dot = name.rfind('.').filter(|dot| *dot > 0);
    let (stem, extension) = name.split_at(dot.unwrap_or(name.len()));
    let name = format!("{stem}.theirs-{random:04x}{extension}");
    RepoPath::below(path.parent().as_ref(), &name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theirs_lies_beside_ours_with_the_same_extension() {
        for (path, expected) in [
            ("docs/a.txt", "docs/a.theirs-00ab.txt"),
            ("a", "a.theirs-00ab"),
            (".hidden", ".hidden.theirs-00ab"),
        ] {
            let path = RepoPath::parse(path).unwrap();
            assert_eq!(name(&path, 0xab).unwrap().as_str(), expected);
        }
        assert_eq!(name(&RepoPath::parse(&"n".repeat(250)).unwrap(), 1), None);
    }
}
