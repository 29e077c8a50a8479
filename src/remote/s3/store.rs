//! [`S3Remote`]: what it holds, and how it is made.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::config::{Credentials, SharedHttpClient};

use super::connection::{Connection, S3Settings, StandIns};
use super::evidence::Evidence;
use super::request::{Call, checksum_text};
use crate::remote::key::KeySpace;
use crate::remote::probe::Abandoned;
use crate::remote::{Capabilities, Checksum, RemoteError};
use crate::tree::RepoPath;

/// A bucket, seen through a prefix.
#[derive(Debug, Clone)]
pub struct S3Remote {
    pub(super) connection: Connection,
    pub(super) bucket: String,
    pub(super) keys: KeySpace,
    pub(super) capabilities: Capabilities,
    /// What killed probes left, as far as listings have shown it.
    pub(super) abandoned: Arc<Mutex<Abandoned>>,
    /// What speaks against its claims, as far as this run has seen.
    pub(super) evidence: Evidence,
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

    /// Takes what listings have shown of killed probes.
    pub(super) fn take_abandoned(&self) -> Abandoned {
        std::mem::take(&mut *self.abandoned.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Names a request about `below` for errors.
    pub(super) fn call(&self, operation: &'static str, below: &str) -> Call {
        let key = format!("s3://{}/{}", self.bucket, self.keys.key(below));
        let Connection { endpoint, proxy, .. } = &self.connection;
        Call { server: endpoint.clone(), proxy: proxy.clone(), ..Call::new(operation, key) }
    }

    /// Names a request that changes something.
    pub(super) fn write_call(
        &self,
        operation: &'static str,
        path: &RepoPath,
        expected: bool,
    ) -> Call {
        Call { writes: true, expects_version: expected, ..self.call(operation, path.as_str()) }
    }

    /// Returns a checksum header's value, where the store takes one.
    pub(super) fn checksum(&self, crc64: u64) -> Option<String> {
        (self.capabilities.checksum == Checksum::Crc64nvme).then(|| checksum_text(crc64))
    }
}
