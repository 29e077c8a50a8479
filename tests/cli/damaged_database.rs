//! A database that was cut, lost or locked away: it only ever means "first sync", never a deletion.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::bad_input::as_database;
use crate::team::{BUCKET, Team, assert_error, events, files};

const DATABASE: &str = "one/.lsync/database.yaml";
const JOURNAL: &str = "one/.lsync/journal.yaml";

/// Six files in sync, all rows in `database.yaml`, then a change of each kind on each side.
///
/// `a` and `d` were deleted here, `b` and `e` in the bucket, `c` and `f` were left alone.
fn team() -> Team {
    let paths = ["a", "b", "c", "d", "e", "f"];
    let team = Team::sharing(&paths.map(|path| (path, path)));
    team.write(DATABASE, as_database(&team.text(JOURNAL)));
    team.remove(JOURNAL);
    team.assert_quiet("one");
    for path in ["a", "d"] {
        team.remove(format!("one/{path}"));
    }
    for path in ["b", "e"] {
        team.server.delete(BUCKET, path);
    }
    team.server.clear_log();
    team
}

/// Checks that exactly the deletions of these paths were carried out, and all else was brought back.
#[track_caller]
fn assert_deleted(team: &Team, deleted: &[&str]) {
    let all = files(&[("a", "a"), ("b", "b"), ("c", "c"), ("d", "d"), ("e", "e"), ("f", "f")]);
    let rest = all.into_iter().filter(|(path, _)| !deleted.contains(&path.as_str())).collect();
    assert_eq!(team.bucket(), rest);
    assert_eq!(team.texts("one"), rest);
    team.assert_quiet("one");
}

#[test]
fn rows_of_a_whole_database_delete_on_both_sides() {
    let team = team();
    team.ok("one", "sync");
    assert_deleted(&team, &["a", "b", "d", "e"]);
}

#[test]
fn a_database_cut_between_two_rows_deletes_only_what_its_rows_prove() {
    let team = team();
    let text = team.text(DATABASE);
    let end = text.find("- {path: \"d\"").unwrap();
    team.write(DATABASE, &text[..end]);
    team.ok("one", "sync");
    assert_deleted(&team, &["a", "b"]);
}

#[test]
fn a_database_cut_within_a_row_deletes_only_what_its_rows_prove() {
    let whole = team().text(DATABASE);
    let row = whole.find("- {path: \"d\"").unwrap();
    let version = whole[row..].find("version").unwrap();
    let end = whole[row..].find('}').unwrap();
    // In the name, in the middle, before the last brace, and before the newline.
    for cut in [10, version, end] {
        let team = team();
        team.write(DATABASE, &team.text(DATABASE)[..row + cut]);
        team.ok("one", "sync");
        assert_deleted(&team, &["a", "b"]);
    }
}

#[test]
fn an_empty_database_means_first_sync() {
    let team = team();
    team.write(DATABASE, "");
    team.ok("one", "sync");
    assert_deleted(&team, &[]);
}

#[test]
fn a_deleted_database_means_first_sync() {
    let team = team();
    team.remove(DATABASE);
    team.ok("one", "sync");
    assert_deleted(&team, &[]);
}

/// Returns where the last line of a journal begins, and its path.
fn last_line(journal: &str) -> (usize, &str) {
    let start = journal.trim_end().rfind('\n').unwrap() + 1;
    let path = journal[start..].split('"').nth(1).unwrap();
    (start, path)
}

#[test]
fn the_torn_last_line_of_a_journal_does_not_count_and_is_cut_off() {
    let team = Team::sharing(&[("a", "a"), ("b", "b"), ("c", "c")]);
    for part in [1, 2, 3] {
        let journal = team.text(JOURNAL);
        let (start, _) = last_line(&journal);
        let kept = ((journal.len() - start) * part / 3).min(journal.len() - start - 1);
        team.write(JOURNAL, &journal[..start + kept]);
        team.server.clear_log();
        team.ok("one", "sync");
        assert_eq!(team.transfers(), Vec::<String>::new(), "the file is adopted");
        assert_eq!(team.text(JOURNAL), journal, "the row stands where its torn line was");
        team.assert_agreed();
    }
}

#[test]
fn a_torn_line_of_a_journal_is_no_proof_for_a_deletion() {
    let team = Team::sharing(&[("a", "a"), ("b", "b"), ("c", "c")]);
    let journal = team.text(JOURNAL);
    team.write(JOURNAL, &journal[..journal.len() - 1]);
    let (_, path) = last_line(&journal);
    team.remove(format!("one/{path}"));
    team.ok("one", "sync");
    assert_eq!(team.text(format!("one/{path}")), path);
    team.assert_agreed();
}

#[test]
fn a_database_that_cannot_be_written_stops_the_run_and_invents_nothing() {
    let team = Team::sharing(&[("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")]);
    team.write("one/a", "edited");
    team.server.put(BUCKET, "b", "theirs");
    team.remove("one/c");
    for file in [DATABASE, JOURNAL] {
        fs::set_permissions(team.path(file), fs::Permissions::from_mode(0o444)).unwrap();
    }
    let Some(output) = team.run_bound_by_permissions("one", "sync") else {
        return println!("skipped: no way to drop root's rights here");
    };
    assert_error(&output, 1, &["cannot write .lsync/journal.yaml", "caused by:", "permission"]);
    for file in [DATABASE, JOURNAL] {
        fs::set_permissions(team.path(file), fs::Permissions::from_mode(0o644)).unwrap();
    }
    let output = team.ok("one", "sync --json");
    assert_eq!(events(&output, "conflict"), Vec::<String>::new());
    let end = files(&[("a", "edited"), ("b", "theirs"), ("d", "d")]);
    assert_eq!(team.texts("one"), end);
    assert_eq!(team.bucket(), end);
    assert_eq!(team.trashed("one"), [("local/b".to_owned(), "b".to_owned())]);
    team.assert_quiet("one");
}
