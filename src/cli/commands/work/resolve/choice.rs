//! One conflict: what both sides show, and what a person chooses.

use crate::cli::screen::Screen;
use crate::cli::screen::style::{Paint, Style};
use crate::cli::screen::text::{escape, size};
use crate::cli::screen::{prompt, render};
use crate::clock::rfc3339;
use crate::plan::{Conflict, ConflictKind, Resolution};
use crate::remote::Remote;

/// What is shown of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Side {
    bytes: u64,
    /// mtime of the file, nanoseconds since 1970.
    time: i64,
}

/// What is shown of both sides; a deleted one is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) struct Sides {
    ours: Option<Side>,
    theirs: Option<Side>,
}

impl Sides {
    /// Returns the size and the mtime of what is here.
    pub(in crate::cli) fn ours(&self) -> Option<(u64, i64)> {
        self.ours.map(|side| (side.bytes, side.time))
    }

    /// Returns the size and the mtime of what the bucket holds.
    pub(in crate::cli) fn theirs(&self) -> Option<(u64, i64)> {
        self.theirs.map(|side| (side.bytes, side.time))
    }

    /// Returns whom the later mtime favours. Equal or deleted is left open.
    pub(super) fn newest(&self) -> Resolution {
        match (self.ours, self.theirs) {
            (Some(ours), Some(theirs)) if ours.time > theirs.time => Resolution::Ours,
            (Some(ours), Some(theirs)) if theirs.time > ours.time => Resolution::Theirs,
            (Some(_) | None, Some(_) | None) => Resolution::Skip,
        }
    }
}

/// Says why [`Sides::newest`] left a conflict open.
pub(super) fn why_open(sides: &Sides) -> &'static str {
    match (sides.ours, sides.theirs) {
        (Some(_), Some(_)) => "left open, the times are equal",
        (None, _) | (_, None) => "left open, one side has deleted it",
    }
}

/// Looks at the object for its mtime, which no listing tells; else `LastModified` stands for it.
pub(super) async fn look(remote: &dyn Remote, conflict: &Conflict) -> Sides {
    let ours = conflict.local.map(|stat| Side { bytes: stat.size, time: stat.mtime });
    let Some(entry) = &conflict.remote else { return Sides { ours, theirs: None } };
    let time = match remote.head(&conflict.path).await {
        Ok(object) if object.entry.version == entry.version => object.mtime(),
        // It moved, or cannot be seen: acting on it will fail, and shows it again.
        Ok(_) | Err(_) => entry.modified,
    };
    Sides { ours, theirs: Some(Side { bytes: entry.version.size, time }) }
}

/// Renders a conflict: path and kind, then a line for each side.
pub(super) fn describe(style: Style, conflict: &Conflict, sides: &Sides) -> String {
    let path = style.paint(Paint::Bold, &escape(conflict.path.as_str()));
    let newest = sides.newest();
    // Of a file against a folder the side without the file holds the folder.
    let is_shape = conflict.kind == ConflictKind::FileAgainstFolder;
    let other = if is_shape { "a folder" } else { "deleted" };
    let line = |name: &str, side: Option<Side>, wins: Resolution| {
        let Some(side) = side else { return format!("  {name}  {other}") };
        let mark = if newest == wins { "  newer" } else { "" };
        format!("  {name}  {}  {}{mark}", rfc3339(side.time), size(side.bytes))
    };
    format!(
        "{path}: {}\n{}\n{}",
        escape(&render::conflict_reason(conflict)),
        line("ours  ", sides.ours, Resolution::Ours),
        line("theirs", sides.theirs, Resolution::Theirs),
    )
}

/// What a person answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// This shall become of the conflict.
    Settle(Resolution),
    /// Show theirs first.
    Fetch,
    /// No more questions.
    End,
}

/// Shows a conflict and asks what shall become of it.
pub(super) async fn ask(
    screen: &Screen,
    conflict: &Conflict,
    sides: &Sides,
    (index, total): (usize, usize),
) -> anyhow::Result<Answer> {
    let description = describe(screen.error_style(), conflict, sides);
    screen.beside(&format!("\n({index} of {total}) {description}"));
    ask_again(screen, conflict, sides).await
}

/// Asks what shall become of a conflict that was shown, until a key is pressed that answers.
pub(super) async fn ask_again(
    screen: &Screen,
    conflict: &Conflict,
    sides: &Sides,
) -> anyhow::Result<Answer> {
    if conflict.needs_renaming() {
        screen.beside("  left open: rename one of the two, then `lsync sync`");
        return Ok(Answer::Settle(Resolution::Skip));
    }
    let (question, keys) = question(conflict, sides);
    let key = loop {
        match prompt::choose(screen, question, keys).await? {
            None | Some('q') => return Ok(Answer::End),
            Some('?') => screen.beside(&explain(conflict, sides).join("\n")),
            Some(key) => break key,
        }
    };
    let resolution = match key {
        'o' => Resolution::Ours,
        't' => Resolution::Theirs,
        'b' => Resolution::Both,
        'n' => sides.newest(),
        'd' => return Ok(Answer::Fetch),
        _ => Resolution::Skip,
    };
    screen.beside(match resolution {
        Resolution::Ours => "  ours",
        Resolution::Theirs => "  theirs",
        Resolution::Both => "  both",
        Resolution::Newest | Resolution::Skip if key == 'n' => "  left open, the times are equal",
        Resolution::Newest | Resolution::Skip => "  left open",
    });
    Ok(Answer::Settle(resolution))
}

/// Returns the question, and the keys that answer it: only what makes sense for these sides.
fn question(conflict: &Conflict, sides: &Sides) -> (&'static str, &'static str) {
    if conflict.contested.is_some() {
        return (
            "keep [o]urs, [t]heirs, [b]oth (the file under another name); [?] explains, [s]kip, \
             [q]uit?",
            "otb?sq",
        );
    }
    match (sides.ours, sides.theirs) {
        (Some(_), Some(_)) => (
            "keep [o]urs, [t]heirs, [b]oth, the [n]ewest; [d]ownload theirs, [?] explains, \
             [s]kip, [q]uit?",
            "otbnd?sq",
        ),
        (None, Some(_)) => (
            "keep [o]urs (deleted), [t]heirs; [d]ownload theirs, [?] explains, [s]kip, [q]uit?",
            "otd?sq",
        ),
        (Some(_) | None, None) => {
            ("keep [o]urs, [t]heirs (deleted); [?] explains, [s]kip, [q]uit?", "ot?sq")
        }
    }
}

/// Returns a line for each key that answers the question.
fn explain(conflict: &Conflict, sides: &Sides) -> Vec<&'static str> {
    let is_shape = conflict.contested.is_some();
    let mut lines = match (sides.ours, sides.theirs) {
        _ if is_shape => vec![
            "  o    ours: the bucket gets what is here, and loses what it has in its place",
            "  t    theirs: what the bucket holds comes here, ours goes to the trash",
            "  b    both: the folder keeps the name, the file gets another one",
        ],
        (Some(_), Some(_)) => vec![
            "  o    ours: the bucket gets what is here",
            "  t    theirs: what the bucket holds comes here, ours goes to the trash",
            "  b    both: theirs takes the name, ours stays beside it under another one",
            match sides.newest() {
                Resolution::Ours => "  n    the newest: ours, by the time of the last change",
                Resolution::Theirs => "  n    the newest: theirs, by the time of the last change",
                _ => "  n    the newest: neither, the times are equal",
            },
        ],
        (None, _) => vec![
            "  o    ours: it is deleted in the bucket, too",
            "  t    theirs: what the bucket holds comes here",
        ],
        (Some(_), None) => vec![
            "  o    ours: the bucket gets what is here",
            "  t    theirs: it is deleted here, too, and goes to the trash",
        ],
    };
    if sides.theirs.is_some() && !is_shape {
        lines.push("  d    download theirs to look at it, outside of the working copy");
    }
    lines.push("  s    skip: it stays a conflict, both sides stay as they are");
    lines
        .push("  q    quit, as Esc and Ctrl-D: what was answered is done, the rest stays as it is");
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::RepoPath;

    fn sides(ours: Option<i64>, theirs: Option<i64>) -> Sides {
        let side = |time| Side { bytes: 4, time };
        Sides { ours: ours.map(side), theirs: theirs.map(side) }
    }

    #[test]
    fn the_later_time_wins_and_equal_or_deleted_stays_open() {
        assert_eq!(sides(Some(2), Some(1)).newest(), Resolution::Ours);
        assert_eq!(sides(Some(1), Some(2)).newest(), Resolution::Theirs);
        assert_eq!(sides(Some(1), Some(1)).newest(), Resolution::Skip);
        assert_eq!(sides(None, Some(1)).newest(), Resolution::Skip);
        assert_eq!(sides(Some(1), None).newest(), Resolution::Skip);
    }

    #[test]
    fn only_keys_that_make_sense_are_offered_and_each_is_explained() {
        let (local, base, remote, contested, moved_to) = (None, None, None, None, None);
        let (path, kind, proven) = (RepoPath::parse("f").unwrap(), ConflictKind::BothChanged, true);
        let conflict = Conflict { path, kind, local, base, remote, proven, contested, moved_to };
        for (ours, theirs, expected) in
            [(Some(1), Some(2), "otbnd?sq"), (None, Some(1), "otd?sq"), (Some(1), None, "ot?sq")]
        {
            let sides = sides(ours, theirs);
            let (question, keys) = question(&conflict, &sides);
            assert_eq!(keys, expected);
            let lines = explain(&conflict, &sides);
            let explained: String = lines.iter().filter_map(|line| line.chars().nth(2)).collect();
            assert_eq!(explained, keys.replace('?', ""));
            for key in keys.chars() {
                assert!(question.contains(&format!("[{key}]")), "{key} in {question}");
            }
        }
        assert!(explain(&conflict, &sides(Some(2), Some(1)))[3].contains("ours"));
        assert!(explain(&conflict, &sides(Some(1), Some(1)))[3].contains("neither"));
    }

    #[test]
    fn a_conflict_is_described_by_both_sides() {
        let path = RepoPath::parse("a\nb").unwrap();
        let kind = ConflictKind::DeletedHere;
        let (local, base, remote, contested, moved_to) = (None, None, None, None, None);
        let proven = true;
        let conflict = Conflict { path, kind, local, base, remote, proven, contested, moved_to };
        assert_eq!(
            describe(Style::PLAIN, &conflict, &sides(None, Some(0))),
            "a\\nb: deleted here, changed in the bucket\n  ours    deleted\n  \
             theirs  1970-01-01T00:00:00Z  4 B"
        );
        let clash = Conflict { kind: ConflictKind::FileAgainstFolder, ..conflict };
        assert_eq!(
            describe(Style::PLAIN, &clash, &sides(Some(0), None)),
            "a\\nb: a file on one side, a folder on the other\n  \
             ours    1970-01-01T00:00:00Z  4 B\n  theirs  a folder"
        );
    }
}
