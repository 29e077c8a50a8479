//! [`Repository`]: `.lsync` on disk.

pub mod checkpoints;
mod codec;
mod config;
mod database;
pub mod fetched;
mod lock;
pub mod mounts;
mod strange;
#[cfg(test)]
mod tests;
pub mod trash;

use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::disk::Disk;
use crate::tree::{CONTROL, Kind, RepoPath};

pub use config::{Config, ConfigError, DeleteLimit, RemoteConfig, parse_bytes, parse_jobs};
pub use database::{Change, Database, DatabaseError, RemoteId, Rows};
pub use lock::{Holder, Lock};
pub use strange::Strange;

/// Staged downloads, in the control folder.
pub const STAGING: &str = "tmp";

/// What was overwritten or deleted, in the control folder.
pub const TRASH: &str = "trash";

/// The settings, in the control folder; a folder without it is no repository.
const CONFIG: &str = "config.yaml";

/// A working copy: its root, its control folder, its settings.
pub struct Repository<D: Disk> {
    /// The root.
    pub root: D::Folder,
    /// `.lsync` below it.
    pub control: D::Folder,
    /// Where the root is, for messages.
    pub root_path: PathBuf,
    /// The settings.
    pub config: Config,
}

/// Why a folder is no repository that can be worked with.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// Neither the folder nor any above it is a working copy.
    #[error(
        "not a repository: {}{}",
        start.display(),
        strange.as_ref().map(|it| format!("; {it}")).unwrap_or_default()
    )]
    NotARepository {
        /// Where the search began.
        start: PathBuf,
        /// What was found in the place of a control folder.
        strange: Option<Strange>,
    },
    /// Something else has the place of the control folder.
    #[error("cannot make a working copy in {}: {strange}", root.display())]
    Occupied {
        /// Where it was to be made.
        root: PathBuf,
        /// What is there.
        strange: Strange,
    },
    /// A working copy cannot be made inside another one.
    #[error("{} lies inside another repository, {}", root.display(), outer.display())]
    Inside {
        /// Where it was to be made.
        root: PathBuf,
        /// The root of the other.
        outer: PathBuf,
    },
    /// There is a working copy already.
    #[error("{} is a repository already", root.display())]
    Exists {
        /// Its root.
        root: PathBuf,
    },
    /// The search began at a place that no path in a repository can name.
    #[error("cannot work in {}: {reason}", start.display())]
    OddStart {
        /// Where the search began.
        start: PathBuf,
        /// Why there is no path for it.
        reason: String,
    },
    /// Another lsync is at work.
    #[error("locked by another lsync ({holder})")]
    Locked {
        /// Who that is, as far as it is known.
        holder: Holder,
    },
    /// The settings cannot be used.
    #[error("cannot read {}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: ConfigError,
    },
    /// The disk failed.
    #[error("cannot {operation} {}", path.display())]
    Io {
        /// What was to be done.
        operation: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl RepositoryError {
    /// Returns what to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotARepository { strange: Some(strange), .. }
            | Self::Occupied { strange, .. } => strange.hint(),
            Self::NotARepository { strange: None, .. } => {
                "go into a working copy, or make one with `lsync init BUCKET`".into()
            }
            Self::Inside { outer, .. } => {
                format!("sync {} as a whole, or choose a place outside of it", outer.display())
            }
            Self::Exists { .. } => "run `lsync status` there".into(),
            Self::OddStart { .. } => "go to the root of the working copy".into(),
            Self::Locked { .. } => "wait until it is done, then run the same command again".into(),
            Self::Config { source, .. } => return source.hint.clone(),
            Self::Io { .. } => return None,
        })
    }
}

/// Makes an error of one that the disk answered with.
fn failed(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RepositoryError {
    let path = path.to_owned();
    move |source| RepositoryError::Io { operation, path, source }
}

impl<D: Disk> Repository<D> {
    /// Finds the repository that `start` lies in, and where in it; `None` is its root.
    ///
    /// Walks up from `start`, which is made absolute and whose `..` are resolved by their text, to
    /// the first folder with `.lsync/config.yaml`.
    pub fn discover(disk: &D, start: &Path) -> Result<(Self, Option<RepoPath>), RepositoryError> {
        let absolute = absolute(start)?;
        let root = find(disk, &absolute)?;
        let root = root.ok_or_else(|| RepositoryError::NotARepository {
            start: start.into(),
            strange: absolute.ancestors().find_map(|folder| Strange::in_folder(disk, folder)),
        })?;
        let inside = inside(&absolute, &root)
            .map_err(|reason| RepositoryError::OddStart { start: start.into(), reason })?;
        Ok((Self::open(disk, &root)?, inside))
    }

    /// Opens the repository at `root`.
    pub fn open(disk: &D, root: &Path) -> Result<Self, RepositoryError> {
        let not_one = || RepositoryError::NotARepository { start: root.into(), strange: None };
        let missing = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => not_one(),
            _ => failed("open", root)(error),
        };
        let folder = disk.open_path(root).map_err(missing)?;
        let control = disk.open_folder(&folder, OsStr::new(CONTROL)).map_err(missing)?;
        let path = root.join(CONTROL).join(CONFIG);
        let text = crate::disk::read_whole(disk, &control, CONFIG)
            .map_err(failed("read", &path))?
            .ok_or_else(not_one)?;
        let config =
            Config::parse(&text).map_err(|source| RepositoryError::Config { path, source })?;
        Ok(Self { root: folder, control, root_path: root.into(), config })
    }

    /// Refuses a root in which something else has the place of the control folder.
    pub fn check_free(disk: &D, root: &Path) -> Result<(), RepositoryError> {
        match Strange::in_folder(disk, root).filter(Strange::is_in_the_way) {
            Some(strange) => Err(RepositoryError::Occupied { root: root.into(), strange }),
            None => Ok(()),
        }
    }

    /// Makes `root` a repository, and the folder itself if it does not exist.
    ///
    /// The config comes last: a folder is either a whole repository or none.
    pub fn create(disk: &D, root: &Path, config: &Config) -> Result<Self, RepositoryError> {
        let absolute = absolute(root)?;
        if let Some(outer) = find(disk, &absolute)? {
            let root = root.into();
            return Err(if outer == absolute {
                RepositoryError::Exists { root }
            } else {
                RepositoryError::Inside { root, outer }
            });
        }
        let folder = disk.make_path(&absolute).map_err(failed("make", root))?;
        Self::check_free(disk, &absolute)?;
        let path = absolute.join(CONTROL);
        let control = make(disk, &folder, CONTROL, 0o700).map_err(failed("make", &path))?;
        for name in [STAGING, TRASH] {
            make(disk, &control, name, 0o777).map_err(failed("make", &path.join(name)))?;
        }
        disk.sync_folder(&folder).map_err(failed("make", &path))?;
        let repository =
            Self { root: folder, control, root_path: absolute, config: config.clone() };
        repository.save_config(disk)?;
        Ok(repository)
    }

    /// Replaces `config.yaml` by what `config` says, in one durable step. Comments in it are lost.
    pub fn save_config(&self, disk: &D) -> Result<(), RepositoryError> {
        let path = self.root_path.join(CONTROL).join(CONFIG);
        let text = self
            .config
            .to_text()
            .map_err(|source| RepositoryError::Config { path: path.clone(), source })?;
        crate::disk::write_whole(disk, &self.control, CONFIG, text.as_bytes())
            .map_err(failed("write", &path))
    }

    /// Takes the lock that every command holds that changes something; `command` is told to whoever
    /// meets it.
    pub fn lock(&self, disk: &D, command: &str) -> Result<Lock<D>, RepositoryError> {
        let path = self.root_path.join(CONTROL).join("lock");
        lock::take(disk, &self.control, command)
            .map_err(failed("lock", &path))?
            .map_err(|holder| RepositoryError::Locked { holder })
    }

    /// Tells who holds the lock at this moment, without writing anything.
    pub fn lock_holder(&self, disk: &D) -> io::Result<Option<Holder>> {
        lock::holder(disk, &self.control)
    }

    /// Opens the database of the remote that the config names.
    pub fn database(&self, disk: &D) -> Result<Database<D>, DatabaseError> {
        Database::open(disk, &self.control, &self.config.remote.id())
    }
}

/// Makes a folder unless it is there, and opens it.
fn make<D: Disk>(disk: &D, folder: &D::Folder, name: &str, mode: u32) -> io::Result<D::Folder> {
    match disk.make_folder(folder, OsStr::new(name), mode) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => (),
    }
    disk.open_folder(folder, OsStr::new(name))
}

/// Makes a path absolute and resolves `.` and `..` by their text, as a shell's `cd` does.
fn absolute(path: &Path) -> Result<PathBuf, RepositoryError> {
    let absolute = std::path::absolute(path).map_err(failed("find", path))?;
    let mut resolved = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::ParentDir => {
                resolved.pop();
            }
            Component::CurDir => (),
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => {
                resolved.push(component);
            }
        }
    }
    Ok(resolved)
}

/// Returns the nearest folder at or above an absolute path that holds a config.
fn find<D: Disk>(disk: &D, start: &Path) -> Result<Option<PathBuf>, RepositoryError> {
    for folder in start.ancestors() {
        if is_root(disk, folder).map_err(failed("look into", folder))? {
            return Ok(Some(folder.into()));
        }
    }
    Ok(None)
}

/// Tells whether a folder holds `.lsync/config.yaml`; one that cannot be looked into holds none.
fn is_root<D: Disk>(disk: &D, folder: &Path) -> io::Result<bool> {
    let config = disk
        .open_path(folder)
        .and_then(|folder| disk.open_folder(&folder, OsStr::new(CONTROL)))
        .and_then(|control| disk.lstat(&control, OsStr::new(CONFIG)));
    match config {
        Ok(stat) => Ok(stat.kind == Kind::File),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::PermissionDenied => Ok(false),
            _ => Err(error),
        },
    }
}

/// Returns the path of `start` below `root`; `None` is the root itself.
fn inside(start: &Path, root: &Path) -> Result<Option<RepoPath>, String> {
    let relative = start.strip_prefix(root).map_err(|error| error.to_string())?;
    if relative.as_os_str().is_empty() {
        return Ok(None);
    }
    let text = relative.to_str().ok_or("its name is not UTF-8")?;
    RepoPath::parse(text).map(Some).map_err(|error| error.to_string())
}
