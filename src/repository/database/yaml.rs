//! Reads the rows that people wrote: whatever YAML says in one line.

use serde_yaml::{Mapping, Value};

use crate::tree::{BaseRow, Etag, RepoPath, Signature};

use super::RemoteId;
use super::line::{FORMAT_VERSION, Header, Line};
use super::scanner::hex16;

/// Why a line is no row.
pub(super) struct Refused {
    /// In words.
    pub(super) why: String,
    /// What it is about, where that much can be read.
    pub(super) path: Option<RepoPath>,
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self { why, path: None }
    }
}

/// Parses one line as a YAML sequence of one mapping.
pub(super) fn parse(line: &[u8]) -> Result<Line, Refused> {
    let value: Value = serde_yaml::from_slice(line).map_err(|error| not_yaml(&error))?;
    let Value::Sequence(mut items) = value else {
        return Err("it does not begin with \"- {\"".to_owned().into());
    };
    let (Some(Value::Mapping(fields)), true) = (items.pop(), items.is_empty()) else {
        return Err("it is not one mapping in braces".to_owned().into());
    };
    let read = if fields.contains_key("lsync") { header(&fields) } else { row(&fields) };
    read.map_err(|why| Refused { why, path: path(&fields).ok() })
}

/// Says why the library refuses a line; that it saw one line only is no news.
fn not_yaml(error: &serde_yaml::Error) -> String {
    format!("no YAML: {}", error.to_string().replace(" at line 1 column ", " at column "))
}

/// Reads a header.
fn header(fields: &Mapping) -> Result<Line, String> {
    let version = whole(fields, "lsync")?;
    if version > FORMAT_VERSION {
        return Ok(Line::Header(Header { version, remote: None }));
    }
    if version < FORMAT_VERSION {
        return Err(format!("there is no format {version}"));
    }
    refuse_others(fields, &["lsync", "remote", "endpoint"])?;
    let remote = RemoteId { url: text(fields, "remote")?, endpoint: text(fields, "endpoint")? };
    Ok(Line::Header(Header { version, remote: Some(remote) }))
}

/// Reads a row.
fn row(fields: &Mapping) -> Result<Line, String> {
    let path = path(fields)?;
    if let Some(gone) = fields.get("gone") {
        refuse_others(fields, &["path", "gone"])?;
        return match gone {
            Value::Bool(true) => Ok(Line::Gone(path)),
            _ => Err("gone can only be true".into()),
        };
    }
    // Fields of later versions mean something; a row that lost them in a rewrite would be wrong.
    refuse_others(fields, &["path", "size", "mtime", "ctime", "inode", "etag", "crc64"])?;
    let signature = Signature {
        size: whole(fields, "size")?,
        mtime: time(fields, "mtime")?,
        ctime: time(fields, "ctime")?,
        inode: whole(fields, "inode")?,
    };
    let etag = Etag::exact(&text(fields, "etag")?);
    let crc64 = if fields.contains_key("crc64") {
        let digits = text(fields, "crc64")?.to_ascii_lowercase();
        Some(hex16(digits.as_bytes()).ok_or("crc64 is not 16 hex digits in quotes")?)
    } else {
        None
    };
    Ok(Line::Put(BaseRow { path, signature, etag, crc64 }))
}

/// Reads the path of a row.
fn path(fields: &Mapping) -> Result<RepoPath, String> {
    let path = text(fields, "path")?;
    RepoPath::parse(&path).map_err(|error| format!("{path:?}: {error}"))
}

/// Refuses fields that are not in `known`.
fn refuse_others(fields: &Mapping, known: &[&str]) -> Result<(), String> {
    let other = fields.keys().find(|key| !key.as_str().is_some_and(|key| known.contains(&key)));
    match other {
        None => Ok(()),
        Some(Value::String(key)) => Err(format!("the field {key:?} is unknown")),
        Some(_) => Err("a field's name is not a word".into()),
    }
}

/// Returns a field that has to be there.
fn field<'a>(fields: &'a Mapping, name: &str) -> Result<&'a Value, String> {
    fields.get(name).ok_or_else(|| format!("the field {name:?} is missing"))
}

/// Returns a text.
fn text(fields: &Mapping, name: &str) -> Result<String, String> {
    let text = field(fields, name)?.as_str();
    text.map(str::to_owned).ok_or_else(|| format!("{name} is not a text in quotes"))
}

/// Returns a number from 0.
fn whole(fields: &Mapping, name: &str) -> Result<u64, String> {
    field(fields, name)?.as_u64().ok_or_else(|| format!("{name} is not a whole number from 0"))
}

/// Returns nanoseconds since 1970.
fn time(fields: &Mapping, name: &str) -> Result<i64, String> {
    field(fields, name)?.as_i64().ok_or_else(|| format!("{name} is not a whole number"))
}
