//! `--no-delete`, `--limit`, the guard's counts, stages, and the rows of adoptions.

use std::sync::Arc;

use super::{Direction, Place, PlanOptions, options, path, plan, plan_with, show, signature, stat};
use crate::plan::{Action, FileLimit, Guard, NoticeKind, PlanBuilder, may_be_touched_there, need};
use crate::tree::{Content, Local, Marker, Row, Token};

fn without_deletions(scene: &str) -> crate::plan::Plan {
    plan_with(PlanOptions { no_delete: true, ..options(Direction::Sync) }, scene)
}

fn limited(limit: u64, scene: &str) -> crate::plan::Plan {
    plan_with(PlanOptions { limit: Some(limit), ..options(Direction::Sync) }, scene)
}

#[test]
fn without_deletions_both_sides_keep_what_they_have() {
    let plan = without_deletions("a D = | b = D | c C 0 | d D D | e ~ =");
    assert_eq!(show(&plan), "PUT+ c, drop d, ADOPT e");
    assert_eq!(plan.withheld_deletions, 2);
}

#[test]
fn without_deletions_a_clash_that_needs_one_is_left_as_a_whole() {
    for scene in ["a D = | a/b C 0", "a C 0 | a/b D =", "a = D | a/b 0 C", "a 0 C | a/b = D"] {
        let plan = without_deletions(&format!("{scene} | c C 0"));
        assert_eq!(show(&plan), "PUT+ c", "{scene}");
        assert_eq!((plan.withheld_deletions, plan.replaced_files()), (2, 0), "{scene}");
    }
}

#[test]
fn without_deletions_a_clash_that_needs_none_goes_on() {
    let plan = without_deletions("a D D | a/b C 0 | c D = | c/d C 0");
    assert_eq!(show(&plan), "drop a, PUT+ a/b");
}

#[test]
fn a_limit_counts_what_is_visible_and_says_what_it_left() {
    let scene = "a C 0 | b C 0 | c ~ = | d D = | e D D";
    for (limit, expected, beyond) in [
        (0, "ADOPT c, drop e", 3),
        (1, "PUT+ a, ADOPT c, drop e", 2),
        (2, "PUT+ a, PUT+ b, ADOPT c, drop e", 1),
        (3, "PUT+ a, PUT+ b, ADOPT c, drop e, last DEL= d", 0),
        (4, "PUT+ a, PUT+ b, ADOPT c, drop e, last DEL= d", 0),
    ] {
        let plan = limited(limit, scene);
        assert_eq!((show(&plan).as_str(), plan.beyond_limit), (expected, beyond), "{limit}");
        assert_eq!(plan.visible(), 3 - beyond, "{limit}");
    }
}

#[test]
fn a_limit_within_a_clash_leaves_the_rest_for_the_next_run() {
    let scene = "a D = | a/b C 0 | a/c C 0";
    for (limit, expected, beyond) in [
        (0, "", 3),
        (1, "PUT+ a/b", 2),
        (2, "PUT+ a/b, PUT+ a/c", 1),
        (3, "PUT+ a/b, PUT+ a/c, last DEL= a", 0),
    ] {
        let plan = limited(limit, scene);
        assert_eq!((show(&plan).as_str(), plan.beyond_limit), (expected, beyond), "{limit}");
    }
}

#[test]
fn a_folder_that_the_limit_keeps_is_neither_forgotten_nor_counted() {
    let plan = limited(1, "a C 0 | b 0 C | b/c = D | b/d = D");
    assert_eq!((show(&plan).as_str(), plan.beyond_limit), ("PUT+ a", 3));
    assert_eq!(plan.replaced_files(), 0);
    let nothing = Guard { max_delete: Some(FileLimit::Count(0)), ..Guard::default() };
    assert!(nothing.check(&plan).is_ok());
}

#[test]
fn files_of_a_replaced_folder_count_as_deletions() {
    let limit = |count| Guard { max_delete: Some(FileLimit::Count(count)), ..Guard::default() };
    let plan = plan(Direction::Sync, "a 0 C | a/b = D | a/c = D | d = D | e D =");
    assert_eq!((plan.replaced_files(), plan.tracked), (2, 4));
    let stop = limit(2).check(&plan).unwrap_err();
    let excess = stop.excesses[0];
    assert_eq!((excess.in_bucket, excess.files, stop.tracked), (false, 3, 4));
    assert!(limit(3).check(&plan).is_ok());
    assert!(limit(0).check(&plan).is_err());
}

#[test]
fn each_side_is_counted_by_itself() {
    let limit = |count| Guard { max_delete: Some(FileLimit::Count(count)), ..Guard::default() };
    let plan = plan(Direction::Sync, "a = D | b D = | c D =");
    let stop = limit(1).check(&plan).unwrap_err();
    let excess = stop.excesses[0];
    assert_eq!((excess.in_bucket, excess.files, stop.excesses.len()), (true, 2, 1));
    assert!(limit(2).check(&plan).is_ok());
}

#[test]
fn only_plans_with_deletions_need_the_number_of_tracked_files() {
    for (local, remote, expected) in [
        ("=", "D", true),
        ("D", "=", true),
        ("=", "M", false),
        ("M", "=", false),
        ("D", "D", false),
        ("C", "0", false),
    ] {
        let place = Place::parse(&format!("f {local} {remote}"));
        let row = row_of(&place);
        let mut builder = PlanBuilder::new(options(Direction::Sync));
        builder.row(&row, &place.examine(&row));
        assert_eq!(builder.needs_tracked(false), expected, "{local} {remote}");
    }
}

fn row_of(place: &Place) -> Row {
    let local = match place.local {
        'D' | '0' => Local::Absent,
        '=' => Local::File(stat(1)),
        _ => Local::File(stat(2)),
    };
    Row { path: place.path.clone(), local, base: place.base_row(), remote: place.remote_entry() }
}

#[test]
fn new_ignore_rules_come_before_everything_else() {
    assert_eq!(
        show(&plan(Direction::Sync, ".lsyncignore 0 C | A 0 C | d/.lsyncignore = M")),
        "rules GET+ .lsyncignore, rules GET= d/.lsyncignore, GET+ A",
    );
    assert_eq!(
        show(&plan(Direction::Sync, ".lsyncignore C 0 | A C 0 | x.lsyncignore 0 C")),
        "PUT+ .lsyncignore, PUT+ A, GET+ x.lsyncignore",
    );
    assert_eq!(
        show(&plan(Direction::Sync, ".lsyncignore = D | A 0 C")),
        "rules TRASH= .lsyncignore, GET+ A"
    );
}

#[test]
fn rules_in_a_folder_that_replaces_a_file_wait_until_the_file_is_gone() {
    assert_eq!(
        show(&plan(Direction::Sync, "a = D | a/.lsyncignore 0 C | a/b 0 C")),
        "room TRASH= a, GET+ a/.lsyncignore, GET+ a/b",
    );
}

#[test]
fn deletions_come_last_whatever_their_names() {
    assert_eq!(
        show(&plan(Direction::Sync, "a D = | b = D | y 0 C | z C 0")),
        "GET+ y, PUT+ z, last DEL= a, last TRASH= b",
    );
}

/// Returns the row that adopting a place of its own would record.
fn adopted(scene: &str) -> crate::tree::BaseRow {
    let plan = plan(Direction::Sync, scene);
    assert_eq!(show(&plan), "ADOPT f");
    plan.actions[0].adopted().unwrap()
}

#[test]
fn only_a_deletion_carries_the_row_that_ends() {
    let plan = plan(Direction::Sync, "a D = | b = D | c M = | d = M | e D D");
    assert_eq!(show(&plan), "PUT= c, GET= d, drop e, last DEL= a, last TRASH= b");
    let rows: Vec<_> =
        plan.actions.iter().filter_map(Action::row).map(|row| row.path.as_str()).collect();
    assert_eq!(rows, ["a", "b"]);
}

#[test]
fn a_touched_file_keeps_the_checksum_of_the_base_and_gets_its_new_stat() {
    let row = adopted("f ~ =");
    assert_eq!(row.path, path("f"));
    assert_eq!((row.signature, row.content.crc64()), (signature(2), Some(1)));
    assert_eq!(row.version.token, Token::new("base"));
}

#[test]
fn files_that_became_equal_record_what_was_read() {
    for scene in ["f M E", "f C E"] {
        let row = adopted(scene);
        assert_eq!((row.signature, row.content.crc64()), (signature(2), Some(2)), "{scene}");
        assert_eq!(row.version.token, Token::new("new"), "{scene}");
    }
}

#[test]
fn contents_are_compared_only_where_stat_and_etag_cannot_decide() {
    let needs = |scene: &str, local_size: u64, remote_size: u64| {
        let mut row = row_of(&Place::parse(scene));
        if let Local::File(stat) = &mut row.local {
            stat.size = local_size;
        }
        if let Some(remote) = &mut row.remote {
            remote.version.size = remote_size;
        }
        let need = need(&row);
        assert_eq!(need.is_any(), need.to_base || need.to_remote);
        (need.to_base, need.to_remote)
    };
    for (scene, local_size, remote_size, expected) in [
        ("f = =", 10, 10, (false, false)),
        ("f M =", 10, 10, (true, false)),
        ("f M =", 11, 10, (false, false)),
        ("f M M", 10, 10, (true, true)),
        ("f M M", 11, 11, (false, true)),
        ("f M M", 10, 11, (true, false)),
        ("f M M", 11, 12, (false, false)),
        ("f M D", 10, 10, (true, false)),
        ("f M D", 11, 10, (false, false)),
        ("f = M", 10, 10, (false, false)),
        ("f = M", 10, 11, (false, false)),
        ("f = D", 10, 10, (false, false)),
        ("f D M", 10, 10, (false, false)),
        ("f D =", 10, 10, (false, false)),
        ("f C C", 10, 10, (false, true)),
        ("f C C", 11, 10, (false, false)),
        ("f C 0", 10, 10, (false, false)),
        ("f 0 C", 10, 10, (false, false)),
    ] {
        let found = needs(scene, local_size, remote_size);
        assert_eq!(found, expected, "{scene} {local_size} {remote_size}");
    }
}

#[test]
fn only_a_version_that_differs_by_nothing_but_its_etag_may_be_a_touched_object() {
    for scene in ["f = M", "f M M", "f D M"] {
        let row = row_of(&Place::parse(scene));
        assert!(may_be_touched_there(&row), "{scene}");
        let without: [fn(&mut Row); 3] = [
            |row| row.local = Local::Marked { marker: Arc::new(Marker::Link), here: true },
            |row| row.base.as_mut().unwrap().content = Content::of_size(10),
            |row| row.remote.as_mut().unwrap().version.size += 1,
        ];
        for (index, change) in without.into_iter().enumerate() {
            let mut row = row.clone();
            change(&mut row);
            assert!(!may_be_touched_there(&row), "{scene}, {index}");
        }
    }
    for scene in ["f = =", "f M =", "f = D", "f C C", "f C 0", "f 0 C"] {
        assert!(!may_be_touched_there(&row_of(&Place::parse(scene))), "{scene}");
    }
}

#[test]
fn a_version_of_another_size_under_the_same_etag_is_another_version() {
    let mut row = row_of(&Place::parse("f = ="));
    row.remote.as_mut().unwrap().version.size = 11;
    let mut builder = PlanBuilder::new(options(Direction::Sync));
    builder.row(&row, &crate::plan::Examined::NotNeeded);
    assert_eq!(show(&builder.finish()), "GET= f");
}

#[test]
fn any_part_of_the_signature_that_differs_makes_a_file_changed() {
    let changes: [fn(&mut crate::tree::Stat); 4] =
        [|it| it.size += 1, |it| it.mtime += 1, |it| it.ctime += 1, |it| it.inode += 1];
    for change in changes {
        let mut row = row_of(&Place::parse("f = ="));
        let Local::File(stat) = &mut row.local else { panic!("a file") };
        change(stat);
        let mut builder = PlanBuilder::new(options(Direction::Sync));
        builder.row(&row, &crate::plan::Examined::NotNeeded);
        assert_eq!(show(&builder.finish()), "PUT= f");
    }
    let mut row = row_of(&Place::parse("f = ="));
    let Local::File(stat) = &mut row.local else { panic!("a file") };
    (stat.mode, stat.device) = (0o600, 2);
    let mut builder = PlanBuilder::new(options(Direction::Sync));
    builder.row(&row, &crate::plan::Examined::NotNeeded);
    assert_eq!(builder.finish().agreed, 1, "mode and device are not the contents'");
}

#[test]
fn beside_another_lsync_only_proven_differences_are_conflicts() {
    let mut plan = plan(Direction::Sync, "a M M | b M ? | c C ? | d D M");
    assert_eq!(plan.conflicts.len(), 4);
    plan.mark_in_flight();
    let open: Vec<_> = plan.conflicts.iter().map(|conflict| conflict.path.as_str()).collect();
    let in_flight: Vec<_> = plan.notices.iter().map(|notice| notice.path.as_str()).collect();
    assert_eq!((open, in_flight), (vec!["a", "d"], vec!["b", "c"]));
    assert!(
        plan.notices
            .iter()
            .all(|notice| notice.kind() == NoticeKind::InFlight && !notice.incomplete)
    );
}
