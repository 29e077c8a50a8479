//! What it means that no answer came: no connection, no credentials, or one that broke.

use std::error::Error;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::SdkError;

use super::Call;
use crate::remote::s3::connection::NoKey;
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
        if let Some(obstacle) = obstacle {
            return self.no_connection(obstacle, &chain);
        }
        let kind = match error {
            SdkError::ConstructionFailure(_) => Kind::Invalid,
            SdkError::DispatchFailure(failure) if failure.is_user() => Kind::Invalid,
            _ => Kind::Interrupted,
        };
        self.error(kind, chain.line())
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
    fn no_connection(&self, obstacle: Obstacle, chain: &Chain) -> RemoteError {
        let server = self.server.as_deref().unwrap_or("the store");
        let fault = match obstacle {
            Obstacle::NotTls => {
                return self.error(Kind::NotTls, format!("{server} does not answer in TLS"));
            }
            Obstacle::UnknownHost => "its name cannot be resolved",
            Obstacle::Refused => "it refuses the connection",
            Obstacle::TooSlow => "it does not answer",
            Obstacle::Other => "",
        };
        let separator = if fault.is_empty() { "" } else { ": " };
        let error =
            self.error(Kind::Unreachable, format!("{server} cannot be reached{separator}{fault}"));
        let is_told = matches!(obstacle, Obstacle::Refused | Obstacle::TooSlow);
        let root = chain.texts.last().filter(|_| !is_told);
        let cause = RemoteCause::chain(root.into_iter().map(|text| one_line(text)).collect());
        RemoteError { cause, ..error }
    }
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

/// Finds the error of TLS within errors of I/O, which do not name each other as causes.
fn of_tls(error: &io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    let deeper = || inner.downcast_ref::<io::Error>().and_then(of_tls);
    inner.downcast_ref::<rustls::Error>().or_else(deeper)
}

/// What an error and its causes say.
pub(super) struct Chain {
    /// From the nearest cause to the first.
    texts: Vec<String>,
    obstacle: Option<Obstacle>,
    is_about_credentials: bool,
    no_key: Option<(Kind, String)>,
}

impl Chain {
    /// Walks down the causes.
    pub(super) fn of(error: &(dyn Error + 'static)) -> Self {
        let mut texts: Vec<String> = Vec::new();
        let (mut obstacle, mut is_about_credentials, mut no_key) = (None, false, None);
        let mut next = Some(error);
        while let Some(cause) = next {
            let text = cause.to_string();
            if let Some(found) = Obstacle::of(cause, &text) {
                obstacle = Some(obstacle.map_or(found, |known: Obstacle| known.or(found)));
            }
            if let Some(found) = cause.downcast_ref::<NoKey>() {
                no_key = Some((found.kind, found.why.clone()));
            }
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
        Self { texts, obstacle, is_about_credentials, no_key }
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
