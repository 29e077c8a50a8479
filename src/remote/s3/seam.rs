//! The traits, as calls of what the other files hold.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::deleting::KEYS_MAX;
use super::store::S3Remote;
use crate::remote::key::KeySpace;
use crate::remote::probe::{DatedPage, ListedVersion, Trials, probe, remove_abandoned};
use crate::remote::{
    Capabilities, Condition, CopiedPart, HeldPart, Incoming, ListingOrder, Object, Outgoing, Page,
    Part, PartSource, PendingUpload, Probed, Reads, RemoteError, RemoteErrorKind, RemoteFuture,
    Stored, UploadId, Uploads, Writes, etag,
};
use crate::tree::{Content, Properties, RepoPath, Token, Version};

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
        self.capabilities.deletions_at_once(KEYS_MAX)
    }

    fn delete_many<'a>(
        &'a self,
        versions: &'a [(&'a RepoPath, &'a Token)],
    ) -> RemoteFuture<'a, Vec<Result<(), RemoteError>>> {
        Box::pin(self.delete_objects(versions))
    }

    fn broken_promise(&self) -> Option<String> {
        self.evidence.words().map(str::to_owned)
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
        source: PartSource<'a>,
    ) -> RemoteFuture<'a, CopiedPart> {
        Box::pin(self.put_part_of(path, upload, number, source))
    }

    fn complete_upload<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
        parts: &'a [Part],
        crc64: u64,
        condition: &'a Condition,
    ) -> RemoteFuture<'a, Stored> {
        Box::pin(self.complete_multipart(path, upload, parts, crc64, condition))
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

impl Trials for S3Remote {
    fn below(&self, folder: &str, capabilities: Capabilities) -> Arc<dyn Trials> {
        let keys = KeySpace::new(&self.keys.key(folder));
        Arc::new(Self { keys, capabilities, abandoned: Arc::default(), ..self.clone() })
    }

    fn put_unseen<'a>(
        &'a self,
        path: &'a RepoPath,
        body: &'a Bytes,
        properties: &'a Properties,
    ) -> RemoteFuture<'a, Stored> {
        Box::pin(self.put_unseen(path, body, properties))
    }

    fn marks_deletion<'a>(
        &'a self,
        path: &'a RepoPath,
        expected: &'a Token,
    ) -> RemoteFuture<'a, bool> {
        Box::pin(self.delete_marking(path, expected))
    }

    fn lists_versions(&self) -> RemoteFuture<'_, Option<bool>> {
        Box::pin(self.lists_etags())
    }

    fn dated_listing<'a>(
        &'a self,
        prefix: &'a str,
        next: Option<&'a str>,
        order: Option<ListingOrder>,
        limit: usize,
    ) -> RemoteFuture<'a, DatedPage> {
        Box::pin(self.dated_page(prefix, next, order, limit))
    }

    fn behind(&self, key: &str) -> String {
        self.behind(key)
    }

    fn list_versions(&self) -> RemoteFuture<'_, Vec<ListedVersion>> {
        Box::pin(self.list_versions())
    }

    fn delete_version<'a>(&'a self, path: &'a RepoPath, id: &'a str) -> RemoteFuture<'a, ()> {
        Box::pin(self.delete_version(path, id))
    }

    fn delete_own<'a>(
        &'a self,
        own: &'a [(RepoPath, Option<String>)],
    ) -> RemoteFuture<'a, Vec<Result<bool, RemoteError>>> {
        Box::pin(self.delete_own(own))
    }

    fn can_name(&self, path: &RepoPath) -> bool {
        self.can_name(path)
    }
}
