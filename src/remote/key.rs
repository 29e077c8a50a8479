//! [`BucketUrl`], what a person types for a bucket, and [`KeySpace`], how paths become keys.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use super::Listed;
use crate::tree::{PathError, RemoteEntry, RepoPath, Token, Version};

/// What the keys below the prefix begin with that are lsync's own: no working copy has such a path.
pub(crate) const OWN_FOLDER: &str = ".lsync/";

/// The folder below the prefix for the objects of the probe, with the slash behind it.
pub const PROBE_FOLDER: &str = ".lsync/probe/";

/// Where a team keeps its files: a bucket and a prefix, or a folder that stands for a bucket.
///
/// ```
/// use lsync::remote::BucketUrl;
/// let url = BucketUrl::parse("team-files/docs/", "/home/ada".as_ref())?;
/// assert_eq!(url.to_string(), "s3://team-files/docs");
/// # Ok::<(), lsync::remote::BucketUrlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BucketUrl {
    /// A bucket on a store that speaks S3.
    S3 {
        /// Its name, as typed: the store has the last word.
        bucket: String,
        /// What keys begin with, without slashes around it; empty for the whole bucket.
        prefix: String,
    },
    /// A folder as bucket: an absolute path.
    Folder(PathBuf),
}

/// Why a text names no bucket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BucketUrlError {
    /// Nothing, or a URL without a name.
    #[error("the bucket's name is empty")]
    Empty,
    /// `/` alone.
    #[error("/ is the root of the file system and cannot be a bucket")]
    Root,
    /// A control character, which no store and no config could hold safely.
    #[error("the bucket's name or prefix has a control character")]
    Control,
    /// `file://` without an absolute path.
    #[error("{0}: a file URL needs an absolute path")]
    Relative(String),
    /// A folder whose path is no UTF-8, which the config could not hold.
    #[error("{}: the path is no UTF-8", .0.display())]
    Encoding(PathBuf),
    /// The name that AWS has for a bucket in its policies, or for an access point.
    #[error("{0} is an ARN, not the name of a bucket")]
    Arn(String),
    /// `s3:/name`: the part behind the slash.
    #[error("s3:/{0} is no URL of a bucket: it has one slash where two belong")]
    OneSlash(String),
    /// A name with a character that no store takes.
    #[error("{name:?} cannot be the name of a bucket: no store takes {odd:?} in one")]
    Name {
        /// What was typed for the name.
        name: String,
        /// The first such character.
        odd: char,
    },
    /// A scheme that is neither `s3` nor `file`.
    #[error("{0}:// is no scheme that lsync knows")]
    Scheme(String),
}

impl BucketUrlError {
    /// Returns what to type instead.
    pub fn hint(&self) -> String {
        let hint = match self {
            Self::OneSlash(rest) => return format!("did you mean s3://{rest}?"),
            Self::Name { .. } => {
                "names have 3 to 63 lower-case letters, digits, hyphens and dots; a folder is ./DIR"
            }
            Self::Scheme(_) => {
                "name the bucket alone (NAME or NAME/PREFIX) and the server by --endpoint-url"
            }
            Self::Arn(_) => {
                "type the bucket's name alone, which is what stands behind the last colon of a \
                 bucket's ARN; access points are not taken"
            }
            Self::Relative(_) => "write file:///ABSOLUTE/PATH, or a path that begins with / or .",
            Self::Empty | Self::Root | Self::Control | Self::Encoding(_) => {
                "a bucket is NAME, NAME/PREFIX, s3://NAME/PREFIX, file:///DIR, \
                 or a path that begins with / or ."
            }
        };
        hint.to_owned()
    }
}

impl BucketUrl {
    /// Reads `text` as a person types it or as the config keeps it.
    ///
    /// `current` is the absolute path of the current directory, for paths that begin with `.`.
    pub fn parse(text: &str, current: &Path) -> Result<Self, BucketUrlError> {
        if text.chars().any(char::is_control) {
            return Err(BucketUrlError::Control);
        }
        if let Some(path) = text.strip_prefix("file://") {
            if !path.starts_with('/') {
                return Err(BucketUrlError::Relative(text.to_owned()));
            }
            return folder(Path::new(path));
        }
        if text.starts_with(['/', '.']) {
            return folder(&below(current, text));
        }
        if let Some(rest) = text.strip_prefix("s3:/")
            && !rest.starts_with('/')
        {
            return Err(BucketUrlError::OneSlash(rest.to_owned()));
        }
        let name = match text.split_once("://") {
            Some(("s3", name)) => name,
            Some((scheme, _)) if !scheme.contains('/') => {
                return Err(BucketUrlError::Scheme(scheme.to_owned()));
            }
            _ => text,
        };
        let (bucket, prefix) = name.split_once('/').unwrap_or((name, ""));
        if bucket.is_empty() {
            return Err(BucketUrlError::Empty);
        }
        if bucket.starts_with("arn:") {
            return Err(BucketUrlError::Arn(text.to_owned()));
        }
        if let Some(odd) = odd_character(bucket) {
            return Err(BucketUrlError::Name { name: bucket.to_owned(), odd });
        }
        let prefix = prefix.trim_matches('/').to_owned();
        Ok(Self::S3 { bucket: bucket.to_owned(), prefix })
    }

    /// Returns the last component, as the name of a folder to clone into.
    pub fn last_component(&self) -> &str {
        match self {
            Self::S3 { bucket, prefix } if prefix.is_empty() => bucket,
            Self::S3 { prefix, .. } => prefix.rsplit('/').next().unwrap_or(prefix),
            Self::Folder(path) => path.file_name().and_then(|name| name.to_str()).unwrap_or(""),
        }
    }
}

/// Finds a character that no store takes in a bucket's name. Old buckets of AWS have capitals and
/// underscores, and Ceph writes `TENANT:NAME`.
fn odd_character(name: &str) -> Option<char> {
    let is_at_an_end = name.starts_with(':') || name.ends_with(':');
    let is_odd = |c: char| match c {
        ':' => is_at_an_end,
        _ => !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')),
    };
    name.chars().find(|&c| is_odd(c))
}

/// Takes `.` and `..` off the front of `text`. The current directory holds no links, so that going
/// up from it is exact; a later `..` may follow a link and is the kernel's business.
fn below(current: &Path, text: &str) -> PathBuf {
    let (mut folder, mut rest) = (current.to_path_buf(), text);
    loop {
        let (first, behind) = rest.split_once('/').unwrap_or((rest, ""));
        match first {
            "." => {}
            ".." => {
                folder.pop();
            }
            _ => break,
        }
        rest = behind.trim_start_matches('/');
    }
    folder.join(rest)
}

/// Makes an absolute path the name of a folder bucket.
fn folder(path: &Path) -> Result<BucketUrl, BucketUrlError> {
    let clean: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
    if clean.to_str().is_none() {
        return Err(BucketUrlError::Encoding(clean));
    }
    if clean.parent().is_none() { Err(BucketUrlError::Root) } else { Ok(BucketUrl::Folder(clean)) }
}

impl fmt::Display for BucketUrl {
    /// Writes the one form that the config and the database keep.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3 { bucket, prefix } if prefix.is_empty() => write!(formatter, "s3://{bucket}"),
            Self::S3 { bucket, prefix } => write!(formatter, "s3://{bucket}/{prefix}"),
            Self::Folder(path) => write!(formatter, "file://{}", path.display()),
        }
    }
}

/// How paths become keys below a prefix, and back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySpace {
    /// Empty, or the prefix with one slash behind it, so that `x` never sees `xyz/…`.
    prefix: String,
}

impl KeySpace {
    /// Takes the prefix with or without slashes around it.
    pub fn new(prefix: &str) -> Self {
        let prefix = prefix.trim_matches('/');
        Self { prefix: if prefix.is_empty() { String::new() } else { format!("{prefix}/") } }
    }

    /// Returns the key of a text below the prefix: a path, or what a listing is to begin with.
    pub fn key(&self, below: &str) -> String {
        format!("{}{below}", self.prefix)
    }

    /// Returns what stands behind the prefix; `None` for a key of somebody else.
    pub fn relative<'a>(&self, key: &'a str) -> Option<&'a str> {
        key.strip_prefix(self.prefix.as_str())
    }
}

/// An object as a listing names it, below the prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedKey<'a> {
    /// The key below the prefix.
    pub key: &'a str,
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since 1970.
    pub modified: i64,
}

impl ListedKey<'_> {
    /// Tells whether the object is no business of a working copy: one of lsync's own, or the empty
    /// folder marker of the prefix itself.
    pub fn is_silent(&self) -> bool {
        self.key.starts_with(OWN_FOLDER) || (self.key.is_empty() && self.size == 0)
    }

    /// Makes it an item of a [`super::Page`].
    pub fn into_listed(self, token: Token) -> Listed {
        match RepoPath::parse(self.key) {
            Ok(path) => {
                let version = Version { token, size: self.size };
                Listed::Object(RemoteEntry { path, version, modified: self.modified })
            }
            Err(reason) => self.odd(reason),
        }
    }

    /// Makes it an item whose key cannot be a path.
    pub fn odd(self, reason: PathError) -> Listed {
        Listed::Odd { key: self.key.to_owned(), reason, size: self.size }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, BucketUrlError> {
        BucketUrl::parse(text, Path::new("/home/ada/work")).map(|url| url.to_string())
    }

    #[test]
    fn every_spelling_of_a_bucket_has_one_normal_form() {
        for (typed, kept) in [
            ("team", "s3://team"),
            ("team/", "s3://team"),
            ("team/docs", "s3://team/docs"),
            ("team/docs/", "s3://team/docs"),
            ("s3://team/docs/2026//", "s3://team/docs/2026"),
            ("my_bucket", "s3://my_bucket"),
            ("My.Bucket/a b", "s3://My.Bucket/a b"),
            ("team/x://y", "s3://team/x://y"),
            ("file:///srv/team", "file:///srv/team"),
            ("/srv/team/", "file:///srv/team"),
            ("/srv//team/./x", "file:///srv/team/x"),
            (".", "file:///home/ada/work"),
            ("./team", "file:///home/ada/work/team"),
            (".//team", "file:///home/ada/work/team"),
            ("../team", "file:///home/ada/team"),
            ("../../eve/x", "file:///home/eve/x"),
            ("./link/../x", "file:///home/ada/work/link/../x"),
            (".hidden", "file:///home/ada/work/.hidden"),
        ] {
            let normal = parse(typed).unwrap();
            assert_eq!(normal, kept, "{typed:?}");
            assert_eq!(parse(&normal).unwrap(), kept, "the normal form of {typed:?} is stable");
        }
    }

    #[test]
    fn only_what_no_store_accepts_is_refused() {
        for (typed, error) in [
            ("", BucketUrlError::Empty),
            ("s3://", BucketUrlError::Empty),
            ("s3:///docs", BucketUrlError::Empty),
            ("/", BucketUrlError::Root),
            ("file:///", BucketUrlError::Root),
            ("../../../..", BucketUrlError::Root),
            ("a\nb", BucketUrlError::Control),
            ("file://team", BucketUrlError::Relative("file://team".to_owned())),
            ("gs://team", BucketUrlError::Scheme("gs".to_owned())),
            ("https://team", BucketUrlError::Scheme("https".to_owned())),
        ] {
            assert_eq!(parse(typed), Err(error), "{typed:?}");
        }
    }

    #[test]
    fn the_last_component_names_a_clone() {
        for (typed, last) in
            [("team", "team"), ("team/docs/plans/", "plans"), ("/srv/team", "team")]
        {
            let url = BucketUrl::parse(typed, Path::new("/home")).unwrap();
            assert_eq!(url.last_component(), last);
        }
    }

    #[test]
    fn keys_stand_below_the_prefix_with_exactly_one_slash() {
        for prefix in ["p", "p/", "/p/"] {
            let keys = KeySpace::new(prefix);
            assert_eq!(keys.key("a/b"), "p/a/b");
            assert_eq!(keys.key(""), "p/");
            assert_eq!(keys.relative("p/a/b"), Some("a/b"));
            assert_eq!(keys.relative("pq/a"), None);
            assert_eq!(keys.relative("p"), None);
        }
        assert_eq!(KeySpace::new("").key("a"), "a");
        assert_eq!(KeySpace::new("/").key("a"), "a");
    }

    #[test]
    fn what_is_below_the_control_folder_is_silent_and_its_relatives_are_odd() {
        let listed = |key, size| ListedKey { key, size, modified: 0 };
        assert!(listed(".lsync/probe/x/1", 5).is_silent());
        assert!(listed(".lsync/config.yaml", 5).is_silent());
        assert!(listed("", 0).is_silent(), "the marker of the prefix itself");
        assert!(!listed("", 1).is_silent());
        for (key, reason) in [
            (".LSYNC/probe/x", PathError::Control),
            ("a/.lsync/config.yaml", PathError::Control),
            (".lsync", PathError::Control),
            ("dir/", PathError::Folder),
            ("a//b", PathError::EmptyComponent),
        ] {
            assert!(!listed(key, 0).is_silent());
            let odd = listed(key, 0).into_listed(Token::new("x"));
            assert_eq!(odd, Listed::Odd { key: key.to_owned(), reason, size: 0 });
        }
        let object = listed("a/b", 3).into_listed(Token::new("\"x\""));
        assert!(matches!(object, Listed::Object(entry) if entry.version.size == 3));
    }
}
