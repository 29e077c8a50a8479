//! [`Evidence`]: what speaks against the claims of a store, as far as a run has seen.

use std::sync::{Arc, OnceLock};

use crate::remote::Conditions;

/// The first write of a run that replaced what it should not have.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence(Arc<OnceLock<String>>);

impl Evidence {
    /// Returns what a store is trusted with that claims `claimed`: nothing, once it broke a promise.
    pub(super) fn trusted(&self, claimed: Conditions) -> Conditions {
        if self.0.get().is_some() { Conditions::None } else { claimed }
    }

    /// Says which conditional write replaced something else than it named.
    pub(super) fn words(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    /// Notes such a write; the first one counts.
    pub(super) fn note(&self, words: String) {
        self.0.get_or_init(|| words);
    }
}
