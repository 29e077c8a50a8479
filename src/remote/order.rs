//! [`ListingOrder`]: the order in which a store lists keys.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// The order in which a store lists keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListingOrder {
    /// By the bytes of whole keys, as the S3 API reference promises for `ListObjectsV2`: `a.b` before
    /// `a/b`.
    #[default]
    Keys,
    /// Folder by folder, as stores list that keep keys in directories (`SeaweedFS`, s3rver): names are
    /// compared one after the other, so that `a/b` comes before `a.b`.
    Folders,
}

impl ListingOrder {
    /// Compares two keys.
    pub fn compare(self, one: &str, other: &str) -> Ordering {
        match self {
            Self::Keys => one.cmp(other),
            Self::Folders => one.split('/').cmp(other.split('/')),
        }
    }

    /// Returns the order in which keys stand, that of S3 where it could be both; `None` where they are
    /// in neither, or one comes twice.
    pub fn of(keys: &[&str]) -> Option<Self> {
        let stand_in =
            |order: &Self| keys.is_sorted_by(|one, next| order.compare(one, next).is_lt());
        [Self::Keys, Self::Folders].into_iter().find(stand_in)
    }

    /// Tells whether it is the one that S3 promises.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(super) fn is_of_keys(&self) -> bool {
        *self == Self::Keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_stands_before_the_names_that_go_on_behind_its_own() {
        let folders = ["a/b", "a/b/c", "a/b.c", "a.b", "a0"];
        let keys = ["a.b", "a/b", "a/b.c", "a/b/c", "a0"];
        for (order, keys) in [(ListingOrder::Folders, folders), (ListingOrder::Keys, keys)] {
            for (at, one) in keys.iter().enumerate() {
                for (other_at, other) in keys.iter().enumerate() {
                    assert_eq!(order.compare(one, other), at.cmp(&other_at), "{one} {other}");
                }
            }
            assert_eq!(ListingOrder::of(&keys), Some(order));
        }
    }

    #[test]
    fn keys_in_neither_order_have_none() {
        for keys in [&["b", "a"][..], &["a", "a"], &["a/b", "a.b", "a/c"]] {
            assert_eq!(ListingOrder::of(keys), None, "{keys:?}");
        }
        assert_eq!(ListingOrder::of(&[]), Some(ListingOrder::Keys));
    }
}
