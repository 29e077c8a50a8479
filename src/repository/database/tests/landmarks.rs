//! Where the database says that a listing can be split.

use super::*;

fn name(number: usize) -> String {
    format!("d{}/{number:05}", number / 1_500)
}

fn database(numbers: impl Iterator<Item = usize>) -> String {
    let rows = numbers.map(|number| line_of(&name(number), 1));
    header() + &rows.collect::<String>()
}

fn landmarks(bench: &Bench, scope: Option<&str>) -> Vec<String> {
    let landmarks = bench.open().landmarks(scope.map(path).as_ref());
    landmarks.iter().map(ToString::to_string).collect()
}

#[test]
fn they_are_a_thousand_rows_apart_and_never_the_last_row() {
    for (count, expected) in [
        (0, &[][..]),
        (999, &[]),
        (1_000, &[]),
        (1_001, &[999]),
        (2_000, &[999]),
        (3_500, &[999, 1_999, 2_999]),
    ] {
        let bench = Bench::with(database(0..count).as_bytes(), b"");
        let expected: Vec<_> = expected.iter().copied().map(name).collect();
        assert_eq!(landmarks(&bench, None), expected, "{count} rows");
        let rows: Vec<_> = rows(&bench.open()).into_iter().map(|(path, _)| path).collect();
        let every = rows.iter().skip(999).step_by(1_000).filter(|path| Some(*path) != rows.last());
        assert!(every.eq(&expected), "as the rows themselves have it");
    }
}

#[test]
fn what_the_journal_adds_and_takes_away_counts() {
    let journal = |changes: &[Change]| {
        let lines = changes.iter().map(journal_line);
        header() + &lines.collect::<String>()
    };
    let mut changes: Vec<_> = (0..500).map(|number| gone(&name(2 * number))).collect();
    changes.extend((1_000..1_010).map(|number| put(&name(number), 2)));
    changes.extend((3_000..3_200).map(|number| put(&name(number), 2)));
    let bench = Bench::with(database(0..3_000).as_bytes(), journal(&changes).as_bytes());
    assert_eq!(rows(&bench.open()).len(), 2_700);
    assert_eq!(landmarks(&bench, None), [name(1_499), name(2_499)]);
    let alone = (0..1_001).map(|number| put(&name(number), 2)).collect::<Vec<_>>();
    let bench = Bench::new();
    bench.write(JOURNAL, journal(&alone).as_bytes());
    assert_eq!(landmarks(&bench, None), [name(999)]);
}

#[test]
fn a_scope_has_those_below_it() {
    let bench = Bench::with(database(0..4_500).as_bytes(), b"");
    assert_eq!(landmarks(&bench, Some("d1")), [name(1_999), name(2_999)]);
    assert_eq!(landmarks(&bench, Some("d")), [] as [&str; 0]);
}

#[test]
fn another_remote_has_none_of_them() {
    let bench = Bench::with(database(0..2_001).as_bytes(), b"");
    assert_eq!(bench.open_of("elsewhere").landmarks(None), []);
}
