//! `.lsyncignore`: which paths are left alone on all sides, in the syntax and with the semantics of
//! gitignore(5).
//!
//! A rules file counts for its folder and what is below; the innermost file that says something
//! decides, in it the last line that says something. Below an ignored folder nothing is looked at,
//! so nothing can be re-included there.

mod files;
mod pattern;
mod stack;
#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::io;
use std::sync::Arc;

pub use files::{RULES_FILE, RULES_FILE_BYTES_MAX, RuleFiles};
pub use stack::IgnoredBy;
pub(super) use stack::RuleStack;

use crate::disk::Disk;
use crate::tree::RepoPath;

/// The rules of the working copy, for paths that arrive in key order.
///
/// Remembers the folders on the path asked for last, with their rules: as long as paths come in key
/// order, each rules file is read once.
pub struct IgnoreRules<D: Disk> {
    disk: D,
    root: D::Folder,
    levels: Vec<Level<D>>,
    stack: RuleStack,
}

/// A folder above the path asked for last; the first is the root.
struct Level<D: Disk> {
    name: Box<str>,
    /// Absent where no such folder exists here: it has no rules.
    folder: Option<D::Folder>,
    /// How many layers of the stack belong to the folders above.
    layers: usize,
    verdict: Verdict,
}

/// What holds for everything in a folder, whatever its own rules say.
enum Verdict {
    Open,
    Ignored(IgnoredBy),
    Unknown(io::ErrorKind, String),
}

impl<D: Disk> IgnoreRules<D> {
    /// Begins at the folder `root`; reads nothing yet.
    pub fn new(disk: &D, root: &D::Folder) -> Self {
        Self::of(disk, root, Arc::default())
    }

    /// As [`IgnoreRules::new`], with what all that read the rules of this run share.
    pub fn of(disk: &D, root: &D::Folder, files: Arc<RuleFiles>) -> Self {
        Self {
            disk: disk.clone(),
            root: root.clone(),
            levels: Vec::new(),
            stack: RuleStack::new(files),
        }
    }

    /// Returns the rule by which `path`, or a folder above it, is ignored.
    ///
    /// `folder` says whether the path itself names a folder. An error means that the rules of a
    /// folder above cannot be read: nothing below may be touched.
    pub fn check(&mut self, path: &RepoPath, folder: bool) -> io::Result<Option<IgnoredBy>> {
        if self.levels.is_empty() {
            let level = self.open_level("", "", Some(Ok(self.root.clone())));
            self.levels.push(level);
        }
        let (text, parent) = (path.as_str(), path.parent_str());
        let (mut depth, mut end) = (1, 0);
        for name in parent.split('/').filter(|name| !name.is_empty()) {
            end += name.len() + usize::from(end > 0);
            if self.levels.get(depth).is_none_or(|level| &*level.name != name) {
                self.cut(depth);
                if !matches!(self.levels[depth - 1].verdict, Verdict::Open) {
                    break;
                }
                self.descend(name, &text[..end]);
            }
            depth += 1;
        }
        self.cut(depth);
        match &self.levels[depth - 1].verdict {
            Verdict::Open => Ok(self.stack.check(OsStr::new(text), folder)),
            Verdict::Ignored(rule) => Ok(Some(rule.clone())),
            Verdict::Unknown(kind, reason) => Err(io::Error::new(*kind, reason.clone())),
        }
    }

    /// Forgets the folders below the first `depth`.
    fn cut(&mut self, depth: usize) {
        if let Some(level) = self.levels.get(depth) {
            self.stack.truncate(level.layers);
            self.levels.truncate(depth);
        }
    }

    /// Goes into the folder `name` of the last level, whose path is `path`.
    fn descend(&mut self, name: &str, path: &str) {
        let above = self.levels.last().and_then(|level| level.folder.as_ref());
        let level = if let Some(rule) = self.stack.check(OsStr::new(path), true) {
            let verdict = Verdict::Ignored(rule);
            Level { name: name.into(), folder: None, layers: self.stack.len(), verdict }
        } else {
            let opened = above.map(|above| self.disk.open_folder(above, OsStr::new(name)));
            self.open_level(name, path, opened)
        };
        self.levels.push(level);
    }

    /// Makes the level of a folder and adds its rules to the stack.
    fn open_level(
        &mut self,
        name: &str,
        path: &str,
        opened: Option<io::Result<D::Folder>>,
    ) -> Level<D> {
        let layers = self.stack.len();
        let mut level = Level { name: name.into(), folder: None, layers, verdict: Verdict::Open };
        match opened {
            None => (),
            Some(Err(error)) if is_absent(&error) => (),
            Some(Err(error)) => {
                let reason = format!("cannot open the folder {path}: {error}");
                level.verdict = Verdict::Unknown(error.kind(), reason);
                return level;
            }
            Some(Ok(folder)) => level.folder = Some(folder),
        }
        if let Err(error) = self.stack.enter(&self.disk, level.folder.as_ref(), path) {
            level.verdict = Verdict::Unknown(error.kind(), error.to_string());
        }
        level
    }
}

/// Tells whether an error of opening a folder means that there is none of that name.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
