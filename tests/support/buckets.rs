//! Operations on buckets.

use std::collections::{BTreeMap, BTreeSet};

use s3s::dto as d;
use s3s::{S3Request, S3Result, s3_error};

use super::backend::Backend;
use super::store::{Bucket, Versioning, now};

/// The region of every bucket.
pub const REGION: &str = "us-east-1";

#[allow(clippy::unused_async, reason = "all operations have one form")]
impl Backend {
    /// Makes a bucket; one that exists is left as it is, and false returned.
    pub fn make_bucket(&self, name: &str) -> bool {
        let versioning =
            if self.quirks.versioned { Versioning::Enabled } else { Versioning::Never };
        let mut store = self.lock();
        if store.buckets.contains_key(name) {
            return false;
        }
        let (keys, hidden) = (BTreeMap::new(), BTreeSet::new());
        let bucket = Bucket { versioning, keys, hidden, created: now() };
        store.buckets.insert(name.to_owned(), bucket);
        true
    }

    pub(super) async fn every_bucket(
        &self,
        _: S3Request<d::ListBucketsInput>,
    ) -> S3Result<d::ListBucketsOutput> {
        let store = self.lock();
        let buckets = store.buckets.iter().map(|(name, bucket)| d::Bucket {
            name: Some(name.clone()),
            creation_date: Some(bucket.created.into()),
            ..d::Bucket::default()
        });
        Ok(d::ListBucketsOutput { buckets: Some(buckets.collect()), ..Default::default() })
    }

    pub(super) async fn new_bucket(
        &self,
        request: S3Request<d::CreateBucketInput>,
    ) -> S3Result<d::CreateBucketOutput> {
        let name = request.input.bucket;
        if !self.make_bucket(&name) {
            return Err(s3_error!(
                BucketAlreadyOwnedByYou,
                "Your previous request to create the named bucket succeeded and you already own it."
            ));
        }
        Ok(d::CreateBucketOutput { location: Some(format!("/{name}")) })
    }

    pub(super) async fn no_bucket(
        &self,
        request: S3Request<d::DeleteBucketInput>,
    ) -> S3Result<d::DeleteBucketOutput> {
        let mut store = self.lock();
        if !store.bucket(&request.input.bucket)?.keys.is_empty() {
            return Err(s3_error!(BucketNotEmpty, "The bucket you tried to delete is not empty"));
        }
        store.buckets.remove(&request.input.bucket);
        Ok(d::DeleteBucketOutput::default())
    }

    pub(super) async fn bucket_head(
        &self,
        request: S3Request<d::HeadBucketInput>,
    ) -> S3Result<d::HeadBucketOutput> {
        self.lock().bucket(&request.input.bucket)?;
        Ok(d::HeadBucketOutput { bucket_region: Some(REGION.to_owned()), ..Default::default() })
    }

    pub(super) async fn location(
        &self,
        request: S3Request<d::GetBucketLocationInput>,
    ) -> S3Result<d::GetBucketLocationOutput> {
        self.lock().bucket(&request.input.bucket)?;
        // AWS names us-east-1 by leaving it out.
        Ok(d::GetBucketLocationOutput::default())
    }

    pub(super) async fn versioning(
        &self,
        request: S3Request<d::GetBucketVersioningInput>,
    ) -> S3Result<d::GetBucketVersioningOutput> {
        let status = match self.lock().bucket(&request.input.bucket)?.versioning {
            Versioning::Never => None,
            Versioning::Enabled => Some(d::BucketVersioningStatus::ENABLED),
            Versioning::Suspended => Some(d::BucketVersioningStatus::SUSPENDED),
        };
        let status = status.map(d::BucketVersioningStatus::from_static);
        Ok(d::GetBucketVersioningOutput { status, ..Default::default() })
    }

    pub(super) async fn new_versioning(
        &self,
        request: S3Request<d::PutBucketVersioningInput>,
    ) -> S3Result<d::PutBucketVersioningOutput> {
        let status = request.input.versioning_configuration.status;
        self.lock().bucket_mut(&request.input.bucket)?.versioning =
            match status.as_ref().map(d::BucketVersioningStatus::as_str) {
                Some(d::BucketVersioningStatus::ENABLED) => Versioning::Enabled,
                Some(d::BucketVersioningStatus::SUSPENDED) => Versioning::Suspended,
                _ => return Err(s3_error!(IllegalVersioningConfigurationException)),
            };
        Ok(d::PutBucketVersioningOutput::default())
    }
}
