//! Walks the working copy in the order in which S3 lists keys.
//!
//! Siblings sorted as `name` for files and `name/` for folders, depth first, give exactly the byte
//! order of the keys. Nothing is collected but the names of the folders on the current path, and
//! every name is looked up in the handle of its folder, so that no link is ever followed.

mod ahead;
mod order;
#[cfg(test)]
mod tests;
mod unmergeable;

use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::Arc;

pub use unmergeable::{Found, Unmergeable};

use super::ignore::{RULES_FILE, RuleFiles, RuleStack};
use crate::disk::{Disk, Names, if_exists, other_spelling};
use crate::tree::{
    CONTROL, KEY_BYTES_MAX, Kind, LocalEntry, LocalState, Marker, NameFault, RepoPath, Unread,
};
use ahead::Ahead;
pub use ahead::Now;

/// The file that makes a folder with a control folder a working copy.
const CONFIG_FILE: &str = "config.yaml";

/// What a scan covers.
#[derive(Debug, Clone)]
pub struct ScanOptions {
    /// Only this file or folder and what is below it; `None` is everything.
    pub scope: Option<RepoPath>,
    /// The longest path that a key can hold, in bytes: 1,024 less the length of the prefix.
    pub key_bytes_max: usize,
    /// Folders on which other file systems were mounted.
    pub mounts: Vec<RepoPath>,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self { scope: None, key_bytes_max: KEY_BYTES_MAX, mounts: Vec::new() }
    }
}

/// One thing that a scan found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalItem {
    /// A file, or a name that was not entered, in key order.
    Entry(LocalEntry),
    /// A file or folder whose name no key can hold. It has no place in the order of keys.
    Unnameable {
        /// The folder; `None` is the root.
        folder: Option<RepoPath>,
        /// The name in it.
        name: OsString,
        /// Why it cannot be a key.
        fault: NameFault,
        /// It would not travel anyway: by a rule, or for its kind.
        left_alone: bool,
    },
    /// The top of another file system, which was entered. It has no place in the order of keys.
    Top(RepoPath),
}

/// Why a scan ended early: nothing is known of the whole working copy.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The root, or its rules file, cannot be read.
    #[error("cannot scan the root of the working copy")]
    Root(#[source] io::Error),
}

/// An iterator over the working copy in key order.
///
/// * One lstat a file, relative to the handle of its folder; on a slow disk another one ahead. Files that forbid reading are files.
/// * A folder is either entered or gives one marker; so do links and special files. Checked in this
///   order: ignored, unreadable, a missing disk, nested repository, link, special file, longer than
///   a key.
/// * Where a disk was mounted that is missing now, there is a marker even if nothing else is left.
/// * Markers of folders stand where `name/` sorts, all others where `name` sorts; what lies at and
///   below any marker is left alone.
/// * Names that vanish meanwhile are absent. Names that turn into something else meanwhile are
///   marked, at the place of what they were.
/// * With a scope, a marked folder above it gives the only item: the marker, with `folder: true`.
/// * After an error there are no more items.
pub struct Scan<D: Disk> {
    disk: D,
    /// The root, until the first item is asked for.
    root: Option<D::Folder>,
    levels: Vec<Level<D>>,
    rules: RuleStack,
    /// The components of the scope that are still to be descended, the next one last.
    scope: Vec<String>,
    key_bytes_max: usize,
    mounts: Vec<RepoPath>,
    ahead: Option<Ahead<D>>,
}

/// An open folder on the current path.
struct Level<D: Disk> {
    folder: D::Folder,
    path: Option<RepoPath>,
    /// Number of its file system.
    device: u64,
    /// What is left of its names, the next one last.
    names: Names,
    /// How many of the next names are being looked at ahead.
    given: usize,
    /// How many layers of rules belong to the folders above.
    layers: usize,
}

/// Why a folder was not entered.
enum Closed {
    /// A repository of its own.
    Nested,
    /// It cannot be read.
    Failed(io::Error),
}

impl From<io::Error> for Closed {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl<D: Disk> Scan<D> {
    /// Begins a scan of `root`; nothing is read before the first item is asked for.
    pub fn new(disk: &D, root: &D::Folder, options: ScanOptions) -> Self {
        let ScanOptions { scope, key_bytes_max, mounts } = options;
        let scope = scope.iter().flat_map(|scope| scope.components().rev());
        Self {
            disk: disk.clone(),
            root: Some(root.clone()),
            levels: Vec::new(),
            rules: RuleStack::new(Arc::default()),
            scope: scope.map(str::to_owned).collect(),
            key_bytes_max,
            mounts,
            ahead: None,
        }
    }

    /// Looks ahead on threads of its own where the disk turns out to be slow, by the time that `now`
    /// tells.
    #[must_use]
    pub fn looking_ahead(self, now: Now) -> Self {
        Self { ahead: Some(Ahead::new(&self.disk, now)), ..self }
    }

    /// Reads the rules with what all that read those of this run share.
    #[must_use]
    pub fn with_rules(self, files: Arc<RuleFiles>) -> Self {
        Self { rules: RuleStack::new(files), ..self }
    }

    /// Opens the level of `folder`: lists its names and adds its rules.
    fn enter(&mut self, folder: D::Folder, path: Option<RepoPath>) -> Result<(), Closed> {
        let device = self.disk.stat_folder(&folder)?.device;
        // Above the scope only one name counts, and looking for it beats listing a large folder.
        let (mut names, listed) = match self.scope.pop() {
            Some(name) => (self.named(&folder, OsStr::new(&name))?, false),
            None => (timed(&mut self.ahead, || self.disk.read_folder(&folder))?, true),
        };
        let has = |name: &str| !listed || names.contains(OsStr::new(name));
        if path.is_some() && has(CONTROL) && self.is_repository(&folder)? {
            return Err(Closed::Nested);
        }
        let text = path.as_ref().map_or("", RepoPath::as_str);
        let has_rules = has(RULES_FILE) || self.rules.expects(text);
        self.expect_mounts(path.as_ref(), &mut names, listed)?;
        let layers = self.rules.len();
        if has_rules {
            self.rules.enter(&self.disk, Some(&folder), text)?;
        }
        let names = self.in_key_order(&folder, names);
        self.levels.push(Level { folder, path, device, names, given: 0, layers });
        Ok(())
    }

    /// Sorts the names of a folder so that the last one is the first in key order.
    fn in_key_order(&mut self, folder: &D::Folder, names: Names) -> Names {
        if let Some(ahead) = &mut self.ahead {
            ahead.look_up(folder, &names);
        }
        order::in_key_order(names, |name| timed(&mut self.ahead, || self.disk.lstat(folder, name)))
    }

    /// Returns a name above the scope, unless the folder lists what it finds there under another one.
    fn named(&self, folder: &D::Folder, name: &OsStr) -> io::Result<Names> {
        let mut names = Names::default();
        // What cannot be looked at is marked when it is visited.
        match other_spelling(&self.disk, folder, name) {
            Ok(Some(_)) => (),
            Ok(None) | Err(_) => names.push(name, None)?,
        }
        Ok(names)
    }

    /// Adds the names that lead to a mount and are not there: a missing disk is no deletion.
    fn expect_mounts(
        &self,
        folder: Option<&RepoPath>,
        names: &mut Names,
        listed: bool,
    ) -> io::Result<()> {
        for mount in &self.mounts {
            let below = match folder {
                None => Some(mount.as_str()),
                Some(folder) if mount.is_below(folder) => {
                    mount.as_str().get(folder.as_str().len() + 1..)
                }
                Some(_) => None,
            };
            let Some(name) = below.and_then(|below| below.split('/').next()) else { continue };
            let name = OsStr::new(name);
            match names.kind_mut(name) {
                // Above a scope nobody has looked: absent or not, it counts as a folder.
                Some(kind) => *kind = kind.or(Some(Kind::Folder)),
                None if listed => names.push(name, Some(Kind::Folder))?,
                None => (),
            }
        }
        Ok(())
    }

    /// Returns the mount that is at `path` or below it.
    fn mount_within(&self, path: &RepoPath) -> Option<Marker> {
        let mount = self.mounts.iter().find(|mount| mount.is_within(path));
        mount.cloned().map(Marker::Unmounted)
    }

    /// Tells whether a folder, which a disk was mounted on, is only what that disk has left.
    fn is_unmounted(&self, folder: &D::Folder, path: &RepoPath) -> io::Result<bool> {
        let above = self.levels.last().map(|level| level.device);
        if !self.mounts.contains(path) || above != Some(self.disk.stat_folder(folder)?.device) {
            return Ok(false);
        }
        Ok(if_exists(self.disk.lstat(folder, OsStr::new(CONTROL)))?.is_none())
    }

    /// Tells whether a folder holds a repository.
    fn is_repository(&self, folder: &D::Folder) -> io::Result<bool> {
        let found = self
            .disk
            .open_folder(folder, OsStr::new(CONTROL))
            .and_then(|control| self.disk.lstat(&control, OsStr::new(CONFIG_FILE)));
        match found {
            Ok(_) => Ok(true),
            Err(error) if super::ignore::is_absent(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Looks at one path in the innermost folder.
    fn visit(&mut self, path: RepoPath, kind: Option<Kind>) -> Option<LocalItem> {
        let folder = kind == Some(Kind::Folder);
        if let Some(rule) = self.rules.check(OsStr::new(path.as_str()), folder) {
            return Some(self.marked(path, folder, rule.into()));
        }
        let bytes = path.as_str().len();
        if matches!(kind, Some(Kind::File | Kind::Folder)) && bytes > self.key_bytes_max {
            let fault = NameFault::Long { bytes, fit: self.key_bytes_max };
            return Some(self.marked(path, folder, Marker::Unmappable(fault)));
        }
        match kind {
            Some(Kind::Folder) => self.visit_folder(path),
            Some(Kind::Link) => Some(self.marked(path, false, Marker::Link)),
            Some(Kind::Special) => Some(self.marked(path, false, Marker::Special)),
            Some(Kind::File) | None => self.visit_file(path),
        }
    }

    /// Enters a folder, or tells why not.
    fn visit_folder(&mut self, path: RepoPath) -> Option<LocalItem> {
        let (parent, name) = (&self.levels.last()?.folder, OsStr::new(path.name()));
        let opened = timed(&mut self.ahead, || self.disk.open_folder(parent, name));
        let folder = match opened {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let marker = self.mount_within(&path)?;
                return Some(self.marked(path, true, marker));
            }
            Err(error) => {
                let marker = match self.disk.lstat(parent, name) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        self.mount_within(&path)?
                    }
                    Ok(stat) if stat.kind == Kind::Link => Marker::Link,
                    Ok(stat) if stat.kind != Kind::Folder => became_something_else(),
                    Ok(_) | Err(_) => unreadable(&error),
                };
                return Some(self.marked(path, true, marker));
            }
        };
        let entered = match self.is_unmounted(&folder, &path) {
            Ok(true) => return Some(self.marked(path.clone(), true, Marker::Unmounted(path))),
            Ok(false) => self.enter(folder, Some(path.clone())),
            Err(error) => Err(Closed::Failed(error)),
        };
        match entered {
            Ok(()) if self.is_top() => Some(LocalItem::Top(path)),
            Ok(()) => None,
            Err(Closed::Nested) => Some(self.marked(path, true, Marker::Nested)),
            Err(Closed::Failed(error)) if error.kind() == io::ErrorKind::NotFound => None,
            Err(Closed::Failed(error)) => Some(self.marked(path, true, unreadable(&error))),
        }
    }

    /// Looks at a file.
    fn visit_file(&mut self, path: RepoPath) -> Option<LocalItem> {
        let (folder, name) = (&self.levels.last()?.folder, OsStr::new(path.name()));
        let looked = timed(&mut self.ahead, || self.disk.lstat(folder, name));
        let marker = match looked {
            // A file above the scope has nothing below it.
            Ok(stat) if stat.kind == Kind::File && !self.scope.is_empty() => return None,
            // A file in the place of a mount says nothing about what is on the disk.
            Ok(stat) if stat.kind == Kind::File && self.mount_within(&path).is_some() => {
                self.mount_within(&path)?
            }
            Ok(stat) if stat.kind == Kind::File => {
                let entry = LocalEntry { path, state: LocalState::File(stat) };
                return Some(LocalItem::Entry(entry));
            }
            Ok(stat) if stat.kind == Kind::Link => Marker::Link,
            Ok(stat) if stat.kind == Kind::Special => Marker::Special,
            Ok(_) => became_something_else(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => unreadable(&error),
        };
        Some(self.marked(path, false, marker))
    }

    /// Makes the item of a name that is not entered.
    fn marked(&self, path: RepoPath, folder: bool, marker: Marker) -> LocalItem {
        // What lies above the scope must be a folder for the scope to mean anything.
        let folder = folder || !self.scope.is_empty();
        let state = LocalState::Marked { folder, marker: Arc::new(marker) };
        LocalItem::Entry(LocalEntry { path, state })
    }

    /// Makes the item of a name that is no path, unless it is our own.
    fn unnameable(
        &self,
        name: OsString,
        kind: Option<Kind>,
        fault: NameFault,
    ) -> Option<LocalItem> {
        if name == CONTROL && self.is_own_control_folder() {
            return None;
        }
        let folder = self.levels.last()?.path.clone();
        let mut path = OsString::from(folder.as_ref().map_or("", RepoPath::as_str));
        if !path.is_empty() {
            path.push("/");
        }
        path.push(&name);
        let left_alone = matches!(kind, Some(Kind::Link | Kind::Special))
            || self.rules.check(&path, kind == Some(Kind::Folder)).is_some();
        Some(LocalItem::Unnameable { folder, name, fault, left_alone })
    }

    /// Tells whether a control folder in the innermost folder is one that this working copy made:
    /// at the root, or for trash and temporaries at the top of another file system.
    fn is_own_control_folder(&self) -> bool {
        self.levels.len() < 2 || self.is_top()
    }

    /// Tells whether the innermost folder is the top of a file system below that of the root.
    fn is_top(&self) -> bool {
        matches!(&self.levels[..], [.., above, level] if above.device != level.device)
    }
}

/// Makes a look, and learns from the time it takes.
fn timed<D: Disk, T>(ahead: &mut Option<Ahead<D>>, look: impl FnOnce() -> T) -> T {
    match ahead {
        Some(ahead) => ahead.timed(look),
        None => look(),
    }
}

/// Returns the path of `name` in `folder`, or why it has none.
fn path_of(folder: Option<&RepoPath>, name: &OsStr) -> Result<RepoPath, NameFault> {
    let name = name.to_str().ok_or(NameFault::NotUnicode)?;
    RepoPath::below(folder, name).map_err(NameFault::Path)
}

fn unreadable(error: &io::Error) -> Marker {
    Marker::Unreadable(Unread::Disk(error.to_string()))
}

/// The marker of a name that was one thing in the list of its folder and is another now.
fn became_something_else() -> Marker {
    Marker::Unreadable(Unread::BecameOther)
}

impl<D: Disk> Iterator for Scan<D> {
    type Item = Result<LocalItem, ScanError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(root) = self.root.take() {
            match self.enter(root, None) {
                Ok(()) | Err(Closed::Nested) => (),
                Err(Closed::Failed(error)) => return Some(Err(ScanError::Root(error))),
            }
        }
        loop {
            let level = self.levels.last_mut()?;
            let Some((name, kind)) = level.names.pop() else {
                self.rules.truncate(level.layers);
                self.levels.pop();
                continue;
            };
            let path = path_of(level.path.as_ref(), name).map_err(|why| (name.to_owned(), why));
            if let Some(ahead) = &mut self.ahead {
                let (above, rules) = (level.path.as_ref(), &self.rules);
                let enters = |name: &OsStr| {
                    let path = path_of(above, name);
                    path.is_ok_and(|path| rules.check(OsStr::new(path.as_str()), true).is_none())
                };
                ahead.go_on(&level.folder, (&level.names, &mut level.given), enters);
            }
            let item = match path {
                Ok(path) => self.visit(path, kind),
                Err((name, reason)) => self.unnameable(name, kind, reason),
            };
            if item.is_some() {
                return item.map(Ok);
            }
        }
    }
}
