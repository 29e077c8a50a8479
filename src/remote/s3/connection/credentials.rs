//! Keys, looked at before they are used, and why there are none, in one sentence.

use std::error::Error;
use std::fmt;
use std::iter::successors;

use aws_config::profile::{ProfileFileLoadError, ProfileSet};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future::ProvideCredentials as Providing;
use aws_credential_types::provider::{ProvideCredentials, Result, SharedCredentialsProvider};
use aws_sdk_s3::config::Credentials;
use aws_types::os_shim_internal::Fs;

use super::profile::{self, variable, variable_os};
use super::proxy::{self, TUNNEL_ERROR};
use crate::remote::RemoteErrorKind as Kind;

/// The two halves of a key, as variables and in profiles.
const HALVES: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    ("aws_access_key_id", "aws_secret_access_key"),
];

/// What editors of Windows put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why there is no key that could be used.
#[derive(Debug)]
pub(in crate::remote::s3) struct NoKey {
    pub(in crate::remote::s3) kind: Kind,
    pub(in crate::remote::s3) why: String,
}

impl fmt::Display for NoKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.why)
    }
}

impl Error for NoKey {}

/// Whoever gives the key. The SDK panics at one that no header can hold, and tells five reasons or
/// none where there is no key at all.
#[derive(Debug)]
pub(super) struct Checked {
    inner: SharedCredentialsProvider,
    profile: Option<String>,
}

impl Checked {
    /// Looks at what `inner` gives; `profile` is what it was told to use.
    pub(super) fn new(inner: SharedCredentialsProvider, profile: Option<&str>) -> Self {
        Self { inner, profile: profile.map(str::to_owned) }
    }

    async fn credentials(&self) -> Result {
        match self.inner.provide_credentials().await {
            Ok(credentials) => check(credentials),
            Err(error) => {
                Err(CredentialsError::not_loaded(why(self.profile.as_deref(), &error).await))
            }
        }
    }
}

impl ProvideCredentials for Checked {
    fn provide_credentials<'a>(&'a self) -> Providing<'a>
    where
        Self: 'a,
    {
        Providing::new(self.credentials())
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.inner.fallback_on_interrupt()
    }
}

/// Refuses a key that no header can hold.
fn check(credentials: Credentials) -> Result {
    let parts = [
        ("access key id", credentials.access_key_id()),
        ("session token", credentials.session_token().unwrap_or("")),
    ];
    let fault = parts.into_iter().find(|(_, part)| !part.bytes().all(|b| b.is_ascii_graphic()));
    let Some((part, _)) = fault else { return Ok(credentials) };
    let why = format!("the {part} has a character that no key has");
    Err(CredentialsError::invalid_configuration(NoKey { kind: Kind::BadSetting, why }))
}

/// Finds the one reason that matters.
async fn why(profile: Option<&str>, error: &CredentialsError) -> NoKey {
    let no_key = |why| NoKey { kind: Kind::NoCredentials, why };
    let [(id, secret), _] = HALVES;
    if profile.is_none()
        && let Some(why) = half("the environment", (id, secret), |name| variable(name).is_some())
    {
        return no_key(why);
    }
    let profiles = match profile::load(profile).await {
        Ok(profiles) => profiles,
        Err(error) => return no_key(unreadable(&error).await),
    };
    let is_named = profile.is_some() || variable("AWS_PROFILE").is_some();
    if let Some(why) = fault_of_profile(&profiles, is_named) {
        return no_key(why);
    }
    let root = root(error);
    if let Some(why) = fault_of_proxy(error, &root) {
        return NoKey { kind: Kind::ProxyUnreachable, why };
    }
    let name = profiles.selected_profile();
    let signs_on = ["sso_session", "sso_start_url"].iter().any(|it| profiles.get(it).is_some());
    if signs_on {
        let why = format!("single sign-on for the profile {name:?} gives no key: {root}");
        return NoKey { kind: Kind::Expired, why };
    }
    match error {
        CredentialsError::CredentialsNotLoaded(_) => no_key(format!(
            "no key is in the environment or in the profile {name:?}, and this machine has no role"
        )),
        _ => no_key(root),
    }
}

/// Says that the way to who gives the key ends at a proxy, where it does. All of AWS that gives keys
/// is spoken to in TLS, and so through a tunnel (hyper-util, `TunnelError`).
fn fault_of_proxy(error: &CredentialsError, root: &str) -> Option<String> {
    let is_tunnel = |cause: &&(dyn Error + 'static)| cause.to_string().starts_with(TUNNEL_ERROR);
    successors(error.source(), |&cause| cause.source()).find(is_tunnel)?;
    let proxy = proxy::find("https://amazonaws.com", variable_os).ok()??;
    let root = root.strip_prefix(TUNNEL_ERROR).unwrap_or(root);
    Some(format!("no credentials come by way of {proxy}: {root}"))
}

/// Says what keeps the profile in use from giving a key.
fn fault_of_profile(profiles: &ProfileSet, is_named: bool) -> Option<String> {
    let name = profiles.selected_profile();
    let Some(profile) = profiles.get_profile(name) else {
        let mut known: Vec<&str> = profiles.profiles().collect();
        known.sort_unstable();
        let known = match known.as_slice() {
            [] => "no profile at all".to_owned(),
            known => known.join(", "),
        };
        return is_named.then(|| {
            format!("the AWS configuration files have no profile {name:?}; they have {known}")
        });
    };
    let [_, halves] = HALVES;
    let has = |key: &str| profile.get(key).is_some_and(|value| !value.trim().is_empty());
    half(&format!("the profile {name:?}"), halves, has)
}

/// Says which half of a key is missing where only the other one is there.
fn half(place: &str, (id, secret): (&str, &str), has: impl Fn(&str) -> bool) -> Option<String> {
    let (there, missing) = match (has(id), has(secret)) {
        (true, false) => (id, secret),
        (false, true) => (secret, id),
        (true, true) | (false, false) => return None,
    };
    Some(format!("{place} has {there} and no {missing}"))
}

/// Says which file cannot be read, and why.
async fn unreadable(error: &ProfileFileLoadError) -> String {
    let ProfileFileLoadError::ParseError { .. } = error else {
        return format!("{error}: {}", root(error));
    };
    let root = root(error);
    let place = root.strip_prefix("error parsing ").and_then(|rest| rest.split_once(": "));
    let Some((place, said)) = place else { return root };
    let file = place.rsplit_once(" on line ").map_or(place, |(file, _)| file);
    let text = Fs::real().read_to_end(file).await;
    let has_mark = text.is_ok_and(|bytes| bytes.starts_with(BYTE_ORDER_MARK));
    let fault = match said.trim() {
        _ if place.ends_with(" on line 1") && has_mark => {
            "it begins with a byte order mark: save it as UTF-8 without one"
        }
        "Expected a profile definition" => "a heading such as [default] is missing above it",
        "Profile definition must end with ']'" => "the heading lacks its closing bracket",
        other => return format!("cannot read {place}: {other}"),
    };
    format!("cannot read {place}: {fault}")
}

/// Returns what the first cause says, on one line.
fn root(error: &(dyn Error + 'static)) -> String {
    let mut first = error;
    while let Some(cause) = first.source() {
        first = cause;
    }
    first.to_string().lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// Says what is wrong with the variables that a request would be made with.
pub(super) fn fault_of_variables(with_key: bool, with_region: bool) -> Option<String> {
    let key = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"];
    let region = ["AWS_REGION", "AWS_DEFAULT_REGION"];
    let key = key.into_iter().filter(|_| with_key);
    key.chain(region.into_iter().filter(|_| with_region)).find_map(|name| {
        let value = std::env::var_os(name)?;
        let fault = fault_of_value(value.to_str());
        fault.map(|fault| format!("the variable {name} {fault}"))
    })
}

/// Says what is wrong with the text of a setting, in words that follow its name.
fn fault_of_value(value: Option<&str>) -> Option<&'static str> {
    let Some(value) = value else { return Some("is no UTF-8") };
    if value.ends_with('\r') {
        Some("ends with a carriage return, as lines of Windows do")
    } else if value.ends_with('\n') {
        Some("ends with a line end")
    } else if value.contains(char::is_control) {
        Some("has a control character")
    } else {
        None
    }
}

/// Says what is wrong with the name of a region, in words that follow it.
pub(super) fn fault_of_region(region: &str) -> Option<&'static str> {
    if region.is_empty() {
        return Some("is empty");
    }
    let is_odd = |c: char| c.is_control() || c.is_whitespace() || c == '/' || !c.is_ascii();
    region.contains(is_odd).then_some("has a character that no region has")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_no_header_can_hold_is_refused() {
        let key = |id: &str, token: Option<&str>| {
            check(Credentials::new(id, "s", token.map(str::to_owned), None, "test")).is_ok()
        };
        assert!(key("AKIA", None) && key("AKIA", Some("abc+/=")));
        for id in ["AKIA\r", "AKIA\n", "AK IA", "AKIÄ"] {
            assert!(!key(id, None) && !key("AKIA", Some(id)), "{id:?}");
        }
    }

    #[test]
    fn a_setting_that_ends_with_a_line_end_says_so() {
        assert_eq!(fault_of_value(Some("eu-west-1")), None);
        for (value, words) in [("a\r", "carriage return"), ("a\n", "line end"), ("a\tb", "control")]
        {
            assert!(fault_of_value(Some(value)).is_some_and(|it| it.contains(words)), "{value:?}");
        }
        assert_eq!(fault_of_value(None), Some("is no UTF-8"));
    }

    #[test]
    fn a_region_is_one_word() {
        for region in ["eu-west-1", "auto", "garage", "us_east.1"] {
            assert_eq!(fault_of_region(region), None, "{region}");
        }
        for region in ["", "eu west", "a/b", "eu-west-1\r"] {
            assert!(fault_of_region(region).is_some(), "{region:?}");
        }
    }

    #[test]
    fn half_a_key_is_named() {
        let halves = ("id", "secret");
        assert_eq!(half("it", halves, |name| name == "id"), Some("it has id and no secret".into()));
        assert_eq!(half("it", halves, |_| true), None);
        assert_eq!(half("it", halves, |_| false), None);
    }
}
