//! [`Rows`]: the database, streamed, with the journal merged into it.

use std::cmp::Ordering;
use std::ops::Bound;
use std::sync::Arc;

use crate::disk::Disk;
use crate::tree::{BaseRow, RepoPath};

use super::changes::{Changes, Values};
use super::error::{DATABASE, DatabaseError};
use super::line::{DatabaseLine, raw_path, read};
use super::lines::Lines;
use super::warnings::Warnings;

/// The rows of a database in key order; holds one block of the file and nothing that grows.
///
/// It shows the rows as they were when it was made, whatever is recorded meanwhile. After an error
/// it ends.
pub struct Rows<D: Disk> {
    lines: Option<Lines<D>>,
    /// The row read last: only the line behind it shows whether it stands.
    pending: Option<BaseRow>,
    stored: Peeked<BaseRow>,
    changes: Arc<Changes>,
    change: Peeked<(RepoPath, Option<Values>)>,
    /// Where the journal's rows go on.
    cursor: Bound<RepoPath>,
    scope: Option<Scope>,
    warnings: Warnings,
}

/// The next item of one of the two sides.
enum Peeked<T> {
    /// Not yet looked at.
    Unknown,
    /// This one.
    Next(T),
    /// None, and none will come.
    End,
}

/// A path and everything below it.
struct Scope {
    path: RepoPath,
    /// The first text that sorts behind everything below the path: `0` follows `/`.
    end: Vec<u8>,
}

impl Scope {
    /// Tells whether a path in a file is in the scope; `None`: nothing behind it is.
    fn holds(&self, path: &[u8]) -> Option<bool> {
        let rest = path.strip_prefix(self.path.as_str().as_bytes());
        match rest {
            Some([] | [b'/', ..]) => Some(true),
            _ => (path < self.end.as_slice()).then_some(false),
        }
    }
}

impl<D: Disk> Rows<D> {
    /// Merges the lines of a file, which are in order, with changes.
    pub(super) fn new(
        lines: Option<Lines<D>>,
        changes: Arc<Changes>,
        scope: Option<&RepoPath>,
        warnings: Warnings,
    ) -> Self {
        Self {
            stored: if lines.is_some() { Peeked::Unknown } else { Peeked::End },
            lines,
            pending: None,
            change: if changes.is_empty() { Peeked::End } else { Peeked::Unknown },
            changes,
            cursor: scope.map_or(Bound::Unbounded, |path| Bound::Included(path.clone())),
            scope: scope.map(|path| Scope {
                path: path.clone(),
                end: [path.as_str().as_bytes(), b"0"].concat(),
            }),
            warnings,
        }
    }

    /// Returns the next row of both, merged.
    fn merged(&mut self) -> Result<Option<BaseRow>, DatabaseError> {
        loop {
            if matches!(self.stored, Peeked::Unknown) {
                self.stored = self.next_stored()?.map_or(Peeked::End, Peeked::Next);
            }
            if matches!(self.change, Peeked::Unknown) {
                self.change = self.next_change().map_or(Peeked::End, Peeked::Next);
            }
            let order = match (&self.stored, &self.change) {
                (Peeked::Next(row), Peeked::Next((path, _))) => row.path.cmp(path),
                (Peeked::Next(_), _) => Ordering::Less,
                (_, Peeked::Next(_)) => Ordering::Greater,
                _ => return Ok(None),
            };
            if order.is_lt() {
                return Ok(self.stored.take());
            }
            // The journal overrides.
            if order.is_eq() {
                self.stored = Peeked::Unknown;
            }
            if let Some((path, Some(values))) = self.change.take() {
                return Ok(Some(values.at(path)));
            }
        }
    }

    /// Returns the journal's next word in the scope.
    fn next_change(&mut self) -> Option<(RepoPath, Option<Values>)> {
        loop {
            let bounds = (self.cursor.as_ref(), Bound::<&RepoPath>::Unbounded);
            let (path, values) = self.changes.range::<RepoPath, _>(bounds).next()?;
            let held = self
                .scope
                .as_ref()
                .map_or(Some(true), |scope| scope.holds(path.as_str().as_bytes()))?;
            self.cursor = Bound::Excluded(path.clone());
            if held {
                return Some((path.clone(), values.clone()));
            }
        }
    }

    /// Returns the next row of the file that no later line takes back.
    fn next_stored(&mut self) -> Result<Option<BaseRow>, DatabaseError> {
        while let Some((number, line)) = self.next_line()? {
            match line {
                DatabaseLine::Put(row) => {
                    let Some(before) = self.pending.replace(row) else { continue };
                    if self.pending.as_ref().is_some_and(|row| row.path != before.path) {
                        return Ok(Some(before));
                    }
                    let why = "another row of the same path precedes it, which does not count";
                    self.warnings.line(DATABASE, number, why);
                }
                DatabaseLine::Gone(path) => self.take_back(&path),
                DatabaseLine::Broken { paths, why } => {
                    self.warnings.line(DATABASE, number, &why);
                    for path in &paths {
                        self.take_back(path);
                    }
                }
                DatabaseLine::Blank | DatabaseLine::Header(_) => (),
            }
        }
        Ok(self.pending.take())
    }

    /// Drops the row read last, if it is about `path`.
    fn take_back(&mut self, path: &RepoPath) {
        if self.pending.as_ref().is_some_and(|row| row.path == *path) {
            self.pending = None;
        }
    }

    /// Returns the next line in the scope with its number.
    fn next_line(&mut self) -> Result<Option<(u64, DatabaseLine)>, DatabaseError> {
        let Some(lines) = &mut self.lines else { return Ok(None) };
        while let Some(raw) = lines.next().map_err(DatabaseError::reading(DATABASE))? {
            if let Some(scope) = &self.scope {
                match raw_path(raw.bytes).map_or(Some(true), |path| scope.holds(path)) {
                    Some(true) => (),
                    Some(false) => continue,
                    None => break,
                }
            }
            let (number, line) = (raw.number, read(&raw));
            match (&self.scope, &line) {
                (
                    Some(scope),
                    DatabaseLine::Put(BaseRow { path, .. }) | DatabaseLine::Gone(path),
                ) if !path.is_within(&scope.path) => {}
                _ => return Ok(Some((number, line))),
            }
        }
        self.lines = None;
        Ok(None)
    }
}

impl<T> Peeked<T> {
    /// Takes the item out, so that the next one is looked at.
    fn take(&mut self) -> Option<T> {
        match std::mem::replace(self, Self::Unknown) {
            Self::Next(item) => Some(item),
            Self::Unknown => None,
            Self::End => {
                *self = Self::End;
                None
            }
        }
    }
}

impl<D: Disk> Iterator for Rows<D> {
    type Item = Result<BaseRow, DatabaseError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.merged();
        if next.is_err() {
            self.lines = None;
            self.pending = None;
            self.stored = Peeked::End;
            self.change = Peeked::End;
        }
        next.transpose()
    }
}
