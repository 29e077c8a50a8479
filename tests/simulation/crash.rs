//! A machine goes down: what may be gone, and what must not.

use std::collections::BTreeMap;
use std::path::Path;

use lsync::fakes::disk::Crash;

use crate::state::{Client, Expected, ROOT, Simulation, State, Value, value_of};

/// What [`lsync::fakes::disk::Person::save`] writes first, and writes over where a crash left one.
const DRAFT: &str = ".draft of an editor";

impl Simulation {
    /// I1 and I14: takes the power from a machine. Only what a person wrote since the disk was last synced may
    /// be missing: that is no doing of lsync's.
    pub(crate) fn crash(&self, state: &mut State, client: usize, crash: Crash) {
        let before = self.inodes(client, "");
        self.machines[client].disk.crash(crash);
        state.clients[client].has_lost_power = true;
        state.clients[client].is_killed = state.clients[client].order.is_some();
        let person = self.machines[client].observer.person();
        let drafts = person.files_below(ROOT).into_keys().filter(|path| path.ends_with(DRAFT));
        drafts.for_each(|draft| person.remove(Path::new(ROOT).join(draft)));
        for bytes in person.files_below(ROOT).values() {
            // Half of a write is a content, too, that nobody can tell from a wanted one.
            let text = format!("{} (after a crash)", String::from_utf8_lossy(bytes));
            state.values.entry(value_of(bytes)).or_insert(text);
        }
        let (tree, trash) = (self.tree(client), self.trash(client));
        let step = state.step;
        let own = &mut state.clients[client];
        own.had.extend(tree.iter().map(|(path, value)| (path.clone(), *value)));
        // What the power tore on its way to the trash may come back to its name.
        for (inode, value) in self.inodes(client, ".lsync/trash") {
            let Some(old) = before.get(&inode).filter(|old| **old != value) else { continue };
            let paths = own.had.iter().filter(|(_, it)| it == old);
            let torn: Vec<_> = paths.map(|(path, _)| (path.clone(), value)).collect();
            own.had.extend(torn);
        }
        let fragile = std::mem::take(&mut own.fragile);
        let fragile_names = std::mem::take(&mut own.fragile_names);
        let is_there = |value: &u64| trash.contains(value) || tree.values().any(|it| it == value);
        let lost: Vec<u64> = own.owned.iter().copied().filter(|it| !is_there(it)).collect();
        for value in &lost {
            own.owned.remove(value);
        }
        let Client { written, rows, owned, expected, .. } = &mut *own;
        expected.retain(|path, file| {
            // What a command brought into a folder that a person had moved away, as it has said: no
            // row stands for it, and nobody wrote it here.
            let is_stray = !rows.contains_key(path)
                && !written.contains_key(&file.value)
                && !owned.contains(&file.value);
            let is_fragile =
                is_stray || fragile.contains(&file.value) || fragile_names.contains(path);
            tree.get(path) == Some(&file.value) || !is_fragile
        });
        for (path, value) in &tree {
            // Half of a write is as old as the crash, wherever a person moves it afterwards.
            if !before.values().any(|it| it == value) {
                own.written.entry(*value).or_insert(step);
            }
            let file = Expected::new(*value, step);
            own.expected.entry(path.clone()).or_insert(file);
            // A removal that was not durable yet is undone by the power, not by the command.
            if fragile_names.contains(path) {
                own.tree_at_first.entry(path.clone()).or_insert(*value);
            }
        }
        for value in lost.into_iter().filter(|value| !fragile.contains(value)) {
            let (name, value) = (self.name(client), state.say(value));
            state.violate(format!("I1: {name} had {value} durably, and lost it with the power"));
        }
    }

    /// Returns what the files below a folder hold, by inode.
    fn inodes(&self, client: usize, below: &str) -> BTreeMap<u64, Value> {
        let person = self.machines[client].observer.person();
        let folder = Path::new(ROOT).join(below);
        if person.stat(&folder).is_none() {
            return BTreeMap::new();
        }
        let files = person.files_below(&folder).into_iter();
        files
            .filter_map(|(path, bytes)| {
                let stat = person.stat(folder.join(path))?;
                Some((stat.inode, value_of(&bytes)))
            })
            .collect()
    }

    /// Makes everything on a disk durable, as the system does from time to time.
    pub(crate) fn sync_disk(&self, state: &mut State, client: usize) {
        let name = self.name(client);
        state.note(|| format!("{name}'s disk is synced by the system"));
        self.machines[client].disk.sync_all();
        state.clients[client].fragile.clear();
        state.clients[client].fragile_names.clear();
    }
}
