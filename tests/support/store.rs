//! The objects: buckets, keys, versions, and the conditions that are checked under one lock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use s3s::dto::{Checksum, ETag, ETagCondition};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::history::Change;

/// What a request expects of the key that it writes or deletes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing in particular.
    None,
    /// `If-None-Match: *`.
    Absent,
    /// `If-Match: *`.
    Present,
    /// `If-Match` with an ETag.
    Matches(String),
    /// `If-Match` that this store never finds to hold (Ceph and quotes).
    Never,
}

/// Whether a bucket keeps old versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versioning {
    /// It never did.
    Never,
    /// It does.
    Enabled,
    /// It did, and new versions replace the one named `null`.
    Suspended,
}

/// One version of an object, or a delete marker.
#[derive(Debug, Clone)]
pub struct StoredVersion {
    /// Its id; `null` outside of versioned buckets.
    pub id: String,
    /// The bytes; `None` is a delete marker.
    pub body: Option<Bytes>,
    /// Without quotes.
    pub etag: String,
    /// User metadata, names in lower case without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// `Content-Type` as sent.
    pub content_type: Option<String>,
    /// Checksums of the whole object.
    pub checksum: Checksum,
    /// In whole seconds, as S3 keeps it.
    pub modified: SystemTime,
    /// The answer names a KMS key.
    pub kms: bool,
}

impl StoredVersion {
    /// Returns the ETag as the protocol types have it.
    pub fn protocol_etag(&self) -> ETag {
        ETag::Strong(self.etag.clone())
    }

    /// Returns bytes; 0 for a delete marker.
    pub fn size(&self) -> usize {
        self.body.as_ref().map_or(0, Bytes::len)
    }
}

/// A bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// Whether it keeps versions.
    pub versioning: Versioning,
    /// Versions of each key, the newest last; never an empty list. Equal objects of a benchmark are one.
    pub keys: BTreeMap<String, Vec<Arc<StoredVersion>>>,
    /// Keys that no listing shows.
    pub hidden: BTreeSet<String>,
    /// When it was made.
    pub created: SystemTime,
}

/// An upload in parts.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Where it will go.
    pub bucket: String,
    /// Where it will go.
    pub key: String,
    /// What the object will carry.
    pub metadata: BTreeMap<String, String>,
    /// What the object will carry.
    pub content_type: Option<String>,
    /// Whether the upload asked for a checksum over the whole object.
    pub full_object: bool,
    /// ETag, bytes and checksum of each part.
    pub parts: BTreeMap<i32, UploadedPart>,
    /// When it began.
    pub initiated: SystemTime,
}

/// One part.
#[derive(Debug, Clone)]
pub struct UploadedPart {
    /// Hex MD5.
    pub etag: String,
    /// The bytes.
    pub body: Bytes,
    /// Its checksums.
    pub checksum: Checksum,
}

/// All buckets.
#[derive(Debug, Default)]
pub struct Store {
    /// By name.
    pub buckets: BTreeMap<String, Bucket>,
    /// By upload id.
    pub uploads: BTreeMap<String, Upload>,
    /// What took effect, in that order.
    pub history: Vec<Change>,
    /// `\` in a key is kept as `/`.
    pub backslash_is_slash: bool,
    /// From now on conditions of writes are accepted and not looked at.
    pub forgets_conditions: bool,
    counter: u64,
}

/// What came of a deletion.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// A delete marker was written or removed.
    pub marker: bool,
    /// Its id, or that of the version removed.
    pub version_id: Option<String>,
}

impl Store {
    /// Returns a text that was not given out before.
    pub fn fresh_id(&mut self) -> String {
        self.counter += 1;
        // Scrambled, because nobody may rely on ids or random ETags being in order.
        let scrambled =
            u128::from(self.counter).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        format!("{scrambled:032x}")
    }

    /// Returns the bucket, else 404.
    pub fn bucket(&self, name: &str) -> S3Result<&Bucket> {
        self.buckets
            .get(name)
            .ok_or_else(|| s3_error!(NoSuchBucket, "The specified bucket does not exist"))
    }

    /// Returns the bucket, else 404.
    pub fn bucket_mut(&mut self, name: &str) -> S3Result<&mut Bucket> {
        self.buckets
            .get_mut(name)
            .ok_or_else(|| s3_error!(NoSuchBucket, "The specified bucket does not exist"))
    }

    /// Returns the version that `GET` would give, `None` where there is none or a delete marker.
    pub fn current(&self, bucket: &str, key: &str) -> S3Result<Option<&StoredVersion>> {
        let versions = self.bucket(bucket)?.keys.get(&self.kept_as(key));
        let current = versions.and_then(|versions| versions.last());
        Ok(current.map(Arc::as_ref).filter(|version| version.body.is_some()))
    }

    /// Returns the name under which a key is kept.
    fn kept_as(&self, key: &str) -> String {
        if self.backslash_is_slash { key.replace('\\', "/") } else { key.to_owned() }
    }

    /// Checks a condition, with the answers that AWS gives: 412, and 404 where the key is missing.
    pub fn check(&self, bucket: &str, key: &str, condition: &Precondition) -> S3Result<()> {
        let current = self.current(bucket, key)?;
        let holds = match (condition, current) {
            (Precondition::Absent, current) => current.is_none(),
            (Precondition::None, _) | (Precondition::Present, Some(_)) => true,
            (_, None) => return Err(no_such_key()),
            (Precondition::Matches(etag), Some(current)) => current.etag == *etag,
            (Precondition::Never, Some(_)) => false,
        };
        if holds { Ok(()) } else { Err(precondition_failed()) }
    }

    /// Stores a version if the condition holds; returns its id where the bucket keeps versions.
    pub fn put(
        &mut self,
        bucket: &str,
        key: &str,
        version: StoredVersion,
        condition: &Precondition,
    ) -> S3Result<Option<String>> {
        self.check(bucket, key, condition)?;
        self.put_unchecked(bucket, key, version, condition)
    }

    /// As [`Store::put`] on a store that has looked at the condition before, or never does.
    pub fn put_unchecked(
        &mut self,
        bucket: &str,
        key: &str,
        mut version: StoredVersion,
        asked: &Precondition,
    ) -> S3Result<Option<String>> {
        let id = self.fresh_id();
        self.remember((bucket, key), asked, Some(&version))?;
        let key = self.kept_as(key);
        let bucket = self.bucket_mut(bucket)?;
        let versions = bucket.keys.entry(key).or_default();
        match bucket.versioning {
            Versioning::Enabled => version.id.clone_from(&id),
            Versioning::Suspended | Versioning::Never => {
                "null".clone_into(&mut version.id);
                versions.retain(|version| version.id != "null");
            }
        }
        versions.push(Arc::new(version));
        Ok((bucket.versioning == Versioning::Enabled).then_some(id))
    }

    /// Deletes the current version if the condition holds: removes it, or hides it behind a marker.
    pub fn delete(
        &mut self,
        bucket: &str,
        key: &str,
        condition: &Precondition,
    ) -> S3Result<Deleted> {
        self.check(bucket, key, condition)?;
        self.delete_unchecked(bucket, key, condition)
    }

    /// As [`Store::delete`] on a store that has looked at the condition before, or never does.
    pub fn delete_unchecked(
        &mut self,
        bucket: &str,
        key: &str,
        asked: &Precondition,
    ) -> S3Result<Deleted> {
        let id = self.fresh_id();
        self.remember((bucket, key), asked, None)?;
        let key = &*self.kept_as(key);
        let bucket = self.bucket_mut(bucket)?;
        if bucket.versioning == Versioning::Never {
            bucket.keys.remove(key);
            return Ok(Deleted::default());
        }
        let versions = bucket.keys.entry(key.to_owned()).or_default();
        let id = if bucket.versioning == Versioning::Enabled {
            id
        } else {
            versions.retain(|version| version.id != "null");
            "null".to_owned()
        };
        versions.push(Arc::new(StoredVersion::marker(id.clone())));
        Ok(Deleted { marker: true, version_id: Some(id) })
    }

    /// Writes down what is about to change.
    fn remember(
        &mut self,
        (bucket, key): (&str, &str),
        asked: &Precondition,
        after: Option<&StoredVersion>,
    ) -> S3Result<()> {
        let shown = |version: &StoredVersion| Some((version.etag.clone(), version.body.clone()?));
        let change = Change {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            asked: asked.clone(),
            before: self.current(bucket, key)?.and_then(shown),
            after: after.and_then(shown),
        };
        self.history.push(change);
        Ok(())
    }

    /// Removes one version for good.
    pub fn delete_version(&mut self, bucket: &str, key: &str, id: &str) -> S3Result<Deleted> {
        let bucket = self.bucket_mut(bucket)?;
        let mut deleted = Deleted { marker: false, version_id: Some(id.to_owned()) };
        if let Some(versions) = bucket.keys.get_mut(key) {
            deleted.marker = versions.iter().any(|v| v.id == id && v.body.is_none());
            versions.retain(|version| version.id != id);
            if versions.is_empty() {
                bucket.keys.remove(key);
            }
        }
        Ok(deleted)
    }

    /// Returns the version with this id: 404 where there is none, 405 for a delete marker.
    pub fn version(&self, bucket: &str, key: &str, id: &str) -> S3Result<&StoredVersion> {
        let versions = self.bucket(bucket)?.keys.get(key);
        let version = versions.and_then(|all| all.iter().find(|version| version.id == id));
        let version = version
            .ok_or_else(|| s3_error!(NoSuchVersion, "The specified version does not exist."))?;
        if version.body.is_none() {
            return Err(s3_error!(
                MethodNotAllowed,
                "The specified method is not allowed against this resource."
            ));
        }
        Ok(version)
    }

    /// Tells whether a key stands in the way of `key` on a store that keeps objects as files.
    pub fn clashes(&self, bucket: &str, key: &str) -> bool {
        let has_below = self.has_below(bucket, key);
        let Ok(bucket) = self.bucket(bucket) else { return false };
        has_below || key.match_indices('/').any(|(end, _)| bucket.keys.contains_key(&key[..end]))
    }

    /// Tells whether there is a key below `key` as a folder.
    pub fn has_below(&self, bucket: &str, key: &str) -> bool {
        let Ok(bucket) = self.bucket(bucket) else { return false };
        let below = format!("{key}/");
        let next = bucket.keys.range(below.clone()..).next();
        next.is_some_and(|(other, _)| other.starts_with(&below))
    }
}

impl StoredVersion {
    /// Makes a delete marker.
    fn marker(id: String) -> Self {
        Self {
            id,
            body: None,
            etag: String::new(),
            metadata: BTreeMap::new(),
            content_type: None,
            checksum: Checksum::default(),
            modified: now(),
            kms: false,
        }
    }
}

/// Returns the time in whole seconds.
pub fn now() -> SystemTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

/// Returns 412.
pub fn precondition_failed() -> S3Error {
    s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
}

/// Returns 404.
pub fn no_such_key() -> S3Error {
    S3Error::with_message(S3ErrorCode::NoSuchKey, "The specified key does not exist.")
}

/// Reads what a header says.
pub fn precondition_of(header: &str) -> Precondition {
    match ETagCondition::parse_http_header(header.as_bytes()) {
        Ok(ETagCondition::Any) => Precondition::Present,
        Ok(ETagCondition::ETag(etag)) => Precondition::Matches(etag.into_value()),
        Err(_) => Precondition::Matches(header.to_owned()),
    }
}
