//! How much a run does at once, and how fast.

pub mod buffers;
pub mod lanes;
pub mod pace;
pub mod range_window;
pub mod room;
mod search;
pub mod tuning;
mod turns;
