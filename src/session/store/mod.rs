//! [`Store`]: the bucket as a run asks it, with patience and within its limits.
//!
//! A request waits here for its turn, tells the limits what the store said, and is made again where that
//! makes sense.

mod backoff;
mod call;
mod write;

pub use call::{Failure, Store};
pub use write::{Attempts, Write};
