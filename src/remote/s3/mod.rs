//! A bucket on a store that speaks S3. This folder alone names the SDK.
//!
//! What the SDK is kept from doing is written in [`connection`]; what stores do differently is in
//! [`Capabilities`](super::Capabilities) and stays behind this seam.

mod bucket;
mod connection;
mod deleting;
mod evidence;
mod listing;
mod looks;
mod multipart;
mod objects;
mod request;
mod seam;
mod store;
mod trials;

pub use connection::S3Settings;
pub use store::S3Remote;
