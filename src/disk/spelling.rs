//! Disks that fold names: case, Unicode forms, or whatever else they hold for one name.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;

use super::{Disk, if_exists};
use crate::tree::Stat;

/// Returns how the folder lists what it finds under `name`, where that is another name: only a disk
/// that folds names has an answer. `None` where the two are one, or where nothing is found.
pub fn other_spelling<D: Disk>(
    disk: &D,
    folder: &D::Folder,
    name: &OsStr,
) -> io::Result<Option<OsString>> {
    let Some(found) = if_exists(disk.lstat(folder, name))? else { return Ok(None) };
    if !may_be_folded(disk, folder, name, &found)? {
        return Ok(None);
    }
    let names = disk.read_folder(folder)?;
    if names.contains(name) {
        return Ok(None);
    }
    let is_it = |listed: &&OsStr| {
        disk.lstat(folder, listed).is_ok_and(|stat| identity(&stat) == identity(&found))
    };
    Ok(names.iter().map(|(listed, _)| listed).find(is_it).map(OsStr::to_owned))
}

/// Tells whether only the folder's list can say that `found` is there under `name` itself.
///
/// Most names are told by a second look: where `NAME` is not there, or is another file than `name`,
/// nothing is folded. Beyond ASCII a name may have several forms; digits and signs have one.
pub fn may_be_folded<D: Disk>(
    disk: &D,
    folder: &D::Folder,
    name: &OsStr,
    found: &Stat,
) -> io::Result<bool> {
    let bytes = name.as_bytes();
    if !bytes.is_ascii() {
        return Ok(true);
    }
    let swapped: Vec<u8> = bytes.iter().copied().map(swap_case).collect();
    if swapped == bytes {
        // FAT takes dots and blanks off the end, and calls long names `NAME~1`.
        return Ok(bytes.contains(&b'~') || bytes.ends_with(b".") || bytes.ends_with(b" "));
    }
    let other = if_exists(disk.lstat(folder, OsStr::from_bytes(&swapped)))?;
    Ok(other.is_some_and(|other| identity(&other) == identity(found)))
}

fn swap_case(byte: u8) -> u8 {
    if byte.is_ascii_lowercase() { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() }
}

fn identity(stat: &Stat) -> (u64, u64) {
    (stat.device, stat.inode)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::fakes::disk::MemoryDisk;

    fn spelling(disk: &MemoryDisk, name: &str) -> Option<String> {
        let folder = disk.open_path(Path::new("/d")).unwrap();
        let other = other_spelling(disk, &folder, OsStr::new(name)).unwrap();
        other.map(|name| name.into_string().unwrap())
    }

    #[test]
    fn a_disk_that_folds_names_tells_how_it_spells_them() {
        let disk = MemoryDisk::new();
        disk.set_folds_names(true);
        for name in ["Read.Me", "2024", "\u{e9}t\u{e9}", "~"] {
            disk.person().write(format!("/d/{name}"), name);
            assert_eq!(spelling(&disk, name), None, "{name:?}");
        }
        assert_eq!(spelling(&disk, "read.me").as_deref(), Some("Read.Me"));
        assert_eq!(spelling(&disk, "READ.ME").as_deref(), Some("Read.Me"));
        assert_eq!(spelling(&disk, "e\u{301}t\u{e9}").as_deref(), Some("\u{e9}t\u{e9}"));
        assert_eq!(spelling(&disk, "absent"), None);
    }

    #[test]
    fn elsewhere_every_spelling_is_a_name_of_its_own() {
        let disk = MemoryDisk::new();
        disk.person().write("/d/a", "1");
        disk.person().write("/d/A", "2");
        disk.person().write("/d/\u{e9}", "3");
        // A second name of one file is no other spelling of it.
        disk.person().write("/d/both", "4");
        disk.person().hard_link("/d/both", "/d/BOTH");
        for name in ["a", "A", "\u{e9}", "e\u{301}", "both", "BOTH"] {
            assert_eq!(spelling(&disk, name), None, "{name:?}");
        }
    }
}
