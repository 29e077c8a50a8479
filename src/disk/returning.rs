//! Moving the contents of a folder back to where they were.

use std::io;

use super::Disk;
use crate::tree::Kind;

/// Moves everything in `from` to `to`, unless the name is taken there. Where both have a folder of a
/// name, the same is done with what is in it, and the one in `from` is removed once it is empty.
///
/// Returns whether nothing is left in `from`.
pub fn return_contents<D: Disk>(disk: &D, from: &D::Folder, to: &D::Folder) -> io::Result<bool> {
    let mut is_empty = true;
    for (name, _) in &disk.read_folder(from)? {
        match disk.rename_new((from, name), (to, name)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (),
            other => {
                other?;
                continue;
            }
        }
        let is_folder = |folder| disk.lstat(folder, name).map(|stat| stat.kind == Kind::Folder);
        let are_folders = is_folder(from)? && is_folder(to)?;
        if are_folders
            && return_contents(disk, &disk.open_folder(from, name)?, &disk.open_folder(to, name)?)?
        {
            disk.remove_folder(from, name)?;
        } else {
            is_empty = false;
        }
    }
    Ok(is_empty)
}
