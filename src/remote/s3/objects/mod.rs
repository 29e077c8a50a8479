//! The calls on one object: look, fetch, store.

mod body;
mod reading;
mod stored;
mod writing;

pub(super) use reading::range_text;
pub(super) use stored::{leaves_md5, metadata, named};
