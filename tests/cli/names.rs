//! Hostile and odd names, and sides that cannot be seen: B10 to B12 of what the older tools got wrong.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Encoding, Fault, FaultRule, Profile, Quirks, Unwritable};
use crate::team::{BUCKET, Team, events, files, lines_of};

/// Names that trip shells, parsers, terminals, listings and YAML.
const ODD: [&str; 21] = [
    "a:b.txt",
    "e\u{301}te\u{301}",
    "\u{e9}t\u{e9}",
    "sp ace ",
    "#?%+&<>\"'*[]{}|",
    "%2e%2e%2fx",
    "new\nline",
    "-rf",
    "--",
    ".lsync_notes",
    ".lsyncignored/x",
    "back\\slash",
    "C:\\x",
    "no",
    "~",
    "1e3",
    "- a: b #c",
    "\u{1f600}",
    "\u{7f}\u{1b}[31m",
    "C:",
    "日本/語",
];

#[test]
fn a_name_that_the_store_has_no_place_for_is_told_as_that_and_not_as_changed_meanwhile() {
    let team = Team::sharing(&[("f", "f")]);
    team.write("one/odd\nname", "new");
    team.server.fault(FaultRule::new("PutObject", "odd*", Fault::Status(404, "NoSuchKey")));
    for _ in 0..2 {
        let output = team.run("one", "sync");
        output.assert_code(3);
        let text = &output.stderr;
        assert!(text.contains("the store does not take this name (NoSuchKey"), "{text}");
        assert!(!text.contains("meanwhile") && !text.contains("was changed"), "{text}");
    }
    assert_eq!(team.text("one/odd\nname"), "new");
}

#[test]
fn b10_odd_names_travel_unchanged_and_a_second_sync_does_nothing() {
    let team = Team::new();
    for (number, name) in ODD.iter().enumerate() {
        team.write(format!("one/{name}"), number.to_string());
    }
    let output = team.ok("one", "sync -v");
    assert!(!(output.stdout + &output.stderr).contains('\u{1b}'), "names are escaped");
    team.ok("two", "sync");
    assert_eq!(team.texts("two"), team.texts("one"));
    assert_eq!(team.bucket().len(), ODD.len());
    team.assert_agreed();
    // And each can be named by itself.
    for name in ODD {
        team.write(format!("one/{name}"), format!("again {name}"));
        team.lsync("one", ["push", "--", name]).assert_code(0);
    }
    // All of them at once: the guard would ask.
    team.ok("two", "pull --max-change 100%");
    assert_eq!(team.texts("two"), team.texts("one"));
    // Nor does one of them go by mistake, or take another along.
    for name in ODD {
        team.remove(format!("one/{name}"));
        team.lsync("one", ["push", "--max-delete", "100%", "--", name]).assert_code(0);
        assert!(!team.bucket().contains_key(name), "{name:?}");
    }
    assert_eq!(team.bucket(), files(&[]));
}

#[test]
fn b10_a_name_that_is_no_utf8_is_an_error_of_its_own_and_left() {
    let team = Team::sharing(&[("f", "f")]);
    for odd in [&b"caf\xe9.txt"[..], b"\xff"] {
        #[expect(clippy::disallowed_methods, reason = "the test plays an editor")]
        fs::write(team.path("one").join(OsStr::from_bytes(odd)), "latin 1").unwrap();
    }
    team.write("one/g", "g");
    for _ in 0..2 {
        let output = team.run("one", "sync");
        output.assert_code(3);
        assert!(output.stderr.contains(r"caf\xe9.txt"), "{}", output.stderr);
        assert!(output.stderr.contains(r"\xff"), "{}", output.stderr);
        assert!(output.stderr.contains("hint:"), "{}", output.stderr);
        assert_eq!(team.bucket(), files(&[("f", "f"), ("g", "g")]));
    }
    team.server.clear_log();
    team.run("one", "sync").assert_code(3);
    assert_eq!(team.transfers(), Vec::<String>::new());
    for odd in [&b"caf\xe9.txt"[..], b"\xff"] {
        assert!(team.path("one").join(OsStr::from_bytes(odd)).exists());
    }
}

/// Returns every name in the folder that holds the working copies.
fn neighbours(team: &Team) -> BTreeSet<String> {
    let names = fs::read_dir(team.root()).unwrap();
    names.map(|item| item.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// Keys that no working copy can hold.
fn hostile() -> Vec<String> {
    let long = "n".repeat(256);
    let mut keys: Vec<String> = [
        "../evil",
        "../one-evil/p",
        "../two/evil",
        "/abs",
        "/",
        "//",
        "a//b",
        "a/../../y",
        "a/./b",
        "./c",
        "..",
        "full/",
        ".lsync/config.yaml",
        ".lsync/tmp/x",
        ".LSYNC/config.yaml",
        ".lsync./x",
        ".lsync /x",
        ".lsync::$INDEX_ALLOCATION/x",
        ".l\u{200c}sync/x",
        "x/.lsync/config.yaml",
        "x/.Lsync",
        "LSYNC~1/x",
        "nul\0byte",
    ]
    .map(str::to_owned)
    .into();
    keys.push(long.clone());
    keys.push(format!("{long}/below"));
    keys.push(format!("{}/{}", "d/".repeat(500), "k".repeat(25)));
    keys
}

#[test]
fn b11_keys_that_cannot_be_paths_are_each_reported_and_never_written() {
    let team = Team::new();
    let hostile = hostile();
    for key in &hostile {
        team.server.put(BUCKET, key, "evil");
    }
    team.server.put(BUCKET, "docs/good", "good");
    team.server.put(BUCKET, "empty/", "");
    let (around, config) = (neighbours(&team), team.control("one"));
    // Twice, since what was wrong once must be wrong in the same way again.
    for command in ["pull --json", "sync --json"] {
        let output = team.run("one", command);
        output.assert_code(3);
        let lines = lines_of(&output);
        for key in &hostile {
            let is_it = |line: &&serde_json::Value| line["path"] == key.as_str();
            if key.starts_with(".lsync/") {
                // Lsync's own, which every client leaves out.
                assert_eq!(lines.iter().find(is_it), None, "{key:?}");
                continue;
            }
            let line = lines.iter().find(is_it).unwrap_or_else(|| panic!("{key:?}: {lines:?}"));
            assert_eq!(line["event"], "skipped", "{line}");
            assert!(line["reason"].is_string() && line["hint"].is_string(), "{line}");
        }
        assert_eq!(team.texts("one"), files(&[("docs/good", "good")]));
    }
    assert_eq!(neighbours(&team), around);
    let control = team.control("one");
    assert_eq!(control["config.yaml"], config["config.yaml"]);
    assert_eq!(team.snapshot("one/.lsync/tmp").len(), 0);
    assert!(!team.exists("one/x") && !team.exists("one/LSYNC~1"));
    assert_eq!(team.bucket().len(), hostile.len() + 2);
    // Nor does a mirror touch what it cannot name, nor a force write where it leads.
    team.write("one/new", "new");
    team.run("one", "push --mirror --yes").assert_code(3);
    assert_eq!(team.bucket().len(), hostile.len() + 3);
    for operand in ["../evil", ".lsync/config.yaml", ".LSYNC/config.yaml", "x/.lsync"] {
        team.lsync("one", ["pull", "--force", operand]).assert_code(2);
    }
    assert_eq!(neighbours(&team), around);
    assert_eq!(team.read("one/.lsync/config.yaml"), config["config.yaml"].0);
}

#[test]
fn b11_control_characters_in_keys_become_names_and_never_reach_the_terminal() {
    let team = Team::new();
    let keys =
        ["bell\u{7}", "esc\u{1b}[2J", "new\nline", "tab\t", "cr\rx", "\u{85}next", "del\u{7f}"];
    for key in keys {
        team.server.put(BUCKET, key, key);
        team.server.put(BUCKET, &format!("../{key}"), "evil");
    }
    let around = neighbours(&team);
    let output = team.run("one", "pull -v");
    output.assert_code(3);
    let shown = output.stdout + &output.stderr;
    let is_raw = |c: char| c.is_control() && c != '\n';
    assert!(!shown.contains(is_raw), "{shown:?}");
    assert!(!shown.contains("new\nline"), "{shown}");
    let expected: Vec<_> = keys.iter().map(|key| (*key, *key)).collect();
    assert_eq!(team.texts("one"), files(&expected));
    assert_eq!(neighbours(&team), around);
}

#[test]
fn b11_keys_longer_than_1024_bytes_are_reported_in_either_direction() {
    let team = Team::sharing(&[("f", "f")]);
    let folder = |letter: &str| format!("{}/", letter.repeat(200)).repeat(5);
    let (long, longest) =
        (format!("{}{}", folder("a"), "x".repeat(20)), folder("b") + &"y".repeat(19));
    assert_eq!((long.len(), longest.len()), (1025, 1024));
    team.write(format!("one/{long}"), "too long");
    team.write(format!("one/{longest}"), "just right");
    let output = team.run("one", "sync --json");
    output.assert_code(3);
    assert_eq!(team.server.keys(BUCKET), [longest.as_str(), "f"]);
    let skipped = events(&output, "skipped");
    assert_eq!(skipped.len(), 1, "{skipped:?}");
    assert!(skipped[0].contains("aaa"), "{skipped:?}");
    // The other way round the object is left, and what fits comes.
    team.server.put(BUCKET, &long, "too long");
    let output = team.run("two", "pull --json");
    output.assert_code(3);
    assert_eq!(events(&output, "skipped").len(), 1);
    assert_eq!(team.texts("two"), files(&[(&longest, "just right"), ("f", "f")]));
    assert_eq!(team.bucket()[&long], "too long");
}

#[test]
fn b11_a_file_and_a_folder_of_one_name_in_the_bucket_are_reported_and_left() {
    let team = Team::sharing(&[("z", "z")]);
    team.server.put(BUCKET, "f", "file");
    team.server.put(BUCKET, "f/g", "below it");
    team.server.put(BUCKET, "h", "fine");
    for command in ["pull", "sync", "pull --force .", "pull --mirror --yes"] {
        team.run("one", command).assert_code(3);
        assert_eq!(team.texts("one"), files(&[("h", "fine"), ("z", "z")]), "{command}");
        assert_eq!(team.bucket().len(), 4, "{command}");
    }
}

#[test]
fn b12_without_its_root_a_working_copy_deletes_nothing() {
    let team = Team::sharing(&[("a", "a"), ("d/b", "b")]);
    let before = team.bucket();
    // As where the disk of the working copy is not mounted: an empty folder in its place.
    fs::rename(team.path("one"), team.path("unmounted")).unwrap();
    fs::create_dir(team.path("one")).unwrap();
    for command in ["sync", "push", "push --mirror --yes"] {
        team.run("one", command).assert_code(10);
    }
    assert_eq!(fs::read_dir(team.path("one")).unwrap().count(), 0, "nothing was made there");
    assert_eq!(team.requests(), Vec::<String>::new());
    assert_eq!(team.bucket(), before);
}

#[test]
fn b12_what_lies_in_an_unreadable_folder_is_not_taken_for_deleted() {
    let team = Team::sharing(&[("locked/f", "f"), ("g", "g")]);
    team.server.put(BUCKET, "locked/new", "new");
    fs::set_permissions(team.path("one/locked"), fs::Permissions::from_mode(0o000)).unwrap();
    team.write("one/g", "edited");
    let output = team.run_bound_by_permissions("one", "sync");
    fs::set_permissions(team.path("one/locked"), fs::Permissions::from_mode(0o755)).unwrap();
    let Some(output) = output else {
        return println!("skipped: no way to drop root's rights here");
    };
    output.assert_code(3);
    assert!(output.stderr.contains("locked"), "{}", output.stderr);
    assert_eq!(team.bucket(), files(&[("g", "edited"), ("locked/f", "f"), ("locked/new", "new")]));
    assert_eq!(team.texts("one"), files(&[("g", "edited"), ("locked/f", "f")]));
}

#[test]
fn b12_a_listing_that_fails_on_its_second_page_deletes_nothing() {
    let team = Team::new();
    for number in 0..1_100 {
        team.server.put(BUCKET, &format!("f{number:04}"), "f");
    }
    team.ok("one", "pull");
    let before = (team.bucket(), team.texts("one"), team.control("one"));
    for command in ["sync", "push", "pull --mirror --yes --max-delete 100%"] {
        // From the second page on, however often it is asked for.
        let fault = Fault::Status(403, "AccessDenied");
        team.server.fault(FaultRule::new("ListObjectsV2", "*", fault).after(1));
        let output = team.run("one", command);
        team.server.clear_faults();
        assert!(matches!(output.code, Some(1 | 12)), "{command}: {output:?}");
        assert!(output.stderr.contains("error:"), "{command}: {}", output.stderr);
        let after = (team.bucket(), team.texts("one"), team.control("one"));
        assert_eq!(after, before, "{command}");
    }
    team.assert_quiet("one");
}

#[test]
fn b12_a_head_that_is_refused_or_fails_is_no_deletion() {
    let team = Team::sharing(&[("a", "a"), ("d/b", "b")]);
    team.write("one/d/b", "edited");
    let before = (team.bucket(), team.texts("one"));
    for (command, fault) in [
        ("sync a", Fault::Status(403, "AccessDenied")),
        ("pull a", Fault::Status(403, "AccessDenied")),
        ("pull --force a", Fault::Status(403, "AccessDenied")),
        ("sync d", Fault::Status(403, "AccessDenied")),
        ("push d/b", Fault::Status(403, "AccessDenied")),
        ("sync a d", Fault::Status(503, "SlowDown")),
    ] {
        team.server.fault(FaultRule::new("HeadObject", "*", fault.clone()));
        let output = team.run("one", command);
        team.server.clear_faults();
        assert!(matches!(output.code, Some(1 | 12 | 13)), "{fault:?} {command}: {output:?}");
        assert!(output.stderr.contains("error:"), "{fault:?} {command}: {}", output.stderr);
        assert_eq!((team.bucket(), team.texts("one")), before, "{fault:?} {command}");
    }
    team.ok("one", "sync d");
    assert_eq!(team.bucket()["d/b"], "edited");
}

/// Names with blanks in folders and files, a plus, and characters that XML cannot hold.
const SPELT_IN_SEVERAL_WAYS: [(&str, &str); 8] = [
    ("a b/c d", "1"),
    ("a b/c+d", "2"),
    ("a+b/c d+e", "3"),
    ("a b/ctrl\u{1}x", "4"),
    ("plain", "5"),
    ("nonchar\u{fffe}", "6"),
    ("replaced\u{fffd}", "7"),
    ("\u{1f} + é", "8"),
];

#[test]
fn names_come_out_of_a_listing_as_they_went_in_however_the_store_spells_them() {
    let seaweedfs = Encoding { keeps: "-_.~/", plus: true, folders_without_plus: true };
    let percent = Encoding { keeps: "-_.~/", plus: false, folders_without_plus: false };
    let spared = Encoding { keeps: "-_.~/+", plus: false, folders_without_plus: false };
    for encoding in [seaweedfs, percent, spared] {
        for unwritable in [Unwritable::Raw, Unwritable::Replaced, Unwritable::Fails] {
            let quirks = Quirks { encoding, unwritable, ..Profile::Aws.quirks() };
            let team = Team::without_copies_on(quirks);
            for copy in ["one", "two"] {
                team.join(copy);
            }
            for (path, text) in SPELT_IN_SEVERAL_WAYS {
                team.write(format!("one/{path}"), text);
            }
            team.ok("one", "sync");
            team.ok("two", "sync");
            let what = format!("{encoding:?} {unwritable:?}");
            assert_eq!(team.texts("two"), files(&SPELT_IN_SEVERAL_WAYS), "{what}");
            for copy in ["one", "two"] {
                // Only where neither the plain form nor the page itself tells what a `+` means, a look does.
                let is_told = unwritable != Unwritable::Fails || encoding != spared;
                let looks: &[&str] =
                    if is_told { &["ListObjectsV2"] } else { &["HeadObject", "ListObjectsV2"] };
                team.assert_quiet_but_for(copy, looks);
            }
        }
    }
}

#[test]
fn a_name_that_the_store_would_keep_under_another_one_is_left_alone_and_told() {
    let team =
        Team::without_copies_on(Quirks { backslash_is_slash: true, ..Profile::Aws.quirks() });
    let output = team.ok("one", "init team .");
    let words = "the store keeps names with a backslash under other names";
    assert!(output.stderr.contains(words), "{}", output.stderr);
    assert!(team.text("one/.lsync/config.yaml").contains("changed_names:\n  - backslash\n"));
    assert_eq!(team.server.keys(BUCKET), Vec::<String>::new());
    team.write("one/back\\slash", "one's own");
    team.write("one/plain", "plain");
    team.server.put(BUCKET, "back/slash", "somebody's");
    for _ in 0..2 {
        let output = team.run("one", "sync");
        output.assert_code(3);
        let words = "the store keeps no names with a backslash as they are";
        assert!(output.stderr.contains(words), "{}", output.stderr);
        assert_eq!(team.text("one/back\\slash"), "one's own");
        assert_eq!(team.text("one/back/slash"), "somebody's");
        let expected = [("back/slash", "somebody's"), ("plain", "plain")];
        assert_eq!(team.bucket(), files(&expected));
    }
    // A teammate whose `init` was before the store did so deletes nothing here for it either.
    team.join("two");
    team.write("two/back\\slash", "two's own");
    team.run("two", "sync");
    team.run("two", "sync");
    assert_eq!(team.text("two/back\\slash"), "two's own");
}
