//! Disks that fold names (case, Unicode forms): clashes are found where the disk finds them, reported,
//! and neither side is changed.

use lsync::fakes::bucket::MemoryRemote;
use lsync::fakes::bucket::Operation;
use lsync::monitor::{Event, Item, Outcome};
use lsync::plan::Direction;
use lsync::sync::{Request, SyncError};

use super::{Client, only, pairs, request, requests};

/// A client whose disk folds names, and one whose disk does not.
fn mixed_team() -> (MemoryRemote, Client, Client) {
    let remote = MemoryRemote::new();
    let (folding, plain) = (Client::new(&remote), Client::new(&remote));
    folding.disk.set_folds_names(true);
    (remote, folding, plain)
}

/// Returns path and reason of everything that failed since the last call.
fn failures(client: &Client) -> Vec<(String, String)> {
    let events = std::mem::take(&mut *client.told.0.lock().unwrap());
    let failed = events.into_iter().filter_map(|event| match event {
        Event::Failed(Item { path, outcome: Outcome::Failed { error, .. }, .. }) => {
            Some((path.to_string(), error))
        }
        _ => None,
    });
    failed.collect()
}

fn sorted(tree: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut sorted = pairs(tree);
    sorted.sort();
    sorted
}

/// Two keys that a folding disk cannot tell apart, and which of them it may take.
async fn assert_clash(first: &str, second: &str) {
    let (remote, folding, plain) = mixed_team();
    let keys = [(first, "one"), (second, "two"), ("other", "fine")];
    for (key, text) in keys {
        plain.write(key, text);
    }
    plain.sync().await;
    let report = folding.sync().await;
    let unfinished = report.failed + report.changed_meanwhile;
    assert_eq!(unfinished, 1, "{first:?} {second:?}: {:?}", failures(&folding));
    // Which of the two came is decided; from now on the other has one reason not to.
    assert_eq!(folding.sync().await.failed, 1);
    failures(&folding);
    assert_eq!(folding.sync().await.failed, 1);
    let failed = failures(&folding);
    assert_eq!(failed.len(), 1, "{failed:?}");
    let (left, came) = if failed[0].0 == first { (first, second) } else { (second, first) };
    assert_eq!(failed[0].0, left);
    assert!(failed[0].1.contains("does not tell"), "{failed:?}");
    let here = folding.tree();
    let text = |key: &str| keys.iter().find(|pair| pair.0 == key).unwrap().1;
    let expected = sorted(&[(came, text(came)), ("other", "fine")]);
    assert_eq!(here, expected, "the rest is done");
    // The same once more, and it neither transfers nor deletes anything.
    for direction in [Direction::Sync, Direction::Pull, Direction::Push, Direction::MirrorPull] {
        remote.clear_calls();
        let report = folding.run(direction).await;
        let pulls = direction != Direction::Push;
        assert_eq!(report.failed, u64::from(pulls), "{direction:?}: {:?}", failures(&folding));
        assert_eq!(requests(&remote), [Operation::List], "{direction:?}");
        assert_eq!(folding.tree(), expected, "{direction:?}");
        assert_eq!(remote.contents().len(), 3, "{direction:?}");
    }
    // Not even the mirror takes for missing what the disk hides.
    let report = folding.run(Direction::MirrorPush).await;
    assert_eq!(report.failed, 1, "{:?}", failures(&folding));
    assert_eq!(remote.contents().len(), 3);
    // An edit of the one goes to its own key.
    folding.write(came, "edited");
    folding.run(Direction::Push).await;
    assert_eq!(remote.bytes(came).unwrap(), "edited");
    assert_eq!(remote.bytes(left).unwrap(), text(left));
    // Once the one is gone the other comes.
    plain.sync().await;
    plain.remove(came);
    plain.sync().await;
    folding.sync().await;
    folding.sync().await;
    failures(&folding);
    assert!(folding.sync().await.is_complete(), "{:?}", failures(&folding));
    let expected = sorted(&[(left, text(left)), ("other", "fine")]);
    assert_eq!(folding.tree(), expected);
    assert_eq!(plain.tree(), expected);
}

#[tokio::test]
async fn files_that_differ_in_case_alone_clash() {
    assert_clash("A.txt", "a.txt").await;
    assert_clash("d/A.txt", "d/a.txt").await;
}

#[tokio::test]
async fn folders_that_differ_in_case_alone_clash_even_with_different_files_in_them() {
    assert_clash("Dir/x", "dir/y").await;
    assert_clash("Dir/x", "dir/x").await;
    assert_clash("a/Dir/deep/x", "a/dir/deep/y").await;
}

#[tokio::test]
async fn unicode_forms_of_one_name_clash() {
    assert_clash("\u{e9}", "e\u{301}").await;
    assert_clash("\u{e9}/x", "e\u{301}/y").await;
}

#[tokio::test]
async fn a_file_clashes_with_a_folder_of_another_spelling() {
    assert_clash("Name", "name/x").await;
}

#[tokio::test]
async fn what_is_not_tracked_here_is_neither_replaced_nor_taken_for_the_other() {
    let (remote, folding, _) = mixed_team();
    folding.write("readme", "mine");
    remote.put_as_somebody("README", "theirs");
    for _ in 0..2 {
        assert_eq!(folding.sync().await.failed, 1);
        assert_eq!(folding.tree(), pairs(&[("readme", "mine")]));
        assert_eq!(remote.bytes("README").unwrap(), "theirs");
        assert_eq!(remote.bytes("readme").unwrap(), "mine");
    }
}

#[tokio::test]
async fn a_rename_here_that_changes_case_alone_reaches_the_bucket() {
    for (from, to) in [("a.txt", "A.txt"), ("dir/x", "Dir/x"), ("e\u{301}", "\u{e9}")] {
        let (remote, folding, plain) = mixed_team();
        folding.write(from, "text");
        folding.write("z", "z");
        folding.sync().await;
        plain.sync().await;
        let top = |path: &str| path.split('/').next().unwrap().to_owned();
        folding.person().rename(format!("/w/{}", top(from)), format!("/w/{}", top(to)));
        folding.disk.advance(1_000_000_000);
        let report = folding.sync().await;
        assert!(report.is_complete(), "{from:?}: {:?}", failures(&folding));
        let expected = sorted(&[(to, "text"), ("z", "z")]);
        let keys: Vec<_> = remote.contents().into_keys().collect();
        assert_eq!(keys, [&*expected[0].0, &*expected[1].0]);
        assert!(plain.sync().await.is_complete());
        assert_eq!(plain.tree(), expected);
        assert!(folding.plan().await.actions.is_empty());
        assert_eq!(folding.tree(), expected);
    }
}

#[tokio::test]
async fn a_rename_by_a_teammate_that_changes_case_alone_arrives_with_the_second_run() {
    for (from, to) in [("a.txt", "A.txt"), ("dir/x", "Dir/x"), ("e\u{301}", "\u{e9}")] {
        let (remote, folding, plain) = mixed_team();
        plain.write(from, "text");
        plain.write("z", "z");
        plain.sync().await;
        folding.sync().await;
        plain.remove(from);
        plain.write(to, "text");
        plain.sync().await;
        // The old name has to go before the new one fits.
        assert_eq!(folding.sync().await.failed, 1, "{from:?}");
        let report = folding.sync().await;
        assert!(report.is_complete(), "{from:?}: {:?}", failures(&folding));
        assert_eq!(folding.tree(), sorted(&[(to, "text"), ("z", "z")]));
        assert_eq!(remote.contents().len(), 2);
        assert!(folding.plan().await.actions.is_empty());
    }
}

#[tokio::test]
async fn a_working_copy_moved_to_a_folding_disk_deletes_nothing_in_the_bucket() {
    let (remote, moved, _) = mixed_team();
    moved.disk.set_folds_names(false);
    for (path, text) in [("A.txt", "one"), ("a.txt", "two"), ("Dir/x", "three"), ("dir/y", "four")]
    {
        moved.write(path, text);
    }
    moved.sync().await;
    // As a copy to such a disk does: of two files the one is left, two folders become one.
    for path in ["a.txt", "dir"] {
        moved.remove(path);
    }
    moved.disk.set_folds_names(true);
    moved.write("Dir/y", "four");
    for _ in 0..2 {
        let report = moved.sync().await;
        assert_eq!(report.failed, 2, "{:?}", failures(&moved));
        let kept = ["A.txt", "Dir/x", "Dir/y", "a.txt", "dir/y"];
        assert_eq!(remote.contents().into_keys().collect::<Vec<_>>(), kept);
    }
    assert_eq!(moved.tree(), pairs(&[("A.txt", "one"), ("Dir/x", "three"), ("Dir/y", "four")]));
}

#[tokio::test]
async fn an_operand_in_another_spelling_than_the_disk_s_matches_nothing() {
    let (remote, folding, _) = mixed_team();
    folding.write("README.md", "text");
    folding.write("Dir/x", "x");
    folding.sync().await;
    for operand in ["readme.md", "dir", "dir/x", "DIR/x"] {
        for direction in [Direction::Sync, Direction::Push, Direction::ForcedPush] {
            let asked = Request { selection: only(operand), ..request(direction) };
            let outcome = folding.try_run(&asked).await;
            let error = outcome.err().unwrap_or_else(|| panic!("{operand} {direction:?}"));
            assert!(matches!(error, SyncError::NothingMatches(_)), "{error}");
        }
    }
    assert_eq!(remote.contents().into_keys().collect::<Vec<_>>(), ["Dir/x", "README.md"]);
}

#[tokio::test]
async fn a_name_that_the_disk_would_write_otherwise_is_taken_back_and_reported() {
    let (remote, folding, _) = mixed_team();
    folding.disk.set_lowers_names(true);
    for key in ["Upper", "Folder/lower", "fine/Upper", "fine/lower"] {
        remote.put_as_somebody(key, key.to_owned());
    }
    for _ in 0..2 {
        assert_eq!(folding.sync().await.failed, 3);
        let failed = failures(&folding);
        assert!(failed.iter().all(|(_, reason)| reason.contains("would list")), "{failed:?}");
        assert_eq!(folding.tree(), pairs(&[("fine/lower", "fine/lower")]));
        assert!(folding.person().stat("/w/folder").is_none());
        assert_eq!(remote.contents().len(), 4);
    }
    folding.sync().await;
    let staged = folding.person().files_below("/w/.lsync/tmp");
    assert!(staged.is_empty(), "{staged:?}");
}
