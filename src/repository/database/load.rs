//! Reads the journal into a map, and finds out whether the database can be streamed.

use std::cell::Cell;
use std::ffi::OsStr;
use std::sync::Arc;

use crate::disk::{Disk, if_exists};
use crate::tree::{BaseRow, RepoPath, Stat};

use super::changes::{Changes, insert};
use super::error::{DATABASE, DatabaseError, JOURNAL};
use super::landmarks::Landmarks;
use super::line::{DatabaseLine, FORMAT_VERSION, Header, RemoteId, raw_path, read};
use super::lines::{Lines, RawLine};
use super::warnings::Warnings;

/// Whose rows a file holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Binding {
    /// It has no header.
    #[default]
    Unbound,
    /// Those of this remote.
    Ours,
    /// Those of another remote.
    Foreign,
}

/// Which file was read: another one under the name later means that somebody else wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// Number of the file.
    pub(super) inode: u64,
    /// Bytes.
    pub(super) size: u64,
}

impl Seen {
    /// Remembers a file that shows this.
    pub(super) fn of(stat: &Stat) -> Self {
        Self { inode: stat.inode, size: stat.size }
    }
}

/// The journal as it was read.
#[derive(Default)]
pub(super) struct Journal {
    /// What it says.
    pub(super) changes: Changes,
    /// Whose.
    pub(super) binding: Binding,
    /// Bytes up to the last newline: what follows is torn.
    pub(super) sound_bytes: u64,
    /// Which file; `None`: there is none.
    pub(super) seen: Option<Seen>,
}

/// The database as it was looked through.
pub(super) struct Checked<D: Disk> {
    /// The open file; `None`: there is none.
    pub(super) file: Option<Arc<D::File>>,
    /// Whose rows.
    pub(super) binding: Binding,
    /// Rows stand in the order of their paths.
    pub(super) ordered: bool,
    /// Which file.
    pub(super) seen: Option<Seen>,
    /// Every thousandth path, with the journal's.
    pub(super) landmarks: Vec<RepoPath>,
}

/// An open file, and which one it is.
type Opened<D> = (Arc<<D as Disk>::File>, Seen);

/// Where the two files lie, and whose rows are wanted.
pub(super) struct Loader<'a, D: Disk> {
    pub(super) disk: &'a D,
    pub(super) control: &'a D::Folder,
    pub(super) remote: &'a RemoteId,
    pub(super) warnings: &'a Warnings,
    /// A file says that it is of an older format.
    pub(super) is_of_old: Cell<bool>,
}

impl<D: Disk> Loader<'_, D> {
    /// Reads the journal.
    pub(super) fn read_journal(&self) -> Result<Journal, DatabaseError> {
        let Some((file, seen)) = self.open(JOURNAL)? else { return Ok(Journal::default()) };
        Ok(Journal { seen: Some(seen), ..self.read_all(JOURNAL, file)? })
    }

    /// Reads the database into a map, whatever the order of its rows.
    pub(super) fn read_unordered(&self, file: Arc<D::File>) -> Result<Changes, DatabaseError> {
        Ok(self.read_all(DATABASE, file)?.changes)
    }

    fn read_all(&self, name: &'static str, file: Arc<D::File>) -> Result<Journal, DatabaseError> {
        let mut read = Journal::default();
        let failed = DatabaseError::reading(name);
        let mut lines = Lines::new(self.disk, file).map_err(&failed)?;
        while let Some(raw) = lines.next().map_err(&failed)? {
            // A line without its newline was being written when the machine stopped.
            if name == JOURNAL && !raw.complete {
                break;
            }
            self.apply(&raw, name, &mut read)?;
            read.sound_bytes = lines.position();
        }
        Ok(read)
    }

    /// Takes a header into account: a file that names two remotes is bound to neither.
    fn bind(
        &self,
        binding: &mut Binding,
        header: &Header,
        file: &'static str,
    ) -> Result<(), DatabaseError> {
        if header.version > FORMAT_VERSION {
            return Err(DatabaseError::Newer { file, found: header.version });
        }
        if header.version < FORMAT_VERSION {
            self.is_of_old.set(true);
        }
        let is_ours = *binding != Binding::Foreign && header.remote.as_ref() == Some(self.remote);
        *binding = if is_ours { Binding::Ours } else { Binding::Foreign };
        Ok(())
    }

    /// Takes one line into the map.
    fn apply(
        &self,
        raw: &RawLine<'_>,
        file: &'static str,
        into: &mut Journal,
    ) -> Result<(), DatabaseError> {
        let changes = &mut into.changes;
        match read(raw) {
            DatabaseLine::Blank => (),
            DatabaseLine::Header(header) => self.bind(&mut into.binding, &header, file)?,
            DatabaseLine::Put(row) => insert(changes, row),
            DatabaseLine::Gone(path) => {
                changes.insert(path, None);
            }
            DatabaseLine::Broken { paths, why } => {
                self.warnings.line(file, raw.number, &why);
                changes.extend(paths.into_iter().map(|path| (path, None)));
            }
        }
        Ok(())
    }

    /// Looks through the database: whose it is, and whether its rows stand in order.
    ///
    /// Reading it twice costs less than keeping it, and a merge cannot go back.
    pub(super) fn check_database(&self, changes: &Changes) -> Result<Checked<D>, DatabaseError> {
        let mut checked = Checked {
            file: None,
            binding: Binding::Unbound,
            ordered: true,
            seen: None,
            landmarks: Vec::new(),
        };
        let mut landmarks = Landmarks::new(changes);
        let Some((file, seen)) = self.open(DATABASE)? else {
            checked.landmarks = landmarks.finish();
            return Ok(checked);
        };
        checked.seen = Some(seen);
        checked.file = Some(file.clone());
        let failed = DatabaseError::reading(DATABASE);
        let mut lines = Lines::new(self.disk, file).map_err(&failed)?;
        let mut order = Order { previous: Vec::new(), kept: true };
        while let Some(raw) = lines.next().map_err(&failed)? {
            match raw_path(raw.bytes) {
                // The common case: compared where it lies.
                Some(path) => {
                    order.meet(path);
                    landmarks.meet(path);
                }
                None => match read(&raw) {
                    DatabaseLine::Blank => continue,
                    DatabaseLine::Header(header) => {
                        self.bind(&mut checked.binding, &header, DATABASE)?;
                    }
                    DatabaseLine::Put(BaseRow { path, .. }) | DatabaseLine::Gone(path) => {
                        order.meet(path.as_str().as_bytes());
                    }
                    DatabaseLine::Broken { paths, .. } => {
                        paths.iter().take(1).for_each(|path| order.meet(path.as_str().as_bytes()));
                    }
                },
            }
            // Rows that stand before any header belong to nobody.
            if checked.binding != Binding::Ours {
                break;
            }
        }
        checked.ordered = order.kept;
        checked.landmarks = landmarks.finish();
        Ok(checked)
    }

    /// Opens one of the files and looks at it; `None` where there is none.
    fn open(&self, file: &'static str) -> Result<Option<Opened<D>>, DatabaseError> {
        let failed = DatabaseError::reading(file);
        let opened = if_exists(self.disk.open(self.control, OsStr::new(file)));
        let Some(open) = opened.map_err(&failed)? else { return Ok(None) };
        let stat = self.disk.fstat(&open).map_err(&failed)?;
        Ok(Some((Arc::new(open), Seen::of(&stat))))
    }
}

/// Whether paths come in order.
struct Order {
    previous: Vec<u8>,
    kept: bool,
}

impl Order {
    fn meet(&mut self, path: &[u8]) {
        self.kept &= self.previous.as_slice() <= path;
        self.previous.clear();
        self.previous.extend_from_slice(path);
    }
}
