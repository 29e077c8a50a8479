//! The calls on one object: look, fetch, store.

use std::collections::HashMap;
use std::ops::Range;

use aws_sdk_s3::config::http::HttpRequest;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::operation::put_object::PutObjectOutput;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumMode, ChecksumType, ServerSideEncryption};
use aws_smithy_types::base64;
use bytes::Bytes;

use super::answers::{
    MTIME_KEY, md5_text, mtime_text, nanoseconds, parse_checksum, parse_mtime, version_id,
};
use super::body::S3Body;
use super::conditions::Headers;
use super::errors::Call;
use super::sending::sending;
use super::{ANSWER_TIMEOUT, S3Remote, answer, patience};
use crate::remote::etag;
use crate::remote::{
    Checksum, Condition, Conditions, Incoming, Object, Outgoing, RemoteError,
    RemoteErrorKind as Kind, Stored,
};
use crate::tree::{Content, Md5, Properties, RemoteEntry, RepoPath, Token, Version};

/// How an answer says that an object is encrypted.
#[derive(Debug, Default)]
pub(super) struct Encryption<'a> {
    pub(super) kind: Option<&'a ServerSideEncryption>,
    pub(super) kms_key: Option<&'a str>,
    pub(super) customer: Option<&'a str>,
}

impl Encryption<'_> {
    /// Tells whether the ETag can be an MD5 in spite of it (S3 API reference, "Object", `ETag`).
    fn leaves_md5(&self) -> bool {
        matches!(self.kind, None | Some(ServerSideEncryption::Aes256))
            && self.kms_key.is_none()
            && self.customer.is_none()
    }
}

/// What `HEAD` and `GET` both answer.
struct Answered<'a> {
    etag: Option<&'a str>,
    size: u64,
    modified: i64,
    mtime: Option<&'a String>,
    crc64: Option<&'a str>,
    composite: bool,
    encryption: Encryption<'a>,
    version_id: Option<&'a str>,
}

/// The fields that the SDK's two types have in common.
macro_rules! answered {
    ($output:expr, $size:expr) => {{
        let output = $output;
        Answered {
            etag: output.e_tag(),
            size: $size,
            modified: nanoseconds(output.last_modified()),
            mtime: output.metadata().and_then(|metadata| metadata.get(MTIME_KEY)),
            crc64: output.checksum_crc64_nvme(),
            composite: output.checksum_type() == Some(&ChecksumType::Composite),
            encryption: Encryption {
                kind: output.server_side_encryption(),
                kms_key: output.ssekms_key_id(),
                customer: output.sse_customer_algorithm(),
            },
            version_id: output.version_id(),
        }
    }};
}

impl S3Remote {
    /// Looks at one object, its checksum included.
    pub(super) async fn head_object(&self, path: &RepoPath) -> Result<Object, RemoteError> {
        let call = self.call("HEAD", path.as_str());
        let mut request = self.connection.client.head_object();
        if self.capabilities.checksum == Checksum::Crc64nvme {
            request = request.checksum_mode(ChecksumMode::Enabled);
        }
        let request = request.bucket(&self.bucket).key(self.keys.key(path.as_str())).send();
        let output: HeadObjectOutput = answer(&call, ANSWER_TIMEOUT, request).await?;
        let size = announced(output.content_length(), &call)?;
        self.object(path, &answered!(&output, size), &call)
    }

    /// Fetches the version expected, whole or in part.
    pub(super) async fn get_object(
        &self,
        path: &RepoPath,
        expected: &Token,
        range: Option<Range<u64>>,
    ) -> Result<(Object, Incoming), RemoteError> {
        let call = self.call("GET", path.as_str());
        let mut request = self.connection.client.get_object();
        // Only where quoted ETags are known to be understood; the answer is compared anyway.
        if self.capabilities.conditional_put == Conditions::Atomic {
            request = request.if_match(format!("\"{expected}\""));
        }
        if let Some(range) = &range {
            request = request.range(range_text(range));
        }
        let ask_checksum = range.is_none() && self.capabilities.checksum == Checksum::Crc64nvme;
        let request = request
            .bucket(&self.bucket)
            .key(self.keys.key(path.as_str()))
            .customize()
            .mutate_request(move |request| ask_for_checksum(request, ask_checksum))
            .send();
        let output = answer(&call, ANSWER_TIMEOUT, request).await?;
        let (object, body) = self.opened(path, output, range, call)?;
        if object.entry.version.token != *expected {
            let message = format!("{} is there, not {expected}", object.entry.version.token);
            return Err(self.call("GET", path.as_str()).error(Kind::Changed, message));
        }
        Ok((object, body))
    }

    /// Fetches an old version.
    pub(super) async fn get_object_version(
        &self,
        path: &RepoPath,
        version_id: &str,
    ) -> Result<(Object, Incoming), RemoteError> {
        let call = self.call("GET", path.as_str());
        let ask_checksum = self.capabilities.checksum == Checksum::Crc64nvme;
        let request = self
            .connection
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(self.keys.key(path.as_str()))
            .version_id(version_id)
            .customize()
            .mutate_request(move |request| ask_for_checksum(request, ask_checksum))
            .send();
        let output = answer(&call, ANSWER_TIMEOUT, request).await?;
        self.opened(path, output, None, call)
    }

    /// Reads the head of a `GET`'s answer.
    fn opened(
        &self,
        path: &RepoPath,
        output: GetObjectOutput,
        range: Option<Range<u64>>,
        call: Call,
    ) -> Result<(Object, Incoming), RemoteError> {
        let length = announced(output.content_length(), &call)?;
        let size = match range {
            None => length,
            Some(range) => total_size(output.content_range(), range.start).ok_or_else(|| {
                call.error(Kind::Unsupported, "the store answers with another range than asked for")
            })?,
        };
        let object = self.object(path, &answered!(&output, size), &call)?;
        let body = S3Body { stream: output.body, remaining_bytes: length, call };
        Ok((object, body.into_stream()))
    }

    /// Stores a body under a condition.
    ///
    /// One that comes in pieces goes out while it is read: a signature of it needs every byte before the
    /// first one is sent, so that its MD5 is signed instead.
    pub(super) async fn put_object(
        &self,
        path: &RepoPath,
        body: Outgoing,
        properties: &Properties,
        condition: &Condition,
    ) -> Result<Stored, RemoteError> {
        self.put_if(path, condition, async |call, headers| {
            let request = self.put_request(path, (properties, body.crc64()), headers);
            if let Some(bytes) = body.at_hand() {
                return self.send_object(call, bytes, request).await;
            }
            let md5 = body.md5().map(base64::encode);
            let (body, watch) = sending(body);
            let request = request.set_content_md5(md5).body(body).customize();
            let request = request.disable_payload_signing();
            Ok(self.answered_put(&watch.answer(call, request.send()).await?))
        })
        .await
    }

    /// Lets `send` store something, and looks before and after where the condition asks for it.
    async fn put_if(
        &self,
        path: &RepoPath,
        condition: &Condition,
        send: impl AsyncFnOnce(&Call, Headers) -> Result<Option<Stored>, RemoteError>,
    ) -> Result<Stored, RemoteError> {
        let honoured = self.trusted(self.capabilities.conditional_put);
        let headers = Headers::of(condition, honoured);
        let call = self.write_call("PUT", path, headers.if_match.is_some());
        self.look_before(&call, path, condition, honoured).await?;
        let stored = send(&call, headers).await?;
        let stored = self.look_after(&call, path, stored, honoured).await?;
        self.look_behind(&call, path, (condition, honoured), stored).await
    }

    /// Compares before a write where the store does not.
    pub(super) async fn look_before(
        &self,
        call: &Call,
        path: &RepoPath,
        condition: &Condition,
        honoured: Conditions,
    ) -> Result<(), RemoteError> {
        if honoured != Conditions::None {
            return Ok(());
        }
        let there = match self.head_object(path).await {
            Ok(object) => Some(object.entry.version.token),
            Err(error) if error.kind == Kind::NotFound => None,
            Err(error) => return Err(error),
        };
        match (condition, there) {
            (Condition::Absent, None) => Ok(()),
            (Condition::Matches(expected), Some(there)) if there == *expected => Ok(()),
            (Condition::Matches(expected), None) => {
                Err(call.error(Kind::Changed, format!("nothing is there, not {expected}")))
            }
            (_, Some(there)) => Err(call.error(Kind::Changed, format!("{there} is there"))),
        }
    }

    /// Makes sure that what was written is what is there, where the store allows that it is not.
    ///
    /// An answer that does not name the version may come from something that is not the store: the
    /// write is ambiguous.
    pub(super) async fn look_after(
        &self,
        call: &Call,
        path: &RepoPath,
        stored: Option<Stored>,
        honoured: Conditions,
    ) -> Result<Stored, RemoteError> {
        let Some(stored) = stored else {
            return Err(call.error(Kind::NoEtag, "the answer does not name the version stored"));
        };
        if honoured != Conditions::None {
            return Ok(stored);
        }
        // The write has happened, whatever becomes of the look.
        let there = self.head_object(path).await.map_err(|error| match error.kind {
            Kind::NotFound => call.error(Kind::Changed, "deleted right after the write"),
            _ => RemoteError { ambiguous: true, ..error },
        })?;
        let etag = there.entry.version.token;
        if stored.token != etag {
            let message = format!("{} was overwritten by {etag} at once", stored.token);
            return Err(call.error(Kind::Changed, message));
        }
        Ok(stored)
    }

    /// Stores a body at a key that nobody else can know, so that there is nothing to look at.
    pub(super) async fn put_unseen(
        &self,
        path: &RepoPath,
        body: &Bytes,
        properties: &Properties,
    ) -> Result<Stored, RemoteError> {
        let call = self.write_call("PUT", path, false);
        let crc64 = Outgoing::whole(body.clone()).crc64();
        let request = self.put_request(path, (properties, crc64), Headers::default());
        let stored = self.send_object(&call, body, request).await?;
        stored
            .ok_or_else(|| call.error(Kind::NoEtag, "the answer does not name the version stored"))
    }

    /// Sends a body that is at hand; `None` where the answer does not name the version.
    async fn send_object(
        &self,
        call: &Call,
        body: &Bytes,
        request: PutObjectFluentBuilder,
    ) -> Result<Option<Stored>, RemoteError> {
        let patience = patience(body.len() as u64);
        let request = request
            .set_content_md5(self.content_md5(body))
            .body(ByteStream::from(body.clone()))
            .customize();
        let output = if self.connection.may_leave_bodies_unsigned() {
            answer(call, patience, request.disable_payload_signing().send()).await?
        } else {
            answer(call, patience, request.send()).await?
        };
        Ok(self.answered_put(&output))
    }

    /// Begins a request that stores an object.
    fn put_request(
        &self,
        path: &RepoPath,
        (properties, crc64): (&Properties, u64),
        headers: Headers,
    ) -> PutObjectFluentBuilder {
        self.connection
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(self.keys.key(path.as_str()))
            .set_metadata(metadata(properties))
            .set_checksum_crc64_nvme(self.checksum(crc64))
            .set_if_none_match(headers.if_none_match)
            .set_if_match(headers.if_match)
    }

    /// Reads the answer to a `PUT`; `None` where it does not name the version.
    fn answered_put(&self, output: &PutObjectOutput) -> Option<Stored> {
        let encryption = Encryption {
            kind: output.server_side_encryption(),
            kms_key: output.ssekms_key_id(),
            customer: output.sse_customer_algorithm(),
        };
        self.stored(output.e_tag(), output.version_id(), &encryption)
    }

    /// Returns the MD5 of a body where the store takes no other checksum: a bucket with Object Lock
    /// refuses a `PUT` that has none, and a part, too (S3 API reference, `PutObject`, `Content-MD5`;
    /// "… header is required for Put Part requests with Object Lock parameters").
    pub(super) fn content_md5(&self, body: &Bytes) -> Option<String> {
        (self.capabilities.checksum == Checksum::None).then(|| md5_text(body))
    }

    /// Returns the id of a version that the bucket keeps; one that names what is soon gone is none.
    fn kept_version(&self, id: Option<&str>) -> Option<String> {
        version_id(id).filter(|_| self.capabilities.versioning)
    }

    /// Reads the answer to a write; `None` where the store does not name the version.
    pub(super) fn stored(
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
    fn md5(&self, etag: &Token, encryption: &Encryption<'_>) -> Option<Md5> {
        etag::md5(etag).filter(|_| self.capabilities.etag_is_md5 && encryption.leaves_md5())
    }

    /// Reads what `HEAD` and `GET` answer.
    fn object(
        &self,
        path: &RepoPath,
        answered: &Answered<'_>,
        call: &Call,
    ) -> Result<Object, RemoteError> {
        let token = answered.etag.filter(|etag| !etag.is_empty()).map(etag::token);
        let token = token.ok_or_else(|| call.error(Kind::NoEtag, "the answer has no ETag"))?;
        let mtime = answered.mtime.and_then(|text| parse_mtime(text));
        let is_whole = |_: &&str| !answered.composite;
        let content = Content::of_size(answered.size)
            .with_md5(self.md5(&token, &answered.encryption))
            .with_crc64(answered.crc64.filter(is_whole).and_then(parse_checksum));
        Ok(Object {
            content,
            entry: RemoteEntry {
                path: path.clone(),
                version: Version { token, size: answered.size },
                modified: answered.modified,
            },
            properties: Properties::default().with_mtime(mtime),
            version_id: self.kept_version(answered.version_id),
        })
    }
}

/// Writes properties as the metadata of an object.
pub(super) fn metadata(properties: &Properties) -> Option<HashMap<String, String>> {
    let mtime = properties.mtime()?;
    Some(HashMap::from([(MTIME_KEY.to_owned(), mtime_text(mtime))]))
}

/// Writes a range as HTTP does: with its last byte.
pub(super) fn range_text(range: &Range<u64>) -> String {
    format!("bytes={}-{}", range.start, range.end.saturating_sub(1))
}

/// Asks for the checksum without the SDK's knowledge, which would compute it a second time.
fn ask_for_checksum(request: &mut HttpRequest, ask: bool) {
    if ask {
        request.headers_mut().insert("x-amz-checksum-mode", "ENABLED");
    }
}

/// Returns the length that an answer announces.
fn announced(length: Option<i64>, call: &Call) -> Result<u64, RemoteError> {
    length
        .and_then(|length| u64::try_from(length).ok())
        .ok_or_else(|| call.error(Kind::Failed, "the answer has no Content-Length"))
}

/// Reads `bytes START-END/TOTAL`; `None` where it is another range, or none.
fn total_size(content_range: Option<&str>, start: u64) -> Option<u64> {
    let (range, total) = content_range?.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    (first.parse() == Ok(start)).then(|| total.parse().ok()).flatten()
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

    #[test]
    fn another_range_than_asked_for_is_noticed() {
        assert_eq!(total_size(Some("bytes 5-9/100"), 5), Some(100));
        assert_eq!(total_size(Some("bytes 0-9/100"), 5), None);
        assert_eq!(total_size(Some("bytes 5-9/*"), 5), None);
        assert_eq!(total_size(None, 0), None);
    }
}
