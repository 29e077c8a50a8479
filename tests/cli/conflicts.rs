//! `lsync resolve`.

use crate::team::{BUCKET, Team, assert_error, files, trashed};

/// Two people edited `f` and `g`; copy `one` has the conflicts.
fn team() -> Team {
    let team = Team::sharing(&[("docs/f.txt", "base"), ("g", "base"), ("h", "base")]);
    for path in ["docs/f.txt", "g"] {
        team.write(format!("two/{path}"), format!("theirs, {path}"));
        team.write(format!("one/{path}"), format!("ours, {path}"));
    }
    team.ok("two", "push");
    team.server.clear_log();
    team
}

#[test]
fn without_a_terminal_and_a_choice_it_is_wrong_usage_and_nothing_is_done() {
    let team = team();
    let (tree, bucket) = (team.snapshot("one"), team.bucket());
    assert_error(&team.run("one", "resolve"), 2, &["--ours", "--theirs", "--both", "--newest"]);
    assert_eq!(team.snapshot("one"), tree);
    assert_eq!(team.bucket(), bucket);
}

#[test]
fn list_shows_both_sides_of_each_and_settles_none() {
    let team = team();
    let (tree, control, bucket) = (team.snapshot("one"), team.control("one"), team.bucket());
    let output = team.run("one", "resolve --list");
    output.assert_code(4);
    for part in ["docs/f.txt: changed here and in the bucket", "g:", "ours", "theirs", "B"] {
        assert!(output.stdout.contains(part), "no {part} in\n{}", output.stdout);
    }
    assert_eq!(team.snapshot("one"), tree);
    assert_eq!(team.control("one"), control);
    assert_eq!(team.bucket(), bucket);
    assert_eq!(team.server.count("GetObject"), 0);
}

#[test]
fn ours_replaces_theirs_and_keeps_it() {
    let team = team();
    team.ok("one", "resolve --ours g");
    assert_eq!(team.bucket()["g"], "ours, g");
    assert_eq!(team.bucket()["docs/f.txt"], "theirs, docs/f.txt", "only what was named");
    assert_eq!(trashed(&team, "one"), [("bucket/g".to_owned(), "theirs, g".to_owned())]);
    team.run("one", "status").assert_code(4);
    team.ok("one", "resolve --ours");
    team.ok("two", "pull");
    team.assert_agreed();
}

#[test]
fn theirs_replaces_ours_and_keeps_it() {
    let team = team();
    team.ok("one", "resolve --theirs");
    assert_eq!(team.texts("one"), team.bucket());
    let kept = [("local/docs/f.txt", "ours, docs/f.txt"), ("local/g", "ours, g")];
    assert_eq!(trashed(&team, "one"), kept.map(|(path, text)| (path.to_owned(), text.to_owned())));
    team.assert_agreed();
}

#[test]
fn resolve_touches_nothing_but_conflicts() {
    let team = team();
    team.write("one/h", "edited");
    team.ok("one", "resolve --theirs");
    assert_eq!(team.bucket()["h"], "base");
    assert_eq!(team.text("one/h"), "edited");
}

#[test]
fn both_keeps_theirs_under_the_name_and_ours_beside_it_on_both_sides() {
    let mut team = team();
    team.set_variable("USER", "ann");
    team.ok("one", "resolve --both");
    let names: Vec<_> = team.bucket().into_keys().collect();
    assert_eq!(names.len(), 5, "{names:?}");
    let copy = &names[0];
    assert!(copy.starts_with("docs/f.conflict-ann-2"), "{copy}");
    assert_eq!(std::path::Path::new(copy).extension().unwrap(), "txt");
    assert_eq!(team.bucket()[copy], "ours, docs/f.txt");
    assert_eq!(team.bucket()["docs/f.txt"], "theirs, docs/f.txt");
    assert_eq!(team.texts("one"), team.bucket());
    team.ok("two", "sync");
    team.assert_agreed();
}

#[test]
fn a_copy_bears_the_login_name_where_no_variable_tells_who_one_is() {
    let mut team = team();
    team.unset_variable("USER");
    team.set_variable("LOGNAME", "");
    let name = std::process::Command::new("id").arg("-un").output().unwrap().stdout;
    let name = String::from_utf8(name).unwrap();
    team.ok("one", "resolve --both");
    let keys = team.bucket().into_keys();
    let copies: Vec<_> = keys.filter(|key| key.contains(".conflict-")).collect();
    let start = format!(".conflict-{}-2", name.trim());
    assert!(!copies.is_empty());
    assert!(copies.iter().all(|copy| copy.contains(&start)), "{copies:?}");
}

#[test]
fn both_keeps_two_of_a_file_whose_name_leaves_no_room_for_more() {
    let name = |end: &str| format!("d/{}{end}.txt", "é".repeat(120));
    let names = ["a", "b"].map(name);
    let team = Team::sharing(&[(&names[0], "base"), (&names[1], "base"), ("h", "h")]);
    for name in &names {
        team.server.put(BUCKET, name, format!("theirs, {}", &name[242..]));
        team.write(format!("one/{name}"), format!("ours, {}", &name[242..]));
    }
    team.ok("one", "resolve --both");
    let mut texts: Vec<_> = team.bucket().into_values().collect();
    texts.sort();
    assert_eq!(texts, ["h", "ours, a.txt", "ours, b.txt", "theirs, a.txt", "theirs, b.txt"]);
    assert_eq!(team.texts("one"), team.bucket());
    team.ok("two", "sync");
    team.assert_agreed();
}

#[test]
fn a_copy_that_a_rule_ignores_leaves_its_conflict_open_and_the_others_are_settled() {
    let team = team();
    team.write("one/docs/.lsyncignore", "*.conflict-*\n");
    let output = team.run("one", "resolve --both");
    output.assert_code(4);
    for part in ["docs/f.txt stays open", "*.conflict-*", "docs/.lsyncignore:1", "hint:"] {
        assert!(output.stderr.contains(part), "no {part:?} in\n{}", output.stderr);
    }
    assert_eq!(team.text("one/docs/f.txt"), "ours, docs/f.txt");
    assert_eq!(team.bucket()["docs/f.txt"], "theirs, docs/f.txt");
    assert_eq!(team.text("one/g"), "theirs, g");
    let names: Vec<_> = team.bucket().into_keys().collect();
    assert!(names.iter().any(|name| name.starts_with("g.conflict-")), "{names:?}");
    assert_eq!(names.len(), 4, "{names:?}");
}

#[test]
fn newest_compares_the_mtimes_and_leaves_equal_ones_open() {
    let second = 1_000_000_000;
    let team = Team::sharing(&[("equal", "b"), ("ours", "b"), ("theirs", "b"), ("z", "z")]);
    for (path, seconds) in
        [("equal", 1_500_000_000), ("ours", 1_400_000_000), ("theirs", 1_600_000_000)]
    {
        team.write(format!("one/{path}"), "from here");
        team.set_mtime(format!("one/{path}"), 1_500_000_000 * second);
        let mtime = format!("{seconds}.000000000");
        team.server.put_with(BUCKET, path, "from there", &[("mtime", &mtime)]);
    }
    let output = team.run("one", "resolve --newest");
    output.assert_code(4);
    assert!(output.stderr.contains("equal: left open, the times are equal"), "{}", output.stderr);
    assert!(output.stderr.contains("--ours, --theirs or --both"), "{}", output.stderr);
    assert_eq!(team.bucket()["ours"], "from here");
    assert_eq!(team.text("one/theirs"), "from there");
    assert_eq!(
        (team.text("one/equal"), &*team.bucket()["equal"]),
        ("from here".into(), "from there")
    );
    // Another tool writes no mtime: LastModified stands for it, and that is now.
    team.server.put(BUCKET, "equal", "from there, later");
    team.ok("one", "resolve --newest");
    assert_eq!(team.text("one/equal"), "from there, later");
}

/// Copy `one` deleted `f` and edited `g`; in the bucket it is the other way round.
fn deletions() -> Team {
    let team = Team::sharing(&[("f", "base"), ("g", "base"), ("h", "base")]);
    team.remove("one/f");
    team.write("one/g", "ours");
    team.server.put(BUCKET, "f", "theirs");
    team.server.delete(BUCKET, "g");
    let output = team.run("one", "resolve --list");
    output.assert_code(4);
    for part in ["f: deleted here", "g: changed here, deleted in the bucket"] {
        assert!(output.stdout.contains(part), "no {part} in\n{}", output.stdout);
    }
    team
}

#[test]
fn a_deletion_against_an_edit_is_settled_for_us() {
    let team = deletions();
    team.ok("one", "resolve --ours");
    assert_eq!(team.bucket(), files(&[("g", "ours"), ("h", "base")]));
    assert_eq!(team.texts("one"), team.bucket());
    assert_eq!(trashed(&team, "one"), [("bucket/f".to_owned(), "theirs".to_owned())]);
    team.assert_quiet("one");
}

#[test]
fn a_deletion_against_an_edit_is_settled_for_them() {
    let team = deletions();
    team.ok("one", "resolve --theirs");
    assert_eq!(team.bucket(), files(&[("f", "theirs"), ("h", "base")]));
    assert_eq!(team.texts("one"), team.bucket());
    assert_eq!(trashed(&team, "one"), [("local/g".to_owned(), "ours".to_owned())]);
    team.assert_quiet("one");
}

#[test]
fn of_a_deletion_and_an_edit_both_keeps_the_edit_and_newest_decides_nothing() {
    let team = deletions();
    team.run("one", "resolve --newest").assert_code(4);
    assert_eq!(team.bucket(), files(&[("f", "theirs"), ("h", "base")]));
    assert_eq!(team.texts("one"), files(&[("g", "ours"), ("h", "base")]));
    team.ok("one", "resolve --both");
    assert_eq!(team.bucket(), files(&[("f", "theirs"), ("g", "ours"), ("h", "base")]));
    assert_eq!(team.texts("one"), team.bucket());
    team.assert_quiet("one");
}

#[test]
fn a_conflict_that_moves_while_it_is_settled_stays_open() {
    let team = team();
    team.server.once_on_request("PutObject", "g", |tool, _| {
        tool.put(BUCKET, "g", "a third person");
    });
    let output = team.run("one", "resolve --ours g");
    assert!(matches!(output.code, Some(3 | 4)), "{output:?}");
    assert_eq!(team.bucket()["g"], "a third person");
    assert_eq!(team.text("one/g"), "ours, g");
    team.run("one", "status g").assert_code(4);
}

#[test]
fn nothing_to_settle_is_no_error() {
    let team = Team::sharing(&[("f", "f")]);
    for line in ["resolve", "resolve --ours", "resolve --list", "resolve f"] {
        let output = team.ok("one", line);
        assert!(output.stdout.contains("no conflicts"), "{}", output.stdout);
    }
    assert_error(&team.run("one", "resolve --ours nosuch"), 2, &["nosuch"]);
}
