//! Whether what a listing does not show is gone: asked by name before files are deleted here for it.
//!
//! This is the one place where objects are looked at to decide for many. It costs nothing where a plan
//! deletes nothing here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::StreamExt as _;

use super::error::SyncError;
use super::request::Request;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::look::{self, Absence};
use crate::plan::{Action, ActionKind, Plan, Stage, Why, notices};
use crate::session::Opened;
use crate::tree::RepoPath;

/// So many names with other than the plainest characters are asked for, each of them: stores differ in
/// how they order, encode and keep these.
const ODD_NAMES_MAX: usize = 10_000;

/// So many of the plain names are asked for in any case.
const PLAIN_NAMES_MIN: usize = 16;

/// Of the others one in so many.
const PLAIN_NAMES_SHARE: usize = 64;

/// And at most so many: a listing that lacks a page, or a range of keys, is found by them.
const PLAIN_NAMES_MAX: usize = 256;

/// Of so many that are there after all the database is asked what it knows, which takes a pass each.
const KNOWN_MAX: usize = 16;

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Confirmed {
    /// The plan holds; what came back meanwhile is left out of it.
    Plan,
    /// The plan has to be made anew: rules that it went by came back meanwhile, or what was listed in
    /// ranges is listed in one piece from now on.
    Nothing,
}

/// Asks the store for objects that the plan takes for gone, before their files are deleted here.
///
/// # Errors
/// Where one is there and no listing shows it: then no listing of this store says what is gone.
pub(super) async fn confirm<D: Disk, C: Clock>(
    opened: &Opened<'_, D, C>,
    request: &Request,
    plan: &mut Plan,
) -> Result<Confirmed, SyncError> {
    if request.unlisted {
        return Ok(Confirmed::Plan);
    }
    let (session, database) = (&opened.session, &opened.database);
    let asked = sample(&plan.actions)?;
    let looks = asked.into_iter().map(|path| {
        let session = Arc::clone(session);
        async move {
            let absence = look::confirm_absence(&session, &path).await;
            (path, absence)
        }
    });
    let mut looked = futures_util::stream::iter(looks).buffer_unordered(request.tuning.jobs.get());
    let mut back = BTreeMap::new();
    while let Some((path, absence)) = looked.next().await {
        if session.stop.is_requested() {
            return Err(SyncError::Interrupted);
        }
        match absence? {
            Absence::Confirmed => (),
            Absence::Listed(version) => drop(back.insert(path, version)),
            Absence::Unlisted => return Err(SyncError::ListingLies(path)),
        }
    }
    for (path, version) in back.iter().take(KNOWN_MAX) {
        // Nobody has stored it since: the listing of everything lacked what one of its name shows.
        if database.get(path)?.is_some_and(|row| row.version.token == version.token) {
            return if look::list_in_one_piece(session, path) {
                Ok(Confirmed::Nothing)
            } else {
                Err(SyncError::ListingLies(path.clone()))
            };
        }
    }
    Ok(leave_out(plan, &back.into_keys().collect()))
}

/// Takes out of the plan what came back meanwhile, and all that hangs together with it.
fn leave_out(plan: &mut Plan, back: &BTreeSet<RepoPath>) -> Confirmed {
    if back.is_empty() {
        return Confirmed::Plan;
    }
    let is_back = |action: &Action| missing(action).any(|path| back.contains(path));
    if plan.actions.iter().any(|action| action.stage == Stage::Rules && is_back(action)) {
        return Confirmed::Nothing;
    }
    plan.take_out(is_back);
    let told = back.iter().map(|path| notices::failed(path, Why::Reappeared));
    plan.notices.extend(told);
    Confirmed::Plan
}

/// Returns what an action deletes or renames here because no object has its name.
fn missing(action: &Action) -> impl Iterator<Item = &RepoPath> {
    let alone = match action.kind {
        ActionKind::DeleteLocal if action.remote.is_none() => Some(&action.path),
        ActionKind::MoveLocal => action.moved_from(),
        _ => None,
    };
    alone.into_iter().chain(action.folder().iter().map(|(path, _)| path))
}

/// Chooses which names are asked for.
fn sample(actions: &[Action]) -> Result<Vec<RepoPath>, SyncError> {
    let (odd, plain): (Vec<_>, Vec<_>) =
        actions.iter().flat_map(missing).partition(|path| is_odd(path));
    if odd.len() > ODD_NAMES_MAX {
        return Err(SyncError::TooManyUnusual { count: odd.len(), most: ODD_NAMES_MAX });
    }
    let share = plain.len().saturating_sub(PLAIN_NAMES_MIN) / PLAIN_NAMES_SHARE;
    let count = (PLAIN_NAMES_MIN + share).min(PLAIN_NAMES_MAX).min(plain.len());
    // Spread evenly: what a listing lacks are keys that lie side by side.
    let spread = (0..count).map(|number| plain[number * plain.len() / count]);
    Ok(odd.into_iter().chain(spread).cloned().collect())
}

fn is_odd(path: &RepoPath) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    !path.as_str().bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deletions(names: impl Iterator<Item = String>) -> Vec<Action> {
        let path = |name: String| RepoPath::parse(&name).unwrap();
        names.map(|name| Action::new(path(name), ActionKind::DeleteLocal, Stage::Last)).collect()
    }

    fn asked(count: usize) -> usize {
        sample(&deletions((0..count).map(|number| format!("d/{number:06}")))).unwrap().len()
    }

    #[test]
    fn of_plain_names_some_are_asked_for_and_of_others_all() {
        for (count, names) in
            [(0, 0), (1, 1), (16, 16), (79, 16), (80, 17), (6_416, 116), (100_000, 256)]
        {
            assert_eq!(asked(count), names, "{count}");
        }
        let odd = deletions((0..300).map(|number| format!("é {number}")));
        assert_eq!(sample(&odd).unwrap().len(), 300);
        let many = deletions((0..=ODD_NAMES_MAX).map(|number| format!("a b {number}")));
        assert!(matches!(sample(&many), Err(SyncError::TooManyUnusual { count: 10_001, .. })));
    }

    #[test]
    fn a_page_that_is_missing_is_found_wherever_it_lies() {
        let names = sample(&deletions((0..16_000).map(|number| format!("{number:05}")))).unwrap();
        for page in 0..16 {
            let is_on_it = |path: &&RepoPath| path.as_str()[..2].parse() == Ok(page);
            assert!(names.iter().filter(is_on_it).count() > 10, "{page}");
        }
    }

    #[test]
    fn what_came_back_takes_its_clash_with_it() {
        let actions = deletions(["a", "b/1", "b/2", "c"].map(str::to_owned).into_iter());
        let mut plan = Plan { actions, ..Plan::default() };
        plan.actions[1].clash = 1;
        plan.actions[2].clash = 1;
        let back = BTreeSet::from([RepoPath::parse("b/2").unwrap()]);
        assert_eq!(leave_out(&mut plan, &back), Confirmed::Plan);
        let left: Vec<_> = plan.actions.iter().map(|action| action.path.as_str()).collect();
        assert_eq!(left, ["a", "c"]);
        assert_eq!(plan.notices.len(), 1);
        assert!(plan.notices[0].incomplete);
    }
}
