//! What lies in a folder: how whoever takes it away tells that nobody has touched it.

use std::collections::BTreeMap;
use std::io;

use crc_fast::{CrcAlgorithm, Digest};

use super::Disk;
use crate::tree::{Kind, Stat};

/// The files in a folder and in those below it, by their path in it, and what each looks like.
///
/// A rename of the folder changes none of it. Folders without a file in them do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents(BTreeMap<String, Stat>);

impl Contents {
    /// Looks into a folder. `None` where something in it is neither file nor folder, or has a name
    /// that is no UTF-8: no listing has such a thing.
    pub fn of<D: Disk>(disk: &D, folder: &D::Folder) -> io::Result<Option<Self>> {
        let mut files = BTreeMap::new();
        let mut open = vec![(folder.clone(), String::new())];
        while let Some((folder, above)) = open.pop() {
            for (name, _) in &disk.read_folder(&folder)? {
                let Some(text) = name.to_str() else { return Ok(None) };
                let stat = disk.lstat(&folder, name)?;
                match stat.kind {
                    Kind::Folder => {
                        open.push((disk.open_folder(&folder, name)?, format!("{above}{text}/")));
                    }
                    Kind::File => drop(files.insert(format!("{above}{text}"), stat)),
                    Kind::Link | Kind::Special => return Ok(None),
                }
            }
        }
        Ok(Some(Self(files)))
    }

    /// Tells whether both hold the same files, and nothing at all happened to any of them between the
    /// two looks.
    pub fn is_untouched(&self, other: &Self) -> bool {
        let pairs = || self.0.iter().zip(&other.0);
        self.0.len() == other.0.len()
            && pairs().all(|((path, stat), (it, found))| path == it && stat.is_untouched(found))
    }

    /// Returns a number that another is as soon as a file was touched, added or removed: whoever has
    /// noted it can ask after a restart. (A file system may have another number by then.)
    pub fn fingerprint(&self) -> u64 {
        let mut digest = Digest::new(CrcAlgorithm::Crc64Nvme);
        for (path, stat) in &self.0 {
            let signature = stat.signature();
            digest.update(path.as_bytes());
            // No name holds it, so that no two lists give the same bytes.
            digest.update(b"\0");
            digest.update(&signature.size.to_le_bytes());
            digest.update(&signature.mtime.to_le_bytes());
            digest.update(&signature.ctime.to_le_bytes());
            digest.update(&signature.inode.to_le_bytes());
        }
        digest.finalize()
    }
}

impl FromIterator<(String, Stat)> for Contents {
    fn from_iter<I: IntoIterator<Item = (String, Stat)>>(files: I) -> Self {
        Self(files.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::path::Path;

    use super::*;
    use crate::fakes::disk::{MemoryDisk, Person};

    fn folder() -> (MemoryDisk, Person) {
        let (disk, person) = (MemoryDisk::new(), MemoryDisk::person);
        disk.set_now(1_700_000_000_000_000_000);
        let person = person(&disk);
        person.write("/w/box/a", "one");
        person.write("/w/box/in/b", "two");
        person.write("/w/box.b", "beside");
        disk.advance(1_000_000_000);
        (disk, person)
    }

    fn look(disk: &MemoryDisk, path: &str) -> Option<Contents> {
        Contents::of(disk, &disk.open_path(Path::new(path)).unwrap()).unwrap()
    }

    #[test]
    fn a_folder_that_was_moved_holds_what_it_held() {
        let (disk, person) = folder();
        let before = look(&disk, "/w/box").unwrap();
        person.make_folders("/w/box/empty");
        person.rename("/w/box", "/w/moved");
        let after = look(&disk, "/w/moved").unwrap();
        assert!(before.is_untouched(&after));
        assert_eq!(before.fingerprint(), after.fingerprint());
    }

    #[test]
    fn whatever_is_touched_added_or_removed_shows() {
        let acts: &[fn(&Person)] = &[
            |person| person.write("/w/box/a", "ONE"),
            |person| person.save("/w/box/a", "one"),
            |person| person.set_mode("/w/box/in/b", 0o600),
            |person| person.remove("/w/box/a"),
            |person| person.write("/w/box/in/c", "three"),
            |person| person.rename("/w/box/a", "/w/box/in/a"),
            |person| {
                let mtime = person.stat("/w/box/a").unwrap().mtime;
                person.write("/w/box/a", "ONE");
                person.set_mtime("/w/box/a", mtime);
            },
        ];
        for (at, act) in acts.iter().enumerate() {
            let (disk, person) = folder();
            let before = look(&disk, "/w/box").unwrap();
            act(&person);
            let after = look(&disk, "/w/box").unwrap();
            assert!(!before.is_untouched(&after) && !after.is_untouched(&before), "{at}");
            assert_ne!(before.fingerprint(), after.fingerprint(), "{at}");
        }
    }

    #[test]
    fn what_is_neither_file_nor_folder_has_no_contents_and_what_cannot_be_read_is_an_error() {
        let (disk, person) = folder();
        person.symlink("a", "/w/box/in/link");
        assert_eq!(look(&disk, "/w/box"), None);
        person.remove("/w/box/in/link");
        person.set_mode("/w/box/in", 0);
        let root = disk.open_path(Path::new("/w")).unwrap();
        let closed = disk.open_folder(&root, OsStr::new("box")).unwrap();
        assert!(Contents::of(&disk, &closed).is_err());
    }
}
