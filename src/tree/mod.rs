//! What one side looks like: paths, entries, and the ordered merge of the three sides. Pure.

mod entry;
mod merge;
mod path;

pub use entry::{
    BaseRow, Etag, Kind, LocalEntry, LocalState, Marker, RemoteEntry, Signature, Stat, Version,
};
pub use merge::{Knot, Local, Merge, Merged, OutOfOrder, Row, Step};
pub use path::{CONTROL, KEY_BYTES_MAX, NAME_BYTES_MAX, PathError, RepoPath};
