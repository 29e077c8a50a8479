//! Operands below a name that is a file on the other side: what lies above an operand is not listed,
//! and must not be made a folder beside a file.

use lsync::fakes::bucket::Operation;
use lsync::plan::{Conflict, ConflictKind, Direction, Resolution, Selection};
use lsync::sync::{self, Request};
use lsync::tree::RepoPath;

use super::{Client, begin, only, pairs, request, requests, team};

fn asked(direction: Direction, operands: &[&str]) -> Request {
    let operands = operands.iter().map(|text| RepoPath::parse(text).unwrap());
    Request { selection: Selection::new(operands, &[], &[]).unwrap(), ..request(direction) }
}

/// Returns the paths of the conflicts that a run would meet.
async fn conflicts(client: &Client, request: &Request) -> Vec<String> {
    let plan = client.plan_of(request.clone()).await;
    let found = plan.conflicts.iter();
    found
        .map(|conflict| {
            assert_eq!(conflict.kind, ConflictKind::FileAgainstFolder);
            conflict.path.to_string()
        })
        .collect()
}

#[tokio::test]
async fn nothing_is_made_in_the_bucket_below_a_name_that_is_a_file_there() {
    for (path, operands) in [
        ("a/x", &["a/x"][..]),
        ("a/b/x", &["a/b"]),
        ("a/b/x", &["a/b/x"]),
        ("a/x", &["a/x", "a/y", "other"]),
    ] {
        for direction in
            [Direction::Sync, Direction::Push, Direction::ForcedPush, Direction::MirrorPush]
        {
            let (remote, ann, _) = team();
            remote.put_as_somebody("a", "a teammate's file");
            ann.write(path, "x");
            ann.write("a/y", "y");
            ann.write("other", "o");
            let request = asked(direction, operands);
            assert_eq!(conflicts(&ann, &request).await, ["a"], "{operands:?} {direction:?}");
            let report = ann.try_run(&request).await.unwrap();
            assert_eq!(report.conflicts, 1, "{operands:?} {direction:?}");
            let mut keys: Vec<_> = remote.contents().into_keys().collect();
            keys.retain(|key| key != "other");
            assert_eq!(keys, ["a"], "{operands:?} {direction:?}");
            assert_eq!(remote.bytes("other").is_some(), operands.contains(&"other"));
        }
    }
}

#[tokio::test]
async fn push_of_one_file_is_no_way_around_it() {
    let (remote, ann, _) = team();
    remote.put_as_somebody("a", "a teammate's file");
    ann.write("a/x", "x");
    let request = Request { implicit_force: true, ..asked(Direction::ForcedPush, &["a/x"]) };
    assert_eq!(ann.try_run(&request).await.unwrap().conflicts, 1);
    assert_eq!(remote.contents().len(), 1);
    // Nor is the file above a way to hide what lies below it.
    let (remote, ann, _) = team();
    remote.put_as_somebody("a/x", "a teammate's file");
    ann.write("a", "file");
    for implicit_force in [true, false] {
        let direction = if implicit_force { Direction::ForcedPush } else { Direction::Push };
        let request = Request { implicit_force, ..asked(direction, &["a"]) };
        assert_eq!(ann.try_run(&request).await.unwrap().conflicts, 1);
        assert_eq!(remote.contents().into_keys().collect::<Vec<_>>(), ["a/x"]);
    }
}

#[tokio::test]
async fn a_file_that_became_a_folder_here_is_pushed_as_a_whole_or_not_at_all() {
    let (remote, ann, _) = team();
    ann.write("a", "file");
    ann.write("z", "z");
    ann.sync().await;
    ann.remove("a");
    ann.write("a/x", "x");
    let part = asked(Direction::Push, &["a/x"]);
    assert_eq!(ann.try_run(&part).await.unwrap().conflicts, 1);
    assert_eq!(remote.contents().into_keys().collect::<Vec<_>>(), ["a", "z"]);
    let whole = asked(Direction::Push, &["a"]);
    assert!(ann.try_run(&whole).await.unwrap().is_complete());
    assert_eq!(remote.contents().into_keys().collect::<Vec<_>>(), ["a/x", "z"]);
}

#[tokio::test]
async fn nothing_is_fetched_below_a_name_that_is_a_file_here() {
    for direction in
        [Direction::Sync, Direction::Pull, Direction::ForcedPull, Direction::MirrorPull]
    {
        let (remote, ann, _) = team();
        ann.write("a", "file");
        remote.put_as_somebody("a/x", "x");
        remote.put_as_somebody("a/b/y", "y");
        for operand in ["a/x", "a/b", "a/b/y"] {
            let request = asked(direction, &[operand]);
            remote.clear_calls();
            assert_eq!(
                ann.try_run(&request).await.unwrap().conflicts,
                1,
                "{operand} {direction:?}"
            );
            assert_eq!(requests(&remote), [Operation::Head, Operation::List], "{operand}");
            assert_eq!(ann.tree(), pairs(&[("a", "file")]), "{operand} {direction:?}");
        }
    }
}

#[tokio::test]
async fn only_a_creation_below_a_folder_costs_a_look_at_that_folder_and_each_only_one() {
    use Operation::{Head, List, Put};
    let (remote, ann, _) = team();
    for path in ["docs/a", "docs/sub/b", "top"] {
        ann.write(path, "1");
    }
    ann.sync().await;
    let count = async |operands: &[&str]| {
        remote.clear_calls();
        let report = ann.try_run(&asked(Direction::Push, operands)).await.unwrap();
        assert!(report.is_complete());
        let mut requests = requests(&remote);
        requests.sort_by_key(|operation| operation.word());
        requests
    };
    assert_eq!(count(&["docs/a"]).await, [Head, List]);
    for path in ["docs/a", "docs/sub/b", "top"] {
        ann.write(path, "2");
    }
    assert_eq!(count(&["docs/a"]).await, [Head, List, Put]);
    assert_eq!(count(&["docs/sub"]).await, [Head, List, Put]);
    ann.write("new", "1");
    assert_eq!(count(&["new"]).await, [Head, List, Put]);
    ann.write("docs/new", "1");
    assert_eq!(count(&["docs/new"]).await, [Head, Head, List, Put]);
    for path in ["docs/sub/new1", "docs/sub/new2", "docs/sub/deep/new3", "docs/new4"] {
        ann.write(path, "1");
    }
    // Three operands, and `docs` and `docs/sub` above them.
    let operands = ["docs/sub/new1", "docs/sub/deep", "docs/new4"];
    let expected = [[Head; 5].as_slice(), &[List; 3], &[Put; 3]].concat();
    assert_eq!(count(&operands).await, expected);
    let asked = Request { selection: only("docs"), ..request(Direction::Push) };
    remote.clear_calls();
    ann.try_run(&asked).await.unwrap();
    assert_eq!(requests(&remote), [Head, List, Put], "what lies in an operand is listed");
}

#[tokio::test]
async fn settling_a_conflict_below_a_name_that_is_a_file_there_makes_no_clash() {
    let (remote, ann, bob) = team();
    ann.write("a/x", "one");
    ann.write("z", "z");
    ann.sync().await;
    bob.sync().await;
    bob.person().remove("/w/a");
    bob.write("a", "a file now");
    bob.sync().await;
    ann.write("a/x", "edited");
    let world = ann.world();
    let asked = asked(Direction::Sync, &["a/x"]);
    let locked = begin(&world, &asked).unwrap();
    let plan = sync::plan(&locked, &asked).await.unwrap();
    let ours = |conflict: &Conflict| (conflict.clone(), Resolution::Ours);
    let choices: Vec<_> = plan.conflicts.iter().map(ours).collect();
    let plan = lsync::plan::settle(plan, &choices, "ann-20261120T000000Z-ab12");
    let report = sync::carry_out(locked, &asked, plan).await.unwrap();
    assert_eq!((report.uploaded, report.conflicts), (0, 1));
    assert_eq!(remote.contents().into_keys().collect::<Vec<_>>(), ["a", "z"]);
    assert_eq!(ann.read("a/x").as_deref(), Some("edited"));
}
