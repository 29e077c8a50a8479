//! [`RuleFiles`]: where the rules files of one run come from, and what is wrong in them.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, if_exists};
use crate::local::content::{ContentError, read_small};
use crate::monitor::IneffectiveRule;
use crate::tree::{Kind, RepoPath};

/// The name of a rules file, in any folder.
pub const RULES_FILE: &str = ".lsyncignore";

/// The largest rules file that is read, in bytes.
pub const RULES_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// How many rules without effect are kept.
const INEFFECTIVE_MAX: usize = 100;

/// What all that read the rules of one run share: the files that are about to arrive, which count as
/// if they were here, and the rules without effect that were read so far.
#[derive(Debug, Default)]
pub struct RuleFiles {
    /// By the path of their folders, empty for the root; `None` for one that goes.
    arriving: HashMap<String, Option<Vec<u8>>>,
    found: Mutex<Found>,
}

#[derive(Debug, Default)]
struct Found {
    /// By file: a file that is read twice is reported once.
    ineffective: BTreeMap<String, Vec<IneffectiveRule>>,
    kept: usize,
    more: u64,
}

impl RuleFiles {
    /// Takes what rules files will hold once the run has fetched them; `None` for one that will be
    /// deleted. All others are read from the disk.
    pub fn arriving(files: impl IntoIterator<Item = (RepoPath, Option<Vec<u8>>)>) -> Self {
        let by_folder = |(path, bytes): (RepoPath, _)| (path.parent_str().to_owned(), bytes);
        Self { arriving: files.into_iter().map(by_folder).collect(), found: Mutex::default() }
    }

    /// Returns the rules without effect in the order of their files, and how many there are beyond
    /// those that were kept.
    pub fn ineffective(&self) -> (Vec<IneffectiveRule>, u64) {
        let found = self.found();
        (found.ineffective.values().flatten().cloned().collect(), found.more)
    }

    /// Tells whether the rules of the folder `path` do not come from the disk.
    pub(in crate::local) fn expects(&self, path: &str) -> bool {
        self.arriving.contains_key(path)
    }

    /// Returns the contents of the rules file of the folder `path`; `None` where it has none.
    pub(super) fn read<D: Disk>(
        &self,
        disk: &D,
        folder: Option<&D::Folder>,
        path: &str,
    ) -> io::Result<Option<Vec<u8>>> {
        match (self.arriving.get(path), folder) {
            (Some(bytes), _) => Ok(bytes.clone()),
            (None, Some(folder)) => read_from_disk(disk, folder),
            (None, None) => Ok(None),
        }
    }

    /// Takes note of what is wrong in a file.
    pub(super) fn report(&self, file: &str, mut ineffective: Vec<IneffectiveRule>) {
        let mut found = self.found();
        if ineffective.is_empty() || found.ineffective.contains_key(file) {
            return;
        }
        let room = INEFFECTIVE_MAX.saturating_sub(found.kept);
        found.more += ineffective.len().saturating_sub(room) as u64;
        ineffective.truncate(room);
        found.kept += ineffective.len();
        found.ineffective.insert(file.to_owned(), ineffective);
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the rules file of a folder; `None` where there is none.
///
/// A link is an error rather than no rules: whoever made it means some rules to hold.
fn read_from_disk<D: Disk>(disk: &D, folder: &D::Folder) -> io::Result<Option<Vec<u8>>> {
    let name = OsStr::new(RULES_FILE);
    let Some(stat) = if_exists(disk.lstat(folder, name))? else { return Ok(None) };
    match stat.kind {
        Kind::File => (),
        Kind::Folder => return Ok(None),
        Kind::Link => return Err(io::Error::other("it is a link, and links are not followed")),
        Kind::Special => return Err(io::Error::other("it is no regular file")),
    }
    match read_small(disk, folder, name, &stat, RULES_FILE_BYTES_MAX) {
        Ok(bytes) => Ok(Some(bytes.into())),
        Err(ContentError::Io { source, .. }) => Err(source),
        Err(error @ ContentError::TooLarge { .. }) => Err(io::Error::other(error)),
        Err(ContentError::ChangedMeanwhile(_)) => {
            Err(io::Error::other("it changed while it was read"))
        }
    }
}
