//! Looking at one object, and fetching it.

use std::ops::Range;

use aws_sdk_s3::config::http::HttpRequest;
use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{ChecksumMode, ChecksumType};

use super::body::S3Body;
use super::stored::{leaves_md5, named};
use crate::remote::s3::request::{
    ANSWER_TIMEOUT, Call, MTIME_KEY, answer, nanoseconds, parse_checksum, parse_mtime,
};
use crate::remote::s3::store::S3Remote;
use crate::remote::{Checksum, Conditions, Incoming, Object, RemoteError, RemoteErrorKind as Kind};
use crate::tree::{Content, Properties, RemoteEntry, RepoPath, Token, Version};

/// What `HEAD` and `GET` both answer.
struct Answered<'a> {
    etag: Option<&'a str>,
    size: u64,
    modified: i64,
    mtime: Option<&'a String>,
    crc64: Option<&'a str>,
    composite: bool,
    leaves_md5: bool,
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
            leaves_md5: leaves_md5(
                output.server_side_encryption(),
                output.ssekms_key_id(),
                output.sse_customer_algorithm(),
            ),
            version_id: output.version_id(),
        }
    }};
}

impl S3Remote {
    /// Looks at one object, its checksum included.
    pub(in crate::remote::s3) async fn head_object(
        &self,
        path: &RepoPath,
    ) -> Result<Object, RemoteError> {
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
    pub(in crate::remote::s3) async fn get_object(
        &self,
        path: &RepoPath,
        expected: &Token,
        range: Option<Range<u64>>,
    ) -> Result<(Object, Incoming), RemoteError> {
        let mut request = self.connection.client.get_object();
        // Only where quoted ETags are known to be understood; the answer is compared anyway.
        if self.capabilities.conditional_put == Conditions::Atomic {
            request = request.if_match(format!("\"{expected}\""));
        }
        let (object, body) = self.fetch(path, request, range).await?;
        if object.entry.version.token != *expected {
            let message = format!("{} is there, not {expected}", object.entry.version.token);
            return Err(self.call("GET", path.as_str()).error(Kind::Changed, message));
        }
        Ok((object, body))
    }

    /// Fetches an old version.
    pub(in crate::remote::s3) async fn get_object_version(
        &self,
        path: &RepoPath,
        version_id: &str,
    ) -> Result<(Object, Incoming), RemoteError> {
        let request = self.connection.client.get_object().version_id(version_id);
        self.fetch(path, request, None).await
    }

    /// Fetches an object, and reads the head of the answer.
    async fn fetch(
        &self,
        path: &RepoPath,
        request: GetObjectFluentBuilder,
        range: Option<Range<u64>>,
    ) -> Result<(Object, Incoming), RemoteError> {
        let call = self.call("GET", path.as_str());
        let asks_checksum = range.is_none() && self.capabilities.checksum == Checksum::Crc64nvme;
        let request = request
            .bucket(&self.bucket)
            .key(self.keys.key(path.as_str()))
            .set_range(range.as_ref().map(range_text))
            .customize()
            .mutate_request(move |request| ask_for_checksum(request, asks_checksum))
            .send();
        let output = answer(&call, ANSWER_TIMEOUT, request).await?;
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

    /// Reads what `HEAD` and `GET` answer.
    fn object(
        &self,
        path: &RepoPath,
        answered: &Answered<'_>,
        call: &Call,
    ) -> Result<Object, RemoteError> {
        let token = named(answered.etag, call)?;
        let mtime = answered.mtime.and_then(|text| parse_mtime(text));
        let is_whole = |_: &&str| !answered.composite;
        let content = Content::of_size(answered.size)
            .with_md5(self.md5(&token, answered.leaves_md5))
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

/// Writes a range as HTTP does: with its last byte.
pub(in crate::remote::s3) fn range_text(range: &Range<u64>) -> String {
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
    fn another_range_than_asked_for_is_noticed() {
        assert_eq!(total_size(Some("bytes 5-9/100"), 5), Some(100));
        assert_eq!(total_size(Some("bytes 0-9/100"), 5), None);
        assert_eq!(total_size(Some("bytes 5-9/*"), 5), None);
        assert_eq!(total_size(None, 0), None);
    }
}
