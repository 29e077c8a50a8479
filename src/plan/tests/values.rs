//! What plans and actions say of themselves, and the words of the notices.

use super::{DIRECTIONS, Direction, options, path, plan, plan_with, show};
use crate::plan::{
    Action, ActionKind, ConflictKind, Notice, NoticeKind, Plan, PlanBuilder, Resolution, notices,
    settle,
};
use crate::tree::{Marker, PathError, RepoPath};

const KINDS: [ActionKind; 8] = [
    ActionKind::Adopt,
    ActionKind::Forget,
    ActionKind::Upload,
    ActionKind::Download,
    ActionKind::DeleteLocal,
    ActionKind::DeleteRemote,
    ActionKind::ReplaceFolder,
    ActionKind::KeepBoth,
];

/// An action with both sides, 10 bytes here and 7 in the bucket.
fn action(kind: ActionKind) -> Action {
    let mut action = plan(Direction::ForcedPush, "f M M").actions.remove(0);
    action.kind = kind;
    action.remote.as_mut().unwrap().size = 7;
    action
}

#[test]
fn a_plan_of_a_million_actions_has_128_bytes_and_a_path_for_each() {
    assert!(size_of::<Action>() <= 128, "{} bytes", size_of::<Action>());
}

#[test]
fn every_action_has_a_word_of_its_own() {
    let words = KINDS.map(|kind| action(kind).word());
    let expected = [
        "adopt",
        "forget",
        "upload",
        "download",
        "delete-local",
        "delete-remote",
        "replace-folder",
        "keep-both",
    ];
    assert_eq!(words, expected);
}

#[test]
fn a_push_writes_there_a_pull_here_and_a_sync_on_both_sides() {
    for direction in DIRECTIONS {
        let writes = (direction.writes_local(), direction.writes_remote());
        let expected = match direction {
            Direction::Sync => (true, true),
            Direction::Push | Direction::ForcedPush | Direction::MirrorPush => (false, true),
            Direction::Pull | Direction::ForcedPull | Direction::MirrorPull => (true, false),
        };
        assert_eq!(writes, expected, "{direction:?}");
    }
}

#[test]
fn only_transfers_move_bytes() {
    assert_eq!(KINDS.map(|kind| action(kind).bytes()), [0, 0, 10, 7, 0, 0, 7, 17]);
    let plan = Plan { actions: KINDS.map(action).to_vec(), ..Plan::default() };
    assert_eq!(plan.bytes(), 10 + 7 + 7 + 17);
    assert_eq!(plan.visible(), 6);
    assert!(KINDS.iter().all(|kind| plan.count(*kind) == 1));
}

#[test]
fn a_transfer_to_where_nothing_is_makes_something_new() {
    let new = |scene| plan(Direction::Sync, scene).actions[0].is_new();
    assert!(new("f C 0"));
    assert!(new("f 0 C"));
    assert!(!new("f M ="));
    assert!(!new("f = M"));
    assert!(!new("f = D"));
    assert!(!new("f D ="));
    let others = [ActionKind::Adopt, ActionKind::Forget, ActionKind::ReplaceFolder];
    for kind in others.into_iter().chain([ActionKind::KeepBoth]) {
        let nowhere = Action { local: None, remote: None, ..action(kind) };
        assert!(!nowhere.is_new(), "{kind:?}");
    }
}

#[test]
fn only_the_database_changes_in_bookkeeping() {
    let bookkeeping = KINDS.map(|kind| action(kind).is_bookkeeping());
    assert_eq!(bookkeeping, [true, true, false, false, false, false, false, false]);
}

#[test]
fn every_conflict_has_words_of_its_own() {
    let kinds = [
        (ConflictKind::BothChanged, "both-changed", "changed here and in the bucket"),
        (
            ConflictKind::BothCreated,
            "both-created",
            "new here and in the bucket, with different contents",
        ),
        (ConflictKind::DeletedHere, "deleted-here", "deleted here, changed in the bucket"),
        (ConflictKind::DeletedThere, "deleted-there", "changed here, deleted in the bucket"),
        (
            ConflictKind::FileAgainstFolder,
            "file-against-folder",
            "a file on one side, a folder on the other",
        ),
    ];
    for (kind, word, words) in kinds {
        assert_eq!((kind.word(), kind.words()), (word, words));
    }
}

#[test]
fn a_notice_of_the_caller_is_in_the_plan_in_its_order() {
    let notice = |path: &str| Notice {
        path: path.to_owned(),
        kind: NoticeKind::NameHere,
        reason: "why".to_owned(),
        hint: None,
        incomplete: true,
    };
    let mut builder = PlanBuilder::new(options(Direction::Sync));
    builder.notice(notice("b"));
    builder.notice(notice("a"));
    assert_eq!(show(&builder.finish()), "unmappable a incomplete, unmappable b incomplete");
}

#[test]
fn notices_say_why_and_what_to_do() {
    for (scene, kind, reason, hint) in [
        ("f L =", "link", "a symbolic link", None),
        ("f S =", "special", "no regular file", None),
        ("f/ N 0", "nested", "another working copy", None),
        ("f X =", "unreadable", "permission denied", Some("permission")),
        ("f F =", "unreadable", "an I/O error", Some("permission")),
        ("f 0 C | f/g 0 C", "clash", "the bucket holds a file of this name", Some("rename")),
        (
            "f C 0 | f/g 0 C | f/g/h 0 C",
            "clash",
            "the bucket holds a file named f/g",
            Some("rename"),
        ),
    ] {
        let plan = plan(Direction::Sync, scene);
        let notice = &plan.notices[0];
        assert_eq!((notice.kind.word(), notice.path.as_str()), (kind, "f"), "{scene}");
        assert!(notice.reason.contains(reason), "{notice:?}");
        match hint {
            Some(hint) => assert!(notice.hint.as_ref().unwrap().contains(hint), "{notice:?}"),
            None => assert_eq!(notice.hint, None),
        }
    }
}

#[test]
fn a_file_that_changed_while_it_was_compared_is_for_the_next_run() {
    let notice = notices::failed(&path("f"), NoticeKind::Changed, "it was changed here");
    assert_eq!((notice.kind, notice.incomplete), (NoticeKind::Changed, true));
    assert_eq!(notice.hint.as_deref(), Some("run the command again"));
}

#[test]
fn what_blocks_a_forced_run_is_to_be_moved_and_not_renamed_in_the_bucket() {
    let plan = plan(Direction::ForcedPull, "a 0 C | a/b I 0");
    assert_eq!(show(&plan), "clash a incomplete");
    assert!(plan.notices[0].reason.contains("left alone stands in the way"), "{plan:?}");
}

#[test]
fn below_a_name_that_no_key_can_hold_every_tracked_file_is_named() {
    let marker = Marker::Unmappable("the key is too long".to_owned());
    let notice = |here, tracked| {
        notices::marked(&path("d/f"), &marker, here, tracked)
            .map(|it| (it.kind, it.reason, it.incomplete))
    };
    let expected = Some((NoticeKind::NameHere, "the key is too long".to_owned(), true));
    assert_eq!(notice(true, false), expected);
    assert_eq!(notice(false, true), expected);
    assert_eq!(notice(false, false), None);
}

#[test]
fn an_empty_folder_marker_is_nothing_that_is_missing() {
    let notice = |key: &str, size| {
        let reason = RepoPath::parse(key).unwrap_err();
        let notice = notices::odd_key(key.to_owned(), reason, size);
        (notice.kind.word(), notice.incomplete, notice.hint.is_some())
    };
    assert_eq!(notice("dir/", 0), ("folder-marker", false, false));
    assert_eq!(notice("dir/", 1), ("unmappable", true, true));
    assert_eq!(notice("a//b", 0), ("unmappable", true, true));
    let notice = notices::odd_key("../x".to_owned(), PathError::Dots, 3);
    assert_eq!(notice.reason, "the path has a component . or ..; left in the bucket");
}

#[test]
fn a_local_name_that_is_no_text_is_shown_escaped() {
    let name = |folder: Option<&RepoPath>| {
        notices::unnameable(folder, b"a\xff", "the name is not UTF-8".to_owned()).path
    };
    assert_eq!(name(None), "a\\xff");
    assert_eq!(name(Some(&path("d"))), "d/a\\xff");
}

#[test]
fn settled_conflicts_join_the_other_actions_in_their_order() {
    let plan = plan(Direction::Sync, "a M M | b C 0 | c D M | d D =");
    let choices: Vec<_> =
        plan.conflicts.iter().map(|conflict| (conflict.clone(), Resolution::Ours)).collect();
    let settled = settle(plan, &choices, "label");
    assert_eq!(show(&settled), "PUT! a, PUT+ b, last DEL! c, last DEL= d");
}

#[test]
fn a_row_that_no_side_has_any_more_is_no_reason_for_anything() {
    let options = super::PlanOptions { no_delete: true, ..options(Direction::Sync) };
    let plan = plan_with(options, "a D D");
    assert_eq!((show(&plan).as_str(), plan.withheld_deletions), ("drop a", 0));
}

#[test]
fn an_obstacle_in_the_bucket_is_told_of_where_something_is_here_or_was_followed() {
    let path = RepoPath::parse("d/f").unwrap();
    for (here, tracked) in [(false, false), (false, true), (true, false), (true, true)] {
        let notice = notices::marked(&path, &Marker::Obstacle, here, tracked);
        assert_eq!(notice.is_some(), here || tracked, "here {here}, tracked {tracked}");
        assert!(
            notice.is_none_or(|notice| notice.incomplete && notice.kind == NoticeKind::Obstacle)
        );
    }
}

#[test]
fn whoever_forces_an_ignored_operand_is_told_which_file_has_the_rule() {
    let path = RepoPath::parse("a.log").unwrap();
    let notice = |place, forced| notices::ignored_operand(&path, place, "*.log", forced);
    let hint = notice("sub/.lsyncignore:7", true).hint.unwrap();
    assert_eq!(hint, "take the rule out of sub/.lsyncignore");
    assert_eq!(notice("sub/.lsyncignore:7", false).hint, None);
}
