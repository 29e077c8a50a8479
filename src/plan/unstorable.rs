//! Takes out of a plan what no run could store. Pure.

use std::collections::BTreeMap;

use super::{Action, ActionKind, Plan, Stage, notices};

/// Takes out uploads of files whose times cannot be stored, and what would follow them.
///
/// A run that meets one fails it; told by the plan, it is told by `status` and `--dry-run`, too. Rules
/// stay in the plan: what depends on them only a run can say.
pub(super) fn leave_out(plan: &mut Plan) {
    let cannot = |action: &Action| {
        action.kind == ActionKind::Upload
            && action.stage != Stage::Rules
            && action.local.is_some_and(|stat| !stat.has_mtime())
    };
    // What stays because of it, by clash: all that comes later.
    let mut clashes = BTreeMap::new();
    for action in plan.actions.iter().filter(|action| cannot(action)) {
        plan.notices.push(notices::time_too_far(&action.path));
        if action.clash != 0 {
            let first = clashes.entry(action.clash).or_insert(action.stage);
            *first = action.stage.min(*first);
        }
    }
    plan.actions.retain(|action| {
        let follows = clashes.get(&action.clash).is_some_and(|first| action.stage > *first);
        !cannot(action) && !follows
    });
}
