//! `status` and `--dry-run`: they change nothing, and what they print is what the real run does.

use crate::team::{BUCKET, Team, events, files};

/// A team in whose copy `one` every kind of row is present, conflicts aside.
fn busy() -> Team {
    let team = Team::sharing(&[
        ("both-deleted", "base"),
        ("changed-here", "base"),
        ("changed-there", "base"),
        ("deleted-here", "base"),
        ("deleted-there", "base"),
        ("same", "base"),
        ("same-edit", "base"),
    ]);
    team.write("one/changed-here", "ours");
    team.write("one/new-here", "ours");
    team.write("one/same-edit", "equal");
    team.remove("one/deleted-here");
    team.remove("one/both-deleted");
    for key in ["deleted-there", "both-deleted"] {
        team.server.delete(BUCKET, key);
    }
    for (key, text) in [("changed-there", "theirs"), ("new-there", "new"), ("same-edit", "equal")] {
        team.server.put(BUCKET, key, text);
    }
    team.server.clear_log();
    team
}

/// As [`busy`], with a conflict of each kind.
fn contested() -> Team {
    let team = Team::sharing(&[("both", "base"), ("here", "base"), ("there", "base"), ("z", "z")]);
    team.write("one/both", "ours");
    team.write("one/created", "ours");
    team.write("one/there", "ours");
    team.remove("one/here");
    for key in ["both", "created", "here"] {
        team.server.put(BUCKET, key, "theirs");
    }
    team.server.delete(BUCKET, "there");
    team.write("one/z", "edited");
    team.server.clear_log();
    team
}

/// Runs a command dry and for real, and checks that the one told what the other did.
#[track_caller]
fn assert_dry_run_tells_the_truth(team: &Team, command: &str) {
    let (tree, control, bucket) = (team.snapshot("one"), team.control("one"), team.bucket());
    let dry = team.run("one", &format!("{command} --dry-run --json"));
    assert!(matches!(dry.code, Some(0 | 4)), "{command}: {dry:?}");
    assert_eq!(team.transfers(), Vec::<String>::new(), "{command}");
    assert_eq!(team.snapshot("one"), tree, "{command}");
    assert_eq!(team.control("one"), control, "{command}");
    assert_eq!(team.bucket(), bucket, "{command}");
    assert_eq!(events(&dry, "done"), Vec::<String>::new(), "{command}");
    let real = team.run("one", &format!("{command} --json"));
    assert_eq!(real.code, dry.code, "{command}: {real:?}");
    assert_eq!(events(&real, "done"), events(&dry, "plan"), "{command}");
    assert_eq!(events(&real, "conflict"), events(&dry, "conflict"), "{command}");
    assert!(!events(&real, "done").is_empty(), "{command} did nothing");
}

#[test]
fn b17_a_dry_run_of_every_verb_changes_nothing_and_tells_what_the_real_run_does() {
    for command in ["sync", "push", "pull", "push changed-here", "sync changed-here new-there"] {
        assert_dry_run_tells_the_truth(&busy(), command);
    }
}

#[test]
fn b17_a_dry_run_of_every_force_changes_nothing_and_tells_what_the_real_run_does() {
    for command in ["push --force .", "pull --force ."] {
        assert_dry_run_tells_the_truth(&contested(), command);
    }
    for command in ["push --mirror --yes", "pull --mirror --yes"] {
        let team = contested();
        assert_dry_run_tells_the_truth(&team, command);
    }
}

#[test]
fn a_dry_run_with_conflicts_ends_as_the_real_run_does() {
    for command in ["sync", "push"] {
        let team = contested();
        let dry = team.run("one", &format!("{command} -n --json"));
        dry.assert_code(4);
        let kinds = [
            "both-changed both",
            "both-created created",
            "deleted-here here",
            "deleted-there there",
        ];
        assert_eq!(events(&dry, "conflict"), kinds);
        assert_dry_run_tells_the_truth(&team, command);
    }
}

#[test]
fn a_mirror_that_is_only_looked_at_needs_no_answer() {
    let team = contested();
    let output = team.ok("one", "pull --mirror -n");
    assert!(output.stdout.contains("to download"), "{}", output.stdout);
    assert_eq!(team.transfers(), Vec::<String>::new());
}

#[test]
fn status_shows_both_directions_and_changes_nothing() {
    let team = busy();
    let (tree, whole) = (team.snapshot("one"), team.snapshot("one/.lsync"));
    let output = team.ok("one", "status");
    for part in ["To the bucket:", "To here:", "changed-here", "new-there", "deleted-there"] {
        assert!(output.stdout.contains(part), "no {part} in\n{}", output.stdout);
    }
    assert!(output.stderr.contains("lsync sync"), "{}", output.stderr);
    assert_eq!(team.snapshot("one"), tree);
    assert_eq!(team.snapshot("one/.lsync"), whole, "not even the lock");
    assert_eq!(team.transfers(), Vec::<String>::new());
    let planned = events(&team.ok("one", "status --json"), "plan");
    let done = events(&team.ok("one", "sync --json"), "done");
    assert_eq!(planned, done);
}

#[test]
fn status_offline_makes_no_request_and_shows_what_changed_here() {
    let team = busy();
    let output = team.ok("one", "status --offline");
    assert_eq!(team.requests(), Vec::<String>::new());
    for part in ["changed-here", "new-here", "deleted-here"] {
        assert!(output.stdout.contains(part), "no {part} in\n{}", output.stdout);
    }
    for part in ["new-there", "changed-there", "deleted-there"] {
        assert!(!output.stdout.contains(part), "{part} cannot be known: {}", output.stdout);
    }
}

#[test]
fn status_downloads_nothing_even_where_only_contents_would_tell() {
    let team = Team::sharing_on(crate::support::Profile::RandomEtags, &[("f", "base"), ("g", "g")]);
    team.write("one/f", "edit");
    team.server.put(BUCKET, "f", "edit");
    team.server.clear_log();
    let output = team.run("one", "status");
    assert!(matches!(output.code, Some(0 | 4)), "{output:?}");
    assert_eq!(team.server.count("GetObject"), 0);
    team.ok("one", "sync");
    assert_eq!(team.server.count("PutObject"), 0);
    assert_eq!(team.texts("one"), files(&[("f", "edit"), ("g", "g")]));
}

#[test]
fn a_dry_run_says_that_the_guard_would_stop_the_run() {
    let team = Team::sharing(&[("f", "f"), ("g", "g")]);
    team.remove("one/f");
    team.remove("one/g");
    for (line, stops) in [
        ("sync --dry-run", true),
        ("push --dry-run --json", true),
        ("pull --dry-run", false),
        ("sync --dry-run --no-delete", false),
        ("sync --dry-run --max-delete 2", false),
    ] {
        let output = team.ok("one", line);
        let words = "2 of 2 files would be deleted in the bucket";
        assert_eq!(output.stderr.contains(words), stops, "{line}: {}", output.stderr);
        assert_eq!(output.stderr.contains("--max-delete 2 (or 100%)"), stops, "{line}");
    }
}
