//! Lines that are written and read back.

use super::*;

fn entry(path: &str) -> Entry {
    Entry {
        number: 7,
        path: RepoPath::parse(path).unwrap(),
        side: Side::Local,
        why: Why::Replaced,
        top: String::new(),
        place: Some(format!("local/{path}")),
        token: None,
        version: None,
        known: true,
        staged: Some(Identity { kind: Kind::File, inode: 1, size: 2, mtime: -3 }),
        expected: None,
        contents: None,
    }
}

#[test]
fn entries_of_all_names_are_read_as_they_were_written() {
    for path in [
        "a.txt",
        "no",
        "~",
        "1e3",
        "a: b",
        "#x",
        "- a",
        " ",
        "a\nb\t\u{1}\u{7f}\u{85}",
        "été",
        "\u{2028}\u{feff}\u{ffff}",
        "a\"b\\c",
        "<<",
        "{x}",
        "'",
        "%YAML",
        "😀",
        "e\u{301}",
    ] {
        let mut written = entry(path);
        written.token = Some(Token::new("1e3"));
        let line = written.line();
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        assert_eq!(read(line.as_bytes()).entries[0].entry, written, "{line}");
        written.place = Some(format!("local/{path}.2"));
        written.top = path.to_owned();
        written.expected =
            Some(Identity { kind: Kind::Folder, inode: u64::MAX, size: 0, mtime: i64::MIN });
        written.contents = Some(0xab);
        assert_eq!(read(written.line().as_bytes()).entries[0].entry, written);
    }
}

#[test]
fn a_line_is_written_for_people() {
    assert_eq!(
        entry("docs/a.txt").line(),
        "- {number: 7, path: \"docs/a.txt\", side: local, why: replaced, known: true, \
         staged: {kind: file, inode: 1, size: 2, mtime: -3}}\n"
    );
}

#[test]
fn a_torn_last_line_is_ignored_and_the_others_count() {
    let whole = format!("{}{}{}", head(), entry("a").line(), Mark::Done.line(7));
    for end in head().len()..whole.len() {
        let list = read(&whole.as_bytes()[..end]);
        let entries = usize::from(end >= whole.len() - Mark::Done.line(7).len());
        assert_eq!(list.entries.len(), entries, "{end}");
        assert!(list.entries.iter().all(|read| !read.is_settled));
    }
    let list = read(whole.as_bytes());
    assert!(list.entries[0].is_settled && !list.is_finished && !list.is_torn);
    assert!(read(FINISHED.as_bytes()).is_finished);
}

#[test]
fn places_that_lead_elsewhere_and_newer_formats_are_not_followed() {
    for slot in ["../../a", "/etc/passwd", "local/../..", ".lsync/lock"] {
        let mut written = entry("a");
        written.place = Some(slot.to_owned());
        assert_eq!(read(written.line().as_bytes()).entries, [], "{slot}");
    }
    assert!(read(b"- {lsync: 2}\n").is_newer);
}

#[test]
fn lists_of_earlier_versions_are_read() {
    let first = read(include_bytes!("../../../fixtures/formats/version-1/list.yaml"));
    let second = read(include_bytes!("../../../fixtures/formats/version-2/list.yaml"));
    assert_eq!(first, second);
    let identity = |kind, inode, size, mtime| Some(Identity { kind, inode, size, mtime });
    let path = |text: &str| RepoPath::parse(text).unwrap();
    let replaced = Entry {
        number: 0,
        path: path("docs/a\nb.txt"),
        side: Side::Local,
        why: Why::Replaced,
        top: String::new(),
        place: Some("local/docs/a\nb.txt".to_owned()),
        token: None,
        version: None,
        known: true,
        staged: identity(Kind::File, 5, 3, -1),
        expected: identity(Kind::File, 6, 4, 2),
        contents: None,
    };
    let overwritten = Entry {
        number: 1,
        path: path("b"),
        side: Side::Bucket,
        why: Why::Forced,
        place: None,
        token: Some(Token::new("9e107d9d372bb6826bd81d3542a419d6")),
        version: Some("v7".to_owned()),
        known: false,
        staged: None,
        expected: None,
        ..replaced.clone()
    };
    let folder = Entry {
        number: 2,
        path: path("c"),
        why: Why::Deleted,
        top: "mnt".to_owned(),
        place: Some("local/c.2".to_owned()),
        known: false,
        staged: None,
        expected: identity(Kind::Folder, 7, 0, 0),
        contents: Some(255),
        ..replaced.clone()
    };
    let settled = |entry, is_kept| Read { entry, is_settled: true, is_kept };
    let entries =
        vec![settled(replaced, false), settled(overwritten, false), settled(folder, true)];
    assert_eq!(first, List { entries, is_finished: true, ..List::default() });
}
