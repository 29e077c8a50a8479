//! [`RuleStack`]: the rules of the folders on one path.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::files::{RULES_FILE, RuleFiles};
use super::pattern;
use crate::disk::Disk;
use crate::monitor::{IneffectiveRule, RuleFault};
use crate::tree::Marker;

/// The rule by which a path is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredBy {
    /// `FILE:LINE`, the file relative to the root of the working copy.
    pub place: String,
    /// The pattern as written there.
    pub pattern: String,
}

impl From<IgnoredBy> for Marker {
    fn from(rule: IgnoredBy) -> Self {
        Self::Ignored { place: rule.place, pattern: rule.pattern }
    }
}

/// The rules of the folders on one path, from the root down.
pub(in crate::local) struct RuleStack {
    files: Arc<RuleFiles>,
    layers: Vec<Layer>,
}

/// The rules of one folder.
struct Layer {
    /// The length of `folder/`, which the patterns do not see.
    prefix_bytes: usize,
    rules: Gitignore,
}

/// The rules of one file.
struct Compiled {
    rules: Gitignore,
    ineffective: Vec<IneffectiveRule>,
    /// Rules that take back what lies in the folder behind them.
    taken_back: Vec<(usize, String, String)>,
}

impl RuleStack {
    /// Begins without a layer.
    pub(in crate::local) fn new(files: Arc<RuleFiles>) -> Self {
        Self { files, layers: Vec::new() }
    }

    /// Returns what is shared with others that read the rules of this run.
    #[cfg(test)]
    pub(super) fn files(&self) -> &RuleFiles {
        &self.files
    }

    /// Returns the number of layers, to come back to.
    pub(in crate::local) fn len(&self) -> usize {
        self.layers.len()
    }

    /// Goes back to the first `len` layers.
    pub(in crate::local) fn truncate(&mut self, len: usize) {
        self.layers.truncate(len);
    }

    /// Tells whether the rules of the folder `path` do not come from the disk.
    pub(in crate::local) fn expects(&self, path: &str) -> bool {
        self.files.expects(path)
    }

    /// Returns the rule that ignores `path`, given that none of its folders is ignored.
    pub(in crate::local) fn check(&self, path: &OsStr, folder: bool) -> Option<IgnoredBy> {
        for layer in self.layers.iter().rev() {
            let below = Path::new(OsStr::from_bytes(&path.as_bytes()[layer.prefix_bytes..]));
            match layer.rules.matched(below, folder) {
                Match::None => (),
                Match::Whitelist(_) => return None,
                Match::Ignore(rule) => {
                    let origin = rule.from().and_then(Path::to_str).unwrap_or_default();
                    let (place, pattern) = origin.split_once('\0').unwrap_or((origin, ""));
                    return Some(IgnoredBy {
                        place: place.to_owned(),
                        pattern: pattern.to_owned(),
                    });
                }
            }
        }
        None
    }

    /// Adds the rules of `folder`, whose path is `path` (empty is the root), if it has any; a folder
    /// that is not here may have some that are about to arrive.
    ///
    /// The error's text names the file.
    pub(in crate::local) fn enter<D: Disk>(
        &mut self,
        disk: &D,
        folder: Option<&D::Folder>,
        path: &str,
    ) -> io::Result<()> {
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let file = format!("{prefix}{RULES_FILE}");
        let compiled = self.files.read(disk, folder, path).and_then(|bytes| match bytes {
            Some(bytes) => compile(&file, &bytes).map(Some),
            None => Ok(None),
        });
        let compiled = compiled.map_err(|error| {
            io::Error::new(error.kind(), format!("cannot read {file}: {error}"))
        })?;
        let Some(Compiled { rules, mut ineffective, taken_back }) = compiled else {
            return Ok(());
        };
        if !rules.is_empty() {
            self.layers.push(Layer { prefix_bytes: prefix.len(), rules });
        }
        for (line, pattern, name) in taken_back {
            let folder = format!("{prefix}{name}");
            if let Some(rule) = self.check(OsStr::new(&folder), true) {
                let fault = RuleFault::FolderIgnored { folder, place: rule.place };
                ineffective.push(IneffectiveRule { file: file.clone(), line, pattern, fault });
            }
        }
        ineffective.sort_by_key(|rule| rule.line);
        self.files.report(&file, ineffective);
        Ok(())
    }
}

/// Compiles the lines of a rules file.
fn compile(file: &str, bytes: &[u8]) -> io::Result<Compiled> {
    let mut builder = GitignoreBuilder::new("");
    let (mut ineffective, mut taken_back) = (Vec::new(), Vec::new());
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let number = index + 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let added = match str::from_utf8(line).map(pattern::translate) {
            Err(_) => Err(RuleFault::NotUtf8),
            Ok(Err(fault)) => Err(fault),
            Ok(Ok(None)) => continue,
            Ok(Ok(Some(glob))) => {
                let line = String::from_utf8_lossy(line);
                // Place and pattern travel as the path that the matcher hands back with a match.
                let origin = Some(PathBuf::from(format!("{file}:{number}\0{line}")));
                let added = builder.add_line(origin, &glob);
                added.map(|_| ()).map_err(|error| RuleFault::Refused(error.to_string()))
            }
        };
        let pattern = String::from_utf8_lossy(line).into_owned();
        match added {
            Ok(()) => {
                let name = pattern::taken_back_from(&pattern).map(str::to_owned);
                taken_back.extend(name.map(|name| (number, pattern, name)));
            }
            Err(fault) => {
                let (file, line) = (file.to_owned(), number);
                ineffective.push(IneffectiveRule { file, line, pattern, fault });
            }
        }
    }
    let rules = builder.build().map_err(io::Error::other)?;
    Ok(Compiled { rules, ineffective, taken_back })
}
