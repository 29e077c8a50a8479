//! Tests of the merge: order, clashes, markers.

#![expect(clippy::unnecessary_wraps, reason = "the streams are of results")]

use super::super::{Signature, Token, Version};
use super::*;
use crate::tree::{Content, Kind, Stat};

type Entries = Vec<Result<LocalEntry, OutOfOrder>>;
type Rows = Vec<Result<BaseRow, OutOfOrder>>;

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

fn stat() -> Stat {
    Stat { kind: Kind::File, size: 1, mtime: 1, ctime: 1, inode: 1, device: 1, mode: 0o644 }
}

fn file(text: &str) -> Result<LocalEntry, OutOfOrder> {
    Ok(LocalEntry { path: path(text), state: LocalState::File(stat()) })
}

/// `link` marks a name, `folder/` a folder.
fn marked(text: &str, marker: Marker) -> Result<LocalEntry, OutOfOrder> {
    let folder = text.ends_with('/');
    let marker = Arc::new(marker);
    Ok(LocalEntry {
        path: path(text.trim_end_matches('/')),
        state: LocalState::Marked { folder, marker },
    })
}

fn base(text: &str) -> Result<BaseRow, OutOfOrder> {
    let signature = Signature { size: 1, mtime: 1, ctime: 1, inode: 1 };
    Ok(BaseRow::plain(path(text), signature, Token::new("e"), Content::of_size(1)))
}

fn remote(text: &str) -> RemoteEntry {
    RemoteEntry {
        path: path(text),
        version: Version { token: Token::new("e"), size: 1 },
        modified: 1,
    }
}

/// Writes a row as `path:lbr` with `l`, `b`, `r` for the sides that have it and `m` for a marker.
fn show_row(row: &Row) -> String {
    let local = match &row.local {
        Local::Absent => "",
        Local::File(_) => "l",
        Local::Marked { here: true, .. } => "M",
        Local::Marked { here: false, .. } => "m",
    };
    let base = if row.base.is_some() { "b" } else { "" };
    let remote = if row.remote.is_some() { "r" } else { "" };
    format!("{}:{local}{base}{remote}", row.path)
}

fn show(item: &Merged) -> String {
    match item {
        Merged::Row(row) => show_row(row),
        Merged::Clash(clash) => {
            let below: Vec<_> = clash.below.iter().map(show_row).collect();
            format!("{}{{{}}}", show_row(&clash.top), below.join(" "))
        }
    }
}

fn merge(local: Entries, base: Rows, pages: &[&[&str]]) -> Result<Vec<String>, OutOfOrder> {
    let mut merge = Merge::new(local.into_iter(), base.into_iter());
    let mut pages = pages.iter();
    let mut shown = Vec::new();
    loop {
        match merge.step()? {
            Step::NeedRemote => {
                let page = pages.next();
                let entries = page.into_iter().flat_map(|page| page.iter().map(|key| remote(key)));
                merge.feed(entries.collect::<Vec<_>>(), pages.len() > 0);
            }
            Step::Item(item) => shown.push(show(&item)),
            Step::Done => return Ok(shown),
        }
    }
}

#[test]
fn three_sides_meet_at_equal_keys_whatever_the_pages() {
    let shown = merge(
        vec![file("a"), file("b"), file("d")],
        vec![base("a"), base("c"), base("d")],
        &[&["a"], &["b"], &[], &["c", "e"]],
    );
    assert_eq!(shown.unwrap(), ["a:lbr", "b:lr", "c:br", "d:lb", "e:r"]);
}

#[test]
fn an_item_hands_out_all_its_rows_to_be_changed() {
    let row = |text| Row { path: path(text), local: Local::Absent, base: None, remote: None };
    let paths =
        |mut item: Merged| item.rows_mut().map(|row| row.path.to_string()).collect::<Vec<_>>();
    assert_eq!(paths(Merged::Row(row("a"))), ["a"]);
    let clash = Clash { top: row("a"), below: vec![row("a/b"), row("a/c")] };
    assert_eq!(paths(Merged::Clash(clash)), ["a", "a/b", "a/c"]);
}

#[test]
fn nothing_at_all_is_done_after_one_empty_page() {
    assert!(merge(vec![], vec![], &[]).unwrap().is_empty());
}

#[test]
fn a_file_here_and_keys_below_it_there_are_one_clash_across_the_keys_between() {
    let shown = merge(
        vec![file("a"), file("a-1"), file("a.txt")],
        vec![base("a")],
        &[&["a/b", "a/c/d", "b"]],
    );
    assert_eq!(shown.unwrap(), ["a-1:l", "a.txt:l", "a:lb{a/b:r a/c/d:r}", "b:r"]);
}

#[test]
fn a_folder_here_and_a_key_of_its_name_there_are_one_clash() {
    let shown = merge(vec![file("a/x"), file("a/y")], vec![base("a/x")], &[&["a", "a.b"]]);
    assert_eq!(shown.unwrap(), ["a.b:r", "a:r{a/x:lb a/y:l}"]);
}

#[test]
fn a_clash_within_a_clash_belongs_to_the_outer_one() {
    let shown = merge(vec![file("a/b/c")], vec![], &[&["a", "a/b"]]);
    assert_eq!(shown.unwrap(), ["a:r{a/b:r a/b/c:l}"]);
}

#[test]
fn below_a_marker_the_other_sides_are_left_alone() {
    let shown = merge(
        vec![marked("a/", Marker::Nested), marked("l", Marker::Link), file("l.x")],
        vec![base("a/x"), base("l/y")],
        &[&["a/x", "a/z", "a0", "l-", "l/y", "l/z"]],
    );
    let expected =
        ["a:M", "a/x:mbr", "a/z:mr", "a0:r", "l:M", "l-:r", "l.x:l", "l/y:mbr", "l/z:mr"];
    let mut shown = shown.unwrap();
    shown.sort();
    let mut expected = expected.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(shown, expected);
}

#[test]
fn a_marked_folder_stands_in_the_way_of_a_file_of_its_name() {
    let shown = merge(vec![marked("a/", Marker::Nested)], vec![base("a")], &[&["a", "a-"]]);
    assert_eq!(shown.unwrap(), ["a-:r", "a:M", "a:mbr"]);
}

#[test]
fn a_marker_inside_a_folder_that_faces_a_file_is_part_of_the_clash() {
    let shown = merge(vec![marked("a/l", Marker::Link), file("a/x")], vec![], &[&["a"]]);
    assert_eq!(shown.unwrap(), ["a:r{a/l:M a/x:l}"]);
}

#[test]
fn a_marked_folder_marks_no_other_name_of_its_clash() {
    let local = vec![marked("a/m/", Marker::Nested), file("a/x")];
    let shown = merge(local, vec![base("a/d")], &[&["a"]]);
    assert_eq!(shown.unwrap(), ["a:r{a/d:b a/m:M a/x:l}"]);
}

#[test]
fn a_stream_out_of_order_is_an_error_and_not_a_short_list() {
    let error = merge(vec![], vec![], &[&["b", "a"]]).unwrap_err();
    assert_eq!((error.side, error.previous.as_str(), error.next.as_str()), ("listing", "b", "a"));
    assert!(merge(vec![], vec![], &[&["b"], &["b"]]).is_err());
    assert!(merge(vec![file("b"), file("a")], vec![], &[]).is_err());
    assert!(merge(vec![], vec![base("b"), base("a")], &[]).is_err());
}

#[test]
fn a_stream_out_of_order_is_named_whatever_stands_on_the_other_sides() {
    let told = |local: &[&str], rows: &[&str], listed: &[&str]| {
        let local = local.iter().map(|text| file(text)).collect();
        let rows = rows.iter().map(|text| base(text)).collect();
        let error = merge(local, rows, &[listed]).unwrap_err();
        (error.side, error.previous, error.next)
    };
    let told_of = |side, next: &str| (side, "c".to_owned(), next.to_owned());
    assert_eq!(told(&["a", "c", "b"], &["a", "b", "d"], &["c", "d"]), told_of("scan", "b"));
    assert_eq!(told(&["a", "d"], &["c", "a"], &["b", "c", "d"]), told_of("database", "a"));
    assert_eq!(told(&["b", "c", "d"], &["a", "d"], &["c", "c"]), told_of("listing", "c"));
}

#[test]
fn offline_the_base_stands_for_the_bucket() {
    let mut merge =
        Merge::offline(vec![file("a")].into_iter(), vec![base("a"), base("b")].into_iter());
    let mut shown = Vec::new();
    while let Step::Item(item) = merge.step().unwrap() {
        shown.push(show(&item));
    }
    assert_eq!(shown, ["a:lbr", "b:br"]);
}
