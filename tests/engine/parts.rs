//! Files in parts, of a few bytes each: what an earlier run left of them.

use lsync::fakes::bucket;
use lsync::remote::Checksum;

use super::*;

/// Files of more than four bytes travel in parts of four.
fn cut(direction: Direction) -> Request {
    let tuning = Tuning::of(NonZeroUsize::MIN);
    let tuning = Tuning { whole_bytes: 4, part_bytes: Some(4), ..tuning };
    Request { tuning, ..request(direction) }
}

/// Lets an upload of `path` end after its first part, so that a later run can go on with it.
async fn break_off(client: &Client, path: &str) {
    client.remote.fail(Fault::new(RemoteErrorKind::Denied).on(Operation::UploadPart).nth(2));
    assert_eq!(client.try_run(&cut(Direction::Sync)).await.unwrap().failed, 1);
    client.remote.clear_faults();
    assert_eq!(client.remote.open_uploads(), [path]);
}

fn notes(client: &Client) -> Vec<std::path::PathBuf> {
    client.person().files_below("/w/.lsync/transfers").into_keys().collect()
}

#[tokio::test]
async fn an_upload_that_was_broken_off_is_gone_on_with() {
    let (remote, ann, _) = team();
    ann.write("f", "0123456789");
    break_off(&ann, "f").await;
    remote.clear_calls();
    assert_eq!(ann.try_run(&cut(Direction::Sync)).await.unwrap().uploaded, 1);
    assert_eq!(remote.count(Operation::UploadPart), 2);
    assert_eq!(remote.history().last().map(|it| it.key.as_str()), Some("f"));
    assert_eq!((remote.open_uploads(), notes(&ann)), (vec![], vec![]));
}

#[tokio::test]
async fn an_upload_that_was_broken_off_ends_where_theirs_takes_the_name() {
    let (remote, ann, _) = team();
    ann.write("f", "0123456789");
    break_off(&ann, "f").await;
    remote.put_as_somebody("f", "theirs, and longer");
    let pull = Request { selection: only("f"), ..cut(Direction::ForcedPull) };
    assert_eq!(ann.try_run(&pull).await.unwrap().downloaded, 1);
    assert_eq!((remote.open_uploads(), notes(&ann)), (vec![], vec![]));
}

#[tokio::test]
async fn a_range_that_the_disk_has_lost_is_fetched_again_whatever_the_note_says() {
    let (remote, ann, bob) = team();
    ann.write("f", "0123456789");
    ann.try_run(&cut(Direction::Sync)).await.unwrap();
    remote.fail(Fault::new(RemoteErrorKind::Denied).on(Operation::Get).nth(3));
    assert_eq!(bob.try_run(&cut(Direction::Sync)).await.unwrap().failed, 1);
    remote.clear_faults();
    let staged: Vec<_> = bob.person().files_below("/w/.lsync/tmp").into_keys().collect();
    assert_eq!((staged.len(), notes(&bob).len()), (1, 1));
    // As a power cut may leave it: its length, and of the first range other bytes.
    bob.person().write(Path::new("/w/.lsync/tmp").join(&staged[0]), b"????4567??");
    remote.clear_calls();
    assert_eq!(bob.try_run(&cut(Direction::Sync)).await.unwrap().downloaded, 1);
    assert_eq!(remote.count(Operation::Get), 2);
    assert_eq!(bob.read("f").as_deref(), Some("0123456789"));
    assert_eq!(notes(&bob), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn an_object_that_changes_between_two_ranges_is_never_put_together_from_both() {
    // No digest of the whole could tell: the store takes no checksum, and its ETags say nothing.
    let capabilities =
        Capabilities { checksum: Checksum::None, etag_is_md5: false, ..Capabilities::full() };
    let remote = MemoryRemote::with_capabilities(capabilities);
    remote.put_as_somebody("f", "0123456789");
    let (store, has_changed) = (remote.clone(), AtomicBool::new(false));
    let change = move |call: &bucket::Call, moment| -> bucket::HookFuture {
        let is_answered = call.operation == Operation::Get && moment == bucket::Moment::After;
        if is_answered && !has_changed.swap(true, Ordering::Relaxed) {
            store.put_as_somebody("f", "abcdefghij");
        }
        Box::pin(std::future::ready(()))
    };
    let bob =
        Client { remote: remote.client("bob", Some(Arc::new(change))), ..Client::new(&remote) };
    let report = bob.try_run(&cut(Direction::Sync)).await.unwrap();
    assert_eq!((report.downloaded, report.changed_meanwhile), (0, 1), "{report:?}");
    assert_eq!(bob.tree(), pairs(&[]));
    assert_eq!(bob.try_run(&cut(Direction::Sync)).await.unwrap().downloaded, 1);
    assert_eq!(bob.tree(), pairs(&[("f", "abcdefghij")]));
}
