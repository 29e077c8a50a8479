//! Bodies on their way in.

use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};

use crate::remote::s3::request::Call;
use crate::remote::{Incoming, RemoteError, RemoteErrorKind as Kind};

/// How long a body may give no byte before it is given up.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// The bytes of an object on their way in.
#[derive(Debug)]
pub(super) struct S3Body {
    pub(super) stream: ByteStream,
    pub(super) remaining_bytes: u64,
    pub(super) call: Call,
}

impl S3Body {
    /// Hands out what comes, with an end to every wait.
    pub(super) fn into_stream(self) -> Incoming {
        let pieces = stream::try_unfold(self, |mut body| async {
            Ok(body.next().await?.map(|piece| (piece, body)))
        });
        pieces.boxed()
    }

    async fn next(&mut self) -> Result<Option<Bytes>, RemoteError> {
        let interrupted = |message: String| self.call.error(Kind::Interrupted, message);
        let chunk = tokio::time::timeout(STALL_TIMEOUT, self.stream.next())
            .await
            .map_err(|_| interrupted(format!("no byte within {} s", STALL_TIMEOUT.as_secs())))?
            .transpose()
            .map_err(|error| interrupted(format!("the body broke off: {error}")))?;
        let Some(chunk) = chunk else {
            return match self.remaining_bytes {
                0 => Ok(None),
                bytes => Err(interrupted(format!("the body ended {bytes} bytes early"))),
            };
        };
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        self.remaining_bytes = self
            .remaining_bytes
            .checked_sub(length)
            .ok_or_else(|| self.call.error(Kind::Corrupt, "the body is longer than announced"))?;
        Ok(Some(chunk))
    }
}
