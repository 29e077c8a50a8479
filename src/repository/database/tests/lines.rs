//! One line: written, read, corrupted, edited by hand.

use proptest::prelude::*;
use serde_yaml::Value;

use super::super::line::{DatabaseLine, end_with_checksum, parse, push_row, read_line, scan};
use super::*;
use crate::tree::{PartMd5s, Version};

/// Names that YAML would take for something else, and characters that it treats specially.
const NASTY: &[&str] = &[
    "no",
    "~",
    "null",
    "true",
    "1e3",
    "0x10",
    "0o7",
    ".inf",
    "2001-01-01",
    "12:30:45",
    "<<",
    "=",
    "- a",
    "-",
    "?",
    "? a",
    ":",
    "#x",
    "a #b",
    "a: b",
    "a:",
    "{a}",
    "[a]",
    "a, b",
    "&a",
    "*a",
    "!a",
    "!!str a",
    "|",
    ">",
    "%a",
    "@a",
    "`a`",
    "'a'",
    "'",
    "\"a\"",
    "\"",
    "\\",
    "a\\",
    "\\n",
    "\\x41",
    " a",
    "a ",
    " ",
    "\t",
    "a\nb",
    "\n",
    "\r",
    "a\r",
    "\u{1}",
    "\u{7f}",
    "\u{80}",
    "\u{85}",
    "\u{9f}",
    "\u{a0}",
    "\u{ad}",
    "\u{2028}",
    "\u{2029}",
    "\u{feff}",
    "\u{feff}a",
    "\u{fffd}",
    "\u{fffe}",
    "\u{ffff}",
    "\u{1fffe}",
    "\u{10ffff}",
    "\u{e000}",
    "\u{202e}a",
    "😀",
    "été",
    "e\u{301}",
    "日本語",
    "---",
    "...x",
    "a/- b/c",
    "a} # 00000000",
    "x\", gone: true}",
    "path: \"y\"",
    "{lsync: 2}",
    "\u{1b}[31m",
];

fn text_of(row: &BaseRow) -> String {
    let mut line = String::new();
    push_row(&mut line, row);
    line
}

/// Checks that both readers read a row as it was written.
fn assert_round_trip(row: &BaseRow) {
    let line = text_of(row);
    assert!(!line.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']), "{line:?}");
    match scan(line.as_bytes()) {
        Some(DatabaseLine::Put(read)) => assert_eq!(read, *row, "{line}"),
        None if !row.properties.is_empty() => (),
        _ => panic!("the scanner does not know {line}"),
    }
    let value: Value = serde_yaml::from_str(&line).expect(&line);
    let fields = &value[0];
    assert_eq!(fields["path"].as_str(), Some(row.path.as_str()), "{line}");
    assert_eq!(fields["size"].as_u64(), Some(row.signature.size), "{line}");
    assert_eq!(fields["mtime"].as_i64(), Some(row.signature.mtime), "{line}");
    assert_eq!(fields["ctime"].as_i64(), Some(row.signature.ctime), "{line}");
    assert_eq!(fields["inode"].as_u64(), Some(row.signature.inode), "{line}");
    assert_eq!(fields["version"].as_str(), Some(&*row.version.token.text()), "{line}");
    match parse(line.as_bytes()) {
        Ok(DatabaseLine::Put(read)) => assert_eq!(read, *row, "{line}"),
        _ => panic!("the library does not know {line}"),
    }
}

fn any_path() -> impl Strategy<Value = RepoPath> {
    let nasty = prop::sample::select(NASTY).prop_map(str::to_owned);
    let names = prop_oneof![nasty, any::<String>(), "[a-z]{1,8}\\.txt"];
    prop::collection::vec(names, 1..4)
        .prop_filter_map("no path", |names| RepoPath::parse(&names.join("/")).ok())
}

fn any_row() -> impl Strategy<Value = BaseRow> {
    let signature = (any::<u64>(), any::<i64>(), any::<i64>(), any::<u64>())
        .prop_map(|(size, mtime, ctime, inode)| Signature { size, mtime, ctime, inode });
    let token = prop_oneof!["[0-9a-f]{32}", "[0-9A-F]{32}", "[0-9]+e[0-9]+", "\\PC{0,40}"]
        .prop_map(|text| Token::new(&text));
    let names = prop_oneof!["[a-z-]{1,12}", "\\PC{0,9}"];
    let properties = prop::collection::btree_map(names, any::<String>(), 0..3);
    let row = (any_path(), signature, token, any::<Option<u64>>());
    (row, any_digests(), properties).prop_map(|(row, digests, properties)| {
        let ((path, signature, token, stored), (md5, part_md5s, crc64, crc32c)) = (row, digests);
        // Most often the version is called by the MD5.
        let md5 = md5.and_then(|other| other.or(token.hex()));
        let content = Content::of_size(signature.size)
            .with_md5(md5)
            .with_part_md5s(part_md5s.map(|(md5, parts)| PartMd5s { md5, parts }))
            .with_crc64(crc64)
            .with_crc32c(crc32c);
        let mut row = BaseRow::plain(path, signature, token, content);
        row.version.size = stored.unwrap_or(signature.size);
        for (name, value) in properties {
            row.properties.set(&name, value);
        }
        row
    })
}

type AnyDigests = (Option<Option<[u8; 16]>>, Option<([u8; 16], u32)>, Option<u64>, Option<u32>);

fn any_digests() -> impl Strategy<Value = AnyDigests> {
    let parts = prop::option::of((any::<[u8; 16]>(), 1..u32::MAX));
    (any::<Option<Option<[u8; 16]>>>(), parts, any::<Option<u64>>(), any::<Option<u32>>())
}

proptest! {
    #[test]
    fn every_row_is_read_as_it_was_written_by_the_scanner_and_by_the_library(row in any_row()) {
        assert_round_trip(&row);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_line(&bytes);
        read_line(&[b"- {path: \"a", bytes.as_slice()].concat());
    }

    #[test]
    fn one_wrong_byte_in_a_journal_line_never_makes_another_row(
        row in any_row(), place in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let line = journal_line(&Change::Put(row.clone()));
        let mut bytes = line.into_bytes();
        let at = place.index(bytes.len() - 1);
        bytes[at] = byte;
        assert_nothing_else(&bytes, &Change::Put(row));
    }
}

/// Checks that each line in the bytes says what the change says, or nothing that counts.
fn assert_nothing_else(bytes: &[u8], change: &Change) {
    for line in bytes.split(|byte| *byte == b'\n') {
        let read = match read_line(line) {
            DatabaseLine::Put(row) => Change::Put(row),
            DatabaseLine::Gone(path) => Change::Gone(path),
            DatabaseLine::Header(_) => panic!("a header: {}", String::from_utf8_lossy(line)),
            DatabaseLine::Blank | DatabaseLine::Broken { .. } => continue,
        };
        assert_eq!(read, *change, "{}", String::from_utf8_lossy(line));
    }
}

#[test]
fn every_nasty_name_makes_the_round_trip() {
    for name in NASTY {
        for text in [(*name).to_owned(), format!("docs/{name}"), format!("{name}/a")] {
            assert_round_trip(&BaseRow { path: path(&text), ..row("a", 1) });
        }
    }
}

#[test]
fn the_limits_of_numbers_make_the_round_trip() {
    for (size, time) in
        [(0, 0), (u64::MAX, i64::MAX), (9_999_999_999_999_999_999, i64::MIN), (1, -1)]
    {
        let signature = Signature { size, mtime: time, ctime: time, inode: size };
        let content = Content::of_size(size).with_crc64(Some(size));
        let plain = BaseRow::plain(path("a"), signature, Token::new("x"), content);
        assert_round_trip(&plain);
        let version = Version { size: !size, ..plain.version.clone() };
        assert_round_trip(&BaseRow { version, ..plain });
    }
}

#[test]
fn a_number_of_any_length_is_one_only_if_all_of_it_is_digits() {
    let line = text_of(&row("a", 1));
    let (before, after) = line.split_once("size: 1,").unwrap();
    let size_of = |digits: &[u8]| {
        let line = [before.as_bytes(), b"size: ", digits, b",", after.as_bytes()].concat();
        match scan(&line) {
            Some(DatabaseLine::Put(row)) => Some(row.signature.size),
            _ => None,
        }
    };
    for length in 1..=20 {
        for (at, byte) in (0..length).flat_map(|at| (0..=255).map(move |byte| (at, byte))) {
            let mut digits = b"12345678901234567890"[..length].to_vec();
            digits[at] = byte;
            let is_number = digits.iter().all(u8::is_ascii_digit);
            let is_canonical = length == 1 || digits[0] != b'0';
            let text = std::str::from_utf8(&digits).ok().filter(|_| is_number && is_canonical);
            assert_eq!(size_of(&digits), text.and_then(|text| text.parse().ok()), "{digits:?}");
        }
    }
}

#[test]
fn every_wrong_byte_at_every_place_gives_the_row_or_none() {
    for change in [put("docs/a.txt", 48213), gone("docs/a.txt")] {
        let line = journal_line(&change);
        for at in 0..line.len() {
            for byte in 0..=255 {
                let mut bytes = line.clone().into_bytes();
                bytes[at] = byte;
                assert_nothing_else(&bytes, &change);
            }
        }
    }
}

#[test]
fn the_checksum_is_the_one_of_zip_and_ethernet() {
    let mut line = String::from("123456789");
    end_with_checksum(&mut line, 0);
    assert_eq!(line, "123456789 # cbf43926\n");
}

#[test]
fn rows_written_by_hand_count_however_they_are_spelled() {
    let digest = "9e107d9d372bb6826bd81d3542a419d6";
    for text in [
        format!(
            "- {{path: a b, size: 5, mtime: -3, ctime: 1731234567123456789, inode: 17, etag: \"{digest}\"}}"
        ),
        format!(
            "-   {{ etag: '{digest}', \"path\": 'a b',  ctime: 1731234567123456789, inode: 17, size: 0x5, mtime: -3 }}  # mine"
        ),
        format!(
            "- {{path: \"a\\u0020b\", size: 5, mtime: -3, ctime: 1731234567123456789, inode: 17, etag: \"{digest}\"}}\r"
        ),
        format!(
            "  - {{path: \"a\\x20b\", size: +5, mtime: -3, ctime: 1731234567123456789, inode: 17, etag: \"{digest}\",}}"
        ),
    ] {
        match read_line(text.as_bytes()) {
            DatabaseLine::Put(read) => assert_eq!(read, row("a b", 5), "{text}"),
            DatabaseLine::Broken { why, .. } => panic!("{text}: {why}"),
            _ => panic!("{text}"),
        }
    }
    for text in ["- {gone: true, path: 'a b'}", "- {path: \"a b\", gone: true} "] {
        assert!(
            matches!(read_line(text.as_bytes()), DatabaseLine::Gone(read) if read == path("a b"))
        );
    }
}

#[test]
fn a_token_is_read_as_it_was_written_whatever_it_looks_like() {
    for text in ["W/x", "W/W/x", "\"x\"", "\"", ""] {
        let version = Version { token: Token::new(text), size: 5 };
        assert_round_trip(&BaseRow { version, ..row("a", 5) });
    }
}

#[test]
fn lines_that_say_nothing_are_passed_over() {
    for text in ["", "  ", "# a comment", "  # 12345678", "---", "...", "\r", "\t"] {
        assert!(matches!(read_line(text.as_bytes()), DatabaseLine::Blank), "{text:?}");
    }
}

#[test]
fn a_line_that_cannot_be_relied_upon_still_tells_its_path() {
    let sound = text_of(&row("a", 5));
    for (text, word) in [
        (format!("{sound} # 00000000"), "checksum"),
        (sound.replace('}', ", mode: 420}"), "mode"),
        (sound.replace('}', ", stored: -3}"), "stored"),
        (sound.replace("md5: version", "md5: other"), "md5"),
        (sound.replace("\"9e107d9d372bb6826bd81d3542a419d6\"", "\"x\""), "md5"),
        (sound.replace('}', ", part_md5s: \"12-1\"}"), "part_md5s"),
        (sound.replace('}', ", crc32c: \"12\"}"), "crc32c"),
        (sound.replace('}', ", properties: [a]}"), "properties"),
        (sound.replace('}', ", properties: {a: 1}}"), "text"),
        (sound.replace('}', ", etag: \"x\"}"), "version"),
        (sound.replace('}', ", kind: \"link\"}"), "kind"),
        (sound.replace('}', ", crc64: \"12\"}"), "crc64"),
        (sound.replace('}', ", size: 6}"), "duplicate"),
        (sound.replace("size: 5", "size: -5"), "size"),
        (sound.replace("size: 5", "size: 5.0"), "size"),
        (sound.replace("size: 5", "size: 18446744073709551616"), "size"),
        (sound.replace("size: 5, ", ""), "size"),
        (sound.replace("\"9e107d9d372bb6826bd81d3542a419d6\"", "12345678"), "version"),
        ("- {path: \"a\", gone: false}".into(), "gone"),
        ("- {path: \"a\", gone: true, size: 1}".into(), "size"),
        ("- {path: a, gone: true".into(), "YAML"),
        ("- path: \"a\"".into(), "size"),
        ("- {path: 'a', size: 1".into(), "YAML"),
        ("- {\"path\": \"a\", size: 1".into(), "YAML"),
        (format!("{sound}\0"), "YAML"),
    ] {
        match read_line(text.as_bytes()) {
            DatabaseLine::Broken { paths, why } => {
                assert_eq!(paths, [path("a")], "{text}");
                assert!(why.contains(word), "{text}: {why}");
            }
            _ => panic!("{text} counts"),
        }
    }
}

#[test]
fn a_path_that_is_written_oddly_is_known_where_yaml_knows_it() {
    for text in [
        "- {'path': 'it''s', size: 1}",
        "- {\"p\\x61th\": \"it's\", size: 1}",
        "- {size: 1, ? path : \"it\\x27s\"}",
        "- {!!str path: &a it's, size: 1}",
    ] {
        match read_line(text.as_bytes()) {
            DatabaseLine::Broken { paths, .. } => assert!(paths.contains(&path("it's")), "{text}"),
            _ => panic!("{text} counts"),
        }
    }
}

#[test]
fn two_lines_that_lost_the_newline_between_them_tell_both_paths() {
    let joined = journal_line(&put("a", 1)).replace('\n', "x") + &journal_line(&gone("b"));
    match read_line(joined.trim_end().as_bytes()) {
        DatabaseLine::Broken { paths, .. } => assert_eq!(paths, [path("a"), path("b")]),
        _ => panic!("{joined} counts"),
    }
}

#[test]
fn paths_that_no_row_may_have_are_refused() {
    for text in ["../a", "/a", "a//b", ".lsync/config.yaml", "", "a/", "a\\0b"] {
        let line = text_of(&row("a", 5)).replace("\"a\"", &format!("\"{text}\""));
        assert!(matches!(read_line(line.as_bytes()), DatabaseLine::Broken { .. }), "{line}");
    }
}
