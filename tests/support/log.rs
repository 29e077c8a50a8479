//! What was asked and answered, for assertions about cost and order.

use std::collections::BTreeMap;

use super::request::Seen;

/// Where the code stands in an error document; contents may be long, and are no text.
const ERROR_BYTES_MAX: usize = 1024;

/// A request that was answered or broken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedRequest {
    /// From 1, in the order of arrival.
    pub number: u64,
    /// The name that AWS gives the operation (`PutObject`).
    pub operation: &'static str,
    /// The bucket; empty for `ListBuckets`.
    pub bucket: String,
    /// The key; for listings the prefix.
    pub key: String,
    /// The query as sent.
    pub query: String,
    /// The HTTP status of the answer; 0 where the connection was dropped.
    pub status: u16,
    /// The error code of the answer, or empty.
    pub code: String,
    /// Bytes of the body of the request.
    pub bytes_in: u64,
    /// Bytes of the body of the answer.
    pub bytes_out: u64,
    /// The headers of the request that tests ask for, by lower-case name.
    pub headers: BTreeMap<String, String>,
}

impl LoggedRequest {
    /// Makes an entry of a request without answer.
    pub fn new(seen: &Seen, bytes_in: u64) -> Self {
        Self {
            number: seen.number,
            operation: seen.operation,
            bucket: seen.bucket.clone(),
            key: seen.key.clone(),
            query: seen.query.clone(),
            status: 0,
            code: String::new(),
            bytes_in,
            bytes_out: 0,
            headers: seen.headers.clone(),
        }
    }

    /// Returns a header of the request.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// Returns the code of an error document, or nothing.
pub fn error_code(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(ERROR_BYTES_MAX)]);
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    code.map(|(code, _)| code.to_owned()).unwrap_or_default()
}
