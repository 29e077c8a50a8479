//! Torn tails, failed writes, and kills at every step.

use std::collections::BTreeMap;

use super::super::line::end_with_checksum;
use super::*;
use crate::fakes::disk::{Crash, Errno};

#[test]
fn a_tail_torn_at_any_byte_is_ignored_and_cut_off() {
    let first = header() + &journal_line(&put("a", 1));
    let last = journal_line(&put("b", 2));
    for end in 0..last.len() {
        let journal = first.clone() + &last[..end];
        let bench = Bench::with(header().as_bytes(), journal.as_bytes());
        let mut database = bench.open();
        assert_eq!(rows(&database), expected(&[("a", 1)]), "{end}");
        assert_eq!(database.warnings(), Vec::<String>::new(), "{end}");
        database.record(&[put("c", 3)]).unwrap();
        assert_eq!(bench.text(JOURNAL), first.clone() + &journal_line(&put("c", 3)), "{end}");
        assert_eq!(rows(&bench.open()), expected(&[("a", 1), ("c", 3)]), "{end}");
    }
}

#[test]
fn a_tail_of_zeros_is_torn() {
    let journal = [journal_line(&put("a", 1)).as_bytes(), &[0; 4096]].concat();
    let bench = Bench::with(header().as_bytes(), &journal);
    bench.open().record(&[put("b", 2)]).unwrap();
    assert_eq!(rows(&bench.open()), expected(&[("a", 1), ("b", 2)]));
}

#[test]
fn a_record_that_fails_leaves_nothing_behind() {
    for number in 1..=2 {
        let bench = Bench::new();
        let mut database = bench.open();
        database.record(&[put("a", 1)]).unwrap();
        bench.disk.fail_operation(number, Errno::NOSPC);
        let error = database.record(&[put("b", 2), gone("a")]).unwrap_err();
        assert_eq!(error.to_string(), "cannot write .lsync/journal.yaml");
        assert!(error.hint().is_some());
        assert_eq!(rows(&database), expected(&[("a", 1)]));
        assert_eq!(rows(&bench.open()), expected(&[("a", 1)]));
        database.record(&[put("c", 3)]).unwrap();
        assert_eq!(rows(&bench.open()), expected(&[("a", 1), ("c", 3)]));
    }
}

#[test]
fn a_rewrite_that_fails_is_a_warning_and_everything_recorded_counts() {
    // How many operations the rewrite has, behind the append and its sync.
    let operations = fail_in_rewrite(None) - 2;
    assert!(operations >= 5, "{operations}");
    for number in 1..=operations {
        fail_in_rewrite(Some(2 + number));
    }
}

/// Lets one operation of a record with a rewrite fail; returns how many operations it had.
fn fail_in_rewrite(number: Option<u64>) -> u64 {
    let bench = Bench::new();
    let mut database = bench.open();
    database.record(&[put("a", 1), put("b", 2)]).unwrap();
    database.rewrite_bytes = 0;
    let before = bench.disk.operations();
    if let Some(number) = number {
        bench.disk.fail_operation(number, Errno::NOSPC);
    }
    database.record(&[gone("a"), put("c", 3)]).unwrap();
    let operations = bench.disk.operations() - before;
    let all = expected(&[("b", 2), ("c", 3)]);
    assert_eq!(rows(&database), all);
    assert_eq!(rows(&bench.open()), all, "{number:?}");
    for size in 0..20 {
        database.record(&[put("d", size)]).unwrap();
    }
    let all = expected(&[("b", 2), ("c", 3), ("d", 19)]);
    assert_eq!(rows(&database), all);
    assert_eq!(rows(&bench.open()), all, "{number:?}");
    assert_eq!(bench.text(JOURNAL), "", "it is tried again");
    operations
}

#[test]
fn a_database_of_the_first_format_that_cannot_be_written_anew_is_left_as_it_was() {
    let first = |is_journal, text: String| of_the_first_format(&text, is_journal);
    let (stored, journal) = (
        first(false, header() + &line_of("a", 1)),
        first(true, header() + &journal_line(&put("b", 2))),
    );
    let mut failed = 0;
    for number in 1..30 {
        let bench = Bench::with(stored.as_bytes(), journal.as_bytes());
        let mut database = bench.open();
        let before = bench.disk.operations();
        bench.disk.fail_operation(number, Errno::NOSPC);
        let recorded = database.record(&[put("c", 3)]).is_ok();
        if bench.disk.operations() - before < number {
            assert!(recorded && failed >= 5, "{failed} of {number} operations were refused");
            return;
        }
        failed += usize::from(!recorded);
        let mut all = expected(&[("a", 1), ("b", 2)]);
        if recorded {
            all = expected(&[("a", 1), ("b", 2), ("c", 3)]);
        }
        assert_eq!(rows(&database), all, "{number}");
        assert_eq!(rows(&bench.open()), all, "{number}");
        // The disk has room again, for this run or for the next one.
        let mut next = bench.open();
        let again = if number % 2 == 0 { &mut database } else { &mut next };
        again.record(&[put("c", 3)]).unwrap();
        assert_eq!(rows(&bench.open()), expected(&[("a", 1), ("b", 2), ("c", 3)]), "{number}");
        assert!(bench.text(DATABASE).starts_with("- {lsync: 2, "), "{number}");
    }
    panic!("the record never came to its end");
}

/// The steps of a run, and what has to be known after each.
fn run(database: &mut Database<MemoryDisk>, known: &mut Vec<Rows>) -> Result<(), DatabaseError> {
    let steps: [&[Change]; 4] = [
        &[put("a", 1), put("b", 1)],
        &[put("a", 2), put("c", 2)],
        &[gone("b"), put("d", 3)],
        &[put("b", 4), gone("c")],
    ];
    for changes in steps {
        let mut next = known.last().cloned().unwrap_or_default();
        for change in changes {
            match change {
                Change::Put(row) => next.insert(row.path.to_string(), row.signature.size),
                Change::Gone(path) => next.remove(path.as_str()),
            };
        }
        known.push(next);
        database.record(changes)?;
    }
    known.push(known[known.len() - 1].clone());
    database.finish()
}

type Rows = BTreeMap<String, u64>;

/// What lies there before the run.
#[derive(Clone, Copy, PartialEq)]
enum Start {
    ThisFormat,
    FirstFormat,
    AnotherRemote,
}

/// Writes a file as the first format had it.
fn of_the_first_format(text: &str, is_journal: bool) -> String {
    let mut first = String::new();
    for line in text.lines() {
        let start = first.len();
        let (row, _) = line.split_once(" # ").unwrap_or((line, ""));
        let row = row.replace("{lsync: 2", "{lsync: 1").replace(", version: ", ", etag: ");
        first.push_str(&row.replace(", md5: version", ""));
        if is_journal { end_with_checksum(&mut first, start) } else { first.push('\n') }
    }
    assert!(first.contains("etag"), "{first}");
    first
}

/// Kills a run at each of its operations; afterwards each row is that of the last record that
/// returned, or of the one that was under way.
fn kill_everywhere(rewrite_bytes: u64, crash: Crash, start: Start) {
    let other = start == Start::AnotherRemote;
    for number in 1..200 {
        let mut bench = Bench::new();
        let mut before = bench.open_of(if other { "other" } else { "docs" });
        before.record(&[put("old", 7)]).unwrap();
        before.rewrite_bytes = 0;
        before.record(&[put("older", 8)]).unwrap();
        before.rewrite_bytes = u64::MAX;
        before.record(&[put("old", 9)]).unwrap();
        let kept = [("old".to_owned(), 9), ("older".to_owned(), 8)];
        let mut known = vec![if other { Rows::new() } else { kept.clone().into() }];
        if start == Start::FirstFormat {
            for (file, journal) in [(DATABASE, false), (JOURNAL, true)] {
                let text = of_the_first_format(&bench.text(file), journal);
                bench.write(file, text.as_bytes());
            }
        }
        bench.disk.sync_all();

        let mut database = bench.open();
        database.rewrite_bytes = rewrite_bytes;
        if number % 2 == 0 {
            bench.disk.stop_within(number / 2);
        } else {
            bench.disk.stop_after(number.div_ceil(2));
        }
        let ended = run(&mut database, &mut known);
        bench.disk.crash(crash);
        bench.reopen();
        let found: Rows = rows(&bench.open()).into_iter().collect();
        let last = known.len() - 1;
        let (before, after) = (&known[last.saturating_sub(1)], &known[last]);
        for path in found.keys().chain(before.keys()).chain(after.keys()) {
            let size = found.get(path);
            assert!(
                size == before.get(path) || size == after.get(path),
                "{number}: {found:?} is neither {before:?} nor {after:?}"
            );
        }
        if other {
            let theirs: Rows = rows(&bench.open_of("other")).into_iter().collect();
            let short = kept.iter().all(|(path, size)| theirs.get(path).is_none_or(|s| s == size));
            assert!(short, "{number}: {theirs:?} is out of date");
        }
        // The next run works as ever.
        bench.open().record(&[put("z", 5)]).unwrap();
        let mut expected = found.clone();
        expected.insert("z".into(), 5);
        assert_eq!(rows(&bench.open()).into_iter().collect::<Rows>(), expected);
        if ended.is_ok() && found == *after && number > 100 {
            return;
        }
    }
    panic!("the run never came to its end");
}

#[test]
fn a_run_killed_at_any_step_loses_no_row_that_was_recorded() {
    for rewrite_bytes in [0, 300, u64::MAX] {
        for crash in [Crash::Kill, Crash::PowerLoss, Crash::Ordered(3), Crash::Random(5)] {
            kill_everywhere(rewrite_bytes, crash, Start::ThisFormat);
        }
    }
}

#[test]
fn a_database_of_the_first_format_that_is_written_anew_and_killed_at_any_step_loses_no_row() {
    for rewrite_bytes in [0, 300, u64::MAX] {
        for crash in [Crash::Kill, Crash::PowerLoss, Crash::Ordered(3), Crash::Random(5)] {
            kill_everywhere(rewrite_bytes, crash, Start::FirstFormat);
        }
    }
}

#[test]
fn a_change_of_remotes_killed_at_any_step_leaves_no_row_that_is_out_of_date() {
    for rewrite_bytes in [0, u64::MAX] {
        for crash in [Crash::Kill, Crash::PowerLoss, Crash::Ordered(3), Crash::Random(5)] {
            kill_everywhere(rewrite_bytes, crash, Start::AnotherRemote);
        }
    }
}
