//! The pool, and what it does for one action.

mod beside;
mod delete;
mod fetch;
mod keep_both;
mod pool;
mod prepare;
mod queue;

pub use beside::beside;
pub(super) use pool::Prepared;
