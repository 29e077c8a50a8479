//! What moved, and what is a copy.

use super::{Direction, options, path, plan, plan_with, show, stat, version};
use crate::plan::{Action, Examined, Guard, Plan, PlanBuilder, PlanOptions, pair_here, take_apart};
use crate::tree::{BaseRow, Content, Local, RemoteEntry, RepoPath, Row, Stat, Token, Version};

/// A file that the bucket holds and that is no longer here.
fn ended(name: &str, file: &Stat) -> Row {
    let version = version("base");
    let signature = file.signature();
    let content = Content::of_size(signature.size);
    let base = BaseRow::plain(path(name), signature, version.token, content);
    let version = base.version.clone();
    let remote = RemoteEntry { path: path(name), version, modified: 5 };
    Row { path: path(name), local: Local::Absent, base: Some(base), remote: Some(remote) }
}

/// A file that is new here.
fn new(name: &str, file: Stat) -> Row {
    Row { path: path(name), local: Local::File(file), base: None, remote: None }
}

fn planned(options: PlanOptions, rows: &[Row]) -> Plan {
    let mut builder = PlanBuilder::new(options);
    for row in rows {
        builder.row(row, &Examined::NotNeeded);
    }
    builder.finish()
}

/// Returns `new < old` of each upload with an origin.
fn origins(plan: &Plan) -> Vec<String> {
    let origin = |it: &RepoPath, row: &BaseRow| format!("{it} < {}", row.path);
    let actions = plan.actions.iter();
    actions.filter_map(|it| it.origin().map(|row| origin(&it.path, row))).collect()
}

fn pushed(rows: &[Row]) -> Vec<String> {
    origins(&planned(options(Direction::Push), rows))
}

/// A rename moves the ctime.
fn renamed(file: Stat) -> Stat {
    Stat { ctime: file.ctime + 1, ..file }
}

#[test]
fn a_renamed_file_is_the_one_that_ends() {
    let file = stat(1);
    assert_eq!(pushed(&[ended("old", &file), new("new", renamed(file))]), ["new < old"]);
}

#[test]
fn a_file_that_was_copied_to_another_disk_is_known_by_its_name() {
    let file = stat(1);
    let copied = Stat { inode: 7, device: 2, ..renamed(file) };
    assert_eq!(pushed(&[ended("a/f", &file), new("b/f", copied)]), ["b/f < a/f"]);
    assert!(pushed(&[ended("a/f", &file), new("b/g", copied)]).is_empty());
}

#[test]
fn another_size_or_mtime_is_another_file() {
    let file = stat(1);
    for other in [Stat { size: 11, ..file }, Stat { mtime: 2, ..file }] {
        assert!(pushed(&[ended("a/f", &file), new("b/f", other)]).is_empty());
    }
}

#[test]
fn of_two_that_look_alike_the_inode_decides_before_the_name() {
    let (first, second) = (stat(1), Stat { inode: 2, ..stat(1) });
    let rows = [ended("a/f", &first), ended("a/g", &second), new("b/f", renamed(second))];
    assert_eq!(pushed(&rows), ["b/f < a/g"]);
}

#[test]
fn one_object_may_become_several() {
    let file = stat(1);
    let rows = [ended("a/f", &file), new("b/f", Stat { inode: 2, ..file }), new("c", file)];
    assert_eq!(pushed(&rows), ["b/f < a/f", "c < a/f"]);
}

#[test]
fn an_object_that_is_another_version_now_is_no_origin() {
    let file = stat(1);
    let mut changed = ended("old", &file);
    changed.remote.as_mut().unwrap().version = version("new");
    let rows = [changed, new("new", file)];
    assert!(origins(&planned(options(Direction::ForcedPush), &rows)).is_empty());
}

#[test]
fn an_empty_file_moves_and_is_nothing_to_copy() {
    let file = Stat { size: 0, ..stat(1) };
    assert_eq!(pushed(&[ended("a/f", &file), new("b/f", file)]), ["b/f < a/f"]);
    let twins = [ended("a/f", &file), new("b/f", file), new("c/f", file)];
    assert_eq!(pushed(&twins), ["b/f < a/f"]);
}

/// Returns the pairs that count as moves, as `new < old`, and the names whose deletion is no loss.
fn moves(plan: &Plan) -> (Vec<String>, Vec<&str>) {
    let actions = || plan.actions.iter();
    let pair = |it: &Action| Some(format!("{} < {}", it.path, it.moved_from()?));
    let away = actions().filter(|it| it.has_moved_away()).map(|it| it.path.as_str());
    (actions().filter_map(pair).collect(), away.collect())
}

#[test]
fn each_file_that_ends_moves_to_one_name_the_same_inode_first_and_then_the_same_name() {
    let (first, second) = (stat(1), Stat { inode: 2, ..stat(1) });
    let rows = [
        ended("a/f", &first),
        ended("b/f", &second),
        new("c/f", renamed(second)),
        new("d/f", Stat { inode: 9, ..first }),
        new("e/f", Stat { inode: 8, ..first }),
    ];
    let plan = planned(options(Direction::Push), &rows);
    let expected = vec!["c/f < b/f".to_owned(), "d/f < a/f".to_owned()];
    assert_eq!(moves(&plan), (expected, vec!["a/f", "b/f"]));
    assert_eq!(origins(&plan).len(), 3, "the third looks like a copy");
    assert_eq!((plan.deleted_in_bucket(), plan.moved_here()), (0, 2));
}

#[test]
fn a_file_that_moved_onto_another_one_is_a_copy_of_it_and_a_deletion() {
    let file = stat(1);
    let mut over = ended("b", &Stat { size: 7, ..file });
    over.local = Local::File(renamed(file));
    let plan = planned(options(Direction::Push), &[ended("a", &file), over]);
    assert_eq!(moves(&plan), (vec![], vec![]));
    assert_eq!((origins(&plan), plan.deleted_in_bucket()), (vec!["b < a".to_owned()], 1));
}

#[test]
fn the_guard_lets_a_whole_tree_be_renamed() {
    let file = |number: u64| Stat { inode: number, ..stat(1) };
    let rows = |numbers: std::ops::Range<u64>| {
        let old = (0..60).map(|number| ended(&format!("a/{number:02}"), &file(number)));
        let new = numbers.map(|number| new(&format!("b/{number:02}"), renamed(file(number))));
        old.chain(new).collect::<Vec<_>>()
    };
    for (kept, passes) in [(60, true), (40, true), (39, false)] {
        let mut plan = planned(options(Direction::Sync), &rows(0..kept));
        plan.tracked = 60;
        assert_eq!(Guard::default().check(&plan).is_ok(), passes, "{kept} of 60 moved");
    }
}

/// A file that is as it was, and whose object is gone.
fn left(name: &str, file: &Stat) -> Row {
    Row { local: Local::File(*file), remote: None, ..known(name, file, name) }
}

/// A row of all three sides, of a version of its own.
fn known(name: &str, file: &Stat, token: &str) -> Row {
    let mut row = ended(name, file);
    let token = Token::new(token);
    let content = Content::of_size(file.size).with_crc64(Some(7));
    row.base = Some(BaseRow::plain(path(name), file.signature(), token, content));
    row
}

/// An object that is new, of the version `token` and the size of `file`.
fn came(name: &str, token: &str, file: &Stat) -> Row {
    let version = Version { token: Token::new(token), size: file.size };
    let remote = Some(RemoteEntry { path: path(name), version, modified: 5 });
    Row { path: path(name), local: Local::Absent, base: None, remote }
}

/// Pairs what is of one version, whatever its token says.
fn pair_all(plan: &mut Plan) {
    pair_here(&mut plan.actions, |row| Some(row.version.clone()), |it, _| Some(it.clone()));
}

fn pulled(rows: &[Row]) -> String {
    let mut plan = planned(options(Direction::Pull), rows);
    let by_token = |it: &Version| (it.token.text() != "opaque").then(|| it.clone());
    pair_here(&mut plan.actions, |row| by_token(&row.version), |it, _| by_token(it));
    let pair = |it: &Action| it.moved_from().map(|from| format!("{} < {from}", it.path));
    let pairs: Vec<_> = plan.actions.iter().filter_map(pair).collect();
    format!("{} | {}", show(&plan), pairs.join(", "))
}

#[test]
fn an_object_of_the_same_version_is_the_file_under_another_name() {
    let file = stat(1);
    let moved = [left("a/f", &file), came("b/g", "a/f", &file)];
    assert_eq!(pulled(&moved), "MOVE= b/g | b/g < a/f");
    for (other, token) in [(file, "c"), (Stat { size: 11, ..file }, "a/f")] {
        let two = [left("a/f", &file), came("b/g", token, &other)];
        assert_eq!(pulled(&two), "GET+ b/g, last TRASH= a/f | ");
    }
}

#[test]
fn where_versions_say_nothing_of_the_bytes_nothing_has_moved() {
    let file = stat(1);
    let old = Row { local: Local::File(file), remote: None, ..known("a", &file, "opaque") };
    assert_eq!(pulled(&[old, came("b", "opaque", &file)]), "GET+ b, last TRASH= a | ");
}

#[test]
fn of_equal_contents_the_same_file_name_decides_and_then_the_order() {
    let file = stat(1);
    let twin =
        |name: &str| Row { local: Local::File(file), remote: None, ..known(name, &file, "same") };
    let came = |name: &str| came(name, "same", &file);
    let rows = [twin("a/1"), twin("a/2"), twin("a/3"), came("b/2"), came("b/8"), came("b/9")];
    let expected = "MOVE= b/2, MOVE= b/8, MOVE= b/9 | b/2 < a/2, b/8 < a/1, b/9 < a/3";
    assert_eq!(pulled(&rows), expected);
    assert_eq!(pulled(&rows[..4]), "MOVE= b/2, last TRASH= a/1, last TRASH= a/3 | b/2 < a/2");
    let more = [twin("a/1"), came("b/1"), came("b/2")];
    assert_eq!(pulled(&more), "MOVE= b/1, GET+ b/2 | b/1 < a/1");
}

#[test]
fn what_was_edited_here_and_rules_move_nowhere() {
    let file = stat(1);
    let edited = Row { local: Local::File(stat(2)), ..left("a", &file) };
    let mut plan = planned(options(Direction::MirrorPull), &[edited, came("b", "a", &file)]);
    pair_all(&mut plan);
    assert_eq!(show(&plan), "GET+ b, last TRASH! a");
    let rules = [left("a/.lsyncignore", &file), came("b/.lsyncignore", "a/.lsyncignore", &file)];
    assert!(pulled(&rules).ends_with(" | "), "{}", pulled(&rules));
}

#[test]
fn a_move_that_the_disk_cannot_make_is_taken_apart() {
    let file = stat(1);
    let rows = [left("a", &file), came("b", "a", &file), left("c", &file), came("d", "c", &file)];
    let mut plan = planned(options(Direction::Pull), &rows);
    let apart = plan.clone();
    pair_all(&mut plan);
    take_apart(&mut plan.actions, |action| action.path.as_str() == "d");
    plan.sort_actions();
    assert_eq!(show(&plan), "MOVE= b, GET+ d, last TRASH= c");
    take_apart(&mut plan.actions, |_| true);
    plan.sort_actions();
    assert_eq!(plan, apart);
}

#[test]
fn what_is_not_deleted_is_no_origin() {
    let file = stat(1);
    let rows = [ended("old", &file), new("new", file)];
    let kept = PlanOptions { no_delete: true, ..options(Direction::Push) };
    assert!(origins(&planned(kept, &rows)).is_empty());
    let cut = PlanOptions { limit: Some(1), ..options(Direction::Push) };
    assert!(origins(&planned(cut, &rows)).is_empty());
}

#[test]
fn an_object_that_has_to_make_room_first_is_no_origin() {
    // Where no key `a` can stand beside `a/b`, `a` is gone before anything is stored.
    for (file_beside_folder, expected) in [(true, vec!["a/b < a"]), (false, vec![])] {
        let options = PlanOptions { file_beside_folder, ..options(Direction::Sync) };
        let mut plan = plan_with(options, "a D = | a/b C 0");
        assert!(origins(&plan).is_empty(), "the scene's files differ in their times");
        for action in &mut plan.actions {
            action.local = action.local.map(|_| stat(1));
        }
        crate::plan::moves::pair(&mut plan.actions);
        assert_eq!(origins(&plan), expected);
    }
    assert!(origins(&plan(Direction::Sync, "a = =")).is_empty());
}
