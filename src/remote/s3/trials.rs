//! What only the probe asks, and what the store keeps of what was replaced or deleted.

use std::sync::Arc;

use aws_sdk_s3::operation::delete_objects::DeleteObjectsOutput;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::ObjectIdentifier;
use aws_smithy_types::DateTime;
use bytes::Bytes;

use super::deleting::{can_be_named, refusal, unsaid};
use super::listing::exact;
use super::request::{ANSWER_TIMEOUT, Call, answer, nanoseconds};
use super::store::S3Remote;
use crate::remote::key::KeySpace;
use crate::remote::probe::{DatedPage, ListedVersion, Trials};
use crate::remote::{
    Capabilities, ListingOrder, RemoteError, RemoteErrorKind as Kind, RemoteFuture, Stored,
};
use crate::tree::{Properties, RepoPath, Token};

/// More pages than what a probe leaves can have.
const PAGES_MAX: usize = 100;

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
        Box::pin(S3Remote::put_unseen(self, path, body, properties))
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
        S3Remote::behind(self, key)
    }

    fn list_versions(&self) -> RemoteFuture<'_, Vec<ListedVersion>> {
        Box::pin(async move {
            let call = self.call("LIST VERSIONS", "");
            let (mut listed, mut key_marker, mut id_marker) = (Vec::new(), None, None);
            for _ in 0..PAGES_MAX {
                let request = self
                    .versions_request(&self.keys.key(""))
                    .set_key_marker(key_marker)
                    .set_version_id_marker(id_marker)
                    .send();
                let page = answer(&call, ANSWER_TIMEOUT, request).await?;
                listed.extend(self.versions_of(&page));
                if page.is_truncated() != Some(true) {
                    return Ok(listed);
                }
                key_marker = page.next_key_marker().map(|key| exact(&page, key));
                id_marker = page.next_version_id_marker().map(str::to_owned);
                if key_marker.is_none() {
                    break;
                }
            }
            Err(call.error(Kind::Lying, "the list of versions has no end"))
        })
    }

    fn delete_version<'a>(&'a self, path: &'a RepoPath, id: &'a str) -> RemoteFuture<'a, ()> {
        // A retention in governance mode stays: to pass it takes a right and a header of its own
        // (`x-amz-bypass-governance-retention`), and who locks objects does not want a probe to use them.
        Box::pin(async move {
            let call = self.write_call("DELETE VERSION", path, false);
            let request = self
                .connection
                .client
                .delete_object()
                .bucket(&self.bucket)
                .key(self.keys.key(path.as_str()))
                .version_id(id)
                .send();
            answer(&call, ANSWER_TIMEOUT, request).await.map(drop)
        })
    }

    fn delete_own<'a>(
        &'a self,
        own: &'a [(RepoPath, Option<String>)],
    ) -> RemoteFuture<'a, Vec<Result<bool, RemoteError>>> {
        Box::pin(async move {
            let call = Call { writes: true, ..self.call("DELETE", "") };
            let objects = own.iter().map(|(path, id)| {
                let key = self.keys.key(path.as_str());
                ObjectIdentifier::builder().key(key).set_version_id(id.clone()).build()
            });
            let output = self.send_deletions(&call, objects).await?;
            Ok(own.iter().map(|one| self.became(one, &output)).collect())
        })
    }

    fn can_name(&self, path: &RepoPath) -> bool {
        can_be_named(&self.keys.key(path.as_str()))
    }
}

impl S3Remote {
    fn versions_of(&self, page: &ListObjectVersionsOutput) -> Vec<ListedVersion> {
        let version =
            |key: Option<&str>, id: Option<&str>, modified: Option<&DateTime>, is_marker| {
                let path = RepoPath::parse(self.keys.relative(&exact(page, key?))?).ok()?;
                let id = id?.to_owned();
                let modified = nanoseconds(modified);
                Some(ListedVersion { path, id, is_marker, modified })
            };
        let objects = page.versions().iter();
        let objects =
            objects.filter_map(|it| version(it.key(), it.version_id(), it.last_modified(), false));
        let markers = page.delete_markers().iter();
        let markers =
            markers.filter_map(|it| version(it.key(), it.version_id(), it.last_modified(), true));
        objects.chain(markers).collect()
    }

    /// Reads what became of one of many.
    fn became(
        &self,
        (path, id): &(RepoPath, Option<String>),
        output: &DeleteObjectsOutput,
    ) -> Result<bool, RemoteError> {
        let call = self.write_call("DELETE VERSION", path, false);
        let key = self.keys.key(path.as_str());
        let is_it = |its_key: Option<&str>, its_id: Option<&str>| {
            its_key == Some(key.as_str()) && (id.is_none() || its_id == id.as_deref())
        };
        if let Some(error) = output.errors().iter().find(|it| is_it(it.key(), it.version_id())) {
            return Err(refusal(&call, error));
        }
        let gone = output.deleted().iter().find(|it| is_it(it.key(), it.version_id()));
        // The deletion of a mark says so in the same way.
        gone.map(|it| id.is_none() && it.delete_marker() == Some(true)).ok_or_else(|| unsaid(&call))
    }
}
