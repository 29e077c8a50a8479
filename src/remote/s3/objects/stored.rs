//! What is kept of an object's name and of what travels beside its bytes.

use std::collections::HashMap;

use aws_sdk_s3::types::ServerSideEncryption;

use crate::remote::s3::request::{Call, MTIME_KEY, mtime_text, version_id};
use crate::remote::s3::store::S3Remote;
use crate::remote::{RemoteError, RemoteErrorKind as Kind, Stored, etag};
use crate::tree::{Md5, Properties, Token};

/// How an answer says that an object is encrypted.
#[derive(Debug, Default)]
pub(in crate::remote::s3) struct Encryption<'a> {
    pub(in crate::remote::s3) kind: Option<&'a ServerSideEncryption>,
    pub(in crate::remote::s3) kms_key: Option<&'a str>,
    pub(in crate::remote::s3) customer: Option<&'a str>,
}

impl Encryption<'_> {
    /// Tells whether the ETag can be an MD5 in spite of it (S3 API reference, "Object", `ETag`).
    fn leaves_md5(&self) -> bool {
        matches!(self.kind, None | Some(ServerSideEncryption::Aes256))
            && self.kms_key.is_none()
            && self.customer.is_none()
    }
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
        encryption: &Encryption<'_>,
    ) -> Option<Stored> {
        let token = etag::token(etag?);
        if token.text().is_empty() {
            return None;
        }
        let md5 = self.md5(&token, encryption);
        Some(Stored { token, md5, version_id: self.kept_version(version) })
    }

    /// Returns the MD5 that an `ETag` is known to be: the probe saw that this store names by MD5, and the
    /// answer names no KMS or customer key.
    pub(super) fn md5(&self, etag: &Token, encryption: &Encryption<'_>) -> Option<Md5> {
        etag::md5(etag).filter(|_| self.capabilities.etag_is_md5 && encryption.leaves_md5())
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
        assert!(Encryption::default().leaves_md5());
        assert!(Encryption { kind: Some(&aes), ..Encryption::default() }.leaves_md5());
        assert!(!Encryption { kind: Some(&kms), ..Encryption::default() }.leaves_md5());
        assert!(!Encryption { kms_key: Some("k"), ..Encryption::default() }.leaves_md5());
        assert!(!Encryption { customer: Some("AES256"), ..Encryption::default() }.leaves_md5());
    }
}
