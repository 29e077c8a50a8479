//! What an action brought about, before it is recorded.

use crate::disk::Disk;
use crate::local::content::Evidence;
use crate::plan::Action;
use crate::repository::Change;
use crate::session::trouble::Trouble;
use crate::transfer::down::{Fetched, Received};
use crate::tree::{BaseRow, Content, Stat};

/// Permission bits with which somebody can write.
const WRITE_BITS: u32 = 0o222;

/// What became of one move.
pub(super) type Moved<D> = Result<Effect<D>, Refused>;

/// An action that could not be carried out, and why.
pub(super) type Refused = Box<(Action, Trouble)>;

/// An action that took effect, and what the database has to learn of it.
pub(in crate::transfer) struct Effect<D: Disk> {
    pub(in crate::transfer) action: Action,
    pub(in crate::transfer) changes: Vec<Change>,
    /// The file, where the change is the row of one that has just got its name.
    pub(in crate::transfer) placed: Option<Placed>,
    /// The store took the object from another one.
    pub(in crate::transfer) copied: bool,
    /// The folder in which a name was given or taken, held open in small groups.
    pub(in crate::transfer) folder: Option<D::Folder>,
    /// The number of the file system that the file lies on.
    pub(in crate::transfer) device: Option<u64>,
}

impl<D: Disk> Effect<D> {
    /// An action that brought nothing but what is to be recorded.
    pub(in crate::transfer) fn of(action: Action, changes: Vec<Change>) -> Self {
        let device = action.local.map(|stat| stat.device);
        Self { action, changes, placed: None, copied: false, folder: None, device }
    }

    /// Returns the rows that are to be recorded.
    pub(in crate::transfer) fn rows(&self) -> impl Iterator<Item = &BaseRow> {
        self.changes.iter().filter_map(|change| match change {
            Change::Put(row) => Some(row),
            Change::Gone(_) => None,
        })
    }
}

/// A file as it was when it got its name.
#[derive(Clone)]
pub(in crate::transfer) struct Placed {
    /// What the row says of its bytes.
    pub(in crate::transfer) content: Content,
    /// What proves that the bytes under the name are these.
    pub(in crate::transfer) proof: Evidence,
    /// Its permission bits.
    mode: u32,
}

impl Placed {
    /// Remembers what is about to get its name.
    pub(in crate::transfer) fn of<D: Disk>(fetched: &Fetched<D>) -> Self {
        let Received { crc64, content } = fetched.received.clone();
        let proof = Evidence::known(Content::of_size(content.size).with_crc64(Some(crc64)));
        Self { content, proof, mode: fetched.staged.stat.mode }
    }

    /// Remembers a file that has got another name.
    pub(super) fn renamed(row: &BaseRow, file: &Stat) -> Self {
        let content = row.content.clone();
        Self { proof: Evidence::known(content.clone()), content, mode: file.mode }
    }

    /// Tells whether nobody can write the file, so that it need not be readable either.
    ///
    /// One that is closed now and was not then has been changed by somebody, who may have written
    /// before.
    pub(in crate::transfer) fn is_closed(&self, stat: &Stat) -> bool {
        stat.mode == self.mode && stat.mode & WRITE_BITS == 0
    }
}
