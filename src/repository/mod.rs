//! `.lsync` on disk.

pub mod trash;
