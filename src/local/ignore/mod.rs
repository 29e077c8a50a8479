//! `.lsyncignore`: which paths are left alone on all sides, in the syntax and with the semantics of
//! gitignore(5).
//!
//! A rules file counts for its folder and what is below; the innermost file that says something
//! decides, in it the last line that says something. Below an ignored folder nothing is looked at,
//! so nothing can be re-included there.

mod pattern;
#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::content::{ContentError, read_small};
use crate::disk::Disk;
use crate::tree::{Kind, Marker, RepoPath};

/// The name of a rules file, in any folder.
pub const RULES_FILE: &str = ".lsyncignore";

/// The largest rules file that is read, in bytes.
pub const RULES_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// How many warnings of bad rules are kept.
const WARNINGS_MAX: usize = 100;

/// The rule by which a path is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredBy {
    /// `FILE:LINE`, the file relative to the root of the working copy.
    pub place: String,
    /// The pattern as written there.
    pub pattern: String,
}

impl From<IgnoredBy> for Marker {
    fn from(rule: IgnoredBy) -> Self {
        Self::Ignored { place: rule.place, pattern: rule.pattern }
    }
}

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
        Self {
            disk: disk.clone(),
            root: root.clone(),
            levels: Vec::new(),
            stack: RuleStack::default(),
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

    /// Returns what was wrong in the rules files read so far; such lines have no effect.
    pub fn warnings(&self) -> &[String] {
        &self.stack.warnings
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
                level.verdict = Verdict::Unknown(
                    error.kind(),
                    format!("cannot open the folder {path}: {error}"),
                );
            }
            Some(Ok(folder)) => {
                if let Err(error) = self.stack.enter(&self.disk, &folder, path) {
                    level.verdict = Verdict::Unknown(error.kind(), error.to_string());
                }
                level.folder = Some(folder);
            }
        }
        level
    }
}

/// Tells whether an error of opening a folder means that there is none of that name.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The rules of the folders on one path, from the root down.
#[derive(Default)]
pub(super) struct RuleStack {
    layers: Vec<Layer>,
    warnings: Vec<String>,
}

/// The rules of one folder.
struct Layer {
    /// The length of `folder/`, which the patterns do not see.
    prefix_bytes: usize,
    rules: Gitignore,
}

impl RuleStack {
    /// Returns the number of layers, to come back to.
    pub(super) fn len(&self) -> usize {
        self.layers.len()
    }

    /// Goes back to the first `len` layers.
    pub(super) fn truncate(&mut self, len: usize) {
        self.layers.truncate(len);
    }

    /// Returns what was wrong in the files read.
    pub(super) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns the rule that ignores `path`, given that none of its folders is ignored.
    pub(super) fn check(&self, path: &OsStr, folder: bool) -> Option<IgnoredBy> {
        for layer in self.layers.iter().rev() {
            let below = Path::new(OsStr::from_bytes(&path.as_bytes()[layer.prefix_bytes..]));
            match layer.rules.matched(below, folder) {
                Match::None => (),
                Match::Whitelist(_) => return None,
                Match::Ignore(rule) => {
                    let origin = rule.from().and_then(Path::to_str).unwrap_or_default();
                    let (place, pattern) = origin.split_once('\0').unwrap_or((origin, ""));
                    return Some(IgnoredBy {
                        place: place.to_owned(),
                        pattern: pattern.to_owned(),
                    });
                }
            }
        }
        None
    }

    /// Adds the rules of `folder`, whose path is `path` (empty is the root), if it has any.
    ///
    /// The error's text names the file.
    pub(super) fn enter<D: Disk>(
        &mut self,
        disk: &D,
        folder: &D::Folder,
        path: &str,
    ) -> io::Result<()> {
        let file =
            if path.is_empty() { RULES_FILE.to_owned() } else { format!("{path}/{RULES_FILE}") };
        let added = read_rules(disk, folder).and_then(|bytes| match bytes {
            Some(bytes) => self.compile(&file, &bytes),
            None => Ok(None),
        });
        let rules = added.map_err(|error| {
            io::Error::new(error.kind(), format!("cannot read {file}: {error}"))
        })?;
        if let Some(rules) = rules {
            let prefix_bytes = if path.is_empty() { 0 } else { path.len() + 1 };
            self.layers.push(Layer { prefix_bytes, rules });
        }
        Ok(())
    }

    /// Compiles the lines of a rules file; `None` where none of them is a rule.
    fn compile(&mut self, file: &str, bytes: &[u8]) -> io::Result<Option<Gitignore>> {
        let mut builder = GitignoreBuilder::new("");
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let place = format!("{file}:{}", index + 1);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let Ok(line) = str::from_utf8(line) else {
                self.warn(format!("{place}: the rule is no UTF-8 and has no effect"));
                continue;
            };
            // Place and pattern travel as the path that the matcher hands back with a match.
            let origin = Some(PathBuf::from(format!("{place}\0{line}")));
            let added = match pattern::translate(line) {
                Ok(None) => continue,
                Ok(Some(glob)) => builder.add_line(origin, &glob).err().map(|e| e.to_string()),
                Err(reason) => Some(reason.to_owned()),
            };
            if let Some(reason) = added {
                self.warn(format!("{place}: the rule has no effect: {reason}"));
            }
        }
        let rules = builder.build().map_err(io::Error::other)?;
        Ok((!rules.is_empty()).then_some(rules))
    }

    fn warn(&mut self, warning: String) {
        if self.warnings.len() < WARNINGS_MAX {
            self.warnings.push(warning);
        }
    }
}

/// Reads the rules file of a folder; `None` where there is none.
///
/// A link is an error rather than no rules: whoever made it means some rules to hold.
fn read_rules<D: Disk>(disk: &D, folder: &D::Folder) -> io::Result<Option<Vec<u8>>> {
    let name = OsStr::new(RULES_FILE);
    let stat = match disk.lstat(folder, name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
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
