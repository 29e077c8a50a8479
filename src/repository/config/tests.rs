use super::*;

fn sound() -> Config {
    Config::new(RemoteConfig { url: "s3://team-files/docs".into(), ..RemoteConfig::default() })
}

fn refused(text: &str) -> ConfigError {
    Config::parse(text.as_bytes()).expect_err(text)
}

#[test]
fn what_is_written_is_read_again_and_begins_with_a_comment() {
    let mut config = sound();
    assert_eq!(
        config.to_text().unwrap(),
        format!("{COMMENT}version: 1\nremote:\n  url: s3://team-files/docs\n")
    );
    config.remote.region = Some("no".into());
    config.remote.endpoint = Some("http://127.0.0.1:9000".into());
    config.remote.profile = Some("1e3".into());
    config.remote.path_style = true;
    config.set_store(&[("conditional_put", "atomic")]).unwrap();
    config.trash_days = 7;
    config.trash_size = 3 << 30;
    config.max_delete = Some(DeleteLimit::Percent(25));
    config.jobs = NonZeroUsize::new(4);
    config.backup = false;
    let text = config.to_text().unwrap();
    assert!(text.contains("trash_size: 3GiB\n"), "{text}");
    assert!(text.contains("max_delete: 25%\n"), "{text}");
    assert_eq!(Config::parse(text.as_bytes()), Ok(config));
}

#[test]
fn settings_may_be_left_out() {
    let config = Config::parse(b"version: 1\nremote: {url: 's3://team-files/docs'}").unwrap();
    assert_eq!(config, sound());
    assert_eq!((config.trash_days, config.trash_size, config.backup), (30, 10 << 30, true));
    let id = config.remote.id();
    assert_eq!((id.url.as_str(), id.endpoint.as_str()), ("s3://team-files/docs", ""));
}

#[test]
fn an_unknown_field_is_named_with_its_place_and_the_one_that_was_meant() {
    let error = refused("version: 1\nremote:\n  url: s3://a\n  regoin: eu-central-1\n");
    assert_eq!(error.to_string(), "unknown field \"regoin\", line 4, column 3");
    assert_eq!(error.hint.as_deref(), Some("did you mean \"region\"?"));
    let error = refused("version: 1\ntrash-days: 3\nremote: {url: s3://a}\n");
    assert_eq!(error.to_string(), "unknown field \"trash-days\", line 2, column 1");
    assert_eq!(error.hint.as_deref(), Some("did you mean \"trash_days\"?"));
    let error = refused("version: 1\nremote: {url: s3://a, password: b}\n");
    assert_eq!(error.message, "unknown field \"password\"");
    assert!(error.hint.unwrap().starts_with("known are: url, region"));
}

#[test]
fn a_wrong_type_is_named_with_its_field_and_place() {
    for (text, field, line) in [
        ("version: 1\nremote:\n  url: [5]\n", "url", 3),
        ("version: 1\nremote:\n  url: a\ntrash_days: many\n", "trash_days", 4),
        ("version: 1\nremote:\n  url: a\n  path_style: maybe\n", "path_style", 4),
        ("version: 1\njobs: 0\nremote:\n  url: a\n", "jobs", 2),
        ("version: 1\nremote: a\n", "remote", 2),
    ] {
        let error = refused(text);
        assert!(error.message.contains(field), "{error}");
        assert_eq!(error.place.map(|it| it.0), Some(line), "{error}");
    }
    for (text, words) in [
        (
            "version: 1\nremote: {url: a}\nmax_delete: 101%\n",
            "max_delete: \"101%\" is neither a number of files",
        ),
        ("version: 1\nremote: {url: a}\nmax_delete: [1]\n", "expected a number or a text"),
        (
            "version: 1\nremote: {url: a}\ntrash_size: 10 elephants\n",
            "trash_size: \"10 elephants\" is no size",
        ),
        ("version: 1\nremote: {url: a}\njobs: 0\n", "jobs: must be greater than 0"),
        ("version: 1\nremote: {url: a}\njobs: many\n", "\"many\" is not a whole number"),
    ] {
        let error = refused(text);
        assert!(error.message.contains(words), "{error}");
        assert!(error.place.is_some(), "{error}");
    }
}

#[test]
fn what_is_missing_or_no_yaml_is_said() {
    assert!(refused("version: 1\n").message.contains("remote"));
    assert!(refused("remote: {url: a}\n").message.contains("version"));
    assert!(refused("version: 1\nremote: {}\n").message.contains("url"));
    for text in ["", "- a\n", "version: [\n", "a: 1\na: 2\n", "\0"] {
        refused(text);
    }
    assert!(Config::parse(&[0xff, 0xfe, 0xfd]).is_err());
}

#[test]
fn another_version_is_refused_before_its_fields_are() {
    let error = refused("version: 2\nbuckets: [a, b]\n");
    assert_eq!(error.to_string(), "its version is 2, and this lsync knows 1");
    assert_eq!(error.hint.as_deref(), Some("update lsync"));
    assert!(refused("version: 0\nremote: {url: a}\n").hint.unwrap().contains("version: 1"));
}

#[test]
fn sizes_are_read_as_people_write_them() {
    for (text, bytes) in [
        ("0", 0),
        ("12345", 12345),
        ("10GiB", 10 << 30),
        ("500 MB", 500_000_000),
        ("1kib", 1024),
        ("7B", 7),
        ("10M", 10 << 20),
        ("10m", 10 << 20),
        ("10MB", 10_000_000),
        ("10MiB", 10 << 20),
        ("1k", 1 << 10),
        ("2G", 2 << 30),
    ] {
        assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
    }
    for text in ["", "GiB", "-1", "1.5GiB", "10 elephants", "99999999999TiB", "１"] {
        assert!(parse_bytes(text).is_err(), "{text}");
    }
}

#[test]
fn limits_are_a_number_or_a_percentage() {
    assert_eq!("5".parse(), Ok(DeleteLimit::Count(5)));
    assert_eq!("100%".parse(), Ok(DeleteLimit::Percent(100)));
    for text in ["", "%", "-1", "101%", "5 %", "many"] {
        assert!(text.parse::<DeleteLimit>().is_err(), "{text}");
    }
}

#[test]
fn what_the_probe_found_comes_back_as_the_type_that_was_kept() {
    let mut config = sound();
    assert_eq!(config.store_as::<Vec<String>>(), Ok(None));
    config.set_store(&vec!["atomic"]).unwrap();
    let config = Config::parse(config.to_text().unwrap().as_bytes()).unwrap();
    assert_eq!(config.store_as(), Ok(Some(vec!["atomic".to_owned()])));
    assert!(config.store_as::<u8>().unwrap_err().hint.unwrap().contains("lsync init"));
}
