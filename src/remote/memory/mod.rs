//! [`MemoryRemote`]: a bucket in memory, the reference of the [`Remote`] contract.
//!
//! It keeps every promise in the plainest way, so that other implementations can be compared with
//! it, and gives tests what no store gives: a record of all calls and mutations, a script of faults,
//! a clock that only moves with writes, and a hook that is awaited around each call, with which a
//! simulation decides who goes next.

mod body;
mod deleting;
mod script;
mod state;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

pub use self::body::MemoryBody;
use self::body::slice;
pub use self::script::{Call, Fault, Hook, HookFuture, Moment, Mutation, Operation};
use self::state::{State, Upload};
use super::{
    Attributes, Capabilities, Checksum, Condition, Conditions, CopiedPart, HeldPart, ListingOrder,
    Object, Outgoing, Page, Part, PendingUpload, Remote, RemoteError, RemoteErrorKind, Stored,
    UploadId,
};
use crate::remote::etag;
use crate::tree::{Content, RepoPath, Token, Version};

/// The most items of a page.
const PAGE_ITEMS_MAX: usize = 1000;

/// A bucket in memory. Clones share the store; each has its own name and hook.
#[derive(Clone)]
pub struct MemoryRemote {
    state: Arc<Mutex<State>>,
    capabilities: Capabilities,
    client: Arc<str>,
    hook: Option<Arc<Hook>>,
}

impl Default for MemoryRemote {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryRemote {
    /// Makes an empty bucket that keeps every promise of AWS and no old versions.
    pub fn new() -> Self {
        Self::with_capabilities(Capabilities::full())
    }

    /// Makes an empty bucket whose ETags say nothing about the bytes: no two are ever the same.
    pub fn opaque() -> Self {
        Self::with_capabilities(Capabilities { etag_is_md5: false, ..Capabilities::full() })
    }

    /// Makes an empty bucket that does what `capabilities` say.
    ///
    /// Without a promise of conditions it compares first and stores after [`Moment::Between`].
    pub fn with_capabilities(capabilities: Capabilities) -> Self {
        let state = Arc::new(Mutex::new(State::new(capabilities.clone())));
        Self { state, capabilities, client: "".into(), hook: None }
    }

    /// Returns a handle of the same store for another client, named in calls and mutations.
    #[must_use]
    pub fn client(&self, name: &str, hook: Option<Arc<Hook>>) -> Self {
        Self { client: name.into(), hook, ..self.clone() }
    }

    /// Adds a fault to the script. Of several that hit a call the first one counts.
    pub fn fail(&self, fault: Fault) {
        self.lock().script.faults.push(fault);
    }

    /// Takes all faults back.
    pub fn clear_faults(&self) {
        self.lock().script.faults.clear();
    }

    /// Returns operation and key (for listings the prefix) of every call so far.
    pub fn calls(&self) -> Vec<(Operation, String)> {
        self.lock().script.calls.iter().map(|call| (call.operation, call.key.clone())).collect()
    }

    /// Returns how often an operation was called.
    pub fn count(&self, operation: Operation) -> usize {
        self.lock().script.calls.iter().filter(|call| call.operation == operation).count()
    }

    /// Forgets the calls.
    pub fn clear_calls(&self) {
        self.lock().script.calls.clear();
    }

    /// Returns every change of an object so far, in order.
    pub fn history(&self) -> Vec<Mutation> {
        self.lock().history.clone()
    }

    /// Sets the store's clock, nanoseconds since 1970; each write moves it by a second.
    pub fn set_clock(&self, now: i64) {
        self.lock().now = now;
    }

    /// Stores an object as a person with another tool does: any key, no condition, no metadata.
    pub fn put_as_somebody(&self, key: &str, body: impl Into<Bytes>) -> Token {
        self.lock().store("somebody", key, (body.into(), None), None).token
    }

    /// Deletes an object as a person with another tool does; nothing there is no error.
    pub fn delete_as_somebody(&self, key: &str) {
        self.lock().remove("somebody", key, None);
    }

    /// Returns the bytes of an object.
    pub fn bytes(&self, key: &str) -> Option<Bytes> {
        self.lock().current(key).map(|version| version.body.clone())
    }

    /// Returns keys and bytes of all objects.
    pub fn contents(&self) -> BTreeMap<String, Bytes> {
        self.lock().objects().map(|(key, version)| (key.clone(), version.body.clone())).collect()
    }

    /// Returns the keys of uploads in parts that were neither completed nor aborted.
    pub fn open_uploads(&self) -> Vec<String> {
        self.lock().uploads.values().map(|upload| upload.key.clone()).collect()
    }

    /// Returns those uploads by their names: the key, and how many parts are there.
    pub fn uploads(&self) -> BTreeMap<String, (String, usize)> {
        let state = self.lock();
        let told = |upload: &Upload| (upload.key.clone(), upload.parts.len());
        state.uploads.iter().map(|(id, upload)| (id.clone(), told(upload))).collect()
    }

    /// Throws an upload in parts away, as a rule of a bucket does with old ones; nothing there is no
    /// error.
    pub fn end_upload_as_somebody(&self, id: &str) {
        self.lock().uploads.remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A test that failed while it held the lock has said so already.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn at(&self, call: &Call, moment: Moment) {
        if let Some(hook) = &self.hook {
            hook(call, moment).await;
        }
    }

    /// Records a call, and carries it out in the way that the script orders.
    async fn run<T>(
        &self,
        operation: Operation,
        key: &str,
        effect: impl AsyncFnOnce(&Call) -> Result<T, RemoteError>,
    ) -> Result<T, RemoteError> {
        let (call, fault) = self.lock().script.begin(operation, key, &self.client);
        self.at(&call, Moment::Before).await;
        let answer = match fault {
            None => effect(&call).await,
            Some(fault) if fault.after_effect() => {
                effect(&call).await.and(Err(fault.error(&call, true)))
            }
            Some(fault) => Err(fault.error(&call, false)),
        };
        self.at(&call, Moment::After).await;
        answer
    }

    /// Carries out a write: under one lock where conditions are atomic, else in two steps.
    async fn write<T>(
        &self,
        call: &Call,
        condition: &Condition,
        conditions: Conditions,
        effect: impl FnOnce(&mut State) -> Result<T, RemoteError>,
    ) -> Result<T, RemoteError> {
        if self.capabilities.read_only {
            return Err(call.error(RemoteErrorKind::Denied, "the bucket is read-only"));
        }
        if conditions == Conditions::None {
            self.lock().check(call, condition)?;
            self.at(call, Moment::Between).await;
            return effect(&mut self.lock());
        }
        let mut state = self.lock();
        state.check(call, condition)?;
        effect(&mut state)
    }
}

impl Remote for MemoryRemote {
    type Body = MemoryBody;

    fn likely_content(&self, version: &Version) -> Content {
        etag::likely_content(version)
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn copies_parts(&self) -> bool {
        true
    }

    async fn list(
        &self,
        prefix: &str,
        next: Option<&str>,
        limit: usize,
    ) -> Result<Page, RemoteError> {
        self.run(Operation::List, prefix, async |_| {
            Ok(self.lock().page(prefix, next, limit.clamp(1, PAGE_ITEMS_MAX)))
        })
        .await
    }

    fn place_behind(&self, key: &str) -> Option<String> {
        (self.capabilities.listing_order == ListingOrder::Keys).then(|| key.to_owned())
    }

    async fn head(&self, path: &RepoPath) -> Result<Object, RemoteError> {
        self.run(Operation::Head, path.as_str(), async |call| {
            let state = self.lock();
            let version = state.current(path.as_str()).ok_or_else(|| call.not_found())?;
            Ok(state.object(path, version))
        })
        .await
    }

    async fn get(
        &self,
        path: &RepoPath,
        expected: &Token,
        range: Option<Range<u64>>,
    ) -> Result<(Object, MemoryBody), RemoteError> {
        let body_fault = self.lock().script.body_fault(path.as_str());
        self.run(Operation::Get, path.as_str(), async |call| {
            let state = self.lock();
            let version = state.current(path.as_str()).ok_or_else(|| call.not_found())?;
            if version.token != *expected {
                return Err(call.changed(&version.token));
            }
            let object = state.object(path, version);
            let body = slice(call, &version.body, range)?;
            Ok((object, MemoryBody::new(call, &body, body_fault)))
        })
        .await
    }

    async fn get_version(
        &self,
        path: &RepoPath,
        version_id: &str,
    ) -> Result<(Object, MemoryBody), RemoteError> {
        self.run(Operation::GetVersion, path.as_str(), async |call| {
            let state = self.lock();
            let version =
                state.version(path.as_str(), version_id).ok_or_else(|| call.not_found())?;
            Ok((state.object(path, version), MemoryBody::new(call, &version.body, None)))
        })
        .await
    }

    async fn put(
        &self,
        path: &RepoPath,
        body: Bytes,
        attributes: &Attributes,
        condition: &Condition,
    ) -> Result<Stored, RemoteError> {
        self.run(Operation::Put, path.as_str(), async |call| {
            state::verify(call, &body, attributes.crc64)?;
            let conditions = self.capabilities.conditional_put;
            self.write(call, condition, conditions, |state| {
                let version = (body, Some(attributes.mtime));
                Ok(state.store(&self.client, path.as_str(), version, Some(condition)))
            })
            .await
        })
        .await
    }

    async fn delete(&self, path: &RepoPath, expected: &Token) -> Result<(), RemoteError> {
        self.run(Operation::Delete, path.as_str(), async |call| {
            self.remove(call, expected, self.capabilities.conditional_delete).await
        })
        .await
    }

    fn deletions_at_once(&self) -> usize {
        self.capabilities.deletions_at_once(deleting::VERSIONS_MAX)
    }

    async fn delete_many(
        &self,
        versions: &[(&RepoPath, &Token)],
    ) -> Result<Vec<Result<(), RemoteError>>, RemoteError> {
        self.remove_many(versions).await
    }

    async fn start_upload(&self, path: &RepoPath, mtime: i64) -> Result<UploadId, RemoteError> {
        self.run(Operation::StartUpload, path.as_str(), async |call| {
            if self.capabilities.read_only {
                return Err(call.error(RemoteErrorKind::Denied, "the bucket is read-only"));
            }
            let key = path.as_str().to_owned();
            let mut state = self.lock();
            let begun = state.now;
            Ok(state.begin_upload(Upload { key, mtime, begun, parts: BTreeMap::new() }))
        })
        .await
    }

    async fn upload_part(
        &self,
        path: &RepoPath,
        upload: &UploadId,
        number: u32,
        body: Outgoing,
    ) -> Result<Part, RemoteError> {
        self.run(Operation::UploadPart, path.as_str(), async |call| {
            let body = body.collect().await;
            let body =
                body.map_err(|error| call.error(RemoteErrorKind::Interrupted, &error.to_string()))?;
            self.lock().upload(call, upload)?.store_part(call, number, body)
        })
        .await
    }

    async fn copy_part(
        &self,
        path: &RepoPath,
        upload: &UploadId,
        number: u32,
        (from, expected): (&RepoPath, &Token),
        range: Option<Range<u64>>,
    ) -> Result<CopiedPart, RemoteError> {
        self.run(Operation::CopyPart, path.as_str(), async |call| {
            let mut state = self.lock();
            let version = state.current(from.as_str()).ok_or_else(|| call.not_found())?;
            let compares = self.capabilities.conditional_put != Conditions::None;
            if compares && version.token != *expected {
                return Err(call.changed(&version.token));
            }
            let body = slice(call, &version.body, range)?;
            let Part { token, crc64, .. } =
                state.upload(call, upload)?.store_part(call, number, body)?;
            let says = self.capabilities.checksum == Checksum::Crc64nvme;
            Ok(CopiedPart { md5: state.md5(&token), token, crc64: says.then_some(crc64) })
        })
        .await
    }

    async fn complete_upload(
        &self,
        path: &RepoPath,
        upload: &UploadId,
        parts: &[Part],
        attributes: &Attributes,
        condition: &Condition,
    ) -> Result<Stored, RemoteError> {
        self.run(Operation::CompleteUpload, path.as_str(), async |call| {
            let whole = self.lock().upload(call, upload)?.assemble(call, parts)?;
            if self.capabilities.checksum == Checksum::Crc64nvme {
                state::verify(call, &whole.body, attributes.crc64)?;
            }
            let conditions = self.capabilities.conditional_complete;
            self.write(call, condition, conditions, |state| {
                state.uploads.remove(&upload.0);
                Ok(state.store_parts(&self.client, path.as_str(), whole, condition))
            })
            .await
        })
        .await
    }

    async fn parts(
        &self,
        path: &RepoPath,
        upload: &UploadId,
    ) -> Result<Vec<HeldPart>, RemoteError> {
        self.run(Operation::Parts, path.as_str(), async |call| {
            let mut state = self.lock();
            let parts = state.upload(call, upload)?.parts.iter();
            let held = |(number, (token, body)): (&u32, &(Token, Bytes))| HeldPart {
                number: *number,
                token: token.clone(),
                size: body.len() as u64,
            };
            Ok(parts.map(held).collect())
        })
        .await
    }

    async fn pending_uploads(&self) -> Result<Vec<PendingUpload>, RemoteError> {
        self.run(Operation::PendingUploads, "", async |_| {
            let state = self.lock();
            let pending = |(id, upload): (&String, &Upload)| PendingUpload {
                key: upload.key.clone(),
                upload: UploadId(id.clone()),
                begun: upload.begun,
            };
            Ok(state.uploads.iter().map(pending).collect())
        })
        .await
    }

    async fn abort_upload(&self, path: &RepoPath, upload: &UploadId) -> Result<(), RemoteError> {
        self.run(Operation::AbortUpload, path.as_str(), async |_| {
            self.lock().uploads.remove(&upload.0);
            Ok(())
        })
        .await
    }

    async fn settle(&self) -> Result<(), RemoteError> {
        self.run(Operation::Settle, "", async |_| Ok(())).await
    }
}
