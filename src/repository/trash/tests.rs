//! The trash by itself: names, pruning, restoring, several file systems.

use std::ffi::OsStr;
use std::path::Path;

use super::{
    Fate, Limits, NewEntry, Restored, Settled, Side, Slot, TrashError, TrashRun, Wanted, What, Why,
    list, prune, restore, settle,
};
use crate::disk::{Contents, Disk, RealDisk};
use crate::fakes::disk::{Crash, MemoryDisk, Person};
use crate::tree::{RepoPath, Stat, Token};

const DAY: i64 = 86_400_000_000_000;
const START: i64 = 1_795_082_531_000_000_000;

struct World<D: Disk> {
    disk: D,
    root: D::Folder,
    control: D::Folder,
}

impl<D: Disk> World<D> {
    fn new(disk: D, path: &Path) -> Self {
        let root = disk.make_path(path).unwrap();
        let control = disk.make_path(&path.join(".lsync")).unwrap();
        Self { disk, root, control }
    }

    fn run(&self, now: i64) -> TrashRun<D> {
        TrashRun::begin(&self.disk, &self.control, now, 0xab12)
    }

    fn slot(&self, run: &TrashRun<D>, path: &str, expected: Option<&Stat>) -> Slot<D> {
        let path = RepoPath::parse(path).unwrap();
        run.slot(&NewEntry { expected, ..new(&path, true) }, "", &self.control).unwrap()
    }

    /// Makes a file of this many bytes and moves it to the trash.
    fn trash(&self, run: &TrashRun<D>, path: &str, bytes: &[u8], known: bool) -> Slot<D> {
        let path = RepoPath::parse(path).unwrap();
        let slot = run.slot(&new(&path, known), "", &self.control).unwrap();
        let file = self.disk.create(&slot.folder, &slot.name, 0o666).unwrap();
        self.disk.write(&file, bytes).unwrap();
        run.close(&slot, Fate::Kept).unwrap();
        slot
    }

    fn operands(&self) -> Vec<String> {
        let listed = list(&self.disk, &self.root, &self.control).unwrap();
        listed.into_iter().map(|listed| listed.operand).collect()
    }

    fn restore(&self, wanted: &str) -> Result<Vec<Restored>, TrashError> {
        restore(&self.disk, &self.root, &self.control, &[Wanted::Named(wanted.to_owned())])
    }

    fn prune(&self, now: i64, days: u32, size: u64) -> u64 {
        let place = (&self.root, &self.control);
        prune(&self.disk, place, now, Limits { days, size }).unwrap()
    }

    fn settle(&self) -> Vec<Settled> {
        settle(&self.disk, &self.root, &self.control).unwrap()
    }
}

fn memory() -> (World<MemoryDisk>, Person) {
    let disk = MemoryDisk::new();
    (World::new(disk.clone(), Path::new("/repo")), disk.person())
}

fn new(path: &RepoPath, known: bool) -> NewEntry<'_> {
    NewEntry {
        path,
        side: Side::Local,
        why: Why::Replaced,
        known,
        token: None,
        staged: None,
        expected: None,
        contents: None,
    }
}

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

#[test]
fn two_runs_of_one_second_that_draw_the_same_number_have_a_folder_each() {
    let world = World::new(MemoryDisk::new(), Path::new("/w"));
    for text in ["one", "two"] {
        let run = world.run(START);
        world.trash(&run, "f", text.as_bytes(), true);
        run.finish().unwrap();
    }
    let operands = world.operands();
    assert_eq!(operands.len(), 2, "{operands:?}");
    assert!(operands.iter().any(|it| it.contains("-ab13/")), "{operands:?}");
}

#[test]
fn a_run_that_trashes_nothing_writes_nothing() {
    let (world, person) = memory();
    let before = person.snapshot();
    let run = world.run(START);
    run.sync().unwrap();
    run.finish().unwrap();
    assert!(!run.has_entries());
    assert_eq!(world.settle(), []);
    assert_eq!(person.snapshot(), before);
}

#[test]
fn nothing_in_the_trash_is_ever_overwritten() {
    let (world, person) = memory();
    let run = world.run(START);
    let operands: Vec<_> = [b"1", b"2", b"3"]
        .map(|bytes| world.trash(&run, "docs/a.txt", bytes, true).operand)
        .to_vec();
    let place = format!("{}/local/docs/a.txt", run.name());
    assert_eq!(operands, [place.clone(), format!("{place}.2"), format!("{place}.3")]);
    // Slots that are still empty are taken, too.
    let first = world.slot(&run, "b", None);
    assert_ne!(first.operand, world.slot(&run, "b", None).operand);
    assert_eq!(person.read(format!("/repo/.lsync/trash/{operands}", operands = operands[1])), b"2");
}

#[test]
fn a_file_and_a_folder_of_one_name_lie_beside_each_other() {
    let (world, _) = memory();
    let run = world.run(START);
    world.trash(&run, "a", b"file", true);
    let inner = world.trash(&run, "a/b", b"inner", true);
    assert_eq!(inner.operand, format!("{}/local/a.2/b", run.name()));
    world.trash(&run, "x/y", b"inner", true);
    let outer = world.trash(&run, "x", b"file", true);
    assert_eq!(outer.operand, format!("{}/local/x.2", run.name()));
}

#[test]
fn nothing_is_put_into_a_folder_that_is_kept_as_a_whole() {
    let (world, person) = memory();
    person.write("/repo/box/inner", "1");
    let run = world.run(START);
    let slot = world.slot(&run, "box", None);
    world.disk.rename_new((&world.root, OsStr::new("box")), slot.name()).unwrap();
    run.close(&slot, Fate::Kept).unwrap();
    let later = world.slot(&run, "box/other", None);
    assert_eq!(later.operand, format!("{}/local/box.2/other", run.name()));
    assert_eq!(list(&world.disk, &world.root, &world.control).unwrap()[0].size, Some(1));
}

#[test]
fn the_newest_copy_is_put_back_and_a_present_file_never_overwritten() {
    let (world, person) = memory();
    for (time, bytes) in [(START, b"older"), (START + DAY, b"newer")] {
        let run = world.run(time);
        world.trash(&run, "docs/a.txt", bytes, true);
        run.finish().unwrap();
    }
    let put_back = || vec![Restored::PutBack { path: path("docs/a.txt") }];
    assert_eq!(world.restore("docs/a.txt").unwrap(), put_back());
    assert_eq!(person.read("/repo/docs/a.txt"), b"newer");
    let left = world.operands();
    assert_eq!(left, ["20261119T100211Z-ab12/local/docs/a.txt"]);
    let operand = left[0].clone();
    let taken = vec![Restored::NameTaken { path: path("docs/a.txt"), operand: operand.clone() }];
    assert_eq!(world.restore("docs").unwrap(), taken);
    assert_eq!(person.read("/repo/docs/a.txt"), b"newer");
    person.rename("/repo/docs/a.txt", "/repo/mine");
    assert_eq!(world.restore(&operand).unwrap(), put_back());
    assert_eq!(person.read("/repo/docs/a.txt"), b"older");
    assert!(matches!(world.restore("docs"), Err(TrashError::NotFound { .. })));
}

#[test]
fn restoring_never_follows_a_link() {
    let (world, person) = memory();
    person.make_folders("/elsewhere");
    let run = world.run(START);
    world.trash(&run, "docs/a.txt", b"1", true);
    run.finish().unwrap();
    person.symlink("/elsewhere", "/repo/docs");
    assert!(matches!(world.restore("docs/a.txt").unwrap()[..], [Restored::NameTaken { .. }]));
    assert!(person.files_below("/elsewhere").is_empty());
}

#[test]
fn copies_of_the_bucket_and_versions_in_the_store_are_listed_and_restored() {
    let (world, person) = memory();
    person.write("/repo/.lsync/fetched", "theirs");
    let (run, etag) = (world.run(START), Token::new("e1"));
    let (stored, noted) = (path("a"), path("b"));
    let theirs = NewEntry { side: Side::Bucket, token: Some(&etag), ..new(&stored, false) };
    run.store_bucket(&theirs, (&world.control, OsStr::new("fetched"))).unwrap();
    run.note_version(&NewEntry { path: &noted, ..theirs }, "v7").unwrap();
    run.finish().unwrap();
    let listed = list(&world.disk, &world.root, &world.control).unwrap();
    assert_eq!((listed[0].version.as_deref(), listed[0].size), (Some("v7"), None));
    assert_eq!((listed[1].side, listed[1].size), (Side::Bucket, Some(6)));
    let in_store =
        Restored::InStore { path: noted, version: "v7".into(), token: Some(Token::new("e1")) };
    assert_eq!(world.restore("b").unwrap(), [in_store]);
    assert_eq!(world.restore("a").unwrap(), [Restored::PutBack { path: stored }]);
    assert_eq!(person.read("/repo/a"), b"theirs");
}

#[test]
fn known_contents_go_first_and_what_one_side_had_stays_its_days_whatever_its_size() {
    let (world, _) = memory();
    for (day, known, name) in
        [(0, false, "mine"), (1, true, "old"), (2, true, "new"), (39, false, "fresh")]
    {
        let run = world.run(START + day * DAY);
        world.trash(&run, name, &[0; 10], known);
        run.finish().unwrap();
    }
    let now = START + 40 * DAY;
    let names = || -> Vec<_> {
        let listed = list(&world.disk, &world.root, &world.control).unwrap();
        listed.into_iter().map(|listed| listed.path.to_string()).collect()
    };
    assert_eq!(world.prune(now, 30, 40), 0);
    assert_eq!(world.prune(now, 30, 39), 10);
    assert_eq!(names(), ["fresh", "new", "mine"]);
    assert_eq!(world.prune(now, 30, 25), 10);
    assert_eq!(names(), ["fresh", "mine"]);
    assert_eq!(world.prune(now, 50, 0), 0, "both are younger than 50 days");
    assert_eq!(world.prune(now, 30, 0), 10);
    assert_eq!(names(), ["fresh"]);
}

#[test]
fn empty_runs_are_removed_and_what_no_line_names_is_not() {
    let (world, person) = memory();
    for time in [START, START + DAY] {
        let run = world.run(time);
        world.trash(&run, "docs/a", b"1", true);
        run.finish().unwrap();
    }
    person.write("/repo/.lsync/trash/20261119T100211Z-ab12/local/unnamed", "2");
    world.prune(START + 2 * DAY, 30, 0);
    let left = person.snapshot_below("/repo/.lsync/trash");
    assert!(left.contains_key(Path::new("20261119T100211Z-ab12/local/unnamed")));
    assert!(!left.keys().any(|path| path.starts_with("20261120T100211Z-ab12")), "{left:?}");
}

#[test]
fn a_run_that_is_not_settled_is_not_pruned() {
    let (world, person) = memory();
    let run = world.run(START);
    person.write("/repo/a", "edit");
    let expected = person.stat("/repo/a").unwrap();
    let slot = world.slot(&run, "a", Some(&expected));
    world.disk.rename_new((&world.root, OsStr::new("a")), slot.name()).unwrap();
    run.finish().unwrap();
    assert_eq!(world.prune(START + 99 * DAY, 30, 0), 0);
    assert_eq!(world.settle(), []);
    assert_eq!(world.operands(), ["20261119T100211Z-ab12/local/a"]);
    assert_eq!(world.prune(START + 99 * DAY, 30, 0), 4);
}

#[test]
fn an_edit_whose_name_is_taken_is_kept_for_its_days_and_reported_with_its_place() {
    let (world, person) = memory();
    person.write("/repo/a", "old");
    let expected = person.stat("/repo/a").unwrap();
    let run = world.run(START);
    let slot = world.slot(&run, "a", Some(&expected));
    person.write("/repo/a", "edited");
    world.disk.rename_new((&world.root, OsStr::new("a")), slot.name()).unwrap();
    person.write("/repo/a", "once more");
    let operand = slot.operand.clone();
    let kept = Settled { path: path("a"), what: What::Kept { operand: operand.clone() } };
    assert_eq!(world.settle(), [kept]);
    assert_eq!(world.settle(), []);
    assert_eq!(world.prune(START, 30, 0), 0);
    assert_eq!(world.operands(), [operand]);
    assert_eq!(person.read("/repo/a"), b"once more");
}

/// Moves a folder to the trash, as a run that is killed before it looks into it once more. `is_noted`:
/// its line says what was in it.
fn take_box(is_noted: bool, act: impl FnOnce(&Person)) -> (World<MemoryDisk>, Person, String) {
    let (world, person) = memory();
    person.write("/repo/box/in/a", "old");
    world.disk.advance(DAY);
    let expected = person.stat("/repo/box").unwrap();
    let opened = world.disk.open_folder(&world.root, OsStr::new("box")).unwrap();
    let contents = Contents::of(&world.disk, &opened).unwrap().filter(|_| is_noted);
    let (run, path) = (world.run(START), path("box"));
    let entry =
        NewEntry { expected: Some(&expected), contents: contents.as_ref(), ..new(&path, false) };
    let slot = run.slot(&entry, "", &world.control).unwrap();
    act(&person);
    world.disk.rename_new((&world.root, OsStr::new("box")), slot.name()).unwrap();
    (world, person, slot.operand)
}

#[test]
fn a_folder_of_a_killed_run_that_holds_what_it_held_stays_in_the_trash_and_is_not_told() {
    let (world, person, operand) = take_box(true, |_| ());
    assert_eq!(world.settle(), []);
    assert_eq!(world.operands(), [operand]);
    assert!(person.stat("/repo/box").is_none());
}

#[test]
fn a_folder_of_a_killed_run_in_which_something_changed_is_restored() {
    let acts: [fn(&Person); 3] = [
        |person| person.write("/repo/box/in/a", "new"),
        |person| person.write("/repo/box/in/b", "new"),
        |person| person.symlink("new", "/repo/box/link"),
    ];
    for act in acts {
        let (world, person, _) = take_box(true, act);
        assert_eq!(world.settle(), [Settled { path: path("box"), what: What::PutBack }]);
        assert!(person.stat("/repo/box/in/a").is_some());
        assert_eq!(world.settle(), []);
    }
    // A line of an older lsync does not say what was in it: nobody can tell.
    let (world, _, _) = take_box(false, |_| ());
    assert_eq!(world.settle(), [Settled { path: path("box"), what: What::PutBack }]);
}

#[test]
fn a_folder_of_a_killed_run_that_changed_and_has_no_name_any_more_is_told_with_its_place() {
    let (world, person, operand) = take_box(true, |person| person.write("/repo/box/b", "new"));
    person.write("/repo/box", "saved since");
    let [settled] = world.settle().try_into().unwrap();
    let told = "what a killed run had moved is in the trash: lsync trash restore";
    assert_eq!(settled.to_string(), format!("box: {told} {operand}"));
    assert_eq!(world.settle(), []);
    assert_eq!(world.prune(START, 30, 0), 0);
    person.rename("/repo/box", "/repo/mine");
    world.restore(&operand).unwrap();
    assert_eq!(person.read("/repo/box/b"), b"new");
}

#[test]
fn a_folder_that_a_run_kept_as_an_edit_is_told_where_it_was_killed_before_it_could() {
    let (world, person) = memory();
    person.write("/repo/box/a", "edit");
    let run = world.run(START);
    let slot = world.slot(&run, "box", None);
    world.disk.rename_new((&world.root, OsStr::new("box")), slot.name()).unwrap();
    run.close(&slot, Fate::Edit).unwrap();
    let kept = What::Kept { operand: slot.operand.clone() };
    assert_eq!(world.settle(), [Settled { path: path("box"), what: kept }]);
    assert_eq!(world.settle(), []);
}

#[test]
fn what_a_power_cut_has_torn_in_the_trash_is_restored_and_not_called_an_edit() {
    let (world, person) = memory();
    person.write("/repo/a", "");
    world.disk.sync_all();
    person.append("/repo/a", "nobody has synced this");
    let expected = person.stat("/repo/a").unwrap();
    let run = world.run(START);
    let slot = world.slot(&run, "a", Some(&expected));
    world.disk.rename_new((&world.root, OsStr::new("a")), slot.name()).unwrap();
    run.sync().unwrap();
    world.disk.crash(Crash::PowerLoss);
    let (world, person) = (World::new(world.disk, Path::new("/repo")), person);
    let [settled] = world.settle().try_into().unwrap();
    assert_eq!(settled.to_string(), "a: what a killed run had moved away was restored");
    assert_eq!(person.read("/repo/a"), b"");
}

#[test]
fn the_trash_of_another_file_system_lies_there_and_is_settled_from_the_root() {
    let (world, person) = memory();
    person.mount("/repo/media");
    person.write("/repo/media/film", "edit");
    let control = world.disk.make_path(Path::new("/repo/media/.lsync")).unwrap();
    let run = world.run(START);
    let film = path("media/film");
    let slot = run.slot(&new(&film, true), "media", &control).unwrap();
    let media = world.disk.open_folder(&world.root, OsStr::new("media")).unwrap();
    world.disk.rename_new((&media, OsStr::new("film")), slot.name()).unwrap();
    assert!(person.try_read(format!("/repo/media/.lsync/trash/{}", slot.operand)).is_some());
    assert_eq!(world.settle(), [Settled { path: film, what: What::PutBack }]);
    assert_eq!(person.read("/repo/media/film"), b"edit");
    world.prune(START, 30, 0);
    assert_eq!(person.snapshot_below("/repo/media/.lsync/trash"), [].into());
}

#[test]
fn a_torn_list_is_settled_and_stays_readable() {
    let (world, person) = memory();
    let run = world.run(START);
    world.trash(&run, "a", b"1", true);
    let file = format!("/repo/.lsync/trash/{}/list.yaml", run.name());
    person.append(&file, "- {number: 2, path: \"b");
    assert_eq!(world.settle(), []);
    let text = String::from_utf8(person.read(&file)).unwrap();
    assert!(text.ends_with("\"b\n- {finished: true}\n"), "{text}");
    assert_eq!(world.operands().len(), 1);
}

#[test]
fn one_path_that_cannot_be_settled_does_not_stop_the_others() {
    let (world, person) = memory();
    let run = world.run(START);
    for name in ["a", "b"] {
        person.write(format!("/repo/{name}"), "edit");
        let slot = world.slot(&run, name, None);
        world.disk.rename_new((&world.root, OsStr::new(name)), slot.name()).unwrap();
    }
    world.disk.set_fault(Some(std::sync::Arc::new(|operation| {
        let is_a = operation.call == crate::fakes::disk::Call::RenameNew && operation.name == "a";
        is_a.then_some(crate::fakes::disk::Errno::IO)
    })));
    let settled = world.settle();
    assert!(matches!(settled[0].what, What::Open { .. }), "{settled:?}");
    assert_eq!(settled[1].what, What::PutBack);
    world.disk.set_fault(None);
    assert_eq!(world.settle(), [Settled { path: path("a"), what: What::PutBack }]);
}

#[test]
fn the_trash_works_on_a_real_file_system() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(RealDisk, folder.path());
    let run = world.run(START);
    world.trash(&run, "docs/a.txt", b"old", false);
    run.sync().unwrap();
    assert_eq!(world.settle(), []);
    assert_eq!(world.restore("docs").unwrap().len(), 1);
    assert_eq!(std::fs::read(folder.path().join("docs/a.txt")).unwrap(), b"old");
    world.prune(START + 31 * DAY, 30, 0);
    assert_eq!(std::fs::read_dir(folder.path().join(".lsync/trash")).unwrap().count(), 0);
}
