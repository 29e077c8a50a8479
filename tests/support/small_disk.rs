//! [`SmallDisk`] and [`Layers`]: other file systems, where the machine can mount them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system of 1 MiB in memory, mounted until dropped.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one on `folder`, which is made if absent; `None` where that cannot be done.
    pub fn mount(folder: &Path) -> Option<Self> {
        Self::mount_of_size(folder, "1m")
    }

    /// As [`SmallDisk::mount`], of another size; one of size 0 does not tell what it has left.
    pub fn mount_of_size(folder: &Path, size: &str) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(folder);
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

/// An overlay file system, as that of a container, mounted until dropped.
pub struct Layers(PathBuf);

impl Layers {
    /// Makes what lies in `folder` the lower layer of an overlay that is mounted there; `None` where
    /// that cannot be done. The layers are kept beside it, the lower one in `lower`.
    pub fn mount(folder: &Path, lower: &Path) -> Option<Self> {
        let beside = |name: &str| folder.with_extension(name);
        let (upper, work) = (beside("upper"), beside("work"));
        for made in [&upper, &work, lower] {
            fs::create_dir_all(made).unwrap();
        }
        let mut copy = Command::new("cp");
        let copied = copy.arg("-a").arg(folder.join(".")).arg(lower).status().unwrap();
        assert!(copied.success());
        let mut mount = Command::new("mount");
        let layers = [("lowerdir", lower), ("upperdir", &upper), ("workdir", &work)];
        let layers = layers.map(|(name, path)| format!("{name}={}", path.display())).join(",");
        mount.args(["-t", "overlay", "overlay", "-o", &layers]).arg(folder);
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then(|| Self(folder.to_owned()))
    }
}

impl Drop for Layers {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(&self.0).status());
    }
}
