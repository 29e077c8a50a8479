//! Exit codes and hints.

use super::*;

#[test]
fn the_numbers_are_those_of_the_manual() {
    let numbers = [
        (Exit::Done, 0),
        (Exit::Failed, 1),
        (Exit::Usage, 2),
        (Exit::Incomplete, 3),
        (Exit::Conflicts, 4),
        (Exit::SafetyStop, 5),
        (Exit::NoRepository, 10),
        (Exit::Locked, 11),
        (Exit::Credentials, 12),
        (Exit::Unreachable, 13),
        (Exit::Interrupted, 130),
    ];
    for (exit, number) in numbers {
        assert_eq!(exit.code(), number);
    }
}

#[test]
fn of_several_the_one_that_comes_first_in_the_manual_counts() {
    let order = [130, 13, 12, 11, 10, 5, 1, 4, 3, 0];
    let of = |code| Exit::PRECEDENCE.into_iter().find(|exit| exit.code() == code).unwrap();
    for (rank, winner) in order.into_iter().enumerate() {
        for loser in &order[rank..] {
            assert_eq!(of(winner).worst(of(*loser)).code(), winner);
            assert_eq!(of(*loser).worst(of(winner)).code(), winner);
        }
    }
}

#[test]
fn credentials_and_reachability_have_codes_of_their_own() {
    use RemoteErrorKind as Kind;
    for (kind, exit) in [
        (Kind::NoCredentials, Exit::Credentials),
        (Kind::Denied, Exit::Credentials),
        (Kind::Unreachable, Exit::Unreachable),
        (Kind::NoBucket, Exit::Failed),
        (Kind::Lying, Exit::Failed),
    ] {
        assert_eq!(remote_exit(kind), exit, "{kind:?}");
    }
}

#[test]
fn each_ending_of_a_run_has_its_code() {
    let nothing = Report::default;
    let fatal = |kind| Some(RemoteError::new(kind, "LIST", String::new(), String::new()));
    for (report, code) in [
        (nothing(), 0),
        (Report { ahead: 1, behind: 1, withheld_deletions: 1, ..nothing() }, 0),
        (Report { failed: 1, ..nothing() }, 3),
        (Report { failed: 2, denied_writes: 2, ..nothing() }, 12),
        (Report { failed: 1, denied_writes: 1, ..nothing() }, 3),
        (Report { failed: 2, denied_writes: 2, uploaded: 1, ..nothing() }, 3),
        (Report { changed_meanwhile: 1, ..nothing() }, 3),
        (Report { incomplete: 1, ..nothing() }, 3),
        (Report { beyond_limit: 1, ..nothing() }, 3),
        (Report { conflicts: 1, failed: 1, ..nothing() }, 4),
        (Report { fatal: fatal(RemoteErrorKind::NoBucket), conflicts: 1, ..nothing() }, 1),
        (Report { fatal: fatal(RemoteErrorKind::Denied), conflicts: 1, ..nothing() }, 12),
        (Report { fatal: fatal(RemoteErrorKind::Unreachable), failed: 1, ..nothing() }, 13),
        (
            Report { interrupted: true, fatal: fatal(RemoteErrorKind::Unreachable), ..nothing() },
            130,
        ),
    ] {
        assert_eq!(Exit::of_report(&report).code(), code, "{report:?}");
    }
}

#[test]
fn the_safety_stop_names_limits_that_would_do() {
    let stop = |excesses: &[(bool, Loss, u64, Cause)]| {
        let excess = |&(in_bucket, loss, files, cause)| Excess { in_bucket, loss, files, cause };
        let excesses = excesses.iter().map(excess).collect();
        Error::from(SafetyStop { excesses, tracked: 100 })
    };
    let error = stop(&[(true, Loss::Deleted, 26, Cause::Some)]);
    assert_eq!(error.exit(), Exit::SafetyStop);
    assert!(error.hint().unwrap().contains("--max-delete 26 (or 100%)"));
    let error = stop(&[
        (false, Loss::Deleted, 26, Cause::Some),
        (true, Loss::Deleted, 30, Cause::Some),
        (true, Loss::Replaced, 70, Cause::Some),
    ]);
    let hint = error.hint().unwrap();
    assert!(hint.contains("--max-delete 30 and --max-change 70 (or 100%)"), "{hint}");
}

#[test]
fn a_side_that_was_emptied_is_filled_again_before_the_other_one_is_given_up() {
    for (in_bucket, first) in [(false, "lsync push --force ."), (true, "lsync pull --force .")] {
        let cause = Cause::Emptied;
        let excess = Excess { in_bucket, loss: Loss::Deleted, files: 100, cause };
        let hint = Error::from(SafetyStop { excesses: vec![excess], tracked: 100 }).hint();
        let hint = hint.unwrap();
        let (cure, limit) = (hint.find(first), hint.find("--max-delete 100"));
        assert!(cure.is_some() && cure < limit, "{hint}");
    }
}

#[test]
fn causes_are_listed_from_the_nearest_on() {
    let first = std::io::Error::other("first");
    let error = Error::from(anyhow::Error::new(first).context("second").context("third"));
    assert_eq!(error.to_string(), "third");
    assert_eq!(error.causes(), ["second", "first"]);
}
