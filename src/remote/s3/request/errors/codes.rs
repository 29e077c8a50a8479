//! What a status and a code of a store mean. Pure.

use crate::remote::RemoteErrorKind as Kind;

/// Finds the region that a store expects in the words of its refusal.
///
/// AWS: `the region 'us-east-1' is wrong; expecting 'eu-west-1'`. Garage: `expected:
/// '20261120/garage/s3/aws4_request'`.
pub(in crate::remote::s3) fn region_in(message: &str) -> Option<&str> {
    let quoted = |text| message.split_once(text).and_then(|(_, rest)| rest.split('\'').next());
    let scope = || quoted("expected: '")?.split('/').nth(1);
    quoted("expecting '").or_else(scope).filter(|region| !region.is_empty())
}

/// Says what a status and a code mean for the caller.
pub(super) fn kind_of(status: u16, code: Option<&str>) -> Kind {
    code.and_then(kind_of_code).unwrap_or_else(|| kind_of_status(status))
}

/// The codes that say more than their status (S3 API reference, "Error responses").
pub(in crate::remote::s3) fn kind_of_code(code: &str) -> Option<Kind> {
    Some(match code {
        "NoSuchKey" | "NoSuchUpload" | "NoSuchVersion" | "NotFound" => Kind::NotFound,
        "NoSuchBucket" => Kind::NoBucket,
        // The second: directory buckets, of the keys of a `DeleteObjects` (measured in ministack issue
        // 1501).
        "PreconditionFailed" | "412 Precondition Failed" => Kind::Changed,
        "ConditionalRequestConflict" | "OperationAborted" => Kind::Busy,
        "SlowDown"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "ServiceUnavailable" => Kind::Throttled,
        "InternalError" => Kind::Failed,
        "RequestTimeout" => Kind::Interrupted,
        "AccessDenied"
        | "AllAccessDisabled"
        | "AccountProblem"
        | "BucketAlreadyExists"
        | "InvalidSecurity"
        | "NotSignedUp" => Kind::Denied,
        "InvalidAccessKeyId" | "InvalidToken" | "SignatureDoesNotMatch" => Kind::WrongKey,
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "TokenRefreshRequired" => {
            Kind::Expired
        }
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => Kind::WrongRegion,
        "NotImplemented" | "MethodNotAllowed" => Kind::Unsupported,
        "InvalidObjectState" => Kind::Archived,
        "BadDigest" | "InvalidDigest" | "XAmzContentChecksumMismatch" | "IncompleteBody" => {
            Kind::Corrupt
        }
        "QuotaExceeded" | "InsufficientStorage" | "XMinioStorageFull" => Kind::Full,
        "RequestTimeTooSkewed" => Kind::ClockSkewed,
        _ => return None,
    })
}

/// What a status alone means.
fn kind_of_status(status: u16) -> Kind {
    match status {
        301 | 302 | 307 | 308 => Kind::WrongRegion,
        401 | 403 => Kind::Denied,
        404 | 410 => Kind::NotFound,
        405 | 501 => Kind::Unsupported,
        408 => Kind::Interrupted,
        409 => Kind::Busy,
        // A range behind the end: the object has become shorter.
        412 | 416 => Kind::Changed,
        429 | 503 => Kind::Throttled,
        507 => Kind::Full,
        // 2xx: the answer could not be read.
        200..=299 | 500.. => Kind::Failed,
        _ => Kind::Invalid,
    }
}
