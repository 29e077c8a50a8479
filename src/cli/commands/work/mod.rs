//! What a team does all day.

pub(in crate::cli) mod consent;
pub(in crate::cli) mod resolve;
pub(in crate::cli) mod status;
pub(in crate::cli) mod sync;
