//! The bucket: what other tools do to it, and what its history must look like.

use lsync::fakes::bucket::{Fault, Mutation, Operation};
use lsync::remote::RemoteErrorKind as Kind;
use lsync::remote::{Condition, Reads as _};
use lsync::tree::RepoPath;

use crate::order::Verb;
use crate::state::{Aside, Simulation, State, Value, value_of};

/// Keys that no working copy can hold.
const ODD_KEYS: &[&str] = &["../up", "a//b", "/abs", "d/", ".lsync/config.yaml"];

const KINDS: &[Kind] =
    &[Kind::Throttled, Kind::Failed, Kind::Interrupted, Kind::Busy, Kind::Denied, Kind::Corrupt];

const OPERATIONS: &[Operation] = &[
    Operation::List,
    Operation::Head,
    Operation::Get,
    Operation::Put,
    Operation::Put,
    Operation::Delete,
    Operation::DeleteMany,
];

/// Those that files in parts add.
const PART_OPERATIONS: &[Operation] = &[
    Operation::Get,
    Operation::StartUpload,
    Operation::UploadPart,
    Operation::UploadPart,
    Operation::CopyPart,
    Operation::CompleteUpload,
    Operation::CompleteUpload,
    Operation::Parts,
    Operation::AbortUpload,
];

impl Simulation {
    /// Lets another tool do something in the bucket.
    pub(crate) fn somebody_acts(&self, state: &mut State) {
        if state.cut.is_some() && state.one_in(4) {
            return self.throw_upload_away(state);
        }
        let key = if state.one_in(20) { state.pick(ODD_KEYS).to_owned() } else { state.path() };
        if state.random.u32(0..3) == 0 {
            state.note(|| format!("another tool deletes {key}"));
            self.remote.delete_as_somebody(&key);
        } else if state.one_in(4) && self.somebody_renames(state, &key) {
            // What the key held is there under a new name, or the reverse.
        } else if !self.has_room_for(state, &key) {
            state.note(|| format!("another tool cannot store {key}"));
        } else {
            let bytes = if key == "d/" { Vec::new() } else { state.fresh("tool") };
            state.values.insert(value_of(&bytes), String::from_utf8_lossy(&bytes).into_owned());
            state.note(|| format!("another tool stores {key} = {}", state_text(&bytes)));
            self.remote.put_as_somebody(&key, bytes);
        }
        self.read_history(state);
        for client in &mut state.clients {
            client.is_disturbed = true;
        }
    }

    /// Lets another tool rename: it copies, and deletes the old name. False where it cannot.
    fn somebody_renames(&self, state: &mut State, key: &str) -> bool {
        let to = state.path();
        let Some(bytes) = self.remote.bytes(key).filter(|_| to != key) else { return false };
        if !self.has_room_for(state, &to) {
            return false;
        }
        state.note(|| format!("another tool renames {key} to {to}"));
        self.remote.put_as_somebody(&to, bytes);
        self.remote.delete_as_somebody(key);
        true
    }

    /// Tells whether the store can hold the key beside those that it holds.
    fn has_room_for(&self, state: &State, key: &str) -> bool {
        self.remote.capabilities().file_beside_folder
            || RepoPath::parse(key).is_ok()
                && !state
                    .bucket
                    .keys()
                    .any(|it| it != key && (is_within(it, key) || is_within(key, it)))
    }

    /// Lets calls to come fail.
    pub(crate) fn break_bucket(&self, state: &mut State) {
        self.remote.clear_faults();
        state.has_faults = true;
        for client in &mut state.clients {
            client.is_disturbed = true;
            client.has_met_faults = true;
        }
        for _ in 0..state.random.u32(1..4) {
            let mut fault = Fault::new(state.pick(KINDS));
            if state.random.u32(0..4) > 0 {
                let is_of_parts = state.cut.is_some() && state.random.bool();
                let operations = if is_of_parts { PART_OPERATIONS } else { OPERATIONS };
                fault = fault.on(state.pick(operations));
            }
            fault = match state.random.u32(0..3) {
                0 => fault.first(state.random.u64(1..12)),
                _ => fault.nth(state.random.u64(1..6)),
            };
            match state.random.u32(0..4) {
                0 => fault = fault.mid_body(),
                1 | 2 => fault = fault.after_it_took_effect(),
                _ => (),
            }
            state.note(|| format!("the bucket will fail: {fault:?}"));
            self.remote.fail(fault);
        }
    }

    /// Reads what happened in the bucket since the last look, and judges it.
    pub(crate) fn read_history(&self, state: &mut State) {
        let history = self.remote.history();
        for mutation in &history[state.mutations..] {
            self.judge(state, mutation);
            let step = state.step;
            state.changed_at.insert(mutation.key.clone(), step);
            let value = mutation.crc64;
            match (value, &mutation.new) {
                (Some(value), Some(etag)) => {
                    state.bucket.insert(mutation.key.clone(), value);
                    state.published.insert((mutation.key.clone(), value));
                    state.etags.insert((mutation.key.clone(), etag.to_string()), value);
                }
                _ => {
                    state.bucket.remove(&mutation.key);
                }
            }
            let name = mutation.client.clone();
            for (client, machine) in self.machines.iter().enumerate() {
                if machine.name != name {
                    state.clients[client].is_disturbed = true;
                }
            }
        }
        state.mutations = history.len();
    }

    /// I2, I7, I8, I9 and I12: judges a change of an object by a client.
    fn judge(&self, state: &mut State, mutation: &Mutation) {
        let Some(client) = self.machines.iter().position(|it| it.name == mutation.client) else {
            return;
        };
        let (name, key) = (&mutation.client, &mutation.key);
        let old = state.bucket.get(key).copied();
        // I2: each write says what it expects, and is only stored where it finds that.
        let is_conditional = match (&mutation.condition, &mutation.old) {
            (Some(Condition::Absent), None) => true,
            (Some(Condition::Matches(expected)), Some(found)) => expected == found,
            _ => false,
        };
        // A store that does not look itself leaves a moment between the look and the write.
        let looked_at = state.clients[client].looked_at.get(key);
        let changed_at = state.changed_at.get(key);
        let is_overtaken = looked_at.is_some() && changed_at > looked_at;
        if !is_conditional && !is_overtaken {
            state.violate(format!("I2: {name} changed {key} without a condition that held"));
        }
        let verb = state.clients[client].order.as_ref().map(|order| order.verb);
        if verb.is_none_or(Verb::spares_the_bucket) {
            state.violate(format!("I8: {name} changed {key} in the bucket by {verb:?}"));
        }
        if RepoPath::parse(key).is_err() || !state.clients[client].selects(key) {
            state.violate(format!("I9: {name} changed the key {key:?}"));
        }
        let order = state.clients[client].order.as_ref();
        if mutation.new.is_none() && order.is_some_and(|order| order.options.no_delete) {
            state.violate(format!("I12: {name} deletes {key} in spite of --no-delete"));
        }
        if state.clients[client].conflicts.iter().any(|it| is_within(key, it)) {
            state.violate(format!("I7: {name} changed {key}, which is a conflict"));
        }
        if let Some(new) = mutation.crc64 {
            self.count_upload(state, client, key);
            self.judge_upload(state, client, key, new);
        }
        if let Some(old) = old.filter(|old| Some(*old) != mutation.crc64 && !is_overtaken) {
            self.judge_loss(state, client, key, old);
        }
    }

    /// I11: what is stored was the content of that file at one moment. I12: it is nothing that the
    /// client's database knew and somebody has replaced or removed since.
    fn judge_upload(&self, state: &mut State, client: usize, key: &str, new: Value) {
        let had = &state.clients[client].had;
        let is_copy = key.contains(".conflict-") && had.iter().any(|(_, value)| *value == new);
        // Where only the bucket has the file of a file against a folder, the copy holds that.
        let is_theirs = |it: &Aside| it.copy == key && it.theirs == Some(new);
        let is_copy = is_copy || state.clients[client].asides.iter().any(is_theirs);
        if !is_copy && !had.contains(&(key.to_owned(), new)) {
            let (name, new) = (self.name(client), state.say(new));
            return state
                .violate(format!("I11: {name} stored {new} as {key}, which never held that"));
        }
        let own = &state.clients[client];
        let is_forced = own.order.as_ref().is_none_or(|order| order.verb.is_forced());
        if !is_forced && own.rows.get(key) == Some(&new) {
            let (name, new) = (self.name(client), state.say(new));
            state
                .violate(format!("I12: {name} stores {new} as {key} again: somebody took it away"));
        }
    }

    /// I1: what is overwritten or deleted in the bucket was superseded here, or is kept.
    fn judge_loss(&self, state: &mut State, client: usize, key: &str, old: Value) {
        let own = &state.clients[client];
        let is_replaced = |path: &str| own.replaced.contains(&(path.to_owned(), old));
        // A file that gives its name to a folder goes on as its copy: whoever replaces that knows it.
        let is_superseded =
            is_replaced(key) || own.asides.iter().any(|it| it.path == key && is_replaced(&it.copy));
        // A folder that a person renames while a file is on its way into it takes the file along.
        let is_elsewhere = || {
            let tree = self.tree(client);
            tree.iter().any(|(path, value)| path != key && *value == old)
        };
        let keeps_versions = self.remote.capabilities().versioning;
        let is_kept = || keeps_versions || self.trash(client).contains(&old);
        if is_superseded || is_elsewhere() {
            return;
        }
        if is_kept() {
            // From now on it must stay there, whatever happens.
            if !keeps_versions {
                state.clients[client].owned.insert(old);
            }
            return;
        }
        let (name, old) = (self.name(client), state.say(old));
        state.violate(format!(
            "I1: {name} took {old} out of the bucket at {key}, and nobody there had replaced it"
        ));
    }
}

fn state_text(bytes: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(bytes))
}

/// Tells whether a path is another one, or lies below it.
pub(crate) fn is_within(path: &str, top: &str) -> bool {
    path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
