//! A plan in the making: three streams merged, decided where that is possible at once, and compared
//! where it is not.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use super::error::SyncError;
use super::obstacles::Obstacles;
use super::request::Request;
use super::rules::ArrivingRules;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::local::{Found, IgnoreRules, RuleFiles, Scan, ScanOptions, Unmergeable};
use crate::look::{self, ListingScope, PAGES_AHEAD_MAX, list_scope};
use crate::plan::{
    self, Action, ActionKind, Direction, Examined, Missing, Plan, PlanBuilder, PlanOptions,
    may_be_touched_there, need, notices,
};
use crate::remote::{Listed, Page, RemoteError};
use crate::repository::mounts;
use crate::session::{Opened, World};
use crate::transfer::beside;
use crate::tree::{
    BaseRow, KEY_BYTES_MAX, Local, LocalEntry, Marker, Merge, Merged, NameFault, RemoteEntry,
    RepoPath, Row, Step, Unread,
};

/// How many local files are reported together.
const COUNTED_AT_ONCE: u64 = 1_000;

/// A plan in the making.
pub(super) struct Planning<'a, D: Disk, C: Clock> {
    opened: &'a Opened<'a, D, C>,
    request: &'a Request,
    pub(super) builder: PlanBuilder,
    rule_files: Arc<RuleFiles>,
    rules: IgnoreRules<D>,
    undecided: Vec<Merged>,
    /// Local files and objects seen so far.
    counted: (u64, u64),
    /// Rows of the present scope that are more than ignored.
    heeded: u64,
    /// Nothing but objects of the bucket has been seen.
    only_objects: bool,
    /// Folders on which other disks were mounted, in key order.
    mounts: Vec<RepoPath>,
    /// Folders on which other disks are mounted.
    tops: Vec<RepoPath>,
    /// Folders here that hold a name which no key can hold.
    holders: BTreeSet<RepoPath>,
    /// What is neither file nor folder in the bucket.
    obstacles: Obstacles,
}

impl<'a, D: Disk, C: Clock> Planning<'a, D, C> {
    /// Begins a plan.
    pub(super) fn new(
        opened: &'a Opened<'_, D, C>,
        request: &'a Request,
        rule_files: Arc<RuleFiles>,
    ) -> Result<Self, SyncError> {
        let world = opened.world;
        Ok(Self {
            opened,
            request,
            builder: PlanBuilder::new(PlanOptions {
                direction: request.direction,
                implicit_force: request.implicit_force,
                file_beside_folder: world.remote.capabilities().file_beside_folder,
                no_delete: request.no_delete,
                limit: request.limit,
            }),
            rules: IgnoreRules::of(&world.disk, &world.repository.root, Arc::clone(&rule_files)),
            rule_files,
            undecided: Vec::new(),
            counted: (0, 0),
            heeded: 0,
            only_objects: true,
            mounts: mounts::load(&world.disk, &world.repository.control)?,
            tops: Vec::new(),
            holders: BTreeSet::new(),
            obstacles: Obstacles::default(),
        })
    }

    /// Reads one operand, or everything, on all three sides at once.
    pub(super) async fn scope(&mut self, scope: Option<&RepoPath>) -> Result<(), SyncError> {
        let (world, session) = (self.opened.world, &self.opened.session);
        self.heeded = 0;
        let key_bytes_max = KEY_BYTES_MAX.saturating_sub(world.prefix_bytes);
        let mounts = self.mounts.clone();
        let options = ScanOptions { scope: scope.cloned(), key_bytes_max, mounts };
        let unmergeable = Unmergeable::default();
        let mut scan = Scan::new(&world.disk, &world.repository.root, options)
            .with_rules(Arc::clone(&self.rule_files));
        if world.parallel {
            let clock = world.clock.clone();
            scan = scan.looking_ahead(Arc::new(move || clock.now()));
        }
        let local = unmergeable.take_out(scan).map(|entry| entry.map_err(SyncError::from));
        let base = self.opened.database.rows(scope)?.map(|row| row.map_err(SyncError::from));
        let seen = if self.request.unlisted {
            let mut merge = Merge::offline(local, base);
            self.merge(&mut merge, None).await?
        } else {
            let is_file = scope.is_some_and(|path| session.files.is_file(path));
            let (sender, pages) = mpsc::channel(PAGES_AHEAD_MAX);
            let landmarks =
                if is_file { Vec::new() } else { self.opened.database.landmarks(scope) };
            let what = ListingScope { path: scope.cloned(), is_file, landmarks };
            let listing = list_scope(Arc::clone(session), what, sender);
            let mut merge = Merge::new(local, base);
            let ((), merged) =
                tokio::join!(beside(world.parallel, listing), self.merge(&mut merge, Some(pages)));
            merged?
        };
        let Found { unnameable, mut holders, tops } = unmergeable.into_found();
        self.holders.append(&mut holders);
        self.tops.extend(tops);
        if let (Some(operand), false, true) = (scope, seen, unnameable.is_empty()) {
            let operand = operand.clone();
            return Err(if is_folder_here(world, &operand) {
                SyncError::EmptyFolder(operand)
            } else {
                SyncError::NothingMatches(operand)
            });
        }
        if let Some(operand) = scope.filter(|_| self.heeded == 0) {
            self.note_ignored(operand);
        }
        for notice in unnameable {
            self.builder.notice(notice);
        }
        Ok(())
    }

    /// Says so where somebody named what a rule leaves alone.
    fn note_ignored(&mut self, operand: &RepoPath) {
        let mut check = |folder| self.rules.check(operand, folder).ok().flatten();
        let Some(rule) = check(false).or_else(|| check(true)) else { return };
        let direction = self.request.direction;
        let forced = matches!(direction, Direction::ForcedPush | Direction::ForcedPull);
        let rule = plan::Rule { place: rule.place, pattern: rule.pattern };
        let notice = notices::ignored_operand(operand, rule, forced);
        self.builder.notice(notice);
    }

    /// Drives the merge and takes its items; tells whether there were any. The listing ends with it.
    async fn merge<L, B>(
        &mut self,
        merge: &mut Merge<L, B>,
        mut pages: Option<mpsc::Receiver<Result<Page, RemoteError>>>,
    ) -> Result<bool, SyncError>
    where
        L: Iterator<Item = Result<LocalEntry, SyncError>>,
        B: Iterator<Item = Result<BaseRow, SyncError>>,
    {
        let mut seen = false;
        loop {
            match merge.step()? {
                Step::Done => return Ok(seen),
                Step::Item(item) => {
                    seen = true;
                    self.take(item);
                    if self.undecided.len() >= self.request.tuning.compared_rows {
                        self.examine().await?;
                    }
                }
                Step::NeedRemote => {
                    if self.opened.session.stop.is_requested() {
                        return Err(SyncError::Interrupted);
                    }
                    self.opened.session.monitor.waits_for_store(pages.is_some());
                    let page = match &mut pages {
                        Some(pages) => pages.recv().await,
                        None => None,
                    };
                    self.opened.session.monitor.waits_for_store(false);
                    let page = page.transpose()?;
                    let more = page.is_some();
                    merge.feed(page.map_or_else(Vec::new, |page| self.objects(page)), more);
                }
            }
        }
    }

    /// Returns the objects of a page; keys that cannot be paths are noted.
    fn objects(&mut self, page: Page) -> Vec<RemoteEntry> {
        self.counted.1 += page.items.len() as u64;
        self.opened.session.monitor.counted(self.counted.0, self.counted.1);
        let mut objects = Vec::with_capacity(page.items.len());
        for item in page.items {
            match item {
                Listed::Object(entry) => objects.push(entry),
                Listed::Obstacle(path) => self.obstacles.add(path),
                Listed::Odd { key, reason, size } => {
                    self.builder.notice(notices::odd_key(&key, reason, size));
                }
            }
        }
        objects
    }

    /// Decides an item at once, or puts it aside until its contents were compared.
    fn take(&mut self, item: Merged) {
        match item {
            Merged::Row(mut row) => {
                self.count(&row);
                self.only_objects &= row.local == Local::Absent && row.base.is_none();
                if !self.request.selection.passes(&row.path) {
                    return;
                }
                self.apply_rules(&mut row);
                self.heeded += u64::from(row.base.is_some() || !is_ignored(&row));
                let reads = self.opened.world.remote.reads_locally();
                if need(&row).is_any() || (reads && may_be_touched_there(&row)) {
                    self.undecided.push(Merged::Row(row));
                } else {
                    self.builder.row(&row, &Examined::NotNeeded);
                }
            }
            Merged::Clash(mut clash) => {
                (self.heeded, self.only_objects) = (self.heeded + 1, false);
                let selection = &self.request.selection;
                let rows = || std::iter::once(&clash.top).chain(&clash.below);
                if !rows().any(|row| selection.passes(&row.path)) {
                    return;
                }
                if !rows().all(|row| selection.passes(&row.path)) {
                    return self.builder.notice(notices::half_selected(&clash.top.path));
                }
                self.apply_rules(&mut clash.top);
                clash.below.iter_mut().for_each(|row| self.apply_rules(row));
                self.undecided.push(Merged::Clash(clash));
            }
        }
    }

    /// Marks a file here whose name the store would change.
    fn spare_changed_names(&self, row: &mut Row) {
        let changed = &self.opened.world.remote.capabilities().changed_names;
        if changed.is_empty() || !matches!(row.local, Local::File(_)) {
            return;
        }
        if let Some(odd) = changed.iter().find(|odd| odd.is_in(row.path.as_str())) {
            let marker = Marker::Unmappable(NameFault::Changed(*odd));
            row.local = Local::Marked { marker: Arc::new(marker), here: true };
        }
    }

    /// Counts a row that may be a file here; a page of the listing may be long in coming.
    fn count(&mut self, row: &Row) {
        if matches!(row.local, Local::File(_)) {
            self.counted.0 += 1;
            if self.counted.0.is_multiple_of(COUNTED_AT_ONCE) {
                self.opened.session.monitor.counted(self.counted.0, self.counted.1);
            }
        }
    }

    /// What is not on the disk has not been held against the rules yet; and what the store would keep under
    /// another name is left alone.
    fn apply_rules(&mut self, row: &mut Row) {
        self.spare_changed_names(row);
        if row.local != Local::Absent {
            self.weigh_kept_out(row);
            return self.obstacles.cover(row);
        }
        // In a folder that cannot be searched nobody knows what is here: each path is reported.
        let (marker, here) = match self.rules.check(&row.path, false) {
            Ok(None) => return self.obstacles.cover(row),
            Ok(Some(rule)) => (Marker::Ignored { place: rule.place, pattern: rule.pattern }, false),
            Err(error) => (Marker::Unreadable(Unread::Rules(error.to_string())), true),
        };
        row.local = Local::Marked { marker: Arc::new(marker), here };
    }

    /// What lies below a link is kept out only where no rule leaves it alone; and a rule about a
    /// folder here keeps out a file of that name, of which it says nothing.
    fn weigh_kept_out(&mut self, row: &mut Row) {
        let Local::Marked { marker, here: false } = &row.local else { return };
        let is_new = row.base.is_none() && row.remote.is_some();
        if !is_new || !self.request.direction.writes_local() {
            return;
        }
        let is_by_rule = matches!(**marker, Marker::Ignored { .. });
        match self.rules.check(&row.path, false) {
            Ok(Some(rule)) if !is_by_rule => {
                let marker = Marker::Ignored { place: rule.place, pattern: rule.pattern };
                row.local = Local::Marked { marker: Arc::new(marker), here: false };
            }
            Ok(None) if is_by_rule => self.builder.notice(notices::blocked(&row.path)),
            Ok(_) | Err(_) => (),
        }
    }

    /// Compares contents where nothing else decides, several files at once.
    pub(super) async fn examine(&mut self) -> Result<(), SyncError> {
        let session = Arc::clone(&self.opened.session);
        let parallel = session.parallel;
        let examinations = std::mem::take(&mut self.undecided).into_iter().map(|mut item| {
            let session = Arc::clone(&session);
            beside(parallel, async move {
                let mut examined = HashMap::new();
                for row in item.rows_mut() {
                    let found = look::examine(&session, row).await;
                    if found.is_renamed {
                        row.rename_base();
                    }
                    examined.insert(row.path.clone(), found.examined);
                }
                (item, examined)
            })
        });
        let mut examined = futures_util::stream::iter(examinations)
            .buffer_unordered(self.request.tuning.jobs.get());
        while let Some((item, examined)) = examined.next().await {
            if self.opened.session.stop.is_requested() {
                return Err(SyncError::Interrupted);
            }
            let of = |path: &RepoPath| examined.get(path).cloned().unwrap_or(Examined::NotNeeded);
            match &item {
                Merged::Row(row) => self.builder.row(row, &of(&row.path)),
                Merged::Clash(clash) => self.builder.clash(clash, of),
            }
        }
        Ok(())
    }

    /// Ends the plan, and tells nobody yet.
    pub(super) fn finish(mut self) -> Result<Planned, SyncError> {
        self.opened.session.monitor.counted(self.counted.0, self.counted.1);
        self.builder.keep_folders(&self.holders);
        if self.builder.needs_tracked(self.request.max_change.is_some()) {
            self.builder.set_tracked(self.opened.database.tracked()?);
        }
        for path in self.obstacles.untold() {
            let is_ignored = self.rules.check(&path, false).ok().flatten().is_some();
            if self.request.selection.passes(&path) && !is_ignored {
                self.builder.notice(notices::obstacle(&path, false));
            }
        }
        let mut plan = self.builder.finish();
        let mut missing = Missing::among(&mut plan.conflicts);
        if !missing.is_empty() {
            for row in self.opened.database.rows(None)? {
                missing.hold_against(&row?);
            }
        }
        let Self { rule_files, only_objects, tops, .. } = self;
        plan.mounts = tops;
        let creates = |action: &Action| action.kind == ActionKind::Download && action.is_new();
        let only_creates_here =
            only_objects && plan.notices.is_empty() && plan.actions.iter().all(creates);
        Ok(Planned { plan, only_creates_here, rule_files })
    }
}

/// A plan, and what was seen beside.
pub(super) struct Planned {
    pub(super) plan: Plan,
    /// Nothing is here and nothing was: new rules can only leave out what would be created.
    pub(super) only_creates_here: bool,
    rule_files: Arc<RuleFiles>,
}

impl Planned {
    /// Takes out what rules ignore that were not known before.
    pub(super) fn leave_out_ignored<D: Disk, C: Clock>(
        &mut self,
        world: &World<D, C>,
        rule_files: Arc<RuleFiles>,
    ) {
        let root = &world.repository.root;
        let mut rules = IgnoreRules::of(&world.disk, root, Arc::clone(&rule_files));
        self.plan.actions.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        self.plan.actions.retain(|action| matches!(rules.check(&action.path, false), Ok(None)));
        self.plan.sort_actions();
        self.rule_files = rule_files;
    }

    /// Takes note of what is sent although the rules on the disk still ignore it.
    pub(super) fn note_disclosed<D: Disk, C: Clock>(
        &mut self,
        world: &World<D, C>,
        arriving: &ArrivingRules,
    ) {
        if arriving.is_empty() {
            return;
        }
        let root = &world.repository.root;
        let mut rules = IgnoreRules::of(&world.disk, root, Arc::default());
        let mut sent: Vec<&RepoPath> = (self.plan.actions.iter())
            .filter(|action| action.kind == ActionKind::Upload && action.is_new())
            .map(|action| &action.path)
            .collect();
        // Neighbours are looked at one after the other: each folder's rules are read once.
        sent.sort_unstable();
        for path in sent {
            // Where they cannot be read, the new ones cannot either.
            if let Ok(Some(rule)) = rules.check(path, false) {
                self.plan.disclosed.add(path, &rule.place);
            }
        }
    }

    /// Tells what was seen beside, once no other plan is to follow.
    pub(super) fn conclude<D: Disk, C: Clock>(self, opened: &Opened<'_, D, C>) -> Plan {
        // Only now has the database been read to its end.
        for warning in opened.database.warnings() {
            opened.session.monitor.warning(&warning);
        }
        let (ineffective, more) = self.rule_files.ineffective();
        if !ineffective.is_empty() {
            opened.session.monitor.ineffective_rules(&ineffective, more);
        }
        self.plan
    }
}

fn is_ignored(row: &Row) -> bool {
    matches!(&row.local, Local::Marked { marker, .. } if matches!(**marker, Marker::Ignored { .. }))
}

/// Tells whether a folder is here under this very name: a disk that folds names opens others, too.
fn is_folder_here<D: Disk, C: Clock>(world: &World<D, C>, path: &RepoPath) -> bool {
    let (disk, root) = (&world.disk, &world.repository.root);
    let is_listed = |path: &RepoPath| {
        let names = disk.open_beneath(root, path.parent_str()).and_then(|it| disk.read_folder(&it));
        names.is_ok_and(|names| names.contains(path.name().as_ref()))
    };
    disk.open_beneath(root, path.as_str()).is_ok()
        && path.ancestors().all(|above| is_listed(&above))
        && is_listed(path)
}
