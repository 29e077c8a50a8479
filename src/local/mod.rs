//! The working directory: what lies in it ([`Scan`]), which of it counts ([`IgnoreRules`]) and what
//! its files hold ([`content`]).

pub mod content;
mod ignore;
pub mod replace;
mod scan;
#[cfg(test)]
mod testing;

pub use ignore::{IgnoreRules, IgnoredBy, RULES_FILE, RULES_FILE_BYTES_MAX, RuleFiles};
pub use scan::{Found, LocalItem, Now, Scan, ScanError, ScanOptions, Unmergeable};
