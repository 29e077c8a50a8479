//! The ordered merge: three streams in the byte order of S3 keys become one stream of rows, like
//! a zip. Nothing is collected but the rows of one *clash*.
//!
//! A file against a folder of the same name cannot be seen at one key: `a-1` and `a.txt` lie between
//! `a` and `a/b`. So the merge keeps a stack of the rows whose key is a byte prefix of the current
//! one, and hands a row out only when no key below it can follow any more. A row with keys below it
//! is a [`Clash`], handed out with all of them, to be decided together.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::iter::Peekable;
use std::sync::Arc;

use super::{
    BaseRow, Clash, Local, LocalEntry, LocalState, Marker, Merged, RemoteEntry, RepoPath, Row,
};

/// What [`Merge::step`] has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one lives at a time; a box would be one a row")]
pub enum Step {
    /// Feed the next page of the listing, then ask again.
    NeedRemote,
    /// The next item.
    Item(Merged),
    /// All three sides are at their end.
    Done,
}

/// A stream broke the order that everything rests upon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {side} is out of order: {next:?} after {previous:?}")]
pub struct OutOfOrder {
    /// Which stream.
    pub side: &'static str,
    /// The key before.
    pub previous: String,
    /// The key that should not follow it.
    pub next: String,
}

/// Merges three ordered streams. The listing is pushed in page by page, so that the merge itself
/// waits for nothing and can be driven by a test.
pub struct Merge<L: Iterator, B: Iterator> {
    local: Peekable<L>,
    base: Peekable<B>,
    remote: VecDeque<RemoteEntry>,
    remote_side: RemoteSide,
    open: Vec<Open>,
    ready: VecDeque<Merged>,
    /// The key before; at the beginning empty, which no key is.
    last: String,
}

/// Where the remote side comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RemoteSide {
    Pages { more: bool },
    AsBase,
}

/// Something whose key is a byte prefix of the current key.
#[expect(clippy::large_enum_variant, reason = "few are open at a time; a box would be one a row")]
enum Open {
    /// A row that may turn out to be the top of a clash.
    Row { top: Row, below: Vec<Row> },
    /// A marker: what lies below it is left alone.
    Cover { path: RepoPath, marker: Arc<Marker> },
}

impl Open {
    fn path(&self) -> &RepoPath {
        match self {
            Self::Row { top, .. } => &top.path,
            Self::Cover { path, .. } => path,
        }
    }
}

/// The key at which an item sorts: markers of folders stand at `path/`.
#[derive(Clone, Copy)]
struct Key<'a> {
    path: &'a str,
    folder: bool,
}

impl Key<'_> {
    fn bytes(&self) -> impl Iterator<Item = u8> + '_ {
        self.path.bytes().chain(self.folder.then_some(b'/'))
    }

    fn compare(self, other: Self) -> Ordering {
        match (self.folder, other.folder) {
            (false, false) => self.path.cmp(other.path),
            _ => self.bytes().cmp(other.bytes()),
        }
    }

    /// Tells whether this key comes after another one.
    fn is_behind(self, last: &str) -> bool {
        if self.folder { self.bytes().gt(last.bytes()) } else { self.path > last }
    }

    fn push_to(self, text: &mut String) {
        text.push_str(self.path);
        if self.folder {
            text.push('/');
        }
    }

    fn text(self) -> String {
        let mut text = String::new();
        self.push_to(&mut text);
        text
    }

    /// Tells whether keys from here on can still begin with `path`.
    fn begins_with(self, path: &RepoPath) -> bool {
        self.path.starts_with(path.as_str())
    }
}

impl<L, B, E> Merge<L, B>
where
    L: Iterator<Item = Result<LocalEntry, E>>,
    B: Iterator<Item = Result<BaseRow, E>>,
    E: From<OutOfOrder>,
{
    /// Merges `local`, `base` and the pages that [`Merge::feed`] brings.
    pub fn new(local: L, base: B) -> Self {
        Self::with(local, base, RemoteSide::Pages { more: true })
    }

    /// Merges `local` and `base`, and lets the base stand for the bucket.
    pub fn offline(local: L, base: B) -> Self {
        Self::with(local, base, RemoteSide::AsBase)
    }

    fn with(local: L, base: B, remote_side: RemoteSide) -> Self {
        Self {
            local: local.peekable(),
            base: base.peekable(),
            remote: VecDeque::new(),
            remote_side,
            open: Vec::new(),
            ready: VecDeque::new(),
            last: String::new(),
        }
    }

    /// Takes the next page of the listing; `more` tells whether another one follows.
    pub fn feed(&mut self, page: impl IntoIterator<Item = RemoteEntry>, more: bool) {
        self.remote.extend(page);
        self.remote_side = RemoteSide::Pages { more };
    }

    /// Returns the next item, or what is needed for it.
    pub fn step(&mut self) -> Result<Step, E> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Ok(Step::Item(item));
            }
            if self.remote.is_empty() && self.remote_side == (RemoteSide::Pages { more: true }) {
                return Ok(Step::NeedRemote);
            }
            let Some(next) = self.take_next()? else {
                while let Some(open) = self.open.pop() {
                    self.close(open);
                }
                match self.ready.pop_front() {
                    Some(item) => return Ok(Step::Item(item)),
                    None => return Ok(Step::Done),
                }
            };
            self.close_before(&next);
            self.place(next);
        }
    }

    /// Takes everything that stands at the smallest key; `None` at the end of all three.
    fn take_next(&mut self) -> Result<Option<Next>, E> {
        let local = match self.local.peek() {
            Some(Ok(entry)) => Some(local_key(entry)),
            Some(Err(_)) => return self.local.next().transpose().map(|_| None),
            None => None,
        };
        let base = match self.base.peek() {
            Some(Ok(row)) => Some(Key { path: row.path.as_str(), folder: false }),
            Some(Err(_)) => return self.base.next().transpose().map(|_| None),
            None => None,
        };
        let remote =
            self.remote.front().map(|entry| Key { path: entry.path.as_str(), folder: false });
        let Some((smallest, at)) = smallest_of([local, base, remote]) else { return Ok(None) };
        check_order(&mut self.last, smallest, at)?;
        let local = if at[0] { self.local.next().transpose()? } else { None };
        let base = if at[1] { self.base.next().transpose()? } else { None };
        let mut remote = if at[2] { self.remote.pop_front() } else { None };
        if self.remote_side == RemoteSide::AsBase {
            remote = base.as_ref().map(|row| RemoteEntry {
                path: row.path.clone(),
                version: row.version.clone(),
                modified: row.signature.mtime,
            });
        }
        Ok(Next::new(local, base, remote))
    }

    /// Hands out every open row below which nothing can follow any more.
    fn close_before(&mut self, next: &Next) {
        let key = next.key();
        while let Some(open) = self.open.pop_if(|open| !key.begins_with(open.path())) {
            self.close(open);
        }
    }

    fn close(&mut self, open: Open) {
        match open {
            Open::Row { top, below } if is_clash(&top, &below) => {
                self.ready.push_back(Merged::Clash(Clash { top, below }));
            }
            Open::Row { top, below } => {
                self.ready.push_back(Merged::Row(top));
                self.release(below);
            }
            Open::Cover { .. } => (),
        }
    }

    /// Hands out what lies below a path that turned out to be no clash; there may be clashes in it.
    fn release(&mut self, rows: Vec<Row>) {
        let mut open: Vec<(Row, Vec<Row>)> = Vec::new();
        for row in rows {
            let is_over =
                |(top, _): &mut (Row, _)| !row.path.as_str().starts_with(top.path.as_str());
            while let Some((top, below)) = open.pop_if(is_over) {
                self.close(Open::Row { top, below });
            }
            match open.iter_mut().find(|(top, _)| row.path.is_below(&top.path)) {
                Some((_, below)) => below.push(row),
                None => open.push((row, Vec::new())),
            }
        }
        while let Some((top, below)) = open.pop() {
            self.close(Open::Row { top, below });
        }
    }

    /// Puts what stands at one key where it belongs: below a cover, into a clash, or on the stack.
    fn place(&mut self, next: Next) {
        let Next { mut row, folder } = next;
        if let Some(marker) = self.cover_of(&row.path) {
            row.local = Local::Marked { marker, here: false };
        }
        if let Local::Marked { marker, here: true } = &row.local {
            let marker = Arc::clone(marker);
            if folder {
                self.mark_open_row(&row.path, &marker);
            }
            self.open.push(Open::Cover { path: row.path.clone(), marker });
            return self.place_row(row, true);
        }
        self.place_row(row, false);
    }

    /// A folder that was not entered stands in the way of a file of the same name, too.
    fn mark_open_row(&mut self, path: &RepoPath, marker: &Arc<Marker>) {
        for open in &mut self.open {
            if let Open::Row { top, below } = open {
                for row in std::iter::once(top).chain(below) {
                    if row.path == *path && row.local == Local::Absent {
                        row.local = Local::Marked { marker: Arc::clone(marker), here: false };
                    }
                }
            }
        }
    }

    fn place_row(&mut self, row: Row, is_marker: bool) {
        let parent = self.open.iter_mut().find_map(|open| match open {
            Open::Row { top, below } if row.path.is_below(&top.path) => Some(below),
            _ => None,
        });
        match parent {
            Some(below) => below.push(row),
            // A marker, and what lies below one, can be no clash: there is nothing to collect.
            None if is_marker || matches!(row.local, Local::Marked { .. }) => {
                self.ready.push_back(Merged::Row(row));
            }
            None => self.open.push(Open::Row { top: row, below: Vec::new() }),
        }
    }

    fn cover_of(&self, path: &RepoPath) -> Option<Arc<Marker>> {
        self.open.iter().find_map(|open| match open {
            Open::Cover { path: cover, marker } if path.is_below(cover) => Some(Arc::clone(marker)),
            _ => None,
        })
    }
}

/// Returns the smallest key, and on which sides it stands; `None` where all are at their end.
fn smallest_of<'a>(keys: [Option<Key<'a>>; 3]) -> Option<(Key<'a>, [bool; 3])> {
    let mut found: Option<(Key<'a>, [bool; 3])> = None;
    for (side, key) in keys.into_iter().enumerate() {
        let Some(key) = key else { continue };
        let (smallest, at) = found.get_or_insert((key, [false; 3]));
        match key.compare(*smallest) {
            Ordering::Less => (*smallest, *at) = (key, [false; 3]),
            Ordering::Equal => (),
            Ordering::Greater => continue,
        }
        at[side] = true;
    }
    found
}

/// Refuses a key that does not follow the last one.
///
/// As the smallest key is always taken first, a key that comes too late stands where the last one
/// stood: on each side that has it, the last key was the one before.
fn check_order(last: &mut String, key: Key<'_>, at: [bool; 3]) -> Result<(), OutOfOrder> {
    if !key.is_behind(last) {
        let mut sides = ["scan", "database", "listing"].into_iter().zip(at);
        let side = sides.find_map(|(side, is_at)| is_at.then_some(side)).unwrap_or_default();
        return Err(OutOfOrder { side, previous: last.clone(), next: key.text() });
    }
    last.clear();
    key.push_to(last);
    Ok(())
}

/// Tells whether a file stands against a folder, and not only against rows of the database.
fn is_clash(top: &Row, below: &[Row]) -> bool {
    let exists = |row: &Row| {
        row.remote.is_some()
            || matches!(row.local, Local::File(_) | Local::Marked { here: true, .. })
    };
    // Nothing is decided about a marker, nor about what lies below one.
    !matches!(top.local, Local::Marked { .. }) && exists(top) && below.iter().any(exists)
}

/// What stands at one key.
struct Next {
    row: Row,
    /// It is the marker of a folder, at `path/`.
    folder: bool,
}

impl Next {
    fn new(
        local: Option<LocalEntry>,
        base: Option<BaseRow>,
        remote: Option<RemoteEntry>,
    ) -> Option<Self> {
        let (path, state) = local.map(|entry| (entry.path, entry.state)).unzip();
        let path = path
            .or_else(|| base.as_ref().map(|row| row.path.clone()))
            .or_else(|| remote.as_ref().map(|entry| entry.path.clone()))?;
        let (local, folder) = match state {
            None => (Local::Absent, false),
            Some(LocalState::File(stat)) => (Local::File(stat), false),
            Some(LocalState::Marked { folder, marker }) => {
                (Local::Marked { marker, here: true }, folder)
            }
        };
        Some(Self { row: Row { path, local, base, remote }, folder })
    }

    fn key(&self) -> Key<'_> {
        Key { path: self.row.path.as_str(), folder: self.folder }
    }
}

fn local_key(entry: &LocalEntry) -> Key<'_> {
    let folder = matches!(entry.state, LocalState::Marked { folder: true, .. });
    Key { path: entry.path.as_str(), folder }
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
