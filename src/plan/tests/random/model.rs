//! A model of the three sides: it answers every comparison truthfully, and carries out actions only
//! where both sides show what the action expects.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::super::path;
use crate::plan::{
    Action, ActionKind, Direction, Examined, Plan, PlanBuilder, PlanOptions, Why, need, pair_here,
};
use crate::tree::{
    BaseRow, Comparison, Content, Kind, Local, LocalEntry, LocalState, Marker, Merge, Merged,
    OutOfOrder, RemoteEntry, RepoPath, Row, Stat, Step, Token, Version,
};

/// A file on the disk. The contents are a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) content: u64,
    pub(super) stat: Stat,
}

/// An object in the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) content: u64,
    pub(super) version: Version,
}

/// What an action asks the database to record.
#[derive(Debug, Clone)]
pub(super) enum Record {
    Put(BaseRow),
    Gone(RepoPath),
}

/// Two sides, the base, and what was kept of the losers.
#[derive(Debug, Clone, Default)]
pub(super) struct World {
    pub(super) local: BTreeMap<RepoPath, File>,
    pub(super) links: BTreeSet<RepoPath>,
    pub(super) remote: BTreeMap<RepoPath, Object>,
    pub(super) base: BTreeMap<RepoPath, BaseRow>,
    /// Names that are ignored, at any depth.
    pub(super) ignored: BTreeSet<String>,
    /// Contents that were overwritten or deleted, and kept.
    pub(super) trash: BTreeSet<u64>,
    /// Contents of the bucket that were replaced by somebody who knew them.
    pub(super) superseded: BTreeSet<u64>,
    /// Some contents cannot be read when they are to be compared.
    pub(super) disk_fails: bool,
    /// The store can hold a file beside a folder of the same name.
    pub(super) file_beside_folder: bool,
    pub(super) contents: u64,
    pub(super) ticks: i64,
}

/// Half of all contents have the same length.
fn size(content: u64) -> u64 {
    if content.is_multiple_of(2) { 8 } else { 100 + content }
}

impl World {
    pub(super) fn new_content(&mut self) -> u64 {
        self.contents += 1;
        self.contents
    }

    pub(super) fn is_ignored(&self, path: &RepoPath) -> bool {
        path.components().any(|name| self.ignored.contains(name))
    }

    /// A file appears, or is written anew, on the disk.
    pub(super) fn put_local(&mut self, path: &RepoPath, content: u64) {
        self.ticks += 1;
        let time = self.ticks;
        let inode = time.unsigned_abs();
        let (kind, size) = (Kind::File, size(content));
        let stat = Stat { kind, size, mtime: time, ctime: time, inode, device: 1, mode: 0o644 };
        self.local.insert(path.clone(), File { content, stat });
    }

    /// An object appears, or is written anew, in the bucket.
    pub(super) fn put_remote(&mut self, path: &RepoPath, content: u64) {
        self.ticks += 1;
        let version =
            Version { token: Token::new(&format!("e{}", self.ticks)), size: size(content) };
        self.remote.insert(path.clone(), Object { content, version });
    }

    /// Both sides agree on a file.
    pub(super) fn agree(&mut self, path: &RepoPath) {
        let row = self.row(path);
        self.base.insert(path.clone(), row);
    }

    /// The row of what both sides hold now.
    fn row(&self, path: &RepoPath) -> BaseRow {
        let (file, object) = (&self.local[path], &self.remote[path]);
        assert_eq!(file.content, object.content, "{path} is recorded and not equal");
        let signature = file.stat.signature();
        let content = Content::of_size(signature.size).with_crc64(Some(file.content));
        BaseRow::plain(path.clone(), signature, object.version.token.clone(), content)
    }

    /// Plans a run; the listing comes in pages of the given sizes.
    pub(super) fn plan(&self, direction: Direction, pages: &[usize]) -> Plan {
        self.plan_with(
            PlanOptions {
                direction,
                implicit_force: false,
                file_beside_folder: self.file_beside_folder,
                no_delete: false,
                limit: None,
            },
            pages,
        )
    }

    pub(super) fn plan_with(&self, options: PlanOptions, pages: &[usize]) -> Plan {
        let mut builder = PlanBuilder::new(options);
        for item in self.merged(pages) {
            match item {
                Merged::Row(mut row) => {
                    self.apply_rules(&mut row);
                    builder.row(&row, &self.examine(&row));
                }
                Merged::Clash(mut clash) => {
                    self.apply_rules(&mut clash.top);
                    clash.below.iter_mut().for_each(|row| self.apply_rules(row));
                    let rows = clash.rows();
                    let examined: HashMap<_, _> =
                        rows.map(|row| (row.path.clone(), self.examine(row))).collect();
                    builder.clash(&clash, |path| examined[path].clone());
                }
            }
        }
        let mut plan = builder.finish();
        // An object has its version from when it was written, under whatever name.
        pair_here(&mut plan.actions, |row| Some(row.version.clone()), |it, _| Some(it.clone()));
        plan
    }

    /// Merges the three sides; the listing comes in pages of the given sizes.
    pub(super) fn merged(&self, pages: &[usize]) -> Vec<Merged> {
        let local = self.scan().into_iter().map(Ok::<_, OutOfOrder>);
        let mut merge = Merge::new(local, self.base.values().cloned().map(Ok));
        let mut listing = self.remote.keys().filter_map(|path| self.remote_entry(path));
        let mut sizes = pages.iter();
        let mut items = Vec::new();
        loop {
            match merge.step().unwrap() {
                Step::Item(item) => items.push(item),
                Step::Done => return items,
                Step::NeedRemote => match sizes.next() {
                    Some(size) => {
                        merge.feed(listing.by_ref().take(*size).collect::<Vec<_>>(), true);
                    }
                    None => merge.feed(listing.by_ref().collect::<Vec<_>>(), false),
                },
            }
        }
    }

    /// What the listing shows of a key.
    pub(super) fn remote_entry(&self, path: &RepoPath) -> Option<RemoteEntry> {
        let version = self.remote.get(path)?.version.clone();
        Some(RemoteEntry { path: path.clone(), version, modified: 0 })
    }

    /// Tells whether a file is at the path, ignored or not.
    pub(super) fn local_is_file(&self, path: &RepoPath) -> bool {
        self.local.contains_key(path) || self.links.contains(path)
    }

    /// What the scan shows, in key order: an ignored name stands for all below it.
    pub(super) fn scan(&self) -> Vec<LocalEntry> {
        let mut entries = BTreeMap::new();
        let files = self.local.iter().map(|(path, file)| (path, Some(file)));
        for (path, file) in files.chain(self.links.iter().map(|path| (path, None))) {
            let hidden = path
                .ancestors()
                .chain([path.clone()])
                .find(|prefix| self.ignored.contains(prefix.name()));
            let folder = hidden.as_ref().is_some_and(|hidden| hidden != path);
            let state = match (&hidden, file) {
                (Some(_), _) => LocalState::Marked { folder, marker: Arc::new(rule()) },
                (None, Some(file)) => LocalState::File(file.stat),
                (None, None) => LocalState::Marked { folder, marker: Arc::new(Marker::Link) },
            };
            let path = hidden.unwrap_or_else(|| path.clone());
            let key = format!("{path}{}", if folder { "/" } else { "" });
            entries.insert(key, LocalEntry { path, state });
        }
        entries.into_values().collect()
    }

    fn apply_rules(&self, row: &mut Row) {
        if row.local == Local::Absent && self.is_ignored(&row.path) {
            row.local = Local::Marked { marker: Arc::new(rule()), here: false };
        }
    }

    fn examine(&self, row: &Row) -> Examined {
        let need = need(row);
        if !need.is_any() {
            return Examined::NotNeeded;
        }
        let file = &self.local[&row.path];
        if self.disk_fails && file.content.is_multiple_of(3) {
            return Examined::Failed(Why::Uncompared("an I/O error".to_owned()));
        }
        let compare = |needed: bool, other: Option<u64>| {
            if needed && other == Some(file.content) {
                Comparison::Same
            } else {
                Comparison::Different
            }
        };
        let base = row.base.as_ref().and_then(|base| base.content.crc64());
        let remote = self.remote.get(&row.path).map(|object| object.content);
        Examined::Compared {
            to_base: compare(need.to_base, base),
            to_remote: compare(need.to_remote, remote),
            stat: file.stat,
            content: Content::of_size(file.stat.size).with_crc64(Some(file.content)),
        }
    }

    /// Carries out a whole plan, stage by stage, in any order within a stage.
    pub(super) fn carry_out(&mut self, plan: &Plan, seed: u64) {
        for action in shuffled(plan, seed) {
            let record = self.apply(&action);
            self.record(record);
        }
    }

    pub(super) fn record(&mut self, records: Vec<Record>) {
        for record in records {
            match record {
                Record::Put(row) => self.base.insert(row.path.clone(), row),
                Record::Gone(path) => self.base.remove(&path),
            };
        }
    }

    /// Carries out one action; panics where a side does not show what the action expects.
    pub(super) fn apply(&mut self, action: &Action) -> Vec<Record> {
        let path = &action.path;
        let here_at = if action.kind == ActionKind::MoveLocal { action.moved_from() } else { None };
        let here = self.local.get(here_at.unwrap_or(path)).map(|file| file.stat);
        // What a rule takes out of the database may be there.
        if action.kind != ActionKind::Forget {
            assert_eq!(here, action.local, "here, for {action:?}");
            let there = self.remote.get(path).map(|object| &object.version);
            assert_eq!(there, action.remote.as_ref(), "in the bucket, for {action:?}");
        }
        match action.kind {
            ActionKind::Adopt => {
                let row = action.adopted().unwrap();
                assert_eq!(row, self.row(path));
                vec![Record::Put(row)]
            }
            ActionKind::Forget => {
                let gone = here.is_none() && !self.remote.contains_key(path);
                assert!(gone || self.is_left_alone(path), "forgotten: {action:?}");
                vec![Record::Gone(path.clone())]
            }
            ActionKind::Upload => {
                self.lose_remote(action);
                self.assert_key_fits(path);
                self.put_remote(path, self.local[path].content);
                vec![Record::Put(self.row(path))]
            }
            ActionKind::DeleteRemote => {
                assert_eq!(here, None, "still here: {action:?}");
                self.lose_remote(action);
                vec![Record::Gone(path.clone())]
            }
            ActionKind::Download => {
                self.lose_local(path, action.unknown_loser);
                self.assert_name_is_free(path);
                self.put_local(path, self.remote[path].content);
                vec![Record::Put(self.row(path))]
            }
            ActionKind::MoveLocal => self.move_local(action),
            ActionKind::DeleteLocal => {
                assert!(here.is_some(), "not here: {action:?}");
                self.lose_local(path, action.unknown_loser);
                vec![Record::Gone(path.clone())]
            }
            ActionKind::ReplaceFolder => {
                let held: Vec<_> = (self.local.iter())
                    .filter(|(below, _)| below.is_below(path))
                    .map(|(below, file)| (below.clone(), file.stat))
                    .collect();
                assert_eq!(held, action.folder(), "the folder of {action:?}");
                assert!(!held.is_empty(), "an empty folder: {action:?}");
                for (below, _) in held {
                    self.lose_local(&below, action.unknown_loser);
                }
                self.assert_name_is_free(path);
                self.put_local(path, self.remote[path].content);
                vec![Record::Put(self.row(path))]
            }
            ActionKind::KeepBoth => panic!("nobody was asked: {action:?}"),
        }
    }

    fn move_local(&mut self, action: &Action) -> Vec<Record> {
        let (from, path) = (action.moved_from().unwrap(), &action.path);
        assert!(!self.remote.contains_key(from), "still in the bucket: {action:?}");
        self.assert_name_is_free(path);
        let mut file = self.local.remove(from).unwrap();
        self.ticks += 1;
        file.stat.ctime = self.ticks;
        self.local.insert(path.clone(), file);
        vec![Record::Gone(from.clone()), Record::Put(self.row(path))]
    }

    /// Tells whether a rule or a link at or above the path keeps lsync away from it.
    pub(super) fn is_left_alone(&self, path: &RepoPath) -> bool {
        self.is_ignored(path) || self.links.iter().any(|link| path.is_within(link))
    }

    fn lose_local(&mut self, path: &RepoPath, unknown: bool) {
        let Some(file) = self.local.remove(path) else { return };
        let known = self.base.get(path).and_then(|row| row.content.crc64()) == Some(file.content);
        assert!(known || unknown, "{path}: what is lost here is not what the base knows");
        self.trash.insert(file.content);
    }

    fn lose_remote(&mut self, action: &Action) {
        let Some(object) = self.remote.remove(&action.path) else { return };
        if action.unknown_loser {
            self.trash.insert(object.content);
        } else {
            let known = self.base.get(&action.path).map(|row| row.version.clone());
            assert_eq!(known, Some(object.version), "lost in the bucket: {action:?}");
            self.superseded.insert(object.content);
        }
    }

    fn assert_key_fits(&self, path: &RepoPath) {
        if !self.file_beside_folder {
            let other = self.remote.keys().find(|key| key.is_below(path) || path.is_below(key));
            assert_eq!(other, None, "the store cannot hold {path} beside it");
        }
    }

    fn assert_name_is_free(&self, path: &RepoPath) {
        let other = (self.local.keys().chain(&self.links))
            .find(|other| other.is_within(path) || path.is_below(other));
        assert_eq!(other, None, "it stands where {path} should go");
    }

    /// All contents that exist anywhere.
    pub(super) fn all_contents(&self) -> BTreeSet<u64> {
        let local = self.local.values().map(|file| file.content);
        let remote = self.remote.values().map(|object| object.content);
        local.chain(remote).chain(self.trash.iter().copied()).collect()
    }

    /// What is here, by contents.
    pub(super) fn here(&self) -> BTreeMap<RepoPath, u64> {
        self.local.iter().map(|(path, file)| (path.clone(), file.content)).collect()
    }

    /// What is in the bucket, by contents.
    pub(super) fn there(&self) -> BTreeMap<RepoPath, u64> {
        self.remote.iter().map(|(path, object)| (path.clone(), object.content)).collect()
    }
}

fn rule() -> Marker {
    Marker::Ignored { place: ".lsyncignore:1".to_owned(), pattern: "names".to_owned() }
}

/// Returns the actions in an order that respects the stages and nothing else.
pub(super) fn shuffled(plan: &Plan, seed: u64) -> Vec<Action> {
    assert!(
        plan.actions.is_sorted_by_key(|action| (action.stage, &action.path)),
        "a plan is in order"
    );
    let mut actions = plan.actions.clone();
    // A multiplicative hash of path and seed is an order as good as any.
    actions.sort_by_key(|action| {
        let mixed = action.path.as_str().bytes().fold(seed | 1, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(23)
        });
        (action.stage, mixed)
    });
    actions
}

/// Removes from a side whatever cannot stand beside a file at `path`.
pub(super) fn clear<T>(side: &mut BTreeMap<RepoPath, T>, path: &RepoPath) {
    side.retain(|other, _| !other.is_below(path) && !path.is_below(other));
}

/// Parses the path of a name below a file that is to become a folder.
pub(super) fn child(parent: &RepoPath, name: &str) -> RepoPath {
    path(&format!("{parent}/{name}"))
}
