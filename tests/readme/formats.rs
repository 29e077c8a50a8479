//! `docs/formats.md` names every file below `.lsync`, and every field of each.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lsync::remote::{Capabilities, Checksum, Conditions, ListingOrder, OddName};
use serde_yaml::Value;

use crate::{FORMATS, Shell, first_column, section};

/// Returns the files of a folder and below it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Adds the names of the fields of a value, but for those of properties, which are anybody's.
fn add_fields(value: &Value, fields: &mut BTreeSet<String>) {
    match value {
        Value::Sequence(items) => items.iter().for_each(|item| add_fields(item, fields)),
        Value::Mapping(mapping) => {
            for (name, value) in mapping {
                let name = name.as_str().expect("a name");
                fields.insert(name.to_owned());
                if name != "properties" {
                    add_fields(value, fields);
                }
            }
        }
        _ => (),
    }
}

#[track_caller]
fn assert_described(fields: &BTreeSet<String>, text: &str) {
    let is_missing = |field: &&String| !text.contains(&format!("`{field}`"));
    assert_eq!(fields.iter().filter(is_missing).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn every_field_of_the_fixtures_is_described_with_its_file() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/formats/version-2");
    for (beginning, heading) in [
        ("database", "## `database.yaml` and `journal.yaml`: what both sides agreed on"),
        ("journal", "## `database.yaml` and `journal.yaml`: what both sides agreed on"),
        ("list", "## `trash`: what lsync overwrote or deleted"),
        ("up-", "## `transfers/*.yaml`: large files that are under way"),
        ("down-", "## `transfers/*.yaml`: large files that are under way"),
    ] {
        let is_it = |path: &&PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(beginning))
        };
        let all = files(&top);
        let path = all.iter().find(is_it).unwrap_or_else(|| panic!("{beginning}"));
        let mut fields = BTreeSet::new();
        for line in fs::read_to_string(path).unwrap().lines() {
            // The fixtures hold lines that crashes have torn, too.
            if let Ok(value) = serde_yaml::from_str::<Value>(line) {
                add_fields(&value, &mut fields);
            }
        }
        assert!(fields.len() > 2, "{}: {fields:?}", path.display());
        assert_described(&fields, section(FORMATS, heading));
    }
}

#[test]
fn every_finding_about_a_store_is_described() {
    let found = Capabilities {
        conditional_put: Conditions::AtomicUnquoted,
        conditional_complete: Conditions::Atomic,
        conditional_delete: Conditions::None,
        conditional_delete_many: Conditions::Atomic,
        checksum: Checksum::None,
        etag_is_md5: false,
        etag_in_listing: false,
        listing_order: ListingOrder::Folders,
        start_after: false,
        changed_names: OddName::ALL.to_vec(),
        versioning: true,
        file_beside_folder: false,
        read_only: true,
        probable: true,
        uploads_in_parts: false,
        undeletable: true,
    };
    let value = serde_yaml::to_value(&found).unwrap();
    let mut words = BTreeSet::new();
    add_fields(&value, &mut words);
    assert_eq!(words.len(), 16, "{words:?}");
    for value in value.as_mapping().expect("fields").values() {
        let values = value.as_sequence().cloned().unwrap_or_else(|| vec![value.clone()]);
        words.extend(values.iter().filter_map(Value::as_str).map(str::to_owned));
    }
    assert_described(&words, section(FORMATS, "## `config.yaml`: the settings"));
}

#[test]
fn every_file_of_a_working_copy_is_named() {
    let named = first_column(FORMATS.split("\n## ").next().expect("a beginning"));
    let mut shell = Shell::new();
    for line in [
        "lsync init --create-bucket ./bucket one; echo base > one/f; lsync -C one sync",
        "lsync clone ./bucket two; echo theirs > two/f; lsync -C two sync; lsync -C one sync",
    ] {
        shell.run(line);
    }
    let found = shell.run("cd one/.lsync; for name in *; do echo $name; done");
    let found: BTreeSet<String> = found.lines().map(str::to_owned).collect();
    assert!(found.len() > 4, "{found:?}");
    assert_eq!(found.difference(&named).collect::<Vec<_>>(), Vec::<&String>::new());
}
