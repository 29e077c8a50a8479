//! The server of a store that is not AWS: what may be written for it, and how the SDK takes it.

/// The schemes that requests can be made by.
const SCHEMES: [&str; 2] = ["http", "https"];

/// Says what is wrong with the URL of a server, in words that follow its name.
pub(super) fn fault(url: &str) -> Option<String> {
    if url.is_empty() {
        return Some("is empty".to_owned());
    }
    if url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Some("has a space, a line end or a control character".to_owned());
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        return Some("does not begin with http:// or https://".to_owned());
    };
    if !SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Some(format!("begins with {scheme}://, not with http:// or https://"));
    }
    if rest.contains(['?', '#']) {
        return Some("has a ? or a #, which the address of a server has not".to_owned());
    }
    let authority = rest.split('/').next().unwrap_or("");
    fault_of_place(authority.rsplit_once('@').map_or(authority, |(_, behind)| behind))
}

/// Says what is wrong with `HOST`, `HOST:PORT` or an address in brackets, in words that follow it.
pub(super) fn fault_of_place(host_and_port: &str) -> Option<String> {
    let (host, port) = match host_and_port.strip_prefix('[') {
        Some(bracketed) => match bracketed.split_once(']') {
            Some((_, rest)) if !rest.is_empty() && !rest.starts_with(':') => {
                return Some("has something between its ] and its port".to_owned());
            }
            Some((host, rest)) => (host, rest.strip_prefix(':')),
            None => return Some("has a [ without its ]".to_owned()),
        },
        None if host_and_port.matches(':').count() > 1 => {
            return Some("has more than one colon: an IPv6 address stands in [ and ]".to_owned());
        }
        None => match host_and_port.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (host_and_port, None),
        },
    };
    if host.is_empty() {
        return Some("names no host".to_owned());
    }
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    port.filter(|port| !is_port(port))
        .map(|port| format!("has the port {port}; ports are numbers from 1 to 65535"))
}

/// Tells whether a server is spoken to in TLS.
pub(in crate::remote::s3) fn is_tls(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("https"))
}

/// Writes the URL as the SDK has to get it, which joins bucket and path without a slash between.
pub(super) fn joinable(url: &str) -> String {
    let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    match path {
        Some((_, path)) if !path.is_empty() && !path.ends_with('/') => format!("{url}/"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_url_with_a_scheme_a_host_and_a_port_that_can_be() {
        for url in [
            "http://localhost:9000",
            "HTTPS://s3.example.com",
            "https://s3.example.com/",
            "http://[::1]:9000/x",
            "http://[::1]",
            "https://user@s3.example.com/storage/v1/s3",
        ] {
            assert_eq!(fault(url), None, "{url}");
        }
        for (url, words) in [
            ("", "empty"),
            ("localhost:9000", "does not begin with"),
            ("127.0.0.1:5555", "does not begin with"),
            ("//s3.example.com", "does not begin with"),
            ("ftp://s3.example.com", "begins with ftp://"),
            ("http://", "no host"),
            ("http://:9000", "no host"),
            ("http://h:99999", "port 99999"),
            ("http://h:0", "port 0"),
            ("http://h:", "numbers from 1"),
            ("http://[::1]9000", "between its ]"),
            ("http://[::1", "without its ]"),
            ("http://::1:9000", "stands in [ and ]"),
            ("http://h /", "space"),
            ("http://h\r", "line end"),
            ("http://h/?x=1", "a ?"),
        ] {
            let found = fault(url);
            assert!(found.as_ref().is_some_and(|it| it.contains(words)), "{url}: {found:?}");
        }
    }

    #[test]
    fn a_path_ends_with_the_slash_that_the_sdk_leaves_out() {
        for (url, expected) in [
            ("http://h/storage/v1/s3", "http://h/storage/v1/s3/"),
            ("http://h/storage/v1/s3/", "http://h/storage/v1/s3/"),
            ("http://h:1/", "http://h:1/"),
            ("http://h:1", "http://h:1"),
        ] {
            assert_eq!(joinable(url), expected);
        }
    }
}
