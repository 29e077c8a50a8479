//! Local files into the bucket: read whole or in parts, never torn, never blindly.

mod copy;
mod multipart;
mod part;
mod sending;
mod single;
mod source;

use std::ffi::OsStr;
use std::sync::Arc;

pub(super) use source::{Source, condition};

use super::room;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::{self, Digests, Want};
use crate::look::object::row_content;
use crate::monitor::ItemKind;
use crate::session::Session;
use crate::session::limits::held::Held;
use crate::session::trouble::Trouble;
use crate::tree::BaseRow;

use single::{Contents, Put};
use source::Sent;

/// The row of a file that is in the bucket now.
pub(super) struct Uploaded<D: Disk> {
    /// What to record.
    pub(super) row: BaseRow,
    /// As in [`Sent::copied`].
    pub(super) copied: bool,
    /// The file that was read: it may have lost its name since.
    pub(super) held: Option<Held<D>>,
}

/// Stores a file and returns the row that records it.
pub(super) async fn upload<D: Disk, C: Clock>(
    session: &Session<D, C>,
    source: &Source<'_>,
) -> Result<Uploaded<D>, Trouble> {
    room::expect_room_there(session, source.stat.size)?;
    if !source.stat.has_mtime() {
        return Err(Trouble::Disk(ItemKind::TimeTooFar, String::new()));
    }
    session.files.wait_for_tick(source.path, source.stat).await?;
    let is_large = source.stat.size > session.limits.tuning.whole_bytes;
    let takes_parts = session.store.remote.capabilities().uploads_in_parts;
    let Sent { stored, crc64, copied, held } =
        if takes_parts && (is_large || copy::origin(session, source).is_some()) {
            multipart::upload_in_parts(session, source).await?
        } else if is_large {
            single::upload_in_one(session, source).await?
        } else {
            upload_whole(session, source).await?
        };
    let (path, signature) = (source.path.clone(), source.stat.signature());
    let content = row_content(signature.size, stored.md5, crc64);
    let row = BaseRow::plain(path, signature, stored.token, content);
    Ok(Uploaded { row, copied, held })
}

/// Stores a file with one request.
async fn upload_whole<D: Disk, C: Clock>(
    session: &Session<D, C>,
    source: &Source<'_>,
) -> Result<Sent<D>, Trouble> {
    let _reserved = session.limits.reserve(source.stat.size).await;
    let folder =
        session.files.open_parent(source.path).map_err(|e| Trouble::io(source.path, &e))?;
    let name = OsStr::new(source.path.name());
    let bytes_max = session.limits.tuning.whole_bytes;
    let (body, file) =
        content::read_small_open(&session.files.disk, &folder, name, source.stat, bytes_max)?;
    let held = session.limits.holding.hold(Arc::new(file));
    let crc64 = Digests::of(&body, &Want::default()).crc64;
    let mut put = Put { session, source, contents: Contents::Whole(&body, crc64) };
    let stored = session.store.write(&mut source.attempts(), &mut put).await?;
    session.monitor.bytes(source.path, source.stat.size);
    Ok(Sent { stored, crc64, copied: false, held })
}
