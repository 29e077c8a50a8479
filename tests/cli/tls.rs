//! Stores behind TLS and behind a proxy: whose certificates count, and which of the two is broken.

use crate::endpoints::refusing_port;
use crate::support::{Manner, Output, Profile, Proxy, TlsFront, certificate};
use crate::team::{BUCKET, Team, assert_error};

/// The variables that name a file for all that the machine trusts.
const BUNDLE: &str = "AWS_CA_BUNDLE";
const MACHINE: &str = "SSL_CERT_FILE";

/// A team with one working copy, whose store is reached in TLS as well.
struct Guarded {
    team: Team,
    front: TlsFront,
}

impl Guarded {
    /// The store shows this certificate.
    fn new(certificate: &str) -> Self {
        let team = Team::without_copies(Profile::Aws);
        team.join("one");
        let front = TlsFront::new(certificate, team.server.address());
        let guarded = Self { team, front };
        guarded.reach(&guarded.front.endpoint());
        guarded
    }

    /// As [`Guarded::new`], with a certificate that fits, whose authority is trusted.
    fn trusted() -> Self {
        let mut guarded = Self::new("server.pem");
        guarded.trust(BUNDLE, "authority.pem");
        guarded
    }

    /// Lets the working copy reach its store there.
    fn reach(&self, endpoint: &str) {
        let config = self.team.text("one/.lsync/config.yaml");
        let line = |line: &str| match line.split_once("endpoint:") {
            Some((before, _)) => format!("{before}endpoint: {endpoint}\n"),
            None => format!("{line}\n"),
        };
        self.team.write("one/.lsync/config.yaml", config.lines().map(line).collect::<String>());
    }

    /// Names a file of `tests/support/tls`.
    fn trust(&mut self, variable: &str, name: &str) {
        self.set(variable, certificate(name).to_str().unwrap());
    }

    fn set(&mut self, variable: &str, value: &str) {
        self.team.set_variable(variable, value);
    }

    /// Gives the AWS configuration these lines, and names it.
    fn configure(&mut self, lines: &str) {
        self.team.write("aws", lines);
        let path = self.team.path("aws").to_str().unwrap().to_owned();
        self.set("AWS_CONFIG_FILE", &path);
    }

    /// Looks at the store, and expects that it was reached.
    #[track_caller]
    fn assert_reached(&self) {
        self.team.server.clear_log();
        self.team.ok("one", "status");
        assert_eq!(self.team.server.count("ListObjectsV2"), 1, "{:?}", self.team.requests());
    }

    /// Looks at the store, and expects an error with these parts and no request.
    #[track_caller]
    fn assert_stopped(&self, code: i32, parts: &[&str]) -> Output {
        self.team.server.clear_log();
        let control = self.team.control("one");
        let output = self.team.run("one", "status");
        assert_error(&output, code, parts);
        assert!(!output.stderr.contains("is recorded"), "{}", output.stderr);
        assert_eq!(self.team.requests(), Vec::<String>::new());
        assert_eq!(self.team.control("one"), control);
        output
    }
}

fn text_of(name: &str) -> String {
    certificate(name).to_str().unwrap().to_owned()
}

#[test]
fn a_store_with_an_authority_of_its_own_is_set_up_and_synced_where_that_is_named() {
    let mut guarded = Guarded::trusted();
    let endpoint = guarded.front.endpoint();
    guarded.set("AWS_ENDPOINT_URL", &endpoint);
    guarded.team.ok("two", "init team .");
    guarded.team.write("two/f", "f");
    guarded.team.ok("two", "sync");
    assert_eq!(guarded.team.server.keys(BUCKET), ["f"]);
    guarded.team.ok(".", "clone team three");
    assert_eq!(guarded.team.texts("three"), guarded.team.bucket());
}

#[test]
fn the_file_of_certificates_is_the_variables_then_the_profiles_then_the_machines() {
    let mut guarded = Guarded::new("server.pem");
    let ours = text_of("authority.pem");
    // The certificate of somebody else: what is named stands for all others.
    let other = text_of("../certificate.pem");
    for (bundle, profile, machine, is_reached) in [
        (&*ours, "", &*other, true),
        (&other, "", &ours, false),
        ("", "", &ours, true),
        ("", "", &other, false),
        ("", &ours, &other, true),
        ("", &other, &ours, false),
        (&ours, &other, &other, true),
        (&ours, "/nosuch", "/nosuch", true),
        (&other, &ours, &ours, false),
        ("", &ours, "/nosuch", true),
    ] {
        guarded.set(BUNDLE, bundle);
        guarded.set(MACHINE, machine);
        guarded.configure(&format!("[default]\nca_bundle = {profile}\n"));
        if is_reached {
            guarded.assert_reached();
        } else {
            guarded.assert_stopped(13, &["is not trusted"]);
        }
    }
}

#[test]
fn the_file_of_certificates_is_that_of_the_profile_in_use() {
    let mut guarded = Guarded::new("server.pem");
    let key = "aws_access_key_id = test\naws_secret_access_key = testtest\n";
    let ours = text_of("authority.pem");
    guarded.configure(&format!(
        "[default]\nca_bundle = /nosuch\n[profile work]\nca_bundle = {ours}\n{key}"
    ));
    guarded.assert_stopped(2, &["ca_bundle of the profile \"default\" names \"/nosuch\""]);
    guarded.set("AWS_PROFILE", "work");
    guarded.assert_reached();
    guarded.set("AWS_PROFILE", "");
    let endpoint = guarded.front.endpoint();
    let words = ["init", "team", ".", "--profile", "work", "--endpoint-url", &endpoint];
    guarded.team.lsync("two", words).assert_code(0);
    guarded.team.ok("two", "sync");
}

#[test]
fn a_file_of_certificates_that_is_none_is_wrong_usage_at_once_and_names_who_names_it() {
    let mut guarded = Guarded::new("server.pem");
    let authority = String::from_utf8(guarded.team.read(certificate("authority.pem"))).unwrap();
    let lines: Vec<&str> = authority.lines().collect();
    let damaged = authority.replace(lines[1], &lines[1].chars().rev().collect::<String>());
    guarded.team.write("empty", "");
    guarded.team.write("cut", lines[..4].join("\n"));
    guarded.team.write("damaged", format!("{authority}{damaged}"));
    let path = |name: &str| guarded.team.path(name).to_str().unwrap().to_owned();
    let files = [
        (path("nosuch"), "cannot be read: No such file"),
        (path("one"), "cannot be read: Is a directory"),
        (path("empty"), "holds no certificate in PEM"),
        (text_of("server.key"), "holds no certificate in PEM"),
        (path("cut"), "is no PEM file"),
        (path("damaged"), "holds a certificate, number 2"),
    ];
    for (file, fault) in &files {
        let names = format!("names {file:?}, which {fault}");
        guarded.set(BUNDLE, file);
        guarded.assert_stopped(2, &[&format!("the variable {BUNDLE} {names}"), "in PEM"]);
        guarded.set(BUNDLE, "");
        guarded.configure(&format!("[default]\nca_bundle = {file}\n"));
        guarded.assert_stopped(2, &[&format!("ca_bundle of the profile \"default\" {names}")]);
        guarded.configure("");
        guarded.set(MACHINE, file);
        // What the machine trusts is taken as far as it can be read.
        if !file.ends_with("damaged") {
            guarded.assert_stopped(2, &[&format!("the variable {MACHINE} {names}")]);
            guarded.reach(&guarded.team.server.endpoint());
            guarded.assert_reached();
            guarded.reach(&guarded.front.endpoint());
        }
        guarded.trust(MACHINE, "authority.pem");
        guarded.assert_reached();
    }
    assert!(!guarded.team.exists("two"));
    for (file, _) in &files {
        guarded.set(BUNDLE, file);
        assert_error(&guarded.team.run("two", "init team ."), 2, &["names"]);
    }
    assert!(!guarded.team.exists("two/.lsync"));
}

#[test]
fn a_certificate_that_is_not_trusted_says_why_at_once() {
    for (shown, trusted, why) in [
        ("server.pem", "own.pem", "no authority that is trusted here has signed it"),
        ("expired.pem", "authority.pem", "it expired on 2020-02-01"),
        ("elsewhere.pem", "authority.pem", "it is for s3.elsewhere.example"),
        ("own.pem", "own.pem", "it is an authority's own (CA:TRUE)"),
    ] {
        let mut guarded = Guarded::new(shown);
        guarded.trust(BUNDLE, trusted);
        let endpoint = guarded.front.endpoint();
        let message = format!("the certificate of {endpoint} is not trusted: {why}");
        let output = guarded.assert_stopped(13, &[&message, "the clock", BUNDLE]);
        assert!(!output.stderr.contains("caused by"), "{}", output.stderr);
    }
}

#[test]
fn requests_go_through_the_proxy_that_a_variable_names() {
    let mut guarded = Guarded::trusted();
    let proxy = Proxy::new(Manner::Passes);
    let (plain, tls) = (guarded.team.server.endpoint(), guarded.front.endpoint());
    let place = tls.replace("https://", "");
    for (endpoint, first, variables) in [
        (
            &tls,
            format!("CONNECT {place} "),
            ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        ),
        (&plain, format!("GET {plain}/"), ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]),
    ] {
        guarded.reach(endpoint);
        for variable in variables {
            let mut guarded = Variable::set(&mut guarded, variable, &proxy.address().to_string());
            guarded.assert_reached();
            let heads = proxy.take_heads();
            assert!(heads.iter().all(|head| head.starts_with(&first)), "{variable}: {heads:?}");
            assert_eq!(heads.len(), 1, "{variable}: {heads:?}");
            assert!(!heads[0].to_lowercase().contains("proxy-authorization"), "{heads:?}");
            let url = format!("http://me:pass%40word@{}", proxy.address());
            guarded.set(variable, &url);
            guarded.assert_reached();
            let heads = proxy.take_heads().concat().to_lowercase();
            let sent = "proxy-authorization: Basic bWU6cGFzc0B3b3Jk".to_lowercase();
            assert!(heads.contains(&sent), "{variable}: {heads}");
        }
    }
}

/// A variable that is unset when this is dropped: to unset it and to set it to nothing differ here.
struct Variable<'a> {
    guarded: &'a mut Guarded,
    name: String,
}

impl<'a> Variable<'a> {
    fn set(guarded: &'a mut Guarded, name: &str, value: &str) -> Self {
        guarded.set(name, value);
        Self { guarded, name: name.to_owned() }
    }
}

impl std::ops::Deref for Variable<'_> {
    type Target = Guarded;

    fn deref(&self) -> &Guarded {
        self.guarded
    }
}

impl std::ops::DerefMut for Variable<'_> {
    fn deref_mut(&mut self) -> &mut Guarded {
        self.guarded
    }
}

impl Drop for Variable<'_> {
    fn drop(&mut self) {
        self.guarded.team.unset_variable(&self.name);
    }
}

#[test]
fn a_dead_proxy_is_named_as_the_proxy() {
    let mut guarded = Guarded::trusted();
    let (_socket, port) = refusing_port();
    let dead = format!("127.0.0.1:{port}");
    let silent = Proxy::new(Manner::HangsUp);
    let asking = Proxy::new(Manner::Answers(407));
    let broken = Proxy::new(Manner::Answers(502));
    let server = guarded.team.server.address().to_string();
    let (plain, tls) = (guarded.team.server.endpoint(), guarded.front.endpoint());
    for (endpoint, variable) in [(&tls, "HTTPS_PROXY"), (&plain, "HTTP_PROXY"), (&tls, "ALL_PROXY")]
    {
        guarded.reach(endpoint);
        let is_tunnel = *endpoint == tls;
        let by_way = "by way of PROXY";
        let no_connection = format!("PROXY makes no connection to {tls}");
        for (scheme, place, message) in [
            ("http", dead.clone(), "PROXY cannot be reached: it refuses the connection"),
            ("http", "nosuch.invalid:1".to_owned(), "PROXY cannot be reached: its name cannot"),
            (
                "http",
                asking.address().to_string(),
                "PROXY does not take the name and the password in its URL",
            ),
            ("http", broken.address().to_string(), if is_tunnel { &no_connection } else { by_way }),
            (
                "http",
                silent.address().to_string(),
                if is_tunnel { "PROXY does not answer as a proxy does" } else { by_way },
            ),
            ("https", server.clone(), "PROXY does not answer in TLS"),
        ] {
            let url = format!("{scheme}://me:secret@{place}");
            let guarded = Variable::set(&mut guarded, variable, &url);
            let proxy = format!("the proxy {scheme}://{place} ({variable})");
            let output = guarded.team.run("one", "status");
            assert_error(&output, 13, &[&message.replace("PROXY", &proxy)]);
            assert!(!output.stderr.contains("secret"), "{}", output.stderr);
            assert!(!output.stderr.contains("is recorded"), "{}", output.stderr);
            if message != by_way {
                assert!(output.stderr.contains("NO_PROXY"), "{}", output.stderr);
            }
        }
    }
    assert_eq!(guarded.team.requests(), Vec::<String>::new());
}

#[test]
fn a_proxy_that_asks_for_a_name_says_so_and_init_leaves_nothing_behind() {
    let mut guarded = Guarded::trusted();
    let asking = Proxy::new(Manner::Answers(407));
    for (endpoint, variable) in
        [(guarded.front.endpoint(), "HTTPS_PROXY"), (guarded.team.server.endpoint(), "HTTP_PROXY")]
    {
        guarded.set("AWS_ENDPOINT_URL", &endpoint);
        let guarded = Variable::set(&mut guarded, variable, &asking.address().to_string());
        let message = format!("{} ({variable}) asks for a name and a password", asking.address());
        let output = guarded.team.run("two", "init team .");
        assert_error(&output, 13, &[&message, "http://NAME:PASSWORD@HOST:PORT"]);
        assert_eq!(output.stderr.matches("error:").count(), 1, "{}", output.stderr);
    }
    assert!(!guarded.team.exists("two/.lsync"));
    assert_eq!(guarded.team.requests(), Vec::<String>::new());
}

#[test]
fn a_certificate_of_the_proxy_and_one_of_the_store_behind_it_are_told_apart() {
    let mut guarded = Guarded::new("server.pem");
    let passing = Proxy::new(Manner::Passes);
    let guard = TlsFront::new("server.pem", passing.address());
    guarded.trust(BUNDLE, "authority.pem");
    for endpoint in [guarded.front.endpoint(), guarded.team.server.endpoint()] {
        guarded.reach(&endpoint);
        let variable = if endpoint.starts_with("https") { "HTTPS_PROXY" } else { "HTTP_PROXY" };
        guarded.trust(BUNDLE, "authority.pem");
        let mut guarded = Variable::set(&mut guarded, variable, &guard.endpoint());
        guarded.assert_reached();
        assert_eq!(passing.take_heads().len(), 1, "{variable}");
        guarded.trust(BUNDLE, "own.pem");
        let whose = format!("certificate of the proxy {} ({variable})", guard.endpoint());
        guarded.assert_stopped(13, &[&whose, "is not trusted", BUNDLE]);
    }
    guarded.reach(&guarded.front.endpoint());
    let address = passing.address().to_string();
    let guarded = Variable::set(&mut guarded, "HTTPS_PROXY", &address);
    let whose = format!("certificate of {} is not trusted", guarded.front.endpoint());
    guarded.assert_stopped(13, &[&whose, &format!("by way of the proxy http://{address}")]);
}

#[test]
fn a_proxy_that_cannot_be_is_wrong_usage_at_once_and_its_password_stays_untold() {
    let mut guarded = Guarded::trusted();
    for (value, fault) in [
        ("ftp://me:secret@proxy:1", "does not begin with http:// or https://"),
        ("http:/proxy:1", "has no host, or a port"),
        ("//proxy:1", "has no host, or a port"),
        ("http://proxy:99999", "has no host, or a port"),
        ("http://me:secret@:1", "has no host, or a port"),
        ("http://me:sec#ret@proxy:1", "%23 (#)"),
        ("http://me:sec/ret@proxy:1", "%2F (/)"),
        ("http://me:sec?ret@proxy:1", "%3F (?)"),
        ("http://me:sec@ret@proxy:1", "%40 (@)"),
        ("http://proxy:1\r", "has a space, a line end or a control character"),
        ("socks5h://me:secret@proxy:1", "names a SOCKS proxy"),
    ] {
        for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            let guarded = Variable::set(&mut guarded, variable, value);
            let message = format!("the variable {variable} ");
            let output = guarded.assert_stopped(2, &[&message, fault, "NO_PROXY"]);
            assert!(!output.stderr.contains("ret"), "{value}: {}", output.stderr);
        }
        // They are not asked: another kind of request, no request at all, a server that is left out.
        for (variable, other) in [("HTTP_PROXY", "FTP_PROXY"), ("ALL_PROXY", "NO_PROXY")] {
            let mut guarded = Variable::set(&mut guarded, variable, value);
            let guarded = Variable::set(&mut guarded, other, "127.0.0.1");
            guarded.assert_reached();
        }
    }
}

#[test]
fn no_proxy_holds_for_every_server_or_for_those_that_it_names() {
    let mut guarded = Guarded::trusted();
    let passing = Proxy::new(Manner::Passes);
    let by_name = |url: String| url.replace("127.0.0.1", "localhost");
    let (plain, tls) = (guarded.team.server.endpoint(), guarded.front.endpoint());
    for (endpoint, exceptions, is_direct) in [
        (tls.clone(), "*", true),
        (plain.clone(), "*", true),
        (by_name(tls.clone()), "*", true),
        (tls.clone(), "s3.example, *", true),
        (tls.clone(), "127.0.0.1", true),
        (plain.clone(), "127.0.0.0/8", true),
        (by_name(tls.clone()), "LOCALHOST", true),
        (by_name(plain), ".localhost", true),
        (tls.clone(), "", false),
        (tls.clone(), "10.0.0.0/8,localhost", false),
        (by_name(tls), "127.0.0.1,host", false),
    ] {
        guarded.reach(&endpoint);
        for variable in ["NO_PROXY", "no_proxy"] {
            guarded.set("ALL_PROXY", &passing.address().to_string());
            let guarded = Variable::set(&mut guarded, variable, exceptions);
            guarded.assert_reached();
            let heads = passing.take_heads();
            assert_eq!(heads.is_empty(), is_direct, "{endpoint}, {exceptions}: {heads:?}");
        }
    }
}

/// The name of the file in which `aws sso login` keeps the token: the SHA-1 of the start URL below.
const TOKEN: &str = "home/.aws/sso/cache/98df91031e87f97bfc088c045be6442dc5d70b2a.json";

#[test]
fn a_dead_proxy_between_here_and_single_sign_on_is_named_as_the_proxy() {
    let mut guarded = Guarded::trusted();
    let (_socket, port) = refusing_port();
    let dead = format!("http://me:secret@127.0.0.1:{port}");
    guarded.team.write(TOKEN, r#"{"accessToken": "t", "expiresAt": "2120-01-01T00:00:00Z"}"#);
    guarded.configure(
        "[default]\nsso_start_url = https://sso.example/start\nsso_region = us-east-1\n\
         sso_account_id = 123456789012\nsso_role_name = r\n",
    );
    for half in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        guarded.set(half, "");
    }
    // It would be the server of single sign-on, too.
    guarded.team.unset_variable("AWS_ENDPOINT_URL");
    guarded.set("NO_PROXY", "127.0.0.1");
    let guarded = Variable::set(&mut guarded, "HTTPS_PROXY", &dead);
    let by_way = format!("by way of the proxy http://127.0.0.1:{port} (HTTPS_PROXY)");
    let output = guarded.assert_stopped(13, &["no credentials come", &by_way, "NO_PROXY"]);
    assert!(!output.stderr.contains("secret"), "{}", output.stderr);
}
