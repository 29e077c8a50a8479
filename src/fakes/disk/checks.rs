//! What can be seen, and what is refused with which error (`path_resolution(7)`, `rename(2)`).

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path};

use rustix::io::Errno;

use super::handle::MemoryFolder;
use super::state::State;
use super::tree::{Body, Inode, ROOT};
use crate::tree::Stat;

pub(super) const READ: u32 = 0o400;
pub(super) const WRITE: u32 = 0o200;
pub(super) const SEARCH: u32 = 0o100;

/// As many links as Linux follows in one path (`path_resolution(7)`).
const LINKS_FOLLOWED_MAX: usize = 40;

/// A name in an open folder.
pub(super) type Place<'a> = (&'a MemoryFolder, &'a OsStr);

impl State {
    pub(super) fn life(&self, process: u64) -> u64 {
        self.processes.get(&process).map_or(0, |process| process.life)
    }

    pub(super) fn stat(&self, inode: Inode) -> io::Result<Stat> {
        self.tree.stat(inode).ok_or_else(|| Errno::STALE.into())
    }

    pub(super) fn permit(&self, inode: Inode, bits: u32) -> io::Result<()> {
        if self.node(inode)?.mode & bits == bits { Ok(()) } else { Err(Errno::ACCESS.into()) }
    }

    /// Looks a name up, as far as the folder permits it.
    pub(super) fn child(&self, folder: Inode, name: &OsStr) -> io::Result<Inode> {
        self.permit(folder, SEARCH)?;
        self.tree.lookup(folder, name).ok_or_else(|| Errno::NOENT.into())
    }

    /// Refuses a change of names in a folder that is not permitted, or that is itself removed.
    pub(super) fn permit_names(&self, folder: Inode) -> io::Result<()> {
        self.permit(folder, WRITE | SEARCH)?;
        if self.tree.is_attached(folder) { Ok(()) } else { Err(Errno::NOENT.into()) }
    }

    /// Finds what a path leads to, through links.
    pub(super) fn follow(&self, path: &Path) -> io::Result<Inode> {
        let parts = |path: &Path| -> Vec<OsString> {
            path.components().map(|part| part.as_os_str().to_owned()).collect()
        };
        let mut rest: VecDeque<OsString> = parts(path).into();
        let (mut inode, mut links) = (ROOT, 0);
        while let Some(name) = rest.pop_front() {
            match Path::new(&name).components().next() {
                Some(Component::RootDir) => inode = ROOT,
                Some(Component::ParentDir) => {
                    inode = self.tree.ancestors(inode).nth(1).unwrap_or(ROOT);
                }
                Some(Component::Normal(_)) => {
                    self.tree.names(inode).ok_or(Errno::NOTDIR)?;
                    let child = self.child(inode, &name)?;
                    if let Body::Link(target) = &self.node(child)?.body {
                        links += 1;
                        if links > LINKS_FOLLOWED_MAX {
                            return Err(Errno::LOOP.into());
                        }
                        parts(target).into_iter().rev().for_each(|part| rest.push_front(part));
                    } else {
                        inode = child;
                    }
                }
                Some(Component::CurDir | Component::Prefix(_)) | None => (),
            }
        }
        Ok(inode)
    }

    /// Refuses what cannot be opened as a folder.
    pub(super) fn permit_folder(&self, inode: Inode) -> io::Result<()> {
        self.tree.names(inode).ok_or(Errno::NOTDIR)?;
        self.permit(inode, READ)
    }

    /// Refuses a name that is taken, or that cannot be made.
    pub(super) fn permit_absent(&self, (folder, name): Place<'_>) -> io::Result<()> {
        self.permit(folder.inode, SEARCH)?;
        if self.tree.lookup(folder.inode, name).is_some() {
            return Err(Errno::EXIST.into());
        }
        self.permit_names(folder.inode)
    }

    /// Looks up a name that is to be taken away; the top of another file system cannot be.
    pub(super) fn movable(&self, (folder, name): Place<'_>) -> io::Result<Inode> {
        let inode = self.child(folder.inode, name)?;
        self.permit_names(folder.inode)?;
        if self.node(inode)?.device == self.node(folder.inode)?.device {
            Ok(inode)
        } else {
            Err(Errno::BUSY.into())
        }
    }

    pub(super) fn permit_same_device(&self, from: Place<'_>, to: Place<'_>) -> io::Result<()> {
        if self.node(from.0.inode)?.device == self.node(to.0.inode)?.device {
            Ok(())
        } else {
            Err(Errno::XDEV.into())
        }
    }

    /// Looks up what is to be renamed, and refuses to move a folder into itself.
    pub(super) fn prepare_rename(&self, from: Place<'_>, to: Place<'_>) -> io::Result<Inode> {
        self.permit_same_device(from, to)?;
        let inode = self.movable(from)?;
        self.permit_names(to.0.inode)?;
        if self.tree.ancestors(to.0.inode).any(|above| above == inode) {
            return Err(Errno::INVAL.into());
        }
        Ok(inode)
    }

    /// Refuses to move a folder that has to stay where it is.
    pub(super) fn permit_move(&self, inode: Inode) -> io::Result<()> {
        let is_fixed = self.fixed.contains(&inode) && self.tree.names(inode).is_some();
        if is_fixed { Err(Errno::XDEV.into()) } else { Ok(()) }
    }

    /// Tells whether two names are one entry of one folder.
    pub(super) fn is_same_name(&self, a: Place<'_>, b: Place<'_>) -> bool {
        a.0.inode == b.0.inode && self.tree.key(a.1) == self.tree.key(b.1)
    }
}
