//! Names that have to be free, on disks that may take one name for another.

use std::ffi::{OsStr, OsString};
use std::io;

use super::down::Fetched;
use crate::clock::Clock;
use crate::disk::{Disk, other_spelling};
use crate::local::replace::{self, Outcome, Parent, ReplaceError, Target};
use crate::plan::Action;
use crate::session::Session;
use crate::session::trouble::Trouble;
use crate::tree::{Kind, RepoPath, Signature, Stat};

/// Refuses a creation whose name is taken, before a byte is fetched for it; a folder may still
/// give way.
pub(super) fn expect_free<D: Disk, C: Clock>(
    session: &Session<D, C>,
    path: &RepoPath,
) -> Result<(), Trouble> {
    let staging = session.files.staging()?;
    let parent = match staging.open_parent(path, false) {
        Err(ReplaceError::Missing { .. }) => return Ok(()),
        other => other?,
    };
    let name = OsStr::new(path.name());
    let found = match session.files.disk.lstat(&parent.folder, name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(|error| Trouble::io(path, &error))?,
    };
    match other_spelling(&session.files.disk, &parent.folder, name) {
        Ok(None) if found.kind == Kind::Folder => Ok(()),
        _ => Err(taken(session, &parent.folder, path)),
    }
}

/// Says what has the name of a file that was to be created in `folder`.
pub(super) fn taken<D: Disk, C: Clock>(
    session: &Session<D, C>,
    folder: &D::Folder,
    path: &RepoPath,
) -> Trouble {
    match other_spelling(&session.files.disk, folder, OsStr::new(path.name())) {
        Ok(Some(other)) => ReplaceError::folded(path, &other).into(),
        Ok(None) | Err(_) => Trouble::changed("it was changed here"),
    }
}

/// Takes a file back that has just got its name where the disk lists it under another one: the
/// next scan would see a new file, and the path as deleted.
pub(super) fn keep_if_listed<D: Disk, C: Clock>(
    session: &Session<D, C>,
    fetched: &Fetched<D>,
    target: &Target<'_, D>,
    signature: Signature,
) -> Result<Signature, Trouble> {
    let staging = session.files.staging()?;
    let failed = |error: io::Error| Trouble::io(target.path, &error);
    let respelled = staging.respelled(&fetched.workspace, (target.folder, target.path));
    let Some(other) = respelled.map_err(failed)? else { return Ok(signature) };
    let (folder, name) = target.name();
    let staged = &fetched.staged;
    let found = session.files.disk.lstat(folder, name).map_err(failed)?;
    if staged.is(&found) {
        let place = (&staged.folder, staged.name.as_os_str());
        if replace::remove(&session.files.disk, target, &found, place)? == Outcome::Done(()) {
            staged.discard(&session.files.disk);
        }
    }
    Err(ReplaceError::respelled(target.path, &other).into())
}

/// Gives a file its old name back where the disk lists the new one as another: the next scan would see
/// a new file, and the path as deleted.
pub(super) fn rename_back_if_not_listed<D: Disk, C: Clock>(
    session: &Session<D, C>,
    (parent, expected): (&Parent<D>, &Stat),
    old: &Target<'_, D>,
    new: &Target<'_, D>,
) -> Result<(), Trouble> {
    let staging = session.files.staging()?;
    let disk = &session.files.disk;
    let failed = |error: io::Error| Trouble::io(new.path, &error);
    let workspace = staging.for_parent(parent).map_err(failed)?;
    let respelled = staging.respelled(&workspace, (new.folder, new.path)).map_err(failed)?;
    let Some(other) = respelled else { return Ok(()) };
    let found = disk.lstat(new.folder, new.name().1).map_err(failed)?;
    if found.is_same_file(expected) {
        // Left under the new name it would still be a file of the working copy.
        replace::rename(disk, new, old, &found)?;
    }
    Err(ReplaceError::respelled(new.path, &other).into())
}

/// Refuses a deletion in the bucket whose path is here (again): an editor may be saving.
///
/// What is here under another spelling alone is the same file with a new name, or a file that
/// the disk cannot hold beside the one that is to go: nobody has deleted that.
pub(super) fn expect_absent<D: Disk, C: Clock>(
    session: &Session<D, C>,
    action: &Action,
) -> Result<(), Trouble> {
    let path = &action.path;
    let failed = |error: io::Error| Trouble::io(path, &error);
    let is_renamed = |stat: &Stat| {
        action.row().is_some_and(|row| {
            let was = row.signature;
            (stat.inode, stat.size, stat.mtime) == (was.inode, was.size, was.mtime)
        })
    };
    match session.files.look(path).map_err(failed)? {
        Some(stat) if stat.kind == Kind::Folder => Ok(()),
        Some(stat) => match folded(session, path).map_err(failed)? {
            Some(_) if is_renamed(&stat) => Ok(()),
            Some(trouble) => Err(trouble),
            None => Err(Trouble::changed("it is here again")),
        },
        // A file that never was here may be one that could not come.
        None if action.row().is_none() => {
            folded(session, path).map_err(failed)?.map_or(Ok(()), Err)
        }
        None => Ok(()),
    }
}

/// Says which component of a path the disk takes for another one, the topmost first.
fn folded<D: Disk, C: Clock>(
    session: &Session<D, C>,
    path: &RepoPath,
) -> io::Result<Option<Trouble>> {
    let mut folder = session.files.root.clone();
    for above in path.ancestors().chain([path.clone()]) {
        let name = OsString::from(above.name());
        if let Some(other) = other_spelling(&session.files.disk, &folder, &name)? {
            return Ok(Some(ReplaceError::folded(&above, &other).into()));
        }
        folder = match session.files.disk.open_folder(&folder, &name) {
            Err(error) => {
                return match error.kind() {
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
                    _ => Err(error),
                };
            }
            Ok(folder) => folder,
        };
    }
    Ok(None)
}
