//! Rows 1 to 15 of the table: every cell.

use super::{DIRECTIONS, Direction, plan, verb};
use crate::plan::Plan;
use crate::tree::Token;

/// Writes what a plan of one path says, in the words of the table.
fn cell(plan: &Plan) -> String {
    assert!(plan.notices.is_empty(), "{plan:?}");
    let mut words: Vec<_> = plan.actions.iter().map(verb).collect();
    words.extend(plan.conflicts.iter().map(|_| "CONF".to_owned()));
    for (word, count) in [("agree", plan.agreed), ("ahead", plan.ahead), ("behind", plan.behind)] {
        words.extend((0..count).map(|_| word.to_owned()));
    }
    words.join(" and ")
}

/// Holds a row of the table against what comes out of classify, reconcile and the builder.
fn check(local: &str, remotes: &str, cells: &str) {
    let cells: Vec<_> = cells.split_whitespace().collect();
    assert_eq!(cells.len(), DIRECTIONS.len());
    for remote in remotes.split(' ') {
        for (direction, expected) in DIRECTIONS.into_iter().zip(&cells) {
            let scene = format!("f {local} {remote}");
            let plan = plan(direction, &scene);
            assert_eq!(cell(&plan), *expected, "{scene} {direction:?}");
            for action in &plan.actions {
                assert_eq!((action.path.as_str(), action.clash), ("f", 0), "{scene} {direction:?}");
            }
        }
    }
}

/// A row of the table: name, local side, remote sides with the same outcome, and its seven cells.
macro_rules! rows {
    ($($name:ident $local:literal $remotes:literal: $cells:literal;)*) => {
        $(
            #[test]
            fn $name() {
                check($local, $remotes, $cells);
            }
        )*
    };
}

// `=` after a verb: over what the base knows. `!`: over what it does not know. `+`: over nothing.
//                                           sync   push   pull   push -f pull -f mirror-L mirror-R
rows! {
    row_01_nothing_changed         "=" "=":   "agree  agree  agree  agree  agree  agree  agree";
    row_02_touched_here            "~" "=":   "ADOPT  ADOPT  ADOPT  ADOPT  ADOPT  ADOPT  ADOPT";
    row_03_edited_here             "M" "=":   "PUT=   PUT=   ahead  PUT=   GET!   GET!   PUT=";
    row_04_deleted_here            "D" "=":   "DEL=   DEL=   ahead  DEL=   GET+   GET+   DEL=";
    row_05_edited_there            "=" "M":   "GET=   behind GET=   PUT!   GET=   GET=   PUT!";
    row_05_touched_edited_there    "~" "M":   "GET=   behind GET=   PUT!   GET=   GET=   PUT!";
    row_06_deleted_there           "=" "D":   "TRASH= behind TRASH= PUT+   TRASH= TRASH= PUT+";
    row_06_touched_deleted_there   "~" "D":   "TRASH= behind TRASH= PUT+   TRASH= TRASH= PUT+";
    row_07_edited_alike            "M" "E":   "ADOPT  ADOPT  ADOPT  ADOPT  ADOPT  ADOPT  ADOPT";
    row_08_edited_differently      "M" "M ?": "CONF   CONF   CONF   PUT!   GET!   GET!   PUT!";
    row_09_edited_deleted_there    "M" "D":   "CONF   CONF   CONF   PUT+   TRASH! TRASH! PUT+";
    row_10_deleted_edited_there    "D" "M":   "CONF   CONF   CONF   DEL!   GET+   GET+   DEL!";
    row_11_deleted_on_both_sides   "D" "D":   "drop   drop   drop   drop   drop   drop   drop";
    row_12_new_here                "C" "0":   "PUT+   PUT+   ahead  PUT+   ahead  TRASH! PUT+";
    row_13_new_there               "0" "C":   "GET+   behind GET+   behind GET+   GET+   DEL!";
    row_14_created_alike           "C" "E":   "ADOPT  ADOPT  ADOPT  ADOPT  ADOPT  ADOPT  ADOPT";
    row_15_created_differently     "C" "C ?": "CONF   CONF   CONF   PUT!   GET!   GET!   PUT!";
}

#[test]
fn each_conflict_says_how_the_sides_differ_and_shows_all_three() {
    for (scene, word, sides) in [
        ("f M M", "both-changed", (true, true, true)),
        ("f C C", "both-created", (true, false, true)),
        ("f M D", "deleted-there", (true, true, false)),
        ("f D M", "deleted-here", (false, true, true)),
    ] {
        let plan = plan(Direction::Sync, scene);
        let conflict = &plan.conflicts[0];
        assert_eq!(conflict.kind.word(), word);
        let shown = (conflict.local.is_some(), conflict.base.is_some(), conflict.remote.is_some());
        assert_eq!(shown, sides, "{scene}");
    }
}

#[test]
fn an_action_expects_what_the_plan_saw_on_both_sides() {
    let plan = plan(Direction::Sync, "a C 0 | b = M | c D = | d 0 C | e = D");
    let seen: Vec<_> = (plan.actions.iter())
        .map(|it| {
            let etag = it.remote.as_ref().map(|version| version.token.clone());
            (it.path.as_str(), it.local.map(|stat| stat.mtime), etag, it.remote_modified)
        })
        .collect();
    let expected = [
        ("a", Some(2), None, 0),
        ("b", Some(1), Some(Token::new("new")), 5),
        ("d", None, Some(Token::new("new")), 5),
        ("c", None, Some(Token::new("base")), 5),
        ("e", Some(1), None, 0),
    ];
    assert_eq!(seen, expected);
}
