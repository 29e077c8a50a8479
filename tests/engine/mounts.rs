//! Disks that are mounted below the root: one that is missing leaves a folder that looks emptied, and
//! nothing is deleted because of it.

use lsync::fakes::bucket::MemoryRemote;
use lsync::plan::{Direction, Why};
use lsync::sync::Request;
use lsync::tree::RepoPath;

use super::{Client, only, pairs, request, requests, team};

/// Two clients that share files, some of them on a disk that `ann` has mounted at `at`.
async fn mounted(at: &str) -> (MemoryRemote, Client, Client) {
    let (remote, ann, bob) = team();
    ann.person().mount(format!("/w/{at}"));
    for (path, text) in [(format!("{at}/x"), "x"), (format!("{at}/d/y"), "y"), ("z".into(), "z")] {
        ann.write(&path, text);
    }
    assert!(ann.sync().await.is_complete());
    assert!(bob.sync().await.is_complete());
    (remote, ann, bob)
}

fn remembered(client: &Client) -> Option<String> {
    let text = client.read(".lsync/mounts.yaml")?;
    Some(text.lines().filter(|line| !line.starts_with('#')).collect())
}

#[tokio::test]
async fn what_was_on_a_missing_disk_is_not_taken_for_deleted() {
    for at in ["m", "a/b/m"] {
        for leaves_its_folder in [true, false] {
            let (remote, ann, bob) = mounted(at).await;
            assert_eq!(remembered(&ann), Some(format!("- \"{at}\"")));
            let top = at.split('/').next().unwrap();
            let before = remote.contents();
            // As umount does, and what mounted it may take the empty folder away.
            ann.person().rename(format!("/w/{at}"), "/elsewhere");
            if leaves_its_folder {
                ann.person().make_folders(format!("/w/{at}"));
            } else if top != at {
                ann.person().remove(format!("/w/{top}"));
            }
            for direction in [
                Direction::Sync,
                Direction::Push,
                Direction::Pull,
                Direction::MirrorPush,
                Direction::MirrorPull,
            ] {
                let report = ann.run(direction).await;
                assert_eq!(report.incomplete, 1, "{at} {leaves_its_folder} {direction:?}");
                assert_eq!(remote.contents(), before, "{at} {leaves_its_folder} {direction:?}");
                assert_eq!(ann.tree(), pairs(&[("z", "z")]), "{direction:?}");
            }
            for operand in [at.to_owned(), format!("{at}/x"), format!("{at}/d"), top.to_owned()] {
                let asked = Request { selection: only(&operand), ..request(Direction::Sync) };
                assert_eq!(ann.try_run(&asked).await.unwrap().incomplete, 1, "{operand}");
                assert_eq!(remote.contents(), before, "{operand}");
            }
            let notice = &ann.plan().await.notices[0];
            assert_eq!(notice.why, Why::Unmounted(RepoPath::parse(at).unwrap()));
            // What happens meanwhile arrives when it is back.
            bob.write(&format!("{at}/x"), "edited");
            bob.sync().await;
            assert_eq!(ann.sync().await.incomplete, 1);
            if leaves_its_folder {
                ann.person().remove(format!("/w/{at}"));
            }
            ann.person().rename("/elsewhere", format!("/w/{at}"));
            assert!(ann.sync().await.is_complete());
            assert_eq!(ann.read(&format!("{at}/x")).as_deref(), Some("edited"));
            assert!(ann.plan().await.actions.is_empty());
        }
    }
}

#[tokio::test]
async fn a_file_in_the_place_of_a_missing_disk_deletes_nothing_below_it() {
    let (remote, ann, _) = mounted("m").await;
    let before = remote.contents();
    ann.person().rename("/w/m", "/elsewhere");
    ann.write("m", "a file");
    assert_eq!(ann.sync().await.incomplete, 1);
    assert_eq!(remote.contents(), before);
}

#[tokio::test]
async fn a_disk_that_is_gone_for_good_is_forgotten_by_taking_its_line_out() {
    let (remote, ann, bob) = mounted("m").await;
    ann.person().rename("/w/m", "/elsewhere");
    assert_eq!(ann.sync().await.incomplete, 1);
    ann.write(".lsync/mounts.yaml", "# none\n");
    assert!(ann.sync().await.is_complete());
    assert_eq!(remote.contents().into_keys().collect::<Vec<_>>(), ["z"]);
    bob.sync().await;
    assert_eq!(bob.tree(), pairs(&[("z", "z")]));
}

#[tokio::test]
async fn deletions_on_a_mounted_disk_are_deletions() {
    let (remote, ann, _) = mounted("m").await;
    for path in ["m/x", "m/d"] {
        ann.remove(path);
    }
    assert!(ann.sync().await.is_complete());
    assert_eq!(remote.contents().into_keys().collect::<Vec<_>>(), ["z"]);
}

#[tokio::test]
async fn only_what_matters_is_remembered_and_a_second_run_writes_nothing() {
    let (remote, ann, bob) = mounted("m").await;
    assert_eq!(remembered(&bob), None, "no mount, no file");
    // A disk with nothing that is synced.
    ann.person().mount("/w/empty");
    ann.person().mount("/w/ignored");
    ann.write("ignored/x", "x");
    ann.write(".lsyncignore", "/ignored/\n");
    ann.sync().await;
    assert_eq!(remembered(&ann).as_deref(), Some("- \"m\""));
    let before = ann.person().snapshot();
    remote.clear_calls();
    assert!(ann.sync().await.is_complete());
    assert_eq!(requests(&remote).len(), 1);
    let after = ann.person().snapshot();
    let changed: Vec<_> = before.keys().filter(|path| before[*path] != after[*path]).collect();
    assert!(changed.iter().all(|path| path.ends_with(".lsync/lock")), "{changed:?}");
    // And what a plan only shows is not written down either.
    ann.person().mount("/w/new");
    ann.write("new/x", "x");
    ann.plan().await;
    assert_eq!(remembered(&ann).as_deref(), Some("- \"m\""));
    ann.sync().await;
    assert_eq!(remembered(&ann).as_deref(), Some("- \"m\"- \"new\""));
}
