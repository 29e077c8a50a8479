//! Nothing is begun any more that is as large as something that did not fit.
//!
//! Smaller things are: one file that never fits must not keep all others away for ever. A disk that is
//! full stops them, too, as soon as the smallest has not fitted.

use std::io;

use super::down::Wanted;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::monitor::ItemKind;
use crate::plan::{Action, ActionKind};
use crate::session::Session;
use crate::session::limits::room::Place;
use crate::session::trouble::Trouble;
use crate::tree::RepoPath;

fn not_started(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::StoreFull => "not started: the bucket has no room",
        ItemKind::Disk(io::ErrorKind::FileTooLarge) => "not started: too large for a file here",
        _ => "not started: the disk has no room",
    }
}

/// Remembers it where an action failed because something did not fit.
pub(super) fn learn_of_room<D: Disk, C: Clock>(
    session: &Session<D, C>,
    action: &Action,
    trouble: &Trouble,
) {
    let fetched = action.remote.as_ref().map(|version| version.size);
    let (place, bytes) = match (trouble.kind(false), action.kind) {
        (ItemKind::StoreFull, ActionKind::Upload | ActionKind::KeepBoth) => {
            (Place::Bucket, action.local.map(|stat| stat.size))
        }
        (
            ItemKind::Disk(io::ErrorKind::StorageFull | io::ErrorKind::FileTooLarge),
            ActionKind::Download | ActionKind::ReplaceFolder | ActionKind::KeepBoth,
        ) => (Place::Disk(top_of(session, &action.path)), fetched),
        (
            ItemKind::Disk(io::ErrorKind::StorageFull | io::ErrorKind::FileTooLarge),
            ActionKind::Upload | ActionKind::DeleteRemote,
        ) if action.unknown_loser => (Place::Disk(String::new()), fetched),
        _ => return,
    };
    if let Some(bytes) = bytes {
        session.limits.room.lacks(place, trouble.kind(false), bytes);
    }
}

/// Refuses to fetch what is as large as something that did not fit on its disk.
pub(super) fn expect_room_here<D: Disk, C: Clock>(
    session: &Session<D, C>,
    wanted: &Wanted<'_>,
) -> Result<(), Trouble> {
    if session.limits.room.is_enough() {
        return Ok(());
    }
    let top = if wanted.for_trash { String::new() } else { top_of(session, wanted.path) };
    expect_room(session, &Place::Disk(top), wanted.version.size)
}

/// Refuses to store what is as large as something that did not fit in the bucket.
pub(super) fn expect_room_there<D: Disk, C: Clock>(
    session: &Session<D, C>,
    bytes: u64,
) -> Result<(), Trouble> {
    expect_room(session, &Place::Bucket, bytes)
}

fn expect_room<D: Disk, C: Clock>(
    session: &Session<D, C>,
    place: &Place,
    bytes: u64,
) -> Result<(), Trouble> {
    let lacking = session.limits.room.lacking(place, bytes);
    lacking.map_or(Ok(()), |kind| Err(Trouble::Disk(kind, not_started(kind).to_owned())))
}

/// Returns the topmost folder of the file system that a path lies on, or will lie on.
fn top_of<D: Disk, C: Clock>(session: &Session<D, C>, path: &RepoPath) -> String {
    let Some(staging) = &session.files.staging else { return String::new() };
    let mut within: Vec<_> = path.ancestors().collect();
    within.push(path.clone());
    let opened = within.iter().rev().find_map(|path| staging.open_parent(path, false).ok());
    opened.map_or_else(String::new, |parent| parent.top)
}
