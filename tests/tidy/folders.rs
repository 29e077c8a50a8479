//! No folder holds so many files that nobody finds the one that is wanted.

use std::collections::BTreeMap;

/// How many Rust files may lie beside each other in a folder of `src/`, tests included.
const FILES_MAX: usize = 12;

/// Folders of old that hold more, and how many: the numbers only get smaller.
const FULL: &[(&str, usize)] = &[];

/// Finds folders with too many files, and numbers on the list that are not the truth any more.
fn too_full<'a>(names: impl Iterator<Item = &'a str>, full: &[(&str, usize)]) -> Vec<String> {
    let mut counts = BTreeMap::new();
    for (folder, _) in names.filter_map(|name| name.rsplit_once('/')) {
        *counts.entry(folder).or_insert(0) += 1;
    }
    let mut found = Vec::new();
    for (folder, count) in &counts {
        let most = full.iter().find(|(of, _)| of == folder).map_or(FILES_MAX, |(_, most)| *most);
        if *count > most {
            found.push(format!("{folder}: {count} files, not {most}"));
        }
    }
    for (folder, most) in full {
        let count = counts.get(folder).copied().unwrap_or(0);
        if count <= FILES_MAX {
            found.push(format!("{folder}: holds {count} files: take it off the list"));
        } else if count < *most {
            found.push(format!("{folder}: holds {count} files: let the list say so, not {most}"));
        }
    }
    found
}

#[test]
fn no_folder_holds_too_many_files() {
    let files = crate::sources();
    crate::assert_none(&too_full(files.iter().map(|(name, _)| name.as_str()), FULL));
}

#[test]
fn the_rule_sees_folders_that_are_too_full() {
    let files = |count| (0..count).map(|number| format!("src/a/{number}.rs")).collect::<Vec<_>>();
    for (count, full) in [
        (13, &[][..]),
        (15, &[("src/a", 14)]),
        (13, &[("src/a", 14)]),
        (12, &[("src/a", 14)]),
        (0, &[("src/a", 14)]),
    ] {
        assert_eq!(too_full(files(count).iter().map(String::as_str), full).len(), 1, "{count}");
    }
    for (count, full) in [(12, &[][..]), (14, &[("src/a", 14)])] {
        let below = (0..5).map(|number| format!("src/a/b/{number}.rs"));
        let files: Vec<_> = files(count).into_iter().chain(below).collect();
        crate::assert_none(&too_full(files.iter().map(String::as_str), full));
    }
}
