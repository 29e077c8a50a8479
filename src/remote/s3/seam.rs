//! The traits, as calls of what the other files hold.

use std::ops::Range;

use futures_util::future::BoxFuture;

use super::deleting::KEYS_MAX;
use super::store::S3Remote;
use crate::remote::key::KeySpace;
use crate::remote::probe::{probe, remove_abandoned};
use crate::remote::{
    Capabilities, Condition, Incoming, ListingOrder, Object, Outgoing, Page, Probed, Reads,
    RemoteError, RemoteErrorKind as Kind, RemoteFuture, Stored, Writes, etag,
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
        Some(&self.connection.region)
    }

    fn endpoint(&self) -> Option<&str> {
        self.connection.endpoint.as_deref()
    }

    fn find_region(&self) -> RemoteFuture<'_, Option<String>> {
        Box::pin(S3Remote::find_region(self))
    }

    fn prefix_as_object(&self) -> RemoteFuture<'_, Object> {
        Box::pin(async {
            let Ok(path) = RepoPath::parse(self.keys.key("").trim_end_matches('/')) else {
                return Err(self.call("HEAD", "").error(Kind::NotFound, "there is no prefix"));
            };
            let bucket = Self { keys: KeySpace::new(""), ..self.clone() };
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
        Box::pin(async move { self.delete_marking(path, expected).await.map(drop) })
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
