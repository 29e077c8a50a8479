//! Bodies of objects in memory, in pieces.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;

use super::Call;
use crate::remote::{Body, RemoteError, RemoteErrorKind};

/// Bodies arrive in pieces of this size.
const PIECE_BYTES: usize = 64 * 1024;

/// Cuts a range out of a body; one that does not lie within it is refused.
pub(super) fn slice(
    call: &Call,
    body: &Bytes,
    range: Option<Range<u64>>,
) -> Result<Bytes, RemoteError> {
    let Some(range) = range else { return Ok(body.clone()) };
    let end = range.end.min(body.len() as u64);
    if range.start >= end {
        return Err(call.error(RemoteErrorKind::Invalid, "the range is not satisfiable"));
    }
    let [start, end] = [range.start, end].map(|at| usize::try_from(at).unwrap_or(usize::MAX));
    Ok(body.slice(start..end))
}

/// The bytes of an object on their way in, in pieces of 64 KiB.
#[derive(Debug)]
pub struct MemoryBody(VecDeque<Result<Bytes, RemoteError>>);

impl MemoryBody {
    /// Cuts `body` into pieces; a fault lets it break off after half of them.
    pub(super) fn new(call: &Call, body: &Bytes, fault: Option<RemoteErrorKind>) -> Self {
        let whole = if fault.is_some() { body.slice(..body.len() / 2) } else { body.clone() };
        let starts = (0..whole.len()).step_by(PIECE_BYTES);
        let pieces =
            starts.map(|start| Ok(whole.slice(start..whole.len().min(start + PIECE_BYTES))));
        let end = fault.map(|kind| Err(call.error(kind, "the body broke off")));
        Self(pieces.chain(end).collect())
    }
}

impl Body for MemoryBody {
    async fn next(&mut self) -> Result<Option<Bytes>, RemoteError> {
        self.0.pop_front().transpose()
    }
}
