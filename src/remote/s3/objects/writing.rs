//! Storing one object.

use aws_sdk_s3::operation::put_object::PutObjectOutput;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_types::base64;
use bytes::Bytes;

use super::stored::{leaves_md5, metadata};
use crate::remote::s3::looks::unnamed;
use crate::remote::s3::request::{Call, Headers, answer, md5_text, patience, sending};
use crate::remote::s3::store::S3Remote;
use crate::remote::{Checksum, Condition, Outgoing, RemoteError, Stored};
use crate::tree::{Properties, RepoPath};

impl S3Remote {
    /// Stores a body under a condition.
    ///
    /// One that comes in pieces goes out while it is read: a signature of it needs every byte before the
    /// first one is sent, so that its MD5 is signed instead.
    pub(in crate::remote::s3) async fn put_object(
        &self,
        path: &RepoPath,
        body: Outgoing,
        properties: &Properties,
        condition: &Condition,
    ) -> Result<Stored, RemoteError> {
        let claimed = self.capabilities.conditional_put;
        let (write, headers) = self.begin_write("PUT", path, condition, claimed).await?;
        let request = self.put_request(path, properties, body.crc64(), headers);
        let stored = if let Some(bytes) = body.at_hand() {
            self.send_object(&write.call, bytes, request).await?
        } else {
            let md5 = body.md5().map(base64::encode);
            let (body, watch) = sending(body);
            let request = request.set_content_md5(md5).body(body).customize();
            let request = request.disable_payload_signing();
            self.answered_put(&watch.answer(&write.call, request.send()).await?)
        };
        self.look_after(&write, stored, true).await
    }

    /// Stores a body at a key that nobody else can know, so that there is nothing to look at.
    pub(in crate::remote::s3) async fn put_unseen(
        &self,
        path: &RepoPath,
        body: &Bytes,
        properties: &Properties,
    ) -> Result<Stored, RemoteError> {
        let call = self.write_call("PUT", path, false);
        let crc64 = Outgoing::whole(body.clone()).crc64();
        let request = self.put_request(path, properties, crc64, Headers::default());
        let stored = self.send_object(&call, body, request).await?;
        stored.ok_or_else(|| unnamed(&call))
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
        let is_signed = !self.connection.may_leave_bodies_unsigned();
        let request = if is_signed { request } else { request.disable_payload_signing() };
        Ok(self.answered_put(&answer(call, patience, request.send()).await?))
    }

    /// Begins a request that stores an object.
    fn put_request(
        &self,
        path: &RepoPath,
        properties: &Properties,
        crc64: u64,
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
        let leaves_md5 = leaves_md5(
            output.server_side_encryption(),
            output.ssekms_key_id(),
            output.sse_customer_algorithm(),
        );
        self.stored(output.e_tag(), output.version_id(), leaves_md5)
    }

    /// Returns the MD5 of a body where the store takes no other checksum: a bucket with Object Lock
    /// refuses a `PUT` that has none, and a part, too (S3 API reference, `PutObject`, `Content-MD5`;
    /// "… header is required for Put Part requests with Object Lock parameters").
    pub(in crate::remote::s3) fn content_md5(&self, body: &Bytes) -> Option<String> {
        (self.capabilities.checksum == Checksum::None).then(|| md5_text(body))
    }
}
