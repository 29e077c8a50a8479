//! [`MemoryDisk`]: a file system in memory, with switches for crashes, faults and odd disks.
//!
//! It keeps what a power loss would leave apart from what processes see. Nothing is durable until
//! it is synced: contents by [`Disk::sync_file`](crate::disk::Disk::sync_file), names by
//! [`Disk::sync_folder`](crate::disk::Disk::sync_folder) of each folder, all by
//! [`Disk::sync_file_system`](crate::disk::Disk::sync_file_system). Names that change together (a rename,
//! an exchange) become durable together, as journaling file systems have it.

mod calls;
mod checks;
mod gate;
mod handle;
mod memory;
mod person;
mod process;
mod state;
#[cfg(test)]
mod tests;
mod tree;

pub use handle::MemoryFolder;
pub use memory::{MemoryClock, MemoryDisk, MemoryFile};
pub use person::{Item, Person};
pub use process::{Call, Fault, Hook, Operation, Stopped};
pub use rustix::io::Errno;
pub use state::Crash;
