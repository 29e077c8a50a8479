//! One line of the database or the journal: what it says, and how it is written.

use std::fmt::Write as _;

use crc_fast::{CrcAlgorithm, checksum};

use crate::repository::codec::push_mapping;
use crate::tree::{BaseRow, RepoPath};

/// The format that this version writes. It reads format 1, too.
pub(in crate::repository::database) const FORMAT_VERSION: u64 = 2;

/// Which remote rows are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteId {
    /// `s3://bucket/prefix` or `file:///folder`.
    pub url: String,
    /// The endpoint, empty where it is the default one.
    pub endpoint: String,
}

/// What one line says.
pub(in crate::repository::database) enum DatabaseLine {
    /// Nothing: empty, a comment, the mark of a document.
    Blank,
    /// Whose rows follow.
    Header(Header),
    /// How both sides looked.
    Put(BaseRow),
    /// Neither side has it.
    Gone(RepoPath),
    /// What it says is not to be relied upon.
    Broken {
        /// Paths that it may be about, so that older lines about them do not count either.
        paths: Vec<RepoPath>,
        /// Why, in words.
        why: String,
    },
}

/// The first row of a file.
pub(in crate::repository::database) struct Header {
    /// The format's number.
    pub(in crate::repository::database) version: u64,
    /// Whose rows follow; of a newer format it may not be known.
    pub(in crate::repository::database) remote: Option<RemoteId>,
}

/// Returns the CRC-32/ISO-HDLC of the bytes.
pub(in crate::repository::database) fn crc32(bytes: &[u8]) -> u32 {
    u32::try_from(checksum(CrcAlgorithm::Crc32IsoHdlc, bytes)).expect("a CRC-32 has 32 bits")
}

/// Appends a header without newline.
pub(in crate::repository::database) fn push_header(line: &mut String, remote: &RemoteId) {
    push_mapping(line, |fields| {
        fields.plain("lsync", FORMAT_VERSION);
        fields.text("remote", &remote.url);
        fields.text("endpoint", &remote.endpoint);
    });
}

/// Appends a row without newline.
pub(in crate::repository::database) fn push_row(line: &mut String, row: &BaseRow) {
    let BaseRow { path, signature, version, content, properties } = row;
    push_mapping(line, |fields| {
        fields.text("path", path.as_str());
        fields.plain("size", signature.size);
        fields.plain("mtime", signature.mtime);
        fields.plain("ctime", signature.ctime);
        fields.plain("inode", signature.inode);
        fields.text("version", &version.token.text());
        if version.size != signature.size {
            fields.plain("stored", version.size);
        }
        match content.md5() {
            None => (),
            // Nearly always, and half as long.
            md5 if md5 == version.token.hex() => fields.plain("md5", "version"),
            Some(md5) => fields.hex("md5", &md5),
        }
        if let Some(part_md5s) = content.part_md5s() {
            fields.text("part_md5s", &part_md5s.to_string());
        }
        if let Some(crc64) = content.crc64() {
            fields.hex("crc64", &crc64.to_be_bytes());
        }
        if let Some(crc32c) = content.crc32c() {
            fields.hex("crc32c", &crc32c.to_be_bytes());
        }
        if !properties.is_empty() {
            fields.texts("properties", properties.iter());
        }
    });
}

/// Appends the row of a path that neither side has, without newline.
pub(in crate::repository::database) fn push_gone(line: &mut String, path: &RepoPath) {
    push_mapping(line, |fields| {
        fields.text("path", path.as_str());
        fields.flag("gone");
    });
}

/// Appends the checksum of what stands behind `start`, and a newline.
pub(in crate::repository::database) fn end_with_checksum(text: &mut String, start: usize) {
    let crc = crc32(&text.as_bytes()[start..]);
    writeln!(text, " # {crc:08x}").expect("a string takes everything");
}
