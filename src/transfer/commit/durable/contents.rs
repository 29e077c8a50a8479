//! The contents that the rows of a group will stand for.

use std::io;

use super::group::{Unsynced, keep_places, lies_by_plan};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::plan::Action;
use crate::repository::Change;
use crate::transfer::run::{Ready, Run};

impl<D: Disk, C: Clock> Run<D, C> {
    /// Makes the contents durable that the rows of a group will stand for, and those that go to the
    /// trash without anybody having made them durable. Returns the places of what has to do without
    /// a row.
    ///
    /// Uploaded and adopted files count, too: what a person just wrote may exist only in memory.
    pub(in crate::transfer) fn sync_contents(
        &self,
        ready: &[(Action, Ready<D>)],
    ) -> io::Result<Unsynced> {
        // Of a deletion in the bucket nothing is here, nor the folder that it lay in.
        let is_here = |ready: &Ready<D>| match ready {
            Ready::Recorded(changes) => changes.iter().any(|it| matches!(it, Change::Put(_))),
            Ready::Fetched(_) | Ready::Uploaded(_) | Ready::Removal => true,
            // What the row stands for is as durable as when the row of the old name was written.
            Ready::Rename => false,
        };
        let all: Vec<usize> = (0..ready.len()).collect();
        let places = keep_places(&all, |place| Ok(is_here(&ready[place].1)))?;
        let one_by_one = || {
            self.sync_losers(ready)?;
            keep_places(&places, |place| Ok(!self.sync_content(&ready[place].1)?))
        };
        let lies = |place: usize| {
            let (action, ready): &(Action, Ready<D>) = &ready[place];
            let folder = match ready {
                Ready::Fetched(fetched) => Some(&fetched.staged.folder),
                Ready::Recorded(_) | Ready::Uploaded(_) | Ready::Removal | Ready::Rename => None,
            };
            lies_by_plan(action, folder)
        };
        self.sync_group(&places, one_by_one, lies)
    }

    /// Makes the contents of what was prepared durable; false where the file is not at hand.
    fn sync_content(&self, ready: &Ready<D>) -> io::Result<bool> {
        let disk = &self.session.files.disk;
        match ready {
            Ready::Fetched(fetched) => {
                match disk.open(&fetched.staged.folder, &fetched.staged.name) {
                    Ok(file) => disk.sync_file(&file).map(|()| true),
                    // It has the permissions of the file that it replaces, which may be none.
                    Err(_) => Ok(false),
                }
            }
            Ready::Uploaded(uploaded) => match &uploaded.held {
                Some(held) => disk.sync_file(held.file()).map(|()| true),
                None => self.sync_file(&uploaded.row.path, &uploaded.row.signature),
            },
            Ready::Recorded(changes) => changes.iter().try_fold(true, |synced, change| {
                Ok(match change {
                    Change::Put(row) => self.sync_file(&row.path, &row.signature)? && synced,
                    Change::Gone(_) => synced,
                })
            }),
            Ready::Removal | Ready::Rename => Ok(true),
        }
    }
}
