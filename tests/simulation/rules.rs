//! Ignore rules as the harness reads them: those that its persons write, and no others.

use std::path::Path;

use crate::bucket::is_within;
use crate::state::{ROOT, Simulation};

/// What a rules file is called.
const NAME: &str = ".lsyncignore";

/// A rule, with the folder that its file lies in.
pub(crate) type Rule = (String, String);

impl Simulation {
    /// Returns the rules that stand in a working copy.
    pub(crate) fn rules(&self, client: usize) -> Vec<Rule> {
        let person = self.machines[client].observer.person();
        let mut rules = Vec::new();
        for (path, bytes) in person.files_below(ROOT) {
            if path.starts_with(".lsync") || path.file_name().is_none_or(|name| name != NAME) {
                continue;
            }
            let folder = path.parent().and_then(Path::to_str).unwrap().to_owned();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
            rules.extend(lines.map(|line| (folder.clone(), line.to_owned())));
        }
        rules
    }
}

/// Tells whether one of the rules ignores a file: a pattern with a slash within is about that path,
/// one with a slash at its end about folders, any other about files and folders of that name.
pub(crate) fn is_ignored(rules: &[Rule], path: &str) -> bool {
    rules.iter().any(|(folder, pattern)| {
        let below = if folder.is_empty() {
            path
        } else {
            match path.strip_prefix(folder.as_str()).and_then(|rest| rest.strip_prefix('/')) {
                Some(below) => below,
                None => return false,
            }
        };
        let (name, is_folder) = match pattern.strip_suffix('/') {
            Some(name) => (name, true),
            None => (pattern.as_str(), false),
        };
        if name.contains('/') {
            return is_within(below, name) && !(is_folder && below == name);
        }
        let mut parts: Vec<&str> = below.split('/').collect();
        if is_folder {
            parts.pop();
        }
        parts.into_iter().any(|part| match name.strip_prefix('*') {
            Some(end) => part.ends_with(end),
            None => part == name,
        })
    })
}

#[test]
fn rules_are_read_as_git_reads_them() {
    let rules = |text: &str| -> Vec<Rule> {
        text.lines().map(|line| ("r".to_owned(), line.to_owned())).collect()
    };
    for (text, path, ignored) in [
        ("*.tmp", "r/d/h.tmp", true),
        ("*.tmp", "r/g.tmp/in", true),
        ("*.tmp", "g.tmp", false),
        ("b.txt", "r/b.txt", true),
        ("b.txt", "r/ab.txt", false),
        ("d/", "r/d", false),
        ("d/", "r/a/d/x", true),
        ("d/e", "r/d/e", true),
        ("d/e", "r/d/e/z", true),
        ("d/e", "r/a/d/e", false),
    ] {
        assert_eq!(is_ignored(&rules(text), path), ignored, "{text} {path}");
    }
}
