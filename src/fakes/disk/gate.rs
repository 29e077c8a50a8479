//! The gate that every call goes through.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::MutexGuard;

use rustix::io::Errno;

use super::handle::MemoryFolder;
use super::memory::{MemoryDisk, MemoryFile};
use super::process::{Call, Operation, Stopped};
use super::state::State;
use crate::disk::check_name;
use crate::tree::NAME_BYTES_MAX;

/// What a call is about.
#[derive(Clone, Copy)]
pub(super) enum At<'a> {
    Path(&'a Path),
    Folder(&'a MemoryFolder),
    Name(&'a MemoryFolder, &'a OsStr),
    Names((&'a MemoryFolder, &'a OsStr), (&'a MemoryFolder, &'a OsStr)),
    File(&'a MemoryFile),
}

impl MemoryDisk {
    /// Lets a call begin: hook, faults, stop, and whether its handles and names are sound.
    pub(super) fn begin(&self, call: Call, at: At<'_>) -> io::Result<MutexGuard<'_, State>> {
        self.begin_torn(call, at).map(|(state, _)| state)
    }

    /// As [`MemoryDisk::begin`], and tells whether the write is to be torn.
    pub(super) fn begin_torn(
        &self,
        call: Call,
        at: At<'_>,
    ) -> io::Result<(MutexGuard<'_, State>, bool)> {
        let (hook, fault) =
            self.with_process(|process| (process.hook.clone(), process.fault.clone()));
        let mut error = None;
        if hook.is_some() || fault.is_some() {
            let operation = operation(&self.shared.state(), call, at);
            if let Some(hook) = hook {
                hook(&operation);
            }
            error = fault.and_then(|fault| fault(&operation));
        }
        let mut state = self.shared.state();
        let torn = state.processes.entry(self.process).or_default().enter(call)?;
        match at {
            At::Path(_) => (),
            At::Folder(folder) => state.check_life(folder.process, folder.life)?,
            At::Name(folder, name) => state.check((folder, name))?,
            At::Names(from, to) => {
                state.check(from)?;
                state.check(to)?;
            }
            At::File(file) => state.check_life(file.process, file.life)?,
        }
        error.map_or(Ok((state, torn)), |error| Err(error.into()))
    }
}

impl State {
    fn check_life(&self, process: u64, life: u64) -> io::Result<()> {
        let lives = self.processes.get(&process).is_some_and(|process| process.life == life);
        if lives { Ok(()) } else { Err(Stopped.into()) }
    }

    fn check(&self, (folder, name): (&MemoryFolder, &OsStr)) -> io::Result<()> {
        self.check_life(folder.process, folder.life)?;
        check_name(name)?;
        if name.len() > NAME_BYTES_MAX { Err(Errno::NAMETOOLONG.into()) } else { Ok(()) }
    }
}

fn operation(state: &State, call: Call, at: At<'_>) -> Operation {
    let folder = |folder: &MemoryFolder| state.tree.path_of(folder.inode);
    let (place, name, other) = match at {
        At::Path(path) => (path.to_owned(), OsStr::new(""), None),
        At::Folder(of) => (folder(of), OsStr::new(""), None),
        At::Name(of, name) => (folder(of), name, None),
        At::Names(from, to) => (folder(from.0), from.1, Some((folder(to.0), to.1.to_owned()))),
        At::File(file) => (file.place.0.clone(), file.place.1.as_os_str(), None),
    };
    Operation { call, folder: place, name: name.to_owned(), other }
}
