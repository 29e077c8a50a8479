//! What one side looks like: paths, entries, and the ordered merge of the three sides. Pure.

mod content;
mod entry;
mod hex;
mod merge;
mod odd_name;
mod path;
mod properties;
mod row;
mod token;

pub use content::{Comparison, Content, Md5, PartMd5s};
pub use entry::{
    BaseRow, Kind, LocalEntry, LocalState, Marker, NameFault, RemoteEntry, Signature, Stat,
    TOO_EARLY, TOO_LATE, Unread, Version,
};
pub(crate) use hex::{push_hex, read_hex};
pub use merge::{Merge, OutOfOrder, Step};
pub use odd_name::OddName;
pub use path::{CONTROL, KEY_BYTES_MAX, NAME_BYTES_MAX, PathError, RepoPath};
pub use properties::Properties;
pub use row::{Clash, Local, Merged, Row};
pub use token::Token;
