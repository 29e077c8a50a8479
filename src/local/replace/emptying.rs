//! Folders that hold no file give way to one, and temporary folders are swept.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io;

use crate::disk::Disk;
use crate::tree::Kind;

/// Removes the folder `name` if there is nothing below it but folders; nothing else is touched.
///
/// Each folder goes by a call that refuses one with a name in it: what a person puts there
/// meanwhile stays, and is the error.
pub(super) fn remove_empty_tree<D: Disk>(
    disk: &D,
    folder: &D::Folder,
    name: &OsStr,
) -> io::Result<()> {
    let mut found: Vec<(D::Folder, OsString)> = vec![(folder.clone(), name.to_owned())];
    let mut looked_into = 0;
    while let Some((parent, name)) = found.get(looked_into) {
        let inside = disk.open_folder(parent, name)?;
        looked_into += 1;
        for (name, _) in &disk.read_folder(&inside)? {
            if disk.lstat(&inside, name)?.kind != Kind::Folder {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
            found.push((inside.clone(), name.to_owned()));
        }
    }
    // Those found last lie deepest.
    found.iter().rev().try_for_each(|(parent, name)| disk.remove_folder(parent, name))
}

/// Removes all files in a temporary folder but those `kept`.
pub(super) fn sweep<D: Disk>(
    disk: &D,
    temporary: &D::Folder,
    kept: &HashSet<OsString>,
) -> io::Result<()> {
    let found = disk.read_folder(temporary)?;
    for (name, kind) in found.iter().filter(|(name, _)| !kept.contains(*name)) {
        let removed = match kind {
            Some(Kind::Folder) => disk.remove_folder(temporary, name),
            _ => disk.unlink(temporary, name),
        };
        match removed {
            // A folder with something in it is not ours.
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => (),
            other => other?,
        }
    }
    Ok(())
}
