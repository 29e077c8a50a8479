//! Files that stay open from their transfer to the sync of their group.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::disk::{DescriptorBudget, Disk};

/// How many more files may be held open: descriptors are few. What is not held is opened anew.
pub struct Holding(Arc<Semaphore>);

impl Default for Holding {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(DescriptorBudget::get().waiting_files)))
    }
}

/// A file that is held open, whatever happens to its name.
pub struct Held<D: Disk> {
    file: Arc<D::File>,
    /// Gives the descriptor back to the others.
    _turn: OwnedSemaphorePermit,
}

impl Holding {
    /// Holds a file open; `None` where enough are.
    pub fn hold<D: Disk>(&self, file: Arc<D::File>) -> Option<Held<D>> {
        let turn = Arc::clone(&self.0).try_acquire_owned().ok()?;
        Some(Held { file, _turn: turn })
    }
}

impl<D: Disk> Held<D> {
    /// Returns the open file.
    pub fn file(&self) -> &D::File {
        &self.file
    }
}
