//! Objects into the working copy: fetched beside their place, verified, and only then named.

use futures_util::TryStreamExt as _;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::{Digester, Digests, Evidence, Want};
use crate::local::replace::{Draft, Parent, ReplaceError, Staged, Workspace};
use crate::monitor::Monitor;
use crate::remote::{Incoming, Object, RemoteError, RemoteErrorKind};
use crate::tree::{Comparison, Content, RepoPath, Stat, Version};

use super::context::Context;
use super::examine::short_body;
use super::object::row_content;
use super::trouble::Trouble;

/// A fetched file that waits for its name.
pub(super) struct Fetched<D: Disk> {
    /// The file, complete and verified.
    pub(super) staged: Staged<D>,
    /// The folder that it will lie in.
    pub(super) parent: Parent<D>,
    /// Where the trash of that file system is.
    pub(super) workspace: Workspace<D>,
    /// What came.
    pub(super) received: Received,
}

/// What is known of the bytes of a fetched file.
#[derive(Debug, Clone)]
pub(super) struct Received {
    /// Their CRC-64/NVME.
    pub(super) crc64: u64,
    /// What the row says of them.
    pub(super) content: Content,
}

/// Which object to fetch, and for which name.
pub(super) struct Wanted<'a> {
    /// The object.
    pub(super) path: &'a RepoPath,
    /// The version that the plan saw.
    pub(super) version: &'a Version,
    /// The file that it replaces.
    pub(super) replaced: Option<Stat>,
    /// It is fetched for the trash, which lies on the root's file system.
    pub(super) for_trash: bool,
}

impl Wanted<'_> {
    /// Returns the permission bits of the file that it replaces.
    pub(super) fn mode(&self) -> Option<u32> {
        self.replaced.map(|stat| stat.mode)
    }

    /// Makes the complete file one for the same people as what it replaces, or its neighbours.
    pub(super) fn liken<D: Disk>(
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
pub(super) struct Told<'a> {
    /// Absent for what the plan does not count.
    monitor: Option<(&'a dyn Monitor, &'a RepoPath)>,
    bytes: u64,
}

impl Told<'_> {
    pub(super) fn tell(&mut self, bytes: u64) {
        if let Some((monitor, path)) = self.monitor {
            monitor.bytes(path, bytes);
            self.bytes += bytes;
        }
    }

    /// The body has arrived.
    pub(super) fn succeeded(mut self) {
        self.bytes = 0;
    }
}

impl Drop for Told<'_> {
    /// The body was in vain: if it comes again, it is counted again.
    fn drop(&mut self) {
        if let Some((monitor, path)) = self.monitor.filter(|_| self.bytes > 0) {
            monitor.bytes_lost(path, self.bytes);
        }
    }
}

impl<D: Disk, C: Clock> Context<D, C> {
    /// Fetches one version into the staging folder of the file system that its name lies on.
    pub(super) async fn fetch(&self, wanted: &Wanted<'_>) -> Result<Fetched<D>, Trouble> {
        self.expect_room_here(wanted)?;
        if wanted.version.size > self.tuning.whole_bytes {
            let fetched = self.fetch_in_ranges(wanted).await;
            return match fetched {
                // What came was not what was promised: once more, from the beginning.
                Err(Trouble::Remote(error)) if error.kind == RemoteErrorKind::Corrupt => {
                    self.fetch_in_ranges(wanted).await
                }
                other => other,
            };
        }
        let expected = (wanted.path, wanted.version, wanted.version.size);
        self.fetch_with_retry(expected, || self.fetch_once(wanted)).await
    }

    /// Fetches a small version into memory, verified; `None` where it is not to be had, because it is
    /// another one by now, is refused, or does not hold what was promised.
    ///
    /// # Errors
    /// Where every further request would fail, too.
    pub async fn fetch_into_memory(
        &self,
        path: &RepoPath,
        version: &Version,
    ) -> Result<Option<Vec<u8>>, RemoteError> {
        let read = || self.read_once(path, version);
        match self.fetch_with_retry((path, version, version.size), read).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Trouble::Remote(error)) if error.ends_the_run() => Err(error),
            Err(_) => Ok(None),
        }
    }

    async fn read_once(&self, path: &RepoPath, version: &Version) -> Result<Vec<u8>, Trouble> {
        let (object, mut body) = self.store.remote.get(path, &version.token, None).await?;
        let mut digester = Digester::new(&wanted_digests(&object));
        let mut contents = Vec::new();
        while let Some(bytes) = body.try_next().await? {
            contents.extend_from_slice(&bytes);
            digester.update(&bytes);
            if contents.len() as u64 > version.size {
                break;
            }
        }
        verified(path, version, &object, &digester.finish())?;
        Ok(contents)
    }

    /// Begins to tell of the bytes of a body, where the plan counts them.
    pub(super) fn told<'a>(&'a self, wanted: &Wanted<'a>) -> Told<'a> {
        let monitor = (!wanted.for_trash).then_some((&*self.monitor, wanted.path));
        Told { monitor, bytes: 0 }
    }

    async fn fetch_once(&self, wanted: &Wanted<'_>) -> Result<Fetched<D>, Trouble> {
        let (path, version) = (wanted.path, wanted.version);
        let (object, body) = self.store.remote.get(path, &version.token, None).await?;
        let (parent, workspace) = self.place(wanted)?;
        let draft = self.staging()?.stage(&workspace, path, wanted.mode())?;
        let mut told = self.told(wanted);
        let received = self.receive(body, &draft, &object, &mut told).await;
        let received = received.and_then(|digests| {
            let received = verified(path, version, &object, &digests)?;
            wanted.liken(&draft, &parent)?;
            Ok(received)
        });
        match received {
            Ok(received) => {
                let staged = draft.seal(object.mtime())?;
                told.succeeded();
                Ok(Fetched { staged, parent, workspace, received })
            }
            Err(trouble) => {
                draft.discard();
                Err(trouble)
            }
        }
    }

    /// Opens the folder that a fetched object will lie in, and the workspace of its file system.
    pub(super) fn place(&self, wanted: &Wanted<'_>) -> Result<(Parent<D>, Workspace<D>), Trouble> {
        let staging = self.staging()?;
        let parent = if wanted.for_trash {
            Parent { folder: self.root.clone(), top: String::new() }
        } else {
            // Folders are made only for an object that is really there.
            staging.open_parent(wanted.path, true)?
        };
        let workspace =
            staging.for_parent(&parent).map_err(|error| Trouble::io(wanted.path, &error))?;
        Ok((parent, workspace))
    }

    pub(super) async fn receive(
        &self,
        mut body: Incoming,
        draft: &Draft<D>,
        object: &Object,
        told: &mut Told<'_>,
    ) -> Result<Digests, Trouble> {
        let mut digester = Digester::new(&wanted_digests(object));
        while let Some(bytes) = body.try_next().await? {
            if self.stop.is_requested() {
                return Err(Trouble::Stopped);
            }
            draft.write(&bytes)?;
            digester.update(&bytes);
            told.tell(bytes.len() as u64);
            self.store.keep_pace(bytes.len() as u64).await;
        }
        Ok(digester.finish())
    }
}

/// Returns the digests that what a store promises of an object can be held against.
fn wanted_digests(object: &Object) -> Want {
    Evidence::known(object.content.clone()).want().unwrap_or_default()
}

/// Holds what came against everything that was promised.
pub(super) fn verified(
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
