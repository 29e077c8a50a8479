//! One step: what happens between two I/O operations of a running command.

use std::panic::resume_unwind;

use crate::order::{End, When};
use crate::state::{Simulation, State};

/// What a thread unwinds with when its process was killed.
pub(crate) struct Killed;

/// What the scheduler decided.
enum Next {
    GoOn,
    Die,
    PassTo(usize),
}

impl Simulation {
    /// Lets the world go on for a moment before the next operation of `client`.
    ///
    /// Unwinds with [`Killed`] where that operation never happens.
    pub(crate) fn step(&self, client: usize, what: impl FnOnce() -> String) {
        if std::thread::panicking() {
            return;
        }
        let next = {
            let mut state = self.state();
            state.step += 1;
            let name = self.name(client);
            state.note(|| format!("  {name}: {}", what()));
            self.decide(&mut state, client)
        };
        match next {
            Next::GoOn => (),
            Next::Die => die(),
            Next::PassTo(thread) => {
                self.baton.pass(thread);
                self.baton.wait(client + 1);
                if self.state().clients[client].is_killed {
                    die();
                }
            }
        }
    }

    fn decide(&self, state: &mut State, client: usize) -> Next {
        if state.violation.is_some() || state.clients[client].is_killed {
            return Next::Die;
        }
        if state.is_calm {
            return Next::GoOn;
        }
        let own = &mut state.clients[client];
        own.operations += 1;
        let operations = own.operations;
        let Some(order) = own.order.clone() else { return Next::GoOn };
        let is_due = match order.end {
            Some((When::Operation(at), _)) => at == operations,
            Some((When::Move(at), _)) => own.moves == at && own.moved_at + 1 == operations,
            Some((When::Part(at), _)) => own.moved.parts() >= at,
            None => false,
        };
        if let Some((_, end)) = order.end.filter(|_| is_due) {
            if let Some(order) = &mut own.order {
                order.end = None;
            }
            return self.end(state, client, end);
        }
        if let Some((_, errno)) = order.disk_fault.filter(|(at, _)| *at == operations) {
            let name = self.name(client);
            state.note(|| format!("{name}'s disk will fail: {errno}"));
            state.clients[client].is_disturbed = true;
            state.clients[client].has_met_faults = true;
            self.machines[client].disk.fail_operation(1, errno);
        }
        self.happen(state, client, order.noise);
        if state.clients[client].is_killed {
            return Next::Die;
        }
        let others: Vec<usize> = (state.clients.iter().enumerate())
            .filter(|(index, other)| *index != client && other.order.is_some())
            .map(|(index, _)| index + 1)
            .chain([0])
            .collect();
        if state.one_in(16) { Next::PassTo(state.pick(&others)) } else { Next::GoOn }
    }

    /// Lets time pass, and perhaps somebody act.
    fn happen(&self, state: &mut State, client: usize, noise: u64) {
        let disk = &self.machines[client].disk;
        match state.random.u32(0..16) {
            0 => disk.advance(state.random.i64(0..5_000_000)),
            1 => disk.advance(1_000),
            _ => (),
        }
        if noise == 0 {
            return;
        }
        self.undo(state, client);
        // The moments in which a name changes hands are the ones that count.
        if let Some(path) = state.clients[client].moving.clone().filter(|_| state.one_in(8)) {
            state.hot = Some(path);
            return self.person_acts_at(state, client);
        }
        // And those in which what was transferred is opened once more.
        if let Some(path) = state.clients[client].opening.clone().filter(|_| state.one_in(12)) {
            return self.interfere(state, client, &path);
        }
        if !state.one_in(noise) {
            return;
        }
        match state.random.u32(0..10) {
            0..6 => self.person_acts_at(state, client),
            6 | 7 => self.person_acts(state),
            8 => self.somebody_acts(state),
            _ => {
                if state.one_in(4) {
                    self.sync_disk(state, client);
                }
                if state.one_in(8) {
                    self.jump_clock(state, client);
                }
                self.check_owned(state, client);
                self.check_seen(state, client);
            }
        }
    }

    /// Ends a command.
    fn end(&self, state: &mut State, client: usize, end: End) -> Next {
        let name = self.name(client);
        state.note(|| format!("{name}: {end:?}"));
        match end {
            End::Interrupt => {
                state.clients[client].stop.request();
                state.clients[client].is_disturbed = true;
                return Next::GoOn;
            }
            End::Kill => {
                state.clients[client].is_killed = true;
                self.machines[client].disk.kill();
            }
            End::Tear => {
                // The operation itself may leave half of its bytes; the next one is never begun.
                state.clients[client].is_killed = true;
                self.machines[client].disk.stop_within(1);
                return Next::GoOn;
            }
            End::Crash(crash) => self.crash(state, client, crash),
        }
        Next::Die
    }

    /// Moves the clock of a machine, forth and back, by up to two days.
    pub(crate) fn jump_clock(&self, state: &mut State, client: usize) {
        let days = 2 * 86_400_000_000_000;
        let nanoseconds = state.random.i64(-days..days);
        let name = self.name(client);
        state.note(|| format!("{name}'s clock jumps by {nanoseconds} ns"));
        self.machines[client].disk.advance(nanoseconds);
    }
}

fn die() -> ! {
    resume_unwind(Box::new(Killed))
}
