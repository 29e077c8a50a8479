//! What took effect: every write and deletion in the order in which the store carried it out.

use bytes::Bytes;

use super::store::Precondition;

/// A write or a deletion that took effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// What the request asked to find, as far as the store looks at it.
    pub asked: Precondition,
    /// The ETag and the bytes that were there; `None` where nothing was.
    pub before: Option<(String, Bytes)>,
    /// The ETag and the bytes that are there now; `None` after a deletion.
    pub after: Option<(String, Bytes)>,
}

impl Change {
    /// Tells whether the request asked for something, and found it at the moment of its effect.
    pub fn was_as_asked(&self) -> bool {
        match (&self.asked, &self.before) {
            (Precondition::Absent, before) => before.is_none(),
            (Precondition::Present, before) => before.is_some(),
            (Precondition::Matches(etag), before) => {
                before.as_ref().is_some_and(|(found, _)| found == etag)
            }
            (Precondition::None | Precondition::Never, _) => false,
        }
    }
}
