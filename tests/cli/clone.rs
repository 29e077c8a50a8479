//! `lsync clone`, and what travels with a file.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use crate::support::{Profile, Snapshot};
use crate::team::{BUCKET, Team, assert_error, events, files, ok};

#[test]
fn a_clone_equals_the_original_in_every_byte_and_every_nanosecond() {
    let team = Team::new();
    team.write("one/empty", "");
    team.write("one/docs/deep/er/file", b"\x00\xff\r\n".repeat(10_000));
    team.write("one/old", "from 1970");
    team.write("one/new", "with nanoseconds");
    team.set_mtime("one/old", 1);
    team.set_mtime("one/new", 1_717_171_717_123_456_789);
    team.ok("one", "sync");
    let output = ok(&team, ".", "clone team copy");
    assert!(output.stderr.contains("hint: `cd copy`"), "{}", output.stderr);
    let (original, copy): (Snapshot, Snapshot) = (team.snapshot("one"), team.snapshot("copy"));
    assert_eq!(copy, original);
    assert_eq!(team.mtime("copy/new"), 1_717_171_717_123_456_789);
    team.assert_quiet("copy");
    assert_eq!(team.server.metadata(BUCKET, "new").unwrap()["mtime"], "1717171717.123456789");
}

#[test]
fn the_folder_is_named_after_the_last_component_of_the_bucket() {
    let team = Team::without_copies(Profile::Aws);
    team.server.put(BUCKET, "docs/f", "f");
    ok(&team, "a", "clone s3://team/docs");
    assert_eq!(team.texts("a/docs"), files(&[("f", "f")]));
    ok(&team, "b", "clone team");
    assert_eq!(team.texts("b/team"), files(&[("docs/f", "f")]));
}

#[test]
fn a_clone_into_a_folder_with_files_overwrites_none() {
    let team = Team::without_copies(Profile::Aws);
    team.server.put(BUCKET, "f", "theirs");
    team.server.put(BUCKET, "g", "g");
    team.write("copy/f", "ours");
    let output = team.run(".", "clone team copy --json");
    output.assert_code(4);
    assert_eq!(events(&output, "conflict"), ["both-created f"]);
    assert_eq!(team.texts("copy"), files(&[("f", "ours"), ("g", "g")]));
    assert_eq!(team.bucket(), files(&[("f", "theirs"), ("g", "g")]));
}

#[test]
fn a_clone_of_nothing_leaves_nothing() {
    let team = Team::without_copies(Profile::Aws);
    assert_error(&team.run(".", "clone nosuch"), 1, &["nosuch"]);
    assert!(!team.exists("nosuch"));
}

#[test]
fn a_file_that_is_replaced_keeps_its_mode_and_a_new_one_gets_the_umasks() {
    let team = Team::sharing(&[("script", "first"), ("plain", "first")]);
    let mode = |path: &str| team.path(path).metadata().unwrap().mode() & 0o777;
    fs::set_permissions(team.path("two/script"), fs::Permissions::from_mode(0o750)).unwrap();
    for path in ["script", "plain", "fresh"] {
        team.write(format!("one/{path}"), "second");
    }
    team.ok("one", "sync");
    team.ok("two", "sync");
    assert_eq!(team.texts("two"), team.texts("one"));
    assert_eq!(mode("two/script"), 0o750);
    assert_eq!(mode("two/fresh"), mode("one/fresh"), "both were made under the same umask");
    team.assert_quiet("two");
}

#[test]
fn a_changed_mode_or_owner_alone_transfers_nothing() {
    let team = Team::sharing(&[("f", "f"), ("g", "g")]);
    fs::set_permissions(team.path("one/f"), fs::Permissions::from_mode(0o700)).unwrap();
    team.ok("one", "sync");
    assert_eq!(team.transfers(), Vec::<String>::new());
    team.assert_quiet("one");
}

#[test]
fn the_mtime_of_an_object_of_another_tool_is_when_the_store_got_it() {
    let team = Team::new();
    team.server.put(BUCKET, "plain", "no metadata");
    team.server.put_with(BUCKET, "odd", "nonsense", &[("mtime", "yesterday")]);
    team.server.put_with(BUCKET, "rclone", "as rclone", &[("mtime", "1234567890.5")]);
    team.ok("one", "pull");
    assert_eq!(team.mtime("one/rclone"), 1_234_567_890_500_000_000);
    for path in ["one/plain", "one/odd"] {
        assert_eq!(team.mtime(path) % 1_000_000_000, 0, "{path}: LastModified has whole seconds");
    }
    team.assert_quiet("one");
}

#[test]
fn a_clone_of_a_prefix_with_nothing_below_it_ends_with_1_and_leaves_nothing() {
    let team = Team::without_copies(Profile::Aws);
    team.server.put(BUCKET, "docs/f", "f");
    let nothing = team.run(".", "clone team/nosuch");
    assert_error(&nothing, 1, &["s3://team/nosuch holds no object", "s3://team", "--allow-empty"]);
    assert!(!team.exists("nosuch"));
    let object = team.run(".", "clone team/docs/f");
    assert_error(&object, 1, &["s3://team/docs/f is an object", "s3://team/docs"]);
    assert!(!team.exists("f"));
    assert_eq!(team.server.count("PutObject"), 0, "a wrong name is not probed");
    ok(&team, ".", "clone team/nosuch --allow-empty");
    assert!(team.exists("nosuch/.lsync/config.yaml"));
}

#[test]
fn a_clone_of_an_empty_folder_bucket_ends_with_1_too() {
    let team = Team::without_copies(Profile::Aws);
    fs::create_dir_all(team.path("bucket")).unwrap();
    assert_error(&team.run(".", "clone ./bucket copy"), 1, &["holds no object", "--allow-empty"]);
    assert!(!team.exists("copy"));
}

#[test]
fn a_clone_beside_its_folder_bucket_asks_for_a_path() {
    let team = Team::without_copies(Profile::Aws);
    fs::create_dir_all(team.path("bucket")).unwrap();
    let output = team.run(".", "clone ./bucket");
    assert_error(&output, 2, &["the bucket itself", "lsync clone ./bucket PATH"]);
}

#[test]
fn a_clone_onto_a_differing_file_points_at_the_conflict_and_at_no_rest() {
    let team = Team::without_copies(Profile::Aws);
    team.server.put(BUCKET, "f", "theirs");
    team.write("copy/f", "ours");
    let output = team.run(".", "clone team copy");
    output.assert_code(4);
    assert!(output.stderr.contains("`lsync -C copy resolve`"), "{}", output.stderr);
    assert!(!output.stderr.contains("the rest"), "{}", output.stderr);
}
