//! Answers that got lost, conflicts at the store, errors inside of 200, and versions that change
//! between two reads.

use crate::support::{Change, Fault, FaultRule, Profile};
use crate::team::{BUCKET, Team, files};

/// Stores on which writes are told apart by different means.
const STORES: [Profile; 4] = [Profile::Aws, Profile::Ceph, Profile::Garage, Profile::RandomEtags];

/// A little more than goes up in one piece.
fn two_parts() -> Vec<u8> {
    (0..9_u32 << 18).flat_map(u32::to_le_bytes).collect()
}

/// The ways in which an answer to a request gets lost that took effect.
fn lost() -> [Fault; 3] {
    [
        Fault::DropConnectionAfterEffect,
        Fault::StatusAfterEffect(500, "InternalError"),
        Fault::StatusAfterEffect(503, "ServiceUnavailable"),
    ]
}

/// Returns what took effect on a key behind the first `after` changes of the bucket.
fn changes(team: &Team, key: &str, after: usize) -> Vec<Change> {
    let history = team.server.history(BUCKET).into_iter().skip(after);
    history.filter(|change| change.key == key).collect()
}

/// Returns how much happened so far.
fn now(team: &Team) -> usize {
    team.server.history(BUCKET).len()
}

#[test]
fn a_write_whose_answer_got_lost_is_recognised_as_ours() {
    for profile in STORES {
        let team = Team::sharing_on(profile, &[("f", "base"), ("g", "g"), ("h", "h")]);
        for (number, fault) in lost().into_iter().enumerate() {
            let before = now(&team);
            let (new, large) = (format!("new{number}"), format!("large{number}"));
            team.write("one/f", format!("edited {number}"));
            team.write(format!("one/{new}"), &new);
            team.write(format!("one/{large}"), two_parts());
            for operation in ["PutObject", "CompleteMultipartUpload"] {
                for key in ["f", &new, &large] {
                    team.server.fault(FaultRule::new(operation, key, fault.clone()).nth(1));
                }
            }
            team.ok("one", "sync");
            team.server.clear_faults();
            assert_eq!(team.texts("one"), team.bucket(), "{profile:?} {fault:?}");
            for key in ["f", &new, &large] {
                let count = changes(&team, key, before).len();
                assert_eq!(count, 1, "{profile:?} {fault:?}: {key} went up again");
            }
            assert_eq!(team.server.open_uploads(BUCKET), Vec::<String>::new(), "{profile:?}");
            let before = now(&team);
            team.ok("one", "sync");
            assert_eq!(now(&team), before, "{profile:?} {fault:?}");
        }
        assert_eq!(team.server.count("CreateMultipartUpload"), 3, "{profile:?}");
    }
}

#[test]
fn a_deletion_whose_answer_got_lost_is_recognised_as_ours() {
    for profile in STORES {
        let paths = ["a", "b", "c"];
        let team = Team::sharing_on(profile, &paths.map(|path| (path, path)));
        for (fault, path) in lost().into_iter().zip(paths) {
            team.remove(format!("one/{path}"));
            team.server.fault(FaultRule::new("DeleteObject", path, fault).nth(1));
            team.ok("one", "sync --max-delete 100%");
            assert!(!team.bucket().contains_key(path), "{profile:?}");
        }
        team.ok("two", "sync --max-delete 100%");
        assert_eq!(team.texts("two"), team.bucket(), "{profile:?}");
    }
}

#[test]
fn a_write_is_made_again_while_the_store_is_busy_with_its_key() {
    for code in ["ConditionalRequestConflict", "OperationAborted"] {
        let team = Team::sharing(&[("f", "base"), ("g", "g"), ("h", "h")]);
        team.write("one/f", "edited");
        team.write("one/new", "new");
        team.remove("one/g");
        for (operation, key) in [("PutObject", "f"), ("PutObject", "new"), ("DeleteObject", "g")] {
            team.server.fault(FaultRule::new(operation, key, Fault::Status(409, code)).first(2));
        }
        team.ok("one", "sync");
        assert_eq!(team.bucket(), files(&[("f", "edited"), ("h", "h"), ("new", "new")]));
        assert_eq!(team.server.count("PutObject"), 6);
    }
}

#[test]
fn an_upload_in_parts_begins_anew_when_its_key_is_busy() {
    let team = Team::sharing(&[("small", "small")]);
    team.write("one/large", two_parts());
    let busy = Fault::Status(409, "ConditionalRequestConflict");
    team.server.fault(FaultRule::new("CompleteMultipartUpload", "large", busy).first(2));
    team.ok("one", "sync");
    assert_eq!(team.server.get(BUCKET, "large").unwrap(), two_parts());
    // S3 user guide, "Conditional writes": after 409 the upload has to be begun again.
    assert_eq!(team.server.count("CreateMultipartUpload"), 3);
    assert_eq!(team.server.count("AbortMultipartUpload"), 2);
    assert_eq!(team.server.open_uploads(BUCKET), Vec::<String>::new());
    team.ok("two", "sync");
    assert!(team.read("two/large") == two_parts(), "the bytes differ");
}

#[test]
fn busy_after_a_lost_answer_is_looked_at_and_then_tried_again() {
    for first in [Fault::DropConnectionBefore, Fault::DropConnectionAfterEffect] {
        let team = Team::sharing(&[("f", "base")]);
        let before = now(&team);
        team.write("one/f", "edited");
        let busy = Fault::Status(409, "ConditionalRequestConflict");
        team.server.fault(FaultRule::new("PutObject", "f", first).nth(1));
        team.server.fault(FaultRule::new("PutObject", "f", busy).nth(2));
        team.ok("one", "sync");
        assert_eq!(team.bucket()["f"], "edited");
        assert_eq!(changes(&team, "f", before).len(), 1);
    }
}

#[test]
fn a_teammate_who_writes_after_a_lost_answer_is_not_taken_for_us() {
    let team = Team::sharing(&[("f", "base")]);
    team.write("one/f", "edited");
    team.server.fault(FaultRule::new("PutObject", "f", Fault::DropConnectionBefore).nth(1));
    team.server.once_on_request("PutObject", "f", |teammate, _| {
        teammate.put(BUCKET, "f", "a teammate's");
    });
    let output = team.run("one", "sync");
    output.assert_code(3);
    assert!(output.stderr.contains("changed meanwhile"), "{output:?}");
    assert_eq!(
        (team.text("one/f"), team.bucket()["f"].as_str()),
        ("edited".into(), "a teammate's")
    );
    team.run("one", "sync").assert_code(4);
}

#[test]
fn a_file_that_a_teammate_deletes_before_our_write_is_not_brought_back() {
    let small = STORES.map(|profile| (profile, b"edited".to_vec()));
    for (profile, bytes) in small.into_iter().chain([(Profile::Aws, two_parts())]) {
        let team = Team::sharing_on(profile, &[("f", "base"), ("g", "g")]);
        let large = bytes.len() > 100;
        team.write("one/f", &bytes);
        let operation = if large { "UploadPart" } else { "PutObject" };
        let conditions = !matches!(profile, Profile::Garage);
        if conditions {
            team.server.once_on_request(operation, "f", |tool, _| tool.delete(BUCKET, "f"));
        } else {
            // There the look before the write is all that there is.
            team.server.once_on_request("HeadObject", "f", |tool, _| tool.delete(BUCKET, "f"));
        }
        team.run("one", "sync").assert_code(3);
        assert_eq!(team.bucket(), files(&[("g", "g")]), "{profile:?}");
        assert!(team.read("one/f") == bytes, "{profile:?}");
        assert_eq!(team.server.open_uploads(BUCKET), Vec::<String>::new(), "{profile:?}");
        team.run("one", "sync").assert_code(4);
    }
}

#[test]
fn an_answer_of_200_that_is_no_answer_is_no_stored_file() {
    let faults = [
        Fault::ErrorInside200("InternalError"),
        Fault::ErrorInside200("SlowDown"),
        // What a proxy or the page of a network that wants a password says.
        Fault::Nonsense,
    ];
    for profile in STORES {
        let team = Team::sharing_on(profile, &[("f", "base")]);
        for (number, fault) in faults.iter().enumerate() {
            team.write("one/f", format!("edited {number}"));
            team.write(format!("one/new{number}"), "new");
            team.write("one/large", two_parts().split_off(number));
            for operation in ["PutObject", "CompleteMultipartUpload"] {
                for key in ["f", "new*", "large"] {
                    team.server.fault(FaultRule::new(operation, key, fault.clone()).nth(1));
                }
            }
            team.ok("one", "sync");
            team.server.clear_faults();
            assert_eq!(team.texts("one"), team.bucket(), "{profile:?} {fault:?}");
        }
        team.ok("two", "sync");
        assert_eq!(team.texts("two"), team.bucket(), "{profile:?}");
    }
}

#[test]
fn two_versions_never_mix_in_one_download() {
    let (old, new) = ("old ".repeat(50_000), "new ".repeat(50_000));
    for profile in [Profile::Aws, Profile::Ceph, Profile::Garage, Profile::UnconditionalGet] {
        let team = Team::sharing_on(profile, &[("f", "base"), ("g", "g")]);
        team.server.put(BUCKET, "f", old.clone());
        team.server.fault(FaultRule::new("GetObject", "f", Fault::DropMidBody).nth(1));
        let body = new.clone();
        let reads = std::sync::atomic::AtomicUsize::new(0);
        team.server.on_request("GetObject", "f", move |tool, _| {
            // Between the first read, which breaks off, and the second one.
            if reads.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 1 {
                tool.put(BUCKET, "f", body.clone());
            }
        });
        let output = team.run("one", "sync");
        output.assert_code(3);
        assert!(output.stderr.contains("changed meanwhile"), "{profile:?}: {output:?}");
        assert_eq!(team.text("one/f"), "base", "{profile:?}");
        team.ok("one", "sync");
        assert!(team.text("one/f") == new, "{profile:?}");
        assert!(team.path("one/.lsync/tmp").read_dir().unwrap().next().is_none(), "{profile:?}");
    }
}

#[test]
fn a_body_that_breaks_off_is_fetched_again_from_its_beginning() {
    let text = "text ".repeat(50_000);
    let team = Team::sharing(&[("f", "base"), ("g", "g")]);
    team.server.put(BUCKET, "f", text.clone());
    team.server.put(BUCKET, "g", "edited");
    team.server.fault(FaultRule::new("GetObject", "f", Fault::DropMidBody).first(2));
    team.ok("one", "sync");
    assert!(team.text("one/f") == text);
    assert_eq!(team.requests().iter().filter(|it| *it == "GetObject f").count(), 3);
}

#[test]
fn an_archived_object_is_named_and_asked_for_once() {
    let team = Team::sharing(&[("f", "base"), ("g", "g")]);
    team.server.put(BUCKET, "f", "archived since");
    team.server.put(BUCKET, "g", "edited");
    team.server.fault(FaultRule::new("GetObject", "f", Fault::Status(403, "InvalidObjectState")));
    let output = team.run("one", "sync");
    output.assert_code(3);
    assert!(output.stderr.contains("InvalidObjectState"), "{}", output.stderr);
    assert_eq!(team.texts("one"), files(&[("f", "base"), ("g", "edited")]));
    assert_eq!(team.requests().iter().filter(|it| *it == "GetObject f").count(), 1);
}

#[test]
fn a_delete_marker_is_a_deletion_and_a_file_can_be_made_again_over_it() {
    let team = Team::sharing_on(Profile::Versioned, &[("f", "base"), ("g", "g"), ("h", "h")]);
    team.server.delete(BUCKET, "f");
    team.ok("one", "sync");
    assert!(!team.exists("one/f"));
    team.write("one/f", "made again");
    team.ok("one", "sync");
    team.ok("two", "sync");
    assert_eq!(team.text("two/f"), "made again");
    team.server.delete(BUCKET, "f");
    team.write("two/f", "edited");
    team.run("two", "sync").assert_code(4);
    assert_eq!(team.text("two/f"), "edited");
    team.ok("two", "push f");
    assert_eq!(team.bucket()["f"], "edited");
}
