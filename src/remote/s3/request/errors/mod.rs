//! What the SDK and the stores say when something went wrong, as a [`RemoteError`].
//!
//! Stores agree on status and code far more than on messages, so these two decide. A `HEAD` has no
//! body and thus no code: there the status alone decides.

mod call;
mod certificate;
mod codes;
#[cfg(test)]
mod tests;
mod unanswered;

use std::error::Error;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

pub(in crate::remote::s3) use call::Call;
pub(in crate::remote::s3) use codes::{kind_of_code, region_in};

use codes::kind_of;
use unanswered::Chain;

use crate::remote::{RemoteError, RemoteErrorKind as Kind};

/// What is said of a success that the SDK cannot read.
const UNREADABLE: &str = "the store's answer cannot be read";

impl Call {
    /// Translates what the SDK says.
    pub(in crate::remote::s3) fn translate<E>(
        &self,
        error: &SdkError<E, HttpResponse>,
    ) -> RemoteError
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        let Some(response) = error.raw_response() else { return self.translate_unanswered(error) };
        let status = response.status().as_u16();
        let code = error.code();
        if status == 407 {
            return self.denied_by_proxy();
        }
        let kind = match kind_of(status, code) {
            // Also said of a key id in the wrong format, where no region would help.
            Kind::WrongRegion if status == 400 && !names_region(error) => Kind::WrongKey,
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
        let message = message(status, error, header("x-amz-bucket-region"));
        // Pages of a proxy, who could not reach the store or does not let us.
        let is_of_proxy = !self.is_tls()
            && matches!(status, 403 | 500..)
            && code.is_none()
            && header("x-amz-request-id").is_none();
        let message = if is_of_proxy { self.by_way_of_proxy(message) } else { message };
        let mut translated = self.error(kind, message);
        // A 503 of a proxy says nothing about the store behind it; `SlowDown` is the store's own.
        translated.ambiguous |= self.writes && status == 503 && code != Some("SlowDown");
        translated.detail = Some(self.detail(error, response).into());
        translated.retry_after_seconds = header("retry-after").and_then(|text| text.parse().ok());
        translated
    }

    /// Says what whoever runs the store wants to know of an answer: call, status, code, and the ids by
    /// which it is found in logs (S3 API reference, "Common response headers").
    fn detail<E>(&self, error: &SdkError<E, HttpResponse>, response: &HttpResponse) -> String
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        let status = response.status().as_u16();
        let mut parts = vec![format!("{} answered with HTTP {status}", self.operation)];
        parts.extend(error.code().map(str::to_owned));
        for (name, header) in [("request", "x-amz-request-id"), ("host", "x-amz-id-2")] {
            let id = response.headers().get(header).filter(|id| !id.is_empty());
            parts.extend(id.map(|id| format!("{name} id {id}")));
        }
        if (200..300).contains(&status) && error.code().is_none() {
            // The SDK prints its own types, and calls a store's answer its bug.
            parts.push(Chain::of(error).line());
        }
        parts.join(", ")
    }
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
        (None, None) if (200..300).contains(&status) => UNREADABLE.to_owned(),
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
