//! Turns settled conflicts into actions.

use std::sync::Arc;

use super::{Action, ActionKind, Conflict, ConflictKind, Detail, Plan, Resolution, Stage};
use crate::tree::RepoPath;

/// Replaces the conflicts that `choices` settle by actions.
///
/// A choice counts only for the very versions that were shown: a conflict that moved meanwhile stays
/// one. `label` makes the name of the copy that [`Resolution::Both`] keeps:
/// `stem.conflict-LABEL.ext`.
pub fn settle(mut plan: Plan, choices: &[(Conflict, Resolution)], label: &str) -> Plan {
    let mut open = Vec::with_capacity(plan.conflicts.len());
    for conflict in std::mem::take(&mut plan.conflicts) {
        let choice = choices.iter().find(|(shown, _)| is_as_shown(shown, &conflict));
        match choice.and_then(|(_, resolution)| action(&conflict, *resolution, label)) {
            Some(action) => plan.actions.push(action),
            None => open.push(conflict),
        }
    }
    plan.conflicts = open;
    plan.sort_actions();
    plan
}

fn is_as_shown(shown: &Conflict, now: &Conflict) -> bool {
    let version = |conflict: &Conflict| conflict.remote.as_ref().map(|entry| entry.version.clone());
    let signature = |conflict: &Conflict| conflict.local.map(|stat| stat.signature());
    shown.path == now.path
        && shown.kind == now.kind
        && version(shown) == version(now)
        && signature(shown) == signature(now)
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
    Action {
        local: conflict.local,
        remote: conflict.remote.as_ref().map(|entry| entry.version.clone()),
        remote_modified: conflict.remote.as_ref().map_or(0, |entry| entry.modified),
        ..Action::new(conflict.path.clone(), kind, stage)
    }
}

/// Makes the name of the copy of ours, `stem.conflict-LABEL.ext`; `None` where that would be no path (a name too long).
pub fn copy_path(path: &RepoPath, label: &str) -> Option<RepoPath> {
    let name = path.name();
    // A leading dot begins a hidden name, not an extension.
    let dot = name.rfind('.').filter(|dot| *dot > 0);
    let (stem, extension) = name.split_at(dot.unwrap_or(name.len()));
    RepoPath::below(path.parent().as_ref(), &format!("{stem}.conflict-{label}{extension}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Etag, Kind, RemoteEntry, Stat, Version};

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).unwrap()
    }

    fn conflict(local: bool, remote: Option<&str>) -> Conflict {
        let stat = Stat {
            kind: Kind::File,
            size: 1,
            mtime: 1,
            ctime: 1,
            inode: 1,
            device: 1,
            mode: 0o644,
        };
        Conflict {
            path: path("f"),
            kind: ConflictKind::BothChanged,
            local: local.then_some(stat),
            base: None,
            proven: true,
            remote: remote.map(|etag| RemoteEntry {
                path: path("f"),
                version: Version { etag: Etag::new(etag), size: 1 },
                modified: 0,
            }),
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
        let knot = Conflict { kind: ConflictKind::FileAgainstFolder, ..shown };
        assert_eq!(settled(&knot, knot.clone(), Resolution::Ours).conflicts.len(), 1);
    }

    #[test]
    fn the_copy_keeps_the_extension_and_the_folder() {
        for (text, copy) in [
            ("a/b.txt", "a/b.conflict-L.txt"),
            ("b", "b.conflict-L"),
            (".hidden", ".hidden.conflict-L"),
            ("x.tar.gz", "x.tar.conflict-L.gz"),
        ] {
            assert_eq!(copy_path(&path(text), "L"), Some(path(copy)));
        }
        assert_eq!(copy_path(&path(&"n".repeat(250)), "LABEL"), None);
    }
}
