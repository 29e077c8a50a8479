//! lsync shares a directory with a team through an S3 bucket.
//!
//! The modules, in the order of their layers; each imports only from those above it:
//!
//! ```text
//! clock, monitor         the world outside that is neither disk nor bucket
//! tree                   what one side looks like (pure)
//! plan                   what has to happen (pure)       disk   the one seam to the file system
//! repository             .lsync on disk
//! local                  the working directory           remote the one seam to the bucket
//! session                one run: the bucket, asked with patience and within limits
//! look                   what there is: listing, comparing, second looks
//! transfer               carries out a plan
//! sync                   the story: scan → merge → examine → reconcile → guard → transfer → record
//! error                  sums up the modules' errors: message, hint, exit code
//! fakes                  a disk and a bucket in memory, for tests alone
//! cli                    the only code that prints or asks
//! ```
//!
//! Read `sync/mod.rs` first.

pub mod cli;
pub mod clock;
pub mod disk;
pub mod error;
#[cfg(any(test, feature = "fakes"))]
pub mod fakes;
pub mod local;
pub mod look;
pub mod monitor;
pub mod plan;
pub mod remote;
pub mod repository;
pub mod session;
pub mod sync;
pub mod transfer;
pub mod tree;
