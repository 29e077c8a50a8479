//! Random trees: what holds for every run, whatever people did before it.

mod edits;
mod model;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{FileFailurePersistence, TestRunner};

use self::edits::{Story, edit_local, edit_remote, edits, story};
use self::model::{World, shuffled};
use super::{DIRECTIONS, Direction, PlanOptions, options, show};
use crate::plan::{Action, ActionKind, ConflictKind, NoticeKind, Plan};
use crate::tree::{Local, LocalState, Marker, Merged, RepoPath, Row};

/// Cases of one property, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 512;

fn config() -> ProptestConfig {
    let mut config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = CASES;
    }
    // What fails becomes a named test.
    config.failure_persistence = Some(Box::new(FileFailurePersistence::Off));
    config
}

fn any_direction() -> impl Strategy<Value = Direction> {
    prop::sample::select(&DIRECTIONS[..])
}

/// The paths that a plan leaves as they are on both sides.
struct Untouched<'a> {
    world: &'a World,
    paths: BTreeSet<&'a str>,
    trees: Vec<&'a str>,
}

impl<'a> Untouched<'a> {
    fn new(world: &'a World, plan: &'a Plan) -> Self {
        let clashes = plan.conflicts.iter().filter(|it| it.kind == ConflictKind::FileAgainstFolder);
        let unreadable =
            plan.notices.iter().filter(|notice| notice.kind() == NoticeKind::Unreadable);
        let both_in_bucket = plan.notices.iter().filter(|notice| notice.kind().word() == "clash");
        Self {
            world,
            paths: (plan.conflicts.iter().map(|conflict| conflict.path.as_str()))
                .chain(unreadable.map(|notice| notice.path.as_str()))
                .collect(),
            trees: (clashes.map(|conflict| conflict.path.as_str()))
                .chain(both_in_bucket.map(|notice| notice.path.as_str()))
                .collect(),
        }
    }

    fn holds(&self, path: &RepoPath) -> bool {
        let is_in = |tree: &&&str| {
            path.as_str()
                .strip_prefix(**tree)
                .is_some_and(|it| it.is_empty() || it.starts_with('/'))
        };
        self.world.is_left_alone(path)
            || self.paths.contains(path.as_str())
            || self.trees.iter().any(|tree| is_in(&tree))
    }

    /// The part of a side that is untouched, or the part that is not.
    fn part(&self, side: &BTreeMap<RepoPath, u64>, untouched: bool) -> BTreeMap<RepoPath, u64> {
        side.iter()
            .filter(|(path, _)| self.holds(path) == untouched)
            .map(|(path, content)| (path.clone(), *content))
            .collect()
    }
}

fn conflicts(plan: &Plan) -> Vec<(&RepoPath, ConflictKind)> {
    plan.conflicts.iter().map(|conflict| (&conflict.path, conflict.kind)).collect()
}

/// Holds what one run did against everything that must be true of it.
fn check_run(before: &World, plan: &Plan, after: &World, direction: Direction) {
    let untouched = Untouched::new(before, plan);
    for (side, then, now) in
        [("here", before.here(), after.here()), ("there", before.there(), after.there())]
    {
        let then = untouched.part(&then, true);
        assert_eq!(then, untouched.part(&now, true), "what must not be touched, {side}");
    }
    let lost: Vec<_> = (before.all_contents().into_iter())
        .filter(|it| !after.all_contents().contains(it) && !after.superseded.contains(it))
        .collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    let here = untouched.part(&after.here(), false);
    let there = untouched.part(&after.there(), false);
    match direction {
        Direction::Sync | Direction::MirrorPull | Direction::MirrorPush => {
            assert_eq!(here, there, "both sides are equal");
        }
        Direction::ForcedPush => {
            let lacks: Vec<_> =
                here.iter().filter(|(path, it)| there.get(*path) != Some(it)).collect();
            assert!(lacks.is_empty(), "the bucket has not got {lacks:?}");
        }
        Direction::ForcedPull => {
            let lacks: Vec<_> =
                there.iter().filter(|(path, it)| here.get(*path) != Some(it)).collect();
            assert!(lacks.is_empty(), "here is not {lacks:?}");
        }
        Direction::Push | Direction::Pull => (),
    }
    if matches!(direction, Direction::Push | Direction::ForcedPush | Direction::MirrorPush) {
        assert_eq!(before.local, after.local, "a push changed something here");
    }
    if matches!(direction, Direction::Pull | Direction::ForcedPull | Direction::MirrorPull) {
        assert_eq!(before.remote, after.remote, "a pull changed the bucket");
    }
    if matches!(
        direction,
        Direction::ForcedPush
            | Direction::ForcedPull
            | Direction::MirrorPush
            | Direction::MirrorPull
    ) {
        assert!(plan.conflicts.is_empty(), "somebody wins: {:?}", plan.conflicts);
    }
}

/// Runs to the end, checks the run, and that the next one has nothing to do.
fn run(world: &mut World, direction: Direction, story: &Story) -> Plan {
    let before = world.clone();
    let plan = world.plan(direction, &story.pages);
    world.carry_out(&plan, story.seed);
    check_run(&before, &plan, world, direction);
    let again = world.plan(direction, &story.pages);
    assert!(again.actions.is_empty(), "the second run still does {:?}", show(&again));
    assert_eq!(conflicts(&again), conflicts(&plan), "the second run sees other conflicts");
    plan
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_run_loses_nothing_and_leaves_nothing_to_the_next(
        story in story(),
        direction in any_direction(),
        disk_fails in any::<bool>(),
    ) {
        let mut world = World { disk_fails, ..story.tell() };
        run(&mut world, direction, &story);
    }

    #[test]
    fn after_a_sync_both_sides_are_equal(story in story()) {
        let mut world = story.tell();
        let synced = run(&mut world, Direction::Sync, &story);
        for direction in [Direction::Push, Direction::Pull] {
            let plan = world.plan(direction, &[]);
            prop_assert_eq!(plan.visible(), 0, "{:?} still does {}", direction, show(&plan));
            // What is a conflict of the two may be one side's to know alone.
            prop_assert!(plan.actions.is_empty() || !synced.conflicts.is_empty());
        }
    }

    #[test]
    fn the_merge_hands_out_every_path_once_and_every_clash_as_a_whole(story in story()) {
        let world = story.tell();
        let expected = naive_rows(&world);
        let mut tops = BTreeSet::new();
        let mut found = BTreeMap::new();
        for item in world.merged(&story.pages) {
            let rows = match item {
                Merged::Row(row) => vec![row],
                Merged::Clash(clash) => {
                    tops.insert(clash.top.path.clone());
                    let is_of = |row: &Row| row.path.is_below(&clash.top.path);
                    prop_assert!(clash.below.iter().all(is_of));
                    let whole = expected.keys().filter(|(path, _)| path.is_below(&clash.top.path));
                    prop_assert_eq!(whole.count(), clash.below.len());
                    std::iter::once(clash.top).chain(clash.below).collect()
                }
            };
            for row in rows {
                let is_marker = matches!(row.local, Local::Marked { here: true, .. });
                let before = found.insert((row.path.clone(), is_marker), row);
                prop_assert_eq!(before, None);
            }
        }
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(tops, naive_tops(&expected));
    }

    #[test]
    fn the_pages_of_the_listing_make_no_difference(
        story in story(),
        direction in any_direction(),
    ) {
        let world = story.tell();
        prop_assert_eq!(world.plan(direction, &story.pages), world.plan(direction, &[]));
    }

    #[test]
    fn a_killed_run_is_finished_by_the_next(
        story in story(),
        direction in any_direction(),
        done in any::<Index>(),
        recorded in any::<Index>(),
    ) {
        let mut whole = story.tell();
        let mut killed = whole.clone();
        let expected = run(&mut whole, direction, &story);
        kill(&mut killed, &expected, &story, done, recorded);
        let plan = run(&mut killed, direction, &story);
        prop_assert_eq!(conflicts(&plan), conflicts(&expected));
        prop_assert_eq!(killed.here(), whole.here());
        prop_assert_eq!(killed.there(), whole.there());
    }

    #[test]
    fn after_a_killed_run_and_more_edits_nothing_is_lost_either(
        story in story(),
        directions in (any_direction(), any_direction()),
        done in any::<Index>(),
        recorded in any::<Index>(),
        more in (edits(), edits()),
    ) {
        let mut world = story.tell();
        let plan = world.plan(directions.0, &story.pages);
        kill(&mut world, &plan, &story, done, recorded);
        more.0.iter().for_each(|edit| edit_local(&mut world, edit));
        more.1.iter().for_each(|edit| edit_remote(&mut world, edit));
        run(&mut world, directions.1, &story);
    }

    #[test]
    fn limited_runs_get_there_too(story in story(), limit in 1..4_u64) {
        let mut whole = story.tell();
        let mut limited = whole.clone();
        run(&mut whole, Direction::Sync, &story);
        let options = PlanOptions {
            limit: Some(limit),
            file_beside_folder: story.file_beside_folder,
            ..options(Direction::Sync)
        };
        for _ in 0..100 {
            let plan = limited.plan_with(options, &story.pages);
            prop_assert!(plan.visible() <= limit);
            limited.carry_out(&plan, story.seed);
            if plan.beyond_limit == 0 {
                break;
            }
            // A move was two before it was paired.
            let moved = plan.moved_here() + plan.count(ActionKind::MoveLocal);
            prop_assert_eq!(plan.visible() + moved, limit);
        }
        prop_assert_eq!(limited.here(), whole.here());
        prop_assert_eq!(limited.there(), whole.there());
    }

    #[test]
    fn without_deletions_every_name_stays(story in story(), direction in any_direction()) {
        let before = story.tell();
        let mut after = before.clone();
        let options = PlanOptions {
            no_delete: true,
            file_beside_folder: story.file_beside_folder,
            ..options(direction)
        };
        let plan = before.plan_with(options, &story.pages);
        after.carry_out(&plan, story.seed);
        for path in before.local.keys() {
            prop_assert!(after.local.contains_key(path), "{} is gone here", path);
        }
        for path in before.remote.keys() {
            prop_assert!(after.remote.contains_key(path), "{} is gone there", path);
        }
    }

    #[test]
    fn a_push_and_a_pull_make_a_sync(story in story(), push_first in any::<bool>()) {
        let mut synced = story.tell();
        let mut other = synced.clone();
        let plan = run(&mut synced, Direction::Sync, &story);
        if !plan.conflicts.is_empty() || plan.notices.iter().any(|it| it.kind().word() == "clash") {
            return Ok(());
        }
        let directions = [Direction::Push, Direction::Pull];
        // Two are enough, but where the first waits for the second to end a clash in the bucket.
        for direction in directions.into_iter().cycle().skip(usize::from(!push_first)).take(3) {
            run(&mut other, direction, &story);
        }
        prop_assert_eq!(other.here(), synced.here());
        prop_assert_eq!(other.there(), synced.there());
    }
}

type Rows = BTreeMap<(RepoPath, bool), Row>;

/// Joins the three sides path by path; the marker of a folder is a row of its own.
fn naive_rows(world: &World) -> Rows {
    let mut rows = Rows::new();
    let mut markers: Vec<(RepoPath, Arc<Marker>)> = Vec::new();
    let mut add = |path: &RepoPath, local: Local| {
        let is_marker = matches!(local, Local::Marked { here: true, .. });
        let row =
            Row { path: path.clone(), local, base: world.base.get(path).cloned(), remote: None };
        let row = Row { remote: world.remote_entry(path), ..row };
        rows.insert((path.clone(), is_marker), row);
    };
    for entry in world.scan() {
        match entry.state {
            LocalState::File(stat) => add(&entry.path, Local::File(stat)),
            LocalState::Marked { marker, folder } => {
                markers.push((entry.path.clone(), Arc::clone(&marker)));
                if !folder {
                    add(&entry.path, Local::Marked { marker, here: true });
                }
            }
        }
    }
    let files: BTreeSet<_> = (world.base.keys().chain(world.remote.keys()))
        .filter(|path| !world.local.contains_key(*path) || world.is_ignored(path))
        .collect();
    for path in files {
        match markers.iter().find(|(above, _)| path.is_within(above)) {
            None => add(path, Local::Absent),
            Some((above, _)) if above == path && world.local_is_file(path) => (),
            Some((_, marker)) => {
                add(path, Local::Marked { marker: Arc::clone(marker), here: false });
            }
        }
    }
    for entry in world.scan() {
        if let LocalState::Marked { marker, folder: true } = entry.state {
            let local = Local::Marked { marker, here: true };
            let row = Row { path: entry.path.clone(), local, base: None, remote: None };
            rows.insert((entry.path, true), row);
        }
    }
    rows
}

/// The outermost paths that are a file on one side while something is below them on any.
fn naive_tops(rows: &Rows) -> BTreeSet<RepoPath> {
    let exists = |row: &Row| {
        row.remote.is_some()
            || matches!(row.local, Local::File(_) | Local::Marked { here: true, .. })
    };
    let existing: Vec<_> = rows.values().filter(|row| exists(row)).collect();
    let tops: BTreeSet<_> = (existing.iter())
        .filter(|top| !matches!(top.local, Local::Marked { .. }))
        .filter(|top| existing.iter().any(|row| row.path.is_below(&top.path)))
        .map(|top| top.path.clone())
        .collect();
    tops.iter().filter(|top| !top.ancestors().any(|it| tops.contains(&it))).cloned().collect()
}

#[test]
fn the_stories_reach_every_kind_of_action_conflict_and_notice() {
    let mut seen = BTreeSet::new();
    let mut runner = TestRunner::deterministic();
    for _ in 0..500 {
        let story = story().new_tree(&mut runner).unwrap().current();
        let plan = story.tell().plan(Direction::Sync, &story.pages);
        let in_clash = |action: &Action| if action.clash == 0 { "" } else { " in a clash" };
        let actions = plan.actions.iter();
        seen.extend(actions.map(|it| format!("{:?} {}{}", it.stage, it.word(), in_clash(it))));
        seen.extend(plan.conflicts.iter().map(|it| it.kind.word().to_owned()));
        seen.extend(plan.notices.iter().map(|it| it.kind().word().to_owned()));
    }
    for expected in [
        "Main adopt",
        "Main forget",
        "Main upload",
        "Main download",
        "Main move-local",
        "Last delete-local",
        "Last delete-remote",
        "Main upload in a clash",
        "Main download in a clash",
        "Main replace-folder in a clash",
        "Room delete-local in a clash",
        "Room delete-remote in a clash",
        "Last delete-remote in a clash",
        "Last delete-local in a clash",
        "both-changed",
        "both-created",
        "deleted-here",
        "deleted-there",
        "file-against-folder",
        "clash",
        "link",
        "forgotten",
    ] {
        assert!(seen.contains(expected), "{expected} is not among {seen:#?}");
    }
}

/// Carries out the beginning of a plan, and records the beginning of that.
fn kill(world: &mut World, plan: &Plan, story: &Story, done: Index, recorded: Index) {
    let actions = shuffled(plan, story.seed);
    let done = done.index(actions.len() + 1);
    let recorded = recorded.index(done + 1);
    for (index, action) in actions[..done].iter().enumerate() {
        let records = world.apply(action);
        if index < recorded {
            world.record(records);
        }
    }
}
