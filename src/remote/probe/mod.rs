//! Finds out what a store really does, because stores do not do what they say.
//!
//! Everything happens below `<prefix>.lsync/probe/RANDOM/`, which every client leaves out of its
//! listings, and is removed afterwards, on failure, too. The names of providers mean nothing here.

mod calls;
mod deletions;
mod parts;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use md5::{Digest as _, Md5};

pub(super) use calls::patiently;

use calls::{
    ATTEMPTS_MAX, FIRST_WAIT, attributes, delete, finding, is_refused, path, read, someone_elses,
    winners, write,
};

use super::key::PROBE_FOLDER;
use super::{
    Capabilities, Checksum, Condition, Conditions, Listed, Remote as _, RemoteError,
    RemoteErrorKind as Kind, S3Remote, Stored,
};
use crate::tree::{Etag, RemoteEntry};

/// How many write the same key at once to see whether only one gets through.
const RACERS: usize = 8;

/// How often they do so: a store that checks without a lock gets away with it now and then.
const RACES: usize = 2;

/// What a probe left behind that is older than an hour belongs to nobody: it was killed.
const ABANDONED_NANOSECONDS: i64 = 3_600 * 1_000_000_000;

/// What the probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// For the config.
    pub capabilities: Capabilities,
    /// What a person should know, a sentence each, without full stop.
    pub notes: Vec<String>,
}

/// Probes the store behind `remote`, whose own capabilities do not matter.
///
/// # Errors
/// Where the bucket cannot be listed, or the store stops answering. What a store refuses is no
/// error but a finding; a store that refuses all writes is [`Capabilities::read_only`].
pub async fn probe(remote: &S3Remote) -> Result<Probed, RemoteError> {
    patiently(|| remote.list("", None, 1)).await?;
    let folder = format!("{PROBE_FOLDER}{:016x}", fastrand::u64(..));
    let mut prober =
        Prober { remote, folder, found: Capabilities::nothing(), notes: Vec::new(), bodies: 0 };
    let result = prober.examine().await;
    prober.clear().await;
    result?;
    prober.note_races();
    Ok(Probed { capabilities: prober.found, notes: prober.notes })
}

/// One probe on its way.
struct Prober<'a> {
    remote: &'a S3Remote,
    folder: String,
    found: Capabilities,
    notes: Vec<String>,
    bodies: u64,
}

impl Prober<'_> {
    /// Asks everything, in the order in which one answer helps the next question.
    async fn examine(&mut self) -> Result<(), RemoteError> {
        if !self.can_write().await? {
            return Ok(());
        }
        let remote = self.below(Capabilities::nothing());
        self.found.etag_in_listing = patiently(|| remote.lists_etags()).await?.unwrap_or(true);
        if !self.found.etag_in_listing {
            self.notes.push("listings name no versions, so that every file costs a request".into());
        }
        self.examine_checksum().await?;
        self.found.conditional_put = self.examine_put().await?;
        self.found.conditional_delete = self.examine_delete().await?;
        self.found.conditional_delete_many = self.examine_delete_many().await?;
        self.found.conditional_complete = self.examine_complete().await?;
        self.examine_file_beside_folder().await
    }

    /// Writes a first object without conditions, and reads what the answer tells.
    async fn can_write(&mut self) -> Result<bool, RemoteError> {
        let trial = Capabilities { etag_is_md5: true, versioning: true, ..Capabilities::nothing() };
        let body = self.body();
        let md5: [u8; 16] = Md5::digest(&body).into();
        let stored = match self.put(&trial, "first", &body, &Condition::Absent).await {
            Ok(stored) => stored,
            // A refused look beside the write says nothing of writes.
            Err(error)
                if error.operation == "PUT"
                    && matches!(error.kind, Kind::Denied | Kind::Unsupported) =>
            {
                self.found.read_only = true;
                let listed = patiently(|| self.remote.lists_etags()).await?;
                self.found.etag_in_listing = listed.unwrap_or(true);
                self.notes.push(format!("the store refuses writes, only pull works: {error}"));
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        self.found.etag_is_md5 = stored.etag_is_md5 && stored.etag.md5() == Some(md5);
        if let Some(version_id) = &stored.version_id {
            self.found.versioning = self.keeps_versions(&trial, &stored.etag, version_id).await?;
        }
        if self.found.versioning {
            self.notes.push("the bucket keeps old versions of what is replaced or deleted".into());
        }
        Ok(true)
    }

    /// Replaces the first object, and tells whether the version before can still be fetched: Garage
    /// names one in its answers and keeps none.
    async fn keeps_versions(
        &mut self,
        trial: &Capabilities,
        first: &Etag,
        version_id: &str,
    ) -> Result<bool, RemoteError> {
        let body = self.body();
        self.put(trial, "first", &body, &Condition::Matches(first.clone())).await?;
        let (remote, path) = (self.below(trial.clone()), path("first"));
        let old = patiently(|| remote.get_version(&path, version_id)).await;
        Ok(old.is_ok_and(|(object, _)| object.entry.version.etag == *first))
    }

    /// Sends a checksum header and looks whether the store takes it.
    async fn examine_checksum(&mut self) -> Result<(), RemoteError> {
        let trial = Capabilities { checksum: Checksum::Crc64nvme, ..Capabilities::nothing() };
        let body = self.body();
        if finding(self.put(&trial, "checksum", &body, &Condition::Absent).await)?.is_ok() {
            self.found.checksum = Checksum::Crc64nvme;
        }
        Ok(())
    }

    /// Finds how far conditions hold on `PUT`.
    async fn examine_put(&mut self) -> Result<Conditions, RemoteError> {
        let trial = self.trial(Conditions::Atomic);
        for round in 0..RACES {
            let key = format!("create-{round}");
            if !self.has_one_winner(&trial, &key, &Condition::Absent).await? {
                return Ok(Conditions::None);
            }
            let body = self.body();
            let again = self.put(&trial, &key, &body, &Condition::Absent).await;
            if !is_refused(&finding(again)?) {
                return Ok(Conditions::None);
            }
        }
        for honoured in [Conditions::Atomic, Conditions::AtomicUnquoted] {
            let trial = self.trial(honoured);
            let body = self.body();
            let wrong = self.put(&trial, "create-0", &body, &someone_elses()).await;
            if !is_refused(&finding(wrong)?) {
                return Ok(Conditions::None);
            }
            if !self.replaces(&trial, "create-0").await? {
                continue;
            }
            for _ in 0..RACES {
                let right = Condition::Matches(self.etag("create-0").await?);
                if !self.has_one_winner(&trial, "create-0", &right).await? {
                    return Ok(Conditions::None);
                }
            }
            return Ok(honoured);
        }
        Ok(Conditions::None)
    }

    /// Tells whether a write that names the version that is there gets through.
    async fn replaces(&mut self, trial: &Capabilities, key: &str) -> Result<bool, RemoteError> {
        let right = Condition::Matches(self.etag(key).await?);
        let body = self.body();
        Ok(finding(self.put(trial, key, &body, &right).await)?.is_ok())
    }

    /// Lets several write one key at once; tells whether exactly one got through.
    async fn has_one_winner(
        &mut self,
        trial: &Capabilities,
        key: &str,
        condition: &Condition,
    ) -> Result<bool, RemoteError> {
        // Equal contents would have equal ETags, and more than one of them could rightly win.
        let bodies: Vec<Bytes> = (0..RACERS).map(|_| self.body()).collect();
        for attempt in 0..ATTEMPTS_MAX {
            let (remote, path) = (self.below(trial.clone()), path(key));
            let writes = bodies.iter().map(|body| {
                let attributes = attributes(body);
                let (remote, path) = (&remote, &path);
                async move { remote.put(path, body.clone(), &attributes, condition).await }
            });
            let answered: Vec<_> = bodies.iter().zip(join_all(writes).await).collect();
            if let Some(winners) = winners(&remote, &path, &answered).await? {
                return Ok(winners == 1);
            }
            // All were told to come back: the store limits writes to one key (R2, GCS).
            tokio::time::sleep(FIRST_WAIT * 2_u32.pow(attempt)).await;
        }
        Ok(false)
    }

    /// Writes `beside` and `beside/below`, and looks whether both are there.
    async fn examine_file_beside_folder(&mut self) -> Result<(), RemoteError> {
        let remote = self.below(Capabilities::nothing());
        let bodies = ["beside", "beside/below"].map(|key| (path(key), self.body()));
        for (path, body) in &bodies {
            let attributes = attributes(body);
            let put = || remote.put(path, body.clone(), &attributes, &Condition::Absent);
            match put().await {
                // Not patiently: a store on a file system answers this with 500, again and again.
                Err(error) if error.kind == Kind::Failed => (),
                Err(error) if error.is_transient() => drop(write(&remote, (path, body), put).await),
                _ => (),
            }
        }
        let mut is_beside = true;
        for (path, body) in &bodies {
            match finding(read(&remote, path).await)? {
                // Who may not read has not been answered, and a store that can do both is the rule.
                Err(error) if error.kind == Kind::Denied => {
                    let note = "whether a file and a folder of the same name can stand side by \
                                side was not found out; `lsync init` again asks again";
                    self.notes.push(format!("{note}: {error}"));
                    return Ok(());
                }
                there => {
                    let there = there.ok().flatten();
                    is_beside &= there.is_some_and(|(_, bytes)| bytes == *body);
                }
            }
        }
        self.found.file_beside_folder = is_beside;
        if !is_beside {
            let note = "a file and a folder of the same name cannot stand side by side";
            self.notes.push(note.to_owned());
        }
        Ok(())
    }

    /// Says what conditions that do not hold mean for a team.
    fn note_races(&mut self) {
        if self.found.read_only {
            return;
        }
        let cure = "lsync compares before and after each write and keeps copies";
        if self.found.conditional_put == Conditions::None {
            self.notes.push(format!(
                "the store ignores conditions or does not keep them under load: two people who \
                 push the same file in the same second can overwrite each other; {cure}"
            ));
        } else if self.found.conditional_complete == Conditions::None {
            self.notes.push(format!(
                "the store ignores conditions on uploads in parts: two people who push the same \
                 file above 8 MiB in the same second can overwrite each other; {cure}"
            ));
        }
        if self.found.conditional_delete == Conditions::None {
            self.notes.push(
                "the store ignores conditions on deletions: lsync looks directly before each one, \
                 so that an edit of the same second can be deleted with the file"
                    .to_owned(),
            );
        }
    }

    /// Removes what the probe wrote, and what killed ones left.
    async fn clear(&mut self) {
        if self.found.read_only {
            return;
        }
        if let Err(error) = self.try_clear().await {
            self.notes.push(format!(
                "objects of the probe could not be removed; every client ignores them: {error}"
            ));
        }
    }

    async fn try_clear(&self) -> Result<(), RemoteError> {
        let trial = self.trial(self.found.conditional_delete);
        let remote = self.remote.below(PROBE_FOLDER, trial);
        let own = self.folder.strip_prefix(PROBE_FOLDER).unwrap_or(&self.folder);
        let (mut left, mut next) = (Vec::new(), None);
        loop {
            let page = patiently(|| remote.list("", next.as_deref(), 1_000)).await?;
            left.extend(page.items.into_iter().filter_map(|item| match item {
                Listed::Object(entry) => Some(entry),
                Listed::Odd { .. } | Listed::Obstacle(_) => None,
            }));
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        let is_own = |entry: &RemoteEntry| entry.path.as_str().split('/').next() == Some(own);
        // What the store says of objects of this minute is its clock; ours may be wrong.
        let now = left.iter().filter(|entry| is_own(entry)).map(|entry| entry.modified).max();
        let is_left = |entry: &RemoteEntry| {
            is_own(entry) || now.is_some_and(|now| entry.modified < now - ABANDONED_NANOSECONDS)
        };
        let deletions = stream::iter(left.into_iter().filter(is_left)).map(|entry| {
            let remote = &remote;
            async move {
                match delete(remote, &entry.path, &entry.version.etag).await {
                    Err(error) if error.kind != Kind::NotFound => Err(error),
                    _ => Ok(()),
                }
            }
        });
        let ended: Vec<_> = deletions.buffer_unordered(RACERS).collect().await;
        ended.into_iter().collect()
    }

    /// Returns the remote for the probe's own folder.
    fn below(&self, trial: Capabilities) -> S3Remote {
        self.remote.below(&self.folder, trial)
    }

    /// Returns capabilities under which every condition is sent in one spelling.
    fn trial(&self, honoured: Conditions) -> Capabilities {
        Capabilities {
            conditional_put: honoured,
            conditional_complete: honoured,
            conditional_delete: honoured,
            conditional_delete_many: honoured,
            checksum: self.found.checksum,
            ..Capabilities::nothing()
        }
    }

    /// Returns contents that no other object of the probe has.
    fn body(&mut self) -> Bytes {
        self.bodies += 1;
        format!("lsync looks what this store can do ({} {})\n", self.folder, self.bodies).into()
    }

    async fn put(
        &self,
        trial: &Capabilities,
        key: &str,
        body: &Bytes,
        condition: &Condition,
    ) -> Result<Stored, RemoteError> {
        let (remote, path, attributes) = (self.below(trial.clone()), path(key), attributes(body));
        let put = || remote.put(&path, body.clone(), &attributes, condition);
        write(&remote, (&path, body), put).await
    }

    async fn etag(&self, key: &str) -> Result<Etag, RemoteError> {
        let (remote, path) = (self.below(Capabilities::nothing()), path(key));
        Ok(patiently(|| remote.head(&path)).await?.entry.version.etag)
    }
}
