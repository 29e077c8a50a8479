//! The fuzz targets: each takes any bytes, and panics where lsync breaks its word about them.
//!
//! Used by `tests/fuzz.rs` and by the crate beside this folder.

pub(crate) mod config;
pub(crate) mod damage;
pub(crate) mod database;
pub(crate) mod ignore;
pub(crate) mod keys;
pub(crate) mod listing;
pub(crate) mod trash;

use std::path::Path;

use lsync::disk::Disk as _;
use lsync::fakes::disk::{MemoryDisk, MemoryFolder};

/// The line between two parts of an input.
const DIVIDER: &[u8] = b"\n%%\n";

/// Splits an input into its parts.
fn parts(data: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(DIVIDER.len()).position(|window| window == DIVIDER) {
        // The newline before the divider belongs to the part.
        parts.push(&rest[..=at]);
        rest = &rest[at + DIVIDER.len()..];
    }
    parts.push(rest);
    parts
}

/// A working copy at `/work` with these files in its `.lsync`; returns that folder.
fn working_copy(files: &[(&str, &[u8])]) -> (MemoryDisk, MemoryFolder) {
    let disk = MemoryDisk::new();
    disk.person().make_folders("/work/.lsync");
    for (name, bytes) in files {
        disk.person().write(format!("/work/.lsync/{name}"), bytes);
    }
    let control = disk.open_path(Path::new("/work/.lsync")).unwrap();
    (disk, control)
}
