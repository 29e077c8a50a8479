//! `lsync init`, and the quick start as it is printed.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::Profile;
use crate::team::{BUCKET, Team, files, lines_of};

#[test]
fn the_quick_start_runs_as_printed() {
    let team = Team::without_copies(Profile::Aws);
    team.server.create_bucket("my_bucket");
    team.ok("work", "init my_bucket .");
    team.write("work/some_new_file", "");
    team.ok("work", "sync");
    assert_eq!(team.server.keys("my_bucket"), ["some_new_file"]);
    assert_eq!(team.server.get("my_bucket", "some_new_file").unwrap().len(), 0);
    team.ok("elsewhere", "clone my_bucket");
    assert_eq!(team.texts("elsewhere/my_bucket"), files(&[("some_new_file", "")]));
    team.assert_quiet("work");
}

#[test]
fn init_leaves_nothing_in_the_bucket_and_only_its_own_folder_here() {
    let team = Team::without_copies(Profile::Aws);
    team.server.put(BUCKET, "f", "theirs");
    team.write("one/f", "ours");
    team.ok("one", "init team .");
    assert_eq!(team.bucket(), files(&[("f", "theirs")]));
    assert_eq!(team.texts("one"), files(&[("f", "ours")]));
    assert_eq!(team.server.open_uploads(BUCKET), Vec::<String>::new());
    let mode = team.path("one/.lsync").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let config = team.text("one/.lsync/config.yaml");
    assert!(config.contains("url: s3://team\n"), "{config}");
    assert!(!config.contains("testtest"), "no secrets: {config}");
}

#[test]
fn init_makes_the_folder_and_the_bucket_if_asked() {
    let team = Team::without_copies(Profile::Aws);
    team.ok(".", "init brand-new/docs deep/copy --create-bucket");
    team.write("deep/copy/f", "f");
    team.ok("deep/copy", "sync");
    assert_eq!(team.server.keys("brand-new"), ["docs/f"]);
}

#[test]
fn the_same_init_again_probes_again_and_keeps_what_was_agreed() {
    let team = Team::sharing(&[("f", "f")]);
    let database = team.read("one/.lsync/database.yaml");
    team.ok("one", "init s3://team/ .");
    assert!(team.server.count("PutObject") > 0, "probes");
    assert_eq!(team.read("one/.lsync/database.yaml"), database);
    assert_eq!(team.bucket(), files(&[("f", "f")]));
    team.assert_agreed();
}

#[test]
fn an_endpoint_given_to_init_is_remembered() {
    let mut team = Team::without_copies(Profile::Aws);
    team.set_variable("AWS_ENDPOINT_URL", "");
    let line = format!("init team . --endpoint-url {}", team.server.endpoint());
    team.ok("one", &line);
    team.write("one/f", "f");
    team.ok("one", "sync");
    assert_eq!(team.server.keys(BUCKET), ["f"]);
    assert!(team.text("one/.lsync/database.yaml").contains(&team.server.endpoint()));
}

#[test]
fn keys_of_the_probe_that_were_left_behind_are_nobodys_file() {
    let team = Team::sharing(&[("f", "f")]);
    team.server.put(BUCKET, ".lsync/probe/left", "left");
    let output = team.ok("one", "sync --json");
    let events: Vec<_> = lines_of(&output).iter().map(|line| line["event"].to_string()).collect();
    assert_eq!(events, ["\"summary\""]);
    assert_eq!(team.texts("one"), files(&[("f", "f")]));
}
