//! The proxy that requests to the store go through, as the SDK finds it in the variables.

use std::ffi::OsString;
use std::fmt;

use hyper_util::client::proxy::matcher::Matcher;

use super::server;

/// Variables of which the first one that is set counts (hyper-util, `Matcher::from_env`).
type Names = [&'static str; 2];

const OF_HTTP: Names = ["HTTP_PROXY", "http_proxy"];
const OF_HTTPS: Names = ["HTTPS_PROXY", "https_proxy"];
const OF_BOTH: Names = ["ALL_PROXY", "all_proxy"];
const EXCEPTIONS: Names = ["NO_PROXY", "no_proxy"];

/// Set for programs that a web server runs. There a `Proxy` header becomes `HTTP_PROXY`, so that the
/// SDK passes over all of them.
const OF_CGI: &str = "REQUEST_METHOD";

/// How the error of a connection through a proxy begins (hyper-util, `TunnelError`, a private type).
pub(in crate::remote::s3) const TUNNEL_ERROR: &str = "tunnel error: ";

/// A proxy, and the variable that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::remote::s3) struct Proxy {
    variable: &'static str,
    /// `http://HOST:PORT`: a name and a password in the URL are left out.
    address: String,
    has_password: bool,
}

impl Proxy {
    /// Tells whether its URL holds a name, and a password perhaps.
    pub(in crate::remote::s3) fn has_password(&self) -> bool {
        self.has_password
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the proxy {} ({})", self.address, self.variable)
    }
}

/// Finds the proxy that requests to `url` go through.
///
/// # Errors
/// What is wrong with the variable that names it, without the password that may stand in there. The
/// SDK goes past a proxy whose URL it cannot read.
pub(super) fn find(
    url: &str,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<Proxy>, String> {
    if variable(OF_CGI).is_some() || is_excepted(url, &variable) {
        return Ok(None);
    }
    for names in [if server::is_tls(url) { OF_HTTPS } else { OF_HTTP }, OF_BOTH] {
        let Some((name, value)) = first(names, &variable) else { continue };
        if value.is_empty() {
            continue;
        }
        let read = value.to_str().ok_or("is no UTF-8").and_then(read);
        let (address, has_password) =
            read.map_err(|fault| format!("the variable {name} {fault}"))?;
        return Ok(Some(Proxy { variable: name, address, has_password }));
    }
    Ok(None)
}

/// Tells whether `NO_PROXY` takes out every server. The SDK takes `*` for all names alone, and goes on
/// to send requests to addresses through the proxy.
pub(super) fn is_switched_off(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    exceptions(&variable).split(',').any(|entry| entry.trim() == "*")
}

/// Tells whether `NO_PROXY` takes out the server of a URL.
fn is_excepted(url: &str, variable: &impl Fn(&str) -> Option<OsString>) -> bool {
    let is_matched = || {
        let rules = Matcher::builder().all("http://proxy").no(exceptions(variable)).build();
        url.parse().is_ok_and(|url| rules.intercept(&url).is_none())
    };
    is_switched_off(variable) || is_matched()
}

fn exceptions(variable: &impl Fn(&str) -> Option<OsString>) -> String {
    let found = first(EXCEPTIONS, variable).and_then(|(_, value)| value.into_string().ok());
    found.unwrap_or_default()
}

/// Returns the first variable that is set, be it to nothing.
fn first(
    names: Names,
    variable: &impl Fn(&str) -> Option<OsString>,
) -> Option<(&'static str, OsString)> {
    names.into_iter().find_map(|name| Some((name, variable(name)?)))
}

/// Reads a variable: the address of the proxy, and whether there is a name in front of it.
///
/// # Errors
/// What is wrong with it, in words that follow the variable's name. None of its own words stands
/// there: any could be a part of a password.
fn read(value: &str) -> Result<(String, bool), &'static str> {
    if value.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("has a space, a line end or a control character");
    }
    let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
    if scheme.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("socks")) {
        return Err("names a SOCKS proxy, and lsync speaks to HTTP proxies alone");
    }
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err("does not begin with http:// or https://");
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if rest.contains(['?', '#']) || path.contains('@') || authority.matches('@').count() > 1 {
        return Err("has a character that is written %23 (#), %2F (/), %3F (?) or %40 (@) in a \
                    name or a password");
    }
    let place = authority.rsplit_once('@').map_or(authority, |(_, behind)| behind);
    if server::fault_of_place(place).is_some() {
        return Err("has no host, or a port that is no number from 1 to 65535");
    }
    // What the SDK makes of it has the last word: it would go past a proxy that it cannot read.
    let matcher = Matcher::builder().all(value).build();
    let found = "http://store".parse().ok().and_then(|url| matcher.intercept(&url));
    let found = found.ok_or("is not written as http://HOST:PORT")?;
    let address = found.uri().to_string();
    Ok((address.trim_end_matches('/').to_owned(), found.basic_auth().is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Finds the proxy where these variables are set.
    fn found(url: &str, variables: &[(&str, &str)]) -> Option<String> {
        let value = |name: &str| variables.iter().find(|(other, _)| *other == name);
        let found = find(url, |name| value(name).map(|(_, value)| (*value).into()));
        found.unwrap().map(|proxy| proxy.to_string())
    }

    #[test]
    fn a_proxy_is_found_where_the_sdk_finds_it_and_its_password_left_out() {
        let (plain, tls) = ("http://s3.example:9000", "https://team.s3.example");
        for (url, variables, expected) in [
            (tls, &[][..], None),
            (tls, &[("HTTP_PROXY", "http://p:1")], None),
            (plain, &[("HTTPS_PROXY", "http://p:1")], None),
            (tls, &[("HTTPS_PROXY", "http://p:1")], Some("http://p:1 (HTTPS_PROXY)")),
            (plain, &[("http_proxy", "p:1")], Some("http://p:1 (http_proxy)")),
            (tls, &[("https_proxy", "https://p")], Some("https://p (https_proxy)")),
            (tls, &[("HTTPS_PROXY", "http://me:x@p:1/")], Some("http://p:1 (HTTPS_PROXY)")),
            (tls, &[("all_proxy", "HTTP://[::1]:1")], Some("http://[::1]:1 (all_proxy)")),
            (
                tls,
                &[("ALL_PROXY", "a:1"), ("https_proxy", "b:1"), ("HTTPS_PROXY", "c:1")],
                Some("http://c:1 (HTTPS_PROXY)"),
            ),
            (tls, &[("HTTPS_PROXY", ""), ("https_proxy", "b:1")], None),
            (tls, &[("HTTPS_PROXY", ""), ("ALL_PROXY", "a:1")], Some("http://a:1 (ALL_PROXY)")),
            (tls, &[("HTTPS_PROXY", "p:1"), ("REQUEST_METHOD", "GET")], None),
        ] {
            let expected = expected.map(|name| format!("the proxy {name}"));
            assert_eq!(found(url, variables), expected, "{url}, {variables:?}");
        }
    }

    #[test]
    fn no_proxy_takes_out_names_with_those_below_them_addresses_and_networks() {
        for (url, exceptions, is_out) in [
            ("https://team.s3.example", "s3.example", true),
            ("https://team.s3.example:9000", "a, .S3.EXAMPLE ,b", true),
            ("https://teams3.example", "s3.example", false),
            ("https://s3.example", ".s3.example", true),
            ("https://s3.example:9000", "s3.example:9000", false),
            ("https://10.1.2.3:9000", "10.0.0.0/8", true),
            ("https://10.1.2.3:9000", "*", true),
            ("https://[::1]:9000", "::1", true),
            ("https://10.1.2.3:9000", "1.2.3", false),
            ("https://s3.example", "", false),
        ] {
            let variables = [("HTTPS_PROXY", "p:1"), ("NO_PROXY", exceptions)];
            assert_eq!(found(url, &variables).is_none(), is_out, "{url}, {exceptions}");
            let variables = [("HTTPS_PROXY", "p:1"), ("no_proxy", exceptions)];
            assert_eq!(found(url, &variables).is_none(), is_out, "{url}, {exceptions}");
        }
        let variables = [("HTTPS_PROXY", "p:1"), ("NO_PROXY", ""), ("no_proxy", "*")];
        assert!(found("https://s3.example", &variables).is_some(), "the first that is set counts");
    }

    #[test]
    fn what_the_sdk_would_go_past_is_said() {
        let fault = |value: &str| {
            let value = value.to_owned();
            let only = move |name: &str| (name == "ALL_PROXY").then(|| value.clone().into());
            find("https://s3.example", only).unwrap_err()
        };
        for value in ["p:1", "http://p", "http://me:x@p:1/", "https://[::1]:1"] {
            assert!(read(value).is_ok(), "{value}");
        }
        for value in
            ["//p:1", "http:/p", "http://", "socks4://p:1", "p:0", "p:1/x@y", "localhost:1/"]
        {
            assert!(fault(value).starts_with("the variable ALL_PROXY "), "{value}");
        }
    }
}
