//! [`Room`]: what did not fit, so that nothing as large is begun any more.
//!
//! Smaller things are: one file that never fits must not keep all others away for ever. A disk that is
//! full stops them, too, as soon as the smallest has not fitted.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::context::Context;
use super::download::Wanted;
use super::trouble::Trouble;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::monitor::ItemKind;
use crate::plan::{Action, ActionKind};
use crate::tree::RepoPath;

/// What did not fit in this run.
#[derive(Default)]
pub(super) struct Room(Mutex<Vec<Refused>>);

/// Where something had no room, and the smallest that had none.
struct Refused {
    place: Place,
    kind: ItemKind,
    bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// The file system whose topmost folder has this path; empty is the root of the working copy.
    Disk(String),
    Bucket,
}

impl Room {
    fn refused(&self) -> MutexGuard<'_, Vec<Refused>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, place: Place, kind: ItemKind, bytes: u64) {
        let mut refused = self.refused();
        match refused.iter_mut().find(|it| it.place == place && it.kind == kind) {
            Some(known) => known.bytes = known.bytes.min(bytes),
            None => refused.push(Refused { place, kind, bytes }),
        }
    }

    /// Refuses what is as large as something that did not fit there.
    fn expect(&self, place: &Place, bytes: u64) -> Result<(), Trouble> {
        let refused = self.refused();
        let smaller = refused.iter().find(|it| it.place == *place && it.bytes <= bytes);
        smaller.map_or(Ok(()), |it| Err(Trouble::Disk(it.kind, not_started(it.kind).to_owned())))
    }
}

fn not_started(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::StoreFull => "not started: the bucket has no room",
        ItemKind::Disk(io::ErrorKind::FileTooLarge) => "not started: too large for a file here",
        _ => "not started: the disk has no room",
    }
}

impl<D: Disk, C: Clock> Context<D, C> {
    /// Remembers it where an action failed because something did not fit.
    pub(super) fn learn_of_room(&self, action: &Action, trouble: &Trouble) {
        let fetched = action.remote.as_ref().map(|version| version.size);
        let (place, bytes) = match (trouble.kind(false), action.kind) {
            (ItemKind::StoreFull, ActionKind::Upload | ActionKind::KeepBoth) => {
                (Place::Bucket, action.local.map(|stat| stat.size))
            }
            (
                ItemKind::Disk(io::ErrorKind::StorageFull | io::ErrorKind::FileTooLarge),
                ActionKind::Download | ActionKind::ReplaceFolder | ActionKind::KeepBoth,
            ) => (Place::Disk(self.top_of(&action.path)), fetched),
            (
                ItemKind::Disk(io::ErrorKind::StorageFull | io::ErrorKind::FileTooLarge),
                ActionKind::Upload | ActionKind::DeleteRemote,
            ) if action.unknown_loser => (Place::Disk(String::new()), fetched),
            _ => return,
        };
        if let Some(bytes) = bytes {
            self.room.add(place, trouble.kind(false), bytes);
        }
    }

    /// Refuses to fetch what is as large as something that did not fit on its disk.
    pub(super) fn expect_room_here(&self, wanted: &Wanted<'_>) -> Result<(), Trouble> {
        if self.room.refused().is_empty() {
            return Ok(());
        }
        let top = if wanted.for_trash { String::new() } else { self.top_of(wanted.path) };
        self.room.expect(&Place::Disk(top), wanted.version.size)
    }

    /// Refuses to store what is as large as something that did not fit in the bucket.
    pub(super) fn expect_room_there(&self, bytes: u64) -> Result<(), Trouble> {
        self.room.expect(&Place::Bucket, bytes)
    }

    /// Returns the topmost folder of the file system that a path lies on, or will lie on.
    fn top_of(&self, path: &RepoPath) -> String {
        let Some(staging) = &self.staging else { return String::new() };
        let mut within: Vec<_> = path.ancestors().collect();
        within.push(path.clone());
        let opened = within.iter().rev().find_map(|path| staging.open_parent(path, false).ok());
        opened.map_or_else(String::new, |parent| parent.top)
    }
}
