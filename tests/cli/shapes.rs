//! A file on one side, a folder of the same name on the other.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::support::{Checking, Output, Profile, Quirks};
use crate::team::{BUCKET, Team, events, files, lines_of};

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

/// A team of whom one has a file `f` where the bucket has a folder of two files.
fn file_here() -> Team {
    let team = Team::sharing(&[("g", "g")]);
    team.write("one/f", "our file");
    for key in ["f/a", "f/d/b"] {
        team.server.put(BUCKET, key, "theirs");
    }
    team
}

/// A team of whom one has a folder of two files where the bucket has a file `f`.
fn folder_here() -> Team {
    let team = Team::sharing(&[("g", "g")]);
    team.server.put(BUCKET, "f", "their file");
    for path in ["one/f/a", "one/f/d/b"] {
        team.write(path, "ours");
    }
    team
}

/// Settles the conflict, and checks what is on both sides afterwards, and that this is all.
#[track_caller]
fn assert_settles(team: &Team, command: &str, expected: &[(&str, &str)], lost: &[(&str, &str)]) {
    let conflict = team.run("one", "sync");
    conflict.assert_code(4);
    assert!(conflict.stderr.contains("`lsync resolve` settles conflicts"), "{conflict:?}");
    let output = team.ok("one", command);
    let plain = |(path, text): (String, String)| {
        let (stem, rest) = path.split_once(".conflict-").unwrap_or((&path, ""));
        (format!("{stem}{}", if rest.is_empty() { "" } else { " copy" }), text)
    };
    let found: std::collections::BTreeMap<_, _> = team.bucket().into_iter().map(plain).collect();
    assert_eq!(found, files(expected), "{command}: {output:?}");
    let lost: Vec<_> = lost.iter().map(|(path, text)| ((*path).into(), (*text).into())).collect();
    assert_eq!(team.trashed("one"), lost, "{command}");
    team.ok("two", "sync --max-delete 100%");
    team.assert_agreed();
}

#[test]
fn resolve_settles_a_file_here_against_a_folder_in_the_bucket() {
    let folder = [("f/a", "theirs"), ("f/d/b", "theirs"), ("g", "g")];
    let lost = [("bucket/f/a", "theirs"), ("bucket/f/d/b", "theirs")];
    assert_settles(&file_here(), "resolve --ours", &[("f", "our file"), ("g", "g")], &lost);
    assert_settles(&file_here(), "resolve --theirs", &folder, &[("local/f", "our file")]);
    let mut both = vec![("f copy", "our file")];
    both.extend(folder);
    assert_settles(&file_here(), "resolve --both f", &both, &[]);
}

#[test]
fn resolve_settles_a_folder_here_against_a_file_in_the_bucket() {
    let folder = [("f/a", "ours"), ("f/d/b", "ours"), ("g", "g")];
    assert_settles(&folder_here(), "resolve --ours", &folder, &[("bucket/f", "their file")]);
    let lost = [("local/f/a", "ours"), ("local/f/d/b", "ours")];
    assert_settles(&folder_here(), "resolve --theirs", &[("f", "their file"), ("g", "g")], &lost);
    let mut both = vec![("f copy", "their file")];
    both.extend(folder);
    assert_settles(&folder_here(), "resolve --both", &both, &[]);
}

#[test]
fn a_store_that_holds_no_file_beside_a_folder_is_settled_too() {
    for (command, count) in [("resolve --ours", 3), ("resolve --both", 4)] {
        let team = Team::sharing_on(Profile::NoFileBesideFolder, &[("g", "g")]);
        team.server.put(BUCKET, "f", "their file");
        for path in ["one/f/a", "one/f/d/b"] {
            team.write(path, "ours");
        }
        team.run("one", "sync").assert_code(4);
        team.ok("one", command);
        assert_eq!(team.bucket().len(), count, "{command}");
        assert_eq!(team.texts("one"), team.bucket(), "{command}");
    }
}

#[test]
fn newest_leaves_a_file_against_a_folder_open_and_says_why() {
    for team in [file_here(), folder_here()] {
        let output = team.run("one", "resolve --newest");
        output.assert_code(4);
        assert!(output.stderr.contains("a folder has no time of its own"), "{output:?}");
        assert_eq!(team.transfers(), Vec::<String>::new());
    }
}

#[test]
fn what_somebody_adds_while_the_conflict_is_settled_is_not_taken_away() {
    // A teammate adds to the folder in the bucket, which is listed a second time.
    let team = file_here();
    let lists = std::sync::atomic::AtomicUsize::new(0);
    team.server.on_request("ListObjectsV2", "*", move |bucket, _| {
        if lists.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 1 {
            bucket.put(BUCKET, "f/new", "a teammate's");
        }
    });
    let before = team.texts("one");
    team.run("one", "resolve --ours").assert_code(4);
    team.server.clear_hooks();
    assert_eq!(team.bucket()["f/new"], "a teammate's");
    assert_eq!(team.bucket().len(), 4);
    assert_eq!(team.texts("one"), before);
    // Somebody here saves into the folder while the file is fetched.
    let team = folder_here();
    let late = team.path("one/f/late");
    team.server.once_on_request("GetObject", "f", move |_, _| {
        let file = std::fs::File::options().write(true).create_new(true).open(&late).unwrap();
        std::io::Write::write_all(&mut &file, b"late").unwrap();
    });
    team.run("one", "resolve --theirs").assert_code(3);
    assert_eq!(team.text("one/f/late"), "late");
    assert_eq!(team.text("one/f/a"), "ours");
}

#[test]
fn a_file_that_is_edited_while_it_is_set_aside_keeps_its_name_and_the_edit() {
    let team = file_here();
    let ours = team.path("one/f");
    let lists = std::sync::atomic::AtomicUsize::new(0);
    team.server.on_request("ListObjectsV2", "*", move |_, _| {
        if lists.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 1 {
            let file = std::fs::File::options().append(true).open(&ours).unwrap();
            std::io::Write::write_all(&mut &file, b", edited").unwrap();
        }
    });
    let output = team.run("one", "resolve --both");
    assert!(matches!(output.code, Some(3 | 4)), "{output:?}");
    assert_eq!(team.text("one/f"), "our file, edited");
}

#[test]
fn a_link_in_the_folder_is_named_as_what_stands_in_the_way() {
    let team = folder_here();
    std::os::unix::fs::symlink("nowhere", team.path("one/f/link")).unwrap();
    for command in ["resolve --theirs", "resolve --theirs"] {
        let output = team.run("one", command);
        output.assert_code(4);
        assert!(output.stderr.contains("f  something that is left alone stands"), "{output:?}");
    }
    assert_eq!(team.text("one/f/a"), "ours");
    // The other way nothing here has to go.
    team.ok("one", "resolve --ours");
    assert_eq!(team.bucket().len(), 3);
    assert!(team.path("one/f/link").is_symlink());
}

/// `d` is a file here, and in the bucket a file of the same length and a folder; nothing but the bytes of
/// the two files can compare them.
fn contested_and_not_comparable() -> Team {
    let quirks = Quirks { checksums: Checking::Ignored, ..Profile::RandomEtags.quirks() };
    let team = Team::without_copies_on(quirks);
    team.ok("one", "init team .");
    team.write("one/keep", "k");
    team.ok("one", "sync");
    team.write("one/d", "mine!");
    team.server.put(BUCKET, "d", "their");
    team.server.put(BUCKET, "d/in", "theirs");
    team.run("one", "sync").assert_code(4);
    team
}

#[test]
fn a_file_against_a_folder_is_settled_although_only_a_download_could_compare_it() {
    let team = contested_and_not_comparable();
    team.ok("one", "resolve --ours d");
    assert_eq!(team.bucket(), files(&[("d", "mine!"), ("keep", "k")]));
}

#[test]
fn theirs_cannot_be_had_where_the_bucket_holds_a_file_and_a_folder_and_that_is_said() {
    let team = contested_and_not_comparable();
    let output = team.run("one", "resolve --theirs d");
    output.assert_code(4);
    assert!(output.stderr.contains("the bucket holds a file of this name"), "{}", output.stderr);
    assert_eq!(team.text("one/d"), "mine!");
    assert_eq!(team.bucket(), files(&[("d", "their"), ("d/in", "theirs"), ("keep", "k")]));
}
