//! [`MemoryDisk`] itself: its processes, its switches, and what it opens.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::io::Errno;

use super::process::{Fault, Hook, Process};
use super::state::{Crash, State};
use super::tree::{Inode, ROOT};
use crate::clock::Clock;

/// A file system in memory; clones are the same process on the same file system.
#[derive(Clone)]
pub struct MemoryDisk {
    pub(super) shared: Arc<Shared>,
    pub(super) process: u64,
}

/// What all processes of one file system share.
pub(super) struct Shared {
    state: Mutex<State>,
    /// Told whenever a lock may have become free.
    pub(super) unlocked: Condvar,
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a file was opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
    Append,
}

/// An open file of a [`MemoryDisk`].
pub struct MemoryFile {
    pub(super) shared: Arc<Shared>,
    pub(super) process: u64,
    pub(super) life: u64,
    /// Names the open file: each opening takes its own locks.
    pub(super) handle: u64,
    pub(super) inode: Inode,
    /// Where the next write goes, unless it appends.
    pub(super) position: AtomicU64,
    pub(super) access: Access,
    /// The folder and name it was opened by, for the hook.
    pub(super) place: (PathBuf, OsString),
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if state.locks.get(&self.inode) == Some(&(self.handle, self.process)) {
            state.locks.remove(&self.inode);
            self.shared.unlocked.notify_all();
        }
    }
}

impl Default for MemoryDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryDisk {
    /// Makes an empty file system with a root folder `/`.
    pub fn new() -> Self {
        let state = Mutex::new(State::new());
        Self { shared: Arc::new(Shared { state, unlocked: Condvar::new() }), process: 0 }.process()
    }

    /// Starts another process on the same file system: with handles, counter, hook, faults and stop
    /// of its own.
    #[must_use]
    pub fn process(&self) -> Self {
        let mut state = self.shared.state();
        let (process, life) = (state.next_number(), state.next_number());
        state.processes.insert(process, Process::new(life));
        Self { shared: Arc::clone(&self.shared), process }
    }

    /// Kills this process alone: its handles fail with [`Stopped`](super::Stopped), its locks are free, its stop
    /// and numbered failures are forgotten. Later calls belong to its next life.
    pub fn kill(&self) {
        let mut state = self.shared.state();
        state.end_process(self.process);
        let process = self.process;
        state.locks.retain(|_, (_, owner)| *owner != process);
        self.shared.unlocked.notify_all();
    }

    /// Crashes the machine: all processes end as by [`MemoryDisk::kill`].
    pub fn crash(&self, crash: Crash) {
        self.shared.state().crash(crash);
        self.shared.unlocked.notify_all();
    }

    /// Makes everything so far durable.
    pub fn sync_all(&self) {
        self.shared.state().sync_all();
    }

    /// Sets the time, nanoseconds since 1970.
    pub fn set_now(&self, now: i64) {
        self.shared.state().now = now;
    }

    /// Returns the time, nanoseconds since 1970.
    pub fn now(&self) -> i64 {
        self.shared.state().now
    }

    /// Moves the time on.
    pub fn advance(&self, nanoseconds: i64) {
        self.shared.state().now += nanoseconds;
    }

    /// Sets the tick: every mtime and ctime that the file system sets is a multiple of it. At the
    /// start 4 ms.
    pub fn set_tick(&self, nanoseconds: i64) {
        self.shared.state().tick = nanoseconds.max(1);
    }

    /// Returns the clock of this file system: sleeping moves its time on.
    pub fn clock(&self) -> MemoryClock {
        MemoryClock(self.clone())
    }

    /// Sets what is called before each operation of this process, while nothing is locked.
    pub fn set_hook(&self, hook: Option<Hook>) {
        // The old one is dropped outside the lock: it may hold files of this disk.
        drop(self.with_process(|process| std::mem::replace(&mut process.hook, hook)));
    }

    /// Sets what decides for each operation of this process whether it fails, and how.
    pub fn set_fault(&self, fault: Option<Fault>) {
        drop(self.with_process(|process| std::mem::replace(&mut process.fault, fault)));
    }

    /// Makes the `number`th changing operation from now (1 is the next) fail without effect.
    pub fn fail_operation(&self, number: u64, error: Errno) {
        self.with_process(|process| {
            process.failures.insert(process.operations + number, error);
        });
    }

    /// Makes the `number`th changing operation from now (1 is the next) and every operation after
    /// it fail with [`Stopped`](super::Stopped), until [`MemoryDisk::kill`] or [`MemoryDisk::crash`].
    pub fn stop_after(&self, number: u64) {
        self.with_process(|process| process.stop(number, false));
    }

    /// As [`MemoryDisk::stop_after`], but a write that is hit leaves the first half of its bytes.
    pub fn stop_within(&self, number: u64) {
        self.with_process(|process| process.stop(number, true));
    }

    /// Returns how many changing operations this process has begun, syncs included.
    pub fn operations(&self) -> u64 {
        self.with_process(|process| process.operations)
    }

    /// Limits the bytes of all files together: beyond it writes fail with `StorageFull`.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.shared.state().capacity_bytes = bytes;
    }

    /// Sets whether the file system can exchange names.
    pub fn set_exchanges(&self, exchanges: bool) {
        self.shared.state().exchanges = exchanges;
    }

    /// Makes the folders that are there now stay where they are: a rename is `CrossesDevices`, as for
    /// those of a lower layer under overlayfs.
    pub fn fix_folders(&self) {
        let mut state = self.shared.state();
        state.fixed = state.tree.walk(ROOT).into_iter().map(|(_, inode)| inode).collect();
    }

    /// Sets whether the file system has hard links.
    pub fn set_links(&self, links: bool) {
        self.shared.state().links = links;
    }

    /// Sets whether the file system calls itself a network one.
    pub fn set_network(&self, network: bool) {
        self.shared.state().network = network;
    }

    /// Sets whether folders tell the kinds of their names.
    pub fn set_tells_kinds(&self, tells_kinds: bool) {
        self.shared.state().tells_kinds = tells_kinds;
    }

    /// Sets the most bytes that one read returns, so that a file can change between two of them.
    pub fn set_read_bytes_max(&self, bytes: usize) {
        self.shared.state().read_bytes_max = bytes.max(1);
    }

    /// Sets whether names that differ in case alone are one name, and the two Unicode forms of é.
    pub fn set_folds_names(&self, folds_names: bool) {
        self.shared.state().set_folds_names(folds_names);
    }

    /// Sets whether names are written in lower case from now on, in whatever case they are given;
    /// for a disk that folds names.
    pub fn set_lowers_names(&self, lowers_names: bool) {
        self.shared.state().set_lowers_names(lowers_names);
    }

    pub(super) fn with_process<T>(&self, act: impl FnOnce(&mut Process) -> T) -> T {
        let mut state = self.shared.state();
        act(state.processes.entry(self.process).or_default())
    }
}

/// The clock of a [`MemoryDisk`]: whoever sleeps moves its time on.
#[derive(Clone)]
pub struct MemoryClock(MemoryDisk);

impl Clock for MemoryClock {
    fn now(&self) -> i64 {
        self.0.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.advance(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX));
        tokio::task::yield_now().await;
    }
}
