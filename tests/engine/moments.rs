//! What a person does in the very moment in which names change hands, and what becomes of it where the
//! run is killed there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lsync::fakes::disk::{Call, Operation, Person};
use lsync::monitor::{Event, Outcome};
use lsync::plan::{Direction, Resolution};

use super::{Client, pairs, request, team};

/// Lets a person act before the `at`th call of the disk that `is_it`.
fn before_call(
    client: &Client,
    at: usize,
    is_it: impl Fn(&Operation) -> bool + Send + Sync + 'static,
    act: impl Fn(&Person, &Operation) + Send + Sync + 'static,
) {
    let (person, calls) = (client.disk.process().person(), AtomicUsize::new(0));
    client.disk.set_hook(Some(Arc::new(move |operation: &Operation| {
        if is_it(operation) && calls.fetch_add(1, Ordering::Relaxed) + 1 == at {
            act(&person, operation);
        }
    })));
}

fn is_anywhere(client: &Client, text: &str) -> bool {
    client.person().files_below("/w").values().any(|bytes| bytes == text.as_bytes())
}

#[tokio::test]
async fn a_save_under_the_name_of_a_copy_stays_whatever_becomes_of_the_copy() {
    let mut has_saved = false;
    for at in 1.. {
        let (_, ann, bob) = team();
        ann.write("x", "theirs");
        ann.sync().await;
        bob.write("x", "ours");
        let (copied, calls) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (person, saved) = (bob.disk.process().person(), Arc::clone(&copied));
        let counted = Arc::clone(&calls);
        bob.disk.set_hook(Some(Arc::new(move |_: &Operation| {
            let copy = (person.files_below("/w").into_keys())
                .find(|path| path.to_string_lossy().starts_with("x.conflict-"));
            let Some(copy) = copy else { return };
            match counted.fetch_add(1, Ordering::Relaxed) + 1 {
                1 => person.write("/w/x", "edited meanwhile"),
                call if call == at => {
                    person.save(format!("/w/{}", copy.display()), "saved as a copy");
                    saved.store(1, Ordering::Relaxed);
                }
                _ => (),
            }
        })));
        bob.resolve(Resolution::Both).await;
        if calls.load(Ordering::Relaxed) < at {
            break;
        }
        bob.disk.set_hook(None);
        let is_saved = copied.load(Ordering::Relaxed) == 1;
        has_saved |= is_saved;
        let kept = bob.person().files_below("/w");
        assert!(!is_saved || is_anywhere(&bob, "saved as a copy"), "call {at}: {kept:?}");
        assert!(is_anywhere(&bob, "edited meanwhile"), "call {at}: {kept:?}");
    }
    assert!(has_saved);
}

#[tokio::test]
async fn a_copy_that_could_not_be_made_leaves_one_name_and_nothing_in_the_trash() {
    let (_, ann, bob) = team();
    ann.write("x", "theirs");
    ann.sync().await;
    bob.write("x", "ours");
    let exchanges = |operation: &Operation| operation.call == Call::Exchange;
    before_call(&bob, 1, exchanges, |person, _| person.write("/w/x", "edited meanwhile"));
    let report = bob.resolve(Resolution::Both).await;
    bob.disk.set_hook(None);
    assert_eq!(report.changed_meanwhile, 1, "{report:?}");
    assert_eq!(bob.tree(), [("x".to_owned(), "edited meanwhile".to_owned())]);
}

#[tokio::test]
async fn an_edit_that_no_stat_shows_in_a_file_that_gives_its_name_back_is_in_the_trash() {
    let (_, ann, bob) = team();
    ann.write("x", "one");
    ann.sync().await;
    bob.sync().await;
    ann.write("x", "two");
    ann.sync().await;
    let exchanges = |operation: &Operation| operation.call == Call::Exchange;
    let calls = AtomicUsize::new(0);
    let person = bob.disk.process().person();
    bob.disk.set_hook(Some(Arc::new(move |operation: &Operation| {
        if !exchanges(operation) {
            return;
        }
        match calls.fetch_add(1, Ordering::Relaxed) {
            0 => person.save("/w/x", "an edit"),
            // Ours has the name: as many other bytes, and the mtime as it was.
            1 => {
                let mtime = person.stat("/w/x").unwrap().mtime;
                person.write("/w/x", "TWO");
                person.set_mtime("/w/x", mtime);
            }
            _ => (),
        }
    })));
    let report = bob.sync().await;
    bob.disk.set_hook(None);
    assert_eq!(report.changed_meanwhile, 1, "{report:?}");
    assert_eq!(bob.read("x").as_deref(), Some("an edit"));
    assert!(is_anywhere(&bob, "TWO"), "{:?}", bob.person().files_below("/w"));
}

/// A working copy whose run is killed when a file has just taken the place of the folder `d`, in which
/// a person had acted one call before.
async fn killed_over_a_folder(act: fn(&Person)) -> Client {
    let (_, ann, bob) = team();
    ann.write("d/x", "one");
    ann.sync().await;
    bob.sync().await;
    ann.remove("d");
    ann.write("d", "a file");
    ann.sync().await;
    let disk = bob.disk.clone();
    let exchanges = |operation: &Operation| operation.call == Call::Exchange;
    before_call(&bob, 1, exchanges, move |person, _| {
        act(person);
        disk.stop_after(2);
    });
    // It cannot do anything any more, whatever it says.
    drop(bob.try_run(&request(Direction::Sync)).await);
    bob.disk.set_hook(None);
    bob.disk.kill();
    bob.told.3.lock().unwrap().clear();
    assert_eq!(bob.tree(), pairs(&[("d", "a file")]));
    bob
}

#[tokio::test]
async fn an_edit_in_a_folder_that_a_killed_run_had_moved_away_has_its_name_again_and_is_told() {
    let acts: [fn(&Person); 2] =
        [|person| person.write("/w/d/x", "an edit"), |person| person.save("/w/d/new", "an edit")];
    for act in acts {
        let bob = killed_over_a_folder(act).await;
        let report = bob.sync().await;
        assert_eq!(report.conflicts, 1, "{report:?}");
        assert!(bob.tree().iter().any(|(_, text)| text == "an edit"), "{:?}", bob.tree());
        let told = bob.told.3.lock().unwrap();
        assert_eq!(*told, ["d: what a killed run had moved away was restored"]);
    }
}

#[tokio::test]
async fn an_edit_in_a_folder_whose_name_is_taken_after_the_kill_is_told_with_its_command() {
    let bob = killed_over_a_folder(|person| person.write("/w/d/x", "an edit")).await;
    bob.write("d", "saved after the kill");
    bob.sync().await;
    assert_eq!(bob.read("d").as_deref(), Some("saved after the kill"));
    assert!(is_anywhere(&bob, "an edit"));
    let told = bob.told.3.lock().unwrap().join("\n");
    let command = told.strip_prefix("d: what a killed run had moved is in the trash: ");
    let command = command.unwrap_or_else(|| panic!("{told}"));
    assert!(command.starts_with("lsync trash restore ") && command.ends_with("/local/d"), "{told}");
}

#[tokio::test]
async fn a_folder_in_which_nothing_changed_stays_in_the_trash_of_a_killed_run() {
    let bob = killed_over_a_folder(|_| ()).await;
    let report = bob.sync().await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(bob.tree(), pairs(&[("d", "a file")]));
    assert!(is_anywhere(&bob, "one"));
    assert_eq!(*bob.told.3.lock().unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn an_edit_that_goes_along_when_its_file_is_set_aside_is_told_with_the_name_that_it_has_now()
{
    let (_, ann, bob) = team();
    ann.write("d/x", "theirs");
    ann.sync().await;
    bob.write("d", "ours");
    let person = bob.disk.process().person();
    bob.disk.set_hook(Some(Arc::new(move |operation: &Operation| {
        let name = operation.name.to_string_lossy();
        match operation.call {
            Call::RenameNew if name == "d" => person.write("/w/d", "edited meanwhile"),
            Call::RenameNew if name.starts_with("d.conflict-") => {
                person.save("/w/d", "saved once more");
            }
            _ => (),
        }
    })));
    let report = bob.resolve(Resolution::Both).await;
    bob.disk.set_hook(None);
    assert_eq!(report.changed_meanwhile, 1, "{report:?}");
    let copy = "d.conflict-ann-20261120T000000Z-ab12";
    let both = pairs(&[("d", "saved once more"), (copy, "edited meanwhile")]);
    assert_eq!(bob.tree(), both);
    let told = bob.told.0.lock().unwrap();
    let is_told = |event: &Event| match event {
        Event::Failed(item) => {
            matches!(&item.outcome, Outcome::Failed { error, .. } if error.contains(copy))
        }
        _ => false,
    };
    assert!(told.iter().any(is_told), "{told:?}");
}

/// A file that comes closed itself may stay unread; one that somebody closes once it has its name may
/// hold what they wrote before.
#[tokio::test]
async fn a_fetched_file_rewritten_and_closed_at_once_is_not_taken_for_what_was_fetched() {
    for replaces in [false, true] {
        for at in 1.. {
            let (remote, ann, bob) = team();
            if replaces {
                ann.write("x", "older");
                ann.sync().await;
                bob.sync().await;
            }
            ann.write("x", "theirs");
            ann.sync().await;
            bob.disk.set_tick(4_000_000);
            let (person, calls) = (bob.disk.process().person(), Arc::new(AtomicUsize::new(0)));
            let counted = Arc::clone(&calls);
            bob.disk.set_hook(Some(Arc::new(move |_: &Operation| {
                let has_come = person.try_read("/w/x").is_some_and(|bytes| bytes == b"theirs");
                if has_come && counted.fetch_add(1, Ordering::Relaxed) + 1 == at {
                    let mtime = person.stat("/w/x").unwrap().mtime;
                    person.write("/w/x", "edited");
                    person.set_mtime("/w/x", mtime);
                    person.set_mode("/w/x", 0);
                }
            })));
            bob.sync().await;
            bob.disk.set_hook(None);
            if calls.load(Ordering::Relaxed) < at {
                break;
            }
            let report = bob.sync().await;
            assert!(!report.is_complete(), "{replaces}, call {at}: {report:?}");
            bob.person().set_mode("/w/x", 0o644);
            bob.sync().await;
            assert_eq!(remote.bytes("x").unwrap(), "edited", "{replaces}, call {at}");
        }
    }
}

#[tokio::test]
async fn where_the_clock_of_the_disk_cannot_be_read_nothing_is_taken_that_nobody_agreed_on() {
    for direction in [Direction::MirrorPull, Direction::ForcedPull] {
        let (_, ann, bob) = team();
        ann.write("y", "theirs, of another size");
        ann.sync().await;
        bob.disk.set_tick(4_000_000);
        bob.person().write("/w/y", "ours 1");
        let told = Arc::clone(&bob.told);
        told.2.store(false, Ordering::Relaxed);
        let person = bob.disk.process().person();
        bob.disk.set_fault(Some(Arc::new(move |operation: &Operation| {
            if told.2.load(Ordering::Relaxed) && person.read("/w/y") == b"ours 1" {
                let mtime = person.stat("/w/y").unwrap().mtime;
                person.write("/w/y", "ours 2");
                person.set_mtime("/w/y", mtime);
            }
            let is_clock = operation.call == Call::OpenAppend && operation.name == "clock";
            is_clock.then_some(lsync::fakes::disk::Errno::IO)
        })));
        let error = bob.try_run(&request(direction)).await.unwrap_err();
        assert!(error.to_string().contains("cannot read the clock of the disk"), "{error}");
        assert_eq!(bob.read("y").as_deref(), Some("ours 1"), "{direction:?}");
    }
}
