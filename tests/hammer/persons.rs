//! Persons who save and delete files as good editors do: whole, by one rename.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::support::Workspace;
use crate::{COPIES, KEYS};

/// Everybody who works in the copies, and what they know.
pub struct Persons {
    workspace: Arc<Workspace>,
    state: Mutex<State>,
}

struct State {
    random: fastrand::Rng,
    saved: u64,
    written: BTreeSet<String>,
    replaced: BTreeSet<String>,
}

impl Persons {
    /// Makes persons who choose by `seed`.
    pub fn new(workspace: Arc<Workspace>, seed: u64) -> Self {
        fs::create_dir_all(workspace.path("desk")).unwrap();
        let (random, written, replaced) =
            (fastrand::Rng::with_seed(seed), BTreeSet::new(), BTreeSet::new());
        Self { workspace, state: Mutex::new(State { random, saved: 0, written, replaced }) }
    }

    /// Returns every content that was ever saved.
    pub fn written(&self) -> BTreeSet<String> {
        self.state.lock().unwrap().written.clone()
    }

    /// Returns every content that a person replaced or deleted, seeing it.
    pub fn replaced(&self) -> BTreeSet<String> {
        self.state.lock().unwrap().replaced.clone()
    }

    /// Lets somebody do something somewhere.
    pub fn act(&self) {
        let (copy, key) = {
            let random = &mut self.state.lock().unwrap().random;
            (random.usize(..COPIES), random.usize(..KEYS.len()))
        };
        self.work(copy, key);
    }

    /// Lets the person of a copy save something new under a key, or delete it.
    pub fn work(&self, copy: usize, key: usize) {
        let mut state = self.state.lock().unwrap();
        state.saved += 1;
        let number = state.saved;
        let desk = self.workspace.path(format!("desk/{number}"));
        let file = self.workspace.path(format!("copy{copy}")).join(KEYS[key]);
        if state.random.u8(..5) == 0 {
            if fs::rename(&file, &desk).is_ok() {
                state.replaced.insert(fs::read_to_string(&desk).unwrap());
            }
            return;
        }
        // All have one length, so that nothing but the contents tells them apart.
        let text = format!("{number:08} saved in copy {copy} as {:4}\n", KEYS[key]);
        state.written.insert(text.clone());
        self.workspace.write(format!("desk/{number}"), &text);
        state.replaced.extend(save(&desk, &file));
    }
}

/// Gives a finished file its name; returns what was there, which the person has seen.
fn save(desk: &PathBuf, file: &PathBuf) -> Option<String> {
    loop {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        match renameat_with(CWD, desk, CWD, file, RenameFlags::NOREPLACE) {
            Ok(()) => return None,
            // Somebody removed the folder meanwhile, because it was empty.
            Err(Errno::NOENT) => continue,
            Err(Errno::EXIST) => (),
            Err(error) => panic!("{}: {error}", file.display()),
        }
        match renameat_with(CWD, desk, CWD, file, RenameFlags::EXCHANGE) {
            Ok(()) => return Some(fs::read_to_string(desk).unwrap()),
            Err(Errno::NOENT) => (),
            Err(error) => panic!("{}: {error}", file.display()),
        }
    }
}
