//! [`RepoPath`]: the one type for the name of a file, valid on both sides.

use std::fmt;

/// The longest key S3 accepts, in bytes (S3 user guide, "Creating object key names").
pub const KEY_BYTES_MAX: usize = 1024;

/// The longest name of a file or folder on Linux and macOS, in bytes (`NAME_MAX`).
pub const NAME_BYTES_MAX: usize = 255;

/// The path of a file relative to the root of a working copy, and its key below the prefix.
///
/// Invariants, which [`RepoPath::parse`] alone establishes:
/// * UTF-8, 1 to 1,024 bytes; components of 1 to 255 bytes, separated by single `/`
/// * no component is `.`, `..` or a spelling of `.lsync`; no NUL byte
/// * compared byte by byte, which is the order in which S3 lists keys
///
/// ```
/// use lsync::tree::RepoPath;
/// let path = RepoPath::parse("docs/a.txt")?;
/// assert_eq!(path.name(), "a.txt");
/// assert!(RepoPath::parse("../evil").is_err());
/// # Ok::<(), lsync::tree::PathError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(Box<str>);

/// Why a text is no [`RepoPath`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Empty, or nothing but `/`.
    #[error("the path is empty")]
    Empty,
    /// Begins with `/`.
    #[error("the path begins with /")]
    Absolute,
    /// Ends with `/`: a folder marker of another tool.
    #[error("the key ends with /, which names a folder and no file")]
    Folder,
    /// Holds `//`.
    #[error("the path has an empty component (//)")]
    EmptyComponent,
    /// Holds `.` or `..` as a component.
    #[error("the path has a component . or ..")]
    Dots,
    /// Holds a NUL byte, which no file name can.
    #[error("the path has a NUL byte")]
    Nul,
    /// Leads into the control folder, in whatever spelling a file system could fold to it.
    #[error("the path leads into .lsync")]
    Control,
    /// A component is longer than file systems accept.
    #[error("a component of the path is longer than 255 bytes")]
    LongName,
    /// Longer than the longest key.
    #[error("the key is longer than 1,024 bytes")]
    LongKey,
    /// The name of a file in a folder bucket is no UTF-8, which keys are.
    #[error("the name is not UTF-8")]
    NotUnicode,
}

/// The folder at the root of a working copy that holds everything of lsync's: no path leads there.
pub const CONTROL: &str = ".lsync";

impl RepoPath {
    /// Checks `text` and makes it a path; nothing is normalised.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.starts_with('/') {
            return Err(PathError::Absolute);
        }
        if text.ends_with('/') && !text.ends_with("//") {
            // Everything before the slash must still be sound for this to be a folder marker.
            return Err(match Self::parse(&text[..text.len() - 1]) {
                Ok(_) => PathError::Folder,
                Err(error) => error,
            });
        }
        if !text.as_bytes().split(|byte| *byte == b'/').all(is_plain) {
            text.split('/').try_for_each(check_name)?;
        }
        if text.len() > KEY_BYTES_MAX {
            return Err(PathError::LongKey);
        }
        Ok(Self(text.into()))
    }

    /// Returns the path of `name` below `parent`; no parent means the root.
    pub fn below(parent: Option<&Self>, name: &str) -> Result<Self, PathError> {
        if name.as_bytes().contains(&b'/') {
            return Err(PathError::EmptyComponent);
        }
        check_name(name)?;
        let text = match parent {
            Some(parent) => [parent.as_str(), "/", name].concat(),
            None => name.to_owned(),
        };
        if text.len() > KEY_BYTES_MAX { Err(PathError::LongKey) } else { Ok(Self(text.into())) }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the last component.
    pub fn name(&self) -> &str {
        let slash = self.0.bytes().rposition(|byte| byte == b'/');
        &self.0[slash.map_or(0, |slash| slash + 1)..]
    }

    /// Returns the folder that the path lies in; `None` is the root.
    pub fn parent(&self) -> Option<Self> {
        self.0.rfind('/').map(|end| Self(self.0[..end].into()))
    }

    /// Returns the text of the folder that the path lies in; empty is the root.
    pub fn parent_str(&self) -> &str {
        self.0.rfind('/').map_or("", |end| &self.0[..end])
    }

    /// Returns the components, from the root down.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// Returns every folder above the path, from the top down, without the root.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        self.0.match_indices('/').map(|(end, _)| Self(self.0[..end].into()))
    }

    /// Tells whether the path lies below `folder`, by whole components (`foo` is not above `foobar`).
    pub fn is_below(&self, folder: &Self) -> bool {
        self.0.len() > folder.0.len()
            && self.0.as_bytes()[folder.0.len()] == b'/'
            && self.0.starts_with(&*folder.0)
    }

    /// Tells whether the path is `other` or lies below it.
    pub fn is_within(&self, other: &Self) -> bool {
        self == other || self.is_below(other)
    }
}

/// Checks one component.
fn check_name(name: &str) -> Result<(), PathError> {
    match name {
        _ if is_plain(name.as_bytes()) => Ok(()),
        "" => Err(PathError::EmptyComponent),
        "." | ".." => Err(PathError::Dots),
        _ if name.contains('\0') => Err(PathError::Nul),
        _ if is_control_name(name) => Err(PathError::Control),
        _ if name.len() > NAME_BYTES_MAX => Err(PathError::LongName),
        _ => Ok(()),
    }
}

/// Tells at a glance that nothing is wrong with a name, which is so of most: millions of them are
/// checked at every start.
fn is_plain(name: &[u8]) -> bool {
    let begins_well = !matches!(name, [] | [b'.' | b'l' | b'L', ..]);
    begins_well && name.len() <= NAME_BYTES_MAX && name.iter().all(|byte| matches!(byte, 1..=0x7f))
}

/// Tells whether a file system could fold `name` to `.lsync`.
///
/// Modelled on git's checks for `.git`: case folding, code points that file systems pass over,
/// trailing dots and blanks, streams (`:`) and short names (`LSYNC~1`) of NTFS.
fn is_control_name(name: &str) -> bool {
    let begins_like_it =
        matches!(name.as_bytes(), [b'.', b'l' | b'L', ..] | [b'l' | b'L', b's' | b'S', ..]);
    if !name.is_ascii() || (begins_like_it && name.len() >= 6) {
        // Folding makes `s` of `ſ`, too, which is lower case already.
        let folded: String = name
            .chars()
            .filter(|c| !is_ignorable(*c))
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase)
            .collect();
        let stem = folded.split(':').next().unwrap_or("").trim_end_matches([' ', '.']);
        stem == CONTROL || is_short_name(stem)
    } else {
        false
    }
}

/// Tells whether a lower-case name is one that NTFS could give to `.lsync` (`lsync~1` …).
fn is_short_name(name: &str) -> bool {
    name.strip_prefix("lsync~")
        .is_some_and(|rest| rest.len() == 1 && rest.as_bytes()[0].is_ascii_digit())
}

/// The code points that HFS+ and folding directories of ext4 and f2fs leave out when they compare
/// names: `Default_Ignorable_Code_Point` of Unicode.
fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

impl fmt::Display for RepoPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_the_control_folder_is_refused() {
        for name in [
            ".lsync",
            ".LSYNC",
            ".Lsync",
            ".lsync.",
            ".lsync ",
            ".lsync. .",
            "LSYNC~1",
            "lsync~2",
            ".l\u{200c}sync",
            ".lsync::$INDEX_ALLOCATION",
            "\u{feff}.lsync",
            ".l\u{17f}ync",
            ".ls\u{ad}ync",
            ".lsync\u{fe0f}",
            "LSYNC\u{200b}~1",
        ] {
            assert_eq!(RepoPath::parse(name), Err(PathError::Control), "{name:?}");
            assert_eq!(
                RepoPath::parse(&format!("a/{name}/b")),
                Err(PathError::Control),
                "{name:?}"
            );
        }
    }

    #[test]
    fn names_that_only_look_like_it_are_ordinary() {
        for name in
            [".lsync_notes", ".lsyncignore", "lsync", ".lsyn", "lsync~10", "a.lsync", ".lsync2"]
        {
            assert!(RepoPath::parse(name).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn keys_that_cannot_be_paths_are_refused_with_their_reason() {
        let long = "x".repeat(256);
        let deep = vec!["x".repeat(200); 6].join("/");
        for (text, error) in [
            ("", PathError::Empty),
            ("/", PathError::Absolute),
            ("/abs", PathError::Absolute),
            ("a//b", PathError::EmptyComponent),
            ("a//", PathError::EmptyComponent),
            ("dir/", PathError::Folder),
            ("../x/", PathError::Dots),
            ("../evil", PathError::Dots),
            ("a/../b", PathError::Dots),
            ("a/./b", PathError::Dots),
            ("a\0b", PathError::Nul),
            (long.as_str(), PathError::LongName),
            (deep.as_str(), PathError::LongKey),
        ] {
            assert_eq!(RepoPath::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn the_longest_name_and_the_longest_key_are_taken_and_nothing_longer() {
        let name = "x".repeat(NAME_BYTES_MAX);
        assert!(RepoPath::parse(&name).is_ok());
        assert!(RepoPath::below(None, &name).is_ok());
        assert_eq!(RepoPath::below(None, &format!("{name}x")), Err(PathError::LongName));
        let (folder, name) = (["x".repeat(204).as_str(); 4].join("/"), "x".repeat(204));
        let key = format!("{folder}/{name}");
        assert_eq!(key.len(), KEY_BYTES_MAX);
        assert!(RepoPath::parse(&key).is_ok());
        assert_eq!(RepoPath::parse(&format!("{key}x")), Err(PathError::LongKey));
        let folder = RepoPath::parse(&folder).unwrap();
        assert_eq!(RepoPath::below(Some(&folder), &name).unwrap().as_str(), key);
        let longer = RepoPath::below(Some(&folder), &format!("{name}x"));
        assert_eq!(longer, Err(PathError::LongKey));
    }

    #[test]
    fn a_name_below_a_folder_is_one_sound_component() {
        let folder = RepoPath::parse("a/b").unwrap();
        assert_eq!(RepoPath::below(Some(&folder), "c").unwrap().as_str(), "a/b/c");
        assert_eq!(RepoPath::below(None, "c").unwrap().as_str(), "c");
        for (name, error) in [
            ("", PathError::EmptyComponent),
            ("c/d", PathError::EmptyComponent),
            ("..", PathError::Dots),
            ("c\0", PathError::Nul),
            (".LSYNC", PathError::Control),
        ] {
            assert_eq!(RepoPath::below(Some(&folder), name), Err(error), "{name:?}");
        }
    }

    #[test]
    fn a_path_shows_its_text_and_its_parts() {
        let path = RepoPath::parse("a/b\n/c").unwrap();
        assert_eq!((path.as_str(), path.name(), path.parent_str()), ("a/b\n/c", "c", "a/b\n"));
        assert_eq!(path.components().collect::<Vec<_>>(), ["a", "b\n", "c"]);
        assert_eq!(
            (path.to_string(), format!("{path:?}")),
            ("a/b\n/c".into(), r#""a/b\n/c""#.into())
        );
        assert_eq!(RepoPath::parse("top").unwrap().parent_str(), "");
    }

    #[test]
    fn odd_but_legal_names_are_kept_byte_by_byte() {
        for text in [
            "a:b",
            "été",
            "e\u{301}",
            "#?%+&<>\"'",
            "a\nb",
            "-rf",
            "a\\b",
            "~",
            " ",
            "...",
            "a b/ c",
        ] {
            assert_eq!(RepoPath::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn paths_lie_below_folders_by_whole_components() {
        let path = |text| RepoPath::parse(text).unwrap();
        assert!(path("foo/a").is_below(&path("foo")));
        assert!(!path("foobar").is_within(&path("foo")));
        assert!(!path("foo").is_below(&path("foo")));
        assert!(path("foo").is_within(&path("foo")));
        assert_eq!(path("a/b/c").ancestors().collect::<Vec<_>>(), [path("a"), path("a/b")]);
        assert_eq!(path("a/b/c").parent(), Some(path("a/b")));
        assert_eq!(path("a").parent(), None);
    }
}
