//! The operations, as the `s3s` crate hands them over after it has checked the signature.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hyper::HeaderMap;
use s3s::dto as d;
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::profiles::{Conditional, Quirks};
use super::store::{
    Precondition, Store, StoredVersion, Versioning, precondition_failed, precondition_of,
};

/// How long a racy store thinks between checking and storing.
pub(super) const RACE_PAUSE: Duration = Duration::from_millis(30);

/// The store and its promises.
#[derive(Debug, Clone)]
pub struct Backend {
    pub(super) store: Arc<Mutex<Store>>,
    pub(super) quirks: Quirks,
}

impl Backend {
    /// Makes an empty store.
    pub fn new(quirks: Quirks) -> Self {
        let mut store = Store::default();
        store.backslash_is_slash = quirks.backslash_is_slash;
        Self { store: Arc::new(Mutex::new(store)), quirks }
    }

    /// Locks the store; one request at a time sees it.
    pub fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap()
    }

    /// Reads the conditions of a write, as far as this store honours them.
    pub(super) fn precondition(
        headers: &HeaderMap,
        conditional: Conditional,
    ) -> S3Result<Precondition> {
        let header =
            |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let (if_match, if_none_match) = (header("if-match"), header("if-none-match"));
        if if_match.is_none() && if_none_match.is_none() {
            return Ok(Precondition::None);
        }
        match conditional {
            Conditional::Ignored => return Ok(Precondition::None),
            Conditional::Refused => {
                return Err(s3_error!(
                    NotImplemented,
                    "A header you provided implies functionality that is not implemented"
                ));
            }
            Conditional::CreationAlone if if_none_match.is_none() => return Ok(Precondition::None),
            Conditional::Atomic
            | Conditional::CreationAlone
            | Conditional::Unquoted
            | Conditional::Racy => {}
        }
        match (if_match.as_deref(), if_none_match.as_deref()) {
            (Some(etag), None) if conditional == Conditional::Unquoted && etag.contains('"') => {
                Ok(Precondition::Never)
            }
            (Some(etag), None) => Ok(precondition_of(etag)),
            (None, Some("*")) => Ok(Precondition::Absent),
            // AWS takes nothing but the asterisk, and not both at once.
            _ => Err(s3_error!(
                NotImplemented,
                "A header you provided implies functionality that is not implemented"
            )),
        }
    }

    /// Stores a version in the way of this store; returns its id where the bucket keeps versions.
    pub(super) async fn commit(
        &self,
        (bucket, key): (&str, &str),
        version: StoredVersion,
        condition: Precondition,
        conditional: Conditional,
    ) -> S3Result<Option<String>> {
        if !self.quirks.file_beside_folder && self.lock().clashes(bucket, key) {
            let mut error = S3Error::with_message(
                S3ErrorCode::Custom("XMinioParentIsObject".into()),
                "Object-prefix is already an object, please choose a different object-prefix name.",
            );
            error.set_status_code(hyper::StatusCode::BAD_REQUEST);
            return Err(error);
        }
        if self.quirks.creation_minds_folders
            && matches!(condition, Precondition::Absent)
            && self.lock().has_below(bucket, key)
        {
            return Err(s3_error!(PreconditionFailed));
        }
        let keeps_versions = self.lock().bucket(bucket)?.versioning != Versioning::Never;
        let is_blind = keeps_versions && !self.quirks.creation_with_versions;
        let has_forgotten = self.lock().forgets_conditions;
        let condition = match condition {
            _ if has_forgotten => Precondition::None,
            Precondition::Absent if is_blind => Precondition::None,
            condition => condition,
        };
        if self.quirks.missing_is_changed
            && matches!(condition, Precondition::Matches(_) | Precondition::Never)
            && self.lock().current(bucket, key)?.is_none()
        {
            return Err(precondition_failed());
        }
        if conditional == Conditional::Racy && condition != Precondition::None {
            self.lock().check(bucket, key, &condition)?;
            tokio::time::sleep(RACE_PAUSE).await;
            return self.lock().put_unchecked(bucket, key, version, &condition);
        }
        self.lock().put(bucket, key, version, &condition)
    }
}

/// Hands each operation to the function of this crate that carries it out.
macro_rules! operations {
    ($($name:ident($input:ident) -> $output:ident = $function:ident;)*) => {
        #[async_trait::async_trait]
        impl S3 for Backend {
            $(async fn $name(
                &self,
                request: S3Request<d::$input>,
            ) -> S3Result<S3Response<d::$output>> {
                self.allow(stringify!($name))?;
                Ok(S3Response::new(self.$function(request).await?))
            })*
        }
    };
}

operations! {
    list_buckets(ListBucketsInput) -> ListBucketsOutput = every_bucket;
    create_bucket(CreateBucketInput) -> CreateBucketOutput = new_bucket;
    delete_bucket(DeleteBucketInput) -> DeleteBucketOutput = no_bucket;
    head_bucket(HeadBucketInput) -> HeadBucketOutput = bucket_head;
    get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput = location;
    get_bucket_versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput = versioning;
    put_bucket_versioning(PutBucketVersioningInput) -> PutBucketVersioningOutput = new_versioning;
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output = page_of_objects;
    list_object_versions(ListObjectVersionsInput) -> ListObjectVersionsOutput = every_version;
    put_object(PutObjectInput) -> PutObjectOutput = put;
    get_object(GetObjectInput) -> GetObjectOutput = get;
    head_object(HeadObjectInput) -> HeadObjectOutput = head;
    copy_object(CopyObjectInput) -> CopyObjectOutput = copy;
    delete_object(DeleteObjectInput) -> DeleteObjectOutput = delete;
    delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput = delete_many;
    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput = begin;
    upload_part(UploadPartInput) -> UploadPartOutput = part;
    upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput = part_of_another;
    complete_multipart_upload(CompleteMultipartUploadInput)
        -> CompleteMultipartUploadOutput = complete;
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput = abort;
    list_parts(ListPartsInput) -> ListPartsOutput = every_part;
    list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput = every_upload;
}

impl Backend {
    /// Refuses writes where nobody may write, and parts where there are none.
    fn allow(&self, name: &str) -> S3Result<()> {
        let reads = ["get_", "head_", "list_"].iter().any(|read| name.starts_with(read));
        if self.quirks.read_only && !reads {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        if !self.quirks.parts && name.contains("part") {
            return Err(s3_error!(NotImplemented));
        }
        Ok(())
    }
}
