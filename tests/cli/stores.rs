//! The everyday story on stores that promise less than AWS.

use crate::support::{Fault, FaultRule, Profile, Quirks};
use crate::team::{BUCKET, Team, assert_error, files};

/// New files, edits both ways, a deletion, a conflict, and both ways to settle it.
fn everyday_story(profile: Profile) {
    let team =
        Team::sharing_on(profile, &[("a", "base"), ("b/c", "base"), ("d", "base"), ("e", "")]);
    team.write("one/a", "edited by one");
    team.write("two/b/c", "edited by two");
    team.remove("two/d");
    team.write("two/new", "new");
    for copy in ["one", "two", "one"] {
        team.ok(copy, "sync");
    }
    let expected = [("a", "edited by one"), ("b/c", "edited by two"), ("e", ""), ("new", "new")];
    assert_eq!(team.bucket(), files(&expected), "{profile:?}");
    assert_agreed(&team, profile);
    for path in ["a", "new"] {
        team.write(format!("one/{path}"), "from one");
        team.write(format!("two/{path}"), "from two");
    }
    team.ok("one", "sync");
    let output = team.run("two", "sync");
    output.assert_code(4);
    assert_eq!(team.bucket()["a"], "from one", "{profile:?}");
    assert_eq!(team.text("two/a"), "from two", "{profile:?}");
    team.ok("two", "resolve --ours a");
    team.ok("two", "resolve --theirs new");
    team.ok("one", "sync");
    assert_eq!(team.text("one/a"), "from two", "{profile:?}");
    assert_eq!(team.text("two/new"), "from one", "{profile:?}");
    assert!(team.trashed("two").contains(&("bucket/a".to_owned(), "from one".to_owned())));
    assert_agreed(&team, profile);
}

/// Checks that both copies equal the bucket, and that one more sync only looks.
#[track_caller]
fn assert_agreed(team: &Team, profile: Profile) {
    let looks: &[&str] = match profile {
        // There a HEAD of each object says what the listing does not.
        Profile::NoEtagInList => &["HeadObject", "ListObjectsV2"],
        _ => &["ListObjectsV2"],
    };
    for copy in ["one", "two"] {
        assert_eq!(team.texts(copy), team.bucket(), "{copy}");
        team.assert_quiet_but_for(copy, looks);
    }
}

#[test]
fn on_ceph_where_only_unquoted_etags_match() {
    everyday_story(Profile::Ceph);
}

#[test]
fn on_garage_where_conditions_are_ignored() {
    everyday_story(Profile::Garage);
}

#[test]
fn on_b2_where_conditions_are_refused() {
    everyday_story(Profile::B2);
}

#[test]
fn on_seaweedfs() {
    everyday_story(Profile::SeaweedFs);
}

#[test]
fn on_swift_where_conditional_writes_are_refused() {
    everyday_story(Profile::Swift);
}

#[test]
fn on_rclone_which_ignores_conditions() {
    everyday_story(Profile::Rclone);
}

#[test]
fn a_file_goes_in_parts_where_the_answer_that_names_the_upload_has_another_root() {
    let team = Team::without_copies_on(Profile::Rclone.quirks());
    let output = team.ok("one", "init team .");
    assert!(!output.stderr.contains("uploads in parts"), "{}", output.stderr);
    let bytes: Vec<u8> = (0..3_u32 << 20).flat_map(u32::to_le_bytes).collect();
    team.write("one/large", &bytes);
    team.server.clear_log();
    team.ok("one", "sync");
    assert_eq!(team.server.count("CreateMultipartUpload"), 1);
    assert_eq!(team.server.count("UploadPart"), 2);
    assert_eq!(team.server.open_uploads(BUCKET), Vec::<String>::new());
    team.ok(".", "clone team copy");
    assert!(team.read("copy/large") == bytes, "the bytes differ");
    team.assert_quiet("one");
}

#[test]
fn a_store_whose_objects_have_no_etag_is_told_with_what_to_do_about_it() {
    let hint = "hint: the store must give every object an ETag";
    let never = Quirks { etag_of_writes: false, etag_of_reads: false, ..Profile::Aws.quirks() };
    let juicefs = Quirks { etag_of_writes: true, etag_in_listing: false, ..never.clone() };
    for quirks in [juicefs, never] {
        let team = Team::without_copies_on(quirks);
        let output = team.run("one", "init team .");
        assert_error(&output, 1, &["the answer has no ETag", hint, "--keep-etag --object-meta"]);
        assert!(!team.path("one/.lsync").exists());
    }
}

#[test]
fn answers_to_writes_alone_need_no_etag() {
    let quirks = Quirks { etag_of_writes: false, ..Profile::Aws.quirks() };
    let team = Team::without_copies_on(quirks);
    team.ok("one", "init team .");
    team.write("one/a", "a");
    team.ok("one", "sync");
    team.write("one/a", "edited");
    team.ok("one", "sync");
    assert_eq!(team.bucket(), files(&[("a", "edited")]));
    team.assert_quiet("one");
}

#[test]
fn a_file_in_parts_goes_where_no_condition_of_a_deletion_holds_for_one() {
    let keeping = Quirks { keeps_parts: true, ..Profile::Aws.quirks() };
    for quirks in [keeping, Profile::Swift.quirks()] {
        let team = Team::without_copies_on(quirks);
        let output = team.ok("one", "init team .");
        let words = "the store refuses to delete a file that was sent in parts";
        assert!(output.stderr.contains(words), "{}", output.stderr);
        team.write("one/large", vec![7; 9 << 20]);
        team.write("one/small", "small");
        team.ok("one", "sync");
        team.remove("one/large");
        team.ok("one", "sync");
        assert_eq!(team.server.keys(BUCKET), ["small"]);
        team.assert_quiet("one");
    }
}

#[test]
fn a_file_for_which_the_store_still_keeps_an_empty_folder_goes_later() {
    let team = Team::sharing_on(Profile::SeaweedFs, &[("a/in", "in"), ("f", "f")]);
    let refused = || Fault::Status(412, "PreconditionFailed");
    team.server.fault(FaultRule::new("PutObject", "a", refused()));
    team.remove("one/a");
    team.write("one/a", "a file now");
    for line in ["sync", "push"] {
        let output = team.run("one", line);
        output.assert_code(3);
        let (why, hint) =
            ("the store still keeps the folder of this name", "again in some minutes");
        assert!(output.stderr.contains(why), "{}", output.stderr);
        assert!(output.stderr.contains(hint), "{}", output.stderr);
        assert!(!output.stderr.contains("tell whoever runs the store"), "{}", output.stderr);
    }
    team.server.clear_faults();
    team.ok("one", "sync");
    assert_eq!(team.bucket(), files(&[("a", "a file now"), ("f", "f")]));
}

#[test]
fn on_a_store_whose_etags_say_nothing() {
    everyday_story(Profile::RandomEtags);
}

#[test]
fn on_a_store_whose_listings_have_no_etags() {
    everyday_story(Profile::NoEtagInList);
}

#[test]
fn on_a_store_that_cannot_hold_a_file_beside_a_folder_one_becomes_the_other() {
    let team =
        Team::sharing_on(Profile::NoFileBesideFolder, &[("a", "file"), ("b/c", "c"), ("z", "z")]);
    team.remove("one/a");
    team.write("one/a/inside", "inside");
    team.remove("one/b");
    team.write("one/b", "file now");
    team.ok("one", "sync");
    let expected = files(&[("a/inside", "inside"), ("b", "file now"), ("z", "z")]);
    assert_eq!(team.bucket(), expected);
    team.ok("two", "sync");
    assert_eq!(team.texts("two"), expected);
}

#[test]
fn what_a_race_may_have_taken_is_not_pruned_like_what_a_teammate_replaced_knowingly() {
    for (profile, replaced_knowingly, deleted_knowingly) in [
        (Profile::Aws, true, true),
        (Profile::NoConditionalDelete, true, false),
        (Profile::Ceph, true, false),
        (Profile::Garage, false, false),
    ] {
        for (knowingly, is_deletion) in [(replaced_knowingly, false), (deleted_knowingly, true)] {
            let team = Team::sharing_on(profile, &[("f", "base"), ("g", "g"), ("h", "h")]);
            team.write("one/f", "ours");
            team.ok("one", "sync");
            // A teammate whose look came before our write, and whose write came after it.
            if is_deletion {
                team.server.delete(BUCKET, "f");
            } else {
                team.server.put(BUCKET, "f", "theirs");
            }
            team.ok("one", "sync");
            assert_eq!(team.trashed("one"), [("local/f".to_owned(), "ours".to_owned())]);
            let trash = team.texts("one/.lsync/trash");
            let list = trash.iter().find(|(path, _)| path.ends_with("list.yaml")).unwrap().1;
            assert_eq!(list.contains("known: true"), knowingly, "{profile:?}: {list}");
        }
    }
}

#[test]
fn on_a_store_that_lists_folder_by_folder() {
    everyday_story(Profile::FolderOrder);
}

/// Names around that of a folder, which the two orders of listings put differently, and more of them
/// than stand on a page.
fn tree_around_folders() -> Vec<(String, String)> {
    let around = ["src", "src.txt", "src-1", "src 2", "src0", "docs/a", "docs/a.b"];
    let tree = around.into_iter().filter(|name| !name.ends_with("src") && *name != "docs/a");
    let below = (0..1_200).map(|number| format!("src/{}/{number}.c", number % 7));
    let below = below.chain(["src/main.c", "src/1.c", "docs/a/b", "docs/a/b.c"].map(str::to_owned));
    tree.map(str::to_owned).chain(below).map(|path| (path.clone(), path)).collect()
}

#[test]
fn a_listing_that_comes_folder_by_folder_is_read_as_any_other() {
    let tree = tree_around_folders();
    let tree: Vec<_> = tree.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let team = Team::sharing_on(Profile::FolderOrder, &tree);
    assert_eq!(team.texts("two"), team.bucket());
    assert_eq!(team.texts("two").len(), tree.len());
    for copy in ["one", "two"] {
        team.assert_quiet(copy);
    }
    team.server.clear_log();
    team.ok("one", "sync");
    let behind_keys =
        team.server.log().iter().filter(|it| it.query.contains("start-after")).count();
    assert_eq!(behind_keys, 0, "only the store knows where its pages end");
    // Of a folder, too, and only of that.
    team.remove("one/src/main.c");
    team.remove("one/src.txt");
    team.ok("one", "sync src");
    assert!(team.exists("two/src/main.c"));
    team.ok("two", "sync src");
    assert!(!team.exists("two/src/main.c"));
    assert!(team.exists("two/src.txt"));
}

#[test]
fn an_order_of_listings_that_changed_is_told_and_init_finds_the_new_one() {
    let team = Team::sharing_on(Profile::FolderOrder, &[("a.b", "1"), ("a/b", "2")]);
    let config = team.text("one/.lsync/config.yaml");
    team.write("one/.lsync/config.yaml", config.replace("  listing_order: folders\n", ""));
    team.remove("one/a.b");
    for line in ["sync", "status", "pull --mirror --yes"] {
        let output = team.run("one", line);
        let parts = ["the listing is out of order", "`lsync init` on the same bucket again"];
        assert_error(&output, 1, &parts);
    }
    assert_eq!(team.bucket().len(), 2);
    assert!(team.exists("one/a/b"));
    team.ok("one", "init team .");
    team.ok("one", "sync");
    assert_eq!(team.bucket(), files(&[("a/b", "2")]));
}

#[test]
fn what_cannot_be_written_to_shows_its_order_by_what_is_there() {
    let quirks = Quirks { read_only: true, ..Profile::FolderOrder.quirks() };
    let team = Team::without_copies_on(quirks);
    for key in ["a.b", "a/b", "c"] {
        team.server.put(BUCKET, key, key);
    }
    team.ok("one", "init team .");
    team.ok("one", "pull");
    assert_eq!(team.texts("one"), team.bucket());
}

#[test]
fn objects_of_lsync_that_a_store_lists_out_of_order_or_twice_disturb_nobody() {
    let team = Team::sharing(&[("a", "1"), ("b", "2")]);
    for key in [".lsync/probe/0000/beside", ".lsync/config.yaml"] {
        team.server.put(BUCKET, key, "left");
    }
    team.ok("one", "sync");
    let output = team.ok("one", "status");
    assert!(!output.stdout.contains(".lsync"), "{output:?}");
}
