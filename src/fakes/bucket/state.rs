//! The objects of a [`super::MemoryRemote`], and what happens to them under its lock.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::{Bytes, BytesMut};
use crc_fast::CrcAlgorithm;
use md5::{Digest as _, Md5};

use super::script::{Call, Mutation, Operation, Script};
use crate::remote::etag;
use crate::remote::key::OWN_FOLDER;
use crate::remote::{
    Capabilities, Checksum, Condition, Listed, ListingOrder, Object, Page, Part, RemoteError,
    RemoteErrorKind, Stored, UploadId,
};
use crate::tree::{Content, Properties, RemoteEntry, RepoPath, Token, Version};

/// How far each write moves the clock: S3 tells times in whole seconds.
const TICK_NANOSECONDS: i64 = 1_000_000_000;

/// Where the clock begins: 2026-01-01.
const BEGINNING_NANOSECONDS: i64 = 1_767_225_600_000_000_000;

/// One version of an object.
pub(super) struct StoredVersion {
    pub(super) token: Token,
    pub(super) body: Bytes,
    id: u64,
    mtime: Option<i64>,
    crc64: u64,
    modified: i64,
}

/// An upload in parts.
pub(super) struct Upload {
    pub(super) key: String,
    pub(super) mtime: Option<i64>,
    pub(super) begun: i64,
    pub(super) parts: BTreeMap<u32, (Token, Bytes)>,
}

/// The bytes of an object, and what they are called by their MD5s.
pub(super) struct Whole {
    pub(super) body: Bytes,
    token: Token,
    mtime: Option<i64>,
}

impl Whole {
    /// Takes bytes that came in one piece.
    pub(super) fn of(body: Bytes, mtime: Option<i64>) -> Self {
        let token = Token::of_bytes(md5_of(&body));
        Self { body, token, mtime }
    }
}

/// Everything behind the lock.
pub(super) struct BucketState {
    pub(super) script: Script,
    pub(super) history: Vec<Mutation>,
    pub(super) uploads: BTreeMap<String, Upload>,
    pub(super) now: i64,
    capabilities: Capabilities,
    /// Versions of each key, the newest last; `None` is a delete marker.
    keys: BTreeMap<String, Vec<Option<StoredVersion>>>,
    counter: u64,
}

/// Returns the CRC-64/NVME.
fn crc64_of(body: &[u8]) -> u64 {
    crc_fast::checksum(CrcAlgorithm::Crc64Nvme, body)
}

/// Returns the MD5.
fn md5_of(body: &[u8]) -> [u8; 16] {
    Md5::digest(body).into()
}

/// Refuses bytes that are not those that were promised.
pub(super) fn verify(call: &Call, body: &[u8], crc64: u64) -> Result<(), RemoteError> {
    if crc64_of(body) == crc64 {
        return Ok(());
    }
    Err(call.error(RemoteErrorKind::Corrupt, "the bytes do not match their checksum"))
}

impl BucketState {
    pub(super) fn new(capabilities: Capabilities) -> Self {
        Self {
            script: Script::default(),
            history: Vec::new(),
            uploads: BTreeMap::new(),
            now: BEGINNING_NANOSECONDS,
            capabilities,
            keys: BTreeMap::new(),
            counter: 0,
        }
    }

    /// Returns every object that is there, in the byte order of keys.
    pub(super) fn objects(&self) -> impl Iterator<Item = (&String, &StoredVersion)> {
        self.objects_behind(None)
    }

    /// Returns those behind a key.
    fn objects_behind(&self, key: Option<&str>) -> impl Iterator<Item = (&String, &StoredVersion)> {
        let from = key.map_or(Bound::Unbounded, Bound::Excluded);
        let behind = self.keys.range::<str, _>((from, Bound::Unbounded));
        behind.filter_map(|(key, all)| Some((key, all.last()?.as_ref()?)))
    }

    /// Returns what lies behind a key in the order of listings.
    fn listed_behind<'a>(
        &'a self,
        key: Option<&'a str>,
    ) -> Box<dyn Iterator<Item = (&'a String, &'a StoredVersion)> + 'a> {
        let order = self.capabilities.listing_order;
        if order == ListingOrder::Keys {
            return Box::new(self.objects_behind(key));
        }
        let is_behind =
            |other: &str| key.is_none_or(|key| order.compare(key, other) == Ordering::Less);
        let mut objects: Vec<_> =
            self.objects_behind(None).filter(|(other, _)| is_behind(other)).collect();
        objects.sort_by(|(one, _), (other, _)| order.compare(one, other));
        Box::new(objects.into_iter())
    }

    pub(super) fn current(&self, key: &str) -> Option<&StoredVersion> {
        self.keys.get(key)?.last()?.as_ref()
    }

    pub(super) fn version(&self, key: &str, id: &str) -> Option<&StoredVersion> {
        let id = id.parse::<u64>().ok().filter(|_| self.capabilities.versioning)?;
        self.keys.get(key)?.iter().flatten().find(|version| version.id == id)
    }

    /// Checks a condition.
    pub(super) fn check(&self, call: &Call, condition: &Condition) -> Result<(), RemoteError> {
        // What two writers got in at once can be deleted again.
        let adds = !matches!(call.operation, Operation::Delete | Operation::DeleteMany);
        if adds && !self.capabilities.file_beside_folder && self.clashes(&call.key) {
            let message = "a file and a folder of one name cannot stand side by side";
            return Err(call.error(RemoteErrorKind::Invalid, message));
        }
        match (condition, self.current(&call.key)) {
            (Condition::Absent, None) => Ok(()),
            (Condition::Matches(expected), Some(found)) if found.token == *expected => Ok(()),
            (Condition::Absent | Condition::Matches(_), Some(found)) => {
                Err(call.changed(&found.token))
            }
            (Condition::Matches(_), None) => {
                Err(call.error(RemoteErrorKind::Changed, "the object is gone"))
            }
        }
    }

    /// Tells whether a key lies above or below `key`.
    fn clashes(&self, key: &str) -> bool {
        self.objects().any(|(other, _)| {
            let below = |long: &str, short: &str| {
                long.strip_prefix(short).is_some_and(|rest| rest.starts_with('/'))
            };
            below(other, key) || below(key, other)
        })
    }

    /// Stores an object.
    pub(super) fn store(
        &mut self,
        client: &str,
        key: &str,
        whole: Whole,
        condition: Option<&Condition>,
    ) -> Stored {
        let Whole { body, mut token, mtime } = whole;
        self.counter += 1;
        self.now += TICK_NANOSECONDS;
        if !self.capabilities.etag_is_md5 {
            // Scrambled, so that nobody can rely on an order; the `x` keeps it from looking like MD5.
            token = Token::new(&format!("x{:x}", self.counter.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        }
        let (id, modified, crc64) = (self.counter, self.now, crc64_of(&body));
        self.record(client, key, Some((token.clone(), crc64)), condition);
        let version = StoredVersion { token: token.clone(), body, id, mtime, crc64, modified };
        let versions = self.keys.entry(key.to_owned()).or_default();
        if !self.capabilities.versioning {
            versions.clear();
        }
        versions.push(Some(version));
        Stored {
            md5: self.md5(&token),
            version_id: self.capabilities.versioning.then(|| id.to_string()),
            token,
        }
    }

    /// Takes an object away; nothing there is no error.
    pub(super) fn remove(&mut self, client: &str, key: &str, condition: Option<&Condition>) {
        if self.current(key).is_none() {
            return;
        }
        self.now += TICK_NANOSECONDS;
        self.record(client, key, None, condition);
        if self.capabilities.versioning {
            self.keys.entry(key.to_owned()).or_default().push(None);
        } else {
            self.keys.remove(key);
        }
    }

    fn record(
        &mut self,
        client: &str,
        key: &str,
        new: Option<(Token, u64)>,
        condition: Option<&Condition>,
    ) {
        self.history.push(Mutation {
            client: client.to_owned(),
            key: key.to_owned(),
            old: self.current(key).map(|version| version.token.clone()),
            crc64: new.as_ref().map(|(_, crc64)| *crc64),
            new: new.map(|(token, _)| token),
            condition: condition.cloned(),
        });
    }

    /// Returns the MD5 of what the store calls so, where it names by MD5.
    pub(super) fn md5(&self, token: &Token) -> Option<[u8; 16]> {
        etag::md5(token).filter(|_| self.capabilities.etag_is_md5)
    }

    /// Describes a version as `head` and `get` do.
    pub(super) fn object(&self, path: &RepoPath, version: &StoredVersion) -> Object {
        let versioning = self.capabilities.versioning;
        let says_crc64 = self.capabilities.checksum == Checksum::Crc64nvme;
        Object {
            entry: entry(path.clone(), version),
            properties: Properties::default().with_mtime(version.mtime),
            content: Content::of_size(version.body.len() as u64)
                .with_md5(self.md5(&version.token))
                .with_crc64(says_crc64.then_some(version.crc64)),
            version_id: versioning.then(|| version.id.to_string()),
        }
    }

    /// Returns one page of a listing; the token is the last key before it.
    pub(super) fn page(&self, prefix: &str, next: Option<&str>, limit: usize) -> Page {
        let mut items: Vec<Listed> = Vec::new();
        for (key, version) in self.listed_behind(next) {
            if !key.starts_with(prefix) || key.starts_with(OWN_FOLDER) {
                continue;
            }
            if items.len() == limit {
                let last = items.last().map(|item| item.key().to_owned());
                return Page { items, next: last };
            }
            items.push(match RepoPath::parse(key) {
                Ok(path) => Listed::Object(entry(path, version)),
                Err(reason) => {
                    Listed::Odd { key: key.clone(), reason, size: version.body.len() as u64 }
                }
            });
        }
        Page { items, next: None }
    }

    pub(super) fn begin_upload(&mut self, upload: Upload) -> UploadId {
        self.counter += 1;
        let id = format!("upload-{}", self.counter);
        self.uploads.insert(id.clone(), upload);
        UploadId(id)
    }

    /// Returns an upload to the key of this call.
    pub(super) fn upload(
        &mut self,
        call: &Call,
        id: &UploadId,
    ) -> Result<&mut Upload, RemoteError> {
        let upload = self.uploads.get_mut(&id.0).filter(|upload| upload.key == call.key);
        upload.ok_or_else(|| call.error(RemoteErrorKind::NotFound, "there is no such upload"))
    }
}

impl Upload {
    pub(super) fn store_part(
        &mut self,
        call: &Call,
        number: u32,
        body: Bytes,
    ) -> Result<Part, RemoteError> {
        if !(1..=10_000).contains(&number) {
            return Err(call.error(RemoteErrorKind::Invalid, "part numbers go from 1 to 10,000"));
        }
        let crc64 = crc64_of(&body);
        let token = Token::of_bytes(md5_of(&body));
        self.parts.insert(number, (token.clone(), body));
        Ok(Part { number, token, crc64 })
    }

    /// Puts the named parts together.
    pub(super) fn assemble(&self, call: &Call, parts: &[Part]) -> Result<Whole, RemoteError> {
        let invalid = |message| Err(call.error(RemoteErrorKind::Invalid, message));
        if parts.is_empty() || !parts.is_sorted_by(|a, b| a.number < b.number) {
            return invalid("the parts are none or not in order");
        }
        let mut body = BytesMut::new();
        for part in parts {
            match self.parts.get(&part.number) {
                Some((token, bytes)) if *token == part.token && crc64_of(bytes) == part.crc64 => {
                    body.extend_from_slice(bytes);
                }
                _ => return invalid("a part is missing or another one"),
            }
        }
        let token = etag::of_parts(parts.iter().map(|part| &part.token));
        let token = token.expect("the parts are named by their MD5s");
        Ok(Whole { body: body.freeze(), token, mtime: self.mtime })
    }
}

/// Describes a version as listings do.
fn entry(path: RepoPath, version: &StoredVersion) -> RemoteEntry {
    let size = version.body.len() as u64;
    let token = version.token.clone();
    RemoteEntry { path, version: Version { token, size }, modified: version.modified }
}
