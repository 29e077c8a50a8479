//! What a store refuses in the same way each time is told as its answer, and never as a change of
//! somebody else's; what somebody did change still is.

use crate::support::{Fault, FaultRule};
use crate::team::{BUCKET, Team, files};

/// What fails, and by which answer.
struct Case {
    operation: &'static str,
    key: &'static str,
    fault: Fault,
    /// What the line of the path says.
    told: &'static str,
}

fn case(
    operation: &'static str,
    key: &'static str,
    (status, code): (u16, &'static str),
    told: &'static str,
) -> Case {
    Case { operation, key, fault: Fault::Status(status, code), told }
}

/// A little more than travels in one piece.
fn two_parts(first: u32) -> Vec<u8> {
    (first..first + (9 << 18)).flat_map(u32::to_le_bytes).collect()
}

/// One small path for each way in which something travels, all of them with something to do, and a
/// large one where it is asked for.
fn busy_team(key: &str) -> Team {
    let team = Team::sharing(&[("edited", "base"), ("deleted", "base"), ("theirs", "base")]);
    team.write("one/edited", "ours");
    team.write("one/new", "new");
    team.remove("one/deleted");
    team.server.put(BUCKET, "theirs", "their edit");
    match key {
        "large" => team.write("one/large", two_parts(0)),
        "huge" => drop(team.server.put(BUCKET, "huge", two_parts(1))),
        _ => (),
    }
    team
}

const CHANGED: (u16, &str) = (412, "PreconditionFailed");
const MISSING: (u16, &str) = (404, "NoSuchKey");

#[test]
fn what_is_refused_twice_in_the_same_way_is_told_as_the_answer_of_the_store() {
    let unchanged = "but the bucket has not changed";
    let nameless = "the store does not take this name (NoSuchKey";
    for Case { operation, key, fault, told } in [
        case("PutObject", "edited", CHANGED, unchanged),
        case("PutObject", "edited", MISSING, unchanged),
        case("PutObject", "new", CHANGED, unchanged),
        case("PutObject", "new", MISSING, nameless),
        case("DeleteObject", "deleted", CHANGED, unchanged),
        case("DeleteObject", "deleted", MISSING, unchanged),
        case("GetObject", "theirs", CHANGED, unchanged),
        case("GetObject", "theirs", MISSING, unchanged),
        case("GetObject", "theirs", (416, "InvalidRange"), unchanged),
        case("GetObject", "huge", MISSING, unchanged),
        case("HeadObject", "huge", MISSING, unchanged),
        case("CreateMultipartUpload", "large", MISSING, "CREATE UPLOAD"),
        case("UploadPart", "large", (404, "NoSuchUpload"), "begun 3 times (NoSuchUpload"),
        case("CompleteMultipartUpload", "large", CHANGED, unchanged),
        case("CompleteMultipartUpload", "large", MISSING, nameless),
    ] {
        let team = busy_team(key);
        team.server.fault(FaultRule::new(operation, key, fault.clone()));
        for _ in 0..2 {
            let output = team.run("one", "sync");
            let text = &output.stderr;
            assert_eq!(output.code, Some(3), "{operation} {key} {fault:?}: {text}");
            let line = text.lines().find(|line| line.starts_with("failed")).unwrap_or_default();
            assert!(line.contains(key) && line.contains(told), "{operation} {fault:?}: {text}");
            assert!(!text.contains("meanwhile"), "{operation} {fault:?}: {text}");
            assert!(!text.contains("same command again"), "{operation} {fault:?}: {text}");
        }
        team.server.clear_faults();
        team.ok("one", "sync");
        assert_eq!(team.text("one/theirs"), "their edit");
        let small = ["edited", "new", "theirs"].map(|key| team.server.get(BUCKET, key));
        assert_eq!(small, ["ours", "new", "their edit"].map(|text| Some(text.into())));
        assert_eq!(team.server.get(BUCKET, "deleted"), None, "{operation} {fault:?}");
        match key {
            "large" => assert!(team.server.get(BUCKET, key).unwrap() == two_parts(0), "{fault:?}"),
            "huge" => assert!(team.read("one/huge") == two_parts(1), "{fault:?}"),
            _ => (),
        }
    }
}

#[test]
fn a_refusal_that_passes_is_not_told_at_all() {
    for (operation, key) in
        [("PutObject", "new"), ("DeleteObject", "deleted"), ("GetObject", "theirs")]
    {
        let team = busy_team(key);
        let (status, code) = CHANGED;
        team.server.fault(FaultRule::new(operation, key, Fault::Status(status, code)).first(1));
        team.ok("one", "sync");
    }
}

#[test]
fn many_deletions_that_are_said_to_be_made_are_believed_once_they_are_seen() {
    let team = Team::sharing(&[("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")]);
    for path in ["a", "b", "c"] {
        team.remove(format!("one/{path}"));
    }
    // A store that finds none of the keys by name, alone or among many.
    team.server.fault(FaultRule::new("DeleteObject*", "*", Fault::Status(404, "NoSuchKey")));
    for _ in 0..2 {
        let output = team.run("one", "sync --max-delete 100%");
        output.assert_code(3);
        assert_eq!(output.stderr.matches("but the bucket has not changed").count(), 3);
        assert_eq!(team.texts("one"), files(&[("d", "d")]), "what was deleted does not come back");
    }
    team.server.clear_faults();
    team.ok("one", "sync --max-delete 100%");
    assert_eq!(team.bucket(), files(&[("d", "d")]));
}

#[test]
fn what_somebody_did_change_meanwhile_is_still_told_as_that() {
    for operation in ["PutObject", "GetObject", "DeleteObject"] {
        let team = Team::sharing(&[("f", "base"), ("g", "g"), ("h", "h")]);
        match operation {
            "PutObject" => team.write("one/f", "ours"),
            "DeleteObject" => team.remove("one/f"),
            _ => drop(team.server.put(BUCKET, "f", "theirs")),
        }
        team.server.on_request(operation, "f", |tool, _| drop(tool.put(BUCKET, "f", "the last")));
        let output = team.run("one", "sync");
        output.assert_code(3);
        let told =
            "changed meanwhile: it was changed in the bucket\nhint: run the same command again";
        assert!(output.stderr.contains(told), "{}", output.stderr);
        assert_eq!(team.bucket()["f"], "the last");
    }
}

#[test]
fn a_name_that_the_store_never_takes_is_no_rest_that_the_same_command_does() {
    let team = Team::sharing(&[("f", "f"), ("g", "g")]);
    team.write("one/odd", "new");
    team.write("one/late", "new");
    team.server.fault(FaultRule::new("PutObject", "odd", Fault::Status(404, "NoSuchKey")));
    team.server.fault(FaultRule::new("PutObject", "late", Fault::Status(500, "InternalError")));
    let output = team.run("one", "sync");
    output.assert_code(3);
    assert!(output.stderr.contains("hint: rename it, or name it in .lsyncignore\n"));
    let hint =
        "hint: the same command again does the rest, except for what will fail in the same way\n";
    assert!(output.stderr.contains(hint), "{}", output.stderr);
    team.remove("one/late");
    let output = team.run("one", "sync");
    output.assert_code(3);
    assert!(!output.stderr.contains("does the rest"), "{}", output.stderr);
    team.write("one/.lsyncignore", "odd\n");
    team.ok("one", "sync");
}

#[test]
fn what_the_credentials_do_not_allow_is_no_rest_that_the_same_command_does() {
    let team = Team::sharing(&[("f", "f"), ("g", "g")]);
    team.write("one/shut", "new");
    team.server.put(BUCKET, "theirs", "new");
    let denied = Fault::Status(403, "AccessDenied");
    team.server.fault(FaultRule::new("PutObject", "shut", denied.clone()));
    team.server.fault(FaultRule::new("GetObject", "theirs", denied));
    let output = team.run("one", "sync");
    output.assert_code(3);
    assert!(output.stdout.contains("2 failed"), "{}", output.stdout);
    assert!(!output.stderr.contains("same command again"), "{}", output.stderr);
}

#[test]
fn an_archived_object_is_no_rest_that_the_same_command_fetches() {
    let team = Team::sharing(&[("f", "f")]);
    team.server.put(BUCKET, "old", "archived");
    let archived = Fault::Status(403, "InvalidObjectState");
    team.server.fault(FaultRule::new("GetObject", "old", archived));
    let output = team.run("one", "pull");
    output.assert_code(3);
    let hint = "hint: restore the object from the archive first";
    assert!(output.stderr.contains(hint), "{}", output.stderr);
    assert!(!output.stderr.contains("same command again"), "{}", output.stderr);
}

#[test]
fn the_whole_answer_of_the_store_is_told_to_who_asks_for_it() {
    let team = Team::sharing(&[("f", "f"), ("g", "g")]);
    team.write("one/f", "edited");
    let (status, code) = CHANGED;
    team.server.fault(FaultRule::new("PutObject", "f", Fault::Status(status, code)));
    let answer = "PUT answered with HTTP 412, PreconditionFailed, request id ";
    let output = team.run("one", "sync");
    assert!(!output.stderr.contains("request id"), "{}", output.stderr);
    let output = team.run("one", "sync --verbose");
    output.assert_code(3);
    assert_eq!(output.stderr.matches(&format!("caused by: {answer}")).count(), 1, "{output:?}");
    team.server.clear_faults();
    team.server.fault(FaultRule::new("ListObjectsV2", "*", Fault::Status(403, "AccessDenied")));
    let answer = "caused by: LIST answered with HTTP 403, AccessDenied, request id ";
    assert!(team.run("one", "sync --verbose").stderr.contains(answer));
    assert!(!team.run("one", "sync").stderr.contains(answer));
}
