//! A file here that gets another name, because its object has it.

use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::replace::{self, Change as Changed, Outcome, Parent, Target};
use crate::plan::{Action, Detail};
use crate::repository::Change;
use crate::session::Session;
use crate::session::trouble::Trouble;
use crate::transfer::spelling;
use crate::tree::{BaseRow, RepoPath, Stat};

use super::effect::{Effect, Moved, Placed};

/// A rename that has not begun.
pub(super) struct Rename<D: Disk> {
    pub(super) from: Parent<D>,
    to: Parent<D>,
    pub(super) expected: Stat,
    /// The row of the old name, with the version that the object has under the new one.
    pub(super) row: BaseRow,
}

impl<D: Disk> Rename<D> {
    /// Opens the folders of both names; that of the new one is made if need be.
    pub(super) fn of<C: Clock>(session: &Session<D, C>, action: &Action) -> Result<Self, Trouble> {
        let lacks = Trouble::lacks;
        let Detail::Moved(row) = &action.detail else { return Err(lacks("an old name")()) };
        let expected = action.local.ok_or_else(lacks("a file to move"))?;
        let version = action.remote.clone().ok_or_else(lacks("a version that was moved"))?;
        let staging = session.files.staging()?;
        let from = staging.open_parent(&row.path, false)?;
        let to = staging.open_parent(&action.path, true)?;
        Ok(Self { from, to, expected, row: BaseRow { version, ..(**row).clone() } })
    }

    /// Gives the file its new name; a person who was faster keeps what they have.
    pub(super) fn take_effect<C: Clock>(self, session: &Session<D, C>, action: Action) -> Moved<D> {
        let row = match self.carry_out(session, &action.path) {
            Ok(row) => row,
            Err(trouble) => return Err(Box::new((action, trouble))),
        };
        let placed = Some(Placed::renamed(&row, &self.expected));
        let (folder, device) = (Some(self.from.folder), Some(self.expected.device));
        let changes = vec![Change::Gone(self.row.path), Change::Put(row)];
        Ok(Effect { placed, folder, device, ..Effect::of(action, changes) })
    }

    /// Gives the file its new name, and returns its row.
    fn carry_out<C: Clock>(
        &self,
        session: &Session<D, C>,
        path: &RepoPath,
    ) -> Result<BaseRow, Trouble> {
        let disk = &session.files.disk;
        let old = Target { folder: &self.from.folder, path: &self.row.path };
        let new = Target { folder: &self.to.folder, path };
        let signature = match replace::rename(disk, &old, &new, &self.expected)? {
            Outcome::Done(signature) => signature,
            Outcome::Changed(Changed::Present) => {
                return Err(spelling::taken(session, new.folder, path));
            }
            _ => return Err(Trouble::changed("it was changed here")),
        };
        spelling::rename_back_if_not_listed(session, (&self.to, &self.expected), &old, &new)?;
        // A row for a name where the file is not would look like a deletion by a person.
        if !session.files.is_parent(new.folder, path) {
            return Err(Trouble::changed("its folder was moved here"));
        }
        Ok(BaseRow { path: path.clone(), signature, ..self.row.clone() })
    }
}
