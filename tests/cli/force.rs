//! Forced pushes and pulls, and mirrors.

use crate::support::Profile;
use crate::team::{BUCKET, Team, assert_error, files};

#[test]
fn push_of_one_file_wins_whatever_the_bucket_holds_and_says_what_it_replaced() {
    let team = Team::sharing(&[("f", "base"), ("g", "base")]);
    let etag = team.server.put(BUCKET, "f", "theirs");
    team.write("one/f", "ours");
    let output = team.ok("one", "push f");
    assert_eq!(team.bucket(), files(&[("f", "ours"), ("g", "base")]));
    assert_eq!(team.trashed("one"), [("bucket/f".to_owned(), "theirs".to_owned())]);
    let told = output.stdout + &output.stderr;
    for part in ["forced", &etag[..4], "kept in the trash"] {
        assert!(told.contains(part), "no {part} in\n{told}");
    }
    team.assert_quiet("one");
}

#[test]
fn push_of_one_file_replaces_exactly_the_version_that_it_looked_at() {
    let team = Team::sharing(&[("f", "base")]);
    team.server.put(BUCKET, "f", "theirs");
    team.write("one/f", "ours");
    team.server.once_on_request("PutObject", "f", |tool, _| {
        tool.put(BUCKET, "f", "a third person");
    });
    let output = team.run("one", "push f");
    assert!(matches!(output.code, Some(3 | 4)), "{output:?}");
    assert_eq!(team.bucket()["f"], "a third person");
}

#[test]
fn push_of_one_unchanged_file_that_the_bucket_has_changed_is_forced_too() {
    let team = Team::sharing(&[("f", "base"), ("g", "g")]);
    team.server.put(BUCKET, "f", "theirs");
    team.ok("one", "push f");
    assert_eq!(team.bucket()["f"], "base");
    assert_eq!(team.trashed("one"), [("bucket/f".to_owned(), "theirs".to_owned())]);
}

#[test]
fn push_of_one_file_against_a_folder_is_a_conflict() {
    let team = Team::sharing(&[("g", "g")]);
    team.server.put(BUCKET, "f/inside", "theirs");
    team.write("one/f", "ours");
    let output = team.run("one", "push f");
    output.assert_code(4);
    assert!(output.stderr.contains("`lsync resolve` settles conflicts"), "{}", output.stderr);
    assert_eq!(team.bucket(), files(&[("f/inside", "theirs"), ("g", "g")]));
    assert_error(&team.run("one", "resolve"), 2, &["--ours, --theirs, --both"]);
}

#[test]
fn push_of_one_file_that_is_ignored_or_no_regular_file_is_not_forced() {
    let team = Team::sharing(&[(".lsyncignore", "*.o\n"), ("g", "g"), ("d/f", "base")]);
    team.server.put(BUCKET, "d/f", "theirs");
    team.write("one/d/f", "ours");
    team.write("one/x.o", "ignored");
    team.run("one", "push d").assert_code(4);
    for command in ["push", "sync", "pull", "status"] {
        let output = team.run("one", &format!("{command} x.o"));
        output.assert_code(0);
        let shown = output.stdout + &output.stderr;
        let reason = "x.o  ignored by the rule \"*.o\" in .lsyncignore:1";
        assert!(shown.contains(reason), "{command}: {shown}");
    }
    for command in ["push --force x.o", "pull --force x.o d"] {
        let output = team.run("one", &format!("{command} --dry-run"));
        output.assert_code(3);
        assert!(output.stderr.contains("*.o"), "{command}: {}", output.stderr);
    }
    team.run("one", "push --force x.o").assert_code(3);
    let output = team.ok("one", "sync g");
    assert!(!output.stderr.contains("ignored"), "only what was named: {}", output.stderr);
    assert_eq!(team.bucket()["d/f"], "theirs");
    assert!(!team.bucket().contains_key("x.o"));
}

#[test]
fn no_backup_leaves_the_copy_out() {
    let team = Team::sharing(&[("f", "base"), ("g", "g")]);
    team.server.put(BUCKET, "f", "theirs");
    team.write("one/f", "ours");
    team.ok("one", "push --no-backup f");
    assert_eq!(team.bucket()["f"], "ours");
    assert_eq!(team.trashed("one"), Vec::new());
    assert_eq!(team.server.count("GetObject"), 0);
}

/// Edits, additions and deletions on both sides below `d`, and an edit outside.
fn contested() -> Team {
    let team =
        Team::sharing(&[("d/both", "base"), ("d/here", "base"), ("d/there", "base"), ("z", "z")]);
    team.write("one/d/both", "ours");
    team.write("one/d/new", "ours");
    team.remove("one/d/here");
    team.server.put(BUCKET, "d/both", "theirs");
    team.server.put(BUCKET, "d/here", "theirs");
    team.server.put(BUCKET, "d/added", "theirs");
    team.server.delete(BUCKET, "d/there");
    team.server.put(BUCKET, "z", "theirs");
    team.server.clear_log();
    team
}

#[test]
fn push_force_of_a_folder_lets_ours_win_there_deletions_included_and_nowhere_else() {
    let team = contested();
    team.ok("one", "push --force d");
    let expected = files(&[
        ("d/added", "theirs"),
        ("d/both", "ours"),
        ("d/new", "ours"),
        ("d/there", "base"),
        ("z", "theirs"),
    ]);
    assert_eq!(team.bucket(), expected);
    let kept = [("bucket/d/both", "theirs"), ("bucket/d/here", "theirs")];
    assert_eq!(team.trashed("one"), kept.map(|(path, text)| (path.to_owned(), text.to_owned())));
    assert_eq!(team.text("one/z"), "z");
}

#[test]
fn pull_force_lets_theirs_win_and_leaves_the_bucket_alone() {
    let team = contested();
    let bucket = team.bucket();
    team.ok("one", "pull --force d");
    assert_eq!(team.bucket(), bucket);
    let expected = files(&[
        ("d/added", "theirs"),
        ("d/both", "theirs"),
        ("d/here", "theirs"),
        ("d/new", "ours"),
        ("z", "z"),
    ]);
    assert_eq!(team.texts("one"), expected);
    let kept = [("local/d/both", "ours"), ("local/d/there", "base")];
    assert_eq!(team.trashed("one"), kept.map(|(path, text)| (path.to_owned(), text.to_owned())));
    assert!(team.transfers().iter().all(|request| request.starts_with("GetObject")));
}

#[test]
fn pull_mirror_makes_this_copy_exactly_the_bucket() {
    let team = contested();
    let bucket = team.bucket();
    team.ok("one", "pull --mirror --yes");
    assert_eq!(team.bucket(), bucket);
    assert_eq!(team.texts("one"), bucket);
    let texts: Vec<_> = team.trashed("one").into_iter().map(|(path, _)| path).collect();
    assert_eq!(texts, ["local/d/both", "local/d/new", "local/d/there", "local/z"]);
    team.assert_quiet("one");
}

#[test]
fn push_mirror_makes_the_bucket_exactly_this_copy_and_keeps_what_it_never_knew() {
    let team = contested();
    let here = team.texts("one");
    team.ok("one", "push --mirror --yes");
    assert_eq!(team.texts("one"), here);
    assert_eq!(team.bucket(), here);
    let texts: Vec<_> = team.trashed("one").into_iter().map(|(path, _)| path).collect();
    assert_eq!(texts, ["bucket/d/added", "bucket/d/both", "bucket/d/here", "bucket/z"]);
    team.assert_quiet("one");
}

#[test]
fn a_mirror_without_a_terminal_and_without_yes_stops_with_nothing_done() {
    for command in ["pull --mirror", "push --mirror"] {
        let team = contested();
        let (tree, control, bucket) = (team.snapshot("one"), team.control("one"), team.bucket());
        let output = team.run("one", command);
        assert_error(&output, 2, &["--yes"]);
        assert!(output.stdout.contains("d/both"), "shows the plan: {}", output.stdout);
        assert_eq!(team.transfers(), Vec::<String>::new());
        assert_eq!(team.snapshot("one"), tree);
        assert_eq!(team.control("one"), control);
        assert_eq!(team.bucket(), bucket);
    }
}

#[test]
fn yes_answers_the_mirrors_question_and_not_the_guards() {
    let team = Team::sharing(&[("a", "a"), ("b", "b")]);
    team.remove("one/a");
    team.remove("one/b");
    assert_error(&team.run("one", "push --mirror --yes"), 5, &["--max-delete"]);
    assert_eq!(team.bucket().len(), 2);
    team.run("one", "push --yes").assert_code(2);
    team.run("one", "push --mirror --force .").assert_code(2);
}

#[test]
fn in_a_bucket_that_keeps_versions_nothing_is_fetched_to_be_kept() {
    let team = Team::sharing_on(Profile::Versioned, &[("f", "base"), ("g", "g")]);
    team.server.put(BUCKET, "f", "theirs");
    team.write("one/f", "ours");
    team.server.clear_log();
    team.ok("one", "push f");
    assert_eq!(team.server.count("GetObject"), 0);
    let bodies: Vec<_> =
        team.server.versions(BUCKET, "f").into_iter().map(|(_, body)| body).collect();
    assert!(bodies.contains(&Some("theirs".into())));
    assert!(team.text(list_of_the_only_run(&team)).contains("version"));
}

fn list_of_the_only_run(team: &Team) -> String {
    let lists: Vec<_> = team
        .texts("one/.lsync/trash")
        .into_keys()
        .filter(|path| path.ends_with("list.yaml"))
        .collect();
    assert_eq!(lists.len(), 1, "{lists:?}");
    format!("one/.lsync/trash/{}", lists[0])
}
