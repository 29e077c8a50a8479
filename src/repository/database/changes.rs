//! What the journal says, as a map.

use std::collections::BTreeMap;

use crate::tree::{BaseRow, Content, Properties, RepoPath, Signature, Version};

/// What is known of paths since the database was written; `None`: no row, or none that counts.
pub(super) type Changes = BTreeMap<RepoPath, Option<Values>>;

/// A row without its path.
#[derive(Debug, Clone)]
pub(super) struct Values {
    signature: Signature,
    version: Version,
    content: Content,
    properties: Properties,
}

impl Values {
    /// Makes a row again.
    pub(super) fn at(self, path: RepoPath) -> BaseRow {
        let Self { signature, version, content, properties } = self;
        BaseRow { path, signature, version, content, properties }
    }
}

/// Puts a row into the map.
pub(super) fn insert(changes: &mut Changes, row: BaseRow) {
    let BaseRow { path, signature, version, content, properties } = row;
    changes.insert(path, Some(Values { signature, version, content, properties }));
}
