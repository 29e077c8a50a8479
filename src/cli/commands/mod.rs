//! One file a command, by theme.

pub(super) mod care;
pub(super) mod start;
pub(super) mod work;
