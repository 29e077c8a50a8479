//! [`AnyRemote`]: whichever store a working copy was made for.

use std::ops::Range;

use bytes::Bytes;
use futures_util::future::join3;

use super::probe::{patiently, remove_abandoned};
use super::{
    Attributes, Body, BucketUrl, Capabilities, Condition, CopiedPart, FolderBody, FolderRemote,
    HeldPart, Object, Outgoing, Page, Part, PendingUpload, Probed, Remote, RemoteError,
    RemoteErrorKind, S3Body, S3Remote, S3Settings, Stored, UploadId, probe,
};
use crate::disk::RealDisk;
use crate::tree::{Content, RepoPath, Token, Version};

/// Where a working copy's bucket is, as its config says or a person types; no secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteSettings {
    /// The bucket and the prefix, or the folder.
    pub url: BucketUrl,
    /// As in [`S3Settings::region`]; a folder has none.
    pub region: Option<String>,
    /// As in [`S3Settings::endpoint`]; a folder has none.
    pub endpoint: Option<String>,
    /// As in [`S3Settings::profile`]; a folder has none.
    pub profile: Option<String>,
    /// As in [`S3Settings::path_style`]; a folder has none.
    pub path_style: bool,
}

/// So many pages without an object are asked for; a listing that goes on behind them is not known to
/// be empty.
const EMPTY_PAGES_MAX: usize = 20;

/// What is in a bucket, or below its prefix, before it is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// At least one object.
    Something,
    /// No object.
    Nothing,
    /// No object; the prefix itself is the name of one.
    Object,
}

/// What is found out before a bucket is tried out.
#[derive(Debug)]
pub struct FirstLook {
    /// In which region it lies, where the store says so; see [`S3Remote::find_region`].
    pub region: Result<Option<String>, RemoteError>,
    /// What is there; an error where the bucket is missing or cannot be listed.
    pub found: Result<Found, RemoteError>,
}

impl FirstLook {
    /// Tells whether there is no such bucket.
    pub fn is_missing(&self) -> bool {
        let mut errors = self.region.as_ref().err().into_iter().chain(self.found.as_ref().err());
        errors.any(|error| error.kind == RemoteErrorKind::NoBucket)
    }
}

/// A bucket of either kind.
pub enum AnyRemote {
    /// On a store that speaks S3.
    S3(S3Remote),
    /// A folder.
    Folder(FolderRemote<RealDisk>),
}

/// The body of an object of either kind.
pub enum AnyBody {
    /// From a store that speaks S3.
    S3(S3Body),
    /// From a folder.
    Folder(FolderBody<RealDisk>),
}

/// Opens the bucket that `settings` name, with what the probe found when the working copy was made.
///
/// Makes no request; a folder says for itself what it can do, and has to be there, as a bucket.
pub async fn connect(
    settings: &RemoteSettings,
    capabilities: Capabilities,
) -> Result<AnyRemote, RemoteError> {
    match &settings.url {
        BucketUrl::S3 { bucket, prefix } => {
            let settings = S3Settings {
                bucket: bucket.clone(),
                prefix: prefix.clone(),
                region: settings.region.clone(),
                endpoint: settings.endpoint.clone(),
                profile: settings.profile.clone(),
                path_style: settings.path_style,
            };
            S3Remote::open(&settings, capabilities).await.map(AnyRemote::S3)
        }
        BucketUrl::Folder(path) => {
            FolderRemote::reopen(RealDisk, path, "", capabilities.read_only).map(AnyRemote::Folder)
        }
    }
}

impl AnyRemote {
    /// Opens the bucket that `settings` name for the first time, before its store was probed.
    ///
    /// Makes no request; a folder becomes a bucket by this.
    pub async fn open_new(settings: &RemoteSettings) -> Result<Self, RemoteError> {
        match &settings.url {
            BucketUrl::Folder(path) => FolderRemote::open(RealDisk, path, "").map(Self::Folder),
            BucketUrl::S3 { .. } => connect(settings, Capabilities::full()).await,
        }
    }

    /// Makes the bucket that `settings` name where it is missing, the folders above it included.
    pub async fn create_bucket(settings: &RemoteSettings) -> Result<(), RemoteError> {
        if let BucketUrl::Folder(path) = &settings.url {
            return FolderRemote::create(RealDisk, path, "").map(drop);
        }
        match connect(settings, Capabilities::full()).await? {
            Self::S3(remote) => remote.create_bucket().await,
            Self::Folder(_) => Ok(()),
        }
    }

    /// Finds out, patiently, where the bucket lies and what is there: three questions side by side, since
    /// the region is mostly the right one, and the prefix mostly holds something.
    pub async fn first_look(&self) -> FirstLook {
        let asked = join3(self.find_region(), self.check_access(), self.prefix_is_object());
        let (region, found, is_object) = asked.await;
        let found = found.map(|found| match found {
            Found::Nothing if is_object => Found::Object,
            found => found,
        });
        FirstLook { region, found }
    }

    async fn find_region(&self) -> Result<Option<String>, RemoteError> {
        match self {
            Self::S3(remote) => patiently(|| remote.find_region()).await,
            Self::Folder(_) => Ok(None),
        }
    }

    /// Makes sure that the bucket is there and can be listed; returns what is there.
    async fn check_access(&self) -> Result<Found, RemoteError> {
        let (mut next, mut limit) = (None, 1);
        for _ in 0..EMPTY_PAGES_MAX {
            let page = match patiently(|| self.list("", next.as_deref(), limit)).await {
                // In which order the store lists is not known yet.
                Err(error) if error.kind == RemoteErrorKind::OutOfOrder => break,
                page => page?,
            };
            if !page.items.is_empty() {
                return Ok(Found::Something);
            }
            // Objects of a probe are left out of pages; what is behind them counts.
            (next, limit) = (page.next, 1_000);
            if next.is_none() {
                return Ok(Found::Nothing);
            }
        }
        Ok(Found::Something)
    }

    /// Tells whether the prefix is the name of an object; what cannot be looked at is none.
    async fn prefix_is_object(&self) -> bool {
        let Self::S3(remote) = self else { return false };
        let Some((bucket, path)) = remote.prefix_as_path() else { return false };
        patiently(|| bucket.head(&path)).await.is_ok()
    }

    /// Finds out what the store can do; see [`probe`]. A folder knows it without being asked.
    pub async fn probe(&self) -> Result<Probed, RemoteError> {
        match self {
            Self::S3(remote) => probe(remote).await,
            Self::Folder(remote) => {
                Ok(Probed { capabilities: remote.capabilities().clone(), notes: Vec::new() })
            }
        }
    }
}

impl Body for AnyBody {
    async fn next(&mut self) -> Result<Option<Bytes>, RemoteError> {
        match self {
            Self::S3(body) => body.next().await,
            Self::Folder(body) => body.next().await,
        }
    }
}

/// Asks whichever remote it is.
macro_rules! either {
    ($self:expr, $remote:ident => $call:expr) => {
        match $self {
            AnyRemote::S3($remote) => $call,
            AnyRemote::Folder($remote) => $call,
        }
    };
}

impl Remote for AnyRemote {
    type Body = AnyBody;

    fn likely_content(&self, version: &Version) -> Content {
        either!(self, remote => remote.likely_content(version))
    }

    fn capabilities(&self) -> &Capabilities {
        either!(self, remote => remote.capabilities())
    }

    fn reads_locally(&self) -> bool {
        either!(self, remote => remote.reads_locally())
    }

    fn holds_parts(&self) -> bool {
        either!(self, remote => remote.holds_parts())
    }

    fn copies_parts(&self) -> bool {
        either!(self, remote => remote.copies_parts())
    }

    fn is_near(&self) -> bool {
        either!(self, remote => remote.is_near())
    }

    fn warning(&self) -> Option<String> {
        either!(self, remote => remote.warning())
    }

    fn broken_promise(&self) -> Option<String> {
        either!(self, remote => remote.broken_promise())
    }

    async fn list(
        &self,
        prefix: &str,
        next: Option<&str>,
        limit: usize,
    ) -> Result<Page, RemoteError> {
        either!(self, remote => remote.list(prefix, next, limit).await)
    }

    fn place_behind(&self, key: &str) -> Option<String> {
        either!(self, remote => remote.place_behind(key))
    }

    async fn head(&self, path: &RepoPath) -> Result<Object, RemoteError> {
        either!(self, remote => remote.head(path).await)
    }

    async fn get(
        &self,
        path: &RepoPath,
        expected: &Token,
        range: Option<Range<u64>>,
    ) -> Result<(Object, AnyBody), RemoteError> {
        match self {
            Self::S3(remote) => {
                let (object, body) = remote.get(path, expected, range).await?;
                Ok((object, AnyBody::S3(body)))
            }
            Self::Folder(remote) => {
                let (object, body) = remote.get(path, expected, range).await?;
                Ok((object, AnyBody::Folder(body)))
            }
        }
    }

    async fn get_version(
        &self,
        path: &RepoPath,
        version_id: &str,
    ) -> Result<(Object, AnyBody), RemoteError> {
        match self {
            Self::S3(remote) => {
                let (object, body) = remote.get_version(path, version_id).await?;
                Ok((object, AnyBody::S3(body)))
            }
            Self::Folder(remote) => {
                let (object, body) = remote.get_version(path, version_id).await?;
                Ok((object, AnyBody::Folder(body)))
            }
        }
    }

    async fn put(
        &self,
        path: &RepoPath,
        body: Bytes,
        attributes: &Attributes,
        condition: &Condition,
    ) -> Result<Stored, RemoteError> {
        either!(self, remote => remote.put(path, body, attributes, condition).await)
    }

    async fn put_pieces(
        &self,
        path: &RepoPath,
        body: Outgoing,
        attributes: &Attributes,
        condition: &Condition,
    ) -> Result<Stored, RemoteError> {
        either!(self, remote => remote.put_pieces(path, body, attributes, condition).await)
    }

    async fn delete(&self, path: &RepoPath, expected: &Token) -> Result<(), RemoteError> {
        either!(self, remote => remote.delete(path, expected).await)
    }

    fn deletions_at_once(&self) -> usize {
        either!(self, remote => remote.deletions_at_once())
    }

    async fn remove_abandoned_probes(&self) {
        if let Self::S3(remote) = self {
            remove_abandoned(remote).await;
        }
    }

    async fn delete_many(
        &self,
        versions: &[(&RepoPath, &Token)],
    ) -> Result<Vec<Result<(), RemoteError>>, RemoteError> {
        either!(self, remote => remote.delete_many(versions).await)
    }

    async fn start_upload(&self, path: &RepoPath, mtime: i64) -> Result<UploadId, RemoteError> {
        either!(self, remote => remote.start_upload(path, mtime).await)
    }

    async fn upload_part(
        &self,
        path: &RepoPath,
        upload: &UploadId,
        number: u32,
        body: Outgoing,
    ) -> Result<Part, RemoteError> {
        either!(self, remote => remote.upload_part(path, upload, number, body).await)
    }

    async fn copy_part(
        &self,
        path: &RepoPath,
        upload: &UploadId,
        number: u32,
        from: (&RepoPath, &Token),
        range: Option<Range<u64>>,
    ) -> Result<CopiedPart, RemoteError> {
        either!(self, remote => remote.copy_part(path, upload, number, from, range).await)
    }

    async fn complete_upload(
        &self,
        path: &RepoPath,
        upload: &UploadId,
        parts: &[Part],
        attributes: &Attributes,
        condition: &Condition,
    ) -> Result<Stored, RemoteError> {
        either!(self, remote => {
            remote.complete_upload(path, upload, parts, attributes, condition).await
        })
    }

    async fn parts(
        &self,
        path: &RepoPath,
        upload: &UploadId,
    ) -> Result<Vec<HeldPart>, RemoteError> {
        either!(self, remote => remote.parts(path, upload).await)
    }

    async fn pending_uploads(&self) -> Result<Vec<PendingUpload>, RemoteError> {
        either!(self, remote => remote.pending_uploads().await)
    }

    async fn abort_upload(&self, path: &RepoPath, upload: &UploadId) -> Result<(), RemoteError> {
        either!(self, remote => remote.abort_upload(path, upload).await)
    }

    async fn settle(&self) -> Result<(), RemoteError> {
        either!(self, remote => remote.settle().await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> RemoteSettings {
        RemoteSettings {
            url: BucketUrl::parse(url, "/".as_ref()).unwrap(),
            region: Some("eu-west-1".to_owned()),
            endpoint: Some("http://127.0.0.1:9".to_owned()),
            profile: None,
            path_style: false,
        }
    }

    #[tokio::test]
    async fn a_folder_has_to_be_there_or_be_made() {
        let place = tempfile::tempdir().unwrap();
        let folder = settings(place.path().join("new/team").to_str().unwrap());
        let error = connect(&folder, Capabilities::full()).await.err().unwrap();
        assert_eq!(error.kind, RemoteErrorKind::BucketGone);
        let text = error.to_string();
        assert!(text.starts_with("cannot open the bucket file:///"), "{text}");
        assert!(text.ends_with(": there is no such folder"), "{text}");
        AnyRemote::create_bucket(&folder).await.unwrap();
        let remote = connect(&folder, Capabilities::full()).await.unwrap();
        let look = remote.first_look().await;
        assert!(!look.is_missing());
        assert_eq!((look.region.unwrap(), look.found.unwrap()), (None, Found::Nothing));
        let probed = remote.probe().await.unwrap();
        assert_eq!(probed.capabilities, *remote.capabilities());
    }

    #[tokio::test]
    async fn a_bucket_is_not_asked_before_it_is_needed() {
        let remote = connect(&settings("team/docs"), Capabilities::full()).await.unwrap();
        assert!(matches!(remote, AnyRemote::S3(_)));
        assert_eq!(*remote.capabilities(), Capabilities::full());
    }
}
