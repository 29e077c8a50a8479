//! The end of a seed: nothing interferes any more, and everything has to come to rest.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use lsync::fakes::bucket::Operation;
use lsync::plan::{Direction, Resolution, Why};
use lsync::tree::RepoPath;

use crate::bucket::is_within;
use crate::client::Ended;
use crate::order::{Order, Verb};
use crate::state::{ROOT, Simulation, State, Tree, with_two_names};

/// After so many rounds everything has to be at rest: edits travel in two, and a conflict takes one
/// to be seen, settled and passed on each.
const ROUNDS_MAX: usize = 8;

impl Simulation {
    /// I5, I6 and I15: all trees become the bucket, within a few rounds, and then nothing happens any
    /// more.
    pub(crate) fn come_to_rest(self: &Arc<Self>) {
        {
            let mut state = self.state();
            state.note(|| "nothing interferes any more".to_owned());
            state.is_calm = true;
            state.has_faults = false;
            self.remote.clear_faults();
            for client in 0..self.machines.len() {
                self.machines[client].disk.set_fault(None);
                self.machines[client].disk.kill();
                self.machines[client].disk.advance(10_000_000_000);
                self.tidies_up(&mut state, client);
                self.machines[client].disk.advance(10_000_000_000);
            }
            self.tidy_bucket(&mut state);
        }
        for round in 0..ROUNDS_MAX {
            let mut is_quiet = true;
            for client in 0..self.machines.len() {
                is_quiet &= self.round(client, round);
                if self.state().violation.is_some() {
                    return;
                }
            }
            if is_quiet {
                return self.check_rest();
            }
        }
        self.state().violate(format!("I15: no rest after {ROUNDS_MAX} rounds"));
    }

    /// Takes ignore rules out of the bucket.
    fn tidy_bucket(&self, state: &mut State) {
        let rules: Vec<String> =
            state.bucket.keys().filter(|key| key.ends_with(".lsyncignore")).cloned().collect();
        for key in rules {
            self.remote.delete_as_somebody(&key);
        }
        self.read_history(state);
    }

    /// I15: lets one client sync and settle its conflicts, in which nothing fails; tells whether it had
    /// nothing to do.
    fn round(self: &Arc<Self>, client: usize, round: usize) -> bool {
        // Later rounds have little left to show.
        let rehearsed = (round < 2).then(|| self.now(client, &self.quiet(Verb::Status)));
        let excused = with_two_names(&self.machines[client].observer);
        let Some(ended) = self.now(client, &self.quiet(Verb::Run(Direction::Sync))) else {
            return false;
        };
        if let Some(rehearsed) = rehearsed.flatten() {
            self.check_rehearsal(client, &rehearsed, &ended);
        }
        let mut is_quiet = ended.actions.is_empty();
        let mut report = ended.report.clone().unwrap_or_default();
        is_quiet &= report.changed_meanwhile == 0;
        report.changed_meanwhile = report.changed_meanwhile.saturating_sub(excused);
        if !report.is_complete() && ended.notices.is_empty() {
            let name = self.name(client);
            let mut state = self.state();
            state.violate(format!("I15: {name} could not finish in peace: {report:?}"));
        }
        is_quiet &= !self.settle_clashes(&ended);
        if ended.conflicts.is_empty() {
            return is_quiet;
        }
        let shapes = ended.conflicts.iter().filter(|it| it.needs_renaming());
        for conflict in shapes {
            let mut order = self.quiet(Verb::Run(Direction::ForcedPull));
            order.options.operand = Some(conflict.path.to_string());
            if let Some(ended) = self.now(client, &order) {
                self.settle_clashes(&ended);
            }
        }
        let choices = [Resolution::Theirs, Resolution::Ours, Resolution::Both];
        let choice = choices[round % choices.len()];
        self.now(client, &self.quiet(Verb::Resolve(choice)));
        false
    }

    /// Lets another tool decide where the bucket holds a file and a folder of one name: nobody else
    /// can. Tells whether there was something to decide.
    fn settle_clashes(&self, ended: &Ended) -> bool {
        let clashes: Vec<_> = (ended.notices.iter())
            .filter(|notice| notice.kind().word() == "clash")
            .map(|notice| match &notice.why {
                // What waits may be more than what clashes, which is named then.
                Why::BothInBucket(Some(inner)) => inner.as_str(),
                _ => &notice.path,
            })
            .collect();
        for path in &clashes {
            self.remote.delete_as_somebody(path);
            self.read_history(&mut self.state());
        }
        !clashes.is_empty()
    }

    /// A command that nothing befalls, and that cuts files as the others did.
    fn quiet(&self, verb: Verb) -> Order {
        Order { cut: self.state().cut, ..Order::quiet(verb) }
    }

    /// Carries out a command at once, and checks what must hold after it.
    fn now(self: &Arc<Self>, client: usize, order: &Order) -> Option<Ended> {
        {
            let mut state = self.state();
            let name = self.name(client);
            state.note(|| format!("{name} begins {:?} {:?}", order.verb, order.options.operand));
            self.begin(&mut state, client, order);
        }
        // It unwinds only where something has gone wrong already.
        let run = AssertUnwindSafe(|| self.execute(client, order));
        let ended = catch_unwind(run);
        let mut state = self.state();
        let name = self.name(client);
        let Ok(ended) = ended else {
            state.violate(format!("{name}'s command panicked"));
            return None;
        };
        let is_over = self.judge_end(&mut state, client, &ended);
        self.check_after(&mut state, client, is_over);
        state.clients[client].order = None;
        match ended {
            Ok(ended) => Some(ended),
            Err(reason) => {
                state.violate(format!("I15: {name} could not {:?} in peace: {reason}", order.verb));
                None
            }
        }
    }

    fn check_rest(self: &Arc<Self>) {
        let bucket: Tree = {
            let state = self.state();
            let is_path = |key: &String| RepoPath::parse(key).is_ok();
            state
                .bucket
                .iter()
                .filter(|(key, _)| is_path(key))
                .map(|(k, v)| (k.clone(), *v))
                .collect()
        };
        for client in 0..self.machines.len() {
            let (tree, name) = (self.tree(client), self.name(client));
            if tree != bucket {
                let difference = self.difference(&tree, &bucket);
                self.state().violate(format!("I5: {name}'s tree is not the bucket: {difference}"));
                return;
            }
            self.check_left_over(&mut self.state(), client);
            self.check_idempotence(client);
        }
    }

    /// I6: one more run only lists.
    fn check_idempotence(self: &Arc<Self>, client: usize) {
        let person = self.machines[client].observer.person();
        let before = person.snapshot_below(ROOT);
        self.remote.clear_calls();
        let ended = self.now(client, &self.quiet(Verb::Run(Direction::Sync)));
        let Some(ended) = ended else { return };
        let name = self.name(client);
        let calls = self.remote.calls();
        let is_list = |(operation, _): &(Operation, String)| *operation == Operation::List;
        if !ended.actions.is_empty() || !calls.iter().all(is_list) {
            let (actions, mut state) = (&ended.actions, self.state());
            state.violate(format!("I6: {name} still does {actions:?}, {calls:?}"));
        }
        let after = person.snapshot_below(ROOT);
        let paths: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for path in paths {
            if before.get(path) != after.get(path) && !path.ends_with("lock") {
                let path = path.display();
                self.state().violate(format!("I6: {name}'s idle run changed {path}"));
            }
        }
    }

    /// I13: what a dry run shows is what the next run does. What only a download can compare, which
    /// a dry run does not make, it shows as a conflict that nothing proves.
    fn check_rehearsal(&self, client: usize, rehearsed: &Ended, ended: &Ended) {
        let mut state = self.state();
        let said = state.clients[client].said.iter();
        // An edit that a killed run had taken is put back before the real run looks.
        let settled: Vec<&str> = said
            .filter_map(|text| text.split_once(": what a killed run"))
            .map(|(path, _)| path)
            .collect();
        let is_settled =
            |path: &str| settled.iter().any(|it| is_within(path, it) || is_within(it, path));
        let kept = |actions: &[(String, &'static str)]| -> Vec<(String, &'static str)> {
            actions.iter().filter(|(path, _)| !is_settled(path)).cloned().collect()
        };
        let (shown, done) = (kept(&rehearsed.actions), kept(&ended.actions));
        let is_proven = rehearsed.conflicts.iter().all(|conflict| conflict.proven);
        if is_proven && shown != done {
            let name = self.name(client);
            state.violate(format!("I13: {name} was shown {shown:?}, and then planned {done:?}"));
        }
    }

    fn difference(&self, tree: &Tree, bucket: &Tree) -> String {
        let state = self.state();
        let keys: BTreeSet<&String> = tree.keys().chain(bucket.keys()).collect();
        let say = |side: &Tree, key: &String| side.get(key).map(|value| state.say(*value));
        keys.into_iter()
            .filter(|key| tree.get(*key) != bucket.get(*key))
            .map(|key| format!("{key}: {:?} here, {:?} there", say(tree, key), say(bucket, key)))
            .collect::<Vec<_>>()
            .join("; ")
    }
}
