//! What plans and actions say of themselves, and the words of the notices.

use super::{DIRECTIONS, Direction, options, path, plan, plan_with, show};
use crate::plan::{
    Action, ActionKind, Notice, NoticeKind, Plan, PlanBuilder, Resolution, Why, notices, settle,
};
use crate::tree::{Marker, NameFault, PathError, RepoPath, Unread};

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
fn a_notice_of_the_caller_is_in_the_plan_in_its_order() {
    let notice = |path: &str| Notice {
        path: path.to_owned(),
        why: Why::NameHere(NameFault::NotUnicode),
        keeps_out: 0,
        incomplete: true,
    };
    let mut builder = PlanBuilder::new(options(Direction::Sync));
    builder.notice(notice("b"));
    builder.notice(notice("a"));
    assert_eq!(show(&builder.finish()), "unmappable a incomplete, unmappable b incomplete");
}

#[test]
fn notices_say_why() {
    let io = "an I/O error".to_owned();
    for (scene, kind, why) in [
        ("f L =", "link", Why::Link),
        ("f S =", "special", Why::Special),
        ("f/ N 0", "nested", Why::Nested),
        ("f X =", "unreadable", Why::Unreadable(Unread::Disk("permission denied".to_owned()))),
        ("f F =", "unreadable", Why::Uncompared(io)),
        ("f 0 C | f/g 0 C", "clash", Why::BothInBucket(None)),
        ("f C 0 | f/g 0 C | f/g/h 0 C", "clash", Why::BothInBucket(Some(path("f/g")))),
    ] {
        let plan = plan(Direction::Sync, scene);
        let notice = &plan.notices[0];
        assert_eq!((notice.kind().word(), notice.path.as_str()), (kind, "f"), "{scene}");
        assert_eq!(notice.why, why, "{scene}");
    }
}

#[test]
fn a_file_that_changed_while_it_was_compared_is_for_the_next_run() {
    let notice = notices::failed(&path("f"), Why::Changed("it was changed here".to_owned()));
    assert_eq!((notice.kind(), notice.incomplete), (NoticeKind::Changed, true));
}

#[test]
fn what_blocks_a_forced_run_is_to_be_moved_and_not_renamed_in_the_bucket() {
    let plan = plan(Direction::ForcedPull, "a 0 C | a/b I 0");
    assert_eq!(show(&plan), "clash a incomplete");
    assert_eq!(plan.notices[0].why, Why::Blocked);
}

#[test]
fn below_a_name_that_no_key_can_hold_every_tracked_file_is_named() {
    let fault = NameFault::Path(PathError::LongKey);
    let marker = Marker::Unmappable(fault);
    let notice = |here, tracked| {
        notices::marked(&path("d/f"), &marker, here, tracked).map(|it| (it.why, it.incomplete))
    };
    let expected = Some((Why::NameHere(fault), true));
    assert_eq!(notice(true, false), expected);
    assert_eq!(notice(false, true), expected);
    assert_eq!(notice(false, false), None);
}

#[test]
fn an_empty_folder_marker_is_nothing_that_is_missing() {
    let notice = |key: &str, size| {
        let reason = RepoPath::parse(key).unwrap_err();
        let notice = notices::odd_key(key, reason, size);
        (notice.kind().word(), notice.incomplete)
    };
    assert_eq!(notice("dir/", 0), ("folder-marker", false));
    assert_eq!(notice("dir/", 1), ("unmappable", true));
    assert_eq!(notice("a//b", 0), ("unmappable", true));
    let notice = notices::odd_key("../x", PathError::Dots, 3);
    assert_eq!(notice.why, Why::NameThere(PathError::Dots));
}

#[test]
fn a_local_name_that_is_no_text_is_shown_escaped() {
    let name = |folder: Option<&RepoPath>| {
        notices::unnameable(folder, b"a\xff", NameFault::NotUnicode).path
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
        assert!(notice.is_none_or(|notice| notice.incomplete && notice.why == Why::Obstacle));
    }
}
