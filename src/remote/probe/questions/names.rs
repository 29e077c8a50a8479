//! Which names the store keeps under another one, or cannot list.

use std::sync::PoisonError;

use futures_util::future::join_all;

use crate::remote::probe::calls::{delete, finding};
use crate::remote::probe::prober::Prober;
use crate::remote::retry::retry;
use crate::remote::{Capabilities, Listed, OddName, RemoteError, RemoteErrorKind as Kind, Stored};

/// What became of an object with an odd name.
struct Asked {
    odd: OddName,
    /// It comes out of a listing under another name than it went in, or not at all.
    is_changed: bool,
    /// It is gone again.
    is_removed: bool,
}

impl Prober<'_> {
    /// Writes an object for each kind of odd names and lists it. A name that the store refuses is told
    /// when somebody has such a file.
    pub(super) async fn ask_names(&self) -> Result<Vec<OddName>, RemoteError> {
        let (unwritable, plain): (Vec<_>, Vec<_>) =
            OddName::ALL.into_iter().partition(|odd| odd.is_unwritable());
        let mut asked = self.ask_these(&plain).await?;
        // Where they cannot be deleted, every listing of every client would have to be asked for twice.
        if asked.iter().all(|asked| asked.is_removed) {
            asked.extend(self.ask_these(&unwritable).await?);
        }
        Ok(asked.into_iter().filter(|asked| asked.is_changed).map(|asked| asked.odd).collect())
    }

    async fn ask_these(&self, names: &[OddName]) -> Result<Vec<Asked>, RemoteError> {
        let asked = join_all(names.iter().map(|odd| self.ask_name(*odd))).await;
        // All have ended before an error is passed on.
        asked.into_iter().collect()
    }

    /// Stores an object, lists it and deletes it.
    async fn ask_name(&self, odd: OddName) -> Result<Asked, RemoteError> {
        let (mut is_changed, mut is_removed) = (false, true);
        // A folder for each: one that cannot be listed must not hide the others.
        let folder = format!("names/{}/", odd as u8);
        let key = format!("{folder}{}", odd.example());
        let naming = Capabilities { versioning: true, ..Capabilities::nothing() };
        if let Ok(stored) = finding(self.put_unseen(naming.clone(), &key).await)? {
            let remote = self.below(naming);
            let listed = retry(|| remote.dated_listing(&folder, None, None, 10)).await;
            is_removed = self.remove(&key, &stored).await;
            is_changed = match finding(listed)? {
                Ok((page, _)) => !page.items.iter().map(Listed::key).any(|listed| listed == key),
                // Who may not list has not been answered.
                Err(error) => error.kind != Kind::Denied,
            };
        }
        Ok(Asked { odd, is_changed, is_removed })
    }

    /// Deletes an object for good, as far as the store lets us; tells whether it is gone. A list of
    /// versions may be unreadable with it, and a request for many cannot name it.
    async fn remove(&self, key: &str, stored: &Stored) -> bool {
        let (remote, path) = (self.below(Capabilities::nothing()), self.path(key));
        let is_gone = match &stored.version_id {
            Some(id) => retry(|| remote.delete_version(&path, id)).await.is_ok(),
            None => delete(&*remote, &path, &stored.token).await.is_ok(),
        };
        if is_gone {
            self.keys.lock().unwrap_or_else(PoisonError::into_inner).remove(&path);
        }
        is_gone
    }
}
