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
        etag: None,
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
        written.etag = Some(Etag::new("1e3"));
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
