//! Large files that only got another name: the store copies what it holds.

use std::fs;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::sync::Mutex;
use std::time::SystemTime;

use crate::support::{Fault, FaultRule, Profile, Workspace};
use crate::team::{BUCKET, Gate, Team, lines_of, run};

/// Parts of the file, 8 MiB each but for the last one.
const PARTS: usize = 3;

/// Bytes that differ from part to part.
fn large() -> Vec<u8> {
    let words = u32::try_from((PARTS - 1) * (8 << 20) / 4 + 1_000).unwrap();
    (0..words).flat_map(u32::to_le_bytes).collect()
}

/// A team whose bucket and copy `one` have `old/film`.
fn with_film_on(profile: Profile) -> (Team, Vec<u8>) {
    with_film(Team::sharing_on(profile, &[("small", "small")]))
}

fn with_film(team: Team) -> (Team, Vec<u8>) {
    let bytes = large();
    team.write("one/old/film", &bytes);
    team.ok("one", "sync");
    team.server.clear_log();
    (team, bytes)
}

/// As [`with_film_on`] on a store that keeps every promise; copy `one` has renamed it to `new/film`.
fn with_renamed_film() -> (Team, Vec<u8>) {
    let (team, bytes) = with_film(Team::sharing(&[("small", "small")]));
    rename(&team, "old/film", "new/film");
    (team, bytes)
}

fn rename(team: &Team, from: &str, to: &str) {
    let (from, to) = (team.path("one").join(from), team.path("one").join(to));
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::rename(from, to).unwrap();
}

fn modified(team: &Team, path: &str) -> SystemTime {
    fs::metadata(team.path(path)).unwrap().modified().unwrap()
}

/// Checks that the bucket has the film under its new name alone.
#[track_caller]
fn assert_moved(team: &Team, bytes: &[u8]) {
    assert_eq!(team.server.keys(BUCKET), ["new/film", "small"]);
    assert!(team.server.get(BUCKET, "new/film").unwrap() == bytes, "the bytes differ");
    assert_eq!(team.server.open_uploads(BUCKET), Vec::<String>::new());
}

#[test]
fn a_renamed_file_is_copied_in_the_bucket_and_not_sent() {
    let (team, bytes) = with_renamed_film();
    let status = team.ok("one", "status").stdout;
    assert!(status.contains("moved:    old/film → new/film  (16.0 MiB)\n"), "{status}");
    team.server.clear_log();
    let summary = team.ok("one", "sync").stdout;
    assert!(summary.contains("moved    old/film → new/film  (16.0 MiB)\n"), "{summary}");
    assert!(summary.contains("1 moved in the bucket (16.0 MiB)"), "{summary}");
    assert!(!summary.contains("deleted"), "{summary}");
    assert!(!summary.contains("uploaded"), "{summary}");
    assert!(!summary.contains("forced"), "nobody forced anything: {summary}");
    assert_eq!(team.server.count("UploadPartCopy"), PARTS);
    assert_eq!(team.server.count("UploadPart") + team.server.count("PutObject"), 0);
    assert_moved(&team, &bytes);
    team.assert_quiet("one");
    team.ok("two", "sync");
    assert!(team.read("two/new/film") == bytes, "the bytes differ");
    assert_eq!(modified(&team, "two/new/film"), modified(&team, "one/new/film"));
}

#[test]
fn the_lines_of_json_tell_a_copy_from_an_upload() {
    let (team, _) = with_renamed_film();
    let output = team.ok("one", "push --json");
    let lines = lines_of(&output);
    let done = lines.iter().find(|line| line["path"] == "new/film").unwrap();
    assert_eq!(done["reason"], "copied from old/film in the bucket", "{output:?}");
    let summary = lines.last().unwrap();
    assert_eq!((&summary["copied"], &summary["uploaded"]), (&1.into(), &0.into()), "{summary}");
    assert_eq!(summary["bytes"], 0, "nothing went over the line: {summary}");
}

#[test]
fn every_store_that_copies_is_used_and_every_other_gets_the_file() {
    for (profile, copies) in [
        (Profile::Moto, true),
        (Profile::Ceph, true),
        (Profile::Garage, true),
        (Profile::B2, true),
        (Profile::RandomEtags, true),
        (Profile::Versioned, true),
        (Profile::NoFileBesideFolder, true),
        (Profile::UnconditionalGet, false),
    ] {
        let (team, bytes) = with_film_on(profile);
        rename(&team, "old/film", "new/film");
        team.ok("one", "sync");
        assert_moved(&team, &bytes);
        let sent = if copies { 0 } else { PARTS };
        assert_eq!(team.server.count("UploadPart"), sent, "{profile:?}");
        assert_eq!(team.server.count("DeleteObject"), 1, "{profile:?}");
    }
}

#[test]
fn a_store_that_does_not_copy_is_asked_for_one_file_only() {
    let (team, bytes) = with_film_on(Profile::UnconditionalGet);
    team.write("one/old/other", &bytes[1..]);
    team.ok("one", "sync");
    rename(&team, "old", "new");
    team.server.clear_log();
    team.ok("one", "sync -j 1");
    assert_eq!(team.server.count("UploadPartCopy"), 1);
    assert_eq!(team.server.count("UploadPart"), 2 * PARTS);
    assert_eq!(team.server.keys(BUCKET), ["new/film", "new/other", "small"]);
}

#[test]
fn a_file_that_only_looks_the_same_is_sent_where_it_is_not() {
    let (team, mut bytes) = with_renamed_film();
    let film = team.path("one/new/film");
    let (time, inode) = (modified(&team, "one/new/film"), fs::metadata(&film).unwrap().ino());
    // In place, with the old time put back: size, mtime and inode are those of the row.
    bytes[5] ^= 1;
    let opened = fs::File::options().write(true).open(&film).unwrap();
    opened.write_at(&bytes[5..6], 5).unwrap();
    opened.set_modified(time).unwrap();
    assert_eq!(fs::metadata(&film).unwrap().ino(), inode);
    team.ok("one", "sync -j 1");
    assert_eq!(team.server.count("UploadPartCopy"), PARTS);
    assert_eq!(team.server.count("UploadPart"), 1, "only where it differs");
    assert_moved(&team, &bytes);
}

#[test]
fn a_photo_is_copied_as_one_part_and_what_is_small_is_sent() {
    let (team, photo) = (Team::sharing(&[("old/f", "text"), ("g", "g")]), vec![7; 3 << 20]);
    team.write("one/old/photo", &photo);
    team.ok("one", "sync");
    rename(&team, "old", "new");
    team.server.clear_log();
    team.ok("one", "sync -j 1");
    assert_eq!(
        team.transfers(),
        [
            "CompleteMultipartUpload new/photo",
            "CreateMultipartUpload new/photo",
            "DeleteObjects ",
            "PutObject new/f",
            "UploadPartCopy new/photo",
        ]
    );
    assert!(team.server.get(BUCKET, "new/photo").unwrap() == photo);
    team.assert_quiet("one");
    team.ok("two", "sync");
    assert!(team.read("two/new/photo") == photo);
}

#[test]
fn a_photo_that_the_store_does_not_copy_is_sent() {
    let (team, photo) =
        (Team::sharing_on(Profile::UnconditionalGet, &[("g", "g")]), vec![7; 3 << 20]);
    team.write("one/old/photo", &photo);
    team.ok("one", "sync");
    rename(&team, "old", "new");
    team.server.clear_log();
    team.ok("one", "sync");
    assert_eq!(team.server.count("UploadPart"), 1);
    assert_eq!(team.server.open_uploads(BUCKET), Vec::<String>::new());
    assert!(team.server.get(BUCKET, "new/photo").unwrap() == photo);
    team.assert_quiet("one");
}

#[test]
fn an_edit_of_a_teammate_in_the_old_name_is_neither_copied_nor_deleted() {
    // Ceph, moto and B2 do not compare: there what they say of the part has to tell.
    for profile in [Profile::Aws, Profile::Ceph, Profile::Moto, Profile::Garage, Profile::B2] {
        let (team, bytes) = with_film_on(profile);
        rename(&team, "old/film", "new/film");
        let edit = large().into_iter().rev().collect::<Vec<_>>();
        let theirs = edit.clone();
        team.server.once_on_request("UploadPartCopy", "new/film", move |store, _| {
            store.put(BUCKET, "old/film", theirs.clone());
        });
        team.run("one", "sync -j 1").assert_code(3);
        assert!(team.server.get(BUCKET, "new/film").unwrap() == bytes, "{profile:?}");
        assert!(team.server.get(BUCKET, "old/film").unwrap() == edit, "{profile:?}");
        assert_eq!(team.server.count("UploadPart"), PARTS, "{profile:?}");
        // Deleted here and changed there: somebody has to decide.
        team.run("one", "sync").assert_code(4);
        assert!(team.server.get(BUCKET, "old/film").unwrap() == edit, "{profile:?}");
    }
}

#[test]
fn a_part_that_the_store_took_from_elsewhere_is_sent() {
    // moto compares neither versions nor checksums, and afterwards everything is as it was.
    let (team, bytes) = (Team::sharing_on(Profile::Moto, &[("small", "small")]), large());
    team.server.put(BUCKET, "old/film", bytes.clone());
    team.ok("one", "sync");
    rename(&team, "old/film", "new/film");
    let versions = [bytes.iter().rev().copied().collect(), bytes.clone()];
    let versions = Mutex::new(versions.into_iter());
    team.server.on_request("UploadPartCopy", "new/film", move |store, _| {
        if let Some(version) = versions.lock().unwrap().next() {
            let version: Vec<u8> = version;
            store.put(BUCKET, "old/film", version);
        }
    });
    team.server.clear_log();
    let summary = team.ok("one", "sync -j 1").stdout;
    assert!(summary.contains("1 moved in the bucket (16.0 MiB, all of it sent)"), "{summary}");
    assert_eq!(team.server.count("UploadPartCopy"), PARTS);
    assert_eq!(team.server.count("UploadPart"), 1);
    assert_moved(&team, &bytes);
}

#[test]
fn a_killed_copy_leaves_no_part_of_another_version_to_the_next_run() {
    for profile in [Profile::Ceph, Profile::B2] {
        let (team, bytes) = with_film_on(profile);
        rename(&team, "old/film", "new/film");
        let edit = bytes.iter().rev().copied().collect::<Vec<u8>>();
        team.server.once_on_request("UploadPartCopy", "new/film", move |store, _| {
            store.put(BUCKET, "old/film", edit);
        });
        let gate = Gate::at_nth(&team.server, "UploadPart", "new/film", 2);
        team.kill_at(gate, team.start("one", "sync -j 1"));
        // The old name is a conflict now, so that nothing can be copied from it any more.
        team.run("one", "sync -j 1").assert_code(4);
        assert!(team.server.get(BUCKET, "new/film").unwrap() == bytes, "{profile:?}");
    }
}

#[test]
fn what_was_sent_to_a_store_that_does_not_copy_is_gone_on_with() {
    let (team, bytes) = with_film_on(Profile::UnconditionalGet);
    rename(&team, "old/film", "new/film");
    let gate = Gate::at_nth(&team.server, "UploadPart", "new/film", 2);
    team.kill_at(gate, team.start("one", "sync -j 1"));
    team.ok("one", "sync -j 1");
    assert_eq!(team.server.count("UploadPart"), PARTS - 1);
    assert_eq!(team.server.count("CreateMultipartUpload"), 0);
    assert_moved(&team, &bytes);
}

#[test]
fn an_upload_that_the_store_lost_amid_the_copy_begins_anew() {
    let (team, bytes) = with_renamed_film();
    let lost = Fault::Status(404, "NoSuchUpload");
    team.server.fault(FaultRule::new("UploadPartCopy", "new/film", lost).nth(2));
    team.ok("one", "sync -j 1");
    assert_eq!(team.server.count("CreateMultipartUpload"), 2);
    assert_eq!(team.server.count("UploadPart"), 0);
    assert_moved(&team, &bytes);
}

#[test]
fn the_old_name_stays_where_new_rules_hold_the_new_one_back() {
    let (team, _) = with_renamed_film();
    team.server.put(BUCKET, "new/.lsyncignore", "*.log\n");
    let refused = Fault::Status(403, "AccessDenied");
    team.server.fault(FaultRule::new("GetObject", "new/.lsyncignore", refused));
    let output = team.run("one", "sync");
    output.assert_code(3);
    assert!(output.stderr.contains("old/film  stays until"), "{output:?}");
    assert_eq!(team.server.keys(BUCKET), ["new/.lsyncignore", "old/film", "small"]);
}

#[test]
fn a_copy_that_is_killed_at_any_part_is_gone_on_with() {
    for killed_at in 1..=PARTS {
        let (team, bytes) = with_renamed_film();
        let gate = Gate::at_nth(&team.server, "UploadPartCopy", "new/film", killed_at);
        team.kill_at(gate, team.start("one", "sync -j 1"));
        team.ok("one", "sync -j 1");
        let rest = PARTS - (killed_at - 1);
        assert_eq!(team.server.count("UploadPartCopy"), rest, "killed at part {killed_at}");
        assert_eq!(team.server.count("UploadPart"), 0, "killed at part {killed_at}");
        assert_moved(&team, &bytes);
        team.assert_quiet("one");
    }
}

#[test]
fn the_old_name_stays_until_the_new_one_is_stored() {
    let (team, bytes) = with_renamed_film();
    let refused = Fault::Status(403, "AccessDenied");
    team.server.fault(FaultRule::new("CompleteMultipartUpload", "new/film", refused));
    team.run("one", "sync").assert_code(3);
    assert_eq!(team.server.keys(BUCKET), ["old/film", "small"]);
    assert_eq!(team.server.count("DeleteObject"), 0);
    team.server.clear_faults();
    team.server.clear_log();
    team.ok("one", "sync");
    assert_eq!(team.server.count("UploadPart"), 0);
    assert_moved(&team, &bytes);
}

#[test]
fn answers_that_get_lost_or_say_200_and_an_error_are_asked_for_again() {
    for fault in [
        Fault::DropConnectionAfterEffect,
        Fault::ErrorInside200("InternalError"),
        Fault::Status(503, "SlowDown"),
    ] {
        let (team, bytes) = with_renamed_film();
        let told = format!("{fault:?}");
        team.server.fault(FaultRule::new("UploadPartCopy", "new/film", fault).nth(2));
        team.ok("one", "sync -j 1");
        assert_eq!(team.server.count("UploadPartCopy"), PARTS + 1, "{told}");
        assert_eq!(team.server.count("UploadPart"), 0, "{told}");
        assert_moved(&team, &bytes);
    }
}

/// What every command says of a conflict about `old/note`.
#[track_caller]
fn assert_told_of_the_move(workspace: &Workspace, copy: &str, words: &str) {
    let told = format!("old/note  {words}, perhaps moved to new/note");
    let status = run(workspace, copy, "status");
    status.assert_code(4);
    assert!(status.stdout.contains(&told), "{status:?}");
    // The first run carries the new name to the other side; the second finds it there.
    for time in ["first", "second"] {
        let output = run(workspace, copy, "sync");
        output.assert_code(4);
        assert!(output.stderr.contains(&told), "{time}: {output:?}");
    }
    let listed = run(workspace, copy, "resolve --list --json");
    let reason = lines_of(&listed)[0]["reason"].as_str().unwrap().to_owned();
    assert_eq!(reason, format!("{words}, perhaps moved to new/note"));
}

#[test]
fn an_edit_in_a_folder_that_a_teammate_has_moved_is_told_with_the_move() {
    let team = Team::sharing(&[("old/note", "a note"), ("twin", "b note")]);
    rename(&team, "old", "new");
    team.ok("one", "sync");
    team.write("two/old/note", "a longer note");
    assert_told_of_the_move(&team, "two", "changed here, deleted in the bucket");
    // The other way round: moved here, edited in the bucket.
    let team = Team::sharing(&[("old/note", "a note"), ("twin", "b note")]);
    rename(&team, "old", "new");
    team.server.put(BUCKET, "old/note", "a longer note");
    assert_told_of_the_move(&team, "one", "deleted here, changed in the bucket");
}

#[test]
fn a_move_in_a_folder_bucket_is_told_as_well() {
    let workspace = Workspace::new();
    fs::create_dir(workspace.path("bucket")).unwrap();
    workspace.write("bucket/old/note", "a note");
    for copy in ["one", "two"] {
        run(&workspace, ".", &format!("clone ./bucket {copy}")).assert_code(0);
    }
    fs::create_dir(workspace.path("one/new")).unwrap();
    fs::rename(workspace.path("one/old/note"), workspace.path("one/new/note")).unwrap();
    run(&workspace, "one", "sync").assert_code(0);
    workspace.write("two/old/note", "a longer note");
    assert_told_of_the_move(&workspace, "two", "changed here, deleted in the bucket");
}

#[test]
fn a_deletion_is_not_taken_for_a_move_because_something_else_is_new() {
    let team = Team::sharing(&[("old/note", "a note"), ("g", "g")]);
    team.remove("one/old/note");
    team.write("one/new/note", "b note");
    team.ok("one", "sync");
    team.write("two/old/note", "a longer note");
    let output = team.run("two", "sync");
    output.assert_code(4);
    assert!(
        output.stderr.contains("old/note  changed here, deleted in the bucket\n"),
        "{output:?}"
    );
}
