//! Theirs of one action: fetched, or kept before it goes.

use super::delete;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::plan::{Action, ActionKind};
use crate::session::trouble::Trouble;
use crate::transfer::down::{self, Fetched};
use crate::transfer::run::Run;
use crate::transfer::spelling;
use crate::tree::Kind;

impl<D: Disk, C: Clock> Run<D, C> {
    pub(super) async fn fetch(&self, action: &Action) -> Result<Fetched<D>, Trouble> {
        let version = action.remote.as_ref().ok_or_else(Trouble::lacks("a version to fetch"))?;
        if action.kind == ActionKind::Download && action.local.is_none() {
            spelling::expect_free(&self.session, &action.path)?;
        }
        let replaced = action.local.filter(|stat| stat.kind == Kind::File);
        let wanted = down::Wanted { path: &action.path, version, replaced, for_trash: false };
        down::fetch(&self.session, &wanted).await
    }

    pub(super) async fn keep_loser(&self, action: &Action) -> Result<(), Trouble> {
        match &action.remote {
            Some(version) if action.unknown_loser && self.options.backup => {
                let why = self.options.why;
                delete::keep_remote_loser(&self.session, &action.path, version, &self.trash, why)
                    .await
            }
            _ => Ok(()),
        }
    }
}
