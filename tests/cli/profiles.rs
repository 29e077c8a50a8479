//! What each kind of store means for a team, as `docs/stores.md` tells it: what init says and writes
//! down, and what survives somebody who writes in the instant between a look and a write.

use crate::support::{Fault, FaultRule, Profile};
use crate::team::{BUCKET, Team, files};

/// What a team finds out about a kind of store.
struct Kind {
    profile: Profile,
    /// What init says of the store.
    says: &'static str,
    /// Notes of init, by a few of their words.
    notes: &'static [&'static str],
    /// Lines of the config that are not those of AWS.
    config: &'static [&'static str],
    /// Somebody's write in the instant before ours, and before our deletion, survives.
    survives: (bool, bool),
}

const GUARDED: &str = "guards writes, uploads in parts and deletions against races";
const NOTHING_GUARDED: &str = "guards nothing against races";
const SAME_SECOND: &str = "push the same file in the same second can overwrite each other";
const LARGE_FILES: &str = "push the same file above 8 MiB in the same second";
const DELETIONS: &str = "an edit of the same second can be deleted with the file";

const KINDS: [Kind; 18] = [
    Kind { profile: Profile::Aws, says: GUARDED, notes: &[], config: &[], survives: (true, true) },
    Kind {
        profile: Profile::Versioned,
        says: "keeps old versions",
        notes: &["the bucket keeps old versions"],
        config: &["versioning: true"],
        survives: (true, true),
    },
    Kind {
        profile: Profile::ObjectLock,
        says: "keeps old versions; nothing can be deleted for good",
        notes: &[
            "the bucket keeps old versions",
            "probable, and no more",
            "the store refuses to delete versions",
        ],
        config: &[
            "conditional_delete: none",
            "versioning: true",
            "probable: true",
            "undeletable: true",
        ],
        survives: (true, false),
    },
    Kind {
        profile: Profile::Moto,
        says: "guards writes and deletions against races, not uploads in parts",
        notes: &[LARGE_FILES],
        config: &["conditional_complete: none"],
        survives: (true, true),
    },
    Kind {
        profile: Profile::Ceph,
        says: "guards writes against races, not uploads in parts and deletions",
        notes: &[LARGE_FILES, DELETIONS],
        config: &[
            "conditional_put: atomic-unquoted",
            "conditional_complete: none",
            "conditional_delete: none",
        ],
        survives: (true, false),
    },
    Kind {
        profile: Profile::NoConditionalDelete,
        says: "guards writes and uploads in parts against races, not deletions",
        notes: &[DELETIONS],
        config: &["conditional_delete: none"],
        survives: (true, false),
    },
    Kind {
        profile: Profile::Garage,
        says: NOTHING_GUARDED,
        notes: &[SAME_SECOND, DELETIONS],
        config: &[
            "conditional_put: none",
            "conditional_complete: none",
            "conditional_delete: none",
        ],
        survives: (false, false),
    },
    Kind {
        profile: Profile::Rclone,
        says: NOTHING_GUARDED,
        notes: &[SAME_SECOND, DELETIONS],
        config: &[
            "conditional_put: none",
            "conditional_complete: none",
            "conditional_delete: none",
        ],
        survives: (false, false),
    },
    Kind {
        profile: Profile::NoParts,
        says: "guards writes and deletions against races",
        notes: &["the store takes no uploads in parts: a large file goes with one request"],
        config: &["conditional_complete: none", "uploads_in_parts: false"],
        survives: (true, true),
    },
    Kind {
        profile: Profile::B2,
        says: NOTHING_GUARDED,
        notes: &[SAME_SECOND, DELETIONS],
        config: &[
            "conditional_put: none",
            "conditional_complete: none",
            "conditional_delete: none",
            "checksum: none",
        ],
        survives: (false, false),
    },
    Kind {
        profile: Profile::Racy,
        says: NOTHING_GUARDED,
        notes: &[SAME_SECOND, DELETIONS],
        config: &[
            "conditional_put: none",
            "conditional_complete: none",
            "conditional_delete: none",
        ],
        survives: (false, false),
    },
    Kind {
        profile: Profile::RandomEtags,
        says: GUARDED,
        notes: &[],
        config: &["etag_is_md5: false"],
        survives: (true, true),
    },
    Kind {
        profile: Profile::NoEtagInList,
        says: GUARDED,
        notes: &["every file costs a request"],
        config: &["etag_in_listing: false"],
        survives: (true, true),
    },
    Kind {
        profile: Profile::FolderOrder,
        says: GUARDED,
        notes: &["the store lists folder by folder"],
        config: &["listing_order: folders", "start_after: false"],
        survives: (true, true),
    },
    Kind {
        profile: Profile::EncodedStartAfter,
        says: GUARDED,
        notes: &["the store cannot begin a listing behind any key"],
        config: &["start_after: false"],
        survives: (true, true),
    },
    Kind {
        profile: Profile::NoFileBesideFolder,
        says: GUARDED,
        notes: &["cannot stand side by side"],
        config: &["file_beside_folder: false"],
        survives: (true, true),
    },
    Kind {
        profile: Profile::SeaweedFs,
        says: "guards writes and deletions against races, not uploads in parts",
        notes: &[
            "the store lists folder by folder",
            "cannot stand side by side",
            "names with a backslash under other names",
            "the store ignores conditions on uploads in parts",
        ],
        config: &[
            "conditional_complete: none",
            "listing_order: folders",
            "start_after: false",
            "changed_names:",
            "- backslash",
            "file_beside_folder: false",
        ],
        survives: (true, true),
    },
    Kind {
        profile: Profile::Swift,
        says: "guards nothing against races",
        notes: &[
            "the store ignores conditions or does not keep them under load",
            "the store refuses to delete a file that was sent in parts",
            "the store ignores conditions on deletions",
        ],
        config: &[
            "conditional_put: none",
            "conditional_complete: none",
            "conditional_delete: none",
        ],
        survives: (false, false),
    },
];

/// Returns what the config records of a store.
fn recorded(team: &Team) -> Vec<String> {
    let config = team.text("one/.lsync/config.yaml");
    let store = config.split_once("store:\n").unwrap().1;
    store.lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn init_tells_a_person_and_the_config_what_the_store_does_not_do() {
    let aws = Team::without_copies(Profile::Aws);
    aws.ok("one", "init team .");
    let aws = recorded(&aws);
    for kind in KINDS {
        let team = Team::without_copies(kind.profile);
        let output = team.ok("one", "init team .");
        let said = format!("{}{}", output.stdout, output.stderr);
        assert!(said.contains(kind.says), "{:?}: {said}", kind.profile);
        let notes = said.lines().filter(|line| line.starts_with("note: "));
        assert_eq!(notes.count(), kind.notes.len(), "{:?}: {said}", kind.profile);
        for note in kind.notes {
            assert!(said.contains(note), "{:?}: no {note:?} in {said}", kind.profile);
        }
        let lines = recorded(&team).into_iter();
        let differing: Vec<_> = lines.filter(|line| !aws.contains(line)).collect();
        assert_eq!(differing, kind.config, "{:?}", kind.profile);
        assert_eq!(team.server.keys(BUCKET), Vec::<String>::new(), "{:?}", kind.profile);
    }
}

#[test]
fn a_conflict_and_a_deletion_end_the_same_on_every_store() {
    for Kind { profile, .. } in KINDS {
        let base = [("both", "base"), ("gone", "gone"), ("edited", "edited"), ("g", "g")];
        let team = Team::sharing_on(profile, &base);
        for copy in ["one", "two"] {
            team.write(format!("{copy}/both"), copy);
        }
        team.remove("one/gone");
        team.remove("two/edited");
        team.write("one/edited", "by one");
        team.ok("one", "sync");
        team.run("two", "sync").assert_code(4);
        let bucket = files(&[("both", "one"), ("edited", "by one"), ("g", "g")]);
        assert_eq!(team.bucket(), bucket, "{profile:?}");
        assert_eq!(team.texts("two"), files(&[("both", "two"), ("g", "g")]), "{profile:?}");
        assert_eq!(team.trashed("two"), [("local/gone".to_owned(), "gone".to_owned())]);
    }
}

#[test]
fn what_survives_a_write_in_the_instant_between_look_and_write() {
    for Kind { profile, survives: (before_write, before_deletion), .. } in KINDS {
        let team = Team::sharing_on(profile, &[("f", "base"), ("gone", "base"), ("g", "g")]);
        team.write("one/f", "ours");
        team.remove("one/gone");
        for (operation, key) in [("PutObject", "f"), ("DeleteObject", "gone")] {
            team.server.once_on_request(operation, key, move |tool, _| {
                tool.put(BUCKET, key, "another tool's");
            });
        }
        let output = team.run("one", "sync");
        let all_survive = before_write && before_deletion;
        output.assert_code(if before_write || before_deletion { 3 } else { 0 });
        let bucket = team.bucket();
        let there = |key: &str| bucket.get(key).map(String::as_str);
        assert_eq!(there("f") == Some("another tool's"), before_write, "{profile:?}");
        assert_eq!(there("gone") == Some("another tool's"), before_deletion, "{profile:?}");
        assert_eq!(team.text("one/f"), "ours", "{profile:?}");
        if all_survive {
            // Nothing was done behind anybody's back: the next run shows both sides.
            team.run("one", "sync").assert_code(4);
        }
    }
}

#[test]
fn a_listing_that_cannot_be_trusted_deletes_nothing() {
    for (profile, words) in [
        (Profile::UnsortedList, "out of order"),
        (Profile::EndlessTruncation, "out of order"),
        (Profile::TruncatedWithoutToken, "breaks off"),
        (Profile::EndlessEmptyPages, "without an end"),
    ] {
        let team = Team::without_copies(profile);
        team.join("one");
        for path in ["a", "b", "c"] {
            team.write(format!("one/{path}"), path);
            team.server.put(BUCKET, path, path);
        }
        team.remove("one/c");
        for line in ["sync", "push", "pull", "pull --mirror --yes", "push --mirror --yes"] {
            let output = team.run("one", line);
            output.assert_code(1);
            assert!(output.stderr.contains(words), "{profile:?} {line}: {}", output.stderr);
        }
        assert_eq!(team.texts("one"), files(&[("a", "a"), ("b", "b")]), "{profile:?}");
        assert_eq!(team.bucket().len(), 3, "{profile:?}");
    }
}

#[test]
fn a_bucket_that_takes_no_writes_can_be_pulled() {
    let team = Team::without_copies(Profile::ReadOnly);
    team.server.put(BUCKET, "f", "f");
    let output = team.ok("one", "init team .");
    assert!(output.stdout.contains("store: read-only"), "{output:?}");
    assert!(output.stderr.contains("only pull works"), "{output:?}");
    team.ok("one", "pull");
    team.write("one/f", "edited");
    team.write("one/new", "new");
    assert_ne!(team.run("one", "push").code, Some(0));
    assert_eq!(team.bucket(), files(&[("f", "f")]));
    assert_eq!(team.text("one/f"), "edited");
}

#[test]
fn a_storm_of_503_slows_a_team_down_and_changes_nothing_else() {
    let team = Team::without_copies(Profile::Aws);
    team.server.fault(FaultRule::new("*", "*", Fault::Status(503, "SlowDown")).chance(0.15, 1));
    team.ok("one", "init team .");
    team.join("two");
    assert_eq!(team.text("one/.lsync/config.yaml"), team.text("two/.lsync/config.yaml"));
    for number in 0..20 {
        team.write(format!("one/{number}"), number.to_string());
    }
    team.ok("one", "sync");
    team.ok("two", "sync");
    team.remove("one/7");
    team.write("two/8", "edited");
    for copy in ["one", "two", "one"] {
        team.ok(copy, "sync");
    }
    assert_eq!(team.texts("one"), team.bucket());
    assert_eq!(team.texts("two"), team.bucket());
    assert_eq!((team.bucket().len(), team.bucket()["8"].as_str()), (19, "edited"));
}
