//! What was fetched to be looked at while a conflict is open, so that a later command finds it again
//! and takes it away.
//!
//! One file a copy in `.lsync/theirs/`. Notes come and go one by one, without the lock: a question that
//! stands open does not hold it. A note that is lost or torn leaves a copy behind, and nothing else.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::disk::{Disk, ensure_folder, read_whole};
use crate::tree::{RepoPath, Stat, Version};

/// The folder of the notes, in the control folder.
const THEIRS: &str = "theirs";

/// A copy of one version of an object, outside of the working copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fetched {
    path: String,
    etag: String,
    /// Where the copy lies, alone in its folder.
    place: PathBuf,
    size: u64,
    mtime: i64,
    ctime: i64,
    inode: u64,
    device: u64,
}

impl Fetched {
    /// Describes a copy as it was fetched.
    pub fn new(path: &RepoPath, version: &Version, place: &Path, stat: &Stat) -> Self {
        Self {
            path: path.to_string(),
            etag: version.token.text().into_owned(),
            place: place.to_owned(),
            size: stat.size,
            mtime: stat.mtime,
            ctime: stat.ctime,
            inode: stat.inode,
            device: stat.device,
        }
    }

    /// Tells whether it is of this version.
    pub fn is_of(&self, path: &RepoPath, version: &Version) -> bool {
        (self.path.as_str(), self.size) == (path.as_str(), version.size)
            && self.etag == version.token.text()
    }

    /// Returns the path of its object, unless the note was tampered with.
    pub fn path(&self) -> Option<RepoPath> {
        RepoPath::parse(&self.path).ok()
    }

    /// Returns where it lies.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Tells whether the file that lies there is what was fetched, and nobody has touched it.
    pub fn is_untouched(&self, stat: &Stat) -> bool {
        (self.size, self.mtime, self.ctime, self.inode, self.device)
            == (stat.size, stat.mtime, stat.ctime, stat.inode, stat.device)
    }
}

/// Writes a note under a name that no other note has.
pub fn note<D: Disk>(
    disk: &D,
    control: &D::Folder,
    name: &OsStr,
    fetched: &Fetched,
) -> io::Result<()> {
    let text = serde_json::to_vec(fetched)?;
    let folder = ensure_folder(disk, control, OsStr::new(THEIRS), 0o700)?;
    let file = disk.create(&folder, name, 0o600)?;
    disk.write(&file, &text)
}

/// Reads the notes, with their names; what cannot be read is none.
pub fn noted<D: Disk>(disk: &D, control: &D::Folder) -> Vec<(OsString, Fetched)> {
    let Ok(folder) = disk.open_folder(control, OsStr::new(THEIRS)) else { return Vec::new() };
    let Ok(names) = disk.read_folder(&folder) else { return Vec::new() };
    let mut found = Vec::new();
    for (name, _) in &names {
        let text = name.to_str().and_then(|name| read_whole(disk, &folder, name).ok().flatten());
        if let Some(fetched) = text.and_then(|text| serde_json::from_slice(&text).ok()) {
            found.push((name.to_owned(), fetched));
        }
    }
    found
}

/// Takes a note away.
pub fn forget<D: Disk>(disk: &D, control: &D::Folder, name: &OsStr) -> io::Result<()> {
    disk.unlink(&disk.open_folder(control, OsStr::new(THEIRS))?, name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::disk::MemoryDisk;
    use crate::tree::{Kind, Token};

    #[test]
    fn a_note_is_read_as_it_was_written_and_a_torn_one_is_none() {
        let disk = MemoryDisk::default();
        let control = disk.make_path(Path::new("/copy/.lsync")).unwrap();
        assert!(noted(&disk, &control).is_empty());
        let path = RepoPath::parse("docs/f").unwrap();
        let version = Version { token: Token::new("abc"), size: 4 };
        let (kind, mode) = (Kind::File, 0o600);
        let stat = Stat { kind, size: 4, mtime: 1, ctime: 2, inode: 3, device: 4, mode };
        let fetched = Fetched::new(&path, &version, Path::new("/tmp/x/f"), &stat);
        note(&disk, &control, OsStr::new("x"), &fetched).unwrap();
        let folder = disk.open_folder(&control, OsStr::new(THEIRS)).unwrap();
        let torn = disk.create(&folder, OsStr::new("y"), 0o600).unwrap();
        disk.write(&torn, b"{\"path\":\"docs/f\",\"et").unwrap();
        assert_eq!(noted(&disk, &control), [(OsString::from("x"), fetched.clone())]);
        assert!(fetched.is_of(&path, &version) && fetched.is_untouched(&stat));
        let other = Version { token: Token::new("abd"), size: 4 };
        assert!(!fetched.is_of(&path, &other));
        assert!(!fetched.is_untouched(&Stat { ctime: 5, ..stat }));
        forget(&disk, &control, OsStr::new("x")).unwrap();
        assert!(noted(&disk, &control).is_empty());
    }
}
