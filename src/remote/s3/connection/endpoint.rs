//! Where requests go: the SDK's rules are asked once for a bucket, not twice for every request.

use std::sync::OnceLock;

use aws_sdk_s3::config::endpoint::{
    DefaultResolver, Endpoint, EndpointFuture, Params, ParamsBuilder, ResolveEndpoint,
};

/// Remembers the endpoint of one bucket.
///
/// The SDK's own memory takes the key for a part of the question and so never finds an answer again.
/// The rules do not look at keys; region, server and style are the same for all calls of a client.
#[derive(Debug)]
pub(super) struct OneBucket<R = DefaultResolver> {
    bucket: String,
    rules: R,
    found: OnceLock<Endpoint>,
}

impl<R> OneBucket<R> {
    /// Asks `rules`, and remembers what they say of `bucket`.
    pub(super) fn new(bucket: &str, rules: R) -> Self {
        Self { bucket: bucket.to_owned(), rules, found: OnceLock::new() }
    }

    /// Tells whether a call goes where all calls on objects go.
    fn is_ordinary(&self, params: &Params) -> bool {
        params.bucket() == Some(&self.bucket)
            && params.use_object_lambda_endpoint().is_none()
            && params.use_s3_express_control_endpoint().is_none()
            && params.disable_s3_express_session_auth().is_none()
            && params.disable_access_points().is_none()
    }
}

impl<R: ResolveEndpoint> ResolveEndpoint for OneBucket<R> {
    fn resolve_endpoint<'a>(&'a self, params: &'a Params) -> EndpointFuture<'a> {
        if !self.is_ordinary(params) {
            return self.rules.resolve_endpoint(params);
        }
        if let Some(endpoint) = self.found.get() {
            return EndpointFuture::ready(Ok(endpoint.clone()));
        }
        EndpointFuture::new(async move {
            let endpoint = self.rules.resolve_endpoint(params).await?;
            Ok(self.found.get_or_init(|| endpoint).clone())
        })
    }
}

/// Asks the SDK's rules where requests of these settings go.
///
/// # Errors
/// Why they have no address at all.
pub(super) async fn ask(params: ParamsBuilder) -> Result<String, String> {
    let params = params.build().map_err(|error| error.to_string())?;
    let found = ResolveEndpoint::resolve_endpoint(&DefaultResolver::new(), &params).await;
    found.map(|found| found.url().to_owned()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_sdk_s3::config::endpoint::ParamsBuilder;

    use super::*;

    /// Counts how often the SDK's rules are asked.
    #[derive(Debug, Default)]
    struct Counted(DefaultResolver, AtomicUsize);

    impl ResolveEndpoint for Counted {
        fn resolve_endpoint<'a>(&'a self, params: &'a Params) -> EndpointFuture<'a> {
            self.1.fetch_add(1, Ordering::Relaxed);
            ResolveEndpoint::resolve_endpoint(&self.0, params)
        }
    }

    fn about(bucket: &str) -> ParamsBuilder {
        Params::builder().region("eu-west-1").bucket(bucket)
    }

    async fn answer(resolver: &impl ResolveEndpoint, params: ParamsBuilder) -> Endpoint {
        resolver.resolve_endpoint(&params.build().unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn the_rules_are_asked_once_and_say_the_same_of_every_key() {
        let styles: [fn(ParamsBuilder) -> ParamsBuilder; 3] = [
            |params| params,
            |params| params.force_path_style(true),
            |params| params.endpoint("http://127.0.0.1:9000").force_path_style(true),
        ];
        for style in styles {
            let resolver = OneBucket::new("team", Counted::default());
            for key in ["a", "b/ü c.txt", "../x", "%2F"] {
                let asked = || style(about("team").key(key));
                let expected = answer(&DefaultResolver::new(), asked()).await;
                assert_eq!(answer(&resolver, asked()).await, expected, "{key}");
            }
            let listed = answer(&resolver, style(about("team").prefix("b/"))).await;
            assert_eq!(listed, answer(&DefaultResolver::new(), style(about("team"))).await);
            assert_eq!(resolver.rules.1.load(Ordering::Relaxed), 1);
        }
    }

    #[tokio::test]
    async fn calls_that_may_go_elsewhere_are_not_answered_from_memory() {
        let resolver = OneBucket::new("team--euw1-az1--x-s3", Counted::default());
        let objects = answer(&resolver, about("team--euw1-az1--x-s3").key("a")).await;
        let create = || about("team--euw1-az1--x-s3").use_s3_express_control_endpoint(true);
        let bucket = answer(&resolver, create()).await;
        assert_ne!(objects, bucket);
        let other = answer(&resolver, about("other").key("a")).await;
        assert_eq!(other, answer(&DefaultResolver::new(), about("other")).await);
    }

    #[tokio::test]
    async fn a_refusal_is_not_remembered() {
        let resolver = OneBucket::new("team", Counted::default());
        for _ in 0..2 {
            let params = Params::builder().bucket("team").region("a b").build().unwrap();
            assert!(resolver.resolve_endpoint(&params).await.is_err());
        }
        assert_eq!(resolver.rules.1.load(Ordering::Relaxed), 2);
    }
}
