//! What statuses, codes and broken connections are taken for.

use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{ConnectorError, ErrorMetadata};
use aws_sdk_s3::operation::put_object::PutObjectError;
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_types::retry::ErrorKind;

use super::*;
use crate::remote::s3::connection::NoKey;

const WRITE: Call = Call {
    operation: "PUT",
    key: String::new(),
    writes: true,
    expects_version: false,
    server: None,
    proxy: None,
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
        (403, Some("InvalidAccessKeyId"), Kind::WrongKey),
        (403, Some("SignatureDoesNotMatch"), Kind::WrongKey),
        (403, None, Kind::Denied),
        (403, Some("InvalidObjectState"), Kind::Archived),
        (403, Some("RequestTimeTooSkewed"), Kind::ClockSkewed),
        (301, Some("PermanentRedirect"), Kind::WrongRegion),
        (307, None, Kind::WrongRegion),
        (400, Some("AuthorizationHeaderMalformed"), Kind::WrongKey),
        (409, Some("BucketAlreadyExists"), Kind::Denied),
        (400, Some("KeyTooLongError"), Kind::Invalid),
        (400, Some("BadDigest"), Kind::Corrupt),
        (400, Some("RequestTimeout"), Kind::Interrupted),
        (501, Some("NotImplemented"), Kind::Unsupported),
        (405, None, Kind::Unsupported),
    ] {
        assert_eq!(WRITE.translate(&answered(status, code, &[])).kind, kind, "{status} {code:?}");
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
    let failed =
        |error: ConnectorError| -> SdkError<PutObjectError> { SdkError::dispatch_failure(error) };
    let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
    let error = WRITE.translate(&failed(ConnectorError::io(refused.into())));
    assert_eq!((error.kind, error.ambiguous), (Kind::Unreachable, false));
    let dns = io::Error::other("dns error: failed to lookup address");
    let error = WRITE.translate(&failed(ConnectorError::io(dns.into())));
    assert_eq!(error.kind, Kind::Unreachable);
    let broken = io::Error::from(io::ErrorKind::ConnectionReset);
    let error = WRITE.translate(&failed(ConnectorError::io(broken.into())));
    assert_eq!((error.kind, error.ambiguous), (Kind::Interrupted, true));
    assert!(error.hung_up);
    let incomplete = ConnectorError::other("closed".into(), Some(ErrorKind::TransientError));
    let error = WRITE.translate(&failed(incomplete));
    assert_eq!((error.kind, error.ambiguous, error.hung_up), (Kind::Interrupted, true, true));
    let timeout: SdkError<PutObjectError> = SdkError::timeout_error("slow");
    let error = WRITE.translate(&timeout);
    assert_eq!((error.kind, error.hung_up), (Kind::Interrupted, false));
    let credentials = CredentialsError::not_loaded("no providers in chain");
    let error = WRITE.translate(&failed(ConnectorError::other(credentials.into(), None)));
    assert_eq!(error.kind, Kind::NoCredentials);
    let error = RemoteError { key: "s3://team".to_owned(), ..error };
    assert_eq!(error.to_string(), "no credentials found, s3://team");
    assert_eq!(crate::error::Error::from(error).causes().len(), 1);
}

#[test]
fn the_reason_for_which_there_is_no_key_is_its_only_cause() {
    let because = |kind| {
        let error = CredentialsError::not_loaded(NoKey { kind, why: "it is half".to_owned() });
        let failed: SdkError<PutObjectError> =
            SdkError::dispatch_failure(ConnectorError::other(error.into(), None));
        WRITE.translate(&failed)
    };
    let error = because(Kind::NoCredentials);
    assert_eq!(crate::error::Error::from(error).causes(), ["it is half"]);
    let error = because(Kind::BadSetting);
    assert_eq!((error.kind, error.to_string().as_str()), (Kind::BadSetting, "it is half"));
}

#[test]
fn a_success_that_cannot_be_read_is_one_plain_sentence_and_keeps_the_rest_for_who_asks() {
    let failed = PutObjectError::unhandled("invalid XML; this is likely a bug in the SDK");
    let response = HttpResponse::new(200.try_into().unwrap(), SdkBody::empty());
    let error = WRITE.translate(&SdkError::service_error(failed, response));
    assert_eq!((error.kind, error.ambiguous), (Kind::Failed, true));
    assert_eq!(error.to_string(), "PUT : the store's answer cannot be read");
    assert!(error.detail.as_ref().is_some_and(|it| it.contains("invalid XML")), "{error:?}");
    let error = crate::error::Error::from(error);
    assert_eq!((error.causes().len(), error.detail().is_some()), (0, true));
}
