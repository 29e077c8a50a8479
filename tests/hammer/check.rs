//! What must be true of the store's history, of the copies and of their trashes.

use std::collections::{BTreeMap, BTreeSet};

use crate::COPIES;
use crate::persons::Persons;
use crate::support::{Change, Workspace};

/// What lsync promises on a kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// Every write and every deletion found what it expected.
    Everything,
    /// Every write did.
    Writes,
    /// The store cannot say; what a race took is kept by who wrote it.
    Nothing,
}

/// Returns bytes as text.
fn text(side: Option<&(String, bytes::Bytes)>) -> Option<String> {
    side.map(|(_, bytes)| String::from_utf8(bytes.to_vec()).unwrap())
}

/// Checks that each change of a key began where the one before ended.
pub fn is_a_history(history: &[Change]) {
    let mut now = BTreeMap::new();
    for change in history {
        let there = now.insert(&change.key, &change.after);
        assert_eq!(&change.before, there.unwrap_or(&None), "of {}", change.key);
    }
}

/// Checks the expectation of every request at the moment of its effect (I2).
pub fn kept_its_promise(history: &[Change], promise: Promise) {
    let promised = history.iter().filter(|change| match promise {
        Promise::Everything => true,
        Promise::Writes => change.after.is_some(),
        Promise::Nothing => false,
    });
    for change in promised {
        assert!(change.was_as_asked(), "without a condition that held: {change:?}");
    }
}

/// Checks that nothing was ever stored that no person saved as a whole (I11).
pub fn every_body_was_written_whole(history: &[Change], persons: &Persons) {
    let written = persons.written();
    for body in history.iter().filter_map(|change| text(change.after.as_ref())) {
        assert!(written.contains(&body), "nobody wrote {body:?}");
    }
}

/// Checks that every content is current somewhere, or in a trash, or was replaced by somebody who
/// knew it (I1).
pub fn nothing_got_lost(history: &[Change], persons: &Persons, workspace: &Workspace) {
    let mut found = persons.replaced();
    for change in history.iter().filter(|change| change.was_as_asked()) {
        found.extend(text(change.before.as_ref()));
    }
    for copy in 0..COPIES {
        found.extend(workspace.texts(format!("copy{copy}")).into_values());
        found.extend(workspace.texts(format!("copy{copy}/.lsync/trash")).into_values());
    }
    let lost: BTreeSet<_> = persons.written().difference(&found).cloned().collect();
    assert!(lost.is_empty(), "lost: {lost:#?}\n{}", story(history, &lost));
}

/// Tells what happened to contents in the bucket.
fn story(history: &[Change], contents: &BTreeSet<String>) -> String {
    let is_about = |side: Option<&_>| text(side).is_some_and(|text| contents.contains(&text));
    let about = history
        .iter()
        .filter(|change| is_about(change.before.as_ref()) || is_about(change.after.as_ref()));
    about.map(|change| format!("{change:?}")).collect::<Vec<_>>().join("\n")
}
