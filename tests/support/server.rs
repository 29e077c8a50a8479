//! [`S3Server`]: the server as tests see it.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::validation::NameValidation;
use tokio::sync::oneshot;

use super::backend::Backend;
use super::buckets::REGION;
use super::checksums;
use super::connection::handle;
use super::faults::{Fault, FaultRule};
use super::history::Change;
use super::log::LoggedRequest;
use super::profiles::{Profile, Quirks};
use super::request::{Seen, glob_matches};
use super::store::{Precondition, StoredVersion, Upload, Versioning, now};
use super::throttle::{Line, Throttle, Tokens};
use super::traffic::{Tick, Traffic};

/// The access key that the server knows.
const ACCESS_KEY: &str = "test";
/// The secret of the access key.
const SECRET_KEY: &str = "testtest";

/// Something that somebody else does while a request is on its way.
pub type Hook = dyn Fn(&OtherTool, &Seen) + Send + Sync;

/// Hooks with the operation and the key (globs) that they wait for.
type Hooks = Vec<(&'static str, String, Arc<Hook>)>;

/// What the connections share.
pub struct Shared {
    pub(super) backend: Backend,
    pub(super) service: S3Service,
    pub(super) log: Mutex<Vec<LoggedRequest>>,
    pub(super) panics: Mutex<Vec<String>>,
    pub(super) arrived: AtomicU64,
    pub(super) running: AtomicU64,
    pub(super) running_peak: AtomicU64,
    pub(super) throttle: Throttle,
    pub(super) tokens: Tokens,
    pub(super) traffic: Arc<Traffic>,
    pub(super) minutes_ahead: AtomicI64,
    faults: Mutex<Vec<FaultRule>>,
    hooks: Mutex<Hooks>,
    answer_hooks: Mutex<Hooks>,
}

impl Shared {
    /// Counts the request in every rule; returns the fault of the first one that hits.
    pub(super) fn fault_for(&self, seen: &Seen) -> Option<Fault> {
        let rules = self.faults.lock().unwrap();
        let hits: Vec<Fault> = rules.iter().filter_map(|rule| rule.hit(seen)).collect();
        hits.into_iter().next()
    }

    /// Returns the hooks that wait for this request.
    pub(super) fn hooks_for(&self, seen: &Seen) -> Vec<Arc<Hook>> {
        matching(&self.hooks, seen)
    }

    /// Returns the hooks that wait for the answer to this request.
    pub(super) fn answer_hooks_for(&self, seen: &Seen) -> Vec<Arc<Hook>> {
        matching(&self.answer_hooks, seen)
    }

    /// Returns somebody else's access to the buckets.
    pub(super) fn other_tool(&self) -> OtherTool {
        OtherTool { backend: self.backend.clone() }
    }
}

fn matching(hooks: &Mutex<Hooks>, seen: &Seen) -> Vec<Arc<Hook>> {
    let hooks = hooks.lock().unwrap();
    let matching = hooks.iter().filter(|(operation, key, _)| {
        glob_matches(operation, seen.operation) && glob_matches(key, &seen.key)
    });
    matching.map(|(_, _, hook)| Arc::clone(hook)).collect()
}

/// Takes every bucket name: what is legal differs between stores.
struct AnyName;

impl NameValidation for AnyName {
    fn validate_bucket_name(&self, name: &str) -> bool {
        !name.is_empty()
    }
}

/// A person with another tool: writes without conditions, past the log and the faults.
#[derive(Debug, Clone)]
pub struct OtherTool {
    backend: Backend,
}

impl OtherTool {
    /// Makes a bucket, if there is none of that name.
    pub fn create_bucket(&self, bucket: &str) {
        self.backend.make_bucket(bucket);
    }

    /// Lets the store accept conditions of writes from now on, and not look at them.
    pub fn forget_conditions(&self) {
        self.backend.lock().forgets_conditions = true;
    }

    /// Suspends the versioning of a bucket.
    pub fn suspend_versioning(&self, bucket: &str) {
        self.backend.lock().bucket_mut(bucket).unwrap().versioning = Versioning::Suspended;
    }

    /// Stores an object without metadata; returns its ETag.
    pub fn put(&self, bucket: &str, key: &str, body: impl Into<Bytes>) -> String {
        self.put_with(bucket, key, body, &[])
    }

    /// Stores an object with user metadata (names without `x-amz-meta-`); returns its ETag.
    pub fn put_with(
        &self,
        bucket: &str,
        key: &str,
        body: impl Into<Bytes>,
        metadata: &[(&str, &str)],
    ) -> String {
        let version = self.made_of(body.into(), metadata);
        let etag = version.etag.clone();
        self.backend.lock().put(bucket, key, version, &Precondition::None).unwrap();
        etag
    }

    /// Stores an object as if so many minutes ago.
    pub fn put_before(&self, bucket: &str, key: &str, minutes: u64) {
        let version = self.made_of(Bytes::from_static(b"old"), &[]);
        let modified = now() - Duration::from_secs(minutes * 60);
        let version = StoredVersion { modified, ..version };
        self.backend.lock().put(bucket, key, version, &Precondition::None).unwrap();
    }

    /// Makes all versions and marks of a key so much older.
    pub fn age(&self, bucket: &str, key: &str, minutes: u64) {
        let mut store = self.backend.lock();
        let versions = store.bucket_mut(bucket).unwrap().keys.get_mut(key);
        for version in versions.into_iter().flatten() {
            let modified = version.modified - Duration::from_secs(minutes * 60);
            *version = Arc::new(StoredVersion { modified, ..StoredVersion::clone(version) });
        }
    }

    /// Makes an object that is not stored yet.
    fn made_of(&self, body: Bytes, metadata: &[(&str, &str)]) -> StoredVersion {
        StoredVersion {
            id: String::new(),
            etag: self.backend.etag(checksums::md5_hex(&body)),
            checksum: self.backend.checked(&s3s::dto::Checksum::default(), &body).unwrap(),
            body: Some(body),
            metadata: metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            content_type: None,
            modified: now(),
            kms: false,
        }
    }

    /// Puts one and the same object at all of these keys, without a line of history: for millions.
    pub fn fill(&self, bucket: &str, keys: impl IntoIterator<Item = String>) {
        let id = "null".to_owned();
        let version = Arc::new(StoredVersion { id, ..self.made_of(Bytes::new(), &[]) });
        let filled = keys.into_iter().map(|key| (key, vec![Arc::clone(&version)]));
        self.backend.lock().bucket_mut(bucket).unwrap().keys.extend(filled);
    }

    /// Returns the bytes of an object.
    pub fn get(&self, bucket: &str, key: &str) -> Option<Bytes> {
        self.version(bucket, key).and_then(|version| version.body)
    }

    /// Returns the ETag of an object.
    pub fn etag(&self, bucket: &str, key: &str) -> Option<String> {
        self.version(bucket, key).map(|version| version.etag)
    }

    /// Returns the user metadata of an object, names without `x-amz-meta-`.
    pub fn metadata(&self, bucket: &str, key: &str) -> Option<BTreeMap<String, String>> {
        self.version(bucket, key).map(|version| version.metadata)
    }

    /// Deletes an object; one that is not there is no error.
    pub fn delete(&self, bucket: &str, key: &str) {
        self.backend.lock().delete(bucket, key, &Precondition::None).unwrap();
    }

    /// Makes the bucket `to` exactly what the bucket `from` of `other` is now.
    pub fn copy_bucket(&self, other: &Self, from: &str, to: &str) {
        let bucket = other.backend.lock().bucket(from).unwrap().clone();
        self.backend.lock().buckets.insert(to.to_owned(), bucket);
    }

    /// Leaves a key out of all listings from now on.
    pub fn hide_from_listings(&self, bucket: &str, key: &str) {
        let mut store = self.backend.lock();
        store.buckets.get_mut(bucket).expect("the bucket").hidden.insert(key.to_owned());
    }

    /// Removes a bucket with everything in it.
    pub fn remove_bucket(&self, bucket: &str) {
        let mut store = self.backend.lock();
        store.buckets.remove(bucket);
        store.uploads.retain(|_, upload| upload.bucket != bucket);
    }

    /// Returns the keys in byte order.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        self.objects(bucket).into_keys().collect()
    }

    /// Returns the keys and their bytes.
    pub fn objects(&self, bucket: &str) -> BTreeMap<String, Bytes> {
        let store = self.backend.lock();
        let keys = store.bucket(bucket).unwrap().keys.iter();
        keys.filter_map(|(key, all)| Some((key.clone(), all.last()?.body.clone()?))).collect()
    }

    /// Returns the keys of which there is any version, or the mark of a deletion.
    pub fn keys_with_versions(&self, bucket: &str) -> Vec<String> {
        self.backend.lock().bucket(bucket).unwrap().keys.keys().cloned().collect()
    }

    /// Returns ids and bytes of all versions of a key, the oldest first; delete markers have none.
    pub fn versions(&self, bucket: &str, key: &str) -> Vec<(String, Option<Bytes>)> {
        let store = self.backend.lock();
        let versions = store.bucket(bucket).unwrap().keys.get(key);
        versions.into_iter().flatten().map(|v| (v.id.clone(), v.body.clone())).collect()
    }

    /// Returns what took effect in a bucket, in that order; deletions of nothing, too.
    pub fn history(&self, bucket: &str) -> Vec<Change> {
        let store = self.backend.lock();
        store.history.iter().filter(|change| change.bucket == bucket).cloned().collect()
    }

    /// Returns the keys of uploads in parts that were begun and neither completed nor aborted.
    pub fn open_uploads(&self, bucket: &str) -> Vec<String> {
        let store = self.backend.lock();
        let open = store.uploads.values().filter(|upload| upload.bucket == bucket);
        open.map(|upload| upload.key.clone()).collect()
    }

    /// Begins an upload in parts so many days ago, and never finishes it.
    pub fn abandon_upload(&self, bucket: &str, key: &str, days: u64) {
        let mut store = self.backend.lock();
        let id = store.fresh_id();
        let upload = Upload {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            metadata: BTreeMap::new(),
            content_type: None,
            full_object: false,
            parts: BTreeMap::new(),
            initiated: now() - Duration::from_secs(days * 24 * 60 * 60 + 1),
        };
        store.uploads.insert(id, upload);
    }

    /// Forgets all uploads in parts, as stores do with old ones.
    pub fn lose_uploads(&self, bucket: &str) {
        self.backend.lock().uploads.retain(|_, upload| upload.bucket != bucket);
    }

    fn version(&self, bucket: &str, key: &str) -> Option<StoredVersion> {
        self.backend.lock().current(bucket, key).unwrap().cloned()
    }
}

/// An S3 server on a port of its own, with a runtime and a thread of its own. Ends when dropped.
///
/// It dereferences to [`OtherTool`], so `server.put(…)` is somebody else's write.
pub struct S3Server {
    shared: Arc<Shared>,
    tool: OtherTool,
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl std::ops::Deref for S3Server {
    type Target = OtherTool;

    fn deref(&self) -> &OtherTool {
        &self.tool
    }
}

impl S3Server {
    /// Starts a server that keeps every promise of AWS.
    pub fn start() -> Self {
        Self::with_profile(Profile::Aws)
    }

    /// Starts a server of this kind.
    pub fn with_profile(profile: Profile) -> Self {
        Self::with_quirks(profile.quirks())
    }

    /// Starts a server with these promises.
    pub fn with_quirks(quirks: Quirks) -> Self {
        Self::throttled(quirks, Throttle::default())
    }

    /// Starts a server with these promises, and no faster than that.
    pub fn throttled(quirks: Quirks, throttle: Throttle) -> Self {
        let backend = Backend::new(quirks);
        let mut builder = S3ServiceBuilder::new(backend.clone());
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        builder.set_validation(AnyName);
        let tool = OtherTool { backend: backend.clone() };
        let shared = Arc::new(Shared {
            backend,
            service: builder.build(),
            log: Mutex::default(),
            panics: Mutex::default(),
            arrived: AtomicU64::default(),
            running: AtomicU64::default(),
            running_peak: AtomicU64::default(),
            throttle,
            tokens: Tokens::new(throttle.requests_per_second, Instant::now()),
            traffic: Arc::new(Traffic::new()),
            minutes_ahead: AtomicI64::default(),
            faults: Mutex::default(),
            hooks: Mutex::default(),
            answer_hooks: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on the loopback");
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .expect("a runtime for the server");
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    served = serve(listener, serving) => served.expect("the server to serve"),
                }
            });
            runtime.shutdown_background();
        });
        Self { shared, tool, address, _stop: stop }
    }

    /// Returns the URL.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns what the environment of a process must hold to reach the server and nothing else.
    pub fn environment(&self) -> Vec<(String, String)> {
        let pairs = [
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
            ("AWS_ENDPOINT_URL", &self.endpoint()),
            ("AWS_REGION", REGION),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
            // It speaks plain HTTP: to read all that the machine trusts takes a thousand calls.
            (
                "SSL_CERT_FILE",
                concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/certificate.pem"),
            ),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    /// Returns what was answered so far, in the order of the answers.
    pub fn log(&self) -> Vec<LoggedRequest> {
        self.shared.log.lock().unwrap().clone()
    }

    /// Returns what went through since the last call, one entry a tenth of a second.
    pub fn take_traffic(&self) -> Vec<Tick> {
        self.shared.traffic.take()
    }

    /// Returns how many requests are on their way.
    pub fn running(&self) -> u64 {
        self.shared.running.load(Ordering::SeqCst)
    }

    /// Waits until no request is under way: one whose client was killed goes on for a while.
    pub fn wait_until_idle(&self) {
        while self.running() > 0 {
            std::thread::yield_now();
        }
    }

    /// Forgets what was answered so far, and the peak of [`S3Server::running_peak`].
    pub fn clear_log(&self) {
        self.shared.log.lock().unwrap().clear();
        self.shared.running_peak.store(0, Ordering::SeqCst);
    }

    /// Returns how often each operation was answered.
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for request in self.shared.log.lock().unwrap().iter() {
            *counts.entry(request.operation).or_default() += 1;
        }
        counts
    }

    /// Returns how often this operation was answered.
    pub fn count(&self, operation: &str) -> usize {
        self.counts().get(operation).copied().unwrap_or(0)
    }

    /// Returns the most requests that were on their way at once.
    pub fn running_peak(&self) -> u64 {
        self.shared.running_peak.load(Ordering::SeqCst)
    }

    /// Lets the `Date` of answers differ from this machine's clock.
    pub fn set_minutes_ahead(&self, minutes: i64) {
        self.shared.minutes_ahead.store(minutes, Ordering::SeqCst);
    }

    /// Adds a fault. Of several that hit a request the first one counts.
    pub fn fault(&self, rule: FaultRule) {
        self.shared.faults.lock().unwrap().push(rule);
    }

    /// Takes all faults back.
    pub fn clear_faults(&self) {
        self.shared.faults.lock().unwrap().clear();
    }

    /// Calls `hook` before each matching request takes effect (globs for operation and key).
    ///
    /// The hook may block; the request waits for it, others do not.
    pub fn on_request(
        &self,
        operation: &'static str,
        key: &str,
        hook: impl Fn(&OtherTool, &Seen) + Send + Sync + 'static,
    ) {
        let hook: Arc<Hook> = Arc::new(hook);
        self.shared.hooks.lock().unwrap().push((operation, key.to_owned(), hook));
    }

    /// Calls `hook` before the first matching request takes effect.
    pub fn once_on_request(
        &self,
        operation: &'static str,
        key: &str,
        hook: impl FnOnce(&OtherTool, &Seen) + Send + 'static,
    ) {
        let hook = Mutex::new(Some(hook));
        self.on_request(operation, key, move |tool, seen| {
            let hook = hook.lock().unwrap().take();
            if let Some(hook) = hook {
                hook(tool, seen);
            }
        });
    }

    /// Calls `hook` after each matching request took effect, before its answer leaves.
    pub fn on_answer(
        &self,
        operation: &'static str,
        key: &str,
        hook: impl Fn(&OtherTool, &Seen) + Send + Sync + 'static,
    ) {
        let hook: Arc<Hook> = Arc::new(hook);
        self.shared.answer_hooks.lock().unwrap().push((operation, key.to_owned(), hook));
    }

    /// Takes all hooks back.
    pub fn clear_hooks(&self) {
        self.shared.hooks.lock().unwrap().clear();
        self.shared.answer_hooks.lock().unwrap().clear();
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        // A hook or an operation that panicked in the server's threads fails the test here.
        let panics = self.shared.panics.lock().unwrap();
        if !std::thread::panicking() {
            assert!(panics.is_empty(), "inside the server: {panics:?}");
        }
    }
}

/// Accepts connections for ever.
async fn serve(listener: TcpListener, shared: Arc<Shared>) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(|request| handle(&shared, request));
            let limit = shared.throttle.connection_bytes_per_second;
            let stream = Line::new(stream, Arc::clone(&shared.traffic), limit);
            let connection = hyper::server::conn::http1::Builder::new();
            // A connection that breaks off is what some tests are about.
            let _broken = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
