//! [`Prober`]: one probe on its way, and what all its questions need.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::calls::{properties, write};
use super::trials::Trials;
use crate::remote::retry::retry;
use crate::remote::{
    Capabilities, Checksum, Conditions, RemoteError, RemoteErrorKind as Kind, Stored,
};
use crate::tree::{RepoPath, Token};

/// One probe on its way.
pub(super) struct Prober<'a> {
    pub(super) remote: &'a dyn Trials,
    pub(super) folder: String,
    pub(super) found: Capabilities,
    /// The answer to the first write names a version.
    pub(super) names_versions: bool,
    pub(super) notes: Vec<String>,
    pub(super) bodies: AtomicU64,
    /// All that may have been written, for the tidying: it does not depend on a listing.
    pub(super) keys: Mutex<BTreeSet<RepoPath>>,
}

impl Prober<'_> {
    pub(super) fn note(&mut self, text: &str) {
        self.notes.push(text.to_owned());
    }

    /// Returns the remote for the probe's own folder.
    pub(super) fn below(&self, trial: Capabilities) -> Arc<dyn Trials> {
        self.remote.below(&self.folder, trial)
    }

    /// Returns the remote for the probe's own folder, under which every condition is sent in one
    /// spelling.
    pub(super) fn trying(&self, honoured: Conditions, checksum: Checksum) -> Arc<dyn Trials> {
        self.below(trial(honoured, checksum))
    }

    /// Returns the path of a key that is about to be written.
    pub(super) fn path(&self, key: &str) -> RepoPath {
        let path = RepoPath::parse(key).expect("the probe's own keys are paths");
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone());
        path
    }

    /// Returns contents that no other object of the probe has.
    pub(super) fn body(&self) -> Bytes {
        let number = self.bodies.fetch_add(1, Ordering::Relaxed) + 1;
        format!("lsync looks what this store can do ({} {number})\n", self.folder).into()
    }

    /// Stores an object at a key of its own.
    pub(super) async fn put_unseen(
        &self,
        trial: Capabilities,
        key: &str,
    ) -> Result<Stored, RemoteError> {
        let (remote, path, body) = (self.below(trial), self.path(key), self.body());
        let properties = properties();
        let put = || remote.put_unseen(&path, &body, &properties);
        write(&*remote, &path, &body, put).await
    }

    pub(super) async fn etag(&self, key: &str) -> Result<Token, RemoteError> {
        let (remote, path) = (self.below(Capabilities::nothing()), self.path(key));
        Ok(retry(|| remote.head(&path)).await?.entry.version.token)
    }

    /// Tells whether an object is there.
    pub(super) async fn is_there(&self, key: &str) -> Result<bool, RemoteError> {
        match self.etag(key).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind == Kind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Returns capabilities under which every condition is sent in one spelling.
pub(super) fn trial(honoured: Conditions, checksum: Checksum) -> Capabilities {
    Capabilities { checksum, ..Capabilities::nothing().with_conditions(honoured) }
}
