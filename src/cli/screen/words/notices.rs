//! Why a path is left alone or contested, in words, and what to do about it.

use crate::cli::screen::text::count;
use crate::plan::{Conflict, ConflictKind, Notice, Why};
use crate::tree::{NameFault, Unread};

/// Says why a file is not uploaded whose time no row and no object can hold.
pub(super) const TIME_TOO_FAR: &str = "the time of its last change is too far off to be stored";

/// What to do about it.
pub(super) const TIMES_HINT: &str =
    "times from 1677-09-22 to 2262-04-11 can be stored: `touch` gives it today's";

const READ_HINT: &str = "give yourself permission to read it, or name it in .lsyncignore";

/// Says why a path is left alone, in a sentence without full stop.
pub(in crate::cli) fn reason(notice: &Notice) -> String {
    let words = why(&notice.why);
    if notice.keeps_out == 0 {
        return words;
    }
    let files = count(notice.keeps_out, "file", "files");
    format!("{words}, in the way of {files} in the bucket")
}

fn why(why: &Why) -> String {
    let words = match why {
        Why::NewlyIgnored(rule) => {
            let (pattern, place) = (&rule.pattern, &rule.place);
            return format!(
                "no longer synced, by the rule {pattern:?} in {place}; both copies stay"
            );
        }
        Why::IgnoredOperand { rule, .. } => {
            return format!("ignored by the rule {:?} in {}", rule.pattern, rule.place);
        }
        Why::Unreadable(unread) => return format!("cannot be read: {}", unread_words(unread)),
        Why::Uncompared(text) | Why::Changed(text) => return text.clone(),
        Why::Unmounted(top) => return format!("the disk that was mounted at {top} is missing"),
        Why::NameHere(fault) => return fault_words(*fault),
        Why::NameThere(fault) => return format!("{fault}; left in the bucket"),
        Why::BothInBucket(other) => {
            let name = (other.as_ref())
                .map_or_else(|| "of this name".to_owned(), |name| format!("named {name}"));
            return format!("the bucket holds a file {name} and files below it, which no disk can");
        }
        Why::NewlyNested => {
            "no longer synced: it belongs to another working copy now; both copies stay"
        }
        Why::Nested => "another working copy",
        Why::Link => "a symbolic link",
        Why::Special => "no regular file",
        Why::Obstacle => "a symbolic link or special file stands there in the bucket; left alone",
        Why::FolderMarker => "an empty folder marker of another tool",
        Why::Interrupted => "interrupted",
        Why::Reappeared => "it was not in the listing, and is in the bucket now",
        Why::InFlight => "in flight: the other lsync has it under way",
        Why::Blocked => "something that is left alone stands in the way",
        Why::HalfSelected => {
            "a file on one side and a folder on the other, of which only a part is selected"
        }
        Why::TimeTooFar => TIME_TOO_FAR,
    };
    words.to_owned()
}

fn unread_words(unread: &Unread) -> String {
    match unread {
        Unread::Disk(text) => text.clone(),
        Unread::Rules(text) => format!("its ignore rules: {text}"),
        Unread::BecameOther => "it turned into something else while the folder was read".to_owned(),
    }
}

fn fault_words(fault: NameFault) -> String {
    match fault {
        NameFault::NotUnicode => "the name is no UTF-8".to_owned(),
        NameFault::Path(fault) => fault.to_string(),
        NameFault::Long { bytes, fit } => format!("the path has {bytes} bytes, {fit} fit"),
        NameFault::Changed(odd) => {
            format!("the store keeps no names with {} as they are", odd.words())
        }
    }
}

/// Says what to type or do next, where there is something.
pub(in crate::cli) fn hint(notice: &Notice) -> Option<String> {
    let hint = match &notice.why {
        _ if notice.keeps_out > 0 => "move it out of the way, or name it in .lsyncignore",
        Why::IgnoredOperand { rule, forced: true } => {
            let file = rule.place.rsplit_once(':').map_or(&*rule.place, |(file, _)| file);
            return Some(format!("take the rule out of {file}"));
        }
        Why::Unreadable(_) | Why::Uncompared(_) => READ_HINT,
        Why::Unmounted(_) => {
            "mount it; if it is gone for good, take its line out of .lsync/mounts.yaml"
        }
        Why::NameHere(_) => "rename it, or name it in .lsyncignore",
        Why::NameThere(_) => "rename it in the bucket with another tool",
        Why::Changed(_) | Why::Interrupted | Why::Reappeared => "run the command again",
        Why::BothInBucket(_) => "rename or delete one of the two in the bucket",
        Why::Blocked => "move what is ignored, linked, special or no valid name out of the way",
        Why::Obstacle if notice.incomplete => "put a file or folder in its place in the bucket",
        Why::HalfSelected => "run the command without --include and --exclude",
        Why::TimeTooFar => TIMES_HINT,
        Why::NewlyIgnored(_)
        | Why::NewlyNested
        | Why::IgnoredOperand { forced: false, .. }
        | Why::Nested
        | Why::Link
        | Why::Special
        | Why::Obstacle
        | Why::FolderMarker
        | Why::InFlight => return None,
    };
    Some(hint.to_owned())
}

/// Says how the two sides of a conflict differ.
pub(in crate::cli) fn conflict_words(kind: ConflictKind) -> &'static str {
    match kind {
        ConflictKind::BothChanged => "changed here and in the bucket",
        ConflictKind::BothCreated => "new here and in the bucket, with different contents",
        ConflictKind::DeletedHere => "deleted here, changed in the bucket",
        ConflictKind::DeletedThere => "changed here, deleted in the bucket",
        ConflictKind::FileAgainstFolder => "a file on one side, a folder on the other",
    }
}

/// Says the same with what is known of this one.
pub(in crate::cli) fn conflict(conflict: &Conflict) -> String {
    let words = conflict_words(conflict.kind);
    let moved = conflict.moved_to.as_ref();
    moved.map_or_else(|| words.to_owned(), |to| format!("{words}, perhaps moved to {to}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Rule;
    use crate::tree::{OddName, PathError, RepoPath};

    fn notice(why: Why, keeps_out: u64) -> Notice {
        Notice { path: "f".to_owned(), why, keeps_out, incomplete: true }
    }

    fn rule() -> Rule {
        Rule { place: "sub/.lsyncignore:7".to_owned(), pattern: "*.log".to_owned() }
    }

    #[track_caller]
    fn assert_words<const N: usize>(table: [(Why, &str, Option<&str>); N]) {
        for (why, words, to_do) in table {
            let notice = notice(why, 0);
            assert_eq!((&*reason(&notice), hint(&notice).as_deref()), (words, to_do));
        }
    }

    #[test]
    fn a_rule_is_named_with_its_line() {
        assert_words([
            (Why::Link, "a symbolic link", None),
            (Why::Special, "no regular file", None),
            (Why::Nested, "another working copy", None),
            (
                Why::NewlyIgnored(rule()),
                "no longer synced, by the rule \"*.log\" in sub/.lsyncignore:7; both copies stay",
                None,
            ),
            (
                Why::IgnoredOperand { rule: rule(), forced: true },
                "ignored by the rule \"*.log\" in sub/.lsyncignore:7",
                Some("take the rule out of sub/.lsyncignore"),
            ),
            (
                Why::IgnoredOperand { rule: rule(), forced: false },
                "ignored by the rule \"*.log\" in sub/.lsyncignore:7",
                None,
            ),
        ]);
    }

    #[test]
    fn notices_say_why_and_what_to_do() {
        let long = NameFault::Long { bytes: 6, fit: 5 };
        let other = RepoPath::parse("f/g").unwrap();
        assert_words([
            (
                Why::Unreadable(Unread::Disk("denied".to_owned())),
                "cannot be read: denied",
                Some(READ_HINT),
            ),
            (
                Why::Unreadable(Unread::Rules("denied".to_owned())),
                "cannot be read: its ignore rules: denied",
                Some(READ_HINT),
            ),
            (
                Why::Unreadable(Unread::BecameOther),
                "cannot be read: it turned into something else while the folder was read",
                Some(READ_HINT),
            ),
            (Why::Uncompared("an I/O error".to_owned()), "an I/O error", Some(READ_HINT)),
            (
                Why::Changed("it was changed here".to_owned()),
                "it was changed here",
                Some("run the command again"),
            ),
            (
                Why::BothInBucket(None),
                "the bucket holds a file of this name and files below it, which no disk can",
                Some("rename or delete one of the two in the bucket"),
            ),
            (
                Why::BothInBucket(Some(other)),
                "the bucket holds a file named f/g and files below it, which no disk can",
                Some("rename or delete one of the two in the bucket"),
            ),
            (
                Why::NameThere(PathError::Dots),
                "the path has a component . or ..; left in the bucket",
                Some("rename it in the bucket with another tool"),
            ),
            (
                Why::NameHere(long),
                "the path has 6 bytes, 5 fit",
                Some("rename it, or name it in .lsyncignore"),
            ),
            (
                Why::NameHere(NameFault::Changed(OddName::Backslash)),
                "the store keeps no names with a backslash as they are",
                Some("rename it, or name it in .lsyncignore"),
            ),
        ]);
    }

    #[test]
    fn one_notice_tells_how_many_files_cannot_come() {
        for (files, words) in [(1, "1 file"), (3, "3 files")] {
            let notice = notice(Why::Link, files);
            let expected = format!("a symbolic link, in the way of {words} in the bucket");
            assert_eq!(reason(&notice), expected);
            let to_do = "move it out of the way, or name it in .lsyncignore";
            assert_eq!(hint(&notice).as_deref(), Some(to_do));
        }
    }
}
