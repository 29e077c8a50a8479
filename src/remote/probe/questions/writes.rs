//! What the store does with plain writes.

use bytes::Bytes;
use futures_util::future::join;
use md5::{Digest as _, Md5};

use crate::remote::probe::calls::{finding, is_refused, properties, read, someone_elses, write};
use crate::remote::probe::prober::{Prober, trial};
use crate::remote::probe::trials::Trials;
use crate::remote::retry::retry;
use crate::remote::{
    Capabilities, Checksum, Condition, Conditions, RemoteError, RemoteErrorKind as Kind, Stored,
};
use crate::tree::Token;

/// Whether a file and a folder of the same name can stand side by side.
pub(super) struct Beside {
    pub(super) is_possible: bool,
    pub(super) note: Option<String>,
}

/// What becomes of what is replaced.
pub(super) struct Versions {
    /// Old versions are kept.
    pub(super) are_kept: bool,
    /// None are kept, or they can be deleted: what races leave behind does not stay.
    pub(super) can_go: bool,
}

impl Prober<'_> {
    /// Writes a first object without conditions, and reads what the answer tells; `None` where the
    /// store refuses writes.
    pub(in crate::remote::probe) async fn first_write(
        &mut self,
    ) -> Result<Option<Stored>, RemoteError> {
        let versions =
            Capabilities { etag_is_md5: true, versioning: true, ..Capabilities::nothing() };
        let (remote, path, body) = (self.below(versions), self.path("first"), self.body());
        let md5: [u8; 16] = Md5::digest(&body).into();
        let properties = properties();
        let put = || remote.put_unseen(&path, &body, &properties);
        match write(&*remote, &path, &body, put).await {
            Ok(stored) => {
                self.names_versions = stored.version_id.is_some();
                self.found.etag_is_md5 = stored.md5 == Some(md5);
                Ok(Some(stored))
            }
            // A refused look beside the write says nothing of writes.
            Err(error)
                if error.operation == "PUT"
                    && matches!(error.kind, Kind::Denied | Kind::Unsupported) =>
            {
                self.found.read_only = true;
                let listed = retry(|| self.remote.lists_versions()).await?;
                self.found.etag_in_listing = listed.unwrap_or(true);
                self.found.listing_order = self.order_of_what_is_there().await?;
                self.notes.push(format!("the store refuses writes, only pull works: {error}"));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Replaces the first object, and tells whether the version before can still be fetched (Garage names
    /// one in its answers and keeps none), and deleted.
    pub(super) async fn ask_versions(&self, first: &Stored) -> Result<Versions, RemoteError> {
        let none = Versions { are_kept: false, can_go: true };
        let Some(version_id) = &first.version_id else { return Ok(none) };
        self.put_unseen(Capabilities::nothing(), "first").await?;
        let versions = Capabilities { versioning: true, ..Capabilities::nothing() };
        let (remote, path) = (self.below(versions), self.path("first"));
        let old = retry(|| remote.get_version(&path, version_id)).await;
        if !old.is_ok_and(|(object, _)| object.entry.version.token == first.token) {
            return Ok(none);
        }
        let deleted = retry(|| remote.delete_version(&path, version_id)).await;
        Ok(Versions { are_kept: true, can_go: finding(deleted)?.is_ok() })
    }

    /// Sends a checksum header and looks whether the store takes it.
    pub(super) async fn examine_checksum(&self) -> Result<Checksum, RemoteError> {
        let checksum = Checksum::Crc64nvme;
        let trial = Capabilities { checksum, ..Capabilities::nothing() };
        let taken = finding(self.put_unseen(trial, "checksum").await)?.is_ok();
        Ok(if taken { checksum } else { Checksum::None })
    }

    /// Finds what conditions mean on a `PUT`.
    pub(super) async fn ask_put(&self, checksum: Checksum) -> Result<Conditions, RemoteError> {
        let key = "put";
        let remote = self.trying(Conditions::Atomic, checksum);
        let made = finding(self.put_if(&*remote, key, &Condition::Absent).await)?;
        let Ok(mut there) = made.map(|stored| stored.token) else { return Ok(Conditions::None) };
        for honoured in [Conditions::Atomic, Conditions::AtomicUnquoted] {
            let remote = self.trying(honoured, checksum);
            let (again, wrong) = join(
                self.put_if(&*remote, key, &Condition::Absent),
                self.put_if(&*remote, key, &someone_elses()),
            )
            .await;
            let (again, wrong) = (finding(again)?, finding(wrong)?);
            if !is_refused(&again) || !is_refused(&wrong) {
                return Ok(Conditions::None);
            }
            if self.replaces(&*remote, key, &there).await? {
                return Ok(honoured);
            }
            // Refused, or stored and not said so.
            there = self.etag(key).await?;
        }
        Ok(Conditions::None)
    }

    /// Tells whether a write that names the version that is there gets through.
    async fn replaces(
        &self,
        remote: &dyn Trials,
        key: &str,
        there: &Token,
    ) -> Result<bool, RemoteError> {
        let right = Condition::Matches(there.clone());
        Ok(finding(self.put_if(remote, key, &right).await)?.is_ok())
    }

    /// Writes under a condition.
    pub(in crate::remote::probe) async fn put_if(
        &self,
        remote: &dyn Trials,
        key: &str,
        condition: &Condition,
    ) -> Result<Stored, RemoteError> {
        let (path, body) = (self.path(key), self.body());
        let properties = properties();
        let put = || remote.put(&path, body.clone().into(), &properties, condition);
        write(remote, &path, &body, put).await
    }

    /// Writes `beside/below`, then `beside`, as a working copy does where a folder becomes a file: with a
    /// condition, which `SeaweedFS` takes for broken where a folder has the name. Looks whether both are
    /// there.
    pub(super) async fn examine_file_beside_folder(&self) -> Result<Beside, RemoteError> {
        let remote = self.below(trial(Conditions::None, Checksum::None));
        let creating = self.below(trial(Conditions::Atomic, Checksum::None));
        let bodies = ["beside", "beside/below"].map(|key| (self.path(key), self.body()));
        for (path, body) in bodies.iter().rev() {
            let properties = properties();
            let create =
                || creating.put(path, body.clone().into(), &properties, &Condition::Absent);
            match create().await {
                // Not patiently: a store on a file system answers this with 500, again and again.
                Err(error) if error.kind == Kind::Failed => (),
                Err(error) if error.is_transient() => {
                    drop(write(&*creating, path, body, create).await);
                }
                Err(error) if error.kind != Kind::Changed => {
                    // It knows no conditions.
                    let put = || remote.put_unseen(path, body, &properties);
                    drop(put().await);
                }
                _ => (),
            }
        }
        let [(file, whole), (inner, part)] = &bodies;
        let (file, inner) = join(read(&*remote, file), read(&*remote, inner)).await;
        let mut is_possible = true;
        for (there, body) in [(file, whole), (inner, part)] {
            match finding(there)? {
                // Who may not read has not been answered, and a store that can do both is the rule.
                Err(error) if error.kind == Kind::Denied => {
                    let note = "whether a file and a folder of the same name can stand side by \
                                side was not found out; `lsync init` again asks again";
                    let note = Some(format!("{note}: {error}"));
                    return Ok(Beside { is_possible: true, note });
                }
                there => is_possible &= holds(there.ok().flatten().as_ref(), body),
            }
        }
        let note = "a file and a folder of the same name cannot stand side by side";
        let note = (!is_possible).then(|| note.to_owned());
        Ok(Beside { is_possible, note })
    }
}

/// Tells whether what is there are these bytes.
fn holds(there: Option<&(Stored, Bytes)>, body: &Bytes) -> bool {
    there.is_some_and(|(_, bytes)| bytes == body)
}
