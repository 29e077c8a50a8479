//! The moves of one group: each knows what it expects, and where the loser goes.

use std::ffi::OsStr;
use std::io;

use super::effect::{Effect, Moved, Placed, Refused};
use super::rename::Rename;
use crate::clock::Clock;
use crate::disk::{Contents, Disk};
use crate::local::replace::{self, Outcome, Parent, Target};
use crate::monitor::ItemKind;
use crate::plan::{Action, ActionKind};
use crate::remote::Conditions;
use crate::repository::trash::{Fate, NewEntry, Side, Slot, Why};
use crate::repository::{Change, Database, DatabaseError};
use crate::session::Session;
use crate::session::trouble::Trouble;
use crate::transfer::down::Fetched;
use crate::transfer::run::Run;
use crate::transfer::spelling;
use crate::tree::{BaseRow, Properties, RepoPath, Signature, Stat};

/// The moves of one group, written down in the trash's list and not begun.
pub(super) struct Moves<'a, D: Disk, C> {
    run: &'a Run<D, C>,
    moves: Vec<Move<D>>,
}

/// One move.
pub(super) struct Move<D: Disk> {
    action: Action,
    how: How<D>,
}

enum How<D: Disk> {
    Create(Fetched<D>),
    Swap { fetched: Fetched<D>, expected: Stat, slot: Slot<D> },
    SwapFolder { fetched: Fetched<D>, expected: Stat, slot: Slot<D> },
    Remove { parent: Parent<D>, expected: Stat, slot: Slot<D> },
    Rename(Rename<D>),
}

impl<D: Disk> How<D> {
    /// Returns the number of the file system of the name.
    fn device(&self) -> u64 {
        match self {
            Self::Create(fetched)
            | Self::Swap { fetched, .. }
            | Self::SwapFolder { fetched, .. } => fetched.staged.stat.device,
            Self::Remove { expected, .. } => expected.device,
            Self::Rename(rename) => rename.expected.device,
        }
    }

    /// Returns the folder of the name.
    fn folder(&self) -> &D::Folder {
        match self {
            Self::Create(fetched)
            | Self::Swap { fetched, .. }
            | Self::SwapFolder { fetched, .. } => &fetched.parent.folder,
            Self::Remove { parent, .. } => &parent.folder,
            Self::Rename(rename) => &rename.from.folder,
        }
    }
}

impl<'a, D: Disk, C: Clock> Moves<'a, D, C> {
    pub(super) fn new(run: &'a Run<D, C>) -> Self {
        Self { run, moves: Vec::new() }
    }

    pub(super) fn into_moves(self) -> Vec<Move<D>> {
        self.moves
    }

    pub(super) fn into_actions(self) -> Vec<Action> {
        self.moves.into_iter().map(|moved| moved.action).collect()
    }

    /// Adds a fetched file; where it replaces something, a slot in the trash is written down.
    pub(super) fn add_fetched(
        &mut self,
        action: Action,
        fetched: Fetched<D>,
    ) -> Result<(), Refused> {
        let expected = match (action.kind, action.local) {
            (ActionKind::ReplaceFolder, _) => self.expect_folder(&action, &fetched).map(Some),
            (_, local) => Ok(local),
        };
        let slot = expected.and_then(|expected| match expected {
            Some(expected) => Ok(Some((expected, self.slot(&action, &fetched, &expected)?))),
            None => Ok(None),
        });
        let how = match slot {
            Ok(None) => How::Create(fetched),
            Ok(Some((expected, slot))) if action.kind == ActionKind::ReplaceFolder => {
                How::SwapFolder { fetched, expected, slot }
            }
            Ok(Some((expected, slot))) => How::Swap { fetched, expected, slot },
            Err(trouble) => {
                fetched.staged.discard(&self.run.session.files.disk);
                return Err(Box::new((action, trouble)));
            }
        };
        self.moves.push(Move { action, how });
        Ok(())
    }

    /// Adds a deletion, with its slot in the trash.
    pub(super) fn add_removal(&mut self, action: Action) -> Result<(), Refused> {
        match self.removal(&action) {
            Ok(how) => {
                self.moves.push(Move { action, how });
                Ok(())
            }
            Err(trouble) => Err(Box::new((action, trouble))),
        }
    }

    /// Adds a file that is to have another name; it needs no slot, since nothing gives way.
    pub(super) fn add_rename(&mut self, action: Action) -> Result<(), Refused> {
        match Rename::of(&self.run.session, &action) {
            Ok(rename) => {
                self.moves.push(Move { action, how: How::Rename(rename) });
                Ok(())
            }
            Err(trouble) => Err(Box::new((action, trouble))),
        }
    }

    fn removal(&self, action: &Action) -> Result<How<D>, Trouble> {
        let staging = self.run.session.files.staging()?;
        let expected = action.local.ok_or_else(Trouble::lacks("a file to delete"))?;
        let parent = staging.open_parent(&action.path, false)?;
        let workspace =
            staging.for_parent(&parent).map_err(|error| Trouble::io(&action.path, &error))?;
        let entry = self.entry(action, None, (&expected, None));
        let slot = self.run.trash.slot(&entry, &workspace.top, &workspace.control);
        let slot = slot.map_err(|error| Trouble::disk(&error))?;
        Ok(How::Remove { parent, expected, slot })
    }

    fn slot(
        &self,
        action: &Action,
        fetched: &Fetched<D>,
        expected: &Stat,
    ) -> Result<Slot<D>, Trouble> {
        let planned = (action.kind == ActionKind::ReplaceFolder).then(|| planned(action));
        let expected = (expected, planned.as_ref());
        let entry = self.entry(action, Some(&fetched.staged.stat), expected);
        let workspace = &fetched.workspace;
        let slot = self.run.trash.slot(&entry, &workspace.top, &workspace.control);
        slot.map_err(|error| Trouble::disk(&error))
    }

    fn entry<'e>(
        &self,
        action: &'e Action,
        staged: Option<&'e Stat>,
        (expected, contents): (&'e Stat, Option<&'e Contents>),
    ) -> NewEntry<'e> {
        let why = match (self.run.options.why, staged) {
            (Why::Replaced, None) => Why::Deleted,
            (why, _) => why,
        };
        NewEntry {
            path: &action.path,
            side: Side::Local,
            why,
            known: !action.unknown_loser && was_done_knowingly(&self.run.session, action),
            token: None,
            staged,
            expected: Some(expected),
            contents,
        }
    }

    /// Looks at the folder that is to give way: it must hold what the plan saw, and nothing else.
    fn expect_folder(&self, action: &Action, fetched: &Fetched<D>) -> Result<Stat, Trouble> {
        let disk = &self.run.session.files.disk;
        let name = OsStr::new(action.path.name());
        let looked = disk.lstat(&fetched.parent.folder, name).and_then(|stat| {
            let folder = disk.open_folder(&fetched.parent.folder, name)?;
            Ok((stat, holds(disk, &folder, &planned(action))?))
        });
        match looked {
            Ok((stat, true)) => Ok(stat),
            Ok((_, false)) => Err(Trouble::changed("the folder here holds something else")),
            Err(error) => Err(Trouble::io(&action.path, &error)),
        }
    }
}

impl<D: Disk> Move<D> {
    /// Makes the move; a person who was faster keeps what they have.
    pub(super) fn carry_out<C: Clock>(
        self,
        run: &Run<D, C>,
        database: &mut Database<D>,
    ) -> Result<Moved<D>, DatabaseError> {
        let Self { action, how } = self;
        let session = &run.session;
        let disk = &session.files.disk;
        let path = action.path.clone();
        let (folder, device) = (how.folder().clone(), how.device());
        let moved = match how {
            How::Create(fetched) => {
                let target = Target { folder: &fetched.parent.folder, path: &path };
                let outcome = replace::create_new(disk, &fetched.staged, &target);
                if matches!(outcome, Ok(Outcome::Changed(replace::Change::Present))) {
                    return Ok(Err(Box::new((action, spelling::taken(session, &folder, &path)))));
                }
                named(outcome, None, run)
                    .and_then(|signature| {
                        spelling::keep_if_listed(session, &fetched, &target, signature)
                    })
                    .map(|signature| (signature, Placed::of(&fetched)))
            }
            How::Swap { fetched, expected, slot } => {
                let target = Target { folder: &fetched.parent.folder, path: &path };
                let place = (&slot.folder, slot.name.as_os_str());
                let outcome = replace::swap(disk, &fetched.staged, &target, &expected, place);
                named(outcome, Some(&slot), run).map(|signature| (signature, Placed::of(&fetched)))
            }
            How::SwapFolder { fetched, expected, slot } => {
                let swap = FolderSwap { run, action: &action, fetched, expected, slot };
                swap.carry_out(database)?
            }
            How::Rename(rename) => return Ok(rename.take_effect(session, action)),
            How::Remove { parent, expected, slot } => {
                let target = Target { folder: &parent.folder, path: &path };
                let place = (&slot.folder, slot.name.as_os_str());
                let outcome = replace::remove(disk, &target, &expected, place);
                return Ok(match named(outcome, Some(&slot), run) {
                    Ok(()) => {
                        if let Some(staging) = &session.files.staging {
                            staging.remove_empty_parents(&path);
                        }
                        let changes = vec![Change::Gone(path)];
                        let effect = Effect::of(action, changes);
                        Ok(Effect { folder: Some(folder), device: Some(device), ..effect })
                    }
                    Err(trouble) => Err(Box::new((action, trouble))),
                });
            }
        };
        Ok(match moved {
            // A row for a name where the file is not would look like a deletion by a person.
            Ok(_) if !session.files.is_parent(&folder, &path) => {
                Err(Box::new((action, Trouble::changed("its folder was moved here"))))
            }
            Ok((signature, placed)) => {
                let effect = with_row(action, signature, placed);
                Ok(Effect { folder: Some(folder), device: Some(device), ..effect })
            }
            Err(trouble) => Err(Box::new((action, trouble))),
        })
    }
}

/// Makes the row of a file that has just got its name.
fn with_row<D: Disk>(action: Action, signature: Signature, placed: Placed) -> Effect<D> {
    let row = action.remote.as_ref().map(|version| BaseRow {
        path: action.path.clone(),
        signature,
        version: version.clone(),
        content: placed.content.clone(),
        properties: Properties::default(),
    });
    let changes = row.map(Change::Put).into_iter().collect();
    Effect { placed: Some(placed), ..Effect::of(action, changes) }
}

/// Tells the trash what its slot holds, and turns the outcome into what it means for the path.
pub(in crate::transfer) fn named<T, D: Disk, C: Clock>(
    outcome: Result<Outcome<T>, replace::ReplaceError>,
    slot: Option<&Slot<D>>,
    run: &Run<D, C>,
) -> Result<T, Trouble> {
    let operand = || slot.map_or_else(String::new, |slot| slot.operand.clone());
    let (fate, result) = match outcome {
        Ok(Outcome::Done(value)) => (Fate::Kept, Ok(value)),
        Ok(Outcome::Changed(_)) => (Fate::Empty, Err(Trouble::changed("it was changed here"))),
        Ok(Outcome::Returned) => {
            let kept = format!("what lay there meanwhile is in the trash: {}", operand());
            (Fate::Kept, Err(Trouble::changed(&format!("it was changed here; {kept}"))))
        }
        Ok(Outcome::EditInSlot) => (Fate::Edit, Err(Trouble::InTrash(operand()))),
        Ok(Outcome::NoExchange) => (
            Fate::Empty,
            Err(Trouble::Disk(
                ItemKind::Disk(io::ErrorKind::Unsupported),
                "the file system cannot exchange names".to_owned(),
            )),
        ),
        // What the slot holds is not known: it stays open, and the next command settles it.
        Err(error) => return Err(error.into()),
    };
    if let Some(slot) = slot {
        let closed = run.trash.close(slot, fate);
        closed.map_err(|error| Trouble::disk(&error))?;
    }
    result
}

/// One file that takes the place of a folder.
struct FolderSwap<'a, D: Disk, C> {
    run: &'a Run<D, C>,
    action: &'a Action,
    fetched: Fetched<D>,
    expected: Stat,
    slot: Slot<D>,
}

impl<D: Disk, C: Clock> FolderSwap<'_, D, C> {
    fn carry_out(
        self,
        database: &mut Database<D>,
    ) -> Result<Result<(Signature, Placed), Trouble>, DatabaseError> {
        let Self { run, action, fetched, expected, slot } = self;
        let disk = &run.session.files.disk;
        let target = Target { folder: &fetched.parent.folder, path: &action.path };
        let place = (&slot.folder, slot.name.as_os_str());
        let planned = planned(action);
        let as_checked = |folder: &D::Folder| holds(disk, folder, &planned);
        let swapped =
            replace::swap_folder(disk, &fetched.staged, (&target, &expected), place, as_checked);
        if !matches!(swapped, Ok(Outcome::NoExchange)) {
            return Ok(named(swapped, Some(&slot), run).map(|it| (it, Placed::of(&fetched))));
        }
        // Two steps instead of one: a crash between them must not look like a deletion.
        database.record(&[Change::Gone(action.path.clone())])?;
        let removed = replace::remove_folder(disk, (&target, &expected), place, as_checked);
        if !matches!(removed, Ok(Outcome::Done(()))) {
            fetched.staged.discard(disk);
            let nothing = named(removed, Some(&slot), run);
            return Ok(nothing.and_then(|()| Err(Trouble::changed("it was changed here"))));
        }
        // As long as the slot is open, the next command gives the folder its name back.
        let created = replace::create_new(disk, &fetched.staged, &target);
        if let Err(error) = disk.sync_folder(&fetched.parent.folder) {
            return Ok(Err(Trouble::io(&action.path, &error)));
        }
        if let Err(trouble) = named(removed, Some(&slot), run) {
            return Ok(Err(trouble));
        }
        Ok(named(created, None, run).map(|it| (it, Placed::of(&fetched))))
    }
}

/// Returns what the plan saw in the folder that is to give way.
fn planned(action: &Action) -> Contents {
    let below =
        |path: &RepoPath| path.as_str().get(action.path.as_str().len() + 1..).map(str::to_owned);
    action.folder().iter().filter_map(|(path, stat)| Some((below(path)?, *stat))).collect()
}

/// Tells whether a folder holds exactly the files that the plan saw in it.
fn holds<D: Disk>(disk: &D, folder: &D::Folder, planned: &Contents) -> io::Result<bool> {
    Ok(Contents::of(disk, folder)?.is_some_and(|found| planned.is_untouched(&found)))
}

/// Tells whether whoever replaced or deleted the version of the base in the bucket must have
/// known it: the store compares on requests of that kind.
fn was_done_knowingly<D: Disk, C: Clock>(session: &Session<D, C>, action: &Action) -> bool {
    let capabilities = session.store.remote.capabilities();
    let conditions = match &action.remote {
        None => capabilities.conditional_delete,
        Some(version) if version.size <= session.limits.tuning.whole_bytes => {
            capabilities.conditional_put
        }
        Some(_) => capabilities.conditional_large(),
    };
    conditions != Conditions::None
}
