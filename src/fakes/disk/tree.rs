//! A tree of inodes as a plain value, and the changes that can be applied to it.
//!
//! The volatile and the durable state of a [`super::MemoryDisk`] are two such trees; a crash
//! applies to the durable one what of the log survives.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::Attributes;
use crate::tree::{Kind, Stat};

pub(super) type Inode = u64;

pub(super) const ROOT: Inode = 1;

/// What an inode is.
#[derive(Debug, Clone)]
pub(super) enum Body {
    File(Vec<u8>),
    /// By the name as compared: the name as written, and what it stands for.
    Folder(BTreeMap<OsString, (OsString, Inode)>),
    Link(PathBuf),
    Special,
}

#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) body: Body,
    pub(super) mode: u32,
    pub(super) mtime: i64,
    pub(super) ctime: i64,
    pub(super) device: u64,
    /// Those of a folder are what it hands on.
    pub(super) attributes: Attributes,
    /// The last name that was given to it; `None` once that is gone. For folders it is the only
    /// one.
    pub(super) place: Option<(Inode, OsString)>,
}

/// One change, atomic in a crash. Names that change together (a rename) are one change.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Make { inode: Inode, node: Node },
    Names { settings: Vec<(Inode, OsString, Option<Inode>)>, stamp: i64 },
    Write { inode: Inode, offset: usize, bytes: Arc<[u8]>, stamp: i64 },
    Truncate { inode: Inode, size: usize, stamp: i64 },
    Mtime { inode: Inode, mtime: i64, stamp: i64 },
    Mode { inode: Inode, mode: u32, stamp: i64 },
    Attributes { inode: Inode, attributes: Attributes, stamp: i64 },
}

#[derive(Debug, Clone)]
pub(super) struct Tree {
    nodes: BTreeMap<Inode, Node>,
    folds_names: bool,
    /// Names are written in lower case, whatever case they are given in.
    lowers_names: bool,
}

impl Tree {
    pub(super) fn new(device: u64, now: i64) -> Self {
        let body = Body::Folder(BTreeMap::new());
        let attributes = Attributes::default();
        let root =
            Node { body, mode: 0o755, mtime: now, ctime: now, device, attributes, place: None };
        Self { nodes: BTreeMap::from([(ROOT, root)]), folds_names: false, lowers_names: false }
    }

    pub(super) fn node(&self, inode: Inode) -> Option<&Node> {
        self.nodes.get(&inode)
    }

    pub(super) fn stat(&self, inode: Inode) -> Option<Stat> {
        let node = self.node(inode)?;
        let (kind, size) = match &node.body {
            Body::File(bytes) => (Kind::File, bytes.len()),
            Body::Folder(_) => (Kind::Folder, 4096),
            Body::Link(target) => (Kind::Link, target.as_os_str().len()),
            Body::Special => (Kind::Special, 0),
        };
        Some(Stat {
            kind,
            size: size as u64,
            mtime: node.mtime,
            ctime: node.ctime,
            inode,
            device: node.device,
            mode: node.mode,
        })
    }

    pub(super) fn names(&self, folder: Inode) -> Option<&BTreeMap<OsString, (OsString, Inode)>> {
        match &self.node(folder)?.body {
            Body::Folder(names) => Some(names),
            Body::File(_) | Body::Link(_) | Body::Special => None,
        }
    }

    pub(super) fn lookup(&self, folder: Inode, name: &OsStr) -> Option<Inode> {
        self.names(folder)?.get(&self.key(name)).map(|(_, inode)| *inode)
    }

    /// Tells whether a folder still has a way to the root.
    pub(super) fn is_attached(&self, folder: Inode) -> bool {
        self.ancestors(folder).last() == Some(ROOT)
    }

    /// Returns the folder and those above it.
    pub(super) fn ancestors(&self, folder: Inode) -> impl Iterator<Item = Inode> {
        std::iter::successors(Some(folder), |inode| {
            self.node(*inode)?.place.as_ref().map(|(parent, _)| *parent)
        })
    }

    /// Returns a folder's absolute path; relative, should it be detached.
    pub(super) fn path_of(&self, folder: Inode) -> PathBuf {
        let names: Vec<&OsStr> = self
            .ancestors(folder)
            .filter_map(|inode| self.node(inode)?.place.as_ref().map(|(_, name)| name.as_os_str()))
            .collect();
        let top = if self.is_attached(folder) { Path::new("/") } else { Path::new("") };
        names.iter().rev().fold(top.to_owned(), |path, name| path.join(name))
    }

    /// Returns the bytes of all files that have a name.
    pub(super) fn used_bytes(&self) -> u64 {
        self.walk(ROOT)
            .into_iter()
            .filter_map(|(_, inode)| self.stat(inode))
            .filter(|stat| stat.kind == Kind::File)
            .map(|stat| stat.size)
            .sum()
    }

    /// Returns every path below a folder, parents first, relative to it.
    pub(super) fn walk(&self, folder: Inode) -> Vec<(PathBuf, Inode)> {
        let mut found = Vec::new();
        let mut open = vec![(PathBuf::new(), folder)];
        while let Some((path, folder)) = open.pop() {
            for (name, inode) in self.names(folder).into_iter().flat_map(BTreeMap::values) {
                let path = path.join(name);
                if self.names(*inode).is_some() {
                    open.push((path.clone(), *inode));
                }
                found.push((path, *inode));
            }
        }
        found
    }

    /// Sets whether names that differ in case, or in the form of é, are one name.
    pub(super) fn set_folds_names(&mut self, folds_names: bool) {
        self.folds_names = folds_names;
        let folders: Vec<Inode> = self.nodes.keys().copied().collect();
        for folder in folders {
            let Some(names) = self.names(folder) else { continue };
            let rekeyed = names.values().map(|entry| (self.key(&entry.0), entry.clone())).collect();
            if let Some(node) = self.nodes.get_mut(&folder) {
                node.body = Body::Folder(rekeyed);
            }
        }
    }

    /// Sets whether names are written in lower case from now on, as some disks do.
    pub(super) fn set_lowers_names(&mut self, lowers_names: bool) {
        self.lowers_names = lowers_names;
    }

    /// Returns a name as it is compared.
    pub(super) fn key(&self, name: &OsStr) -> OsString {
        match (self.folds_names, name.to_str()) {
            (false, _) => name.to_owned(),
            (true, Some(text)) => text.to_lowercase().replace("e\u{301}", "\u{e9}").into(),
            (true, None) => name.to_ascii_lowercase(),
        }
    }

    pub(super) fn set_device(&mut self, inode: Inode, device: u64) {
        if let Some(node) = self.nodes.get_mut(&inode) {
            node.device = device;
        }
    }

    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Make { inode, node } => {
                self.nodes.insert(*inode, node.clone());
            }
            Change::Names { settings, stamp } => {
                for (folder, name, target) in settings {
                    self.set_name(*folder, name, *target, *stamp);
                }
            }
            Change::Write { inode, offset, bytes, stamp } => {
                self.edit(*inode, *stamp, |node| {
                    let Body::File(contents) = &mut node.body else { return };
                    let end = offset + bytes.len();
                    contents.resize(contents.len().max(end), 0);
                    contents[*offset..end].copy_from_slice(bytes);
                    node.mtime = *stamp;
                });
            }
            Change::Truncate { inode, size, stamp } => {
                self.edit(*inode, *stamp, |node| {
                    let Body::File(contents) = &mut node.body else { return };
                    contents.resize(*size, 0);
                    node.mtime = *stamp;
                });
            }
            Change::Mtime { inode, mtime, stamp } => {
                self.edit(*inode, *stamp, |node| node.mtime = *mtime);
            }
            Change::Mode { inode, mode, stamp } => {
                self.edit(*inode, *stamp, |node| node.mode = mode & 0o7777);
            }
            Change::Attributes { inode, attributes, stamp } => {
                self.edit(*inode, *stamp, |node| node.attributes.clone_from(attributes));
            }
        }
    }

    fn edit(&mut self, inode: Inode, stamp: i64, edit: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(&inode) {
            node.ctime = stamp;
            edit(node);
        }
    }

    fn set_name(&mut self, folder: Inode, name: &OsStr, target: Option<Inode>, stamp: i64) {
        let key = self.key(name);
        let lower = if self.lowers_names { name.to_ascii_lowercase() } else { name.to_owned() };
        let mut before = None;
        self.edit(folder, stamp, |node| {
            node.mtime = stamp;
            let Body::Folder(names) = &mut node.body else { return };
            before = names.remove(&key);
            if let Some(target) = target {
                // A file that replaces another takes over its name as it was written.
                let written = before.as_ref().map_or(&lower, |(written, _)| written);
                names.insert(key, (written.to_owned(), target));
            }
        });
        if let Some((written, inode)) = before {
            self.edit(inode, stamp, |node| {
                if node.place.as_ref() == Some(&(folder, written)) {
                    node.place = None;
                }
            });
        }
        if let Some(target) = target {
            self.edit(target, stamp, |node| node.place = Some((folder, lower)));
        }
    }

    /// Drops what has no name, and second names of folders, as a check of a file system would.
    pub(super) fn sweep(&mut self) {
        let mut places = BTreeMap::new();
        let mut open = vec![ROOT];
        while let Some(folder) = open.pop() {
            let entries: Vec<(OsString, (OsString, Inode))> = self
                .names(folder)
                .into_iter()
                .flatten()
                .map(|(k, e)| (k.clone(), e.clone()))
                .collect();
            for (key, (name, inode)) in entries {
                let is_folder = self.names(inode).is_some();
                if is_folder && (inode == ROOT || places.contains_key(&inode)) {
                    if let Some(Node { body: Body::Folder(names), .. }) =
                        self.nodes.get_mut(&folder)
                    {
                        names.remove(&key);
                    }
                    continue;
                }
                places.insert(inode, (folder, name));
                if is_folder {
                    open.push(inode);
                }
            }
        }
        self.nodes.retain(|inode, node| {
            node.place = places.remove(inode);
            *inode == ROOT || node.place.is_some()
        });
    }
}
