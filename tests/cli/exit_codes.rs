//! Each exit code once, and which of several counts. 130 is in `interrupted.rs`.

use std::os::unix::fs::symlink;

use tokio::net::TcpSocket;

use crate::support::{Fault, FaultRule, Profile, Workspace};
use crate::team::{BUCKET, Gate, Team, assert_error, end_of, run, signal};

#[test]
fn done_is_0() {
    let team = Team::sharing(&[("f", "f")]);
    team.ok("one", "sync");
    team.ok("one", "--version");
    team.ok("one", "--help");
}

#[test]
fn an_unknown_bucket_is_1() {
    let team = Team::without_copies(Profile::Aws);
    assert_error(&team.run("one", "init nosuch ."), 1, &["nosuch", "--create-bucket"]);
    assert!(!team.exists("one/.lsync"), "nothing is left behind");
}

#[test]
fn wrong_usage_is_2() {
    let team = Team::sharing(&[("f", "f")]);
    team.run("one", "sync --nonsense").assert_code(2);
}

#[test]
fn a_path_that_fails_is_3() {
    let team = Team::sharing(&[("f", "f"), ("g", "g")]);
    team.write("one/f", "edited");
    team.server.fault(FaultRule::new("PutObject", "f", Fault::Status(403, "AccessDenied")));
    let output = team.run("one", "sync");
    output.assert_code(3);
    assert!(output.stderr.contains("failed"), "{}", output.stderr);
}

#[test]
fn a_bucket_that_refuses_every_write_is_12_and_is_said_to_be_readable_alone() {
    let team = Team::sharing(&[("f", "f"), ("g", "g")]);
    for path in ["f", "new", "newer"] {
        team.write(format!("one/{path}"), "ours");
    }
    team.server.fault(FaultRule::new("PutObject", "*", Fault::Status(403, "AccessDenied")));
    let told = "you may read this bucket and not write to it";
    for command in ["sync", "push"] {
        let output = team.run("one", command);
        assert_error(&output, 12, &[told, "permission to write"]);
        assert_eq!(output.stderr.matches(told).count(), 1, "{}", output.stderr);
        assert!(!output.stderr.contains("does the rest"), "{}", output.stderr);
    }
    team.server.clear_faults();
    team.server.fault(FaultRule::new("PutObject", "new*", Fault::Status(403, "AccessDenied")));
    let output = team.run("one", "sync");
    output.assert_code(3);
    assert!(!output.stderr.contains(told), "one got through: {}", output.stderr);
}

#[test]
fn an_open_conflict_is_4_also_beside_a_failure() {
    let team = Team::sharing(&[("f", "f"), ("g", "g")]);
    team.server.put(BUCKET, "f", "theirs");
    team.write("one/f", "ours");
    team.write("one/g", "ours");
    team.server.fault(FaultRule::new("PutObject", "g", Fault::Status(400, "InvalidRequest")));
    team.run("one", "sync").assert_code(4);
    team.run("one", "status").assert_code(4);
}

#[test]
fn a_safety_stop_is_5() {
    let team = Team::sharing(&[("f", "f"), ("g", "g")]);
    team.remove("one/f");
    team.remove("one/g");
    assert_error(&team.run("one", "sync"), 5, &["--max-delete"]);
    assert_eq!(team.bucket().len(), 2);
}

#[test]
fn no_repository_is_10() {
    let workspace = Workspace::new();
    for command in ["sync", "status", "push", "pull", "resolve", "trash list"] {
        assert_error(&run(&workspace, "nowhere", command), 10, &["lsync init"]);
    }
}

#[test]
fn b15_locked_by_another_lsync_is_11_at_once_and_status_needs_no_lock() {
    let team = Team::sharing(&[("f", "f")]);
    team.write("one/f", "edited");
    let gate = Gate::at(&team.server, "PutObject", "f");
    let first = team.start("one", "sync");
    gate.wait();
    let pid = first.id().to_string();
    for command in ["sync", "push", "pull", "init team .", "trash restore f"] {
        assert_error(&team.run("one", command), 11, &[&pid]);
    }
    let status = team.ok("one", "status");
    assert!(status.stderr.contains(&pid), "{}", status.stderr);
    signal(&first, "KILL");
    assert_eq!(end_of(first).code, None);
    drop(gate);
    team.server.clear_hooks();
    team.ok("one", "sync");
    assert_eq!(team.bucket()["f"], "edited");
}

#[test]
fn refused_credentials_are_12_and_so_are_none() {
    let mut team = Team::sharing(&[("f", "f")]);
    team.set_variable("AWS_SECRET_ACCESS_KEY", "wrong");
    assert_error(&team.run("one", "sync"), 12, &[]);
    assert_error(&team.run("three", "init team ."), 12, &[]);
    team.set_variable("AWS_ACCESS_KEY_ID", "");
    team.set_variable("AWS_SECRET_ACCESS_KEY", "");
    let output = team.run("one", "sync");
    assert_error(&output, 12, &["error: no credentials found, s3://team", "AWS_PROFILE"]);
    assert!(output.stderr.contains("\ncaused by: "), "{}", output.stderr);
    assert!(!team.exists("three/.lsync"));
}

#[test]
fn a_store_that_cannot_be_reached_is_13() {
    let mut team = Team::sharing(&[("f", "f")]);
    // Bound and not listening: refused, and no server of another test can get the port.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let gone = format!("http://{address}");
    let config = team.text("one/.lsync/config.yaml").replace(&team.server.endpoint(), &gone);
    team.write("one/.lsync/config.yaml", config);
    team.set_variable("AWS_ENDPOINT_URL", &gone);
    team.write("one/f", "edited");
    let control = team.control("one");
    assert_error(&team.run("one", "sync"), 13, &[&address.to_string()]);
    assert_error(&team.run("three", "init team ."), 13, &[&address.to_string()]);
    assert_eq!(team.control("one"), control);
}

#[test]
fn what_makes_the_exit_code_is_told_under_quiet_too() {
    let team = Team::sharing(&[("f", "f"), ("g", "g"), ("h", "h")]);
    team.remove("one/f");
    symlink("g", team.path("one/f")).unwrap();
    team.write("one/.lsyncignore", "h\n");
    symlink("nowhere", team.path("one/lone")).unwrap();
    let (tracked, forgotten) = ("skipped  f  ", "skipped  h  no longer synced");
    for (line, told) in [
        ("status -q", vec![tracked, forgotten]),
        ("sync -n -q", vec![tracked, forgotten]),
        ("push -q", vec![tracked, forgotten]),
        // Once it is forgotten there is nothing more to say of it.
        ("pull -q", vec![tracked]),
        ("sync -q", vec![tracked]),
    ] {
        let output = team.run("one", line);
        output.assert_code(3);
        for told in told {
            assert!(output.stderr.contains(told), "{line}: no {told:?} in {}", output.stderr);
        }
        assert!(!output.stderr.contains("lone"), "{line}: a link alone is no failure");
    }
    let team = Team::sharing(&[("f", "f")]);
    team.write("one/a", "a");
    team.write("one/b", "b");
    let output = team.run("one", "sync -q --limit 1");
    output.assert_code(3);
    assert!(output.stderr.contains("1 left for the next run"), "{}", output.stderr);
    assert_eq!(team.ok("one", "sync -q").stderr, "");
}
