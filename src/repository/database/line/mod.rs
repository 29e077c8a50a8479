//! One line of the database or the journal: what it says, how it is written, and how it is read.

mod reading;
mod scanner;
mod writing;
mod yaml;

pub(super) use reading::read;
pub(super) use scanner::raw_path;
pub use writing::RemoteId;
pub(super) use writing::{
    DatabaseLine, FORMAT_VERSION, Header, end_with_checksum, push_gone, push_header, push_row,
};
#[cfg(test)]
pub(super) use {reading::read_line, scanner::scan, yaml::parse};
