//! `mounts.yaml`: the folders below the root on which other disks were mounted.
//!
//! A disk that is not mounted leaves an empty folder, or none: only this file tells it from a folder
//! whose files were deleted.

use std::io;

use super::codec;
use crate::disk::{Disk, read_whole, write_whole};
use crate::tree::RepoPath;

/// The file, in the control folder; absent where there never was a mount.
pub const MOUNTS: &str = "mounts.yaml";

/// Begins the file: people are sent there by a hint.
const HEADING: &str = "# Folders on which another disk is mounted, and whose files are synced. While a disk is \
                       missing,\n# nothing below its folder is touched. Take a line out if its disk is gone for good.\n";

/// Why the mounts cannot be known.
#[derive(Debug, thiserror::Error)]
pub enum MountsError {
    /// The disk failed.
    #[error("cannot read or write .lsync/{MOUNTS}")]
    Io(#[from] io::Error),
    /// It is not what lsync writes.
    #[error("cannot use .lsync/{MOUNTS}: {0}")]
    Content(String),
}

impl MountsError {
    /// Returns what to do next.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Io(_) => None,
            Self::Content(_) => Some("write one folder a line, as in `- \"photos\"`"),
        }
    }
}

/// Reads the folders, in key order; none where there is no file.
pub fn load<D: Disk>(disk: &D, control: &D::Folder) -> Result<Vec<RepoPath>, MountsError> {
    let Some(text) = read_whole(disk, control, MOUNTS)? else { return Ok(Vec::new()) };
    // A file of nothing but comments is one whose lines a person has taken out.
    let lines = codec::texts(&text).map_err(MountsError::Content)?;
    let parsed = lines.into_iter().map(|line| {
        RepoPath::parse(&line).map_err(|error| MountsError::Content(format!("{line:?}: {error}")))
    });
    let mut folders = parsed.collect::<Result<Vec<_>, _>>()?;
    folders.sort();
    folders.dedup();
    Ok(folders)
}

/// Replaces what the file holds in one durable step.
fn save<D: Disk>(disk: &D, control: &D::Folder, folders: &[RepoPath]) -> Result<(), MountsError> {
    let mut text = HEADING.to_owned();
    for folder in folders {
        codec::push_text(&mut text, folder.as_str());
        text.push('\n');
    }
    Ok(write_whole(disk, control, MOUNTS, text.as_bytes())?)
}

/// Adds those of `tops`, the folders on which other disks are mounted now, that are not known yet
/// and that matter.
pub fn remember<D: Disk>(
    disk: &D,
    control: &D::Folder,
    tops: &[RepoPath],
    matters: impl Fn(&RepoPath) -> bool,
) -> Result<(), MountsError> {
    if tops.is_empty() {
        return Ok(());
    }
    let mut known = load(disk, control)?;
    let is_new = |top: &RepoPath| known.binary_search(top).is_err() && matters(top);
    let new: Vec<_> = tops.iter().filter(|top| is_new(top)).cloned().collect();
    if new.is_empty() {
        return Ok(());
    }
    known.extend(new);
    known.sort();
    known.dedup();
    save(disk, control, &known)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::fakes::disk::MemoryDisk;

    #[test]
    fn what_was_saved_is_loaded_and_people_may_edit_it() {
        let disk = MemoryDisk::new();
        let control = disk.make_path(Path::new("/c")).unwrap();
        assert_eq!(load(&disk, &control).unwrap(), []);
        let folders = ["a b", "no", "photos/2024", "x\n- y", "\u{e9}: #"];
        let folders = folders.map(|text| RepoPath::parse(text).unwrap());
        save(&disk, &control, &folders).unwrap();
        assert_eq!(load(&disk, &control).unwrap(), folders);
        disk.person().write("/c/mounts.yaml", "# nothing\n");
        assert_eq!(load(&disk, &control).unwrap(), []);
        disk.person().write("/c/mounts.yaml", "- z\n- a\n- z\n");
        let sorted = ["a", "z"].map(|text| RepoPath::parse(text).unwrap());
        assert_eq!(load(&disk, &control).unwrap(), sorted);
        for broken in ["a: b\n", "- ../x\n", "- ["] {
            disk.person().write("/c/mounts.yaml", broken);
            assert!(matches!(load(&disk, &control), Err(MountsError::Content(_))), "{broken:?}");
        }
    }
}
