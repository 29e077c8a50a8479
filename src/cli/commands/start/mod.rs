//! How a working copy comes to be.

pub(in crate::cli) mod clone;
pub(in crate::cli) mod demo;
pub(in crate::cli) mod init;
