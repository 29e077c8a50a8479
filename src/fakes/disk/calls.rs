//! The calls of the trait.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use rustix::io::Errno;

use super::checks::{Place, READ, SEARCH, WRITE};
use super::gate::At;
use super::handle::MemoryFolder;
use super::memory::{Access, MemoryDisk, MemoryFile};
use super::process::{Call, Stopped};
use super::state::State;
use super::tree::{Body, Change, Inode};
use crate::disk::{Attributes, Disk, Names, Patience};
use crate::tree::Stat;

/// How often a process that waits for a lock calls its hook.
const LOCK_WAIT: Duration = Duration::from_millis(1);

impl Disk for MemoryDisk {
    type Folder = MemoryFolder;
    type File = MemoryFile;

    fn open_path(&self, path: &Path) -> io::Result<MemoryFolder> {
        let state = self.begin(Call::OpenPath, At::Path(path))?;
        let inode = state.follow(path)?;
        state.permit_folder(inode)?;
        Ok(self.folder(&state, inode))
    }

    fn make_path(&self, path: &Path) -> io::Result<MemoryFolder> {
        match (self.open_path(path), path.parent(), path.file_name()) {
            (Err(error), Some(parent), Some(name)) if error.kind() == io::ErrorKind::NotFound => {
                let parent = self.make_path(parent)?;
                match self.make_folder(&parent, name, 0o777) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                    _ => self.open_folder(&parent, name),
                }
            }
            (result, _, _) => result,
        }
    }

    fn open_folder(&self, folder: &MemoryFolder, name: &OsStr) -> io::Result<MemoryFolder> {
        let state = self.begin(Call::OpenFolder, At::Name(folder, name))?;
        let inode = state.child(folder.inode, name)?;
        state.permit_folder(inode)?;
        Ok(self.folder(&state, inode))
    }

    fn make_folder(&self, folder: &MemoryFolder, name: &OsStr, mode: u32) -> io::Result<()> {
        let mut state = self.begin(Call::MakeFolder, At::Name(folder, name))?;
        state.permit_absent((folder, name))?;
        state.make((folder.inode, name), Body::Folder(BTreeMap::new()), mode)?;
        Ok(())
    }

    fn remove_folder(&self, folder: &MemoryFolder, name: &OsStr) -> io::Result<()> {
        let mut state = self.begin(Call::RemoveFolder, At::Name(folder, name))?;
        let inode = state.movable((folder, name))?;
        match state.tree.names(inode) {
            None => return Err(Errno::NOTDIR.into()),
            Some(names) if !names.is_empty() => return Err(Errno::NOTEMPTY.into()),
            Some(_) => state.name([(folder.inode, name, None)]),
        }
        Ok(())
    }

    /// Backwards, so that nobody relies on an order.
    fn read_folder(&self, folder: &MemoryFolder) -> io::Result<Names> {
        let state = self.begin(Call::ReadFolder, At::Folder(folder))?;
        let names = state.tree.names(folder.inode).ok_or(Errno::NOENT)?;
        if !state.tree.is_attached(folder.inode) {
            return Err(Errno::NOENT.into());
        }
        let kind = |inode| state.tree.stat(inode).map(|s| s.kind).filter(|_| state.tells_kinds);
        let mut read = Names::default();
        for (name, inode) in names.values().rev() {
            read.push(name, kind(*inode))?;
        }
        Ok(read)
    }

    fn lstat(&self, folder: &MemoryFolder, name: &OsStr) -> io::Result<Stat> {
        let state = self.begin(Call::Lstat, At::Name(folder, name))?;
        state.stat(state.child(folder.inode, name)?)
    }

    fn stat_folder(&self, folder: &MemoryFolder) -> io::Result<Stat> {
        self.begin(Call::StatFolder, At::Folder(folder))?.stat(folder.inode)
    }

    fn open(&self, folder: &MemoryFolder, name: &OsStr) -> io::Result<MemoryFile> {
        let mut state = self.begin(Call::Open, At::Name(folder, name))?;
        let inode = state.child(folder.inode, name)?;
        if matches!(state.node(inode)?.body, Body::Link(_)) {
            return Err(Errno::LOOP.into());
        }
        state.permit(inode, READ)?;
        Ok(self.file(&mut state, inode, (folder, name), Access::Read))
    }

    fn create(&self, folder: &MemoryFolder, name: &OsStr, mode: u32) -> io::Result<MemoryFile> {
        let mut state = self.begin(Call::Create, At::Name(folder, name))?;
        state.permit_absent((folder, name))?;
        let inode = state.make((folder.inode, name), Body::File(Vec::new()), mode)?;
        Ok(self.file(&mut state, inode, (folder, name), Access::Write))
    }

    fn open_append(
        &self,
        folder: &MemoryFolder,
        name: &OsStr,
        mode: u32,
    ) -> io::Result<MemoryFile> {
        let mut state = self.begin(Call::OpenAppend, At::Name(folder, name))?;
        state.permit(folder.inode, SEARCH)?;
        let inode = if let Some(inode) = state.tree.lookup(folder.inode, name) {
            match state.node(inode)?.body {
                Body::Link(_) => return Err(Errno::LOOP.into()),
                Body::Folder(_) => return Err(Errno::ISDIR.into()),
                Body::File(_) | Body::Special => state.permit(inode, READ | WRITE)?,
            }
            inode
        } else {
            state.permit_names(folder.inode)?;
            state.make((folder.inode, name), Body::File(Vec::new()), mode)?
        };
        Ok(self.file(&mut state, inode, (folder, name), Access::Append))
    }

    fn open_write(&self, folder: &MemoryFolder, name: &OsStr) -> io::Result<MemoryFile> {
        let mut state = self.begin(Call::OpenWrite, At::Name(folder, name))?;
        let inode = state.child(folder.inode, name)?;
        match state.node(inode)?.body {
            Body::Link(_) => return Err(Errno::LOOP.into()),
            Body::Folder(_) => return Err(Errno::ISDIR.into()),
            Body::File(_) | Body::Special => state.permit(inode, READ | WRITE)?,
        }
        Ok(self.file(&mut state, inode, (folder, name), Access::Write))
    }

    fn fstat(&self, file: &MemoryFile) -> io::Result<Stat> {
        self.begin(Call::Fstat, At::File(file))?.stat(file.inode)
    }

    fn read_at(&self, file: &MemoryFile, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.begin(Call::ReadAt, At::File(file))?;
        let contents = state.contents(file.inode)?;
        let rest = usize::try_from(offset).ok().and_then(|start| contents.get(start..));
        let rest = rest.unwrap_or_default();
        let count = rest.len().min(buffer.len()).min(state.read_bytes_max);
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write(&self, file: &MemoryFile, bytes: &[u8]) -> io::Result<()> {
        let (mut state, torn) = self.begin_torn(Call::Write, At::File(file))?;
        let position = match file.access {
            Access::Read => return Err(Errno::BADF.into()),
            Access::Append => state.contents(file.inode)?.len(),
            Access::Write => {
                usize::try_from(file.position.load(Ordering::Relaxed)).map_err(|_| Errno::FBIG)?
            }
        };
        let bytes = if torn { &bytes[..bytes.len() / 2] } else { bytes };
        let end = state.write(file.inode, position, bytes)?;
        file.position.store(end as u64, Ordering::Relaxed);
        if torn { Err(Stopped.into()) } else { Ok(()) }
    }

    fn write_at(&self, file: &MemoryFile, bytes: &[u8], offset: u64) -> io::Result<()> {
        let (mut state, torn) = self.begin_torn(Call::WriteAt, At::File(file))?;
        if file.access != Access::Write {
            return Err(Errno::BADF.into());
        }
        let bytes = if torn { &bytes[..bytes.len() / 2] } else { bytes };
        let offset = usize::try_from(offset).map_err(|_| Errno::FBIG)?;
        state.write(file.inode, offset, bytes)?;
        if torn { Err(Stopped.into()) } else { Ok(()) }
    }

    fn allocate(&self, file: &MemoryFile, size: u64) -> io::Result<()> {
        let mut state = self.begin(Call::Allocate, At::File(file))?;
        if file.access == Access::Read {
            return Err(Errno::BADF.into());
        }
        let present = state.contents(file.inode)?.len() as u64;
        if size > present {
            if state.capacity_bytes.is_some() && size - present > state.free_bytes() {
                return Err(Errno::NOSPC.into());
            }
            let (inode, stamp) = (file.inode, state.stamp());
            let size = usize::try_from(size).map_err(|_| Errno::FBIG)?;
            state.commit(Change::Truncate { inode, size, stamp });
        }
        Ok(())
    }

    fn truncate(&self, file: &MemoryFile, size: u64) -> io::Result<()> {
        let mut state = self.begin(Call::Truncate, At::File(file))?;
        if file.access == Access::Read {
            return Err(Errno::INVAL.into());
        }
        state.contents(file.inode)?;
        let size = usize::try_from(size).map_err(|_| Errno::FBIG)?;
        let (inode, stamp) = (file.inode, state.stamp());
        state.commit(Change::Truncate { inode, size, stamp });
        Ok(())
    }

    fn set_mtime(&self, file: &MemoryFile, mtime: i64) -> io::Result<()> {
        let mut state = self.begin(Call::SetMtime, At::File(file))?;
        let (inode, stamp) = (file.inode, state.stamp());
        state.commit(Change::Mtime { inode, mtime, stamp });
        Ok(())
    }

    fn set_mode(&self, file: &MemoryFile, mode: u32) -> io::Result<()> {
        let mut state = self.begin(Call::SetMode, At::File(file))?;
        let (inode, stamp) = (file.inode, state.stamp());
        state.commit(Change::Mode { inode, mode, stamp });
        Ok(())
    }

    fn set_folder_mode(&self, folder: &MemoryFolder, mode: u32) -> io::Result<()> {
        let mut state = self.begin(Call::SetFolderMode, At::Folder(folder))?;
        let (inode, stamp) = (folder.inode, state.stamp());
        state.commit(Change::Mode { inode, mode, stamp });
        Ok(())
    }

    fn attributes(&self, file: &MemoryFile) -> io::Result<Attributes> {
        let state = self.begin(Call::Attributes, At::File(file))?;
        Ok(state.node(file.inode)?.attributes.clone())
    }

    fn inherited(&self, folder: &MemoryFolder) -> io::Result<Attributes> {
        self.begin(Call::Inherited, At::Folder(folder))?.inherited(folder.inode)
    }

    fn set_group(&self, file: &MemoryFile, group: u32) -> io::Result<()> {
        let mut state = self.begin(Call::SetGroup, At::File(file))?;
        state.set_attributes(file.inode, |attributes| attributes.group = group)
    }

    fn set_acl(&self, file: &MemoryFile, acl: Option<&[u8]>) -> io::Result<()> {
        let mut state = self.begin(Call::SetAcl, At::File(file))?;
        state.set_attributes(file.inode, |attributes| attributes.acl = acl.map(<[u8]>::to_vec))
    }

    fn set_attribute(&self, file: &MemoryFile, name: &OsStr, value: &[u8]) -> io::Result<()> {
        let mut state = self.begin(Call::SetAttribute, At::File(file))?;
        state.set_attributes(file.inode, |attributes| {
            attributes.user.insert(name.to_owned(), value.to_vec());
        })
    }

    fn rename_new(&self, from: Place<'_>, to: Place<'_>) -> io::Result<()> {
        let mut state = self.begin(Call::RenameNew, At::Names(from, to))?;
        let inode = state.prepare_rename(from, to)?;
        state.permit_absent(to)?;
        state.permit_move(inode)?;
        state.name([(from.0.inode, from.1, None), (to.0.inode, to.1, Some(inode))]);
        Ok(())
    }

    fn rename_over(&self, from: Place<'_>, to: Place<'_>) -> io::Result<()> {
        let mut state = self.begin(Call::RenameOver, At::Names(from, to))?;
        let inode = state.prepare_rename(from, to)?;
        if let Some(target) = state.tree.lookup(to.0.inode, to.1) {
            state.movable(to)?;
            match (state.tree.names(inode), state.tree.names(target)) {
                // Two names of one file both stay (rename(2)); only its spelling may change.
                _ if inode == target && !state.is_same_name(from, to) => return Ok(()),
                _ if inode == target => (),
                (None, Some(_)) => return Err(Errno::ISDIR.into()),
                (Some(_), None) => return Err(Errno::NOTDIR.into()),
                (_, Some(names)) if !names.is_empty() => return Err(Errno::NOTEMPTY.into()),
                _ => (),
            }
        }
        state.name([(from.0.inode, from.1, None), (to.0.inode, to.1, Some(inode))]);
        Ok(())
    }

    fn exchange(&self, a: Place<'_>, b: Place<'_>) -> io::Result<()> {
        let mut state = self.begin(Call::Exchange, At::Names(a, b))?;
        if !state.exchanges {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let first = state.prepare_rename(a, b);
        let second = state.prepare_rename(b, a);
        let unsupported = |error: io::Error| match error.kind() {
            io::ErrorKind::InvalidInput => io::ErrorKind::Unsupported.into(),
            _ => error,
        };
        let (first, second) = (first.map_err(unsupported)?, second.map_err(unsupported)?);
        state.permit_move(first)?;
        state.permit_move(second)?;
        state.name([(a.0.inode, a.1, Some(second)), (b.0.inode, b.1, Some(first))]);
        Ok(())
    }

    fn link(&self, from: Place<'_>, to: Place<'_>) -> io::Result<()> {
        let mut state = self.begin(Call::Link, At::Names(from, to))?;
        let inode = state.child(from.0.inode, from.1)?;
        state.permit_same_device(from, to)?;
        state.permit_absent(to)?;
        if !state.links || state.tree.names(inode).is_some() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        state.name([(to.0.inode, to.1, Some(inode))]);
        Ok(())
    }

    fn unlink(&self, folder: &MemoryFolder, name: &OsStr) -> io::Result<()> {
        let mut state = self.begin(Call::Unlink, At::Name(folder, name))?;
        let inode = state.movable((folder, name))?;
        if state.tree.names(inode).is_some() {
            return Err(Errno::ISDIR.into());
        }
        state.name([(folder.inode, name, None)]);
        Ok(())
    }

    fn sync_file(&self, file: &MemoryFile) -> io::Result<()> {
        self.begin(Call::SyncFile, At::File(file))?.sync_file(file.inode);
        Ok(())
    }

    fn sync_folder(&self, folder: &MemoryFolder) -> io::Result<()> {
        self.begin(Call::SyncFolder, At::Folder(folder))?.sync_folder(folder.inode);
        Ok(())
    }

    fn sync_file_system(&self, folder: &MemoryFolder) -> io::Result<()> {
        let mut state = self.begin(Call::SyncFileSystem, At::Folder(folder))?;
        let device = state.node(folder.inode)?.device;
        state.sync_device(device);
        Ok(())
    }

    fn lock(&self, file: &MemoryFile, patience: Patience) -> io::Result<bool> {
        loop {
            let mut state = self.begin(Call::Lock, At::File(file))?;
            let owner = (file.handle, file.process);
            if *state.locks.entry(file.inode).or_insert(owner) == owner {
                return Ok(true);
            }
            if patience == Patience::Try {
                return Ok(false);
            }
            // The hook is called again and again: in a simulation it lets the holder go on.
            let waited = self.shared.unlocked.wait_timeout(state, LOCK_WAIT);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn is_network(&self, folder: &MemoryFolder) -> io::Result<bool> {
        Ok(self.begin(Call::IsNetwork, At::Folder(folder))?.network)
    }

    fn free_bytes(&self, folder: &MemoryFolder) -> io::Result<u64> {
        Ok(self.begin(Call::FreeBytes, At::Folder(folder))?.free_bytes())
    }
}

impl MemoryDisk {
    fn folder(&self, state: &State, inode: Inode) -> MemoryFolder {
        MemoryFolder { process: self.process, life: state.life(self.process), inode }
    }

    fn file(&self, state: &mut State, inode: Inode, at: Place<'_>, access: Access) -> MemoryFile {
        MemoryFile {
            shared: Arc::clone(&self.shared),
            process: self.process,
            life: state.life(self.process),
            handle: state.next_number(),
            inode,
            position: AtomicU64::new(0),
            access,
            place: (state.tree.path_of(at.0.inode), at.1.to_owned()),
        }
    }
}
