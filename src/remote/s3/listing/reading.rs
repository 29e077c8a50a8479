//! Takes the answers to listings past the SDK, whose reading of XML costs more than all the rest.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aws_sdk_s3::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextMut,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use memchr::memmem;

use super::page::{RawPage, scan};
use crate::remote::s3::request::nanoseconds;

/// What the SDK reads where the page has been read.
const EMPTY_PAGE: &[u8] = b"<ListBucketResult/>";

/// Reads the page of an answer before the SDK does, which gets an empty one instead.
///
/// Where it cannot, it counts the objects: the SDK takes what stands before a break for the whole.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    page: Arc<Mutex<Option<RawPage>>>,
    objects: Arc<OnceLock<usize>>,
    date: Arc<OnceLock<i64>>,
}

impl Reading {
    /// Returns the page, if it could be read.
    pub(super) fn take_page(&self) -> Option<RawPage> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Returns how many objects the SDK should have found; `None` where the answer does not end as it
    /// should.
    pub(super) fn objects(&self) -> Option<usize> {
        self.objects.get().copied()
    }

    /// Returns what time the store says it is, in nanoseconds since 1970; `None` where it does not.
    pub(super) fn date(&self) -> Option<i64> {
        self.date.get().copied()
    }

    /// Returns how many objects there are; `None` where the answer does not end as it should.
    fn count(body: &[u8]) -> Option<usize> {
        let begins = |tag: &[u8]| {
            let is_all = |end: &usize| body.get(*end).is_some_and(|it| !it.is_ascii_alphanumeric());
            memmem::find_iter(body, tag).map(|at| at + tag.len()).filter(is_all).count()
        };
        // The SDK passes over both, and over what stands behind them.
        let hides = [b"<![CDATA[".as_slice(), b"<!--"];
        if hides.iter().any(|mark| memmem::find(body, mark).is_some()) {
            return None;
        }
        let objects = memmem::find_iter(body, b"</Contents>").count();
        let is_whole = body.trim_ascii_end().ends_with(b"</ListBucketResult>")
            && begins(b"<ListBucketResult") == 1
            && begins(b"<Contents") == objects;
        is_whole.then_some(objects)
    }
}

impl Intercept for Reading {
    fn name(&self) -> &'static str {
        "Reading"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        let date = response.headers().get("date");
        let date = date.and_then(|text| DateTime::from_str(text, Format::HttpDate).ok());
        if let Some(date) = date {
            self.date.get_or_init(|| nanoseconds(Some(&date)));
        }
        if response.status().is_success() {
            let body = std::mem::replace(response.body_mut(), SdkBody::taken());
            let page = Arc::clone(&self.page);
            let held_back = stream::once(async move {
                let answer = body.collect().await?.to_bytes();
                let Some(read) = scan(&answer) else { return Ok(Frame::data(answer)) };
                page.lock().unwrap_or_else(PoisonError::into_inner).replace(read);
                Ok::<_, BoxError>(Frame::data(Bytes::from_static(EMPTY_PAGE)))
            });
            *response.body_mut() = SdkBody::from_body_1_x(StreamBody::new(held_back));
        }
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes();
        if let Some(objects) = body.and_then(Self::count) {
            self.objects.get_or_init(|| objects);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_objects_of_an_answer_are_counted_where_it_is_whole() {
        let object = "<Contents><Key>a</Key></Contents>";
        let whole = format!("<ListBucketResult>{object}]]>{object}</ListBucketResult>\n");
        assert_eq!(Reading::count(whole.as_bytes()), Some(2));
        assert_eq!(Reading::count(&whole.as_bytes()[..whole.len() - 2]), None);
        assert_eq!(Reading::count(whole.replacen("</Contents>", "", 1).as_bytes()), None);
        assert_eq!(Reading::count(format!("{whole}{whole}").as_bytes()), None);
        assert_eq!(Reading::count(b""), None);
        for hidden in ["<![CDATA[a]]>", "<!-- -->"] {
            let hiding = whole.replacen("<Key>a", &format!("<Key>{hidden}a"), 1);
            assert_eq!(Reading::count(hiding.as_bytes()), None);
        }
    }
}
