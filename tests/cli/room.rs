//! Disks without room: told once, and nothing is begun that will not fit.

use crate::support::{Fault, FaultRule, SmallDisk, Workspace};
use crate::team::{BUCKET, Gate, Team, end_of, events, files, ok, run};

/// Returns the lines that tell of failures.
fn failures(stderr: &str) -> Vec<&str> {
    stderr.lines().filter(|line| line.starts_with("failed")).collect()
}

/// A file of so many KiB.
fn kibibytes(count: usize) -> Vec<u8> {
    vec![b'x'; count << 10]
}

#[test]
fn a_disk_that_becomes_full_stops_downloads_and_lets_the_rest_go_on() {
    let team = Team::sharing(&[("gone", "base")]);
    let Some(_mounted) = SmallDisk::mount(&team.path("small-disk")) else {
        return println!("skipped: no tmpfs can be mounted here");
    };
    team.join("small-disk");
    team.ok("small-disk", "sync");
    for number in 0..4 {
        team.server.put(BUCKET, &format!("large/{number}"), kibibytes(200));
    }
    team.server.put(BUCKET, "tiny", "it fits");
    team.write("small-disk/ours", "needs no room");
    team.remove("small-disk/gone");
    let gate = Gate::at(&team.server, "GetObject", "large/0");
    let child = team.start("small-disk", "sync -j 1");
    gate.wait();
    // Somebody else takes the room while the run is on its way.
    team.write("small-disk/.lsync/somebody", kibibytes(840));
    team.server.clear_log();
    drop(gate);
    let output = end_of(child);
    output.assert_code(3);
    let told = failures(&output.stderr);
    assert_eq!(told.len(), 2, "{}", output.stderr);
    assert!(told[0].contains("large/0"), "{told:?}");
    assert_eq!(told[1], "failed   3 more: no room on the disk; --verbose names all");
    assert_eq!(output.stderr.matches("hint: make room").count(), 1, "{}", output.stderr);
    assert!(output.stdout.contains("4 failed"), "{}", output.stdout);
    let asked = team
        .server
        .log()
        .into_iter()
        .filter(|seen| seen.operation == "GetObject" && seen.key.as_str() > "large/0");
    assert_eq!(asked.count(), 1, "only what may fit is asked for");
    let here = files(&[("ours", "needs no room"), ("tiny", "it fits")]);
    assert_eq!(team.texts("small-disk"), here);
    assert_eq!(team.bucket()["ours"], "needs no room");
    assert!(!team.bucket().contains_key("gone"));
    assert_eq!(team.snapshot("small-disk/.lsync/tmp").len(), 0, "staged bytes are given back");
    team.remove("small-disk/.lsync/somebody");
    team.ok("small-disk", "sync");
    assert_eq!(team.texts("small-disk"), team.bucket());
}

#[test]
fn a_bucket_without_room_is_told_once_and_takes_what_still_fits() {
    let workspace = Workspace::new();
    let bucket = workspace.path("bucket");
    let Some(_mounted) = SmallDisk::mount(&bucket) else {
        return println!("skipped: no tmpfs can be mounted here");
    };
    workspace.write("one/gone", kibibytes(4));
    ok(&workspace, "one", &format!("init {} .", bucket.display()));
    ok(&workspace, "one", "sync");
    workspace.remove("one/gone");
    for number in 0..6 {
        workspace.write(format!("one/large/{number}"), kibibytes(300));
    }
    workspace.write("one/tiny", "it fits");
    let output = run(&workspace, "one", "sync -j 1");
    output.assert_code(3);
    let told = failures(&output.stderr);
    assert_eq!(told.len(), 2, "{}", output.stderr);
    assert!(told[0].contains("the bucket's disk is full"), "{told:?}");
    assert!(told[0].contains("bucket/large/3: "), "{told:?}");
    assert!(output.stderr.contains("hint: make room on the bucket's disk"), "{}", output.stderr);
    assert!(!output.stderr.contains("does the rest"), "{}", output.stderr);
    assert_eq!(told[1], "failed   2 more: no room in the bucket; --verbose names all");
    let stored = workspace.texts("bucket");
    assert_eq!(stored["tiny"], "it fits");
    assert!(!stored.contains_key("gone"), "what needs no room goes on");
    assert_eq!(stored.len(), 4, "{:?}", stored.keys());
    let output = run(&workspace, "one", "sync -j 1 --json");
    assert_eq!(events(&output, "failed"), ["upload large/3", "upload large/4", "upload large/5"]);
    assert_eq!(output.stdout.matches("\"kind\":\"store-full\"").count(), 3, "{}", output.stdout);
}

#[test]
fn a_pull_that_cannot_fit_is_refused_before_the_first_transfer() {
    let team = Team::sharing(&[("base", "base")]);
    let Some(_mounted) = SmallDisk::mount(&team.path("small-disk")) else {
        return println!("skipped: no tmpfs can be mounted here");
    };
    team.join("small-disk");
    team.ok("small-disk", "sync");
    for number in 0..3 {
        team.server.put(BUCKET, &format!("large/{number}"), kibibytes(512));
    }
    team.write("small-disk/ours", "an edit");
    team.server.clear_log();
    for line in ["pull", "sync", "pull --force .", "pull --mirror --yes"] {
        let output = team.run("small-disk", line);
        output.assert_code(3);
        let text = &output.stderr;
        assert!(
            text.contains("error: the disk has no room for what is to be downloaded: "),
            "{text}"
        );
        assert!(text.contains("1.5 MiB needed, ") && text.contains(" free\n"), "{text}");
        assert!(text.contains("hint: make room"), "{text}");
    }
    assert_eq!(team.transfers(), Vec::<String>::new());
    assert_eq!(team.texts("small-disk"), files(&[("base", "base"), ("ours", "an edit")]));
    for line in ["status", "sync --dry-run"] {
        let output = team.ok("small-disk", line);
        let text = output.stdout + &output.stderr;
        assert!(text.contains("warning: the disk has no room"), "{text}");
        assert!(text.contains("`lsync push` needs very little"), "{text}");
        assert!(!text.contains("`lsync sync` does this"), "{text}");
    }
    team.ok("small-disk", "push");
    assert_eq!(team.bucket()["ours"], "an edit");
    team.ok("small-disk", "pull large/1");
    assert_eq!(team.read("small-disk/large/1").len(), 512 << 10);
}

#[test]
fn a_file_that_is_replaced_needs_room_beside_the_old_one() {
    let team = Team::sharing(&[("large", "base")]);
    team.write("one/large", kibibytes(600));
    team.ok("one", "sync");
    let Some(_mounted) = SmallDisk::mount(&team.path("small-disk")) else {
        return println!("skipped: no tmpfs can be mounted here");
    };
    team.join("small-disk");
    team.ok("small-disk", "pull");
    team.write("one/large", [kibibytes(600), b"edited".to_vec()].concat());
    team.ok("one", "sync");
    let output = team.run("small-disk", "pull");
    output.assert_code(3);
    assert!(output.stderr.contains("600.0 KiB needed"), "{}", output.stderr);
    assert_eq!(team.read("small-disk/large"), kibibytes(600));
}

#[test]
fn a_disk_that_does_not_tell_what_it_has_left_is_tried() {
    let team = Team::sharing(&[("base", "base")]);
    let folder = team.path("small-disk");
    let Some(_mounted) = SmallDisk::mount_of_size(&folder, "0") else {
        return println!("skipped: no tmpfs can be mounted here");
    };
    team.join("small-disk");
    team.server.put(BUCKET, "large", kibibytes(2048));
    team.ok("small-disk", "pull");
    assert_eq!(team.texts("small-disk"), team.bucket());
}

#[test]
fn a_download_that_was_broken_off_goes_on_although_it_has_taken_the_room() {
    let team = Team::sharing(&[("base", "base")]);
    let Some(_mounted) = SmallDisk::mount_of_size(&team.path("small-disk"), "20m") else {
        return println!("skipped: no tmpfs can be mounted here");
    };
    team.join("small-disk");
    team.server.put(BUCKET, "large", kibibytes(12 << 10));
    let refused = Fault::Status(403, "AccessDenied");
    team.server.fault(FaultRule::new("GetObject", "large", refused).after(1));
    team.run("small-disk", "pull").assert_code(3);
    assert!(!team.snapshot("small-disk/.lsync/tmp").is_empty(), "what came is kept");
    team.server.clear_faults();
    team.ok("small-disk", "pull");
    assert_eq!(team.texts("small-disk"), team.bucket());
}

#[test]
fn a_part_that_does_not_fit_into_a_folder_bucket_says_whose_disk_is_full() {
    let workspace = Workspace::new();
    let bucket = workspace.path("bucket");
    let Some(_mounted) = SmallDisk::mount(&bucket) else {
        return println!("skipped: no tmpfs can be mounted here");
    };
    ok(&workspace, "one", &format!("init {} .", bucket.display()));
    workspace.write("one/film", kibibytes(9 << 10));
    let output = run(&workspace, "one", "push");
    output.assert_code(3);
    let told = failures(&output.stderr);
    assert!(told[0].contains("film  the bucket's disk is full"), "{told:?}");
    assert!(!told[0].contains("PART"), "{told:?}");
}

#[test]
fn a_store_whose_disk_is_full_is_no_reason_to_run_again_before_there_is_room() {
    for (status, code) in [(507, "XMinioStorageFull"), (507, "InsufficientStorage")] {
        let team = Team::sharing(&[("f", "f")]);
        team.write("one/new", "new");
        team.server.fault(FaultRule::new("PutObject", "*", Fault::Status(status, code)));
        let output = team.run("one", "sync");
        output.assert_code(3);
        let text = &output.stderr;
        assert!(text.contains("new  the bucket's disk is full") && text.contains(code), "{text}");
        assert!(text.contains("hint: make room on the bucket's disk"), "{text}");
        assert!(!text.contains("does the rest"), "{text}");
    }
}
