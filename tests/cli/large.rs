//! Files in parts: killed at every part, broken off, changed meanwhile, and gone on with.

use crate::support::{Fault, FaultRule};
use crate::team::{BUCKET, Gate, Team, assert_error, end_of, files, signal};

/// The smallest part that S3 takes.
const PART: usize = 5 << 20;

/// Four parts of [`PART`] bytes and a little one; every part is another one.
const PARTS: usize = 5;

fn large() -> Vec<u8> {
    let words = u32::try_from((PARTS - 1) * PART / 4 + 1_000).unwrap();
    (0..words).flat_map(u32::to_le_bytes).collect()
}

/// A team whose copy `one` has the file and whose bucket has not.
fn with_large_file() -> (Team, Vec<u8>) {
    let team = Team::sharing(&[("small", "small")]);
    let bytes = large();
    team.write("one/large", &bytes);
    (team, bytes)
}

/// A team whose copy `one` has the file, and whose bucket has all of its parts up to the third.
fn with_broken_off_upload() -> (Team, Vec<u8>) {
    let (team, bytes) = with_large_file();
    let broken = Fault::Status(403, "AccessDenied");
    team.server.fault(FaultRule::new("UploadPart", "large", broken).nth(4));
    team.run("one", ONE_BY_ONE).assert_code(3);
    team.server.clear_faults();
    (team, bytes)
}

/// A team whose bucket has the file and whose copy `two` has not.
fn with_large_object() -> (Team, Vec<u8>) {
    let (team, bytes) = with_large_file();
    team.ok("one", "sync");
    team.server.clear_log();
    (team, bytes)
}

/// What lies in `.lsync` of a copy and belongs to no run.
fn leavings(team: &Team, copy: &str) -> Vec<String> {
    let all = team.control(copy).into_keys();
    all.filter(|path| path.starts_with("tmp/") || path.starts_with("transfers/")).collect()
}

const ONE_BY_ONE: &str = "sync -j 1 --part-size 5MiB";

#[test]
fn an_upload_that_is_killed_at_any_part_sends_no_stored_part_again() {
    for killed_at in 1..=PARTS {
        let (team, bytes) = with_large_file();
        let gate = Gate::at_nth(&team.server, "UploadPart", "large", killed_at);
        team.kill_at(gate, team.start("one", ONE_BY_ONE));
        team.ok("one", ONE_BY_ONE);
        // The part under way may have been stored, or not: it is the only one in doubt.
        let sent = team.server.count("UploadPart");
        let rest = PARTS - (killed_at - 1);
        assert!(sent == rest, "killed at part {killed_at}: {sent} parts sent, {rest} missing");
        assert_eq!(team.server.count("CreateMultipartUpload"), 0, "killed at part {killed_at}");
        assert!(team.server.get(BUCKET, "large").unwrap() == bytes);
        assert_eq!(team.server.open_uploads(BUCKET), Vec::<String>::new());
        assert_eq!(leavings(&team, "one"), Vec::<String>::new());
        team.assert_quiet("one");
    }
}

#[test]
fn a_download_that_is_killed_at_any_range_fetches_no_range_again() {
    for killed_at in 1..=PARTS {
        let (team, bytes) = with_large_object();
        let gate = Gate::at_nth(&team.server, "GetObject", "large", killed_at);
        team.kill_at(gate, team.start("two", ONE_BY_ONE));
        assert!(!team.path("two/large").exists());
        team.ok("two", ONE_BY_ONE);
        let rest = PARTS - (killed_at - 1);
        assert_eq!(team.server.count("GetObject"), rest, "killed at range {killed_at}");
        assert!(team.read("two/large") == bytes, "the bytes differ");
        assert_eq!(leavings(&team, "two"), Vec::<String>::new());
        team.assert_quiet("two");
    }
}

#[test]
fn parts_travel_side_by_side_both_ways() {
    let (team, bytes) = with_large_file();
    let gate = Gate::at(&team.server, "UploadPart", "large");
    let child = team.start("one", "sync -j 3 --part-size 5MiB");
    for _ in 0..3 {
        gate.wait();
    }
    drop(gate);
    end_of(child).assert_code(0);
    let gate = Gate::at(&team.server, "GetObject", "large");
    let child = team.start("two", "sync -j 3 --part-size 5MiB");
    for _ in 0..3 {
        gate.wait();
    }
    drop(gate);
    end_of(child).assert_code(0);
    assert!(team.read("two/large") == bytes, "the bytes differ");
}

#[test]
fn an_interrupted_upload_stays_in_the_bucket_and_is_gone_on_with() {
    let (team, bytes) = with_large_file();
    let gate = Gate::at_nth(&team.server, "UploadPart", "large", 3);
    let child = team.start("one", ONE_BY_ONE);
    gate.wait();
    signal(&child, "INT");
    drop(gate);
    end_of(child).assert_code(130);
    team.server.clear_hooks();
    assert_eq!(team.server.open_uploads(BUCKET), ["large"]);
    team.server.clear_log();
    team.ok("one", ONE_BY_ONE);
    assert!(team.server.count("UploadPart") <= PARTS - 2);
    assert!(team.server.get(BUCKET, "large").unwrap() == bytes);
}

#[test]
fn credentials_that_expire_and_a_wrong_clock_end_the_run_and_cost_no_part() {
    for (code, exit, words, hint) in [
        ("ExpiredToken", 12, "the credentials have expired", "hint: log in again"),
        ("RequestTimeTooSkewed", 1, "the clock of this machine is wrong", "hint: set the clock"),
    ] {
        let (team, bytes) = with_large_file();
        for number in 0..20 {
            team.write(format!("one/z/{number}"), "small");
        }
        for (operation, after) in [("UploadPart", 2), ("PutObject", 0)] {
            let refused = Fault::Status(403, code);
            team.server.fault(FaultRule::new(operation, "*", refused).after(after));
        }
        team.server.clear_log();
        let output = team.run("one", ONE_BY_ONE);
        assert_error(&output, exit, &[words, hint]);
        assert_eq!(team.server.count("PutObject"), 0, "nobody else has better luck");
        team.server.clear_faults();
        team.server.clear_log();
        team.ok("one", ONE_BY_ONE);
        assert_eq!(team.server.count("UploadPart"), PARTS - 2, "{code}");
        assert!(team.server.get(BUCKET, "large").unwrap() == bytes);
    }
}

#[test]
fn credentials_that_expire_during_init_do_not_make_the_bucket_read_only() {
    let team = Team::new();
    let expired = Fault::Status(403, "ExpiredToken");
    team.server.fault(FaultRule::new("PutObject", "*", expired));
    assert_error(&team.run("new", &format!("init {BUCKET} .")), 12, &["have expired"]);
    assert!(!team.exists("new/.lsync"));
}

#[test]
fn a_file_that_changed_since_starts_over_and_is_stored_whole() {
    let (team, mut bytes) = with_large_file();
    team.server
        .fault(FaultRule::new("UploadPart", "large", Fault::Status(403, "AccessDenied")).every(3));
    team.run("one", ONE_BY_ONE).assert_code(3);
    team.server.clear_faults();
    bytes[0] ^= 1;
    team.write("one/large", &bytes);
    team.server.clear_log();
    team.ok("one", ONE_BY_ONE);
    assert_eq!(team.server.count("UploadPart"), PARTS);
    assert!(team.server.get(BUCKET, "large").unwrap() == bytes);
    assert_eq!(team.server.open_uploads(BUCKET), Vec::<String>::new());
}

#[test]
fn an_object_that_changed_since_is_fetched_from_the_beginning() {
    let (team, mut bytes) = with_large_object();
    team.server
        .fault(FaultRule::new("GetObject", "large", Fault::Status(403, "AccessDenied")).every(3));
    team.run("two", ONE_BY_ONE).assert_code(3);
    team.server.clear_faults();
    bytes[0] ^= 1;
    team.server.put(BUCKET, "large", bytes.clone());
    team.server.clear_log();
    team.ok("two", ONE_BY_ONE);
    assert_eq!(team.server.count("GetObject"), PARTS);
    assert!(team.read("two/large") == bytes, "the bytes differ");
    assert_eq!(leavings(&team, "two"), Vec::<String>::new());
}

#[test]
fn an_object_that_changes_between_two_ranges_never_mixes() {
    let (team, bytes) = with_large_object();
    let other: Vec<u8> = bytes.iter().map(|byte| byte ^ 1).collect();
    let replacement = other.clone();
    let count = std::sync::atomic::AtomicUsize::new(0);
    team.server.on_request("GetObject", "large", move |tool, _| {
        if count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 2 {
            tool.put(BUCKET, "large", replacement.clone());
        }
    });
    team.run("two", ONE_BY_ONE).assert_code(3);
    assert!(!team.path("two/large").exists());
    team.server.clear_hooks();
    team.ok("two", ONE_BY_ONE);
    assert!(team.read("two/large") == other, "the bytes differ");
}

#[test]
fn bytes_of_a_partial_download_that_changed_on_the_disk_are_fetched_again() {
    let (team, bytes) = with_large_object();
    let broken = Fault::Status(403, "AccessDenied");
    team.server.fault(FaultRule::new("GetObject", "large", broken).nth(4));
    team.run("two", ONE_BY_ONE).assert_code(3);
    let partial = leavings(&team, "two").into_iter().find(|path| path.starts_with("tmp/"));
    let partial = format!("two/.lsync/{}", partial.expect("a partial download"));
    let mut staged = team.read(&partial);
    staged[PART + 7] ^= 1;
    team.write(&partial, staged);
    team.server.clear_log();
    team.ok("two", ONE_BY_ONE);
    assert_eq!(team.server.count("GetObject"), PARTS - 3 + 1, "the bent range, and the missing");
    assert!(team.read("two/large") == bytes, "the bytes differ");
}

#[test]
fn a_resumed_download_has_the_mode_of_the_file_that_it_replaces() {
    use std::os::unix::fs::PermissionsExt as _;
    for (before, after) in [(0o644, 0o600), (0o444, 0o444)] {
        let (team, mut bytes) = with_large_object();
        team.ok("two", "sync");
        let mode = |mode| {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(team.path("two/large"), permissions).unwrap();
        };
        mode(before);
        team.ok("two", "sync");
        bytes[1] ^= 1;
        team.server.put(BUCKET, "large", bytes.clone());
        let broken = Fault::Status(403, "AccessDenied");
        team.server.fault(FaultRule::new("GetObject", "large", broken).nth(4));
        team.run("two", ONE_BY_ONE).assert_code(3);
        mode(after);
        team.server.clear_log();
        team.ok("two", ONE_BY_ONE);
        assert_eq!(team.server.count("GetObject"), PARTS - 3);
        let stat = std::fs::metadata(team.path("two/large")).unwrap();
        assert_eq!(stat.permissions().mode() & 0o777, after);
        assert!(team.read("two/large") == bytes, "the bytes differ");
    }
}

#[test]
fn a_store_that_cannot_answer_for_a_while_loses_no_part() {
    let (team, bytes) = with_broken_off_upload();
    // Longer than lsync waits.
    team.server.fault(FaultRule::new("ListParts", "*", Fault::RetryAfter(3_600)));
    team.run("one", ONE_BY_ONE).assert_code(3);
    team.server.clear_faults();
    team.server.clear_log();
    team.ok("one", ONE_BY_ONE);
    assert_eq!(team.server.count("UploadPart"), PARTS - 3);
    assert!(team.server.get(BUCKET, "large").unwrap() == bytes);
}

#[test]
fn an_upload_that_the_store_has_lost_begins_anew() {
    for (operation, nth) in [("UploadPart", 2), ("CompleteMultipartUpload", 1)] {
        let (team, bytes) = with_large_file();
        team.server.on_request(operation, "large", {
            let count = std::sync::atomic::AtomicUsize::new(0);
            move |tool, _| {
                if count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1 == nth {
                    tool.lose_uploads(BUCKET);
                }
            }
        });
        team.ok("one", ONE_BY_ONE);
        assert_eq!(team.server.count("CreateMultipartUpload"), 2, "{operation}");
        assert!(team.server.get(BUCKET, "large").unwrap() == bytes);
    }
}

#[test]
fn a_store_that_cannot_list_parts_gets_all_of_them_again_and_lsync_says_so() {
    for unable in [Fault::Status(501, "NotImplemented"), Fault::Nonsense] {
        let (team, bytes) = with_broken_off_upload();
        team.server.fault(FaultRule::new("ListParts", "*", unable));
        team.server.clear_log();
        let output = team.ok("one", ONE_BY_ONE);
        assert_eq!(team.server.count("UploadPart"), PARTS, "{:?}", team.requests());
        assert!(output.stderr.contains("large: its upload starts over"), "{}", output.stderr);
        assert!(team.server.get(BUCKET, "large").unwrap() == bytes);
        assert_eq!(team.server.open_uploads(BUCKET), Vec::<String>::new());
    }
}

#[test]
fn broken_off_transfers_that_nobody_wants_any_more_are_tidied_up() {
    let (team, _) = with_large_file();
    let broken = Fault::Status(403, "AccessDenied");
    team.server.fault(FaultRule::new("UploadPart", "large", broken).nth(3));
    team.run("one", ONE_BY_ONE).assert_code(3);
    team.server.clear_faults();
    assert_eq!(team.server.open_uploads(BUCKET), ["large"]);
    team.remove("one/large");
    team.ok("one", "sync");
    assert_eq!(team.server.open_uploads(BUCKET), Vec::<String>::new());
    assert_eq!(leavings(&team, "one"), Vec::<String>::new());
    team.assert_quiet("one");
}

#[test]
fn what_came_of_an_object_that_is_gone_is_removed_by_the_run_that_finds_it_gone() {
    let (team, _) = with_large_object();
    let broken = Fault::Status(403, "AccessDenied");
    team.server.fault(FaultRule::new("GetObject", "large", broken).nth(3));
    team.run("two", ONE_BY_ONE).assert_code(3);
    team.server.clear_faults();
    assert_ne!(leavings(&team, "two"), Vec::<String>::new());
    team.server.delete(BUCKET, "large");
    team.ok("two", "sync");
    assert_eq!(leavings(&team, "two"), Vec::<String>::new());
}

#[test]
fn a_fifth_of_all_requests_may_fail() {
    let (team, bytes) = with_large_file();
    for (operation, seed) in [("UploadPart", 1), ("GetObject", 2), ("HeadObject", 3)] {
        let broken = Fault::DropConnectionBefore;
        team.server.fault(FaultRule::new(operation, "*", broken).chance(0.2, seed));
    }
    team.server.fault(FaultRule::new("GetObject", "large", Fault::DropMidBody).nth(3));
    team.ok("one", "sync --part-size 5MiB");
    team.ok("two", "sync --part-size 5MiB");
    assert!(team.read("two/large") == bytes, "the bytes differ");
}

#[test]
fn a_range_that_arrives_bent_is_noticed_and_fetched_again() {
    let (team, bytes) = with_large_object();
    team.server.fault(FaultRule::new("GetObject", "large", Fault::FlippedByte).nth(2));
    team.ok("two", ONE_BY_ONE);
    assert!(team.read("two/large") == bytes, "the bytes differ");
}

#[test]
fn part_sizes_that_no_store_takes_are_refused() {
    let team = Team::sharing(&[("small", "small")]);
    for wrong in ["1MiB", "6GiB", "many"] {
        let output = team.run("one", &format!("sync --part-size {wrong}"));
        output.assert_code(2);
        assert!(output.stderr.contains("--part-size"), "{}", output.stderr);
    }
    team.run("one", "sync --bwlimit 0").assert_code(2);
}

#[test]
fn uploads_that_others_have_abandoned_are_shown_and_thrown_away_when_asked() {
    let team = Team::sharing(&[("small", "small")]);
    team.server.abandon_upload(BUCKET, "old.mov", 3);
    team.server.abandon_upload(BUCKET, "new.mov", 0);
    assert_error(&team.run("one", "clean"), 2, &["--uploads"]);
    // Nobody is there to answer.
    assert_error(&team.run("one", "clean --uploads"), 2, &["--yes"]);
    assert_eq!(team.server.open_uploads(BUCKET).len(), 2);
    let output = team.ok("one", "clean --uploads --yes");
    assert!(output.stdout.contains("old.mov"), "{}", output.stdout);
    assert!(!output.stdout.contains("new.mov"), "{}", output.stdout);
    assert_eq!(team.server.open_uploads(BUCKET), ["new.mov"]);
    let output = team.ok("one", "clean --uploads --yes");
    assert!(output.stdout.contains("no upload"), "{}", output.stdout);
    assert_eq!(team.bucket(), files(&[("small", "small")]));
}

#[test]
fn a_list_of_parts_that_breaks_off_costs_no_part() {
    let (team, bytes) = with_broken_off_upload();
    team.server.fault(FaultRule::new("ListParts", "*", Fault::DropMidBody).nth(1));
    team.server.clear_log();
    let output = team.ok("one", ONE_BY_ONE);
    assert_eq!(
        team.server.count("UploadPart"),
        PARTS - 3,
        "{} {:?}",
        output.stderr,
        team.requests()
    );
    assert!(team.server.get(BUCKET, "large").unwrap() == bytes);
}
