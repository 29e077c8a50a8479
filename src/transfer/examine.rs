//! Examine: where signature and `ETag` cannot decide, contents are compared, cheapest proof first.

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::content::{Digester, Evidence, Hashed, Proof, Want};
use crate::plan::{Content, Examined, NoticeKind, may_be_touched_there, need};
use crate::remote::{Body as _, Remote, RemoteError, RemoteErrorKind};
use crate::tree::{Local, RemoteEntry, RepoPath, Row};

use super::context::Context;
use super::retry::retry;
use super::trouble::Trouble;

/// The largest object that is fetched only to be compared.
const COMPARED_BYTES_MAX: u64 = 64 * 1024 * 1024;

impl<D: Disk, R: Remote, C: Clock> Context<D, R, C> {
    /// Compares the contents that a row needs compared.
    ///
    /// Runs that change nothing download nothing: there an object without proof is unknown.
    ///
    /// Where a file of a folder bucket was merely touched, the row's base gets its new `ETag`, and a
    /// signature that makes the run record it.
    pub async fn examine(&self, row: &mut Row) -> Examined {
        if self.remote.reads_locally() && may_be_touched_there(row) {
            match self.forgive_touch(row).await {
                Ok(None) => (),
                Ok(Some(examined)) => return examined,
                Err(error) => {
                    return Examined::Failed {
                        kind: NoticeKind::Unreadable,
                        reason: error.to_string(),
                    };
                }
            }
        }
        match self.compare(row).await {
            Ok(examined) => examined,
            Err(Trouble::Changed { reason, .. }) => {
                Examined::Failed { kind: NoticeKind::Changed, reason }
            }
            Err(Trouble::Disk(_, reason)) => {
                Examined::Failed { kind: NoticeKind::Unreadable, reason }
            }
            Err(Trouble::Remote(error)) => {
                Examined::Failed { kind: NoticeKind::Unreadable, reason: error.to_string() }
            }
            Err(
                trouble @ (Trouble::Unfounded(_)
                | Trouble::FolderKept(_)
                | Trouble::Nameless(_)
                | Trouble::TooLarge),
            ) => Examined::Failed { kind: NoticeKind::Unreadable, reason: trouble.reason() },
            Err(Trouble::Stopped | Trouble::InTrash(_) | Trouble::Bug(_)) => {
                Examined::Failed { kind: NoticeKind::Changed, reason: "interrupted".to_owned() }
            }
        }
    }

    /// Reads the object that may have been touched; an untouched local file needs no reading, too.
    async fn forgive_touch(&self, row: &mut Row) -> Result<Option<Examined>, RemoteError> {
        let (Some(base), Some(entry)) = (&mut row.base, &row.remote) else { return Ok(None) };
        match retry(&self.clock, &self.stop, || self.fetch_crc64(entry)).await {
            // Whatever is there now, it is not what was listed: the transfer will find out.
            Err(error)
                if matches!(error.kind, RemoteErrorKind::Changed | RemoteErrorKind::NotFound) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
            Ok(crc64) if Some(crc64) != base.crc64 => return Ok(None),
            Ok(_) => base.etag = entry.version.etag.clone(),
        }
        let known = base.signature;
        base.signature.ctime = 0;
        Ok(match row.local {
            Local::File(stat) if stat.signature() == known => Some(Examined::Compared {
                to_base: Content::Same,
                to_remote: Content::Same,
                stat,
                crc64: base.crc64,
            }),
            _ => None,
        })
    }

    async fn compare(&self, row: &Row) -> Result<Examined, Trouble> {
        let need = need(row);
        let (Local::File(stat), true) = (&row.local, need.is_any()) else {
            return Ok(Examined::NotNeeded);
        };
        let base = row.base.as_ref().filter(|_| need.to_base).map(Evidence::of_base);
        let remote = row.remote.as_ref().filter(|_| need.to_remote);
        let listed = remote.map(listed_evidence);
        let want = union([&base, &listed].into_iter().flatten());
        let hashed = self.hash(&row.path, stat, &want).await?;
        let to_base = base.map_or(Content::Different, |it| content(it.compare(&hashed.digests)));
        let to_remote = match (remote, listed) {
            (Some(entry), Some(listed)) if to_base != Content::Same => {
                self.compare_to_remote(entry, &listed, &hashed).await?
            }
            _ => Content::Different,
        };
        // Where the ETag is the MD5 of these bytes, it says all that a checksum would.
        let named = row.remote.as_ref().and_then(|entry| entry.version.etag.md5());
        let is_named_by_md5 = named.is_some() && named == hashed.digests.md5;
        let crc64 = (!is_named_by_md5).then_some(hashed.digests.crc64);
        Ok(Examined::Compared { to_base, to_remote, stat: hashed.stat, crc64 })
    }

    async fn compare_to_remote(
        &self,
        entry: &RemoteEntry,
        listed: &Evidence,
        hashed: &Hashed,
    ) -> Result<Content, Trouble> {
        let local = &hashed.digests;
        match listed.compare(local) {
            Proof::Unknown => (),
            proof => return Ok(content(proof)),
        }
        if !self.remote.reads_locally() {
            let object = self.object_expected(&entry.path, &entry.version).await?;
            let known =
                Evidence { etag_is_md5: object.etag_is_md5, crc64: object.crc64, ..listed.clone() };
            match known.compare(local) {
                Proof::Unknown => (),
                proof => return Ok(content(proof)),
            }
        }
        // A killed upload of this very file has most likely succeeded: no conflict with itself.
        let may_be_ours = || {
            let signature = hashed.stat.signature();
            self.notes.as_ref().is_some_and(|it| it.has_upload_of(&entry.path, &signature))
        };
        let may_read = self.remote.reads_locally()
            || (self.staging.is_some()
                && (entry.version.size <= COMPARED_BYTES_MAX || may_be_ours()));
        if !may_read {
            return Ok(Content::Unknown);
        }
        let crc64 = retry(&self.clock, &self.stop, || self.fetch_crc64(entry)).await?;
        Ok(if crc64 == local.crc64 { Content::Same } else { Content::Different })
    }

    async fn fetch_crc64(&self, entry: &RemoteEntry) -> Result<u64, RemoteError> {
        let (_, mut body) = self.remote.get(&entry.path, &entry.version.etag, None).await?;
        let mut digester = Digester::new(&Want::default());
        while let Some(bytes) = body.next().await? {
            digester.update(&bytes);
        }
        let digests = digester.finish();
        if digests.size == entry.version.size {
            Ok(digests.crc64)
        } else {
            Err(short_body(&entry.path, digests.size, entry.version.size))
        }
    }
}

/// The error of a body that is not as long as the listing said.
pub(super) fn short_body(path: &RepoPath, length: u64, expected: u64) -> RemoteError {
    let message = format!("{length} bytes came instead of {expected}");
    RemoteError::new(RemoteErrorKind::Corrupt, "GET", path.as_str(), message)
}

/// A listing does not tell whether a KMS or customer key made the `ETag`: a mismatch proves nothing.
fn listed_evidence(entry: &RemoteEntry) -> Evidence {
    Evidence {
        size: entry.version.size,
        etag: entry.version.etag.clone(),
        etag_is_md5: false,
        crc64: None,
    }
}

fn union<'a>(evidence: impl Iterator<Item = &'a Evidence>) -> Want {
    evidence.filter_map(Evidence::want).fold(Want::default(), |mut all, want| {
        all.md5 |= want.md5;
        all.part_sizes.extend(want.part_sizes);
        all.part_sizes.sort_unstable();
        all.part_sizes.dedup();
        all
    })
}

fn content(proof: Proof) -> Content {
    match proof {
        Proof::Same => Content::Same,
        Proof::Different => Content::Different,
        Proof::Unknown => Content::Unknown,
    }
}
