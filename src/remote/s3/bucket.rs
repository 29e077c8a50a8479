//! What `init` asks of the bucket itself: where it lies, whether it can be read, and to make it.

use aws_sdk_s3::operation::create_bucket::CreateBucketError;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};

use super::connection::DEFAULT_REGION;
use super::request::{ANSWER_TIMEOUT, Call, answer, region_in};
use super::store::S3Remote;
use crate::remote::{RemoteError, RemoteErrorKind as Kind};

/// In which header AWS says where a bucket lies, refusals included.
const REGION_HEADER: &str = "x-amz-bucket-region";

impl S3Remote {
    /// Asks where the bucket lies; `None` where the store does not say.
    ///
    /// The SDK follows no redirect to another region, so the settings have to name the right one.
    /// On a server of one's own no answer is an error: the first listing will tell.
    pub(super) async fn find_region(&self) -> Result<Option<String>, RemoteError> {
        let call = self.bucket_call("HEAD");
        let request = self.connection.client.head_bucket().bucket(&self.bucket).send();
        let mut named = None;
        let request = async {
            request.await.inspect_err(|error| {
                let header = error.raw_response().and_then(|r| r.headers().get(REGION_HEADER));
                named = header.map(str::to_owned);
            })
        };
        let result = answer(&call, ANSWER_TIMEOUT, request).await;
        match result {
            Ok(output) => Ok(output.bucket_region),
            Err(_) if named.is_some() => Ok(named),
            Err(_) if self.connection.endpoint.is_some() => Ok(self.region_by_listing().await),
            Err(error) => match error.kind {
                Kind::NotFound => Err(RemoteError { kind: Kind::NoBucket, ..error }),
                // A refusal may concern this call alone.
                Kind::Denied | Kind::Invalid | Kind::Unsupported => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// The answer to a HEAD has no words; that to a LIST names the region where the store has one.
    async fn region_by_listing(&self) -> Option<String> {
        let refused = self.list_page("", None, 1).await.err()?;
        region_in(&refused.message).map(str::to_owned)
    }

    /// Makes the bucket; one that is already ours is fine.
    pub async fn create_bucket(&self) -> Result<(), RemoteError> {
        let call = self.bucket_call("CREATE");
        let region = self.connection.region.as_str();
        // `us-east-1` must not be named (S3 API reference, `CreateBucket`), and a server of one's
        // own knows where it is.
        let elsewhere = region != DEFAULT_REGION && self.connection.endpoint.is_none();
        let configuration = elsewhere.then(|| {
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from(region))
                .build()
        });
        let request = self
            .connection
            .client
            .create_bucket()
            .bucket(&self.bucket)
            .set_create_bucket_configuration(configuration)
            .send();
        let mut ours = false;
        let request = async {
            request.await.inspect_err(|error| {
                ours = error
                    .as_service_error()
                    .is_some_and(CreateBucketError::is_bucket_already_owned_by_you);
            })
        };
        match answer(&call, ANSWER_TIMEOUT, request).await {
            Err(error) if !ours => Err(error),
            _ => Ok(()),
        }
    }

    /// Names a request about the bucket for errors.
    fn bucket_call(&self, operation: &'static str) -> Call {
        Call { key: format!("s3://{}", self.bucket), ..self.call(operation, "") }
    }
}
