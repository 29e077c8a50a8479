//! Both files together: order, scopes, remotes, hand edits, odd files.

use super::super::lines::LINE_BYTES_MAX;
use super::*;

#[test]
fn what_was_recorded_is_there_after_opening_again_in_key_order() {
    let bench = Bench::new();
    let mut database = bench.open();
    database.record(&[put("b", 1), put("a/x", 2), put("a-1", 3), put("c", 4)]).unwrap();
    database.record(&[put("b", 5), gone("c"), gone("never")]).unwrap();
    let all = expected(&[("a-1", 3), ("a/x", 2), ("b", 5)]);
    assert_eq!(rows(&database), all);
    assert_eq!(rows(&bench.open()), all);
    assert_eq!(bench.open().tracked().unwrap(), 3);
    assert_eq!(bench.open().get(&path("b")).unwrap(), Some(row("b", 5)));
    assert_eq!(bench.open().get(&path("a")).unwrap(), None);
    assert_eq!(bench.open().get(&path("c")).unwrap(), None);
    assert_eq!(bench.text(DATABASE), header());
}

#[test]
fn the_journal_overrides_the_database() {
    let database =
        header() + &line_of("a", 1) + &line_of("b", 1) + &line_of("c", 1) + &line_of("d", 1);
    let journal: String =
        [put("0", 2), gone("a"), put("b", 2), put("bb", 2), gone("d"), put("e", 2)]
            .iter()
            .map(journal_line)
            .collect();
    let bench = Bench::with(database.as_bytes(), journal.as_bytes());
    let all = expected(&[("0", 2), ("b", 2), ("bb", 2), ("c", 1), ("e", 2)]);
    assert_eq!(rows(&bench.open()), all);
    let mut opened = bench.open();
    opened.rewrite_bytes = 0;
    opened.record(&[put("c", 3)]).unwrap();
    let all = expected(&[("0", 2), ("b", 2), ("bb", 2), ("c", 3), ("e", 2)]);
    assert_eq!(rows(&opened), all);
    assert_eq!(rows(&bench.open()), all);
    assert_eq!(bench.text(JOURNAL), "");
    assert_eq!(bench.open().warnings(), Vec::<String>::new());
}

#[test]
fn looking_writes_nothing() {
    let bench = Bench::with((header() + &line_of("a", 1)).as_bytes(), b"- {torn");
    let before = bench.disk.operations();
    let mut database = bench.open();
    assert_eq!(rows(&database), expected(&[("a", 1)]));
    assert_eq!(database.tracked().unwrap(), 1);
    database.record(&[]).unwrap();
    database.finish().unwrap();
    assert_eq!(bench.disk.operations(), before);
    assert_eq!(bench.read(JOURNAL), b"- {torn");
}

#[test]
fn a_scope_is_the_path_itself_and_what_lies_below_it() {
    let names = ["fo", "foo", "foo-1", "foo.txt", "foo/a", "foo/b/c", "foo0", "foobar", "g"];
    let within = expected(&[("foo", 1), ("foo/a", 1), ("foo/b/c", 1)]);
    let lines: String = names.iter().map(|name| line_of(name, 1)).collect();
    let changes: String = names.iter().map(|name| journal_line(&put(name, 1))).collect();
    for bench in [
        Bench::with((header() + &lines).as_bytes(), b""),
        Bench::with(header().as_bytes(), changes.as_bytes()),
        Bench::with((header() + &lines).as_bytes(), changes.as_bytes()),
    ] {
        let database = bench.open();
        assert_eq!(scoped(&database, Some("foo")), within);
        assert_eq!(scoped(&database, Some("foo/b")), expected(&[("foo/b/c", 1)]));
        assert_eq!(scoped(&database, Some("f")), []);
        assert_eq!(scoped(&database, Some("foo/b/c")), expected(&[("foo/b/c", 1)]));
        assert_eq!(rows(&database).len(), names.len());
    }
}

#[test]
fn a_scope_finds_rows_that_are_written_by_hand_or_with_escapes() {
    let by_hand = line_of("a/b", 2).replace("\"a/b\"", "'a/b'");
    let lines = header() + &line_of("a", 1) + &by_hand + &line_of("a/\n", 3) + &line_of("b", 4);
    let bench = Bench::with(lines.as_bytes(), b"");
    // By bytes the newline comes first, so that this is out of order, too.
    let all = expected(&[("a", 1), ("a/\n", 3), ("a/b", 2)]);
    assert_eq!(scoped(&bench.open(), Some("a")), all);
    let lines = header() + &line_of("a/\n", 3) + &by_hand + &line_of("b", 4);
    let bench = Bench::with(lines.as_bytes(), b"");
    assert_eq!(scoped(&bench.open(), Some("a")), all[1..]);
}

#[test]
fn rows_that_are_not_in_order_are_sorted() {
    let lines = header() + &line_of("c", 1) + &line_of("a", 2) + &line_of("c", 3);
    let bench = Bench::with(lines.as_bytes(), journal_line(&put("b", 4)).as_bytes());
    let mut database = bench.open();
    let all = expected(&[("a", 2), ("b", 4), ("c", 3)]);
    assert_eq!(rows(&database), all);
    assert_eq!(scoped(&database, Some("a")), all[..1]);
    database.rewrite_bytes = 0;
    database.record(&[put("b", 5)]).unwrap();
    let sorted = header() + &line_of("a", 2) + &line_of("b", 5) + &line_of("c", 3);
    assert_eq!(bench.text(DATABASE), sorted);
}

#[test]
fn of_two_rows_of_a_path_the_last_counts_and_the_other_is_warned_of() {
    let lines = header() + &line_of("a", 1) + &line_of("a", 2) + &line_of("b", 3);
    let bench = Bench::with(lines.as_bytes(), b"");
    let database = bench.open();
    assert_eq!(rows(&database), expected(&[("a", 2), ("b", 3)]));
    assert_eq!(rows(&database).len(), 2);
    assert_eq!(database.warnings().len(), 1);
    assert!(database.warnings()[0].contains("database.yaml, line 3"), "{:?}", database.warnings());
}

#[test]
fn a_broken_line_takes_older_rows_of_its_path_along() {
    let broken = line_of("b", 2).replace("size: 2", "size: two");
    for lines in [
        header() + &line_of("a", 1) + &line_of("b", 1) + &broken + &line_of("c", 1),
        header() + &line_of("b", 1) + &line_of("c", 1) + &broken + &line_of("a", 1),
    ] {
        let bench = Bench::with(lines.as_bytes(), b"");
        let database = bench.open();
        assert_eq!(rows(&database), expected(&[("a", 1), ("c", 1)]));
        assert_eq!(database.warnings().len(), 1);
    }
    let journal = journal_line(&put("b", 3)).replace("size: 3", "size: 4");
    let lines = header() + &line_of("a", 1) + &line_of("b", 1);
    let bench = Bench::with(lines.as_bytes(), journal.as_bytes());
    assert_eq!(rows(&bench.open()), expected(&[("a", 1)]));
    assert!(bench.open().warnings()[0].contains("journal.yaml, line 1"));
    // A later line that is sound counts.
    let journal = journal + &journal_line(&put("b", 5));
    let bench = Bench::with(lines.as_bytes(), journal.as_bytes());
    assert_eq!(rows(&bench.open()), expected(&[("a", 1), ("b", 5)]));
}

#[test]
fn another_remotes_rows_do_not_count_and_the_first_record_starts_new_files() {
    let bench = Bench::new();
    let mut database = bench.open();
    database.rewrite_bytes = 0;
    database.record(&[put("a", 1)]).unwrap();
    bench.open().record(&[put("b", 2)]).unwrap();
    let (stored, journal) = (bench.text(DATABASE), bench.text(JOURNAL));

    let mut other = bench.open_of("other");
    assert_eq!(rows(&other), []);
    assert_eq!(other.warnings().len(), 1);
    assert_eq!((bench.text(DATABASE), bench.text(JOURNAL)), (stored, journal));
    other.record(&[put("c", 3)]).unwrap();
    assert_eq!(rows(&other), expected(&[("c", 3)]));
    assert_eq!(rows(&bench.open_of("other")), expected(&[("c", 3)]));
    assert_eq!(rows(&bench.open()), []);
    assert!(!bench.text(DATABASE).contains("\"a\""));
    assert!(!bench.text(JOURNAL).contains("\"b\""));
}

#[test]
fn the_same_bucket_at_another_endpoint_is_another_remote() {
    let bench = Bench::new();
    bench.open().record(&[put("a", 1)]).unwrap();
    let elsewhere = RemoteId { endpoint: "http://127.0.0.1:9000".into(), ..remote("docs") };
    let database = Database::open(&bench.disk, &bench.control, &elsewhere).unwrap();
    assert_eq!(rows(&database), []);
}

#[test]
fn a_journal_of_another_remote_does_not_count_for_this_one() {
    let journal = header().replace("docs", "other") + &journal_line(&put("b", 2));
    let bench = Bench::with((header() + &line_of("a", 1)).as_bytes(), journal.as_bytes());
    let mut database = bench.open();
    assert_eq!(rows(&database), expected(&[("a", 1)]));
    assert_eq!(database.warnings().len(), 1);
    database.record(&[put("c", 3)]).unwrap();
    assert_eq!(rows(&bench.open()), expected(&[("a", 1), ("c", 3)]));
}

#[test]
fn without_a_database_the_journals_own_header_tells_whose_it_is() {
    let bench = Bench::new();
    bench.open().record(&[put("a", 1)]).unwrap();
    bench.disk.person().remove("/w/.lsync/database.yaml");
    assert_eq!(rows(&bench.open_of("other")), []);
    let mut database = bench.open();
    assert_eq!(rows(&database), expected(&[("a", 1)]));
    database.record(&[put("b", 2)]).unwrap();
    assert_eq!(rows(&bench.open()), expected(&[("a", 1), ("b", 2)]));
    assert_eq!(bench.text(DATABASE), header());
}

#[test]
fn without_any_header_nothing_counts() {
    for (database, journal) in [
        (line_of("a", 1), String::new()),
        (String::new(), journal_line(&put("a", 1))),
        (line_of("a", 1), header() + &journal_line(&put("a", 1))),
        (line_of("a", 1) + &header(), String::new()),
        (header().replace("remote", "romete") + &line_of("a", 1), String::new()),
        (header() + &header().replace("docs", "other") + &line_of("a", 1), String::new()),
    ] {
        let bench = Bench::with(database.as_bytes(), journal.as_bytes());
        let mut opened = bench.open();
        assert_eq!(rows(&opened), [], "{database}{journal}");
        opened.record(&[put("b", 2)]).unwrap();
        assert_eq!(rows(&bench.open()), expected(&[("b", 2)]), "{database}{journal}");
    }
}

#[test]
fn a_newer_format_is_refused_with_a_hint_and_nothing_is_written() {
    let newer = "- {lsync: 3, remote: \"s3://docs\", rows: binary}\n";
    for (database, journal, file) in
        [(newer.to_owned(), String::new(), DATABASE), (header(), newer.to_owned(), JOURNAL)]
    {
        let bench = Bench::with(database.as_bytes(), journal.as_bytes());
        let before = bench.disk.operations();
        let error = bench.try_open().err().expect("refused");
        assert!(error.to_string().contains(file), "{error}");
        assert!(error.to_string().contains("its format is 3"), "{error}");
        assert_eq!(error.hint().as_deref(), Some("update lsync"));
        assert_eq!(bench.disk.operations(), before);
    }
}

#[test]
fn odd_files_are_first_syncs_and_never_a_panic() {
    let long = "x".repeat(3 * LINE_BYTES_MAX);
    let samples: Vec<Vec<u8>> = vec![
        vec![],
        vec![0; 5000],
        b"\n\n\n".to_vec(),
        vec![0xff, 0xfe, b'\n', 0x80],
        vec![b'['; 2 * LINE_BYTES_MAX],
        "- [".repeat(20_000).into_bytes(),
        "- {a: &a [*a]}\n".into(),
        long.into_bytes(),
        b"- {lsync: 1".to_vec(),
        b"- {lsync: yes, remote: [], endpoint: {}}\n".to_vec(),
    ];
    for sample in &samples {
        for (database, journal) in [(sample, &vec![]), (&vec![], sample), (sample, sample)] {
            assert_eq!(rows(&Bench::with(database, journal).open()), []);
        }
        let database = [header().as_bytes(), line_of("a", 1).as_bytes(), sample].concat();
        assert_eq!(rows(&Bench::with(&database, sample).open()), expected(&[("a", 1)]));
    }
}

#[test]
fn a_gigantic_line_is_passed_over_and_its_path_dropped() {
    let long = format!("- {{path: \"b\", etag: \"{}\"}}\n", "x".repeat(5 << 20));
    let lines = header() + &line_of("a", 1) + &line_of("b", 2) + &long + &line_of("c", 3);
    let bench = Bench::with(lines.as_bytes(), b"");
    let database = bench.open();
    assert_eq!(rows(&database), expected(&[("a", 1), ("c", 3)]));
    assert!(database.warnings()[0].contains("line 4"), "{:?}", database.warnings());
    let journal = long + &journal_line(&put("d", 4));
    let bench = Bench::with((header() + &line_of("b", 2)).as_bytes(), journal.as_bytes());
    assert_eq!(rows(&bench.open()), expected(&[("d", 4)]));
}

#[test]
fn lines_around_the_longest_and_around_a_block_are_all_read() {
    for length in [LINE_BYTES_MAX - 1, LINE_BYTES_MAX, LINE_BYTES_MAX + 1, (1 << 20) - 1, 1 << 20] {
        let comment = format!("#{}\n", "x".repeat(length - 1));
        let lines = header() + &comment + &line_of("a", 1) + &comment + &line_of("b", 2);
        for end in [lines.len(), lines.len() - 1] {
            let bench = Bench::with(&lines.as_bytes()[..end], b"");
            assert_eq!(rows(&bench.open()), expected(&[("a", 1), ("b", 2)]), "{length}");
        }
    }
}

#[test]
fn files_of_an_editor_from_elsewhere_are_read() {
    let lines = header() + "\n# mine\n---\n" + &line_of("a", 1) + &line_of("b", 2);
    let lines = format!("\u{feff}{}", lines.replace('\n', "\r\n"));
    let journal = journal_line(&put("b", 3)).replace('\n', "\r\n");
    let bench = Bench::with(lines.as_bytes(), journal.as_bytes());
    assert_eq!(rows(&bench.open()), expected(&[("a", 1), ("b", 3)]));
    assert_eq!(bench.open().warnings(), Vec::<String>::new());
}

#[test]
fn a_row_added_by_hand_to_the_journal_counts() {
    let lines = header() + &line_of("a", 1) + &line_of("b", 2);
    let bench = Bench::with(lines.as_bytes(), b"- {path: a, gone: true}\n");
    assert_eq!(rows(&bench.open()), expected(&[("b", 2)]));
    bench.open().record(&[put("c", 3)]).unwrap();
    assert_eq!(rows(&bench.open()), expected(&[("b", 2), ("c", 3)]));
}

#[test]
fn warnings_are_bounded() {
    let lines = header() + &"- {path: \"a\"}\n".repeat(100);
    let bench = Bench::with(lines.as_bytes(), b"");
    let database = bench.open();
    assert_eq!(rows(&database), []);
    assert_eq!(rows(&database), []);
    assert_eq!(database.warnings().len(), 21);
    assert!(database.warnings()[20].starts_with("80 further"), "{}", database.warnings()[20]);
}

#[test]
fn an_iteration_shows_what_was_there_when_it_began() {
    let bench = Bench::new();
    let mut database = bench.open();
    database.record(&[put("a", 1), put("b", 1)]).unwrap();
    let before = database.rows(None).unwrap();
    database.rewrite_bytes = 0;
    database.record(&[gone("a"), put("b", 2)]).unwrap();
    let shown: Vec<_> = before.map(|row| row.unwrap().signature.size).collect();
    assert_eq!(shown, [1, 1]);
    assert_eq!(rows(&database), expected(&[("b", 2)]));
}

#[test]
fn the_journal_is_merged_when_it_exceeds_its_limits() {
    let bench = Bench::new();
    let mut database = bench.open();
    database.rewrite_bytes = 1_000;
    database.record(&[put("a", 1)]).unwrap();
    database.finish().unwrap();
    assert_eq!(bench.text(DATABASE), header());
    for number in 0..100 {
        database.record(&[put(&format!("b{number:03}"), number)]).unwrap();
    }
    assert!(bench.read(JOURNAL).len() < 6_000, "{}", bench.read(JOURNAL).len());
    assert_eq!(rows(&bench.open()).len(), 101);

    // The end of a run goes by the smaller limit alone.
    bench.open().record(&[put("c", 1)]).unwrap();
    database = bench.open();
    database.rewrite_bytes = 10;
    database.finish().unwrap();
    assert!(!bench.text(JOURNAL).is_empty(), "this run recorded nothing");
    database.record(&[put("d", 1)]).unwrap();
    database.finish().unwrap();
    assert_eq!(bench.text(JOURNAL), "");
    assert_eq!(rows(&bench.open()).len(), 103);
}

#[test]
fn somebody_who_wrote_between_opening_and_recording_is_noticed() {
    let bench = Bench::new();
    let mut late = bench.open();
    bench.open().record(&[put("a", 1)]).unwrap();
    assert!(matches!(late.record(&[put("b", 2)]), Err(DatabaseError::Changed { .. })));
    let mut late = bench.open();
    bench.open().record(&[put("c", 1)]).unwrap();
    assert!(matches!(late.record(&[put("b", 2)]), Err(DatabaseError::Changed { .. })));
    assert_eq!(rows(&bench.open()), expected(&[("a", 1), ("c", 1)]));
}

#[test]
fn an_iteration_can_go_to_another_thread() {
    let bench = Bench::new();
    let mut database = bench.open();
    database.record(&[put("a", 1)]).unwrap();
    let rows = database.rows(None).unwrap();
    drop(database);
    assert_eq!(std::thread::spawn(move || rows.count()).join().unwrap(), 1);
}

#[test]
fn a_line_break_within_quotes_is_a_blank_for_the_order_and_for_scopes_too() {
    let by_hand = line_of("_a", 1).replace('_', "\r");
    let lines = header() + &line_of("\u{1}", 2) + &by_hand + &line_of("!", 3);
    let bench = Bench::with(lines.as_bytes(), b"");
    assert_eq!(rows(&bench.open()), expected(&[("\u{1}", 2), (" a", 1), ("!", 3)]));
    assert_eq!(scoped(&bench.open(), Some(" a")), expected(&[(" a", 1)]));
}
