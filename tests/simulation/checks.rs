//! What must hold, whatever happened, and where it is looked at.
//!
//! - **I1, no loss here**: what a person wrote on a disk and did not overwrite or remove there is on
//!   that disk, in the tree or in the trash, where a list names it so that `trash restore` finds it.
//!   (`check_owned`, at the end of each command, after each kill and now and then in between; `crash`
//!   for a power loss)
//! - **I1, no loss there**: a command takes a content out of the bucket only where a person of that
//!   client replaced or removed that very content at that path, or where the client's trash or the
//!   bucket's versions hold it, from then on for ever. (`judge_loss`, from the bucket's history)
//! - **I2, compare and swap**: each write in the history had a condition that held; in a store that
//!   honours none, when the client last looked. (`judge`)
//! - **I3, causality**: what a person left under a name is there when a command that was not told to
//!   overwrite ends; unless it had been in the bucket under that key, or the command reports where it
//!   is. For a forced command that holds for what was written after it had planned.
//!   (`check_expected`)
//! - **I4, truth of the database**: where a row's signature is that of the file, the file holds the
//!   content of the row's `ETag`. (`check_rows`) After a complete run there is a row for each file and
//!   no other. (`check_agreement`)
//! - **I5, convergence**: at the end all trees become the bucket. (`come_to_rest`)
//! - **I6, idempotence**: and then nothing happens. (`check_idempotence`)
//! - **I7, conflicts are stable**: no object that is an open conflict is changed. (`judge`; here by I3)
//! - **I8, direction**: pushes change no name in the tree, pulls no object. (`judge_call`, `judge`)
//! - **I9, confinement**: nothing outside of the root or of what was selected is touched, nothing
//!   unknown in `.lsync`. (`judge_call`, `judge_move`, `judge`)
//! - **I10, atomic visibility**: every file seen in the tree is whole, and a name only goes where the
//!   plan takes it. (`check_seen`, `judge_taken_name`)
//! - **I11, no torn upload**: what a client stores was the content of that file at one moment.
//!   (`judge_upload`)
//! - **I12, proof of deletions**: a command that was not told to delete takes no file away whose object
//!   is in the bucket, the same, all the time; with `--no-delete`, none at all. (`judge_deletion`) And
//!   none is undone. (`check_removals`, `judge_upload`)
//! - **I13, dry runs**: what only looks changes nothing and downloads nothing, and what it shows is
//!   what the next run does. (`judge_call`, `judge_request`, `check_rehearsal`)
//! - **I14, crashes**: after each kill the same rules hold, and the end is the same. (`crash`, and I5)
//! - **I15, progress**: nothing fails once nothing interferes, and rest comes within a few rounds,
//!   whatever lies beside. (`round`, `come_to_rest`)
//! - **I16, exit codes**: 0 exactly where nothing failed, is left aside or is a conflict.
//!   (`check_exit`) A run that says it is complete, and that nothing disturbed, leaves nothing to do.
//!   (`check_complete`)
//! - **I17, determinism**: the same seed gives the same trace. (a test of its own)
//! - **I18, no remains**: a command leaves no upload in parts that no note knows, but for a power cut, a
//!   call that failed, or a kill before the first part. (`check_uploads`) At rest there is no note, no
//!   staged file, and no upload but those that were left to nobody in one of these ways.
//!   (`check_left_over`)
//! - **R14, one at a time**: a second command in a working copy ends at once. (`try_another`)

use std::path::Path;

use lsync::repository::Repository;
use lsync::tree::BaseRow;

use crate::state::{Aside, Expected, ROOT, Simulation, State, Tree, Value};

impl Simulation {
    /// I14: everything that must hold at the end of a command, killed or not. `is_over`: it came to its
    /// end, and so has settled and reported whatever was left of others.
    pub(crate) fn check_after(&self, state: &mut State, client: usize, is_over: bool) {
        self.read_history(state);
        self.check_owned(state, client);
        self.check_seen(state, client);
        self.check_removals(state, client);
        self.check_rows(state, client);
        self.check_uploads(state, client);
        let tree = self.tree(client);
        let step = state.step;
        let planned_at = state.clients[client].planned_at;
        let own = &mut state.clients[client];
        own.said = own.told[own.told_before..].to_vec();
        own.had.extend(tree.iter().map(|(path, value)| (path.clone(), *value)));
        if own.order.as_ref().is_some_and(|order| order.verb.is_forced()) {
            own.forced_until = own.forced_until.max(planned_at.unwrap_or(0));
        }
        if !is_over {
            return;
        }
        self.check_expected(state, client);
        let own = &mut state.clients[client];
        own.expected =
            (tree.into_iter()).map(|(path, value)| (path, Expected::new(value, step))).collect();
        own.told.clear();
        own.asides.clear();
        own.forced_until = 0;
    }

    /// I1 on the disk of a client.
    pub(crate) fn check_owned(&self, state: &mut State, client: usize) {
        let (tree, trash) = (self.tree(client), self.trash(client));
        let is_there = |value: &u64| trash.contains(value) || tree.values().any(|it| it == value);
        let owned = &state.clients[client].owned;
        let lost: Vec<u64> = owned.iter().copied().filter(|value| !is_there(value)).collect();
        for value in lost {
            let (name, value) = (self.name(client), state.say(value));
            state.violate(format!("I1: {name} wrote {value}, and it is not on that disk"));
        }
    }

    /// I10: only whole files have names.
    pub(crate) fn check_seen(&self, state: &mut State, client: usize) {
        for (path, value) in self.tree(client) {
            if !state.values.contains_key(&value) {
                let name = self.name(client);
                state.violate(format!("I10: {name} sees {path} with a content nobody wrote"));
            }
        }
    }

    /// I3: edits stay under their names.
    fn check_expected(&self, state: &mut State, client: usize) {
        let (tree, trash) = (self.tree(client), self.trash(client));
        let own = &state.clients[client];
        let gone: Vec<(String, Expected)> = (own.expected.iter())
            .filter(|(path, file)| tree.get(*path) != Some(&file.value))
            .filter(|(_, file)| file.since > own.forced_until)
            // The swap of `--both` parts the names of a file that somebody writes by the copy's.
            .filter(|(_, file)| {
                file.by.as_ref().is_none_or(|name| tree.get(name) != Some(&file.value))
            })
            // And what somebody writes by the first name, in the tick of the link and with the mtime put
            // back, is under the copy's.
            .filter(|(path, file)| {
                let is_linked = |(copy, other): (&String, &Expected)| {
                    let parts = other.by.as_ref() == Some(path) && other.value == file.value;
                    parts && copy.contains(".conflict-") && tree.get(copy) == Some(&file.value)
                };
                !own.expected.iter().any(is_linked)
            })
            // Of a file against a folder it may take along what was written in the last moment, and says
            // so, if it is not killed.
            .filter(|(path, file)| {
                let is_said = |it: &Aside| own.told.iter().any(|text| text.contains(&it.copy));
                let is_known = |it: &Aside| it.step < own.begun_at || is_said(it);
                let holds = |it: &Aside| tree.get(&it.copy) == Some(&file.value);
                !own.asides.iter().any(|it| it.path == **path && holds(it) && is_known(it))
            })
            // The copy that `--both` makes is a second name of the file until the swap is done.
            .filter(|(path, _)| {
                !path.contains(".conflict-") || own.tree_at_first.contains_key(*path)
            })
            .filter(|(path, file)| !state.published.contains(&((*path).clone(), file.value)))
            .filter(|(path, _)| {
                !own.told.iter().any(|it| it.contains(path.as_str()) && it.contains("trash"))
            })
            // A file that a person makes a folder of goes to the trash and is told as that one name.
            .filter(|(path, file)| {
                let is_told = |(at, _): (usize, &str)| {
                    let above = format!(" {}: ", &path[..at]);
                    own.had.iter().any(|(had, _)| *had == path[..at])
                        && own
                            .told
                            .iter()
                            .any(|it| it.contains(&above) && it.contains("in the trash"))
                };
                !(trash.contains(&file.value) && path.match_indices('/').any(is_told))
            })
            // What the bucket had and the plan replaces goes along with a folder that is renamed in that
            // moment, and is told by the name that it had.
            .filter(|(path, file)| {
                let name_of = |path: &str| path.rsplit('/').next().map(str::to_owned);
                let is_told = |key: &str| {
                    let name = format!(" {key}: ");
                    let said = |it: &String| it.contains(&name) && it.contains("folder was moved");
                    name_of(key) == name_of(path) && own.told.iter().any(said)
                };
                let was_there = |(key, it): &(String, Value)| *it == file.value && is_told(key);
                !(trash.contains(&file.value) && state.published.iter().any(was_there))
            })
            .map(|(path, file)| (path.clone(), file.clone()))
            .collect();
        for (path, file) in gone {
            let (name, value) = (self.name(client), state.say(file.value));
            state.violate(format!(
                "I3: {name} left {value} at {path}; a command took it away and did not say so"
            ));
        }
    }

    /// I12: nobody's deletion is undone: a file that was removed here does not come back from a
    /// bucket in which nothing happened.
    fn check_removals(&self, state: &mut State, client: usize) {
        let own = &state.clients[client];
        let is_forced = own.order.as_ref().is_none_or(|order| order.verb.is_forced());
        if is_forced || own.is_disturbed {
            return;
        }
        let back = self.tree(client).into_iter().find(|(path, value)| {
            !own.tree_at_first.contains_key(path)
                && own.rows.get(path) == Some(value)
                && state.changed_at.get(path).is_none_or(|step| *step < own.begun_at)
        });
        if let Some((path, _)) = back {
            let name = self.name(client);
            state.violate(format!("I12: {name} removed {path}, and a command brought it back"));
        }
    }

    /// Returns the rows of a client's database, as the contents that they stand for.
    pub(crate) fn rows(&self, state: &mut State, client: usize) -> Tree {
        let rows = self.base_rows(state, client).into_iter();
        let known = |row: &BaseRow| {
            let etag = (row.path.to_string(), row.version.token.to_string());
            Some((row.path.to_string(), *state.etags.get(&etag)?))
        };
        rows.filter_map(|row| known(&row)).collect()
    }

    fn base_rows(&self, state: &mut State, client: usize) -> Vec<BaseRow> {
        let disk = &self.machines[client].observer;
        let repository = Repository::open(disk, Path::new(ROOT)).unwrap();
        let rows = (repository.database(disk))
            .and_then(|database| database.rows(None)?.collect::<Result<Vec<_>, _>>());
        rows.unwrap_or_else(|error| {
            let name = self.name(client);
            state.violate(format!("I4: {name}'s database cannot be read: {error}"));
            Vec::new()
        })
    }

    /// I4: what the database believes to be untouched is what the bucket had.
    fn check_rows(&self, state: &mut State, client: usize) {
        let rows = self.base_rows(state, client);
        let disk = &self.machines[client].observer;
        let (name, tree) = (self.name(client), self.tree(client));
        let mut known = Tree::new();
        for row in rows {
            let path = row.path.as_str();
            let Some(value) =
                state.etags.get(&(path.to_owned(), row.version.token.to_string())).copied()
            else {
                state.violate(format!("I4: {name} has a row of {path} that never was there"));
                continue;
            };
            known.insert(path.to_owned(), value);
            let stat = disk.person().stat(Path::new(ROOT).join(path));
            let is_untouched = stat.is_some_and(|stat| stat.signature() == row.signature);
            if is_untouched && tree.get(path) != Some(&value) {
                let holds = tree.get(path).map(|value| state.say(*value));
                let value = state.say(value);
                state.violate(format!(
                    "I4: {name} believes that {path} is {value}, but it holds {holds:?}"
                ));
            }
        }
        state.clients[client].rows = known;
    }
}
