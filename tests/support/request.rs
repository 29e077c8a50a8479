//! What a request is about, read from its line and headers before anything else looks at it.

use std::collections::BTreeMap;

use hyper::http::request::Parts;
use hyper::{Method, Uri};

/// A request as faults, hooks and the log see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// From 1, in the order of arrival, whatever the operation.
    pub number: u64,
    /// The name that AWS gives the operation (`PutObject`).
    pub operation: &'static str,
    /// The bucket; empty for `ListBuckets`.
    pub bucket: String,
    /// The key; for listings the prefix.
    pub key: String,
    /// The query as sent.
    pub query: String,
    /// The headers that tests ask for, by lower-case name.
    pub headers: BTreeMap<String, String>,
}

/// The headers that are kept, by the beginning of their name.
const HEADERS_KEPT: [&str; 7] =
    ["if-", "range", "x-amz-", "content-", "user-agent", "expect", "transfer-encoding"];

impl Seen {
    /// Reads a request.
    pub fn new(number: u64, parts: &Parts) -> Self {
        let (bucket, key) = split_path(&parts.uri);
        let query = parts.uri.query().unwrap_or("").to_owned();
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .filter(|(name, _)| HEADERS_KEPT.iter().any(|kept| name.starts_with(kept)))
            .collect();
        let mut seen = Self { number, operation: "", bucket, key, query, headers };
        seen.operation = seen.classify(&parts.method);
        if seen.operation.starts_with("List") {
            seen.key = seen.parameter("prefix").unwrap_or_default();
        }
        seen
    }

    /// Returns a parameter of the query, decoded; empty where it has no value.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.query.split('&').find_map(|pair| {
            let (found, value) = pair.split_once('=').unwrap_or((pair, ""));
            (found == name).then(|| percent_decode(&value.replace('+', " ")))
        })
    }

    /// Tells whether the request would change something.
    pub fn is_write(&self) -> bool {
        !["Get", "Head", "List"].iter().any(|read| self.operation.starts_with(read))
    }

    /// Tells whether it carries contents, or asks for them.
    pub fn is_of_contents(&self) -> bool {
        ["GetObject", "PutObject", "UploadPart"].contains(&self.operation)
    }

    fn classify(&self, method: &Method) -> &'static str {
        if self.bucket.is_empty() {
            "ListBuckets"
        } else if self.key.is_empty() {
            self.classify_bucket(method)
        } else {
            self.classify_object(method)
        }
    }

    fn classify_bucket(&self, method: &Method) -> &'static str {
        let has = |name| self.parameter(name).is_some();
        match method.as_str() {
            "HEAD" => "HeadBucket",
            "POST" => "DeleteObjects",
            "DELETE" => "DeleteBucket",
            "PUT" if has("versioning") => "PutBucketVersioning",
            "PUT" => "CreateBucket",
            _ if has("location") => "GetBucketLocation",
            _ if has("versioning") => "GetBucketVersioning",
            _ if has("uploads") => "ListMultipartUploads",
            _ if has("versions") => "ListObjectVersions",
            _ if has("list-type") => "ListObjectsV2",
            _ => "ListObjects",
        }
    }

    fn classify_object(&self, method: &Method) -> &'static str {
        let has = |name| self.parameter(name).is_some();
        let copies = || self.headers.contains_key("x-amz-copy-source");
        match method.as_str() {
            "HEAD" => "HeadObject",
            "POST" if has("uploads") => "CreateMultipartUpload",
            "POST" => "CompleteMultipartUpload",
            "DELETE" if has("uploadId") => "AbortMultipartUpload",
            "DELETE" => "DeleteObject",
            "PUT" if has("partNumber") && copies() => "UploadPartCopy",
            "PUT" if has("partNumber") => "UploadPart",
            "PUT" if copies() => "CopyObject",
            "PUT" => "PutObject",
            _ if has("uploadId") => "ListParts",
            _ => "GetObject",
        }
    }
}

/// Splits a path-style path into bucket and key, decoded.
fn split_path(uri: &Uri) -> (String, String) {
    let path = uri.path().strip_prefix('/').unwrap_or("");
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (percent_decode(bucket), percent_decode(key))
}

/// Decodes `%41`.
fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let (b'%', Some(byte)) = (bytes[at], hex) {
            decoded.push(byte);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Tells whether `text` matches `glob`, in which `*` stands for any characters, `/` included.
pub fn glob_matches(glob: &str, text: &str) -> bool {
    match glob.split_once('*') {
        None => glob == text,
        Some((before, rest)) => text.strip_prefix(before).is_some_and(|text| {
            text.char_indices()
                .map(|(at, _)| at)
                .chain([text.len()])
                .any(|at| glob_matches(rest, &text[at..]))
        }),
    }
}
