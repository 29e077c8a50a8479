//! One run: what is open, and how far it may go.

pub mod limits;
pub mod store;
