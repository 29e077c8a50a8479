//! Bodies of objects in memory, in pieces.

use std::ops::Range;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};

use super::script::Call;
use crate::remote::{Incoming, RemoteError, RemoteErrorKind};

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

/// Cuts `body` into pieces; a fault lets it break off after half of them.
pub(super) fn pieces(call: &Call, body: &Bytes, fault: Option<RemoteErrorKind>) -> Incoming {
    let whole = if fault.is_some() { body.slice(..body.len() / 2) } else { body.clone() };
    let end = fault.map(|kind| Err(call.error(kind, "the body broke off")));
    let starts = (0..whole.len()).step_by(PIECE_BYTES);
    let pieces =
        starts.map(move |start| Ok(whole.slice(start..whole.len().min(start + PIECE_BYTES))));
    stream::iter(pieces.chain(end)).boxed()
}
