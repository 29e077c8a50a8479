//! A file on one side, a folder of the same name on the other.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::support::Output;
use crate::team::{BUCKET, Team, events, lines_of};

/// A folder `f` of thirty files in the bucket and both copies, and a file beside it.
fn thirty() -> Team {
    let names: Vec<String> = (0..30).map(|number| format!("f/{number:02}")).collect();
    let mut shared: Vec<_> = names.iter().map(|name| (name.as_str(), "x")).collect();
    // So many that the guard does not mind thirty.
    let others: Vec<String> = (0..200).map(|number| format!("other/{number:03}")).collect();
    shared.extend(others.iter().map(|name| (name.as_str(), "x")));
    Team::sharing(&shared)
}

/// A teammate puts a file in the place of the folder `f`.
fn put_a_file_for_the_folder(team: &Team) {
    team.remove("two/f");
    team.write("two/f", "a file now");
    team.ok("two", "sync --max-delete 100%");
}

fn summary(output: &Output) -> serde_json::Value {
    lines_of(output).pop().unwrap()
}

#[test]
fn files_that_go_with_their_folder_are_counted_as_deleted_here() {
    for command in
        ["sync --max-delete 30", "pull --max-delete 30", "pull --force --max-delete 30 f"]
    {
        let team = thirty();
        put_a_file_for_the_folder(&team);
        let dry = team.ok("one", &format!("{command} --dry-run --json"));
        let real = team.ok("one", &format!("{command} --json"));
        for counts in [summary(&dry), summary(&real)] {
            let counts = (&counts["downloaded"], &counts["deleted_here"], &counts["forgotten"]);
            assert_eq!(format!("{counts:?}"), "(Number(1), Number(30), Number(0))", "{command}");
        }
        let mut told: Vec<_> =
            (0..30).map(|number| format!("delete-local f/{number:02}")).collect();
        told.push("replace-folder f".to_owned());
        assert_eq!(events(&dry, "plan"), told, "{command}");
        assert_eq!(events(&real, "done"), told, "{command}");
        assert_eq!(team.text("one/f"), "a file now");
    }
}

#[test]
fn a_person_reads_how_many_files_a_file_takes_away_before_and_afterwards() {
    let team = thirty();
    put_a_file_for_the_folder(&team);
    let status = team.ok("one", "status");
    assert!(
        status.stdout.contains("a file for a folder: f  10 B  in place of 30 files"),
        "{status:?}"
    );
    assert!(status.stdout.contains(", 30 to delete here\n"), "{status:?}");
    let dry = team.ok("one", "sync --dry-run");
    assert!(dry.stdout.contains("takes the place of a folder with 30 files"), "{dry:?}");
    let output = team.ok("one", "sync");
    assert!(output.stdout.contains("1 downloaded (10 B), 30 deleted here"), "{output:?}");
    assert!(!output.stdout.contains("forgotten"), "{output:?}");
}

#[test]
fn a_folder_that_changed_before_it_could_go_is_not_counted_as_deleted() {
    let team = thirty();
    put_a_file_for_the_folder(&team);
    let edited = team.path("one/f/00");
    team.server.once_on_request("GetObject", "f", move |_, _| {
        let file = std::fs::File::options().append(true).open(&edited).unwrap();
        std::io::Write::write_all(&mut &file, b"edited").unwrap();
    });
    let output = team.run("one", "sync --json");
    output.assert_code(3);
    let counts = summary(&output);
    assert_eq!((&counts["deleted_here"], &counts["changed_meanwhile"]), (&0.into(), &1.into()));
    assert_eq!(team.text("one/f/00"), "xedited");
    assert_eq!(team.bucket()["f"], "a file now");
}

/// A name that no key can hold, in the folder `f` of copy `one`.
fn odd_name(name: &[u8]) -> PathBuf {
    Path::new("one/f").join(OsStr::from_bytes(name))
}

#[test]
fn a_folder_with_a_name_that_is_no_utf8_is_told_as_a_folder_against_the_file_of_the_bucket() {
    // Nothing else in the folder; a file that went in the bucket; one that went on both sides.
    for (shared, removed) in [(None, false), (Some("f/x"), false), (Some("f/x"), true)] {
        for (name, is_told) in [(&b"bad\xff"[..], true), (&b"bad\xff.o"[..], false)] {
            let mut files = vec![("a", "a"), (".lsyncignore", "*.o\n")];
            files.extend(shared.map(|key| (key, "x")));
            let team = Team::sharing(&files);
            let odd = odd_name(name);
            team.write(&odd, "mine");
            if let Some(key) = shared {
                team.server.delete(BUCKET, key);
            }
            if removed {
                team.remove("one/f/x");
            }
            team.server.put(BUCKET, "f", "a file now");
            let status = team.run("one", "status");
            status.assert_code(4);
            assert!(!status.stdout.contains("To here"), "{status:?}");
            assert!(status.stdout.contains("f  a file on one side, a folder on the other"));
            for command in ["sync", "sync", "pull"] {
                let output = team.run("one", command);
                output.assert_code(4);
                assert!(!output.stderr.contains("changed meanwhile"), "{command}: {output:?}");
                assert!(output.stderr.contains("conflict f  a file on one side"), "{output:?}");
                let named = output.stderr.contains("f/bad\\xff");
                assert_eq!(named, is_told, "{command}: {output:?}");
            }
            let forced = team.run("one", "pull --force .");
            forced.assert_code(3);
            assert!(!forced.stderr.contains("changed meanwhile"), "{forced:?}");
            assert!(forced.stderr.contains("stands in the way"), "{forced:?}");
            assert_eq!(team.text(&odd), "mine");
            team.remove(&odd);
            team.ok("one", "sync");
            assert_eq!(team.text("one/f"), "a file now");
        }
    }
}
