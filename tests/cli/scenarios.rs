//! The acceptance scenarios of the reconciliation, one by one. Those about dry runs, interruptions,
//! locks, hostile keys and unreadable folders are in `planning.rs`, `interrupted.rs` and `names.rs`.

use std::collections::BTreeMap;

use crate::support::{Fault, FaultRule};
use crate::team::{BUCKET, Team, events, files};

#[test]
fn an_edit_reaches_the_teammate_and_a_third_sync_does_nothing() {
    let team = Team::sharing(&[("f", "first"), ("g", "kept")]);
    team.write("one/f", "second, and longer");
    team.ok("one", "sync");
    team.ok("two", "sync");
    assert_eq!(team.texts("two"), files(&[("f", "second, and longer"), ("g", "kept")]));
    let database =
        |copy| ["database", "journal"].map(|it| team.read(format!("{copy}/.lsync/{it}.yaml")));
    let databases = || ["one", "two"].map(database);
    let before = databases();
    team.assert_agreed();
    assert_eq!(databases(), before);
}

#[test]
fn a_deletion_reaches_the_teammate_whose_file_goes_to_the_trash_and_whose_empty_folder_goes() {
    let team = Team::sharing(&[("dir/f", "precious"), ("g", "kept")]);
    team.remove("one/dir/f");
    team.ok("one", "sync");
    team.ok("two", "sync");
    assert_eq!(team.bucket(), files(&[("g", "kept")]));
    assert_eq!(team.texts("two"), files(&[("g", "kept")]));
    assert_eq!(team.trashed("two"), [("local/dir/f".to_owned(), "precious".to_owned())]);
    assert!(!team.exists("two/dir"));
    team.remove("one/g");
    team.ok("one", "sync");
    team.ok("two", "sync");
    assert!(team.exists("two"), "the root stays");
}

#[test]
fn edits_on_both_sides_stay_as_they_are_until_resolved() {
    let team = Team::sharing(&[("f", "base")]);
    team.write("one/f", "from one");
    team.write("two/f", "from two, longer");
    team.ok("one", "sync");
    let before = team.snapshot("two");
    let output = team.run("two", "sync");
    output.assert_code(4);
    assert!(output.stderr.contains("conflict f"), "{}", output.stderr);
    assert_eq!(team.snapshot("two"), before);
    assert_eq!(team.bucket(), files(&[("f", "from one")]));
    let status = team.run("two", "status");
    status.assert_code(4);
    assert!(status.stdout.contains("Conflicts:"), "{}", status.stdout);
    team.ok("two", "resolve --theirs f");
    assert_eq!(team.text("two/f"), "from one");
    assert_eq!(team.trashed("two"), [("local/f".to_owned(), "from two, longer".to_owned())]);
    team.assert_agreed();
}

#[test]
fn the_same_edit_on_both_sides_is_adopted_without_a_transfer() {
    let team = Team::sharing(&[("f", "base")]);
    team.write("one/f", "the same");
    team.write("two/f", "the same");
    team.ok("one", "sync");
    team.server.clear_log();
    team.ok("two", "sync");
    assert_eq!(team.transfers(), Vec::<String>::new());
    team.assert_agreed();
}

#[test]
fn a_deletion_here_never_deletes_an_edit_that_it_does_not_know() {
    let team = Team::sharing(&[("f", "base"), ("g", "kept")]);
    team.remove("one/f");
    team.write("two/f", "edited");
    team.ok("two", "push");
    let output = team.run("one", "sync");
    output.assert_code(4);
    assert!(output.stderr.contains("deleted here, changed in the bucket"), "{}", output.stderr);
    assert_eq!(team.bucket()["f"], "edited");
    assert!(!team.exists("one/f"));
}

#[test]
fn an_edit_of_what_the_bucket_lost_is_a_conflict_and_the_others_go() {
    let team = Team::sharing(&[("f", "base"), ("g", "base")]);
    team.server.delete(BUCKET, "f");
    team.write("two/f", "edited f");
    team.write("two/g", "edited g");
    let output = team.run("two", "push");
    output.assert_code(4);
    assert!(output.stderr.contains("changed here, deleted in the bucket"), "{}", output.stderr);
    assert_eq!(team.bucket(), files(&[("g", "edited g")]));
    team.write("two/g", "edited again");
    team.run("two", "push f g").assert_code(4);
    assert_eq!(team.bucket(), files(&[("g", "edited again")]));
    team.server.clear_log();
    team.ok("two", "push f");
    assert_eq!(team.bucket()["f"], "edited f");
    let puts = team.server.log().into_iter().filter(|it| it.operation == "PutObject");
    let puts: Vec<_> = puts.map(|it| it.header("if-none-match").map(str::to_owned)).collect();
    assert_eq!(puts, [Some("*".to_owned())]);
}

#[test]
fn equal_files_on_both_sides_are_adopted_at_the_first_sync_and_only_others_are_conflicts() {
    let team = Team::without_copies(crate::support::Profile::Aws);
    for (key, text) in [("a", "same a"), ("docs/b", "same b"), ("c", "theirs")] {
        team.server.put(BUCKET, key, text);
    }
    for (path, text) in [("a", "same a"), ("docs/b", "same b"), ("c", "ours")] {
        team.write(format!("one/{path}"), text);
    }
    team.ok("one", "init team .");
    let before = team.snapshot("one");
    team.server.clear_log();
    let output = team.run("one", "sync --json");
    output.assert_code(4);
    assert_eq!(events(&output, "conflict"), ["both-created c"]);
    assert_eq!(team.transfers(), Vec::<String>::new());
    assert_eq!(team.snapshot("one"), before);
    team.server.delete(BUCKET, "c");
    team.server.put(BUCKET, "c", "ours");
    team.ok("one", "sync");
    team.assert_quiet("one");
}

#[test]
fn push_changes_no_file_here_and_pull_writes_nothing_to_the_bucket() {
    let team = Team::sharing(&[("f", "base"), ("g", "base"), ("h", "base")]);
    team.write("one/f", "changed");
    team.remove("one/g");
    team.write("one/new", "new");
    team.ok("one", "sync");
    team.write("two/h", "ours");
    let before = team.snapshot("two");
    team.ok("two", "push");
    assert_eq!(team.snapshot("two"), before);
    assert_eq!(team.bucket(), files(&[("f", "changed"), ("h", "ours"), ("new", "new")]));
    team.write("two/h", "ours again");
    team.server.clear_log();
    team.ok("two", "pull");
    let writes = |request: &String| !request.starts_with("Get");
    assert_eq!(team.transfers().into_iter().filter(writes).count(), 0);
    assert_eq!(team.texts("two"), files(&[("f", "changed"), ("h", "ours again"), ("new", "new")]));
}

#[test]
fn pull_neither_restores_what_was_deleted_here_nor_touches_edits_unless_forced() {
    let team = Team::sharing(&[("f", "base"), ("g", "base")]);
    team.write("one/f", "edited");
    team.remove("one/g");
    team.ok("one", "pull");
    assert_eq!(team.texts("one"), files(&[("f", "edited")]));
    team.ok("one", "pull --force g");
    assert_eq!(team.texts("one"), files(&[("f", "edited"), ("g", "base")]));
}

#[test]
fn pull_mirror_makes_the_copy_exactly_the_bucket_and_keeps_the_losers() {
    let team = Team::sharing(&[(".lsyncignore", "*.o\n"), ("f", "base"), ("gone", "base")]);
    team.write("one/f", "edited");
    team.write("one/extra/x", "extra");
    team.write("one/build.o", "ignored");
    team.remove("one/gone");
    team.ok("one", "pull --mirror --yes");
    let mut expected = team.bucket();
    assert_eq!(expected.len(), 3);
    expected.insert("build.o".to_owned(), "ignored".to_owned());
    assert_eq!(team.texts("one"), expected);
    let trash = [("local/extra/x", "extra"), ("local/f", "edited")];
    assert_eq!(team.trashed("one"), trash.map(|(path, text)| (path.to_owned(), text.to_owned())));
}

#[test]
fn five_hundred_files_survive_a_store_that_fails_every_fifth_request() {
    let team = Team::new();
    let name = |number: u32| format!("d{}/f{number}", number % 7);
    for number in 0..500 {
        team.write(format!("one/{}", name(number)), format!("text {number}"));
    }
    let broken = Fault::Status(503, "SlowDown");
    team.server.fault(FaultRule::new("*", "*", broken).chance(0.15, 11));
    let dropped = Fault::DropConnectionAfterEffect;
    team.server.fault(FaultRule::new("PutObject", "*", dropped).chance(0.05, 5));
    team.ok("one", "sync");
    team.server.clear_faults();
    let expected: BTreeMap<_, _> =
        (0..500).map(|number| (name(number), format!("text {number}"))).collect();
    assert_eq!(team.bucket(), expected);
    team.assert_quiet("one");
}

#[test]
fn deleting_nearly_everything_stops_before_anything_is_deleted() {
    let team = Team::new();
    for number in 0..60 {
        team.write(format!("one/f{number}"), number.to_string());
    }
    team.ok("one", "sync");
    for number in 0..60 {
        team.remove(format!("one/f{number}"));
    }
    let control = team.control("one");
    let output = team.run("one", "sync");
    crate::team::assert_error(&output, 5, &["60", "--max-delete "]);
    assert_eq!(team.bucket().len(), 60);
    assert_eq!(team.control("one"), control);
    team.run("one", "sync --max-delete 59").assert_code(5);
    team.run("one", "sync --max-delete 99%").assert_code(5);
    // The limit that the hint names lets the plan pass.
    let named = output.stderr.rsplit_once("--max-delete ").unwrap().1;
    let named: String = named.chars().take_while(|c| c.is_ascii_digit() || *c == '%').collect();
    team.ok("one", &format!("sync -n --max-delete {named}"));
    team.ok("one", "sync --max-delete 100%");
    assert_eq!(team.bucket(), BTreeMap::new());
}

#[test]
fn a_new_ignore_rule_forgets_and_deletes_nothing_and_taking_it_back_adopts() {
    let team = Team::sharing(&[("build/x", "x"), ("build/deep/y", "y"), ("f", "f")]);
    team.write("one/.lsyncignore", "# rules\nbuild/\n");
    let output = team.run("one", "sync");
    output.assert_code(3);
    assert!(output.stderr.contains(".lsyncignore"), "{}", output.stderr);
    assert!(output.stdout.ends_with("; 2 paths no longer synced\n"), "{}", output.stdout);
    assert!(output.stderr.contains('2'), "names the line of the rule: {}", output.stderr);
    let all = ["build/deep/y", "build/x", "f"];
    assert!(all.iter().all(|path| team.exists(format!("one/{path}"))));
    assert!(all.iter().all(|path| team.bucket().contains_key(*path)));
    team.assert_quiet("one");
    team.run("two", "sync").assert_code(3);
    assert!(all.iter().all(|path| team.exists(format!("two/{path}"))));
    team.write("one/.lsyncignore", "");
    team.server.clear_log();
    team.ok("one", "sync");
    assert_eq!(team.transfers(), ["PutObject .lsyncignore"]);
    team.assert_quiet("one");
}

#[test]
fn an_operand_selects_by_whole_component_and_a_typo_is_wrong_usage() {
    let team = Team::sharing(&[("docs/a", "a"), ("docs2/b", "b")]);
    team.write("one/docs/a", "edited a");
    team.write("one/docs2/b", "edited b");
    team.ok("one", "push docs");
    assert_eq!(team.bucket(), files(&[("docs/a", "edited a"), ("docs2/b", "b")]));
    team.write("one/docs/a", "edited again");
    crate::team::assert_error(&team.run("one", "push docs dosc"), 2, &["dosc"]);
    assert_eq!(team.bucket()["docs/a"], "edited a", "nothing is done for the others");
}

#[test]
fn a_file_that_became_a_folder_does_so_for_the_teammate() {
    let team = Team::sharing(&[("a", "file"), ("a.txt", "between"), ("z", "z")]);
    team.remove("one/a");
    team.write("one/a/b", "inside");
    team.ok("one", "sync");
    let expected = files(&[("a.txt", "between"), ("a/b", "inside"), ("z", "z")]);
    assert_eq!(team.bucket(), expected);
    team.ok("two", "sync");
    assert_eq!(team.texts("two"), expected);
    assert_eq!(team.trashed("two"), [("local/a".to_owned(), "file".to_owned())]);
    team.assert_agreed();
}
