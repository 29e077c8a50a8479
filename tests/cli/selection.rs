//! Operands, globs, limits, and where a command starts: what lies outside stays as it is.

use std::fs;

use crate::team::{BUCKET, Gate, Team, assert_error, end_of, files, ok, run};

fn team() -> Team {
    let team = Team::sharing(&[("docs/a.txt", "1"), ("docs/b.md", "1"), ("top.txt", "1")]);
    for path in ["docs/a.txt", "docs/b.md", "top.txt"] {
        team.write(format!("one/{path}"), "edited");
    }
    team
}

/// Returns the keys that were edited in the bucket.
fn edited(team: &Team) -> Vec<String> {
    team.bucket().into_iter().filter(|(_, text)| text == "edited").map(|(key, _)| key).collect()
}

#[test]
fn operands_are_relative_to_the_current_directory() {
    let team = team();
    ok(&team, "one/docs", "push a.txt");
    assert_eq!(edited(&team), ["docs/a.txt"]);
    ok(&team, "one/docs", "push ../top.txt");
    assert_eq!(edited(&team), ["docs/a.txt", "top.txt"]);
    let absolute = team.path("one/docs/b.md").canonicalize().unwrap();
    ok(&team, "one/docs", &format!("push {}", absolute.display()));
    assert_eq!(edited(&team).len(), 3);
}

#[test]
fn without_operands_a_subdirectory_means_the_whole_working_copy_and_a_dot_only_itself() {
    let team = team();
    ok(&team, "one/docs", "push .");
    assert_eq!(edited(&team), ["docs/a.txt", "docs/b.md"]);
    ok(&team, "one/docs", "push");
    assert_eq!(edited(&team).len(), 3);
}

#[test]
fn dash_c_starts_elsewhere() {
    let team = team();
    ok(&team, "elsewhere", "-C ../one push docs");
    assert_eq!(edited(&team), ["docs/a.txt", "docs/b.md"]);
    ok(&team, "elsewhere", "push -C ../one/docs ../top.txt");
    assert_eq!(edited(&team).len(), 3);
    let output = run(&team, "elsewhere", "-C nosuch sync");
    assert_ne!(output.code, Some(0));
    assert!(output.stderr.contains("nosuch"), "{}", output.stderr);
}

#[test]
fn globs_select_and_what_lies_outside_keeps_its_rows() {
    let team = team();
    team.remove("one/docs/b.md");
    team.lsync("one", ["sync", "--include", "*.txt", "--exclude", "docs/*"]).assert_code(0);
    assert_eq!(edited(&team), ["top.txt"]);
    assert_eq!(team.bucket().len(), 3, "what is not selected is not deleted");
    team.lsync("one", ["sync", "--exclude", "*.md"]).assert_code(0);
    assert_eq!(edited(&team), ["docs/a.txt", "top.txt"]);
    team.ok("one", "sync");
    assert_eq!(team.bucket(), files(&[("docs/a.txt", "edited"), ("top.txt", "edited")]));
    let output = team.lsync("one", ["sync", "--include", "[z-a"]);
    assert_error(&output, 2, &["[z-a"]);
}

#[test]
fn operands_that_overlap_are_one() {
    let team = team();
    team.ok("one", "push docs docs/a.txt docs/");
    assert_eq!(edited(&team), ["docs/a.txt", "docs/b.md"]);
    assert_eq!(team.transfers(), ["PutObject docs/a.txt", "PutObject docs/b.md"]);
}

#[test]
fn an_operand_that_exists_only_in_the_bucket_or_only_in_the_database_matches() {
    let team = team();
    team.server.put(BUCKET, "only/there", "new");
    team.ok("one", "pull only");
    assert_eq!(team.text("one/only/there"), "new");
    team.server.delete(BUCKET, "only/there");
    team.remove("one/only");
    team.ok("one", "sync only");
    assert_error(&team.run("one", "sync only"), 2, &["only"]);
}

#[test]
fn a_deletion_of_one_operand_deletes_it_alone() {
    let team = Team::sharing(&[("a", "a"), ("b", "b"), ("c", "c")]);
    team.remove("one/a");
    team.remove("one/b");
    team.ok("one", "push a");
    assert_eq!(team.bucket(), files(&[("b", "b"), ("c", "c")]));
}

#[test]
fn max_delete_sets_the_limit_and_the_config_can_hold_it() {
    let team = Team::sharing(&[("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")]);
    team.remove("one/a");
    team.remove("one/b");
    team.run("one", "sync --max-delete 1").assert_code(5);
    team.run("one", "sync --max-delete 49%").assert_code(5);
    team.run("one", "sync --max-delete 0").assert_code(5);
    team.run("one", "sync --max-delete nonsense").assert_code(2);
    let config = team.text("one/.lsync/config.yaml");
    team.write("one/.lsync/config.yaml", format!("{config}max_delete: 1\n"));
    team.run("one", "sync").assert_code(5);
    assert_eq!(team.bucket().len(), 4);
    team.ok("one", "sync --max-delete 50%");
    assert_eq!(team.bucket(), files(&[("c", "c"), ("d", "d")]));
}

#[test]
fn one_job_is_one_request_at_a_time() {
    let team = Team::new();
    for number in 0..20 {
        team.write(format!("one/{number}"), "x");
    }
    team.ok("one", "push -j 1");
    assert_eq!(team.bucket().len(), 20);
    assert_eq!(team.server.running_peak(), 1);
    team.run("one", "push -j 0").assert_code(2);
}

#[test]
fn as_many_requests_run_at_once_as_there_are_jobs() {
    let team = Team::new();
    for number in 0..8 {
        team.write(format!("one/{number}"), "x");
    }
    let gate = Gate::at(&team.server, "PutObject", "*");
    let child = team.start("one", "push -j 3");
    for _ in 0..3 {
        gate.wait();
    }
    drop(gate);
    end_of(child).assert_code(0);
    assert_eq!(team.server.running_peak(), 3);
}

#[test]
fn options_come_from_variables_too_and_flags_beat_them() {
    let mut team = team();
    team.set_variable("LSYNC_EXCLUDE", "*.md");
    team.ok("one", "push");
    assert_eq!(edited(&team), ["docs/a.txt", "top.txt"]);
    team.set_variable("LSYNC_JSON", "1");
    let output = team.ok("one", "status");
    assert!(output.stdout.starts_with('{'), "{}", output.stdout);
    team.set_variable("LSYNC_EXCLUDE", "nothing");
    team.set_variable("LSYNC_DRY_RUN", "1");
    team.ok("one", "push");
    assert_eq!(edited(&team).len(), 2);
    // What overwrites or deletes has no variable.
    for name in ["LSYNC_FORCE", "LSYNC_MIRROR", "LSYNC_YES"] {
        team.set_variable(name, "1");
    }
    team.set_variable("LSYNC_DRY_RUN", "");
    team.server.put(BUCKET, "docs/b.md", "theirs");
    team.run("one", "push").assert_code(4);
    assert_eq!(team.bucket()["docs/b.md"], "theirs");
}

#[test]
fn a_variable_of_a_switch_that_says_neither_yes_nor_no_is_refused() {
    for (name, line) in [
        ("LSYNC_DRY_RUN", "sync"),
        ("LSYNC_NO_DELETE", "push"),
        ("LSYNC_NO_LIST", "push"),
        ("LSYNC_QUIET", "pull"),
        ("LSYNC_VERBOSE", "resolve"),
        ("LSYNC_JSON", "trash list"),
        ("LSYNC_OFFLINE", "status"),
        ("LSYNC_PATH_STYLE", "init team ."),
        ("LSYNC_CREATE_BUCKET", "init team ."),
        ("LSYNC_ALLOW_EMPTY", "clone team x"),
    ] {
        let mut team = Team::sharing(&[("f", "f")]);
        team.write("one/f", "edited");
        for value in ["banana", "2", "tru", "-1", " "] {
            team.set_variable(name, value);
            let output = team.run("one", line);
            assert_error(&output, 2, &["1 or 0, true or false", name]);
            assert_eq!(team.bucket(), files(&[("f", "f")]), "{name}={value}");
        }
    }
    // What is no boolean is told in the same way.
    let mut team = Team::sharing(&[("f", "f")]);
    team.set_variable("LSYNC_JOBS", "many");
    assert_error(&team.run("one", "sync"), 2, &["'many'", "comes from LSYNC_JOBS"]);
}

#[test]
fn a_variable_of_a_switch_is_read_as_people_write_it() {
    let mut team = Team::sharing(&[("f", "f")]);
    team.write("one/f", "edited");
    for yes in ["1", "true", "TRUE", "yes", "Yes", "on", "y", "t"] {
        team.set_variable("LSYNC_DRY_RUN", yes);
        team.ok("one", "push");
        assert_eq!(team.bucket(), files(&[("f", "f")]), "{yes}");
    }
    for (count, no) in ["0", "false", "no", "off", "OFF", "n", "f", ""].into_iter().enumerate() {
        team.set_variable("LSYNC_DRY_RUN", no);
        let text = format!("edited {count}");
        team.write("one/f", &text);
        team.ok("one", "push");
        assert_eq!(team.bucket(), files(&[("f", text.as_str())]), "{no}");
    }
}

#[test]
fn a_working_copy_inside_another_one_is_left_alone() {
    let team = Team::sharing(&[("f", "f"), ("g", "g")]);
    team.join("one/inner");
    team.write("one/inner/x", "x");
    team.ok("one", "sync");
    assert_eq!(team.bucket(), files(&[("f", "f"), ("g", "g")]));
    ok(&team, "one/inner", "sync");
    assert_eq!(team.texts("one/inner").len(), 3);
}

#[test]
fn an_operand_below_a_name_that_is_a_file_on_the_other_side_is_a_conflict() {
    let team = Team::sharing(&[("z", "z")]);
    team.server.put(BUCKET, "a", "a teammate's file");
    team.write("one/a/x", "x");
    for command in ["push a/x", "push a", "push --force a/x", "sync a/x", "push z a/x"] {
        let output = team.run("one", command);
        output.assert_code(4);
        let is_known = command == "push a";
        let hint =
            if is_known { "`lsync resolve`" } else { "where a file stands against a folder" };
        assert!(output.stderr.contains(&format!("hint: {hint}")), "{command}: {output:?}");
        assert_eq!(team.transfers(), Vec::<String>::new(), "{command}");
    }
    team.server.put(BUCKET, "b/x", "x");
    team.write("one/b", "file");
    for command in ["pull b/x", "pull --force b/x", "sync b/x"] {
        team.run("one", command).assert_code(4);
        assert_eq!(team.text("one/b"), "file", "{command}");
    }
    assert_eq!(team.server.keys(BUCKET), ["a", "b/x", "z"]);
}

#[test]
fn an_operand_that_matches_nothing_says_no_more_than_is_known_of_it() {
    let team = team();
    team.remove("one/top.txt");
    team.ok("one", "sync");
    fs::create_dir_all(team.path("one/empty/deep")).unwrap();
    for line in ["sync top.txt", "status top.txt"] {
        let output = team.run("one", line);
        assert_error(&output, 2, &["top.txt is neither here nor in the bucket"]);
        assert!(!output.stderr.contains("never"), "{}", output.stderr);
    }
    let output = team.run("one", "push empty");
    assert_error(&output, 2, &["empty is an empty folder here", "only files travel"]);
}
