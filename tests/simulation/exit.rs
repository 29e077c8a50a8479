//! I16: what a command says of itself is true.

use lsync::error::{Error, Exit};
use lsync::plan::Direction;
use lsync::sync::Report;
use lsync::tree::RepoPath;

use crate::client::Ended;
use crate::order::Verb;
use crate::rules::is_ignored;
use crate::state::{Simulation, State, Tree};

impl Simulation {
    /// I16: 0 exactly where nothing failed, is left aside or is a conflict, and each other number
    /// where it belongs.
    pub(crate) fn check_exit(
        &self,
        state: &mut State,
        client: usize,
        ended: &Result<Ended, Error>,
    ) {
        let own = &state.clients[client];
        let told = own.told[own.told_before..].iter();
        let has_failures = told.clone().any(|text| text.starts_with("failed "));
        let was_stopped = own.stop.is_requested();
        let wrong = match ended {
            Ok(ended) => {
                let has_conflicts = !ended.conflicts.is_empty();
                let leaves = ended.notices.iter().any(|notice| notice.incomplete);
                let is_complete = ended.report.as_ref().is_none_or(Report::is_complete);
                match ended.exit {
                    Exit::Done => has_failures || has_conflicts || leaves || !is_complete,
                    Exit::Conflicts => !has_conflicts,
                    Exit::Incomplete => has_conflicts || (is_complete && !leaves),
                    Exit::Interrupted => !was_stopped,
                    Exit::Credentials | Exit::Unreachable => !has_failures,
                    _ => true,
                }
            }
            Err(error) => match error.exit() {
                Exit::Done | Exit::Incomplete | Exit::Conflicts | Exit::NoRepository => true,
                Exit::Interrupted => !was_stopped,
                // Commands beside this one only try the lock.
                Exit::Locked => !own.is_beset,
                Exit::SafetyStop => own.order.as_ref().is_none_or(|it| it.is_unguarded),
                Exit::Failed | Exit::Usage | Exit::Credentials | Exit::Unreachable => false,
            },
        };
        if wrong {
            let name = self.name(client);
            let exit = ended.as_ref().map_or_else(Error::exit, |ended| ended.exit);
            let told: Vec<String> = told.cloned().collect();
            state.violate(format!("I16: {name} ends with {exit:?}, having said {told:?}"));
        }
    }

    /// I16: whoever says that all is done has left nothing to do.
    pub(crate) fn check_complete(&self, state: &mut State, client: usize, ended: &Ended) {
        let own = &state.clients[client];
        let Some(order) = &own.order else { return };
        let is_sync = order.verb == Verb::Run(Direction::Sync) && own.selection.is_everything();
        let withholds = order.options.no_delete || order.options.limit.is_some();
        if !is_sync || withholds || own.is_disturbed {
            return;
        }
        let is_complete = ended.report.as_ref().is_some_and(Report::is_complete);
        if is_complete && ended.conflicts.is_empty() && ended.notices.is_empty() {
            self.check_agreement(state, client);
        }
    }

    /// The tree is the bucket, and both are what the database says; but for what the rules ignore that
    /// stand here now, which held for the whole run.
    fn check_agreement(&self, state: &mut State, client: usize) {
        let rules = self.rules(client);
        let counts = |path: &String| RepoPath::parse(path).is_ok() && !is_ignored(&rules, path);
        let kept = |side: &Tree| -> Tree {
            let files = side.iter().filter(|(path, _)| counts(path));
            files.map(|(path, value)| (path.clone(), *value)).collect()
        };
        let rows = kept(&self.rows(state, client));
        let (tree, bucket) = (kept(&self.tree(client)), kept(&state.bucket));
        if bucket != tree || rows != tree {
            let name = self.name(client);
            let sides = format!("{tree:?}, {bucket:?}, {rows:?}");
            state.violate(format!("I16: {name} is said to be complete: {sides}"));
        }
    }
}
