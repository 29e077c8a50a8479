//! What a listing does not show is asked for by name before anything is deleted here for it.

use crate::support::{Fault, FaultRule, Profile};
use crate::team::{BUCKET, Team, assert_error, files};

/// Files named `PREFIX-0000` and so on.
fn many(prefix: &str, count: usize) -> Vec<(String, String)> {
    (0..count).map(|number| (format!("{prefix}-{number:04}"), number.to_string())).collect()
}

fn sharing_on(profile: Profile, files: &[(String, String)]) -> Team {
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    Team::sharing_on(profile, &files)
}

#[test]
fn an_object_that_no_listing_shows_stops_every_run_that_would_delete_its_file() {
    let team = Team::sharing(&[("f", "f"), ("g", "g"), ("h", "h"), ("i", "i"), ("j", "j")]);
    team.server.hide_from_listings(BUCKET, "f");
    team.write("two/h", "edited");
    team.remove("two/i");
    let (here, there) = (team.texts("two"), team.bucket());
    let control = team.control("two");
    for line in ["sync", "sync -n", "status", "pull", "pull --force .", "pull --mirror --yes"] {
        let output = team.run("two", line);
        let parts = ["the store has f, and does not list it", "nothing was changed, here or there"];
        assert_error(&output, 1, &parts);
        assert_eq!(team.texts("two"), here, "{line}");
        assert_eq!(team.bucket(), there, "{line}");
    }
    assert_eq!(team.control("two"), control, "nothing is recorded");
    // What deletes nothing here, and what asks for the object itself, goes on.
    team.ok("two", "sync --no-delete h");
    team.ok("two", "push h");
    assert_eq!(team.bucket()["h"], "edited");
    team.remove("two/f");
    team.ok("two", "pull --force f");
    assert_eq!(team.text("two/f"), "f");
}

#[test]
fn a_folder_that_would_give_way_to_a_file_is_asked_for_too() {
    let team = Team::sharing(&[("d/a", "a"), ("d/b", "b"), ("e", "e"), ("g", "g")]);
    team.server.delete(BUCKET, "d/a");
    team.server.hide_from_listings(BUCKET, "d/b");
    team.server.put(BUCKET, "d", "a file now");
    let output = team.run("two", "sync");
    assert_error(&output, 1, &["the store has d/b, and does not list it"]);
    assert_eq!(team.text("two/d/b"), "b");
    assert_eq!(team.text("two/d/a"), "a");
}

/// A team in whose bucket somebody has deleted f and g, and stores f while it is asked for.
fn where_f_comes_back_as(text: &'static str) -> Team {
    let team = Team::sharing(&[("f", "f"), ("g", "g"), ("h", "h"), ("i", "i"), ("j", "j")]);
    for key in ["f", "g"] {
        team.server.delete(BUCKET, key);
    }
    team.server.once_on_request("HeadObject", "f", move |tool, _| {
        tool.put(BUCKET, "f", text);
    });
    team
}

#[test]
fn what_comes_back_while_it_is_asked_for_is_left_alone_and_told() {
    let team = where_f_comes_back_as("stored again");
    let output = team.run("two", "sync");
    output.assert_code(3);
    assert!(
        output.stderr.contains("f  it was not in the listing, and is in the bucket now"),
        "{}",
        output.stderr
    );
    assert_eq!(team.texts("two"), files(&[("f", "f"), ("h", "h"), ("i", "i"), ("j", "j")]));
    team.ok("two", "sync");
    assert_eq!(team.texts("two"), team.bucket());
    assert_eq!(team.text("two/f"), "stored again");
}

#[test]
fn what_is_put_back_as_it_was_while_it_is_asked_for_stays() {
    let team = where_f_comes_back_as("f");
    team.ok("two", "sync");
    assert_eq!(team.texts("two"), files(&[("f", "f"), ("h", "h"), ("i", "i"), ("j", "j")]));
    assert_eq!(team.texts("two"), team.bucket());
}

#[test]
fn a_store_that_does_not_answer_for_a_name_stops_the_run_before_anything_is_deleted() {
    let team = Team::sharing(&[("f", "f"), ("g", "g"), ("h", "h")]);
    team.server.delete(BUCKET, "f");
    team.server.fault(FaultRule::new("HeadObject", "f", Fault::Status(403, "AccessDenied")));
    team.run("two", "sync").assert_code(12);
    assert!(team.exists("two/f"));
    team.server.clear_faults();
    team.ok("two", "sync");
    assert!(!team.exists("two/f"));
}

#[test]
fn of_many_plain_names_a_share_is_asked_for_and_of_others_all() {
    let mut tree = many("plain", 400);
    tree.extend(many("é", 30));
    tree.extend(many("stays", 1_000));
    let team = sharing_on(Profile::Aws, &tree);
    let gone = tree.iter().filter(|(path, _)| !path.starts_with("stays"));
    for (path, _) in gone {
        team.server.delete(BUCKET, path);
    }
    team.server.clear_log();
    team.ok("two", "sync --max-delete 1000");
    // Sixteen, and one in sixty-four of the other 384.
    assert_eq!(team.server.count("HeadObject"), 30 + 16 + 6);
    assert_eq!(team.texts("two"), team.bucket());
    // The other copy deletes in the bucket, and asks for nothing.
    team.remove("two/stays-0000");
    team.server.clear_log();
    team.ok("two", "sync");
    assert_eq!(team.server.count("HeadObject"), 0);
}

/// Names on three pages, some of which are not to be found behind a place.
fn pages_with_names_beyond_ascii() -> Vec<(String, String)> {
    let pieces = [many("a", 1_500), many("é", 20), many("z", 1_200)];
    pieces.into_iter().flatten().collect()
}

#[test]
fn names_beyond_ascii_that_drop_out_of_a_range_of_a_listing_are_not_deleted() {
    let tree = pages_with_names_beyond_ascii();
    // As if the store had begun to do so after `init`.
    let team = Team::without_copies(Profile::EncodedStartAfter);
    team.join("one");
    for (path, text) in &tree {
        team.write(format!("one/{path}"), text);
    }
    team.ok("one", "sync");
    let output = team.ok("one", "sync --max-delete 5000");
    assert!(
        output.stderr.contains("was missing in a listing and is in the bucket as it was"),
        "{}",
        output.stderr
    );
    assert_eq!(team.texts("one").len(), tree.len());
    assert_eq!(team.bucket().len(), tree.len());
    // And `init` finds it.
    team.ok("one", "init team .");
    let output = team.ok("one", "sync");
    assert_eq!(output.stderr, "");
    assert_eq!(team.texts("one").len(), tree.len());
}

#[test]
fn where_a_listing_cannot_begin_behind_a_key_it_is_read_from_its_beginning() {
    let team = sharing_on(Profile::EncodedStartAfter, &pages_with_names_beyond_ascii());
    team.assert_quiet("two");
    assert!(team.server.log().iter().all(|request| !request.query.contains("start-after")));
}
