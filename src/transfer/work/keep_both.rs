//! Settles a conflict by keeping both: theirs takes the name, ours stays beside it; of a file against a
//! folder, the folder takes the name, and the file goes beside it.

use std::ffi::OsStr;
use std::io;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::replace::{self, Outcome, Target, Workspace};
use crate::plan::Action;
use crate::remote::Condition;
use crate::repository::Change;
use crate::repository::trash::{Fate, NewEntry, Side, Slot};
use crate::session::trouble::Trouble;
use crate::transfer::commit::{Placed, confirm, named};
use crate::transfer::down::{self, Fetched, Wanted};
use crate::transfer::run::Run;
use crate::transfer::up::{self, Source};
use crate::tree::{BaseRow, Properties, RepoPath, Signature, Stat, Version};

impl<D: Disk, C: Clock> Run<D, C> {
    /// Fetches theirs, gives ours a second name, replaces the first one, and stores the copy.
    ///
    /// The replacement is the same as everywhere, through the trash: a crash leaves ours under a
    /// name of the working copy at every moment, and never anything else under the copy's.
    pub(super) async fn keep_both(&self, action: &Action) -> Result<Vec<Change>, Trouble> {
        let copy = action.copy().ok_or_else(Trouble::lacks("a name for the copy"))?;
        let (expected, version) = match (&action.local, &action.remote) {
            (Some(expected), Some(version)) => (expected, version),
            (Some(expected), None) => return self.set_ours_aside(action, copy, expected).await,
            (None, Some(version)) => return self.set_theirs_aside(action, copy, version).await,
            (None, None) => return Err(Trouble::Bug("a version to keep")),
        };
        let fetched = self.fetch(action).await?;
        let synced = fetched.staged.sync(&self.session.files.disk);
        synced.map_err(|error| Trouble::io(&action.path, &error))?;
        let placed = Placed::of(&fetched);
        let folder = fetched.parent.folder.clone();
        let signature = self.put_beside(action, copy, (fetched, expected))?;
        // A row for a name where the file is not would look like a deletion by a person.
        if !self.session.files.is_parent(&folder, &action.path) {
            return Err(Trouble::changed("its folder was moved here"));
        }
        let mut theirs = BaseRow {
            path: action.path.clone(),
            signature,
            version: version.clone(),
            content: placed.content.clone(),
            properties: Properties::default(),
        };
        let ours = self.upload_copy(copy).await?;
        self.session.files.forget_clock_reading();
        confirm(&self.session, &mut theirs, &placed).await;
        Ok(vec![Change::Put(theirs), Change::Put(ours)])
    }

    /// Gives our file its other name, and stores it there: a folder is to have the first one.
    async fn set_ours_aside(
        &self,
        action: &Action,
        copy: &RepoPath,
        expected: &Stat,
    ) -> Result<Vec<Change>, Trouble> {
        let (disk, path) = (&self.session.files.disk, &action.path);
        let failed = |error: io::Error| Trouble::io(path, &error);
        let folder = self.session.files.open_parent(path).map_err(failed)?;
        let (name, beside) = (OsStr::new(path.name()), OsStr::new(copy.name()));
        let found = disk.lstat(&folder, name).map_err(failed)?;
        if !found.is_untouched(expected) {
            return Err(Trouble::changed("it was changed here"));
        }
        disk.rename_new((&folder, name), (&folder, beside)).map_err(failed)?;
        let moved = disk.lstat(&folder, beside).map_err(failed)?;
        if !moved.is_same_file(expected) {
            // A person was faster; what cannot go back keeps the other name.
            return Err(match disk.rename_new((&folder, beside), (&folder, name)) {
                Ok(()) => Trouble::changed("it was changed here"),
                Err(error) if error.kind() == io::ErrorKind::NotFound => failed(error),
                Err(_) => Trouble::changed(&format!("it was changed here, and is now {copy}")),
            });
        }
        let ours = self.upload_copy(copy).await?;
        Ok(vec![Change::Gone(path.clone()), Change::Put(ours)])
    }

    /// Fetches theirs under its other name, and stores it there: a folder keeps the first one.
    async fn set_theirs_aside(
        &self,
        action: &Action,
        copy: &RepoPath,
        version: &Version,
    ) -> Result<Vec<Change>, Trouble> {
        let wanted = Wanted { path: &action.path, version, replaced: None, for_trash: false };
        let fetched = down::fetch(&self.session, &wanted).await?;
        let synced = fetched.staged.sync(&self.session.files.disk);
        synced.map_err(|error| Trouble::io(copy, &error))?;
        let target = Target { folder: &fetched.parent.folder, path: copy };
        let created = replace::create_new(&self.session.files.disk, &fetched.staged, &target);
        named(created, None, self)?;
        let copied = self.upload_copy(copy).await?;
        Ok(vec![Change::Put(copied)])
    }

    /// Links ours to the name of the copy, and swaps theirs in.
    fn put_beside(
        &self,
        action: &Action,
        copy: &RepoPath,
        (fetched, expected): (Fetched<D>, &Stat),
    ) -> Result<Signature, Trouble> {
        let disk = &self.session.files.disk;
        let (path, folder) = (&action.path, &fetched.parent.folder);
        let (name, beside) = (OsStr::new(path.name()), OsStr::new(copy.name()));
        let failed = |error: io::Error| {
            fetched.staged.discard(disk);
            Trouble::io(path, &error)
        };
        let before = disk.lstat(folder, name).map_err(failed)?;
        if !before.is_untouched(expected) {
            fetched.staged.discard(disk);
            return Err(Trouble::changed("it was changed here"));
        }
        disk.link((folder, name), (folder, beside)).map_err(failed)?;
        // A second name changes the ctime, and nothing else: what is linked must still be ours.
        let linked = disk.lstat(folder, beside).map_err(failed)?;
        let swapped = if linked.is_same_file(expected) {
            self.swap_linked(action, &fetched, &linked)
        } else {
            Err(Trouble::changed("it was changed here"))
        };
        if swapped.is_err() {
            fetched.staged.discard(disk);
            self.take_copy_back(action, copy, (&fetched, &linked))?;
        }
        swapped
    }

    /// Takes the name of the copy away again, while it and the first name lead to one file: what a
    /// person saves there meanwhile stays.
    fn take_copy_back(
        &self,
        action: &Action,
        copy: &RepoPath,
        (fetched, linked): (&Fetched<D>, &Stat),
    ) -> Result<(), Trouble> {
        let (disk, folder) = (&self.session.files.disk, &fetched.parent.folder);
        let shown = || {
            let found = disk.lstat(folder, OsStr::new(action.path.name()));
            found.ok().filter(|found| found.inode == linked.inode)
        };
        let Some(found) = shown() else { return Ok(()) };
        let entry = self.loser(copy, None, &found);
        let slot = self.slot(&entry, fetched)?;
        let target = Target { folder, path: copy };
        let place = (&slot.folder, slot.name.as_os_str());
        let fate = match replace::remove(disk, &target, &found, place)? {
            // The name leads to the same file. Where it does no longer, this is the last one.
            Outcome::Done(()) if shown().is_some() => {
                disk.unlink(place.0, place.1).map_err(|error| Trouble::io(copy, &error))?;
                Fate::Empty
            }
            Outcome::Done(()) | Outcome::Returned => Fate::Kept,
            Outcome::EditInSlot => Fate::Edit,
            Outcome::Changed(_) | Outcome::NoExchange => Fate::Empty,
        };
        self.trash.close(&slot, fate).map_err(|error| Trouble::disk(&error))
    }

    fn loser<'a>(
        &self,
        path: &'a RepoPath,
        staged: Option<&'a Stat>,
        expected: &'a Stat,
    ) -> NewEntry<'a> {
        NewEntry {
            path,
            side: Side::Local,
            why: self.options.why,
            known: false,
            token: None,
            staged,
            expected: Some(expected),
            contents: None,
        }
    }

    /// Returns a slot whose line is durable.
    fn slot(&self, entry: &NewEntry<'_>, fetched: &Fetched<D>) -> Result<Slot<D>, Trouble> {
        let Workspace { top, control, .. } = &fetched.workspace;
        let slot = self.trash.slot(entry, top, control).map_err(|error| Trouble::disk(&error))?;
        self.trash.sync().map_err(|error| Trouble::disk(&error))?;
        Ok(slot)
    }

    fn swap_linked(
        &self,
        action: &Action,
        fetched: &Fetched<D>,
        linked: &Stat,
    ) -> Result<Signature, Trouble> {
        let slot =
            self.slot(&self.loser(&action.path, Some(&fetched.staged.stat), linked), fetched)?;
        let target = Target { folder: &fetched.parent.folder, path: &action.path };
        let place = (&slot.folder, slot.name.as_os_str());
        let disk = &self.session.files.disk;
        let swapped = replace::swap(disk, &fetched.staged, &target, linked, place);
        named(swapped, Some(&slot), self)
    }

    async fn upload_copy(&self, copy: &RepoPath) -> Result<BaseRow, Trouble> {
        let stat = self.session.files.look(copy).map_err(|error| Trouble::io(copy, &error))?;
        let stat = stat.ok_or_else(|| Trouble::changed("the copy was deleted here"))?;
        let condition = Condition::Absent;
        let source = Source { path: copy, stat: &stat, condition, origin: None, unlisted: false };
        Ok(up::upload(&self.session, &source).await?.row)
    }
}
