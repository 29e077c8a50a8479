//! What happens to one path, in words for people and for programs.

pub(in crate::cli) mod notices;

use std::borrow::Cow;
use std::io;

use self::notices::{TIME_TOO_FAR, TIMES_HINT};
use super::text::count;
use crate::clock::rfc3339;
use crate::monitor::{Item, ItemKind, Outcome};
use crate::plan::{Action, ActionKind};
use crate::remote::NO_ETAG_HINT;
use crate::tree::RepoPath;

/// How many characters of an ETag people are shown: no more than tells two versions apart.
const ETAG_CHARACTERS: usize = 8;

/// What there is to say of one path.
pub(in crate::cli) struct Told<'a> {
    /// The path.
    pub(in crate::cli) path: &'a str,
    /// The path that the file had before, where it moved.
    pub(in crate::cli) from: Option<&'a str>,
    /// What is done to it.
    pub(in crate::cli) action: ActionKind,
    /// It is to come to be on one side.
    pub(in crate::cli) is_new: bool,
    /// What came of it.
    pub(in crate::cli) kind: ItemKind,
    /// Bytes to transfer or transferred.
    pub(in crate::cli) bytes: u64,
    /// Why, in a sentence without full stop; may be empty.
    pub(in crate::cli) reason: String,
    /// What the store answered, for who asks for every detail.
    pub(in crate::cli) detail: Option<&'a str>,
    /// What to type next, where there is something.
    pub(in crate::cli) hint: Option<Cow<'static, str>>,
}

/// Words an action of a plan.
pub(in crate::cli) fn planned(action: &Action) -> Told<'_> {
    let mut reason = match action.kind {
        ActionKind::Upload if action.moved_from().is_some() => "renamed here".to_owned(),
        ActionKind::Upload | ActionKind::Download if action.is_new() => "new".to_owned(),
        ActionKind::Upload | ActionKind::Download => "changed".to_owned(),
        ActionKind::Adopt => "equal on both sides".to_owned(),
        ActionKind::Forget if action.goes_with_folder() => "goes with its folder".to_owned(),
        ActionKind::Forget => "no longer followed".to_owned(),
        ActionKind::MoveLocal => "renamed in the bucket".to_owned(),
        ActionKind::DeleteLocal => "not in the bucket".to_owned(),
        ActionKind::DeleteRemote => "not here".to_owned(),
        ActionKind::ReplaceFolder => {
            let files = count(action.folder().len() as u64, "file", "files");
            format!("a file takes the place of a folder with {files}")
        }
        ActionKind::KeepBoth => {
            let whose = if action.local.is_some() { "ours" } else { "theirs" };
            action.copy().map_or_else(String::new, |copy| format!("{whose} becomes {copy}"))
        }
    };
    if let Some(row) = action.origin().filter(|_| action.moved_from().is_none()) {
        reason.push_str(", like ");
        reason.push_str(row.path.as_str());
    }
    if action.unknown_loser {
        reason.push_str(", the other version is kept");
    }
    Told {
        path: action.path.as_str(),
        from: action.moved_from().map(RepoPath::as_str),
        action: action.deed(),
        is_new: action.is_new() && matches!(action.kind, ActionKind::Upload | ActionKind::Download),
        kind: ItemKind::AsPlanned,
        bytes: action.bytes(),
        reason,
        detail: None,
        hint: None,
    }
}

/// Words what came of an action, for people.
pub(in crate::cli) fn told(item: &Item) -> Told<'_> {
    with_etag(item, shortened)
}

/// Words what came of an action, for programs: nothing is shortened.
pub(in crate::cli) fn told_whole(item: &Item) -> Told<'_> {
    with_etag(item, |etag| etag.into())
}

fn with_etag(item: &Item, etag: impl Fn(&str) -> Cow<'_, str>) -> Told<'_> {
    let kind = item.outcome.kind();
    let mut hint = hint_of(kind).map(Cow::Borrowed);
    let mut detail = None;
    let reason = match &item.outcome {
        Outcome::AsPlanned => String::new(),
        Outcome::Copied(from) => format!("copied from {from} in the bucket"),
        Outcome::Replaced { token, modified, kept } => {
            let verb = if item.action == ActionKind::Upload { "replaced" } else { "deleted" };
            let kept = if *kept { "kept in the trash" } else { "not kept" };
            format!("{verb} {} of {}, {kept}", etag(&token.text()), rfc3339(*modified))
        }
        Outcome::AwaitsMove => "stays until the file is stored under its new name".to_owned(),
        Outcome::Ignored { place, pattern } => {
            format!("ignored by the rule {pattern:?} in {place}")
        }
        Outcome::RulesMissing(rules) => {
            format!("the new rules of {rules} are not in place, and may ignore it")
        }
        Outcome::Failed { error, detail: answer, in_trash, .. } => {
            detail = answer.as_deref();
            if let Some(operand) = in_trash {
                hint = Some(Cow::Owned(format!("lsync trash restore {operand}")));
            }
            if kind == ItemKind::TimeTooFar { TIME_TOO_FAR.to_owned() } else { error.clone() }
        }
    };
    let (path, action, bytes) = (item.path.as_str(), item.action, item.bytes);
    let from = item.from.as_ref().map(RepoPath::as_str);
    Told { path, from, action, is_new: false, kind, bytes, reason, detail, hint }
}

fn shortened(etag: &str) -> Cow<'_, str> {
    match etag.char_indices().nth(ETAG_CHARACTERS) {
        None => etag.into(),
        Some((end, _)) => format!("{}…", &etag[..end]).into(),
    }
}

/// Returns what a person can do about a failure of this kind, where that is known.
fn hint_of(kind: ItemKind) -> Option<&'static str> {
    if kind.fails_again() { remedy(kind) } else { repetition(kind) }
}

/// Returns which command does what a run could not, where nobody has to do anything else before.
fn repetition(kind: ItemKind) -> Option<&'static str> {
    match kind {
        ItemKind::ChangedHere | ItemKind::ChangedThere | ItemKind::RulesMissing => {
            Some("run the same command again")
        }
        ItemKind::FolderKept => Some(
            "run the same command again in some minutes: the folder is empty, and such stores let go \
             of it by and by",
        ),
        _ => None,
    }
}

/// Returns what has to be done before another run can help.
fn remedy(kind: ItemKind) -> Option<&'static str> {
    match kind {
        ItemKind::ChangedUnseen => Some("`lsync sync` looks at the bucket"),
        ItemKind::TimeTooFar => Some(TIMES_HINT),
        ItemKind::NameRefused => Some("rename it, or name it in .lsyncignore"),
        ItemKind::StoreContradicts => {
            Some("tell whoever runs the store: `--verbose` shows its whole answer")
        }
        ItemKind::StoreTooLarge => Some(
            "name it in .lsyncignore; if the store has learnt to take parts since, `lsync init` on the \
             same bucket finds it",
        ),
        ItemKind::StoreNoEtag => Some(NO_ETAG_HINT),
        ItemKind::Respelled => Some("rename it in the bucket to a name that this disk keeps"),
        ItemKind::Folded => {
            Some("rename one of the two, in the bucket or here: other disks hold both")
        }
        ItemKind::GroupLost => {
            Some("have yourself added to its group, or give it to one of yours (`chgrp`)")
        }
        ItemKind::AccessListLost => {
            Some("remove its access list (`setfacl -b`) if nobody needs it")
        }
        ItemKind::Disk(io::ErrorKind::PermissionDenied) => {
            Some("give yourself permission to it, or name it in .lsyncignore")
        }
        ItemKind::StoreFull => Some(
            "make room on the bucket's disk, or have the quota raised, then run the same command \
             again",
        ),
        ItemKind::StoreArchived => {
            Some("restore the object from the archive first, with another tool")
        }
        ItemKind::Disk(io::ErrorKind::StorageFull) => {
            Some("make room on this disk, then run the same command again")
        }
        ItemKind::Disk(io::ErrorKind::InvalidFilename) => {
            Some("rename it in the bucket to a name that this disk takes")
        }
        ItemKind::Disk(io::ErrorKind::ReadOnlyFilesystem) => {
            Some("have the disk mounted for writing, or name it in .lsyncignore")
        }
        ItemKind::Disk(io::ErrorKind::FileTooLarge) => Some(
            "raise the limit of the shell (`ulimit -f`), or use a disk that takes files of this size",
        ),
        _ => None,
    }
}
