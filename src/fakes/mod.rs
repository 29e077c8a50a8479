//! A disk and a bucket in memory, for tests: with switches for crashes, faults and what people do.
//!
//! The program never has them: they are behind the feature `fakes`, which only tests switch on.

pub mod bucket;
pub mod disk;
