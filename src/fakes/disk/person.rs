//! A person at the same file system, for tests.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::memory::MemoryDisk;
use super::state::State;
use super::tree::{Body, Change, Inode, ROOT};
use crate::disk::Attributes;
use crate::tree::{Kind, Stat};

/// The hands of a person or of another program on a [`MemoryDisk`], for tests.
///
/// Works by path from the root, follows no links, asks for no permission, counts as no operation
/// and meets no fault. What it writes is not durable until somebody syncs. Every method panics
/// where what the test supposes is not so.
#[derive(Clone)]
pub struct Person {
    disk: MemoryDisk,
}

/// One path of a [`Person::snapshot`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub kind: Kind,
    /// The bytes of a file, or the target of a link.
    pub contents: Vec<u8>,
    /// Nanoseconds since 1970.
    pub mtime: i64,
    /// Permission bits.
    pub mode: u32,
}

/// The place of a name that may be absent: its folder and itself.
type Place = (Inode, OsString);

impl MemoryDisk {
    /// Returns the hands of a person who edits files meanwhile, by path.
    pub fn person(&self) -> Person {
        Person { disk: self.clone() }
    }
}

impl Person {
    /// Makes a folder and those above it that are missing.
    pub fn make_folders(&self, path: impl AsRef<Path>) {
        self.change(|state| {
            make_folders(state, path.as_ref());
        });
    }

    /// Writes a file in place, as `cat >` does: the same inode. Missing folders are made.
    pub fn write(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        self.change(|state| {
            let place = make_place(state, path.as_ref());
            let inode = file_at(state, &place);
            let stamp = state.stamp();
            state.commit(Change::Truncate { inode, size: 0, stamp });
            write(state, inode, 0, bytes.as_ref());
        });
    }

    /// Writes at the end of a file, which is made if absent.
    pub fn append(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        self.change(|state| {
            let place = make_place(state, path.as_ref());
            let inode = file_at(state, &place);
            let end = state.contents(inode).map_or(0, <[u8]>::len);
            write(state, inode, end, bytes.as_ref());
        });
    }

    /// Saves a file as editors do: a new inode that takes the name.
    pub fn save(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        self.change(|state| {
            let (folder, name) = make_place(state, path.as_ref());
            let draft = OsString::from(".draft of an editor");
            let inode = file_at(state, &(folder, draft.clone()));
            write(state, inode, 0, bytes.as_ref());
            state.name([(folder, &*draft, None), (folder, &*name, Some(inode))]);
        });
    }

    /// Returns the bytes of a file.
    ///
    /// # Panics
    /// If there is none.
    pub fn read(&self, path: impl AsRef<Path>) -> Vec<u8> {
        let path = path.as_ref();
        self.try_read(path).unwrap_or_else(|| panic!("{} is no file", path.display()))
    }

    /// Returns the bytes of a file, if there is one.
    pub fn try_read(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let state = self.disk.shared.state();
        find(&state, path.as_ref()).and_then(|inode| Some(state.contents(inode).ok()?.to_vec()))
    }

    /// Returns what an `lstat` says, if there is something.
    pub fn stat(&self, path: impl AsRef<Path>) -> Option<Stat> {
        let state = self.disk.shared.state();
        find(&state, path.as_ref()).and_then(|inode| state.tree.stat(inode))
    }

    /// Removes a file or a folder with all that is in it.
    pub fn remove(&self, path: impl AsRef<Path>) {
        self.change(|state| {
            let (folder, name) = existing(state, path.as_ref());
            state.name([(folder, &*name, None)]);
        });
    }

    /// Renames a file or folder and replaces whatever has the new name.
    pub fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) {
        self.change(|state| {
            let (folder, name) = existing(state, from.as_ref());
            let inode = state.tree.lookup(folder, &name);
            let (target, new_name) = make_place(state, to.as_ref());
            state.name([(folder, &*name, None), (target, &*new_name, inode)]);
        });
    }

    /// Makes a symbolic link.
    pub fn symlink(&self, target: impl AsRef<Path>, path: impl AsRef<Path>) {
        self.make(path.as_ref(), Body::Link(target.as_ref().to_owned()));
    }

    /// Makes a second name for a file.
    pub fn hard_link(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) {
        self.change(|state| {
            let (folder, name) = existing(state, from.as_ref());
            let inode = state.tree.lookup(folder, &name);
            let (target, new_name) = make_place(state, to.as_ref());
            state.name([(target, &*new_name, inode)]);
        });
    }

    /// Makes a pipe.
    pub fn pipe(&self, path: impl AsRef<Path>) {
        self.make(path.as_ref(), Body::Special);
    }

    /// Sets permission bits.
    pub fn set_mode(&self, path: impl AsRef<Path>, mode: u32) {
        self.change(|state| {
            let (inode, stamp) = (inode_at(state, path.as_ref()), state.stamp());
            state.commit(Change::Mode { inode, mode, stamp });
        });
    }

    /// Sets group, access list and attributes of a file, or what a folder hands on.
    pub fn set_attributes(&self, path: impl AsRef<Path>, attributes: &Attributes) {
        self.change(|state| {
            let inode = inode_at(state, path.as_ref());
            let set = state.set_attributes(inode, |it| it.clone_from(attributes));
            expect(set, path.as_ref());
        });
    }

    /// Returns group, access list and attributes.
    pub fn attributes(&self, path: impl AsRef<Path>) -> Attributes {
        let state = self.disk.shared.state();
        let node = state.node(inode_at(&state, path.as_ref()));
        expect(node.map(|node| node.attributes.clone()), path.as_ref())
    }

    /// Sets the mtime, nanoseconds since 1970.
    pub fn set_mtime(&self, path: impl AsRef<Path>, mtime: i64) {
        self.change(|state| {
            let (inode, stamp) = (inode_at(state, path.as_ref()), state.stamp());
            state.commit(Change::Mtime { inode, mtime, stamp });
        });
    }

    /// Mounts another file system on an empty folder, which is made if absent; returns its device
    /// number. Everything so far becomes durable.
    ///
    /// # Panics
    /// If the folder is not empty.
    pub fn mount(&self, path: impl AsRef<Path>) -> u64 {
        let mut state = self.disk.shared.state();
        let inode = make_folders(&mut state, path.as_ref());
        assert!(state.tree.names(inode).is_some_and(BTreeMap::is_empty), "the folder is not empty");
        state.mount(inode)
    }

    /// Returns everything, by absolute path.
    pub fn snapshot(&self) -> BTreeMap<PathBuf, Item> {
        self.snapshot_below("/").into_iter().map(|(k, v)| (Path::new("/").join(k), v)).collect()
    }

    /// Returns everything below a folder, by path relative to it.
    pub fn snapshot_below(&self, folder: impl AsRef<Path>) -> BTreeMap<PathBuf, Item> {
        let state = self.disk.shared.state();
        let found = state.tree.walk(inode_at(&state, folder.as_ref())).into_iter();
        found.filter_map(|(path, inode)| Some((path, item(&state, inode)?))).collect()
    }

    /// Returns the files below a folder with their bytes, by path relative to it.
    pub fn files_below(&self, folder: impl AsRef<Path>) -> BTreeMap<PathBuf, Vec<u8>> {
        let items = self.snapshot_below(folder).into_iter();
        items
            .filter(|(_, item)| item.kind == Kind::File)
            .map(|(path, item)| (path, item.contents))
            .collect()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.disk.shared.state());
    }

    fn make(&self, path: &Path, body: Body) {
        self.change(|state| {
            let (folder, name) = make_place(state, path);
            assert!(state.tree.lookup(folder, &name).is_none(), "{} exists", path.display());
            expect(state.make((folder, &name), body, 0o777), path);
        });
    }
}

fn item(state: &State, inode: Inode) -> Option<Item> {
    let node = state.tree.node(inode)?;
    let contents = match &node.body {
        Body::File(bytes) => bytes.clone(),
        Body::Link(target) => target.as_os_str().as_encoded_bytes().to_vec(),
        Body::Folder(_) | Body::Special => Vec::new(),
    };
    let kind = state.tree.stat(inode)?.kind;
    Some(Item { kind, contents, mtime: node.mtime, mode: node.mode })
}

/// The components of a path from the root.
fn parts(path: &Path) -> impl Iterator<Item = &OsStr> {
    path.iter().filter(|part| *part != "/")
}

fn find(state: &State, path: &Path) -> Option<Inode> {
    parts(path).try_fold(ROOT, |folder, name| state.tree.lookup(folder, name))
}

fn inode_at(state: &State, path: &Path) -> Inode {
    find(state, path).unwrap_or_else(|| panic!("{} does not exist", path.display()))
}

fn existing(state: &State, path: &Path) -> Place {
    inode_at(state, path);
    (inode_at(state, path.parent().unwrap_or(path)), name_of(path))
}

fn name_of(path: &Path) -> OsString {
    path.file_name().unwrap_or_else(|| panic!("{} has no name", path.display())).to_owned()
}

fn make_folders(state: &mut State, path: &Path) -> Inode {
    parts(path).fold(ROOT, |folder, name| {
        let inode = state.tree.lookup(folder, name).unwrap_or_else(|| {
            expect(state.make((folder, name), Body::Folder(BTreeMap::new()), 0o777), path)
        });
        assert!(state.tree.names(inode).is_some(), "{} is no folder", path.display());
        inode
    })
}

fn make_place(state: &mut State, path: &Path) -> Place {
    (make_folders(state, path.parent().unwrap_or(path)), name_of(path))
}

/// Returns the inode of a file, which is made if absent.
fn file_at(state: &mut State, (folder, name): &Place) -> Inode {
    let inode = state.tree.lookup(*folder, name).unwrap_or_else(|| {
        expect(state.make((*folder, name), Body::File(Vec::new()), 0o666), Path::new(name))
    });
    expect(state.contents(inode).map(|_| inode), Path::new(name))
}

fn write(state: &mut State, inode: Inode, offset: usize, bytes: &[u8]) {
    expect(state.write(inode, offset, bytes), Path::new(""));
}

fn expect<T>(result: std::io::Result<T>, path: &Path) -> T {
    result.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
