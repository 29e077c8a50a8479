//! Listings of many pages in virtual time, where each page takes 50 ms: time is a count there.

use std::fmt::Write as _;
use std::time::Duration;

use lsync::fakes::bucket::{Call, HookFuture, Moment};
use tokio::time::Instant;

use super::*;

const PAGES: usize = 40;
const PAGE_MILLISECONDS: u64 = 50;

/// A working copy of a bucket that takes its time over each page.
fn slow(remote: &MemoryRemote) -> Client {
    let hook = |call: &Call, moment: Moment| -> HookFuture {
        let waits = call.operation == Operation::List && moment == Moment::Before;
        Box::pin(async move {
            if waits {
                tokio::time::sleep(Duration::from_millis(PAGE_MILLISECONDS)).await;
            }
        })
    };
    let client = Client::new(remote);
    Client { remote: remote.client("client", Some(Arc::new(hook))), ..client }
}

/// Plans, and returns how many pages follow one another, and how many there are.
async fn plan_in_pages(client: &Client) -> (Plan, u128, usize) {
    client.remote.clear_calls();
    let begun = Instant::now();
    let plan = client.plan().await;
    // The clock of tokio has a resolution of a millisecond.
    let rounds = begun.elapsed().as_millis() / u128::from(PAGE_MILLISECONDS);
    (plan, rounds, client.remote.count(Operation::List))
}

#[tokio::test(start_paused = true)]
async fn pages_are_listed_side_by_side_with_a_database_and_without() {
    let remote = MemoryRemote::new();
    let paths: Vec<_> = (0..PAGES * 1_000).map(|number| format!("d/{number:06}")).collect();
    for path in &paths {
        remote.put_as_somebody(path, "");
    }
    let client = slow(&remote);
    let (plan, rounds, requests) = plan_in_pages(&client).await;
    assert_eq!(plan.actions.len(), paths.len(), "every key is fetched");
    // A bucket of so few pages pays most for the cuts that were guessed in vain.
    assert!(rounds <= 16 && requests <= 101, "{requests} requests, {rounds} in a row");

    let mut rows = "- {lsync: 2, remote: \"s3://team\", endpoint: \"\"}\n".to_owned();
    for path in &paths {
        let values = "size: 0, mtime: 1, ctime: 1, inode: 1, version: \"before\"";
        writeln!(rows, "- {{path: \"{path}\", {values}}}").unwrap();
    }
    client.person().write("/w/.lsync/database.yaml", rows.as_bytes());
    let (plan, rounds, requests) = plan_in_pages(&client).await;
    assert_eq!(plan.conflicts.len(), paths.len(), "deleted here and changed there");
    // 1, 2, 4, 8, 16 and the rest.
    assert_eq!((rounds, requests), (6, PAGES));
}
