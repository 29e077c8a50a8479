//! Uploads in parts.

use bytes::BytesMut;
use s3s::dto as d;
use s3s::{S3Error, S3Request, S3Result, s3_error};

use super::backend::Backend;
use super::checksums;
use super::objects::{collect, with_trailers};
use super::profiles::Checking;
use super::store::{Precondition, Store, StoredVersion, Upload, UploadedPart, now};

/// The most parts of an upload.
const PARTS_MAX: i32 = 10_000;

/// Returns 404.
fn no_such_upload() -> S3Error {
    s3_error!(
        NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may \
         have been aborted or completed."
    )
}

/// Returns the upload, if it goes to this place.
fn upload<'a>(
    store: &'a mut Store,
    id: &str,
    (bucket, key): (&str, &str),
) -> S3Result<&'a mut Upload> {
    store.bucket(bucket)?;
    store
        .uploads
        .get_mut(id)
        .filter(|upload| upload.bucket == bucket && upload.key == key)
        .ok_or_else(no_such_upload)
}

#[allow(clippy::unused_async, reason = "all operations have one form")]
impl Backend {
    pub(super) async fn begin(
        &self,
        request: S3Request<d::CreateMultipartUploadInput>,
    ) -> S3Result<d::CreateMultipartUploadOutput> {
        let input = request.input;
        let mut store = self.lock();
        store.bucket(&input.bucket)?;
        let id = store.fresh_id();
        let full_object =
            input.checksum_type.as_ref().is_some_and(|kind| kind.as_str() == "FULL_OBJECT");
        let upload = Upload {
            bucket: input.bucket.clone(),
            key: input.key.clone(),
            metadata: input.metadata.into_iter().flatten().collect(),
            content_type: input.content_type,
            full_object,
            parts: std::collections::BTreeMap::new(),
            initiated: now(),
        };
        store.uploads.insert(id.clone(), upload);
        drop(store);
        Ok(d::CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            checksum_algorithm: input.checksum_algorithm,
            checksum_type: input.checksum_type,
            server_side_encryption: Some(self.encryption()),
            ssekms_key_id: self.kms_key(),
            ..Default::default()
        })
    }

    pub(super) async fn part(
        &self,
        request: S3Request<d::UploadPartInput>,
    ) -> S3Result<d::UploadPartOutput> {
        let S3Request { input, trailing_headers, .. } = request;
        if !(1..=PARTS_MAX).contains(&input.part_number) {
            return Err(s3_error!(InvalidArgument, "Part number must be from 1 to 10000"));
        }
        let promised = d::Checksum {
            checksum_crc32: input.checksum_crc32,
            checksum_crc32c: input.checksum_crc32c,
            checksum_crc64nvme: input.checksum_crc64nvme,
            checksum_sha1: input.checksum_sha1,
            checksum_sha256: input.checksum_sha256,
            checksum_type: None,
        };
        let body = collect(input.body).await?;
        let promised = with_trailers(promised, trailing_headers);
        checksums::verify_md5(input.content_md5.as_deref(), &body)?;
        if self.quirks.locks_objects {
            checksums::require(&promised, input.content_md5.as_deref(), "Put Part")?;
        }
        let checksum = self.checked(&promised, &body)?;
        let etag = checksums::md5_hex(&body);
        let mut store = self.lock();
        let upload = upload(&mut store, &input.upload_id, (&input.bucket, &input.key))?;
        let part = UploadedPart { etag: etag.clone(), body, checksum: checksum.clone() };
        upload.parts.insert(input.part_number, part);
        Ok(d::UploadPartOutput {
            e_tag: Some(d::ETag::Strong(etag)),
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            server_side_encryption: Some(self.encryption()),
            ..Default::default()
        })
    }

    pub(super) async fn part_of_another(
        &self,
        request: S3Request<d::UploadPartCopyInput>,
    ) -> S3Result<d::UploadPartCopyOutput> {
        let input = request.input;
        if !self.quirks.copies_parts {
            return Err(s3_error!(NotImplemented));
        }
        let source = (&input.copy_source, input.copy_source_if_match.as_ref());
        let body = self.copied(source)?.version.body.unwrap_or_default();
        let whole = format!("bytes=0-{}", body.len() - 1);
        let range = input.copy_source_range.as_deref().unwrap_or(&whole);
        let range = range.strip_prefix("bytes=").and_then(|range| range.split_once('-'));
        let range = range.and_then(|(first, last)| {
            let [first, last]: [usize; 2] = [first.parse().ok()?, last.parse().ok()?];
            (first <= last && last < body.len()).then_some(first..=last)
        });
        let range = range.ok_or_else(|| s3_error!(InvalidArgument, "The range is not valid"))?;
        let body = body.slice(range);
        let etag = checksums::md5_hex(&body);
        let checksum = self.checked(&d::Checksum::default(), &body)?;
        let part = UploadedPart { etag: etag.clone(), body, checksum: checksum.clone() };
        let mut store = self.lock();
        let upload = upload(&mut store, &input.upload_id, (&input.bucket, &input.key))?;
        upload.parts.insert(input.part_number, part);
        let result = d::CopyPartResult {
            checksum_crc64nvme: checksum.checksum_crc64nvme.filter(|_| upload.full_object),
            e_tag: Some(d::ETag::Strong(etag)),
            last_modified: Some(now().into()),
            ..Default::default()
        };
        Ok(d::UploadPartCopyOutput { copy_part_result: Some(result), ..Default::default() })
    }

    pub(super) async fn complete(
        &self,
        request: S3Request<d::CompleteMultipartUploadInput>,
    ) -> S3Result<d::CompleteMultipartUploadOutput> {
        let S3Request { input, headers, .. } = request;
        let condition = match Self::precondition(&headers, self.quirks.complete)? {
            Precondition::Matches(_) if self.quirks.keeps_parts => Precondition::Never,
            condition => condition,
        };
        let place = (input.bucket.as_str(), input.key.as_str());
        let named = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let found = upload(&mut self.lock(), &input.upload_id, place).map(|upload| upload.clone());
        if found.is_err() && self.quirks.completes_again {
            return if self.holds(place, &named)? {
                Ok(d::CompleteMultipartUploadOutput::default())
            } else {
                Err(s3_error!(InternalError))
            };
        }
        let upload = found?;
        let (body, md5s) = self.assemble(&upload, &named)?;
        let promised = d::Checksum {
            checksum_crc32: input.checksum_crc32,
            checksum_crc32c: input.checksum_crc32c,
            checksum_crc64nvme: input.checksum_crc64nvme,
            ..Default::default()
        };
        let checksum = self.checked(&promised, &body)?;
        if input.mpu_object_size.is_some_and(|size| usize::try_from(size) != Ok(body.len())) {
            return Err(s3_error!(InvalidRequest, "The object size does not match"));
        }
        let etag = self.etag(format!("{}-{}", checksums::md5_hex(&md5s), named.len()));
        let version = StoredVersion {
            id: String::new(),
            body: Some(body),
            etag: etag.clone(),
            metadata: upload.metadata,
            content_type: upload.content_type,
            checksum: checksum.clone(),
            modified: now(),
            kms: self.quirks.random_etags,
        };
        let version_id = self.commit(place, version, condition, self.quirks.complete).await?;
        self.lock().uploads.remove(&input.upload_id);
        Ok(d::CompleteMultipartUploadOutput {
            location: Some(format!("/{}/{}", input.bucket, input.key)),
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(d::ETag::Strong(if self.quirks.complete_names_etag {
                etag
            } else {
                String::new()
            })),
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_type: checksum.checksum_type,
            server_side_encryption: Some(self.encryption()),
            ssekms_key_id: self.kms_key(),
            version_id,
            ..Default::default()
        })
    }

    /// Tells whether a key holds what these parts make.
    fn holds(&self, (bucket, key): (&str, &str), named: &[d::CompletedPart]) -> S3Result<bool> {
        let etags = named.iter().filter_map(|part| part.e_tag.as_ref());
        let md5s: Vec<u8> = etags.flat_map(|etag| checksums::unhex(etag.value())).collect();
        let etag = format!("{}-{}", checksums::md5_hex(&md5s), named.len());
        Ok(self.lock().current(bucket, key)?.is_some_and(|version| version.etag == etag))
    }

    /// Puts the parts together that a Complete names; returns the bytes and the MD5s one by one.
    fn assemble(
        &self,
        upload: &Upload,
        named: &[d::CompletedPart],
    ) -> S3Result<(bytes::Bytes, Vec<u8>)> {
        if named.is_empty() {
            return Err(s3_error!(MalformedXML, "You must specify at least one part"));
        }
        let bytes = upload.parts.values().map(|part| part.body.len()).sum();
        let (mut body, mut md5s, mut last) = (BytesMut::with_capacity(bytes), Vec::new(), 0);
        for (index, completed) in named.iter().enumerate() {
            let number = completed.part_number.unwrap_or(0);
            if number <= last {
                return Err(s3_error!(InvalidPartOrder, "The parts are not in ascending order."));
            }
            last = number;
            let part = upload.parts.get(&number);
            let etag = completed.e_tag.as_ref().map(d::ETag::value);
            let part = part.filter(|part| etag == Some(part.etag.as_str()));
            let sum = completed.checksum_crc64nvme.as_ref();
            let part = part.filter(|part| {
                self.quirks.checksums != Checking::Verified
                    || sum.is_none()
                    || part.checksum.checksum_crc64nvme.as_ref() == sum
            });
            let part = part.ok_or_else(|| {
                s3_error!(InvalidPart, "One or more of the specified parts could not be found.")
            })?;
            let is_last = index + 1 == named.len();
            if !is_last && part.body.len() < self.quirks.part_minimum_bytes {
                return Err(s3_error!(
                    EntityTooSmall,
                    "Your proposed upload is smaller than the minimum allowed size"
                ));
            }
            body.extend_from_slice(&part.body);
            md5s.extend(checksums::unhex(&part.etag));
        }
        Ok((body.freeze(), md5s))
    }

    pub(super) async fn abort(
        &self,
        request: S3Request<d::AbortMultipartUploadInput>,
    ) -> S3Result<d::AbortMultipartUploadOutput> {
        let input = request.input;
        let mut store = self.lock();
        upload(&mut store, &input.upload_id, (&input.bucket, &input.key))?;
        store.uploads.remove(&input.upload_id);
        Ok(d::AbortMultipartUploadOutput::default())
    }

    pub(super) async fn every_part(
        &self,
        request: S3Request<d::ListPartsInput>,
    ) -> S3Result<d::ListPartsOutput> {
        let input = request.input;
        let mut store = self.lock();
        let upload = upload(&mut store, &input.upload_id, (&input.bucket, &input.key))?;
        let parts = upload.parts.iter().map(|(number, part)| d::Part {
            part_number: Some(*number),
            e_tag: Some(d::ETag::Strong(part.etag.clone())),
            size: i64::try_from(part.body.len()).ok(),
            last_modified: Some(upload.initiated.into()),
            checksum_crc64nvme: part.checksum.checksum_crc64nvme.clone(),
            ..Default::default()
        });
        Ok(d::ListPartsOutput {
            parts: Some(parts.collect()),
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            is_truncated: Some(false),
            ..Default::default()
        })
    }

    pub(super) async fn every_upload(
        &self,
        request: S3Request<d::ListMultipartUploadsInput>,
    ) -> S3Result<d::ListMultipartUploadsOutput> {
        let input = request.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        let store = self.lock();
        store.bucket(&input.bucket)?;
        let mut uploads: Vec<_> = store
            .uploads
            .iter()
            .filter(|(_, upload)| upload.bucket == input.bucket && upload.key.starts_with(&prefix))
            .map(|(id, upload)| d::MultipartUpload {
                key: Some(upload.key.clone()),
                upload_id: Some(id.clone()),
                initiated: Some(upload.initiated.into()),
                ..Default::default()
            })
            .collect();
        uploads.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(d::ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            prefix: input.prefix,
            uploads: Some(uploads),
            is_truncated: Some(false),
            ..Default::default()
        })
    }
}
