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
mod uploads;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use self::body::{pieces, slice};
pub use self::script::{Call, Fault, Hook, HookFuture, Moment, Mutation, Operation};
use self::state::{State, Upload};
use super::{
    Capabilities, Condition, Conditions, Incoming, ListingOrder, Object, Outgoing, Page, Reads,
    RemoteError, RemoteErrorKind, RemoteFuture, Stored, Writes,
};
use crate::remote::etag;
use crate::tree::{Content, Properties, RepoPath, Token, Version};

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

impl Reads for MemoryRemote {
    fn likely_content(&self, version: &Version) -> Content {
        etag::likely_content(version)
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        next: Option<&'a str>,
        limit: usize,
    ) -> RemoteFuture<'a, Page> {
        Box::pin(async move {
            self.run(Operation::List, prefix, async |_| {
                Ok(self.lock().page(prefix, next, limit.clamp(1, PAGE_ITEMS_MAX)))
            })
            .await
        })
    }

    fn place_behind(&self, key: &str) -> Option<String> {
        (self.capabilities.listing_order == ListingOrder::Keys).then(|| key.to_owned())
    }

    fn head<'a>(&'a self, path: &'a RepoPath) -> RemoteFuture<'a, Object> {
        Box::pin(async move {
            self.run(Operation::Head, path.as_str(), async |call| {
                let state = self.lock();
                let version = state.current(path.as_str()).ok_or_else(|| call.not_found())?;
                Ok(state.object(path, version))
            })
            .await
        })
    }

    fn get<'a>(
        &'a self,
        path: &'a RepoPath,
        expected: &'a Token,
        range: Option<Range<u64>>,
    ) -> RemoteFuture<'a, (Object, Incoming)> {
        Box::pin(async move {
            let body_fault = self.lock().script.body_fault(path.as_str());
            self.run(Operation::Get, path.as_str(), async |call| {
                let state = self.lock();
                let version = state.current(path.as_str()).ok_or_else(|| call.not_found())?;
                if version.token != *expected {
                    return Err(call.changed(&version.token));
                }
                let object = state.object(path, version);
                let body = slice(call, &version.body, range)?;
                Ok((object, pieces(call, &body, body_fault)))
            })
            .await
        })
    }

    fn get_version<'a>(
        &'a self,
        path: &'a RepoPath,
        version_id: &'a str,
    ) -> RemoteFuture<'a, (Object, Incoming)> {
        Box::pin(async move {
            self.run(Operation::GetVersion, path.as_str(), async |call| {
                let state = self.lock();
                let version =
                    state.version(path.as_str(), version_id).ok_or_else(|| call.not_found())?;
                Ok((state.object(path, version), pieces(call, &version.body, None)))
            })
            .await
        })
    }
}

impl Writes for MemoryRemote {
    fn put<'a>(
        &'a self,
        path: &'a RepoPath,
        body: Outgoing,
        properties: &'a Properties,
        condition: &'a Condition,
    ) -> RemoteFuture<'a, Stored> {
        Box::pin(async move {
            let crc64 = body.crc64();
            let body = body.collect().await.map_err(|error| {
                let (kind, message) = (RemoteErrorKind::Interrupted, error.to_string());
                RemoteError::new(kind, "PUT", path.as_str(), message)
            })?;
            self.run(Operation::Put, path.as_str(), async |call| {
                state::verify(call, &body, crc64)?;
                let conditions = self.capabilities.conditional_put;
                self.write(call, condition, conditions, |state| {
                    let version = (body, properties.mtime());
                    Ok(state.store(&self.client, path.as_str(), version, Some(condition)))
                })
                .await
            })
            .await
        })
    }

    fn delete<'a>(&'a self, path: &'a RepoPath, expected: &'a Token) -> RemoteFuture<'a, ()> {
        Box::pin(async move {
            self.run(Operation::Delete, path.as_str(), async |call| {
                self.remove(call, expected, self.capabilities.conditional_delete).await
            })
            .await
        })
    }

    fn deletions_at_once(&self) -> usize {
        self.capabilities.deletions_at_once(deleting::VERSIONS_MAX)
    }

    fn delete_many<'a>(
        &'a self,
        versions: &'a [(&'a RepoPath, &'a Token)],
    ) -> RemoteFuture<'a, Vec<Result<(), RemoteError>>> {
        Box::pin(async move { self.remove_many(versions).await })
    }

    fn settle(&self) -> RemoteFuture<'_, ()> {
        Box::pin(async move { self.run(Operation::Settle, "", async |_| Ok(())).await })
    }
}
