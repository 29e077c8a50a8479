//! Files read in steps, for their digests.

use std::ops::Range;

use crate::local::content::{Digester, Digests, Want};
use crate::monitor::Stop;
use crate::session::limits::buffers::BUFFER_BYTES;
use crate::session::trouble::Trouble;

/// Reads a range of a file, in steps, by `read_at`, until somebody asks to end; `None` where the file
/// is shorter.
pub(in crate::transfer) async fn digest_range<E: Into<Trouble>>(
    mut read_at: impl FnMut(&mut [u8], u64) -> Result<usize, E> + Send,
    range: Range<u64>,
    (want, stop): (&Want, &Stop),
) -> Result<Option<Digests>, Trouble> {
    let mut digester = Digester::new(want);
    let piece_bytes = (BUFFER_BYTES as u64).min(range.end - range.start);
    let mut buffer = vec![0; usize::try_from(piece_bytes).unwrap_or(0)];
    let mut offset = range.start;
    while offset < range.end {
        if stop.is_requested() {
            return Err(Trouble::Stopped);
        }
        let length = usize::try_from(piece_bytes.min(range.end - offset)).unwrap_or(0);
        let count = read_at(&mut buffer[..length], offset).map_err(Into::into)?;
        if count == 0 {
            return Ok(None);
        }
        digester.update(&buffer[..count]);
        offset += count as u64;
        // It may be many gigabytes, and others have work to do.
        tokio::task::yield_now().await;
    }
    Ok(Some(digester.finish()))
}
