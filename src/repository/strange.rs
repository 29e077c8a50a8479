//! [`Strange`]: what has the place of a control folder and is none.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::disk::Disk;
use crate::tree::{CONTROL, Kind};

/// Where the lsync written in Python kept its settings and its database, in one.
const PYTHON_CONFIG: &str = "config";

/// Something in the place of a control folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strange {
    /// A symbolic link: whoever moves it would move the database away from its files.
    Link(PathBuf),
    /// A file, or something else that is no folder.
    NoFolder(PathBuf),
    /// The settings of the lsync written in Python.
    Python(PathBuf),
}

impl Strange {
    /// Looks for it in `folder`; what cannot be looked at is nothing strange.
    pub(super) fn in_folder<D: Disk>(disk: &D, folder: &Path) -> Option<Self> {
        let root = disk.open_path(folder).ok()?;
        let path = folder.join(CONTROL);
        match disk.lstat(&root, OsStr::new(CONTROL)).ok()?.kind {
            Kind::Link => Some(Self::Link(path)),
            Kind::File | Kind::Special => Some(Self::NoFolder(path)),
            Kind::Folder => {
                let control = disk.open_folder(&root, OsStr::new(CONTROL)).ok()?;
                let config = disk.lstat(&control, OsStr::new(PYTHON_CONFIG)).ok()?;
                (config.kind == Kind::File).then(|| Self::Python(path.join(PYTHON_CONFIG)))
            }
        }
    }

    /// Tells whether no working copy can be made beside it.
    pub(super) fn is_in_the_way(&self) -> bool {
        match self {
            Self::Link(_) | Self::NoFolder(_) => true,
            Self::Python(_) => false,
        }
    }

    /// Returns what to do about it.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Link(path) => {
                format!(
                    "remove the link {} (not what it leads to), then `lsync init BUCKET`",
                    path.display()
                )
            }
            Self::NoFolder(path) => {
                format!("rename {}, then `lsync init BUCKET`", path.display())
            }
            Self::Python(_) => {
                "`lsync init BUCKET` makes it a working copy of this lsync: files that are equal on \
                 both sides are recorded, none is sent or fetched again"
                    .to_owned()
            }
        }
    }
}

impl fmt::Display for Strange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(path) => {
                write!(formatter, "{} is a symbolic link, and lsync follows none", path.display())
            }
            Self::NoFolder(path) => write!(formatter, "{} is not a folder", path.display()),
            Self::Python(path) => {
                write!(formatter, "{} belongs to the lsync written in Python", path.display())
            }
        }
    }
}
