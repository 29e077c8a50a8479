//! The working directory.

pub mod replace;
