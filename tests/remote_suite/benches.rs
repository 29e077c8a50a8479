//! What the suite runs on: a remote, and somebody else with another tool.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use lsync::disk::{Disk, RealDisk};
use lsync::fakes::bucket::MemoryRemote;
use lsync::fakes::disk::MemoryDisk;
use lsync::remote::{
    Capabilities, Checksum, Condition, Conditions, FolderRemote, Incoming, Page, Reads as _,
    Remote, RemoteError, RemoteErrorKind, S3Remote, S3Settings, Stored,
};
use lsync::tree::{Properties, RepoPath, Token};
use tempfile::TempDir;

use super::support::{Profile, Quirks, S3Server};

/// A store with a remote on it.
pub trait Bench: Send + Sync + 'static {
    /// What is tested.
    type Remote: Remote;

    /// Returns the remote.
    fn remote(&self) -> Arc<Self::Remote>;

    /// Lets somebody else store an object, without a condition; false where there can be no such key.
    fn somebody_puts(&self, key: &str, body: &[u8]) -> bool;

    /// Tells whether the store takes parts from objects that it has.
    fn copies_parts(&self) -> bool {
        true
    }

    /// Tells whether the store minds the version that it is told to take a part from.
    fn compares_copies(&self) -> bool {
        self.remote().capabilities().conditional_put != Conditions::None
    }

    /// Returns a remote of the same store for what lies below `prefix`, where there is such a thing.
    fn below(&self, prefix: &str) -> impl Future<Output = Option<Self::Remote>> + Send;
}

/// Parses a path.
pub fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).expect("a path")
}

/// Returns the CRC-64/NVME.
pub fn crc64(body: &[u8]) -> u64 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, body)
}

/// The mtime of every file, nanoseconds since 1970.
pub const MTIME: i64 = 1_731_234_567_123_456_789;

/// Returns what travels beside the bytes of every file.
pub fn properties() -> Properties {
    Properties::default().with_mtime(MTIME)
}

/// Stores bytes.
pub async fn put<R: Remote>(
    remote: &R,
    key: &str,
    body: impl Into<Bytes>,
    condition: Condition,
) -> Result<Stored, RemoteError> {
    let body: Bytes = body.into();
    remote.put(&path(key), body.into(), &properties(), &condition).await
}

/// Creates an object that must not be there.
pub async fn create<R: Remote>(remote: &R, key: &str, body: impl Into<Bytes>) -> Stored {
    put(remote, key, body, Condition::Absent).await.expect("nothing in the way")
}

/// Fetches a version to its end.
pub async fn read<R: Remote>(remote: &R, key: &str, etag: &Token) -> Result<Vec<u8>, RemoteError> {
    let (_, body) = remote.get(&path(key), etag, None).await?;
    collect(body).await
}

/// Reads a body to its end.
pub async fn collect(mut body: Incoming) -> Result<Vec<u8>, RemoteError> {
    let mut bytes = Vec::new();
    while let Some(piece) = body.try_next().await? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// Lists to the end, in pages of `limit`.
pub async fn pages<R: Remote>(remote: &R, prefix: &str, limit: usize) -> Vec<Page> {
    let mut pages = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let page = remote.list(prefix, next.as_deref(), limit).await.expect("a listing");
        assert!(page.items.len() <= limit, "{} items where {limit} were asked", page.items.len());
        next.clone_from(&page.next);
        pages.push(page);
        assert!(pages.len() < 10_000, "the listing does not end");
        if next.is_none() {
            return pages;
        }
    }
}

/// Lists all keys.
pub async fn keys<R: Remote>(remote: &R, prefix: &str, limit: usize) -> Vec<String> {
    let pages = pages(remote, prefix, limit).await;
    let items = pages.iter().flat_map(|page| &page.items);
    items.map(|item| item.key().to_owned()).collect()
}

/// Returns the kind of an error, or `None` of a success.
pub fn kind<T>(result: &Result<T, RemoteError>) -> Option<RemoteErrorKind> {
    result.as_ref().err().map(|error| error.kind)
}

/// A bucket in memory.
pub struct MemoryBench(Arc<MemoryRemote>);

#[allow(clippy::unused_async, reason = "all benches are made in one form")]
impl MemoryBench {
    pub async fn plain() -> Self {
        Self(Arc::new(MemoryRemote::new()))
    }

    pub async fn opaque() -> Self {
        Self(Arc::new(MemoryRemote::opaque()))
    }

    pub async fn versioned() -> Self {
        let capabilities = Capabilities { versioning: true, ..Capabilities::full() };
        Self(Arc::new(MemoryRemote::with_capabilities(capabilities)))
    }

    pub async fn without_conditions() -> Self {
        let capabilities = Capabilities {
            conditional_put: Conditions::None,
            conditional_complete: Conditions::None,
            conditional_delete: Conditions::None,
            conditional_delete_many: Conditions::None,
            checksum: Checksum::None,
            file_beside_folder: false,
            ..Capabilities::full()
        };
        Self(Arc::new(MemoryRemote::with_capabilities(capabilities)))
    }
}

impl Bench for MemoryBench {
    type Remote = MemoryRemote;

    fn remote(&self) -> Arc<MemoryRemote> {
        Arc::clone(&self.0)
    }

    fn somebody_puts(&self, key: &str, body: &[u8]) -> bool {
        self.0.put_as_somebody(key, body.to_vec());
        true
    }

    async fn below(&self, _: &str) -> Option<MemoryRemote> {
        None
    }
}

/// A folder as bucket.
pub struct FolderBench<D: Disk> {
    disk: D,
    root: PathBuf,
    remote: Arc<FolderRemote<D>>,
    _temporary: Option<TempDir>,
}

impl<D: Disk> FolderBench<D> {
    fn open(disk: D, root: PathBuf, temporary: Option<TempDir>) -> Self {
        let remote = FolderRemote::create(disk.clone(), &root, "").expect("a bucket");
        Self { disk, root, remote: Arc::new(remote), _temporary: temporary }
    }
}

#[allow(clippy::unused_async, reason = "all benches are made in one form")]
impl FolderBench<RealDisk> {
    pub async fn on_disk() -> Self {
        let temporary = TempDir::new().expect("a temporary folder");
        Self::open(RealDisk, temporary.path().join("bucket"), Some(temporary))
    }
}

#[allow(clippy::unused_async, reason = "all benches are made in one form")]
impl FolderBench<MemoryDisk> {
    pub async fn in_memory() -> Self {
        Self::open(MemoryDisk::new(), PathBuf::from("/bucket"), None)
    }
}

impl<D: Disk> Bench for FolderBench<D> {
    type Remote = FolderRemote<D>;

    fn remote(&self) -> Arc<Self::Remote> {
        Arc::clone(&self.remote)
    }

    fn copies_parts(&self) -> bool {
        false
    }

    fn somebody_puts(&self, key: &str, body: &[u8]) -> bool {
        if RepoPath::parse(key).is_err() && !key.starts_with(".lsync/") {
            return false;
        }
        let (parent, name) = key.rsplit_once('/').unwrap_or(("", key));
        let folder = self.disk.make_path(&self.root.join(parent)).expect("a folder");
        // In place, as `cat >` does.
        let file = self.disk.open_append(&folder, OsStr::new(name), 0o666).expect("a file");
        self.disk.truncate(&file, 0).expect("an empty file");
        self.disk.write(&file, body).expect("a full file");
        true
    }

    async fn below(&self, prefix: &str) -> Option<Self::Remote> {
        FolderRemote::open(self.disk.clone(), &self.root, prefix).ok()
    }
}

/// A bucket behind HTTP.
pub struct S3Bench {
    pub server: S3Server,
    remote: Arc<S3Remote>,
    quirks: Quirks,
}

/// Returns what a probe of such a store would find.
pub fn capabilities_of(profile: Profile) -> Capabilities {
    let full = Capabilities::full();
    let none = Capabilities {
        conditional_put: Conditions::None,
        conditional_complete: Conditions::None,
        conditional_delete: Conditions::None,
        conditional_delete_many: Conditions::None,
        ..full.clone()
    };
    match profile {
        Profile::Versioned => Capabilities { versioning: true, ..full },
        Profile::NoEtagInList => Capabilities { etag_in_listing: false, ..full },
        Profile::NoFileBesideFolder => Capabilities { file_beside_folder: false, ..full },
        Profile::NoConditionalDelete => {
            let (conditional_delete, conditional_delete_many) =
                (Conditions::None, Conditions::None);
            Capabilities { conditional_delete, conditional_delete_many, ..full }
        }
        Profile::Garage | Profile::Racy => none,
        Profile::Moto => {
            let (conditional_complete, conditional_delete_many) =
                (Conditions::None, Conditions::None);
            Capabilities { conditional_complete, conditional_delete_many, ..full }
        }
        Profile::B2 => Capabilities { checksum: Checksum::None, ..none },
        Profile::Ceph => Capabilities { conditional_put: Conditions::AtomicUnquoted, ..none },
        Profile::ReadOnly => Capabilities { read_only: true, ..none },
        // A bucket can get its KMS key after the probe saw MD5s, so this is not what a probe finds.
        _ => full,
    }
}

impl S3Bench {
    pub async fn open(profile: Profile) -> Self {
        let server = S3Server::with_profile(profile);
        server.create_bucket("team");
        let remote = connect(&server, "", capabilities_of(profile), "testtest").await;
        Self { server, remote: Arc::new(remote), quirks: profile.quirks() }
    }
}

/// Makes a remote on a server's bucket `team`.
pub async fn connect(
    server: &S3Server,
    prefix: &str,
    capabilities: Capabilities,
    secret: &str,
) -> S3Remote {
    let settings = S3Settings {
        bucket: "team".to_owned(),
        prefix: prefix.to_owned(),
        region: Some("us-east-1".to_owned()),
        endpoint: Some(server.endpoint()),
        profile: None,
        path_style: true,
    };
    S3Remote::open_with_key(&settings, capabilities, "test", secret)
        .await
        .expect("an address that can be")
}

impl Bench for S3Bench {
    type Remote = S3Remote;

    fn remote(&self) -> Arc<S3Remote> {
        Arc::clone(&self.remote)
    }

    fn copies_parts(&self) -> bool {
        self.quirks.copies_parts
    }

    fn compares_copies(&self) -> bool {
        self.quirks.conditional_copy
    }

    fn somebody_puts(&self, key: &str, body: &[u8]) -> bool {
        self.server.put("team", key, body.to_vec());
        true
    }

    async fn below(&self, prefix: &str) -> Option<S3Remote> {
        let capabilities = self.remote.capabilities().clone();
        Some(connect(&self.server, prefix, capabilities, "testtest").await)
    }
}
