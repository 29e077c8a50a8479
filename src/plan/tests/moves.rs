//! Which upload looks like the file of a deletion.

use super::{Direction, options, path, plan, plan_with, stat, version};
use crate::plan::{Examined, Plan, PlanBuilder, PlanOptions};
use crate::tree::{BaseRow, Content, Local, RemoteEntry, RepoPath, Row, Stat};

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
fn an_empty_file_has_no_origin() {
    let file = Stat { size: 0, ..stat(1) };
    assert!(pushed(&[ended("a/f", &file), new("b/f", file)]).is_empty());
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
