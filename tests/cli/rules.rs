//! `.lsyncignore`: what a person is told of the rules, and when they hold.

use crate::support::{Fault, FaultRule, Workspace};
use crate::team::{BUCKET, Team, events, files, ok, run};

/// The rules file of the root.
const RULES: &str = ".lsyncignore";

/// Returns the warnings of a command.
fn warnings(team: &Team, line: &str) -> Vec<String> {
    let output = team.run("one", line);
    output.assert_code(0);
    let lines = output.stderr.lines().filter_map(|line| line.strip_prefix("warning: "));
    lines.map(str::to_owned).collect()
}

#[test]
fn a_rule_without_effect_is_warned_of_with_file_and_line_by_every_command() {
    let team = Team::sharing(&[("a", "a"), ("d/b", "b")]);
    team.write("one/.lsyncignore", "*.o\n!bad[\nbuild/\n!build/keep\n");
    team.write("one/d/.lsyncignore", "./x\n");
    team.write("one/build/keep", "kept");
    let told = [".lsyncignore:2: the rule \"!bad[\" ", ".lsyncignore:4: ", "d/.lsyncignore:1: "];
    let commands =
        ["status", "status --offline", "sync -n", "sync", "push", "pull", "pull d", "sync"];
    for line in commands {
        let warnings = warnings(&team, line);
        let is_told = |(warning, start): (&String, &&str)| warning.starts_with(*start);
        assert_eq!(warnings.len(), told.len(), "{line}: {warnings:?}");
        assert!(warnings.iter().zip(&told).all(is_told), "{line}: {warnings:?}");
    }
    assert!(warnings(&team, "status -q").is_empty());
    assert!(!team.bucket().contains_key("build/keep"));
    team.write("one/.lsyncignore", "*.o\n!bad\\[\nbuild/*\n!build/keep\n");
    team.remove("one/d/.lsyncignore");
    assert!(warnings(&team, "sync").is_empty());
    assert!(team.bucket().contains_key("build/keep"));
}

#[test]
fn many_rules_without_effect_are_told_once() {
    let team = Team::sharing(&[("a", "a")]);
    team.write("one/.lsyncignore", "[a\n".repeat(30));
    let told = warnings(&team, "sync");
    assert_eq!(told.len(), 6, "{told:?}");
    assert!(told[5].starts_with("25 more rules have no effect"), "{told:?}");
    assert_eq!(warnings(&team, "status --verbose").len(), 30);
}

#[test]
fn a_path_that_a_teammates_new_rule_ignores_is_forgotten_in_the_run_that_fetches_the_rule() {
    let team = Team::sharing(&[("build/x", "x"), ("build/deep/y", "y"), ("f", "f")]);
    team.write("one/.lsyncignore", "build/\n");
    team.run("one", "sync").assert_code(3);
    team.write("two/build/x", "edited");
    let output = team.run("two", "sync");
    output.assert_code(3);
    let summary = output.stdout.lines().last().unwrap();
    assert!(summary.ends_with("; 2 paths no longer synced"), "{summary}");
    assert!(output.stderr.contains(".lsyncignore:1; both copies stay"), "{}", output.stderr);
    assert_eq!(team.text("two/build/x"), "edited");
    let expected = [("build/x", "x"), ("build/deep/y", "y"), ("f", "f"), (RULES, "build/\n")];
    assert_eq!(team.bucket(), files(&expected));
    team.assert_quiet("two");
}

#[test]
fn what_a_teammate_ignores_from_now_on_and_took_out_of_the_bucket_stays_here() {
    let team = Team::sharing(&[("a.log", "a"), ("b.log", "b"), ("f", "f")]);
    team.server.put(BUCKET, RULES, "*.log\n");
    team.server.delete(BUCKET, "a.log");
    team.server.put(BUCKET, "b.log", "theirs");
    let output = team.run("two", "sync");
    output.assert_code(3);
    assert!(output.stdout.ends_with("; 2 paths no longer synced\n"), "{}", output.stdout);
    assert_eq!([team.text("two/a.log"), team.text("two/b.log")], ["a", "b"]);
    assert_eq!(team.trashed("two"), []);
    assert_eq!(team.bucket()["b.log"], "theirs");
    team.assert_quiet("two");
}

#[test]
fn a_path_that_is_no_longer_ignored_is_fetched_in_the_run_that_fetches_the_rule() {
    for rules in [Some("# none\n"), None] {
        let team = Team::sharing(&[(RULES, "*.log\n"), ("f", "f")]);
        team.server.put(BUCKET, "their.log", "theirs");
        team.write("two/our.log", "ours");
        team.ok("two", "sync");
        match rules {
            Some(text) => drop(team.server.put(BUCKET, RULES, text)),
            None => team.server.delete(BUCKET, RULES),
        }
        team.ok("two", "sync");
        assert_eq!(team.text("two/their.log"), "theirs", "{rules:?}");
        assert_eq!(team.bucket()["our.log"], "ours", "{rules:?}");
        assert_eq!(team.exists(format!("two/{RULES}")), rules.is_some());
        team.assert_quiet("two");
        team.ok("one", "pull");
        team.assert_agreed();
    }
}

#[test]
fn status_and_dry_runs_show_what_new_rules_make_of_a_sync_and_write_nothing() {
    let shared = [("build/x", "x"), ("f", "f"), (RULES, "*.log\n"), ("d/g", "g")];
    let team = Team::sharing(&shared);
    team.server.put(BUCKET, RULES, "build/\n");
    team.server.put(BUCKET, "their.log", "theirs");
    team.server.put(BUCKET, "d/.lsyncignore", "g\n");
    team.server.put(BUCKET, "new/.lsyncignore", "*.tmp\n");
    team.server.put(BUCKET, "new/a.tmp", "tmp");
    team.write("two/our.log", "ours");
    let (tree, control) = (team.snapshot("two"), team.control("two"));
    let [status, dry] = ["status --json", "sync -n --json"].map(|line| team.run("two", line));
    assert_eq!([status.code, dry.code], [Some(3); 2]);
    assert_eq!((team.snapshot("two"), team.control("two")), (tree, control));
    let output = team.run("two", "sync --json");
    output.assert_code(3);
    let done = [
        "download .lsyncignore",
        "download d/.lsyncignore",
        "download new/.lsyncignore",
        "download their.log",
        "forget build/x",
        "forget d/g",
        "upload our.log",
    ];
    assert_eq!(events(&output, "done"), done);
    for shown in [&status, &dry] {
        assert_eq!(events(shown, "plan"), done);
        assert_eq!(events(shown, "skipped"), events(&output, "skipped"));
    }
    team.assert_quiet("two");
}

#[test]
fn only_a_change_of_the_rules_costs_a_second_listing() {
    let team = Team::sharing(&[(RULES, "*.log\n"), ("f", "f")]);
    let lists = |line: &str| {
        team.server.clear_log();
        team.run("two", line);
        (team.server.count("ListObjectsV2"), team.server.count("GetObject"))
    };
    team.server.put(BUCKET, "f", "theirs");
    assert_eq!(lists("sync"), (1, 1));
    assert_eq!(lists("sync"), (1, 0));
    team.server.put(BUCKET, RULES, "*.tmp\n");
    assert_eq!(lists("status"), (2, 1));
    assert_eq!(lists("push"), (1, 0));
    assert_eq!(lists("sync"), (2, 2));
    assert_eq!(lists("sync"), (1, 0));
    team.write(format!("two/{RULES}"), "*.o\n");
    assert_eq!(lists("sync"), (1, 0));
}

#[test]
fn a_first_pull_obeys_the_rules_it_fetches_and_lists_once() {
    let shared = [("a.log", "a"), ("d/b.log", "b"), ("d/keep", "k"), ("f", "f")];
    let team = Team::sharing(&shared);
    team.server.put(BUCKET, RULES, "*.log\nskipped/\n./bad\n");
    team.server.put(BUCKET, "d/.lsyncignore", "!b.log\n");
    team.server.put(BUCKET, "skipped/.lsyncignore", "x\n");
    team.join("three");
    team.server.clear_log();
    let status = team.ok("three", "status --json");
    let output = team.ok("three", "pull --json");
    let done = ["d/.lsyncignore", "d/b.log", "d/keep", "f"].map(|path| format!("download {path}"));
    let done = [&["download .lsyncignore".to_owned()], &done[..]].concat();
    assert_eq!((events(&status, "plan"), events(&output, "done")), (done.clone(), done));
    assert!(output.stderr.contains(".lsyncignore:3"), "{output:?}");
    assert_eq!(team.server.count("ListObjectsV2"), 2, "one a command");
    team.assert_quiet("three");
}

#[test]
fn rules_that_a_run_does_not_fetch_are_not_applied() {
    let logs = [("a.log", "a"), ("f", "f"), (RULES, "# none\n")];
    for line in [
        "push",
        "sync a.log f",
        "sync --exclude .lsyncignore",
        "sync --limit 0",
        "status --offline",
    ] {
        let team = Team::sharing(&logs);
        team.server.put(BUCKET, RULES, "*.log\n");
        team.write("two/a.log", "edited");
        let output = team.run("two", line);
        assert!(!output.stderr.contains("no longer synced"), "{line}: {output:?}");
        assert!(!output.stdout.contains("no longer synced"), "{line}: {output:?}");
        assert_eq!(team.text(format!("two/{RULES}")), "# none\n", "{line}");
        let is_pushed = team.bucket()["a.log"] == "edited";
        assert_eq!(is_pushed, !line.contains("limit") && !line.contains("status"), "{line}");
    }
    // Whoever keeps deletions out keeps the rules.
    let team = Team::sharing(&[("f", "f"), (RULES, "*.log\n")]);
    team.server.delete(BUCKET, RULES);
    team.server.put(BUCKET, "their.log", "theirs");
    team.ok("two", "sync --no-delete");
    assert!(team.exists(format!("two/{RULES}")) && !team.exists("two/their.log"));
}

#[test]
fn rules_in_conflict_are_not_applied_until_the_conflict_is_settled() {
    let team = Team::sharing(&[("a.log", "a"), ("f", "f"), (RULES, "# none\n")]);
    team.server.put(BUCKET, RULES, "*.log\n");
    team.write(format!("two/{RULES}"), "*.tmp\n");
    team.write("two/a.log", "edited");
    let output = team.run("two", "sync");
    output.assert_code(4);
    assert_eq!(team.bucket()["a.log"], "edited");
    team.ok("two", "resolve --theirs");
    assert_eq!(team.text(format!("two/{RULES}")), "*.log\n");
    team.run("two", "sync").assert_code(3);
    team.assert_quiet("two");
}

#[test]
fn where_the_guard_stops_a_run_its_new_rules_do_not_come_either() {
    let names: Vec<_> = (0..40).map(|number| format!("f{number}")).collect();
    let mut shared: Vec<_> = names.iter().map(|name| (name.as_str(), "text")).collect();
    shared.push(("a.log", "a"));
    let team = Team::sharing(&shared);
    for name in &names {
        team.server.delete(BUCKET, name);
    }
    team.server.put(BUCKET, RULES, "*.log\n");
    let (tree, control) = (team.snapshot("two"), team.control("two"));
    crate::team::assert_error(&team.run("two", "sync"), 5, &["40"]);
    assert_eq!((team.snapshot("two"), team.control("two")), (tree, control));
    // Rules that spare what would be deleted let the run pass.
    team.server.put(BUCKET, RULES, "f*\n");
    team.run("two", "sync").assert_code(3);
    assert!(names.iter().all(|name| team.exists(format!("two/{name}"))));
}

#[test]
fn rules_that_change_once_more_meanwhile_forget_and_delete_nothing() {
    let team = Team::sharing(&[("a.log", "a"), ("b", "b"), ("f", "f"), (RULES, "# none\n")]);
    team.server.put(BUCKET, RULES, "*.log\n");
    team.server.delete(BUCKET, "b");
    let gone = Fault::Status(404, "NoSuchKey");
    // The first request reads the rules for the plan.
    team.server.fault(FaultRule::new("GetObject", RULES, gone).after(1));
    let output = team.run("two", "sync --json");
    output.assert_code(3);
    assert_eq!(events(&output, "failed"), ["delete-local b", "download .lsyncignore"]);
    assert_eq!(events(&output, "done"), [""; 0]);
    assert!(team.exists("two/b") && team.exists("two/a.log"));
    team.server.clear_faults();
    team.run("two", "sync").assert_code(3);
    assert!(!team.exists("two/b") && team.exists("two/a.log"));
    team.assert_quiet("two");
}

#[test]
fn rules_that_ignore_themselves_come_to_rest_without_a_loss() {
    let team = Team::sharing(&[("d/a", "a"), ("f", "f")]);
    team.server.put(BUCKET, "d/.lsyncignore", "*\n");
    team.write("two/d/a", "edited");
    team.ok("two", "sync");
    assert_eq!(team.bucket()["d/a"], "edited");
    team.run("two", "sync").assert_code(3);
    assert_eq!(team.text("two/d/a"), "edited");
    team.assert_quiet("two");
}

#[test]
fn outer_rules_that_come_decide_whether_inner_ones_do() {
    let team = Team::sharing(&[("d/a", "a"), (RULES, "e/\n")]);
    team.server.put(BUCKET, RULES, "d/\n");
    team.server.put(BUCKET, "d/.lsyncignore", "nothing\n");
    team.server.put(BUCKET, "e/.lsyncignore", "*.log\n");
    team.server.put(BUCKET, "e/b", "b");
    team.server.put(BUCKET, "e/b.log", "b");
    let output = team.run("two", "sync --json");
    output.assert_code(3);
    let done = ["download .lsyncignore", "download e/.lsyncignore", "download e/b", "forget d/a"];
    assert_eq!(events(&output, "done"), done);
    team.assert_quiet("two");
}

#[test]
fn new_rules_of_a_folder_bucket_hold_at_once_too() {
    let workspace = Workspace::new();
    workspace.write("bucket/build/x", "x");
    workspace.write("bucket/f", "f");
    for copy in ["one", "two"] {
        ok(&workspace, ".", &format!("clone ./bucket {copy}"));
    }
    workspace.write(format!("one/{RULES}"), "build/\n");
    run(&workspace, "one", "sync").assert_code(3);
    workspace.remove("bucket/build/x");
    run(&workspace, "two", "status").assert_code(3);
    assert!(!workspace.exists(format!("two/{RULES}")));
    run(&workspace, "two", "sync").assert_code(3);
    assert_eq!(workspace.text("two/build/x"), "x");
    workspace.remove(format!("bucket/{RULES}"));
    workspace.write("bucket/build/y", "y");
    ok(&workspace, "two", "sync");
    assert_eq!(workspace.text("two/build/y"), "y");
    assert_eq!(workspace.text("bucket/build/x"), "x");
}

/// A team of which `one` ignores `private/`, where `two` has files of its own, and `one` then deletes the
/// rules.
fn whose_rules_go(private: usize) -> Team {
    let team = Team::sharing(&[("f", "f"), (RULES, "private/\n")]);
    for number in 0..private {
        team.write(format!("two/private/{number:02}"), "for two alone");
    }
    team.ok("two", "sync");
    team.remove(format!("one/{RULES}"));
    team.ok("one", "sync");
    team
}

#[test]
fn what_a_teammates_rules_no_longer_ignore_is_told_before_it_is_sent() {
    let team = whose_rules_go(7);
    let told = "warning: rules that come from the bucket no longer ignore 7 files here, which would go to \
                the bucket: private/00, private/01, private/02, private/03, private/04 and 2 more; so far \
                .lsyncignore:1 kept them back\n";
    for line in ["status", "status -q", "sync -n", "sync -q"] {
        let output = team.ok("two", line);
        assert_eq!(output.stderr.matches(told).count(), 1, "{line}: {}", output.stderr);
    }
    assert!(team.bucket().contains_key("private/06"));
    // Whoever changes the rules decides.
    team.write(format!("two/{RULES}"), "other/\n");
    team.write("two/other/x", "x");
    team.ok("two", "sync");
    team.remove(format!("two/{RULES}"));
    let output = team.ok("two", "sync");
    assert!(!output.stderr.contains("no longer ignore"), "{}", output.stderr);
}

#[test]
fn more_than_a_few_files_are_not_disclosed_by_a_teammates_rules_without_a_word_from_here() {
    let team = whose_rules_go(21);
    let output = team.run("two", "sync");
    output.assert_code(5);
    let error = "error: 21 files that were ignored here would be sent to the bucket";
    assert!(output.stderr.contains(error), "{}", output.stderr);
    assert!(output.stderr.contains("--max-change 21"), "{}", output.stderr);
    assert_eq!(team.text(format!("two/{RULES}")), "private/\n");
    assert_eq!(team.bucket(), files(&[("f", "f")]));
    team.run("two", "sync --dry-run");
    team.run("two", "sync --max-change 20").assert_code(5);
    // What the message says keeps them back does.
    team.write(format!("two/private/{RULES}"), "*\n");
    team.ok("two", "sync");
    assert_eq!(team.bucket(), files(&[("f", "f")]));
    team.remove(format!("two/private/{RULES}"));
    team.ok("two", "sync");
    assert_eq!(team.bucket().len(), 22);
}
