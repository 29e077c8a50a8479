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
mod sending;
mod uploads;
mod versions;

use std::future::Future;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::{Credentials, SharedHttpClient};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use futures_util::future::BoxFuture;

pub use connection::S3Settings;

use connection::{Connection, StandIns};
use errors::Call;
use evidence::Evidence;

use super::key::KeySpace;
use super::probe::{Abandoned, probe, remove_abandoned};
use super::{
    Capabilities, Checksum, Condition, CopiedPart, HeldPart, Incoming, ListingOrder, Object,
    Outgoing, Page, Part, PendingUpload, Probed, Reads, RemoteError, RemoteErrorKind, RemoteFuture,
    Stored, UploadId, Uploads, Writes,
};
use crate::remote::etag;
use crate::tree::{Content, Properties, RepoPath, Token, Version};

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

impl Reads for S3Remote {
    fn likely_content(&self, version: &Version) -> Content {
        etag::likely_content(version)
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn is_near(&self) -> bool {
        self.connection.is_near()
    }

    fn region(&self) -> Option<&str> {
        Some(S3Remote::region(self))
    }

    fn endpoint(&self) -> Option<&str> {
        S3Remote::endpoint(self)
    }

    fn find_region(&self) -> RemoteFuture<'_, Option<String>> {
        Box::pin(S3Remote::find_region(self))
    }

    fn prefix_as_object(&self) -> RemoteFuture<'_, Object> {
        Box::pin(async {
            let Some((bucket, path)) = self.prefix_as_path() else {
                return Err(self
                    .call("HEAD", "")
                    .error(RemoteErrorKind::NotFound, "there is no prefix"));
            };
            bucket.head_object(&path).await
        })
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        next: Option<&'a str>,
        limit: usize,
    ) -> RemoteFuture<'a, Page> {
        Box::pin(self.list_page(prefix, next, limit))
    }

    fn place_behind(&self, key: &str) -> Option<String> {
        // Without ETags each page costs a thousand looks, and those of one are enough at once.
        let found = &self.capabilities;
        let can_begin =
            found.etag_in_listing && found.start_after && found.listing_order == ListingOrder::Keys;
        can_begin.then(|| self.behind(key))
    }

    fn head<'a>(&'a self, path: &'a RepoPath) -> RemoteFuture<'a, Object> {
        Box::pin(self.head_object(path))
    }

    fn get<'a>(
        &'a self,
        path: &'a RepoPath,
        expected: &'a Token,
        range: Option<Range<u64>>,
    ) -> RemoteFuture<'a, (Object, Incoming)> {
        Box::pin(self.get_object(path, expected, range))
    }

    fn get_version<'a>(
        &'a self,
        path: &'a RepoPath,
        version_id: &'a str,
    ) -> RemoteFuture<'a, (Object, Incoming)> {
        Box::pin(self.get_object_version(path, version_id))
    }
}

impl Writes for S3Remote {
    fn probe(&self) -> RemoteFuture<'_, Probed> {
        Box::pin(probe(self))
    }

    fn put<'a>(
        &'a self,
        path: &'a RepoPath,
        body: Outgoing,
        properties: &'a Properties,
        condition: &'a Condition,
    ) -> RemoteFuture<'a, Stored> {
        Box::pin(self.put_object(path, body, properties, condition))
    }

    fn delete<'a>(&'a self, path: &'a RepoPath, expected: &'a Token) -> RemoteFuture<'a, ()> {
        Box::pin(self.delete_object(path, expected))
    }

    fn deletions_at_once(&self) -> usize {
        self.capabilities.deletions_at_once(deleting::KEYS_MAX)
    }

    fn delete_many<'a>(
        &'a self,
        versions: &'a [(&'a RepoPath, &'a Token)],
    ) -> RemoteFuture<'a, Vec<Result<(), RemoteError>>> {
        Box::pin(self.delete_objects(versions))
    }

    fn broken_promise(&self) -> Option<String> {
        self.evidence().map(str::to_owned)
    }

    fn remove_abandoned_probes(&self) -> BoxFuture<'_, ()> {
        Box::pin(remove_abandoned(self, self.take_abandoned()))
    }
}

impl Uploads for S3Remote {
    fn holds_parts(&self) -> bool {
        !self.sends_pieces()
    }

    fn copies_parts(&self) -> bool {
        true
    }

    fn start_upload<'a>(
        &'a self,
        path: &'a RepoPath,
        properties: &'a Properties,
    ) -> RemoteFuture<'a, UploadId> {
        Box::pin(self.create_multipart(path, properties))
    }

    fn upload_part<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
        number: u32,
        body: Outgoing,
    ) -> RemoteFuture<'a, Part> {
        Box::pin(self.put_part(path, upload, number, body))
    }

    fn copy_part<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
        number: u32,
        from: (&'a RepoPath, &'a Token),
        range: Option<Range<u64>>,
    ) -> RemoteFuture<'a, CopiedPart> {
        Box::pin(self.put_part_of(path, (upload, number), from, range))
    }

    fn complete_upload<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
        parts: &'a [Part],
        crc64: u64,
        condition: &'a Condition,
    ) -> RemoteFuture<'a, Stored> {
        Box::pin(self.complete_multipart(path, (upload, parts), crc64, condition))
    }

    fn parts<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
    ) -> RemoteFuture<'a, Vec<HeldPart>> {
        Box::pin(self.list_parts(path, upload))
    }

    fn pending_uploads(&self) -> RemoteFuture<'_, Vec<PendingUpload>> {
        Box::pin(self.list_uploads())
    }

    fn abort_upload<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
    ) -> RemoteFuture<'a, ()> {
        Box::pin(self.abort_multipart(path, upload))
    }
}
