//! Rows 21 to 25 of the table: what is left alone, and what a rule takes out.

use super::{DIRECTIONS, Direction, plan, show};
use crate::plan::{Rule, Why};

/// Tells what every direction plans for a scene; they must agree.
fn in_every_direction(scene: &str) -> String {
    let plans = DIRECTIONS.map(|direction| plan(direction, scene));
    for plan in &plans {
        assert_eq!(show(plan), show(&plans[0]), "{scene}");
        let counted = plan.agreed + plan.ahead + plan.behind;
        assert_eq!(counted, 0, "what is left alone is not counted: {scene}");
    }
    show(&plans[0])
}

#[test]
fn row_21_a_link_or_special_file_at_a_tracked_path_is_never_a_deletion() {
    for remote in ["=", "M", "D"] {
        assert_eq!(in_every_direction(&format!("f L {remote}")), "link f incomplete");
        assert_eq!(in_every_direction(&format!("f S {remote}")), "special f incomplete");
    }
}

#[test]
fn row_21_an_untracked_link_is_named_and_nothing_is_missing() {
    assert_eq!(in_every_direction("f L 0"), "link f");
    assert_eq!(in_every_direction("f S 0"), "special f");
}

#[test]
fn row_21_below_a_link_nothing_is_deleted_anywhere() {
    assert_eq!(
        in_every_direction("d L 0 | d/e D = | d/f D M | d/g D D"),
        "link d, link d/e incomplete, link d/f incomplete, link d/g incomplete",
    );
}

#[test]
fn row_22_what_cannot_be_read_is_left_alone_with_everything_below() {
    assert_eq!(in_every_direction("f X ="), "unreadable f incomplete");
    assert_eq!(in_every_direction("f X 0"), "unreadable f incomplete");
    assert_eq!(
        in_every_direction("d/ X 0 | d/e D = | d/f D M | d/g D D | d/h 0 C"),
        "unreadable d incomplete, unreadable d/e incomplete, unreadable d/f incomplete, \
         unreadable d/g incomplete",
    );
}

#[test]
fn row_22_a_file_that_cannot_be_compared_is_left_alone() {
    assert_eq!(in_every_direction("f F ="), "unreadable f incomplete");
    assert_eq!(in_every_direction("f F M"), "unreadable f incomplete");
    assert_eq!(in_every_direction("f F C"), "unreadable f incomplete");
}

#[test]
fn row_22_a_file_that_cannot_be_compared_is_named_in_a_clash_too() {
    let push = plan(Direction::Push, "a 0 C | a/b = D | a/c F D");
    assert_eq!(show(&push), "unreadable a/c incomplete");
    assert_eq!((push.agreed, push.behind), (0, 2));
    let sync = plan(Direction::Sync, "a 0 C | a/b = D | a/c F D");
    assert_eq!(show(&sync), "CONF file-against-folder a, unreadable a/c incomplete");
}

#[test]
fn row_24_what_becomes_ignored_is_forgotten_and_both_copies_stay() {
    for here in ["I", "i"] {
        for remote in ["=", "M", "D"] {
            assert_eq!(
                in_every_direction(&format!("f {here} {remote}")),
                "drop f, forgotten f incomplete"
            );
        }
    }
}

#[test]
fn row_24_a_folder_that_becomes_ignored_is_forgotten_with_everything_below() {
    assert_eq!(
        in_every_direction("d/ I 0 | d/e D = | d/f D M | d/g 0 C"),
        "drop d/e, drop d/f, forgotten d/e incomplete, forgotten d/f incomplete",
    );
}

#[test]
fn row_24_the_notice_names_the_rule_and_its_line() {
    let plan = plan(Direction::Sync, "f I =");
    let (place, pattern) = (".lsyncignore:1".to_owned(), "*.log".to_owned());
    assert_eq!(plan.notices[0].why, Why::NewlyIgnored(Rule { place, pattern }));
}

#[test]
fn row_24_what_was_never_tracked_is_ignored_without_a_word() {
    for scene in ["f I 0", "f I C", "f i C", "d/ I 0 | d/e 0 C"] {
        assert_eq!(in_every_direction(scene), "", "{scene}");
    }
}

#[test]
fn row_25_what_is_no_longer_ignored_is_adopted_or_a_conflict() {
    assert_eq!(show(&plan(Direction::Sync, "f C E")), "ADOPT f");
    assert_eq!(show(&plan(Direction::Sync, "f C C")), "CONF both-created f");
}

#[test]
fn a_folder_that_became_another_working_copy_is_forgotten() {
    assert_eq!(
        in_every_direction("d/ N 0 | d/e D ="),
        "drop d/e, nested d, forgotten d/e incomplete",
    );
    assert_eq!(in_every_direction("d/ N 0"), "nested d");
}

#[test]
fn what_lsync_follows_no_more_is_counted_and_nothing_else_that_is_left_alone() {
    let plan = plan(Direction::Sync, "a L = | b D D | d/ N 0 | d/e D = | d/f D = | g I =");
    assert_eq!((plan.dropped(), plan.notices.len()), (3, 5));
}

#[test]
fn a_folder_that_is_left_alone_is_not_replaced_by_a_file_of_its_name() {
    for (marker, expected) in [("X", "unreadable d incomplete"), ("I", "")] {
        let scene = format!("d/ {marker} 0 | d 0 C");
        assert_eq!(in_every_direction(&scene), expected);
    }
}

#[test]
fn what_stands_in_the_way_of_the_bucket_makes_a_run_incomplete_that_would_fetch_it() {
    for (scene, kind) in [
        ("d L C", "link"),
        ("d S C", "special"),
        ("d L 0 | d-x = = | d/e 0 C | d/f 0 C", "link"),
        ("d L 0 | d/e/f 0 C", "link"),
        ("d/ N 0 | d/e 0 C", "nested"),
        ("d/ N 0 | d 0 C", "nested"),
    ] {
        for direction in DIRECTIONS {
            let incomplete = if direction.writes_local() { " incomplete" } else { "" };
            let shown = show(&plan(direction, scene));
            assert_eq!(shown, format!("{kind} d{incomplete}"), "{direction:?}: {scene}");
        }
    }
}

#[test]
fn one_notice_tells_how_many_files_cannot_come() {
    for (scene, count) in [("d L C", 1), ("d L C | d/e 0 C | d/f/g 0 C", 3)] {
        let plan = plan(Direction::Sync, scene);
        let found: Vec<_> = plan.notices.iter().map(|it| (&it.why, it.keeps_out)).collect();
        assert_eq!(found, [(&Why::Link, count)]);
    }
}

#[test]
fn a_marker_next_to_a_longer_name_covers_only_its_own() {
    assert_eq!(
        show(&plan(Direction::Sync, "d L 0 | d-x 0 C | d.x C 0 | d/e D = | d0 D =")),
        "GET+ d-x, PUT+ d.x, last DEL= d0, link d, link d/e incomplete",
    );
}

#[test]
fn what_is_left_alone_in_a_clash_keeps_its_notice_and_its_forgetting() {
    // `a` became a folder here; one of its new files is ignored, one is a link.
    assert_eq!(
        show(&plan(Direction::Sync, "a D = | a/b C 0 | a/c I = | a/d L 0")),
        "PUT+ a/b, drop a/c, last DEL= a, forgotten a/c incomplete, link a/d",
    );
    assert_eq!(
        show(&plan(Direction::Sync, "a D = | a/b C 0 | a/c I 0 | a/d L 0")),
        "PUT+ a/b, last DEL= a, link a/d",
    );
}
