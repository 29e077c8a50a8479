//! Where new files are written before they get their name, and the folders they go to.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::draft::Draft;
use super::emptying::sweep;
use super::error::{ReplaceError, Step};
use crate::disk::{Disk, ensure_folder, may_be_folded, other_spelling};
use crate::tree::{CONTROL, Kind, RepoPath, Stat};

/// The folder that a path lies in, held open.
#[derive(Clone)]
pub struct Parent<D: Disk> {
    /// The open folder.
    pub folder: D::Folder,
    /// The path of the topmost folder of its file system; empty is the root of the working copy.
    pub top: String,
}

/// The `.lsync/` of one file system of the working copy.
#[derive(Clone)]
pub struct Workspace<D: Disk> {
    /// The path of the topmost folder of the file system; empty is the root of the working copy.
    pub top: String,
    /// The open `.lsync/`.
    pub control: D::Folder,
    /// The open `.lsync/tmp/`.
    pub temporary: D::Folder,
    /// Whether the file system lists names as they are given to it, once that is known.
    keeps_names: Arc<OnceLock<bool>>,
}

/// Knows where files can be staged so that one rename gives them their name.
///
/// Invariant: made and used only by a command that holds the lock of the working copy, so nobody
/// else makes names in the temporary folders.
pub struct Staging<D: Disk> {
    disk: D,
    root: D::Folder,
    root_device: u64,
    /// Device and inode of the root's `.lsync`: no path may lead there, however it is spelled.
    control_identity: (u64, u64),
    main: Workspace<D>,
    others: Mutex<HashMap<String, Workspace<D>>>,
    /// Folders that are known to be listed under the very name by which they were opened.
    spelled: Mutex<HashSet<RepoPath>>,
    token: String,
    next_number: AtomicU64,
    /// Names in the temporary folders that are not swept: a later transfer goes on with them.
    kept: HashSet<OsString>,
}

impl<D: Disk> Staging<D> {
    /// Forgets what was looked up on the way: a person may have mounted or renamed since.
    pub fn forget_places(&self) {
        self.others.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.spelled.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Opens the staging folder of the working copy whose root is `root`, and makes it if absent.
    ///
    /// `token` begins the names of staged files: something no other run has. Nothing is swept.
    pub fn open(disk: &D, root: &D::Folder, token: &str) -> io::Result<Self> {
        let control = disk.open_folder(root, OsStr::new(CONTROL))?;
        let identity = disk.stat_folder(&control)?;
        let temporary = ensure_folder(disk, &control, OsStr::new("tmp"), 0o700)?;
        Ok(Self {
            disk: disk.clone(),
            root: root.clone(),
            root_device: disk.stat_folder(root)?.device,
            control_identity: (identity.device, identity.inode),
            main: Workspace { top: String::new(), control, temporary, keeps_names: Arc::default() },
            others: Mutex::default(),
            spelled: Mutex::default(),
            token: token.to_owned(),
            next_number: AtomicU64::new(1),
            kept: HashSet::new(),
        })
    }

    /// Leaves these names alone when it sweeps.
    #[must_use]
    pub fn keeping(self, names: impl IntoIterator<Item = OsString>) -> Self {
        Self { kept: names.into_iter().collect(), ..self }
    }

    /// Removes what an earlier run left in the root's temporary folder. Only under the lock.
    pub fn sweep(&self) -> io::Result<()> {
        sweep(&self.disk, &self.main.temporary, &self.kept)
    }

    /// Returns the workspace of the root's file system.
    pub fn main(&self) -> &Workspace<D> {
        &self.main
    }

    /// Opens the folder that `path` lies in, component by component and never through a link.
    ///
    /// Missing folders are made if `create` says so.
    ///
    /// # Errors
    /// [`ReplaceError::NotAFolder`] where a file or link has the place of a folder,
    /// [`ReplaceError::Missing`] where a folder is absent, [`ReplaceError::Control`] where a
    /// component is the control folder under another name, [`ReplaceError::Folded`] where the disk
    /// takes one component for another one.
    pub fn open_parent(&self, path: &RepoPath, create: bool) -> Result<Parent<D>, ReplaceError> {
        let mut parent = Parent { folder: self.root.clone(), top: String::new() };
        let mut device = self.root_device;
        for ancestor in path.ancestors() {
            let name = OsStr::new(ancestor.name());
            let folder = match self.disk.open_folder(&parent.folder, name) {
                Err(error) if create && error.kind() == io::ErrorKind::NotFound => {
                    self.make_folder(&parent, &ancestor)?
                }
                other => other,
            };
            let looked = folder.and_then(|folder| Ok((self.disk.stat_folder(&folder)?, folder)));
            let (stat, folder) = match looked {
                Ok(looked) => looked,
                Err(error) => return Err(self.not_opened(error, (&parent.folder, &ancestor))),
            };
            self.check_spelling((&parent.folder, &ancestor), &stat)
                .map_err(|error| ReplaceError::io(Step::Open, &ancestor, error))??;
            parent.folder = folder;
            if (stat.device, stat.inode) == self.control_identity {
                return Err(ReplaceError::Control { path: ancestor });
            }
            if stat.device != device {
                device = stat.device;
                ancestor.as_str().clone_into(&mut parent.top);
            }
        }
        Ok(parent)
    }

    /// Makes and opens a folder; somebody else may be faster.
    fn make_folder(
        &self,
        parent: &Parent<D>,
        path: &RepoPath,
    ) -> Result<io::Result<D::Folder>, ReplaceError> {
        let (above, name) = (&parent.folder, OsStr::new(path.name()));
        match self.disk.make_folder(above, name, 0o777) {
            Ok(()) => {
                let respelled = self.respelled(&self.for_parent_of(parent, path)?, (above, path));
                if let Some(other) = respelled.map_err(|e| ReplaceError::io(Step::Open, path, e))? {
                    self.disk.remove_folder(above, name).unwrap_or_default();
                    return Err(ReplaceError::respelled(path, &other));
                }
                self.spelled().insert(path.clone());
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (),
            Err(error) => return Ok(Err(error)),
        }
        Ok(self.disk.open_folder(above, name))
    }

    fn for_parent_of(
        &self,
        parent: &Parent<D>,
        path: &RepoPath,
    ) -> Result<Workspace<D>, ReplaceError> {
        self.for_parent(parent).map_err(|error| ReplaceError::io(Step::Open, path, error))
    }

    /// Returns how the folder lists a name that was just made there, where that is another one: some
    /// file systems write all names in one case, or in one Unicode form.
    pub fn respelled(
        &self,
        workspace: &Workspace<D>,
        (folder, path): (&D::Folder, &RepoPath),
    ) -> io::Result<Option<OsString>> {
        let name = OsStr::new(path.name());
        // FAT takes dots and blanks off the end, whatever it does with other names.
        let ends_oddly = matches!(name.as_bytes().last(), Some(b'.' | b' '));
        if !ends_oddly && self.keeps_names(workspace)? {
            return Ok(None);
        }
        other_spelling(&self.disk, folder, name)
    }

    /// Asks each file system once, by a file of our own, whether it lists a name as it was given.
    fn keeps_names(&self, workspace: &Workspace<D>) -> io::Result<bool> {
        if let Some(known) = workspace.keeps_names.get() {
            return Ok(*known);
        }
        let folder = &workspace.temporary;
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let name = OsString::from(format!("{}-{number}-A\u{e9}e\u{301}", self.token));
        drop(self.disk.create(folder, &name, 0o600)?);
        let listed = self.disk.read_folder(folder);
        self.disk.unlink(folder, &name)?;
        let keeps = listed?.contains(&name);
        Ok(*workspace.keeps_names.get_or_init(|| keeps))
    }

    /// Refuses a folder that the disk lists under another name than its path has: what is put there
    /// would be seen as something else by the next scan.
    fn check_spelling(
        &self,
        (above, path): (&D::Folder, &RepoPath),
        found: &Stat,
    ) -> io::Result<Result<(), ReplaceError>> {
        let name = OsStr::new(path.name());
        if self.spelled().contains(path) {
            return Ok(Ok(()));
        }
        if may_be_folded(&self.disk, above, name, found)? {
            let parent = path.parent();
            // One reading of the list is enough for all folders in it.
            let read = self.disk.read_folder(above)?;
            let listed = read.iter().filter(|(_, kind)| kind.is_none_or(|it| it == Kind::Folder));
            let named = listed.filter_map(|(name, _)| {
                name.to_str().and_then(|name| RepoPath::below(parent.as_ref(), name).ok())
            });
            self.spelled().extend(named);
            if !self.spelled().contains(path)
                && let Some(other) = other_spelling(&self.disk, above, name)?
            {
                return Ok(Err(ReplaceError::folded(path, &other)));
            }
        }
        self.spelled().insert(path.clone());
        Ok(Ok(()))
    }

    fn spelled(&self) -> MutexGuard<'_, HashSet<RepoPath>> {
        self.spelled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says why a folder above a target could not be opened.
    fn not_opened(&self, error: io::Error, (above, path): (&D::Folder, &RepoPath)) -> ReplaceError {
        match error.kind() {
            io::ErrorKind::NotADirectory => {
                match other_spelling(&self.disk, above, OsStr::new(path.name())) {
                    Ok(Some(other)) => ReplaceError::folded(path, &other),
                    _ => ReplaceError::NotAFolder { path: path.clone() },
                }
            }
            io::ErrorKind::NotFound => ReplaceError::Missing { path: path.clone() },
            _ => ReplaceError::io(Step::Open, path, error),
        }
    }

    /// Returns the workspace on the file system of `parent`; made there if absent, swept at its
    /// first use.
    pub fn for_parent(&self, parent: &Parent<D>) -> io::Result<Workspace<D>> {
        if parent.top.is_empty() {
            return Ok(self.main.clone());
        }
        // Held while the folders are made, so that two transfers do not sweep each other's files.
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(workspace) = others.get(&parent.top) {
            return Ok(workspace.clone());
        }
        let top = self.disk.open_beneath(&self.root, &parent.top)?;
        let control = ensure_folder(&self.disk, &top, OsStr::new(CONTROL), 0o700)?;
        let temporary = ensure_folder(&self.disk, &control, OsStr::new("tmp"), 0o700)?;
        ensure_folder(&self.disk, &control, OsStr::new("trash"), 0o700)?;
        sweep(&self.disk, &temporary, &self.kept)?;
        let top = parent.top.clone();
        let workspace = Workspace { top, control, temporary, keeps_names: Arc::default() };
        others.insert(parent.top.clone(), workspace.clone());
        Ok(workspace)
    }

    /// Returns an open folder on the file system with this number, where this run has a workspace.
    pub fn folder_on(&self, device: u64) -> Option<D::Folder> {
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let known = std::iter::once(&self.main).chain(others.values());
        let mut folders = known.map(|workspace| &workspace.control);
        let lies_there = |folder: &&D::Folder| {
            self.disk.stat_folder(folder).is_ok_and(|stat| stat.device == device)
        };
        folders.find(lies_there).cloned()
    }

    /// Begins a file that will be `path`, with the permission bits of the file that it replaces,
    /// or with what the umask leaves to a new one.
    pub fn stage(
        &self,
        workspace: &Workspace<D>,
        path: &RepoPath,
        mode: Option<u32>,
    ) -> Result<Draft<D>, ReplaceError> {
        loop {
            let number = self.next_number.fetch_add(1, Ordering::Relaxed);
            let name = OsString::from(format!("{}-{number}", self.token));
            let draft = match self.begin(workspace, (path, mode), name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                other => other.map_err(|error| ReplaceError::io(Step::Stage, path, error))?,
            };
            return mode.map_or(Ok(()), |mode| draft.set_mode(mode)).map(|()| draft);
        }
    }

    /// As [`Staging::stage`], under a name that a later run knows; what has it now is removed. The
    /// permission bits are left to [`Draft::set_mode`], so that the later run can write.
    pub fn stage_as(
        &self,
        workspace: &Workspace<D>,
        path: &RepoPath,
        mode: Option<u32>,
        name: &OsStr,
    ) -> Result<Draft<D>, ReplaceError> {
        self.discard(workspace, name);
        let begun = self.begin(workspace, (path, mode), name.to_owned());
        begun.map_err(|error| ReplaceError::io(Step::Stage, path, error))
    }

    fn begin(
        &self,
        workspace: &Workspace<D>,
        (path, mode): (&RepoPath, Option<u32>),
        name: OsString,
    ) -> io::Result<Draft<D>> {
        let folder = workspace.temporary.clone();
        let file = self.disk.create(&folder, &name, mode.map_or(0o666, |_| 0o600))?;
        Ok(Draft { disk: self.disk.clone(), folder, name, file, path: path.clone() })
    }

    /// Opens the file that an earlier run has begun for `path`; `None` where there is none.
    pub fn reopen(
        &self,
        workspace: &Workspace<D>,
        path: &RepoPath,
        name: &OsStr,
    ) -> Option<Draft<D>> {
        let folder = workspace.temporary.clone();
        let file = self.disk.open_write(&folder, name).ok()?;
        self.disk.fstat(&file).ok().filter(|stat| stat.kind == Kind::File)?;
        let (disk, name, path) = (self.disk.clone(), name.to_owned(), path.clone());
        Some(Draft { disk, folder, name, file, path })
    }

    /// Removes a file that no later run will go on with; what stays is swept by the next command.
    pub fn discard(&self, workspace: &Workspace<D>, name: &OsStr) {
        self.disk.unlink(&workspace.temporary, name).unwrap_or_default();
    }

    /// Removes the folders above `path` that are empty now, from below, never the root.
    pub fn remove_empty_parents(&self, path: &RepoPath) {
        let ancestors: Vec<_> = path.ancestors().collect();
        for ancestor in ancestors.iter().rev() {
            let removed = self
                .disk
                .open_beneath(&self.root, ancestor.parent_str())
                .and_then(|above| self.disk.remove_folder(&above, OsStr::new(ancestor.name())));
            if removed.is_err() {
                return;
            }
        }
    }
}
