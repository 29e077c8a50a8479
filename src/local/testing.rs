//! What the tests of this module share.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use super::{LocalItem, Scan, ScanOptions};
use crate::disk::Disk;
use crate::fakes::disk::MemoryDisk;
use crate::tree::{LocalEntry, LocalState, Marker, RepoPath, Unread};

pub(super) fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

pub(super) fn root(disk: &MemoryDisk) -> <MemoryDisk as Disk>::Folder {
    disk.make_path(Path::new("/copy")).unwrap()
}

/// Makes the folders of a path, and returns the last one.
pub(super) fn folder<D: Disk>(disk: &D, root: &D::Folder, path: &str) -> D::Folder {
    path.split('/').filter(|name| !name.is_empty()).fold(root.clone(), |folder, name| {
        let name = OsStr::new(name);
        match disk.make_folder(&folder, name, 0o777) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => panic!("{error}"),
            _ => disk.open_folder(&folder, name).unwrap(),
        }
    })
}

/// Writes a file anew, and the folders above it where they are missing.
pub(super) fn write<D: Disk>(disk: &D, root: &D::Folder, path: &str, bytes: &[u8]) {
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    let folder = folder(disk, root, above);
    let file = disk.open_append(&folder, OsStr::new(name), 0o666).unwrap();
    disk.truncate(&file, 0).unwrap();
    disk.write(&file, bytes).unwrap();
}

/// Scans, and shows each item in a line.
pub(super) fn scan<D: Disk>(disk: &D, root: &D::Folder, options: ScanOptions) -> Vec<String> {
    Scan::new(disk, root, options).map(|item| shown(&item.unwrap())).collect()
}

/// Shows an item: the key where it sorts, and what was not entered with its reason.
pub(super) fn shown(item: &LocalItem) -> String {
    match item {
        LocalItem::Entry(LocalEntry { path, state: LocalState::File(_) }) => path.to_string(),
        LocalItem::Entry(LocalEntry { path, state: LocalState::Marked { folder, marker } }) => {
            let slash = if *folder { "/" } else { "" };
            let why = match &**marker {
                Marker::Ignored { place, pattern } => format!("ignored by {place} {pattern}"),
                Marker::Unreadable(Unread::BecameOther) => "became something else".to_owned(),
                Marker::Unreadable(Unread::Disk(text) | Unread::Rules(text)) => {
                    format!("unreadable: {text}")
                }
                Marker::Unmounted(top) => format!("unmounted: {top}"),
                Marker::Nested => "nested".to_owned(),
                Marker::Link => "link".to_owned(),
                Marker::Special => "special".to_owned(),
                Marker::Unmappable(fault) => format!("unmappable: {fault:?}"),
                Marker::Obstacle => "an obstacle in the bucket".to_owned(),
            };
            format!("{path}{slash} {why}")
        }
        LocalItem::Top(path) => format!("{path}/ top"),
        LocalItem::Unnameable { folder, name, fault, left_alone } => {
            let folder = folder.as_ref().map(|folder| format!("{folder}/")).unwrap_or_default();
            let mark = if *left_alone { "-" } else { "?" };
            format!("{mark} {folder}{} {fault:?}", name.display())
        }
    }
}
