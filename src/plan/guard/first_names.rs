//! Names that are seldom meant for a team: secrets, what another tool keeps for itself, what each
//! machine makes anew.

use std::collections::BTreeMap;

use crate::plan::{Action, ActionKind, Plan};
use crate::tree::RepoPath;

/// The names, of files and folders alike.
const NAMES: &[&str] = &[
    ".DS_Store",
    ".aws",
    ".env",
    ".git",
    ".gnupg",
    ".hg",
    ".netrc",
    ".ssh",
    ".svn",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa",
    "node_modules",
];

/// Such names that a plan sends for the first time, with the number of files of each.
///
/// The first time: neither the database nor the bucket, as far as the plan shows it, has anything of
/// that name, anywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirstNames(BTreeMap<&'static str, u64>);

impl FirstNames {
    /// Finds them in what a plan uploads.
    pub fn of(plan: &Plan) -> Self {
        let mut found = Self::default();
        for action in plan.actions.iter().filter(|action| action.kind == ActionKind::Upload) {
            if let Some(name) = name_in(&action.path).filter(|_| action.is_new()) {
                *found.0.entry(name).or_default() += 1;
            }
        }
        if !found.is_empty() {
            let is_there = |action: &&Action| action.remote.is_some();
            plan.actions.iter().filter(is_there).for_each(|action| found.leave_out(&action.path));
            plan.conflicts.iter().for_each(|conflict| found.leave_out(&conflict.path));
        }
        found
    }

    /// Takes out the name that a path shows to be known already.
    pub fn leave_out(&mut self, path: &RepoPath) {
        if let Some(name) = name_in(path) {
            self.0.remove(name);
        }
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the names, sorted, with the number of files of each.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(name, files)| (*name, *files))
    }
}

/// Returns the first component of a path that is such a name.
fn name_in(path: &RepoPath) -> Option<&'static str> {
    let known = |part: &str| NAMES.iter().find(|name| **name == part).copied();
    path.as_str().split('/').find_map(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Stage;

    fn plan(uploads: &[&str]) -> Plan {
        let upload = |path: &&str| {
            Action::new(RepoPath::parse(path).unwrap(), ActionKind::Upload, Stage::Main)
        };
        Plan { actions: uploads.iter().map(upload).collect(), ..Plan::default() }
    }

    #[test]
    fn names_are_whole_components_at_any_depth() {
        let plan = plan(&[
            "a/.git",
            "b/.git/HEAD",
            "b/.gitignore",
            "environment/.env",
            "id_rsa.pub",
            "node_modules/x/.DS_Store",
        ]);
        let found: Vec<_> = FirstNames::of(&plan).iter().collect();
        assert_eq!(found, [(".env", 1), (".git", 2), ("node_modules", 1)]);
    }

    #[test]
    fn what_is_known_already_is_no_first_time() {
        let mut found = FirstNames::of(&plan(&[".env", "x/.git/HEAD"]));
        found.leave_out(&RepoPath::parse("y/.git").unwrap());
        assert_eq!(found.iter().collect::<Vec<_>>(), [(".env", 1)]);
        let mut plan = plan(&[".env", "x/.env"]);
        plan.actions[1].kind = ActionKind::Download;
        plan.actions[1].remote =
            Some(crate::tree::Version { token: crate::tree::Token::new("e"), size: 1 });
        assert!(FirstNames::of(&plan).is_empty());
    }
}
