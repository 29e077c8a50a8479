//! What happens to many paths is told once a kind: the first few by name, the others as a number.

use std::io;

use super::{conflict_line, notice_line};
use crate::cli::screen::style::{Paint, Style};
use crate::cli::screen::text::{escape, number};
use crate::cli::screen::words::notices as words;
use crate::monitor::{ItemKind, WarningKind};
use crate::plan::{Conflict, ConflictKind, Notice, NoticeKind};

/// How many paths of one kind are named.
pub(in crate::cli) const NAMED_MAX: u64 = 5;

/// How many paths are named to which the same happens because of one thing.
const NAMED_OF_ONE_CAUSE: u64 = 1;

/// Each path is named, with its own hint.
const EVERY: u64 = u64::MAX;

/// Says how the others are to be had.
pub(in crate::cli) const ALL: &str = "--verbose names all";

/// What to tell of one more path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Turn {
    /// Its line and its hint.
    Whole,
    /// Its line: the hint was told before.
    Line,
    /// Nothing: it is one of a number.
    Counted,
}

/// Counts paths by the kind of what happened to them.
#[derive(Debug)]
pub(in crate::cli) struct Tally<K> {
    /// Every path is named.
    all: bool,
    /// Each kind with its paths, and with those that were not named.
    kinds: Vec<(K, u64, u64)>,
}

impl<K: Copy + PartialEq> Tally<K> {
    /// Begins to count; `all`: every path is named.
    pub(in crate::cli) fn new(all: bool) -> Self {
        Self { all, kinds: Vec::new() }
    }

    /// Counts one more path of a kind of which so many are named; [`EVERY`] has a hint of its own.
    pub(in crate::cli) fn count(&mut self, kind: K, named_max: u64) -> Turn {
        let known = self.kinds.iter().position(|(known, ..)| *known == kind);
        let place = known.unwrap_or(self.kinds.len());
        if known.is_none() {
            self.kinds.push((kind, 0, 0));
        }
        let (_, met, unnamed) = &mut self.kinds[place];
        *met += 1;
        if named_max == EVERY || *met == 1 {
            Turn::Whole
        } else if self.all || *met <= named_max {
            Turn::Line
        } else {
            *unnamed += 1;
            Turn::Counted
        }
    }

    /// Returns the kinds of which not every path was named, with how many were not, and begins anew.
    pub(in crate::cli) fn take_unnamed(&mut self) -> Vec<(K, u64)> {
        let kinds = std::mem::take(&mut self.kinds).into_iter();
        let unnamed = kinds.map(|(kind, _, unnamed)| (kind, unnamed));
        unnamed.filter(|(_, unnamed)| *unnamed > 0).collect()
    }
}

/// Returns how many paths of a kind are named.
pub(in crate::cli) fn named_max(kind: ItemKind) -> u64 {
    match kind {
        _ if kind.names_its_path() => EVERY,
        ItemKind::Disk(io::ErrorKind::StorageFull | io::ErrorKind::FileTooLarge)
        | ItemKind::StoreFull
        | ItemKind::StoreNoEtag
        | ItemKind::StoreLost => NAMED_OF_ONE_CAUSE,
        _ => NAMED_MAX,
    }
}

/// Where a line about many paths goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Channel {
    /// With the result.
    Result,
    /// Beside it, also under `--quiet`.
    Beside,
    /// Beside it, unless `--quiet`.
    Remark,
}

/// Renders how many more paths met what the named ones did; `label` as for the named ones.
pub(in crate::cli) fn more_items(
    style: Style,
    label: &str,
    (kind, count): (ItemKind, u64),
) -> (Channel, String) {
    let (word, channel) = match kind {
        ItemKind::AsPlanned | ItemKind::Replaced | ItemKind::Copied => {
            (format!("{label}:"), Channel::Result)
        }
        ItemKind::Ignored | ItemKind::AwaitsMove => {
            (style.paint(Paint::Dim, "skipped "), Channel::Remark)
        }
        _ => (style.paint(Paint::Red, "failed  "), Channel::Beside),
    };
    (channel, more(&word, count, item_words(kind)))
}

/// Returns of how many paths a warning of a kind names.
pub(in crate::cli) fn warned_max(kind: WarningKind) -> u64 {
    if kind.names_its_path() { EVERY } else { NAMED_MAX }
}

/// Words how many more paths there is a warning of.
pub(in crate::cli) fn more_warnings((kind, count): (WarningKind, u64)) -> String {
    let words = match kind {
        WarningKind::UploadRestarted => "their uploads start over",
        WarningKind::Restored => "what a killed run had moved away was restored",
        WarningKind::KeptInTrash => "what a killed run had moved is in the trash",
        WarningKind::Unsettled => "what a killed run had moved cannot be settled yet",
    };
    format!("{} more: {words}; {ALL}", number(count))
}

/// Renders paths that are left alone: all of a kind together.
pub(in crate::cli) fn notices<'a>(
    style: Style,
    notices: impl Iterator<Item = &'a Notice>,
    all: bool,
) -> Vec<String> {
    grouped_notices(
        notices,
        all,
        |notice, with_hint| notice_line(style, notice, with_hint),
        |incomplete| style.paint(if incomplete { Paint::Yellow } else { Paint::Dim }, "skipped "),
    )
}

/// Renders paths that are left alone, as `lsync status` lists them.
pub(super) fn left_alone_lines(notices: &[Notice], all: bool) -> Vec<String> {
    grouped_notices(notices.iter(), all, left_alone, |_| " ".to_owned())
}

/// Renders a path that is left alone, in the list of `lsync status`.
fn left_alone(notice: &Notice, with_hint: bool) -> String {
    let unable = notice.incomplete && !notice.kind().is_forgotten();
    let mark = if unable { " (cannot be handled)" } else { "" };
    let hint = words::hint(notice).filter(|_| with_hint);
    let hint = hint.map_or_else(String::new, |hint| format!("\n    hint: {}", escape(&hint)));
    format!("  {}  {}{mark}{hint}", escape(&notice.path), escape(&words::reason(notice)))
}

/// Renders notices; `word` begins the line of a number of them, which are incomplete or not.
fn grouped_notices<'a>(
    notices: impl Iterator<Item = &'a Notice>,
    all: bool,
    render: impl Fn(&Notice, bool) -> String,
    word: impl Fn(bool) -> String,
) -> Vec<String> {
    let kind = |notice: &Notice| (notice.kind(), notice.incomplete);
    let alone = |(kind, _): (NoticeKind, bool)| kind.names_its_path();
    grouped(notices, all, (kind, alone), render, |(kind, incomplete), count| {
        more(&word(incomplete), count, notice_words(kind))
    })
}

/// Renders conflicts: all of a kind together.
pub(in crate::cli) fn conflicts(style: Style, conflicts: &[Conflict], all: bool) -> Vec<String> {
    let kind = |conflict: &Conflict| conflict.kind;
    let line = |conflict: &Conflict, _| conflict_line(style, conflict);
    grouped(conflicts.iter(), all, (kind, |_| false), line, |kind: ConflictKind, count| {
        let word = style.paint(Paint::Yellow, "conflict");
        format!(
            "{word} {} more: {}; `lsync resolve --list` names all",
            number(count),
            words::conflict_words(kind)
        )
    })
}

/// Renders the first few of each kind, and behind them how many more there are.
fn grouped<'a, T: 'a, K: Copy + PartialEq>(
    items: impl Iterator<Item = &'a T>,
    all: bool,
    (kind_of, alone): (impl Fn(&T) -> K, impl Fn(K) -> bool),
    line: impl Fn(&T, bool) -> String,
    more: impl Fn(K, u64) -> String,
) -> Vec<String> {
    let (mut tally, mut groups) = (Tally::new(all), Vec::<(K, Vec<String>)>::new());
    for item in items {
        let kind = kind_of(item);
        let named_max = if alone(kind) { EVERY } else { NAMED_MAX };
        let line = match tally.count(kind, named_max) {
            Turn::Counted => continue,
            turn => line(item, turn == Turn::Whole),
        };
        match groups.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, lines)) => lines.push(line),
            None => groups.push((kind, vec![line])),
        }
    }
    for (kind, unnamed) in tally.take_unnamed() {
        if let Some((_, lines)) = groups.iter_mut().find(|(known, _)| *known == kind) {
            lines.push(more(kind, unnamed));
        }
    }
    groups.into_iter().flat_map(|(_, lines)| lines).collect()
}

fn more(word: &str, count: u64, words: &str) -> String {
    format!("{word} {} more: {words}; {ALL}", number(count))
}

/// Says what happened to many paths at once.
fn item_words(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::AsPlanned => "done",
        ItemKind::Replaced => "replaced or deleted",
        ItemKind::Copied => "copied in the bucket",
        ItemKind::ChangedHere => "changed here meanwhile",
        ItemKind::ChangedThere | ItemKind::ChangedUnseen => "changed in the bucket meanwhile",
        ItemKind::EditInTrash => "edits of the last moment are in the trash",
        ItemKind::Folded => "the disk does not tell their names from others",
        ItemKind::Respelled => "the disk would change their names",
        ItemKind::TimeTooFar => "their times are too far off to be stored",
        ItemKind::GroupLost => "another group would get at them",
        ItemKind::AccessListLost => "their access lists would be lost",
        ItemKind::Disk(io::ErrorKind::StorageFull) => "no room on the disk",
        ItemKind::Disk(io::ErrorKind::PermissionDenied) => "no permission here",
        ItemKind::Disk(io::ErrorKind::FileTooLarge) => "larger than a file may be here",
        ItemKind::Disk(_) => "the disk refused",
        ItemKind::StoreDenied => "not allowed in the bucket",
        ItemKind::StoreFull => "no room in the bucket",
        ItemKind::StoreArchived => "archived in the bucket",
        ItemKind::StoreCorrupt => "the bytes are not those that were promised",
        ItemKind::Overwrote => "stored over an edit of somebody else",
        ItemKind::StoreTooLarge => "larger than the store takes at once",
        ItemKind::StoreNoEtag => "the store names no version of them",
        ItemKind::StoreFailed => "the store failed",
        ItemKind::StoreRefused => "the store refused",
        ItemKind::NameRefused => "the store does not take their names",
        ItemKind::StoreContradicts => "refused as changed, although they have not changed",
        ItemKind::FolderKept => "the store still keeps folders of their names",
        ItemKind::StoreLost => "the run ends",
        ItemKind::RulesMissing => "ignore rules are missing that may apply to them",
        ItemKind::Ignored => "ignored by a rule",
        ItemKind::AwaitsMove => "they stay until the files are stored under their new names",
        ItemKind::Bug => "a bug in lsync",
    }
}

/// Says why many paths are left alone.
fn notice_words(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::NewlyIgnored => "no longer synced, by a rule; both copies stay",
        NoticeKind::NewlyNested => {
            "no longer synced: they belong to another working copy now; both copies stay"
        }
        NoticeKind::IgnoredOperand => "ignored by a rule",
        NoticeKind::Nested => "other working copies",
        NoticeKind::Link => "symbolic links",
        NoticeKind::Special => "no regular files",
        NoticeKind::Obstacle => "symbolic links or special files in the bucket; left alone",
        NoticeKind::Unreadable => "cannot be read",
        NoticeKind::Unmounted => "their disk is missing",
        NoticeKind::NameHere => "no key can hold their names",
        NoticeKind::NameThere => "keys that cannot be paths; left in the bucket",
        NoticeKind::FolderMarker => "empty folder markers of another tool",
        NoticeKind::Changed => "changed while they were compared",
        NoticeKind::Reappeared => "came back into the bucket meanwhile",
        NoticeKind::InFlight => "in flight: the other lsync has them under way",
        NoticeKind::BothInBucket => "files in the bucket with files below them",
        NoticeKind::Blocked => "something that is left alone stands in the way",
        NoticeKind::TimeTooFar => "their times are too far off to be stored",
        NoticeKind::HalfSelected => "files against folders, of which only a part is selected",
    }
}
