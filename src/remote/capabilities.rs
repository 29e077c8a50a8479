//! [`Capabilities`]: what a store can do, as the probe found it and the config keeps it in words.

use serde::{Deserialize, Serialize};

use super::{ListingOrder, OddName};

/// How far a store honours `If-Match` and `If-None-Match` on a kind of request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conditions {
    /// Honoured, also among several at once.
    Atomic,
    /// Honoured, but only with the ETag written without quotes (Ceph and its relatives).
    AtomicUnquoted,
    /// Ignored, refused, or more than one of several at once succeeded: lsync compares before and after.
    #[default]
    None,
}

impl Conditions {
    /// Tells whether a store keeps no promise.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn are_none(&self) -> bool {
        *self == Self::None
    }
}

/// Which checksum a store takes in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Checksum {
    /// `x-amz-checksum-crc64nvme`.
    Crc64nvme,
    /// No checksum header at all.
    None,
}

/// What the probe found. Serialized into `.lsync/config.yaml` in these words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a finding of its own")]
pub struct Capabilities {
    /// On `PUT`.
    pub conditional_put: Conditions,
    /// On `CompleteMultipartUpload`.
    pub conditional_complete: Conditions,
    /// On `DELETE`.
    pub conditional_delete: Conditions,
    /// On each key of `DeleteObjects`. A config that says nothing of it knows of none.
    #[serde(default, skip_serializing_if = "Conditions::are_none")]
    pub conditional_delete_many: Conditions,
    /// Which checksum header the store takes.
    pub checksum: Checksum,
    /// A plain `PUT` answers with the MD5 of the bytes as ETag.
    pub etag_is_md5: bool,
    /// Listings carry ETags; where not, each listed object costs a `HEAD`.
    pub etag_in_listing: bool,
    /// The order of keys in listings. A config that says nothing of it knows of that of S3 alone.
    #[serde(default, skip_serializing_if = "ListingOrder::is_of_keys")]
    pub listing_order: ListingOrder,
    /// A listing can begin behind any text, so that one of many pages is fetched in several ranges at
    /// once. A config that says nothing of it knows of a store that can.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub start_after: bool,
    /// Names that the store keeps under another one, or cannot list. A config that says nothing of them
    /// knows of none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed_names: Vec<OddName>,
    /// The bucket keeps old versions.
    pub versioning: bool,
    /// A key `a` and a key `a/b` can stand side by side.
    pub file_beside_folder: bool,
    /// Writes were refused when the working copy was made.
    pub read_only: bool,
    /// That conditions of writes are kept is probable alone: old versions stay for good there, and so only
    /// few races were held. Each replacement is looked at afterwards. A config that says nothing of it
    /// knows of no such thing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub probable: bool,
    /// Files can be sent in parts; where not, with one request each. A config that says nothing of it knows of
    /// a store that takes parts.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub uploads_in_parts: bool,
    /// Nothing can be deleted for good: versions are locked (Object Lock), or nobody has the right to.
    /// A config that says nothing of it knows of no such thing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undeletable: bool,
}

fn yes() -> bool {
    true
}

impl Capabilities {
    /// Returns what is safe to assume of a store before it has shown more.
    pub(super) fn nothing() -> Self {
        Self {
            conditional_put: Conditions::None,
            conditional_complete: Conditions::None,
            conditional_delete: Conditions::None,
            conditional_delete_many: Conditions::None,
            checksum: Checksum::None,
            etag_is_md5: false,
            etag_in_listing: false,
            listing_order: ListingOrder::Keys,
            start_after: true,
            changed_names: Vec::new(),
            versioning: false,
            file_beside_folder: true,
            read_only: false,
            probable: false,
            uploads_in_parts: true,
            undeletable: false,
        }
    }

    /// Returns what is left of it once the store has broken a promise: it is trusted with no condition.
    #[must_use]
    pub fn without_promises(self) -> Self {
        Self { probable: false, ..self.with_conditions(Conditions::None) }
    }

    /// Returns the same where every condition is honoured so.
    pub(super) fn with_conditions(self, honoured: Conditions) -> Self {
        Self {
            conditional_put: honoured,
            conditional_complete: honoured,
            conditional_delete: honoured,
            conditional_delete_many: honoured,
            ..self
        }
    }

    /// Returns how many versions one request may delete, where `most` is what it can hold.
    pub(crate) fn deletions_at_once(&self, most: usize) -> usize {
        if self.conditional_delete_many == Conditions::None { 1 } else { most }
    }

    /// Returns what AWS S3 can do, and what [`super::MemoryRemote`] does.
    pub fn full() -> Self {
        Self {
            checksum: Checksum::Crc64nvme,
            etag_is_md5: true,
            etag_in_listing: true,
            ..Self::nothing().with_conditions(Conditions::Atomic)
        }
    }

    /// Tells whether two people who write the same file in the same second can overwrite each other.
    pub fn can_lose_races(&self) -> bool {
        !self.read_only
            && [self.conditional_put, self.conditional_large(), self.conditional_delete]
                .contains(&Conditions::None)
    }

    /// Returns how far the store honours conditions where a large file is stored.
    pub(crate) fn conditional_large(&self) -> Conditions {
        if self.uploads_in_parts { self.conditional_complete } else { self.conditional_put }
    }
}

/// What the probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// For the config.
    pub capabilities: Capabilities,
    /// What a person should know, a sentence each, without full stop.
    pub notes: Vec<String>,
}
