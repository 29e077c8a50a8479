//! Finds out what a store really does, because stores do not do what they say.
//!
//! Everything happens below `<prefix>.lsync/probe/RANDOM/`, which every client leaves out of its
//! listings, and is removed afterwards, on failure, too. The names of providers mean nothing here.
//!
//! Questions that do not need each other's answers are asked side by side; the races come afterwards,
//! one kind at a time, so that nothing but the racers is under way.

mod calls;
mod prober;
mod questions;
mod races;
mod tidying;
mod trials;

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

pub(super) use tidying::remove_abandoned;
pub(super) use trials::{ABANDONED_NANOSECONDS, Abandoned, DatedPage, is_abandoned};
pub(super) use trials::{ListedVersion, Trials};

use prober::Prober;
use tidying::Remains;

use super::key::PROBE_FOLDER;
use super::{Capabilities, Conditions, Probed, RemoteError};

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

impl Prober<'_> {
    /// Asks everything.
    async fn examine(&mut self) -> Result<(), RemoteError> {
        let Some(first) = self.first_write().await? else { return Ok(()) };
        let claims = self.ask_all(&first).await?;
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
}
