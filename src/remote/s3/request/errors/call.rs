//! [`Call`]: one request, as errors name it.

use std::sync::Arc;

use crate::remote::s3::connection::Proxy;
use crate::remote::{RemoteError, RemoteErrorKind as Kind};

/// One request, as errors name it.
#[derive(Debug, Clone)]
pub(in crate::remote::s3) struct Call {
    /// `PUT`, `LIST` …
    pub(in crate::remote::s3) operation: &'static str,
    /// `s3://bucket/key`.
    pub(in crate::remote::s3) key: String,
    /// The request changes the bucket, so that a lost answer leaves it open whether it did.
    pub(in crate::remote::s3) writes: bool,
    /// The request names the version that it expects to find, so that 404 means "changed".
    pub(in crate::remote::s3) expects_version: bool,
    /// What a success means that cannot be read: [`Kind::Failed`] unless a store is known that never
    /// answers otherwise.
    pub(in crate::remote::s3) unreadable: Kind,
    /// The server, where it is not AWS.
    pub(in crate::remote::s3) server: Option<String>,
    /// What the request goes through.
    pub(in crate::remote::s3) proxy: Option<Arc<Proxy>>,
}

impl Call {
    /// Names a request that changes nothing, to a server of AWS.
    pub(in crate::remote::s3) fn new(operation: &'static str, key: String) -> Self {
        Self {
            operation,
            key,
            writes: false,
            expects_version: false,
            unreadable: Kind::Failed,
            server: None,
            proxy: None,
        }
    }

    /// Makes an error of this call.
    pub(in crate::remote::s3) fn error(
        &self,
        kind: Kind,
        message: impl Into<String>,
    ) -> RemoteError {
        let ambiguous =
            self.writes && matches!(kind, Kind::Interrupted | Kind::Failed | Kind::NoEtag);
        let error = RemoteError::new(kind, self.operation, self.key.clone(), message);
        RemoteError { ambiguous, ..error }
    }
}
