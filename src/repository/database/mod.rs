//! [`Database`]: the base, kept as YAML that people can read, grep and repair.
//!
//! `database.yaml` is sorted and streamed; `journal.yaml` holds what has changed since, is read
//! into a map and overrides. Each begins with a header that binds its rows to a remote. A line that
//! cannot be relied upon is dropped together with older lines of its path: to lose a row only ever
//! means that the path is compared as on the first sync, while a row that is out of date could
//! cost an edit.
//!
//! Files of format 1 are read, and written anew in format 2 before something is recorded. That leaves no
//! lines of both in one file: an older lsync refuses what a newer one has written, and loses nothing.

mod changes;
mod error;
mod landmarks;
mod line;
mod lines;
mod load;
mod rows;
#[cfg(test)]
mod tests;
mod warnings;
mod write;

use std::cell::Cell;
use std::sync::Arc;

use crate::disk::Disk;
use crate::tree::{BaseRow, RepoPath};

use changes::Changes;
use error::DATABASE;
use lines::Lines;
use load::{Binding, Loader, Seen};
use warnings::Warnings;

pub use error::DatabaseError;
pub use line::RemoteId;
pub use rows::Rows;

/// A journal up to this size is never merged into the database.
const REWRITE_BYTES: u64 = 8 << 20;

/// What a run found out about a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Both sides agree, and this is how they look.
    Put(BaseRow),
    /// Neither side has it, or it is not to be known any more.
    Gone(RepoPath),
}

/// Whose rows `database.yaml` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StoredRows {
    /// There is no such file.
    Absent,
    /// This remote's.
    Ours,
    /// Another remote's, or nobody knows whose: the first record starts new files.
    Foreign,
}

/// The base of one working copy and one remote.
///
/// Invariants:
/// * what [`Database::rows`] shows is what a later [`Database::open`] will show
/// * nothing is written before [`Database::record`]
pub struct Database<D: Disk> {
    disk: D,
    control: D::Folder,
    remote: RemoteId,
    warnings: Warnings,
    /// The sorted rows, where they can be streamed.
    stored: Option<Arc<D::File>>,
    /// Every thousandth path of both.
    landmarks: Vec<RepoPath>,
    /// What overrides them.
    changes: Arc<Changes>,
    state: StoredRows,
    /// A file is of an older format: before the first record both are written anew.
    is_of_old: bool,
    /// Bytes of `database.yaml`.
    stored_bytes: u64,
    /// Which file it was when it was opened.
    stored_seen: Option<Seen>,
    /// Bytes of the journal that count.
    journal_bytes: u64,
    journal_seen: Option<Seen>,
    /// Open for appending, since the first record.
    journal: Option<D::File>,
    /// The files were found as they had been read.
    checked: bool,
    recorded: bool,
    /// [`REWRITE_BYTES`], less in tests.
    rewrite_bytes: u64,
    /// After a rewrite that failed: how large the journal has to be for the next.
    postponed_bytes: u64,
}

impl<D: Disk> Database<D> {
    /// Reads the journal and looks through the database; writes nothing.
    ///
    /// Files of another remote, or without a header, count as empty. Whoever means to record holds
    /// the lock already.
    pub fn open(disk: &D, control: &D::Folder, remote: &RemoteId) -> Result<Self, DatabaseError> {
        let warnings = Warnings::default();
        let is_of_old = Cell::new(false);
        let loader = Loader { disk, control, remote, warnings: &warnings, is_of_old };
        // The journal first: what a rewrite takes out of it meanwhile is then in the database.
        let mut journal = loader.read_journal()?;
        let checked = loader.check_database(&journal.changes)?;
        let state = match (checked.seen, checked.binding) {
            (None, _) => StoredRows::Absent,
            (Some(_), Binding::Ours) => StoredRows::Ours,
            (Some(_), Binding::Foreign | Binding::Unbound) => StoredRows::Foreign,
        };
        // Without a header it was written by hand, beside a database that says whose it is.
        let journal_counts = match journal.binding {
            Binding::Ours => state != StoredRows::Foreign,
            Binding::Unbound => state == StoredRows::Ours,
            Binding::Foreign => false,
        };
        if !journal_counts {
            journal.changes = Changes::new();
            journal.sound_bytes = 0;
        }
        warn_of_foreign(&warnings, state, checked.seen, journal.binding);
        let mut stored = checked.file.filter(|_| state == StoredRows::Ours);
        if let Some(file) = stored.take_if(|_| !checked.ordered) {
            let mut changes = loader.read_unordered(file)?;
            changes.extend(journal.changes);
            journal.changes = changes;
        }
        let is_of_old = loader.is_of_old.get() && state != StoredRows::Foreign;
        Ok(Self {
            disk: disk.clone(),
            control: control.clone(),
            remote: remote.clone(),
            warnings,
            stored,
            landmarks: checked.landmarks,
            changes: Arc::new(journal.changes),
            state,
            is_of_old,
            stored_bytes: checked.seen.map_or(0, |seen| seen.size),
            stored_seen: checked.seen,
            journal_bytes: journal.sound_bytes,
            journal_seen: journal.seen,
            journal: None,
            checked: false,
            recorded: false,
            rewrite_bytes: REWRITE_BYTES,
            postponed_bytes: 0,
        })
    }

    /// Returns the rows in key order: all, or those of `scope` itself and everything below it.
    pub fn rows(&self, scope: Option<&RepoPath>) -> Result<Rows<D>, DatabaseError> {
        let lines = match &self.stored {
            None => None,
            Some(file) => Some(
                Lines::new(&self.disk, file.clone()).map_err(DatabaseError::reading(DATABASE))?,
            ),
        };
        Ok(Rows::new(lines, self.changes.clone(), scope, self.warnings.clone()))
    }

    /// Returns the row of one path. Costs a pass over the file up to it: not for the many.
    pub fn get(&self, path: &RepoPath) -> Result<Option<BaseRow>, DatabaseError> {
        // The path itself sorts before everything below it.
        let first = self.rows(Some(path))?.next().transpose()?;
        Ok(first.filter(|row| row.path == *path))
    }

    /// Returns paths of rows in order, every thousandth as the files were when they were opened, but
    /// not the last row: between two of them lies about one page of a listing.
    pub fn landmarks(&self, scope: Option<&RepoPath>) -> Vec<RepoPath> {
        let within = |path: &&RepoPath| scope.is_none_or(|scope| path.is_below(scope));
        self.landmarks.iter().filter(within).cloned().collect()
    }

    /// Counts the rows. Costs a pass over the file.
    pub fn tracked(&self) -> Result<u64, DatabaseError> {
        self.rows(None)?.try_fold(0, |count, row| row.map(|_| count + 1))
    }

    /// Returns what a person should know about lines that were left out so far, at most 21 lines.
    ///
    /// Lines of `database.yaml` are only found out when [`Database::rows`] comes by.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.list()
    }
}

/// Warns of files that do not count.
fn warn_of_foreign(warnings: &Warnings, state: StoredRows, seen: Option<Seen>, journal: Binding) {
    if state == StoredRows::Foreign && seen.is_some_and(|seen| seen.size > 0) {
        warnings.general(
            ".lsync/database.yaml does not belong to this remote, so nothing in it counts; \
             this is a first sync"
                .into(),
        );
    } else if journal == Binding::Foreign {
        warnings.general(
            ".lsync/journal.yaml does not belong to this remote, so nothing in it counts".into(),
        );
    }
}
