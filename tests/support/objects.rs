//! Operations on objects.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use hyper::HeaderMap;
use s3s::dto as d;
use s3s::{Body, S3Error, S3ErrorCode, S3Request, S3Result, TrailingHeaders, s3_error};

use super::backend::{Backend, RACE_PAUSE};
use super::checksums;
use super::profiles::{Checking, Conditional};
use super::store::{
    Deleted, Precondition, Store, StoredVersion, Versioning, no_such_key, now, precondition_failed,
};

/// Reads a body to its end.
pub(super) async fn collect(body: Option<d::StreamingBlob>) -> S3Result<Bytes> {
    let Some(body) = body else { return Ok(Bytes::new()) };
    let mut chunks = body.map(|chunk| {
        chunk.map_err(|error| S3Error::with_source(S3ErrorCode::IncompleteBody, error))
    });
    let first = chunks.next().await.transpose()?.unwrap_or_default();
    let Some(second) = chunks.next().await.transpose()? else {
        // What is in one piece already needs no copy.
        return Ok(first);
    };
    let mut bytes = BytesMut::from(&first[..]);
    bytes.extend_from_slice(&second);
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(bytes.freeze())
}

/// Adds checksums that came behind the body.
pub(super) fn with_trailers(
    promised: d::Checksum,
    trailers: Option<TrailingHeaders>,
) -> d::Checksum {
    let Some(trailers) = trailers.and_then(|trailers| trailers.take()) else { return promised };
    let header = |name| trailers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    d::Checksum {
        checksum_crc32: promised.checksum_crc32.or_else(|| header("x-amz-checksum-crc32")),
        checksum_crc32c: promised.checksum_crc32c.or_else(|| header("x-amz-checksum-crc32c")),
        checksum_crc64nvme: promised
            .checksum_crc64nvme
            .or_else(|| header("x-amz-checksum-crc64nvme")),
        checksum_sha1: promised.checksum_sha1.or_else(|| header("x-amz-checksum-sha1")),
        checksum_sha256: promised.checksum_sha256.or_else(|| header("x-amz-checksum-sha256")),
        checksum_type: promised.checksum_type,
    }
}

/// What a `GET` or `HEAD` found.
pub(super) struct Found {
    pub(super) version: StoredVersion,
    version_id: Option<String>,
}

impl Backend {
    /// Checks what was promised of a body; returns what is kept.
    pub(super) fn checked(&self, promised: &d::Checksum, body: &[u8]) -> S3Result<d::Checksum> {
        match self.quirks.checksums {
            Checking::Verified => checksums::verify(promised, body),
            Checking::Ignored => Ok(d::Checksum::default()),
            Checking::Refused if checksums::is_empty(promised) => Ok(d::Checksum::default()),
            Checking::Refused => Err(s3_error!(
                InvalidRequest,
                "Unsupported header 'x-amz-checksum' received for this API call."
            )),
        }
    }

    /// Names a version: the MD5 of its bytes, unless a key of KMS would spoil that.
    pub(super) fn etag(&self, md5: String) -> String {
        if self.quirks.random_etags { self.lock().fresh_id() } else { md5 }
    }

    /// Returns what answers say of encryption.
    pub(super) fn encryption(&self) -> d::ServerSideEncryption {
        let kind = if self.quirks.random_etags {
            d::ServerSideEncryption::AWS_KMS
        } else {
            d::ServerSideEncryption::AES256
        };
        d::ServerSideEncryption::from_static(kind)
    }

    /// Returns the KMS key that answers name.
    pub(super) fn kms_key(&self) -> Option<String> {
        self.quirks.random_etags.then(|| "arn:aws:kms:us-east-1:0:key/1".to_owned())
    }

    pub(super) async fn put(
        &self,
        request: S3Request<d::PutObjectInput>,
    ) -> S3Result<d::PutObjectOutput> {
        let S3Request { input, headers, trailing_headers, .. } = request;
        let condition = Self::precondition(&headers, self.quirks.put)?;
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
            checksums::require(&promised, input.content_md5.as_deref(), "Put Object")?;
        }
        let checksum = self.checked(&promised, &body)?;
        let etag = self.etag(checksums::md5_hex(&body));
        let version = StoredVersion {
            id: String::new(),
            body: Some(body),
            etag: etag.clone(),
            metadata: input.metadata.into_iter().flatten().collect(),
            content_type: input.content_type,
            checksum: checksum.clone(),
            modified: now(),
            kms: self.quirks.random_etags,
        };
        let place = (input.bucket.as_str(), input.key.as_str());
        let mut version_id = self.commit(place, version, condition, self.quirks.put).await?;
        if self.quirks.names_versions_it_drops {
            version_id = Some(format!("dropped-{etag}"));
        }
        Ok(d::PutObjectOutput {
            e_tag: self.quirks.etag_of_writes.then_some(d::ETag::Strong(etag)),
            version_id,
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_type: checksum.checksum_type,
            server_side_encryption: Some(self.encryption()),
            ssekms_key_id: self.kms_key(),
            ..Default::default()
        })
    }

    /// Looks an object up, and at the conditions of a `GET` or `HEAD`.
    fn find(
        &self,
        (bucket, key): (&str, &str),
        version_id: Option<&str>,
        headers: &HeaderMap,
    ) -> S3Result<Found> {
        let store = self.lock();
        let version = match version_id {
            Some(id) => store.version(bucket, key, id)?,
            None => store.current(bucket, key)?.ok_or_else(|| missing(&store, bucket, key))?,
        };
        if self.quirks.conditional_get {
            let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
            let holds = |text: &str| match super::store::precondition_of(text) {
                Precondition::Matches(etag) => etag == version.etag,
                _ => true,
            };
            if header("if-match").is_some_and(|text| !holds(text)) {
                return Err(precondition_failed());
            }
            if header("if-none-match").is_some_and(holds) {
                return Err(s3_error!(NotModified));
            }
        }
        let keeps = store.bucket(bucket)?.versioning != Versioning::Never;
        Ok(Found { version: version.clone(), version_id: keeps.then(|| version.id.clone()) })
    }

    #[allow(clippy::unused_async, reason = "all operations have one form")]
    pub(super) async fn get(
        &self,
        request: S3Request<d::GetObjectInput>,
    ) -> S3Result<d::GetObjectOutput> {
        let S3Request { input, headers, .. } = request;
        let place = (input.bucket.as_str(), input.key.as_str());
        let Found { version, version_id } =
            self.find(place, input.version_id.as_deref(), &headers)?;
        let whole = version.body.clone().unwrap_or_default();
        let range = input
            .range
            .map(|range| range.check(whole.len() as u64))
            .transpose()
            .map_err(|_| s3_error!(InvalidRange, "The requested range is not satisfiable"))?;
        let body = range.clone().map_or(whole.clone(), |range| {
            whole.slice(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap())
        });
        let wants = input.checksum_mode.is_some() && range.is_none();
        let checksum = if wants { version.checksum.clone() } else { d::Checksum::default() };
        Ok(d::GetObjectOutput {
            content_length: i64::try_from(body.len()).ok(),
            content_range: range
                .map(|range| format!("bytes {}-{}/{}", range.start, range.end - 1, whole.len())),
            body: Some(Body::from(body).into()),
            accept_ranges: Some("bytes".to_owned()),
            content_type: version.content_type.clone(),
            e_tag: self.quirks.etag_of_reads.then(|| version.protocol_etag()),
            last_modified: Some(version.modified.into()),
            metadata: Some(version.metadata.into_iter().collect()),
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc32c: checksum.checksum_crc32c,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_sha1: checksum.checksum_sha1,
            checksum_sha256: checksum.checksum_sha256,
            checksum_type: checksum.checksum_type,
            server_side_encryption: Some(self.encryption()),
            ssekms_key_id: self.kms_key(),
            version_id,
            ..Default::default()
        })
    }

    #[allow(clippy::unused_async, reason = "all operations have one form")]
    pub(super) async fn head(
        &self,
        request: S3Request<d::HeadObjectInput>,
    ) -> S3Result<d::HeadObjectOutput> {
        let S3Request { input, headers, .. } = request;
        let place = (input.bucket.as_str(), input.key.as_str());
        let Found { version, version_id } =
            self.find(place, input.version_id.as_deref(), &headers)?;
        let wants = input.checksum_mode.is_some();
        let checksum = if wants { version.checksum.clone() } else { d::Checksum::default() };
        Ok(d::HeadObjectOutput {
            content_length: i64::try_from(version.size()).ok(),
            accept_ranges: Some("bytes".to_owned()),
            content_type: version.content_type.clone(),
            e_tag: self.quirks.etag_of_reads.then(|| version.protocol_etag()),
            last_modified: Some(version.modified.into()),
            metadata: Some(version.metadata.into_iter().collect()),
            checksum_crc32: checksum.checksum_crc32,
            checksum_crc32c: checksum.checksum_crc32c,
            checksum_crc64nvme: checksum.checksum_crc64nvme,
            checksum_sha1: checksum.checksum_sha1,
            checksum_sha256: checksum.checksum_sha256,
            checksum_type: checksum.checksum_type,
            server_side_encryption: Some(self.encryption()),
            ssekms_key_id: self.kms_key(),
            version_id,
            ..Default::default()
        })
    }

    /// Finds what is to be copied, under the condition that was named.
    pub(super) fn copied(
        &self,
        (source, expected): (&d::CopySource, Option<&d::ETagCondition>),
    ) -> S3Result<Found> {
        let d::CopySource::Bucket { bucket, key, version_id } = source else {
            return Err(s3_error!(NotImplemented, "Only sources of the form bucket/key"));
        };
        let found = self.find((bucket, key), version_id.as_deref(), &HeaderMap::new())?;
        match expected {
            Some(d::ETagCondition::ETag(etag))
                if self.quirks.conditional_copy && etag.value() != found.version.etag =>
            {
                Err(precondition_failed())
            }
            _ => Ok(found),
        }
    }

    pub(super) async fn copy(
        &self,
        request: S3Request<d::CopyObjectInput>,
    ) -> S3Result<d::CopyObjectOutput> {
        let S3Request { input, headers, .. } = request;
        let condition = Self::precondition(&headers, self.quirks.put)?;
        let found = self.copied((&input.copy_source, input.copy_source_if_match.as_ref()))?;
        let mut version = found.version;
        if input.metadata_directive.as_ref().is_some_and(|how| how.as_str() == "REPLACE") {
            version.metadata = input.metadata.into_iter().flatten().collect();
            version.content_type = input.content_type;
        }
        // A copy is stored in one piece, whatever its source was.
        version.etag = self.etag(checksums::md5_hex(version.body.as_deref().unwrap_or_default()));
        version.modified = now();
        let result = d::CopyObjectResult {
            e_tag: Some(version.protocol_etag()),
            last_modified: Some(version.modified.into()),
            checksum_crc64nvme: version.checksum.checksum_crc64nvme.clone(),
            ..Default::default()
        };
        let place = (input.bucket.as_str(), input.key.as_str());
        let version_id = self.commit(place, version, condition, self.quirks.put).await?;
        Ok(d::CopyObjectOutput {
            copy_object_result: Some(result),
            copy_source_version_id: found.version_id,
            version_id,
            server_side_encryption: Some(self.encryption()),
            ..Default::default()
        })
    }

    async fn remove(
        &self,
        (bucket, key): (&str, &str),
        version_id: Option<&str>,
        (condition, conditional): (Precondition, Conditional),
    ) -> S3Result<Deleted> {
        if let Some(id) = version_id {
            if self.quirks.locks_objects {
                return Err(s3_error!(
                    AccessDenied,
                    "Access Denied because object protected by object lock."
                ));
            }
            return self.lock().delete_version(bucket, key, id);
        }
        let condition = match condition {
            Precondition::Matches(etag) if self.quirks.keeps_parts && etag.contains('-') => {
                Precondition::Never
            }
            condition => condition,
        };
        if conditional == Conditional::Racy && condition != Precondition::None {
            self.lock().check(bucket, key, &condition)?;
            tokio::time::sleep(RACE_PAUSE).await;
            return self.lock().delete_unchecked(bucket, key, &condition);
        }
        self.lock().delete(bucket, key, &condition)
    }

    pub(super) async fn delete(
        &self,
        request: S3Request<d::DeleteObjectInput>,
    ) -> S3Result<d::DeleteObjectOutput> {
        let S3Request { input, headers, .. } = request;
        let condition = Self::precondition(&headers, self.quirks.delete)?;
        let place = (input.bucket.as_str(), input.key.as_str());
        let deleted = self
            .remove(place, input.version_id.as_deref(), (condition, self.quirks.delete))
            .await?;
        Ok(d::DeleteObjectOutput {
            delete_marker: deleted.marker.then_some(true),
            version_id: deleted.version_id,
            ..Default::default()
        })
    }

    pub(super) async fn delete_many(
        &self,
        request: S3Request<d::DeleteObjectsInput>,
    ) -> S3Result<d::DeleteObjectsOutput> {
        let input = request.input;
        self.lock().bucket(&input.bucket)?;
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for object in input.delete.objects {
            let conditional = self.quirks.delete_many;
            let condition = match object.e_tag {
                Some(etag) if conditional != Conditional::Ignored => {
                    Precondition::Matches(etag.into_value())
                }
                _ => Precondition::None,
            };
            let place = (input.bucket.as_str(), object.key.as_str());
            let version_id = object.version_id.as_deref();
            let removed = match (conditional, &condition) {
                (Conditional::Refused, Precondition::Matches(_)) => {
                    Err(s3_error!(NotImplemented, "A header you provided is not implemented"))
                }
                _ => self.remove(place, version_id, (condition, conditional)).await,
            };
            match removed {
                Ok(done) => deleted.push(d::DeletedObject {
                    key: Some(object.key),
                    delete_marker: done.marker.then_some(true),
                    delete_marker_version_id: done.version_id.filter(|_| done.marker),
                    version_id: object.version_id,
                }),
                Err(error) => errors.push(d::Error {
                    code: Some(error.code().as_str().to_owned()),
                    message: error.message().map(str::to_owned),
                    key: Some(object.key),
                    version_id: object.version_id,
                }),
            }
        }
        let deleted = (!input.delete.quiet.unwrap_or(false)).then_some(deleted);
        Ok(d::DeleteObjectsOutput { deleted, errors: Some(errors), ..Default::default() })
    }
}

/// Returns 404, which tells of a delete marker where that is the reason.
fn missing(store: &Store, bucket: &str, key: &str) -> S3Error {
    let mut error = no_such_key();
    let versions = store.bucket(bucket).ok().and_then(|bucket| bucket.keys.get(key));
    if let Some(marker) = versions.and_then(|versions| versions.last()) {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-delete-marker", hyper::header::HeaderValue::from_static("true"));
        headers.insert("x-amz-version-id", marker.id.parse().unwrap());
        error.set_headers(headers);
    }
    error
}
