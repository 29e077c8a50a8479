//! What the SDK and the stores say when something went wrong, as a [`RemoteError`].
//!
//! Stores agree on status and code far more than on messages, so these two decide. A `HEAD` has no
//! body and thus no code: there the status alone decides.

use std::error::Error;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::remote::{RemoteCause, RemoteError, RemoteErrorKind as Kind};

/// One request, as errors name it.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// `PUT`, `LIST` …
    pub(super) operation: &'static str,
    /// `s3://bucket/key`.
    pub(super) key: String,
    /// The request changes the bucket, so that a lost answer leaves it open whether it did.
    pub(super) writes: bool,
    /// The request names the version that it expects to find, so that 404 means "changed".
    pub(super) expects_version: bool,
    /// What a success means that cannot be read: [`Kind::Failed`] unless a store is known that never
    /// answers otherwise.
    pub(super) unreadable: Kind,
    /// The server, where it is not AWS.
    pub(super) server: Option<String>,
}

impl Call {
    /// Makes an error of this call.
    pub(super) fn error(&self, kind: Kind, message: impl Into<String>) -> RemoteError {
        let ambiguous = self.writes && matches!(kind, Kind::Interrupted | Kind::Failed);
        let error = RemoteError::new(kind, self.operation, self.key.clone(), message);
        RemoteError { ambiguous, ..error }
    }

    /// Translates what the SDK says.
    pub(super) fn translate<E>(&self, error: &SdkError<E, HttpResponse>) -> RemoteError
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        let Some(response) = error.raw_response() else { return self.translate_unanswered(error) };
        let status = response.status().as_u16();
        let code = error.code();
        let kind = match kind_of(status, code) {
            // Also said of a key id in the wrong format, where no region would help.
            Kind::WrongRegion if status == 400 && !names_region(error) => Kind::Denied,
            Kind::NotFound if self.expects_version && code != Some("NoSuchUpload") => Kind::Changed,
            // A body that broke off is no service error: the next one may come whole.
            _ if (200..300).contains(&status)
                && code.is_none()
                && matches!(error, SdkError::ServiceError(_)) =>
            {
                self.unreadable
            }
            kind => kind,
        };
        let header = |name| response.headers().get(name);
        let mut translated =
            self.error(kind, message(status, error, header("x-amz-bucket-region")));
        // A 503 of a proxy says nothing about the store behind it; `SlowDown` is the store's own.
        translated.ambiguous |= self.writes && status == 503 && code != Some("SlowDown");
        translated.retry_after_seconds = header("retry-after").and_then(|text| text.parse().ok());
        translated
    }

    /// Translates an error without an answer from the store.
    fn translate_unanswered<E>(&self, error: &SdkError<E, HttpResponse>) -> RemoteError
    where
        E: Error + 'static,
    {
        let chain = Chain::of(error);
        if chain.is_about_credentials {
            let error = self.error(Kind::NoCredentials, "no credentials found");
            return RemoteError { cause: RemoteCause::chain(chain.attempts()), ..error };
        }
        let kind = match error {
            SdkError::ConstructionFailure(_) => Kind::Invalid,
            // The only timeout that the SDK knows of is that of connecting.
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Kind::Unreachable,
            SdkError::DispatchFailure(_) if chain.is_about_connecting => Kind::Unreachable,
            SdkError::DispatchFailure(failure) if failure.is_user() => Kind::Invalid,
            _ => Kind::Interrupted,
        };
        match (&self.server, kind) {
            // A typo in the endpoint is the likeliest cause, and nothing else names it.
            (Some(server), Kind::Unreachable) => {
                self.error(kind, format!("{server}: {}", chain.line()))
            }
            _ => self.error(kind, chain.line()),
        }
    }
}

/// What the SDK says before each reason for which a provider gave no credentials.
const NOT_ENABLED: &str = "the credential provider was not enabled";

/// What an error and its causes say.
struct Chain {
    /// From the nearest cause to the first.
    texts: Vec<String>,
    is_about_connecting: bool,
    is_about_credentials: bool,
}

impl Chain {
    /// Walks down the causes.
    fn of(error: &(dyn Error + 'static)) -> Self {
        let mut texts: Vec<String> = Vec::new();
        let (mut is_about_connecting, mut is_about_credentials) = (false, false);
        let mut next = Some(error);
        while let Some(cause) = next {
            let text = cause.to_string();
            // hyper-util says "client error (Connect)" and keeps the fact from everybody else.
            is_about_connecting |= text.contains("(Connect)")
                || text.starts_with("dns error")
                || cause.downcast_ref::<io::Error>().is_some_and(is_no_connection);
            // The second is said where the chain of providers is empty.
            is_about_credentials |= cause.is::<CredentialsError>()
                || text.starts_with("failed to select an auth scheme");
            // The SDK's own layers say nothing that the cause does not.
            let is_empty = ["dispatch failure", "io error", "other"].contains(&text.as_str());
            if !is_empty && texts.last() != Some(&text) {
                texts.push(text);
            }
            next = cause.source();
        }
        Self { texts, is_about_connecting, is_about_credentials }
    }

    /// Joins what the causes say.
    fn line(&self) -> String {
        one_line(&self.texts.join(": "))
    }

    /// Returns a line for each place where credentials were looked for, and why none were there.
    fn attempts(&self) -> Vec<String> {
        let lines = self.texts.iter().flat_map(|text| text.lines());
        lines
            .map(|line| line.trim().replace(&format!("{NOT_ENABLED}: "), ""))
            .filter(|line| !line.is_empty() && line != NOT_ENABLED)
            .collect()
    }
}

/// Joins lines: the SDK lists the credentials that it tried, one a line.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join("; ")
}

/// Tells whether an I/O error means that no connection came about.
fn is_no_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::AddrNotAvailable
    )
}

/// Tells whether the answer to a request with a bad signature is about the region.
fn names_region<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error.message().is_some_and(|text| text.contains("region"))
        || error.raw_response().is_some_and(|r| r.headers().contains_key("x-amz-bucket-region"))
}

/// Words the answer: the store's code and message, and the region where it names one.
fn message<E>(status: u16, error: &SdkError<E, HttpResponse>, region: Option<&str>) -> String
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let mut message = match (error.code(), error.message().filter(|text| !text.is_empty())) {
        (Some(code), Some(text)) => format!("{code}: {text}"),
        (Some(code), None) => format!("{code} (HTTP {status})"),
        (None, Some(text)) => format!("HTTP {status}: {text}"),
        // A success that the SDK cannot read: its reason is all there is.
        (None, None) if (200..300).contains(&status) => Chain::of(error).line(),
        (None, None) => format!("HTTP {status}"),
    };
    if let (301 | 307 | 400, Some(region)) = (status, region) {
        message = format!("{message} (the bucket lies in {region})");
    }
    match kind_of(status, error.code()) {
        Kind::Expired => message.push_str("; the credentials have expired"),
        Kind::ClockSkewed => message.push_str("; the clock of this machine is wrong"),
        _ => (),
    }
    message
}

/// Finds the region that a store expects in the words of its refusal.
///
/// AWS: `the region 'us-east-1' is wrong; expecting 'eu-west-1'`. Garage: `expected:
/// '20261120/garage/s3/aws4_request'`.
pub(super) fn region_in(message: &str) -> Option<&str> {
    let quoted = |text| message.split_once(text).and_then(|(_, rest)| rest.split('\'').next());
    let scope = || quoted("expected: '")?.split('/').nth(1);
    quoted("expecting '").or_else(scope).filter(|region| !region.is_empty())
}

/// Says what a status and a code mean for the caller.
fn kind_of(status: u16, code: Option<&str>) -> Kind {
    code.and_then(kind_of_code).unwrap_or_else(|| kind_of_status(status))
}

/// The codes that say more than their status (S3 API reference, "Error responses").
pub(super) fn kind_of_code(code: &str) -> Option<Kind> {
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
        | "InvalidAccessKeyId"
        | "InvalidToken"
        | "InvalidSecurity"
        | "NotSignedUp"
        | "SignatureDoesNotMatch" => Kind::Denied,
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

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_s3::error::{ConnectorError, ErrorMetadata};
    use aws_sdk_s3::operation::put_object::PutObjectError;
    use aws_sdk_s3::primitives::SdkBody;

    const WRITE: Call = Call {
        operation: "PUT",
        key: String::new(),
        writes: true,
        expects_version: false,
        server: None,
        unreadable: Kind::Failed,
    };

    fn answered(
        status: u16,
        code: Option<&str>,
        headers: &[(&'static str, &'static str)],
    ) -> SdkError<PutObjectError> {
        let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
        for (name, value) in headers {
            response.headers_mut().insert(*name, *value);
        }
        let mut metadata = ErrorMetadata::builder();
        if let Some(code) = code {
            metadata = metadata.code(code);
        }
        SdkError::service_error(PutObjectError::generic(metadata.build()), response)
    }

    #[test]
    fn status_and_code_decide_what_the_caller_can_do() {
        for (status, code, kind) in [
            (404, Some("NoSuchKey"), Kind::NotFound),
            (404, None, Kind::NotFound),
            (404, Some("NoSuchBucket"), Kind::NoBucket),
            (412, None, Kind::Changed),
            (416, Some("InvalidRange"), Kind::Changed),
            (412, Some("PreconditionFailed"), Kind::Changed),
            (409, Some("ConditionalRequestConflict"), Kind::Busy),
            (409, Some("OperationAborted"), Kind::Busy),
            (429, None, Kind::Throttled),
            (503, Some("SlowDown"), Kind::Throttled),
            (503, None, Kind::Throttled),
            (500, Some("InternalError"), Kind::Failed),
            (502, None, Kind::Failed),
            (504, None, Kind::Failed),
            (200, Some("InternalError"), Kind::Failed),
            (200, Some("SlowDown"), Kind::Throttled),
            (200, None, Kind::Failed),
            (403, Some("ExpiredToken"), Kind::Expired),
            (400, Some("ExpiredToken"), Kind::Expired),
            (403, Some("InvalidAccessKeyId"), Kind::Denied),
            (403, Some("SignatureDoesNotMatch"), Kind::Denied),
            (403, None, Kind::Denied),
            (403, Some("InvalidObjectState"), Kind::Archived),
            (403, Some("RequestTimeTooSkewed"), Kind::ClockSkewed),
            (301, Some("PermanentRedirect"), Kind::WrongRegion),
            (307, None, Kind::WrongRegion),
            (400, Some("AuthorizationHeaderMalformed"), Kind::Denied),
            (409, Some("BucketAlreadyExists"), Kind::Denied),
            (400, Some("KeyTooLongError"), Kind::Invalid),
            (400, Some("BadDigest"), Kind::Corrupt),
            (400, Some("RequestTimeout"), Kind::Interrupted),
            (501, Some("NotImplemented"), Kind::Unsupported),
            (405, None, Kind::Unsupported),
        ] {
            assert_eq!(
                WRITE.translate(&answered(status, code, &[])).kind,
                kind,
                "{status} {code:?}"
            );
        }
    }

    #[test]
    fn a_missing_key_has_changed_where_a_version_was_expected() {
        let call = Call { expects_version: true, ..WRITE };
        assert_eq!(call.translate(&answered(404, Some("NoSuchKey"), &[])).kind, Kind::Changed);
        assert_eq!(call.translate(&answered(404, Some("NoSuchUpload"), &[])).kind, Kind::NotFound);
        assert_eq!(call.translate(&answered(404, Some("NoSuchBucket"), &[])).kind, Kind::NoBucket);
    }

    #[test]
    fn only_writes_without_a_clear_answer_are_ambiguous() {
        let read = Call { writes: false, ..WRITE };
        for (call, status, code, ambiguous) in [
            (&WRITE, 500, None, true),
            (&WRITE, 503, None, true),
            (&WRITE, 503, Some("SlowDown"), false),
            (&WRITE, 412, None, false),
            (&WRITE, 200, Some("InternalError"), true),
            (&read, 500, None, false),
        ] {
            let error = call.translate(&answered(status, code, &[]));
            assert_eq!(error.ambiguous, ambiguous, "{status} {code:?}");
        }
    }

    #[test]
    fn the_region_that_a_store_expects_is_read_from_its_refusal() {
        let aws = "AuthorizationHeaderMalformed: The authorization header is malformed; the region \
                   'us-east-1' is wrong; expecting 'eu-west-1'";
        let garage = "Authorization header malformed, unexpected scope: \
                      '20261120/us-east-1/s3/aws4_request', expected: \
                      '20261120/garage/s3/aws4_request'";
        assert_eq!(region_in(aws), Some("eu-west-1"));
        assert_eq!(region_in(garage), Some("garage"));
        for other in ["", "expecting ''", "expected: 'x'", "Access Denied"] {
            assert_eq!(region_in(other), None, "{other}");
        }
    }

    #[test]
    fn the_answer_names_region_and_patience() {
        let error = WRITE.translate(&answered(
            301,
            Some("PermanentRedirect"),
            &[("x-amz-bucket-region", "eu-central-1")],
        ));
        assert!(error.message.contains("eu-central-1"), "{}", error.message);
        let error = WRITE.translate(&answered(
            400,
            Some("AuthorizationHeaderMalformed"),
            &[("x-amz-bucket-region", "eu-central-1")],
        ));
        assert_eq!(error.kind, Kind::WrongRegion);
        let error = WRITE.translate(&answered(503, None, &[("retry-after", "7")]));
        assert_eq!(error.retry_after_seconds, Some(7));
        let error = WRITE.translate(&answered(503, None, &[("retry-after", "tomorrow")]));
        assert_eq!(error.retry_after_seconds, None);
    }

    #[test]
    fn without_an_answer_the_cause_decides() {
        let failed = |error: ConnectorError| -> SdkError<PutObjectError> {
            SdkError::dispatch_failure(error)
        };
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let error = WRITE.translate(&failed(ConnectorError::io(refused.into())));
        assert_eq!((error.kind, error.ambiguous), (Kind::Unreachable, false));
        let dns = io::Error::other("dns error: failed to lookup address");
        let error = WRITE.translate(&failed(ConnectorError::io(dns.into())));
        assert_eq!(error.kind, Kind::Unreachable);
        let broken = io::Error::from(io::ErrorKind::ConnectionReset);
        let error = WRITE.translate(&failed(ConnectorError::io(broken.into())));
        assert_eq!((error.kind, error.ambiguous), (Kind::Interrupted, true));
        let timeout: SdkError<PutObjectError> = SdkError::timeout_error("slow");
        assert_eq!(WRITE.translate(&timeout).kind, Kind::Interrupted);
        let tried = format!("no providers in chain:\n  Environment: {NOT_ENABLED}: not set");
        let credentials = CredentialsError::not_loaded(tried);
        let error = WRITE.translate(&failed(ConnectorError::other(credentials.into(), None)));
        assert_eq!(error.kind, Kind::NoCredentials);
        let error = RemoteError { key: "s3://team".to_owned(), ..error };
        assert_eq!(error.to_string(), "no credentials found, s3://team");
        let error = crate::error::Error::from(error);
        assert_eq!(error.causes(), ["no providers in chain:", "Environment: not set"]);
    }
}
