//! Opens the store that a working copy is made for: the one place that knows which kinds there are.

use std::sync::Arc;

use futures_util::future::join3;

use super::retry::retry;
use super::{
    BucketUrl, Capabilities, FolderRemote, Remote, RemoteError, RemoteErrorKind, S3Remote,
    S3Settings,
};
use crate::disk::RealDisk;

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
    /// In which region it lies, where the store says so; see [`super::Reads::find_region`].
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

/// Opens the bucket that `settings` name, with what the probe found when the working copy was made.
///
/// Makes no request; a folder says for itself what it can do, and has to be there, as a bucket.
pub async fn connect(
    settings: &RemoteSettings,
    capabilities: Capabilities,
) -> Result<Arc<dyn Remote>, RemoteError> {
    match &settings.url {
        BucketUrl::S3 { bucket, prefix } => {
            Ok(Arc::new(open_s3(settings, bucket, prefix, capabilities).await?))
        }
        BucketUrl::Folder(path) => {
            Ok(Arc::new(FolderRemote::reopen(RealDisk, path, "", capabilities.read_only)?))
        }
    }
}

/// Opens the bucket that `settings` name for the first time, before its store was probed.
///
/// Makes no request; a folder becomes a bucket by this.
pub async fn open_new(settings: &RemoteSettings) -> Result<Arc<dyn Remote>, RemoteError> {
    match &settings.url {
        BucketUrl::Folder(path) => Ok(Arc::new(FolderRemote::open(RealDisk, path, "")?)),
        BucketUrl::S3 { .. } => connect(settings, Capabilities::full()).await,
    }
}

/// Makes the bucket that `settings` name where it is missing, the folders above it included.
pub async fn create_bucket(settings: &RemoteSettings) -> Result<(), RemoteError> {
    match &settings.url {
        BucketUrl::Folder(path) => FolderRemote::create(RealDisk, path, "").map(drop),
        BucketUrl::S3 { bucket, prefix } => {
            let remote = open_s3(settings, bucket, prefix, Capabilities::full()).await?;
            remote.create_bucket().await
        }
    }
}

async fn open_s3(
    settings: &RemoteSettings,
    bucket: &str,
    prefix: &str,
    capabilities: Capabilities,
) -> Result<S3Remote, RemoteError> {
    let settings = S3Settings {
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
        region: settings.region.clone(),
        endpoint: settings.endpoint.clone(),
        profile: settings.profile.clone(),
        path_style: settings.path_style,
    };
    S3Remote::open(&settings, capabilities).await
}

/// Finds out, patiently, where the bucket lies and what is there: three questions side by side, since
/// the region is mostly the right one, and the prefix mostly holds something.
pub async fn first_look(remote: &dyn Remote) -> FirstLook {
    let region = retry(|| remote.find_region());
    // What cannot be looked at is no object.
    let is_object = async { retry(|| remote.prefix_as_object()).await.is_ok() };
    let (region, found, is_object) = join3(region, what_is_there(remote), is_object).await;
    let found = found.map(|found| match found {
        Found::Nothing if is_object => Found::Object,
        found => found,
    });
    FirstLook { region, found }
}

/// Makes sure that the bucket is there and can be listed; returns what is there.
async fn what_is_there(remote: &dyn Remote) -> Result<Found, RemoteError> {
    let (mut next, mut limit) = (None, 1);
    for _ in 0..EMPTY_PAGES_MAX {
        let page = match retry(|| remote.list("", next.as_deref(), limit)).await {
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
        create_bucket(&folder).await.unwrap();
        let remote = connect(&folder, Capabilities::full()).await.unwrap();
        let look = first_look(&*remote).await;
        assert!(!look.is_missing());
        assert_eq!((look.region.unwrap(), look.found.unwrap()), (None, Found::Nothing));
        let probed = remote.probe().await.unwrap();
        assert_eq!(probed.capabilities, *remote.capabilities());
    }

    #[tokio::test]
    async fn a_bucket_is_not_asked_before_it_is_needed() {
        let remote = connect(&settings("team/docs"), Capabilities::full()).await.unwrap();
        assert_eq!(remote.region(), Some("eu-west-1"));
        assert_eq!(*remote.capabilities(), Capabilities::full());
    }
}
