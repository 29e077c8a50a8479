//! Everything for an action that needs no name in the working copy.

use super::delete;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::plan::{Action, ActionKind};
use crate::repository::Change;
use crate::session::trouble::Trouble;
use crate::transfer::run::{Ready, Run};
use crate::transfer::{spelling, up};

impl<D: Disk, C: Clock> Run<D, C> {
    /// Does everything for an action that needs no name in the working copy.
    pub(super) async fn prepare(&self, action: &Action) -> Result<Ready<D>, Trouble> {
        self.session.expect_to_go_on()?;
        let session = &self.session;
        let path = &action.path;
        match action.kind {
            ActionKind::Adopt => {
                let row = action.adopted();
                Ok(Ready::Recorded(row.map(Change::Put).into_iter().collect()))
            }
            ActionKind::Forget => Ok(Ready::Recorded(vec![Change::Gone(path.clone())])),
            ActionKind::MoveLocal => {
                spelling::expect_free(session, path)?;
                Ok(Ready::Rename)
            }
            ActionKind::DeleteLocal => Ok(Ready::Removal),
            ActionKind::Upload => {
                let stat = action.local.as_ref().ok_or_else(Trouble::lacks("a file to upload"))?;
                self.keep_loser(action).await?;
                let condition = up::condition(action.remote.as_ref());
                let origin = action.origin();
                let unlisted = session.unlisted;
                let source = up::Source { path, stat, condition, origin, unlisted };
                Ok(Ready::Uploaded(up::upload(session, &source).await?))
            }
            ActionKind::DeleteRemote => {
                self.keep_loser(action).await?;
                delete::delete_remote(session, action).await?;
                Ok(Ready::Recorded(vec![Change::Gone(path.clone())]))
            }
            ActionKind::Download | ActionKind::ReplaceFolder => {
                Ok(Ready::Fetched(Box::new(self.fetch(action).await?)))
            }
            ActionKind::KeepBoth => self.keep_both(action).await.map(Ready::Recorded),
        }
    }
}
