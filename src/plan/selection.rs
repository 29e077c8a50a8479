//! [`Selection`]: which paths a run looks at; what lies outside keeps its base rows.

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

use crate::tree::RepoPath;

/// A glob that cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{glob:?} is not a glob")]
pub struct GlobError {
    /// As typed.
    pub glob: String,
    /// What is wrong with it.
    #[source]
    pub cause: globset::Error,
}

/// Operands and globs: a path is selected if it is or lies below an operand (or there is none),
/// matches an `--include` (or there is none) and no `--exclude`.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    operands: Vec<RepoPath>,
    include: Option<GlobSet>,
    exclude: Option<GlobSet>,
}

impl Selection {
    /// Selects everything.
    pub fn all() -> Self {
        Self::default()
    }

    /// Selects by operands (none means everything) and globs.
    ///
    /// A glob without `/` matches a name at any depth, one with `/` a path from the root; `*` stops
    /// at `/`, `**` does not. A glob that matches a folder matches all below it. Operands within
    /// another operand are merged into it.
    pub fn new(
        operands: impl IntoIterator<Item = RepoPath>,
        include: &[String],
        exclude: &[String],
    ) -> Result<Self, GlobError> {
        let mut sorted: Vec<_> = operands.into_iter().collect();
        sorted.sort();
        sorted.dedup();
        // `a`, `a-b` and `a/c` sort in this order, so every operand is held against all kept ones
        // that are a byte prefix: the last ones.
        let mut operands: Vec<RepoPath> = Vec::with_capacity(sorted.len());
        for operand in sorted {
            if !operands.iter().any(|kept| operand.is_within(kept)) {
                operands.push(operand);
            }
        }
        Ok(Self { operands, include: glob_set(include)?, exclude: glob_set(exclude)? })
    }

    /// Returns the operands, none within another, in key order; empty means everything.
    pub fn operands(&self) -> &[RepoPath] {
        &self.operands
    }

    /// Tells whether a path passes the globs; its operand is a matter of where one looks.
    pub fn passes(&self, path: &RepoPath) -> bool {
        self.include.as_ref().is_none_or(|globs| globs.is_match(path.as_str()))
            && !self.exclude.as_ref().is_some_and(|globs| globs.is_match(path.as_str()))
    }

    /// Tells whether a path passes the globs, and an operand if there are any.
    pub fn selects(&self, path: &RepoPath) -> bool {
        let is_named =
            self.operands.is_empty() || self.operands.iter().any(|it| path.is_within(it));
        is_named && self.passes(path)
    }

    /// Tells whether every path is selected.
    pub fn is_everything(&self) -> bool {
        self.operands.is_empty() && self.include.is_none() && self.exclude.is_none()
    }
}

fn glob_set(globs: &[String]) -> Result<Option<GlobSet>, GlobError> {
    if globs.is_empty() {
        return Ok(None);
    }
    let mut builder = GlobSetBuilder::new();
    let mut add = |glob: &str, text: String| -> Result<(), GlobError> {
        let parsed: Result<Glob, _> = GlobBuilder::new(&text).literal_separator(true).build();
        builder.add(parsed.map_err(|cause| GlobError { glob: glob.to_owned(), cause })?);
        Ok(())
    };
    for glob in globs {
        let trimmed = glob.trim_end_matches('/');
        let anchored = match trimmed.strip_prefix('/') {
            Some(rest) => rest.to_owned(),
            None if trimmed.contains('/') => trimmed.to_owned(),
            None => format!("**/{trimmed}"),
        };
        add(glob, anchored.clone())?;
        add(glob, format!("{anchored}/**"))?;
    }
    let set = builder.build();
    set.map(Some).map_err(|cause| GlobError { glob: globs.join(" "), cause })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).unwrap()
    }

    fn globs(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn operands_within_another_are_merged() {
        let operands = ["a/b", "a", "a-b", "ab", "a/b/c", "a"].map(path);
        let selection = Selection::new(operands, &[], &[]).unwrap();
        assert_eq!(selection.operands(), ["a", "a-b", "ab"].map(path));
    }

    #[test]
    fn an_operand_or_a_glob_alone_makes_it_less_than_everything() {
        assert!(Selection::all().is_everything());
        assert!(Selection::new([], &[], &[]).unwrap().is_everything());
        for (operand, include, exclude) in [
            (Some(path("a")), &[][..], &[][..]),
            (None, &globs(&["a"]), &[]),
            (None, &[], &globs(&["a"])),
        ] {
            let selection = Selection::new(operand, include, exclude).unwrap();
            assert!(!selection.is_everything(), "{selection:?}");
        }
    }

    #[test]
    fn globs_match_names_at_any_depth_and_paths_from_the_root() {
        let cases = [
            ("*.txt", "a.txt", true),
            ("*.txt", "deep/er/a.txt", true),
            ("*.txt", "a.txt.bak", false),
            ("docs", "docs/a/b", true),
            ("docs/", "x/docs/a", true),
            ("/docs", "x/docs/a", false),
            ("docs/*.md", "docs/a.md", true),
            ("docs/*.md", "docs/sub/a.md", false),
            ("docs/*.md", "x/docs/a.md", false),
            ("docs/**/*.md", "docs/sub/a.md", true),
        ];
        for (glob, text, matches) in cases {
            let include = Selection::new([], &globs(&[glob]), &[]).unwrap();
            let exclude = Selection::new([], &[], &globs(&[glob])).unwrap();
            assert_eq!(include.passes(&path(text)), matches, "{glob} {text}");
            assert_eq!(exclude.passes(&path(text)), !matches, "{glob} {text}");
        }
    }

    #[test]
    fn exclude_wins_over_include() {
        let selection = Selection::new([], &globs(&["*.txt"]), &globs(&["secret.txt"])).unwrap();
        assert!(selection.passes(&path("a.txt")));
        assert!(!selection.passes(&path("b/secret.txt")));
    }

    #[test]
    fn a_broken_glob_is_named() {
        let error = Selection::new([], &globs(&["a[", "b"]), &[]).unwrap_err();
        assert_eq!(error.glob, "a[");
    }
}
