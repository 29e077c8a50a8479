//! [`MemoryRemote`]: a bucket in memory, the reference of the [`Remote`](crate::remote::Remote) contract.
//!
//! It keeps every promise in the plainest way, so that other implementations can be compared with
//! it, and gives tests what no store gives: a record of all calls and mutations, a script of faults,
//! a clock that only moves with writes, and a hook that is awaited around each call, with which a
//! simulation decides who goes next.

mod body;
mod deleting;
mod remote;
mod script;
mod seam;
mod state;
mod uploads;

#[cfg(test)]
mod tests;

pub use remote::MemoryRemote;
pub use script::{Call, Fault, Hook, HookFuture, Moment, Mutation, Operation};
