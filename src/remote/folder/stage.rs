//! Staged files: contents in tmp/ that have no name in the bucket yet.

use std::ffi::OsString;
use std::io;
use std::sync::atomic::Ordering;

use crc_fast::CrcAlgorithm;

use super::bucket::{Bucket, Control};
use super::error::Context as _;
use super::modes::{file_mode, set_mode_if_possible};
use super::names::may_be_an_edit;
use crate::disk::Disk;
use crate::remote::RemoteError;

/// Age after which a staged file belongs to nobody any more: a day.
const STAGED_NANOSECONDS_MAX: i64 = 24 * 60 * 60 * 1_000_000_000;

/// A file in the bucket's tmp/ that has no name in the bucket yet.
pub(super) struct Staged<D: Disk> {
    /// Open for reading and writing.
    pub(super) file: D::File,
    /// Its name in tmp/.
    pub(super) name: OsString,
}

impl<D: Disk> Bucket<D> {
    /// Makes an empty file in tmp/; the first one of a process sweeps what others left there.
    pub(super) fn stage(
        &self,
        operation: &'static str,
        key: &str,
    ) -> Result<Staged<D>, RemoteError> {
        let control = self.control(operation, key)?;
        if !self.swept.swap(true, Ordering::Relaxed) {
            self.sweep(control).context(operation, key)?;
        }
        self.stage_in(control).context(operation, key)
    }

    /// Makes an empty file in tmp/.
    fn stage_in(&self, control: &Control<D>) -> io::Result<Staged<D>> {
        let name = self.staged_name();
        let mode = file_mode(self.root_stat.mode);
        let file = self.disk.create(&control.staging, &name, mode)?;
        if self.disk.fstat(&file)?.mode & 0o777 != mode {
            set_mode_if_possible(&self.disk, &file, mode)?;
        }
        Ok(Staged { file, name })
    }

    /// Removes what lies in tmp/ untouched for a day, and moves what may be an edit to lost/.
    ///
    /// The age is that of the ctime (a staged file carries the mtime of its user's file), measured
    /// against a file written just now: both come from the clock of the file system.
    fn sweep(&self, control: &Control<D>) -> io::Result<()> {
        let disk = &self.disk;
        let probe = self.stage_in(control)?;
        let now = disk.fstat(&probe.file)?.ctime;
        for (name, _) in &disk.read_folder(&control.staging)? {
            let Ok(stat) = disk.lstat(&control.staging, name) else { continue };
            let is_old = now.saturating_sub(stat.ctime) > STAGED_NANOSECONDS_MAX;
            if is_old && may_be_an_edit(name, &stat) {
                self.keep(control, name);
            } else if is_old || name == probe.name {
                self.discard(control, name);
            }
        }
        Ok(())
    }
}

/// Returns the checksum that travels beside bodies.
pub(super) fn crc64_of(body: &[u8]) -> u64 {
    crc_fast::checksum(CrcAlgorithm::Crc64Nvme, body)
}
