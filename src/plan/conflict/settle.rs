//! Turns settled conflicts into actions.

use std::sync::Arc;

use super::copy_name::copy_path;
use crate::plan::{
    Action, ActionKind, Conflict, ConflictKind, Contested, Detail, Direction, Examined, Plan,
    PlanBuilder, PlanOptions, Resolution, Stage,
};
use crate::tree::RepoPath;

/// Replaces the conflicts that `choices` settle by actions.
///
/// A choice counts only for the very versions that were shown: a conflict that moved meanwhile stays
/// one. `label` makes the name of the copy that [`Resolution::Both`] keeps:
/// `stem.conflict-LABEL.ext`. What stands in the way of a file against a folder is a notice.
pub fn settle(mut plan: Plan, choices: &[(Conflict, Resolution)], label: &str) -> Plan {
    let mut open = Vec::with_capacity(plan.conflicts.len());
    let mut clashes = 0;
    for conflict in std::mem::take(&mut plan.conflicts) {
        let choice = choices.iter().find(|(shown, _)| shown.is_still(&conflict));
        let resolution = choice.map_or(Resolution::Skip, |(_, resolution)| *resolution);
        let actions: Vec<_> = match &conflict.contested {
            Some(contested) => {
                let settled = shape(&conflict, contested, resolution, label);
                plan.notices.extend(settled.notices);
                clashes += 1;
                settled.actions.into_iter().map(|it| Action { clash: clashes, ..it }).collect()
            }
            None => action(&conflict, resolution, label).into_iter().collect(),
        };
        if actions.is_empty() {
            open.push(conflict);
        }
        plan.actions.extend(actions);
    }
    plan.conflicts = open;
    plan.sort_actions();
    plan
}

/// Plans what settles a file against a folder: one side wins, as if it were forced. Without an action
/// it stays open, and the notices say why.
fn shape(conflict: &Conflict, contested: &Contested, how: Resolution, label: &str) -> Plan {
    let is_here = conflict.local.is_some();
    let direction = match how {
        // For both the folder gets the name, whichever side has it.
        Resolution::Both if is_here => Direction::ForcedPull,
        Resolution::Ours | Resolution::Both => Direction::ForcedPush,
        Resolution::Theirs => Direction::ForcedPull,
        Resolution::Newest | Resolution::Skip => return Plan::default(),
    };
    let mut builder = PlanBuilder::new(PlanOptions {
        direction,
        implicit_force: false,
        // The loser goes first, also where the store could hold both: no row explains it, so that
        // a run that is killed in between would leave a file and a folder of one name in the bucket.
        file_beside_folder: false,
        no_delete: false,
        limit: None,
    });
    let examined = |path: &RepoPath| contested.examined.get(path).cloned();
    builder.clash(&contested.clash, |path| examined(path).unwrap_or(Examined::NotNeeded));
    let mut plan = builder.finish();
    // What is left alone anyway was told of with the conflict.
    plan.notices.retain(|notice| notice.path == conflict.path.as_str());
    if how == Resolution::Both && !plan.actions.is_empty() {
        let Some(aside) = aside(conflict, label) else { return Plan::default() };
        let ends = |it: &Action| {
            it.path == conflict.path
                && matches!(it.kind, ActionKind::DeleteLocal | ActionKind::DeleteRemote)
        };
        if is_here {
            // Its name is free once the file has the other one.
            plan.actions.retain(|it| !ends(it));
        }
        // The copy keeps it.
        plan.actions.iter_mut().filter(|it| ends(it)).for_each(|it| it.unknown_loser = false);
        plan.actions.push(aside);
    }
    plan
}

/// The file of a file against a folder under another name, on both sides; only one side has it.
fn aside(conflict: &Conflict, label: &str) -> Option<Action> {
    if conflict.local.is_some() == conflict.remote.is_some() {
        return None;
    }
    let detail = Detail::Copy(Arc::new(copy_path(&conflict.path, label)?));
    Some(Action { detail, ..base(conflict, ActionKind::KeepBoth, Stage::Aside) })
}

fn action(conflict: &Conflict, resolution: Resolution, label: &str) -> Option<Action> {
    if conflict.kind == ConflictKind::FileAgainstFolder {
        return None;
    }
    match resolution {
        Resolution::Ours => Some(ours(conflict)),
        Resolution::Theirs => Some(theirs(conflict)),
        Resolution::Both => match (conflict.local, &conflict.remote) {
            (Some(_), Some(_)) => both(conflict, label),
            (Some(_), None) => Some(ours(conflict)),
            (None, _) => Some(theirs(conflict)),
        },
        // Which side is newer needs a HEAD: the caller turns it into ours, theirs or skip.
        Resolution::Newest | Resolution::Skip => None,
    }
}

fn ours(conflict: &Conflict) -> Action {
    let (kind, stage) = match conflict.local {
        Some(_) => (ActionKind::Upload, Stage::Main),
        None => (ActionKind::DeleteRemote, Stage::Last),
    };
    Action { unknown_loser: conflict.remote.is_some(), ..base(conflict, kind, stage) }
}

fn theirs(conflict: &Conflict) -> Action {
    let (kind, stage) = match conflict.remote {
        Some(_) => (ActionKind::Download, Stage::Main),
        None => (ActionKind::DeleteLocal, Stage::Last),
    };
    Action { unknown_loser: conflict.local.is_some(), ..base(conflict, kind, stage) }
}

fn both(conflict: &Conflict, label: &str) -> Option<Action> {
    let copy = copy_path(&conflict.path, label)?;
    let detail = Detail::Copy(Arc::new(copy));
    Some(Action { detail, ..base(conflict, ActionKind::KeepBoth, Stage::Main) })
}

fn base(conflict: &Conflict, kind: ActionKind, stage: Stage) -> Action {
    let action = Action::new(conflict.path.clone(), kind, stage);
    action.expecting(conflict.local, conflict.remote.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Clash, Kind, Local, Marker, RemoteEntry, Row, Stat, Token, Version};

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).unwrap()
    }

    fn stat() -> Stat {
        let (kind, mode) = (Kind::File, 0o644);
        Stat { kind, size: 1, mtime: 1, ctime: 1, inode: 1, device: 1, mode }
    }

    fn conflict(local: bool, remote: Option<&str>) -> Conflict {
        let entry = |etag| RemoteEntry {
            path: path("f"),
            version: Version { token: Token::new(etag), size: 1 },
            modified: 0,
        };
        Conflict {
            local: local.then(stat),
            remote: remote.map(entry),
            ..Conflict::new(path("f"), ConflictKind::BothChanged)
        }
    }

    fn settled(shown: &Conflict, now: Conflict, resolution: Resolution) -> Plan {
        let plan = Plan { conflicts: vec![now], ..Plan::default() };
        settle(plan, &[(shown.clone(), resolution)], "ann-20261120T000000Z-ab12")
    }

    #[test]
    fn each_choice_becomes_the_action_that_it_names() {
        use ActionKind as K;
        for (local, remote, resolution, kind, unknown) in [
            (true, Some("r"), Resolution::Ours, K::Upload, true),
            (true, Some("r"), Resolution::Theirs, K::Download, true),
            (true, Some("r"), Resolution::Both, K::KeepBoth, false),
            (false, Some("r"), Resolution::Ours, K::DeleteRemote, true),
            (false, Some("r"), Resolution::Theirs, K::Download, false),
            (false, Some("r"), Resolution::Both, K::Download, false),
            (true, None, Resolution::Ours, K::Upload, false),
            (true, None, Resolution::Theirs, K::DeleteLocal, true),
            (true, None, Resolution::Both, K::Upload, false),
        ] {
            let shown = conflict(local, remote);
            let plan = settled(&shown, shown.clone(), resolution);
            assert!(plan.conflicts.is_empty());
            assert_eq!((plan.actions[0].kind, plan.actions[0].unknown_loser), (kind, unknown));
            let copy = plan.actions[0].copy().map(RepoPath::as_str);
            let expected = "f.conflict-ann-20261120T000000Z-ab12";
            assert_eq!(copy, (kind == K::KeepBoth).then_some(expected));
        }
    }

    #[test]
    fn a_version_that_moved_since_it_was_shown_stays_a_conflict() {
        let plan = settled(&conflict(true, Some("r")), conflict(true, Some("s")), Resolution::Ours);
        assert!(plan.actions.is_empty());
        assert_eq!(plan.conflicts.len(), 1);
        let shown = conflict(true, Some("r"));
        let mut now = shown.clone();
        now.local.as_mut().unwrap().ctime = 2;
        assert_eq!(settled(&shown, now, Resolution::Theirs).conflicts.len(), 1);
    }

    #[test]
    fn skipped_conflicts_and_files_against_folders_stay_open() {
        let shown = conflict(true, Some("r"));
        assert_eq!(settled(&shown, shown.clone(), Resolution::Skip).conflicts.len(), 1);
        let clash = Conflict { kind: ConflictKind::FileAgainstFolder, ..shown };
        assert_eq!(settled(&clash, clash.clone(), Resolution::Ours).conflicts.len(), 1);
    }

    /// Settles the one conflict of a scene with `a` against `a/b` and `a/c`, and shows what comes.
    fn shaped(is_here: bool, marker: Option<Marker>, resolution: Resolution) -> Vec<String> {
        let stat = |path: &str| Stat { inode: path.len() as u64, ..stat() };
        let row = |at: &str, here: bool| Row {
            path: path(at),
            local: if here { Local::File(stat(at)) } else { Local::Absent },
            base: None,
            remote: (!here).then(|| RemoteEntry {
                path: path(at),
                version: Version { token: Token::new("e"), size: 1 },
                modified: 0,
            }),
        };
        let mut below = vec![row("a/b", !is_here), row("a/c", !is_here)];
        if let Some(marker) = marker {
            let local = Local::Marked { marker: Arc::new(marker), here: true };
            below.push(Row { local, ..row("a/d", true) });
        }
        let options = PlanOptions {
            direction: Direction::Sync,
            implicit_force: false,
            file_beside_folder: true,
            no_delete: false,
            limit: None,
        };
        let mut builder = PlanBuilder::new(options);
        builder.clash(&Clash { top: row("a", is_here), below }, |_| Examined::NotNeeded);
        let shown = builder.finish().conflicts.remove(0);
        assert!(!shown.needs_renaming());
        let plan = settled(&shown, shown.clone(), resolution);
        assert_eq!(plan.actions.is_empty(), plan.conflicts.len() == 1);
        let action = |it: &Action| {
            assert_eq!(it.clash, 1);
            let copy = it.copy().map(|copy| format!(" as {copy}")).unwrap_or_default();
            let kept = if it.unknown_loser { "!" } else { "" };
            format!("{:?} {}{kept} {}{copy}", it.stage, it.word(), it.path)
        };
        let notices = plan.notices.iter().map(|it| it.path.clone());
        plan.actions.iter().map(action).chain(notices).collect()
    }

    #[test]
    fn a_file_against_a_folder_is_settled_by_either_side_or_by_a_copy_of_the_file() {
        use Resolution as R;
        let copy = "a.conflict-ann-20261120T000000Z-ab12";
        let aside = format!("Aside keep-both a as {copy}");
        let uploads = ["Main upload a/b", "Main upload a/c"];
        let downloads = ["Main download a/b", "Main download a/c"];
        let gone = ["Room delete-remote! a/b", "Room delete-remote! a/c"];
        let with = |first: &str, rest: [&str; 2]| {
            std::iter::once(first).chain(rest).map(str::to_owned).collect::<Vec<_>>()
        };
        // The file is here.
        let mut ours = Vec::from(gone.map(str::to_owned));
        ours.push("Main upload a".to_owned());
        assert_eq!(shaped(true, None, R::Ours), ours);
        assert_eq!(shaped(true, None, R::Theirs), with("Room delete-local! a", downloads));
        assert_eq!(shaped(true, None, R::Both), with(&aside, downloads));
        // The folder is here.
        let taken = ["Last delete-local a/b", "Last delete-local a/c"];
        assert_eq!(shaped(false, None, R::Theirs), with("Main replace-folder! a", taken));
        assert_eq!(shaped(false, None, R::Ours), with("Room delete-remote! a", uploads));
        // The copy keeps what the bucket loses.
        let both = std::iter::once(aside).chain(with("Room delete-remote a", uploads));
        assert_eq!(shaped(false, None, R::Both), both.collect::<Vec<_>>());
        for how in [R::Skip, R::Newest] {
            assert!(shaped(true, None, how).is_empty());
        }
    }

    #[test]
    fn a_folder_with_something_that_is_left_alone_gives_way_to_nobody_and_is_told() {
        assert_eq!(shaped(false, Some(Marker::Link), Resolution::Theirs), ["a"]);
        assert_eq!(shaped(false, Some(Marker::Link), Resolution::Ours).len(), 3);
    }
}
