//! Large files, and connections and stores that break.

use crate::support::{Fault, FaultRule, S3Server};
use crate::team::{BUCKET, Gate, Team, end_of, events, files};

/// 20 MiB that differ in every part.
fn large() -> Vec<u8> {
    (0..20_u32 << 18).flat_map(u32::to_le_bytes).collect()
}

/// A little more than goes up in one piece.
fn two_parts() -> Vec<u8> {
    (0..9_u32 << 18).flat_map(u32::to_le_bytes).collect()
}

/// Counts the answered requests for a key.
fn tries(server: &S3Server, operation: &str, key: &str) -> usize {
    let log = server.log().into_iter();
    log.filter(|request| request.operation == operation && request.key == key).count()
}

#[test]
fn twenty_mebibytes_go_up_in_parts_and_come_down_whole() {
    let team = Team::sharing(&[("small", "small")]);
    let bytes = large();
    team.write("one/large", &bytes);
    team.set_mtime("one/large", 1_600_000_000_987_654_321);
    team.ok("one", "sync");
    assert_eq!(team.server.get(BUCKET, "large").unwrap(), bytes);
    assert!(team.server.count("UploadPart") >= 3);
    assert_eq!(
        (team.server.count("CompleteMultipartUpload"), team.server.count("PutObject")),
        (1, 0)
    );
    assert_eq!(team.server.open_uploads(BUCKET), Vec::<String>::new());
    team.ok("two", "sync");
    assert!(team.read("two/large") == bytes, "the bytes differ");
    assert_eq!(team.mtime("two/large"), 1_600_000_000_987_654_321);
    team.assert_quiet("one");
    team.assert_quiet("two");
    // Touched, and not changed: compared by parts, not sent.
    team.set_mtime("one/large", 1_700_000_000_000_000_000);
    team.server.clear_log();
    team.ok("one", "sync");
    assert_eq!(team.transfers(), Vec::<String>::new());
}

#[test]
fn one_part_that_fails_once_is_sent_again_alone() {
    let team = Team::sharing(&[("small", "small")]);
    team.write("one/large", two_parts());
    let broken = Fault::DropConnectionBefore;
    team.server.fault(FaultRule::new("UploadPart", "large", broken).nth(2));
    team.ok("one", "sync");
    assert_eq!(team.server.get(BUCKET, "large").unwrap(), two_parts());
    assert_eq!(team.server.count("CreateMultipartUpload"), 1);
}

#[test]
fn an_upload_in_parts_that_cannot_be_finished_leaves_no_parts_behind() {
    let team = Team::sharing(&[("small", "small")]);
    team.write("one/large", two_parts());
    let refused = Fault::Status(400, "InvalidRequest");
    team.server.fault(FaultRule::new("UploadPart", "large", refused));
    team.run("one", "sync").assert_code(3);
    assert_eq!(team.server.open_uploads(BUCKET), Vec::<String>::new());
    assert_eq!(team.bucket(), files(&[("small", "small")]));
}

#[test]
fn a_large_file_that_changes_while_it_is_sent_is_never_stored_torn() {
    let team = Team::sharing(&[("small", "small")]);
    team.write("one/large", two_parts());
    let path = team.path("one/large");
    team.server.once_on_request("UploadPart", "large", move |_, _| {
        use std::io::{Seek as _, Write as _};
        let mut file = std::fs::File::options().write(true).open(&path).unwrap();
        file.seek(std::io::SeekFrom::End(-4)).unwrap();
        file.write_all(b"edit").unwrap();
    });
    let output = team.run("one", "sync");
    assert!(matches!(output.code, Some(0 | 3)), "{output:?}");
    if let Some(stored) = team.server.get(BUCKET, "large") {
        assert!(stored == team.read("one/large"), "torn");
    }
    team.ok("one", "sync");
    assert!(team.server.get(BUCKET, "large").unwrap() == team.read("one/large"));
}

#[test]
fn a_503_once_is_not_noticed() {
    let team = Team::sharing(&[("f", "base"), ("g", "base")]);
    team.server.put(BUCKET, "g", "theirs");
    team.write("one/f", "edited");
    for operation in ["ListObjectsV2", "PutObject", "GetObject"] {
        let broken = Fault::Status(503, "SlowDown");
        team.server.fault(FaultRule::new(operation, "*", broken).first(1));
    }
    team.server.clear_log();
    team.ok("one", "sync");
    assert_eq!(team.bucket(), files(&[("f", "edited"), ("g", "theirs")]));
    assert_eq!(team.texts("one"), team.bucket());
    assert_eq!(tries(&team.server, "PutObject", "f"), 2);
}

#[test]
fn a_put_that_was_stored_before_the_connection_broke_is_recognised_as_ours() {
    for fault in [Fault::DropConnectionAfterEffect, Fault::StatusAfterEffect(500, "InternalError")]
    {
        let team = Team::sharing(&[("f", "base"), ("g", "base")]);
        team.write("one/f", "edited");
        team.write("one/new", "new");
        team.remove("one/g");
        for operation in ["PutObject", "DeleteObject"] {
            team.server.fault(FaultRule::new(operation, "*", fault.clone()).first(2));
        }
        team.ok("one", "sync");
        assert_eq!(team.bucket(), files(&[("f", "edited"), ("new", "new")]), "{fault:?}");
        team.server.clear_faults();
        team.assert_quiet("one");
    }
}

#[test]
fn a_put_that_lost_to_a_teammate_is_not_taken_for_ours() {
    let team = Team::sharing(&[("f", "base"), ("g", "base")]);
    team.write("one/f", "ours");
    team.server.once_on_request("PutObject", "f", |tool, _| {
        tool.put(BUCKET, "f", "a teammate's");
    });
    team.server.fault(FaultRule::new("PutObject", "f", Fault::DropConnectionAfterEffect).first(1));
    let output = team.run("one", "sync");
    assert!(matches!(output.code, Some(3 | 4)), "{output:?}");
    assert_eq!(team.bucket()["f"], "a teammate's");
    assert_eq!(team.text("one/f"), "ours");
    team.run("one", "sync").assert_code(4);
}

#[test]
fn bodies_that_arrive_cut_or_bent_never_get_a_name() {
    let team = Team::sharing(&[("bent", "before"), ("cut", "before"), ("short", "before")]);
    let before = team.texts("one");
    for (key, fault) in
        [("bent", Fault::FlippedByte), ("cut", Fault::DropMidBody), ("short", Fault::ShortBody)]
    {
        team.server.put(BUCKET, key, "and after");
        team.server.fault(FaultRule::new("GetObject", key, fault));
    }
    let output = team.run("one", "sync --json");
    output.assert_code(3);
    assert_eq!(events(&output, "failed"), ["download bent", "download cut", "download short"]);
    assert_eq!(team.texts("one"), before);
    team.server.clear_faults();
    team.ok("one", "sync");
    assert_eq!(team.texts("one"), team.bucket());
}

#[test]
fn a_file_edited_while_its_new_version_is_fetched_is_not_overwritten() {
    let team = Team::sharing(&[("f", "base"), ("g", "g")]);
    team.server.put(BUCKET, "f", "theirs");
    let gate = Gate::at(&team.server, "GetObject", "f");
    let child = team.start("one", "sync");
    gate.wait();
    team.write("one/f", "edited meanwhile");
    drop(gate);
    end_of(child).assert_code(3);
    assert_eq!(team.text("one/f"), "edited meanwhile");
    assert_eq!(team.bucket()["f"], "theirs");
    team.server.clear_hooks();
    team.run("one", "sync").assert_code(4);
}

#[test]
fn an_object_that_moves_while_it_is_fetched_is_fetched_by_the_next_run() {
    let team = Team::sharing(&[("f", "base"), ("g", "g")]);
    team.server.put(BUCKET, "f", "second");
    team.server.once_on_request("GetObject", "f", |tool, _| {
        tool.put(BUCKET, "f", "third");
    });
    let output = team.run("one", "sync");
    assert!(matches!(output.code, Some(0 | 3)), "{output:?}");
    assert_ne!(team.text("one/f"), "second");
    team.ok("one", "sync");
    assert_eq!(team.text("one/f"), "third");
}

#[test]
fn two_people_who_push_the_same_file_at_once_end_with_one_conflict() {
    let team = Team::sharing(&[("f", "base"), ("g", "g")]);
    team.write("one/f", "from one");
    team.write("two/f", "from two");
    // Both have listed before either has written.
    let gate = Gate::at(&team.server, "PutObject", "f");
    let children = ["one", "two"].map(|copy| team.start(copy, "push"));
    gate.wait();
    gate.wait();
    drop(gate);
    let mut codes = children.map(|child| end_of(child).code.unwrap());
    codes.sort_unstable();
    assert_eq!(codes[0], 0);
    assert!(matches!(codes[1], 3 | 4), "{codes:?}");
    let winner = &team.bucket()["f"];
    assert!(["from one", "from two"].contains(&winner.as_str()));
    assert_eq!([team.text("one/f"), team.text("two/f")], ["from one", "from two"]);
    team.server.clear_hooks();
    let mut codes = ["one", "two"].map(|copy| team.run(copy, "sync").code.unwrap());
    codes.sort_unstable();
    assert_eq!(codes, [0, 4]);
}

#[test]
fn nothing_is_created_that_rules_may_ignore_which_did_not_arrive() {
    let team = Team::sharing(&[("f", "f"), ("docs/g", "g")]);
    team.server.put(BUCKET, "docs/.lsyncignore", "*.secret\n");
    for path in ["docs/my.secret", "docs/new", "docs.secret", "f"] {
        team.write(format!("one/{path}"), "ours");
    }
    let gone = Fault::Status(404, "NoSuchKey");
    team.server.fault(FaultRule::new("GetObject", "docs/.lsyncignore", gone));
    let output = team.run("one", "sync --json");
    output.assert_code(3);
    let failed = ["download docs/.lsyncignore", "upload docs/my.secret", "upload docs/new"];
    assert_eq!(events(&output, "failed"), failed);
    let there = ["docs.secret", "docs/.lsyncignore", "docs/g", "f"];
    assert_eq!(team.server.keys(BUCKET), there);
    assert_eq!(team.bucket()["f"], "ours", "what is no creation goes");
    team.server.clear_faults();
    team.ok("one", "sync");
    assert!(team.bucket().contains_key("docs/new"));
    assert!(!team.bucket().contains_key("docs/my.secret"));
}

#[test]
fn a_time_that_cannot_be_stored_is_said_and_never_becomes_another_one() {
    let team = Team::sharing(&[("f", "f")]);
    for path in ["one/far", "one/near"] {
        team.write(path, "text");
    }
    let (in_2300, in_2200) = (10_413_792_000_000_000_000, 7_258_118_400_000_000_000);
    team.set_mtime("one/far", in_2300);
    team.set_mtime("one/near", in_2200);
    let output = team.run("one", "sync");
    output.assert_code(3);
    let parts = ["far", "the time of its last change is too far off", "2262-04-11"];
    for part in parts {
        assert!(output.stderr.contains(part), "{part}: {}", output.stderr);
    }
    assert!(!output.stderr.contains("same command again"), "{}", output.stderr);
    assert!(!team.bucket().contains_key("far"));
    for line in ["status", "sync --dry-run", "push --dry-run"] {
        let output = team.run("one", line);
        output.assert_code(3);
        let text = output.stdout + &output.stderr;
        for part in parts {
            assert!(text.contains(part), "{line}, {part}: {text}");
        }
        assert!(!text.contains("upload") && !text.contains("does this"), "{line}: {text}");
    }
    team.ok("two", "sync");
    assert_eq!(team.mtime("two/near"), i64::try_from(in_2200).unwrap());
    team.set_mtime("one/far", 1_700_000_000_000_000_000);
    team.ok("one", "sync");
    // Of another tool: as good as none.
    team.server.put_with(BUCKET, "odd", "text", &[("mtime", "10413792000")]);
    team.ok("two", "sync");
    assert_eq!(team.mtime("two/far"), 1_700_000_000_000_000_000);
    assert!(team.mtime("two/odd") < i64::try_from(in_2200).unwrap());
}
