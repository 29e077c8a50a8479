//! Where writers of one key meet: nobody goes on alone while somebody else may still come.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex};

/// Holds writes back until two of one key can go at once, or nobody is left who could come.
#[derive(Default)]
pub struct Meeting {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Processes that have not ended.
    running: usize,
    /// Number, copy and key of each write held back.
    waiting: Vec<(u64, usize, String)>,
    arrived: u64,
}

impl State {
    /// Lets go whoever has company, or nobody to wait for.
    fn let_go(&mut self) {
        let copies: BTreeSet<_> = self.waiting.iter().map(|(_, copy, _)| *copy).collect();
        if copies.len() >= self.running {
            self.waiting.clear();
        }
        let all = self.waiting.clone();
        let has_company = |(_, copy, key): &(u64, usize, String)| {
            all.iter().any(|(_, other, same)| other != copy && same == key)
        };
        self.waiting.retain(|writer| !has_company(writer));
    }
}

impl Meeting {
    /// Begins a round with so many processes.
    pub fn begin(&self, running: usize) {
        *self.state.lock().unwrap() = State { running, ..State::default() };
    }

    /// Holds the write of a copy back.
    pub fn wait(&self, copy: usize, key: &str) {
        let mut state = self.state.lock().unwrap();
        state.arrived += 1;
        let number = state.arrived;
        state.waiting.push((number, copy, key.to_owned()));
        state.let_go();
        self.changed.notify_all();
        let is_held = |state: &mut State| state.waiting.iter().any(|(held, ..)| *held == number);
        drop(self.changed.wait_while(state, is_held).unwrap());
    }

    /// A process has ended.
    pub fn leave(&self) {
        let mut state = self.state.lock().unwrap();
        state.running = state.running.saturating_sub(1);
        state.let_go();
        drop(state);
        self.changed.notify_all();
    }
}
