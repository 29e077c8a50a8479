//! A second command in one working copy.

use std::path::Path;

use lsync::error::{Error, Exit};
use lsync::repository::Repository;

use crate::state::{ROOT, Simulation, State};

impl Simulation {
    /// Tries a command beside the one that is at work: while that holds the lock, it ends at once
    /// with 11, and has changed nothing.
    pub(crate) fn try_another(&self, state: &mut State, client: usize) {
        let name = self.name(client);
        let disk = self.machines[client].disk.process();
        let repository = Repository::open(&disk, Path::new(ROOT)).unwrap();
        let lock = repository.lock(&disk, "sync");
        let own = &mut state.clients[client];
        own.is_beset = true;
        let is_locked = own.is_locked && !own.is_killed;
        state.note(|| format!("{name} tries a second command: {lock:?}"));
        match lock.map_err(Error::from) {
            Ok(_) if is_locked => {
                state.violate(format!("R14: {name} runs two commands at once"));
            }
            Err(error) if error.exit() != Exit::Locked || !error.to_string().contains("lsync") => {
                state.violate(format!("R14: {name}'s second command says {error}"));
            }
            Ok(_) | Err(_) => (),
        }
    }
}
