//! Keys of a bucket: what becomes a path is that very key, and leads neither out of the root nor
//! into `.lsync`, on any file system; what does not is reported as it is.

use std::path::{Component, Path};

use lsync::remote::{KeySpace, Listed, ListedKey};
use lsync::tree::{KEY_BYTES_MAX, NAME_BYTES_MAX, RepoPath, Token};

/// The first line is the prefix, the rest the key.
pub(crate) fn target(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (prefix, key) = text.split_once('\n').unwrap_or(("", text));
    let keys = KeySpace::new(prefix);
    assert_eq!(keys, KeySpace::new(&keys.key("")), "a prefix is normal once");
    let full = keys.key(key);
    assert_eq!(keys.relative(&full), Some(key));
    assert!(keys.key("").is_empty() || keys.key("").ends_with('/'), "x must not see xyz");

    let listed = ListedKey { key, size: 1, modified: 0 };
    if listed.is_silent() {
        assert!(key.starts_with(".lsync/"), "{key:?} is kept from everybody");
        return;
    }
    match listed.into_listed(Token::new("e")) {
        Listed::Object(entry) => {
            assert_eq!(entry.path.as_str(), key);
            check_path(&entry.path);
        }
        Listed::Odd { key: odd, reason, .. } => {
            assert_eq!(odd, key);
            assert_eq!(RepoPath::parse(key), Err(reason));
        }
        Listed::Obstacle(path) => panic!("{path} is no obstacle: S3 has only objects"),
    }
}

/// Holds a path against what is promised of all paths.
pub(crate) fn check_path(path: &RepoPath) {
    let text = path.as_str();
    assert!((1..=KEY_BYTES_MAX).contains(&text.len()), "{text:?}");
    let components: Vec<_> = Path::new(text).components().collect();
    assert!(components.iter().all(|it| matches!(it, Component::Normal(_))), "{text:?}");
    let joined = Path::new("/work").join(text);
    assert!(joined.starts_with("/work") && joined.as_os_str().len() == 6 + text.len());
    // Nothing is normalised away: `a//b` and `a/./b` have fewer components than slashes.
    assert_eq!(components.len(), text.matches('/').count() + 1, "{text:?}");
    for name in path.components() {
        assert!(name.len() <= NAME_BYTES_MAX && !name.contains('\0'), "{name:?}");
        assert!(!is_control(name), "{name:?} is .lsync on some file system");
    }
    assert_eq!(RepoPath::parse(text).as_ref(), Ok(path));
    let parent = path.parent();
    assert_eq!(parent.as_ref().map_or("", RepoPath::as_str), path.parent_str());
    assert_eq!(RepoPath::below(parent.as_ref(), path.name()).as_ref(), Ok(path));
    assert_eq!(path.ancestors().last(), parent);
    assert!(path.ancestors().all(|folder| path.is_below(&folder)));
}

/// Says what file systems make of a name, in other words than lsync's: letters are compared by
/// their upper case, too, since folding makes `s` of `ſ`; HFS+ and ext4 pass over code points that
/// nobody sees; NTFS over streams, blanks and dots at the end.
fn is_control(name: &str) -> bool {
    let seen: String = name.chars().filter(|c| !is_invisible(*c)).collect();
    let stem = seen.split(':').next().unwrap_or("").trim_end_matches([' ', '.']);
    let folded = stem.to_uppercase();
    folded == ".LSYNC" || (folded.len() == 7 && folded.starts_with("LSYNC~") && ends_in_digit(stem))
}

fn ends_in_digit(name: &str) -> bool {
    name.ends_with(|c: char| c.is_ascii_digit())
}

/// `Default_Ignorable_Code_Point` (Unicode, `DerivedCoreProperties.txt`).
fn is_invisible(c: char) -> bool {
    matches!(
        u32::from(c),
        0xad | 0x34f
            | 0x61c
            | 0x115f..=0x1160
            | 0x17b4..=0x17b5
            | 0x180b..=0x180f
            | 0x200b..=0x200f
            | 0x202a..=0x202e
            | 0x2060..=0x206f
            | 0x3164
            | 0xfe00..=0xfe0f
            | 0xfeff
            | 0xffa0
            | 0xfff0..=0xfff8
            | 0x1bca0..=0x1bca3
            | 0x1d173..=0x1d17a
            | 0xe0000..=0xe0fff
    )
}
