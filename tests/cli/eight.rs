//! Eight people who write one key at the same moment, each with a lsync process of their own.

use std::sync::{Arc, Barrier};

use crate::support::{Output, Profile};
use crate::team::{BUCKET, Team, end_of};

/// Everybody's number.
const EVERYBODY: std::ops::Range<usize> = 0..8;

fn copy(number: usize) -> String {
    format!("copy{number}")
}

/// Makes eight copies of a bucket with these files.
fn eight(profile: Profile) -> Team {
    let team = Team::sharing_on(profile, &[("f", "base"), ("g", "g"), ("h", "h")]);
    let config = team.text("one/.lsync/config.yaml");
    for copy in EVERYBODY.map(copy) {
        team.join_as(&copy, &config);
        team.ok(&copy, "sync");
    }
    team
}

/// Runs sync in all copies; the writes and deletions of `key` begin when all eight have arrived.
fn all_at_once(team: &Team, key: &str) -> Vec<Output> {
    let barrier = Arc::new(Barrier::new(EVERYBODY.len()));
    for operation in ["PutObject", "DeleteObject"] {
        let barrier = Arc::clone(&barrier);
        team.server.on_request(operation, key, move |_, _| {
            barrier.wait();
        });
    }
    let children: Vec<_> =
        EVERYBODY.map(|number| team.start(&copy(number), &format!("sync {key}"))).collect();
    let outputs = children.into_iter().map(end_of).collect();
    team.server.clear_hooks();
    outputs
}

/// Returns the numbers of those whose run ended with 0; everybody else's must have said why.
#[track_caller]
fn winners(outputs: &[Output]) -> Vec<usize> {
    for output in outputs.iter().filter(|output| output.code != Some(0)) {
        output.assert_code(3);
        assert!(output.stderr.contains("changed meanwhile"), "{output:?}");
    }
    EVERYBODY.filter(|number| outputs[*number].code == Some(0)).collect()
}

/// Checks that everybody but the winner has their bytes, and is told of a conflict by the next run.
#[track_caller]
fn assert_losers_keep_theirs(team: &Team, key: &str, winner: usize) {
    for number in EVERYBODY.filter(|number| *number != winner) {
        let copy = copy(number);
        assert_eq!(team.text(format!("{copy}/{key}")), copy);
        team.run(&copy, &format!("sync {key}")).assert_code(4);
        assert_eq!(team.text(format!("{copy}/{key}")), copy);
    }
}

#[test]
fn of_eight_who_create_or_replace_a_key_one_wins_and_seven_keep_their_bytes() {
    for profile in [Profile::Aws, Profile::Ceph] {
        let team = eight(profile);
        for key in ["new", "f"] {
            for number in EVERYBODY {
                team.write(format!("{}/{key}", copy(number)), copy(number));
            }
            let before = team.server.history(BUCKET).len();
            let outputs = all_at_once(&team, key);
            let winners = winners(&outputs);
            assert_eq!(winners.len(), 1, "{profile:?} {key}: {winners:?}");
            assert_eq!(team.server.history(BUCKET).len(), before + 1, "{profile:?} {key}");
            assert_eq!(team.bucket()[key], copy(winners[0]), "{profile:?} {key}");
            assert_losers_keep_theirs(&team, key, winners[0]);
        }
    }
}

#[test]
fn of_four_who_delete_and_four_who_edit_one_side_wins_and_no_edit_is_gone() {
    let team = eight(Profile::Aws);
    for number in EVERYBODY {
        let file = format!("{}/f", copy(number));
        if number % 2 == 0 { team.remove(file) } else { team.write(file, copy(number)) }
    }
    let before = team.server.history(BUCKET).len();
    let outputs = all_at_once(&team, "f");
    let winners = winners(&outputs);
    assert_eq!(team.server.history(BUCKET).len(), before + 1, "more than one took effect");
    if let Some(text) = team.bucket().get("f") {
        assert_eq!(winners.len(), 1, "{winners:?}");
        assert_eq!(text, &copy(winners[0]));
    } else {
        // Whoever wanted it deleted has what they wanted.
        assert!(winners.iter().all(|number| number % 2 == 0), "{winners:?}");
    }
    for number in EVERYBODY.filter(|number| number % 2 == 1) {
        assert_eq!(team.text(format!("{}/f", copy(number))), copy(number));
    }
    for number in EVERYBODY.filter(|number| !winners.contains(number)) {
        team.run(&copy(number), "sync").assert_code(4);
    }
}

#[test]
fn where_the_store_keeps_nobody_apart_all_eight_still_have_their_bytes() {
    let team = eight(Profile::Garage);
    for number in EVERYBODY {
        team.write(format!("{}/f", copy(number)), copy(number));
    }
    winners(&all_at_once(&team, "f"));
    let winner = team.bucket()["f"].clone();
    for number in EVERYBODY {
        let copy = copy(number);
        // Whoever was told of a success, and overwritten, finds it in the trash.
        let code = team.run(&copy, "sync").code;
        let is_theirs = team.text(format!("{copy}/f")) == copy;
        let is_kept = team.trashed(&copy).contains(&("local/f".to_owned(), copy.clone()));
        assert!(is_theirs || is_kept, "{copy} has lost its bytes");
        assert_eq!(code == Some(4), is_theirs && winner != copy, "{copy}");
    }
}
