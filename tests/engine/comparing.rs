//! Contents are compared in groups, while there is more to list and to scan.

use super::*;

/// More than a page of files that the database does not know: equal ones, different ones, and files
/// against folders.
fn first_sync() -> Client {
    let remote = MemoryRemote::new();
    let client = Client::new(&remote);
    for number in 0..1_500 {
        let path = format!("f/{number:05}");
        match number % 100 {
            7 => client.write(&path, "here"),
            23 => client.write(&format!("{path}/inner"), "in a folder"),
            _ => client.write(&path, "same"),
        }
        remote.put_as_somebody(&path, "same");
    }
    client
}

#[tokio::test]
async fn a_plan_is_the_same_however_many_contents_are_compared_at_once() {
    let client = first_sync();
    let plan = |compared_rows| {
        let request = request(Direction::Sync);
        client.plan_of(Request { tuning: Tuning { compared_rows, ..request.tuning }, ..request })
    };
    let whole = plan(usize::MAX).await;
    assert_eq!((whole.actions.len(), whole.conflicts.len()), (1_470, 30));
    for compared_rows in [1, 2, 700, 1_499, 1_500, 1_501] {
        assert_eq!(plan(compared_rows).await, whole, "{compared_rows} at once");
    }
}

#[tokio::test]
async fn what_is_compared_in_groups_is_recorded_once_and_whole() {
    let client = first_sync();
    let request = request(Direction::Sync);
    let tuning = Tuning { compared_rows: 100, ..request.tuning };
    let report = client.try_run(&Request { tuning, ..request }).await.unwrap();
    assert_eq!((report.adopted, report.conflicts), (1_470, 30));
    let again = client.plan().await;
    assert_eq!((again.agreed, again.actions.len(), again.conflicts.len()), (1_470, 0, 30));
}
