//! Rules that arrive with a run: the rules files that its plan fetches or deletes count before
//! anything else is decided.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::StreamExt as _;

use super::error::SyncError;
use super::request::Request;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::{IgnoreRules, RULES_FILE, RULES_FILE_BYTES_MAX, RuleFiles};
use crate::plan::{ActionKind, Plan, Stage};
use crate::session::Session;
use crate::transfer;
use crate::tree::{RepoPath, Version};

/// Files with rules that are fetched at once: each may have a mebibyte, and they wait for the outermost.
const FETCHED_AT_ONCE: usize = 16;

/// Bytes of rules files that one run applies before it has fetched them.
const RULES_BYTES_MAX: u64 = 64 << 20;

/// What the rules files that a plan changes will hold.
#[derive(Default)]
pub(super) struct ArrivingRules {
    applied: BTreeMap<RepoPath, Applied>,
    /// Those that are not applied before they are here: they cannot be read, or would keep
    /// themselves from being fetched.
    left_out: BTreeSet<RepoPath>,
    bytes: u64,
}

/// A rules file as it will be.
#[derive(Debug, Clone)]
struct Applied {
    /// The version in the bucket; `None` where the file goes.
    version: Option<Version>,
    bytes: Option<Vec<u8>>,
}

impl ArrivingRules {
    /// Returns what all that read the rules of a plan share.
    pub(super) fn files(&self) -> Arc<RuleFiles> {
        let all = self.applied.iter();
        Arc::new(RuleFiles::arriving(all.map(|(path, file)| (path.clone(), file.bytes.clone()))))
    }

    /// Tells whether there are any.
    pub(super) fn is_empty(&self) -> bool {
        self.applied.is_empty()
    }

    /// Takes note of the rules files that a plan, made with those known so far, changes. Tells whether
    /// the plan has to be made anew.
    ///
    /// Each file is applied, and given up, at most once, so that this comes to an end.
    pub(super) async fn follow<D: Disk, C: Clock>(
        &mut self,
        session: &Arc<Session<D, C>>,
        request: &Request,
        plan: &Plan,
    ) -> Result<bool, SyncError> {
        // Whoever settles conflicts fetches nothing else.
        if request.resolving {
            return Ok(false);
        }
        let due: BTreeMap<&RepoPath, Option<&Version>> = (plan.actions.iter())
            .filter(|action| action.stage == Stage::Rules)
            .map(|action| {
                let goes = action.kind == ActionKind::DeleteLocal;
                (&action.path, action.remote.as_ref().filter(|_| !goes))
            })
            .collect();
        let mut has_changed = self.give_up(&due);
        let mut coming: Vec<(RepoPath, Option<Version>)> = (due.into_iter())
            .filter(|(path, _)| !self.applied.contains_key(*path) && !self.left_out.contains(*path))
            .map(|(path, version)| (path.clone(), version.cloned()))
            .collect();
        // From the outside in: what an outer file ignores does not come.
        coming.sort_by_key(|(path, _)| path.components().count());
        let fetching = coming.into_iter().map(|(path, version)| {
            let session = Arc::clone(session);
            async move {
                let contents = fetch(&session, &path, version.as_ref()).await;
                (path, version, contents)
            }
        });
        let mut fetched = futures_util::stream::iter(fetching).buffered(FETCHED_AT_ONCE);
        while let Some((path, version, contents)) = fetched.next().await {
            if session.stop.is_requested() {
                return Err(SyncError::Interrupted);
            }
            has_changed |= self.apply(session, path, version, contents?);
        }
        Ok(has_changed)
    }

    /// Gives up what is not to come after all; tells whether there was any.
    fn give_up(&mut self, due: &BTreeMap<&RepoPath, Option<&Version>>) -> bool {
        let is_due = |path: &RepoPath, applied: &Applied| {
            due.get(path).is_some_and(|version| *version == applied.version.as_ref())
        };
        let given_up: Vec<RepoPath> = (self.applied.iter())
            .filter(|(path, applied)| !is_due(path, applied))
            .map(|(path, _)| path.clone())
            .collect();
        for path in &given_up {
            self.applied.remove(path);
        }
        let has_any = !given_up.is_empty();
        self.left_out.extend(given_up);
        has_any
    }

    /// Applies a file, unless the rules would keep it from coming. Tells whether it is applied.
    fn apply<D: Disk, C: Clock>(
        &mut self,
        session: &Session<D, C>,
        path: RepoPath,
        version: Option<Version>,
        contents: Contents,
    ) -> bool {
        let bytes = match contents {
            Contents::Gone => None,
            Contents::Bytes(bytes) if self.bytes + bytes.len() as u64 <= RULES_BYTES_MAX => {
                Some(bytes)
            }
            Contents::Bytes(_) | Contents::Unknown => {
                self.left_out.insert(path);
                return false;
            }
        };
        let size = bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        let applied = Applied { version, bytes };
        let with_it = self.files_above(&path).chain([(path.clone(), applied.bytes.clone())]);
        let with_it = Arc::new(RuleFiles::arriving(with_it));
        let mut rules = IgnoreRules::of(&session.files.disk, &session.files.root, with_it);
        if !matches!(rules.check(&path, false), Ok(None)) {
            self.left_out.insert(path);
            return false;
        }
        self.bytes += size;
        self.applied.insert(path, applied);
        true
    }

    /// Returns the applied files of the folders above that of `path`.
    fn files_above(&self, path: &RepoPath) -> impl Iterator<Item = (RepoPath, Option<Vec<u8>>)> {
        let folders = std::iter::once(None).chain(path.ancestors().map(Some));
        folders.filter_map(|folder| {
            let path = RepoPath::below(folder.as_ref(), RULES_FILE).ok()?;
            let bytes = self.applied.get(&path)?.bytes.clone();
            Some((path, bytes))
        })
    }
}

/// What a rules file will hold.
enum Contents {
    /// There will be none.
    Gone,
    /// These bytes.
    Bytes(Vec<u8>),
    /// Nobody can tell yet.
    Unknown,
}

async fn fetch<D: Disk, C: Clock>(
    session: &Session<D, C>,
    path: &RepoPath,
    version: Option<&Version>,
) -> Result<Contents, SyncError> {
    let Some(version) = version else { return Ok(Contents::Gone) };
    if version.size > RULES_FILE_BYTES_MAX {
        return Ok(Contents::Unknown);
    }
    let bytes = transfer::fetch_into_memory(session, path, version).await?;
    Ok(bytes.map_or(Contents::Unknown, Contents::Bytes))
}
