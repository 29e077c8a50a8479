//! Rows 16 to 20 of the table: a file against a folder, through the real merge.

use super::{DIRECTIONS, Direction, options, plan, plan_with, show};

/// A scene, and the plan of each direction, in the order of the table's columns.
macro_rules! clashes {
    ($($name:ident $scene:literal: $($plan:literal)*;)*) => {
        $(
            #[test]
            fn $name() {
                let plans: [&str; 7] = [$($plan),*];
                for (direction, expected) in DIRECTIONS.into_iter().zip(plans) {
                    assert_eq!(show(&plan(direction, $scene)), expected, "{direction:?}");
                }
            }
        )*
    };
}

// Each scene: sync, push, pull, push -f, pull -f, mirror-L, mirror-R.
clashes! {
    row_16_file_became_a_folder_here "a D = | a-1 = = | a/b C 0 | a/c/d C 0":
        "PUT+ a/b, PUT+ a/c/d, last DEL= a"
        "PUT+ a/b, PUT+ a/c/d, last DEL= a"
        ""
        "PUT+ a/b, PUT+ a/c/d, last DEL= a"
        "SWAP! a, last drop a/b, last drop a/c/d"
        "SWAP! a, last drop a/b, last drop a/c/d"
        "PUT+ a/b, PUT+ a/c/d, last DEL= a";
    row_16b_folder_became_a_file_here "a C 0 | a/b D = | a/c D =":
        "PUT+ a, last DEL= a/b, last DEL= a/c"
        "PUT+ a, last DEL= a/b, last DEL= a/c"
        ""
        "PUT+ a, last DEL= a/b, last DEL= a/c"
        "room TRASH! a, GET+ a/b, GET+ a/c"
        "room TRASH! a, GET+ a/b, GET+ a/c"
        "PUT+ a, last DEL= a/b, last DEL= a/c";
    row_17_file_became_a_folder_here_and_was_edited_there "a D M | a/b C 0":
        "CONF file-against-folder a"
        "CONF file-against-folder a"
        "CONF file-against-folder a"
        "PUT+ a/b, last DEL! a"
        "SWAP! a, last drop a/b"
        "SWAP! a, last drop a/b"
        "PUT+ a/b, last DEL! a";
    row_17_file_became_a_folder_on_both_sides "a D D | a/b C E | a/c C 0 | a/d 0 C":
        "drop a, ADOPT a/b, PUT+ a/c, GET+ a/d"
        "drop a, ADOPT a/b, PUT+ a/c"
        "drop a, ADOPT a/b, GET+ a/d"
        "drop a, ADOPT a/b, PUT+ a/c"
        "drop a, ADOPT a/b, GET+ a/d"
        "drop a, ADOPT a/b, GET+ a/d, last TRASH! a/c"
        "drop a, ADOPT a/b, PUT+ a/c, last DEL! a/d";
    row_17_the_folders_on_both_sides_differ_in_one_file "a D D | a/b C C | a/c C 0":
        "drop a, PUT+ a/c, CONF both-created a/b"
        "drop a, PUT+ a/c, CONF both-created a/b"
        "drop a, CONF both-created a/b"
        "drop a, PUT! a/b, PUT+ a/c"
        "drop a, GET! a/b"
        "drop a, GET! a/b, last TRASH! a/c"
        "drop a, PUT! a/b, PUT+ a/c";
    row_17b_folder_became_a_file_here_one_was_edited_there "a C 0 | a/b D M | a/c D =":
        "CONF file-against-folder a"
        "CONF file-against-folder a"
        "CONF file-against-folder a"
        "PUT+ a, last DEL! a/b, last DEL= a/c"
        "room TRASH! a, GET+ a/b, GET+ a/c"
        "room TRASH! a, GET+ a/b, GET+ a/c"
        "PUT+ a, last DEL! a/b, last DEL= a/c";
    row_17b_folder_became_a_file_here_one_was_created_there "a C 0 | a/b D = | a/c 0 C":
        "CONF file-against-folder a"
        "CONF file-against-folder a"
        "CONF file-against-folder a"
        "PUT+ a, last DEL= a/b, last DEL! a/c"
        "room TRASH! a, GET+ a/b, GET+ a/c"
        "room TRASH! a, GET+ a/b, GET+ a/c"
        "PUT+ a, last DEL= a/b, last DEL! a/c";
    // What both sides deleted stands in nobody's way: so a killed run is finished.
    row_17b_folder_became_a_file_here_one_is_deleted_there "a C 0 | a/b D = | a/c D D":
        "PUT+ a, drop a/c, last DEL= a/b"
        "PUT+ a, drop a/c, last DEL= a/b"
        "drop a/c"
        "PUT+ a, drop a/c, last DEL= a/b"
        "room TRASH! a, GET+ a/b, drop a/c"
        "room TRASH! a, GET+ a/b, drop a/c"
        "PUT+ a, drop a/c, last DEL= a/b";
    row_18_file_became_a_folder_there "a = D | a/b 0 C | a/c 0 C":
        "room TRASH= a, GET+ a/b, GET+ a/c"
        ""
        "room TRASH= a, GET+ a/b, GET+ a/c"
        "PUT+ a, last DEL! a/b, last DEL! a/c"
        "room TRASH= a, GET+ a/b, GET+ a/c"
        "room TRASH= a, GET+ a/b, GET+ a/c"
        "PUT+ a, last DEL! a/b, last DEL! a/c";
    row_18b_folder_became_a_file_there "a 0 C | a/b = D | a/c ~ D":
        "SWAP= a, last drop a/b, last drop a/c"
        ""
        "SWAP= a, last drop a/b, last drop a/c"
        "PUT+ a/b, PUT+ a/c, last DEL! a"
        "SWAP= a, last drop a/b, last drop a/c"
        "SWAP= a, last drop a/b, last drop a/c"
        "PUT+ a/b, PUT+ a/c, last DEL! a";
    row_19_edited_here_became_a_folder_there "a M D | a/b 0 C":
        "CONF file-against-folder a"
        "CONF file-against-folder a"
        "CONF file-against-folder a"
        "PUT+ a, last DEL! a/b"
        "room TRASH! a, GET+ a/b"
        "room TRASH! a, GET+ a/b"
        "PUT+ a, last DEL! a/b";
    row_19b_one_was_edited_here_folder_became_a_file_there "a 0 C | a/b M D | a/c = D":
        "CONF file-against-folder a"
        "CONF file-against-folder a"
        "CONF file-against-folder a"
        "PUT+ a/b, PUT+ a/c, last DEL! a"
        "SWAP! a, last drop a/b, last drop a/c"
        "SWAP! a, last drop a/b, last drop a/c"
        "PUT+ a/b, PUT+ a/c, last DEL! a";
    row_19b_one_was_created_here_folder_became_a_file_there "a 0 C | a/b C 0 | a/c = D":
        "CONF file-against-folder a"
        "CONF file-against-folder a"
        "CONF file-against-folder a"
        "PUT+ a/b, PUT+ a/c, last DEL! a"
        "SWAP! a, last drop a/b, last drop a/c"
        "SWAP! a, last drop a/b, last drop a/c"
        "PUT+ a/b, PUT+ a/c, last DEL! a";
    row_19b_something_ignored_lies_in_the_folder "a 0 C | a/b = D | a/c I 0":
        "CONF file-against-folder a"
        ""
        "CONF file-against-folder a"
        "PUT+ a/b, last DEL! a"
        "clash a incomplete"
        "clash a incomplete"
        "PUT+ a/b, last DEL! a";
    row_19b_a_link_lies_in_the_folder "a 0 C | a/b = D | a/c L 0":
        "CONF file-against-folder a, link a/c"
        "link a/c"
        "CONF file-against-folder a, link a/c"
        "PUT+ a/b, last DEL! a, link a/c"
        "clash a incomplete, link a/c"
        "clash a incomplete, link a/c"
        "PUT+ a/b, last DEL! a, link a/c";
    row_20_the_bucket_holds_both_below_a_file_here "a C 0 | a/b 0 C | a/b/c 0 C":
        "clash a incomplete"
        "clash a incomplete"
        "clash a incomplete"
        "PUT+ a, last DEL! a/b, last DEL! a/b/c"
        "clash a incomplete"
        "clash a incomplete"
        "PUT+ a, last DEL! a/b, last DEL! a/b/c";
    row_20_the_bucket_holds_both_nothing_is_here "a 0 C | a/b 0 C":
        "clash a incomplete"
        "clash a incomplete"
        "clash a incomplete"
        "clash a incomplete"
        "clash a incomplete"
        "clash a incomplete"
        "last DEL! a, last DEL! a/b";
    row_20_the_bucket_holds_both_the_file_is_tracked "a = = | a/b 0 C":
        "clash a incomplete"
        "clash a incomplete"
        "clash a incomplete"
        "last DEL! a/b"
        "clash a incomplete"
        "clash a incomplete"
        "last DEL! a/b";
    row_20_the_bucket_holds_both_the_folder_is_tracked "a 0 C | a/b = =":
        "clash a incomplete"
        "clash a incomplete"
        "clash a incomplete"
        "last DEL! a"
        "clash a incomplete"
        "clash a incomplete"
        "last DEL! a";
    row_20_the_bucket_holds_both_and_both_are_in_the_way "a 0 C | a/b 0 C | a/b/c C 0":
        "clash a incomplete"
        "clash a incomplete"
        "clash a incomplete"
        "PUT+ a/b/c, last DEL! a, last DEL! a/b"
        "clash a incomplete"
        "clash a incomplete"
        "PUT+ a/b/c, last DEL! a, last DEL! a/b";
    // A forced push takes along what stands in its way, and nothing else.
    row_20_the_bucket_holds_both_the_folder_has_a_new_file "a 0 C | a/b 0 C | a/c C 0":
        "clash a incomplete"
        "clash a incomplete"
        "clash a incomplete"
        "PUT+ a/c, last DEL! a"
        "clash a incomplete"
        "clash a incomplete"
        "PUT+ a/c, last DEL! a, last DEL! a/b";
    new_on_both_sides_in_both_shapes "a C 0 | a/b 0 C":
        "CONF file-against-folder a"
        "CONF file-against-folder a"
        "CONF file-against-folder a"
        "PUT+ a, last DEL! a/b"
        "room TRASH! a, GET+ a/b"
        "room TRASH! a, GET+ a/b"
        "PUT+ a, last DEL! a/b";
}

#[test]
fn a_killed_run_is_finished_whatever_it_recorded() {
    for (scene, expected) in [
        // File to folder here: the new keys are there, the old one still is.
        ("a D = | a/b = =", "last DEL= a"),
        ("a D = | a/b C E", "ADOPT a/b, last DEL= a"),
        ("a D D | a/b = =", "drop a"),
        // Folder to file here: the new key is there, some of the old ones still are.
        ("a = = | a/b D =", "last DEL= a/b"),
        ("a C E | a/b D = | a/c D D", "ADOPT a, drop a/c, last DEL= a/b"),
        // File to folder there: the file went to the trash, some children came.
        ("a D D | a/b C E | a/c 0 C", "drop a, ADOPT a/b, GET+ a/c"),
        ("a/b = = | a/c 0 C", "GET+ a/c"),
        // Folder to file there: exchanged, not recorded; recorded, the old rows not yet dropped.
        ("a C E | a/b D D", "ADOPT a, drop a/b"),
        ("a = = | a/b D D", "drop a/b"),
    ] {
        assert_eq!(show(&plan(Direction::Sync, scene)), expected, "{scene}");
    }
}

#[test]
fn a_teammate_who_is_between_new_and_old_keys_is_waited_for() {
    for scene in ["a = = | a/b 0 C", "a 0 C | a/b = = | a/c = D"] {
        for direction in [Direction::Sync, Direction::Pull] {
            assert_eq!(show(&plan(direction, scene)), "clash a incomplete", "{scene}");
        }
    }
}

#[test]
fn a_shape_that_both_sides_know_is_no_clash() {
    // Only the database still speaks of the other shape: each path is decided by itself.
    for (scene, expected) in [
        ("a M M | a/b D D", "drop a/b, CONF both-changed a"),
        ("a C C | a/b D D", "drop a/b, CONF both-created a"),
        ("a D D | a/b M M | a/c = D", "drop a, last TRASH= a/c, CONF both-changed a/b"),
        ("a D D | a/b D D", "drop a, drop a/b"),
    ] {
        let plan = plan(Direction::Sync, scene);
        assert_eq!(show(&plan), expected, "{scene}");
        assert!(plan.actions.iter().all(|action| action.clash == 0), "{scene}");
    }
}

#[test]
fn a_clash_below_a_name_that_only_the_database_knows_is_found() {
    for (scene, expected) in [
        // Here `a` became `a/b`, there it became `a/b/c`.
        (
            "a D D | a/b C 0 | a/b-1 0 C | a/b/c 0 C",
            "drop a, GET+ a/b-1, CONF file-against-folder a/b",
        ),
        ("a D D | a/b 0 C | a/b/c 0 C", "drop a, clash a/b incomplete"),
        ("a D D | a/b = D | a/b/c 0 C", "room TRASH= a/b, drop a, GET+ a/b/c"),
        ("a D D | a/b 0 C | a/b/c = D", "drop a, SWAP= a/b, last drop a/b/c"),
    ] {
        assert_eq!(show(&plan(Direction::Sync, scene)), expected, "{scene}");
    }
}

#[test]
fn a_clash_within_a_clash_must_fit_together_too() {
    for (scene, expected) in [
        // There `a` became a folder with both shapes of `a/b`.
        ("a = D | a/b 0 C | a/b/c 0 C", "clash a incomplete"),
        ("a = D | a/b 0 C | a/b/c D M", "CONF file-against-folder a"),
        ("a D = | a/b C 0 | a/b/c D =", "PUT+ a/b, last DEL= a, last DEL= a/b/c"),
        ("a D = | a/b C 0 | a/b/c 0 C", "clash a incomplete"),
    ] {
        assert_eq!(show(&plan(Direction::Sync, scene)), expected, "{scene}");
    }
    // What wins takes along what stands in its way, at every depth.
    for (direction, expected) in [
        (Direction::ForcedPush, "PUT+ a/b, last DEL! a, last DEL! a/b/c"),
        (Direction::ForcedPull, "clash a incomplete"),
    ] {
        let scene = "a D M | a/b C 0 | a/b/c 0 C";
        assert_eq!(show(&plan(direction, scene)), expected, "{direction:?}");
    }
}

#[test]
fn the_actions_of_a_clash_share_a_number_of_their_own() {
    let plan = plan(Direction::Sync, "a D = | a/b C 0 | c D = | c/d C 0 | e C 0");
    let clashes: Vec<_> = plan.actions.iter().map(|it| (it.path.as_str(), it.clash)).collect();
    assert_eq!(clashes, [("a/b", 1), ("c/d", 2), ("e", 0), ("a", 1), ("c", 2)]);
}

#[test]
fn a_swapped_folder_must_hold_exactly_what_the_plan_saw() {
    let plan = plan(Direction::ForcedPull, "a 0 C | a/b = D | a/c/d M D | a/e C 0 | a/f D D");
    assert_eq!(
        show(&plan),
        "drop a/f, SWAP! a, last drop a/b, last drop a/c/d, last drop a/e"
            .replace("drop a/f, SWAP! a", "SWAP! a, drop a/f")
    );
    let swap = &plan.actions[0];
    let folder: Vec<_> =
        swap.folder().iter().map(|(path, stat)| (path.as_str(), stat.mtime)).collect();
    assert_eq!(folder, [("a/b", 1), ("a/c/d", 2), ("a/e", 2)]);
    assert_eq!((swap.local, plan.replaced_files()), (None, 3));
}

#[test]
fn where_a_store_cannot_hold_both_the_old_keys_go_first() {
    for (direction, scene, expected) in [
        (Direction::Sync, "a D = | a/b C 0", "room DEL= a, PUT+ a/b"),
        (Direction::Sync, "a C 0 | a/b D = | a/c D =", "room DEL= a/b, room DEL= a/c, PUT+ a"),
        (Direction::ForcedPush, "a = D | a/b 0 C", "room DEL! a/b, PUT+ a"),
        (Direction::MirrorPush, "a 0 C | a/b = D", "room DEL! a, PUT+ a/b"),
        (Direction::Sync, "a = D | a/b 0 C", "room TRASH= a, GET+ a/b"),
        (Direction::Sync, "x D = | y = D", "last DEL= x, last TRASH= y"),
    ] {
        let options = super::PlanOptions { file_beside_folder: false, ..options(direction) };
        assert_eq!(show(&plan_with(options, scene)), expected, "{scene}");
    }
}

#[test]
fn a_pushed_file_does_not_reach_into_a_folder_of_its_name() {
    let push = |scene| {
        let options = super::PlanOptions { implicit_force: true, ..options(Direction::ForcedPush) };
        show(&plan_with(options, scene))
    };
    assert_eq!(push("a M M"), "PUT! a");
    assert_eq!(push("a M D"), "PUT+ a");
    for scene in ["a C 0 | a/b 0 C", "a = D | a/b 0 C", "a C 0 | a/b D =", "a M D | a/b D M"] {
        assert_eq!(push(scene), "CONF file-against-folder a", "{scene}");
    }
    // A folder that is nowhere any more is no folder.
    assert_eq!(push("a C 0 | a/b D D"), "PUT+ a, drop a/b");
}

#[test]
fn a_clash_with_a_file_that_only_a_download_could_compare_is_not_proven() {
    for (scene, proven) in [("a D M | a/b C 0", true), ("a D = | a/b C ?", false)] {
        let plan = plan(Direction::Sync, scene);
        assert_eq!(show(&plan), "CONF file-against-folder a", "{scene}");
        assert_eq!(plan.conflicts[0].proven, proven, "{scene}");
    }
}
