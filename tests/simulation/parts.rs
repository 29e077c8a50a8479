//! Files in parts: which seeds have them, how many are gone on with, and what none may leave.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fastrand::Rng;
use lsync::fakes::bucket::{Call as RemoteCall, Moment, Operation as RemoteOperation};
use lsync::fakes::disk::{Call, MemoryDisk, Operation};
use lsync::sync::Tuning;

use crate::state::{ROOT, Simulation, State};

/// How files are cut, so that a few words travel as a film does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    /// Larger files travel in parts.
    whole_bytes: u64,
    part_bytes: u64,
}

impl Cut {
    /// Draws it for one seed in three; the others move files whole.
    pub(crate) fn draw(random: &mut Rng) -> Option<Self> {
        (random.u32(0..3) == 0).then(|| Self::any(random))
    }

    pub(crate) fn any(random: &mut Rng) -> Self {
        Self { whole_bytes: random.u64(0..12), part_bytes: random.u64(3..11) }
    }

    pub(crate) fn tuning(cut: Option<Self>, jobs: usize) -> Tuning {
        let tuning = Tuning::of(NonZeroUsize::new(jobs).unwrap());
        match cut {
            Some(Self { whole_bytes, part_bytes }) => Tuning {
                whole_bytes,
                copied_bytes: whole_bytes / 2,
                part_bytes: Some(part_bytes),
                // Contents are compared while there is more to list and to scan.
                compared_rows: 1 + jobs % 3,
                ..tuning
            },
            None => tuning,
        }
    }

    /// Returns how many parts a file of `size` bytes has; `None` where it travels whole.
    fn parts(self, size: u64) -> Option<u64> {
        (size > self.whole_bytes).then(|| size.div_ceil(self.part_bytes))
    }
}

/// How much of it was exercised.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) seeds: u64,
    pub(crate) uploads: Counted,
    pub(crate) downloads: Counted,
    /// Parts that the store took from another object.
    pub(crate) copied: u64,
    /// Uploads that the store threw away.
    pub(crate) thrown_away: u64,
    /// Uploads that a kill, or an answer that got lost, left to nobody.
    pub(crate) orphans: u64,
}

/// Files that came to their end in parts, one way.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counted {
    pub(crate) files: u64,
    pub(crate) parts: u64,
    /// Files that an earlier command had begun, with parts that were not moved again.
    pub(crate) resumed: u64,
    /// Those parts.
    pub(crate) spared: u64,
}

impl Counted {
    /// Counts a file, of whose parts this command has moved `moved`.
    fn add(&mut self, parts: u64, moved: u64) {
        let spared = parts.saturating_sub(moved);
        self.files += 1;
        self.parts += parts;
        self.resumed += u64::from(spared > 0);
        self.spared += spared;
    }
}

impl Counts {
    pub(crate) fn merge(&mut self, other: &Self) {
        for (ours, theirs) in
            [(&mut self.uploads, &other.uploads), (&mut self.downloads, &other.downloads)]
        {
            ours.files += theirs.files;
            ours.parts += theirs.parts;
            ours.resumed += theirs.resumed;
            ours.spared += theirs.spared;
        }
        self.seeds += other.seeds;
        self.copied += other.copied;
        self.thrown_away += other.thrown_away;
        self.orphans += other.orphans;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "in parts: {} seeds", self.seeds)?;
        for (way, it) in [("up", self.uploads), ("down", self.downloads)] {
            let Counted { files, parts, resumed, spared } = it;
            write!(
                formatter,
                "; {way} {files} files of {parts} parts, {resumed} gone on with, {spared} parts spared"
            )?;
        }
        let Self { copied, thrown_away, orphans, .. } = self;
        write!(
            formatter,
            "; {copied} parts copied; {thrown_away} uploads thrown away by the store, {orphans} orphaned"
        )
    }
}

/// What a command has moved of each file so far.
#[derive(Default)]
pub(crate) struct Moved {
    /// Parts that were sent, by key.
    sent: BTreeMap<String, u64>,
    /// Ranges that were written, by the name of the staged file.
    received: BTreeMap<OsString, u64>,
    /// All of them.
    parts: u64,
}

impl Moved {
    /// Returns how many parts of files the command has moved.
    pub(crate) fn parts(&self) -> u64 {
        self.parts
    }

    /// Sees a call on the disk of a working copy before it happens.
    pub(crate) fn see(
        &mut self,
        operation: &Operation,
        (disk, cut): (&MemoryDisk, Option<Cut>),
        counts: &mut Counts,
    ) {
        let Operation { call, folder, name, .. } = operation;
        let is_partial = name.to_str().is_some_and(|name| name.starts_with("partial-"));
        if !is_partial || *folder != Path::new(ROOT).join(".lsync/tmp") {
            return;
        }
        match call {
            Call::Create | Call::OpenWrite => drop(self.received.insert(name.clone(), 0)),
            Call::WriteAt => {
                self.parts += 1;
                *self.received.entry(name.clone()).or_default() += 1;
            }
            Call::RenameNew | Call::RenameOver | Call::Exchange => {
                let size = disk.person().stat(folder.join(name)).map_or(0, |stat| stat.size);
                let parts = cut.and_then(|cut| cut.parts(size));
                if let (Some(parts), Some(moved)) = (parts, self.received.remove(name)) {
                    counts.downloads.add(parts, moved);
                }
            }
            _ => (),
        }
    }

    /// Counts an upload by its note, where the calls of the bucket are not seen.
    pub(crate) fn see_note(operation: &Operation, counts: &mut Counts) {
        let is_note = operation.name.to_str().is_some_and(|name| name.starts_with("up-"));
        match operation.call {
            Call::Create if is_note => counts.uploads.files += 1,
            // Its first line, too, which is the price of simplicity.
            Call::Write if is_note => counts.uploads.parts += 1,
            _ => (),
        }
    }

    fn see_remote(&mut self, call: &RemoteCall) {
        match call.operation {
            RemoteOperation::StartUpload => drop(self.sent.insert(call.key.clone(), 0)),
            RemoteOperation::UploadPart | RemoteOperation::CopyPart => {
                self.parts += 1;
                *self.sent.entry(call.key.clone()).or_default() += 1;
            }
            _ => (),
        }
    }
}

impl Simulation {
    /// Lets syncs end amid the parts of what persons just wrote, and others go on with it; now and
    /// then somebody was at the file, the object or the upload meanwhile.
    pub(crate) fn go_on_with_parts(self: &Arc<Self>) {
        let rounds = self.state().random.u32(1..5);
        for _ in 0..rounds {
            let (client, order) = {
                let mut state = self.state();
                if state.cut.is_none() || state.violation.is_some() {
                    return;
                }
                if state.random.bool() {
                    self.remote.clear_faults();
                    state.has_faults = false;
                }
                for _ in 0..state.random.u32(0..4) {
                    self.person_acts(&mut state);
                }
                (state.random.usize(0..self.machines.len()), state.broken_off())
            };
            self.start(client, order);
            self.wait_for_all();
            let order = {
                let mut state = self.state();
                match state.random.u32(0..12) {
                    0 => self.person_acts_at(&mut state, client),
                    1 => self.somebody_acts(&mut state),
                    2 => self.throw_upload_away(&mut state),
                    _ => (),
                }
                if state.random.bool() { state.broken_off() } else { state.order() }
            };
            self.start(client, order);
            self.wait_for_all();
        }
    }

    /// Sees a call of the bucket that may be about a part.
    pub(crate) fn see_part(
        &self,
        state: &mut State,
        client: usize,
        (call, moment): (&RemoteCall, Moment),
    ) {
        if moment != Moment::After {
            return;
        }
        state.clients[client].moved.see_remote(call);
        state.counts.copied += u64::from(call.operation == RemoteOperation::CopyPart);
        if call.operation == RemoteOperation::StartUpload {
            // Nobody runs between the effect of a call and this moment.
            for id in self.remote.uploads().into_keys() {
                state.uploads.entry(id).or_insert(client);
            }
        }
    }

    /// Counts an object that was stored in parts.
    pub(crate) fn count_upload(&self, state: &mut State, client: usize, key: &str) {
        let own = &state.clients[client];
        let size = self.remote.bytes(key).map_or(0, |bytes| bytes.len() as u64);
        let cut = own.order.as_ref().and_then(|order| order.cut);
        if let Some(parts) = cut.and_then(|cut| cut.parts(size)) {
            let moved = own.moved.sent.get(key).copied().unwrap_or_default();
            state.counts.uploads.add(parts, moved);
        }
    }

    /// Lets the store end an upload that nobody has completed, as a rule for old ones does.
    pub(crate) fn throw_upload_away(&self, state: &mut State) {
        let uploads: Vec<_> = self.remote.uploads().into_iter().collect();
        if uploads.is_empty() {
            return;
        }
        let (id, (key, _)) = state.pick(&uploads);
        state.note(|| format!("the store throws {id} of {key} away"));
        state.counts.thrown_away += 1;
        self.remote.end_upload_as_somebody(&id);
        for client in &mut state.clients {
            client.is_disturbed = true;
        }
    }

    /// I18: an upload that a command leaves is in a note, so that a later one ends it; only a power
    /// cut, a call that failed, or a kill before the first part can leave one that nobody knows of.
    pub(crate) fn check_uploads(&self, state: &mut State, client: usize) {
        let notes = self.notes(client);
        for (id, (key, parts)) in self.remote.uploads() {
            let is_noted = || notes.values().any(|note| names(note, &id));
            if state.uploads.get(&id) != Some(&client) || state.orphans.contains(&id) || is_noted()
            {
                continue;
            }
            let own = &state.clients[client];
            let has_just_begun = own.is_killed && parts == 0;
            if !has_just_begun && !own.has_lost_power && !own.has_met_faults {
                let name = self.name(client);
                state.violate(format!("I18: {name} forgot {id} of {key}"));
            }
            state.counts.orphans += 1;
            state.orphans.insert(id);
        }
    }

    /// I18: at rest there is no note, no staged file, and no upload that anybody knows of.
    pub(crate) fn check_left_over(&self, state: &mut State, client: usize) {
        let name = self.name(client);
        if let Some(file) = left_over(&self.machines[client].observer) {
            state.violate(format!("I18: {name} leaves {}", file.display()));
        }
        let known = (self.remote.uploads().into_iter())
            .find(|(id, _)| state.uploads.get(id) == Some(&client) && !state.orphans.contains(id));
        if let Some((id, (key, _))) = known {
            state.violate(format!("I18: {name} leaves {id} of {key} in the bucket"));
        }
    }

    /// Returns the notes of a working copy by name.
    fn notes(&self, client: usize) -> BTreeMap<String, String> {
        let person = self.machines[client].observer.person();
        let folder = Path::new(ROOT).join(".lsync/transfers");
        if person.stat(&folder).is_none() {
            return BTreeMap::new();
        }
        let notes = person.files_below(&folder).into_iter();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        notes.map(|(name, bytes)| (name.display().to_string(), text(bytes))).collect()
    }
}

/// Returns a note or a staged file in a working copy at rest.
pub(crate) fn left_over(disk: &MemoryDisk) -> Option<PathBuf> {
    let control = Path::new(ROOT).join(".lsync");
    let mut folders = ["transfers", "tmp"].into_iter().map(|folder| control.join(folder));
    folders.find_map(|folder| {
        disk.person().stat(&folder)?;
        let files = disk.person().files_below(&folder);
        files.keys().next().map(|file| folder.join(file))
    })
}

/// Tells whether a note is about an upload; one with a torn first line is about nothing.
fn names(note: &str, id: &str) -> bool {
    let first = note.lines().next().unwrap_or_default();
    !first.contains('\0') && first.ends_with('}') && first.contains(&format!("upload: \"{id}\""))
}
