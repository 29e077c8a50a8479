//! [`Config`]: the settings of a working copy, written by `init` and by hand.

#[cfg(test)]
mod tests;
mod values;

use std::num::NonZeroUsize;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_yaml::{Mapping, Value};

use super::RemoteId;

use values::byte_size;
pub use values::{DeleteLimit, parse_bytes, parse_jobs};

/// The format that this version reads and writes.
const VERSION: u64 = 1;

/// The fields of the config, for "did you mean".
const FIELDS: &[&str] = &[
    "version",
    "remote",
    "store",
    "trash_days",
    "trash_size",
    "max_delete",
    "max_change",
    "jobs",
    "backup",
];

/// The fields of `remote`.
const REMOTE_FIELDS: &[&str] = &["url", "region", "endpoint", "profile", "path_style"];

/// Fields of the configs of other tools, and of the lsync written in Python.
const FOREIGN_FIELDS: &[&str] = &["bucket", "bucket_name", "files"];

/// How the file begins.
const COMMENT: &str = "# Settings of lsync; credentials never stand here. Optional: trash_days, \
                       trash_size, max_delete, max_change, jobs, backup.\n";

/// The settings of a working copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The format of the file.
    pub version: u64,
    /// Which bucket, and how to reach it.
    pub remote: RemoteConfig,
    /// What the probe found, in words; see [`Config::store_as`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<Value>,
    /// Days for which the trash keeps what only one side had.
    #[serde(default = "default_trash_days", skip_serializing_if = "is_default_trash_days")]
    pub trash_days: u32,
    /// Bytes of trash above which what the bucket also knew goes first; written as `10GiB`.
    #[serde(
        default = "default_trash_bytes",
        skip_serializing_if = "is_default_trash_bytes",
        with = "byte_size"
    )]
    pub trash_size: u64,
    /// How many deletions a run may carry out without asking; absent: the guard's own limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_delete: Option<DeleteLimit>,
    /// How many replacements a run may carry out without asking; absent: the guard's own limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_change: Option<DeleteLimit>,
    /// Transfers at once; absent: chosen by lsync.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "values::jobs")]
    pub jobs: Option<NonZeroUsize>,
    /// Versions of the bucket that the base does not know are kept before they are replaced.
    #[serde(default = "default_backup", skip_serializing_if = "is_default_backup")]
    pub backup: bool,
}

/// Which bucket, and how to reach it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteConfig {
    /// `s3://bucket/prefix` or `file:///folder`.
    pub url: String,
    /// The region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The endpoint of a store other than AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The profile of the AWS configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The bucket stands in the path of requests, and not in the host name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub path_style: bool,
}

impl RemoteConfig {
    /// Returns what the database's header says of the remote.
    pub fn id(&self) -> RemoteId {
        RemoteId { url: self.url.clone(), endpoint: self.endpoint.clone().unwrap_or_default() }
    }
}

/// What is wrong with a config.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{message}{}",
    .place.map(|(line, column)| format!(", line {line}, column {column}")).unwrap_or_default()
)]
pub struct ConfigError {
    /// What, with the field's name.
    pub message: String,
    /// Line and column, from 1, where they are known.
    pub place: Option<(usize, usize)>,
    /// What to do next.
    pub hint: Option<String>,
}

impl Config {
    /// Makes the settings of a new working copy.
    pub fn new(remote: RemoteConfig) -> Self {
        Self {
            version: VERSION,
            remote,
            store: None,
            trash_days: default_trash_days(),
            trash_size: default_trash_bytes(),
            max_delete: None,
            max_change: None,
            jobs: None,
            backup: default_backup(),
        }
    }

    /// Returns what the probe found, as the type that `remote` has for it.
    pub fn store_as<T: DeserializeOwned>(&self) -> Result<Option<T>, ConfigError> {
        self.store
            .clone()
            .map(|store| serde_yaml::from_value(store).map_err(|error| of_store(&error)))
            .transpose()
    }

    /// Keeps what the probe found.
    pub fn set_store<T: Serialize>(&mut self, found: &T) -> Result<(), ConfigError> {
        self.store = Some(serde_yaml::to_value(found).map_err(|error| of_store(&error))?);
        Ok(())
    }

    /// Reads the text of `config.yaml`.
    pub(super) fn parse(text: &[u8]) -> Result<Self, ConfigError> {
        let value: Value = serde_yaml::from_slice(text).map_err(|error| located(&error))?;
        if let Some(fields) = value.as_mapping() {
            check_version(fields)?;
            check_names(text, fields, FIELDS)?;
            if let Some(remote) = fields.get("remote").and_then(Value::as_mapping) {
                check_names(text, remote, REMOTE_FIELDS)?;
            }
        }
        // From the text again: a value has forgotten its lines.
        let config: Self = serde_yaml::from_slice(text).map_err(|error| located(&error))?;
        if config.version == VERSION { Ok(config) } else { Err(no_version(config.version)) }
    }

    /// Returns the text of `config.yaml`.
    pub(super) fn to_text(&self) -> Result<String, ConfigError> {
        let text = serde_yaml::to_string(self).map_err(|error| located(&error))?;
        Ok(format!("{COMMENT}{text}"))
    }
}

/// Refuses a format of later versions before anything else in it is looked at.
fn check_version(fields: &Mapping) -> Result<(), ConfigError> {
    match fields.get("version").and_then(Value::as_u64) {
        Some(version) if version > VERSION => Err(no_version(version)),
        _ => Ok(()),
    }
}

fn no_version(version: u64) -> ConfigError {
    let hint = if version > VERSION { "update lsync" } else { "write `version: 1`" };
    ConfigError {
        message: format!("its version is {version}, and this lsync knows {VERSION}"),
        place: None,
        hint: Some(hint.into()),
    }
}

/// Refuses fields whose names nobody knows, and says which one may have been meant.
fn check_names(text: &[u8], fields: &Mapping, known: &[&str]) -> Result<(), ConfigError> {
    let Some(name) = fields.keys().filter_map(Value::as_str).find(|name| !known.contains(name))
    else {
        return Ok(());
    };
    let nearest = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .min()
        .filter(|(distance, known)| *distance * 2 < known.len());
    let hint = match nearest {
        _ if FOREIGN_FIELDS.contains(&name) => {
            "it belongs to another tool, or to the lsync written in Python: rename it, then `lsync \
             init BUCKET`"
                .to_owned()
        }
        Some((_, nearest)) => format!("did you mean {nearest:?}?"),
        None => format!("known are: {}", known.join(", ")),
    };
    let (message, place) = (format!("unknown field {name:?}"), find_name(text, name));
    Err(ConfigError { message, place, hint: Some(hint) })
}

/// Finds the line and column of a field's name, as block style writes it.
fn find_name(text: &[u8], name: &str) -> Option<(usize, usize)> {
    let text = String::from_utf8_lossy(text);
    text.lines().enumerate().find_map(|(number, line)| {
        let rest = line.trim_start().strip_prefix(name)?;
        let column = line.len() - line.trim_start().len() + 1;
        rest.trim_start().starts_with(':').then_some((number + 1, column))
    })
}

/// Turns the library's error into one that says place and message apart.
fn located(error: &serde_yaml::Error) -> ConfigError {
    let place = error.location().map(|location| (location.line(), location.column()));
    let text = error.to_string();
    let message = match place {
        Some((line, column)) => text.replace(&format!(" at line {line} column {column}"), ""),
        None => text,
    };
    ConfigError { message, place, hint: None }
}

fn of_store(error: &serde_yaml::Error) -> ConfigError {
    ConfigError {
        message: format!("store: {error}"),
        place: None,
        hint: Some("run `lsync init` with the same bucket again: it probes the store anew".into()),
    }
}

fn default_trash_days() -> u32 {
    30
}

fn default_trash_bytes() -> u64 {
    10 << 30
}

fn default_backup() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_default_trash_days(days: &u32) -> bool {
    *days == default_trash_days()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_default_trash_bytes(bytes: &u64) -> bool {
    *bytes == default_trash_bytes()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_default_backup(backup: &bool) -> bool {
    *backup == default_backup()
}
