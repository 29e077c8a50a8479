//! What the store keeps of what was replaced or deleted.

use aws_sdk_s3::operation::delete_objects::DeleteObjectsOutput;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::operation::list_object_versions::builders::ListObjectVersionsFluentBuilder;
use aws_sdk_s3::types::{EncodingType, ObjectIdentifier};
use aws_smithy_types::DateTime;

use super::deleting::{can_be_named, refusal, unsaid};
use super::listing::decode_key;
use super::request::{ANSWER_TIMEOUT, Call, answer, nanoseconds};
use super::store::S3Remote;
use crate::remote::probe::ListedVersion;
use crate::remote::{RemoteError, RemoteErrorKind as Kind};
use crate::tree::RepoPath;

/// More pages than what a probe leaves can have.
const PAGES_MAX: usize = 100;

impl S3Remote {
    /// Lists all versions below the prefix, page by page; keys that are no paths are left out.
    pub(super) async fn list_versions(&self) -> Result<Vec<ListedVersion>, RemoteError> {
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
    }

    /// Begins a request for versions of the keys that begin with `prefix`.
    pub(super) fn versions_request(&self, prefix: &str) -> ListObjectVersionsFluentBuilder {
        let request = self.connection.client.list_object_versions();
        // Names that XML cannot hold would make the answer unreadable.
        request.bucket(&self.bucket).prefix(prefix).encoding_type(EncodingType::Url)
    }

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

    /// Deletes one version for good, which leaves no mark.
    ///
    /// A retention in governance mode stays: to pass it takes a right and a header of its own
    /// (`x-amz-bypass-governance-retention`), and who locks objects does not want a probe to use them.
    pub(super) async fn delete_version(
        &self,
        path: &RepoPath,
        id: &str,
    ) -> Result<(), RemoteError> {
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
    }

    /// Deletes objects, or versions of them, whatever they hold, with one request for many; says of each
    /// what became of it, and whether the store keeps a mark of that. Only for what is lsync's own.
    ///
    /// # Errors
    /// Where the request as a whole failed: not every store takes it.
    pub(super) async fn delete_own(
        &self,
        own: &[(RepoPath, Option<String>)],
    ) -> Result<Vec<Result<bool, RemoteError>>, RemoteError> {
        let call = Call { writes: true, ..self.call("DELETE", "") };
        let objects = own.iter().map(|(path, id)| {
            let key = self.keys.key(path.as_str());
            ObjectIdentifier::builder().key(key).set_version_id(id.clone()).build()
        });
        let output = self.send_deletions(&call, objects).await?;
        Ok(own.iter().map(|one| self.became(one, &output)).collect())
    }

    /// Tells whether [`S3Remote::delete_own`] can name a path.
    pub(super) fn can_name(&self, path: &RepoPath) -> bool {
        can_be_named(&self.keys.key(path.as_str()))
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

/// Returns a key of a page as it was stored: not every store encodes where it is asked to.
pub(super) fn exact(page: &ListObjectVersionsOutput, key: &str) -> String {
    let is_encoded = page.encoding_type() == Some(&EncodingType::Url);
    if is_encoded { decode_key(key, true) } else { key.to_owned() }
}
