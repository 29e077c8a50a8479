//! [`Offline`]: a bucket that nobody can ask, for a look at what changed here alone.

use std::ops::Range;

use super::{
    Capabilities, Condition, Incoming, Object, Outgoing, Page, Part, Reads, RemoteError,
    RemoteErrorKind, RemoteFuture, Stored, UploadId, Uploads, Writes,
};
use crate::tree::{Properties, RepoPath, Token};

/// Stands for a bucket in a run that asks none: it knows what the probe found, and refuses every request.
pub struct Offline {
    capabilities: Capabilities,
}

impl Offline {
    /// Knows what the probe found when the working copy was made.
    pub fn new(capabilities: Capabilities) -> Self {
        Self { capabilities }
    }
}

/// A request that should not have been made: a run offline goes by the database.
fn refuse<T: Send + 'static>(operation: &'static str, subject: &str) -> RemoteFuture<'static, T> {
    let message = "nothing is asked of the bucket offline".to_owned();
    let error = RemoteError::new(RemoteErrorKind::Unsupported, operation, subject, message);
    Box::pin(async { Err(error) })
}

impl Reads for Offline {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn list<'a>(&'a self, prefix: &'a str, _: Option<&'a str>, _: usize) -> RemoteFuture<'a, Page> {
        refuse("LIST", prefix)
    }

    fn head<'a>(&'a self, path: &'a RepoPath) -> RemoteFuture<'a, Object> {
        refuse("HEAD", path.as_str())
    }

    fn get<'a>(
        &'a self,
        path: &'a RepoPath,
        _: &'a Token,
        _: Option<Range<u64>>,
    ) -> RemoteFuture<'a, (Object, Incoming)> {
        refuse("GET", path.as_str())
    }

    fn get_version<'a>(
        &'a self,
        path: &'a RepoPath,
        _: &'a str,
    ) -> RemoteFuture<'a, (Object, Incoming)> {
        refuse("GET", path.as_str())
    }
}

impl Writes for Offline {
    fn put<'a>(
        &'a self,
        path: &'a RepoPath,
        _: Outgoing,
        _: &'a Properties,
        _: &'a Condition,
    ) -> RemoteFuture<'a, Stored> {
        refuse("PUT", path.as_str())
    }

    fn delete<'a>(&'a self, path: &'a RepoPath, _: &'a Token) -> RemoteFuture<'a, ()> {
        refuse("DELETE", path.as_str())
    }
}

impl Uploads for Offline {
    fn start_upload<'a>(
        &'a self,
        path: &'a RepoPath,
        _: &'a Properties,
    ) -> RemoteFuture<'a, UploadId> {
        refuse("START UPLOAD", path.as_str())
    }

    fn upload_part<'a>(
        &'a self,
        path: &'a RepoPath,
        _: &'a UploadId,
        _: u32,
        _: Outgoing,
    ) -> RemoteFuture<'a, Part> {
        refuse("UPLOAD PART", path.as_str())
    }

    fn complete_upload<'a>(
        &'a self,
        path: &'a RepoPath,
        _: &'a UploadId,
        _: &'a [Part],
        _: u64,
        _: &'a Condition,
    ) -> RemoteFuture<'a, Stored> {
        refuse("COMPLETE UPLOAD", path.as_str())
    }

    fn abort_upload<'a>(&'a self, path: &'a RepoPath, _: &'a UploadId) -> RemoteFuture<'a, ()> {
        refuse("ABORT UPLOAD", path.as_str())
    }
}
