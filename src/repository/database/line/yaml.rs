//! Reads the rows that people wrote: whatever YAML says in one line.

use crate::repository::codec::Fields;
use crate::tree::{
    BaseRow, Content, Md5, PartMd5s, Properties, RepoPath, Signature, Token, Version,
};

use super::scanner::first_content;
use super::writing::{DatabaseLine, FORMAT_VERSION, Header, RemoteId};

/// Why a line is no row.
pub(in crate::repository::database) struct Refused {
    /// In words.
    pub(in crate::repository::database) why: String,
    /// What it is about, where that much can be read.
    pub(in crate::repository::database) path: Option<RepoPath>,
}

/// Parses one line as a YAML sequence of one mapping.
pub(in crate::repository::database) fn parse(line: &[u8]) -> Result<DatabaseLine, Refused> {
    let fields = Fields::read(line).map_err(|why| Refused { why, path: None })?;
    let read = if fields.has("lsync") { header(&fields) } else { row(&fields) };
    read.map_err(|why| Refused { why, path: path(&fields).ok() })
}

/// Reads a header.
fn header(fields: &Fields) -> Result<DatabaseLine, String> {
    let version = fields.whole("lsync")?;
    if version > FORMAT_VERSION {
        return Ok(DatabaseLine::Header(Header { version, remote: None }));
    }
    if version == 0 {
        return Err(format!("there is no format {version}"));
    }
    fields.refuse_others(&["lsync", "remote", "endpoint"])?;
    let (url, endpoint) = (fields.text("remote")?, fields.text("endpoint")?);
    Ok(DatabaseLine::Header(Header { version, remote: Some(RemoteId { url, endpoint }) }))
}

/// Reads a row.
fn row(fields: &Fields) -> Result<DatabaseLine, String> {
    let path = path(fields)?;
    if fields.has("gone") {
        fields.refuse_others(&["path", "gone"])?;
        return match fields.is_true("gone") {
            Ok(true) => Ok(DatabaseLine::Gone(path)),
            _ => Err("gone can only be true".into()),
        };
    }
    let signature = |fields: &Fields| {
        let (size, inode) = (fields.whole("size")?, fields.whole("inode")?);
        let (mtime, ctime) = (fields.number("mtime")?, fields.number("ctime")?);
        Ok::<_, String>(Signature { size, mtime, ctime, inode })
    };
    if fields.has("etag") {
        fields.refuse_others(&["path", "size", "mtime", "ctime", "inode", "etag", "crc64"])?;
        let signature = signature(fields)?;
        let token = Token::new(&fields.text("etag")?);
        let content = first_content(signature.size, &token, crc64(fields)?);
        return Ok(DatabaseLine::Put(BaseRow::plain(path, signature, token, content)));
    }
    // Fields of later versions mean something; a row that lost them in a rewrite would be wrong.
    fields.refuse_others(&[
        "path",
        "size",
        "mtime",
        "ctime",
        "inode",
        "version",
        "stored",
        "md5",
        "part_md5s",
        "crc64",
        "crc32c",
        "properties",
    ])?;
    let signature = signature(fields)?;
    let stored = fields.if_any("stored", Fields::whole)?.unwrap_or(signature.size);
    let version = Version { token: Token::new(&fields.text("version")?), size: stored };
    let content = Content::of_size(signature.size)
        .with_md5(md5(fields, &version.token)?)
        .with_part_md5s(part_md5s(fields)?)
        .with_crc64(crc64(fields)?)
        .with_crc32c(fields.if_any("crc32c", Fields::hex)?.map(u32::from_be_bytes));
    let mut properties = Properties::default();
    if let Some(all) = fields.if_any("properties", Fields::mapping)? {
        for (name, value) in all.into_texts()? {
            properties.set(&name, value);
        }
    }
    Ok(DatabaseLine::Put(BaseRow { path, signature, version, content, properties }))
}

/// Reads the path of a row.
fn path(fields: &Fields) -> Result<RepoPath, String> {
    let path = fields.text("path")?;
    RepoPath::parse(&path).map_err(|error| format!("{path:?}: {error}"))
}

/// Reads the MD5, which may be what the version is called.
fn md5(fields: &Fields, token: &Token) -> Result<Option<Md5>, String> {
    match fields.if_any("md5", Fields::text)?.as_deref() {
        None => Ok(None),
        Some("version") => match token.hex() {
            Some(md5) => Ok(Some(md5)),
            None => Err("md5 is the version, which is not 32 hex digits".into()),
        },
        Some(_) => fields.hex("md5").map(Some),
    }
}

fn part_md5s(fields: &Fields) -> Result<Option<PartMd5s>, String> {
    let Some(text) = fields.if_any("part_md5s", Fields::text)? else { return Ok(None) };
    let refused = || "part_md5s is not 32 hex digits, a minus and a number".to_owned();
    PartMd5s::parse(&text).map(Some).ok_or_else(refused)
}

fn crc64(fields: &Fields) -> Result<Option<u64>, String> {
    Ok(fields.if_any("crc64", Fields::hex)?.map(u64::from_be_bytes))
}
