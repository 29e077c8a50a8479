//! Files that have another name on one side get it on the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lsync::fakes::bucket::Operation as Request;
use lsync::fakes::disk::{Call, Operation};

use lsync::plan::Direction;
use lsync::sync;

use super::{Client, begin, pairs, request, requests, team};

/// Ann and Bob have the files of `old`, and Ann has renamed the folder and told the bucket.
async fn renamed() -> (lsync::fakes::bucket::MemoryRemote, Client, Client) {
    let (remote, ann, bob) = team();
    for number in 0..30 {
        ann.write(&format!("old/{number:02}"), &format!("number {number}"));
    }
    ann.write("old/empty", "");
    ann.write("stays", "here");
    ann.sync().await;
    bob.sync().await;
    ann.person().rename("/w/old", "/w/new");
    ann.sync().await;
    remote.clear_calls();
    (remote, ann, bob)
}

#[tokio::test]
async fn a_folder_renamed_in_the_bucket_is_renamed_here_and_nothing_is_fetched() {
    let (remote, ann, bob) = renamed().await;
    let inode = |name: &str| bob.person().stat(format!("/w/{name}")).map(|stat| stat.inode);
    let before = inode("old/07");
    let report = bob.sync().await;
    assert_eq!((report.moved_in_bucket, report.downloaded, report.deleted_local), (31, 0, 0));
    assert_eq!(report.bytes_moved_in_bucket, 260);
    assert!(report.is_complete(), "{report:?}");
    // A listing that lacks names may lie: some are asked for. Nothing is fetched.
    let asked = requests(&remote);
    assert_eq!(remote.count(Request::List), 1);
    assert_eq!(asked.len(), 1 + remote.count(Request::Head), "{asked:?}");
    assert_eq!(bob.tree(), ann.tree());
    assert_eq!((inode("new/07"), inode("old")), (before, None));
    assert!(bob.person().files_below("/w/.lsync/trash").is_empty(), "nothing gave way");
    assert!(bob.plan().await.actions.is_empty(), "nothing is left for another run");
    assert_eq!(bob.sync().await.adopted, 0);
}

#[tokio::test]
async fn swaps_and_chains_end_as_in_the_bucket() {
    let (_, ann, bob) = team();
    for name in ["a", "b", "c", "d"] {
        ann.write(name, name);
    }
    ann.sync().await;
    bob.sync().await;
    let (person, root) = (ann.person(), |name: &str| format!("/w/{name}"));
    // a and b are swapped; c goes to d, whose file goes to e.
    for (from, to) in [("a", "x"), ("b", "a"), ("x", "b"), ("d", "e"), ("c", "d")] {
        person.rename(root(from), root(to));
    }
    ann.sync().await;
    bob.sync().await;
    assert_eq!(bob.tree(), pairs(&[("a", "b"), ("b", "a"), ("d", "c"), ("e", "d")]));
    assert!(bob.plan().await.actions.is_empty());
}

#[tokio::test]
async fn folders_that_give_and_take_at_once_are_there_when_they_are_needed() {
    let (_, ann, bob) = team();
    for name in ["a/x", "b/y", "d/last"] {
        ann.write(name, name);
    }
    ann.sync().await;
    bob.sync().await;
    for (from, to) in [("a/x", "b/x"), ("b/y", "a/y"), ("d/last", "e")] {
        ann.person().rename(format!("/w/{from}"), format!("/w/{to}"));
    }
    ann.write("d/new", "new");
    ann.sync().await;
    let report = bob.sync().await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!((report.moved_in_bucket, report.downloaded), (3, 1));
    assert_eq!(bob.tree(), ann.tree());
}

#[tokio::test]
async fn a_teammates_new_file_keeps_the_name_that_was_to_be_moved_to() {
    let (remote, _, bob) = renamed().await;
    bob.write("new/07", "bob's own");
    let report = bob.sync().await;
    assert_eq!((report.conflicts, report.moved_in_bucket), (1, 30), "{report:?}");
    assert_eq!(bob.read("new/07").as_deref(), Some("bob's own"));
    assert_eq!(remote.bytes("new/07").unwrap(), "number 7");
}

#[tokio::test]
async fn a_save_before_any_call_of_a_rename_stays_and_goes_to_the_bucket() {
    let mut was_edited_under_both = [false; 2];
    for at in 1.. {
        let (_, _, bob) = renamed().await;
        let (person, calls) = (bob.disk.process().person(), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&calls);
        bob.disk.set_hook(Some(Arc::new(move |operation: &Operation| {
            let is_move = matches!(operation.call, Call::RenameNew | Call::Lstat);
            if is_move && counted.fetch_add(1, Ordering::Relaxed) + 1 == at {
                let name = ["/w/old/07", "/w/new/07"].map(|name| (person.stat(name), name));
                if let Some((Some(_), name)) = name.into_iter().find(|it| it.0.is_some()) {
                    person.save(name, "saved meanwhile");
                }
            }
        })));
        bob.sync().await;
        bob.disk.set_hook(None);
        if calls.load(Ordering::Relaxed) < at {
            break;
        }
        for (is_edited, name) in was_edited_under_both.iter_mut().zip(["old/07", "new/07"]) {
            *is_edited |= bob.read(name).as_deref() == Some("saved meanwhile");
        }
        bob.sync().await;
        let is_kept = bob.tree().iter().any(|(_, text)| text == "saved meanwhile");
        assert!(is_kept, "before call {at}: {:?}", bob.tree());
    }
    assert_eq!(was_edited_under_both, [true; 2]);
}

#[tokio::test]
async fn a_run_killed_at_any_change_of_the_disk_is_finished_by_the_next() {
    let mut kills = 0;
    for at in 1.. {
        let (_, ann, bob) = renamed().await;
        let (world, request) = (bob.world(), request(Direction::Sync));
        let locked = begin(&world, &request).unwrap();
        let plan = sync::plan(&locked, &request).await.unwrap();
        bob.disk.stop_after(at);
        let ended = sync::carry_out(locked, &request, plan).await;
        let is_whole = ended.is_ok_and(|report| report.is_complete());
        bob.disk.kill();
        if is_whole {
            break;
        }
        kills += 1;
        let report = bob.sync().await;
        assert_eq!((report.downloaded, report.conflicts, report.failed), (0, 0, 0), "{at}");
        assert_eq!(bob.tree(), ann.tree(), "killed at {at}");
        assert!(bob.plan().await.actions.is_empty(), "killed at {at}");
    }
    assert!(kills > 30, "{kills}");
}
