//! [`RealFolder`]: a folder that is held, with a descriptor as long as there are enough.
//!
//! Of all folders that are held only so many have a descriptor as [`DescriptorBudget`] says. Another
//! one takes the descriptor of one that was not used lately; that one is opened again when it is used,
//! the way it was opened first, and must be the same folder (device and inode). Where it is not, or is
//! gone, the answer is `ESTALE`: never that of a folder that now has its name, and never `NotFound`,
//! which would say of a name in it that it was deleted.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};

use rustix::fs::{self, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

use super::system;
use crate::disk::DescriptorBudget;

pub(super) const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A folder that is held; all clones are one.
#[derive(Debug, Clone)]
pub struct RealFolder(Arc<HeldFolder>);

#[derive(Debug)]
struct HeldFolder {
    /// How it was opened; absent where a path from outside led there, and it stays open.
    origin: Option<Origin>,
    state: Mutex<State>,
    /// Whether it was used since somebody looked for a descriptor.
    was_used: AtomicBool,
    /// Its place among those with a descriptor; changed under their lock alone.
    place: AtomicU64,
}

/// How a folder was opened.
#[derive(Debug)]
struct Origin {
    above: RealFolder,
    /// One component, or several below each other.
    path: OsString,
}

#[derive(Debug)]
struct State {
    descriptor: Option<Arc<Descriptor>>,
    /// Device and inode, from the moment at which it first lost its descriptor.
    identity: Option<(u64, u64)>,
}

/// The descriptor of a folder. It stays open as long as somebody uses it.
#[derive(Debug)]
pub(super) struct Descriptor {
    file: File,
    /// Whether the names were read before. The position in a folder belongs to the descriptor, so
    /// two readers at once would each get half of the names, and a missing name reads as deleted.
    was_read: Mutex<bool>,
}

impl Descriptor {
    fn new(file: impl Into<File>) -> Arc<Self> {
        Arc::new(Self { file: file.into(), was_read: Mutex::new(false) })
    }

    /// Returns the file of the standard library.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Has the names read by `read`, which is told whether they were before; one reader at a time.
    pub(super) fn reading<T>(&self, read: impl FnOnce(BorrowedFd<'_>, bool) -> T) -> T {
        let mut was_read = self.was_read.lock().unwrap_or_else(PoisonError::into_inner);
        let again = std::mem::replace(&mut *was_read, true);
        read(self.file.as_fd(), again)
    }

    fn identity(&self) -> Result<(u64, u64), Errno> {
        #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss, reason = "narrower on macOS")]
        fs::fstat(&self.file).map(|stat| (stat.st_dev as u64, stat.st_ino as u64))
    }
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl RealFolder {
    /// Holds a folder that a path from outside led to.
    pub(super) fn outside(file: impl Into<File>) -> Self {
        Self::held(None, Descriptor::new(file))
    }

    /// Opens the folder `path`, one component or several, below `above`.
    pub(super) fn below(above: &Self, path: &OsStr) -> Result<Self, Errno> {
        let descriptor = Descriptor::new(open_below(&*above.descriptor()?, path)?);
        let origin = Origin { above: above.clone(), path: path.to_owned() };
        let folder = Self::held(Some(origin), descriptor);
        LENT.admit(&folder.0);
        Ok(folder)
    }

    fn held(origin: Option<Origin>, descriptor: Arc<Descriptor>) -> Self {
        let state = Mutex::new(State { descriptor: Some(descriptor), identity: None });
        let (was_used, place) = (AtomicBool::new(true), AtomicU64::new(0));
        Self(Arc::new(HeldFolder { origin, state, was_used, place }))
    }

    /// Returns the descriptor, which may be a new one.
    pub(super) fn descriptor(&self) -> Result<Arc<Descriptor>, Errno> {
        self.0.was_used.store(true, Ordering::Relaxed);
        let mut state = self.0.state();
        if let Some(descriptor) = &state.descriptor {
            return Ok(Arc::clone(descriptor));
        }
        // Only a folder with an origin ever loses its descriptor.
        let Origin { above, path } = self.0.origin.as_ref().ok_or(Errno::STALE)?;
        let opened = open_below(&*above.descriptor()?, path).map_err(|error| match error {
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP => Errno::STALE,
            error => error,
        })?;
        let descriptor = Descriptor::new(opened);
        if state.identity != Some(descriptor.identity()?) {
            return Err(Errno::STALE);
        }
        state.descriptor = Some(Arc::clone(&descriptor));
        LENT.admit(&self.0);
        Ok(descriptor)
    }
}

impl HeldFolder {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the descriptor, unless somebody uses it right now.
    fn take_descriptor(&self) -> Option<Arc<Descriptor>> {
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let descriptor = state.descriptor.as_ref()?;
        if Arc::strong_count(descriptor) > 1 {
            return None;
        }
        if state.identity.is_none() {
            state.identity = Some(descriptor.identity().ok()?);
        }
        state.descriptor.take()
    }
}

impl Drop for HeldFolder {
    fn drop(&mut self) {
        let place = *self.place.get_mut();
        if place != 0 {
            LENT.lock().folders.remove(&place);
        }
    }
}

/// The folders that have a descriptor and can do without, of the whole process.
static LENT: Lent = Lent(Mutex::new(Places { folders: BTreeMap::new(), last: 0 }));

struct Lent(Mutex<Places>);

struct Places {
    /// Those that were looked at first come first.
    folders: BTreeMap<u64, Weak<HeldFolder>>,
    last: u64,
}

impl Places {
    fn push(&mut self, folder: &Arc<HeldFolder>) {
        self.last += 1;
        folder.place.store(self.last, Ordering::Relaxed);
        self.folders.insert(self.last, Arc::downgrade(folder));
    }
}

impl Lent {
    fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note that a folder has got a descriptor; where there are too many, others lose theirs.
    fn admit(&self, folder: &Arc<HeldFolder>) {
        self.lock().push(folder);
        self.reduce(DescriptorBudget::get().folders, true);
    }

    /// Takes descriptors until `most` are left, or all that are left are in use. Those used lately are
    /// `spared` as long as there are others.
    fn reduce(&self, most: usize, spared: bool) {
        // What ends with its last handle would wait for the lock that is held here.
        let mut ended = Vec::new();
        let mut places = self.lock();
        let mut looks = places.folders.len() * 2;
        while places.folders.len() > most && looks > 0 {
            looks -= 1;
            let Some((_, folder)) = places.folders.pop_first() else { break };
            let Some(folder) = folder.upgrade() else { continue };
            let is_spared = spared && folder.was_used.swap(false, Ordering::Relaxed);
            let taken = if is_spared { None } else { folder.take_descriptor() };
            match &taken {
                Some(_) => folder.place.store(0, Ordering::Relaxed),
                None => places.push(&folder),
            }
            ended.push((folder, taken));
        }
        drop(places);
    }
}

/// Opens something; where no descriptor is left, those of idle folders are given back first.
pub(super) fn with_room(open: impl Fn() -> Result<OwnedFd, Errno>) -> Result<OwnedFd, Errno> {
    match retry_on_intr(&open) {
        Err(Errno::MFILE | Errno::NFILE) => {
            LENT.reduce(0, false);
            retry_on_intr(&open)
        }
        opened => opened,
    }
}

/// Opens a folder below another; no component may be a link.
fn open_below(above: &Descriptor, path: &OsStr) -> Result<OwnedFd, Errno> {
    let component = |above: BorrowedFd<'_>, name: &str| {
        with_room(|| fs::openat(above, name, FOLDER, Mode::empty()))
    };
    let Some(several) = path.to_str().filter(|path| path.contains('/')) else {
        return with_room(|| fs::openat(above, path, FOLDER, Mode::empty()));
    };
    match with_room(|| system::open_beneath(above.as_fd(), several, FOLDER)) {
        // An old kernel, a container that forbids the call, or a path longer than the kernel takes
        // at once: component by component.
        Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN | Errno::NAMETOOLONG) => {
            let mut names = several.split('/').filter(|name| !name.is_empty());
            let first = component(above.as_fd(), names.next().ok_or(Errno::INVAL)?)?;
            names.try_fold(first, |above, name| component(above.as_fd(), name))
        }
        opened => opened,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Disk as _, RealDisk, is_stale};

    /// Takes the descriptor of a folder, as a run does that needs it elsewhere.
    fn park(folder: &RealFolder) {
        let taken = folder.0.take_descriptor();
        assert!(taken.is_some_and(|it| Arc::into_inner(it).is_some()), "it was in use");
    }

    fn write(root: &RealFolder, text: &str) {
        let folder = RealDisk.open_beneath(root, "a/b/c").unwrap();
        let file = RealDisk.create(&folder, OsStr::new("file"), 0o666).unwrap();
        RealDisk.write(&file, text.as_bytes()).unwrap();
    }

    fn root() -> (tempfile::TempDir, RealFolder) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join("a/b/c")).unwrap();
        let root = RealDisk.open_path(directory.path()).unwrap();
        write(&root, "text");
        (directory, root)
    }

    #[test]
    fn a_folder_without_a_descriptor_is_opened_again_when_it_is_used() {
        let (_directory, root) = root();
        let a = RealDisk.open_folder(&root, OsStr::new("a")).unwrap();
        let c = RealDisk.open_beneath(&a, "b/c").unwrap();
        assert_eq!(RealDisk.read_folder(&c).unwrap().len(), 1);
        park(&a);
        park(&c);
        assert_eq!(RealDisk.lstat(&c, OsStr::new("file")).unwrap().size, 4);
        assert_eq!(RealDisk.read_folder(&c).unwrap().len(), 1, "from the beginning");
    }

    #[test]
    fn another_folder_of_the_same_name_is_never_taken_for_the_one_that_was_held() {
        let (directory, root) = root();
        let path = directory.path();
        let c = RealDisk.open_beneath(&root, "a/b/c").unwrap();
        park(&c);
        std::fs::rename(path.join("a"), path.join("elsewhere")).unwrap();
        let lstat = || RealDisk.lstat(&c, OsStr::new("file"));
        assert!(lstat().is_err_and(|error| is_stale(&error)), "gone, not a name that is absent");
        std::fs::create_dir_all(path.join("a/b/c")).unwrap();
        write(&root, "of another");
        assert!(lstat().is_err_and(|error| is_stale(&error)), "another one");
        std::fs::remove_dir_all(path.join("a")).unwrap();
        std::os::unix::fs::symlink("elsewhere", path.join("a")).unwrap();
        assert!(lstat().is_err_and(|error| is_stale(&error)), "through a link");
        std::fs::remove_file(path.join("a")).unwrap();
        std::fs::rename(path.join("elsewhere"), path.join("a")).unwrap();
        assert_eq!(lstat().unwrap().size, 4, "it is back");
    }

    #[test]
    fn a_folder_in_use_and_one_named_from_outside_keep_their_descriptors() {
        let (_directory, root) = root();
        let a = RealDisk.open_folder(&root, OsStr::new("a")).unwrap();
        let in_use = a.descriptor().unwrap();
        assert!(a.0.take_descriptor().is_none());
        drop(in_use);
        assert_eq!(root.0.place.load(Ordering::Relaxed), 0, "nobody finds it to take it");
    }

    #[test]
    fn of_many_folders_that_are_held_only_so_many_have_a_descriptor() {
        let (_directory, root) = root();
        let lent = Lent(Mutex::new(Places { folders: BTreeMap::new(), last: 0 }));
        let held: Vec<_> =
            (0..50).map(|_| RealDisk.open_folder(&root, OsStr::new("a")).unwrap()).collect();
        for folder in &held {
            lent.lock().push(&folder.0);
            lent.reduce(10, true);
        }
        let with = held.iter().filter(|folder| folder.0.state().descriptor.is_some()).count();
        assert_eq!(with, 10);
        for folder in &held {
            assert!(RealDisk.stat_folder(folder).is_ok());
        }
    }
}
