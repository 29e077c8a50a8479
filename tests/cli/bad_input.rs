//! What people and buckets get wrong: each with a message, a hint and an exit code, and nothing lost.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Output, Profile, SmallDisk};
use crate::team::{BUCKET, Gate, Team, assert_error, end_of, events, files, lines_of};

#[test]
fn an_impossible_bucket_name_is_wrong_usage() {
    let team = Team::without_copies(Profile::Aws);
    for name in ["s3://", "/", "s3:///docs", "", "a\u{7}b"] {
        let output = team.lsync("one", ["init", name, "."]);
        let code = output.code.unwrap();
        // `/` is a folder as bucket, which holds every working copy.
        assert_eq!(code, 2, "{name:?}: {output:?}");
        assert!(output.stderr.contains("error:"), "{name:?}: {}", output.stderr);
        assert!(!output.stderr.contains('\u{7}'), "control characters are escaped");
        assert!(!team.exists("one/.lsync"), "{name:?}");
    }
    assert_eq!(team.requests(), Vec::<String>::new());
}

#[test]
fn a_config_with_an_unknown_field_names_its_place_and_the_one_that_was_meant() {
    let team = Team::sharing(&[("f", "f")]);
    let config = team.text("one/.lsync/config.yaml");
    team.write("one/.lsync/config.yaml", format!("{config}trash_day: 3\n"));
    let line = format!("line {}", config.lines().count() + 1);
    let output = team.run("one", "sync");
    assert_error(&output, 1, &["config.yaml", "trash_day", &line, "did you mean \"trash_days\"?"]);
    team.write("one/.lsync/config.yaml", "remote: [");
    assert_error_without_hint(&team.run("one", "sync"), 1, "config.yaml");
    team.write("one/.lsync/config.yaml", config.replace("version: 1", "version: 2"));
    assert_error(&team.run("one", "sync"), 1, &["version", "update lsync"]);
    assert_eq!(team.transfers(), Vec::<String>::new());
}

#[track_caller]
fn assert_error_without_hint(output: &Output, code: i32, part: &str) {
    output.assert_code(code);
    assert!(output.stderr.contains("error:"), "{}", output.stderr);
    assert!(output.stderr.contains(part), "{}", output.stderr);
}

#[test]
fn a_broken_database_line_is_dropped_with_a_warning_and_its_file_adopted() {
    let team = Team::sharing(&[("a", "a"), ("b", "b"), ("c", "c")]);
    // As a person would edit the one, and as a disk would spoil the other.
    for (name, from, to) in [
        ("journal.yaml", r#"path: "b", size: 1"#, r#"path: "b", size: 2"#),
        ("database.yaml", r#"{path: "b""#, r#"{path: "b"#),
    ] {
        let text = team.text(format!("one/.lsync/{name}"));
        let broken = text.replace(from, to);
        assert_ne!(broken, text, "{name}");
        team.write(format!("one/.lsync/{name}"), &broken);
        team.server.clear_log();
        let output = team.ok("one", "sync");
        assert!(output.stderr.contains("warning:"), "{name}: {}\n{broken}", output.stderr);
        assert!(output.stderr.contains(name), "{}", output.stderr);
        assert_eq!(team.transfers(), Vec::<String>::new());
        team.assert_agreed();
        // What is in the journal goes into the database, line by line.
        let journal = team.text("one/.lsync/journal.yaml");
        team.write("one/.lsync/database.yaml", as_database(&journal));
        team.remove("one/.lsync/journal.yaml");
    }
}

/// Turns a journal to the database that it amounts to, by hand: sorted, and no path twice.
pub fn as_database(journal: &str) -> String {
    let mut lines: Vec<_> = journal.lines().map(|line| line.split(" # ").next().unwrap()).collect();
    let header = lines.remove(0);
    lines.sort_unstable();
    lines.dedup();
    format!("{header}\n{}\n", lines.join("\n"))
}

#[test]
fn losing_the_database_deletes_nothing_and_adopts_what_is_equal() {
    let team = Team::sharing(&[("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")]);
    for name in ["database.yaml", "journal.yaml"] {
        if team.exists(format!("one/.lsync/{name}")) {
            team.remove(format!("one/.lsync/{name}"));
        }
    }
    team.remove("one/a");
    team.server.delete(BUCKET, "b");
    team.write("one/c", "edited");
    let output = team.run("one", "sync --json");
    output.assert_code(4);
    assert_eq!(events(&output, "conflict"), ["both-created c"]);
    assert_eq!(team.transfers(), ["GetObject a", "PutObject b"]);
    let here = files(&[("a", "a"), ("b", "b"), ("c", "edited"), ("d", "d")]);
    assert_eq!(team.texts("one"), here);
}

#[test]
fn a_database_that_is_garbage_counts_as_none() {
    let team = Team::sharing(&[("a", "a"), ("b", "b")]);
    team.write("one/.lsync/database.yaml", b"\x00\xff\x17 not yaml at all\n".repeat(50));
    let output = team.ok("one", "sync");
    assert!(output.stderr.contains("warning:"), "{}", output.stderr);
    team.assert_agreed();
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_the_others_go() {
    let team = Team::sharing(&[("locked", "base"), ("open", "base")]);
    team.write("one/locked", "edited");
    team.write("one/open", "edited");
    team.write("one/new", "cannot be read either");
    for path in ["one/locked", "one/new"] {
        fs::set_permissions(team.path(path), fs::Permissions::from_mode(0o000)).unwrap();
    }
    let Some(output) = team.run_bound_by_permissions("one", "sync --json") else {
        return println!("skipped: no way to drop root's rights here");
    };
    output.assert_code(3);
    let named = |path: &str| {
        lines_of(&output).iter().any(|line| {
            ["failed", "skipped"].contains(&line["event"].as_str().unwrap())
                && line["path"] == path
                && line["hint"].is_string()
        })
    };
    assert!(named("locked") && named("new"), "{}", output.stdout);
    assert_eq!(team.bucket(), files(&[("locked", "base"), ("open", "edited")]));
}

#[test]
fn a_folder_that_cannot_be_written_fails_its_files_alone() {
    let team = Team::sharing(&[("locked/f", "base"), ("open", "base")]);
    team.server.put(BUCKET, "locked/f", "theirs");
    team.server.put(BUCKET, "open", "theirs");
    fs::set_permissions(team.path("one/locked"), fs::Permissions::from_mode(0o555)).unwrap();
    let output = team.run_bound_by_permissions("one", "sync --json");
    fs::set_permissions(team.path("one/locked"), fs::Permissions::from_mode(0o755)).unwrap();
    let Some(output) = output else {
        return println!("skipped: no way to drop root's rights here");
    };
    output.assert_code(3);
    assert_eq!(events(&output, "failed"), ["download locked/f"]);
    assert_eq!(team.texts("one"), files(&[("locked/f", "base"), ("open", "theirs")]));
    team.ok("one", "sync");
    assert_eq!(team.texts("one"), team.bucket());
}

#[test]
fn a_key_above_1024_bytes_is_reported_in_either_direction() {
    let team = Team::sharing(&[("f", "f")]);
    let folder = |letter: &str| format!("{}/", letter.repeat(200)).repeat(5);
    let (long, longest) =
        (format!("{}{}", folder("a"), "x".repeat(30)), folder("b") + &"y".repeat(19));
    assert_eq!((long.len(), longest.len()), (1035, 1024));
    team.write(format!("one/{long}"), "too long");
    team.write(format!("one/{longest}"), "just right");
    let output = team.run("one", "sync --json");
    output.assert_code(3);
    assert_eq!(team.server.keys(BUCKET), [longest.as_str(), "f"]);
    let skipped = events(&output, "skipped");
    assert_eq!(skipped.len(), 1, "{skipped:?}");
    assert!(skipped[0].contains("aaa"), "{skipped:?}");
    // A name longer than any file system takes.
    team.server.put(BUCKET, &"n".repeat(300), "long name");
    team.run("two", "pull").assert_code(3);
    assert_eq!(team.text(format!("two/{longest}")), "just right");
}

#[test]
fn a_full_disk_fails_what_does_not_fit_and_loses_nothing() {
    let team = Team::sharing(&[("large", "base"), ("small", "base")]);
    let Some(_mounted) = SmallDisk::mount(&team.path("small-disk")) else {
        return println!("skipped: no tmpfs can be mounted here");
    };
    team.join("small-disk");
    team.ok("small-disk", "sync");
    team.server.put(BUCKET, "large", vec![b'x'; 600 << 10]);
    team.server.put(BUCKET, "small", "theirs");
    let gate = Gate::at(&team.server, "GetObject", "large");
    let child = team.start("small-disk", "sync -j 1 --json");
    gate.wait();
    // Somebody else takes the room while the run is on its way.
    team.write("small-disk/.lsync/somebody", vec![b'x'; 700 << 10]);
    drop(gate);
    let output = end_of(child);
    output.assert_code(3);
    assert_eq!(events(&output, "failed"), ["download large"]);
    let here = files(&[("large", "base"), ("small", "theirs")]);
    assert_eq!(team.texts("small-disk"), here);
    assert_eq!(team.snapshot("small-disk/.lsync/tmp").len(), 0, "staged bytes are given back");
    team.server.put(BUCKET, "large", "fits");
    team.ok("small-disk", "sync");
    assert_eq!(team.texts("small-disk"), team.bucket());
}

#[test]
fn a_bucket_that_refuses_writes_can_be_pulled_and_says_so_when_pushed() {
    let team = Team::without_copies(Profile::ReadOnly);
    team.server.put(BUCKET, "f", "f");
    let output = team.ok("one", "init team .");
    assert!((output.stdout + &output.stderr).contains("read-only"));
    team.ok("one", "pull");
    assert_eq!(team.texts("one"), files(&[("f", "f")]));
    team.write("one/f", "edited");
    team.write("one/g", "new");
    team.server.clear_log();
    let parts = ["read-only", "2 paths have", "`lsync init s3://team`"];
    assert_error(&team.run("one", "push"), 3, &parts);
    assert_error(&team.run("one", "sync"), 3, &parts);
    assert_eq!(team.server.count("PutObject"), 0, "nothing was tried");
    let output = team.run("one", "push --dry-run");
    output.assert_code(0);
    assert!(output.stderr.contains("warning: the bucket was read-only"), "{}", output.stderr);
    assert_eq!(team.texts("one"), files(&[("f", "edited"), ("g", "new")]));
    assert_eq!(team.bucket(), files(&[("f", "f")]));
    team.ok("one", "pull");
    assert_eq!(team.text("one/f"), "edited");
}

#[test]
fn a_listing_that_lies_or_breaks_off_deletes_nothing() {
    for profile in [Profile::TruncatedWithoutToken, Profile::EndlessTruncation] {
        let team = Team::without_copies(profile);
        team.server.put(BUCKET, "f", "f");
        let config = Team::new().text("one/.lsync/config.yaml");
        team.write("one/.lsync/config.yaml", config);
        team.write("one/f", "f");
        let output = team.run("one", "sync");
        assert!(matches!(output.code, Some(1 | 13)), "{profile:?}: {output:?}");
        assert!(output.stderr.contains("error:"), "{}", output.stderr);
        assert_eq!(team.texts("one"), files(&[("f", "f")]));
        assert_eq!(team.bucket(), files(&[("f", "f")]));
    }
}

#[test]
fn a_number_that_makes_no_sense_is_refused_in_plain_words() {
    let team = Team::sharing(&[("f", "f")]);
    for (line, words) in [
        ("sync --jobs 0", "'--jobs <N>': must be greater than 0"),
        ("status --jobs many", "\"many\" is not a whole number"),
        ("sync --limit 1.5", "\"1.5\" is not a whole number"),
        ("pull --bwlimit 0", "'--bwlimit <BYTES>': must be greater than 0"),
        ("push --part-size 3", "a part has 5MiB to 5GiB"),
    ] {
        assert_error(&team.run("one", line), 2, &[words]);
    }
    let config = team.text("one/.lsync/config.yaml");
    team.write("one/.lsync/config.yaml", format!("{config}jobs: 0\n"));
    let output = team.run("one", "sync");
    output.assert_code(1);
    assert!(output.stderr.contains("jobs: must be greater than 0"), "{}", output.stderr);
}

#[test]
fn the_words_of_other_tools_are_answered_and_change_nothing() {
    let team = Team::sharing(&[("f", "f")]);
    team.write("one/f", "edited");
    team.server.clear_log();
    let tree = team.snapshot("one");
    for (line, words) in [
        ("sync --delete", "hint: no option is needed: what was deleted on one side"),
        ("sync --update", "hint: no option is needed: both sides are compared"),
        ("sync --dryrun", "hint: lsync spells it --dry-run"),
        ("sync --exclude-from list", "hint: patterns stand in .lsyncignore"),
        ("sync --endpoint-url http://h", "is an option of `lsync clone` and `lsync init`"),
        ("sync . s3://team", "s3://team is a bucket, and no path of the working copy"),
        ("restore f", "hint: `lsync trash restore PATH` brings back"),
        ("commit -m words", "hint: nothing has to be added or committed"),
        ("rm f", "hint: delete the file itself"),
        ("ls", "hint: the working copy is the list"),
        ("statsu", "hint: did you mean `lsync status`?"),
    ] {
        assert_error(&team.run("one", line), 2, &[words]);
    }
    let output = team.run("one", "sync --delete --json");
    output.assert_code(2);
    assert!(output.stdout.contains("no option is needed"), "{}", output.stdout);
    assert_eq!(team.snapshot("one"), tree);
    assert_eq!(team.requests(), Vec::<String>::new());
}

#[test]
fn a_bandwidth_without_a_unit_is_bytes_and_warned_of_where_a_unit_must_have_been_meant() {
    let team = Team::sharing(&[("f", "f")]);
    let warned = team.ok("one", "sync --bwlimit 10");
    assert!(warned.stderr.contains("warning: --bwlimit: 10 bytes a second"), "{}", warned.stderr);
    for line in ["sync --bwlimit 10M", "pull --bwlimit 1024", "push --bwlimit 10MB"] {
        assert_eq!(team.ok("one", line).stderr, "", "{line}");
    }
}

/// Runs lsync in a folder that was removed.
fn ran_in_a_removed_folder(team: &Team, line: &str) -> Output {
    let (lsync, gone) = (team.command("one", ["status"]), team.path("gone"));
    fs::create_dir_all(&gone).unwrap();
    let mut shell = std::process::Command::new("sh");
    let script = format!("cd {0} && rmdir {0} && exec \"$LSYNC\" {line}", gone.display());
    shell.args(["-c", &script]).env_clear().env("LSYNC", lsync.get_program());
    shell.env("PATH", std::env::var_os("PATH").unwrap());
    shell.envs(lsync.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    end_of(shell.spawn().unwrap())
}

#[test]
fn a_current_directory_that_was_removed_is_named_and_needed_only_by_relative_paths() {
    let team = Team::sharing(&[("f", "f")]);
    let in_removed = |line: &str| ran_in_a_removed_folder(&team, line);
    let told = ["the current directory was removed", "-C /FOLDER"];
    assert_error(&in_removed("status"), 1, &told);
    assert_error(&in_removed("-C one status"), 1, &told);
    let one = team.path("one");
    let (one, file) = (one.display(), one.join("f"));
    in_removed(&format!("-C {one} status")).assert_code(0);
    in_removed(&format!("-C {one} sync {}", file.display())).assert_code(0);
}

#[test]
fn what_has_the_place_of_the_control_folder_is_named_with_what_to_do() {
    let team = Team::sharing(&[("f", "f")]);
    fs::create_dir(team.path("linked")).unwrap();
    std::os::unix::fs::symlink(team.path("one/.lsync"), team.path("linked/.lsync")).unwrap();
    let parts = ["linked/.lsync is a symbolic link", "remove the link", "then `lsync init BUCKET`"];
    assert_error(&team.run("linked", "status"), 10, &parts);
    assert_error(&team.run("linked", "init team ."), 2, &parts);
    team.write("filed/.lsync", "bucket=team");
    let parts = ["filed/.lsync is not a folder", "rename"];
    assert_error(&team.run("filed", "sync"), 10, &parts);
    assert_error(&team.run("filed", "init team ."), 2, &parts);
    assert_eq!(team.text("filed/.lsync"), "bucket=team");
    team.write("old/.lsync/config", "bucket_name: team\nfiles: {}\nversion: 0\n");
    let parts = [".lsync/config belongs to the lsync written in Python", "lsync init BUCKET"];
    assert_error(&team.run("old", "sync"), 10, &parts);
    team.ok("old", "init team .");
    team.ok("old", "sync");
    assert_eq!(team.text("old/f"), "f");
    team.write("one/.lsync/config.yaml", "version: 1\nbucket: team\n");
    assert_error(&team.run("one", "sync"), 1, &["unknown field \"bucket\"", "Python"]);
}

#[test]
fn a_working_copy_given_as_bucket_says_which_bucket_it_has() {
    let team = Team::sharing(&[("f", "f")]);
    let parts = ["../one is a working copy of s3://team, and no bucket", "s3://team PATH"];
    for line in ["clone ../one", "clone ../one copy", "init ../one ."] {
        assert_error(&team.run("elsewhere", line), 2, &parts);
    }
    assert!(!team.exists("elsewhere/.lsync") && !team.exists("elsewhere/copy"));
    assert_eq!(team.snapshot("one").len(), 1, "nothing was made there");
}

#[test]
fn a_name_that_no_bucket_has_is_wrong_usage_before_credentials_are_looked_for() {
    let mut team = Team::without_copies(Profile::Aws);
    for variable in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        team.set_variable(variable, "");
    }
    for (name, parts) in [
        ("My_Bucket!", ["\"My_Bucket!\" cannot be the name of a bucket", "'!'"]),
        ("host:/srv/team", ["\"host:\" cannot be the name of a bucket", "':'"]),
        ("s3:/team/docs", ["s3:/team/docs is no URL of a bucket", "did you mean s3://team/docs?"]),
    ] {
        for command in ["init", "clone"] {
            assert_error(&team.lsync("one", [command, name, "."]), 2, &parts);
        }
    }
    assert_error(&team.lsync("one", ["init", "my team", "."]), 2, &["\"my team\" cannot be"]);
    // Old buckets have such names.
    assert_error(&team.lsync("one", ["init", "Old_Team", "."]), 12, &["no credentials"]);
    assert_eq!(team.requests(), Vec::<String>::new());
}

#[test]
fn a_file_given_as_bucket_is_called_a_file() {
    let team = Team::without_copies(Profile::Aws);
    team.write("one/notes.txt", "text");
    for line in ["init ../one/notes.txt .", "clone ../one/notes.txt copy"] {
        assert_error(&team.run("two", line), 2, &["../one/notes.txt is a file, and a bucket is"]);
    }
}

#[test]
fn absolute_operands_init_and_the_demo_need_no_current_directory() {
    let team = Team::sharing(&[("f", "f")]);
    let (one, bucket) = (team.path("one"), team.path("bucket"));
    team.write("one/f", "edited");
    ran_in_a_removed_folder(&team, &format!("sync {}", one.join("f").display())).assert_code(0);
    assert_eq!(team.bucket()["f"], "edited");
    ran_in_a_removed_folder(&team, &format!("status {}", one.display())).assert_code(0);
    fs::create_dir(&bucket).unwrap();
    let (bucket, copy) = (bucket.display(), team.path("copy"));
    let output = ran_in_a_removed_folder(&team, &format!("init {bucket} {}", copy.display()));
    output.assert_code(0);
    let told = output.stdout + &output.stderr;
    assert!(told.contains(&format!("`cd {}`", copy.display())), "{told}");
    let line = format!("clone --allow-empty {bucket} {}", team.path("third").display());
    ran_in_a_removed_folder(&team, &line).assert_code(0);
    ran_in_a_removed_folder(&team, &format!("demo {}", team.path("demo").display())).assert_code(0);
    for line in [format!("init {bucket} relative"), "init ./x /y".to_owned()] {
        assert_error(&ran_in_a_removed_folder(&team, &line), 1, &["was removed"]);
    }
    assert_error(&ran_in_a_removed_folder(&team, "sync f"), 1, &["was removed"]);
}

#[test]
fn a_bandwidth_may_have_a_point_or_be_off_as_in_rclone() {
    let team = Team::sharing(&[("f", "f")]);
    for line in ["sync --bwlimit 1.5M", "sync --bwlimit off", "pull --bwlimit 0.5MiB"] {
        assert_eq!(team.ok("one", line).stderr, "", "{line}");
    }
    let warned = team.ok("one", "sync --bwlimit 0.5K");
    assert!(warned.stderr.contains("--bwlimit: 512 bytes a second"), "{}", warned.stderr);
    for line in ["sync --bwlimit 1.M", "sync --bwlimit 1.5X", "sync --bwlimit .5M"] {
        assert_error(&team.run("one", line), 2, &["is no s"]);
    }
}
