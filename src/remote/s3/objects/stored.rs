//! What is kept of an object's name and of what travels beside its bytes.

use std::collections::HashMap;

use aws_sdk_s3::types::ServerSideEncryption;

use crate::remote::s3::request::{Call, MTIME_KEY, mtime_text, version_id};
use crate::remote::s3::store::S3Remote;
use crate::remote::{RemoteError, RemoteErrorKind as Kind, Stored, etag};
use crate::tree::{Md5, Properties, Token};

/// Tells whether the `ETag` of an object can be an MD5 in spite of how the answer says that it is
/// encrypted (S3 API reference, "Object", `ETag`).
pub(in crate::remote::s3) fn leaves_md5(
    kind: Option<&ServerSideEncryption>,
    kms_key: Option<&str>,
    customer: Option<&str>,
) -> bool {
    matches!(kind, None | Some(ServerSideEncryption::Aes256))
        && kms_key.is_none()
        && customer.is_none()
}

impl S3Remote {
    /// Returns the id of a version that the bucket keeps; one that names what is soon gone is none.
    pub(super) fn kept_version(&self, id: Option<&str>) -> Option<String> {
        version_id(id).filter(|_| self.capabilities.versioning)
    }

    /// Reads the answer to a write; `None` where the store does not name the version.
    pub(in crate::remote::s3) fn stored(
        &self,
        etag: Option<&str>,
        version: Option<&str>,
        leaves_md5: bool,
    ) -> Option<Stored> {
        let token = etag::token(etag?);
        if token.text().is_empty() {
            return None;
        }
        let md5 = self.md5(&token, leaves_md5);
        Some(Stored { token, md5, version_id: self.kept_version(version) })
    }

    /// Returns the MD5 that an `ETag` is known to be: the probe saw that this store names by MD5, and the
    /// answer names no KMS or customer key.
    pub(super) fn md5(&self, etag: &Token, leaves_md5: bool) -> Option<Md5> {
        etag::md5(etag).filter(|_| self.capabilities.etag_is_md5 && leaves_md5)
    }
}

/// Reads how an answer names a version.
pub(in crate::remote::s3) fn named(etag: Option<&str>, call: &Call) -> Result<Token, RemoteError> {
    let etag = etag.filter(|etag| !etag.is_empty());
    etag.map(etag::token).ok_or_else(|| call.error(Kind::NoEtag, "the answer has no ETag"))
}

/// Writes properties as the metadata of an object.
pub(in crate::remote::s3) fn metadata(properties: &Properties) -> Option<HashMap<String, String>> {
    let mtime = properties.mtime()?;
    Some(HashMap::from([(MTIME_KEY.to_owned(), mtime_text(mtime))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encryption_key_takes_the_md5_away() {
        let aes = ServerSideEncryption::Aes256;
        let kms = ServerSideEncryption::AwsKms;
        assert!(leaves_md5(None, None, None));
        assert!(leaves_md5(Some(&aes), None, None));
        assert!(!leaves_md5(Some(&kms), None, None));
        assert!(!leaves_md5(None, Some("k"), None));
        assert!(!leaves_md5(None, None, Some("AES256")));
    }
}
