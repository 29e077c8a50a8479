//! A bucket on a store that speaks S3. This folder alone names the SDK.
//!
//! What the SDK is kept from doing is written in [`connection`]; what stores do differently is in
//! [`Capabilities`] and stays behind this seam.

mod answers;
mod body;
mod bucket;
mod conditions;
mod connection;
mod deleting;
mod encoded;
mod errors;
mod evidence;
mod listing;
mod multipart;
mod objects;
mod page;
mod reading;
mod seam;
mod sending;
mod uploads;
mod versions;

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::{Credentials, SharedHttpClient};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

pub use connection::S3Settings;

use connection::{Connection, StandIns};
use errors::Call;
use evidence::Evidence;

use super::key::KeySpace;
use super::probe::Abandoned;
use super::{Capabilities, Checksum, RemoteError, RemoteErrorKind};
use crate::tree::RepoPath;

/// How long a store may take to begin its answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// A body that goes out more slowly than this is given up.
const SLOWEST_UPLOAD_BYTES_PER_SECOND: u64 = 16 * 1024;

/// A bucket, seen through a prefix.
#[derive(Debug, Clone)]
pub struct S3Remote {
    connection: Connection,
    bucket: String,
    keys: KeySpace,
    capabilities: Capabilities,
    /// What killed probes left, as far as listings have shown it.
    abandoned: Arc<Mutex<Abandoned>>,
    /// What speaks against its claims, as far as this run has seen.
    evidence: Evidence,
}

impl S3Remote {
    /// Builds a remote from settings and from what the probe found. Makes no request.
    ///
    /// # Errors
    /// Where the settings make no address, or cannot be sent.
    pub async fn open(
        settings: &S3Settings,
        capabilities: Capabilities,
    ) -> Result<Self, RemoteError> {
        Self::new(settings, capabilities, StandIns::default()).await
    }

    /// Builds a remote with a key of its own instead of the AWS chain: for tests against servers on
    /// the loopback.
    #[doc(hidden)]
    pub async fn open_with_key(
        settings: &S3Settings,
        capabilities: Capabilities,
        access_key: &str,
        secret_key: &str,
    ) -> Result<Self, RemoteError> {
        let credentials = Credentials::new(access_key, secret_key, None, None, "test");
        let stand_ins = StandIns { credentials: Some(credentials), transport: None };
        Self::new(settings, capabilities, stand_ins).await
    }

    /// Builds a remote whose requests are answered by `transport`: for tests of what a store may
    /// say.
    #[doc(hidden)]
    pub async fn open_with_transport(
        settings: &S3Settings,
        capabilities: Capabilities,
        transport: SharedHttpClient,
    ) -> Result<Self, RemoteError> {
        let credentials = Some(Credentials::new("key", "secret", None, None, "test"));
        let stand_ins = StandIns { credentials, transport: Some(transport) };
        Self::new(settings, capabilities, stand_ins).await
    }

    async fn new(
        settings: &S3Settings,
        capabilities: Capabilities,
        stand_ins: StandIns,
    ) -> Result<Self, RemoteError> {
        Ok(Self {
            connection: Connection::open(settings, stand_ins).await?,
            bucket: settings.bucket.clone(),
            keys: KeySpace::new(&settings.prefix),
            capabilities,
            abandoned: Arc::default(),
            evidence: Evidence::default(),
        })
    }

    /// Returns the same bucket and prefix with other capabilities.
    #[must_use]
    pub fn with_capabilities(&self, capabilities: Capabilities) -> Self {
        Self { capabilities, ..self.clone() }
    }

    /// Takes what listings have shown of killed probes.
    fn take_abandoned(&self) -> Abandoned {
        std::mem::take(&mut *self.abandoned.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Names a request about `below` for errors.
    fn call(&self, operation: &'static str, below: &str) -> Call {
        Call {
            operation,
            key: format!("s3://{}/{}", self.bucket, self.keys.key(below)),
            writes: false,
            expects_version: false,
            unreadable: RemoteErrorKind::Failed,
            server: self.connection.endpoint.clone(),
            proxy: self.connection.proxy.clone(),
        }
    }

    /// Names a request that changes something.
    fn write_call(&self, operation: &'static str, path: &RepoPath, expected: bool) -> Call {
        Call { writes: true, expects_version: expected, ..self.call(operation, path.as_str()) }
    }

    /// Returns a checksum header's value, where the store takes one.
    fn checksum(&self, crc64: u64) -> Option<String> {
        (self.capabilities.checksum == Checksum::Crc64nvme).then(|| answers::checksum_text(crc64))
    }
}

/// Returns how long a request with a body of `bytes` may take.
fn patience(bytes: u64) -> Duration {
    ANSWER_TIMEOUT + Duration::from_secs(bytes / SLOWEST_UPLOAD_BYTES_PER_SECOND)
}

/// Waits for an answer, but not forever, and translates errors.
///
/// The SDK's futures are some 20 KiB large and would be part of every future above them: boxed.
fn answer<T, E>(
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
                Err(call.error(RemoteErrorKind::Interrupted, call.by_way_of_proxy(message)))
            }
        }
    }
}
