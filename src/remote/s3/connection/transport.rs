//! What carries requests, where it has to be another client than the SDK's own.

use aws_sdk_s3::config::SharedHttpClient;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, ConnectorBuilder};

use super::bundle::Trusted;

/// Makes the client that the SDK would make (`default_https_client` of `aws-smithy-runtime`), but for
/// whom it trusts, or without any proxy. `None` where the SDK's own does.
pub(super) fn client(trusted: &Trusted, without_proxy: bool) -> Option<SharedHttpClient> {
    let trusted = match trusted {
        Trusted::Machine if !without_proxy => return None,
        Trusted::Machine => TrustStore::default(),
        Trusted::These(pem) => TrustStore::empty().with_pem_certificate(pem.as_slice()),
        Trusted::Nobody(_) => TrustStore::empty(),
    };
    let context = TlsContext::builder().with_trust_store(trusted).build();
    let context = context.expect("it has no way to fail");
    Some(Builder::new().build_with_connector_fn(move |settings, components| {
        let proxies = if without_proxy { ProxyConfig::disabled() } else { ProxyConfig::from_env() };
        let mut connector = ConnectorBuilder::default()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(context.clone())
            .proxy_config(proxies);
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.build()
    }))
}
