//! A working copy on a real disk that folds names, beside one on a disk that does not. The rules one
//! by one, on a disk in memory, are in `tests/engine/folding.rs`.

use std::fs;

use crate::support::FoldingDisk;
use crate::team::{BUCKET, Team, assert_error, events, files};

/// Runs a test with copy `disk/copies/three` on a disk that folds names, where one can be mounted.
#[expect(clippy::print_stdout, reason = "says where it ran, or why it did not")]
fn on_a_folding_disk(team: &Team, test: impl FnOnce(&FoldingDisk, &str)) {
    let disk = match FoldingDisk::mount(&team.path("disk")) {
        Ok(disk) => disk,
        Err(reason) => return println!("skipped: no disk that folds names: {reason}"),
    };
    println!("on {}", disk.kind());
    team.join("disk/copies/three");
    test(&disk, "disk/copies/three");
}

#[test]
fn keys_that_the_disk_cannot_tell_apart_are_reported_and_neither_side_changes() {
    let team = Team::sharing(&[("z", "z")]);
    on_a_folding_disk(&team, |disk, three| {
        let keys = ["A.txt", "a.txt", "Dir/x", "dir/y", "\u{c9}t\u{e9}", "\u{e9}t\u{e9}", "fine"];
        for key in keys {
            team.server.put(BUCKET, key, key);
        }
        let before = team.bucket();
        // One after the other: of two that clash at once, neither may get its folder.
        team.run(three, "sync -j 1").assert_code(3);
        let here = team.texts(three);
        assert_eq!(here.len(), 5, "{here:?}");
        assert!(here.iter().all(|(path, text)| path == text), "{here:?}");
        for command in ["sync", "pull", "pull --mirror --yes", "sync"] {
            team.server.clear_log();
            let output = team.run(three, &format!("{command} --json"));
            output.assert_code(3);
            let failed = events(&output, "failed");
            assert_eq!(failed.len(), 3, "{command}: {failed:?}");
            assert!(output.stdout.contains("does not tell"), "{}", output.stdout);
            assert_eq!(team.transfers(), Vec::<String>::new(), "{command}");
            assert_eq!(team.texts(three), here, "{command}");
            assert_eq!(team.bucket(), before, "{command}");
        }
        let output = team.run(three, "sync");
        assert!(output.stderr.contains("hint: rename one of the two"), "{}", output.stderr);
        team.ok(three, "push");
        assert_eq!(team.bucket(), before);
        if !disk.keeps_names() {
            assert!(!here.keys().any(|path| path.contains(char::is_uppercase)), "{here:?}");
        }
        // Elsewhere they are different names.
        team.ok("one", "sync");
        assert_eq!(team.texts("one"), before);
    });
}

#[test]
fn a_name_that_the_disk_would_write_otherwise_is_reported_and_not_renamed_in_the_bucket() {
    let team = Team::sharing(&[("z", "z")]);
    on_a_folding_disk(&team, |disk, three| {
        if disk.keeps_names() {
            return println!("skipped: this one keeps names");
        }
        for key in ["Upper", "Folder/lower", "fine/Upper", "fine/lower"] {
            team.server.put(BUCKET, key, key);
        }
        let before = team.bucket();
        for _ in 0..2 {
            let output = team.run(three, "sync --json");
            output.assert_code(3);
            let failed = events(&output, "failed");
            assert_eq!(
                failed,
                ["download Folder/lower", "download Upper", "download fine/Upper"],
                "{}",
                output.stdout
            );
            assert!(output.stdout.contains("would list"), "{}", output.stdout);
            assert_eq!(team.texts(three), files(&[("fine/lower", "fine/lower"), ("z", "z")]));
            assert!(!team.exists(format!("{three}/folder")));
            assert_eq!(team.bucket(), before);
        }
    });
}

#[test]
fn a_rename_that_changes_case_alone_travels_in_both_directions() {
    let team = Team::sharing(&[("readme.md", "text"), ("docs/x", "x"), ("z", "z")]);
    on_a_folding_disk(&team, |disk, three| {
        if !disk.keeps_names() {
            return println!("skipped: this one does not keep names");
        }
        team.ok(three, "sync");
        let rename = |copy: &str, from: &str, to: &str| {
            fs::rename(team.path(copy).join(from), team.path(copy).join(to)).unwrap();
        };
        rename(three, "readme.md", "README.md");
        rename(three, "docs", "Docs");
        team.ok(three, "sync");
        let expected = files(&[("Docs/x", "x"), ("README.md", "text"), ("z", "z")]);
        assert_eq!(team.bucket(), expected);
        team.ok("one", "sync");
        assert_eq!(team.texts("one"), expected);
        team.assert_quiet(three);
        // And back: here the old name has to go before the new one fits.
        rename("one", "README.md", "ReadMe.md");
        team.ok("one", "sync");
        team.run(three, "sync").assert_code(3);
        team.ok(three, "sync");
        let expected = files(&[("Docs/x", "x"), ("ReadMe.md", "text"), ("z", "z")]);
        assert_eq!(team.texts(three), expected);
        assert_eq!(team.bucket(), expected);
        team.assert_quiet(three);
    });
}

#[test]
fn an_operand_names_a_file_as_the_disk_spells_it() {
    let team = Team::sharing(&[("README.md", "text"), ("Docs/x", "x")]);
    on_a_folding_disk(&team, |disk, three| {
        if !disk.keeps_names() {
            return println!("skipped: this one does not keep names");
        }
        team.ok(three, "sync");
        team.write(format!("{three}/README.md"), "edited");
        for command in ["push readme.md", "sync docs", "push docs/X"] {
            assert_error(&team.run(three, command), 2, &["is neither here nor in the bucket"]);
        }
        assert_eq!(team.bucket(), files(&[("Docs/x", "x"), ("README.md", "text")]));
        team.ok(three, "push README.md");
        assert_eq!(team.bucket()["README.md"], "edited");
    });
}
