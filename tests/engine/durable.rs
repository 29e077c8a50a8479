//! What a complete run has recorded survives a power cut, whatever a person does to names and modes
//! while it is made durable: the next run neither deletes nor overwrites the only good copy.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lsync::fakes::bucket::MemoryRemote;
use lsync::fakes::bucket::Operation as Request;
use lsync::fakes::disk::{Call, Crash, Operation, Person};
use lsync::plan::{Direction, Resolution};
use lsync::sync::Report;

use super::{Client, team};

/// What somebody wrote, and nobody took back.
const TEXT: &str = "the only copy";

/// What a person does to `d/x` or its folder at one moment; most of it is undone one call later.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Deed {
    CloseFile,
    CloseFolder,
    RenameFolder,
    ReplaceFolder,
    RenameFile,
}

const DEEDS: [Deed; 5] =
    [Deed::CloseFile, Deed::CloseFolder, Deed::RenameFolder, Deed::ReplaceFolder, Deed::RenameFile];

impl Deed {
    fn begin(self, person: &Person) {
        let folder_is_there = person.stat("/w/d").is_some();
        match self {
            Self::CloseFile if person.stat("/w/d/x").is_some() => person.set_mode("/w/d/x", 0),
            Self::CloseFolder if folder_is_there => person.set_mode("/w/d", 0),
            Self::RenameFolder | Self::ReplaceFolder if folder_is_there => {
                person.rename("/w/d", "/w/elsewhere");
                if self == Self::ReplaceFolder {
                    person.make_folders("/w/d");
                }
            }
            Self::RenameFile if person.stat("/w/d/x").is_some() => {
                person.rename("/w/d/x", "/w/d/y");
            }
            _ => (),
        }
    }

    /// One call later: everything is as before, but for a file that has another name now.
    fn end(self, person: &Person) {
        match self {
            Self::CloseFolder if person.stat("/w/d").is_some() => person.set_mode("/w/d", 0o755),
            Self::RenameFolder | Self::ReplaceFolder if person.stat("/w/elsewhere").is_some() => {
                if person.stat("/w/d").is_some() {
                    person.rename("/w/d", "/w/removed");
                }
                person.rename("/w/elsewhere", "/w/d");
            }
            _ => (),
        }
    }
}

/// Lets a person do `deed` before the `at`th call of the disk once the plan is complete; returns the
/// counter of the calls.
fn disturb(client: &Client, deed: Deed, at: usize) -> Arc<AtomicUsize> {
    let calls = Arc::new(AtomicUsize::new(0));
    let (counted, person) = (Arc::clone(&calls), client.disk.process().person());
    let told = Arc::clone(&client.told);
    told.2.store(false, Ordering::Relaxed);
    client.disk.set_hook(Some(Arc::new(move |_: &Operation| {
        if !told.2.load(Ordering::Relaxed) {
            return;
        }
        match counted.fetch_add(1, Ordering::Relaxed) + 1 {
            call if call == at => deed.begin(&person),
            call if call == at + 1 => deed.end(&person),
            _ => (),
        }
    })));
    calls
}

fn lacks_syncfs(client: &Client) {
    client.disk.set_fault(Some(Arc::new(|operation: &Operation| {
        let is_syncfs = operation.call == Call::SyncFileSystem;
        is_syncfs.then_some(lsync::fakes::disk::Errno::NOSYS)
    })));
}

/// The power goes, a person opens again what they had closed, and the next run looks at what is left.
async fn power_cut_and_sync(client: &Client) -> Report {
    client.disk.set_hook(None);
    client.disk.crash(Crash::PowerLoss);
    client.disk.advance(1_000_000_000);
    let person = client.person();
    for (path, item) in person.snapshot_below("/w") {
        if item.mode & 0o700 == 0 {
            person.set_mode(Path::new("/w").join(path), 0o755);
        }
    }
    client.disk.advance(1_000_000_000);
    client.sync().await
}

fn is_in_the_bucket(remote: &MemoryRemote) -> bool {
    remote.contents().values().any(|bytes| bytes == TEXT)
}

fn trash_holds(client: &Client, text: &str) -> bool {
    let kept = client.person().files_below("/w/.lsync/trash");
    kept.values().any(|bytes| bytes == text.as_bytes())
}

/// How `d/x` comes to be recorded by the next run of the client.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Uploaded,
    Adopted,
    Downloaded,
    Replaced,
    KeptBoth,
}

/// Brings the client to where its next run records `d/x`, with everything older on the disk.
async fn before_the_run(way: Way) -> (MemoryRemote, Client) {
    let (remote, ann, bob) = team();
    bob.write("k", "keeps the bucket from being empty");
    bob.sync().await;
    match way {
        Way::Uploaded => bob.disk.sync_all(),
        Way::Adopted | Way::Downloaded => {
            ann.write("d/x", TEXT);
            ann.sync().await;
            bob.disk.sync_all();
        }
        Way::Replaced => {
            ann.write("d/x", "old");
            ann.sync().await;
            bob.sync().await;
            ann.write("d/x", TEXT);
            ann.sync().await;
            bob.disk.sync_all();
        }
        Way::KeptBoth => {
            ann.write("d/x", "theirs");
            ann.sync().await;
            bob.disk.sync_all();
        }
    }
    if matches!(way, Way::Uploaded | Way::Adopted | Way::KeptBoth) {
        bob.write("d/x", TEXT);
    }
    (remote, bob)
}

/// Whatever the person did at whatever call: what was in the bucket when the run had ended is there
/// after a power cut and one more run, which neither deletes it nor stores emptiness in its place.
async fn survives_every_moment(way: Way, has_syncfs: bool) {
    for deed in DEEDS {
        for at in 1.. {
            let (remote, bob) = before_the_run(way).await;
            if !has_syncfs {
                lacks_syncfs(&bob);
            }
            let calls = disturb(&bob, deed, at);
            let report = match way {
                Way::KeptBoth => bob.resolve(Resolution::Both).await,
                _ => bob.sync().await,
            };
            if calls.load(Ordering::Relaxed) < at {
                break;
            }
            let was_there = remote.contents();
            power_cut_and_sync(&bob).await;
            let is_there = remote.contents();
            for (key, bytes) in was_there {
                let stays = is_there.values().any(|it| *it == bytes);
                assert!(stays, "{way:?}, {deed:?} at call {at}: {key} is gone, after {report:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_upload_survives_a_power_cut_whatever_happens_to_its_name() {
    survives_every_moment(Way::Uploaded, true).await;
    survives_every_moment(Way::Uploaded, false).await;
}

#[tokio::test]
async fn an_adopted_file_survives_a_power_cut_whatever_happens_to_its_name() {
    survives_every_moment(Way::Adopted, true).await;
    survives_every_moment(Way::Adopted, false).await;
}

#[tokio::test]
async fn a_teammates_object_survives_a_power_cut_whatever_happens_to_its_folder_here() {
    for way in [Way::Downloaded, Way::Replaced] {
        survives_every_moment(way, true).await;
        survives_every_moment(way, false).await;
    }
}

#[tokio::test]
async fn both_of_a_conflict_survive_a_power_cut_whatever_happens_to_their_folder() {
    survives_every_moment(Way::KeptBoth, true).await;
    survives_every_moment(Way::KeptBoth, false).await;
}

/// Lets a person act before the first call of the disk once the bucket has an object more, and again
/// before the one after it.
fn once_it_is_stored(remote: &MemoryRemote, bob: &Client, first: fn(&Person), second: fn(&Person)) {
    let (person, remote) = (bob.disk.process().person(), remote.clone());
    let (before, calls) = (remote.count(Request::Put), AtomicUsize::new(0));
    bob.disk.set_hook(Some(Arc::new(move |_: &Operation| {
        if remote.count(Request::Put) > before {
            match calls.fetch_add(1, Ordering::Relaxed) {
                0 => first(&person),
                1 => second(&person),
                _ => (),
            }
        }
    })));
}

#[tokio::test]
async fn a_file_closed_once_it_is_stored_is_not_stored_empty_after_a_power_cut() {
    let (remote, _, bob) = team();
    bob.disk.sync_all();
    bob.write("x", TEXT);
    once_it_is_stored(&remote, &bob, |person| person.set_mode("/w/x", 0), |_| ());
    assert_eq!(bob.sync().await.uploaded, 1);
    power_cut_and_sync(&bob).await;
    assert_eq!(remote.bytes("x").unwrap(), TEXT);
    assert_eq!(bob.read("x").as_deref(), Some(TEXT));
}

#[tokio::test]
async fn a_folder_away_for_one_call_once_its_file_is_stored_costs_nothing_in_a_power_cut() {
    let (remote, _, bob) = team();
    bob.person().make_folders("/w/d");
    bob.disk.sync_all();
    bob.write("d/x", TEXT);
    let (away, back) = (
        |person: &Person| person.rename("/w/d", "/w/e"),
        |person: &Person| person.rename("/w/e", "/w/d"),
    );
    once_it_is_stored(&remote, &bob, away, back);
    bob.sync().await;
    power_cut_and_sync(&bob).await;
    assert!(is_in_the_bucket(&remote));
    assert!(bob.tree().iter().all(|(_, text)| text == TEXT), "{:?}", bob.tree());
}

#[tokio::test]
async fn a_file_renamed_once_it_is_stored_is_moved_in_the_bucket_and_not_emptied() {
    let (remote, _, bob) = team();
    bob.disk.sync_all();
    bob.write("z", TEXT);
    once_it_is_stored(&remote, &bob, |person| person.rename("/w/z", "/w/y"), |_| ());
    bob.sync().await;
    power_cut_and_sync(&bob).await;
    assert!(is_in_the_bucket(&remote));
    assert_eq!(remote.contents().len(), 1);
}

#[tokio::test]
async fn a_loser_that_nobody_had_synced_is_whole_in_the_trash_after_a_power_cut() {
    for has_syncfs in [true, false] {
        let (_, ann, bob) = team();
        ann.write("x", "theirs");
        ann.write("f", "a file there");
        ann.write("keep", "k");
        ann.sync().await;
        bob.disk.sync_all();
        bob.write("x", TEXT);
        bob.write("f/in", "in a folder here");
        if !has_syncfs {
            lacks_syncfs(&bob);
        }
        let report = bob.run(Direction::ForcedPull).await;
        assert!(report.is_complete(), "{report:?}");
        bob.disk.crash(Crash::PowerLoss);
        assert!(trash_holds(&bob, TEXT), "{has_syncfs}");
        assert!(trash_holds(&bob, "in a folder here"), "{has_syncfs}");
    }
}
