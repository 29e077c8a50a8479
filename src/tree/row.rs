//! [`Row`]: one path on three sides, as the merge hands it out.

use std::sync::Arc;

use super::{BaseRow, Marker, RemoteEntry, RepoPath, Stat};

/// What the working copy shows at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Local {
    /// Nothing.
    Absent,
    /// A regular file.
    File(Stat),
    /// Something that the scan did not enter, here or above: left alone on all sides.
    Marked {
        /// Why.
        marker: Arc<Marker>,
        /// The marker stands at this very path, not above it.
        here: bool,
    },
}

impl Local {
    /// Returns the regular file.
    pub fn file(&self) -> Option<&Stat> {
        if let Self::File(stat) = self { Some(stat) } else { None }
    }
}

/// One path on three sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The path.
    pub path: RepoPath,
    /// What is on the disk.
    pub local: Local,
    /// What both sides last agreed on.
    pub base: Option<BaseRow>,
    /// What is in the bucket.
    pub remote: Option<RemoteEntry>,
}

impl Row {
    /// Gives the base the version that the bucket shows now: its bytes were found to be the base's.
    pub fn rename_base(&mut self) {
        if let (Some(base), Some(remote)) = (&mut self.base, &self.remote) {
            base.version = remote.version.clone();
        }
    }
}

/// A clash of file and folder (git: directory/file conflict): a file on one side, and something below its
/// path on any side. Decided together.
///
/// What only the database still knows stands in nobody's way and makes no clash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The path at the top, as a file.
    pub top: Row,
    /// Everything below `top.path/`, in key order.
    pub below: Vec<Row>,
}

impl Clash {
    /// Returns the row at the top, and all below it.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        std::iter::once(&self.top).chain(&self.below)
    }
}

/// One item of the merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// A path by itself.
    Row(Row),
    /// A file against a folder.
    Clash(Clash),
}

impl Merged {
    /// Returns the row, or the top of the clash and all below it, to be changed.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut Row> + Send {
        let (top, below): (_, &mut [Row]) = match self {
            Self::Row(row) => (row, &mut []),
            Self::Clash(clash) => (&mut clash.top, &mut clash.below),
        };
        std::iter::once(top).chain(below)
    }
}
