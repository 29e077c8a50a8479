//! What a run loses in one go stops it first: deletions, and replacements of all that was agreed on.

use crate::team::{BUCKET, Team, assert_error, files};

/// So many files: one more than may always be replaced.
const MANY: usize = 21;

fn sharing(count: usize) -> Team {
    let names: Vec<String> = (0..count).map(|number| format!("f{number:02}")).collect();
    let team = Team::sharing(&[]);
    for name in &names {
        team.write(format!("one/{name}"), "agreed");
    }
    team.ok("one", "sync");
    team.ok("two", "sync");
    team
}

#[test]
fn a_tool_that_changes_every_file_here_is_stopped_before_the_bucket_has_it() {
    let team = sharing(MANY);
    let bucket = team.bucket();
    for name in bucket.keys() {
        team.write(format!("one/{name}"), "encrypted, pay up");
    }
    let words = "21 of 21 files would be replaced in the bucket";
    for command in ["sync", "push"] {
        assert_error(&team.run("one", command), 5, &[words, "--max-change 21"]);
        assert_eq!(team.bucket(), bucket);
    }
    let status = team.ok("one", "status");
    assert!(status.stderr.contains(words), "{}", status.stderr);
    assert!(!status.stderr.contains("`lsync sync` does this"), "{}", status.stderr);
    team.run("one", "sync --max-change 20").assert_code(5);
    team.run("one", "sync --max-change 99%").assert_code(5);
    let config = team.text("one/.lsync/config.yaml");
    team.write("one/.lsync/config.yaml", format!("{config}max_change: 100%\n"));
    team.ok("one", "sync");
    assert!(team.bucket().values().all(|text| text == "encrypted, pay up"));
    // The other side of the same: what all of the team is about to get.
    let words = "21 of 21 files would be replaced here";
    assert_error(&team.run("two", "pull"), 5, &[words, "--max-change 21"]);
    assert_eq!(team.text("two/f00"), "agreed");
    team.ok("two", "pull --max-change 21");
}

#[test]
fn few_files_and_first_syncs_may_change_altogether() {
    let team = sharing(MANY - 1);
    for name in team.bucket().keys() {
        team.write(format!("one/{name}"), "edited");
    }
    team.ok("one", "sync");
    team.ok("two", "sync");
    assert_eq!(team.text("two/f00"), "edited");
}

#[test]
fn an_emptied_bucket_is_named_and_filled_again_before_anything_is_given_up() {
    let team = sharing(3);
    for name in ["f00", "f01", "f02"] {
        team.server.delete(BUCKET, name);
    }
    let output = team.run("one", "sync");
    let parts = ["the bucket is empty", "nothing was deleted", "lsync push --force ."];
    assert_error(&output, 5, &parts);
    let cure = output.stderr.find("push --force").unwrap();
    assert!(cure < output.stderr.find("--max-delete").unwrap(), "{}", output.stderr);
    team.ok("one", "push --force .");
    assert_eq!(team.bucket().len(), 3);
    // Somebody else has put other files there: it is not empty, and none of ours is left.
    for name in ["f00", "f01", "f02"] {
        team.server.delete(BUCKET, name);
    }
    team.server.put(BUCKET, "theirs", "theirs");
    assert_error(&team.run("one", "sync"), 5, &["none of them is in the bucket any more"]);
}

#[test]
fn an_emptied_folder_is_fetched_again_before_the_bucket_is_given_up() {
    let team = sharing(3);
    for name in ["f00", "f01", "f02"] {
        team.remove(format!("one/{name}"));
    }
    assert_error(&team.run("one", "sync"), 5, &["this folder is empty", "lsync pull --force ."]);
    team.ok("one", "pull --force .");
    assert_eq!(team.texts("one"), team.bucket());
}

#[test]
fn status_recommends_no_sync_that_a_read_only_bucket_will_refuse() {
    let team = sharing(1);
    let config = team.text("one/.lsync/config.yaml");
    let config = config.replace("store:\n", "store:\n  read_only: true\n");
    let config: Vec<_> = config.lines().filter(|line| *line != "  read_only: false").collect();
    team.write("one/.lsync/config.yaml", config.join("\n"));
    team.write("one/new", "new");
    let status = team.ok("one", "status");
    assert!(!status.stderr.contains("`lsync sync` does this"), "{}", status.stderr);
}

#[test]
fn an_explicit_limit_answers_the_mirrors_question_in_a_script_and_yes_alone_lifts_no_guard() {
    let team = sharing(4);
    for name in ["f00", "f01", "f02", "f03"] {
        team.server.delete(BUCKET, name);
    }
    let bare = team.run("one", "pull --mirror");
    assert_error(&bare, 2, &["4 to delete here", "--yes", "--max-delete N"]);
    assert_error(&team.run("one", "pull --mirror --yes"), 5, &["4 of 4", "--max-delete 4"]);
    assert_error(&team.run("one", "pull --mirror --max-delete 3"), 5, &["--max-delete 4"]);
    assert_eq!(team.texts("one").len(), 4);
    team.ok("one", "pull --mirror --max-delete 4");
    assert_eq!(team.texts("one"), files(&[]));
}

#[test]
fn a_forced_push_of_everything_is_weighed_as_deletions_are() {
    let team = sharing(MANY);
    for name in team.bucket().keys() {
        team.write(format!("one/{name}"), "edited");
    }
    team.server.clear_log();
    team.run("one", "push --force .").assert_code(5);
    assert_eq!(team.server.count("PutObject"), 0);
}

#[test]
fn a_bucket_that_lost_much_is_given_back_what_is_here_before_it_is_followed() {
    let team = sharing(40);
    for number in 0..30 {
        team.server.delete(BUCKET, &format!("f{number:02}"));
    }
    let cure = "nothing was deleted; `lsync push --force PATH…` brings what is here back";
    let output = team.run("one", "sync");
    assert_error(&output, 5, &["30 of 40 files would be deleted here", cure, "--dry-run shows"]);
    let found = output.stderr.find("push --force").unwrap();
    assert!(found < output.stderr.find("--max-delete").unwrap(), "{}", output.stderr);
    for line in ["status", "sync --dry-run"] {
        let output = team.ok("one", line);
        assert!(output.stderr.contains(cure), "{line}: {}", output.stderr);
        assert!(!output.stderr.contains("--dry-run shows"), "{line}: {}", output.stderr);
    }
    team.ok("one", "push --force .");
    assert_eq!(team.bucket().len(), 40);
    for number in 0..30 {
        team.remove(format!("one/f{number:02}"));
    }
    let cure = "nothing was deleted; `lsync pull --force PATH…` fetches them again";
    assert_error(&team.run("one", "sync"), 5, &["deleted in the bucket", cure]);
    team.ok("one", "pull --force .");
    assert_eq!(team.texts("one"), team.bucket());
}
