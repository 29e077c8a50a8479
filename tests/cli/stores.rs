//! The everyday story on stores that promise less than AWS.

use crate::support::Profile;
use crate::team::{BUCKET, Team, files};

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
