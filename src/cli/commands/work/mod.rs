//! What a team does all day.

mod carry;
mod consent;
pub(in crate::cli) mod flow;
pub(in crate::cli) mod pull;
pub(in crate::cli) mod push;
mod request;
pub(in crate::cli) mod resolve;
pub(in crate::cli) mod status;
pub(in crate::cli) mod sync;
