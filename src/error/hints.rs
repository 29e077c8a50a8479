//! What to type next where the store, or the way to it, is what fails.

use crate::remote::{NO_ETAG_HINT, RemoteErrorKind};

/// Returns what to do about an error of the store.
pub(super) fn remote_hint(kind: RemoteErrorKind) -> Option<&'static str> {
    use RemoteErrorKind as Kind;
    match kind {
        Kind::NoBucket => {
            Some("check the name, or make the bucket by `lsync init --create-bucket`")
        }
        Kind::BucketGone => Some("mount the disk, or check the path"),
        Kind::NoCredentials => Some(
            "run `aws configure`, set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY",
        ),
        Kind::Expired => {
            Some("log in again (`aws sso login`) or renew the keys, then run the command again")
        }
        Kind::ClockSkewed => Some("set the clock of this machine, then run the command again"),
        Kind::WrongKey => Some(
            "check the access key and its secret: one of them is mistyped, or belongs to another \
             store",
        ),
        Kind::Denied => Some("check with whoever owns the bucket what these credentials may do"),
        Kind::WrongRegion => Some("run `lsync init` on the same bucket again to find its region"),
        Kind::OutOfOrder => {
            Some("run `lsync init` on the same bucket again to find in which order its store lists")
        }
        Kind::BadEndpoint => Some(
            "write the server as https://HOST or http://HOST:PORT, in --endpoint-url or \
             AWS_ENDPOINT_URL",
        ),
        Kind::BadSetting => Some(
            "check how it is written, and set it again; files with Windows line ends leave a \
             carriage return behind",
        ),
        Kind::Unreachable
        | Kind::NotTls
        | Kind::Untrusted
        | Kind::ProxyUnreachable
        | Kind::ProxyDenied
        | Kind::BadProxy
        | Kind::BadCertificates => way_hint(kind),
        Kind::Interrupted | Kind::Throttled | Kind::Failed | Kind::Busy => {
            Some("run the command again")
        }
        Kind::NoEtag => Some(NO_ETAG_HINT),
        Kind::Archived => Some("restore the object from the archive first"),
        Kind::Full => Some(
            "make room on the bucket's disk, or have the quota raised, then run the command again",
        ),
        Kind::NotFound
        | Kind::Changed
        | Kind::Overwrote
        | Kind::Unsupported
        | Kind::Lying
        | Kind::Corrupt
        | Kind::Invalid => None,
    }
}

/// Returns what to do where the way to the store ends: server, proxy, certificates.
fn way_hint(kind: RemoteErrorKind) -> Option<&'static str> {
    use RemoteErrorKind as Kind;
    match kind {
        Kind::NotTls => Some("a server that speaks plain HTTP has an endpoint with http://"),
        Kind::Unreachable => {
            Some("check the server's name and port and the network, then run the command again")
        }
        Kind::Untrusted => Some(
            "check the server's name and the clock of this machine; if an authority of your own \
             signs for the store or for a proxy, name the file with its certificate in \
             AWS_CA_BUNDLE",
        ),
        Kind::ProxyUnreachable => Some(
            "correct the variable or unset it, or put the store's host into NO_PROXY to go past \
             the proxy; then run the command again",
        ),
        Kind::ProxyDenied => Some(
            "write the proxy as http://NAME:PASSWORD@HOST:PORT, or put the store's host into \
             NO_PROXY to go past it",
        ),
        Kind::BadProxy => Some(
            "write the proxy as http://HOST:PORT, unset the variable, or put the store's host into \
             NO_PROXY to go past it",
        ),
        Kind::BadCertificates => {
            Some("name a file with certificates in PEM, or unset it to trust what the machine does")
        }
        _ => None,
    }
}
