//! What the harness sees of each I/O operation, and what no operation may be.

use std::path::{Component, Path};
use std::sync::Arc;
use std::time::Duration;

use lsync::clock::Clock;
use lsync::fakes::bucket::{Call as RemoteCall, HookFuture, Moment, Operation as RemoteOperation};
use lsync::fakes::disk::{Call, MemoryDisk, Operation};

use crate::bucket::is_within;
use crate::order::Verb;
use crate::state::{ROOT, Simulation, State, Way};

/// What lsync may change in `.lsync`.
const OWN_NAMES: &[&str] = &[
    "tmp",
    "transfers",
    "trash",
    "lock",
    "database.yaml",
    "database.yaml.new",
    "journal.yaml",
    "journal.yaml.new",
];

/// Calls that a person may come in between.
const MOVES: &[RemoteOperation] = &[
    RemoteOperation::Get,
    RemoteOperation::Put,
    RemoteOperation::UploadPart,
    RemoteOperation::CopyPart,
    RemoteOperation::CompleteUpload,
];

impl Simulation {
    /// Sees a call of the disk before it happens.
    pub(crate) fn see_disk(&self, client: usize, operation: &Operation) {
        if std::thread::panicking() {
            return;
        }
        {
            let mut state = self.state();
            self.judge_call(&mut state, client, operation);
            state.see_opening(client, operation);
            let State { clients, counts, .. } = &mut *state;
            let cut = clients[client].order.as_ref().and_then(|order| order.cut);
            clients[client].moved.see(operation, (&self.machines[client].observer, cut), counts);
        }
        self.step(client, || said(operation));
    }

    /// Sees a call of the bucket, before and after.
    pub(crate) fn see_remote(
        self: &Arc<Self>,
        client: usize,
        call: &RemoteCall,
        moment: Moment,
    ) -> HookFuture {
        {
            let mut state = self.state();
            if MOVES.contains(&call.operation) {
                state.hot = Some(call.key.clone());
            }
            if moment != Moment::Before {
                self.read_history(&mut state);
            }
            if moment == Moment::Between {
                let step = state.step;
                state.clients[client].looked_at.insert(call.key.clone(), step);
            }
            self.judge_request(&mut state, client, call);
            self.see_part(&mut state, client, (call, moment));
        }
        self.step(client, || format!("{moment:?} {} {}", call.operation.word(), call.key));
        let pauses = if self.state().is_calm { 0 } else { self.state().random.u32(0..3) };
        Box::pin(async move {
            for _ in 0..pauses {
                tokio::task::yield_now().await;
            }
        })
    }

    /// I13: whoever only looks downloads nothing, but for ignore rules.
    fn judge_request(&self, state: &mut State, client: usize, call: &RemoteCall) {
        let looks = match call.operation {
            RemoteOperation::List | RemoteOperation::Head => true,
            RemoteOperation::Get => call.key.rsplit('/').next() == Some(".lsyncignore"),
            _ => false,
        };
        let order = state.clients[client].order.as_ref();
        if !looks && order.is_none_or(|order| order.verb == Verb::Status) {
            let (name, call) = (self.name(client), call.operation.word());
            state.violate(format!("I13: {name} only looks, and makes a {call}"));
        }
    }

    /// I8, I9 and I13: what a call of the disk may be about.
    fn judge_call(&self, state: &mut State, client: usize, operation: &Operation) {
        let changes = operation.call.changes()
            && !matches!(operation.call, Call::SyncFile | Call::SyncFolder | Call::SyncFileSystem);
        let looks = state.clients[client].order.as_ref().is_none_or(|it| it.verb == Verb::Status);
        if looks && operation.call.changes() {
            let (name, call) = (self.name(client), operation.call);
            state.violate(format!("I13: {name} only looks, and makes a {call:?}"));
        }
        let here = operation.folder.join(&operation.name);
        let there = operation.other.as_ref().map(|(folder, name)| folder.join(name));
        let (name, call) = (self.name(client), operation.call);
        let control = Path::new(ROOT).join(".lsync");
        state.clients[client].moving = None;
        state.clients[client].is_in_gap =
            call == Call::RenameOver && there.as_ref().is_some_and(|it| !it.starts_with(&control));
        for path in [Some(&here), there.as_ref()].into_iter().flatten() {
            // A folder that was removed meanwhile has no path any more.
            if path.is_relative() {
                continue;
            }
            let Ok(path) = path.strip_prefix(ROOT) else {
                state.violate(format!("I9: {name} touched {} ({call:?})", path.display()));
                continue;
            };
            let looks = matches!(call, Call::Lstat | Call::Fstat) && !path.starts_with(".lsync");
            if looks {
                state.clients[client].moving = path.to_str().map(str::to_owned);
            }
            if !changes {
                continue;
            }
            if path.starts_with(".lsync") {
                let mut parts = path.components().skip(1);
                if let Some(Component::Normal(part)) = parts.next()
                    && !OWN_NAMES.iter().any(|own| *own == part)
                {
                    state.violate(format!("I9: {name} changed {} ({call:?})", path.display()));
                }
                continue;
            }
            if let Some(path) = path.to_str().filter(|path| !path.is_empty()) {
                state.hot = Some(path.to_owned());
                self.judge_move(state, client, call, path);
            }
            let verb = state.clients[client].order.as_ref().map(|order| order.verb);
            // What a killed run has moved away gets its name back from whatever comes next.
            let is_given_back = call == Call::RenameNew && here.starts_with(control.join("trash"));
            if verb.is_none_or(Verb::spares_the_tree) && !is_given_back {
                let path = path.display();
                state.violate(format!("I8: {name} changed {path} ({call:?}) by {verb:?}"));
            }
        }
        self.judge_taken_name(state, client, call, (&here, there.as_deref()));
    }

    /// Counts a move of a name in the tree, which lies within what the command may touch (I9).
    fn judge_move(&self, state: &mut State, client: usize, call: Call, path: &str) {
        let own = &mut state.clients[client];
        own.moving = Some(path.to_owned());
        if matches!(call, Call::MakeFolder | Call::RemoveFolder) {
            return;
        }
        if own.moved_at != own.operations + 1 {
            own.moves += 1;
            own.moved_at = own.operations + 1;
        }
        // A folder that a person renames meanwhile takes along what is moved in it.
        if !own.is_disturbed && !own.selects(path) {
            let name = self.name(client);
            state.violate(format!("I9: {name} moves {path} ({call:?}), which nobody selected"));
        }
    }

    /// I10: a name in the tree is only taken away where the plan says so.
    fn judge_taken_name(
        &self,
        state: &mut State,
        client: usize,
        call: Call,
        (path, to): (&Path, Option<&Path>),
    ) {
        let Ok(path) = path.strip_prefix(ROOT) else { return };
        if path.starts_with(".lsync") {
            return;
        }
        let path = path.to_str().unwrap().to_owned();
        // `resolve --both` puts theirs under the copy's name before it exchanges the two.
        let is_copy = path.contains(".conflict-");
        // Of a file against a folder it gives the file here the copy's name.
        let to = to.and_then(|to| to.strip_prefix(ROOT).ok()?.to_str());
        let is_aside = to.is_some_and(|to| state.clients[client].sets_aside(&path, to));
        if is_aside {
            state.clients[client].moving = Some(path.clone());
        }
        let way = to.and_then(|to| state.clients[client].renames(&path, to));
        let is_planned =
            is_copy || is_aside || way.is_some() || self.is_planned_removal(state, client, &path);
        let takes = matches!(call, Call::RenameNew | Call::RenameOver) && !is_planned;
        let unlinks = call == Call::Unlink && !is_copy;
        if call == Call::RenameNew && way != Some(Way::Back) {
            self.judge_deletion(state, client, &path);
        }
        let order = state.clients[client].order.as_ref();
        if call == Call::RenameNew && order.is_some_and(|it| it.options.no_delete) {
            let name = self.name(client);
            state.violate(format!("I12: {name} takes {path} away in spite of --no-delete"));
        }
        let writes = matches!(call, Call::Truncate | Call::Write | Call::WriteAt | Call::Allocate);
        if takes || unlinks || writes {
            let name = self.name(client);
            state.violate(format!("I10: {name} took the name {path} away ({call:?})"));
        }
    }
}

impl State {
    /// Notes that what was transferred last, or a folder above it, is about to be opened by its name.
    fn see_opening(&mut self, client: usize, operation: &Operation) {
        let opens = matches!(operation.call, Call::Open | Call::OpenFolder);
        let path = operation.folder.join(&operation.name);
        let path = path.strip_prefix(ROOT).ok().filter(|path| opens && *path != Path::new(""));
        let is_above = |hot: &&String| path.is_some_and(|path| Path::new(hot).starts_with(path));
        self.clients[client].opening = self.hot.as_ref().filter(is_above).cloned();
    }
}

impl Simulation {
    /// I12: a file only goes because its object has gone, or has become another one, unless the
    /// command was told to.
    fn judge_deletion(&self, state: &mut State, client: usize, path: &str) {
        let own = &state.clients[client];
        let is_forced = own.order.as_ref().is_none_or(|order| order.verb.is_forced());
        let has_changed = state.changed_at.get(path).is_some_and(|step| *step >= own.begun_at);
        if is_forced || has_changed {
            return;
        }
        let holds = self.tree(client).get(path).copied();
        if holds.is_some() && state.bucket.get(path).copied() == holds {
            let name = self.name(client);
            state.violate(format!("I12: {name} takes {path} away, which is in the bucket"));
        }
    }

    /// Tells whether the plan takes the name away, a file's or a folder's, or took it before a person
    /// renamed the folder above.
    fn is_planned_removal(&self, state: &State, client: usize, path: &str) -> bool {
        let removals = &state.clients[client].removals;
        let name = |path: &str| path.rsplit('/').next().map(str::to_owned);
        let order = state.clients[client].order.as_ref();
        let is_forced = order.is_some_and(|order| order.verb.is_forced());
        let held: Vec<_> =
            self.tree(client).into_iter().filter(|(it, _)| is_within(it, path)).collect();
        let is_known = |planned: &str| {
            let known = |(it, value): &(String, u64)| {
                let key = format!("{planned}{}", &it[path.len()..]);
                is_forced || state.published.contains(&(key, *value))
            };
            !held.is_empty() && held.iter().all(known)
        };
        let is_it = |planned: &String| name(planned) == name(path) && is_known(planned);
        removals.contains(path) || removals.iter().any(is_it)
    }
}

fn said(operation: &Operation) -> String {
    let Operation { call, folder, name, other } = operation;
    let mut text = format!("{call:?} {}", folder.join(name).display());
    if let Some((folder, name)) = other {
        text = format!("{text} -> {}", folder.join(name).display());
    }
    text
}

/// The clock of a simulated machine: who sleeps moves it on, bit by bit.
#[derive(Clone)]
pub(crate) struct SimulatedClock {
    pub(crate) simulation: Arc<Simulation>,
    pub(crate) client: usize,
    pub(crate) disk: MemoryDisk,
}

impl Clock for SimulatedClock {
    fn now(&self) -> i64 {
        self.disk.now()
    }

    async fn sleep(&self, duration: Duration) {
        let mut rest = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        while rest > 0 {
            self.simulation.step(self.client, || format!("sleeps, {rest} ns to go"));
            let passed = {
                let mut state = self.simulation.state();
                if state.random.bool() { rest } else { state.random.i64(1..=rest) }
            };
            self.disk.advance(passed);
            rest -= passed;
            tokio::task::yield_now().await;
        }
    }
}
