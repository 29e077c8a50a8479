//! What tests learn and order: calls, mutations, faults, hooks.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::remote::{Condition, RemoteError, RemoteErrorKind};
use crate::tree::Token;

/// A call of [`crate::remote::Remote`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// `list`
    List,
    /// `head`
    Head,
    /// `get`
    Get,
    /// `get_version`
    GetVersion,
    /// `put`
    Put,
    /// `delete`
    Delete,
    /// `delete_many`
    DeleteMany,
    /// `start_upload`
    StartUpload,
    /// `upload_part`
    UploadPart,
    /// `copy_part`
    CopyPart,
    /// `complete_upload`
    CompleteUpload,
    /// `parts`
    Parts,
    /// `pending_uploads`
    PendingUploads,
    /// `abort_upload`
    AbortUpload,
    /// `flush`
    Flush,
}

impl Operation {
    /// Returns the word that errors use.
    pub fn word(self) -> &'static str {
        match self {
            Self::List => "LIST",
            Self::Head => "HEAD",
            Self::Get | Self::GetVersion => "GET",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::DeleteMany => "DELETE MANY",
            Self::StartUpload => "START",
            Self::UploadPart => "PART",
            Self::CopyPart => "COPY",
            Self::CompleteUpload => "COMPLETE",
            Self::AbortUpload => "ABORT",
            Self::Parts => "PARTS",
            Self::PendingUploads => "UPLOADS",
            Self::Flush => "FLUSH",
        }
    }

    /// Tells whether the call changes the store.
    pub fn is_write(self) -> bool {
        !matches!(
            self,
            Self::List
                | Self::Head
                | Self::Get
                | Self::GetVersion
                | Self::Parts
                | Self::PendingUploads
                | Self::Flush
        )
    }
}

/// One call, as the record and the hooks show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// From 1, over all clients.
    pub number: u64,
    /// Who called: see [`super::MemoryRemote::client`].
    pub client: String,
    /// Which call.
    pub operation: Operation,
    /// The key; for listings the prefix.
    pub key: String,
}

impl Call {
    /// Makes the error of this call.
    pub(super) fn error(&self, kind: RemoteErrorKind, message: &str) -> RemoteError {
        RemoteError::new(kind, self.operation.word(), format!("memory://{}", self.key), message)
    }

    pub(super) fn not_found(&self) -> RemoteError {
        self.error(RemoteErrorKind::NotFound, "there is no such object")
    }

    pub(super) fn changed(&self, found: &Token) -> RemoteError {
        self.error(RemoteErrorKind::Changed, &format!("the version there is {found}"))
    }
}

/// When a hook is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before the call takes effect.
    Before,
    /// Between comparing and storing, in stores that do not promise to do both at once.
    Between,
    /// After one of several things that one call does.
    Within,
    /// When the effect is there, and before the caller learns of it.
    After,
}

/// What a hook returns: awaited before the call goes on.
pub type HookFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Called around every call of a client.
pub type Hook = dyn Fn(&Call, Moment) -> HookFuture + Send + Sync;

/// One change of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutation {
    /// Who changed it; `somebody` is a person with another tool.
    pub client: String,
    /// The key.
    pub key: String,
    /// What was there; `None` is nothing.
    pub old: Option<Token>,
    /// What is there; `None` after a deletion.
    pub new: Option<Token>,
    /// What the writer expected; `None` is anything.
    pub condition: Option<Condition>,
    /// CRC-64/NVME of the new bytes.
    pub crc64: Option<u64>,
}

/// When a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strike {
    Before,
    After,
    MidBody,
}

/// A call that fails: by default each one that matches, before it takes effect.
#[derive(Debug, Clone)]
pub struct Fault {
    operation: Option<Operation>,
    key: Option<String>,
    from: u64,
    count: u64,
    kind: RemoteErrorKind,
    strike: Strike,
    seen: u64,
}

impl Fault {
    /// Fails every call with this kind.
    pub fn new(kind: RemoteErrorKind) -> Self {
        let (operation, key) = (None, None);
        Self { operation, key, from: 1, count: u64::MAX, kind, strike: Strike::Before, seen: 0 }
    }

    /// Only this operation.
    #[must_use]
    pub fn on(self, operation: Operation) -> Self {
        Self { operation: Some(operation), ..self }
    }

    /// Only this key (for listings: prefix).
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self }
    }

    /// Only the `n`-th matching call, from 1.
    #[must_use]
    pub fn nth(self, n: u64) -> Self {
        Self { from: n, count: 1, ..self }
    }

    /// Only the first `n` matching calls.
    #[must_use]
    pub fn first(self, n: u64) -> Self {
        Self { from: 1, count: n, ..self }
    }

    /// The call takes effect, and the caller gets the error: an answer that got lost.
    #[must_use]
    pub fn after_it_took_effect(self) -> Self {
        Self { strike: Strike::After, ..self }
    }

    /// The body of a `get` breaks off after half of its bytes.
    #[must_use]
    pub fn mid_body(self) -> Self {
        Self { strike: Strike::MidBody, operation: Some(Operation::Get), ..self }
    }

    pub(super) fn after_effect(&self) -> bool {
        self.strike == Strike::After
    }

    /// Makes the error; ambiguous where a caller could not know whether it took effect.
    pub(super) fn error(&self, call: &Call, took_effect: bool) -> RemoteError {
        let lost = matches!(self.kind, RemoteErrorKind::Interrupted | RemoteErrorKind::Failed);
        let ambiguous = call.operation.is_write() && (took_effect || lost);
        RemoteError { ambiguous, ..call.error(self.kind, "as the test ordered") }
    }

    /// Counts a call; tells whether it is hit.
    fn hits(&mut self, operation: Operation, key: &str) -> bool {
        let matches = self.operation.is_none_or(|wanted| wanted == operation)
            && self.key.as_deref().is_none_or(|wanted| wanted == key);
        if !matches {
            return false;
        }
        self.seen += 1;
        self.seen >= self.from && self.seen - self.from < self.count
    }
}

/// The record of calls and the faults to come.
#[derive(Default)]
pub(super) struct Script {
    pub(super) calls: Vec<Call>,
    pub(super) faults: Vec<Fault>,
    number: u64,
}

impl Script {
    /// Records a call; returns it with the fault that hits it.
    pub(super) fn begin(
        &mut self,
        operation: Operation,
        key: &str,
        client: &str,
    ) -> (Call, Option<Fault>) {
        self.number += 1;
        let (client, key) = (client.to_owned(), key.to_owned());
        let call = Call { number: self.number, client, operation, key };
        self.calls.push(call.clone());
        let fault = self.find(operation, &call.key, |strike| strike != Strike::MidBody);
        (call, fault)
    }

    /// Returns how the body of the next `get` of `key` breaks.
    pub(super) fn body_fault(&mut self, key: &str) -> Option<RemoteErrorKind> {
        self.find(Operation::Get, key, |strike| strike == Strike::MidBody).map(|fault| fault.kind)
    }

    /// Counts the call in every fault of that sort; returns the first one that hits.
    fn find(
        &mut self,
        operation: Operation,
        key: &str,
        sort: impl Fn(Strike) -> bool,
    ) -> Option<Fault> {
        let mut found = None;
        for fault in self.faults.iter_mut().filter(|fault| sort(fault.strike)) {
            if fault.hits(operation, key) && found.is_none() {
                found = Some(fault.clone());
            }
        }
        found
    }
}

impl fmt::Display for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, client, operation, key } = self;
        write!(formatter, "{number} {client} {} {key}", operation.word())
    }
}
