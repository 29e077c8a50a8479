//! The groups in which `--help` lists options.

/// What the command works on, and what it may do.
pub(super) const WHAT: &str = "What";

/// How fast.
pub(super) const SPEED: &str = "How fast";

/// How the command talks.
pub(super) const TALK: &str = "How to talk";
