//! What all processes share: the tree, the log of what is not durable yet, clock, locks, switches.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::io;

use rustix::io::Errno;

use super::process::Process;
use super::tree::{Body, Change, Inode, Node, ROOT, Tree};

use crate::disk::Attributes;

/// 2023-11-14T22:13:20Z, so that times look like times.
const FIRST_MOMENT_NANOSECONDS: i64 = 1_700_000_000_000_000_000;
/// The tick of ext4 and tmpfs on a kernel of 250 Hz.
const TICK_NANOSECONDS: i64 = 4_000_000;
const UMASK: u32 = 0o022;
const SET_GROUP_ID: u32 = 0o2000;

/// What a crash leaves. What was synced stays in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// Everything: all processes were killed, the machine runs on.
    Kill,
    /// Nothing else: the worst that a power loss does.
    PowerLoss,
    /// By the seed: names up to a moment, as a journal leaves them, and any of the contents,
    /// attributes and beginnings of writes.
    Ordered(u64),
    /// By the seed: any of everything, in no order, which is worse than real file systems.
    Random(u64),
}

/// A change and whether it would survive a power loss.
struct Record {
    change: Change,
    durable: bool,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(super) struct State {
    /// How everything looks to the processes.
    pub(super) tree: Tree,
    /// How everything looked before the first change of the log.
    base: Tree,
    /// Every change since, in order. Its durable beginning is folded into the base.
    log: VecDeque<Record>,
    pub(super) now: i64,
    pub(super) tick: i64,
    /// The last number given to an inode, device, handle, process or life.
    last_number: u64,
    pub(super) processes: BTreeMap<u64, Process>,
    /// Inode of a locked file, and the handle and process that hold the lock.
    pub(super) locks: BTreeMap<Inode, (u64, u64)>,
    pub(super) exchanges: bool,
    /// What was there when the folders were told to stay where they are.
    pub(super) fixed: BTreeSet<Inode>,
    pub(super) links: bool,
    pub(super) network: bool,
    pub(super) tells_kinds: bool,
    pub(super) read_bytes_max: usize,
    pub(super) capacity_bytes: Option<u64>,
}

impl State {
    pub(super) fn new() -> Self {
        let tree = Tree::new(1, FIRST_MOMENT_NANOSECONDS);
        Self {
            base: tree.clone(),
            tree,
            log: VecDeque::new(),
            now: FIRST_MOMENT_NANOSECONDS,
            tick: TICK_NANOSECONDS,
            last_number: ROOT,
            processes: BTreeMap::new(),
            locks: BTreeMap::new(),
            exchanges: true,
            fixed: BTreeSet::new(),
            links: true,
            network: false,
            tells_kinds: true,
            read_bytes_max: usize::MAX,
            capacity_bytes: None,
        }
    }

    pub(super) fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    pub(super) fn node(&self, inode: Inode) -> io::Result<&Node> {
        self.tree.node(inode).ok_or_else(|| Errno::STALE.into())
    }

    pub(super) fn contents(&self, inode: Inode) -> io::Result<&[u8]> {
        match &self.node(inode)?.body {
            Body::File(bytes) => Ok(bytes),
            Body::Folder(_) => Err(Errno::ISDIR.into()),
            Body::Link(_) => Err(Errno::LOOP.into()),
            Body::Special => Err(Errno::SPIPE.into()),
        }
    }

    /// Returns the bytes that still fit.
    pub(super) fn free_bytes(&self) -> u64 {
        self.capacity_bytes
            .map_or(1 << 40, |capacity| capacity.saturating_sub(self.tree.used_bytes()))
    }

    /// Returns the time as the file system stamps it.
    pub(super) fn stamp(&self) -> i64 {
        self.now - self.now.rem_euclid(self.tick)
    }

    pub(super) fn commit(&mut self, change: Change) {
        self.tree.apply(&change);
        // An inode that nothing names does no harm, and what is named later must exist.
        let durable = matches!(change, Change::Make { .. });
        self.log.push_back(Record { change, durable });
    }

    pub(super) fn make(
        &mut self,
        (folder, name): (Inode, &OsStr),
        body: Body,
        mode: u32,
    ) -> io::Result<Inode> {
        let parent = self.node(folder)?;
        let inherited = match body {
            Body::Folder(_) => parent.mode & SET_GROUP_ID,
            Body::File(_) | Body::Link(_) | Body::Special => 0,
        };
        let attributes = self.inherited(folder)?;
        let (device, stamp) = (parent.device, self.stamp());
        let mode = mode & 0o7777 & !UMASK | inherited;
        let node = Node { body, mode, mtime: stamp, ctime: stamp, device, attributes, place: None };
        let inode = self.next_number();
        self.commit(Change::Make { inode, node });
        self.name([(folder, name, Some(inode))]);
        Ok(inode)
    }

    /// Changes the attributes of a file.
    pub(super) fn set_attributes(
        &mut self,
        inode: Inode,
        set: impl FnOnce(&mut Attributes),
    ) -> io::Result<()> {
        let mut attributes = self.node(inode)?.attributes.clone();
        set(&mut attributes);
        let stamp = self.stamp();
        self.commit(Change::Attributes { inode, attributes, stamp });
        Ok(())
    }

    /// Returns the attributes that a new file in a folder gets.
    pub(super) fn inherited(&self, folder: Inode) -> io::Result<Attributes> {
        let folder = self.node(folder)?;
        let group = if folder.mode & SET_GROUP_ID == 0 { 0 } else { folder.attributes.group };
        Ok(Attributes { group, acl: folder.attributes.acl.clone(), ..Attributes::default() })
    }

    /// Sets names, all at once.
    pub(super) fn name<'a>(
        &mut self,
        settings: impl IntoIterator<Item = (Inode, &'a OsStr, Option<Inode>)>,
    ) {
        let settings =
            settings.into_iter().map(|(folder, name, inode)| (folder, name.to_owned(), inode));
        self.commit(Change::Names { settings: settings.collect(), stamp: self.stamp() });
    }

    /// Writes as much as fits, and says `ENOSPC` if that is not all.
    pub(super) fn write(&mut self, inode: Inode, offset: usize, bytes: &[u8]) -> io::Result<usize> {
        let size = self.contents(inode)?.len();
        let mut fits = bytes.len();
        if self.capacity_bytes.is_some() {
            let grows = (offset + bytes.len()).saturating_sub(size) as u64;
            let lacking = grows.saturating_sub(self.free_bytes());
            fits -= usize::try_from(lacking).unwrap_or(usize::MAX).min(fits);
        }
        if fits > 0 {
            let stamp = self.stamp();
            self.commit(Change::Write { inode, offset, bytes: bytes[..fits].into(), stamp });
        }
        if fits < bytes.len() { Err(Errno::NOSPC.into()) } else { Ok(offset + fits) }
    }

    /// What fdatasync does: contents and size, and with them the rest of the inode; nothing if only
    /// times and mode have changed.
    pub(super) fn sync_file(&mut self, inode: Inode) {
        let is_content = |change: &Change| match change {
            Change::Write { inode: of, .. } | Change::Truncate { inode: of, .. } => *of == inode,
            Change::Make { .. }
            | Change::Names { .. }
            | Change::Mtime { .. }
            | Change::Mode { .. }
            | Change::Attributes { .. } => false,
        };
        if self.log.iter().any(|record| !record.durable && is_content(&record.change)) {
            make_durable(&mut self.log, &mut self.base, |change| {
                concerns(change, |of| of == inode, false)
            });
        }
    }

    /// What fsync of a folder does: its names and its own times and mode.
    pub(super) fn sync_folder(&mut self, folder: Inode) {
        make_durable(&mut self.log, &mut self.base, |change| {
            concerns(change, |of| of == folder, true)
        });
    }

    pub(super) fn sync_device(&mut self, device: u64) {
        let Self { tree, log, base, .. } = self;
        let lies_there = |of| tree.node(of).is_some_and(|node| node.device == device);
        make_durable(log, base, |change| concerns(change, lies_there, true));
    }

    pub(super) fn sync_all(&mut self) {
        make_durable(&mut self.log, &mut self.base, |_| true);
    }

    /// Ends every process, and drops what the crash does not leave of the log.
    pub(super) fn crash(&mut self, crash: Crash) {
        let log = std::mem::take(&mut self.log);
        let mut random = fastrand::Rng::with_seed(match crash {
            Crash::Kill | Crash::PowerLoss => 0,
            Crash::Ordered(seed) | Crash::Random(seed) => seed,
        });
        let last = random.usize(0..=log.len());
        let mut tree = self.base.clone();
        for (position, Record { change, durable }) in log.into_iter().enumerate() {
            let kept = match (crash, &change) {
                _ if durable => Some(change),
                (Crash::Kill, _) => Some(change),
                (Crash::PowerLoss, _) => None,
                (Crash::Ordered(_), Change::Names { .. }) => (position < last).then_some(change),
                (Crash::Ordered(_) | Crash::Random(_), _) => some_of(change, &mut random),
            };
            if let Some(change) = kept {
                tree.apply(&change);
            }
        }
        tree.sweep();
        self.base = tree.clone();
        self.tree = tree;
        self.locks.clear();
        let processes: Vec<u64> = self.processes.keys().copied().collect();
        for process in processes {
            self.end_process(process);
        }
    }

    /// Makes the handles of a process void, and its switches those of a new one.
    pub(super) fn end_process(&mut self, process: u64) {
        let life = self.next_number();
        if let Some(process) = self.processes.get_mut(&process) {
            process.restart(life);
        }
    }

    pub(super) fn set_lowers_names(&mut self, lowers_names: bool) {
        self.tree.set_lowers_names(lowers_names);
        self.base.set_lowers_names(lowers_names);
    }

    pub(super) fn set_folds_names(&mut self, folds_names: bool) {
        self.tree.set_folds_names(folds_names);
        self.base.set_folds_names(folds_names);
    }

    /// Makes a folder the top of a file system of its own; everything so far becomes durable.
    pub(super) fn mount(&mut self, folder: Inode) -> u64 {
        self.sync_all();
        let device = self.next_number();
        self.tree.set_device(folder, device);
        self.base.set_device(folder, device);
        device
    }
}

/// Marks changes, and every earlier change of the same names: no file system makes a name's
/// second change durable without its first.
fn make_durable(log: &mut VecDeque<Record>, base: &mut Tree, selects: impl Fn(&Change) -> bool) {
    let mut names: BTreeSet<(Inode, OsString)> = BTreeSet::new();
    for record in log.iter_mut().rev() {
        let settings: &[_] = match &record.change {
            Change::Names { settings, .. } => settings,
            _ => &[],
        };
        let entry = |(folder, name, _): &(Inode, OsString, _)| (*folder, name.clone());
        if !record.durable
            && (selects(&record.change) || settings.iter().any(|s| names.contains(&entry(s))))
        {
            record.durable = true;
            names.extend(settings.iter().map(entry));
        }
    }
    while log.front().is_some_and(|record| record.durable) {
        if let Some(record) = log.pop_front() {
            base.apply(&record.change);
        }
    }
}

/// Tells whether a change concerns certain inodes: their contents and attributes, or with `names`
/// the names in them, too.
fn concerns(change: &Change, selects: impl Fn(Inode) -> bool, names: bool) -> bool {
    match change {
        Change::Make { .. } => false,
        Change::Names { settings, .. } => names && settings.iter().any(|(of, _, _)| selects(*of)),
        Change::Write { inode, .. }
        | Change::Truncate { inode, .. }
        | Change::Mtime { inode, .. }
        | Change::Mode { inode, .. }
        | Change::Attributes { inode, .. } => selects(*inode),
    }
}

/// Keeps a change, drops it, or keeps the beginning of a write.
fn some_of(change: Change, random: &mut fastrand::Rng) -> Option<Change> {
    match (random.u8(0..4), change) {
        (1, Change::Write { inode, offset, bytes, stamp }) => {
            let torn = random.usize(0..=bytes.len());
            Some(Change::Write { inode, offset, bytes: bytes[..torn].into(), stamp })
        }
        (0 | 1, _) => None,
        (_, change) => Some(change),
    }
}
