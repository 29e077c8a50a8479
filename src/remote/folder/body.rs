//! The bytes of an object on their way out of the bucket.

use std::ops::Range;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};

use super::error::{Context as _, error};
use super::version::etag;
use crate::disk::Disk;
use crate::remote::{Incoming, RemoteError, RemoteErrorKind};
use crate::tree::Token;

/// How much is read at once.
const PIECE_BYTES: u64 = 1024 * 1024;

/// Reads one version of a file, piece by piece.
///
/// The file is looked at again before the last piece is handed out: whoever got all pieces has the
/// version that was asked for, and never half of two.
pub(super) struct FolderBody<D: Disk> {
    disk: D,
    file: D::File,
    /// What is still to be read.
    rest: Range<u64>,
    expected: Token,
    key: String,
}

impl<D: Disk> FolderBody<D> {
    /// Takes an open file, the range to read, and the version with its name for messages.
    pub(super) fn new(
        disk: D,
        file: D::File,
        rest: Range<u64>,
        (expected, key): (Token, String),
    ) -> Self {
        Self { disk, file, rest, expected, key }
    }

    /// Reads piece by piece, when it is asked for.
    pub(super) fn into_stream(self) -> Incoming {
        let pieces = stream::try_unfold(self, |mut body| async {
            Ok(body.piece()?.map(|piece| (piece, body)))
        });
        pieces.boxed()
    }

    /// Reads the next piece.
    fn piece(&mut self) -> Result<Option<Bytes>, RemoteError> {
        let count = (self.rest.end - self.rest.start).min(PIECE_BYTES);
        if count == 0 {
            return Ok(None);
        }
        let mut buffer = vec![0; usize::try_from(count).expect("a MiB fits every usize")];
        let mut filled = 0;
        while filled < buffer.len() {
            let offset = self.rest.start + filled as u64;
            match self.disk.read_at(&self.file, &mut buffer[filled..], offset) {
                Ok(0) => return Err(self.changed()),
                Ok(count) => filled += count,
                Err(cause) => return Err(cause).context("GET", &self.key),
            }
        }
        self.rest.start += count;
        if self.rest.is_empty() {
            let stat = self.disk.fstat(&self.file).context("GET", &self.key)?;
            if etag(&stat) != self.expected {
                return Err(self.changed());
            }
        }
        Ok(Some(buffer.into()))
    }

    fn changed(&self) -> RemoteError {
        error(RemoteErrorKind::Changed, "GET", &self.key, "the file changed while it was read")
    }
}
