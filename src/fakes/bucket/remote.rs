//! [`MemoryRemote`] as tests see it, and how a call of it is carried out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::script::{Call, Fault, Hook, Moment, Mutation, Operation};
use super::state::{BucketState, Upload, Whole};
use crate::remote::{Capabilities, Condition, Conditions, RemoteError, RemoteErrorKind};
use crate::tree::Token;

/// A bucket in memory. Clones share the store; each has its own name and hook.
#[derive(Clone)]
pub struct MemoryRemote {
    state: Arc<Mutex<BucketState>>,
    pub(super) capabilities: Capabilities,
    pub(super) client: Arc<str>,
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
        let state = Arc::new(Mutex::new(BucketState::new(capabilities.clone())));
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

    /// Stores an object as a person with another tool does: any key, no condition, no metadata.
    pub fn put_as_somebody(&self, key: &str, body: impl Into<Bytes>) -> Token {
        self.lock().store("somebody", key, Whole::of(body.into(), None), None).token
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

    pub(super) fn lock(&self) -> MutexGuard<'_, BucketState> {
        // A test that failed while it held the lock has said so already.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn at(&self, call: &Call, moment: Moment) {
        if let Some(hook) = &self.hook {
            hook(call, moment).await;
        }
    }

    /// Records a call, and carries it out in the way that the script orders.
    pub(super) async fn run<T>(
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
    pub(super) async fn write<T>(
        &self,
        call: &Call,
        condition: &Condition,
        conditions: Conditions,
        effect: impl FnOnce(&mut BucketState) -> Result<T, RemoteError>,
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
