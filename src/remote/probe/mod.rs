//! Finds out what a store really does, because stores do not do what they say.
//!
//! Everything happens below `<prefix>.lsync/probe/RANDOM/`, which every client leaves out of its
//! listings, and is removed afterwards, on failure, too. The names of providers mean nothing here.
//!
//! Questions that do not need each other's answers are asked side by side; the races come afterwards,
//! one kind at a time, so that nothing but the racers is under way.

mod calls;
mod deletion_races;
mod deletions;
mod names;
mod order;
mod parts;
mod questions;
mod races;
mod tidying;
mod trials;
mod writes;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

pub(super) use tidying::remove_abandoned;
pub(super) use trials::{ABANDONED_NANOSECONDS, Abandoned, DatedPage, is_abandoned};
pub(super) use trials::{ListedVersion, Trials};

use calls::{properties, write};
use tidying::Remains;

use super::key::PROBE_FOLDER;
use super::{
    Capabilities, Checksum, Conditions, Probed, RemoteError, RemoteErrorKind as Kind, Stored,
};
use crate::tree::{RepoPath, Token};

/// Probes the store behind `remote`, whose own capabilities do not matter.
///
/// # Errors
/// Where the bucket cannot be listed, or the store stops answering. What a store refuses is no
/// error but a finding; a store that refuses all writes is [`Capabilities::read_only`].
pub(super) async fn probe(remote: &dyn Trials) -> Result<Probed, RemoteError> {
    let remains = Remains::look(remote).await?;
    let folder = format!("{PROBE_FOLDER}{:016x}", fastrand::u64(..));
    let mut prober = Prober {
        remote,
        folder,
        found: Capabilities::nothing(),
        names_versions: false,
        notes: Vec::new(),
        bodies: AtomicU64::new(0),
        keys: Mutex::default(),
    };
    let result = prober.examine().await;
    prober.clear(remains).await;
    result?;
    prober.note_races();
    Ok(Probed { capabilities: prober.found, notes: prober.notes })
}

/// One probe on its way.
struct Prober<'a> {
    remote: &'a dyn Trials,
    folder: String,
    found: Capabilities,
    /// The answer to the first write names a version.
    names_versions: bool,
    notes: Vec<String>,
    bodies: AtomicU64,
    /// All that may have been written, for the tidying: it does not depend on a listing.
    keys: Mutex<BTreeSet<RepoPath>>,
}

impl Prober<'_> {
    /// Asks everything.
    async fn examine(&mut self) -> Result<(), RemoteError> {
        let Some(first) = self.first_write().await? else { return Ok(()) };
        let answers = Box::pin(self.ask(&first)).await?;
        let claims = self.enter(answers);
        self.let_race(claims).await
    }

    /// Says what conditions that do not hold mean for a team.
    fn note_races(&mut self) {
        if self.found.read_only {
            return;
        }
        let cure = "lsync compares before and after each write and keeps copies";
        if self.found.conditional_put == Conditions::None {
            self.notes.push(format!(
                "the store ignores conditions or does not keep them under load: two people who \
                 push the same file in the same second can overwrite each other; {cure}"
            ));
        } else if self.found.conditional_large() == Conditions::None {
            self.notes.push(format!(
                "the store ignores conditions on uploads in parts: two people who push the same \
                 file above 8 MiB in the same second can overwrite each other; {cure}"
            ));
        }
        // Where every deletion is refused, nobody knows what it would mind, and where versions stay for
        // good, it was not tried.
        if self.found.conditional_delete == Conditions::None && !self.found.undeletable {
            self.note(
                "the store ignores conditions on deletions: lsync looks directly before each one, \
                 so that an edit of the same second can be deleted with the file",
            );
        }
    }

    fn note(&mut self, text: &str) {
        self.notes.push(text.to_owned());
    }

    /// Returns the remote for the probe's own folder.
    fn below(&self, trial: Capabilities) -> Arc<dyn Trials> {
        self.remote.below(&self.folder, trial)
    }

    /// Returns the remote for the probe's own folder, under which every condition is sent in one
    /// spelling.
    fn trying(&self, honoured: Conditions, checksum: Checksum) -> Arc<dyn Trials> {
        self.below(trial(honoured, checksum))
    }

    /// Returns the path of a key that is about to be written.
    fn path(&self, key: &str) -> RepoPath {
        let path = RepoPath::parse(key).expect("the probe's own keys are paths");
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone());
        path
    }

    /// Returns contents that no other object of the probe has.
    fn body(&self) -> Bytes {
        let number = self.bodies.fetch_add(1, Ordering::Relaxed) + 1;
        format!("lsync looks what this store can do ({} {number})\n", self.folder).into()
    }

    /// Stores an object at a key of its own.
    async fn put_unseen(&self, trial: Capabilities, key: &str) -> Result<Stored, RemoteError> {
        let (remote, path, body) = (self.below(trial), self.path(key), self.body());
        let properties = properties();
        let put = || remote.put_unseen(&path, &body, &properties);
        write(&*remote, (&path, &body), put).await
    }

    async fn etag(&self, key: &str) -> Result<Token, RemoteError> {
        let (remote, path) = (self.below(Capabilities::nothing()), self.path(key));
        Ok(crate::remote::retry::retry(|| remote.head(&path)).await?.entry.version.token)
    }

    /// Tells whether an object is there.
    async fn is_there(&self, key: &str) -> Result<bool, RemoteError> {
        match self.etag(key).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind == Kind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Returns capabilities under which every condition is sent in one spelling.
fn trial(honoured: Conditions, checksum: Checksum) -> Capabilities {
    Capabilities {
        conditional_put: honoured,
        conditional_complete: honoured,
        conditional_delete: honoured,
        conditional_delete_many: honoured,
        checksum,
        ..Capabilities::nothing()
    }
}
