//! Folders that hold no file give way to one.

use std::ffi::{OsStr, OsString};
use std::io;

use crate::disk::Disk;
use crate::tree::Kind;

/// Removes the folder `name` if there is nothing below it but folders; nothing else is touched.
///
/// Each folder goes by a call that refuses one with a name in it: what a person puts there
/// meanwhile stays, and is the error.
pub(super) fn vacate<D: Disk>(disk: &D, folder: &D::Folder, name: &OsStr) -> io::Result<()> {
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
