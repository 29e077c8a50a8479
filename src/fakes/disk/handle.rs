//! What a process holds of a folder.

use super::tree::Inode;

/// An open folder of a [`MemoryDisk`](super::MemoryDisk).
#[derive(Debug, Clone, Copy)]
pub struct MemoryFolder {
    pub(super) process: u64,
    pub(super) life: u64,
    pub(super) inode: Inode,
}
