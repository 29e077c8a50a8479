//! Why a certificate is not trusted, in words. Pure.

use chrono::DateTime;
use rustls::CertificateError;
use rustls::pki_types::UnixTime;

/// Says what is wrong with a certificate.
pub(super) fn fault(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => {
            "no authority that is trusted here has signed it".to_owned()
        }
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("it expired on {}", day(*not_after))
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("it is not valid before {}", day(*not_before))
        }
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            "it names no server (subjectAltName)".to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<&str> = presented.iter().map(|name| plain(name)).collect();
            format!("it is for {}", names.join(", "))
        }
        // What `openssl req -x509` makes by itself. OpenSSL lets it pass.
        CertificateError::Other(other) if other.to_string() == "CaUsedAsEndEntity" => {
            "it is an authority's own (CA:TRUE), and a server's has CA:FALSE".to_owned()
        }
        other => other.to_string(),
    }
}

/// Takes `DnsName("a.example")` and `IpAddress(10.0.0.1)` for what they hold.
fn plain(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

fn day(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).ok();
    let time = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    time.map_or_else(|| "a day far away".to_owned(), |time| time.format("%Y-%m-%d").to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_wrong_with_a_certificate_is_said_with_its_day_and_its_names() {
        let time = UnixTime::since_unix_epoch(Duration::from_hours(18_262 * 24));
        let names = |names: &[&str]| CertificateError::NotValidForNameContext {
            expected: "s3.example".try_into().unwrap(),
            presented: names.iter().map(|&name| name.to_owned()).collect(),
        };
        for (error, words) in [
            (CertificateError::UnknownIssuer, "no authority that is trusted here has signed it"),
            (
                CertificateError::ExpiredContext { time, not_after: time },
                "it expired on 2020-01-01",
            ),
            (
                CertificateError::NotValidYetContext { time, not_before: time },
                "it is not valid before 2020-01-01",
            ),
            (
                names(&["DnsName(\"a.example\")", "IpAddress(10.0.0.1)", "odd"]),
                "it is for a.example, 10.0.0.1, odd",
            ),
            (names(&[]), "it names no server (subjectAltName)"),
        ] {
            assert_eq!(fault(&error), words);
        }
    }
}
