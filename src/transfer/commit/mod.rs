//! The committer: gives prepared actions their effect on the disk and records them, in groups.
//!
//! The order of a group is the promise that a crash never invents anything: contents, sync, renames,
//! sync, rows, fdatasync. A sync that fails fails its group: nothing of it is recorded.

mod confirm;
mod durable;
mod effect;
mod moves;
mod rename;

use std::pin::pin;
use std::time::Duration;

use tokio::sync::mpsc;

use super::abandoned;
use super::report::Report;
use super::room;
use super::run::{Failed, Ready, Run, item};
use super::up::Uploaded;
use super::work::Prepared;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::monitor::{Event, ItemKind, Outcome};
use crate::plan::{Action, ActionKind, Stage};
use crate::repository::{Change, Database, DatabaseError};
use crate::session::trouble::Trouble;

pub(super) use confirm::confirm;
pub(super) use effect::Placed;
pub(super) use moves::named;

use durable::SYNCED_ONE_BY_ONE_MAX;
use effect::Effect;
use moves::Moves;

/// Files in one group.
const GROUP_FILES_MAX: usize = 1_024;

/// Bytes in one group.
const GROUP_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A group closes after this time, in nanoseconds, or after [`SYNC_SHARE`] times its last sync.
const GROUP_NANOSECONDS: i64 = 1_000_000_000;

/// At most one part in so many of the time goes into syncs.
const SYNC_SHARE: i64 = 10;

/// Commits what a pool prepares.
pub(super) struct Committer<'a, D: Disk, C> {
    pub(super) run: &'a Run<D, C>,
    pub(super) database: &'a mut Database<D>,
    pub(super) report: &'a mut Report,
    pub(super) failed: &'a mut Failed,
}

/// Returns the bytes that a group waits for: a renamed file is read again before it is recorded.
fn weight(action: &Action) -> u64 {
    match (action.kind, action.local) {
        (ActionKind::MoveLocal, Some(stat)) => stat.size,
        _ => action.bytes(),
    }
}

impl<D: Disk, C: Clock> Committer<'_, D, C> {
    /// Commits everything that comes, until the pool has gone.
    pub(super) async fn commit_all(
        &mut self,
        mut prepared: mpsc::Receiver<Prepared<D>>,
    ) -> Result<(), DatabaseError> {
        let clock = &self.run.session.clock;
        let mut patience = GROUP_NANOSECONDS;
        while let Some(first) = prepared.recv().await {
            let mut bytes = weight(&first.action);
            let mut group = vec![first];
            let mut timer =
                pin!(clock.sleep(Duration::from_nanos(u64::try_from(patience).unwrap_or(0))));
            while group.len() < GROUP_FILES_MAX && bytes < GROUP_BYTES_MAX {
                tokio::select! {
                    biased;
                    next = prepared.recv() => match next {
                        Some(next) => {
                            bytes += weight(&next.action);
                            group.push(next);
                        }
                        None => break,
                    },
                    () = &mut timer => break,
                }
            }
            let begun = clock.now();
            let committed = self.commit(group).await;
            if committed.is_err() {
                // Whatever is still under way could not be recorded either.
                self.run.session.stop.request();
                return committed;
            }
            patience = GROUP_NANOSECONDS.max((clock.now() - begun).saturating_mul(SYNC_SHARE));
        }
        Ok(())
    }

    async fn commit(&mut self, group: Vec<Prepared<D>>) -> Result<(), DatabaseError> {
        let mut ready = Vec::with_capacity(group.len());
        for Prepared { action, ready: result } in group {
            match result {
                Ok(result) => ready.push((action, result)),
                Err(trouble) => self.failed(&action, trouble),
            }
        }
        if ready.is_empty() {
            return Ok(());
        }
        let synced = match self.run.sync_contents(&ready) {
            Ok(unsynced) => {
                let flushed = self.run.session.store.remote.flush().await;
                flushed.map(|()| unsynced).map_err(Trouble::from)
            }
            Err(error) => Err(Trouble::disk_at("cannot make files durable", &error)),
        };
        let unsynced = match synced {
            Ok(unsynced) => unsynced,
            Err(trouble) => {
                self.fail_all(ready.into_iter().map(|(action, _)| action), &trouble);
                return Ok(());
            }
        };
        let ready = self.leave_out(ready, &unsynced, |(action, ready)| {
            if let Ready::Fetched(fetched) = ready {
                fetched.staged.discard(&self.run.session.files.disk);
            }
            action
        });
        let effects = self.take_effect(ready)?;
        let unsynced = match self.run.sync_names(&effects) {
            Ok(unsynced) => unsynced,
            Err(error) => {
                let trouble = Trouble::disk_at("cannot make names durable", &error);
                self.fail_all(effects.into_iter().map(|effect| effect.action), &trouble);
                return Ok(());
            }
        };
        let mut effects = self.leave_out(effects, &unsynced, |effect| effect.action);
        confirm::confirm_all(&self.run.session, &mut effects).await;
        let changes: Vec<_> =
            effects.iter_mut().flat_map(|effect| std::mem::take(&mut effect.changes)).collect();
        self.database.record(&changes)?;
        for effect in &effects {
            abandoned::forget_checkpoints(&self.run.session, &effect.action).await;
            self.done(effect);
        }
        Ok(())
    }

    /// Takes out of a group what could not be made durable, and says so: it gets no row, and the next
    /// run looks at it.
    fn leave_out<T>(
        &mut self,
        group: Vec<T>,
        unsynced: &[usize],
        into_action: impl Fn(T) -> Action,
    ) -> Vec<T> {
        if unsynced.is_empty() {
            return group;
        }
        let mut kept = Vec::with_capacity(group.len());
        for (place, item) in group.into_iter().enumerate() {
            if unsynced.contains(&place) {
                self.failed(&into_action(item), Trouble::changed("it was moved or closed here"));
            } else {
                kept.push(item);
            }
        }
        kept
    }

    /// Gives the fetched files their names, and takes names away.
    fn take_effect(
        &mut self,
        ready: Vec<(Action, Ready<D>)>,
    ) -> Result<Vec<Effect<D>>, DatabaseError> {
        let is_small = ready.len() <= SYNCED_ONE_BY_ONE_MAX;
        let mut effects = Vec::with_capacity(ready.len());
        let mut moves = Moves::new(self.run);
        for (action, ready) in ready {
            match ready {
                Ready::Recorded(changes) => {
                    effects.push(Effect::of(action, changes));
                }
                Ready::Uploaded(Uploaded { row, copied, .. }) => {
                    effects.push(Effect { copied, ..Effect::of(action, vec![Change::Put(row)]) });
                }
                Ready::Fetched(fetched) => {
                    if let Err(refused) = moves.add_fetched(action, *fetched) {
                        self.failed(&refused.0, refused.1);
                    }
                }
                Ready::Rename => {
                    if let Err(refused) = moves.add_rename(action) {
                        self.failed(&refused.0, refused.1);
                    }
                }
                Ready::Removal => {
                    if let Err(refused) = moves.add_removal(action) {
                        self.failed(&refused.0, refused.1);
                    }
                }
            }
        }
        // What is about to move is written down, durably, before anything moves.
        if let Err(error) = self.run.trash.sync() {
            let trouble = Trouble::disk(&error);
            self.fail_all(moves.into_actions().into_iter(), &trouble);
            return Ok(effects);
        }
        for moved in moves.into_moves() {
            match moved.carry_out(self.run, self.database)? {
                Ok(mut effect) => {
                    effect.folder = effect.folder.filter(|_| is_small);
                    effects.push(effect);
                }
                Err(refused) => self.failed(&refused.0, refused.1),
            }
        }
        Ok(effects)
    }

    fn fail_all(&mut self, actions: impl Iterator<Item = Action>, trouble: &Trouble) {
        for action in actions {
            self.failed(&action, trouble.clone());
        }
    }

    fn done(&mut self, effect: &Effect<D>) {
        let action = &effect.action;
        self.failed.moved(action);
        let copied_from = action.origin().filter(|_| effect.copied);
        match copied_from {
            Some(_) => self.report.count_copied(action.bytes()),
            None => self.report.count(action),
        }
        self.report.count_moved(action, effect.copied);
        let replaces = matches!(action.kind, ActionKind::Upload | ActionKind::DeleteRemote);
        let outcome = match (&action.remote, copied_from) {
            (Some(version), _) if replaces && action.unknown_loser => Outcome::Replaced {
                token: version.token.clone(),
                modified: action.remote_modified,
                kept: self.run.options.backup,
            },
            (_, Some(row)) => Outcome::Copied(row.path.clone()),
            (_, None) => Outcome::AsPlanned,
        };
        // That the old name is gone is part of the move, which has been told.
        if !action.has_moved_away() {
            self.run.session.monitor.event(Event::Done(item(action, outcome)));
        }
    }

    fn failed(&mut self, action: &Action, trouble: Trouble) {
        if action.clash != 0 {
            self.failed.clashes.insert(action.clash);
        }
        if action.stage == Stage::Rules {
            self.failed.rules.push(action.path.clone());
        }
        if matches!(trouble, Trouble::Stopped) {
            return;
        }
        let kind = trouble.kind(self.run.session.unlisted);
        match kind {
            ItemKind::ChangedHere | ItemKind::ChangedThere | ItemKind::EditInTrash => {
                self.report.changed_meanwhile += 1;
            }
            ItemKind::ChangedUnseen => {
                self.report.changed_meanwhile += 1;
                self.report.changed_unseen += 1;
            }
            _ => self.report.failed += 1,
        }
        if kind.fails_again() {
            self.report.failing_again += 1;
        }
        let writes = matches!(action.kind, ActionKind::Upload | ActionKind::DeleteRemote);
        if writes && kind == ItemKind::StoreDenied {
            self.report.denied_writes += 1;
        }
        room::learn_of_room(&self.run.session, action, &trouble);
        let in_trash = match &trouble {
            Trouble::InTrash(operand) => Some(operand.clone()),
            _ => None,
        };
        let (error, detail) = (trouble.reason(), trouble.detail().map(str::to_owned));
        let failed = item(action, Outcome::Failed { kind, error, detail, in_trash });
        self.run.session.monitor.event(Event::Failed(failed));
        if let Trouble::Remote(error) = trouble
            && error.ends_the_run()
        {
            self.run.session.stop.request();
            self.report.fatal.get_or_insert(error);
        }
    }
}
