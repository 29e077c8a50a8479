//! What stands above an operand: for which folders a run has to look, and what a file there means.

use super::{Direction, builder_of, options, path, show, stat, version};
use crate::plan::{Conflict, ConflictKind};
use crate::tree::RemoteEntry;

/// Writes the folders to look for: their paths, and on which sides.
fn folders(scene: &str, operands: &[&str]) -> String {
    let operands: Vec<_> = operands.iter().map(|text| path(text)).collect();
    let builder = builder_of(options(Direction::Sync), scene);
    let folders = builder.parent_folders(&operands).into_iter().map(|folder| {
        let sides = match (folder.here, folder.there) {
            (true, true) => "both",
            (true, false) => "here",
            (false, true) => "there",
            (false, false) => "nowhere",
        };
        format!("{} {sides}", folder.path)
    });
    folders.collect::<Vec<_>>().join(", ")
}

#[test]
fn a_folder_above_is_looked_for_where_something_new_is_made_in_it() {
    for (scene, expected) in [
        ("a/x C 0", "a there"),
        ("a/x 0 C", "a here"),
        ("a/x 0 C | a/x/y = D", "a here"),
        ("a/x M =", ""),
        ("a/x = M", ""),
        ("a/x D =", ""),
        ("a/x = D", ""),
        ("a/x D D", ""),
        ("a/x C E", ""),
    ] {
        assert_eq!(folders(scene, &["a/x"]), expected, "{scene}");
    }
}

#[test]
fn a_conflict_may_make_something_new_on_the_side_that_deleted() {
    for (scene, expected) in [("a/x D M", "a here"), ("a/x M D", "a there"), ("a/x M M", "")] {
        assert_eq!(folders(scene, &["a/x"]), expected, "{scene}");
    }
}

#[test]
fn only_folders_above_operands_are_looked_for_each_once_and_in_key_order() {
    let scene = "a/b/c/x C 0 | a/y 0 C | a/z C 0 | a-b/x 0 C | top C 0";
    for (operands, expected) in [
        (&["a-b/x", "a/b/c", "a/y", "a/z", "top"][..], "a both, a-b here, a/b there"),
        (&["a/b"], "a there"),
        (&["a", "a-b"], ""),
        (&[], ""),
    ] {
        assert_eq!(folders(scene, operands), expected, "{operands:?}");
    }
}

#[test]
fn below_a_file_above_an_operand_only_the_database_learns() {
    let scene = "a/x C 0 | a/y M M | a/z D D | a-b/x C 0 | b M M";
    let remote = RemoteEntry { path: path("a"), version: version("file"), modified: 7 };
    for (here, there) in [(Some(stat(3)), None), (None, Some(remote))] {
        let mut builder = builder_of(options(Direction::Sync), scene);
        builder.clash_at(&path("a"), here, there.clone());
        let plan = builder.finish();
        let expected = "PUT+ a-b/x, drop a/z, CONF file-against-folder a, CONF both-changed b";
        assert_eq!(show(&plan), expected);
        let found = Conflict::new(path("a"), ConflictKind::FileAgainstFolder);
        let found = Conflict { local: here, remote: there, ..found };
        assert_eq!(plan.conflicts[0], found);
        // Nobody knows what lies in the folder, so that no option settles it.
        assert!(found.needs_renaming());
    }
}
