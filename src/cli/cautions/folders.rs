//! Folders that hardly anybody means to share: the root, the home directory, a folder of working
//! copies.

use std::path::Path;

use crate::cli::screen::prompt;
use crate::cli::screen::text::{escape, first_of};
use crate::cli::session::Context;
use crate::disk::{Disk as _, RealDisk};
use crate::error::{Error, Exit};
use crate::repository::{Repository, RepositoryError};
use crate::tree::Kind;

/// How many working copies are named.
const NAMED_MAX: usize = 5;

/// Refuses the root of the file system, the home directory, and what holds it; `root` holds no links.
pub(in crate::cli) fn refuse_system_folders(root: &Path, forced: bool) -> Result<(), Error> {
    if forced {
        return Ok(());
    }
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    let home = home.and_then(|home| Path::new(&home).canonicalize().ok());
    match what_it_is(root, home.as_deref()) {
        None => Ok(()),
        Some(what) => Err(Error::usage(
            format!("{} is {what}: everything in it would be shared", root.display()),
            "choose a folder of its own, or add --force if all of it is meant",
        )),
    }
}

/// Says what is special about a folder.
fn what_it_is(root: &Path, home: Option<&Path>) -> Option<&'static str> {
    if root.parent().is_none() {
        return Some("the root of the file system");
    }
    let home = home?;
    if home == root {
        Some("your home directory")
    } else if home.starts_with(root) {
        Some("the folder that holds your home directory")
    } else {
        None
    }
}

/// Says that a folder holds working copies, one level down, and asks on a terminal whether to go
/// on; returns how it ends where not.
pub(in crate::cli) async fn may_hold_copies(
    context: &Context,
    root: &Path,
    forced: bool,
) -> Result<Option<Exit>, Error> {
    let copies = copies_below(root);
    if copies.is_empty() || forced {
        return Ok(None);
    }
    let named = first_of(&copies[..copies.len().min(NAMED_MAX)], copies.len() as u64);
    let is_are = if copies.len() == 1 { "is a working copy" } else { "are working copies" };
    context.screen.warning(&format!(
        "{} holds other working copies: {} {is_are} and will be left out",
        escape(&root.display().to_string()),
        escape(&named)
    ));
    if !context.screen.can_ask() {
        return Ok(None);
    }
    let question = prompt::confirm("Make a working copy around them?");
    match context.unless_interrupted(question).await.transpose()? {
        None => Ok(Some(Exit::Interrupted)),
        Some(true) => Ok(None),
        Some(false) => Ok(Some(Exit::SafetyStop)),
    }
}

/// Returns the names of working copies directly below a folder, sorted; what cannot be read has none.
fn copies_below(root: &Path) -> Vec<String> {
    let disk = RealDisk;
    let Ok(folder) = disk.open_path(root) else { return Vec::new() };
    let Ok(names) = disk.read_folder(&folder) else { return Vec::new() };
    let mut copies: Vec<String> = Vec::new();
    for (name, _) in &names {
        let is_folder = disk.lstat(&folder, name).is_ok_and(|stat| stat.kind == Kind::Folder);
        if is_folder && is_copy(&root.join(name)) {
            copies.push(name.to_string_lossy().into_owned());
        }
    }
    copies.sort_unstable();
    copies
}

/// Tells whether a folder is a working copy; one with a broken config is one, too.
fn is_copy(folder: &Path) -> bool {
    matches!(Repository::open(&RealDisk, folder), Ok(_) | Err(RepositoryError::Config { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_the_home_directory_and_what_holds_it_are_told_apart_from_the_rest() {
        let home = Some(Path::new("/home/ada"));
        let what = |root: &str| what_it_is(Path::new(root), home);
        assert_eq!(what("/"), Some("the root of the file system"));
        assert_eq!(what("/home/ada"), Some("your home directory"));
        assert_eq!(what("/home"), Some("the folder that holds your home directory"));
        for root in ["/home/ada/work", "/home/adam", "/srv"] {
            assert_eq!(what(root), None, "{root}");
        }
        assert_eq!(what_it_is(Path::new("/"), None), Some("the root of the file system"));
        assert_eq!(what_it_is(Path::new("/home/ada"), None), None);
    }
}
