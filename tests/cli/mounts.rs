//! A real disk that is mounted below the root of a working copy, and is missing later.

use crate::support::SmallDisk;
use crate::team::{Team, assert_error, files};

#[test]
fn a_disk_that_is_not_mounted_deletes_nothing_until_its_line_is_taken_out() {
    let team = Team::sharing(&[("z", "z")]);
    let (here, elsewhere) = (team.path("one/photos"), team.path("elsewhere"));
    let Some(disk) = SmallDisk::mount(&here) else {
        return println!("skipped: no tmpfs can be mounted here");
    };
    for path in ["one/photos/a", "one/photos/2024/b"] {
        team.write(path, "photo");
    }
    team.ok("one", "sync");
    team.ok("two", "sync");
    let all = files(&[("photos/2024/b", "photo"), ("photos/a", "photo"), ("z", "z")]);
    assert_eq!(team.bucket(), all);
    assert!(team.text("one/.lsync/mounts.yaml").ends_with("\n- \"photos\"\n"));
    team.assert_quiet("one");
    let disk = disk.moved(&elsewhere);
    for command in ["sync", "push", "push photos", "sync photos/a", "push --mirror --yes", "status"]
    {
        let output = team.run("one", command);
        output.assert_code(3);
        let reason = "the disk that was mounted at photos is missing";
        let said = output.stdout + &output.stderr;
        assert!(said.contains(reason), "{command}: {said}");
        assert!(said.contains("mount it; if it is gone for good"), "{command}: {said}");
        assert_eq!(team.bucket(), all, "{command}");
    }
    team.write("two/photos/a", "edited");
    team.ok("two", "sync");
    team.run("one", "pull").assert_code(3);
    assert_eq!(team.texts("one"), files(&[("z", "z")]), "nothing comes in its place");
    // It is back.
    let disk = disk.moved(&here);
    team.ok("one", "sync");
    assert_eq!(team.text("one/photos/a"), "edited");
    team.assert_agreed();
    // It is gone for good.
    drop(disk);
    team.write("one/.lsync/mounts.yaml", "");
    team.ok("one", "sync");
    assert_eq!(team.bucket(), files(&[("z", "z")]));
}

/// Files that were synced move to a disk of their own; the next run sees it, and is stopped.
#[test]
fn a_disk_is_remembered_also_by_a_run_that_does_nothing() {
    let team = Team::sharing(&[("photos/a", "photo"), ("z", "z")]);
    team.remove("one/photos/a");
    let here = team.path("one/photos");
    std::fs::create_dir_all(&here).unwrap();
    let Some(disk) = SmallDisk::mount(&here) else {
        return println!("skipped: no tmpfs can be mounted here");
    };
    team.write("one/photos/a", "photo");
    team.remove("one/z");
    team.run("one", "push --max-delete 0").assert_code(5);
    team.write("one/z", "z");
    let _elsewhere = disk.moved(&team.path("elsewhere"));
    let output = team.run("one", "push");
    output.assert_code(3);
    let said = output.stdout + &output.stderr;
    assert!(said.contains("the disk that was mounted at photos is missing"), "{said}");
    assert_eq!(team.bucket(), files(&[("photos/a", "photo"), ("z", "z")]));
}

#[test]
fn a_file_of_mounts_that_cannot_be_read_stops_everything_with_a_hint() {
    let team = Team::sharing(&[("z", "z")]);
    team.write("one/.lsync/mounts.yaml", "photos: yes\n");
    team.remove("one/z");
    assert_error(&team.run("one", "sync"), 1, &["mounts.yaml", "one folder a line"]);
    assert_eq!(team.bucket(), files(&[("z", "z")]));
}
