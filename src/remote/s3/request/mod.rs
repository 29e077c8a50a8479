//! One request: what it says, how long it is waited for, and what its answer means.

mod answers;
mod conditions;
mod errors;
mod sending;
mod waiting;

pub(super) use answers::{
    MTIME_KEY, checksum_text, md5_text, mtime_text, nanoseconds, parse_checksum, parse_mtime,
    version_id,
};
pub(super) use conditions::{Headers, spelt};
pub(super) use errors::{Call, kind_of_code, region_in};
pub(super) use sending::sending;
pub(super) use waiting::{ANSWER_TIMEOUT, answer, patience};
