//! The bucket is not where it was: another server, another disk.

use std::fs;

use crate::support::{S3Server, Workspace};
use crate::team::{assert_error, files, ok, run};

/// A server with a bucket `team` that holds one object of its own.
fn server(key: &'static str) -> S3Server {
    let server = S3Server::start();
    server.create_bucket("team");
    server.put("team", key, key);
    server
}

#[test]
fn a_variable_that_names_another_server_does_not_move_the_bucket() {
    let (ours, theirs) = (server("of-ours"), server("of-theirs"));
    let mut workspace = Workspace::with_server(&ours);
    workspace.write("one/f", "one");
    ok(&workspace, "one", "init team .");
    ok(&workspace, "one", "sync");
    workspace.set_variable("AWS_ENDPOINT_URL", &theirs.endpoint());
    workspace.set_variable("AWS_ENDPOINT_URL_S3", &theirs.endpoint());
    assert!(ok(&workspace, "one", "sync").stdout.contains("up to date"));
    assert_eq!(workspace.texts("one"), files(&[("f", "one"), ("of-ours", "of-ours")]));
    assert_eq!(theirs.keys("team"), ["of-theirs"]);
}

#[test]
fn a_server_that_only_a_variable_names_is_refused_where_init_found_none() {
    let server = server("f");
    let workspace = Workspace::with_server(&server);
    ok(&workspace, "one", "init team .");
    ok(&workspace, "one", "sync");
    // As if it had been made for AWS itself.
    let config = workspace.text("one/.lsync/config.yaml");
    let without: Vec<_> = config.lines().filter(|line| !line.contains("endpoint:")).collect();
    workspace.write("one/.lsync/config.yaml", without.join("\n"));
    server.clear_log();
    assert_error(&run(&workspace, "one", "sync"), 1, &["AWS_ENDPOINT_URL"]);
    assert_eq!(workspace.texts("one"), files(&[("f", "f")]));
    assert!(server.log().is_empty());
}

#[test]
fn a_read_only_bucket_whose_disk_is_not_mounted_deletes_nothing() {
    let workspace = Workspace::new();
    workspace.write("bucket/f", "f");
    workspace.write("bucket/g", "g");
    let bucket = workspace.path("bucket");
    ok(&workspace, "one", &format!("init {} .", bucket.display()));
    ok(&workspace, "one", "sync");
    // As `init` leaves it where nothing may be written: known as read-only, without a folder of its own.
    let config = workspace.text("one/.lsync/config.yaml");
    assert!(config.contains("read_only: false"), "{config}");
    let config = config.replace("read_only: false", "read_only: true");
    workspace.write("one/.lsync/config.yaml", config);
    fs::remove_dir_all(workspace.path("bucket/.lsync")).unwrap();
    ok(&workspace, "one", "status");
    fs::rename(&bucket, workspace.path("unmounted")).unwrap();
    fs::create_dir(&bucket).unwrap();
    for line in ["sync", "pull f", "pull --mirror --yes"] {
        assert_error(&run(&workspace, "one", line), 1, &["mounted"]);
    }
    assert_eq!(workspace.texts("one"), files(&[("f", "f"), ("g", "g")]));
}
