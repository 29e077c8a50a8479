//! Uploads in parts.
//!
//! The checksum is of the whole object on every call, or there is none at all: mixtures fail on
//! Garage at the end (`InvalidDigest`, measured) and failed on AWS.

use std::time::Duration;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::listing::text_below_root;
use super::objects::{leaves_md5, metadata, named, range_text};
use super::request::{
    ANSWER_TIMEOUT, Call, answer, nanoseconds, parse_checksum, patience, sending, spelt,
};
use super::store::S3Remote;
use crate::remote::etag;
use crate::remote::{
    Checksum, Condition, CopiedPart, HeldPart, Outgoing, Part, PartSource, PendingUpload,
    RemoteErrorKind as Kind, RemoteFuture, Stored, UploadId, Uploads,
};
use crate::tree::{Properties, RepoPath, Token};

/// How long a store may take to put parts together ("several minutes", S3 API reference,
/// `CompleteMultipartUpload`).
const COMPLETE_TIMEOUT: Duration = Duration::from_mins(10);

/// More pages than any honest listing of parts or uploads has (10,000 parts, 1,000 a page).
const PAGES_MAX: usize = 1_000;

/// What stays as it is in `x-amz-copy-source`, which "must be URL-encoded" (S3 API reference,
/// `UploadPartCopy`) and which the SDK sends as it is given.
const COPY_SOURCE: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

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
        Box::pin(async move {
            let call = self.write_call("CREATE UPLOAD", path, false);
            let mut request = self.connection.client.create_multipart_upload();
            if self.capabilities.checksum == Checksum::Crc64nvme {
                request = request
                    .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
                    .checksum_type(ChecksumType::FullObject);
            }
            let request = request
                .bucket(&self.bucket)
                .key(self.keys.key(path.as_str()))
                .set_metadata(metadata(properties))
                .send();
            let mut found = None;
            let request = async {
                request
                    .await
                    .inspect_err(|error| found = error.raw_response().and_then(upload_named))
            };
            let answered = answer(&call, ANSWER_TIMEOUT, request).await;
            let id = match found {
                Some(id) => Some(id),
                None => answered?.upload_id.filter(|id| !id.is_empty()),
            };
            id.map(UploadId)
                .ok_or_else(|| call.error(Kind::Unsupported, "the answer names no upload"))
        })
    }

    fn upload_part<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
        number: u32,
        body: Outgoing,
    ) -> RemoteFuture<'a, Part> {
        Box::pin(async move {
            let call = self.write_call("UPLOAD PART", path, false);
            let crc64 = body.crc64();
            let request = self
                .connection
                .client
                .upload_part()
                .bucket(&self.bucket)
                .key(self.keys.key(path.as_str()))
                .upload_id(&upload.0)
                .part_number(part_number(number))
                .set_checksum_crc64_nvme(self.checksum(crc64));
            let output = if self.sends_pieces() {
                let (body, watch) = sending(body);
                let request = request.body(body).customize().disable_payload_signing();
                watch.answer(&call, request.send()).await?
            } else {
                let body = body.collect().await;
                let body =
                    body.map_err(|error| call.error(Kind::Interrupted, error.to_string()))?;
                let patience = patience(body.len() as u64);
                let request = request.set_content_md5(self.content_md5(&body));
                let request = request.body(ByteStream::from(body)).customize();
                let is_signed = !self.connection.may_leave_bodies_unsigned();
                let request = if is_signed { request } else { request.disable_payload_signing() };
                answer(&call, patience, request.send()).await?
            };
            Ok(Part { number, token: named(output.e_tag(), &call)?, crc64 })
        })
    }

    fn copy_part<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
        number: u32,
        source: PartSource<'a>,
    ) -> RemoteFuture<'a, CopiedPart> {
        // The version is always named: stores that know no other condition know this one (Garage).
        Box::pin(async move {
            let call = self.write_call("COPY PART", path, true);
            let from = format!("{}/{}", self.bucket, self.keys.key(source.path.as_str()));
            let expected = spelt(source.token, self.capabilities.conditional_put);
            let request = self
                .connection
                .client
                .upload_part_copy()
                .bucket(&self.bucket)
                .key(self.keys.key(path.as_str()))
                .upload_id(&upload.0)
                .part_number(part_number(number))
                .copy_source(utf8_percent_encode(&from, COPY_SOURCE).to_string())
                .set_copy_source_range(source.range.as_ref().map(range_text))
                .copy_source_if_match(expected)
                .customize()
                // Ceph RGW 16 answers 411 without it (measured).
                .mutate_request(|request| drop(request.headers_mut().insert("content-length", "0")))
                .send();
            let output = answer(&call, COMPLETE_TIMEOUT, request).await?;
            let result = output.copy_part_result();
            let token = named(result.and_then(|it| it.e_tag()), &call)?;
            let md5 = etag::md5(&token).filter(|_| self.capabilities.etag_is_md5);
            let crc64 = result.and_then(|it| it.checksum_crc64_nvme()).and_then(parse_checksum);
            Ok(CopiedPart { token, crc64, md5 })
        })
    }

    fn complete_upload<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
        parts: &'a [Part],
        crc64: u64,
        condition: &'a Condition,
    ) -> RemoteFuture<'a, Stored> {
        Box::pin(async move {
            let claimed = self.capabilities.conditional_complete;
            let (write, headers) =
                self.begin_write("COMPLETE UPLOAD", path, condition, claimed).await?;
            let mut request = self.connection.client.complete_multipart_upload();
            if let Some(checksum) = self.checksum(crc64) {
                request =
                    request.checksum_crc64_nvme(checksum).checksum_type(ChecksumType::FullObject);
            }
            let request = request
                .bucket(&self.bucket)
                .key(self.keys.key(path.as_str()))
                .upload_id(&upload.0)
                .multipart_upload(self.completed(parts))
                .set_if_none_match(headers.if_none_match)
                .set_if_match(headers.if_match)
                .send();
            let output = answer(&write.call, COMPLETE_TIMEOUT, request).await?;
            let leaves_md5 =
                leaves_md5(output.server_side_encryption(), output.ssekms_key_id(), None);
            let named = self.stored(output.e_tag(), output.version_id(), leaves_md5);
            if named.is_some() {
                return self.look_after(&write, named, true).await;
            }
            // Ceph RGW 16 answers an empty ETag (measured): what it must be is looked for.
            let computed = etag::of_parts(in_order(parts).iter().map(|part| &part.token));
            let computed = computed.filter(|_| self.capabilities.etag_is_md5);
            let computed = computed.as_ref().map(Token::text);
            let stored = self.stored(computed.as_deref(), output.version_id(), leaves_md5);
            self.look_after(&write, stored, false).await
        })
    }

    fn parts<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
    ) -> RemoteFuture<'a, Vec<HeldPart>> {
        Box::pin(async move {
            // moto 5 answers with the root element of another call (measured): parts that nobody can list
            // are as good as none.
            let call =
                Call { unreadable: Kind::Unsupported, ..self.call("LIST PARTS", path.as_str()) };
            let (mut held, mut marker) = (Vec::new(), None);
            for _ in 0..PAGES_MAX {
                let request = self
                    .connection
                    .client
                    .list_parts()
                    .bucket(&self.bucket)
                    .key(self.keys.key(path.as_str()))
                    .upload_id(&upload.0)
                    .set_part_number_marker(marker)
                    .send();
                let page = answer(&call, ANSWER_TIMEOUT, request).await?;
                held.extend(page.parts().iter().filter_map(|part| {
                    Some(HeldPart {
                        number: u32::try_from(part.part_number()?).ok()?,
                        token: etag::token(part.e_tag()?),
                        size: u64::try_from(part.size()?).ok()?,
                    })
                }));
                if page.is_truncated() != Some(true) {
                    return Ok(held);
                }
                marker = page.next_part_number_marker().map(str::to_owned);
                if marker.is_none() {
                    break;
                }
            }
            Err(call.error(Kind::Lying, "the list of parts has no end"))
        })
    }

    fn pending_uploads(&self) -> RemoteFuture<'_, Vec<PendingUpload>> {
        Box::pin(async move {
            let call = self.call("LIST UPLOADS", "");
            let (mut pending, mut key_marker, mut id_marker) = (Vec::new(), None, None);
            for _ in 0..PAGES_MAX {
                let request = self
                    .connection
                    .client
                    .list_multipart_uploads()
                    .bucket(&self.bucket)
                    .set_prefix(Some(self.keys.key("")).filter(|prefix| !prefix.is_empty()))
                    .set_key_marker(key_marker)
                    .set_upload_id_marker(id_marker)
                    .send();
                let page = answer(&call, ANSWER_TIMEOUT, request).await?;
                pending.extend(page.uploads().iter().filter_map(|upload| {
                    Some(PendingUpload {
                        key: self.keys.relative(upload.key()?)?.to_owned(),
                        upload: UploadId(upload.upload_id()?.to_owned()),
                        begun: nanoseconds(upload.initiated()),
                    })
                }));
                if page.is_truncated() != Some(true) {
                    return Ok(pending);
                }
                key_marker = page.next_key_marker().map(str::to_owned);
                id_marker = page.next_upload_id_marker().map(str::to_owned);
                if key_marker.is_none() {
                    break;
                }
            }
            Err(call.error(Kind::Lying, "the list of uploads has no end"))
        })
    }

    fn abort_upload<'a>(
        &'a self,
        path: &'a RepoPath,
        upload: &'a UploadId,
    ) -> RemoteFuture<'a, ()> {
        Box::pin(async move {
            let call = self.write_call("ABORT UPLOAD", path, false);
            let request = self
                .connection
                .client
                .abort_multipart_upload()
                .bucket(&self.bucket)
                .key(self.keys.key(path.as_str()))
                .upload_id(&upload.0)
                .send();
            match answer(&call, ANSWER_TIMEOUT, request).await {
                Err(error) if error.kind != Kind::NotFound => Err(error),
                _ => Ok(()),
            }
        })
    }
}

impl S3Remote {
    /// Tells whether a part goes out while it is read. A signature needs every byte before the first
    /// one is sent, and so does an MD5, which a part has where the store takes no other checksum.
    fn sends_pieces(&self) -> bool {
        self.connection.may_leave_bodies_unsigned()
            && self.capabilities.checksum == Checksum::Crc64nvme
    }

    /// Lists the parts in their order.
    fn completed(&self, parts: &[Part]) -> CompletedMultipartUpload {
        let parts = in_order(parts)
            .into_iter()
            .map(|part| {
                CompletedPart::builder()
                    .part_number(part_number(part.number))
                    .e_tag(format!("\"{}\"", part.token))
                    .set_checksum_crc64_nvme(self.checksum(part.crc64))
                    .build()
            })
            .collect();
        CompletedMultipartUpload::builder().set_parts(Some(parts)).build()
    }
}

/// Finds the upload that an answer names which the SDK cannot read: it wants
/// `InitiateMultipartUploadResult` around it, and gofakes3 (`rclone serve s3`) writes
/// `InitiateMultipartUpload`.
fn upload_named(answer: &HttpResponse) -> Option<String> {
    let body = answer.body().bytes().filter(|_| answer.status().is_success())?;
    text_below_root(body, "UploadId")
}

/// Sorts parts by their number.
fn in_order(parts: &[Part]) -> Vec<&Part> {
    let mut parts: Vec<&Part> = parts.iter().collect();
    parts.sort_unstable_by_key(|part| part.number);
    parts
}

/// Returns a part's number as the SDK has it; at most 10,000 (S3 user guide, "Multipart upload
/// limits"), so that a larger one is the store's to refuse.
fn part_number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
