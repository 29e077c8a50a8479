//! Pages of old versions.

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::operation::list_object_versions::builders::ListObjectVersionsFluentBuilder;
use aws_sdk_s3::types::EncodingType;

use super::encoded::decode_key;
use crate::remote::s3::store::S3Remote;

impl S3Remote {
    /// Begins a request for versions of the keys that begin with `prefix`.
    pub(in crate::remote::s3) fn versions_request(
        &self,
        prefix: &str,
    ) -> ListObjectVersionsFluentBuilder {
        let request = self.connection.client.list_object_versions();
        // Names that XML cannot hold would make the answer unreadable.
        request.bucket(&self.bucket).prefix(prefix).encoding_type(EncodingType::Url)
    }
}

/// Returns a key of a page as it was stored: not every store encodes where it is asked to.
pub(in crate::remote::s3) fn exact(page: &ListObjectVersionsOutput, key: &str) -> String {
    let is_encoded = page.encoding_type() == Some(&EncodingType::Url);
    if is_encoded { decode_key(key, true) } else { key.to_owned() }
}
