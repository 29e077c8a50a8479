//! No folder holds so many files that nobody finds the one that is wanted.

use std::collections::BTreeMap;

/// How many Rust files may lie beside each other in a folder of `src/`, tests included.
const FILES_MAX: usize = 12;

/// Finds folders with too many files.
fn too_full<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut counts = BTreeMap::new();
    for (folder, _) in names.filter_map(|name| name.rsplit_once('/')) {
        *counts.entry(folder).or_insert(0) += 1;
    }
    let full = counts.into_iter().filter(|(_, count)| *count > FILES_MAX);
    full.map(|(folder, count)| format!("{folder}: {count} files, not {FILES_MAX}")).collect()
}

#[test]
fn no_folder_holds_too_many_files() {
    let files = crate::sources();
    crate::assert_none(&too_full(files.iter().map(|(name, _)| name.as_str())));
}

#[test]
fn the_rule_sees_folders_that_are_too_full() {
    for (count, found) in [(12, 0), (13, 1)] {
        let files = (0..count).map(|number| format!("src/a/{number}.rs"));
        let below = (0..5).map(|number| format!("src/a/b/{number}.rs"));
        let files: Vec<_> = files.chain(below).collect();
        assert_eq!(too_full(files.iter().map(String::as_str)).len(), found, "{count}");
    }
}
