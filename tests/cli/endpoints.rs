//! Servers whose address cannot be, and servers that cannot be reached: said as what they are.

use tokio::net::TcpSocket;

use crate::support::{Fault, FaultRule, Profile};
use crate::team::{Team, assert_error};

/// A team whose runs name no server by themselves.
fn team_without_endpoint() -> Team {
    let mut team = Team::without_copies(Profile::Aws);
    team.set_variable("AWS_ENDPOINT_URL", "");
    team
}

/// Bound and not listening: refused, and no server of another test can get the port.
pub fn refusing_port() -> (TcpSocket, u16) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

#[test]
fn an_endpoint_that_cannot_be_is_wrong_usage_at_once_wherever_it_is_written() {
    let mut team = team_without_endpoint();
    for (url, words) in [
        ("localhost:9000", "does not begin with http:// or https://"),
        ("127.0.0.1:5555", "does not begin with http:// or https://"),
        ("ftp://s3.example.com", "begins with ftp://"),
        ("http://s3.example.com:99999", "has the port 99999"),
        ("http://", "names no host"),
        ("", "is empty"),
    ] {
        let output = team.lsync("one", ["init", "team", ".", "--endpoint-url", url]);
        assert_error(&output, 2, &[&format!("the endpoint {url:?} {words}"), "https://HOST"]);
        if url.is_empty() {
            continue;
        }
        for variable in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"] {
            team.set_variable(variable, url);
            assert_error(&team.run("one", "init team ."), 2, &[words]);
            team.set_variable(variable, "");
        }
        team.write("aws", format!("[default]\nendpoint_url = {url}\n"));
        let aws = team.path("aws").to_str().unwrap().to_owned();
        team.set_variable("AWS_CONFIG_FILE", &aws);
        assert_error(&team.run("one", "init team ."), 2, &[words]);
        team.set_variable("AWS_CONFIG_FILE", "/dev/null");
    }
    assert!(!team.exists("one/.lsync"), "nothing is left behind");
    assert_eq!(team.requests(), Vec::<String>::new());
}

#[test]
fn an_endpoint_that_cannot_be_is_wrong_usage_in_a_working_copy_too() {
    let mut team = Team::sharing(&[("f", "f")]);
    let config = team.text("one/.lsync/config.yaml");
    let endpoint = team.server.endpoint();
    team.set_variable("AWS_ENDPOINT_URL", "");
    team.write("one/.lsync/config.yaml", config.replace(&endpoint, "localhost:9000"));
    let control = team.control("one");
    for command in ["sync", "status", "pull", "clean --uploads"] {
        assert_error(&team.run("one", command), 2, &["\"localhost:9000\" does not begin"]);
    }
    assert_eq!(team.control("one"), control);
    assert_eq!(team.requests(), Vec::<String>::new());
}

#[test]
fn an_arn_or_a_region_that_cannot_be_is_wrong_usage_at_once() {
    let team = Team::without_copies(Profile::Aws);
    for bucket in [
        "arn:aws:s3:::team",
        "arn:aws:s3:::team/docs",
        "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/ours",
    ] {
        for command in ["init", "clone"] {
            let output = team.lsync(".", [command, bucket, "one"]);
            assert_error(&output, 2, &["is an ARN", "the bucket's name"]);
        }
    }
    let output = team.lsync(".", ["init", "team", "one", "--region", "eu west"]);
    assert_error(&output, 2, &["region", "check how it is written"]);
    assert!(!team.exists("one/.lsync"));
    assert_eq!(team.requests(), Vec::<String>::new());
}

#[test]
fn an_endpoint_with_a_path_has_the_bucket_behind_a_slash() {
    let mut team = Team::without_copies(Profile::Aws);
    for path in ["/storage/v1/s3", "/storage/v1/s3/"] {
        team.server.clear_log();
        team.set_variable("AWS_ENDPOINT_URL", &format!("{}{path}", team.server.endpoint()));
        // To this server it is a key of a bucket that it does not have.
        team.run("one", "init team .");
        let asked: Vec<_> = team.server.log().into_iter().map(|it| it.key).collect();
        assert!(!asked.is_empty());
        for key in asked {
            assert!(key == "v1/s3/team" || key.starts_with("v1/s3/team/"), "{path}: {key}");
        }
    }
}

#[test]
fn a_server_that_cannot_be_reached_is_said_to_be_what_it_is() {
    let mut team = team_without_endpoint();
    let (_socket, port) = refusing_port();
    let plain = team.server.endpoint().replace("http://", "https://");
    for (url, words, hint) in [
        (format!("http://127.0.0.1:{port}"), "it refuses the connection", "name and port"),
        ("http://nosuch.invalid".to_owned(), "its name cannot be resolved", "name and port"),
        (plain, "does not answer in TLS", "http://"),
    ] {
        team.set_variable("AWS_ENDPOINT_URL", &url);
        let output = team.run("one", "init team .");
        assert_error(&output, 13, &[&url, words, hint]);
        assert!(!output.stderr.contains("is recorded"), "{}", output.stderr);
        let causes = output.stderr.matches("caused by").count();
        assert!(causes <= 1, "{}", output.stderr);
    }
    assert!(!team.exists("one/.lsync"));
}

#[test]
fn what_was_done_is_said_to_be_recorded_where_something_was() {
    let team = Team::sharing(&[("f", "f"), ("g", "g")]);
    for (done, fails) in [(true, "g"), (false, "*")] {
        team.server.clear_faults();
        team.server.fault(FaultRule::new("PutObject", fails, Fault::Status(400, "ExpiredToken")));
        team.write("one/f", format!("edited, {done}"));
        team.write("one/g", format!("edited, {done}"));
        let output = team.run("one", "sync -j 1");
        assert_error(&output, 12, &["ExpiredToken", "run the command again"]);
        assert_eq!(output.stderr.contains("is recorded"), done, "{}", output.stderr);
    }
}
