//! [`Room`]: what did not fit in this run.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::monitor::ItemKind;

/// The smallest that did not fit, for each place and reason.
#[derive(Default)]
pub struct Room(Mutex<Vec<Lack>>);

struct Lack {
    place: Place,
    kind: ItemKind,
    bytes: u64,
}

/// Where something has no room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The file system whose topmost folder has this path; empty is the root of the working copy.
    Disk(String),
    /// The bucket.
    Bucket,
}

impl Room {
    /// Takes note of something of so many bytes that did not fit, and how that was said.
    pub fn lacks(&self, place: Place, kind: ItemKind, bytes: u64) {
        let mut lacks = self.lacks_mut();
        match lacks.iter_mut().find(|it| it.place == place && it.kind == kind) {
            Some(known) => known.bytes = known.bytes.min(bytes),
            None => lacks.push(Lack { place, kind, bytes }),
        }
    }

    /// Tells whether everything has fitted so far.
    pub fn is_enough(&self) -> bool {
        self.lacks_mut().is_empty()
    }

    /// Returns how it was said of something that is not larger than `bytes` that it did not fit there.
    pub fn lacking(&self, place: &Place, bytes: u64) -> Option<ItemKind> {
        let lacks = self.lacks_mut();
        lacks.iter().find(|it| it.place == *place && it.bytes <= bytes).map(|it| it.kind)
    }

    fn lacks_mut(&self) -> MutexGuard<'_, Vec<Lack>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
