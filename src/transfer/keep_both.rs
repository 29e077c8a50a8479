//! Settles a conflict by keeping both: theirs takes the name, ours stays beside it.

use std::ffi::OsStr;

use super::Run;
use super::context::Trouble;
use super::upload::Source;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::replace::{self, Outcome, Target};
use crate::plan::Action;
use crate::remote::{Condition, Remote};
use crate::repository::Change;
use crate::tree::{BaseRow, RepoPath};

impl<D: Disk, R: Remote, C: Clock> Run<D, R, C> {
    /// Fetches theirs, exchanges it with ours, and stores ours under the name of the copy.
    ///
    /// The exchange is the one of every replacement, with the copy's name in the place of the trash:
    /// a crash leaves both files under a name of the working copy.
    pub(super) async fn keep_both(&self, action: &Action) -> Result<Vec<Change>, Trouble> {
        let (Some(expected), Some(copy), Some(version)) =
            (&action.local, &action.copy, &action.remote)
        else {
            return Err(Trouble::Stopped);
        };
        let context = &self.context;
        let fetched = self.fetch(action).await?;
        let synced = fetched.staged.sync(&context.disk);
        synced.map_err(|error| Trouble::io(&action.path, &error))?;
        let target = Target { folder: &fetched.parent.folder, path: &action.path };
        let place = (&fetched.parent.folder, OsStr::new(copy.name()));
        let swapped = replace::swap(&context.disk, &fetched.staged, &target, expected, place)?;
        let signature = match swapped {
            Outcome::Done(signature) => signature,
            Outcome::EditInSlot | Outcome::Changed(_) | Outcome::NoExchange => {
                return Err(Trouble::changed("it was changed here"));
            }
        };
        let theirs = BaseRow {
            path: action.path.clone(),
            signature,
            etag: version.etag.clone(),
            crc64: fetched.crc64,
        };
        let ours = self.upload_copy(copy).await?;
        Ok(vec![Change::Put(theirs), Change::Put(ours)])
    }

    async fn upload_copy(&self, copy: &RepoPath) -> Result<BaseRow, Trouble> {
        let stat = self.context.look(copy).map_err(|error| Trouble::io(copy, &error))?;
        let stat = stat.ok_or_else(|| Trouble::changed("the copy was deleted here"))?;
        let source = Source { path: copy, stat: &stat, condition: Condition::Absent };
        self.context.upload(&source).await
    }
}
