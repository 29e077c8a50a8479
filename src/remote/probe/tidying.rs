//! Removes what this probe wrote, and what killed ones left.
//!
//! Age is the store's `Date` minus its `LastModified`: no clock of ours deletes anything there, and
//! where the store names no date nothing is old.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use futures_util::future::{join, join_all};
use futures_util::stream::{self, StreamExt as _};

use super::calls::delete;
use super::prober::{Prober, trial};
use super::trials::{ABANDONED_NANOSECONDS, Abandoned, ListedVersion, Trials, is_abandoned};
use crate::remote::key::PROBE_FOLDER;
use crate::remote::retry::retry;
use crate::remote::{Capabilities, Listed, PendingUpload, RemoteError, RemoteErrorKind as Kind};
use crate::tree::{RemoteEntry, RepoPath};

/// How many are looked at or deleted at once.
const LANES: usize = 32;

/// How many versions are deleted with one request.
const VERSIONS_AT_ONCE: usize = 250;

/// What killed probes have left in the bucket.
#[derive(Debug, Default)]
pub(super) struct Remains {
    objects: Vec<RemoteEntry>,
    uploads: Vec<PendingUpload>,
    /// What is older belongs to nobody; `None` where the store does not say what time it is.
    before: Option<i64>,
}

/// What became of deletions of objects.
#[derive(Debug, Default)]
struct Deleted {
    /// Why some stay.
    refused: Vec<RemoteError>,
    /// The store keeps marks of them.
    leave_marks: bool,
}

impl Deleted {
    /// Adds what became of others.
    fn add(&mut self, others: Self) {
        self.refused.extend(others.refused);
        self.leave_marks |= others.leave_marks;
    }
}

impl Remains {
    /// Looks for them.
    ///
    /// # Errors
    /// Where the bucket cannot be listed.
    pub(super) async fn look(remote: &dyn Trials) -> Result<Self, RemoteError> {
        let remote = remote.below(PROBE_FOLDER, Capabilities::nothing());
        // Not every store lists uploads, and not every person may.
        let (listed, uploads) = join(list(&*remote), remote.pending_uploads()).await;
        let (objects, date) = listed?;
        let before = date.map(|date| date - ABANDONED_NANOSECONDS);
        let is_old = |modified| before.is_some_and(|before| is_abandoned(modified, before));
        let mut uploads = uploads.unwrap_or_default();
        uploads.retain(|upload| is_old(upload.begun));
        let objects = objects.into_iter().filter(|entry| is_old(entry.modified)).collect();
        Ok(Self { objects, uploads, before })
    }
}

impl Prober<'_> {
    /// Removes what the probe wrote, and what killed ones left.
    pub(super) async fn clear(&mut self, remains: Remains) {
        if self.found.read_only {
            return;
        }
        let trial = trial(self.found.conditional_delete, self.found.checksum);
        let all = self.remote.below(PROBE_FOLDER, trial.clone());
        let are_gone = self.names_versions && self.clear_versions(&*all, remains.before).await;
        end_uploads(&*all, &remains.uploads).await;
        let mut deleted = Deleted::default();
        if !are_gone {
            deleted = self.delete_keys(&*self.below(trial)).await;
            let is_denied = deleted.refused.iter().any(|error| error.kind == Kind::Denied);
            self.found.undeletable |= is_denied;
        }
        let left: BTreeSet<_> = remains.objects.iter().map(|entry| entry.path.clone()).collect();
        deleted.add(delete_objects(&*all, remains.objects).await);
        if deleted.leave_marks && !self.names_versions {
            let is_ours =
                |version: &ListedVersion| self.is_own(version) || left.contains(&version.path);
            let kept = remove_marks(&*all, is_ours).await;
            self.notes.extend(kept);
        }
        if let Some(error) = deleted.refused.first() {
            self.notes.push(format!(
                "objects of the probe could not be removed; every client ignores them: {error}"
            ));
        }
    }

    /// Tells whether it is of an object of this probe.
    fn is_own(&self, version: &ListedVersion) -> bool {
        let own = self.folder.strip_prefix(PROBE_FOLDER).unwrap_or(&self.folder);
        version.path.as_str().split('/').next() == Some(own)
    }

    /// Deletes what this probe wrote, by the names that it remembers.
    async fn delete_keys(&self, own: &dyn Trials) -> Deleted {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut leave_marks = false;
        if !self.names_versions {
            // Where versions are kept, this would leave marks at names that are gone.
            let (names, odd): (BTreeSet<_>, BTreeSet<_>) =
                keys.iter().cloned().partition(|path| own.can_name(path));
            let names: Vec<_> = names.into_iter().map(|path| (path, None)).collect();
            let deleted = retry(|| own.delete_own(&names)).await;
            if let Ok(answers) = deleted
                && answers.iter().all(Result::is_ok)
            {
                leave_marks = answers.iter().any(|answer| matches!(answer, Ok(true)));
                keys = odd;
            }
        }
        let (there, refused) = look_at(own, keys).await;
        let mut deleted = Deleted { refused, leave_marks };
        deleted.add(delete_objects(own, there).await);
        deleted
    }

    /// Deletes versions and marks of deletions, those of killed probes included; tells whether all of this
    /// probe are gone.
    async fn clear_versions(&mut self, all: &dyn Trials, before: Option<i64>) -> bool {
        match retry(|| all.list_versions()).await {
            Ok(mut versions) => {
                versions.retain(|version| self.is_own(version) || is_older(version, before));
                let mut kept = delete_versions(all, versions).await;
                // Of what hides an object nobody needs to hear.
                kept.retain(|version| !version.is_marker);
                self.found.undeletable = kept.iter().any(|version| self.is_own(version));
                if !kept.is_empty() {
                    let what =
                        format!("{} versions of small objects of the probe stay", kept.len());
                    let why = "the store refuses to delete versions (Object Lock, or a right that \
                               is missing)";
                    self.notes.push(stays(&what, why));
                }
                // One that names versions and keeps none may well list none.
                self.found.versioning && kept.is_empty()
            }
            Err(error) => {
                let what = "old versions of small objects of the probe stay";
                let kept = || stays(what, &error.to_string());
                self.notes.extend(self.found.versioning.then(kept));
                false
            }
        }
    }
}

/// Words what stays of a probe, and why.
fn stays(what: &str, why: &str) -> String {
    format!("{what} below {PROBE_FOLDER} in the bucket: {why}; every client ignores them")
}

/// Removes the marks that deletions of objects of probes have left under suspended versioning, where
/// each is the version `null` of its key (S3 user guide, "Deleting objects from versioning-suspended
/// buckets"); returns what stays, as a note says it.
async fn remove_marks(
    all: &dyn Trials,
    is_ours: impl Fn(&ListedVersion) -> bool,
) -> Option<String> {
    let what = "marks of deletions of small objects of the probe stay";
    match retry(|| all.list_versions()).await {
        Ok(mut versions) => {
            versions.retain(|version| version.is_marker && is_ours(version));
            let kept = delete_versions(all, versions).await;
            let why = "the store refuses to delete them (a right may be missing)";
            (!kept.is_empty()).then(|| stays(&format!("{} {what}", kept.len()), why))
        }
        Err(error) => Some(stays(what, &error.to_string())),
    }
}

/// Removes what listings of a run have shown of killed probes, where the store lets us; no request
/// where there is nothing.
pub(in crate::remote) async fn remove_abandoned(remote: &dyn Trials, abandoned: Abandoned) {
    let capabilities = remote.capabilities();
    if abandoned.entries.is_empty() || capabilities.read_only || capabilities.undeletable {
        return;
    }
    let all = remote.below(PROBE_FOLDER, capabilities.clone());
    if capabilities.versioning
        && let Ok(mut versions) = all.list_versions().await
    {
        versions.retain(|version| is_older(version, Some(abandoned.before)));
        delete_versions(&*all, versions).await;
    }
    // What stays is looked for again by the next run; no file of anybody depends on it.
    let entries: Vec<_> = abandoned.entries.into_values().collect();
    let paths: BTreeSet<_> = entries.iter().map(|entry| entry.path.clone()).collect();
    let deleted = delete_objects(&*all, entries).await;
    if deleted.leave_marks && !capabilities.versioning {
        remove_marks(&*all, |version| paths.contains(&version.path)).await;
    }
}

fn is_older(version: &ListedVersion, before: Option<i64>) -> bool {
    before.is_some_and(|before| is_abandoned(version.modified, before))
}

/// Looks which of these objects are there; returns them, and why some cannot be told of.
async fn look_at(
    remote: &dyn Trials,
    keys: BTreeSet<RepoPath>,
) -> (Vec<RemoteEntry>, Vec<RemoteError>) {
    let looks = stream::iter(keys)
        .map(|path| async move { retry(|| remote.head(&path)).await.map(|it| it.entry) });
    let looked: Vec<_> = looks.buffer_unordered(LANES).collect().await;
    let (there, failed): (Vec<_>, Vec<_>) = looked.into_iter().partition(Result::is_ok);
    (there.into_iter().flatten().collect(), refusals(failed))
}

/// Lists all objects below a remote's prefix, in whatever order, and returns what time it was by the
/// store's clock when the listing began.
async fn list(remote: &dyn Trials) -> Result<(Vec<RemoteEntry>, Option<i64>), RemoteError> {
    let (mut entries, mut next, mut begun) = (Vec::new(), None, None);
    loop {
        let (page, date) = retry(|| remote.dated_listing("", next.as_deref(), None, 1_000)).await?;
        entries.extend(page.items.into_iter().filter_map(|item| match item {
            Listed::Object(entry) => Some(entry),
            Listed::Odd { .. } | Listed::Obstacle(_) => None,
        }));
        begun = begun.or(date);
        next = page.next;
        if next.is_none() {
            return Ok((entries, begun));
        }
    }
}

/// Deletes objects, each on the condition that it is still the one.
async fn delete_objects(remote: &dyn Trials, entries: Vec<RemoteEntry>) -> Deleted {
    let deletions = stream::iter(entries)
        .map(|entry| async move { delete(remote, &entry.path, &entry.version.token).await });
    let ended: Vec<_> = deletions.buffer_unordered(LANES).collect().await;
    let leave_marks = ended.iter().any(|ended| matches!(ended, Ok(true)));
    Deleted { refused: refusals(ended), leave_marks }
}

/// Returns why what may still be there was not looked at, or not deleted.
fn refusals<T>(ended: Vec<Result<T, RemoteError>>) -> Vec<RemoteError> {
    let failed = ended.into_iter().filter_map(Result::err);
    failed.filter(|error| error.kind != Kind::NotFound).collect()
}

/// Deletes versions, the oldest first, whose retention ends first; returns those that stay. Where the
/// store refuses many in a row, it is not asked about the others.
async fn delete_versions(
    remote: &dyn Trials,
    mut versions: Vec<ListedVersion>,
) -> Vec<ListedVersion> {
    versions.sort_by_key(|version| version.modified);
    let (mut kept, mut is_refused) = (Vec::new(), false);
    for some in versions.chunks(VERSIONS_AT_ONCE) {
        if is_refused {
            kept.extend_from_slice(some);
            continue;
        }
        let ended = delete_some_versions(remote, some).await;
        let refused = |ended: &Result<(), RemoteError>| {
            ended.as_ref().is_err_and(|error| error.kind != Kind::NotFound)
        };
        is_refused = ended.iter().all(refused);
        let stay = some.iter().zip(&ended).filter(|(_, ended)| refused(ended));
        kept.extend(stay.map(|(version, _)| version.clone()));
    }
    kept
}

/// Deletes versions with one request, or, where the store or a name does not take that, with one for
/// each.
async fn delete_some_versions(
    remote: &dyn Trials,
    versions: &[ListedVersion],
) -> Vec<Result<(), RemoteError>> {
    if versions.iter().all(|version| remote.can_name(&version.path)) {
        let named = versions.iter().map(|it| (it.path.clone(), Some(it.id.clone())));
        let named: Vec<_> = named.collect();
        let deleted = retry(|| remote.delete_own(&named)).await;
        if let Ok(answers) = deleted
            && answers.iter().any(Result::is_ok)
        {
            return answers.into_iter().map(|answer| answer.map(drop)).collect();
        }
    }
    let mut ended = Vec::with_capacity(versions.len());
    for some in versions.chunks(LANES) {
        let deletions =
            some.iter().map(|version| retry(|| remote.delete_version(&version.path, &version.id)));
        ended.extend(join_all(deletions).await);
    }
    ended
}

/// Throws uploads away that nobody will complete.
async fn end_uploads(remote: &dyn Trials, uploads: &[PendingUpload]) {
    let aborted = uploads.iter().filter_map(|pending| {
        let path = RepoPath::parse(&pending.key).ok()?;
        Some(async move { drop(remote.abort_upload(&path, &pending.upload).await) })
    });
    join_all(aborted).await;
}
