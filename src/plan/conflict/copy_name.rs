//! The name of the copy that keeping both makes.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::tree::{KEY_BYTES_MAX, NAME_BYTES_MAX, RepoPath};

/// Makes the name of the copy of ours, `stem.conflict-LABEL.ext`.
///
/// Where that is too long for a name, the stem is cut, and a number made of the whole name tells two
/// of them apart. `None` where the folder's path leaves no room for any other name.
pub fn copy_path(path: &RepoPath, label: &str) -> Option<RepoPath> {
    let (name, parent) = (path.name(), path.parent());
    let folder_bytes = parent.as_ref().map_or(0, |parent| parent.as_str().len() + 1);
    let room = NAME_BYTES_MAX.min(KEY_BYTES_MAX.checked_sub(folder_bytes)?);
    // A leading dot begins a hidden name, not an extension.
    let dot = name.rfind('.').filter(|dot| *dot > 0);
    let (stem, extension) = name.split_at(dot.unwrap_or(name.len()));
    let copy = fitting(stem, name, &format!(".conflict-{label}{extension}"), room)
        // What is so long is no extension.
        .or_else(|| fitting(name, name, &format!(".conflict-{label}"), room))?;
    RepoPath::below(parent.as_ref(), &copy).ok()
}

/// Puts `end` behind as much of `stem` as there is room for; `None` where that is nothing.
fn fitting(stem: &str, name: &str, end: &str, room: usize) -> Option<String> {
    if stem.len() + end.len() <= room {
        return Some(format!("{stem}{end}"));
    }
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    let end = format!("-{:08x}{end}", hasher.finish() & 0xffff_ffff);
    let cut = stem.floor_char_boundary(room.checked_sub(end.len())?);
    (cut > 0).then(|| format!("{}{end}", &stem[..cut]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).unwrap()
    }

    #[test]
    fn the_copy_keeps_the_extension_and_the_folder() {
        for (text, copy) in [
            ("a/b.txt", "a/b.conflict-L.txt"),
            ("b", "b.conflict-L"),
            (".hidden", ".hidden.conflict-L"),
            ("x.tar.gz", "x.tar.conflict-L.gz"),
        ] {
            assert_eq!(copy_path(&path(text), "L"), Some(path(copy)));
        }
    }

    #[test]
    fn a_stem_that_is_too_long_is_cut_between_characters() {
        let label = "ann-20261120T000000Z-ab12";
        for stem in ["n".repeat(251), "é".repeat(125), "n".to_owned() + &"€".repeat(83)] {
            let copy = copy_path(&path(&format!("docs/{stem}.txt")), label).unwrap();
            assert_eq!(copy.parent(), Some(path("docs")));
            let kept = copy.name().strip_suffix(&format!(".conflict-{label}.txt")).unwrap();
            let (kept, number) = kept.rsplit_once('-').unwrap();
            assert!(stem.starts_with(kept) && number.len() == 8, "{copy}");
            assert!((253..=255).contains(&copy.name().len()), "{copy}");
        }
        // What just fits is not touched.
        let name = "n".repeat(255 - ".conflict-".len() - label.len());
        let copy = copy_path(&path(&name), label).unwrap();
        assert_eq!(copy.as_str(), format!("{name}.conflict-{label}"));
    }

    #[test]
    fn two_long_names_that_begin_alike_get_two_copies() {
        let names = ["a", "b"].map(|end| path(&("n".repeat(250) + end)));
        let copies = names.map(|name| copy_path(&name, "L").unwrap());
        assert_ne!(copies[0], copies[1]);
    }

    #[test]
    fn an_endless_extension_is_cut_and_a_path_without_room_has_no_copy() {
        let name = format!("a.{}", "x".repeat(250));
        let copy = copy_path(&path(&name), "L").unwrap();
        assert!(copy.as_str().starts_with("a.xxx") && copy.as_str().ends_with(".conflict-L"));
        let folder = vec!["d".repeat(201); 5].join("/");
        assert_eq!(copy_path(&path(&format!("{folder}/file")), "L"), None);
    }
}
