//! Appends to the journal, rewrites the database, and starts new files.

use std::ffi::OsStr;
use std::io;
use std::sync::Arc;

use crate::disk::{Disk, if_exists, write_whole};

use super::changes::{Changes, insert};
use super::error::{DATABASE, DatabaseError, JOURNAL};
use super::line::{end_with_checksum, push_gone, push_header, push_row};
use super::load::Seen;
use super::{Change, Database, StoredRows};

/// The sorted rows while they are written.
const DATABASE_NEW: &str = "database.yaml.new";

/// Within a run the journal may grow to the database's size divided by this.
const REWRITE_SHARE: u64 = 4;

/// Bytes of a rewrite that are put together before they are written.
const WRITE_BYTES: usize = 1 << 20;

impl<D: Disk> Database<D> {
    /// Appends changes to the journal and makes them durable; when it returns, they count.
    ///
    /// The caller holds the lock, and opened this database under it. An error means that none of
    /// them counts. A journal that has grown too long is merged into the database; if that fails,
    /// it is a warning, and is tried again when the journal has doubled. Files of format 1 are written
    /// anew before the first record; if that fails, so does the record.
    pub fn record(&mut self, changes: &[Change]) -> Result<(), DatabaseError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.begin()?;
        if self.is_of_old {
            self.rewrite()?;
            self.is_of_old = false;
        }
        let mut text = String::new();
        if self.journal_bytes == 0 {
            push_header(&mut text, &self.remote);
            end_with_checksum(&mut text, 0);
        }
        for change in changes {
            let start = text.len();
            match change {
                Change::Put(row) => push_row(&mut text, row),
                Change::Gone(path) => push_gone(&mut text, path),
            }
            end_with_checksum(&mut text, start);
        }
        self.append(text.as_bytes())?;
        let map = Arc::make_mut(&mut self.changes);
        for change in changes {
            match change {
                Change::Put(row) => insert(map, row.clone()),
                Change::Gone(path) => {
                    map.insert(path.clone(), None);
                }
            }
        }
        self.recorded = true;
        let limit = self.rewrite_bytes.max(self.stored_bytes / REWRITE_SHARE);
        if self.journal_bytes > limit.max(self.postponed_bytes)
            && let Err(error) = self.rewrite()
        {
            self.postponed_bytes = self.journal_bytes.saturating_mul(2);
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            self.warnings.general(format!(
                "{error}: {}; the journal grows until it can be done",
                cause.unwrap_or_default()
            ));
        }
        Ok(())
    }

    /// Ends a run: where it recorded something and the journal exceeds 8 MiB, merges the journal
    /// into the database. After an error everything recorded still counts.
    pub fn finish(&mut self) -> Result<(), DatabaseError> {
        if self.recorded && self.journal_bytes > self.rewrite_bytes {
            self.rewrite()?;
        }
        Ok(())
    }

    /// Makes the files ready for the first append of this run.
    fn begin(&mut self) -> Result<(), DatabaseError> {
        if self.journal.is_some() {
            return Ok(());
        }
        if !self.checked {
            self.refuse_if_changed(DATABASE, self.stored_seen)?;
            self.refuse_if_changed(JOURNAL, self.journal_seen)?;
            self.checked = true;
        }
        if self.state == StoredRows::Foreign {
            // Nothing of the old files may outlive a crash in part: the journal alone, which names
            // its remote, is merely short; the database alone would be out of date.
            match self.disk.unlink(&self.control, OsStr::new(DATABASE)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => (),
                other => other.map_err(DatabaseError::writing(DATABASE))?,
            }
            self.sync_control()?;
            self.state = StoredRows::Absent;
        }
        let journal = self.open_journal().map_err(DatabaseError::writing(JOURNAL))?;
        if self.state == StoredRows::Absent {
            let mut text = String::new();
            push_header(&mut text, &self.remote);
            text.push('\n');
            write_whole(&self.disk, &self.control, DATABASE, text.as_bytes())
                .map_err(DatabaseError::writing(DATABASE))?;
            self.state = StoredRows::Ours;
        }
        self.journal = Some(journal);
        Ok(())
    }

    /// Opens the journal, and cuts off what is torn or does not count.
    fn open_journal(&self) -> io::Result<D::File> {
        let journal = self.disk.open_append(&self.control, OsStr::new(JOURNAL), 0o666)?;
        if self.disk.fstat(&journal)?.size != self.journal_bytes {
            self.disk.truncate(&journal, self.journal_bytes)?;
            self.disk.sync_file(&journal)?;
        }
        if self.journal_seen.is_none() {
            self.disk.sync_folder(&self.control)?;
        }
        Ok(journal)
    }

    /// Refuses to go on where somebody else has written since this database was opened.
    fn refuse_if_changed(
        &self,
        file: &'static str,
        seen: Option<Seen>,
    ) -> Result<(), DatabaseError> {
        let found = if_exists(self.disk.lstat(&self.control, OsStr::new(file)));
        let now = found.map_err(DatabaseError::reading(file))?;
        if now.as_ref().map(Seen::of) == seen {
            Ok(())
        } else {
            Err(DatabaseError::Changed { file })
        }
    }

    /// Appends whole lines to the journal and makes them durable, or takes them back.
    fn append(&mut self, text: &[u8]) -> Result<(), DatabaseError> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let written = self.disk.write(journal, text).and_then(|()| self.disk.sync_file(journal));
        if let Err(error) = written {
            // If this fails, too, the next append cuts it, or the next run finds rows that are true
            // of the contents, since those were made durable before.
            self.disk.truncate(journal, self.journal_bytes).ok();
            self.journal = None;
            return Err(DatabaseError::writing(JOURNAL)(error));
        }
        self.journal_bytes += text.len() as u64;
        Ok(())
    }

    /// Merges database and journal into a new database and empties the journal.
    ///
    /// Killed before the rename, the old files stand; killed after it, the journal repeats what the
    /// database says.
    fn rewrite(&mut self) -> Result<(), DatabaseError> {
        let written = self.write_new();
        if written.is_err() {
            self.disk.unlink(&self.control, OsStr::new(DATABASE_NEW)).ok();
        }
        let (file, bytes) = written?;
        self.journal_bytes = 0;
        self.postponed_bytes = 0;
        self.stored_bytes = bytes;
        self.stored = Some(Arc::new(file));
        self.changes = Arc::new(Changes::new());
        // Until this is done the journal repeats what the database says; the next append tries again.
        if let Some(journal) = self.journal.take() {
            let emptied =
                self.disk.truncate(&journal, 0).and_then(|()| self.disk.sync_file(&journal));
            emptied.map_err(DatabaseError::writing(JOURNAL))?;
            self.journal = Some(journal);
        }
        Ok(())
    }

    /// Writes the new database and puts it in the old one's place; returns it and its bytes.
    fn write_new(&self) -> Result<(D::File, u64), DatabaseError> {
        let rows = self.rows(None)?;
        let failed = DatabaseError::writing(DATABASE);
        let name = OsStr::new(DATABASE_NEW);
        match self.disk.unlink(&self.control, name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (),
            other => other.map_err(&failed)?,
        }
        let file = self.disk.create(&self.control, name, 0o666).map_err(&failed)?;
        let mut bytes = 0;
        let mut text = String::with_capacity(WRITE_BYTES + (4 << 10));
        push_header(&mut text, &self.remote);
        text.push('\n');
        for row in rows {
            push_row(&mut text, &row?);
            text.push('\n');
            if text.len() >= WRITE_BYTES {
                self.disk.write(&file, text.as_bytes()).map_err(&failed)?;
                bytes += text.len() as u64;
                text.clear();
            }
        }
        self.disk.write(&file, text.as_bytes()).map_err(&failed)?;
        bytes += text.len() as u64;
        self.disk.sync_file(&file).map_err(&failed)?;
        let names = (OsStr::new(DATABASE_NEW), OsStr::new(DATABASE));
        self.disk
            .rename_over((&self.control, names.0), (&self.control, names.1))
            .map_err(&failed)?;
        self.sync_control()?;
        Ok((file, bytes))
    }

    /// Makes the names in `.lsync` durable.
    fn sync_control(&self) -> Result<(), DatabaseError> {
        self.disk.sync_folder(&self.control).map_err(DatabaseError::writing(DATABASE))
    }
}
