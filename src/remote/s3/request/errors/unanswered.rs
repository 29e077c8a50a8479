//! What it means that no answer came: no connection, no credentials, or one that broke.

use std::error::Error;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::SdkError;
use aws_smithy_types::retry::ErrorKind;

use super::call::Call;
use super::certificate;
use crate::remote::s3::connection::{NoKey, Proxy, TUNNEL_ERROR, is_tls};
use crate::remote::{RemoteCause, RemoteError, RemoteErrorKind as Kind};

impl Call {
    /// Translates an error without an answer from the store.
    pub(super) fn translate_unanswered<E>(&self, error: &SdkError<E, HttpResponse>) -> RemoteError
    where
        E: Error + 'static,
    {
        let chain = Chain::of(error);
        if let Some((kind, why)) = &chain.no_key {
            return self.no_key(*kind, why);
        }
        if chain.is_about_credentials {
            return self.no_key(Kind::NoCredentials, &chain.line());
        }
        let obstacle = match error {
            // The only timeout that the SDK knows of is that of connecting.
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Some(Obstacle::TooSlow),
            SdkError::DispatchFailure(_) => chain.obstacle,
            _ => None,
        };
        if let Some(proxy) = &self.proxy
            && let Some(error) = self.no_way_through(proxy, obstacle, &chain)
        {
            return error;
        }
        if let Some(fault) = &chain.certificate {
            let error = self.untrusted(self.server(), fault);
            return RemoteError { message: self.by_way_of_proxy(error.message), ..error };
        }
        if let Some(obstacle) = obstacle {
            return self.no_connection(self.server(), Kind::Unreachable, obstacle, &chain);
        }
        let kind = match error {
            SdkError::ConstructionFailure(_) => Kind::Invalid,
            SdkError::DispatchFailure(failure) if failure.is_user() => Kind::Invalid,
            _ => Kind::Interrupted,
        };
        let hung_up = kind == Kind::Interrupted && (is_incomplete(error) || chain.is_cut);
        RemoteError { hung_up, ..self.error(kind, self.by_way_of_proxy(chain.line())) }
    }

    /// Names the server for messages.
    fn server(&self) -> &str {
        self.server.as_deref().unwrap_or("the store")
    }

    /// Names the proxy behind a message whose cause may lie there.
    pub(in crate::remote::s3) fn by_way_of_proxy(&self, message: String) -> String {
        match &self.proxy {
            Some(proxy) => format!("{message}, by way of {proxy}"),
            None => message,
        }
    }

    /// Says that the proxy wants to know who asks.
    pub(super) fn denied_by_proxy(&self) -> RemoteError {
        let message = match &self.proxy {
            Some(proxy) if proxy.has_password() => {
                format!("{proxy} does not take the name and the password in its URL")
            }
            Some(proxy) => format!("{proxy} asks for a name and a password"),
            None => "a proxy on the way asks for a name and a password".to_owned(),
        };
        self.error(Kind::ProxyDenied, message)
    }

    /// Says that the way to the store ends at the proxy, where it does.
    fn no_way_through(
        &self,
        proxy: &Proxy,
        obstacle: Option<Obstacle>,
        chain: &Chain,
    ) -> Option<RemoteError> {
        let message = match (chain.tunnel, obstacle) {
            (Some(Tunnel::Denied), _) => return Some(self.denied_by_proxy()),
            (Some(Tunnel::Refused), _) => {
                format!("{proxy} makes no connection to {}", self.server())
            }
            (Some(Tunnel::Broken), _) => format!("{proxy} does not answer as a proxy does"),
            (None, Some(Obstacle::TooSlow)) => {
                format!("{} does not answer in time, by way of {proxy}", self.server())
            }
            // Without TLS there is one connection, and it ends at the proxy.
            (Some(Tunnel::Unreached), _) | (None, Some(_))
                if chain.tunnel.is_some() || !self.is_tls() =>
            {
                let name = proxy.to_string();
                if let Some(fault) = &chain.certificate {
                    return Some(self.untrusted(&name, fault));
                }
                let obstacle = obstacle.unwrap_or(Obstacle::Other);
                return Some(self.no_connection(&name, Kind::ProxyUnreachable, obstacle, chain));
            }
            _ => return None,
        };
        Some(self.error(Kind::ProxyUnreachable, message))
    }

    /// Tells whether the store is spoken to in TLS; AWS always is.
    pub(super) fn is_tls(&self) -> bool {
        self.server.as_deref().is_none_or(is_tls)
    }

    /// Says that a certificate is not trusted, and why.
    fn untrusted(&self, whose: &str, fault: &str) -> RemoteError {
        self.error(Kind::Untrusted, format!("the certificate of {whose} is not trusted: {fault}"))
    }

    /// Says that a request could not be signed, and why.
    fn no_key(&self, kind: Kind, why: &str) -> RemoteError {
        if kind != Kind::NoCredentials {
            return self.error(kind, why);
        }
        let cause = RemoteCause::chain(vec![why.to_owned()]);
        RemoteError { cause, ..self.error(kind, "no credentials found") }
    }

    /// Says why no connection came about. A typo in the endpoint is the likeliest cause, and nothing
    /// else names it.
    fn no_connection(
        &self,
        server: &str,
        kind: Kind,
        obstacle: Obstacle,
        chain: &Chain,
    ) -> RemoteError {
        let fault = match obstacle {
            Obstacle::NotTls => {
                let kind = if kind == Kind::Unreachable { Kind::NotTls } else { kind };
                return self.error(kind, format!("{server} does not answer in TLS"));
            }
            Obstacle::UnknownHost => "its name cannot be resolved",
            Obstacle::Refused => "it refuses the connection",
            Obstacle::TooSlow => "it does not answer",
            Obstacle::Other => "",
        };
        let separator = if fault.is_empty() { "" } else { ": " };
        let error = self.error(kind, format!("{server} cannot be reached{separator}{fault}"));
        let is_told = matches!(obstacle, Obstacle::Refused | Obstacle::TooSlow);
        let root = chain.texts.last().filter(|_| !is_told);
        let cause = RemoteCause::chain(root.into_iter().map(|text| one_line(text)).collect());
        RemoteError { cause, ..error }
    }
}

/// Tells whether the connection was closed where an answer should have begun. Of the errors of the SDK
/// that are neither of I/O nor its user's this alone has a kind (`to_connector_error` of
/// `aws-smithy-http-client`).
fn is_incomplete<E>(error: &SdkError<E, HttpResponse>) -> bool {
    matches!(error, SdkError::DispatchFailure(failure)
        if failure.as_other() == Some(ErrorKind::TransientError))
}

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// Its name leads nowhere.
    UnknownHost,
    /// Nobody listens there.
    Refused,
    /// Nothing came back in time.
    TooSlow,
    /// Something came back that is no TLS.
    NotTls,
    /// The message says what.
    Other,
}

impl Obstacle {
    /// Reads one cause of an error; the most exact one is behind the others.
    fn of(cause: &(dyn Error + 'static), text: &str) -> Option<Self> {
        let io = cause.downcast_ref::<io::Error>();
        match io.and_then(of_tls) {
            Some(rustls::Error::InvalidMessage(_)) => return Some(Self::NotTls),
            Some(_) => return Some(Self::Other),
            None => (),
        }
        // hyper-util says "client error (Connect)" and "dns error", and keeps the facts from
        // everybody else.
        if text.starts_with("dns error") {
            return Some(Self::UnknownHost);
        }
        match io {
            Some(error) if error.kind() == io::ErrorKind::ConnectionRefused => Some(Self::Refused),
            Some(error) if is_no_connection(error) => Some(Self::Other),
            _ => text.contains("(Connect)").then_some(Self::Other),
        }
    }

    /// Of two, the one that says more.
    fn or(self, other: Self) -> Self {
        if self == Self::Other { other } else { self }
    }
}

/// How far the way through a proxy went (hyper-util, `TunnelError`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tunnel {
    /// No connection to the proxy.
    Unreached,
    /// The proxy asks who it is.
    Denied,
    /// The proxy answered, and not with a connection to the store.
    Refused,
    /// Something else came back, or nothing.
    Broken,
}

impl Tunnel {
    /// Reads what a cause says.
    fn of(text: &str) -> Option<Self> {
        Some(match text.strip_prefix(TUNNEL_ERROR)? {
            "failed to create underlying connection" => Self::Unreached,
            "proxy authorization required" => Self::Denied,
            "unsuccessful" => Self::Refused,
            _ => Self::Broken,
        })
    }
}

/// Finds the error of TLS within errors of I/O, which do not name each other as causes.
fn of_tls(error: &io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    let deeper = || inner.downcast_ref::<io::Error>().and_then(of_tls);
    inner.downcast_ref::<rustls::Error>().or_else(deeper)
}

/// What an error and its causes say.
#[derive(Default)]
pub(super) struct Chain {
    /// From the nearest cause to the first.
    texts: Vec<String>,
    obstacle: Option<Obstacle>,
    tunnel: Option<Tunnel>,
    /// What is wrong with the certificate of the other end.
    certificate: Option<String>,
    /// The connection was reset, or closed.
    is_cut: bool,
    is_about_credentials: bool,
    no_key: Option<(Kind, String)>,
}

impl Chain {
    /// Walks down the causes.
    pub(super) fn of(error: &(dyn Error + 'static)) -> Self {
        let mut chain = Self::default();
        let mut next = Some(error);
        while let Some(cause) = next {
            chain.add(cause);
            next = cause.source();
        }
        chain
    }

    fn add(&mut self, cause: &(dyn Error + 'static)) {
        let text = cause.to_string();
        if let Some(found) = Obstacle::of(cause, &text) {
            self.obstacle = Some(self.obstacle.map_or(found, |known| known.or(found)));
        }
        self.tunnel = self.tunnel.or_else(|| Tunnel::of(&text));
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            if let Some(rustls::Error::InvalidCertificate(error)) = of_tls(error) {
                self.certificate = Some(certificate::fault(error));
            }
            self.is_cut |= is_end(error);
        }
        if let Some(found) = cause.downcast_ref::<NoKey>() {
            self.no_key = Some((found.kind, found.why.clone()));
        }
        // The second is said where the chain of providers is empty.
        self.is_about_credentials |=
            cause.is::<CredentialsError>() || text.starts_with("failed to select an auth scheme");
        // The SDK's own layers say nothing that the cause does not.
        let is_empty = ["dispatch failure", "io error", "other"].contains(&text.as_str());
        if !is_empty && self.texts.last() != Some(&text) {
            self.texts.push(text);
        }
    }

    /// Joins what the causes say.
    pub(super) fn line(&self) -> String {
        one_line(&self.texts.join(": "))
    }
}

/// Joins lines: the SDK lists the credentials that it tried, one a line.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join("; ")
}

/// Tells whether an I/O error means that the other end closed the connection.
fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
    )
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
