//! What the tests that run the real binary stand on: an S3 server in this process, and temporary
//! working copies.
//!
//! The server speaks HTTP on a port of its own, so the whole way of a request is tested: SDK,
//! signature, headers, XML. Its store keeps what AWS promises; [`Profile`] takes promises away one
//! by one, [`FaultRule`] breaks single requests, and [`S3Server::on_request`] lets somebody else act
//! between two of them.

#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "every test binary includes this module and uses its own part of it"
)]
#![allow(clippy::unwrap_used, reason = "a broken test bench should stop the test at once")]

mod backend;
mod buckets;
mod checksums;
mod connection;
mod faults;
mod folding_disk;
mod front;
mod history;
mod in_process;
mod listing;
mod log;
mod multipart;
mod objects;
mod once;
mod profiles;
mod report;
mod request;
mod server;
mod small_disk;
mod store;
mod throttle;
mod traffic;
mod workspace;

pub use faults::{Fault, FaultRule};
pub use folding_disk::FoldingDisk;
pub use front::{Manner, Proxy, TlsFront, certificate};
pub use history::Change;
pub use in_process::InProcess;
pub use log::LoggedRequest;
pub use once::{Balancer, Habit};
pub use profiles::{Checking, Conditional, Encoding, ListingQuirk, Profile, Quirks, Unwritable};
pub use request::Seen;
pub use server::{OtherTool, S3Server};
pub use small_disk::{Layers, SmallDisk};
pub use store::Precondition;
pub use throttle::{Throttle, Tokens};
pub use traffic::Tick;
pub use workspace::{Output, Snapshot, Workspace};
