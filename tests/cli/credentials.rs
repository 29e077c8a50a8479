//! Keys that are mistyped, half there or nowhere: one sentence, the one reason, nothing touched.

use crate::support::{Fault, FaultRule, Output, Profile};
use crate::team::{Team, assert_error};

/// What init says where the two AWS files hold this; no variable holds a key.
fn init_with_files(config: &str, credentials: &str, options: &[&str]) -> Output {
    let mut team = Team::without_copies(Profile::Aws);
    for (variable, name, text) in [
        ("AWS_CONFIG_FILE", "config", config),
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials", credentials),
    ] {
        team.write(name, text);
        let path = team.path(name).to_str().unwrap().to_owned();
        team.set_variable(variable, &path);
    }
    for variable in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        team.set_variable(variable, "");
    }
    let output = team.lsync("one", [&["init", "team", "."], options].concat());
    assert_eq!(team.requests(), Vec::<String>::new());
    output
}

#[test]
fn a_line_end_in_a_variable_is_wrong_usage_at_once_and_names_the_variable() {
    for (variable, value) in [
        ("AWS_ACCESS_KEY_ID", "test\r"),
        ("AWS_SECRET_ACCESS_KEY", "testtest\r"),
        ("AWS_SESSION_TOKEN", "token\n"),
        ("AWS_SESSION_TOKEN", "to\u{7}ken"),
        ("AWS_REGION", "us-east-1\r"),
        ("AWS_REGION", "us-\neast-1"),
        ("AWS_PROFILE", "default\r"),
    ] {
        let mut team = Team::without_copies(Profile::Aws);
        team.set_variable(variable, value);
        for command in ["init team .", "clone team ."] {
            let output = team.run("one", command);
            assert_error(&output, 2, &[&format!("the variable {variable} "), "set it again"]);
            assert!(!output.stderr.contains("caused by"), "{}", output.stderr);
        }
        assert!(!team.exists("one/.lsync"));
        assert_eq!(team.requests(), Vec::<String>::new());
    }
}

#[test]
fn a_variable_with_a_line_end_stops_a_working_copy_too_and_leaves_it_as_it_was() {
    let mut team = Team::sharing(&[("f", "f")]);
    team.write("one/f", "edited");
    let control = team.control("one");
    team.set_variable("AWS_ACCESS_KEY_ID", "test\r");
    for command in ["sync", "status", "push"] {
        assert_error(&team.run("one", command), 2, &["the variable AWS_ACCESS_KEY_ID ends"]);
    }
    assert_eq!(team.control("one"), control);
    assert_eq!(team.requests(), Vec::<String>::new());
}

#[test]
fn a_missing_key_has_one_cause_which_is_the_one_that_matters() {
    let key = "aws_access_key_id = test\n";
    let whole = format!("{key}aws_secret_access_key = testtest\n");
    for (config, credentials, options, words) in [
        ("", "", &[][..], "no key is in the environment or in the profile \"default\""),
        ("", &format!("[default]\n{whole}"), &["--profile", "work"], "no profile \"work\""),
        ("", "", &["--profile", "work"], "no profile \"work\""),
        (
            "",
            &format!("\u{feff}[default]\n{whole}"),
            &[],
            "credentials on line 1: it begins with a byte order mark",
        ),
        ("", &whole, &[], "credentials on line 1: a heading such as [default] is missing"),
        ("[default\n", "", &[], "config on line 1: the heading lacks its closing bracket"),
        ("", &format!("[default]\n{key}"), &[], "has aws_access_key_id and no aws_secret"),
        ("", &format!("[work]\n{key}"), &["--profile", "work"], "the profile \"work\" has aws"),
    ] {
        let output = init_with_files(config, credentials, options);
        assert_error(&output, 12, &["error: no credentials found, s3://team", words]);
        assert_eq!(output.stderr.matches("caused by").count(), 1, "{}", output.stderr);
        assert!(!output.stderr.contains("already taken"), "{}", output.stderr);
    }
}

#[test]
fn half_a_key_in_the_environment_names_the_other_half() {
    let mut team = Team::without_copies(Profile::Aws);
    team.set_variable("AWS_SECRET_ACCESS_KEY", "");
    let output = team.run("one", "init team .");
    let half = "the environment has AWS_ACCESS_KEY_ID and no AWS_SECRET_ACCESS_KEY";
    assert_error(&output, 12, &["no credentials found", half]);
}

#[test]
fn a_mistyped_key_is_said_to_be_mistyped() {
    for code in ["InvalidAccessKeyId", "SignatureDoesNotMatch"] {
        let mut team = Team::sharing(&[("f", "f")]);
        if code == "InvalidAccessKeyId" {
            team.server.fault(FaultRule::new("*", "*", Fault::Status(403, code)));
        } else {
            team.set_variable("AWS_SECRET_ACCESS_KEY", "mistyped");
        }
        for (copy, command) in [("one", "sync"), ("three", "init team .")] {
            let output = team.run(copy, command);
            assert_error(&output, 12, &[code, "mistyped, or belongs to another store"]);
            assert!(!output.stderr.contains("whoever owns"), "{}", output.stderr);
        }
        assert!(!team.exists("three/.lsync"));
    }
}
