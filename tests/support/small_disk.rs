//! [`SmallDisk`]: another file system, where the machine can mount one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system of 1 MiB in memory, mounted until dropped.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one on `folder`, which is made if absent; `None` where that cannot be done.
    pub fn mount(folder: &Path) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(folder);
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then(|| Self(folder.to_owned()))
    }

    /// Mounts it on another folder, with all that is in it.
    #[must_use]
    pub fn moved(self, folder: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        let mut mount = Command::new("mount");
        let bound = mount.arg("--bind").arg(&self.0).arg(folder).status().unwrap();
        assert!(bound.success());
        // Dropped at its old place, where an empty folder is left.
        drop(self);
        Self(folder.to_owned())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A mount that is left behind shows when the temporary folder cannot be removed.
        drop(Command::new("umount").arg(&self.0).status());
    }
}
