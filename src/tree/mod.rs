//! What one side looks like: paths, entries, and the ordered merge of the three sides. Pure.

mod entry;
mod etag;
mod merge;
mod path;

pub use entry::{
    BaseRow, Kind, LocalEntry, LocalState, Marker, RemoteEntry, Signature, Stat, TOO_EARLY,
    TOO_LATE, Version,
};
pub use etag::Etag;
pub use merge::{Knot, Local, Merge, Merged, OutOfOrder, Row, Step};
pub use path::{CONTROL, KEY_BYTES_MAX, NAME_BYTES_MAX, PathError, RepoPath};
