//! The decision table of `docs/decisions.md` is what the code decides, and every row that is cited stands in
//! it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use lsync::plan::{
    Change, ClashVerdict, Decision, Direction, LocalChange, Member, Members, RemoteChange,
    Untracked, reconcile, reconcile_clash,
};
use lsync::tree::Comparison;

use crate::section;

const DECISIONS: &str = include_str!("../../docs/decisions.md");

/// The directions in the order of the table's columns.
const DIRECTIONS: [Direction; 7] = [
    Direction::Sync,
    Direction::Push,
    Direction::Pull,
    Direction::ForcedPush,
    Direction::ForcedPull,
    Direction::MirrorPull,
    Direction::MirrorPush,
];

const CONTENTS: [Comparison; 3] = [Comparison::Same, Comparison::Different, Comparison::Unknown];

/// Returns the cells of the rows of a section's tables, without the headings.
fn rows(section: &str) -> Vec<Vec<&str>> {
    let lines = section.lines().filter(|line| line.starts_with("| "));
    let cells = lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect());
    cells.filter(|cells: &Vec<&str>| cells[0].starts_with(|c: char| c.is_ascii_digit())).collect()
}

/// Returns what three sides may show in a row, by its words.
fn changes(here: &str, there: &str) -> Vec<(Change, Comparison)> {
    let (there, contents) = match there.split_once(", ") {
        None => (there, &CONTENTS[..]),
        Some((there, "the same")) => (there, &CONTENTS[..1]),
        Some((there, "other")) => (there, &CONTENTS[1..]),
        Some((_, word)) => panic!("{word:?} says nothing of the contents"),
    };
    let local = |word: &str| match word {
        "as base" => LocalChange::Same,
        "touched" => LocalChange::Touched,
        "changed" => LocalChange::Modified,
        "deleted" => LocalChange::Deleted,
        _ => panic!("{word:?} is no side"),
    };
    let changes: Vec<_> = match (here, there) {
        ("new", "nothing") => vec![Change::Untracked(Untracked::Local)],
        ("nothing", "new") => vec![Change::Untracked(Untracked::Remote)],
        ("new", "new") => vec![Change::Untracked(Untracked::Both)],
        (here, there) => {
            let remote = match there {
                "as base" => RemoteChange::Same,
                "changed" => RemoteChange::Modified,
                "deleted" => RemoteChange::Deleted,
                _ => panic!("{there:?} is no side"),
            };
            here.split(" or ").map(|word| Change::Tracked(local(word), remote)).collect()
        }
    };
    let with_contents = |change| contents.iter().map(move |content| (change, *content));
    changes.into_iter().flat_map(with_contents).collect()
}

/// Writes a decision in the words of the table.
fn words(decision: Decision) -> String {
    let (word, unknown_loser) = match decision {
        Decision::Agree => ("–", false),
        Decision::Adopt => ("record", false),
        Decision::Forget => ("forget", false),
        Decision::Ahead => ("ahead", false),
        Decision::Behind => ("behind", false),
        Decision::Conflict(_) => ("conflict", false),
        Decision::Upload { unknown_loser } => ("upload", unknown_loser),
        Decision::Download { unknown_loser } => ("download", unknown_loser),
        Decision::DeleteRemote { unknown_loser } => ("delete there", unknown_loser),
        Decision::DeleteLocal { unknown_loser } => ("delete here", unknown_loser),
    };
    format!("{word}{}", if unknown_loser { "!" } else { "" })
}

#[test]
fn rows_1_to_15_are_what_the_code_decides() {
    let rows = rows(section(DECISIONS, "## Rows 1 to 15: one path"));
    let numbers: Vec<_> = rows.iter().map(|cells| cells[0].to_owned()).collect();
    assert_eq!(numbers, (1..=15).map(|number| number.to_string()).collect::<Vec<_>>());
    let mut seen = BTreeSet::new();
    for cells in rows {
        let (number, here, there) = (cells[0], cells[1], cells[2]);
        assert_eq!(cells.len(), 3 + DIRECTIONS.len(), "row {number}");
        for (change, content) in changes(here, there) {
            let is_new = seen.insert(format!("{change:?} {content:?}"));
            assert!(is_new, "row {number} is in another row, too: {change:?} {content:?}");
            for (direction, cell) in DIRECTIONS.into_iter().zip(&cells[3..]) {
                let decided = words(reconcile(change, content, direction));
                assert_eq!(decided, *cell, "row {number}, {direction:?}, {content:?}");
            }
        }
    }
    // 12 ways to differ from a base row and 3 without one, each with every comparison.
    assert_eq!(seen.len(), 15 * CONTENTS.len(), "the table is not complete");
}

/// A file against a folder: what stands at `a`, and what below it.
type Scene = (Member, Vec<Member>);

/// The scenes of rows 16 to 20, in the order of the table; `None` where a row is told in other words.
fn scenes() -> Vec<Option<Scene>> {
    use LocalChange as L;
    use RemoteChange as R;
    let known = |change| Member::Known(change, Comparison::Different);
    let tracked = |local, remote| known(Change::Tracked(local, remote));
    let here = known(Change::Untracked(Untracked::Local));
    let there = known(Change::Untracked(Untracked::Remote));
    let link = Member::LeftAlone { here: true, there: false };
    vec![
        Some((tracked(L::Deleted, R::Same), vec![here, here])),
        Some((here, vec![tracked(L::Deleted, R::Same)])),
        Some((tracked(L::Deleted, R::Modified), vec![here])),
        None,
        Some((here, vec![tracked(L::Deleted, R::Modified), tracked(L::Deleted, R::Same)])),
        Some((tracked(L::Same, R::Deleted), vec![there])),
        Some((there, vec![tracked(L::Same, R::Deleted), tracked(L::Touched, R::Deleted)])),
        Some((tracked(L::Modified, R::Deleted), vec![there])),
        Some((there, vec![tracked(L::Modified, R::Deleted), tracked(L::Same, R::Deleted)])),
        Some((there, vec![tracked(L::Same, R::Deleted), link])),
        None,
    ]
}

/// Writes what becomes of a file against a folder in the words of the table.
fn words_of_both((top, below): &Scene, direction: Direction) -> String {
    let all: Vec<Member> = std::iter::once(*top).chain(below.iter().copied()).collect();
    let members = Members { all: &all, inner: &[] };
    let (decisions, is_exchange) = match reconcile_clash(members, direction, false) {
        ClashVerdict::Conflict => return "conflict".to_owned(),
        ClashVerdict::BothInBucket(_) | ClashVerdict::Blocked => {
            return "reported, nothing is changed (3)".to_owned();
        }
        ClashVerdict::Decided { decisions, replace_folder } => (decisions, replace_folder),
    };
    let (top, decisions) = (decisions[0], &decisions[1..]);
    let takes_unknown = |decision: &Decision| words(*decision).starts_with("delete here!");
    let is_left_alone = |member: &Member| matches!(member, Member::LeftAlone { .. });
    let folder = if below.iter().any(is_left_alone) { "the rest of `a/…`" } else { "`a/…`" };
    let deletes_unknown = |decision: &Decision| words(*decision) == "delete there!";
    let mark = |is_unknown| if is_unknown { "!" } else { "" };
    let unknown_below = mark(decisions.iter().any(deletes_unknown));
    match (words(top).as_str(), is_exchange) {
        (_, true) => format!("exchange{}", mark(decisions.iter().any(takes_unknown))),
        ("ahead" | "behind", _) => words(top),
        ("upload", _) => format!("upload `a`, then delete `a/…` there{unknown_below}"),
        ("delete there", _) => format!("upload {folder}, then delete `a` there"),
        ("delete there!", _) => format!("upload {folder}, then delete `a` there!"),
        ("delete here", _) => "`a` to the trash, then download `a/…`".to_owned(),
        ("delete here!", _) => "`a` to the trash!, then download `a/…`".to_owned(),
        (word, _) => panic!("the table has no words for {word:?} at the top"),
    }
}

#[test]
fn rows_16_to_20_are_what_the_code_decides() {
    let rows = rows(section(DECISIONS, "## Rows 16 to 20: a file against a folder"));
    let scenes = scenes();
    assert_eq!(rows.len(), scenes.len());
    for (cells, scene) in rows.iter().zip(&scenes) {
        let Some(scene) = scene else { continue };
        let (number, here, there) = (cells[0], cells[1], cells[2]);
        let [sync, push, pull, pushed, pulled] = cells[3..] else { panic!("row {number}") };
        let columns = [sync, push, pull, pushed, pulled, pulled, pushed];
        for (direction, cell) in DIRECTIONS.into_iter().zip(columns) {
            let cell = if cell == "as `sync`" { sync } else { cell };
            let decided = words_of_both(scene, direction);
            assert_eq!(decided, cell, "row {number}, {here}, {there}, {direction:?}");
        }
    }
}

/// Adds the rows that tests in a folder cite by their names, `row_17b_…`.
fn add_cited(folder: &Path, cited: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add_cited(&path, cited);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        for (start, _) in text.match_indices("row_") {
            let word = text[start + 4..].split('_').next().unwrap_or_default();
            if word.starts_with(|c: char| c.is_ascii_digit()) {
                cited.insert(word.trim_start_matches('0').to_owned());
            }
        }
    }
}

#[test]
fn every_row_that_a_test_cites_is_described() {
    let described: BTreeSet<String> =
        rows(DECISIONS).into_iter().map(|cells| cells[0].to_owned()).collect();
    let mut cited = BTreeSet::new();
    add_cited(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/plan"), &mut cited);
    assert!(cited.len() > 20, "{cited:?}");
    assert_eq!(cited.difference(&described).collect::<Vec<_>>(), Vec::<&String>::new());
    // What the bucket does not tell never gets to the plan.
    let untested: Vec<_> = described.difference(&cited).collect();
    assert_eq!(untested, ["23"]);
}
