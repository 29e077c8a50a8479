//! The same `sync::plan` and `sync::carry_out` as the binary, over disks and a bucket in memory.

#![expect(clippy::unwrap_used, reason = "what a helper supposes is part of the test")]

#[path = "engine/comparing.rs"]
mod comparing;
#[path = "engine/durable.rs"]
mod durable;
#[path = "engine/folding.rs"]
mod folding;
#[path = "engine/listing.rs"]
mod listing;
#[path = "engine/moments.rs"]
mod moments;
#[path = "engine/mounts.rs"]
mod mounts;
#[path = "engine/moved.rs"]
mod moved;
#[path = "engine/operands.rs"]
mod operands;
#[path = "engine/parts.rs"]
mod parts;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use lsync::fakes::bucket::MemoryRemote;
use lsync::fakes::bucket::{Fault, Operation};
use lsync::fakes::disk::{Call, MemoryClock, MemoryDisk, Person};
use lsync::monitor::{Event, Monitor, Phase, Stop};
use lsync::plan::{Conflict, Direction, Plan, Resolution, Selection};
use lsync::remote::{Capabilities, RemoteErrorKind};
use lsync::repository::{Config, RemoteConfig, Repository};
use lsync::sync::{self, Locked, Report, Request, SyncError, Tuning, World};
use lsync::tree::RepoPath;

/// Collects events and counts bytes, so that a test can say what a person was told; whether a plan is
/// being carried out; and warnings.
#[derive(Default)]
struct Told(Mutex<Vec<Event>>, AtomicU64, AtomicBool, Mutex<Vec<String>>);

impl Monitor for Told {
    fn phase(&self, phase: Phase) {
        self.2.fetch_or(matches!(phase, Phase::Working { .. }), Ordering::Relaxed);
    }
    fn event(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
    fn bytes(&self, _: &RepoPath, count: u64) {
        self.1.fetch_add(count, Ordering::Relaxed);
    }
    fn bytes_lost(&self, _: &RepoPath, count: u64) {
        self.1.fetch_sub(count, Ordering::Relaxed);
    }
    fn counted(&self, _: u64, _: u64) {}
    fn warning(&self, message: &str) {
        self.3.lock().unwrap().push(message.to_owned());
    }
}

/// One working copy on a disk of its own.
struct Client {
    disk: MemoryDisk,
    remote: MemoryRemote,
    told: Arc<Told>,
}

impl Client {
    fn new(remote: &MemoryRemote) -> Self {
        let disk = MemoryDisk::new();
        disk.set_now(1_700_000_000_000_000_000);
        let config = Config::new(RemoteConfig {
            url: "s3://team".to_owned(),
            region: None,
            endpoint: None,
            profile: None,
            path_style: false,
        });
        disk.person().make_folders("/w");
        Repository::create(&disk, Path::new("/w"), &config).unwrap();
        disk.advance(1_000_000_000);
        Self { disk, remote: remote.client("client", None), told: Arc::default() }
    }

    fn world(&self) -> World<MemoryDisk, MemoryClock> {
        let repository = Repository::open(&self.disk, Path::new("/w")).unwrap();
        World {
            remote_id: repository.config.remote.id(),
            disk: self.disk.clone(),
            repository,
            remote: Arc::new(self.remote.clone()),
            prefix_bytes: 0,
            clock: self.disk.clock(),
            monitor: self.told.clone(),
            stop: Stop::default(),
            parallel: false,
        }
    }

    fn person(&self) -> Person {
        self.disk.person()
    }

    fn write(&self, path: &str, bytes: &str) {
        let path = Path::new("/w").join(path);
        self.person().make_folders(path.parent().unwrap());
        self.person().save(path, bytes);
        self.disk.advance(1_000_000_000);
    }

    fn remove(&self, path: &str) {
        self.person().remove(Path::new("/w").join(path));
        self.disk.advance(1_000_000_000);
    }

    fn read(&self, path: &str) -> Option<String> {
        let bytes = self.person().try_read(Path::new("/w").join(path))?;
        Some(String::from_utf8(bytes).unwrap())
    }

    /// Every file of the working copy outside `.lsync`, with its contents.
    fn tree(&self) -> Vec<(String, String)> {
        let files = self.person().files_below("/w").into_iter();
        files
            .map(|(path, bytes)| {
                (path.to_str().unwrap().to_owned(), String::from_utf8(bytes).unwrap())
            })
            .filter(|(path, _)| !path.starts_with(".lsync/"))
            .collect()
    }

    async fn try_run(&self, request: &Request) -> Result<Report, SyncError> {
        let world = self.world();
        let locked = begin(&world, request)?;
        let plan = sync::plan(&locked, request).await?;
        sync::carry_out(locked, request, plan).await
    }

    async fn run(&self, direction: Direction) -> Report {
        self.try_run(&request(direction)).await.unwrap()
    }

    async fn sync(&self) -> Report {
        self.run(Direction::Sync).await
    }

    async fn plan(&self) -> Plan {
        self.plan_of(request(Direction::Sync)).await
    }

    async fn plan_of(&self, request: Request) -> Plan {
        let world = self.world();
        let opened = sync::look(&world, &request).unwrap();
        sync::plan(&opened, &request).await.unwrap()
    }

    /// Settles every open conflict in one way.
    async fn resolve(&self, resolution: Resolution) -> Report {
        let world = self.world();
        let request = request(Direction::Sync);
        let locked = begin(&world, &request).unwrap();
        let plan = sync::plan(&locked, &request).await.unwrap();
        let choices: Vec<(Conflict, Resolution)> =
            plan.conflicts.iter().cloned().map(|conflict| (conflict, resolution)).collect();
        let plan = lsync::plan::settle(plan, &choices, "ann-20261120T000000Z-ab12");
        sync::carry_out(locked, &request, plan).await.unwrap()
    }
}

/// Opens a run under the lock.
fn begin<'w>(
    world: &'w World<MemoryDisk, MemoryClock>,
    request: &Request,
) -> Result<Locked<'w, MemoryDisk, MemoryClock>, SyncError> {
    let lock = world.repository.lock(&world.disk, "sync").unwrap();
    sync::begin(world, lock, request)
}

fn request(direction: Direction) -> Request {
    Request {
        direction,
        implicit_force: false,
        selection: Selection::all(),
        unlisted: false,
        no_delete: false,
        max_delete: None,
        max_change: None,
        tuning: Tuning::of(NonZeroUsize::new(4).unwrap()),
        limit: None,
        backup: true,
        resolving: false,
    }
}

/// What went over the line: making things durable does not.
fn requests(remote: &MemoryRemote) -> Vec<Operation> {
    let calls = remote.calls().into_iter().map(|(operation, _)| operation);
    calls.filter(|operation| *operation != Operation::Flush).collect()
}

fn only(path: &str) -> Selection {
    Selection::new([RepoPath::parse(path).unwrap()], &[], &[]).unwrap()
}

fn team() -> (MemoryRemote, Client, Client) {
    let remote = MemoryRemote::new();
    let (ann, bob) = (Client::new(&remote), Client::new(&remote));
    (remote, ann, bob)
}

fn pairs(tree: &[(&str, &str)]) -> Vec<(String, String)> {
    tree.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

#[tokio::test]
async fn what_one_writes_the_other_gets_and_a_second_run_only_lists() {
    let (remote, ann, bob) = team();
    ann.write("a.txt", "one");
    ann.write("docs/b.txt", "");
    let report = ann.sync().await;
    assert_eq!((report.uploaded, report.failed), (2, 0), "{:?}", ann.told.0.lock().unwrap());
    assert_eq!(bob.sync().await.downloaded, 2);
    assert_eq!(bob.tree(), pairs(&[("a.txt", "one"), ("docs/b.txt", "")]));
    for client in [&ann, &bob] {
        remote.clear_calls();
        let before = client.person().snapshot();
        let report = client.sync().await;
        assert!(report.is_complete());
        assert_eq!(remote.calls().len(), 1);
        assert_eq!(remote.count(Operation::List), 1);
        let after = client.person().snapshot();
        let changed: Vec<_> = before.keys().filter(|path| before[*path] != after[*path]).collect();
        assert!(changed.iter().all(|path| path.ends_with(".lsync/lock")), "{changed:?}");
        assert_eq!(before.len(), after.len());
    }
}

#[tokio::test]
async fn an_edit_travels_and_the_old_bytes_go_to_the_trash() {
    let (_, ann, bob) = team();
    ann.write("f", "one");
    ann.sync().await;
    bob.sync().await;
    ann.write("f", "two");
    assert_eq!(ann.sync().await.uploaded, 1);
    assert_eq!(bob.sync().await.downloaded, 1);
    assert_eq!(bob.read("f").as_deref(), Some("two"));
    let kept: Vec<_> = bob.person().files_below("/w/.lsync/trash").into_values().collect();
    assert!(kept.contains(&b"one".to_vec()));
}

#[tokio::test]
async fn a_deletion_travels_and_empties_the_folder() {
    let (remote, ann, bob) = team();
    ann.write("d/f", "one");
    ann.write("g", "stays");
    ann.sync().await;
    bob.sync().await;
    ann.remove("d/f");
    assert_eq!(ann.sync().await.deleted_remote, 1);
    assert_eq!(bob.sync().await.deleted_local, 1);
    assert_eq!(remote.contents().len(), 1);
    assert!(bob.person().stat("/w/d").is_none());
}

#[tokio::test]
async fn both_edited_is_a_conflict_that_each_choice_settles() {
    for (resolution, ours, theirs) in
        [(Resolution::Ours, "bob's", "bob's"), (Resolution::Theirs, "ann's", "ann's")]
    {
        let (remote, ann, bob) = team();
        ann.write("f", "one");
        ann.sync().await;
        bob.sync().await;
        ann.write("f", "ann's");
        bob.write("f", "bob's");
        ann.sync().await;
        assert_eq!(bob.sync().await.conflicts, 1);
        assert_eq!(bob.read("f").as_deref(), Some("bob's"));
        assert_eq!(remote.bytes("f").unwrap(), "ann's");
        assert_eq!(bob.resolve(resolution).await.conflicts, 0);
        assert_eq!(bob.read("f").as_deref(), Some(ours));
        assert_eq!(remote.bytes("f").unwrap(), theirs);
        let kept: Vec<_> = bob.person().files_below("/w/.lsync/trash").into_values().collect();
        let loser = if resolution == Resolution::Ours { "ann's" } else { "bob's" };
        assert!(kept.contains(&loser.as_bytes().to_vec()), "{resolution:?}");
        assert!(bob.plan().await.actions.is_empty());
    }
}

#[tokio::test]
async fn keeping_both_leaves_theirs_under_the_name_and_ours_beside_it() {
    let (remote, ann, bob) = team();
    ann.write("f.txt", "ann's");
    bob.write("f.txt", "bob's");
    ann.sync().await;
    assert_eq!(
        bob.resolve(Resolution::Both).await.kept_both,
        1,
        "{:?}",
        bob.told.0.lock().unwrap()
    );
    let copy = "f.conflict-ann-20261120T000000Z-ab12.txt";
    let both = pairs(&[(copy, "bob's"), ("f.txt", "ann's")]);
    assert_eq!(bob.tree(), both);
    assert_eq!(remote.bytes(copy).unwrap(), "bob's");
    assert!(bob.plan().await.actions.is_empty());
    ann.sync().await;
    assert_eq!(ann.tree(), both);
}

#[tokio::test]
async fn the_same_edit_on_both_sides_is_adopted_without_a_transfer() {
    let (remote, ann, bob) = team();
    ann.write("f", "same");
    bob.write("f", "same");
    ann.sync().await;
    remote.clear_calls();
    assert_eq!(bob.sync().await.adopted, 1);
    assert_eq!(requests(&remote), [Operation::List]);
}

#[tokio::test]
async fn a_file_that_became_a_folder_travels_both_ways() {
    for file_beside_folder in [true, false] {
        let capabilities = Capabilities { file_beside_folder, ..Capabilities::full() };
        let remote = MemoryRemote::with_capabilities(capabilities);
        let (ann, bob) = (Client::new(&remote), Client::new(&remote));
        ann.write("a", "file");
        ann.write("keep", "k");
        ann.write("keep2", "k");
        ann.sync().await;
        bob.sync().await;
        ann.remove("a");
        ann.write("a/b", "inside");
        ann.sync().await;
        let report = bob.sync().await;
        assert!(report.is_complete(), "{:?}", bob.told.0.lock().unwrap());
        assert_eq!(bob.tree()[0], ("a/b".to_owned(), "inside".to_owned()));
        assert!(remote.bytes("a").is_none());
        // And back again: a file takes the folder's place.
        bob.remove("a/b");
        bob.person().remove("/w/a");
        bob.write("a", "file again");
        bob.sync().await;
        let report = ann.sync().await;
        assert!(report.is_complete(), "{:?}", ann.told.0.lock().unwrap());
        assert_eq!(ann.tree()[0], ("a".to_owned(), "file again".to_owned()));
        assert!(ann.plan().await.actions.is_empty());
    }
}

#[tokio::test]
async fn an_operand_moves_only_what_lies_below_it() {
    let (remote, ann, _) = team();
    ann.write("docs/a", "1");
    ann.write("docs2/b", "2");
    let asked = Request { selection: only("docs"), ..request(Direction::Push) };
    assert_eq!(ann.try_run(&asked).await.unwrap().uploaded, 1);
    assert_eq!(remote.contents().keys().collect::<Vec<_>>(), ["docs/a"]);
    let typo = Request { selection: only("dosc"), ..request(Direction::Push) };
    assert!(matches!(ann.try_run(&typo).await, Err(SyncError::NothingMatches(_))));
}

#[tokio::test]
async fn a_file_operand_costs_one_head_and_one_list() {
    let (remote, ann, _) = team();
    ann.write("f", "1");
    ann.sync().await;
    ann.write("f", "2");
    remote.clear_calls();
    let asked = Request { selection: only("f"), ..request(Direction::Push) };
    assert_eq!(ann.try_run(&asked).await.unwrap().uploaded, 1);
    assert_eq!(requests(&remote), [Operation::Head, Operation::List, Operation::Put]);
}

#[tokio::test]
async fn new_rules_of_a_teammate_hold_for_what_they_bring() {
    let (_, ann, bob) = team();
    ann.write("x.log", "log");
    ann.sync().await;
    ann.write(".lsyncignore", "*.log\n");
    let report = ann.sync().await;
    assert_eq!((report.forgotten, report.incomplete), (1, 1));
    assert_eq!(ann.read("x.log").as_deref(), Some("log"));
    bob.sync().await;
    assert_eq!(bob.tree(), pairs(&[(".lsyncignore", "*.log\n")]));
}

#[tokio::test]
async fn a_deletion_is_done_even_if_no_answer_to_it_ever_came() {
    let (remote, ann, _) = team();
    ann.write("a.txt", "a");
    ann.write("b.txt", "b");
    ann.sync().await;
    ann.remove("a.txt");
    let lost = Fault::new(RemoteErrorKind::Interrupted).on(Operation::Delete);
    remote.fail(lost.clone().nth(1).after_it_took_effect());
    remote.fail(lost);
    let report = ann.sync().await;
    assert_eq!((report.failed, report.changed_meanwhile), (0, 0));
    assert_eq!(remote.contents().into_keys().collect::<Vec<_>>(), ["b.txt"]);
}

#[tokio::test]
async fn a_forced_push_keeps_what_it_replaces() {
    let (remote, ann, bob) = team();
    ann.write("f", "ann's");
    ann.sync().await;
    bob.write("f", "bob's");
    let asked = Request { selection: only("f"), ..request(Direction::ForcedPush) };
    assert_eq!(bob.try_run(&asked).await.unwrap().uploaded, 1);
    assert_eq!(remote.bytes("f").unwrap(), "bob's");
    let kept: Vec<_> = bob.person().files_below("/w/.lsync/trash").into_values().collect();
    assert!(kept.contains(&b"ann's".to_vec()));
}

#[tokio::test]
async fn large_files_go_in_parts_and_come_back_whole() {
    let (remote, ann, bob) = team();
    let large = "0123456789abcdef".repeat(600_000);
    ann.write("large", &large);
    assert_eq!(ann.sync().await.uploaded, 1);
    assert!(remote.count(Operation::UploadPart) >= 2);
    bob.sync().await;
    assert!(bob.read("large").as_deref() == Some(&large));
    assert!(remote.open_uploads().is_empty());
}

#[tokio::test]
async fn mirrors_make_one_side_exactly_the_other() {
    let (remote, ann, bob) = team();
    for name in ["a", "b", "c"] {
        ann.write(name, "1");
    }
    ann.sync().await;
    bob.sync().await;
    bob.write("a", "edited");
    bob.write("extra", "extra");
    bob.remove("b");
    bob.run(Direction::MirrorPull).await;
    assert_eq!(bob.tree(), pairs(&[("a", "1"), ("b", "1"), ("c", "1")]));
    ann.write("a", "mine");
    ann.remove("c");
    remote.put_as_somebody("foreign", "x");
    ann.run(Direction::MirrorPush).await;
    let keys: Vec<_> = remote.contents().into_keys().collect();
    assert_eq!(keys, ["a", "b"]);
    assert_eq!(remote.bytes("a").unwrap(), "mine");
}

#[tokio::test]
async fn an_edit_in_the_same_tick_as_the_upload_is_seen_by_the_next_run() {
    let (remote, ann, _) = team();
    ann.person().write("/w/f", "one!");
    ann.disk.set_tick(4_000_000);
    let tick = ann.disk.now();
    assert_eq!(ann.sync().await.uploaded, 1);
    // In place, to the same length, at the very mtime: only the ctime can tell.
    let mtime = ann.person().stat("/w/f").unwrap().mtime;
    assert!(ann.disk.now() > tick, "the upload has waited for the next tick");
    ann.person().write("/w/f", "two!");
    ann.person().set_mtime("/w/f", mtime);
    assert_eq!(ann.sync().await.uploaded, 1);
    assert_eq!(remote.bytes("f").unwrap(), "two!");
}

#[tokio::test]
async fn folders_without_a_file_give_way_to_one() {
    let (_, ann, bob) = team();
    ann.write("a", "file");
    ann.sync().await;
    bob.person().make_folders("/w/a/in/deep");
    bob.person().make_folders("/w/a/beside");
    let report = bob.sync().await;
    assert!(report.is_complete(), "{:?}", bob.told.0.lock().unwrap());
    assert_eq!(bob.tree(), pairs(&[("a", "file")]));
}

#[tokio::test]
async fn a_folder_renamed_while_a_file_comes_into_it_deletes_nothing_in_the_bucket() {
    let (remote, ann, bob) = team();
    ann.write("d/y", "ann's");
    ann.write("keep", "k");
    ann.sync().await;
    bob.person().make_folders("/w/d");
    let (disk, person) = (bob.disk.clone(), bob.disk.process().person());
    disk.set_hook(Some(Arc::new(move |operation: &lsync::fakes::disk::Operation| {
        let gets_its_name = operation.other.as_ref().is_some_and(|(_, name)| name == "y");
        if gets_its_name && person.stat("/w/d").is_some() {
            person.rename("/w/d", "/w/elsewhere");
        }
    })));
    let report = bob.sync().await;
    disk.set_hook(None);
    assert_eq!((report.changed_meanwhile, report.is_complete()), (1, false));
    bob.write("elsewhere/y", "bob's");
    bob.sync().await;
    assert_eq!(remote.bytes("d/y").unwrap(), "ann's");
    assert_eq!(bob.read("d/y").as_deref(), Some("ann's"));
}

#[tokio::test]
async fn what_cannot_come_into_a_folder_that_cannot_be_searched_is_reported() {
    let (_, ann, bob) = team();
    ann.write("d/x", "ann's");
    ann.sync().await;
    bob.person().make_folders("/w/d");
    for mode in [0o644, 0o000] {
        bob.person().set_mode("/w/d", mode);
        let report = bob.sync().await;
        assert!(!report.is_complete(), "{mode:o}: {report:?}");
    }
}

#[tokio::test]
async fn what_a_deletion_took_survives_a_power_loss_in_the_trash() {
    let (_, ann, bob) = team();
    ann.write("a/in", "ann's");
    ann.write("keep", "k");
    ann.sync().await;
    bob.sync().await;
    ann.remove("a/in");
    ann.sync().await;
    bob.disk.sync_all();
    assert_eq!(bob.sync().await.deleted_local, 1);
    bob.disk.crash(lsync::fakes::disk::Crash::PowerLoss);
    let kept: Vec<_> = bob.person().files_below("/w/.lsync/trash").into_values().collect();
    assert!(kept.contains(&b"ann's".to_vec()));
}

#[tokio::test]
async fn a_file_put_into_a_folder_that_gives_way_comes_back_with_it() {
    for exchanges in [true, false] {
        let (_, ann, bob) = team();
        ann.write("d/x", "1");
        ann.write("keep", "k");
        ann.sync().await;
        bob.sync().await;
        ann.remove("d/x");
        ann.person().remove("/w/d");
        ann.write("d", "a file");
        ann.sync().await;
        bob.disk.set_exchanges(exchanges);
        let person = bob.disk.process().person();
        // In the last moment before the folder loses its name.
        bob.disk.set_hook(Some(Arc::new(move |operation: &lsync::fakes::disk::Operation| {
            use lsync::fakes::disk::Call;
            let other = operation.other.as_ref();
            let takes = operation.call == Call::RenameNew && operation.folder == Path::new("/w");
            let swaps = operation.call == Call::Exchange
                && other.is_some_and(|(folder, _)| folder == Path::new("/w"));
            let is_folder = |stat: lsync::tree::Stat| stat.kind == lsync::tree::Kind::Folder;
            if (takes || (swaps && exchanges)) && person.stat("/w/d").is_some_and(is_folder) {
                person.write("/w/d/new", "bob's");
            }
        })));
        let report = bob.sync().await;
        bob.disk.set_hook(None);
        assert_eq!(report.changed_meanwhile, 1, "{report:?}");
        assert_eq!(bob.read("d/new").as_deref(), Some("bob's"), "exchanges: {exchanges}");
    }
}

#[tokio::test]
async fn killed_while_it_keeps_both_no_name_ever_holds_the_wrong_side() {
    let copy = "/w/f.conflict-ann-20261120T000000Z-ab12.txt";
    for stop in 1.. {
        let (_, ann, bob) = team();
        ann.write("f.txt", "ann's");
        bob.write("f.txt", "bob's");
        ann.sync().await;
        let world = bob.world();
        let request = request(Direction::Sync);
        let locked = begin(&world, &request).unwrap();
        let plan = sync::plan(&locked, &request).await.unwrap();
        let choices = [(plan.conflicts[0].clone(), Resolution::Both)];
        let plan = lsync::plan::settle(plan, &choices, "ann-20261120T000000Z-ab12");
        let before = bob.disk.operations();
        bob.disk.stop_after(stop);
        let finished = sync::carry_out(locked, &request, plan).await;
        let is_over = finished.is_ok_and(|report| report.kept_both == 1);
        assert!(bob.disk.operations() > before);
        drop(world);
        bob.disk.kill();
        let beside = bob.person().try_read(copy);
        assert!(beside.is_none_or(|bytes| bytes == b"bob's"), "stopped at {stop}");
        assert!(bob.read("f.txt").is_some(), "the name is never empty: stopped at {stop}");
        let ours = bob.person().files_below("/w").into_values().any(|bytes| bytes == b"bob's");
        assert!(ours, "stopped at {stop}");
        if is_over {
            assert!(stop > 5, "the loop has seen the steps in between");
            return;
        }
    }
}

/// Writes as many other bytes in place and puts the mtime back, without a moment passing.
fn rewrite_unseen(person: &Person, path: &str, bytes: &str) {
    let mtime = person.stat(path).unwrap().mtime;
    person.write(path, bytes);
    person.set_mtime(path, mtime);
}

/// Lets a person rewrite `/w/f` unseen as soon as it holds `theirs`, in the tick in which it got them.
fn rewrite_in_the_tick_of_the_pull(client: &Client, theirs: &'static str, edit: &'static str) {
    let person = client.disk.process().person();
    client.disk.set_hook(Some(Arc::new(move |operation: &lsync::fakes::disk::Operation| {
        let holds = person.try_read("/w/f").is_some_and(|bytes| bytes == theirs.as_bytes());
        if holds && operation.call == Call::SyncFolder {
            rewrite_unseen(&person, "/w/f", edit);
        }
    })));
}

#[tokio::test]
async fn an_edit_in_the_tick_of_a_pull_with_its_mtime_put_back_is_seen() {
    for replaces in [true, false] {
        let (remote, ann, bob) = team();
        if replaces {
            ann.write("f", "first");
            ann.sync().await;
            bob.sync().await;
        }
        ann.write("f", "ann's");
        ann.sync().await;
        rewrite_in_the_tick_of_the_pull(&bob, "ann's", "bob's");
        bob.sync().await;
        bob.disk.set_hook(None);
        assert_eq!(bob.read("f").as_deref(), Some("bob's"));
        assert_eq!(bob.sync().await.uploaded, 1, "replaces: {replaces}");
        assert_eq!(remote.bytes("f").unwrap(), "bob's");
    }
}

#[tokio::test]
async fn an_edit_after_a_pull_is_seen_though_the_clock_was_set_back_before_it() {
    let (_, ann, bob) = team();
    bob.disk.set_tick(1_000_000_000);
    ann.write("f", "ann's");
    ann.sync().await;
    // The upload reads the clock, before somebody sets it back by an hour.
    bob.write("g", "bob's own");
    let (disk, person) = (bob.disk.process(), bob.disk.process().person());
    let is_set_back = AtomicBool::new(false);
    bob.disk.set_hook(Some(Arc::new(move |operation: &lsync::fakes::disk::Operation| {
        let takes_name = operation.call == Call::RenameNew;
        if takes_name && !is_set_back.swap(true, Ordering::Relaxed) {
            disk.set_now(disk.now() - 3_600_000_000_000);
        }
        let is_recorded = operation.call == Call::Write;
        if is_recorded && operation.name == "journal.yaml" && person.try_read("/w/f").is_some() {
            rewrite_unseen(&person, "/w/f", "bob's");
        }
    })));
    bob.sync().await;
    bob.disk.set_hook(None);
    assert_eq!(bob.read("f").as_deref(), Some("bob's"));
    assert_eq!(bob.sync().await.uploaded, 1);
}

#[tokio::test]
async fn an_edit_of_theirs_in_the_tick_in_which_both_were_kept_is_seen() {
    let (remote, ann, bob) = team();
    ann.write("f", "ann's");
    bob.write("f", "bob's");
    ann.sync().await;
    let person = bob.disk.process().person();
    bob.disk.set_hook(Some(Arc::new(move |operation: &lsync::fakes::disk::Operation| {
        let holds = person.try_read("/w/f").is_some_and(|bytes| bytes == b"ann's");
        // The look at the copy that is about to be stored, before its tick has passed.
        let is_copy = operation.name.to_string_lossy().contains(".conflict-");
        if holds && is_copy && operation.call == Call::Lstat {
            rewrite_unseen(&person, "/w/f", "later");
        }
    })));
    assert_eq!(bob.resolve(Resolution::Both).await.kept_both, 1);
    bob.disk.set_hook(None);
    assert_eq!(bob.read("f").as_deref(), Some("later"));
    assert_eq!(bob.sync().await.uploaded, 1);
    assert_eq!(remote.bytes("f").unwrap(), "later");
}

#[tokio::test]
async fn the_run_after_a_pull_reads_no_file() {
    for tick in [1_000, 4_000_000, 1_000_000_000] {
        let (_, ann, bob) = team();
        bob.disk.set_tick(tick);
        for name in ["a", "d/b", "d/c"] {
            ann.write(name, "one");
        }
        ann.sync().await;
        assert_eq!(bob.sync().await.downloaded, 3);
        let read = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&read);
        bob.disk.set_hook(Some(Arc::new(move |operation: &lsync::fakes::disk::Operation| {
            let reads = operation.call == Call::ReadAt;
            if reads && !operation.folder.starts_with("/w/.lsync") {
                seen.lock().unwrap().push(operation.name.clone());
            }
        })));
        let report = bob.sync().await;
        bob.disk.set_hook(None);
        assert_eq!((report.adopted, report.uploaded), (0, 0), "tick of {tick} ns");
        assert_eq!(*read.lock().unwrap(), Vec::<std::ffi::OsString>::new(), "tick of {tick} ns");
    }
}

#[tokio::test]
async fn force_takes_no_edit_that_came_after_the_plan_in_the_tick_of_the_last_one() {
    for direction in [Direction::ForcedPull, Direction::MirrorPull] {
        let (remote, ann, bob) = team();
        remote.put_as_somebody("f", "theirs");
        ann.write("keep", "k");
        ann.sync().await;
        for name in ["f", "extra"] {
            bob.person().write(Path::new("/w").join(name), "seen");
        }
        let world = bob.world();
        let request = Request { selection: Selection::all(), ..request(direction) };
        let locked = begin(&world, &request).unwrap();
        let plan = sync::plan(&locked, &request).await.unwrap();
        for name in ["f", "extra"] {
            rewrite_unseen(&bob.person(), &format!("/w/{name}"), "late");
        }
        let takes_extra = direction == Direction::MirrorPull;
        let report = sync::carry_out(locked, &request, plan).await.unwrap();
        assert_eq!(report.changed_meanwhile, 1 + u64::from(takes_extra), "{direction:?}");
        assert_eq!(bob.read("f").as_deref(), Some("late"), "{direction:?}");
        assert_eq!(bob.read("extra").as_deref(), Some("late"), "{direction:?}");
    }
}

#[tokio::test]
async fn bytes_that_come_twice_or_go_to_the_trash_are_counted_once_or_not_at_all() {
    let (remote, ann, bob) = team();
    ann.write("f", "0123456789");
    ann.sync().await;
    remote.fail(Fault::new(RemoteErrorKind::Interrupted).mid_body().first(2));
    assert_eq!(bob.sync().await.downloaded, 1);
    assert_eq!(remote.count(Operation::Get), 3, "it was fetched three times");
    assert_eq!(bob.told.1.load(Ordering::Relaxed), 10);
    remote.clear_faults();
    // A forced push fetches what it replaces, which is no part of what it has to transfer.
    ann.write("f", "abc");
    ann.sync().await;
    bob.write("f", "bob's");
    let (before, plan) = (bob.told.1.load(Ordering::Relaxed), request(Direction::ForcedPush));
    let report = bob.try_run(&Request { selection: only("f"), ..plan }).await.unwrap();
    assert_eq!((report.uploaded, remote.count(Operation::Get)), (1, 4));
    assert_eq!(bob.told.1.load(Ordering::Relaxed) - before, 5);
}

#[tokio::test]
async fn the_folder_of_a_fetched_file_is_not_opened_anew_to_confirm_it() {
    let (_, ann, bob) = team();
    ann.write("docs/f", "text");
    ann.sync().await;
    bob.person().make_folders("/w/docs");
    let opened = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&opened);
    bob.disk.set_hook(Some(Arc::new(move |operation| {
        if operation.call == Call::OpenFolder && operation.name == "docs" {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    })));
    assert_eq!(bob.sync().await.downloaded, 1);
    assert_eq!(opened.load(Ordering::Relaxed), 7);
}
