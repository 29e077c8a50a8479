//! Enumerates what can happen while a file is replaced: a person's edit before any call to the
//! disk, a second one before any later call, and a kill or a power loss at any change. Whatever
//! happens, nothing that somebody wrote and nobody knowingly overwrote is lost.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::FutureExt as _;
use lsync::disk::swap::NameIn;
use lsync::disk::{Contents, Disk as _};
use lsync::fakes::disk::{Call, Crash, Item, MemoryDisk, Operation, Person};
use lsync::local::replace::{
    Change, Outcome, Staged, Staging, Target, create_new, remove, remove_folder, rename, swap,
    swap_folder,
};
use lsync::remote::{
    Condition, FolderRemote, Reads as _, RemoteError, RemoteErrorKind, RemoteFuture, Uploads as _,
    Writes as _,
};
use lsync::repository::trash::{Fate, NewEntry, Side, TrashRun, What, Why, list, settle};
use lsync::tree::{Kind, Properties, RepoPath, Stat, Token};

const ROOT: &str = "/repo";
const OLD: &str = "old";
const NEW: &str = "new";
/// As long as the old contents, so that only times and inodes tell.
const EDITS: [&str; 2] = ["ed1", "ed2"];
const TICK: i64 = 4_000_000;
const DAY: i64 = 24 * 60 * 60 * 1_000_000_000;

/// What is done to the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Job {
    Create,
    Swap,
    SwapFolder,
    Remove,
    /// Another name for it.
    Rename,
    /// Another version in a folder bucket.
    Put,
    /// No version in a folder bucket any more.
    Delete,
}

impl Job {
    fn path(self) -> &'static str {
        if self == Self::SwapFolder { "docs/box" } else { "docs/a.txt" }
    }

    fn is_of_bucket(self) -> bool {
        matches!(self, Self::Put | Self::Delete)
    }

    /// Whether the name is empty while the job is done, or after.
    fn empties(self) -> bool {
        matches!(self, Self::Create | Self::Remove | Self::Rename | Self::Delete)
    }

    /// The file that the person edits.
    fn edited(self) -> String {
        let inner = if self == Self::SwapFolder { "/inner" } else { "" };
        format!("{ROOT}/{}{inner}", self.path())
    }
}

/// What a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// Writes in place.
    Write,
    /// Saves as editors do, by a rename.
    Save,
    /// Moves the file to a backup and writes a new one.
    Backup,
    Remove,
    Link,
    Folder,
}

const ACTS: [Act; 6] = [Act::Write, Act::Save, Act::Backup, Act::Remove, Act::Link, Act::Folder];

/// What kind of disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Model {
    Exchanges,
    Links,
    Neither,
    /// Folders cannot be moved, as those of a lower layer under overlayfs.
    Layers,
}

/// What the person does when, and what is known of it.
#[derive(Default)]
struct Script {
    calls: usize,
    /// The call that moves the first file.
    first_move: Option<usize>,
    /// The call that exchanges two names.
    exchange: Option<usize>,
    edits: Vec<(usize, Act)>,
    done: usize,
    /// What the person knowingly overwrote or deleted.
    superseded: BTreeSet<String>,
    written: Vec<&'static str>,
    last: Option<Act>,
    /// An edit came directly before the one call that the fallback cannot make safe.
    in_residual_window: bool,
    /// The name was found missing before this call, although nobody had removed it.
    missing_before: Option<Operation>,
}

struct World {
    job: Job,
    model: Model,
    disk: MemoryDisk,
    person: Person,
    script: Arc<Mutex<Script>>,
    expected: Option<Stat>,
    /// What the folder holds that gives way.
    inside: Option<Contents>,
    /// The version in the folder bucket.
    version: Option<Token>,
}

impl World {
    fn new(job: Job, model: Model, edits: &[(usize, Act)]) -> Self {
        let disk = MemoryDisk::new();
        let person = disk.person();
        person.make_folders(format!("{ROOT}/.lsync"));
        person.make_folders(format!("{ROOT}/docs"));
        if job != Job::Create {
            person.write(job.edited(), OLD);
        }
        disk.advance(1_000_000_000);
        disk.set_exchanges(matches!(model, Model::Exchanges | Model::Layers));
        if model == Model::Layers {
            disk.fix_folders();
        }
        disk.set_links(model != Model::Neither);
        disk.sync_all();
        let script = Script { edits: edits.to_vec(), ..Script::default() };
        let world = Self {
            job,
            model,
            expected: person.stat(format!("{ROOT}/{}", job.path())),
            inside: (job == Job::SwapFolder).then(|| {
                let folder = disk.open_path(&Path::new(ROOT).join(job.path())).unwrap();
                Contents::of(&disk, &folder).unwrap().unwrap()
            }),
            version: job.is_of_bucket().then(|| head(&disk).unwrap()),
            disk: disk.clone(),
            person,
            script: Arc::new(Mutex::new(script)),
        };
        let (script, person) = (Arc::clone(&world.script), world.person.clone());
        // The hook must not keep the disk alive through itself, but a test may.
        let clock = disk.process();
        disk.set_hook(Some(Arc::new(move |operation| {
            clock.advance(TICK);
            script.lock().unwrap().before(operation, &person, (job, model));
        })));
        world
    }

    /// Changes the folder bucket as a transfer does it.
    fn change_bucket(&self) -> Result<Outcome<()>, Box<dyn Error>> {
        let bucket = open_bucket(&self.disk)?;
        let path = RepoPath::parse(self.job.path())?;
        let version = self.version.clone().expect("it is known");
        let changed = if self.job == Job::Put {
            let properties = Properties::default().with_mtime(17_000_000_000);
            let body = Bytes::from(NEW).into();
            now(bucket.put(&path, body, &properties, &Condition::Matches(version))).map(|_| ())
        } else {
            now(bucket.delete(&path, &version))
        };
        match changed {
            Ok(()) => Ok(Outcome::Done(())),
            Err(error) => match error.kind {
                RemoteErrorKind::Changed if bucket.warning().is_some() => Ok(Outcome::EditInSlot),
                // What is there now cannot be replaced: a folder.
                RemoteErrorKind::Changed | RemoteErrorKind::Invalid => {
                    Ok(Outcome::Changed(Change::Touched))
                }
                RemoteErrorKind::NotFound => Ok(Outcome::Changed(Change::Gone)),
                _ => Err(error.into()),
            },
        }
    }

    /// Does the job as a transfer does it.
    fn run(&self) -> Result<Outcome<()>, Box<dyn Error>> {
        match self.job {
            Job::Put | Job::Delete => self.change_bucket(),
            Job::Rename => self.rename(),
            _ => self.change_here(),
        }
    }

    fn change_here(&self) -> Result<Outcome<()>, Box<dyn Error>> {
        let disk = &self.disk;
        let path = RepoPath::parse(self.job.path())?;
        let root = disk.open_path(Path::new(ROOT))?;
        let staging = Staging::open(disk, &root, "token")?;
        let control = &staging.main().control;
        let trash = TrashRun::begin(disk, control, 1_795_082_531_000_000_000, 1);
        let parent = staging.open_parent(&path, true)?;
        let target = Target { folder: &parent.folder, path: &path };
        let staged = if self.job == Job::Remove {
            None
        } else {
            let draft = staging.stage(&staging.for_parent(&parent)?, &path, None)?;
            draft.write(NEW.as_bytes())?;
            let staged = draft.seal(17_000_000_000)?;
            staged.sync(disk)?;
            Some(staged)
        };
        if self.job == Job::Create {
            let staged = staged.expect("there is one");
            return Ok(create_new(disk, &staged, &target)?.without_row());
        }
        let entry = NewEntry {
            path: &path,
            side: Side::Local,
            why: Why::Replaced,
            known: true,
            token: None,
            staged: staged.as_ref().map(|staged| &staged.stat),
            expected: self.expected.as_ref(),
            contents: self.inside.as_ref(),
        };
        let slot = trash.slot(&entry, &parent.top, control)?;
        trash.sync()?;
        let expected = self.expected.as_ref().expect("there is one");
        let mut of_file = None;
        let outcome = match &staged {
            None => remove(disk, &target, expected, slot.name())?,
            Some(staged) if self.job == Job::Swap => {
                swap(disk, staged, &target, expected, slot.name())?.without_row()
            }
            Some(staged) => {
                let [of_folder, file] = self.swap_folder(staged, &target, slot.name())?;
                of_file = Some(file);
                of_folder
            }
        };
        trash.close(
            &slot,
            match outcome {
                Outcome::Done(()) | Outcome::Returned => Fate::Kept,
                Outcome::Changed(_) | Outcome::NoExchange => Fate::Empty,
                Outcome::EditInSlot => Fate::Edit,
            },
        )?;
        trash.sync()?;
        disk.sync_folder(&parent.folder)?;
        trash.finish()?;
        Ok(of_file.unwrap_or(outcome))
    }

    /// Gives the file another name in another folder.
    fn rename(&self) -> Result<Outcome<()>, Box<dyn Error>> {
        let (from, to) = (RepoPath::parse(self.job.path())?, RepoPath::parse("other/b.txt")?);
        let root = self.disk.open_path(Path::new(ROOT))?;
        let staging = Staging::open(&self.disk, &root, "token")?;
        let (above, parent) = (staging.open_parent(&from, true)?, staging.open_parent(&to, true)?);
        let old = Target { folder: &above.folder, path: &from };
        let new = Target { folder: &parent.folder, path: &to };
        let expected = self.expected.as_ref().expect("there is one");
        let outcome = rename(&self.disk, &old, &new, expected)?.without_row();
        // The new name first: on a disk that keeps them apart, one of the two is always there.
        for folder in [&root, &parent.folder, old.folder] {
            self.disk.sync_folder(folder)?;
        }
        Ok(outcome)
    }

    /// Puts the file in the place of the folder, in one step or two; returns what became of the
    /// folder, and what of the file.
    fn swap_folder(
        &self,
        staged: &Staged<MemoryDisk>,
        target: &Target<'_, MemoryDisk>,
        slot: NameIn<'_, MemoryDisk>,
    ) -> Result<[Outcome<()>; 2], Box<dyn Error>> {
        let disk = &self.disk;
        let inside = self.inside.as_ref().expect("it is a folder");
        let is_same = |folder: &_| {
            Ok(Contents::of(disk, folder)?.is_some_and(|found| inside.is_untouched(&found)))
        };
        let place = (target, self.expected.as_ref().expect("there is one"));
        let swapped = swap_folder(disk, staged, place, slot, is_same)?;
        if self.model != Model::Layers || swapped != Outcome::NoExchange {
            return Ok([swapped.without_row(); 2]);
        }
        let removed = remove_folder(disk, place, slot, is_same)?;
        if removed != Outcome::Done(()) {
            return Ok([removed; 2]);
        }
        let created = create_new(disk, staged, target)?.without_row();
        disk.sync_folder(target.folder)?;
        Ok([removed, created])
    }

    /// Does what the next command does first, in a bucket what the first write of another day does.
    fn settle(&self) -> Result<Vec<What>, Box<dyn Error>> {
        if self.job.is_of_bucket() {
            self.disk.advance(2 * DAY);
            let (bucket, path) = (open_bucket(&self.disk)?, RepoPath::parse("other")?);
            let upload = now(bucket.start_upload(&path, &Properties::default()))?;
            now(bucket.abort_upload(&path, &upload))?;
            return Ok(Vec::new());
        }
        let root = self.disk.open_path(Path::new(ROOT))?;
        let staging = Staging::open(&self.disk, &root, "next")?;
        let settled = settle(&self.disk, &root, &staging.main().control)?;
        staging.sweep()?;
        Ok(settled.into_iter().map(|settled| settled.what).collect())
    }

    /// Everything but what a bucket makes and removes again whenever it is written.
    fn shown(&self) -> BTreeMap<PathBuf, Item> {
        let mut items = self.person.snapshot_below(ROOT);
        let passes = [".lsync", ".lsync/lock", ".lsync/tmp"].map(Path::new);
        items.retain(|path, _| !self.job.is_of_bucket() || !passes.contains(&path.as_path()));
        items
    }

    fn contents(&self) -> BTreeSet<String> {
        let items = self.person.snapshot_below(ROOT);
        items
            .into_iter()
            .filter(|(path, _)| !path.starts_with(".lsync/tmp"))
            .map(|(_, item)| String::from_utf8(item.contents).unwrap())
            .collect()
    }

    /// An edit that stays in the trash, or in lost/ of a bucket, is one that the person hears of.
    fn check_edits_in_trash(&self, is_reported: bool, what: &str) {
        let lost = self.person.stat(format!("{ROOT}/.lsync/lost"));
        assert_eq!(
            self.job.is_of_bucket() && open_bucket(&self.disk).unwrap().warning().is_some(),
            lost.is_some(),
            "an edit went to lost/ unseen: {what}"
        );
        let trash = self.person.stat(format!("{ROOT}/.lsync/trash"));
        let files = trash.map(|_| self.person.files_below(format!("{ROOT}/.lsync/trash")));
        let is_edit = |bytes: &Vec<u8>| EDITS.iter().any(|edit| edit.as_bytes() == bytes);
        let is_there = files.unwrap_or_default().values().any(is_edit);
        assert!(!is_there || is_reported, "an edit went to the trash unseen: {what}");
    }

    fn check_nothing_is_lost(&self, what: &str) {
        let script = self.script.lock().unwrap();
        assert_eq!(script.missing_before, None, "the name was missing: {what}");
        let contents = self.contents();
        // What a bucket was told to replace or delete is gone once that is done.
        let old = (self.job != Job::Create && !self.job.is_of_bucket()).then_some(OLD);
        let is_there = |text| contents.contains(text) || script.superseded.contains(text);
        assert!(
            self.job != Job::Put || script.in_residual_window || is_there(OLD) || is_there(NEW),
            "both versions are lost: {what}"
        );
        for written in old.into_iter().chain(script.written.iter().copied()) {
            assert!(
                is_there(written) || script.in_residual_window,
                "{written} is lost: {what}; {:?}",
                self.person.files_below(ROOT)
            );
        }
    }
}

fn open_bucket(disk: &MemoryDisk) -> Result<FolderRemote<MemoryDisk>, RemoteError> {
    FolderRemote::open(disk.clone(), Path::new(ROOT), "")
}

/// A folder bucket never waits.
fn now<T>(answer: RemoteFuture<'_, T>) -> Result<T, RemoteError> {
    answer.now_or_never().expect("it does not wait")
}

fn head(disk: &MemoryDisk) -> Result<Token, RemoteError> {
    let path = RepoPath::parse(Job::Put.path()).expect("it is one");
    Ok(now(open_bucket(disk)?.head(&path))?.entry.version.token)
}

trait WithoutRow {
    fn without_row(self) -> Outcome<()>;
}

impl<T> WithoutRow for Outcome<T> {
    fn without_row(self) -> Outcome<()> {
        match self {
            Self::Done(_) => Outcome::Done(()),
            Self::Changed(change) => Outcome::Changed(change),
            Self::Returned => Outcome::Returned,
            Self::EditInSlot => Outcome::EditInSlot,
            Self::NoExchange => Outcome::NoExchange,
        }
    }
}

/// What the name shows: bytes of a file, target of a link, the file in a folder.
fn shown(person: &Person, name: &str) -> Option<String> {
    let found = person.stat(name)?;
    let name = if found.kind == Kind::Folder { format!("{name}/inside") } else { name.to_owned() };
    let items = person.snapshot();
    items.get(Path::new(&name)).map(|item| String::from_utf8(item.contents.clone()).unwrap())
}

impl Script {
    fn before(&mut self, operation: &Operation, person: &Person, (job, model): (Job, Model)) {
        self.calls += 1;
        if operation.call == Call::RenameNew {
            self.first_move.get_or_insert(self.calls);
        }
        if operation.call == Call::Exchange {
            self.exchange.get_or_insert(self.calls);
        }
        let name = format!("{ROOT}/{}", job.path());
        let is_exempt = job.empties() || model == Model::Layers || self.last == Some(Act::Remove);
        if !is_exempt && person.stat(&name).is_none() && self.missing_before.is_none() {
            self.missing_before = Some(operation.clone());
        }
        while let Some((at, act)) = self.edits.get(self.done).copied() {
            if at >= self.calls {
                break;
            }
            self.in_residual_window |= operation.call == Call::RenameOver;
            self.act(act, person, &job.edited());
            self.done += 1;
        }
    }

    fn act(&mut self, act: Act, person: &Person, name: &str) {
        let folder = Path::new(name).parent().unwrap();
        if person.stat(folder).is_none_or(|stat| stat.kind != Kind::Folder) {
            return; // Our file has the place of the folder that the person works in.
        }
        let bytes = EDITS[self.done];
        let before = shown(person, name);
        let kind = person.stat(name).map(|stat| stat.kind);
        if act == Act::Backup && before.is_some() {
            person.rename(name, format!("{name}~{}", self.done));
        } else {
            self.superseded.extend(before);
            let is_file = kind == Some(Kind::File);
            let stays = is_file && matches!(act, Act::Write | Act::Save);
            if kind.is_some() && !stays {
                person.remove(name);
            }
        }
        match act {
            Act::Write | Act::Backup => person.write(name, bytes),
            Act::Save => person.save(name, bytes),
            Act::Remove => (),
            Act::Link => person.symlink(bytes, name),
            Act::Folder => person.write(format!("{name}/inside"), bytes),
        }
        if act != Act::Remove {
            self.written.push(bytes);
        }
        self.last = Some(act);
    }
}

/// Returns at which calls of an undisturbed job an edit is of interest, and how many changes it
/// makes.
///
/// Before the last look at the name all edits are alike: one of them stands for all.
fn measure(job: Job, model: Model) -> (Vec<usize>, u64) {
    let world = World::new(job, model, &[]);
    assert_eq!(world.run().unwrap(), expected_outcome(job, model), "{job:?} on {model:?}");
    world.check_nothing_is_lost("undisturbed");
    let script = world.script.lock().unwrap();
    // A bucket takes its lock between its look and the first move.
    let looks = if job.is_of_bucket() { 10 } else { 3 };
    let before_move = script.first_move.expect("something is moved").saturating_sub(looks);
    ([0].into_iter().chain(before_move..script.calls).collect(), world.disk.operations())
}

fn expected_outcome(job: Job, model: Model) -> Outcome<()> {
    match (job, model) {
        (Job::SwapFolder, Model::Links | Model::Neither) => Outcome::NoExchange,
        _ => Outcome::Done(()),
    }
}

/// Runs the job with these edits and checks what came of it.
fn check_edits(job: Job, model: Model, edits: &[(usize, Act)]) {
    let what = format!("{job:?} on {model:?} with {edits:?}");
    let world = World::new(job, model, edits);
    let outcome = world.run().unwrap_or_else(|error| panic!("{error:?}: {what}"));
    world.disk.set_hook(None);
    world.check_nothing_is_lost(&format!("{outcome:?} of {what}"));
    world.check_edits_in_trash(outcome == Outcome::EditInSlot, &what);
    let script = world.script.lock().unwrap();
    let is_last_removed = script.last == Some(Act::Remove);
    match outcome {
        Outcome::Done(()) => {
            let is_new = world.contents().contains(NEW) || job.empties();
            assert!(is_new || script.superseded.contains(NEW), "{what}");
        }
        Outcome::EditInSlot if model != Model::Exchanges => (),
        // The newest save has the name, whatever became of the one before.
        Outcome::Changed(_) | Outcome::Returned | Outcome::EditInSlot => {
            let kept = shown(&world.person, &job.edited());
            let last = script.written.last().map(|bytes| (*bytes).to_owned());
            assert!(kept == last || is_last_removed, "{kept:?} is not {last:?}: {what}");
            assert!(outcome != Outcome::Changed(Change::Gone) || script.done > 0, "{what}");
        }
        Outcome::NoExchange => assert_eq!(outcome, expected_outcome(job, model), "{what}"),
    }
    if matches!(outcome, Outcome::EditInSlot | Outcome::Returned) && !job.is_of_bucket() {
        let root = world.disk.open_path(Path::new(ROOT)).unwrap();
        let control = world.disk.open_folder(&root, OsStr::new(".lsync")).unwrap();
        assert_eq!(list(&world.disk, &root, &control).unwrap().len(), 1, "{what}");
    }
    drop(script);
    let before = world.contents();
    assert_eq!(world.settle().unwrap(), [], "{what}");
    assert_eq!(world.contents(), before, "{what}");
}

fn check_all_edits(job: Job, model: Model) {
    let (calls, _) = measure(job, model);
    for first in calls {
        for act in ACTS {
            check_edits(job, model, &[(first, act)]);
        }
    }
}

fn check_all_pairs_of_edits(job: Job, model: Model) {
    let (calls, _) = measure(job, model);
    // A put-back takes a few calls more than an undisturbed job.
    let last = calls.last().unwrap() + 6;
    for first in calls {
        for second in first..last {
            let acts = [Act::Write, Act::Save, Act::Backup, Act::Remove];
            for (act, then) in acts.into_iter().flat_map(|act| acts.map(|then| (act, then))) {
                check_edits(job, model, &[(first, act), (second, then)]);
            }
        }
    }
}

/// Kills the job at its `kill`th change, and settles.
fn check_kill(
    job: Job,
    model: Model,
    edits: &[(usize, Act)],
    (kill, crash): (u64, Crash),
) -> World {
    let what = format!("{job:?} on {model:?} with {edits:?}, {crash:?} at {kill}");
    let world = World::new(job, model, edits);
    world.disk.stop_after(kill);
    let result = world.run();
    world.disk.crash(crash);
    if result.is_err() {
        // Killed after its last line: the run itself has told of its edits.
        let is_finished = world.contents().iter().any(|text| text.contains("{finished: true}"));
        let settled = world.settle().unwrap_or_else(|error| panic!("{error}: {what}"));
        let is_reported = settled.iter().any(|what| matches!(what, What::Kept { .. }));
        world.check_edits_in_trash(is_finished || is_reported, &what);
        check_settled(&world, &what);
    }
    world
}

fn check_settled(world: &World, what: &str) {
    world.check_nothing_is_lost(what);
    {
        let script = world.script.lock().unwrap();
        let is_exempt = world.job.empties();
        let name = format!("{ROOT}/{}", world.job.path());
        assert!(
            is_exempt || script.last == Some(Act::Remove) || world.person.stat(name).is_some(),
            "the name is missing: {what}"
        );
    }
    world.disk.set_hook(None);
    let once = world.shown();
    assert_eq!(world.settle().unwrap(), [], "{what}");
    assert_eq!(world.shown(), once, "settling twice differs: {what}");
}

fn check_all_kills(job: Job, model: Model, acts: &[Act]) {
    let (calls, changes) = measure(job, model);
    for kill in 1..=changes + 4 {
        check_kill(job, model, &[], (kill, Crash::Kill));
        for first in &calls {
            for act in acts {
                check_kill(job, model, &[(*first, *act)], (kill, Crash::Kill));
            }
        }
    }
}

#[test]
fn an_edit_before_any_call_of_a_swap_is_never_lost_and_the_name_never_missing() {
    check_all_edits(Job::Swap, Model::Exchanges);
}

#[test]
fn two_edits_before_any_calls_of_a_swap_are_never_lost() {
    check_all_pairs_of_edits(Job::Swap, Model::Exchanges);
}

#[test]
fn an_edit_before_any_call_of_a_creation_is_never_lost() {
    check_all_edits(Job::Create, Model::Exchanges);
}

#[test]
fn an_edit_before_any_call_of_a_removal_is_never_lost() {
    check_all_edits(Job::Remove, Model::Exchanges);
    check_all_pairs_of_edits(Job::Remove, Model::Exchanges);
}

#[test]
fn an_edit_before_any_call_of_a_rename_is_never_lost() {
    check_all_edits(Job::Rename, Model::Exchanges);
    check_all_pairs_of_edits(Job::Rename, Model::Exchanges);
    check_all_kills(Job::Rename, Model::Exchanges, &ACTS);
}

#[test]
fn an_edit_inside_a_folder_that_gives_way_is_never_lost() {
    check_all_edits(Job::SwapFolder, Model::Exchanges);
    check_all_edits(Job::SwapFolder, Model::Neither);
}

#[test]
fn an_edit_inside_a_folder_that_is_taken_apart_is_never_lost() {
    check_all_edits(Job::SwapFolder, Model::Layers);
    check_all_pairs_of_edits(Job::SwapFolder, Model::Layers);
}

#[test]
fn a_folder_that_is_taken_apart_is_put_together_by_the_next_command_wherever_it_was_killed() {
    check_all_kills(Job::SwapFolder, Model::Layers, &ACTS);
}

#[test]
fn an_edit_is_never_lost_without_exchange_except_in_the_one_call_that_nothing_can_guard() {
    check_all_edits(Job::Swap, Model::Links);
    check_all_edits(Job::Swap, Model::Neither);
}

#[test]
fn a_swap_killed_anywhere_with_an_edit_anywhere_is_settled_without_loss() {
    check_all_kills(Job::Swap, Model::Exchanges, &ACTS);
}

#[test]
fn a_swap_without_exchange_killed_anywhere_is_settled_without_loss() {
    check_all_kills(Job::Swap, Model::Links, &[Act::Write, Act::Save, Act::Remove]);
    check_all_kills(Job::Swap, Model::Neither, &[Act::Write, Act::Save, Act::Remove]);
}

#[test]
fn removals_and_creations_killed_anywhere_are_settled_without_loss() {
    check_all_kills(Job::Remove, Model::Exchanges, &ACTS);
    check_all_kills(Job::Create, Model::Exchanges, &ACTS);
    check_all_kills(Job::SwapFolder, Model::Exchanges, &ACTS);
}

#[test]
fn an_edit_before_any_call_of_a_change_of_a_folder_bucket_is_never_lost() {
    for job in [Job::Put, Job::Delete] {
        check_all_edits(job, Model::Exchanges);
        check_all_pairs_of_edits(job, Model::Exchanges);
    }
    check_all_edits(Job::Put, Model::Neither);
}

#[test]
fn a_change_of_a_folder_bucket_killed_anywhere_with_an_edit_anywhere_loses_nothing() {
    check_all_kills(Job::Put, Model::Exchanges, &ACTS);
    check_all_kills(Job::Delete, Model::Exchanges, &ACTS);
}

#[test]
fn an_edit_before_any_call_that_settles_a_killed_swap_is_never_lost() {
    let world = World::new(Job::Swap, Model::Exchanges, &[]);
    world.run().unwrap();
    let changes = world.disk.operations();
    // Too late for the look before the exchange, so that the edit lies aside after it.
    let first = world.script.lock().unwrap().exchange.expect("there is one") - 1;
    for (kill, second) in
        (1..=changes).flat_map(|kill| (first..first + 40).map(move |it| (kill, it)))
    {
        for act in [Act::Write, Act::Save, Act::Backup, Act::Remove] {
            let edits = [(first, Act::Save), (second, act)];
            check_kill(Job::Swap, Model::Exchanges, &edits, (kill, Crash::Kill));
        }
    }
}

#[test]
fn a_power_loss_anywhere_loses_nothing_that_was_durable() {
    for (job, model) in [
        (Job::Swap, Model::Exchanges),
        (Job::Remove, Model::Exchanges),
        (Job::Rename, Model::Exchanges),
        (Job::SwapFolder, Model::Exchanges),
        (Job::SwapFolder, Model::Layers),
        (Job::Put, Model::Exchanges),
        (Job::Delete, Model::Exchanges),
    ] {
        let (_, changes) = measure(job, model);
        for kill in 1..=changes {
            check_kill(job, model, &[], (kill, Crash::PowerLoss));
            for seed in 0..20 {
                check_kill(job, model, &[], (kill, Crash::Ordered(seed)));
            }
        }
    }
}

#[test]
fn settling_killed_anywhere_is_settled_by_the_next_command() {
    for job in [Job::Swap, Job::Remove] {
        let (calls, changes) = measure(job, Model::Exchanges);
        let kills = (1..=changes).flat_map(|kill| calls.iter().map(move |first| (kill, *first)));
        for (kill, first) in kills {
            for (act, inner) in [Act::Write, Act::Save]
                .into_iter()
                .flat_map(|act| (1..=6).map(move |inner| (act, inner)))
            {
                let edits = [(first, act)];
                let what = format!("{job:?} with {edits:?}, killed at {kill}, then at {inner}");
                let world = World::new(job, Model::Exchanges, &edits);
                world.disk.stop_after(kill);
                if world.run().is_ok() {
                    continue;
                }
                world.disk.kill();
                world.disk.stop_after(inner);
                let is_killed = world.settle().is_err();
                world.disk.kill();
                world.check_nothing_is_lost(&what);
                if is_killed {
                    let settled = world.settle().unwrap();
                    let is_reported = settled.iter().any(|what| matches!(what, What::Kept { .. }));
                    world.check_edits_in_trash(is_reported, &what);
                    check_settled(&world, &what);
                }
            }
        }
    }
}
