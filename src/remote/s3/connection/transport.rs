//! What carries requests.

use std::time::Duration;

use aws_sdk_s3::config::SharedHttpClient;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, ConnectorBuilder};

use super::bundle::Trusted;

/// A connection that was idle for so long carries no other request. Balancers and firewalls forget one
/// after a minute at the earliest, mostly, and some without a word, so that what is sent on it is never
/// answered. The SDK keeps one for 90 s.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// How many requests a connection carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carries {
    /// One after the other.
    Many,
    /// One.
    One,
}

/// Makes the client that the SDK would make (`default_https_client` of `aws-smithy-runtime`), but for
/// whom it trusts, how long it keeps a connection, or without any proxy.
pub(super) fn client(trusted: &Trusted, without_proxy: bool, carries: Carries) -> SharedHttpClient {
    let trusted = match trusted {
        Trusted::Machine => TrustStore::default(),
        Trusted::These(pem) => TrustStore::empty().with_pem_certificate(pem.as_slice()),
        Trusted::Nobody(_) => TrustStore::empty(),
    };
    let context = TlsContext::builder().with_trust_store(trusted).build();
    let context = context.expect("it has no way to fail");
    Builder::new().build_with_connector_fn(move |settings, components| {
        let proxies = if without_proxy { ProxyConfig::disabled() } else { ProxyConfig::from_env() };
        let mut connector = ConnectorBuilder::default()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(context.clone())
            .proxy_config(proxies)
            .pool_idle_timeout(IDLE_TIMEOUT);
        if carries == Carries::One {
            connector = connector.pool_max_idle_per_host(0);
        }
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.build()
    })
}
