//! [`PlanBuilder`]: takes the rows of the merge, one by one, and builds the plan. Pure.

use std::collections::HashSet;
use std::sync::Arc;

use super::notices::Standing;
use super::{
    Action, ActionKind, ClashVerdict, Conflict, ConflictKind, Contested, Decision, Detail,
    Direction, Examined, Member, Members, Notice, Plan, Stage, classify, moves, notices, reconcile,
    reconcile_clash, unstorable,
};
use crate::tree::{Clash, Comparison, Local, RepoPath, Row};

/// The name of the files that hold ignore rules.
pub const IGNORE_FILE: &str = ".lsyncignore";

/// What shapes a plan beside the rows.
#[derive(Debug, Clone, Copy)]
pub struct PlanOptions {
    /// Which way.
    pub direction: Direction,
    /// `push FILE`: the force does not reach into folders.
    pub implicit_force: bool,
    /// The store can hold a key `a` beside a key `a/b`.
    pub file_beside_folder: bool,
    /// Leave deletions out.
    pub no_delete: bool,
    /// At most so many actions that are more than bookkeeping.
    pub limit: Option<u64>,
}

/// Builds a plan out of rows.
#[derive(Debug)]
pub struct PlanBuilder {
    pub(super) options: PlanOptions,
    pub(super) plan: Plan,
    clashes: u32,
    standing: Standing,
}

impl PlanBuilder {
    /// Begins an empty plan.
    pub fn new(options: PlanOptions) -> Self {
        Self { options, plan: Plan::default(), clashes: 0, standing: Standing::default() }
    }

    /// Adds a notice of something that is no row.
    pub fn notice(&mut self, notice: Notice) {
        self.plan.notices.push(notice);
    }

    /// Decides one path.
    pub fn row(&mut self, row: &Row, examined: &Examined) {
        match classify(row, examined) {
            None => (),
            Some(Member::LeftAlone { .. }) => self.leave_alone(row, examined),
            Some(Member::Known(change, content)) => {
                let decision = reconcile(change, content, self.options.direction);
                self.decided(row, examined, decision, 0);
            }
        }
    }

    /// Decides a file against a folder; `examined` is asked for each row.
    pub fn clash(&mut self, clash: &Clash, examined: impl Fn(&RepoPath) -> Examined) {
        let nothing = Member::LeftAlone { here: false, there: false };
        let member = |row: &Row| classify(row, &examined(&row.path)).unwrap_or(nothing);
        let all: Vec<_> = clash.rows().map(member).collect();
        let members = Members { all: &all, inner: &inner_pairs(clash) };
        let verdict = reconcile_clash(members, self.options.direction, self.options.implicit_force);
        for (row, member) in clash.rows().zip(&all) {
            if matches!(member, Member::LeftAlone { .. }) {
                self.leave_alone(row, &examined(&row.path));
            }
        }
        match verdict {
            ClashVerdict::Decided { decisions, replace_folder } => {
                self.clashes += 1;
                let known = clash.rows().zip(&all).zip(decisions);
                let known = known.filter(|((_, it), _)| matches!(it, Member::Known(..)));
                let known: Vec<_> = known.map(|((row, _), decision)| (row, decision)).collect();
                if replace_folder {
                    return self.replace_folder(clash, &known);
                }
                for (row, decision) in known {
                    self.decided(row, &examined(&row.path), decision, self.clashes);
                }
            }
            ClashVerdict::Conflict => {
                let proven = !clash.rows().any(|row| is_unknown(&examined(&row.path)));
                let found = clash.rows().map(|row| (row.path.clone(), examined(&row.path)));
                let found = found.filter(|(_, examined)| *examined != Examined::NotNeeded);
                let contested = Contested { clash: clash.clone(), examined: found.collect() };
                self.plan.conflicts.push(Conflict {
                    contested: Some(Arc::new(contested)),
                    proven,
                    ..conflict(&clash.top, ConflictKind::FileAgainstFolder)
                });
            }
            ClashVerdict::BothInBucket(place) => {
                let name = clash.rows().nth(place).map_or(&clash.top.path, |row| &row.path);
                self.plan.notices.push(notices::both_in_bucket(&clash.top.path, name));
            }
            ClashVerdict::Blocked => self.plan.notices.push(notices::blocked(&clash.top.path)),
        }
    }

    /// Finishes the plan: `--no-delete`, `--limit`, and an order that does not depend on when the
    /// contents were compared.
    pub fn finish(mut self) -> Plan {
        if self.options.no_delete {
            self.plan.withheld_deletions = self.plan.take_out(is_deletion);
        }
        std::mem::take(&mut self.standing).tell(&mut self.plan.notices);
        self.plan.sort_actions();
        self.plan.conflicts.sort_by(|a, b| a.path.cmp(&b.path));
        self.plan.notices.sort_by(|a, b| (&a.path, a.kind()).cmp(&(&b.path, b.kind())));
        if let Some(limit) = self.options.limit {
            self.cut(limit);
        }
        unstorable::leave_out(&mut self.plan);
        moves::pair(&mut self.plan.actions);
        let mut missing = moves::Missing::among(&mut self.plan.conflicts);
        if !missing.is_empty() {
            self.plan.actions.iter().for_each(|action| missing.hold_against_new(action));
        }
        self.plan
    }

    /// Tells whether the guard has something to weigh, so that it needs the number of rows: deletions,
    /// or more replacements than a side may always have. `max_change`: a person has set that limit.
    pub fn needs_tracked(&self, max_change: bool) -> bool {
        let free = if max_change { 0 } else { super::guard::FREE };
        let replaced = [false, true].map(|in_bucket| self.plan.replacements(in_bucket));
        self.plan.actions.iter().any(is_deletion) || replaced.iter().any(|count| *count > free)
    }

    /// Tells the plan how many rows the database has.
    pub fn set_tracked(&mut self, tracked: u64) {
        self.plan.tracked = tracked;
    }

    fn leave_alone(&mut self, row: &Row, examined: &Examined) {
        let tracked = row.base.is_some();
        if let Examined::Failed(why) = examined {
            self.plan.notices.push(notices::failed(&row.path, why.clone()));
        } else if let Local::Marked { marker, here } = &row.local {
            if let Some(notice) = notices::marked(&row.path, marker, *here, tracked) {
                self.plan.notices.push(notice);
            }
            if Standing::is_in_the_way(marker) {
                self.stand_in_the_way(row, *here);
            }
            if tracked && notices::is_forgotten(marker) {
                self.push(row, ActionKind::Forget, 0, false);
            }
        }
    }

    /// What should have come and cannot is missing here, even if it never was here.
    fn stand_in_the_way(&mut self, row: &Row, here: bool) {
        if here && let Some(place) = self.plan.notices.len().checked_sub(1) {
            self.standing.stands(&row.path, place);
        }
        let is_new = row.base.is_none() && row.remote.is_some();
        if is_new && self.options.direction.writes_local() {
            self.standing.keeps_out(&row.path);
        }
    }

    fn decided(&mut self, row: &Row, examined: &Examined, decision: Decision, clash: u32) {
        match decision {
            Decision::Agree => self.plan.agreed += 1,
            Decision::Ahead => self.plan.ahead += 1,
            Decision::Behind => {
                self.plan.behind += 1;
                self.plan.behind_deleted += u64::from(row.remote.is_none());
            }
            Decision::Forget => self.push(row, ActionKind::Forget, clash, false),
            Decision::Adopt => self.adopt(row, examined, clash),
            Decision::Upload { unknown_loser } => {
                self.push(row, ActionKind::Upload, clash, unknown_loser);
            }
            Decision::Download { unknown_loser } => {
                self.push(row, ActionKind::Download, clash, unknown_loser);
            }
            Decision::DeleteRemote { unknown_loser } => {
                self.push(row, ActionKind::DeleteRemote, clash, unknown_loser);
            }
            Decision::DeleteLocal { unknown_loser } => {
                self.push(row, ActionKind::DeleteLocal, clash, unknown_loser);
            }
            Decision::Conflict(kind) => {
                let found = Conflict { proven: !is_unknown(examined), ..conflict(row, kind) };
                self.plan.conflicts.push(found);
            }
        }
    }

    /// What is recorded is the file as it was read, and what is in the bucket.
    fn adopt(&mut self, row: &Row, examined: &Examined, clash: u32) {
        let (Examined::Compared { stat, content, .. }, Some(remote)) = (examined, &row.remote)
        else {
            return;
        };
        let touched = row.base.as_ref().filter(|base| base.version == remote.version);
        self.push(row, ActionKind::Adopt, clash, false);
        if let Some(action) = self.plan.actions.last_mut() {
            action.local = Some(*stat);
            let content = touched.map_or(content, |base| &base.content);
            action.detail = Detail::Content(Box::new(content.clone()));
        }
    }

    /// One exchange brings the object and takes the folder with everything in it.
    fn replace_folder(&mut self, clash: &Clash, decided: &[(&Row, Decision)]) {
        let unknown = Decision::DeleteLocal { unknown_loser: true };
        let takes_unknown = decided.iter().any(|(_, decision)| *decision == unknown);
        self.push(&clash.top, ActionKind::ReplaceFolder, self.clashes, takes_unknown);
        if let Some(action) = self.plan.actions.last_mut() {
            let file = |row: &Row| Some((row.path.clone(), *row.local.file()?));
            action.detail = Detail::Folder(Arc::new(clash.below.iter().filter_map(file).collect()));
        }
        for (row, decision) in decided.iter().skip(1) {
            if !matches!(decision, Decision::DeleteLocal { .. }) {
                self.decided(row, &Examined::NotNeeded, *decision, self.clashes);
                continue;
            }
            self.push(row, ActionKind::Forget, self.clashes, false);
            if let Some(action) = self.plan.actions.last_mut() {
                action.stage = Stage::Last;
                action.detail = Detail::WithFolder;
            }
        }
    }

    fn push(&mut self, row: &Row, kind: ActionKind, clash: u32, unknown_loser: bool) {
        let ends = matches!(kind, ActionKind::DeleteRemote | ActionKind::DeleteLocal);
        let ended = row.base.as_ref().filter(|_| ends);
        self.plan.actions.push(Action {
            unknown_loser,
            clash,
            detail: ended.map_or(Detail::None, |row| Detail::Row(Arc::new(row.clone()))),
            ..Action::new(row.path.clone(), kind, self.stage(&row.path, kind, clash))
                .expecting(row.local.file().copied(), row.remote.as_ref())
        });
    }

    fn stage(&self, path: &RepoPath, kind: ActionKind, clash: u32) -> Stage {
        let makes_room = clash != 0
            && (kind == ActionKind::DeleteLocal
                || (kind == ActionKind::DeleteRemote && !self.options.file_beside_folder));
        if makes_room {
            return Stage::Room;
        }
        match kind {
            // In a clash a file may still stand where the folder of the rules will be.
            ActionKind::Download | ActionKind::DeleteLocal
                if path.name() == IGNORE_FILE && clash == 0 =>
            {
                Stage::Rules
            }
            ActionKind::DeleteLocal | ActionKind::DeleteRemote => Stage::Last,
            ActionKind::Adopt
            | ActionKind::Forget
            | ActionKind::Upload
            | ActionKind::Download
            | ActionKind::MoveLocal
            | ActionKind::ReplaceFolder
            | ActionKind::KeepBoth => Stage::Main,
        }
    }

    fn cut(&mut self, limit: u64) {
        let mut left = limit;
        let before = self.plan.actions.len();
        let mut cut_clashes = HashSet::new();
        self.plan.actions.retain(|action| {
            let is_counted = !action.is_bookkeeping();
            let keep = if is_counted { left > 0 } else { !cut_clashes.contains(&action.clash) };
            left -= u64::from(keep && is_counted);
            if !keep && action.clash != 0 {
                cut_clashes.insert(action.clash);
            }
            keep
        });
        self.plan.beyond_limit = (before - self.plan.actions.len()) as u64;
    }
}

/// Returns the pairs of rows below the top, by their indices, of which the second lies below the first.
fn inner_pairs(clash: &Clash) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let mut open: Vec<(usize, &RepoPath)> = Vec::new();
    for (index, Row { path, .. }) in clash.rows().enumerate().skip(1) {
        let is_over = |upper: &mut (_, &RepoPath)| !path.as_str().starts_with(upper.1.as_str());
        while open.pop_if(is_over).is_some() {}
        let parents = open.iter().filter(|(_, upper)| path.is_below(upper));
        pairs.extend(parents.map(|(upper, _)| (*upper, index)));
        open.push((index, path));
    }
    pairs
}

/// Tells whether nothing has proven the contents equal or different.
fn is_unknown(examined: &Examined) -> bool {
    matches!(examined, Examined::Compared { to_remote: Comparison::Unknown, .. })
}

fn is_deletion(action: &Action) -> bool {
    matches!(
        action.kind,
        ActionKind::DeleteLocal | ActionKind::DeleteRemote | ActionKind::ReplaceFolder
    )
}

fn conflict(row: &Row, kind: ConflictKind) -> Conflict {
    let (local, base, remote) = (row.local.file().copied(), row.base.clone(), row.remote.clone());
    Conflict { local, base, remote, ..Conflict::new(row.path.clone(), kind) }
}
