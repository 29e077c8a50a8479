//! Moving a folder back to where it was.

use std::io;

use super::Disk;
use super::swap::NameIn;
use crate::tree::Kind;

/// Moves everything in the folder `from` to `to`, unless the name is taken there. Where both have a
/// folder of a name, the same is done with what is in it. A folder that is empty then is removed.
///
/// Returns whether nothing is left of `from`.
pub fn return_folder<D: Disk>(disk: &D, from: NameIn<'_, D>, to: &D::Folder) -> io::Result<bool> {
    let inside = disk.open_folder(from.0, from.1)?;
    let mut is_empty = true;
    for (name, _) in &disk.read_folder(&inside)? {
        match disk.rename_new((&inside, name), (to, name)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (),
            other => {
                other?;
                continue;
            }
        }
        let is_folder = |folder| disk.lstat(folder, name).map(|stat| stat.kind == Kind::Folder);
        let are_folders = is_folder(&inside)? && is_folder(to)?;
        is_empty &=
            are_folders && return_folder(disk, (&inside, name), &disk.open_folder(to, name)?)?;
    }
    if is_empty {
        disk.remove_folder(from.0, from.1)?;
    }
    Ok(is_empty)
}
