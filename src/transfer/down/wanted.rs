//! [`Wanted`]: which object is to be fetched, and what came of it.

use futures_util::TryStreamExt as _;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::{Digester, Digests, Evidence, Want};
use crate::local::replace::{Draft, Parent, ReplaceError, Staged, Workspace};
use crate::look::examine::short_body;
use crate::look::object::row_content;
use crate::monitor::Monitor;
use crate::remote::{Incoming, Object, RemoteError, RemoteErrorKind};
use crate::session::Session;
use crate::session::trouble::Trouble;
use crate::tree::{Comparison, Content, RepoPath, Stat, Version};

/// A fetched file that waits for its name.
pub(in crate::transfer) struct Fetched<D: Disk> {
    /// The file, complete and verified.
    pub(in crate::transfer) staged: Staged<D>,
    /// The folder that it will lie in.
    pub(in crate::transfer) parent: Parent<D>,
    /// Where the trash of that file system is.
    pub(in crate::transfer) workspace: Workspace<D>,
    /// What came.
    pub(in crate::transfer) received: Received,
}

/// What is known of the bytes of a fetched file.
#[derive(Debug, Clone)]
pub(in crate::transfer) struct Received {
    /// Their CRC-64/NVME.
    pub(in crate::transfer) crc64: u64,
    /// What the row says of them.
    pub(in crate::transfer) content: Content,
}

/// Which object to fetch, and for which name.
pub(in crate::transfer) struct Wanted<'a> {
    /// The object.
    pub(in crate::transfer) path: &'a RepoPath,
    /// The version that the plan saw.
    pub(in crate::transfer) version: &'a Version,
    /// The file that it replaces.
    pub(in crate::transfer) replaced: Option<Stat>,
    /// It is fetched for the trash, which lies on the root's file system.
    pub(in crate::transfer) for_trash: bool,
}

impl Wanted<'_> {
    /// Returns the permission bits of the file that it replaces.
    pub(in crate::transfer) fn mode(&self) -> Option<u32> {
        self.replaced.map(|stat| stat.mode)
    }

    /// Makes the complete file one for the same people as what it replaces, or its neighbours.
    pub(in crate::transfer) fn liken<D: Disk>(
        &self,
        draft: &Draft<D>,
        parent: &Parent<D>,
    ) -> Result<(), ReplaceError> {
        // The trash is for nobody else.
        if self.for_trash {
            return Ok(());
        }
        draft.take_after(&parent.folder, self.replaced.as_ref())
    }
}

/// The bytes of one body that the monitor was told of; dropped before its end, they count no more.
#[derive(Default)]
pub(in crate::transfer) struct ReportedBytes<'a> {
    /// Absent for what the plan does not count.
    monitor: Option<(&'a dyn Monitor, &'a RepoPath)>,
    bytes: u64,
}

impl ReportedBytes<'_> {
    pub(in crate::transfer) fn tell(&mut self, bytes: u64) {
        if let Some((monitor, path)) = self.monitor {
            monitor.bytes(path, bytes);
            self.bytes += bytes;
        }
    }

    /// The body has arrived.
    pub(in crate::transfer) fn succeeded(mut self) {
        self.bytes = 0;
    }
}

impl Drop for ReportedBytes<'_> {
    /// The body was in vain: if it comes again, it is counted again.
    fn drop(&mut self) {
        if let Some((monitor, path)) = self.monitor.filter(|_| self.bytes > 0) {
            monitor.bytes_lost(path, self.bytes);
        }
    }
}

/// Begins to tell of the bytes of a body, where the plan counts them.
pub(in crate::transfer) fn reported_bytes<'a, D: Disk, C: Clock>(
    session: &'a Session<D, C>,
    wanted: &Wanted<'a>,
) -> ReportedBytes<'a> {
    let monitor = (!wanted.for_trash).then_some((&*session.monitor, wanted.path));
    ReportedBytes { monitor, bytes: 0 }
}

/// Opens the folder that a fetched object will lie in, and the workspace of its file system.
pub(in crate::transfer) fn place<D: Disk, C: Clock>(
    session: &Session<D, C>,
    wanted: &Wanted<'_>,
) -> Result<(Parent<D>, Workspace<D>), Trouble> {
    let staging = session.files.staging()?;
    let parent = if wanted.for_trash {
        Parent { folder: session.files.root.clone(), top: String::new() }
    } else {
        // Folders are made only for an object that is really there.
        staging.open_parent(wanted.path, true)?
    };
    let workspace =
        staging.for_parent(&parent).map_err(|error| Trouble::io(wanted.path, &error))?;
    Ok((parent, workspace))
}

pub(in crate::transfer) async fn receive<D: Disk, C: Clock>(
    session: &Session<D, C>,
    mut body: Incoming,
    draft: &Draft<D>,
    object: &Object,
    told: &mut ReportedBytes<'_>,
) -> Result<Digests, Trouble> {
    let mut digester = Digester::new(&wanted_digests(object));
    while let Some(bytes) = body.try_next().await? {
        session.expect_to_go_on()?;
        draft.write(&bytes)?;
        digester.update(&bytes);
        told.tell(bytes.len() as u64);
        session.store.keep_pace(bytes.len() as u64).await;
    }
    Ok(digester.finish())
}

/// Returns the digests that what a store promises of an object can be held against.
pub(super) fn wanted_digests(object: &Object) -> Want {
    Evidence::known(object.content.clone()).want().unwrap_or_default()
}

/// Holds what came against everything that was promised.
pub(in crate::transfer) fn verified(
    path: &RepoPath,
    expected: &Version,
    object: &Object,
    digests: &Digests,
) -> Result<Received, Trouble> {
    if digests.size != expected.size {
        return Err(short_body(path, digests.size, expected.size).into());
    }
    if Evidence::known(object.content.clone()).compare(digests) == Comparison::Different {
        let message = "the bytes that came do not have the promised checksum";
        let key = path.as_str();
        return Err(RemoteError::new(RemoteErrorKind::Corrupt, "GET", key, message).into());
    }
    let content = row_content(digests.size, object.content.md5(), digests.crc64);
    Ok(Received { crc64: digests.crc64, content })
}
