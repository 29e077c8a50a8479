//! [`FoldingDisk`]: a real file system that takes `A` for `a`, where the machine can mount one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Large enough for every kind of file system that is tried.
const IMAGE_BYTES: u64 = 48 << 20;

/// What is tried: how it is made on an image, mounted, and made to fold.
const KINDS: [(&str, [&str; 3]); 3] = [
    (
        "ext4 with casefold",
        [
            "mkfs.ext4 -q -F -O casefold -E encoding=utf8 IMAGE",
            "mount -o loop IMAGE FOLDER",
            "chattr +F FOLDER/copies",
        ],
    ),
    ("vfat", ["mkfs.vfat IMAGE", "mount -o loop,utf8 IMAGE FOLDER", "true"]),
    // Its list has all names in lower case.
    ("ntfs-3g", ["mkntfs -q -F -f IMAGE", "lowntfs-3g -o ignore_case,loop IMAGE FOLDER", "true"]),
];

/// A mounted file system that folds names; unmounted when dropped.
pub struct FoldingDisk {
    folder: PathBuf,
    kind: &'static str,
}

impl FoldingDisk {
    /// Mounts one on `folder`, which is made; an error says why there is none.
    pub fn mount(folder: &Path) -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("only root can mount a disk".to_owned());
        }
        fs::create_dir(folder).unwrap();
        let mut reasons = Vec::new();
        for (kind, [make, mount, fold]) in KINDS {
            let image = folder.with_extension("image");
            fs::File::options()
                .create(true)
                .truncate(true)
                .write(true)
                .open(&image)
                .and_then(|file| file.set_len(IMAGE_BYTES))
                .unwrap();
            let run = |line: &str| run(line, folder, &image);
            if let Err(reason) = run(make).and_then(|()| run(mount)) {
                reasons.push(format!("{kind}: {reason}"));
                continue;
            }
            let disk = Self { folder: folder.to_owned(), kind };
            fs::create_dir(disk.copies()).unwrap();
            if let Err(reason) = run(fold).and_then(|()| disk.check()) {
                reasons.push(format!("{kind}: {reason}"));
                continue;
            }
            return Ok(disk);
        }
        Err(reasons.join("; "))
    }

    /// Returns the folder on it in which names are folded.
    pub fn copies(&self) -> PathBuf {
        self.folder.join("copies")
    }

    /// Returns which kind of file system it is.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Tells whether it lists names as they were given to it.
    pub fn keeps_names(&self) -> bool {
        self.kind != "ntfs-3g"
    }

    fn check(&self) -> Result<(), String> {
        fs::create_dir(self.copies().join("Probe")).map_err(|error| error.to_string())?;
        fs::remove_dir(self.copies().join("pROBE")).map_err(|_| "it does not fold names".to_owned())
    }
}

impl Drop for FoldingDisk {
    fn drop(&mut self) {
        // A mount that is left behind shows when the temporary folder cannot be removed.
        drop(Command::new("umount").arg(&self.folder).status());
    }
}

/// Runs a line of words; an error is what it said.
fn run(line: &str, folder: &Path, image: &Path) -> Result<(), String> {
    let placed = |word: &str| match word {
        "IMAGE" => image.as_os_str().to_owned(),
        _ => match word.strip_prefix("FOLDER") {
            Some(below) => format!("{}{below}", folder.display()).into(),
            None => word.into(),
        },
    };
    let mut words = line.split_whitespace().map(placed);
    let mut command = Command::new(words.next().unwrap());
    match command.args(words).output() {
        Err(error) => Err(format!("{line}: {error}")),
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("{line}: {}", said.lines().next().unwrap_or("failed")))
        }
    }
}
