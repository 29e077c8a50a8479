//! Folders that somebody renames, as a team sees them: nobody is stopped, and teammates fetch nothing.

use std::collections::BTreeMap;
use std::fs;

use crate::support::Profile;
use crate::team::{BUCKET, Team, assert_error, events, files, lines_of};

/// Files in the folder that is renamed: more than a side may lose without a word.
const FILES: usize = 30;

const MOVED: &str = "campaign-spring/ → Campaign Spring 2027/  (30 files, 297 B)";

/// A team of two with 41 files each, of which copy `one` has renamed a folder of 30.
fn with_renamed_folder() -> Team {
    renamed_on(Team::sharing(&[]))
}

fn renamed_on(team: Team) -> Team {
    for number in 0..FILES {
        let name = format!("one/campaign-spring/{}/{number:02}.txt", number % 3);
        team.write(name, format!("banner {number:03}"));
    }
    // Equal contents and no content at all: which is which is told by the name.
    team.write("one/campaign-spring/0/00.txt", "");
    team.write("one/campaign-spring/1/01.txt", "twin copies");
    team.write("one/campaign-spring/2/02.txt", "twin copies");
    team.write("one/campaign-spring/0/03.txt", "a longer banner");
    for number in 0..11 {
        team.write(format!("one/logos/{number:02}"), format!("logo {number}"));
    }
    team.ok("one", "sync");
    team.ok("two", "sync");
    rename(&team, "campaign-spring", "Campaign Spring 2027");
    team
}

fn rename(team: &Team, from: &str, to: &str) {
    fs::rename(team.path("one").join(from), team.path("one").join(to)).unwrap();
}

#[test]
fn a_renamed_folder_is_one_line_and_stops_nobody() {
    let team = with_renamed_folder();
    let status = team.ok("one", "status");
    let expected =
        format!("To the bucket:\n  moved:    {MOVED}\n\n30 to move in the bucket (297 B)\n");
    assert_eq!(status.stdout, expected);
    assert_eq!(status.stderr, "hint: `lsync sync` does this\n");
    let dry = team.ok("one", "sync --dry-run");
    assert_eq!(dry.stdout, format!("moved    {MOVED}\n30 to move in the bucket (297 B)\n"));
    let done = team.ok("one", "sync").stdout;
    let told = format!("moved    {MOVED}\n30 moved in the bucket (297 B, all of it sent)");
    assert!(done.starts_with(&told), "{done}");
    assert!(!done.contains("deleted"), "{done}");
    assert_eq!(team.server.count("DeleteObjects"), 1, "all of them with one request");
    team.assert_quiet("one");
}

#[test]
fn a_teammate_renames_as_well_and_fetches_nothing() {
    let team = with_renamed_folder();
    team.ok("one", "sync");
    let status = team.ok("two", "status").stdout;
    let expected = format!("To here:\n  moved:    {MOVED}\n\n30 to move here (297 B)\n");
    assert_eq!(status, expected);
    team.server.clear_log();
    let inode = |name: &str| {
        let metadata = fs::metadata(team.path("two").join(name)).unwrap();
        std::os::unix::fs::MetadataExt::ino(&metadata)
    };
    let before = inode("campaign-spring/1/07.txt");
    let done = team.ok("two", "pull").stdout;
    assert_eq!(done, format!("moved    {MOVED}\n30 moved here (297 B)\n"));
    // A listing that lacks names may lie: some are asked for.
    assert_eq!(team.transfers(), Vec::<String>::new());
    assert_eq!(team.server.count("ListObjectsV2"), 1);
    assert_eq!(team.server.count("HeadObject"), 16);
    assert_eq!(inode("Campaign Spring 2027/1/07.txt"), before, "it is the same file");
    assert!(!team.path("two/campaign-spring").exists());
    assert!(team.trashed("two").is_empty());
    team.assert_agreed();
    assert_eq!(team.texts("one"), team.texts("two"));
}

#[test]
fn json_tells_of_each_file_once_and_of_its_old_path() {
    let team = with_renamed_folder();
    let froms = |output, event: &str| -> BTreeMap<String, String> {
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let lines = lines_of(output);
        let lines = lines.iter().filter(|line| line["event"] == event);
        lines.map(|line| (text(&line["path"]), text(&line["from"]))).collect()
    };
    let plan = team.ok("one", "sync --dry-run --json");
    let done = team.ok("one", "sync --json");
    assert_eq!(froms(&plan, "plan"), froms(&done, "done"));
    assert_eq!(events(&done, "done").len(), FILES);
    let pulled = team.ok("two", "sync --json");
    let moved = froms(&pulled, "done");
    assert_eq!(moved, froms(&done, "done"));
    assert_eq!(moved["Campaign Spring 2027/1/07.txt"], "campaign-spring/1/07.txt");
    let words = events(&pulled, "done");
    assert!(words.iter().all(|line| line.starts_with("move-local ")), "{words:?}");
    for (output, here, there) in [(&plan, 30, 0), (&done, 30, 0), (&pulled, 0, 30)] {
        let summary = lines_of(output).pop().unwrap();
        assert_eq!(summary["moved_here"], here, "{summary}");
        assert_eq!(summary["moved_in_bucket"], there, "{summary}");
        assert_eq!(summary["deleted_in_bucket"], 0, "{summary}");
        assert_eq!(summary["deleted_here"], 0, "{summary}");
        assert!(summary["from"].is_null(), "{summary}");
    }
}

#[test]
fn what_was_edited_too_is_told_apart_and_verbose_names_each_file() {
    let team = with_renamed_folder();
    team.write("one/Campaign Spring 2027/1/07.txt", "edited after it had moved");
    let status = team.ok("one", "status").stdout;
    for line in [
        "  moved:    campaign-spring/ → Campaign Spring 2027/  (29 files, 287 B)\n",
        "  new:      Campaign Spring 2027/1/07.txt  25 B\n",
        "  deleted:  campaign-spring/1/07.txt\n",
    ] {
        assert!(status.contains(line), "{line:?} is not in {status}");
    }
    let done = team.ok("one", "sync --verbose").stdout;
    let line = "moved          campaign-spring/1/01.txt → Campaign Spring 2027/1/01.txt  11 B\n";
    assert!(done.contains(line), "{done}");
    team.ok("two", "sync");
    assert_eq!(team.texts("one"), team.texts("two"));
    assert_eq!(team.trashed("two").len(), 1);
}

#[test]
fn a_teammates_edit_under_the_old_name_stays_and_is_told() {
    let team = with_renamed_folder();
    team.ok("one", "sync");
    team.write("two/campaign-spring/1/07.txt", "edited by another");
    let output = team.run("two", "sync");
    output.assert_code(4);
    assert!(output.stdout.contains("29 moved here"), "{output:?}");
    assert_eq!(team.text("two/campaign-spring/1/07.txt"), "edited by another");
    assert_eq!(team.text("two/Campaign Spring 2027/1/07.txt"), "banner 007");
}

#[test]
fn files_that_swap_their_names_or_move_in_a_chain_end_where_they_belong() {
    let team = with_renamed_folder();
    team.ok("one", "sync");
    team.ok("two", "sync");
    for (from, to) in [
        ("logos/00", "logos/x"),
        ("logos/01", "logos/00"),
        ("logos/x", "logos/01"),
        ("logos/03", "logos/04.old"),
        ("logos/02", "logos/03"),
    ] {
        rename(&team, from, to);
    }
    team.ok("one", "sync");
    team.ok("two", "sync");
    assert_eq!(team.texts("one"), team.texts("two"));
    assert_eq!(team.text("two/logos/00"), "logo 1");
    assert_eq!(team.text("two/logos/04.old"), "logo 3");
    team.assert_agreed();
}

#[test]
fn where_etags_say_nothing_of_the_bytes_a_renamed_folder_is_fetched() {
    let team = renamed_on(Team::sharing_on(Profile::RandomEtags, &[]));
    team.ok("one", "sync");
    team.run("two", "sync").assert_code(5);
    team.ok("two", "sync --max-delete 30");
    assert_eq!(team.texts("one"), team.texts("two"));
    assert_eq!(team.trashed("two").len(), FILES);
}

#[test]
fn what_a_listing_lacks_and_is_there_is_not_taken_for_moved() {
    let team = Team::sharing(&[("f", "f"), ("g", "g")]);
    team.server.put(BUCKET, "copy", "f");
    team.server.hide_from_listings(BUCKET, "f");
    let output = team.run("two", "sync");
    assert_error(&output, 1, &["the store has f, and does not list it"]);
    assert_eq!(team.texts("two"), files(&[("f", "f"), ("g", "g")]));
}
