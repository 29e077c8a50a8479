//! How the SDK's client is built: whose credentials, which region, which server, and what it is
//! told to leave alone.

mod bundle;
mod credentials;
mod endpoint;
mod profile;
mod proxy;
mod server;
mod transport;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider, ProfileSet};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::endpoint::{DefaultResolver, Params};
use aws_sdk_s3::config::{
    Credentials, RequestChecksumCalculation, ResponseChecksumValidation, SharedHttpClient,
};

use bundle::Trusted;
use credentials::Checked;
use endpoint::OneBucket;
use profile::{variable, variable_os};
use transport::Carries;

pub(super) use credentials::NoKey;
pub(super) use proxy::{Proxy, TUNNEL_ERROR};
pub(super) use server::is_tls;

use crate::remote::{RemoteError, RemoteErrorKind as Kind};

/// Used where nobody names a region: AWS answers from there where a bucket really lies, and most
/// other stores take it.
pub(super) const DEFAULT_REGION: &str = "us-east-1";

/// The variable that names the server of this one service.
const ENDPOINT_OF_S3: &str = "AWS_ENDPOINT_URL_S3";

/// How long a connection may take to come about, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3_100);

/// What it takes to reach a bucket, apart from credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Settings {
    /// The bucket's name.
    pub bucket: String,
    /// What keys begin with; slashes around it do not count.
    pub prefix: String,
    /// Where nothing is given: the environment, the profile, then `us-east-1`.
    pub region: Option<String>,
    /// The server, where it is not AWS; else the environment and the profile are asked.
    pub endpoint: Option<String>,
    /// The profile of the AWS configuration files; else `AWS_PROFILE` or `default`.
    pub profile: Option<String>,
    /// `https://server/bucket/key` instead of `https://bucket.server/key`; also chosen where the
    /// server or the bucket cannot do otherwise.
    pub path_style: bool,
}

/// What a test puts in the place of the real thing.
#[derive(Debug, Default)]
pub(super) struct StandIns {
    /// A key, instead of the AWS chain.
    pub(super) credentials: Option<Credentials>,
    /// Whoever answers requests, instead of a server.
    pub(super) transport: Option<SharedHttpClient>,
}

/// A client, and what was found out on the way.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    /// The SDK's client.
    pub(super) client: Client,
    /// The region that requests are signed for.
    pub(super) region: String,
    /// The server, where it is not AWS.
    pub(super) endpoint: Option<String>,
    /// What requests go through on their way to the server.
    pub(super) proxy: Option<Arc<Proxy>>,
}

impl Connection {
    /// Builds the client. Makes no request.
    ///
    /// The credentials come from the AWS chain (environment, profile, SSO, web identity, container,
    /// instance), unless a test brings its own.
    ///
    /// # Errors
    /// Where server, region and bucket make no address, or one of the settings cannot be sent.
    pub(super) async fn open(
        settings: &S3Settings,
        stand_ins: StandIns,
    ) -> Result<Self, RemoteError> {
        let with_key = settings.profile.is_none();
        if let Some(fault) = credentials::fault_of_variables(with_key, settings.region.is_none()) {
            return Err(refusal(settings, Kind::BadSetting, fault));
        }
        let region = region(settings).await;
        if let Some(fault) = credentials::fault_of_region(region.as_ref()) {
            let message = format!("the region {:?} {fault}", region.as_ref());
            return Err(refusal(settings, Kind::BadSetting, message));
        }
        let profiles = profile::load(settings.profile.as_deref()).await.ok();
        let trusted = bundle::read(profiles.as_ref(), variable_os).await;
        let trusted = trusted.map_err(|fault| refusal(settings, Kind::BadCertificates, fault))?;
        let is_stand_in = stand_ins.transport.is_some();
        let without_proxy = proxy::is_switched_off(variable_os);
        let made = |carries| transport::client(&trusted, without_proxy, carries);
        let transport = stand_ins.transport.or_else(|| Some(made(Carries::Many)));
        let stand_ins = StandIns { transport, ..stand_ins };
        let shared = shared_config(settings, region.clone(), stand_ins).await;
        let endpoint = endpoint(settings, &shared, profiles.as_ref());
        if let Some(url) = &endpoint
            && let Some(fault) = server::fault(url)
        {
            let message = format!("the endpoint {url:?} {fault}");
            return Err(refusal(settings, Kind::BadEndpoint, message));
        }
        let path_style = settings.path_style || needs_path_style(endpoint.as_deref(), settings);
        let address = endpoint.as_deref().map(server::joinable);
        let params = Params::builder()
            .bucket(&settings.bucket)
            .region(region.to_string())
            .force_path_style(path_style)
            .set_endpoint(address.clone());
        let asked = endpoint::ask(params).await;
        let url = asked.map_err(|fault| refusal(settings, Kind::BadSetting, fault))?;
        let proxy = if is_stand_in { None } else { way_to(&url, settings, &trusted)? };
        // Proxies that are no tunnel may answer one request a connection, and not say so: what comes
        // behind it is lost without a word (tinyproxy 1.11, its issue 563).
        let is_passed_on = proxy.is_some() && !is_tls(&url);
        let transport = is_passed_on.then(|| made(Carries::One));
        let client = client(settings, &shared, address, path_style, transport);
        Ok(Self { client, region: region.to_string(), endpoint, proxy: proxy.map(Arc::new) })
    }

    /// Tells whether bodies may go unsigned: TLS protects them on the way, or they do not leave the
    /// machine. Saves a SHA-256 of every byte (measured at 100 MB/s to 1 GB/s of one core).
    pub(super) fn may_leave_bodies_unsigned(&self) -> bool {
        let in_the_clear = self.endpoint.as_deref().is_some_and(|url| url.starts_with("http://"));
        !in_the_clear || self.is_near()
    }

    /// Tells whether the server is this machine.
    pub(super) fn is_near(&self) -> bool {
        self.endpoint.as_deref().is_some_and(|url| is_loopback(host(url)))
    }
}

/// Makes the error of settings that no request was made with.
fn refusal(settings: &S3Settings, kind: Kind, message: String) -> RemoteError {
    RemoteError::new(kind, "CONNECT", format!("s3://{}", settings.bucket), message)
}

/// Builds the client of one bucket.
fn client(
    settings: &S3Settings,
    shared: &SdkConfig,
    address: Option<String>,
    path_style: bool,
    transport: Option<SharedHttpClient>,
) -> Client {
    let mut config = aws_sdk_s3::config::Builder::from(shared)
        .force_path_style(path_style)
        .endpoint_resolver(OneBucket::new(&settings.bucket, DefaultResolver::new()));
    if address.is_some() || std::env::var_os(ENDPOINT_OF_S3).is_some_and(|it| it.is_empty()) {
        // Whatever the SDK would choose: this is the server that the database is about. It takes
        // a variable that is empty for a server.
        config.set_endpoint_url(address);
    }
    if let Some(transport) = transport {
        config = config.http_client(transport);
    }
    if let Some(inner) = shared.credentials_provider() {
        let checked = Checked::new(inner, settings.profile.as_deref());
        config = config.credentials_provider(checked);
    }
    Client::from_conf(config.build())
}

/// Finds the proxy on the way to the store, and looks whether a certificate can be checked at its
/// end.
fn way_to(
    url: &str,
    settings: &S3Settings,
    trusted: &Trusted,
) -> Result<Option<Proxy>, RemoteError> {
    match trusted {
        Trusted::Nobody(fault) if is_tls(url) => {
            Err(refusal(settings, Kind::BadCertificates, fault.clone()))
        }
        _ => {
            proxy::find(url, variable_os).map_err(|fault| refusal(settings, Kind::BadProxy, fault))
        }
    }
}

/// Finds the server, where it is not AWS. The SDK prefers the variable for the one service, too (SDK
/// reference, "Service-specific endpoints"), but does not tell what it chose, and passes over what it
/// cannot read.
fn endpoint(
    settings: &S3Settings,
    shared: &SdkConfig,
    profiles: Option<&ProfileSet>,
) -> Option<String> {
    let found = settings
        .endpoint
        .clone()
        .or_else(|| variable(ENDPOINT_OF_S3))
        .or_else(|| variable("AWS_ENDPOINT_URL"))
        .or_else(|| shared.endpoint_url().map(str::to_owned));
    let ignores = || variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    if found.is_some() || ignores().is_some_and(|it| it.eq_ignore_ascii_case("true")) {
        return found;
    }
    profiles?.get("endpoint_url").filter(|url| !url.is_empty()).map(str::to_owned)
}

/// Finds the region without the instance's metadata service, which costs seconds elsewhere.
async fn region(settings: &S3Settings) -> Region {
    let given = settings.region.clone().map(Region::new);
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &settings.profile {
        profile = profile.profile_name(name);
    }
    RegionProviderChain::first_try(given)
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(profile.build())
        .region()
        .await
        .unwrap_or_else(|| Region::from_static(DEFAULT_REGION))
}

/// Loads what all services share.
async fn shared_config(settings: &S3Settings, region: Region, stand_ins: StandIns) -> SdkConfig {
    // Retries belong to `transfer`; the SDK's token bucket would fail a run at the first burst of
    // 503s. Its checksum trailers are refused by Garage and Ceph, so checksums are headers of ours.
    // Bodies have timeouts of our own (`patience`), which know their size.
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(region)
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).build())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    if let Some(endpoint) = &settings.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(profile) = &settings.profile {
        // A profile that was named wins over keys in the environment, as with the AWS command line;
        // the SDK's own order is the reverse.
        let mut provider = ProfileFileCredentialsProvider::builder().profile_name(profile);
        if let Some(transport) = &stand_ins.transport {
            let config = ProviderConfig::default().with_http_client(transport.clone());
            provider = provider.configure(&config);
        }
        loader = loader.profile_name(profile).credentials_provider(provider.build());
    }
    if let Some(credentials) = stand_ins.credentials {
        loader = loader.credentials_provider(credentials);
    }
    if let Some(transport) = stand_ins.transport {
        loader = loader.http_client(transport);
    }
    loader.load().await
}

/// Tells whether the bucket's name cannot stand in front of the server's.
fn needs_path_style(endpoint: Option<&str>, settings: &S3Settings) -> bool {
    let odd_name = settings
        .bucket
        .contains(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '-');
    // A name without a dot (`localhost`, a container's name) has no subdomains in any DNS.
    let odd_server = endpoint.map(host).is_some_and(|host| {
        host.parse::<IpAddr>().is_ok() || !host.contains('.') || host.ends_with(".localhost")
    });
    odd_name || odd_server
}

/// Returns the host of a URL, without port and brackets.
fn host(url: &str) -> &str {
    let authority = url.split_once("://").map_or(url, |(_, behind)| behind);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or("");
    let authority = authority.rsplit_once('@').map_or(authority, |(_, behind)| behind);
    if let Some((host, _)) = authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return host;
    }
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}

/// Tells whether a host is this machine.
fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(bucket: &str) -> S3Settings {
        S3Settings {
            bucket: bucket.to_owned(),
            prefix: String::new(),
            region: Some("eu-west-1".to_owned()),
            endpoint: None,
            profile: None,
            path_style: false,
        }
    }

    #[test]
    fn hosts_are_found_in_urls() {
        for (url, expected) in [
            ("http://127.0.0.1:9000", "127.0.0.1"),
            ("http://[::1]:9000/x", "::1"),
            ("https://user@s3.example.com/", "s3.example.com"),
            ("localhost:9000", "localhost"),
        ] {
            assert_eq!(host(url), expected, "{url}");
        }
    }

    #[test]
    fn path_style_is_chosen_where_names_cannot_be_hosts() {
        for (endpoint, bucket, expected) in [
            (None, "team", false),
            (None, "team.files", true),
            (None, "my_bucket", true),
            (None, "Team", true),
            (Some("http://127.0.0.1:9000"), "team", true),
            (Some("http://localhost:9000"), "team", true),
            (Some("http://minio:9000"), "team", true),
            (Some("https://ams3.digitaloceanspaces.com"), "team", false),
        ] {
            assert_eq!(needs_path_style(endpoint, &settings(bucket)), expected, "{endpoint:?}");
        }
    }

    #[test]
    fn bodies_are_signed_only_where_others_could_change_them() {
        let with = |endpoint: Option<&str>| {
            let config = aws_sdk_s3::Config::builder()
                .behavior_version(BehaviorVersion::v2026_01_12())
                .build();
            Connection {
                client: Client::from_conf(config),
                region: DEFAULT_REGION.to_owned(),
                endpoint: endpoint.map(str::to_owned),
                proxy: None,
            }
        };
        assert!(with(None).may_leave_bodies_unsigned());
        assert!(with(Some("https://s3.example.com")).may_leave_bodies_unsigned());
        assert!(with(Some("http://[::1]:80")).may_leave_bodies_unsigned());
        assert!(!with(Some("http://s3.example.com")).may_leave_bodies_unsigned());
    }
}
