//! What moved, a line a folder: `moved    old/ → new/  (306 files, 87.0 MiB)`.

use std::collections::HashMap;

use crate::cli::screen::style::{Paint, Style};
use crate::cli::screen::text::{count, escape, size};
use crate::plan::{Action, Plan};

/// So many lines are told of a run that nobody asked to be told of in full.
const LINES_MAX: usize = 10;

/// Files of which the old path and the new one differ in the folders at the top alone.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group<'a> {
    /// Old and new path of the first file.
    file: (&'a str, &'a str),
    /// Old and new folder; `None` of a file that has another name, or lies at the root.
    folders: Option<(&'a str, &'a str)>,
    files: u64,
    bytes: u64,
}

/// Renders the moves among actions, a line a folder, with `word` before each.
pub(super) fn lines<'a>(
    actions: impl Iterator<Item = &'a Action>,
    word: impl Fn(&str) -> String,
) -> impl Iterator<Item = String> {
    grouped(actions).into_iter().map(move |group| word(&group.words()))
}

/// Renders what a run has moved, the first few lines of it.
pub(in crate::cli) fn told(style: Style, plan: &Plan) -> Vec<String> {
    let word = |rest: &str| format!("{} {rest}", style.paint(Paint::Bold, "moved   "));
    let mut told: Vec<_> = lines(plan.actions.iter(), word).collect();
    if told.len() > LINES_MAX {
        let more = told.split_off(LINES_MAX - 1).len() as u64;
        told.push(format!("         … and {}", count(more, "more move", "more moves")));
    }
    told
}

/// Renders one file that moved: `old → new`.
pub(super) fn one(from: &str, to: &str) -> String {
    format!("{} → {}", escape(from), escape(to))
}

fn grouped<'a>(actions: impl Iterator<Item = &'a Action>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut places = HashMap::new();
    for action in actions {
        let Some(from) = action.moved_from() else { continue };
        let file = (from.as_str(), action.path.as_str());
        let bytes = action.local.map_or(0, |stat| stat.size);
        let folders = folders(file);
        let new = Group { file, folders, files: 0, bytes: 0 };
        let place = match folders {
            Some(folders) => *places.entry(folders).or_insert(groups.len()),
            None => groups.len(),
        };
        if place == groups.len() {
            groups.push(new);
        }
        if let Some(group) = groups.get_mut(place) {
            group.files += 1;
            group.bytes += bytes;
        }
    }
    groups
}

/// Takes off what both paths end in, but for their first components.
fn folders<'a>((from, to): (&'a str, &'a str)) -> Option<(&'a str, &'a str)> {
    let (mut old, mut new) = (from, to);
    while let (Some((above, name)), Some((beside, other))) =
        (old.rsplit_once('/'), new.rsplit_once('/'))
        && name == other
    {
        (old, new) = (above, beside);
    }
    (old.len() < from.len()).then_some((old, new))
}

impl Group<'_> {
    fn words(&self) -> String {
        match self.folders {
            Some((from, to)) if self.files > 1 => {
                let files = count(self.files, "file", "files");
                let folders = one(&format!("{from}/"), &format!("{to}/"));
                format!("{folders}  ({files}, {})", size(self.bytes))
            }
            _ => format!("{}  ({})", one(self.file.0, self.file.1), size(self.bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::plan::{ActionKind, Detail, Stage};
    use crate::tree::{BaseRow, Content, Kind, RepoPath, Stat, Token};

    fn moved(pairs: &[(&str, &str)]) -> Plan {
        let path = |text: &str| RepoPath::parse(text).unwrap();
        let file = |size| {
            let (kind, mode) = (Kind::File, 0o644);
            Stat { kind, size, mtime: 1, ctime: 1, inode: 1, device: 1, mode }
        };
        let action = |(from, to): &(&str, &str)| {
            let (stat, content) = (file(512), Content::of_size(512));
            let row = BaseRow::plain(path(from), stat.signature(), Token::new("e"), content);
            let action = Action::new(path(to), ActionKind::Upload, Stage::Main);
            Action { local: Some(stat), detail: Detail::Moved(Arc::new(row)), ..action }
        };
        Plan { actions: pairs.iter().map(action).collect(), ..Plan::default() }
    }

    #[track_caller]
    fn assert_told(pairs: &[(&str, &str)], expected: &[&str]) {
        let lines = lines(moved(pairs).actions.iter(), str::to_owned).collect::<Vec<_>>();
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_folder_is_one_line_however_deep_its_files_lie() {
        assert_told(
            &[("old/a", "new one/a"), ("old/b/c", "new one/b/c"), ("old/b/d", "new one/b/d")],
            &["old/ → new one/  (3 files, 1.5 KiB)"],
        );
        assert_told(
            &[("a/x/1", "b/c/x/1"), ("a/x/2", "b/c/x/2")],
            &["a/ → b/c/  (2 files, 1.0 KiB)"],
        );
        assert_told(&[("a/1", "b/a/1"), ("a/2", "b/a/2")], &["a/ → b/a/  (2 files, 1.0 KiB)"]);
    }

    #[test]
    fn a_file_that_moved_alone_or_has_another_name_is_named() {
        assert_told(&[("old/a", "new/a")], &["old/a → new/a  (512 B)"]);
        assert_told(
            &[("d/a", "d/b"), ("d/c", "d/e")],
            &["d/a → d/b  (512 B)", "d/c → d/e  (512 B)"],
        );
        assert_told(&[("a", "d/a"), ("b", "d/b")], &["a → d/a  (512 B)", "b → d/b  (512 B)"]);
        assert_told(&[("d/a\u{1b}", "b")], &["d/a\\u{1b} → b  (512 B)"]);
    }

    #[test]
    fn what_went_two_ways_or_came_from_two_places_is_told_apart() {
        assert_told(
            &[("a/1", "x/1"), ("a/2", "y/2"), ("a/3", "x/3"), ("b/4", "x/4"), ("b/5", "x/5")],
            &["a/ → x/  (2 files, 1.0 KiB)", "a/2 → y/2  (512 B)", "b/ → x/  (2 files, 1.0 KiB)"],
        );
        assert_told(
            &[("a/1", "b/1"), ("a/2", "b/2"), ("b/1", "a/1"), ("b/2", "a/2")],
            &["a/ → b/  (2 files, 1.0 KiB)", "b/ → a/  (2 files, 1.0 KiB)"],
        );
    }

    #[test]
    fn a_run_tells_ten_lines_at_most() {
        let names: Vec<_> =
            (0..12).map(|number| (format!("a{number}"), format!("b{number}"))).collect();
        let pairs: Vec<_> = names.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
        assert_eq!(told(Style::PLAIN, &moved(&pairs[..10])).len(), 10);
        let told = told(Style::PLAIN, &moved(&pairs));
        assert_eq!(told.len(), 10);
        assert_eq!(told[0], "moved    a0 → b0  (512 B)");
        assert_eq!(told[9], "         … and 3 more moves");
    }
}
