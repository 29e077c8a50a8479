//! What went wrong between us and a store.

/// What to do about a store that names no versions: `JuiceFS` keeps ETags and metadata of what is
/// written through its gateway alone, and only if it is told to (its source, `pkg/gateway/gateway.go`).
pub(crate) const NO_ETAG_HINT: &str = "the store must give every object an ETag, by which lsync knows its \
    versions; the gateway of JuiceFS does, for what is written through it, if it is started with \
    --keep-etag --object-meta";

/// What went wrong, as far as a caller's next step depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RemoteErrorKind {
    /// No such object.
    NotFound,
    /// No such bucket.
    NoBucket,
    /// A folder that was a bucket is none now; most likely its disk is not mounted.
    BucketGone,
    /// Another version than expected is there, or one where none was expected.
    Changed,
    /// A conditional write was stored over another version than the one that it named, which is an old
    /// version now: the store does not do what it claimed.
    Overwrote,
    /// Somebody writes the same key at this moment (409): again, a little later.
    Busy,
    /// The store asks for less (429, 503 `SlowDown`).
    Throttled,
    /// The store failed (5xx), or the answer was nonsense: again, a little later.
    Failed,
    /// The answer names no version, because the store keeps no ETag of the object, or because it is not the
    /// store's.
    NoEtag,
    /// The connection broke or the answer did not come; a write may or may not have happened.
    Interrupted,
    /// No connection to the store at all.
    Unreachable,
    /// The server answers TLS with something else, most likely plain HTTP.
    NotTls,
    /// The server's certificate is not to be trusted.
    Untrusted,
    /// No connection to the proxy, or none from there to the store.
    ProxyUnreachable,
    /// The proxy lets nobody through without a name and a password, or not with these.
    ProxyDenied,
    /// The variable that names the proxy cannot be used as it is written.
    BadProxy,
    /// The file of certificates that a person names cannot be used.
    BadCertificates,
    /// What names the server is no address that a request could go to.
    BadEndpoint,
    /// A setting (region, bucket, key) cannot be used as it is written; nothing was asked.
    BadSetting,
    /// No credentials were found.
    NoCredentials,
    /// The credentials were good once, and are no more.
    Expired,
    /// The clock of this machine is so wrong that the store refuses every request.
    ClockSkewed,
    /// The credentials are refused, as such or for this call.
    Denied,
    /// The store does not know the key, or the signature made with it does not fit.
    WrongKey,
    /// The bucket lies in another region; the region, where the store names it.
    WrongRegion,
    /// The store does not know this call or condition (501).
    Unsupported,
    /// The object is archived and has to be restored first.
    Archived,
    /// The listing contradicts itself.
    Lying,
    /// The keys of a listing come in another order than the store was seen to list in.
    OutOfOrder,
    /// The bytes are not those that were promised (length, checksum, ETag).
    Corrupt,
    /// The disk under a folder bucket is full, or a quota is used up.
    Full,
    /// The request was refused for what it says (400 and others): again would not help.
    Invalid,
}

impl RemoteErrorKind {
    /// Tells whether the same call may succeed a little later, and whether every further call fails until
    /// then, or for good.
    fn prospects(self) -> (bool, bool) {
        match self {
            Self::Busy
            | Self::Throttled
            | Self::Failed
            | Self::NoEtag
            | Self::Interrupted
            | Self::Corrupt => (true, false),
            Self::Unreachable | Self::ProxyUnreachable => (true, true),
            Self::NoBucket
            | Self::BucketGone
            | Self::NotTls
            | Self::Untrusted
            | Self::ProxyDenied
            | Self::BadProxy
            | Self::BadCertificates
            | Self::BadEndpoint
            | Self::BadSetting
            | Self::NoCredentials
            | Self::Expired
            | Self::ClockSkewed
            | Self::WrongRegion => (false, true),
            Self::NotFound
            | Self::Changed
            | Self::Overwrote
            | Self::Denied
            | Self::WrongKey
            | Self::Unsupported
            | Self::Archived
            | Self::Lying
            | Self::OutOfOrder
            | Self::Full
            | Self::Invalid => (false, false),
        }
    }
}

/// What lies behind a [`RemoteError`], from the nearest cause to the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RemoteCause {
    message: String,
    #[source]
    next: Option<Box<Self>>,
}

impl RemoteCause {
    /// Makes a chain of what its links say, the nearest first; `None` where nothing is said.
    pub fn chain(messages: Vec<String>) -> Option<Box<Self>> {
        let link = |next, message| Some(Box::new(Self { message, next }));
        messages.into_iter().rev().fold(None, link)
    }
}

/// An error of the store: what was asked, where, and what came back.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", self.words())]
pub struct RemoteError {
    /// What the caller can do next.
    pub kind: RemoteErrorKind,
    /// The call (`PUT`, `LIST` …), or what was tried, in words.
    pub operation: &'static str,
    /// `s3://bucket/key`, or the bucket alone.
    pub key: String,
    /// What the store or the transport said.
    pub message: String,
    /// Why, where the message leaves it out.
    #[source]
    pub cause: Option<Box<RemoteCause>>,
    /// The store's answer and what a library said of it, for who asks for every detail.
    pub detail: Option<Box<str>>,
    /// The request may have taken effect although it failed.
    pub ambiguous: bool,
    /// The connection ended before an answer began, as one that was idle for too long does: the same call
    /// need not wait for its second attempt.
    pub hung_up: bool,
    /// How long the store asks to wait, in seconds, where it says so.
    pub retry_after_seconds: Option<u64>,
}

impl RemoteError {
    /// Makes an error that has no cause beside its message and left the bucket as it was.
    pub fn new(
        kind: RemoteErrorKind,
        operation: &'static str,
        key: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            operation,
            key: key.into(),
            message: message.into(),
            cause: None,
            detail: None,
            ambiguous: false,
            hung_up: false,
            retry_after_seconds: None,
        }
    }

    /// What, where. Without credentials no call was made, so that none is named.
    fn words(&self) -> String {
        let Self { operation, key, message, .. } = self;
        match self.kind {
            RemoteErrorKind::NoCredentials => format!("{message}, {key}"),
            RemoteErrorKind::BadEndpoint
            | RemoteErrorKind::BadSetting
            | RemoteErrorKind::BadProxy
            | RemoteErrorKind::BadCertificates => message.clone(),
            RemoteErrorKind::Full => {
                format!("the bucket's disk is full, or a quota is used up, at {key}: {message}")
            }
            _ => format!("{operation} {key}: {message}"),
        }
    }

    /// Tells whether the same call may succeed a little later.
    pub fn is_transient(&self) -> bool {
        self.kind.prospects().0
    }

    /// Tells whether every further call would fail, too, so that the run ends here.
    pub fn ends_the_run(&self) -> bool {
        self.kind.prospects().1
    }
}
