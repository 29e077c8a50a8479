//! How long a store is waited for.

use std::future::Future;
use std::time::Duration;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::errors::Call;
use crate::remote::{RemoteError, RemoteErrorKind as Kind};

/// How long a store may take to begin its answer.
pub(in crate::remote::s3) const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// A body that goes out more slowly than this is given up.
const SLOWEST_UPLOAD_BYTES_PER_SECOND: u64 = 16 * 1024;

/// Returns how long a request with a body of `bytes` may take.
pub(in crate::remote::s3) fn patience(bytes: u64) -> Duration {
    ANSWER_TIMEOUT + Duration::from_secs(bytes / SLOWEST_UPLOAD_BYTES_PER_SECOND)
}

/// Waits for an answer, but not forever, and translates errors.
///
/// The SDK's futures are some 20 KiB large and would be part of every future above them: boxed.
pub(in crate::remote::s3) fn answer<T, E>(
    call: &Call,
    patience: Duration,
    request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> impl Future<Output = Result<T, RemoteError>>
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let request = Box::pin(request);
    async move {
        match tokio::time::timeout(patience, request).await {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(error)) => Err(call.translate(&error)),
            Err(_) => {
                let message = format!("no answer within {} s", patience.as_secs());
                Err(call.error(Kind::Interrupted, call.by_way_of_proxy(message)))
            }
        }
    }
}
