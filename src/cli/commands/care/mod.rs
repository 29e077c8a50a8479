//! What keeps a working copy and its bucket tidy.

pub(in crate::cli) mod clean;
pub(in crate::cli) mod trash;
