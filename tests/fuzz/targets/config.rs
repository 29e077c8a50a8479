//! `config.yaml`: what loads is written again as a text that says the same, and stays so.

use std::path::Path;

use lsync::remote::{BucketUrl, Capabilities};
use lsync::repository::{DeleteLimit, Repository};
use serde_yaml::Value;

use super::working_copy;

pub(crate) fn target(data: &[u8]) {
    let (disk, _) = working_copy(&[("config.yaml", data)]);
    let open = || Repository::open(&disk, Path::new("/work"));
    let Ok(first) = open() else { return };
    if let Ok(url) = BucketUrl::parse(&first.config.remote.url, Path::new("/home")) {
        let normal = url.to_string();
        assert_eq!(BucketUrl::parse(&normal, Path::new("/")), Ok(url), "{normal:?}");
    }
    if let Some(limit) = first.config.max_delete {
        assert_eq!(limit.to_string().parse::<DeleteLimit>(), Ok(limit));
        assert!(!matches!(limit, DeleteLimit::Percent(101..)), "{limit}");
    }
    if first.config.store.as_ref().is_some_and(is_odd) {
        // The library reads what it cannot write; `lsync init` writes this field anew.
        return;
    }
    first.save_config(&disk).expect("what was read can be written");
    let written = disk.person().read("/work/.lsync/config.yaml");
    let second = open().unwrap_or_else(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        panic!("{error}: {cause:?}\n{}", String::from_utf8_lossy(&written))
    });
    assert_eq!(second.config, first.config);
    let abilities = |it: &Repository<_>| it.config.store_as::<Capabilities>().ok().flatten();
    assert_eq!(abilities(&second), abilities(&first));
    second.save_config(&disk).unwrap();
    assert_eq!(disk.person().read("/work/.lsync/config.yaml"), written);
}

/// Tells whether a value has a tag, or a key that is no text.
fn is_odd(value: &Value) -> bool {
    match value {
        Value::Tagged(_) => true,
        Value::Sequence(items) => items.iter().any(is_odd),
        Value::Mapping(fields) => {
            fields.iter().any(|(key, value)| !matches!(key, Value::String(_)) || is_odd(value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
