//! [`InProcess`]: a store without sockets. Each request is answered after the same time, so that a paused
//! clock tells how many of them waited for one another.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt as _;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::time::Instant;

use super::backend::Backend;
use super::profiles::Quirks;

/// The key of `S3Remote::open_with_transport`.
const KEY: (&str, &str) = ("key", "secret");

/// A request, from its beginning to its answer.
#[derive(Debug, Clone)]
pub struct Span {
    /// `/bucket/key?query`.
    pub target: String,
    /// Since the store was made.
    pub begun: Duration,
    /// Since the store was made.
    pub ended: Duration,
}

/// A store without sockets.
#[derive(Clone)]
pub struct InProcess {
    service: S3Service,
    latency: Duration,
    made: Instant,
    spans: Arc<Mutex<Vec<Span>>>,
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").field("latency", &self.latency).finish_non_exhaustive()
    }
}

impl InProcess {
    /// Makes a store with one empty bucket; each answer takes `latency`.
    pub fn new(quirks: Quirks, bucket: &str, latency: Duration) -> Self {
        let backend = Backend::new(quirks);
        backend.make_bucket(bucket);
        let mut builder = S3ServiceBuilder::new(backend);
        builder.set_auth(SimpleAuth::from_single(KEY.0, KEY.1));
        let spans = Arc::default();
        Self { service: builder.build(), latency, made: Instant::now(), spans }
    }

    /// Returns what takes requests there.
    pub fn transport(&self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(self.clone());
        http_client_fn(move |_, _| connector.clone())
    }

    /// Returns what was asked so far, in the order of the beginnings.
    pub fn spans(&self) -> Vec<Span> {
        let mut spans = self.spans.lock().unwrap().clone();
        spans.sort_by_key(|span| span.begun);
        spans
    }

    async fn answer(self, request: HttpRequest) -> HttpResponse {
        let (begun, uri) = (self.made.elapsed(), request.uri().to_owned());
        tokio::time::sleep(self.latency).await;
        let (mut parts, body) = request.try_into_http1x().unwrap().into_parts();
        let host = parts.uri.authority().unwrap().as_str().parse().unwrap();
        parts.headers.insert("host", host);
        let body = body.collect().await.unwrap().to_bytes();
        let target = parts.uri.path_and_query().unwrap().to_string();
        let request = hyper::Request::from_parts(parts, s3s::Body::from(body));
        let answer = self.service.call(request).await.unwrap_or_else(|_| panic!("{uri}"));
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let status = parts.status.as_u16().try_into().unwrap();
        let mut response = HttpResponse::new(status, SdkBody::from(body));
        for (name, value) in &parts.headers {
            let value = value.to_str().unwrap().to_owned();
            response.headers_mut().insert(name.as_str().to_owned(), value);
        }
        let ended = self.made.elapsed();
        self.spans.lock().unwrap().push(Span { target, begun, ended });
        response
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.clone().answer(request);
        HttpConnectorFuture::new(async move { Ok(answer.await) })
    }
}
