//! What the probe, and the tidying behind it, need of a store beside what everybody needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::remote::{Capabilities, ListingOrder, Page, Remote, RemoteError, RemoteFuture, Stored};
use crate::tree::{Properties, RemoteEntry, RepoPath, Token};

/// Objects of a probe that are older than an hour belong to nobody: it was killed.
pub(in crate::remote) const ABANDONED_NANOSECONDS: i64 = 3_600 * 1_000_000_000;

/// Tells whether what a probe made is older than `before`; of an age that is not known it is not.
pub(in crate::remote) fn is_abandoned(modified: i64, before: i64) -> bool {
    0 < modified && modified < before
}

/// Objects of probes that were killed, in a bucket.
#[derive(Debug, Clone, Default)]
pub(in crate::remote) struct Abandoned {
    /// By their paths below the folder of all probes.
    pub(in crate::remote) entries: BTreeMap<RepoPath, RemoteEntry>,
    /// What is older belongs to nobody: nanoseconds since 1970, by the store's clock.
    pub(in crate::remote) before: i64,
}

/// A version, or the mark of a deletion, as the store lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::remote) struct ListedVersion {
    /// The path below the prefix.
    pub(in crate::remote) path: RepoPath,
    /// Its name.
    pub(in crate::remote) id: String,
    /// It says that the object was deleted.
    pub(in crate::remote) is_marker: bool,
    /// Nanoseconds since 1970, by the store's clock; 0 where it does not say.
    pub(in crate::remote) modified: i64,
}

/// A page of a listing, and what time it was by the store's clock in nanoseconds since 1970, where the
/// store says so.
pub(in crate::remote) type DatedPage = (Page, Option<i64>);

/// A store that is tried out: it can be asked what nobody should ask of files that matter.
pub(in crate::remote) trait Trials: Remote {
    /// Returns a remote for what lies below `folder`, which behaves as if the store could do that.
    fn below(&self, folder: &str, capabilities: Capabilities) -> Arc<dyn Trials>;

    /// Stores a body at a key that nobody else can know, without a condition.
    fn put_unseen<'a>(
        &'a self,
        path: &'a RepoPath,
        body: &'a Bytes,
        properties: &'a Properties,
    ) -> RemoteFuture<'a, Stored>;

    /// Deletes the version expected, and tells whether the store keeps a mark of that.
    fn marks_deletion<'a>(
        &'a self,
        path: &'a RepoPath,
        expected: &'a Token,
    ) -> RemoteFuture<'a, bool>;

    /// Tells whether a listing of what is below the prefix names versions; `None` where it is empty.
    fn lists_versions(&self) -> RemoteFuture<'_, Option<bool>>;

    /// Lists one page, of keys in one order or in any.
    fn dated_listing<'a>(
        &'a self,
        prefix: &'a str,
        next: Option<&'a str>,
        order: Option<ListingOrder>,
        limit: usize,
    ) -> RemoteFuture<'a, DatedPage>;

    /// Returns the place behind a key in a listing, whether there is an object or not.
    fn behind(&self, key: &str) -> String;

    /// Lists all versions below the prefix; keys that are no paths are left out.
    fn list_versions(&self) -> RemoteFuture<'_, Vec<ListedVersion>>;

    /// Deletes one version for good, which leaves no mark, as far as no retention forbids it.
    fn delete_version<'a>(&'a self, path: &'a RepoPath, id: &'a str) -> RemoteFuture<'a, ()>;

    /// Deletes objects, or versions of them, whatever they hold, with one request for many; says of each
    /// what became of it, and whether the store keeps a mark of that. Only for what is lsync's own.
    ///
    /// # Errors
    /// Where the request as a whole failed: not every store takes it.
    fn delete_own<'a>(
        &'a self,
        own: &'a [(RepoPath, Option<String>)],
    ) -> RemoteFuture<'a, Vec<Result<bool, RemoteError>>>;

    /// Tells whether [`Trials::delete_own`] can name a path.
    fn can_name(&self, path: &RepoPath) -> bool;
}
