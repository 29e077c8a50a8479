//! Tests of the pure core, cell by cell: the decision table, clashes, markers, laws, random trees.
//!
//! A scene is a text, `path local remote`, with `|` between paths:
//!
//! ```text
//! local    = as the base    ~ touched    M modified    D deleted    C no base    0 nothing, ever
//!          L link    S special    X unreadable    N nested    I ignored    i ignored, not here
//!          F cannot be read when it is compared
//! remote   = as the base    M modified   D deleted     C no base    0 nothing, ever
//!          E changed or new, with the contents that are here        ? nobody knows
//! ```
//! `path/` is the marker of a folder. What is marked has a base if the remote side is `=`, `M` or
//! `D`.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test may leave the rest unsaid")]

mod cells;
mod clashes;
mod laws;
mod markers;
mod moves;
mod options;
mod parents;
mod random;
mod unstorable;
mod values;

use std::collections::HashMap;
use std::sync::Arc;

use super::{Action, ActionKind, Direction, Examined, Plan, PlanBuilder, PlanOptions, Stage, need};
use crate::plan::Why;
use crate::tree::{
    BaseRow, Comparison, Content, Kind, Local, LocalEntry, LocalState, Marker, Merge, Merged,
    OutOfOrder, RemoteEntry, RepoPath, Row, Signature, Stat, Step, Token, Unread, Version,
};

/// The directions in the order of the table's columns.
const DIRECTIONS: [Direction; 7] = [
    Direction::Sync,
    Direction::Push,
    Direction::Pull,
    Direction::ForcedPush,
    Direction::ForcedPull,
    Direction::MirrorPull,
    Direction::MirrorPush,
];

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

fn options(direction: Direction) -> PlanOptions {
    PlanOptions {
        direction,
        implicit_force: false,
        file_beside_folder: true,
        no_delete: false,
        limit: None,
    }
}

fn signature(time: i64) -> Signature {
    Signature { size: 10, mtime: time, ctime: time, inode: 1 }
}

fn stat(time: i64) -> Stat {
    let kind = Kind::File;
    Stat { kind, size: 10, mtime: time, ctime: time, inode: 1, device: 1, mode: 0o644 }
}

fn version(etag: &str) -> Version {
    Version { token: Token::new(etag), size: 10 }
}

/// One path of a scene.
struct Place {
    path: RepoPath,
    folder: bool,
    local: char,
    remote: char,
}

impl Place {
    fn parse(text: &str) -> Self {
        let words: Vec<_> = text.split_whitespace().collect();
        let [name, local, remote] = words[..] else { panic!("{text:?} is no place") };
        let symbol = |word: &str| word.chars().next().unwrap();
        Self {
            path: path(name.trim_end_matches('/')),
            folder: name.ends_with('/'),
            local: symbol(local),
            remote: symbol(remote),
        }
    }

    fn local_entry(&self) -> Option<LocalEntry> {
        let marker = match self.local {
            '=' => return Some(self.file(1)),
            '~' | 'M' | 'C' | 'F' => return Some(self.file(2)),
            'D' | '0' | 'i' => return None,
            'L' => Marker::Link,
            'S' => Marker::Special,
            'X' => Marker::Unreadable(Unread::Disk("permission denied".to_owned())),
            'N' => Marker::Nested,
            'I' => ignored(),
            other => panic!("{other:?} is no local side"),
        };
        let state = LocalState::Marked { folder: self.folder, marker: Arc::new(marker) };
        Some(LocalEntry { path: self.path.clone(), state })
    }

    fn file(&self, time: i64) -> LocalEntry {
        LocalEntry { path: self.path.clone(), state: LocalState::File(stat(time)) }
    }

    fn base_row(&self) -> Option<BaseRow> {
        let tracked = match (self.local, self.remote) {
            ('=' | '~' | 'M' | 'D', _) | (_, '=' | 'M' | 'D') => true,
            (_, _) => false,
        };
        tracked.then(|| {
            let content = Content::of_size(10).with_crc64(Some(1));
            BaseRow::plain(self.path.clone(), signature(1), Token::new("base"), content)
        })
    }

    fn remote_entry(&self) -> Option<RemoteEntry> {
        let etag = match self.remote {
            '=' => "base",
            'M' | 'C' | 'E' | '?' => "new",
            'D' | '0' => return None,
            other => panic!("{other:?} is no remote side"),
        };
        Some(RemoteEntry { path: self.path.clone(), version: version(etag), modified: 5 })
    }

    fn examine(&self, row: &Row) -> Examined {
        let Local::File(stat) = row.local else { return Examined::NotNeeded };
        if !need(row).is_any() {
            return Examined::NotNeeded;
        }
        if self.local == 'F' {
            return Examined::Failed(Why::Uncompared("an I/O error".to_owned()));
        }
        let to_base = if self.local == '~' { Comparison::Same } else { Comparison::Different };
        let to_remote = match self.remote {
            'E' => Comparison::Same,
            '?' => Comparison::Unknown,
            _ => Comparison::Different,
        };
        let content = Content::of_size(10).with_crc64(Some(2));
        Examined::Compared { to_base, to_remote, stat, content }
    }
}

fn ignored() -> Marker {
    Marker::Ignored { place: ".lsyncignore:1".to_owned(), pattern: "*.log".to_owned() }
}

/// Takes a scene through the real merge, up to the finish.
fn builder_of(options: PlanOptions, scene: &str) -> PlanBuilder {
    let mut places: Vec<_> = scene.split('|').map(Place::parse).collect();
    places.sort_by_key(|place| {
        let slash = if place.folder { "/" } else { "" };
        format!("{}{slash}", place.path)
    });
    let by_path: HashMap<_, _> =
        places.iter().filter(|it| !it.folder).map(|it| (it.path.clone(), it)).collect();
    let local = places.iter().filter_map(Place::local_entry).map(Ok::<_, OutOfOrder>);
    let base = places.iter().filter(|it| !it.folder).filter_map(Place::base_row).map(Ok);
    let remote = places.iter().filter(|it| !it.folder).filter_map(Place::remote_entry);
    let mut merge = Merge::new(local, base);
    merge.feed(remote, false);
    let mut builder = PlanBuilder::new(options);
    let examine =
        |row: &Row| by_path.get(&row.path).map_or(Examined::NotNeeded, |it| it.examine(row));
    let ignore = |row: &mut Row| {
        if by_path.get(&row.path).is_some_and(|it| it.local == 'i') && row.local == Local::Absent {
            row.local = Local::Marked { marker: Arc::new(ignored()), here: false };
        }
    };
    loop {
        match merge.step().unwrap() {
            Step::Item(Merged::Row(mut row)) => {
                ignore(&mut row);
                builder.row(&row, &examine(&row));
            }
            Step::Item(Merged::Clash(mut clash)) => {
                ignore(&mut clash.top);
                clash.below.iter_mut().for_each(ignore);
                let examined = clash.rows().map(|row| (row.path.clone(), examine(row)));
                let examined: HashMap<_, _> = examined.collect();
                builder.clash(&clash, |path| examined[path].clone());
            }
            Step::NeedRemote => panic!("the listing is complete"),
            Step::Done => break,
        }
    }
    builder.set_tracked(places.iter().filter_map(Place::base_row).count() as u64);
    builder
}

fn plan_with(options: PlanOptions, scene: &str) -> Plan {
    builder_of(options, scene).finish()
}

fn plan(direction: Direction, scene: &str) -> Plan {
    plan_with(options(direction), scene)
}

/// Writes an action in the words of the table; `!` marks a loser that the base does not know, `+` a
/// creation.
fn verb(action: &Action) -> String {
    let name = match action.kind {
        ActionKind::Adopt => return "ADOPT".to_owned(),
        ActionKind::Forget => return "drop".to_owned(),
        ActionKind::Upload => "PUT",
        ActionKind::Download => "GET",
        ActionKind::MoveLocal => "MOVE",
        ActionKind::DeleteLocal => "TRASH",
        ActionKind::DeleteRemote => "DEL",
        ActionKind::ReplaceFolder => "SWAP",
        ActionKind::KeepBoth => "BOTH",
    };
    let creates = match action.kind {
        ActionKind::Upload => action.remote.is_none(),
        ActionKind::Download => action.local.is_none(),
        _ => false,
    };
    let condition = match (creates, action.unknown_loser) {
        (true, true) => "+!",
        (true, false) => "+",
        (false, true) => "!",
        (false, false) => "=",
    };
    format!("{name}{condition}")
}

/// Writes a plan as one line: actions in their order, then conflicts, then notices.
fn show(plan: &Plan) -> String {
    let stage = |stage| match stage {
        Stage::Rules => "rules ",
        Stage::Aside => "aside ",
        Stage::Room => "room ",
        Stage::Main => "",
        Stage::Last => "last ",
    };
    let actions = plan.actions.iter();
    let actions = actions.map(|it| format!("{}{} {}", stage(it.stage), verb(it), it.path.as_str()));
    let conflicts = plan.conflicts.iter().map(|it| format!("CONF {} {}", it.kind.word(), it.path));
    let notices = plan.notices.iter().map(|it| {
        format!(
            "{} {}{}",
            it.kind().word(),
            it.path,
            if it.incomplete { " incomplete" } else { "" }
        )
    });
    actions.chain(conflicts).chain(notices).collect::<Vec<_>>().join(", ")
}
